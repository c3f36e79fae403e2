// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "x509/pubkey.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <pthread.h>

#include "base/codec.h"
#include "x509/der_write.h"
#include "x509/oid.h"

#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 4096

static const uint8_t p256_algorithm[] = { 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86,
	0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
	0x03, 0x01, 0x07 };
static const uint8_t rsa_algorithm[] = { 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86,
	0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01, 0x05, 0x00 };

#define STATIC_BYTES(a) ((struct bytes){ (a), sizeof(a) })

static unsigned
bit_length(struct bytes magnitude)
{
	unsigned bits = 8 * (unsigned)magnitude.len;

	for (uint8_t top = magnitude.p[0]; top < 0x80 && bits % 8 != 1;
	    top = (uint8_t)(top << 1))
		bits--;
	return bits;
}

static enum q_err
parse_rsa(struct pubkey *key, struct fault *f)
{
	struct der outer = der_over(key->key);
	struct der seq = der_enter(&outer, DER_SEQUENCE);

	key->n = der_get_uint(&seq);
	key->e = der_get_uint(&seq);
	if (!der_done(&seq) || !der_done(&outer))
		return fault_set(f, Q_INVALID, "RSA public key is malformed");
	key->kind = KEY_RSA;
	key->bits = bit_length(key->n);
	if (key->bits < RSA_BITS_MIN || key->bits > RSA_BITS_MAX)
		return fault_set(f, Q_INVALID,
		    "RSA key has %u bits, must have %d to %d", key->bits,
		    RSA_BITS_MIN, RSA_BITS_MAX);
	if ((key->n.p[key->n.len - 1] & 1) == 0)
		return fault_set(f, Q_INVALID, "RSA modulus is even");
	if (key->e.len > 8 || (key->e.p[key->e.len - 1] & 1) == 0 ||
	    key->e.len < 3)
		return fault_set(f, Q_INVALID, "RSA public exponent must be "
		    "odd, at least 65537 and at most 64 bits long");
	return Q_OK;
}

static enum q_err
parse_p256(struct pubkey *key, struct fault *f)
{
	key->kind = KEY_P256;
	key->bits = 256;
	key->point = key->key;
	if (key->point.len == 33)
		return fault_set(f, Q_INVALID,
		    "P-256 point is compressed, must be uncompressed");
	if (key->point.len != 65 || key->point.p[0] != 4)
		return fault_set(f, Q_INVALID,
		    "P-256 point must be 65 octets, uncompressed");
	return Q_OK;
}

enum q_err
pubkey_parse(struct bytes spki, struct pubkey *ret_key, struct fault *f)
{
	struct der outer = der_over(spki);
	struct der seq = der_enter(&outer, DER_SEQUENCE);
	struct bytes alg = der_get_whole(&seq, DER_SEQUENCE);
	struct pubkey key = { .spki = spki };
	enum q_err e;

	key.key = der_get_bits(&seq);
	if (!der_done(&seq) || !der_done(&outer) ||
	    spki.len > PUBKEY_SPKI_MAX)
		return fault_set(f, Q_INVALID,
		    "SubjectPublicKeyInfo is malformed");
	if (bytes_equal(alg, STATIC_BYTES(p256_algorithm)))
		e = parse_p256(&key, f);
	else if (bytes_equal(alg, STATIC_BYTES(rsa_algorithm)))
		e = parse_rsa(&key, f);
	else
		e = fault_set(f, Q_INVALID, "public key is neither on the "
		    "named curve P-256 nor a plain RSA key");
	if (e == Q_OK)
		*ret_key = key;
	return e;
}

void
device_id_of(struct bytes spki, char ret_id[DEVICE_ID_LEN + 1])
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	SHA256(spki.p, spki.len, digest);
	hex_encode(digest, sizeof(digest), ret_id);
}

void
pubkey_ski(const struct pubkey *key, uint8_t ret_ski[SKI_LEN])
{
	uint8_t digest[SHA256_DIGEST_LENGTH];

	SHA256(key->key.p, key->key.len, digest);
	for (int i = 0; i < SKI_LEN; i++)
		ret_ski[i] = digest[i];
}

