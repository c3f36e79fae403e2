// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <openssl/sha.h>

#include "base/own.h"
#include "signd/cmp_shape.h"
#include "signd/checked.h"
#include "signd/signd.h"

enum q_err
signd_do_sign_cmp(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct signd_sign_cmp_req *in = req;
	struct signd_sign_cmp_rsp *out = rsp;
	AUTO_BUF struct buf raw = BUF_INIT(TOKEN_SIG_MAX);
	AUTO_RING struct keyring *ring = NULL;
	const struct key_use_ask ask = { .what = "sign_cmp",
		.purposes = 1u << PURPOSE_CMP, .role = wire_req_role(q),
		.uid = wire_req_uid(q) };
	uint8_t digest[SHA256_DIGEST_LENGTH];
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
	if (!cmp_shape_good(in->message, k->cert.subject))
		return fault_set(f, Q_INVALID, "message: not what a CMP "
		    "server of this name signs");
	SHA256(in->message.p, in->message.len, digest);
	r = checked_sign_many(s, k, (struct bytes){ digest, sizeof(digest) },
	    &raw, f);
	if (r != Q_OK)
		return r;
	signd_used(k, 1);
	ecdsa_sig_put(wire_req_space(q), raw.p);
	out->signature = buf_bytes(wire_req_space(q));
	return Q_OK;
}
