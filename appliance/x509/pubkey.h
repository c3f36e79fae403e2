// SPDX-License-Identifier: Apache-2.0
#ifndef X509_PUBKEY_H
#define X509_PUBKEY_H

/*
 * Public keys and signatures made with them. The only keys there are:
 * P-256 (named curve, uncompressed point) and RSA of 2048 to 4096 bits with
 * an odd exponent of 65537 to 2^64-1. One key has one encoding, so one
 * DeviceID.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define PUBKEY_SPKI_MAX 1024	/* RSA-4096 needs 550 */
#define DEVICE_ID_LEN 64	/* hex digits, without the NUL */
#define SKI_LEN 20

struct evp_pkey_st;		/* OpenSSL's EVP_PKEY */

enum key_kind {
	KEY_P256 = 1,
	KEY_RSA = 2,
};

enum sig_alg {
	SIG_NONE = 0,
	SIG_ECDSA_SHA256,
	SIG_ECDSA_SHA384,
	SIG_ECDSA_SHA512,
	SIG_RSA_PKCS1_SHA256,
	SIG_RSA_PKCS1_SHA384,
	SIG_RSA_PKCS1_SHA512,
	SIG_RSA_PSS_SHA256,	/* MGF1 and salt as long as the hash */
	SIG_RSA_PSS_SHA384,
	SIG_RSA_PSS_SHA512,
};

/* A parsed SubjectPublicKeyInfo; all bytes borrowed from the input. */
struct pubkey {
	enum key_kind kind;
	unsigned bits;
	struct bytes spki;	/* the whole DER */
	struct bytes key;	/* the BIT STRING's octets */
	struct bytes point;	/* P-256: 04 x y */
	struct bytes n, e;	/* RSA: magnitudes */
};

/* Strict parse (RFC 5480, RFC 3279 2.3.1). INVALID with what is wrong. Does
 * not look whether a point is on the curve: pubkey_load does. */
enum q_err pubkey_parse(struct bytes spki, struct pubkey *ret_key,
    struct fault *f) Q_CHECKED;

/* DeviceID: lower-case hex SHA-256 over the DER SubjectPublicKeyInfo. */
void device_id_of(struct bytes spki, char ret_id[DEVICE_ID_LEN + 1]);

/* Subject key identifier: leftmost 160 bits of SHA-256 over the key's BIT
 * STRING octets (RFC 7093 section 2 method 1). */
void pubkey_ski(const struct pubkey *key, uint8_t ret_ski[SKI_LEN]);

/* SubjectPublicKeyInfo from what a token gives: a 65 byte point, or modulus
 * and exponent as big-endian magnitudes. */
void pubkey_put_p256(struct buf *out, const uint8_t point[65]);
void pubkey_put_rsa(struct buf *out, struct bytes n, struct bytes e);

/* An EVP_PKEY for many verifications; EVP_PKEY_free it. INVALID when the
 * point is not on the curve. */
enum q_err pubkey_load(const struct pubkey *key,
    struct evp_pkey_st **ret_pkey, struct fault *f) Q_CHECKED;

/* Verify sig over msg. ECDSA signatures are DER Ecdsa-Sig-Value. SIGNATURE
 * when it does not verify or the algorithm does not fit the key. */
enum q_err pubkey_verify_with(struct evp_pkey_st *pkey, enum sig_alg alg,
    struct bytes msg, struct bytes sig, struct fault *f) Q_CHECKED;
enum q_err pubkey_verify(const struct pubkey *key, enum sig_alg alg,
    struct bytes msg, struct bytes sig, struct fault *f) Q_CHECKED;

/* Algorithm of an AlgorithmIdentifier (whole DER); SIG_NONE for those that
 * are not in the enum. The inverse: static bytes. */
enum sig_alg sig_alg_parse(struct bytes der);
struct bytes sig_alg_der(enum sig_alg alg);

/* Algorithm that our CAs sign with, by kind of key. */
enum sig_alg sig_alg_for(enum key_kind kind);

/* Ecdsa-Sig-Value (RFC 3279 2.2.3) from PKCS #11's r || s. */
void ecdsa_sig_put(struct buf *out, const uint8_t raw[64]);

#endif
