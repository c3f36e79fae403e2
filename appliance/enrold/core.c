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
#include "enrold/notes.h"

#define TRIES 5
#define POLL_MAX 604800 /* what the protocol promises */
#define SEEN_SECONDS 43200
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
	struct rec_device dev;
	struct rec_batch batch;
	struct rec_policy policy;
	struct enrol_case view;
	struct enrol_verdict verdict;
};

/* NOTFOUND becomes a missing row of the case. */
static enum q_err
found(enum q_err r, bool *ret_there)
{
	*ret_there = r == Q_OK;
	return r == Q_NOTFOUND ? Q_OK : r;
}

static enum q_err
job_read(struct job *j, bool fresh, struct fault *f)
{
	struct core *core = j->core;
	bool dev, batch = false, policy = false;
	enum q_err r = found(rec_device_get(core->recordd, j->device_id,
	    &j->dev, f), &dev);

	if (r == Q_OK && dev)
		r = found(cache_batch(core->cache, j->dev.batch, fresh,
		    &j->batch, f), &batch);
	if (r == Q_OK && batch)
		r = found(cache_policy(core->cache, j->batch.policy, fresh,
		    &j->policy, f), &policy);
	j->view = (struct enrol_case){ .ask = j->ask, .csr = &j->csr,
		.peer = j->peer, .device_id = j->device_id,
		.dev = dev ? &j->dev : NULL,
		.batch = batch ? &j->batch : NULL,
		.policy = policy ? &j->policy : NULL, .now = clock_wall() };
	return r;
}

/* Who did not prove anything yet gets to know nothing but that. */
static enum q_err
job_refuse(struct job *j, enum q_err why, struct fault *f)
{
	struct fault bad = { 0 };
	struct pubkey key;
	enum q_err r;

	if (j->peer->kind != PEER_NONE)
		return why;
	r = csr_verify(&j->csr, &bad);
	if (r == Q_OK && j->ask->proof.len != 0) {
		r = pubkey_parse(j->ask->identity, &key, &bad);
		if (r == Q_OK)
			r = pubkey_verify(&key, sig_alg_for(key.kind),
			    j->csr.der, j->ask->proof, &bad);
	}
	return r == Q_OK ? why : fault_set(f, r, "%s", fault_text(&bad, r));
}

static enum q_err
job_decide(struct job *j, struct fault *f)
{
	enum q_err r = job_read(j, false, f);

	if (r == Q_OK)
		r = rule_enrol(&j->view, &j->verdict, f);
	else
		return r;
	if (r == Q_OK)
		return r;
	/* Batch or policy may have changed within the last moments. */
	r = job_read(j, true, f);
	if (r != Q_OK)
		return r;
	r = rule_enrol(&j->view, &j->verdict, f);
	return r == Q_OK ? r : job_refuse(j, r, f);
}

/* What tells this certificate from every other that the same request may
 * ever get. A device that was deleted and has come back begins to count anew,
 * but another load brought it: its first certificates are revoked. */
static uint64_t
job_seq(const struct job *j)
{
	return strtoull(j->dev.load, NULL, 16) +
	    (uint64_t)(j->dev.issued - j->verdict.again);
}

static enum q_err
job_issue(struct job *j, struct signd_issue_rsp *rsp,
    struct wire_reply *hold, struct fault *f)
{
	enum enrol_right right = j->verdict.right;
	struct signd_issue_req req = { .policy = j->policy.key,
		.csr = j->csr.der,
		.device_id = right == RIGHT_KEY ? "" : j->device_id,
		.word = right == RIGHT_WORD,
		.lifetime = (uint64_t)j->policy.device_lifetime };
	enum q_err r;

