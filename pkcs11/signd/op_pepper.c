// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "base/own.h"
#include "signd/signd.h"

enum q_err
signd_do_pepper(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct signd_pepper_req *in = req;
	const struct key_use_ask ask = { .what = "pepper",
		.purposes = 1u << PURPOSE_PEPPER, .role = wire_req_role(q),
		.uid = wire_req_uid(q) };
	struct signd_pepper_rsp *out = rsp;
	AUTO_RING struct keyring *ring = NULL;
	struct signd *s = ctx;
	const struct key *k;
	enum q_err r;

	if (in->data.len != SIGND_PEPPER_LEN)
		return fault_set(f, Q_INVALID, "data: not %d bytes",
		    SIGND_PEPPER_LEN);
	r = signd_own_key(s, PURPOSE_PEPPER, TOKEN_HMAC256, ask.uid, &ring, f);
	if (r != Q_OK)
		return r;
	k = keyring_own_key(ring, PURPOSE_PEPPER, TOKEN_HMAC256);
	r = signd_use(s, k, &ask, f);
	if (r == Q_OK)
		r = worker_sign(signd_worker(s, k), k->id, TOKEN_HMAC,
		    in->data, wire_req_space(q), f);
	if (r == Q_OK)
		signd_used(k, 1);
	out->mac = buf_bytes(wire_req_space(q));
	if (r == Q_OK && out->mac.len != SIGND_PEPPER_LEN)
		r = fault_set(f, Q_INTERNAL, "token: a MAC of %zu bytes",
		    out->mac.len);
	return r;
}
