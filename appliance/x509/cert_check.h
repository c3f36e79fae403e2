// SPDX-License-Identifier: Apache-2.0
#ifndef X509_CERT_CHECK_H
#define X509_CERT_CHECK_H

/*
 * The look at a TBSCertificate before a CA key signs it. Shares the DER
 * reader with the parsers and nothing with the code that builds, so that a
 * mistake or a break-in there does not become a certificate.
 */

#include "base/buf.h"
#include "base/err.h"
#include "x509/cert.h"

/* What the certificate must be; all borrowed. Anything not expected is a
 * reason to refuse: another extension, another order of magnitude of time,
 * another URL. */
struct cert_expect {
	enum cert_kind kind;
	enum sig_alg alg;
	const uint8_t *serial;	/* CERT_SERIAL_LEN; NULL: any proper one */
	struct bytes issuer;	/* Name, DER; ROOT: same as subject */
	struct bytes issuer_ski; /* ROOT: empty */
	int64_t issuer_not_before; /* ROOT: ignored, as the next */
	int64_t issuer_not_after;
	struct bytes subject;	/* Name, DER; DEVICE: ignored */
	const char *device_id;	/* DEVICE: the CN */
	struct bytes spki;
	unsigned rsa_min_bits;	/* 0: RSA keys not allowed */
	int64_t now;
	int64_t max_backdate;	/* not_before >= now - this, <= now */
	int64_t max_lifetime;	/* not_after - not_before <= this */
	struct cert_urls urls;	/* exactly these; NULL: must be absent */
	const char *const *names; /* TLS: exactly these, in this order */
	size_t n_names;
};

/* INVALID with the rule that is broken; PROTO when it is not such DER. */
enum q_err cert_check_tbs(struct bytes tbs, const struct cert_expect *want,
    struct fault *f) Q_CHECKED;

#endif
