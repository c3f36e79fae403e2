// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "records/access.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "x509/cert_parse.h"
#include "x509/pem.h"

#define DAY 86400

/* A batch that devices can come into. */
static enum q_err
batch_there(struct wire_client *c, const char *name, struct fault *f)
{
	struct rec_batch batch;
	enum q_err r = rec_batch_get(c, name, &batch, f);

	if (r == Q_OK && batch.deleting)
		return fault_set(f, Q_CONFLICT,
		    "batch %.64s is being deleted", name);
	return r == Q_NOTFOUND ? fault_set(f, r, "no batch %.64s", name) : r;
}

/* --- Auth Certs --------------------------------------------------------- */

bool
rec_auth_key_fits(X509 *x)
{
	EVP_PKEY *key = X509_get0_pubkey(x);
	char group[32] = "";

	if (key == NULL)
		return false;
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
		return EVP_PKEY_get_bits(key) >= 2048;
	return EVP_PKEY_get_group_name(key, group, sizeof(group), NULL) == 1 &&
	    (strcmp(group, "prime256v1") == 0 ||
	    strcmp(group, "secp384r1") == 0 ||
	    strcmp(group, "secp521r1") == 0);
}

static enum q_err
ca_check(X509 *x, struct fault *f)
{
	if (x == NULL)
		return fault_set(f, Q_INVALID, "not an X.509 certificate");
	if ((X509_get_extension_flags(x) & EXFLAG_INVALID) ||
	    X509_check_ca(x) == 0)
		return fault_set(f, Q_INVALID, "the certificate is not one of "
		    "a certificate authority");
	if (!rec_auth_key_fits(x))
		return fault_set(f, Q_INVALID, "the key of the certificate is "
		    "neither RSA of 2048 bits or more nor P-256, P-384 or "
		    "P-521");
	if (X509_cmp_current_time(X509_get0_notAfter(x)) <= 0)
		return fault_set(f, Q_INVALID, "the certificate has expired");
	return Q_OK;
}

/* Its subject's common name, when nobody gives it another. */
static void
name_take(struct bytes der, struct rec_auth_cert *rec)
{
	struct cert cert;

	if (rec->name[0] == '\0' && cert_parse(der, &cert, NULL) == Q_OK)
		snprintf(rec->name, sizeof(rec->name), "%.*s",
		    (int)cert.cn.len, (const char *)cert.cn.p);
}

static enum q_err
cert_take(struct bytes pem, struct rec_auth_cert *rec, struct fault *f)
{
	AUTO_BUF struct buf der = BUF_INIT(REC_CERT_DER_MAX);
	AUTO_BUF struct buf second = BUF_INIT(PEM_TEXT_MAX);
	struct bytes rest = { NULL, 0 };
	uint8_t md[SHA256_DIGEST_LENGTH];
	const uint8_t *p;
	X509 *x;
	enum q_err r = pem_decode(pem, PEM_CERTIFICATE, &der, &rest, f);

	if (r != Q_OK)
		return r == Q_NOTFOUND ? fault_set(f, Q_INVALID,
		    "no certificate in PEM form in it") : r;
	if (pem_decode(rest, PEM_CERTIFICATE, &second, NULL, NULL) !=
	    Q_NOTFOUND)
		return fault_set(f, Q_INVALID,
		    "more than one certificate in it; import them one by one");
	p = der.p;
	x = d2i_X509(NULL, &p, (long)der.len);
	r = p == der.p + der.len ? ca_check(x, f) : ca_check(NULL, f);
	X509_free(x);
	ERR_clear_error();
	if (r != Q_OK)
		return r;
	SHA256(der.p, der.len, md);
	hex_encode(md, sizeof(md), rec->key);
	memcpy(rec->cert.p, der.p, der.len);
	rec->cert.len = der.len;
	name_take(buf_bytes(&der), rec);
	return Q_OK;
}

/* Neither too many, nor two of one name. */
static enum q_err
auth_cert_fits(struct wire_client *c, const struct rec_auth_cert *rec,
    struct fault *f)
{
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(c, REC_AUTH_CERT, NULL, NULL);
	struct rec_auth_cert other;
	size_t n = 0;
	enum q_err r;

	while ((r = rec_list_next(&it, &other, f)) == Q_OK) {
		if (strcmp(other.key, rec->key) == 0)
			return fault_set(f, Q_EXISTS, "the certificate is "
			    "there already, as Auth Cert %s", other.name);
		if (strcmp(other.name, rec->name) == 0)
			return fault_set(f, Q_EXISTS,
			    "Auth Cert %s exists already", other.name);
		if (++n == REC_AUTH_CERTS_MAX)
			return fault_set(f, Q_TOOBIG,
			    "there are %d Auth Certs; no more are taken",
			    REC_AUTH_CERTS_MAX);
	}
	return r == Q_NOTFOUND ? Q_OK : r;
}

enum q_err
rec_auth_cert_add(struct wire_client *c, struct bytes pem,
    struct rec_auth_cert *rec, const struct rec_actor *by, struct fault *f)
{
	bool batch = rec->batch[0] != '\0';
	enum q_err r = cert_take(pem, rec, f);

	if (r != Q_OK)
		return r;
	if (!batch && (rec->requires_token || !rec->must_preregister))
		return fault_set(f, Q_INVALID, "a batch is needed for the "
		    "devices that come by this certificate");
	/* Its name is one that others can be typed by, too. */
	r = rec_key_check(rec_desc(REC_TOKEN), rec->name, f);
	if (r != Q_OK)
		return fault_set(f, r, "the name wants 1 to 64 letters, digits "
		    "and \" ._-\", with a letter or digit at both ends");
	r = auth_cert_fits(c, rec, f);
	if (r == Q_OK && batch)
		r = batch_there(c, rec->batch, f);
	rec->created_at = clock_wall();
	if (r == Q_OK)
		r = rec_auth_cert_insert(c, rec, f);
	if (r != Q_OK)
		return r;
	/* Who deletes the batch may have looked before. */
	r = batch ? batch_there(c, rec->batch, f) : Q_OK;
	if (r == Q_NOTFOUND || r == Q_CONFLICT) {
		(void)!rec_auth_cert_delete(c, rec->key, rec->rev, NULL);
		return r;
	}
	return r == Q_OK ? rec_actor_note(c, by, "auth cert add", rec->name,
	    f) : r;
}

