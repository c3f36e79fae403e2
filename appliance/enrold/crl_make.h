// SPDX-License-Identifier: Apache-2.0
#ifndef ENROLD_CRL_MAKE_H
#define ENROLD_CRL_MAKE_H

/* One revocation list from the revset, signed by signd. */

#include "enrold/core.h"
#include "x509/crl.h"

struct crl_list {
	struct buf der;		/* len 0: none yet */
	uint64_t number;
	int64_t this_update, next_update;
};

struct crl_wish {
	const struct pki_cert *ca;
	uint64_t number;
	int64_t last_update;	/* of the list before */
	uint32_t after;		/* entries behind this mark of the revset */
	uint64_t base;		/* a delta on the list of this number, or 0 */
	const char *freshest_url; /* or NULL */
};

/* ret_list->der is the caller's: buf_free it. *ret_mark is `after` for what
 * comes later than this list. */
enum q_err crl_make(struct core *core, const struct crl_wish *wish,
    struct crl_list *ret_list, uint32_t *ret_mark,
    struct fault *f) Q_CHECKED;

#endif
