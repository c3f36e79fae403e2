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

/* The sealing key, for who may use it for that. */
static enum q_err
seal_key(struct signd *s, const struct wire_req *q, const char *purpose,
    bool unseal, struct keyring **ret_ring, struct fault *f)
{
	const struct key_use_ask ask = {
		.what = unseal ? "unseal" : "seal",
		.purposes = 1u << PURPOSE_SEAL, .role = wire_req_role(q),
		.uid = wire_req_uid(q) };
	const struct key *k;
	enum q_err r = signd_ring(s, true, ret_ring, f);

	if (r != Q_OK)
		return r;
	k = keyring_active(*ret_ring, PURPOSE_SEAL, "");
	r = signd_use(s, k, &ask, f);
	if (r != Q_OK)
		return r;
	r = purpose_check(purpose, ask.role, unseal, f);
	if (r == Q_DENIED)
		signd_refused(s, k, &ask, fault_text(f, r));
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
	enum q_err r = seal_key(s, q, in->purpose, false, &ring, f);

	if (r != Q_OK)
		return r;
	k = keyring_active(ring, PURPOSE_SEAL, "");
	aad_put(&aad, in->purpose, in->context);
	r = worker_seal(signd_worker(s, k), k->id, buf_bytes(&aad),
	    in->secret, wire_req_space(q), f);
	signd_used(k, 1);
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
	enum q_err r = seal_key(s, q, in->purpose, true, &ring, f);

	if (r != Q_OK)
		return r;
	k = keyring_active(ring, PURPOSE_SEAL, "");
	aad_put(&aad, in->purpose, in->context);
	r = worker_unseal(signd_worker(s, k), k->id, buf_bytes(&aad),
	    in->sealed, wire_req_space(q), f);
	signd_used(k, 1);
	if (r == Q_SIGNATURE)
		return fault_set(f, Q_SIGNATURE, "sealed: was changed, or "
		    "sealed for another purpose or context");
	out->secret = buf_bytes(wire_req_space(q));
	return r;
}
