// SPDX-License-Identifier: Apache-2.0
#ifndef ENROLD_RULES_H
#define ENROLD_RULES_H

/*
 * Who may enrol, and with what: every rule of the device port, as functions
 * of what was asked and what is recorded. Nothing here reads or writes.
 */

#include "enrold/peer.h"
#include "records/records.h"
#include "x509/csr.h"

/* What kind of request it is; numbers as in signd's issue. */
enum csr_form { CSR_PKCS10, CSR_CRMF };

/* What a device asks, by whatever protocol. All borrowed. */
struct enrol_ask {
	enum csr_form form;
	struct bytes csr;	/* DER */
	struct bytes identity;	/* SubjectPublicKeyInfo; len 0: none */
	struct bytes proof;	/* by the identity key, over csr */
	const char *label;	/* batch it names; NULL: none */
	bool reenrol;		/* EST simplereenroll */
	/* What challengePassword must be on this connection; NULL when the
	 * connection has no binding, and any is refused. */
	const char *binding;
	const char *from;	/* address, for the activity record */
	const char *token;	/* as it was sent; NULL: none */
	const char *token_name;	/* of the token that a MAC has proved */
	bool server_key;	/* EST serverkeygen */
	/* No connection shows that it was sent now: it may be somebody's who
	 * keeps what devices say (CMP). */
	bool replayable;
};

/* How signd comes to name the certificate. */
enum enrol_right {
	RIGHT_KEY,	/* the CSR's key is the identity key */
	RIGHT_PROOF,	/* the identity key signed the CSR */
	RIGHT_WORD,	/* TLS showed the device; its policy allows rekey */
	RIGHT_SERVER,	/* the key is made here; its policy allows that */
};

/* Everything a decision needs; NULL: not found. A token is looked for when
 * it counts: for who needs one, and for who is in no batch. batch is that of
 * the device, or that it would come into. */
struct enrol_case {
	const struct enrol_ask *ask;
	const struct csr *csr;
	const struct peer *peer;
	const char *device_id;
	const struct rec_device *dev;
	const struct rec_batch *batch;
	const struct rec_policy *policy;
	int64_t now;
	const struct rec_auth_cert *auth; /* of a PEER_AUTH */
	const struct rec_token *token;
	const struct rec_batch *labelled; /* that the request names */
};

struct enrol_verdict {
	enum enrol_right right;
	bool renewal;	/* it has, or had, a certificate */
	bool again;	/* the answer was lost: give the same certificate */
	bool make;	/* there is no record yet: make it, in the batch */
	bool wait;	/* for an operator's approval */
};

/* The request alone: no CA, a key of a kind that some policy may allow, the
 * channel binding. INVALID. */
enum q_err rule_request(const struct enrol_ask *ask, const struct csr *csr,
    struct fault *f) Q_CHECKED;

/* Which device it is about. DENIED when proof and TLS name different ones,
 * or simplereenroll comes without a certificate of ours. */
enum q_err rule_identity(const struct enrol_ask *ask, const struct csr *csr,
    const struct peer *peer, char ret_id[DEVICE_ID_LEN + 1],
    struct fault *f) Q_CHECKED;

/* Whether a token must come with the request: from everybody whom such an
 * Auth Cert vouches for, known or not. */
bool token_required(const struct enrol_case *c);

/* Whether one is looked at: also from who is unknown and shows no certificate
 * of a manufacturer's. */
bool token_wanted(const struct enrol_case *c);

/* Whether the token that came counts: found, in its dates, of the right
 * batch. UNAUTH when none came, DENIED. */
enum q_err rule_token(const struct enrol_case *c, struct fault *f) Q_CHECKED;

/* Whether the device is known, or may become so: then *ret_make, and a record
 * of it is to be made in the case's batch. UNAUTH for who has shown nothing
 * yet, DENIED. */
enum q_err rule_entry(const struct enrol_case *c, bool *ret_make,
    struct fault *f) Q_CHECKED;

/* Whether the device is known and its batch in order; what status needs. */
enum q_err rule_known(const struct enrol_case *c, struct fault *f) Q_CHECKED;

/* Whether the certificate that TLS showed is one the device may still use. */
enum q_err rule_certificate(const struct enrol_case *c,
    struct fault *f) Q_CHECKED;

/* All rules behind rule_identity. DENIED, UNAUTH, BUSY, UNAVAIL. */
enum q_err rule_enrol(const struct enrol_case *c,
    struct enrol_verdict *ret_verdict, struct fault *f) Q_CHECKED;

/* The state as of now: a sweep may not have marked an expired one yet. */
int64_t device_state_now(const struct rec_device *dev, int64_t now);

/* How a request is remembered, to know it when it comes again: half of its
 * SHA-256 in hex. Where the key was made here the first digit is 'k': such a
 * request never gets the same certificate again. */
#define REQUEST_DIGEST 32
void request_digest(const struct csr *csr, bool server_key,
    char ret_hex[REQUEST_DIGEST + 1]);

/* The newest certificate, if its key was made here and nobody has shown yet
 * that it arrived: the next one takes its place. NULL: there is none. */
const struct rec_cert *device_lost_key(const struct rec_device *dev,
    const struct peer *peer);

/* The newest certificate of a device that is not revoked, or NULL. */
const struct rec_cert *device_newest(const struct rec_device *dev);

/* When a certificate should be renewed: at 2/3 of its life. */
int64_t renew_time(int64_t not_before, int64_t not_after);

/* Whether status asks the device to renew. */
bool device_should_renew(const struct rec_device *dev,
    const struct rec_policy *policy, int64_t now);

/*
 * Enter a certificate into the record: newest first, those that have expired
 * leave. INVALID when the list is full of certificates that have not: the
 * oldest must be published as superseded and dropped first.
 */
enum q_err device_add_cert(struct rec_device *dev, const struct rec_cert *add,
    int64_t now) Q_CHECKED;

/* Moment after the last of its certificates that is not revoked: 0 if none. */
int64_t device_due(const struct rec_device *dev);

#endif
