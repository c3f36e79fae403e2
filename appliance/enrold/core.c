// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "enrold/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "enrold/lookup.h"
#include "enrold/crls.h"
#include "enrold/notes.h"
#include "enrold/revset.h"
#include "enrold/serverkey.h"
#include "enrold/throttle.h"
#include "enrold/token.h"

#define TRIES 5
#define WAIT_SECONDS 60 /* between questions for an operator's approval */
#define SETTLE_MS 3000 /* a restart of recordd takes less */
#define SETTLE_PAUSE_MS 20
#define TURN_SECONDS 2

/* What one enrolment knows by and by. */
struct job {
	struct core *core;
	const struct enrol_ask *ask;
	const struct peer *peer;
	struct csr csr;
	char device_id[DEVICE_ID_LEN + 1];
	struct lookup at;
	struct enrol_case view;
	struct enrol_verdict verdict;
	bool judged;		/* the rules have spoken */
	bool token_bad;		/* and the token was why */
	struct secret key;	/* that was made here: PKCS #8 */
	struct buf key_csr;	/* the request with it */
};

/* The request's own signature, and that of the identity key over it. */
static enum q_err
job_prove(const struct job *j, struct fault *f)
{
	struct pubkey key;
	enum q_err r = csr_verify(&j->csr, f);

	if (r != Q_OK || j->ask->proof.len == 0)
		return r;
	r = pubkey_parse(j->ask->identity, &key, f);
	return r == Q_OK ? pubkey_verify(&key, sig_alg_for(key.kind),
	    j->csr.der, j->ask->proof, f) : r;
}

/* Who did not prove anything yet gets to know nothing but that. */
static enum q_err
job_refuse(struct job *j, enum q_err why, struct fault *f)
{
	struct fault bad = { 0 };
	enum q_err r;

	if (j->peer->kind != PEER_NONE)
		return why;
	r = job_prove(j, &bad);
	return r == Q_OK ? why : fault_set(f, r, "%s", fault_text(&bad, r));
}

static enum q_err
job_judge(struct job *j, bool fresh, struct fault *f)
{
	enum q_err r = lookup_case(j->core, fresh, &j->at, &j->view, f);

	j->judged = r == Q_OK;
	if (r == Q_OK)
		r = rule_enrol(&j->view, &j->verdict, f);
	j->token_bad = j->judged && r == Q_DENIED &&
	    token_wanted(&j->view) && rule_token(&j->view, NULL) == r;
	return r;
}

static enum q_err
job_decide(struct job *j, struct fault *f)
{
	enum q_err r = job_judge(j, false, f);

	if (r == Q_OK || !j->judged)
		return r;
	/* Batch or policy may have changed within the last moments. */
	r = job_judge(j, true, f);
	return r == Q_OK || !j->judged ? r : job_refuse(j, r, f);
}

/* Each looks whether the other was first: this, and who deletes the batch. */
static enum q_err
batch_stays(struct job *j, const struct rec_device *dev, struct fault *f)
{
	struct rec_batch batch;
	enum q_err r = cache_batch(j->core->cache, dev->batch, true, &batch,
	    f);

	if (r == Q_OK && batch.deleting)
		r = Q_NOTFOUND;
	if (r != Q_NOTFOUND)
		return r;
	r = rec_device_delete(j->core->recordd, dev->key, dev->rev, f);
	return r == Q_OK || r == Q_NOTFOUND || r == Q_CONFLICT ?
	    fault_set(f, Q_DENIED, "batch %s is being deleted", dev->batch) :
	    r;
}

static void
note_asked(const struct job *j, struct rec_device *dev)
{
	dev->approval = DEVICE_APPROVAL_WAITING;
	request_digest(&j->csr, j->ask->server_key, dev->asked);
}

/* The record of a device that comes into a batch with its first request. It
 * has a load of its own, like one that was loaded: see job_seq. CONFLICT:
 * somebody else was first. */
