// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "token/ops.h"

#include <string.h>

#include "base/own.h"
#include "token/rv.h"

struct signing {
	uint8_t id[P11_ID_BYTES];
	uint32_t mech, salt;
	struct bytes data;
	uint8_t sig[TOKEN_SIG_MAX];
	CK_ULONG sig_len;
};

/* Hashes of PSS by their length. */
static const struct {
	size_t len;
	CK_MECHANISM_TYPE hash;
	CK_RSA_PKCS_MGF_TYPE mgf;
} pss_hashes[] = {
	{ 32, CKM_SHA256, CKG_MGF1_SHA256 },
	{ 48, CKM_SHA384, CKG_MGF1_SHA384 },
	{ 64, CKM_SHA512, CKG_MGF1_SHA512 },
};

static CK_RV
mechanism_of(const struct signing *w, CK_MECHANISM *m,
    CK_RSA_PKCS_PSS_PARAMS *pss)
{
	*m = (CK_MECHANISM){ CKM_ECDSA, NULL, 0 };
	if (w->mech == TOKEN_RSA_PKCS1)
		m->mechanism = CKM_RSA_PKCS;
	if (w->mech == TOKEN_RSA_RAW)
		m->mechanism = CKM_RSA_X_509;
	if (w->mech == TOKEN_HMAC)
		m->mechanism = CKM_SHA256_HMAC;
	if (w->mech != TOKEN_RSA_PSS)
		return CKR_OK;
	for (size_t i = 0; i < ARRAY_LEN(pss_hashes); i++) {
		if (pss_hashes[i].len != w->data.len)
			continue;
		*pss = (CK_RSA_PKCS_PSS_PARAMS){ pss_hashes[i].hash,
			pss_hashes[i].mgf, w->salt };
		*m = (CK_MECHANISM){ CKM_RSA_PKCS_PSS, pss, sizeof(*pss) };
		return CKR_OK;
	}
	return CKR_DATA_LEN_RANGE;
}

static CK_RV
sign_work(struct p11 *p, CK_SESSION_HANDLE s, void *arg)
{
	struct signing *w = arg;
	CK_RSA_PKCS_PSS_PARAMS pss;
	CK_MECHANISM m;
	CK_OBJECT_HANDLE h;
	CK_RV rv = mechanism_of(w, &m, &pss);

	if (rv == CKR_OK)
		rv = p11_find(p, s, w->id, w->mech == TOKEN_HMAC ?
		    CKO_SECRET_KEY : CKO_PRIVATE_KEY, &h);
	/* Nobody could tell a MAC by another key's handle. */
	if (rv == CKR_OK && w->mech == TOKEN_HMAC)
		rv = p11_same(p, s, h, w->id);
	if (rv == CKR_OK)
		rv = p->f->C_SignInit(s, &m, h);
	if (rv != CKR_OK)
		return rv;
	w->sig_len = sizeof(w->sig);
	rv = p->f->C_Sign(s, (CK_BYTE *)(uintptr_t)w->data.p, w->data.len,
	    w->sig, &w->sig_len);
	return rv == CKR_OK && w->sig_len > sizeof(w->sig) ?
	    CKR_GENERAL_ERROR : rv;
}

enum q_err
token_do_sign(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct token_sign_req *in = req;
	struct token_sign_rsp *out = rsp;
	struct signing w = { .mech = in->mech, .data = in->data,
		.salt = in->salt };
	enum q_err r = token_id(in->id, w.id, f);

	if (r != Q_OK)
		return r;
	if (in->mech < TOKEN_ECDSA)
		return fault_set(f, Q_INVALID, "mech: unknown");
	r = p11_run(ctx, sign_work, &w, f);
	if (r != Q_OK)
		return r;
	buf_put(wire_req_space(q), w.sig, w.sig_len);
	out->signature = buf_bytes(wire_req_space(q));
	return Q_OK;
}

/* Many with one mechanism: what each costs is the signature alone. */
struct signing_many {
	uint8_t id[P11_ID_BYTES];
	struct bytes digests;
	uint8_t sigs[TOKEN_MANY_MAX][TOKEN_ECDSA_LEN];
};

