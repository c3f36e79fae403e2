// SPDX-License-Identifier: Apache-2.0
#ifndef X509_CSR_H
#define X509_CSR_H

/* Certification requests: PKCS #10 (RFC 2986) and CRMF (RFC 4211). */

#include "base/buf.h"
#include "base/err.h"
#include "x509/pubkey.h"

#define CSR_DER_MAX 8192

struct der;

/* A parsed request; all bytes borrowed from the DER, but the key of a CRMF
 * one from the struct itself, which is not to be copied then. What the
 * requester says about names is untrusted text. */
struct csr {
	struct bytes der;
	struct bytes info;	/* CertificationRequestInfo or CertRequest:
				 * what is signed */
	struct bytes subject;	/* Name, DER */
	struct bytes cn;	/* first commonName; len 0: none */
	struct pubkey key;
	char device_id[DEVICE_ID_LEN + 1];
	struct bytes san;	/* requested GeneralNames, DER; len 0: none */
	struct bytes challenge;	/* challengePassword; p NULL: none */
	bool asks_ca;		/* basicConstraints cA TRUE requested */
	enum sig_alg alg;
	struct bytes sig;
	uint8_t sha256[32];	/* over der */
	uint8_t spki[PUBKEY_SPKI_MAX]; /* CRMF: what key borrows from */
};

/* Strict parse; TOOBIG over CSR_DER_MAX, PROTO when it is no such DER,
 * INVALID when it is, but asks for what we do not do. Does not verify. */
enum q_err csr_parse(struct bytes der, struct csr *ret_csr,
    struct fault *f) Q_CHECKED;

/*
 * The same of a CRMF CertReqMsg (RFC 4211 3): with subject and key in its
 * template, and a signature by the key over its CertRequest as proof of
 * possession. Other proofs are INVALID, and so is a private key to archive;
 * what else it wishes (issuer, validity, controls, regInfo) is left aside.
 */
enum q_err csr_parse_crmf(struct bytes der, struct csr *ret_csr,
    struct fault *f) Q_CHECKED;

/* For both: the rest of an Extensions' contents (RFC 5280 4.1), of which there
 * must be one. false when malformed. */
bool csr_extensions(struct csr *csr, struct der *list);

/* The request's own signature: proof that the requester has the key. */
enum q_err csr_verify(const struct csr *csr, struct fault *f) Q_CHECKED;

/* Append the CertificationRequestInfo (RFC 2986 4.1) of a server: its key,
 * CN=names[0] and all names in SAN, which ext_name_good. INVALID. What signs
 * it makes the request by x509_assemble(). */
enum q_err csr_build(struct bytes spki, const char *const *names, size_t n,
    struct buf *out, struct fault *f) Q_CHECKED;

/* EST /csrattrs body, DER (RFC 7030 4.5.2): P-256 with ecdsa-with-SHA256,
 * and with bind also "send challengePassword". Static bytes. */
struct bytes csr_attrs(bool bind);

#endif
