// SPDX-License-Identifier: Apache-2.0
/* What the token is and can do, and whether it does. */
#include "config.h"

#include <string.h>

#include "base/own.h"
#include "token/ops.h"

static void
text_of(const unsigned char *padded, size_t len, struct buf *space,
    const char **ret)
{
	size_t at;

	while (len > 0 && padded[len - 1] == ' ')
		len--;
	at = space->len;
	buf_put(space, padded, len);
	buf_put(space, "", 1);
	*ret = space->bad ? "" : (const char *)space->p + at;
}

static const struct {
	uint32_t bit;
	CK_MECHANISM_TYPE mech;
	CK_FLAGS flags;
} can_rows[] = {
#define X(name, num, mechanism, wants, text) \
	{ TOKEN_CAN_##name, mechanism, wants },
	TOKEN_CAN(X)
#undef X
};

static uint32_t
can(struct p11 *p)
{
	uint32_t bits = 0;

	for (size_t i = 0; i < ARRAY_LEN(can_rows); i++) {
		CK_MECHANISM_INFO info = { .flags = can_rows[i].flags };
		CK_RV rv = p->f->C_GetMechanismInfo(p->slot,
		    can_rows[i].mech, &info);

		/* Another error says nothing about the mechanism. */
		if (rv != CKR_MECHANISM_INVALID &&
		    (info.flags & can_rows[i].flags) == can_rows[i].flags)
			bits |= can_rows[i].bit;
	}
	return bits;
}

enum q_err
token_do_status(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	struct p11 *p = ctx;
	struct token_status_rsp *out = rsp;
	struct buf *space = wire_req_space(q);
	CK_TOKEN_INFO info;

	(void)req;
	if (p->f->C_GetTokenInfo(p->slot, &info) != CKR_OK)
		return fault_retry(f, Q_UNAVAIL, 1, "the token is away");
	/* One growth, so that earlier texts stay where they are. */
	if (buf_reserve(space, 128) == NULL)
		return Q_NOMEM;
	text_of(info.label, sizeof(info.label), space, &out->label);
	text_of(info.model, sizeof(info.model), space, &out->model);
	text_of(info.serialNumber, sizeof(info.serialNumber), space,
	    &out->serial);
	out->can = can(p);
	return Q_OK;
}

enum q_err
token_do_ping(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	struct token_ping_rsp *out = rsp;

	(void)q;
	(void)req;
	return p11_ping(ctx, &out->oldest, &out->slow, f);
}

enum q_err
token_do_forget(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct token_forget_req *in = req;
	uint8_t id[P11_ID_BYTES];
	enum q_err r = token_id(in->id, id, f);

	(void)q;
	(void)rsp;
	if (r == Q_OK)
		p11_forget(ctx, id);
	return r;
}

struct trial {
	struct bytes digest;
	uint8_t point[80];	/* with its DER header */
	CK_ULONG point_len;
	uint8_t sig[TOKEN_ECDSA_LEN];
	CK_ULONG sig_len;
};

static CK_RV
trial_sign(struct p11 *p, CK_SESSION_HANDLE s, struct trial *t,
    CK_OBJECT_HANDLE pub, CK_OBJECT_HANDLE priv)
{
	CK_MECHANISM m = { CKM_ECDSA, NULL, 0 };
	CK_ATTRIBUTE point = { CKA_EC_POINT, t->point, sizeof(t->point) };
	CK_RV rv = p->f->C_GetAttributeValue(s, pub, &point, 1);

	if (rv == CKR_OK)
		rv = p->f->C_SignInit(s, &m, priv);
	t->point_len = point.ulValueLen;
	t->sig_len = sizeof(t->sig);
	return rv == CKR_OK ? p->f->C_Sign(s,
	    (CK_BYTE *)(uintptr_t)t->digest.p, t->digest.len, t->sig,
	    &t->sig_len) : rv;
}

/* The key pair is the session's, and goes at once. */
static CK_RV
trial_work(struct p11 *p, CK_SESSION_HANDLE s, void *arg)
{
	CK_MECHANISM m = { CKM_EC_KEY_PAIR_GEN, NULL, 0 };
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ATTRIBUTE pub[] = {
		{ CKA_TOKEN, &no, sizeof(no) },
		{ CKA_VERIFY, &yes, sizeof(yes) },
		{ CKA_EC_PARAMS, (void *)(uintptr_t)token_p256,
			sizeof(token_p256) },
	};
	CK_ATTRIBUTE priv[] = {
		{ CKA_TOKEN, &no, sizeof(no) },
		{ CKA_SENSITIVE, &yes, sizeof(yes) },
		{ CKA_EXTRACTABLE, &no, sizeof(no) },
		{ CKA_SIGN, &yes, sizeof(yes) },
	};
	CK_OBJECT_HANDLE h1, h2;
	CK_RV rv = p->f->C_GenerateKeyPair(s, &m, pub, ARRAY_LEN(pub), priv,
	    ARRAY_LEN(priv), &h1, &h2), end;

	if (rv != CKR_OK)
		return rv;
	rv = trial_sign(p, s, arg, h1, h2);
	end = p->f->C_DestroyObject(s, h1);
	if (rv == CKR_OK)
		rv = end;
	end = p->f->C_DestroyObject(s, h2);
	return rv == CKR_OK ? end : rv;
}

enum q_err
token_do_trial(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct token_trial_req *in = req;
	struct token_trial_rsp *out = rsp;
	struct trial t = { .digest = in->digest };
	struct buf *space = wire_req_space(q);
	struct p11 *p = ctx;
	const uint8_t *point;
	enum q_err r;

	pthread_rwlock_wrlock(&p->manage);
	r = p11_run(p, trial_work, &t, f);
	pthread_rwlock_unlock(&p->manage);
	if (r != Q_OK)
		return r;
	point = token_point(t.point, t.point_len);
	if (point == NULL || t.sig_len != TOKEN_ECDSA_LEN)
		return fault_set(f, Q_INVALID, "not a P-256 key");
	buf_put(space, point, TOKEN_POINT_LEN);
	buf_put(space, t.sig, t.sig_len);
	out->point = (struct bytes){ space->p, TOKEN_POINT_LEN };
	out->signature = (struct bytes){ space->p + TOKEN_POINT_LEN,
		t.sig_len };
	return Q_OK;
}
