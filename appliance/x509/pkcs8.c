// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "x509/pkcs8.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "base/secret.h"
#include "x509/der.h"
#include "x509/pem.h"

#define RSA_BITS 3072
#define P256_LEN 32
#define P256_POINT 65

static const uint8_t ec_oid[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01 };
static const uint8_t p256_oid[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01,
	0x07 };
static const uint8_t rsa_oid[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01,
	0x01, 0x01 };

#define STATIC_BYTES(a) ((struct bytes){ (a), sizeof(a) })

/* What people take for it. */
#define NOT_PKCS8 "not PKCS #8: openssl pkcs8 -topk8 -nocrypt -in FILE " \
	"makes that of it"
static const char encrypted[] = "the key is encrypted: openssl pkcs8 "
    "-topk8 -nocrypt -in FILE takes that away";
static const char public_half[] =
    "this is a public key: the private one is needed";
static const char certificate[] =
    "this is a certificate: the private key is needed";
static const struct {
	const char *label, *text;
} others[] = {
	{ "ENCRYPTED PRIVATE KEY", encrypted },
	{ "EC PRIVATE KEY", "this is a SEC 1 key, " NOT_PKCS8 },
	{ "RSA PRIVATE KEY", "this is a PKCS #1 key, " NOT_PKCS8 },
	{ "DSA PRIVATE KEY", "this is a DSA key: only P-256 and RSA-3072 are "
	    "taken" },
	{ "OPENSSH PRIVATE KEY", "this is a key of OpenSSH: ssh-keygen -p -N "
	    "'' -m PKCS8 -f FILE makes PKCS #8 of it" },
	{ "PUBLIC KEY", public_half },
	{ "RSA PUBLIC KEY", public_half },
	{ "CERTIFICATE", certificate },
	{ "CERTIFICATE REQUEST", "this is a request for a certificate: the "
	    "private key is needed" },
};

static bool
has(struct bytes text, const char *what)
{
	return memmem(text.p, text.len, what, strlen(what)) != NULL;
}

enum q_err
pkcs8_der(struct bytes text, struct buf *out, struct fault *f)
{
	char mark[64];

	if (!has(text, "-----BEGIN ")) {
		buf_put(out, text.p, text.len);
		return out->bad ? fault_set(f, Q_INVALID,
		    "private key: too large") : Q_OK;
	}
	if (has(text, "-----BEGIN PRIVATE KEY-----"))
		return pem_decode(text, "PRIVATE KEY", out, NULL, f) == Q_OK ?
		    Q_OK : fault_set(f, Q_INVALID,
		    "private key: its PEM is damaged");
	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		snprintf(mark, sizeof(mark), "-----BEGIN %s-----",
		    others[i].label);
		if (has(text, mark))
			return fault_set(f, Q_INVALID, "%s", others[i].text);
	}
	return fault_set(f, Q_INVALID,
	    "private key: no PRIVATE KEY in this PEM");
}

/* No PrivateKeyInfo: what else? */
static enum q_err
other_der(struct bytes der, struct fault *f)
{
	struct der outer = der_over(der);
	struct der seq = der_enter(&outer, DER_SEQUENCE);
	const char *text = "private key: neither PEM nor DER of PKCS #8";

	if (der_next_is(&seq, DER_INTEGER)) {
		der_get(&seq, DER_INTEGER);
		if (der_next_is(&seq, DER_OCTET_STRING))
			text = others[1].text;
		else if (der_next_is(&seq, DER_INTEGER))
			text = others[2].text;
		return fault_set(f, Q_INVALID, "%s", text);
	}
	if (der_next_is(&seq, DER_SEQUENCE)) {
		der_get(&seq, DER_SEQUENCE);
		if (der_next_is(&seq, DER_OCTET_STRING))
			text = encrypted;
		else if (der_next_is(&seq, DER_BIT_STRING))
			text = public_half;
		else if (der_next_is(&seq, DER_SEQUENCE))
			text = certificate;
	}
	return fault_set(f, Q_INVALID, "%s", text);
}

