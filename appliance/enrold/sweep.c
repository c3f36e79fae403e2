// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "enrold/sweep.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "records/load.h"

#define PAGE 512
#define PAGES_MAX 8 /* in one sweep: a second's work, then others' turn */
#define REVOKED_MS 200 /* of a slow round */
#define THREADS 16 /* their writes share recordd's commits */

/* One device; CONFLICT and NOTFOUND: somebody was faster, look again in the
 * next round. */
typedef enum q_err device_work(struct sweep *s, struct rec_device *dev,
    struct fault *f);

struct page {
	struct sweep *s;
	device_work *work;
	struct rec_device *devs;
	size_t n;
	_Atomic size_t next;
	pthread_mutex_t lock;	/* of the two below */
	enum q_err result;
	struct fault fault;
};

static void *
page_thread(void *arg)
{
	struct page *p = arg;
	size_t i;

	while ((i = p->next++) < p->n) {
		struct fault f = { 0 };
		enum q_err r = p->work(p->s, &p->devs[i], &f);

		if (r == Q_OK || r == Q_CONFLICT || r == Q_NOTFOUND)
			continue;
		pthread_mutex_lock(&p->lock);
		p->result = r;
		p->fault = f;
		pthread_mutex_unlock(&p->lock);
		p->next = p->n;
	}
	return NULL;
}

static enum q_err
page_run(struct page *p, struct fault *f)
{
	pthread_t threads[THREADS];
	size_t started = 0, want = p->n - 1 < THREADS ? p->n - 1 : THREADS;

	p->next = 0;
	p->result = Q_OK;
	while (started < want && pthread_create(&threads[started], NULL,
	    page_thread, p) == 0)
		started++;
	page_thread(p);
	while (started > 0)
		pthread_join(threads[--started], NULL);
	if (p->result != Q_OK)
		return fault_retry(f, p->result, p->fault.retry_after, "%s",
		    fault_text(&p->fault, p->result));
	return Q_OK;
}

/* Work on the devices of an index, page by page; s->more is set when some are
 * left. */
static enum q_err
devices_each(struct sweep *s, const char *index, const char *match,
    device_work *work, struct fault *f)
{
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(s->core->recordd, REC_DEVICE, index, match);
	struct page p = { .s = s, .work = work,
		.lock = PTHREAD_MUTEX_INITIALIZER };
	AUTO_FREE struct rec_device *devs = NULL;
	struct rec_device dev;
	enum q_err r, done = Q_OK;
	unsigned pages = 0;

	do {
		r = rec_list_next(&it, &dev, f);
		if (r == Q_OK && devs == NULL) {
			devs = p.devs = calloc(PAGE, sizeof(*devs));
			if (devs == NULL)
				return Q_NOMEM;
		}
		if (r == Q_OK)
			devs[p.n++] = dev;
		if (p.n == PAGE || (r != Q_OK && p.n != 0)) {
			done = page_run(&p, f);
			p.n = 0;
			pages++;
		}
	} while (r == Q_OK && done == Q_OK && pages < PAGES_MAX);
	if (done != Q_OK)
		return done;
	s->more |= r == Q_OK;
	return r == Q_NOTFOUND ? Q_OK : r;
}

static enum q_err
expire_one(struct sweep *s, struct rec_device *dev, struct fault *f)
{
	dev->due = device_due(dev);
	if (dev->due > clock_wall())
		return rec_device_put(s->core->recordd, dev, f);
	dev->due = 0;
	if (dev->state == DEVICE_ENROLLED)
		dev->state = DEVICE_EXPIRED;
	return rec_device_put(s->core->recordd, dev, f);
}

enum q_err
sweep_expired(struct sweep *s, struct fault *f)
{
	char now[24];

	snprintf(now, sizeof(now), "%lld", (long long)clock_wall());
	return devices_each(s, "due", now, expire_one, f);
}

/* On the CRL with those certificates of a device that have not ended and are
 * revoked, or all of them. */