static enum q_err
job_make(struct job *j, struct fault *f)
{
	struct rec_device dev = { .state = DEVICE_NOT_ENROLLED };
	uint64_t load;
	enum q_err r;

	if (getrandom(&load, sizeof(load), 0) != sizeof(load))
		return Q_INTERNAL;
	snprintf(dev.key, sizeof(dev.key), "%s", j->device_id);
	snprintf(dev.batch, sizeof(dev.batch), "%.64s", j->view.batch->key);
	snprintf(dev.load, sizeof(dev.load), "%016llx",
	    (unsigned long long)load);
	if (j->verdict.wait)
		note_asked(j, &dev);
	r = rec_device_insert(j->core->recordd, &dev, f);
	if (r == Q_EXISTS)
		return Q_CONFLICT;
	if (r == Q_OK)
		r = batch_stays(j, &dev, f);
	if (r == Q_OK)
		j->at.dev = dev;
	return r;
}

/* An operator approves the device, not the request: who waits may come back
 * with another one, as most clients do. */
static enum q_err
job_wait(struct job *j, struct fault *f)
{
	struct rec_device *dev = &j->at.dev;
	enum q_err r = Q_OK;

	if (dev->approval != DEVICE_APPROVAL_WAITING) {
		note_asked(j, dev);
		r = rec_device_put(j->core->recordd, dev, f);
	}
	if (r == Q_NOTFOUND)
		r = Q_CONFLICT;
	return r == Q_OK ? fault_retry(f, Q_WAIT, WAIT_SECONDS,
	    "enrolment waits for an operator's approval") : r;
}

/* What is to be done between the decision and the certificate. */
static enum q_err
job_prepare(struct job *j, struct fault *f)
{
	bool make = j->verdict.make, wait = j->verdict.wait;
	enum q_err r = Q_OK;

	/* signd looks too, but later, or at another request. */
	if (make || wait || j->ask->server_key)
		r = job_prove(j, f);
	if (r == Q_OK && make)
		r = job_make(j, f);
	if (r == Q_OK && wait)
		r = job_wait(j, f);
	if (r == Q_OK && j->ask->server_key && j->key.p == NULL)
		r = serverkey_make(&j->csr, &j->key, &j->key_csr, f);
	return r;
}

/* What tells this certificate from every other that the same request may
 * ever get. A device that was deleted and has come back begins to count anew,
 * but another load brought it: its first certificates are revoked. */
static uint64_t
job_seq(const struct job *j)
{
	return strtoull(j->at.dev.load, NULL, 16) +
	    (uint64_t)(j->at.dev.issued - j->verdict.again);
}

static enum q_err
job_issue(struct job *j, struct signd_issue_rsp *rsp,
    struct wire_reply *hold, struct fault *f)
{
	enum enrol_right right = j->verdict.right;
	struct signd_issue_req req = { .policy = j->at.policy.key,
		.csr = j->csr.der,
		.device_id = right == RIGHT_KEY ? "" : j->device_id,
		.word = right == RIGHT_WORD,
		.form = (uint32_t)j->ask->form,
		.server_key = right == RIGHT_SERVER,
		.lifetime = (uint64_t)j->at.policy.device_lifetime };
	enum q_err r;

	if (right == RIGHT_PROOF) {
		req.identity = j->ask->identity;
		req.proof = j->ask->proof;
	}
	if (right == RIGHT_SERVER)
		req.csr = buf_bytes(&j->key_csr);
	for (;; j->at.dev.issued++) {
		req.seq = job_seq(j);
		r = signd_issue(j->core->signd, &req, rsp, hold, f);
		if (r != Q_OK || !rsp->again || j->verdict.again ||
		    (int64_t)rsp->not_after > j->view.now)
			break;
		/* Signed long ago and never recorded; it has ended since. */
		wire_reply_free(hold);
	}
	if (r == Q_OK && strcmp(rsp->device_id, j->device_id) != 0)
		return fault_set(f, Q_INTERNAL,
		    "signd named another device than the one that asked");
	return r;
}

