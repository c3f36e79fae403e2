// SPDX-License-Identifier: Apache-2.0
/* The keys that signd has for this user, as objects. */
#include "config.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/own.h"
#include "module/module.h"

/* Handle: 1 + 3 * number of the key + object. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct code_key **keys;
static size_t n_keys;

#define ATTRS_MAX 48
#define P256_POINT 65

static void
put(struct object *o, CK_ATTRIBUTE_TYPE type, const void *value, size_t len)
{
	struct attr *a = &o->attrs[o->n];

	a->value = malloc(len + 1);
	if (a->value == NULL) {
		o->bad = true;
		return;
	}
	if (len != 0)
		memcpy(a->value, value, len);
	a->type = type;
	a->len = len;
	o->n++;
}

static void
put_bool(struct object *o, CK_ATTRIBUTE_TYPE type, bool value)
{
	CK_BBOOL b = value ? CK_TRUE : CK_FALSE;

	put(o, type, &b, sizeof(b));
}

static void
put_ulong(struct object *o, CK_ATTRIBUTE_TYPE type, CK_ULONG value)
{
	put(o, type, &value, sizeof(value));
}

/* CK_DATE, empty where there is no limit. */
static void
put_date(struct object *o, CK_ATTRIBUTE_TYPE type, uint64_t at)
{
	time_t t = (time_t)at;
	char text[16];
	struct tm tm;

	if (at == 0 || gmtime_r(&t, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y%m%d", &tm) != sizeof(CK_DATE))
		put(o, type, NULL, 0);
	else
		put(o, type, text, sizeof(CK_DATE));
}

static void
put_der(struct object *o, CK_ATTRIBUTE_TYPE type, int len, uint8_t *der)
{
	put(o, type, der, len > 0 ? (size_t)len : 0);
	OPENSSL_free(der);
}

static void
put_bn(struct object *o, CK_ATTRIBUTE_TYPE type, EVP_PKEY *key,
    const char *name)
{
	uint8_t raw[1024];
	BIGNUM *bn = NULL;

	if (EVP_PKEY_get_bn_param(key, name, &bn) == 1 &&
	    BN_num_bytes(bn) <= (int)sizeof(raw))
		put(o, type, raw, (size_t)BN_bn2bin(bn, raw));
	BN_free(bn);
}

static bool
object_new(struct object *o, CK_OBJECT_CLASS class,
    const struct signd_code_key *k, const uint8_t id[MODULE_ID_BYTES])
{
	*o = (struct object){ .class = class,
		.attrs = calloc(ATTRS_MAX, sizeof(struct attr)) };
	if (o->attrs == NULL)
		return false;
	put_ulong(o, CKA_CLASS, class);
	put_bool(o, CKA_TOKEN, true);
	put_bool(o, CKA_PRIVATE, false);
	put_bool(o, CKA_MODIFIABLE, false);
	put_bool(o, CKA_COPYABLE, false);
	put_bool(o, CKA_DESTROYABLE, false);
	put(o, CKA_LABEL, k->name, strlen(k->name));
	put(o, CKA_ID, id, MODULE_ID_BYTES);
	return true;
}

/* What both halves of a pair have; CKA_EC_POINT is the point in a DER OCTET
 * STRING (PKCS #11 2.40 curr 2.3.3). */
static void
put_pair(struct object *o, const struct code_key *k,
    const struct signd_code_key *from)
{
	static const uint8_t p256[] = { 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 3,
		1, 7 };
	CK_MECHANISM_TYPE allowed[16];
	uint8_t point[2 + P256_POINT] = { 4, P256_POINT };
	size_t n = 0;

	put_ulong(o, CKA_KEY_TYPE, k->rsa ? CKK_RSA : CKK_EC);
	put_bool(o, CKA_LOCAL, !from->imported);
	put_bool(o, CKA_DERIVE, false);
	put_ulong(o, CKA_KEY_GEN_MECHANISM, from->imported ?
	    CK_UNAVAILABLE_INFORMATION : k->rsa ? CKM_RSA_PKCS_KEY_PAIR_GEN :
	    CKM_EC_KEY_PAIR_GEN);
	put_date(o, CKA_START_DATE, from->not_before);
	put_date(o, CKA_END_DATE, from->not_after);
	for (size_t i = 0; i < n_mechs; i++)
		if ((mechs[i].sign & k->mechs) != 0 && mechs[i].rsa == k->rsa)
			allowed[n++] = mechs[i].type;
	put(o, CKA_ALLOWED_MECHANISMS, allowed, n * sizeof(*allowed));
	put(o, CKA_PUBLIC_KEY_INFO, from->spki.p, from->spki.len);
	if (k->rsa) {
		put_bn(o, CKA_MODULUS, k->public, "n");
		put_bn(o, CKA_PUBLIC_EXPONENT, k->public, "e");
		return;
	}
	/* The point ends a SubjectPublicKeyInfo. OpenSSL is not asked for it:
	 * in a program that uses an engine for EC it does not tell. */
	memcpy(point + 2, from->spki.p + from->spki.len - P256_POINT,
	    P256_POINT);
	put(o, CKA_EC_PARAMS, p256, sizeof(p256));
	put(o, CKA_EC_POINT, point, sizeof(point));
}

static void
private_make(struct object *o, const struct signd_code_key *from)
{
	static const CK_ATTRIBUTE_TYPE no[] = { CKA_EXTRACTABLE, CKA_DECRYPT,
		CKA_SIGN_RECOVER, CKA_UNWRAP, CKA_ALWAYS_AUTHENTICATE,
		CKA_WRAP_WITH_TRUSTED };

	put_bool(o, CKA_SENSITIVE, true);
	put_bool(o, CKA_ALWAYS_SENSITIVE, !from->imported);
	put_bool(o, CKA_NEVER_EXTRACTABLE, !from->imported);
	put_bool(o, CKA_SIGN, true);
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		put_bool(o, no[i], false);
}

static void
public_make(struct object *o, const struct code_key *k)
{
	static const CK_ATTRIBUTE_TYPE no[] = { CKA_ENCRYPT,
		CKA_VERIFY_RECOVER, CKA_WRAP, CKA_TRUSTED };

	put_bool(o, CKA_VERIFY, true);
	for (size_t i = 0; i < ARRAY_LEN(no); i++)
		put_bool(o, no[i], false);
	if (k->rsa)
		put_ulong(o, CKA_MODULUS_BITS,
		    (CK_ULONG)EVP_PKEY_get_bits(k->public));
}

static void
put_name(struct object *o, CK_ATTRIBUTE_TYPE type, const X509_NAME *name)
{
	uint8_t *der = NULL;
	int len = i2d_X509_NAME(name, &der);

	put_der(o, type, len, der);
}

static void
put_asn1_date(struct object *o, CK_ATTRIBUTE_TYPE type, const ASN1_TIME *at)
{
	struct tm tm;

	put_date(o, type, ASN1_TIME_to_tm(at, &tm) == 1 ?
	    (uint64_t)timegm(&tm) : 0);
}

static void
cert_make(struct object *o, const struct signd_code_key *from, X509 *x)
{
	uint8_t sha1[SHA_DIGEST_LENGTH], *der = NULL;
	int len;

	put_ulong(o, CKA_CERTIFICATE_TYPE, CKC_X_509);
	put_ulong(o, CKA_CERTIFICATE_CATEGORY, 0);
	put_bool(o, CKA_TRUSTED, false);
	put_name(o, CKA_SUBJECT, X509_get_subject_name(x));
	put_name(o, CKA_ISSUER, X509_get_issuer_name(x));
	len = i2d_ASN1_INTEGER(X509_get0_serialNumber(x), &der);
	put_der(o, CKA_SERIAL_NUMBER, len, der);
	put(o, CKA_VALUE, from->cert.p, from->cert.len);
	put(o, CKA_PUBLIC_KEY_INFO, from->spki.p, from->spki.len);
	SHA1(from->cert.p, from->cert.len, sha1);
	put(o, CKA_CHECK_VALUE, sha1, 3);
	put_asn1_date(o, CKA_START_DATE, X509_get0_notBefore(x));
	put_asn1_date(o, CKA_END_DATE, X509_get0_notAfter(x));
}

static void
object_free(struct object *o)
{
	for (size_t i = 0; i < o->n; i++)
		free(o->attrs[i].value);
	free(o->attrs);
	*o = (struct object){ 0 };
}

static void
key_free(struct code_key *k)
{
	for (int i = 0; i < OBJECTS; i++)
		object_free(&k->objects[i]);
	EVP_PKEY_free(k->public);
	free(k->cert);
	free(k);
}

/* NULL for what is no certificate: the key does without. */
static X509 *
cert_parse(struct bytes der)
{
	X509 *x = X509_new_ex(module_openssl(), NULL);
	const uint8_t *p = der.p;

	if (x != NULL && d2i_X509(&x, &p, (long)der.len) == NULL)
		x = NULL; /* which d2i_X509 has freed */
	return x;
}

static struct code_key *
key_make(const struct signd_code_key *from)
{
	const uint8_t *spki = from->spki.p;
	struct code_key *k = calloc(1, sizeof(*k));
	uint8_t id[MODULE_ID_BYTES];
	X509 *x = NULL;
	bool good;

	if (k == NULL)
		return NULL;
	memcpy(k->id, from->id, strnlen(from->id, SIGND_ID_LEN));
	k->mechs = from->mechs;
	k->not_before = from->not_before;
	k->not_after = from->not_after;
	k->cert = malloc(from->cert.len + 1);
	k->public = d2i_PUBKEY_ex(NULL, &spki, (long)from->spki.len,
	    module_openssl(), NULL);
	good = k->cert != NULL && k->public != NULL && hex_decode(from->id, id, sizeof(id)) &&
	    object_new(&k->objects[OBJECT_PRIVATE], CKO_PRIVATE_KEY,
	    from, id) && object_new(&k->objects[OBJECT_PUBLIC],
	    CKO_PUBLIC_KEY, from, id);
	if (!good) {
		key_free(k);
		return NULL;
	}
	if (from->cert.len != 0)
		memcpy(k->cert, from->cert.p, from->cert.len);
	k->cert_len = from->cert.len;
	k->rsa = EVP_PKEY_is_a(k->public, "RSA") == 1;
	if (!k->rsa && from->spki.len <= P256_POINT) {
		key_free(k);
		return NULL;
	}
	k->sig_len = k->rsa ? (CK_ULONG)EVP_PKEY_get_size(k->public) : 64;
	private_make(&k->objects[OBJECT_PRIVATE], from);
	public_make(&k->objects[OBJECT_PUBLIC], k);
	put_pair(&k->objects[OBJECT_PRIVATE], k, from);
	put_pair(&k->objects[OBJECT_PUBLIC], k, from);
	if (from->cert.len != 0)
		x = cert_parse(from->cert);
	k->has_cert = x != NULL && object_new(&k->objects[OBJECT_CERT],
	    CKO_CERTIFICATE, from, id);
	if (k->has_cert)
		cert_make(&k->objects[OBJECT_CERT], from, x);
	for (int i = 0; x != NULL && i < OBJECT_CERT; i++)
		put_name(&k->objects[i], CKA_SUBJECT,
		    X509_get_subject_name(x));
	for (int i = 0; x == NULL && i < OBJECT_CERT; i++)
		put(&k->objects[i], CKA_SUBJECT, NULL, 0);
	X509_free(x);
	for (int i = 0; i < OBJECTS; i++)
		if (k->objects[i].bad) {
			key_free(k);
			return NULL;
		}
	return k;
}

static const struct attr *
attr_find(const struct object *o, CK_ATTRIBUTE_TYPE type)
{
	for (size_t i = 0; i < o->n; i++)
		if (o->attrs[i].type == type)
			return &o->attrs[i];
	return NULL;
}

/* Whether a key is still what it was; what has changed is another object
 * with another handle, so that nobody's attributes change under him. */
static bool
same(const struct code_key *k, const struct signd_code_key *from)
{
	const struct attr *name = attr_find(&k->objects[OBJECT_PRIVATE],
	    CKA_LABEL);

	return strcmp(k->id, from->id) == 0 && k->mechs == from->mechs &&
	    k->not_before == from->not_before &&
	    k->not_after == from->not_after &&
	    k->cert_len == from->cert.len && (k->cert_len == 0 ||
	    memcmp(k->cert, from->cert.p, k->cert_len) == 0) && name != NULL && name->len == strlen(from->name) &&
	    memcmp(name->value, from->name, name->len) == 0;
}

static CK_RV
key_seen(const struct signd_code_key *from, bool *seen, size_t n_seen)
{
	struct code_key **grown, *k;

	for (size_t i = 0; i < n_seen; i++) {
		if (!same(keys[i], from))
			continue;
		seen[i] = true;
		return CKR_OK;
	}
	k = key_make(from);
	grown = k != NULL ? realloc(keys, (n_keys + 1) * sizeof(*keys)) : NULL;
	if (grown == NULL) {
		if (k != NULL)
			key_free(k);
		return CKR_HOST_MEMORY;
	}
	keys = grown;
	keys[n_keys++] = k;
	return CKR_OK;
}

/* One page of signd's list. */
static CK_RV
page(char after[SIGND_ID_LEN + 1], bool *seen, size_t n_seen, bool *ret_more)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct signd_code_keys_req req = { .after = after };
	struct signd_code_keys_rsp rsp;
	struct signd_code_key k;
	int64_t until = clock_mono_ms() + REMOTE_LIST_MS;
	struct fault f = { 0 };
	enum q_err r;
	CK_RV rv;

	do
		r = signd_code_keys(module_client(), &req, &rsp, &hold, &f);
	while (remote_again(r, until, &f));
	rv = remote_rv(r, &f);
	while (rv == CKR_OK && (r = wire_list_next(&rsp.items,
	    &signd_code_key_type, &k)) == Q_OK) {
		rv = key_seen(&k, seen, n_seen);
		memcpy(after, k.id, strlen(k.id) + 1);
	}
	*ret_more = rv == CKR_OK && rsp.more;
	return rv == CKR_OK && r != Q_NOTFOUND ? CKR_DEVICE_ERROR : rv;
}

CK_RV
keys_refresh(void)
{
	char after[SIGND_ID_LEN + 1] = "";
	AUTO_FREE bool *seen = NULL;
	bool more = true;
	size_t n_seen;
	CK_RV rv = CKR_OK;

	pthread_mutex_lock(&lock);
	n_seen = n_keys;
	seen = calloc(n_seen + 1, sizeof(*seen));
	while (seen != NULL && rv == CKR_OK && more)
		rv = page(after, seen, n_seen, &more);
	for (size_t i = 0; seen != NULL && rv == CKR_OK && i < n_seen; i++)
		keys[i]->gone = !seen[i];
	pthread_mutex_unlock(&lock);
	return seen == NULL ? CKR_HOST_MEMORY : rv;
}

void
keys_forget(void)
{
	keys = NULL;
	n_keys = 0;
	pthread_mutex_init(&lock, NULL);
}

void
keys_free(void)
{
	for (size_t i = 0; i < n_keys; i++)
		key_free(keys[i]);
	free(keys);
	keys_forget();
}

const struct object *
object_get(CK_OBJECT_HANDLE handle, struct code_key **ret_key)
{
	const struct object *o = NULL;
	size_t i = (size_t)(handle - 1) / OBJECTS;

	pthread_mutex_lock(&lock);
	if (handle != 0 && i < n_keys && !keys[i]->gone)
		o = &keys[i]->objects[(handle - 1) % OBJECTS];
	if (o != NULL && ret_key != NULL)
		*ret_key = keys[i];
	pthread_mutex_unlock(&lock);
	return o != NULL && o->n != 0 ? o : NULL;
}

static bool
matches(const struct object *o, const CK_ATTRIBUTE *match, CK_ULONG n)
{
	if (o->n == 0)
		return false;
	for (CK_ULONG i = 0; i < n; i++) {
		const struct attr *a = attr_find(o, match[i].type);

		if (a == NULL || a->len != match[i].ulValueLen ||
		    (a->len != 0 && (match[i].pValue == NULL ||
		    memcmp(a->value, match[i].pValue, a->len) != 0)))
			return false;
	}
	return true;
}

CK_RV
objects_match(const CK_ATTRIBUTE *match, CK_ULONG n,
    CK_OBJECT_HANDLE **ret_found, size_t *ret_n)
{
	CK_OBJECT_HANDLE *found;
	size_t count = 0;

	pthread_mutex_lock(&lock);
	found = calloc(n_keys * OBJECTS + 1, sizeof(*found));
	for (size_t i = 0; found != NULL && i < n_keys * OBJECTS; i++)
		if (!keys[i / OBJECTS]->gone && matches(
		    &keys[i / OBJECTS]->objects[i % OBJECTS], match, n))
			found[count++] = i + 1;
	pthread_mutex_unlock(&lock);
	*ret_found = found;
	*ret_n = count;
	return found != NULL ? CKR_OK : CKR_HOST_MEMORY;
}
