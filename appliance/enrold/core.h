// SPDX-License-Identifier: Apache-2.0
#ifndef ENROLD_CORE_H
#define ENROLD_CORE_H

/*
 * The one enrolment core under every protocol of the device port: looks up
 * the device, applies the rules, has signd issue, records, answers. No HTTP
 * in here.
 */

#include <pthread.h>

#include "base/conf.h"
#include "base/secret.h"
#include "enrold/cache.h"
#include "enrold/pki.h"
#include "enrold/rules.h"
#include "records/client.h"
#include "signer/signer.h"

struct notes;
struct authcerts;
struct cmp_table;
struct crls;
struct ocsp;
struct revset;
struct throttle;

#define CORE_TURNS 64

struct core {
	const struct conf *conf;
	struct wire_client *signd, *recordd;
	struct pki_box *pki;
	struct cache *cache;
	struct notes *notes;
	struct crls *crls;
	struct ocsp *ocsp;
	struct revset *revset;	/* what is on the CRLs */
	struct cmp_table *cmp;	/* transactions */
	struct authcerts *authcerts;
	struct throttle *throttle; /* of wrong tokens */
	_Atomic uint64_t devices; /* in all batches, by the last count */
	/* As the web administration has set them; 0: as the configuration
	 * says. */
	_Atomic int64_t poll_seconds, poll_rate;
	/* Requests of one device take turns: otherwise all but one would
	 * have been signed in vain. By a part of the DeviceID. */
	pthread_mutex_t turns[CORE_TURNS];
};

/* What is not filled in by the caller. */
void core_init(struct core *core);

struct enrol_answer {
	struct buf cert;	/* DER: buf_free it */
	char device_id[DEVICE_ID_LEN + 1];
	char batch[REC_NAME_MAX + 1];
	char issuer[SIGND_ID_LEN + 1];
	int64_t not_before, not_after;
	int64_t state;		/* enum rec_device_state, when refused */
	struct secret key;	/* PKCS #8, DER, if server_key: secret_free */
};

/*
 * A certificate for the device, or the reason why not: INVALID, PROTO,
 * SIGNATURE for a bad request, DENIED, NOTFOUND for an unknown label,
 * UNAUTH for who has shown nothing, BUSY with advice after too many wrong
 * tokens, WAIT with advice while an operator's approval is awaited, UNAVAIL
 * with advice while signd or recordd are away. OK means that the certificate
 * is durably recorded. Asked again after any failure, the same request leads
 * to the same certificate; but where the key is made here, to a new one in
 * its place, if the device may renew.
 */
enum q_err core_enrol(struct core *core, const struct peer *peer,
    const struct enrol_ask *ask, struct enrol_answer *ret_answer,
    struct fault *f) Q_CHECKED;

struct status_answer {
	char device_id[DEVICE_ID_LEN + 1];
	char batch[REC_NAME_MAX + 1];
	int64_t state;		/* enum rec_device_state */
	bool renew;
	int64_t not_after;	/* 0: has no certificate */
	int64_t poll_after;	/* seconds */
};

/* How the device stands. DENIED for who is not known, or revoked: then
 * ret_answer->state says so. */
enum q_err core_status(struct core *core, const struct peer *peer,
    struct status_answer *ret_answer, struct fault *f) Q_CHECKED;

/* When a device shall ask for its status next, in seconds: spread so that
 * the fleet stays inside device.polls_per_second, and not behind the moment
 * renew_at (0: none). */
int64_t core_poll_after(struct core *core, int64_t renew_at);

/* Words for people and devices: "not enrolled", "enrolled", ... */
const char *device_state_text(int64_t state);


/* Put a certificate on its issuer's list. Done before: OK. */
enum q_err core_publish(struct core *core, const struct rec_device *dev,
    const struct rec_cert *rc, const char *reason, struct fault *f) Q_CHECKED;

#endif