static bool
recorded(const struct rec_device *dev, const char *serial)
{
	for (size_t i = 0; i < dev->certs.n; i++)
		if (strcmp(dev->certs.c[i].serial, serial) == 0)
			return true;
	return false;
}

/* The list is full: the oldest certificate that was renewed since goes to
 * the CRL, so that no valid one is ever without a record. */
static enum q_err
make_room(struct job *j, struct fault *f)
{
	struct rec_certs *certs = &j->at.dev.certs;
	enum q_err r = core_publish(j->core, &j->at.dev,
	    &certs->c[certs->n - 1], "superseded", f);

	if (r == Q_OK)
		certs->n--;
	return r;
}

/* Nobody will ever have the key of the newest certificate, or will show it. */
static enum q_err
supersede_lost(struct job *j, struct fault *f)
{
	struct rec_device *dev = &j->at.dev;
	const struct rec_cert *rc = device_lost_key(dev, j->peer);
	enum q_err r;

	if (rc == NULL || rc->not_after < clock_wall())
		return Q_OK;
	r = core_publish(j->core, dev, rc, "superseded", f);
	if (r == Q_OK)
		memmove(&dev->certs.c[0], &dev->certs.c[1],
		    --dev->certs.n * sizeof(dev->certs.c[0]));
	return r;
}

static enum q_err
job_record(struct job *j, const struct signd_issue_rsp *rsp, struct fault *f)
{
	struct rec_cert rc = { .not_before = (int64_t)rsp->not_before,
		.not_after = (int64_t)rsp->not_after };
	int64_t now = clock_wall();
	struct rec_device *dev = &j->at.dev;
	enum q_err r = supersede_lost(j, f);

	if (r != Q_OK)
		return r;
	snprintf(rc.serial, sizeof(rc.serial), "%s", rsp->serial);
	snprintf(rc.issuer, sizeof(rc.issuer), "%s", rsp->issuing_id);
	while ((r = device_add_cert(dev, &rc, now)) == Q_INVALID) {
		r = make_room(j, f);
		if (r != Q_OK)
			return r;
	}
	dev->state = DEVICE_ENROLLED;
	if (dev->enrolled_at == 0)
		dev->enrolled_at = now;
	if (j->verdict.renewal) {
		dev->renewed = true;
		dev->renewed_at = now;
	}
	dev->last_seen = now;
	dev->approval = DEVICE_APPROVAL_NONE;
	dev->asked[0] = '\0';
	request_digest(&j->csr, j->ask->server_key, dev->request);
	dev->issued++;
	dev->allow_renew = false;
	dev->due = device_due(dev);
	return rec_device_put(j->core->recordd, dev, f);
}

static enum q_err
answer_fill(const struct job *j, const struct signd_issue_rsp *rsp,
    struct enrol_answer *a)
{
	a->cert = (struct buf)BUF_INIT(SIGND_CERT_MAX);
	buf_put(&a->cert, rsp->cert.p, rsp->cert.len);
	if (a->cert.bad)
		return Q_NOMEM;
	snprintf(a->device_id, sizeof(a->device_id), "%s", j->device_id);
	snprintf(a->batch, sizeof(a->batch), "%.64s", j->at.batch.key);
	snprintf(a->issuer, sizeof(a->issuer), "%s", rsp->issuing_id);
	a->not_before = (int64_t)rsp->not_before;
	a->not_after = (int64_t)rsp->not_after;
	return Q_OK;
}

/* Another request of the device came first, or the device was deleted: no
 * retry can get this certificate any more. Nobody has it; the CRL's record
 * keeps the journal's serial from being without one. */
static enum q_err
job_disown(const struct job *j, const struct signd_issue_rsp *rsp,
    struct fault *f)
{
	struct rec_cert rc = { .not_after = (int64_t)rsp->not_after };

	snprintf(rc.serial, sizeof(rc.serial), "%s", rsp->serial);
	snprintf(rc.issuer, sizeof(rc.issuer), "%s", rsp->issuing_id);
	return core_publish(j->core, &j->at.dev, &rc, "superseded", f);
}