/* ECPrivateKey, RFC 5915. */
static enum q_err
parse_p256(struct bytes in, struct pkcs8 *k, struct fault *f)
{
	struct der outer = der_over(in);
	struct der seq = der_enter(&outer, DER_SEQUENCE), part;
	bool curve = true;

	seq.bad |= der_get_u64(&seq) != 1;
	k->d = der_get(&seq, DER_OCTET_STRING);
	if (der_next_is(&seq, DER_CTX_CONS(0))) {
		part = der_enter(&seq, DER_CTX_CONS(0));
		curve = bytes_equal(der_get(&part, DER_OID),
		    STATIC_BYTES(p256_oid)) && der_done(&part);
	}
	if (der_next_is(&seq, DER_CTX_CONS(1))) {
		part = der_enter(&seq, DER_CTX_CONS(1));
		k->public = der_get_bits(&part);
		seq.bad |= !der_done(&part);
	}
	if (!der_done(&seq) || !der_done(&outer) || !curve ||
	    k->d.len != P256_LEN)
		return fault_set(f, Q_INVALID,
		    "private key: its ECPrivateKey is malformed");
	k->kind = KEY_P256;
	return Q_OK;
}

static unsigned
bit_length(struct bytes magnitude)
{
	unsigned bits = 8 * (unsigned)magnitude.len;

	for (unsigned top = magnitude.p[0]; top < 0x80 && bits % 8 != 1;
	     top <<= 1)
		bits--;
	return bits;
}

/* RSAPrivateKey, RFC 8017 A.1.2, of two primes. */
static enum q_err
parse_rsa(struct bytes in, struct pkcs8 *k, struct fault *f)
{
	struct der outer = der_over(in);
	struct der seq = der_enter(&outer, DER_SEQUENCE);
	struct bytes *const number[] = { &k->n, &k->e, &k->d, &k->p, &k->q,
		&k->dp, &k->dq, &k->qi };
	unsigned bits;

	if (der_get_u64(&seq) != 0)
		return fault_set(f, Q_INVALID,
		    "private key: RSA of more than two primes");
	for (size_t i = 0; i < ARRAY_LEN(number); i++)
		*number[i] = der_get_uint(&seq);
	if (!der_done(&seq) || !der_done(&outer))
		return fault_set(f, Q_INVALID,
		    "private key: its RSAPrivateKey is malformed");
	bits = bit_length(k->n);
	if (bits != RSA_BITS)
		return fault_set(f, Q_INVALID, "this is an RSA key of %u "
		    "bits: only P-256 and RSA-%d are taken", bits, RSA_BITS);
	for (size_t i = 2; i < ARRAY_LEN(number); i++)
		if (number[i]->len > (i == 2 ? k->n.len : RSA_BITS / 16))
			return fault_set(f, Q_INVALID,
			    "private key: its RSA numbers do not fit");
	k->kind = KEY_RSA;
	return Q_OK;
}

enum q_err
pkcs8_parse(struct bytes der, struct pkcs8 *ret_key, struct fault *f)
{
	struct der outer = der_over(der);
	struct der seq = der_enter(&outer, DER_SEQUENCE), alg;
	struct bytes version = der_get(&seq, DER_INTEGER), oid, params, key;
	struct pkcs8 k = { 0 };
	enum q_err r;

	alg = der_enter(&seq, DER_SEQUENCE);
	oid = der_get(&alg, DER_OID);
	key = der_get(&seq, DER_OCTET_STRING);
	if (der_next_is(&seq, DER_CTX_CONS(0)))
		der_get(&seq, DER_CTX_CONS(0)); /* attributes */
	if (!der_done(&seq) || !der_done(&outer) || version.len != 1 ||
	    version.p[0] != 0)
		return other_der(der, f);
	if (bytes_equal(oid, STATIC_BYTES(ec_oid))) {
		params = der_get(&alg, DER_OID);
		if (!der_done(&alg) ||
		    !bytes_equal(params, STATIC_BYTES(p256_oid)))
			return fault_set(f, Q_INVALID, "this is an EC key on "
			    "another curve: only P-256 and RSA-%d are taken",
			    RSA_BITS);
		r = parse_p256(key, &k, f);
	} else if (bytes_equal(oid, STATIC_BYTES(rsa_oid))) {
		r = parse_rsa(key, &k, f);
	} else {
		r = fault_set(f, Q_INVALID, "this is a key of another "
		    "algorithm: only P-256 and RSA-%d are taken", RSA_BITS);
	}
	if (r == Q_OK)
		*ret_key = k;
	return r;
}

