// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <openssl/rand.h>
#include <openssl/sha.h>
#include <string.h>

#include "signd/worker_priv.h"
#include "x509/pubkey.h"

#define AWAY_SECONDS 1
#define TRIES 3

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

static enum token_lane
lane_of(uint16_t op, const void *req)
{
	if (op == TOKEN_OP_sign)
		switch (((const struct token_sign_req *)req)->mech) {
		case TOKEN_ECDSA:
		case TOKEN_HMAC:
			return TOKEN_LANE_QUICK;
		default:
			return TOKEN_LANE_RSA;
		}
	return op == TOKEN_OP_sign_many || op == TOKEN_OP_sign_set ||
	    op == TOKEN_OP_seal || op == TOKEN_OP_unseal ||
	    op == TOKEN_OP_forget ? TOKEN_LANE_QUICK : TOKEN_LANE_MANAGE;
}

/* On its lane, once. */
static enum q_err
call_once(struct worker *w, const struct wire_op_desc *op, const void *req,
    void *ret_rsp, struct wire_reply *hold, struct fault *f)
{
	enum token_lane lane = lane_of(op->num, req);
	bool slow = is_slow(op->num, req);
	enum q_err r;

	if (lane == TOKEN_LANE_MANAGE)
		pthread_mutex_lock(&w->managing);
	atomic_fetch_add(&w->slow_calls, slow);
	r = wire_call(slow ? w->slow.client : w->lanes[lane].client, op, req,
	    ret_rsp, hold, f);
	atomic_fetch_sub(&w->slow_calls, slow);
	if (lane == TOKEN_LANE_MANAGE)
		pthread_mutex_unlock(&w->managing);
	return r;
}

/* A worker that ended left its calls without an answer. Whoever finds it so
 * waits for the next one. */
enum q_err
worker_call(struct worker *w, const struct wire_op_desc *op, const void *req,
    void *ret_rsp, struct wire_reply *hold, struct fault *f)
{
	unsigned generation = UINT32_MAX;
	enum q_err r = Q_UNAVAIL;

	if (w == NULL)
		return fault_set(f, Q_UNAVAIL,
		    "the key's token is not configured");
	for (int i = 0; i < TRIES; i++) {
		r = worker_wait(w, generation, &generation, f);
		if (r != Q_OK)
			return r;
		*hold = (struct wire_reply){ 0 };
		r = call_once(w, op, req, ret_rsp, hold, f);
		if (r != Q_UNAVAIL || hold->id != 0 || worker_is_watching(w))
			break;
	}
	if (hold->id == 0 && (r == Q_TIMEOUT || r == Q_UNAVAIL))
		return fault_retry(f, Q_UNAVAIL, AWAY_SECONDS, "%s: %s",
		    w->token.name, r == Q_TIMEOUT ? "no answer in time" :
		    "its worker went away");
	return r;
}

#define DESC(name) \
	static const struct wire_op_desc name##_op = { TOKEN_OP_##name, \
		&token_##name##_req_type, &token_##name##_rsp_type }

#define X(name, num, roles, cap, text) DESC(name);
TOKEN_OPS(X)
#undef X

enum q_err
worker_ping(struct worker *w, uint32_t *ret_oldest, uint32_t *ret_slow,
    struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct token_ping_req req = { 0 };
	struct token_ping_rsp rsp;
	enum q_err r = wire_call(w->lanes[TOKEN_LANE_WATCH].client, &ping_op,
	    &req, &rsp, &hold, f);

	if (r == Q_OK) {
		*ret_oldest = rsp.oldest;
		*ret_slow = rsp.slow;
	}
	return r;
}

enum q_err
worker_status(struct worker *w, uint32_t *ret_can, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct token_status_req req = { 0 };
	struct token_status_rsp rsp;
	enum q_err r = worker_call(w, &status_op, &req, &rsp, &hold, f);

	if (r == Q_OK)
		*ret_can = rsp.can;
	return r;
}

/* Said in words, where the token would say CKR_MECHANISM_INVALID. */
static enum q_err
able(struct worker *w, enum token_kind kind, struct fault *f)
{
	static const uint32_t needs[] = {
		[TOKEN_P256] = TOKEN_CAN_ECDSA | TOKEN_CAN_EC_GEN,
		[TOKEN_RSA3072] = TOKEN_CAN_RSA_PKCS1 | TOKEN_CAN_RSA_GEN,
		[TOKEN_AES256] = TOKEN_CAN_GCM | TOKEN_CAN_AES_GEN,
		[TOKEN_HMAC256] = TOKEN_CAN_HMAC | TOKEN_CAN_HMAC_GEN,
	};
	AUTO_BUF struct buf text = BUF_INIT(1024);
	struct worker_state st;

	if (w == NULL)
		return Q_OK;
	worker_state(w, &st);
	if (!st.up || (st.can & needs[kind]) == needs[kind])
		return Q_OK;
	worker_cannot(st.can | ~needs[kind], &text);
	return fault_set(f, Q_CONFIG, "the %s cannot %.150s", w->token.name,
	    (const char *)text.p);
}

