// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <openssl/rand.h>
#include <signal.h>
#include <string.h>

#include "base/log.h"
#include "signd/worker_priv.h"
#include "x509/pubkey.h"

#define AWAY_SECONDS 1

/* A call that was not answered in time: the module hangs, and nothing but a
 * new process helps. Not while an RSA key is being made, which keeps others
 * waiting for good reason. */
static void
hung(struct worker *w, unsigned generation)
{
	if (atomic_load(&w->slow_calls) != 0)
		return;
	pthread_mutex_lock(&w->lock);
	if (w->pid > 0 && atomic_load(&w->generation) == generation) {
		log_error("token worker %d hangs and is killed", (int)w->pid);
		kill(w->pid, SIGKILL);
	}
	pthread_mutex_unlock(&w->lock);
}

enum {
#define X(name, num, roles, cap, text) TOKEN_OP_##name = (num),
	TOKEN_OPS(X)
#undef X
};

static bool
is_slow(uint16_t op, const void *req)
{
	return op == TOKEN_OP_keygen &&
	    ((const struct token_keygen_req *)req)->kind == TOKEN_RSA3072;
}

enum q_err
worker_call(struct worker *w, const struct wire_op_desc *op, const void *req,
    void *ret_rsp, struct wire_reply *hold, struct fault *f)
{
	bool slow = is_slow(op->num, req);
	unsigned generation = atomic_load(&w->generation);
	struct worker_state st;
	enum q_err r;

	if (!atomic_load(&w->up)) {
		worker_state(w, &st);
		return fault_retry(f, Q_UNAVAIL, AWAY_SECONDS,
		    "token: %.180s", st.reason);
	}
	if (slow)
		atomic_fetch_add(&w->slow_calls, 1);
	r = wire_call(slow ? w->slow : w->quick, op, req, ret_rsp, hold, f);
	if (slow)
		atomic_fetch_sub(&w->slow_calls, 1);
	if (r == Q_TIMEOUT) {
		hung(w, generation);
		r = fault_retry(f, Q_UNAVAIL, AWAY_SECONDS,
		    "the token does not answer");
	}
	return r;
}

#define DESC(name) \
	static const struct wire_op_desc name##_op = { TOKEN_OP_##name, \
		&token_##name##_req_type, &token_##name##_rsp_type }

#define X(name, num, roles, cap, text) DESC(name);
TOKEN_OPS(X)
#undef X

enum q_err
worker_status(struct worker *w, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct token_status_req req = { 0 };
	struct token_status_rsp rsp;

	return worker_call(w, &status_op, &req, &rsp, &hold, f);
}

enum q_err
worker_keygen(struct worker *w, const char *id, const char *label,
    enum token_kind kind, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct token_keygen_req req = { .id = id, .label = label,
		.kind = kind };
	struct token_keygen_rsp rsp;

	return worker_call(w, &keygen_op, &req, &rsp, &hold, f);
}

enum q_err
worker_destroy(struct worker *w, const char *id, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct token_destroy_req req = { .id = id };
	struct token_destroy_rsp rsp;

	return worker_call(w, &destroy_op, &req, &rsp, &hold, f);
}

enum q_err
worker_public(struct worker *w, const char *id, struct buf *out,
    struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct token_public_req req = { .id = id };
	struct token_public_rsp rsp;
	enum q_err r = worker_call(w, &public_op, &req, &rsp, &hold, f);

	if (r != Q_OK)
		return r;
	if (rsp.kind == TOKEN_P256 && rsp.point.len == 65)
		pubkey_put_p256(out, rsp.point.p);
	else if (rsp.kind == TOKEN_RSA3072)
		pubkey_put_rsa(out, rsp.n, rsp.e);
	else
		return fault_set(f, Q_INTERNAL, "token: malformed key");
	return out->bad ? Q_NOMEM : Q_OK;
}

