// SPDX-License-Identifier: Apache-2.0
#ifndef SIGND_SIGN_SHAPE_H
#define SIGND_SIGN_SHAPE_H

/*
 * What keys of people sign: digests of known hashes and nothing else, in the
 * form that PKCS #11 has for the mechanism.
 */

#include "base/buf.h"
#include "signer/signd_ops.h"
#include "token/token_ops.h"

struct evp_pkey_st;

#define SIGN_DATA_MAX 128

struct sign_shape {
	uint32_t mech;	/* enum signd_mech */
	uint32_t hash;	/* bits; 0: not known, of ECDSA */
	uint32_t salt;	/* bytes */
	enum token_mech token;
	size_t len, digest_len;
	uint8_t data[SIGN_DATA_MAX];	/* for the token */
};

/* The digest at the end of its data. */
static inline struct bytes
sign_shape_digest(const struct sign_shape *s)
{
	return (struct bytes){ s->data + s->len - s->digest_len,
		s->digest_len };
}

/* From a request of PKCS #11's form. ECDSA: a digest of 20 to 64 bytes. PKCS
 * #1: the DigestInfo of SHA-1, -256, -384 or -512 (RFC 8017 9.2, parameters
 * NULL). PSS: a digest of 256, 384 or 512 bits, salt as long as it. INVALID
 * for all else. */
enum q_err sign_shape_parse(const struct signd_code_sign_req *in,
    struct sign_shape *ret_shape, struct fault *f) Q_CHECKED;

/* For a digest of 256, 384 or 512 bits. INVALID. */
enum q_err sign_shape_make(uint32_t mech, struct bytes digest,
    struct sign_shape *ret_shape, struct fault *f) Q_CHECKED;

/* Whether the token's signature is one. SIGNATURE. */
enum q_err sign_shape_verify(const struct sign_shape *shape,
    struct evp_pkey_st *pkey, struct bytes signature) Q_CHECKED;

/* "ecdsa", "rsa-pkcs1 sha-256", "rsa-pss sha-256 salt 32". */
void sign_shape_text(const struct sign_shape *shape, char out[40]);

#endif