enum q_err
rec_auth_cert_find(struct wire_client *c, const char *name,
    struct rec_auth_cert *ret_rec, struct fault *f)
{
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(c, REC_AUTH_CERT, NULL, NULL);
	struct rec_auth_cert rec;
	enum q_err r;

	while ((r = rec_list_next(&it, &rec, f)) == Q_OK)
		if (strcmp(rec.name, name) == 0 || strcmp(rec.key, name) == 0) {
			*ret_rec = rec;
			return Q_OK;
		}
	return r == Q_NOTFOUND ? fault_set(f, r, "no Auth Cert %.64s", name)
			       : r;
}

enum q_err
rec_auth_cert_remove(struct wire_client *c, const char *name,
    const struct rec_actor *by, struct fault *f)
{
	struct rec_auth_cert rec;
	enum q_err r = rec_auth_cert_find(c, name, &rec, f);

	if (r == Q_OK)
		r = rec_auth_cert_delete(c, rec.key, rec.rev, f);
	return r == Q_OK ? rec_actor_note(c, by, "auth cert remove", rec.name,
	    f) : r;
}

/* --- tokens ------------------------------------------------------------- */

/* Drawn uniformly: what would favour some is drawn again. */
static enum q_err
value_draw(char out[REC_TOKEN_VALUE + 1])
{
	static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789";
	const uint8_t fair = 256 / 62 * 62;
	uint8_t x;

	for (size_t n = 0; n < REC_TOKEN_VALUE;) {
		if (RAND_bytes(&x, 1) != 1)
			return Q_INTERNAL;
		if (x < fair)
			out[n++] = set[x % 62];
	}
	out[REC_TOKEN_VALUE] = '\0';
	return Q_OK;
}

void
rec_token_context(const char *name, char ret[REC_TOKEN_CONTEXT])
{
	snprintf(ret, REC_TOKEN_CONTEXT, "token/%.100s", name);
}

static enum q_err
token_check(struct wire_client *c, const struct rec_token *t,
    struct fault *f)
{
	enum q_err r = rec_key_check(rec_desc(REC_TOKEN), t->key, f);

	if (r != Q_OK)
		return r;
	if (t->not_before % DAY != 0 || t->not_after % DAY != 0)
		return fault_set(f, Q_INVALID,
		    "a token is valid from and up to 00:00 UTC of a day");
	if (t->not_before >= t->not_after)
		return fault_set(f, Q_INVALID,
		    "not-after is not behind not-before");
	return batch_there(c, t->batch, f);
}

static enum q_err
token_fill(struct rec_token *t, const struct rec_sealer *sealer,
    const char *value, struct fault *f)
{
	AUTO_BUF struct buf sealed = BUF_INIT(REC_SEALED_MAX);
	struct bytes secret = { (const uint8_t *)value, REC_TOKEN_VALUE };
	char context[REC_TOKEN_CONTEXT];
	uint8_t md[SHA256_DIGEST_LENGTH];
	enum q_err r;

	rec_token_context(t->key, context);
	r = sealer->seal(sealer->ctx, context, secret, &sealed, f);
	if (r != Q_OK || sealed.bad)
		return r != Q_OK ? r : Q_TOOBIG;
	memcpy(t->sealed.p, sealed.p, sealed.len);
	t->sealed.len = sealed.len;
	SHA256(secret.p, secret.len, md);
	hex_encode(md, sizeof(md), t->digest);
	t->created_at = clock_wall();
	return Q_OK;
}

enum q_err
rec_token_create(struct wire_client *c, struct rec_token *t,
    const struct rec_sealer *sealer, const struct rec_actor *by,
    char ret_value[REC_TOKEN_VALUE + 1], struct fault *f)
{
	char value[REC_TOKEN_VALUE + 1];
	enum q_err r = token_check(c, t, f);

	if (r == Q_OK)
		r = value_draw(value);
	if (r == Q_OK)
		r = token_fill(t, sealer, value, f);
	if (r == Q_OK)
		r = rec_token_insert(c, t, f);
	if (r == Q_OK)
		memcpy(ret_value, value, sizeof(value));
	OPENSSL_cleanse(value, sizeof(value));
	if (r == Q_EXISTS)
		return fault_set(f, r, "token %.64s exists already", t->key);
	if (r != Q_OK)
		return r;
	/* Who deletes the batch may have looked before. */
	r = batch_there(c, t->batch, f);
	if (r == Q_NOTFOUND || r == Q_CONFLICT) {
		(void)!rec_token_delete(c, t->key, t->rev, NULL);
		return r;
	}
	return r == Q_OK ? rec_actor_note(c, by, "token create", t->key, f)
			 : r;
}

enum q_err
rec_token_remove(struct wire_client *c, const char *name,
    const struct rec_actor *by, struct fault *f)
{
	struct rec_token t;
	enum q_err r = rec_token_get(c, name, &t, f);

	if (r == Q_NOTFOUND)
		return fault_set(f, r, "no token %.64s", name);
	if (r == Q_OK)
		r = rec_token_delete(c, name, t.rev, f);
	return r == Q_OK ? rec_actor_note(c, by, "token remove", name, f) : r;
}