void
pubkey_put_p256(struct buf *out, const uint8_t point[65])
{
	size_t seq = der_begin(out, DER_SEQUENCE);

	buf_put(out, p256_algorithm, sizeof(p256_algorithm));
	der_put_bits(out, (struct bytes){ point, 65 });
	der_end(out, seq);
}

void
pubkey_put_rsa(struct buf *out, struct bytes n, struct bytes e)
{
	size_t seq = der_begin(out, DER_SEQUENCE), bits, key;

	buf_put(out, rsa_algorithm, sizeof(rsa_algorithm));
	bits = der_begin(out, DER_BIT_STRING);
	buf_put(out, "", 1);
	key = der_begin(out, DER_SEQUENCE);
	der_put_uint(out, n.p, n.len);
	der_put_uint(out, e.p, e.len);
	der_end(out, key);
	der_end(out, bits);
	der_end(out, seq);
}

/* OSSL_PARAM integers are in the machine's byte order. */
static OSSL_PARAM
param_uint(const char *name, struct bytes magnitude, uint8_t *room)
{
	for (size_t i = 0; i < magnitude.len; i++) {
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		room[i] = magnitude.p[magnitude.len - 1 - i];
#else
		room[i] = magnitude.p[i];
#endif
	}
	return (OSSL_PARAM){ name, OSSL_PARAM_UNSIGNED_INTEGER, room,
		magnitude.len, OSSL_PARAM_UNMODIFIED };
}

static EVP_PKEY *
from_data(const char *type, int selection, OSSL_PARAM *params)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	EVP_PKEY *pkey = NULL;

	if (ctx != NULL && EVP_PKEY_fromdata_init(ctx) > 0)
		EVP_PKEY_fromdata(ctx, &pkey, selection, params);
	EVP_PKEY_CTX_free(ctx);
	return pkey;
}

/* The curve alone, made once: a copy of it costs a third of making it. */
static EVP_PKEY *p256;
static pthread_once_t p256_once = PTHREAD_ONCE_INIT;

static void
p256_make(void)
{
	static char group[] = "prime256v1";
	OSSL_PARAM params[] = { OSSL_PARAM_construct_utf8_string(
	    OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
	    OSSL_PARAM_construct_end() };

	p256 = from_data("EC", EVP_PKEY_KEY_PARAMETERS, params);
}

/* Refuses a point that is not on the curve. */
static EVP_PKEY *
load_p256(struct bytes point)
{
	EVP_PKEY *pkey = EVP_PKEY_new();

	pthread_once(&p256_once, p256_make);
	if (pkey != NULL && p256 != NULL &&
	    EVP_PKEY_copy_parameters(pkey, p256) == 1 &&
	    EVP_PKEY_set1_encoded_public_key(pkey, point.p, point.len) == 1)
		return pkey;
	EVP_PKEY_free(pkey);
	return NULL;
}

static EVP_PKEY *
load_rsa(const struct pubkey *key)
{
	uint8_t n[RSA_BITS_MAX / 8], e[8];
	OSSL_PARAM params[] = {
		param_uint(OSSL_PKEY_PARAM_RSA_N, key->n, n),
		param_uint(OSSL_PKEY_PARAM_RSA_E, key->e, e),
		OSSL_PARAM_construct_end() };

	return from_data("RSA", EVP_PKEY_PUBLIC_KEY, params);
}

enum q_err
pubkey_load(const struct pubkey *key, EVP_PKEY **ret_pkey, struct fault *f)
{
	bool ec = key->kind == KEY_P256;
	EVP_PKEY *pkey;

	ERR_set_mark();
	pkey = ec ? load_p256(key->point) : load_rsa(key);
	ERR_pop_to_mark();
	if (pkey == NULL)
		return fault_set(f, Q_INVALID, ec ?
		    "P-256 point is not on the curve" :
		    "RSA public key is not usable");
	*ret_pkey = pkey;
	return Q_OK;
}

enum q_err
pubkey_verify(const struct pubkey *key, enum sig_alg alg, struct bytes msg,
    struct bytes sig, struct fault *f)
{
	EVP_PKEY *pkey;
	enum q_err e = pubkey_load(key, &pkey, f);

	if (e != Q_OK)
		return e;
	e = pubkey_verify_with(pkey, alg, msg, sig, f);
	EVP_PKEY_free(pkey);
	return e;
}
