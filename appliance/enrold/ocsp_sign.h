// SPDX-License-Identifier: Apache-2.0
#ifndef ENROLD_OCSP_SIGN_H
#define ENROLD_OCSP_SIGN_H

/*
 * Signatures of the OCSP responders. Requests that come at the same time go
 * to signd in one call: who comes first takes along what waits. Few calls
 * are under way at a time and so many may wait, so that strangers who ask
 * leave enrolment its share.
 */

#include "base/conf.h"
#include "signer/signer.h"
#include "x509/ocsp.h"

/* One ResponseData of a CA and, when it is signed, its signature. */
struct ocsp_sig {
	char issuer[SIGND_ID_LEN + 1];
	struct bytes tbs;
	size_t len;
	uint8_t sig[OCSP_SIG_MAX];
};

struct ocsp_signer;

enum q_err ocsp_signer_new(const struct conf *conf,
    struct ocsp_signer **ret_signer) Q_CHECKED;
void ocsp_signer_free(struct ocsp_signer *s);

/* Sign one, together with others. INVALID when signd does not take it: its
 * responder is another by now. UNAVAIL while signd is away. */
enum q_err ocsp_sign(struct ocsp_signer *s, struct ocsp_sig *sig,
    struct fault *f) Q_CHECKED;

/* Sign up to SIGND_OCSP_ITEMS of one CA, in a call of their own. */
enum q_err ocsp_sign_batch(struct ocsp_signer *s, struct ocsp_sig *const *sigs,
    size_t n, struct fault *f) Q_CHECKED;

#endif
