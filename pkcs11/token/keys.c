// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "token/ops.h"

#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/own.h"

#define LABEL_PREFIX "quoin"
#define KEYS_MAX 16384
#define MODULUS_BITS 3072

enum q_err
token_id(const char *hex, uint8_t ret_id[P11_ID_BYTES], struct fault *f)
{
	if (!hex_is_lower(hex, TOKEN_ID_LEN) ||
	    !hex_decode(hex, ret_id, P11_ID_BYTES))
		return fault_set(f, Q_INVALID, "id: not 16 hex digits");
	return Q_OK;
}

const uint8_t *
token_point(const uint8_t *attribute, size_t len)
{
	/* In a DER OCTET STRING (PKCS #11 2.40 2.3.3), or, from modules that
	 * read it otherwise, bare. */
	if (len == TOKEN_POINT_LEN + 2 && attribute[0] == 4 &&
	    attribute[1] == TOKEN_POINT_LEN && attribute[2] == 4)
		return attribute + 2;
	return len == TOKEN_POINT_LEN && attribute[0] == 4 ? attribute : NULL;
}

struct keygen {
	uint8_t id[P11_ID_BYTES];
	const char *label;
	uint32_t kind;
};

/* AES for sealing, or a generic secret for HMAC. */
static CK_RV
keygen_secret(struct p11 *p, CK_SESSION_HANDLE s, struct keygen *k)
{
	bool aes = k->kind == TOKEN_AES256;
	CK_MECHANISM mech = { aes ? CKM_AES_KEY_GEN :
		CKM_GENERIC_SECRET_KEY_GEN, NULL, 0 };
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ULONG len = 32;
	CK_ATTRIBUTE t[] = {
		{ CKA_TOKEN, &yes, sizeof(yes) },
		{ CKA_PRIVATE, &yes, sizeof(yes) },
		{ CKA_SENSITIVE, &yes, sizeof(yes) },
		{ CKA_EXTRACTABLE, &no, sizeof(no) },
		{ aes ? CKA_ENCRYPT : CKA_SIGN, &yes, sizeof(yes) },
		{ aes ? CKA_DECRYPT : CKA_VERIFY, &yes, sizeof(yes) },
		{ CKA_VALUE_LEN, &len, sizeof(len) },
		{ CKA_ID, k->id, sizeof(k->id) },
		{ CKA_LABEL, (void *)(uintptr_t)k->label, strlen(k->label) },
	};
	CK_OBJECT_HANDLE h;
	CK_RV rv = p->f->C_GenerateKey(s, &mech, t, ARRAY_LEN(t), &h);

	if (rv == CKR_OK)
		p11_keep(p, k->id, CKO_SECRET_KEY, h);
	return rv;
}

static CK_RV
keygen_pair(struct p11 *p, CK_SESSION_HANDLE s, struct keygen *k)
{
	static const uint8_t f4[] = { 1, 0, 1 };
	bool ec = k->kind == TOKEN_P256;
	CK_MECHANISM mech = { ec ? CKM_EC_KEY_PAIR_GEN :
		CKM_RSA_PKCS_KEY_PAIR_GEN, NULL, 0 };
	CK_BBOOL yes = CK_TRUE, no = CK_FALSE;
	CK_ULONG bits = MODULUS_BITS;
	CK_ATTRIBUTE pub[] = {
		{ CKA_TOKEN, &yes, sizeof(yes) },
		{ CKA_VERIFY, &yes, sizeof(yes) },
		{ CKA_ID, k->id, sizeof(k->id) },
		{ CKA_LABEL, (void *)(uintptr_t)k->label, strlen(k->label) },
		{ ec ? CKA_EC_PARAMS : CKA_PUBLIC_EXPONENT,
			(void *)(uintptr_t)(ec ? token_p256 : f4),
			ec ? sizeof(token_p256) : sizeof(f4) },
		{ CKA_MODULUS_BITS, &bits, sizeof(bits) },
	};
	CK_ATTRIBUTE priv[] = {
		{ CKA_TOKEN, &yes, sizeof(yes) },
		{ CKA_PRIVATE, &yes, sizeof(yes) },
		{ CKA_SENSITIVE, &yes, sizeof(yes) },
		{ CKA_EXTRACTABLE, &no, sizeof(no) },
		{ CKA_SIGN, &yes, sizeof(yes) },
		{ CKA_ID, k->id, sizeof(k->id) },
		{ CKA_LABEL, (void *)(uintptr_t)k->label, strlen(k->label) },
	};
	CK_OBJECT_HANDLE h1, h2;
	CK_RV rv = p->f->C_GenerateKeyPair(s, &mech, pub,
	    ARRAY_LEN(pub) - (ec ? 1 : 0), priv, ARRAY_LEN(priv), &h1, &h2);

	if (rv == CKR_OK) {
		p11_keep(p, k->id, CKO_PUBLIC_KEY, h1);
		p11_keep(p, k->id, CKO_PRIVATE_KEY, h2);
	}
	return rv;
}

