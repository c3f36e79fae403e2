// SPDX-License-Identifier: Apache-2.0
#ifndef RECORDS_ACCESS_H
#define RECORDS_ACCESS_H

/*
 * Who may enrol beyond the DeviceIDs that were loaded: Auth Certs (guide 9.1)
 * and tokens (9.2), as people make and remove them, the same from the command
 * line and from the web.
 */

#include "records/actions.h"

struct x509_st;

#define REC_AUTH_CERTS_MAX 256
#define REC_TOKEN_VALUE 32 /* letters and digits: 190 bits */

/* Whether a manufacturer's CA may have this key: RSA of 2048 bits and more,
 * P-256, P-384, P-521. The level of security is OpenSSL's to check. */
bool rec_auth_key_fits(struct x509_st *x);

/*
 * Import a manufacturer's CA: pem holds one certificate. Set in *rec are the
 * name ("": its common name), the batch and the two flags; the rest is filled
 * in, the certificate before anything else is looked at. A batch is needed
 * unless the DeviceIDs must be there already and no token is required.
 * INVALID for what is no CA's certificate, has too weak a key or signature or
 * has ended; EXISTS for a certificate or a name that is there; NOTFOUND for a
 * batch that is not; TOOBIG.
 */
enum q_err rec_auth_cert_add(struct wire_client *c, struct bytes pem,
    struct rec_auth_cert *rec, const struct rec_actor *by,
    struct fault *f) Q_CHECKED;

/* By its name or its id. NOTFOUND. */
enum q_err rec_auth_cert_find(struct wire_client *c, const char *name,
    struct rec_auth_cert *ret_rec, struct fault *f) Q_CHECKED;

/* From now on nobody enrols by it; what was enrolled stays. */
enum q_err rec_auth_cert_remove(struct wire_client *c, const char *name,
    const struct rec_actor *by, struct fault *f) Q_CHECKED;

/* How a token's value is sealed: by signd, with purpose "token" and this
 * context; appended to sealed. */
struct rec_sealer {
	enum q_err (*seal)(void *ctx, const char *context,
	    struct bytes secret, struct buf *sealed, struct fault *f);
	void *ctx;
};

/*
 * Make a token: *t has its name, batch and dates, both at 00:00 UTC, valid
 * from not_before up to the second before not_after. The value is the
 * caller's to show, and to wipe. EXISTS, INVALID, NOTFOUND for a batch that
 * is not; errors of seal.
 */
enum q_err rec_token_create(struct wire_client *c, struct rec_token *t,
    const struct rec_sealer *sealer, const struct rec_actor *by,
    char ret_value[REC_TOKEN_VALUE + 1], struct fault *f) Q_CHECKED;

/* What a sealed value's context is. */
#define REC_TOKEN_CONTEXT (sizeof("token/") + REC_KEY_MAX)
void rec_token_context(const char *name, char ret[REC_TOKEN_CONTEXT]);

/* It opens nothing from now on. NOTFOUND. */
enum q_err rec_token_remove(struct wire_client *c, const char *name,
    const struct rec_actor *by, struct fault *f) Q_CHECKED;

#endif