/* The write was not confirmed: somebody else may have changed the record,
 * perhaps another thread with the same request and so the same certificate;
 * or recordd was restarted, with or without having written. Look what is
 * there. CONFLICT: decide again. */
static enum q_err
job_settle(struct job *j, const struct signd_issue_rsp *rsp, int64_t issued,
    struct fault *f)
{
	int64_t until = clock_mono_ms() + SETTLE_MS;
	enum q_err r;

	while ((r = rec_device_get(j->core->recordd, j->device_id, &j->at.dev,
	    f)) == Q_UNAVAIL && clock_mono_ms() < until)
		usleep(SETTLE_PAUSE_MS * 1000);
	if (r == Q_OK && recorded(&j->at.dev, rsp->serial))
		return r;
	if (r != Q_OK && r != Q_NOTFOUND)
		return r;
	if (r == Q_NOTFOUND || j->at.dev.issued != issued)
		r = job_disown(j, rsp, f);
	else
		r = Q_OK;
	return r == Q_OK ? Q_CONFLICT : r;
}

/* signd remembers so many requests and no more. What it gave is then not the
 * certificate that was asked for again but another, and so a renewal. */
static enum q_err
job_forgotten(struct job *j, struct signd_issue_rsp *rsp,
    struct wire_reply *hold, struct fault *f)
{
	enum q_err r = job_disown(j, rsp, f);

	if (r != Q_OK)
		return r;
	if (!j->at.policy.autorenew && !j->at.dev.allow_renew)
		return fault_set(f, Q_DENIED,
		    "renewal needs an operator's permission");
	j->verdict.again = false;
	wire_reply_free(hold);
	return job_issue(j, rsp, hold, f);
}

/* One round: decide, issue, record. CONFLICT: decide again. */
static enum q_err
job_round(struct job *j, struct enrol_answer *a, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct signd_issue_rsp rsp;
	int64_t issued;
	enum q_err r;

	r = job_decide(j, f);
	if (r == Q_OK)
		r = job_prepare(j, f);
	if (r != Q_OK)
		return r;
	issued = j->at.dev.issued;
	r = job_issue(j, &rsp, &hold, f);
	if (r != Q_OK)
		return r;
	if (j->verdict.again && recorded(&j->at.dev, rsp.serial))
		return answer_fill(j, &rsp, a);
	if (j->verdict.again)
		r = job_forgotten(j, &rsp, &hold, f);
	if (r != Q_OK)
		return r;
	r = job_record(j, &rsp, f);
	if (r == Q_CONFLICT || r == Q_NOTFOUND || r == Q_UNAVAIL ||
	    r == Q_TIMEOUT)
		r = job_settle(j, &rsp, issued, f);
	return r == Q_OK ? answer_fill(j, &rsp, a) : r;
}

static enum q_err
job_run(struct job *j, struct enrol_answer *a, struct fault *f)
{
	enum q_err r = Q_CONFLICT;

	for (int i = 0; i < TRIES && r == Q_CONFLICT; i++)
		r = job_round(j, a, f);
	if (r == Q_CONFLICT)
		return fault_retry(f, Q_UNAVAIL, 1,
		    "the device's record changes too fast; try again");
	if (r == Q_TIMEOUT)
		return fault_retry(f, Q_UNAVAIL, 2,
		    "the signing or record service does not answer in time");
	if (r != Q_OK || j->verdict.again)
		return r;
	notes_enrolled(j->core->notes, j->at.batch.key, j->device_id,
	    j->ask->from, j->verdict.renewal);
	return Q_OK;
}

void
core_init(struct core *core)
{
	for (size_t i = 0; i < CORE_TURNS; i++)
		pthread_mutex_init(&core->turns[i], NULL);
}

