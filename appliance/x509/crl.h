// SPDX-License-Identifier: Apache-2.0
#ifndef X509_CRL_H
#define X509_CRL_H

/* Building CRLs (RFC 5280 section 5): a TBSCertList, to be signed by the
 * token and put together by x509_assemble. */

#include "base/buf.h"
#include "base/err.h"
#include "x509/cert.h"

#define CRL_DER_MAX ((size_t)1 << 30)

/* CRLReason (RFC 5280 5.3.1), those that we give. */
enum crl_reason {
	CRL_UNSPECIFIED = 0,
	CRL_KEY_COMPROMISE = 1,
	CRL_CA_COMPROMISE = 2,
	CRL_AFFILIATION_CHANGED = 3,
	CRL_SUPERSEDED = 4,
	CRL_CESSATION = 5,
	CRL_PRIVILEGE_WITHDRAWN = 9,
};

struct crl_entry {
	uint8_t serial[CERT_SERIAL_LEN];
	int64_t revoked_at;
	enum crl_reason reason;
};

/* Gives the next entry, in ascending order of serial; NOTFOUND at the end;
 * any other error ends the building with it. */
typedef enum q_err (*crl_next)(void *arg, struct crl_entry *ret_entry);

struct crl_spec {
	enum sig_alg alg;
	struct bytes issuer;	/* Name, DER */
	struct bytes issuer_ski;
	uint64_t number;	/* > 0, above that of every earlier CRL */
	int64_t this_update, next_update;
	/* issuingDistributionPoint, left out when it would say nothing: its
	 * name (NULL: none), and onlyContainsUserCerts. */
	const char *idp_url;
	bool only_users;
	/* A delta CRL (RFC 5280 5.2.4): what was revoked since the CRL of this
	 * number. 0: a full one. */
	uint64_t base;
	/* freshestCRL, of a full one: where the delta is. NULL: none. */
	const char *freshest_url;
};

/* Append the TBSCertList. INVALID when the spec is wrong or entries are out
 * of order or doubled. */
enum q_err crl_build(const struct crl_spec *spec, crl_next next, void *arg,
    struct buf *out, struct fault *f) Q_CHECKED;

/* Sort for an iterator that walks an array. */
void crl_sort(struct crl_entry *entries, size_t n);

#endif
