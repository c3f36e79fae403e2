// SPDX-License-Identifier: Apache-2.0
#ifndef X509_CERT_PARSE_H
#define X509_CERT_PARSE_H

/* A light, strict parser for our own and for foreign certificates. */

#include "base/buf.h"
#include "base/err.h"
#include "x509/pubkey.h"

#define CERT_PARSE_MAX 16384
#define CERT_EXTENSIONS_MAX 32

/* keyUsage bits (RFC 5280 4.2.1.3) as in struct cert. */
#define CERT_KU_DIGITAL_SIGNATURE (1u << 0)
#define CERT_KU_KEY_CERT_SIGN (1u << 5)
#define CERT_KU_CRL_SIGN (1u << 6)

/* All bytes borrowed from der; len 0: not there. */
struct cert {
	struct bytes der;
	struct bytes tbs;	/* what is signed */
	unsigned version;	/* 1 to 3 */
	struct bytes serial;	/* magnitude, 1 to 20 octets */
	struct bytes issuer, subject; /* Names, DER */
	struct bytes cn;	/* subject's first commonName */
	struct bytes spki;
	int64_t not_before, not_after; /* seconds since 1970, included */
	struct bytes ski, aki;	/* key identifiers */
	bool is_ca;
	int path_len;		/* -1: no limit said */
	bool has_key_usage;
	uint16_t key_usage;
	bool self_issued;	/* subject and issuer are the same Name */
	enum sig_alg alg;	/* SIG_NONE: one that we do not know */
	struct bytes sig;
	struct bytes extensions; /* the SEQUENCE's contents */
};

/* TOOBIG, PROTO for what is not such DER. Unknown extensions are passed
 * over, critical or not. The key is not parsed: it may be of a kind that we
 * do not know. Verifies nothing. */
enum q_err cert_parse(struct bytes der, struct cert *ret_cert,
    struct fault *f) Q_CHECKED;

/* One extension by its OID's contents octets: value is the inside of the
 * OCTET STRING. false when there is none. */
bool cert_extension(const struct cert *cert, struct bytes oid,
    bool *ret_critical, struct bytes *ret_value);

/* The signature only: names and dates are the caller's to compare. */
enum q_err cert_verify_signature(const struct cert *cert,
    struct bytes issuer_spki, struct fault *f) Q_CHECKED;

#endif