static enum q_err
job_in_turn(struct job *j, struct enrol_answer *a, struct fault *f)
{
	const char part[3] = { j->device_id[0], j->device_id[1], '\0' };
	pthread_mutex_t *turn =
	    &j->core->turns[strtoul(part, NULL, 16) % CORE_TURNS];
	struct timespec until;
	enum q_err r;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += TURN_SECONDS;
	if (pthread_mutex_timedlock(turn, &until) != 0)
		return fault_retry(f, Q_UNAVAIL, 1,
		    "earlier requests are still being worked on");
	r = job_run(j, a, f);
	pthread_mutex_unlock(turn);
	return r;
}

/* One that a MAC has proved is counted by who looked at the MAC. */
static void
token_count(const struct job *j, enum q_err r)
{
	struct throttle *t = j->core->throttle;
	char digest[TOKEN_DIGEST + 1];

	if (j->ask->token == NULL)
		return;
	token_digest(j->ask->token, digest);
	/* A token that there is was not guessed: who sends it under another
	 * batch's certificate, or too late, must not stop the others. */
	if (j->token_bad)
		throttle_failed(t, j->ask->from,
		    j->view.token != NULL ? NULL : digest);
	else if (j->view.token != NULL && (r == Q_OK || r == Q_WAIT))
		throttle_passed(t, digest);
}

enum q_err
core_enrol(struct core *core, const struct peer *peer,
    const struct enrol_ask *ask, struct enrol_answer *ret_answer,
    struct fault *f)
{
	struct job j = { .core = core, .ask = ask, .peer = peer,
		.key_csr = BUF_INIT(CSR_DER_MAX) };
	struct rec_batch labelled;
	enum q_err r = ask->form == CSR_CRMF ?
	    csr_parse_crmf(ask->csr, &j.csr, f) :
	    csr_parse(ask->csr, &j.csr, f);

	j.view = (struct enrol_case){ .ask = ask, .csr = &j.csr,
		.peer = peer, .device_id = j.device_id };
	if (r == Q_OK)
		r = rule_request(ask, &j.csr, f);
	if (r == Q_OK && ask->server_key)
		r = serverkey_plain(&j.csr, f);
	if (r == Q_OK)
		r = rule_identity(ask, &j.csr, peer, j.device_id, f);
	if (r == Q_OK && ask->label != NULL) {
		r = cache_batch(core->cache, ask->label, false, &labelled, f);
		if (r == Q_NOTFOUND || r == Q_INVALID)
			return fault_set(f, Q_NOTFOUND, "no batch %.64s",
			    ask->label);
	}
	if (r == Q_OK)
		r = job_in_turn(&j, ret_answer, f);
	if (r == Q_DENIED && j.view.dev != NULL)
		ret_answer->state = j.at.dev.state;
	token_count(&j, r);
	if (r == Q_OK) {
		ret_answer->key = j.key;
		j.key = (struct secret){ 0 };
	}
	secret_free(&j.key);
	buf_free(&j.key_csr);
	return r;
}

enum q_err
core_publish(struct core *core, const struct rec_device *dev,
    const struct rec_cert *rc, const char *reason, struct fault *f)
{
	struct rec_revoked rv = { .not_after = rc->not_after,
		.revoked_at = rc->revoked_at != 0 ? rc->revoked_at :
		    clock_wall() };
	enum q_err r;

	snprintf(rv.key, sizeof(rv.key), "%s/%s", rc->issuer, rc->serial);
	snprintf(rv.device, sizeof(rv.device), "%.64s", dev->key);
	snprintf(rv.batch, sizeof(rv.batch), "%s", dev->batch);
	snprintf(rv.issuer, sizeof(rv.issuer), "%s", rc->issuer);
	snprintf(rv.reason, sizeof(rv.reason), "%s", reason);
	r = rec_revoked_insert(core->recordd, &rv, f);
	if (r != Q_OK && r != Q_EXISTS)
		return r;
	r = revset_add(core->revset, &rv);
	if (r == Q_OK)
		crls_dirty(core->crls, rc->issuer);
	return r == Q_EXISTS ? Q_OK : r;
}
