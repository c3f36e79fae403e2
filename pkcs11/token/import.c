// SPDX-License-Identifier: Apache-2.0
/* A private key that was made elsewhere, into the token. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "token/ops.h"

#define ATTRIBUTES_MAX 24

/* A template as it is built. */
struct template {
	CK_ATTRIBUTE t[ATTRIBUTES_MAX];
	CK_ULONG n;
};

static void
add(struct template *t, CK_ATTRIBUTE_TYPE type, const void *p, size_t len)
{
	t->t[t->n++] = (CK_ATTRIBUTE){ type, (void *)(uintptr_t)p, len };
}

static void
add_flag(struct template *t, CK_ATTRIBUTE_TYPE type, bool on)
{
	static const CK_BBOOL yes = CK_TRUE, no = CK_FALSE;

	add(t, type, on ? &yes : &no, sizeof(yes));
}

struct importing {
	uint8_t id[P11_ID_BYTES];
	const struct token_import_req *in;
	uint8_t point[2 + TOKEN_POINT_LEN]; /* in a DER OCTET STRING */
};

static const CK_KEY_TYPE ec_type = CKK_EC, rsa_type = CKK_RSA;

/* What both objects of the pair have. */
static void
add_common(struct template *t, const struct importing *k,
    const CK_OBJECT_CLASS *class)
{
	bool ec = k->in->kind == TOKEN_P256;

	add(t, CKA_CLASS, class, sizeof(*class));
	add(t, CKA_KEY_TYPE, ec ? &ec_type : &rsa_type, sizeof(ec_type));
	add_flag(t, CKA_TOKEN, true);
	add(t, CKA_ID, k->id, sizeof(k->id));
	add(t, CKA_LABEL, k->in->label, strlen(k->in->label));
	if (ec) {
		add(t, CKA_EC_PARAMS, token_p256, sizeof(token_p256));
		return;
	}
	add(t, CKA_MODULUS, k->in->n.p, k->in->n.len);
	add(t, CKA_PUBLIC_EXPONENT, k->in->e.p, k->in->e.len);
}

static void
private_build(struct template *t, const struct importing *k)
{
	static const CK_OBJECT_CLASS class = CKO_PRIVATE_KEY;
	const struct token_import_req *in = k->in;

	add_common(t, k, &class);
	add_flag(t, CKA_PRIVATE, true);
	add_flag(t, CKA_SENSITIVE, true);
	add_flag(t, CKA_EXTRACTABLE, false);
	add_flag(t, CKA_SIGN, true);
	add(t, in->kind == TOKEN_P256 ? CKA_VALUE : CKA_PRIVATE_EXPONENT,
	    in->d.p, in->d.len);
	if (in->kind == TOKEN_P256)
		return;
	add(t, CKA_PRIME_1, in->p.p, in->p.len);
	add(t, CKA_PRIME_2, in->q.p, in->q.len);
	add(t, CKA_EXPONENT_1, in->dp.p, in->dp.len);
	add(t, CKA_EXPONENT_2, in->dq.p, in->dq.len);
	add(t, CKA_COEFFICIENT, in->qi.p, in->qi.len);
}

static void
public_build(struct template *t, const struct importing *k)
{
	static const CK_OBJECT_CLASS class = CKO_PUBLIC_KEY;

	add_common(t, k, &class);
	add_flag(t, CKA_VERIFY, true);
	if (k->in->kind == TOKEN_P256)
		add(t, CKA_EC_POINT, k->point, sizeof(k->point));
}

static CK_RV
import_work(struct p11 *p, CK_SESSION_HANDLE s, void *arg)
{
	struct importing *k = arg;
	struct template priv = { .n = 0 }, pub = { .n = 0 };
	CK_OBJECT_HANDLE h1, h2;
	CK_RV rv;

	private_build(&priv, k);
	public_build(&pub, k);
	rv = p->f->C_CreateObject(s, pub.t, pub.n, &h1);
	if (rv == CKR_OK)
		rv = p->f->C_CreateObject(s, priv.t, priv.n, &h2);
	if (rv != CKR_OK)
		return rv;
	p11_keep(p, k->id, CKO_PUBLIC_KEY, h1);
	p11_keep(p, k->id, CKO_PRIVATE_KEY, h2);
	return CKR_OK;
}

static enum q_err
import_check(const struct token_import_req *in, struct importing *k,
    struct fault *f)
{
	bool ec = in->kind == TOKEN_P256;

	if (in->kind < TOKEN_P256)
		return fault_set(f, Q_INVALID, "kind: unknown");
	if (ec && (in->d.len != 32 || in->point.len != TOKEN_POINT_LEN ||
	    in->point.p[0] != 4))
		return fault_set(f, Q_INVALID, "not a P-256 key");
	if (!ec && (in->d.len == 0 || in->n.len == 0 || in->e.len == 0 ||
	    in->p.len == 0 || in->q.len == 0 || in->dp.len == 0 ||
	    in->dq.len == 0 || in->qi.len == 0))
		return fault_set(f, Q_INVALID, "not a whole RSA key");
	k->point[0] = 4;
	k->point[1] = TOKEN_POINT_LEN;
	if (ec)
		memcpy(k->point + 2, in->point.p, TOKEN_POINT_LEN);
	return token_id(in->id, k->id, f);
}

/* The request's own memory, which nobody else has. */
static void
wipe(const struct bytes *parts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		explicit_bzero((void *)(uintptr_t)parts[i].p, parts[i].len);
}

static enum q_err
import_run(struct p11 *p, struct importing *k, struct fault *f)
{
	char why[100];
	enum q_err r;

	pthread_rwlock_wrlock(&p->manage);
	r = p11_run(p, token_destroy_work, k->id, f);
	if (r == Q_OK)
		r = p11_run(p, import_work, k, f);
	pthread_rwlock_unlock(&p->manage);
	if (r != Q_CONFIG && r != Q_INVALID && r != Q_DENIED)
		return r;
	snprintf(why, sizeof(why), "%s", fault_text(f, r));
	return fault_set(f, Q_CONFIG, "the token does not take this private "
	    "key that was made elsewhere: %s", why);
}

enum q_err
token_do_import(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct token_import_req *in = req;
	const struct bytes secret[] = { in->d, in->p, in->q, in->dp, in->dq,
		in->qi };
	struct importing k = { .in = in };
	struct p11 *p = ctx;
	enum q_err r = import_check(in, &k, f);

	(void)q;
	(void)rsp;
	if (r == Q_OK)
		r = import_run(p, &k, f);
	wipe(secret, ARRAY_LEN(secret));
	return r;
}
