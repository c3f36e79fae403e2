// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <string.h>

#include "base/own.h"
#include "signd/signd.h"

static const struct {
	const char *name;
	uint32_t seal, unseal; /* roles */
} purposes[] = {
#define X(name, who_seals, who_unseals, text) { name, who_seals, who_unseals },
	SIGND_PURPOSES(X)
#undef X
};

static enum q_err
purpose_check(const char *name, uint32_t role, bool unseal, struct fault *f)
{
	for (size_t i = 0; i < ARRAY_LEN(purposes); i++) {
		if (strcmp(purposes[i].name, name) != 0)
			continue;
		if (((unseal ? purposes[i].unseal : purposes[i].seal) &
		    role) != 0)
			return Q_OK;
		return fault_set(f, Q_DENIED, "%s of %s is not for role %s",
		    unseal ? "unseal" : "seal", name, role_name(role));
	}
	return fault_set(f, Q_INVALID, "unknown purpose %.15s", name);
}

/* What the secret is bound to; also keeps it apart from the keyring's. */
static void
aad_put(struct buf *out, const char *purpose, const char *context)
{
	static const char head[] = "quoin secret";

	buf_put(out, head, sizeof(head));
	buf_put(out, purpose, strlen(purpose) + 1);
	buf_puts(out, context);
}

static enum q_err
seal_key(struct signd *s, struct keyring **ret_ring, const struct key **ret,
    struct fault *f)
{
	enum q_err r = signd_ring(s, true, ret_ring, f);

	if (r == Q_OK)
		*ret = keyring_active(*ret_ring, PURPOSE_SEAL, "");
	return r;
}

enum q_err
signd_do_seal(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct signd_seal_req *in = req;
	struct signd_seal_rsp *out = rsp;
	AUTO_RING struct keyring *ring = NULL;
	AUTO_BUF struct buf aad = BUF_INIT(TOKEN_AAD_MAX);
	struct signd *s = ctx;
	const struct key *k;
	enum q_err r = purpose_check(in->purpose, wire_req_role(q), false, f);

	if (r == Q_OK)
		r = seal_key(s, &ring, &k, f);
	if (r != Q_OK)
		return r;
	aad_put(&aad, in->purpose, in->context);
	r = worker_seal(signd_worker(s, k), k->id, buf_bytes(&aad), in->secret,
	    wire_req_space(q), f);
	atomic_fetch_add(&k->use->count, 1);
	out->sealed = buf_bytes(wire_req_space(q));
	return r;
}

enum q_err
signd_do_unseal(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct signd_unseal_req *in = req;
	struct signd_unseal_rsp *out = rsp;
	AUTO_RING struct keyring *ring = NULL;
	AUTO_BUF struct buf aad = BUF_INIT(TOKEN_AAD_MAX);
	struct signd *s = ctx;
	const struct key *k;
	enum q_err r = purpose_check(in->purpose, wire_req_role(q), true, f);

	if (r == Q_OK)
		r = seal_key(s, &ring, &k, f);
	if (r != Q_OK)
		return r;
	aad_put(&aad, in->purpose, in->context);
	r = worker_unseal(signd_worker(s, k), k->id, buf_bytes(&aad), in->sealed,
	    wire_req_space(q), f);
	atomic_fetch_add(&k->use->count, 1);
	if (r != Q_OK && r != Q_UNAVAIL)
		return fault_set(f, Q_SIGNATURE, "sealed: was changed, or "
		    "sealed for another purpose or context");
	out->secret = buf_bytes(wire_req_space(q));
	return r;
}
