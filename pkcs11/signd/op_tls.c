// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <openssl/sha.h>

#include "base/own.h"
#include "signd/checked.h"
#include "signd/tls_shape.h"

/* SignatureScheme (RFC 8446 4.2.3), all with SHA-256. */
static const struct scheme {
	uint32_t num;
	enum token_kind kind;
	enum signd_mech mech;
} schemes[] = {
	{ 0x0403, TOKEN_P256, SIGND_ECDSA },
	{ 0x0804, TOKEN_RSA3072, SIGND_RSA_PSS },
	{ 0x0401, TOKEN_RSA3072, SIGND_RSA_PKCS1 },
};

static const struct scheme *
scheme_find(uint32_t num, const struct key *k)
{
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (schemes[i].num == num && schemes[i].kind == k->kind)
			return &schemes[i];
	return NULL;
}

/* A wrong ECDSA signature, of a fresh secret each, ends a handshake, which is
 * all that it does; a wrong one of RSA can tell the key. */
static enum q_err
sign(struct signd *s, const struct key *k, const struct scheme *scheme,
    struct bytes digest, struct buf *raw, struct fault *f)
{
	struct sign_shape shape;
	enum q_err r;

	if (scheme->mech == SIGND_ECDSA)
		return worker_sign(signd_worker(s, k), k->id, TOKEN_ECDSA,
		    digest, raw, f);
	r = sign_shape_make(scheme->mech, digest, &shape, f);
	return r == Q_OK ? checked_sign(s, k, &shape, raw, f) : r;
}

enum q_err
signd_do_sign_tls(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct signd_sign_tls_req *in = req;
	struct signd_sign_tls_rsp *out = rsp;
	AUTO_BUF struct buf raw = BUF_INIT(TOKEN_SIG_MAX);
	AUTO_RING struct keyring *ring = NULL;
	uint8_t digest[32];
	struct buf *space = wire_req_space(q);
	const struct key_use_ask ask = { .what = "sign_tls",
		.purposes = 1u << PURPOSE_TLS_DEVICE |
		    1u << PURPOSE_TLS_ADMIN | 1u << PURPOSE_TLS_COMPANY,
		.role = wire_req_role(q), .uid = wire_req_uid(q) };
	const struct scheme *scheme;
	struct signd *s = ctx;
	const struct key *k;
	enum q_err r = signd_ring(s, true, &ring, f);

	if (r != Q_OK)
		return r;
	k = keyring_find(ring, in->key);
	if (k == NULL)
		return fault_set(f, Q_NOTFOUND, "no key %.16s", in->key);
	r = signd_use(s, k, &ask, f);
	if (r != Q_OK)
		return r;
	scheme = scheme_find(in->scheme, k);
	if (scheme == NULL)
		return fault_set(f, Q_INVALID,
		    "scheme 0x%04x does not fit the key", in->scheme);
	if (!tls_shape_good(in->message))
		return fault_set(f, Q_INVALID,
		    "message: not what a TLS server signs");
	SHA256(in->message.p, in->message.len, digest);
	r = sign(s, k, scheme, (struct bytes){ digest, sizeof(digest) }, &raw,
	    f);
	if (r != Q_OK)
		return r;
	signd_used(k, 1);
	if (scheme->mech == SIGND_ECDSA && raw.len == 64)
		ecdsa_sig_put(space, raw.p);
	else
		buf_put(space, raw.p, raw.len);
	out->signature = buf_bytes(space);
	return Q_OK;
}
