// SPDX-License-Identifier: Apache-2.0
#ifndef WEBD_ADMINTLS_H
#define WEBD_ADMINTLS_H

/* The certificate that the administration's port shows: the appliance's own,
 * or the company's for a key that stays in the token. */
#include "webd/web.h"

struct admintls {
	struct buf chain; /* PEM, the certificate first: buf_free it */
	struct buf leaf; /* that one, DER: buf_free it */
	char key[SIGND_ID_LEN + 1]; /* in the token */
};

/* What the port shall show now. UNAVAIL while signd is away or has none. */
enum q_err admintls_current(struct web *w, struct admintls *ret_tls,
    struct fault *f) Q_CHECKED;
void admintls_free(struct admintls *t);

#endif
