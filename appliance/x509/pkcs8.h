// SPDX-License-Identifier: Apache-2.0
#ifndef X509_PKCS8_H
#define X509_PKCS8_H

/*
 * Private keys that people bring: PrivateKeyInfo (PKCS #8, RFC 5208), P-256
 * or RSA-3072, not encrypted. What is not that gets a fault that says what it
 * is, and what to do. Nothing of the key stays in memory of ours but what the
 * caller holds.
 */

#include "x509/pubkey.h"

#define PKCS8_MAX 4096 /* of DER; RSA-3072 needs 1,800 */

/* Borrowed from the DER, all numbers big-endian. */
struct pkcs8 {
	enum key_kind kind;
	struct bytes d;		/* P-256: 32 octets; RSA: private exponent */
	struct bytes n, e, p, q, dp, dq, qi; /* RSA */
	struct bytes public;	/* P-256: the point, if it is in there */
	uint8_t point[65];	/* P-256: as pkcs8_check computed it */
};

/* The DER of a PEM text with a PRIVATE KEY, or a copy of what is DER
 * already, appended; out is the caller's to wipe. INVALID. */
enum q_err pkcs8_der(struct bytes text, struct buf *out,
    struct fault *f) Q_CHECKED;

/* Strict parse. INVALID. */
enum q_err pkcs8_parse(struct bytes der, struct pkcs8 *ret_key,
    struct fault *f) Q_CHECKED;

/* Whether it is a good key: the numbers belong together, and the private half
 * to the public one, whose SubjectPublicKeyInfo is appended. Takes a while
 * with RSA. INVALID. */
enum q_err pkcs8_check(struct pkcs8 *key, struct buf *ret_spki,
    struct fault *f) Q_CHECKED;

#endif