static CK_RV
sign_many_work(struct p11 *p, CK_SESSION_HANDLE s, void *arg)
{
	struct signing_many *w = arg;
	CK_MECHANISM m = { CKM_ECDSA, NULL, 0 };
	CK_OBJECT_HANDLE h;
	CK_RV rv = p11_find(p, s, w->id, CKO_PRIVATE_KEY, &h);

	for (size_t i = 0; rv == CKR_OK &&
	    i < w->digests.len / TOKEN_DIGEST_LEN; i++) {
		CK_ULONG len = TOKEN_ECDSA_LEN;

		rv = p->f->C_SignInit(s, &m, h);
		if (rv == CKR_OK)
			rv = p->f->C_Sign(s, (CK_BYTE *)(uintptr_t)
			    w->digests.p + i * TOKEN_DIGEST_LEN,
			    TOKEN_DIGEST_LEN, w->sigs[i], &len);
		if (rv == CKR_OK && len != TOKEN_ECDSA_LEN)
			rv = CKR_KEY_TYPE_INCONSISTENT;
	}
	return rv;
}

enum q_err
token_do_sign_many(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct token_sign_many_req *in = req;
	struct token_sign_many_rsp *out = rsp;
	struct signing_many w = { .digests = in->digests };
	enum q_err r = token_id(in->id, w.id, f);

	if (r != Q_OK)
		return r;
	if (in->digests.len == 0 || in->digests.len % TOKEN_DIGEST_LEN != 0)
		return fault_set(f, Q_INVALID, "digests: not some of 32 bytes");
	r = p11_run(ctx, sign_many_work, &w, f);
	if (r != Q_OK)
		return r;
	buf_put(wire_req_space(q), w.sigs, in->digests.len /
	    TOKEN_DIGEST_LEN * TOKEN_ECDSA_LEN);
	out->signatures = buf_bytes(wire_req_space(q));
	return Q_OK;
}

/* What became of one item of a set. */
static void
set_one(struct p11 *p, const struct token_wanted *in, struct buf *out)
{
	struct signing w = { .mech = TOKEN_ECDSA, .data = in->digest };
	struct token_signed done = { 0 };
	struct fault f = { 0 };
	enum q_err r = token_id(in->id, w.id, &f);

	if (r == Q_OK)
		r = p11_run(p, sign_work, &w, &f);
	if (r == Q_OK && w.sig_len != TOKEN_ECDSA_LEN)
		r = fault_set(&f, Q_INVALID, "not a P-256 key");
	done.code = r;
	done.text = r == Q_OK ? "" : fault_text(&f, r);
	done.retry_after = f.retry_after;
	if (r == Q_OK)
		done.signature = (struct bytes){ w.sig, w.sig_len };
	wire_list_put(out, &token_signed_type, &done);
}

enum q_err
token_do_sign_set(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	struct bytes items = ((const struct token_sign_set_req *)req)->items;
	struct token_sign_set_rsp *out = rsp;
	struct buf *space = wire_req_space(q);
	struct token_wanted wanted;
	struct p11 *p = ctx;
	enum q_err r;

	while ((r = wire_list_next(&items, &token_wanted_type, &wanted)) ==
	    Q_OK)
		set_one(p, &wanted, space);
	if (r != Q_NOTFOUND)
		return fault_set(f, Q_PROTO, "items: malformed");
	out->items = buf_bytes(space);
	return space->bad ? Q_TOOBIG : Q_OK;
}

/* AES-GCM one way or the other, into out. */
struct sealing {
	uint8_t id[P11_ID_BYTES];
	bool open;
	bool doubted;	/* it was asked twice whether it is whole */
	struct bytes iv, aad, in;
	struct buf *out;
};