static enum q_err
publish_certs(struct sweep *s, const struct rec_device *dev, bool all,
    const char *reason, struct fault *f)
{
	int64_t now = clock_wall();

	for (size_t i = 0; i < dev->certs.n; i++) {
		const struct rec_cert *rc = &dev->certs.c[i];
		enum q_err r;

		if (rc->not_after < now || (rc->revoked_at == 0 && !all))
			continue;
		r = core_publish(s->core, dev, rc, reason, f);
		if (r != Q_OK)
			return r;
	}
	return Q_OK;
}

static const char *
reason_text(const struct rec_device *dev)
{
	return dev->reason[0] != '\0' ? dev->reason : "revoked";
}

static enum q_err
publish_one(struct sweep *s, struct rec_device *dev, struct fault *f)
{
	struct rec_certs kept = { 0 };
	enum q_err r = publish_certs(s, dev, false, reason_text(dev), f);

	if (r != Q_OK)
		return r;
	for (size_t i = 0; i < dev->certs.n; i++)
		if (dev->certs.c[i].revoked_at == 0)
			kept.c[kept.n++] = dev->certs.c[i];
	dev->certs = kept;
	dev->intent = DEVICE_INTENT_NONE;
	return rec_device_put(s->core->recordd, dev, f);
}

static enum q_err
delete_one(struct sweep *s, struct rec_device *dev, struct fault *f)
{
	enum q_err r = publish_certs(s, dev, true,
	    dev->state == DEVICE_REVOKED ? reason_text(dev) :
	    "cessationOfOperation", f);

	return r == Q_OK ? rec_device_delete(s->core->recordd, dev->key,
	    dev->rev, f) : r;
}

enum q_err
sweep_intents(struct sweep *s, struct fault *f)
{
	enum q_err r = devices_each(s, "intent", "1", publish_one, f);

	return r == Q_OK ? devices_each(s, "intent", "2", delete_one, f) : r;
}

static enum q_err
batch_delete(struct sweep *s, const struct rec_batch *batch, struct fault *f)
{
	struct rec_device_counts left;
	enum q_err r = devices_each(s, "batch", batch->key, delete_one, f);

	if (r == Q_OK)
		r = rec_device_counters(s->core->recordd, batch->key, &left,
		    f);
	if (r != Q_OK || left.devices != 0)
		return r;
	r = rec_batch_delete(s->core->recordd, batch->key, batch->rev, f);
	if (r == Q_OK)
		log_note("batch %s is deleted", batch->key);
	return r == Q_CONFLICT || r == Q_NOTFOUND ? Q_OK : r;
}

static enum q_err
batch_work(struct sweep *s, const struct rec_batch *batch, struct fault *f)
{
	enum q_err r = Q_OK;

	/* A load that is alive ends by itself: it sees the deletion. */
	if (batch->load_id[0] != '\0')
		r = rec_load_undo(s->core->recordd, batch->key, f);
	if (r == Q_BUSY)
		return Q_OK;
	if (r == Q_OK && batch->deleting)
		r = batch_delete(s, batch, f);
	return r;
}

enum q_err
sweep_batches(struct sweep *s, struct fault *f)
{
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(s->core->recordd, REC_BATCH, NULL, NULL);
	struct rec_batch batch;
	enum q_err r;

	while ((r = rec_list_next(&it, &batch, f)) == Q_OK) {
		r = batch_work(s, &batch, f);
		if (r != Q_OK)
			return r;
	}
	return r == Q_NOTFOUND ? Q_OK : r;
}

enum q_err
sweep_revoked(struct sweep *s, struct fault *f)
{
	int64_t until = clock_mono_ms() + REVOKED_MS;
	char now[24];
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(s->core->recordd, REC_REVOKED, "not_after", now);
	struct rec_revoked rv;
	enum q_err r = Q_OK;

	it.page = PAGE;
	snprintf(now, sizeof(now), "%lld", (long long)clock_wall());
	while (clock_mono_ms() < until &&
	    (r = rec_list_next(&it, &rv, f)) == Q_OK) {
		if (rv.not_after >= crls_listed(s->crls, rv.issuer))
			continue;
		r = rec_revoked_delete(s->core->recordd, rv.key, rv.rev, f);
		if (r != Q_OK && r != Q_NOTFOUND && r != Q_CONFLICT)
			return r;
	}
	return r == Q_NOTFOUND || r == Q_CONFLICT ? Q_OK : r;
}