static CK_RV
keygen_work(struct p11 *p, CK_SESSION_HANDLE s, void *arg)
{
	struct keygen *k = arg;

	return k->kind == TOKEN_AES256 || k->kind == TOKEN_HMAC256 ?
	    keygen_secret(p, s, k) : keygen_pair(p, s, k);
}

CK_RV
token_destroy_work(struct p11 *p, CK_SESSION_HANDLE s, void *arg)
{
	CK_ATTRIBUTE match = { CKA_ID, arg, P11_ID_BYTES };
	CK_OBJECT_HANDLE h[8];
	struct p11_found found = { h, ARRAY_LEN(h), 0 };
	CK_RV rv = p11_search_alone(p, s, &match, 1, &found);

	for (CK_ULONG i = 0; rv == CKR_OK && i < found.n; i++)
		rv = p->f->C_DestroyObject(s, h[i]);
	p11_forget(p, arg);
	return rv;
}

/* Asked again after a lost answer, there may be a key already, or half of
 * one: ids are never reused, so it goes. */
static enum q_err
keygen_alone(struct p11 *p, struct keygen *k, p11_runner *run,
    struct fault *f)
{
	enum q_err r;

	pthread_rwlock_wrlock(&p->manage);
	r = p11_run(p, token_destroy_work, k->id, f);
	if (r == Q_OK)
		r = run(p, keygen_work, k, f);
	pthread_rwlock_unlock(&p->manage);
	return r;
}

/* Seconds of work, of which the writing is a moment at the end: searches go
 * on meanwhile. Where that moment meets one (see p11.h) it is made again. */
static enum q_err
keygen_slow(struct p11 *p, struct keygen *k, struct fault *f)
{
	enum q_err r;

	pthread_rwlock_wrlock(&p->manage);
	r = p11_run(p, token_destroy_work, k->id, f);
	pthread_rwlock_unlock(&p->manage);
	if (r != Q_OK)
		return r;
	atomic_store(&p->slow, clock_mono_ms());
	r = p11_run_slow(p, keygen_work, k, f);
	if (r != Q_OK)
		r = keygen_alone(p, k, p11_run_slow, f);
	atomic_store(&p->slow, 0);
	return r;
}

enum q_err
token_do_keygen(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct token_keygen_req *in = req;
	struct keygen k = { .label = in->label, .kind = in->kind };
	enum q_err r = token_id(in->id, k.id, f);

	(void)q;
	(void)rsp;
	if (r != Q_OK)
		return r;
	if (in->kind < TOKEN_P256)
		return fault_set(f, Q_INVALID, "kind: unknown");
	return in->kind == TOKEN_RSA3072 ? keygen_slow(ctx, &k, f) :
	    keygen_alone(ctx, &k, p11_run, f);
}

enum q_err
token_do_destroy(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct token_destroy_req *in = req;
	uint8_t id[P11_ID_BYTES];
	struct p11 *p = ctx;
	enum q_err r = token_id(in->id, id, f);

	(void)q;
	(void)rsp;
	if (r != Q_OK)
		return r;
	pthread_rwlock_wrlock(&p->manage);
	r = p11_run(p, token_destroy_work, id, f);
	pthread_rwlock_unlock(&p->manage);
	return r;
}

struct list {
	uint32_t skip;
	struct buf items;
	bool more;
};

/* Private and secret keys only: they are what can be used. */
static CK_RV
list_one(struct p11 *p, CK_SESSION_HANDLE s, CK_OBJECT_HANDLE h,
    struct list *l)
{
	CK_OBJECT_CLASS class = 0;
	uint8_t id[P11_ID_BYTES];
	char label[TOKEN_LABEL_MAX + 1] = "", hex[TOKEN_ID_LEN + 1];
	CK_ATTRIBUTE t[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_ID, id, sizeof(id) },
		{ CKA_LABEL, label, sizeof(label) - 1 },
	};
	struct token_key item = { .id = hex, .label = label };
	CK_RV rv = p->f->C_GetAttributeValue(s, h, t, ARRAY_LEN(t));

	/* An id or label that does not fit is not one of ours. */
	if (rv == CKR_BUFFER_TOO_SMALL)
		return CKR_OK;
	if (rv != CKR_OK)
		return rv;
	if ((class != CKO_PRIVATE_KEY && class != CKO_SECRET_KEY) ||
	    t[1].ulValueLen != sizeof(id) ||
	    strncmp(label, LABEL_PREFIX, strlen(LABEL_PREFIX)) != 0)
		return CKR_OK;
	hex_encode(id, sizeof(id), hex);
	wire_list_put(&l->items, &token_key_type, &item);
	return CKR_OK;
}

