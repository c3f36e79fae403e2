// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "enrold/ocsp_sign.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"

#define CALL_MS 2000
#define CALLS_MAX 2	/* one is signed while the next is being read */
#define BATCH_BYTES 64000 /* in one call */
#define PAUSE_MS 500	/* after a failure nobody waits for signd */

/* On the stack of who waits. */
struct job {
	struct ocsp_sig *sig;
	struct job *next;
	pthread_cond_t wake;	/* it is done, or its turn to lead */
	bool done, lead;
	enum q_err result;
	struct fault fault;
};

struct ocsp_signer {
	struct wire_client *signd;
	pthread_mutex_t lock;
	struct job *first, **last;
	unsigned calls;
	int64_t not_before_ms;	/* after a failure */
};

enum q_err
ocsp_signer_new(const struct conf *conf, struct ocsp_signer **ret_signer)
{
	struct ocsp_signer *s = calloc(1, sizeof(*s));
	enum q_err r;

	if (s == NULL)
		return Q_NOMEM;
	r = signer_open(conf, CALL_MS, &s->signd);
	if (r != Q_OK) {
		free(s);
		return r;
	}
	pthread_mutex_init(&s->lock, NULL);
	s->last = &s->first;
	*ret_signer = s;
	return Q_OK;
}

void
ocsp_signer_free(struct ocsp_signer *s)
{
	if (s == NULL)
		return;
	wire_client_free(s->signd);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

static enum q_err
take_signatures(struct bytes list, struct ocsp_sig *const *sigs, size_t n,
    struct fault *f)
{
	struct signd_ocsp_sig one;

	for (size_t i = 0; i < n; i++) {
		enum q_err r = wire_list_next(&list, &signd_ocsp_sig_type,
		    &one);

		if (r != Q_OK || one.sig.len == 0 ||
		    one.sig.len > sizeof(sigs[i]->sig))
			return fault_set(f, Q_PROTO,
			    "signd gave other signatures than asked for");
		memcpy(sigs[i]->sig, one.sig.p, one.sig.len);
		sigs[i]->len = one.sig.len;
	}
	return Q_OK;
}

enum q_err
ocsp_sign_batch(struct ocsp_signer *s, struct ocsp_sig *const *sigs, size_t n,
    struct fault *f)
{
	AUTO_BUF struct buf items = BUF_INIT(WIRE_BODY_MAX);
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct signd_sign_ocsp_req req = { .issuing_id = sigs[0]->issuer };
	struct signd_sign_ocsp_rsp rsp;
	enum q_err r;

	for (size_t i = 0; i < n; i++) {
		struct signd_ocsp_tbs one = { .tbs = sigs[i]->tbs };

		wire_list_put(&items, &signd_ocsp_tbs_type, &one);
	}
	if (items.bad)
		return fault_set(f, Q_TOOBIG, "too much to sign at a time");
	req.items = buf_bytes(&items);
	r = signd_sign_ocsp(s->signd, &req, &rsp, &hold, f);
	return r == Q_OK ? take_signatures(rsp.signatures, sigs, n, f) : r;
}

/* Out of the queue: jobs of one CA, as many as fit a call. */
static size_t
queue_take(struct ocsp_signer *s, const char *issuer,
    struct job *jobs[SIGND_OCSP_ITEMS])
{
	struct job **at = &s->first, *job;
	size_t n = 0, bytes = 0;

	while ((job = *at) != NULL) {
		if (n == SIGND_OCSP_ITEMS || bytes + job->sig->tbs.len >
		    BATCH_BYTES || strcmp(job->sig->issuer, issuer) != 0) {
			at = &job->next;
			continue;
		}
		*at = job->next;
		job->lead = false;
		bytes += job->sig->tbs.len;
		jobs[n++] = job;
	}
	s->last = at;
	return n;
}

/* Sign what waits, of the CA of ours, which is in the queue; ours, too, unless
 * there is too much before it. With the lock, but for the call. */
static void
job_lead(struct ocsp_signer *s, struct job *own)
{
	struct job *jobs[SIGND_OCSP_ITEMS];
	struct ocsp_sig *sigs[SIGND_OCSP_ITEMS] = { NULL };
	size_t n = queue_take(s, own->sig->issuer, jobs);
	struct fault f = { 0 };
	enum q_err r;

	for (size_t i = 0; i < n; i++)
		sigs[i] = jobs[i]->sig;
	own->lead = false;
	s->calls++;
	pthread_mutex_unlock(&s->lock);
	r = ocsp_sign_batch(s, sigs, n, &f);
	pthread_mutex_lock(&s->lock);
	s->calls--;
	if (r == Q_UNAVAIL || r == Q_TIMEOUT)
		s->not_before_ms = clock_mono_ms() + PAUSE_MS;
	for (size_t i = 0; i < n; i++) {
		jobs[i]->done = true;
		jobs[i]->result = r;
		jobs[i]->fault = f;
		pthread_cond_signal(&jobs[i]->wake);
	}
	if (s->first != NULL) {
		s->first->lead = true;
		pthread_cond_signal(&s->first->wake);
	}
}

enum q_err
ocsp_sign(struct ocsp_signer *s, struct ocsp_sig *sig, struct fault *f)
{
	struct job own = { .sig = sig, .wake = PTHREAD_COND_INITIALIZER };

	pthread_mutex_lock(&s->lock);
	if (clock_mono_ms() < s->not_before_ms) {
		pthread_mutex_unlock(&s->lock);
		return fault_retry(f, Q_UNAVAIL, 1, "signd is away");
	}
	*s->last = &own;
	s->last = &own.next;
	own.lead = s->calls < CALLS_MAX;
	while (!own.done) {
		if (own.lead)
			job_lead(s, &own);
		else
			pthread_cond_wait(&own.wake, &s->lock);
	}
	pthread_mutex_unlock(&s->lock);
	pthread_cond_destroy(&own.wake);
	if (own.result != Q_OK)
		return fault_retry(f, own.result, own.fault.retry_after, "%s",
		    fault_text(&own.fault, own.result));
	return Q_OK;
}
