// SPDX-License-Identifier: Apache-2.0
#ifndef X509_CRL_CHECK_H
#define X509_CRL_CHECK_H

/* The look at a TBSCertList before a CA key signs it, apart from the code
 * that builds one; and the same walk over a signed CRL. */

#include "base/buf.h"
#include "base/err.h"
#include "x509/crl.h"

/* All borrowed. */
struct crl_expect {
	enum sig_alg alg;
	struct bytes issuer;	/* Name, DER */
	struct bytes issuer_ski;
	uint64_t last_number;	/* the CRL's must be above it */
	int64_t now;
	int64_t max_backdate;	/* this_update >= now - this, <= now */
	int64_t max_validity;	/* next_update - this_update <= this */
	int64_t issuer_not_after; /* next_update <= this */
	const char *idp_url;	/* exactly; NULL: no name in the IDP */
	bool only_users;
	bool delta;		/* may be a delta CRL, too: see info.base */
	const char *freshest_url; /* what freshestCRL says if it is there;
				   * NULL: it must not be */
};

struct crl_info {
	uint64_t number;
	uint64_t base;		/* of a delta CRL; 0: it is a full one */
	uint64_t entries;
	int64_t this_update, next_update;
};

/* Sees every entry; an error ends the walk with it. */
typedef enum q_err (*crl_each)(void *arg, const struct crl_entry *entry);

/* INVALID with the rule that is broken; PROTO when it is no such DER. Each
 * entry: 16-octet serial, ascending, date not after this_update, nothing
 * but a known reason. each and ret_info may be NULL. */
enum q_err crl_check_tbs(struct bytes tbs, const struct crl_expect *want,
    crl_each each, void *arg, struct crl_info *ret_info,
    struct fault *f) Q_CHECKED;

/* Take a signed CRL apart and verify it with its issuer's key. ret_tbs is
 * borrowed from der. */
enum q_err crl_open(struct bytes der, struct bytes issuer_spki,
    struct bytes *ret_tbs, struct fault *f) Q_CHECKED;

#endif