static CK_RV
list_work(struct p11 *p, CK_SESSION_HANDLE s, void *arg)
{
	AUTO_FREE CK_OBJECT_HANDLE *h = calloc(KEYS_MAX, sizeof(*h));
	struct p11_found found = { h, KEYS_MAX, 0 };
	struct list *l = arg;
	CK_RV rv;

	if (h == NULL)
		return CKR_HOST_MEMORY;
	buf_reset(&l->items);
	rv = p11_search(p, s, NULL, 0, &found);
	l->more = found.n > l->skip + TOKEN_KEYS_PAGE;
	for (CK_ULONG i = l->skip; rv == CKR_OK && i < found.n &&
	    i < l->skip + TOKEN_KEYS_PAGE; i++)
		rv = list_one(p, s, h[i], l);
	return rv;
}

enum q_err
token_do_keys(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct token_keys_req *in = req;
	struct token_keys_rsp *out = rsp;
	struct list l = { .skip = in->skip, .items = BUF_INIT(65536) };
	enum q_err r;

	r = p11_run(ctx, list_work, &l, f);
	if (r == Q_OK) {
		buf_put(wire_req_space(q), l.items.p, l.items.len);
		out->items = buf_bytes(wire_req_space(q));
		out->more = l.more;
	}
	buf_free(&l.items);
	return r;
}

struct public {
	uint8_t id[P11_ID_BYTES];
	CK_KEY_TYPE type;
	uint8_t point[80], n[512], e[16];
	CK_ULONG point_len, n_len, e_len;
};

static CK_RV
public_work(struct p11 *p, CK_SESSION_HANDLE s, void *arg)
{
	struct public *k = arg;
	CK_ATTRIBUTE type = { CKA_KEY_TYPE, &k->type, sizeof(k->type) };
	CK_ATTRIBUTE ec = { CKA_EC_POINT, k->point, sizeof(k->point) };
	CK_ATTRIBUTE rsa[] = {
		{ CKA_MODULUS, k->n, sizeof(k->n) },
		{ CKA_PUBLIC_EXPONENT, k->e, sizeof(k->e) },
	};
	CK_OBJECT_HANDLE h;
	CK_RV rv = p11_find(p, s, k->id, CKO_PUBLIC_KEY, &h);

	if (rv == CKR_OK)
		rv = p->f->C_GetAttributeValue(s, h, &type, 1);
	if (rv != CKR_OK)
		return rv;
	if (k->type == CKK_EC) {
		rv = p->f->C_GetAttributeValue(s, h, &ec, 1);
		k->point_len = ec.ulValueLen;
		return rv;
	}
	rv = p->f->C_GetAttributeValue(s, h, rsa, 2);
	k->n_len = rsa[0].ulValueLen;
	k->e_len = rsa[1].ulValueLen;
	return rv == CKR_OK && (k->n_len > sizeof(k->n) ||
	    k->e_len > sizeof(k->e)) ? CKR_GENERAL_ERROR : rv;
}

static enum q_err
point_of(const struct public *k, struct buf *space,
    struct token_public_rsp *out, struct fault *f)
{
	const uint8_t *point = token_point(k->point, k->point_len);

	if (point == NULL)
		return fault_set(f, Q_INVALID, "not a P-256 key");
	buf_put(space, point, TOKEN_POINT_LEN);
	out->kind = TOKEN_P256;
	out->point = buf_bytes(space);
	return Q_OK;
}

enum q_err
token_do_public(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct token_public_req *in = req;
	struct token_public_rsp *out = rsp;
	struct buf *space = wire_req_space(q);
	struct public k = { 0 };
	enum q_err r = token_id(in->id, k.id, f);

	if (r == Q_OK)
		r = p11_run(ctx, public_work, &k, f);
	if (r != Q_OK)
		return r;
	if (k.type == CKK_EC)
		return point_of(&k, space, out, f);
	if (k.type != CKK_RSA)
		return fault_set(f, Q_INVALID, "not a key pair of ours");
	buf_put(space, k.n, k.n_len);
	buf_put(space, k.e, k.e_len);
	out->kind = TOKEN_RSA3072;
	out->n = (struct bytes){ space->p, k.n_len };
	out->e = (struct bytes){ space->p + k.n_len, k.e_len };
	return Q_OK;
}