/* d times the generator, if d is a number that can be one. */
static bool
point_make(const EC_GROUP *group, struct bytes d, uint8_t point[P256_POINT])
{
	EC_POINT *at = EC_POINT_new(group);
	BIGNUM *n = BN_new();
	bool good = at != NULL && n != NULL &&
	    BN_bin2bn(d.p, (int)d.len, n) != NULL;

	if (good)
		BN_set_flags(n, BN_FLG_CONSTTIME);
	good = good && !BN_is_zero(n) &&
	    BN_cmp(n, EC_GROUP_get0_order(group)) < 0 &&
	    EC_POINT_mul(group, at, n, NULL, NULL, NULL) == 1 &&
	    EC_POINT_point2oct(group, at, POINT_CONVERSION_UNCOMPRESSED,
	    point, P256_POINT, NULL) == P256_POINT;
	BN_clear_free(n);
	EC_POINT_free(at);
	return good;
}

static enum q_err
check_p256(struct pkcs8 *k, struct buf *ret_spki, struct fault *f)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	bool good = group != NULL && point_make(group, k->d, k->point);

	EC_GROUP_free(group);
	ERR_clear_error();
	if (!good)
		return fault_set(f, Q_INVALID,
		    "private key: its number is out of range");
	if (k->public.len != 0 && !bytes_equal(k->public,
	    STATIC_BYTES(k->point)))
		return fault_set(f, Q_INVALID,
		    "private key: its two halves do not belong together");
	pubkey_put_p256(ret_spki, k->point);
	return Q_OK;
}

struct number {
	const char *name;
	struct bytes value;
};

/* OpenSSL's key, made of numbers in its own order of bytes. */
static EVP_PKEY *
rsa_make(const struct number *number, size_t n, uint8_t *room)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM params[9];
	EVP_PKEY *pkey = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t len = number[i].value.len;

		for (size_t b = 0; b < len; b++)
			room[b] = number[i].value.p[len - 1 - b];
		params[i] = OSSL_PARAM_construct_BN(number[i].name, room,
		    len);
		room += len;
	}
	params[n] = OSSL_PARAM_construct_end();
	if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) != 1)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

static enum q_err
check_rsa(const struct pkcs8 *k, struct buf *ret_spki, struct fault *f)
{
	static const uint8_t none[PKCS8_MAX];
	const struct number number[] = {
		{ OSSL_PKEY_PARAM_RSA_N, k->n },
		{ OSSL_PKEY_PARAM_RSA_E, k->e },
		{ OSSL_PKEY_PARAM_RSA_D, k->d },
		{ OSSL_PKEY_PARAM_RSA_FACTOR1, k->p },
		{ OSSL_PKEY_PARAM_RSA_FACTOR2, k->q },
		{ OSSL_PKEY_PARAM_RSA_EXPONENT1, k->dp },
		{ OSSL_PKEY_PARAM_RSA_EXPONENT2, k->dq },
		{ OSSL_PKEY_PARAM_RSA_COEFFICIENT1, k->qi },
	};
	AUTO_SECRET struct secret room = { 0 };
	EVP_PKEY_CTX *ctx = NULL;
	struct pubkey pub;
	EVP_PKEY *pkey;
	bool good;
	enum q_err r;

	pubkey_put_rsa(ret_spki, k->n, k->e);
	r = pubkey_parse(buf_bytes(ret_spki), &pub, f);
	if (r == Q_OK)
		r = secret_new(none, sizeof(none), &room);
	if (r != Q_OK)
		return r;
	pkey = rsa_make(number, ARRAY_LEN(number), room.p);
	if (pkey != NULL)
		ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	good = ctx != NULL && EVP_PKEY_check(ctx) == 1;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return good ? Q_OK : fault_set(f, Q_INVALID,
	    "private key: its numbers do not belong together");
}

enum q_err
pkcs8_check(struct pkcs8 *key, struct buf *ret_spki, struct fault *f)
{
	return key->kind == KEY_P256 ? check_p256(key, ret_spki, f) :
	    check_rsa(key, ret_spki, f);
}