	if (right == RIGHT_PROOF) {
		req.identity = j->ask->identity;
		req.proof = j->ask->proof;
	}
	for (;; j->dev.issued++) {
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
	struct rec_certs *certs = &j->dev.certs;
	enum q_err r = core_publish(j->core, &j->dev,
	    &certs->c[certs->n - 1], "superseded", f);

	if (r == Q_OK)
		certs->n--;
	return r;
}

static enum q_err
job_record(struct job *j, const struct signd_issue_rsp *rsp, struct fault *f)
{
	struct rec_cert rc = { .not_before = (int64_t)rsp->not_before,
		.not_after = (int64_t)rsp->not_after };
	int64_t now = clock_wall();
	struct rec_device *dev = &j->dev;
	enum q_err r;

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
	request_digest(&j->csr, dev->request);
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
	snprintf(a->batch, sizeof(a->batch), "%.64s", j->batch.key);
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
	return core_publish(j->core, &j->dev, &rc, "superseded", f);
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

	while ((r = rec_device_get(j->core->recordd, j->device_id, &j->dev,
	    f)) == Q_UNAVAIL && clock_mono_ms() < until)
		usleep(SETTLE_PAUSE_MS * 1000);
	if (r == Q_OK && recorded(&j->dev, rsp->serial))
		return r;
	if (r != Q_OK && r != Q_NOTFOUND)
		return r;
	if (r == Q_NOTFOUND || j->dev.issued != issued)
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
	if (!j->policy.autorenew && !j->dev.allow_renew)
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
	if (r != Q_OK)
		return r;
	issued = j->dev.issued;
	r = job_issue(j, &rsp, &hold, f);
	if (r != Q_OK)
		return r;
	if (j->verdict.again && recorded(&j->dev, rsp.serial))
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
	notes_enrolled(j->core->notes, j->batch.key, j->device_id,
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

enum q_err
core_enrol(struct core *core, const struct peer *peer,
    const struct enrol_ask *ask, struct enrol_answer *ret_answer,
    struct fault *f)
{
	struct job j = { .core = core, .ask = ask, .peer = peer };
	struct rec_batch labelled;
	enum q_err r = csr_parse(ask->csr, &j.csr, f);

	if (r == Q_OK)
		r = rule_request(ask, &j.csr, f);
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
		ret_answer->state = j.dev.state;
	return r;
}

/* Within 10 % either way. */
static int64_t
jitter(int64_t seconds)
{
	uint32_t x = 0;

	if (getrandom(&x, sizeof(x), 0) != sizeof(x))
		return seconds;
	return seconds * (900 + x % 201) / 1000;
}

int64_t
core_poll_after(struct core *core, int64_t renew_at)
{
	int64_t fleet = (int64_t)core->devices / core->conf->poll_rate;
	int64_t wait = core->conf->poll_seconds;
	int64_t left = renew_at - clock_wall();

	wait = jitter(fleet > wait ? fleet : wait);
	if (wait > POLL_MAX)
		wait = POLL_MAX;
	if (renew_at != 0 && left < wait)
		wait = left;
	return wait < 1 ? 1 : wait;
}

/* When the device should come for renewal anyway; 0: not at all. */
static int64_t
renew_moment(const struct rec_device *dev, const struct rec_policy *policy,
    const struct rec_cert *rc)
{
	if (dev->state != DEVICE_ENROLLED || !policy->autorenew || rc == NULL)
		return 0;
	return renew_time(rc->not_before, rc->not_after);
}

/* Coarse, so that asking for the status is no write; a lost one is made up
 * for at the next contact. */
static void
note_seen(struct job *j)
{
	if (j->view.now - j->dev.last_seen < SEEN_SECONDS)
		return;
	j->dev.last_seen = j->view.now;
	(void)!rec_device_put(j->core->recordd, &j->dev, NULL);
}

enum q_err
core_status(struct core *core, const struct peer *peer,
    struct status_answer *ret_answer, struct fault *f)
{
	struct enrol_ask ask = { 0 };
	struct job j = { .core = core, .ask = &ask, .peer = peer };
	const struct rec_cert *rc;
	int64_t renew_at;
	enum q_err r = Q_DENIED;

	if (peer->kind == PEER_NONE)
		return fault_set(f, Q_UNAUTH,
		    "status needs the device's TLS client certificate");
	memset(ret_answer, 0, sizeof(*ret_answer));
	snprintf(j.device_id, sizeof(j.device_id), "%s", peer->device_id);
	for (int fresh = 0; fresh < 2 && r != Q_OK; fresh++) {
		r = job_read(&j, fresh != 0, f);
		if (r != Q_OK)
			return r;
		r = rule_known(&j.view, f);
		if (r == Q_OK)
			r = rule_certificate(&j.view, f);
	}
	if (j.view.dev != NULL)
		ret_answer->state = j.dev.state;
	if (r != Q_OK)
		return r;
	rc = device_newest(&j.dev);
	renew_at = renew_moment(&j.dev, &j.policy, rc);
	snprintf(ret_answer->device_id, sizeof(ret_answer->device_id), "%s",
	    j.device_id);
	snprintf(ret_answer->batch, sizeof(ret_answer->batch), "%.64s",
	    j.batch.key);
	ret_answer->state = device_state_now(&j.dev, j.view.now);
	ret_answer->renew = device_should_renew(&j.dev, &j.policy,
	    j.view.now);
	ret_answer->not_after = rc != NULL ? rc->not_after : 0;
	ret_answer->poll_after = core_poll_after(core, renew_at);
	note_seen(&j);
	return Q_OK;
}

const char *
device_state_text(int64_t state)
{
	static const char *const text[] = {
		[DEVICE_NOT_ENROLLED] = "not enrolled",
		[DEVICE_ENROLLED] = "enrolled",
		[DEVICE_EXPIRED] = "expired",
		[DEVICE_REVOKED] = "revoked",
	};

	return text[state];
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
	return r == Q_EXISTS ? Q_OK : r;
}