enum q_err
worker_keygen(struct worker *w, const char *id, const char *label,
    enum token_kind kind, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct token_keygen_req req = { .id = id, .label = label,
		.kind = kind };
	struct token_keygen_rsp rsp;
	enum q_err r = able(w, kind, f);

	return r != Q_OK ? r : worker_call(w, &keygen_op, &req, &rsp, &hold, f);
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

static enum q_err
sign_call(struct worker *w, const struct token_sign_req *req,
    struct buf *out, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct token_sign_rsp rsp;
	enum q_err r = worker_call(w, &sign_op, req, &rsp, &hold, f);

	if (r == Q_OK)
		buf_put(out, rsp.signature.p, rsp.signature.len);
	return r;
}

enum q_err
worker_sign(struct worker *w, const char *id, enum token_mech mech,
    struct bytes data, struct buf *out, struct fault *f)
{
	struct token_sign_req req = { .id = id, .mech = mech, .data = data };

	if (mech == TOKEN_RSA_PSS)
		return worker_sign_pss(w, id, data, (uint32_t)data.len, out,
		    f);
	/* A test must not wait in line behind those that wait for it. */
	if (mech == TOKEN_ECDSA && w != NULL && !worker_is_watching(w))
		return worker_batch_sign(w, id, data, out, f);
	return sign_call(w, &req, out, f);
}

enum q_err
worker_sign_pss(struct worker *w, const char *id, struct bytes digest,
    uint32_t salt, struct buf *out, struct fault *f)
{
	struct token_sign_req req = { .id = id, .mech = TOKEN_RSA_PSS,
		.data = digest, .salt = salt };
	struct worker_state st = { .can = UINT32_MAX };

	if (w != NULL)
		worker_state(w, &st);
	if (st.up && (st.can & TOKEN_CAN_RSA_PSS) == 0)
		return worker_pss_sign(w, id, digest, salt, out, f);
	return sign_call(w, &req, out, f);
}

enum q_err
worker_forget(struct worker *w, const char *id, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct token_forget_req req = { .id = id };
	struct token_forget_rsp rsp;

	return worker_call(w, &forget_op, &req, &rsp, &hold, f);
}

enum q_err
worker_trial(struct worker *w, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	AUTO_BUF struct buf spki = BUF_INIT(256), der = BUF_INIT(256);
	uint8_t data[32], digest[TOKEN_DIGEST_LEN];
	struct token_trial_req req = { .digest = { digest, sizeof(digest) } };
	struct token_trial_rsp rsp;
	struct pubkey pub;
	enum q_err r;

	if (RAND_bytes(data, sizeof(data)) != 1)
		return fault_set(f, Q_INTERNAL, "no random bytes");
	SHA256(data, sizeof(data), digest);
	r = worker_call(w, &trial_op, &req, &rsp, &hold, f);
	if (r != Q_OK)
		return r;
	if (rsp.point.len != 65 || rsp.signature.len != TOKEN_ECDSA_LEN)
		return fault_set(f, Q_INTERNAL, "token: malformed signature");
	pubkey_put_p256(&spki, rsp.point.p);
	ecdsa_sig_put(&der, rsp.signature.p);
	r = pubkey_parse(buf_bytes(&spki), &pub, f);
	if (r == Q_OK)
		r = pubkey_verify(&pub, SIG_ECDSA_SHA256,
		    (struct bytes){ data, sizeof(data) }, buf_bytes(&der), f);
	return r == Q_OK ? r : fault_set(f, Q_INTERNAL,
	    "the token's signature does not verify");
}

enum q_err
worker_import(struct worker *w, const char *id, const char *label,
    const struct worker_import *key, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct token_import_req req = { .id = id, .label = label,
		.kind = key->kind, .d = key->d, .point = key->point,
		.n = key->n, .e = key->e, .p = key->p, .q = key->q,
		.dp = key->dp, .dq = key->dq, .qi = key->qi };
	struct token_import_rsp rsp;

	return worker_call(w, &import_op, &req, &rsp, &hold, f);
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
	if (rsp.signatures.len != digests.len / TOKEN_DIGEST_LEN *
	    TOKEN_ECDSA_LEN)
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

		if (r != Q_OK)
			return r;
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
