// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_UNIT_X509_MAKE_H
#define TESTS_UNIT_X509_MAKE_H

/* What the x509 tests share: software keys that stand in for a token, and a
 * small PKI made with them. A failure in here ends the test program. */

#include <openssl/evp.h>

#include "base/buf.h"
#include "x509/cert.h"
#include "x509/cert_check.h"

#define DAY ((int64_t)86400)
#define NOW ((int64_t)1800000000)	/* 2027-01-15 */

/* One party: its key, SubjectPublicKeyInfo, Name, key identifier. */
struct party {
	EVP_PKEY *key;
	struct buf spki;
	struct buf name;
	struct buf cert;	/* once signed */
	uint8_t ski[SKI_LEN];
	enum sig_alg alg;	/* that its key signs with */
	char device_id[DEVICE_ID_LEN + 1];
};

/* "P-256", "P-384", "RSA-2048"... */
EVP_PKEY *make_key(const char *kind);

/* cn NULL: no name. party_free frees the key, too. */
void party_make(struct party *p, const char *kind, const char *cn);
void party_free(struct party *p);

/* 16 octets that are a proper serial number, different for each n. */
void make_serial(unsigned n, uint8_t serial[CERT_SERIAL_LEN]);

/* Sign as a token does (raw r || s) and assemble. */
void sign_tbs(const struct party *issuer, struct bytes tbs, struct buf *out);

struct bytes ski_of(struct party *p);

/* Specs and expectations that fit each other, for subject under issuer. */
struct cert_spec spec_for(enum cert_kind kind, struct party *subject,
    struct party *issuer);
struct cert_expect expect_for(enum cert_kind kind, struct party *subject,
    struct party *issuer);

/* Build, check and sign one certificate into subject->cert. */
void issue(enum cert_kind kind, struct party *subject, struct party *issuer);

/* The TBSCertificate of a device, by a template made for it. */
void device_tbs(struct party *subject, struct party *issuer, struct buf *out);

/* Write DER as PEM to dir/name.pem. */
void leave_pem(const char *dir, const char *name, const char *label,
    struct bytes der);

void die(const char *what) __attribute__((noreturn));

#endif
