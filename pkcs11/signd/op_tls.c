// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <openssl/sha.h>
#include <string.h>

#include "base/own.h"
#include "signd/signd.h"
#include "signd/tls_shape.h"

/* DigestInfo of SHA-256 (RFC 8017 9.2). */
static const uint8_t digest_info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09,
	0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
	0x04, 0x20 };

/* SignatureScheme (RFC 8446 4.2.3), all with SHA-256. */
static const struct scheme {
	uint32_t num;
	enum token_kind kind;
	enum token_mech mech;
} schemes[] = {
	{ 0x0403, TOKEN_P256, TOKEN_ECDSA },
	{ 0x0804, TOKEN_RSA3072, TOKEN_RSA_PSS },
	{ 0x0401, TOKEN_RSA3072, TOKEN_RSA_PKCS1 },
};

static const struct scheme *
scheme_find(uint32_t num, const struct key *k)
{
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (schemes[i].num == num && schemes[i].kind == k->kind)
			return &schemes[i];
	return NULL;
}

enum q_err
signd_do_sign_tls(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct signd_sign_tls_req *in = req;
	struct signd_sign_tls_rsp *out = rsp;
	AUTO_BUF struct buf raw = BUF_INIT(TOKEN_SIG_MAX);
	AUTO_RING struct keyring *ring = NULL;
	uint8_t data[sizeof(digest_info) + 32];
	uint8_t *digest = data + sizeof(digest_info);
	struct buf *space = wire_req_space(q);
	const struct key_use_ask ask = { .what = "sign_tls",
		.purposes = 1u << PURPOSE_TLS_DEVICE |
		    1u << PURPOSE_TLS_ADMIN,
		.role = wire_req_role(q), .uid = wire_req_uid(q) };
	const struct scheme *scheme;
	struct signd *s = ctx;
	struct bytes what = { digest, 32 };
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
	if (scheme->mech == TOKEN_RSA_PKCS1) {
		memcpy(data, digest_info, sizeof(digest_info));
		what = (struct bytes){ data, sizeof(data) };
	}
	r = worker_sign(signd_worker(s, k), k->id, scheme->mech, what, &raw, f);
	if (r != Q_OK)
		return r;
	signd_used(k, 1);
	if (scheme->mech == TOKEN_ECDSA && raw.len == 64)
		ecdsa_sig_put(space, raw.p);
	else
		buf_put(space, raw.p, raw.len);
	out->signature = buf_bytes(space);
	return Q_OK;
}