static CK_RV
gcm(struct p11 *p, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key,
    const struct sealing *w)
{
	CK_GCM_PARAMS params = {
		(CK_BYTE *)(uintptr_t)w->iv.p, w->iv.len, w->iv.len * 8,
		(CK_BYTE *)(uintptr_t)w->aad.p, w->aad.len,
		TOKEN_TAG_LEN * 8,
	};
	CK_MECHANISM m = { CKM_AES_GCM, &params, sizeof(params) };
	CK_BYTE *in = (CK_BYTE *)(uintptr_t)w->in.p, *out;
	CK_ULONG len = w->in.len + TOKEN_TAG_LEN;
	CK_RV rv;

	buf_reset(w->out);
	out = buf_reserve(w->out, len);
	if (out == NULL)
		return CKR_HOST_MEMORY;
	rv = w->open ? p->f->C_DecryptInit(s, &m, key) :
	    p->f->C_EncryptInit(s, &m, key);
	/* It has not seen the tag yet. */
	if (rv != CKR_OK)
		return rv_row(rv)->code == Q_SIGNATURE ? CKR_DEVICE_ERROR :
		    rv;
	rv = w->open ? p->f->C_Decrypt(s, in, w->in.len, out, &len) :
	    p->f->C_Encrypt(s, in, w->in.len, out, &len);
	if (rv == CKR_OK && len > w->in.len + TOKEN_TAG_LEN)
		return CKR_GENERAL_ERROR;
	if (rv == CKR_OK)
		w->out->len = len;
	return rv;
}

/* What does not open again is lost for ever, so it is tried. */
static CK_RV
seal_check(struct p11 *p, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE key,
    const struct sealing *w)
{
	AUTO_BUF struct buf plain = BUF_INIT(TOKEN_PLAIN_MAX + TOKEN_TAG_LEN);
	struct sealing back = { .open = true, .iv = w->iv, .aad = w->aad,
		.in = buf_bytes(w->out), .out = &plain };
	CK_RV rv = gcm(p, s, key, &back);

	return rv == CKR_OK && (plain.len != w->in.len ||
	    memcmp(plain.p, w->in.p, plain.len) != 0) ? CKR_DEVICE_ERROR : rv;
}

static CK_RV
seal_work(struct p11 *p, CK_SESSION_HANDLE s, void *arg)
{
	struct sealing *w = arg;
	CK_OBJECT_HANDLE h;
	CK_RV rv = p11_find(p, s, w->id, CKO_SECRET_KEY, &h);

	/* Under another key's handle, nobody could ever open it again. */
	if (rv == CKR_OK)
		rv = p11_same(p, s, h, w->id);
	if (rv == CKR_OK)
		rv = gcm(p, s, h, w);
	if (rv == CKR_OK && !w->open)
		rv = seal_check(p, s, h, w);
	/* What SoftHSM says of a wrong tag, and of other things. */
	if (w->open && rv == CKR_GENERAL_ERROR) {
		if (w->doubted)
			return CKR_ENCRYPTED_DATA_INVALID;
		w->doubted = true;
	}
	return rv;
}

static enum q_err
seal_run(struct p11 *p, const char *id, struct sealing *w, struct bytes *ret,
    struct fault *f)
{
	enum q_err r = token_id(id, w->id, f);

	if (r != Q_OK)
		return r;
	if (w->iv.len != TOKEN_IV_LEN)
		return fault_set(f, Q_INVALID, "iv: not 12 bytes");
	if (w->open && w->in.len < TOKEN_TAG_LEN)
		return fault_set(f, Q_SIGNATURE, "sealed: too short");
	r = p11_run(p, seal_work, w, f);
	if (r == Q_OK)
		*ret = buf_bytes(w->out);
	return r;
}

enum q_err
token_do_seal(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct token_seal_req *in = req;
	struct token_seal_rsp *out = rsp;
	struct sealing w = { .iv = in->iv, .aad = in->aad, .in = in->data,
		.out = wire_req_space(q) };

	return seal_run(ctx, in->id, &w, &out->sealed, f);
}

enum q_err
token_do_unseal(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct token_unseal_req *in = req;
	struct token_unseal_rsp *out = rsp;
	struct sealing w = { .open = true, .iv = in->iv, .aad = in->aad,
		.in = in->sealed, .out = wire_req_space(q) };

	return seal_run(ctx, in->id, &w, &out->data, f);
}
