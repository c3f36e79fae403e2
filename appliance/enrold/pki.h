// SPDX-License-Identifier: Apache-2.0
#ifndef ENROLD_PKI_H
#define ENROLD_PKI_H

/*
 * The appliance's certificates as quoin-signd lists them: a snapshot that
 * never changes, replaced by a newer one when signd's generation moves.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "signer/signer.h"
#include "x509/cert_parse.h"
#include "x509/ocsp.h"

struct evp_pkey_st;

/* What we take of signd's list. */
enum pki_purpose {
	PKI_ISSUING,
	PKI_ROOT,		/* also those of before */
	PKI_LINK,		/* between OEM Roots (RFC 9810 4.4) */
	PKI_TLS,		/* of the device port */
	PKI_CMP,		/* signs answers to CMP messages */
	PKI_OCSP,		/* responder of an issuing CA */
};

#define PKI_PATH_MAX 32

struct pki_cert {
	char id[SIGND_ID_LEN + 1];
	char policy[SIGND_POLICY_MAX + 1]; /* issuing CAs only */
	enum pki_purpose purpose;
	bool active;
	uint32_t generation;
	uint64_t crl_number;
	struct buf der;
	struct cert cert;	/* borrows from der */
	struct pubkey key;
	struct ocsp_issuer ids;	/* issuing CAs and responders */
	struct evp_pkey_st *pkey; /* issuing CAs only: to verify with */
	const struct pki_cert *ocsp; /* issuing CAs only: responder; NULL:
					none yet */
};

struct pki {
	uint64_t generation;
	char host[SIGND_HOST_MAX + 1];
	struct pki_cert *root, *tls, *cmp; /* into certs; NULL: none yet */
	struct pki_cert *certs; /* oldest first */
	size_t n;
	struct buf root_pem;
	/* From a CA to whatever root one has: links, each before the root
	 * that it stands for, since OpenSSL takes what it finds first. */
	const struct pki_cert *path[PKI_PATH_MAX];
	size_t n_path;
	struct buf path_pem;
	unsigned refs; /* pki.c's own */
};

/* Where the newest snapshot is kept. */
struct pki_box;

enum q_err pki_box_new(struct wire_client *signd,
    struct pki_box **ret_box) Q_CHECKED;
void pki_box_free(struct pki_box *box);

/* Ask signd, unless it was asked within the last max_age_ms; when its
 * generation moved, take a new snapshot. UNAVAIL and so on as from signd. */
enum q_err pki_refresh(struct pki_box *box, int64_t max_age_ms,
    struct fault *f) Q_CHECKED;

/* The newest snapshot, held until pki_drop; asks signd when there is none
 * yet. UNAVAIL while there is no PKI. */
enum q_err pki_hold(struct pki_box *box, struct pki **ret_pki,
    struct fault *f) Q_CHECKED;
void pki_drop(struct pki **pki);
#define AUTO_PKI __attribute__((cleanup(pki_drop)))

/* Whether a link has the key of a root and the signature of an earlier one
 * (NewWithOld), by which those who only know that one come to trust. */
bool pki_link_is_new(const struct pki *pki, const struct pki_cert *link);

/* By id; the CA of a policy that issues now. NULL when there is none. */
struct pki_cert *pki_find(const struct pki *pki, const char *id);
struct pki_cert *pki_issuing(const struct pki *pki, const char *policy);

/* The OCSP responder of a CA that has this id and has not ended, also one that
 * was replaced; NULL when there is none. */
struct pki_cert *pki_responder(const struct pki *pki,
    const struct pki_cert *ca, const char *id);

#endif
