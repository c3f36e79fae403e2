// SPDX-License-Identifier: Apache-2.0
#ifndef X509_CERT_H
#define X509_CERT_H

/*
 * Building certificates (RFC 5280). What is built here is a TBSCertificate;
 * the token signs it and x509_assemble puts the two together. cert_check.h
 * is the separate code that looks at a TBSCertificate before it is signed.
 */

#include "base/buf.h"
#include "base/err.h"
#include "x509/pubkey.h"

#define CERT_SERIAL_LEN 16
#define CERT_DER_MAX 16384
#define CERT_NAMES_MAX 32
#define CERT_URL_MAX 512

enum cert_kind {
	CERT_ROOT = 1,		/* OEM Root, self-signed */
	CERT_ISSUING = 2,	/* issuing CA of a policy */
	CERT_TLS = 3,		/* TLS server of the appliance */
	CERT_DEVICE = 4,
	CERT_OCSP = 5,		/* OCSP responder of an issuing CA */
	CERT_CMP = 6,		/* signs answers to CMP messages */
	CERT_LINK = 7,		/* from one OEM Root to another of the same
				 * Name (RFC 9810 4.4) */
};

/* Where a certificate says that its issuer's things are; NULL: not said. */
struct cert_urls {
	const char *crl;	/* cRLDistributionPoints */
	const char *issuer;	/* authorityInfoAccess caIssuers */
	const char *ocsp;	/* authorityInfoAccess ocsp */
};

/* All borrowed. */
struct cert_spec {
	uint8_t serial[CERT_SERIAL_LEN];
	enum sig_alg alg;	/* what the issuer signs with */
	struct bytes issuer;	/* Name, DER: the issuer's subject, as is */
	struct bytes issuer_ski; /* ROOT: empty */
	struct bytes subject;	/* Name, DER; ROOT: same as issuer */
	struct bytes spki;
	int64_t not_before, not_after; /* seconds since 1970, both included */
	struct cert_urls urls;	/* ROOT: empty */
	const char *const *names; /* TLS: host names and addresses, as text */
	size_t n_names;
};

/* Make 16 random bytes into a serial number: positive, and always 16 octets
 * as DER INTEGER (RFC 5280 4.1.2.2). Builders refuse any other. */
void cert_serial_fix(uint8_t serial[CERT_SERIAL_LEN]);

/* Append the TBSCertificate of any kind but DEVICE. INVALID with what is
 * wrong in the spec. */
enum q_err cert_build(enum cert_kind kind, const struct cert_spec *spec,
    struct buf *out, struct fault *f) Q_CHECKED;

/* The constant parts of all device certificates of one issuing CA. */
struct cert_template;

struct cert_template_spec {
	enum sig_alg alg;
	struct bytes issuer;	/* Name, DER */
	struct bytes issuer_ski;
	struct cert_urls urls;
};

/* Copies what it needs; cert_template_free accepts NULL. */
enum q_err cert_template_new(const struct cert_template_spec *spec,
    struct cert_template **ret_template, struct fault *f) Q_CHECKED;
void cert_template_free(struct cert_template *t);

struct cert_device {
	uint8_t serial[CERT_SERIAL_LEN];
	int64_t not_before, not_after;
	const char *device_id;	/* becomes the subject's CN */
	const struct pubkey *key;
};

/* Append the TBSCertificate of a device: a few microseconds. */
enum q_err cert_template_fill(const struct cert_template *t,
    const struct cert_device *device, struct buf *out,
    struct fault *f) Q_CHECKED;

#endif
