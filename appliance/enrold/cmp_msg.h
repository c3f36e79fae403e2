// SPDX-License-Identifier: Apache-2.0
#ifndef ENROLD_CMP_MSG_H
#define ENROLD_CMP_MSG_H

/*
 * What must be known of a CMP message (RFC 9810) before OpenSSL works on it,
 * and what OpenSSL does not tell of it. Strict DER, with limits.
 */

#include "base/buf.h"
#include "base/err.h"
#include "x509/pubkey.h"

#define CMP_MESSAGE_MAX 20480
#define CMP_CERTS_MAX 8		/* in extraCerts */
#define CMP_KID_MAX 64
#define CMP_ID_MIN 8		/* RFC 9810 5.1.1 wants 16 octets */
#define CMP_ID_MAX 32
#define CMP_ROUNDS_MAX 10000	/* of a password based MAC */

/* PKIBody's tags. */
enum cmp_type {
	CMP_IR = 0, CMP_IP = 1, CMP_CR = 2, CMP_CP = 3, CMP_P10CR = 4,
	CMP_KUR = 7, CMP_KUP = 8, CMP_RR = 11, CMP_RP = 12, CMP_PKICONF = 19,
	CMP_GENM = 21, CMP_GENP = 22, CMP_ERROR = 23, CMP_CERTCONF = 24,
	CMP_POLLREQ = 25, CMP_POLLREP = 26,
};

enum cmp_protection { CMP_UNPROTECTED, CMP_MAC, CMP_SIGNATURE };

/* A revocation that is asked (RevDetails with reasonCode). */
struct cmp_revocation {
	struct bytes issuer;	/* Name, DER */
	struct bytes serial;	/* magnitude */
	uint64_t reason;	/* RFC 5280 5.3.1; 0: none given */
};

/* A message; all bytes borrowed. */
struct cmp_msg {
	struct bytes der;
	enum cmp_type type;
	enum cmp_protection protection;
	struct bytes kid;	/* senderKID; len 0: none */
	struct bytes id;	/* transactionID */
	struct bytes certs[CMP_CERTS_MAX]; /* extraCerts, DER */
	size_t n_certs;
	struct bytes request;	/* ir cr kur: CertReqMsg; p10cr: PKCS #10 */
	struct cmp_revocation rr;
	bool rejects;		/* certConf: does not want the certificate */
};

/* Parse a request. TOOBIG, PROTO; INVALID for what it is right to send, but
 * not to us: a type of message, a protection, several requests in one. */
enum q_err cmp_msg_parse(struct bytes der, struct cmp_msg *ret_msg,
    struct fault *f) Q_CHECKED;

/* Whether a message of this type begins a transaction. */
bool cmp_type_begins(enum cmp_type type);

#endif