enum q_err
worker_sign(struct worker *w, const char *id, enum token_mech mech,
    struct bytes data, struct buf *out, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct token_sign_req req = { .id = id, .mech = mech, .data = data };
	struct token_sign_rsp rsp;
	enum q_err r;

	if (mech == TOKEN_ECDSA)
		return worker_batch_sign(w, id, data, out, f);
	r = worker_call(w, &sign_op, &req, &rsp, &hold, f);

	if (r == Q_OK)
		buf_put(out, rsp.signature.p, rsp.signature.len);
	return r;
}

enum q_err
worker_sign_set(struct worker *w, struct bytes items, struct bytes *ret_items,
    struct wire_reply *hold, struct fault *f)
{
	struct token_sign_set_req req = { .items = items };
	struct token_sign_set_rsp rsp;
	enum q_err r = worker_call(w, &sign_set_op, &req, &rsp, hold, f);

	if (r == Q_OK)
		*ret_items = rsp.items;
	return r;
}

enum q_err
worker_sign_many(struct worker *w, const char *id, struct bytes digests,
    struct buf *out, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct token_sign_many_req req = { .id = id, .digests = digests };
	struct token_sign_many_rsp rsp;
	enum q_err r = worker_call(w, &sign_many_op, &req, &rsp, &hold, f);

	if (r != Q_OK)
		return r;
	if (rsp.signatures.len / TOKEN_ECDSA_LEN !=
	    digests.len / TOKEN_DIGEST_LEN)
		return fault_set(f, Q_INTERNAL,
		    "token: another number of signatures");
	buf_put(out, rsp.signatures.p, rsp.signatures.len);
	return Q_OK;
}

enum q_err
worker_seal(struct worker *w, const char *id, struct bytes aad,
    struct bytes data, struct buf *out, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	uint8_t iv[TOKEN_IV_LEN];
	struct token_seal_req req = { .id = id, .aad = aad, .data = data,
		.iv = { iv, sizeof(iv) } };
	struct token_seal_rsp rsp;
	enum q_err r;

	if (RAND_bytes(iv, sizeof(iv)) != 1)
		return fault_set(f, Q_INTERNAL, "no random bytes");
	r = worker_call(w, &seal_op, &req, &rsp, &hold, f);
	if (r != Q_OK)
		return r;
	buf_put(out, iv, sizeof(iv));
	buf_put(out, rsp.sealed.p, rsp.sealed.len);
	return out->bad ? Q_TOOBIG : Q_OK;
}

enum q_err
worker_unseal(struct worker *w, const char *id, struct bytes aad,
    struct bytes sealed, struct buf *out, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct token_unseal_req req = { .id = id, .aad = aad };
	struct token_unseal_rsp rsp;
	enum q_err r;

	if (sealed.len < TOKEN_SEAL_EXTRA)
		return fault_set(f, Q_SIGNATURE, "sealed: too short");
	req.iv = (struct bytes){ sealed.p, TOKEN_IV_LEN };
	req.sealed = (struct bytes){ sealed.p + TOKEN_IV_LEN,
		sealed.len - TOKEN_IV_LEN };
	r = worker_call(w, &unseal_op, &req, &rsp, &hold, f);
	if (r == Q_OK)
		buf_put(out, rsp.data.p, rsp.data.len);
	return r == Q_OK && out->bad ? Q_TOOBIG : r;
}

enum q_err
worker_keys(struct worker *w, worker_key_each each, void *arg,
    struct fault *f)
{
	struct token_keys_req req = { 0 };
	bool more = true;

	while (more) {
		AUTO_REPLY struct wire_reply hold = { NULL, 0 };
		struct token_keys_rsp rsp;
		struct token_key k;
		enum q_err r = worker_call(w, &keys_op, &req, &rsp,
		    &hold, f);

		while (r == Q_OK) {
			r = wire_list_next(&rsp.items, &token_key_type, &k);
			if (r == Q_OK)
				r = each(arg, &k);
		}
		if (r != Q_NOTFOUND)
			return r;
		req.skip += TOKEN_KEYS_PAGE;
		more = rsp.more;
	}
	return Q_OK;
}
