// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "recordd/hints.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"

#define RING 1024
#define WATCHERS_MAX 64
#define ALIVE_SECONDS 10

struct hint {
	uint32_t type;
	char key[REC_KEY_MAX + 1];
};

struct watcher {
	struct wire_req *q;
	uint64_t mask;
	bool fresh; /* is owed a sign of life */
};

struct hints {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop, news;
	int64_t alive_at; /* seconds since boot */
	size_t n;
	uint64_t several; /* bit of each type that had no room in the ring */
	struct hint ring[RING];
	size_t n_watchers;
	struct watcher watcher[WATCHERS_MAX];
};

/* What the thread sends from, while others go on posting. */
struct round {
	size_t n, n_watchers;
	bool gone[WATCHERS_MAX];
	struct watcher watcher[WATCHERS_MAX];
	struct hint hint[RING + REC_TYPE_MAX];
};

void
hints_post(struct hints *h, enum rec_type type, const char *key)
{
	pthread_mutex_lock(&h->lock);
	if (h->n_watchers != 0) {
		if (key == NULL || h->n == RING) {
			h->several |= UINT64_C(1) << type;
		} else {
			h->ring[h->n].type = type;
			snprintf(h->ring[h->n++].key, sizeof(h->ring[0].key),
			    "%s", key);
		}
		h->news = true;
		pthread_cond_signal(&h->wake);
	}
	pthread_mutex_unlock(&h->lock);
}

enum q_err
hints_watch(struct hints *h, struct wire_req *q, uint64_t mask)
{
	enum q_err r = Q_PENDING;

	pthread_mutex_lock(&h->lock);
	if (h->stop)
		r = Q_UNAVAIL;
	else if (h->n_watchers == WATCHERS_MAX)
		r = Q_BUSY;
	if (r == Q_PENDING) {
		h->watcher[h->n_watchers++] =
		    (struct watcher){ q, mask, true };
		h->news = true;
		pthread_cond_signal(&h->wake);
	}
	pthread_mutex_unlock(&h->lock);
	return r;
}

unsigned
hints_watchers(struct hints *h)
{
	unsigned n;

	pthread_mutex_lock(&h->lock);
	n = (unsigned)h->n_watchers;
	pthread_mutex_unlock(&h->lock);
	return n;
}

/* Wait for news or for the time of a sign of life, by which we also find out
 * who is gone, and take it all over: false when told to stop. Called with the
 * lock held. */
static bool
round_take(struct hints *h, struct round *rd)
{
	struct timespec until = { .tv_sec = h->alive_at };
	bool alive = false;

	while (!h->stop && !h->news && !alive)
		alive = pthread_cond_timedwait(&h->wake, &h->lock, &until) ==
		    ETIMEDOUT;
	alive |= clock_mono_ms() / 1000 >= h->alive_at;
	if (alive)
		h->alive_at = clock_mono_ms() / 1000 + ALIVE_SECONDS;
	memset(rd, 0, offsetof(struct round, watcher));
	memcpy(rd->watcher, h->watcher, sizeof(rd->watcher));
	rd->n_watchers = h->n_watchers;
	memcpy(rd->hint, h->ring, h->n * sizeof(h->ring[0]));
	rd->n = h->n;
	for (uint32_t t = 0; t < REC_TYPE_MAX; t++)
		if (h->several & UINT64_C(1) << t)
			rd->hint[rd->n++] = (struct hint){ .type = t };
	for (size_t i = 0; i < h->n_watchers; i++) {
		rd->watcher[i].fresh |= alive;
		h->watcher[i].fresh = false;
	}
	h->n = 0;
	h->several = 0;
	h->news = false;
	return !h->stop;
}

static bool
watcher_tell(const struct watcher *w, uint32_t type, const char *key)
{
	struct recordd_watch_rsp rsp = { .type = type, .key = key };

	return wire_push(w->q, &rsp) == Q_OK;
}

static void
round_send(struct round *rd)
{
	for (size_t i = 0; i < rd->n_watchers; i++) {
		const struct watcher *w = &rd->watcher[i];
		bool good = !w->fresh || watcher_tell(w, 0, "");

		for (size_t k = 0; good && k < rd->n; k++)
			if (w->mask & UINT64_C(1) << rd->hint[k].type)
				good = watcher_tell(w, rd->hint[k].type,
				    rd->hint[k].key);
		rd->gone[i] = !good;
		if (!good)
			wire_answer(w->q, Q_UNAVAIL, NULL, NULL);
	}
}

/* Watchers only join at the end, so positions of the round still hold. */
static void
round_drop(struct hints *h, const struct round *rd)
{
	size_t kept = 0;

	for (size_t i = 0; i < h->n_watchers; i++)
		if (i >= rd->n_watchers || !rd->gone[i])
			h->watcher[kept++] = h->watcher[i];
	h->n_watchers = kept;
}

static void *
hints_thread(void *ctx)
{
	struct hints *h = ctx;
	struct round *rd = calloc(1, sizeof(*rd));

	if (rd == NULL)
		abort();
	pthread_mutex_lock(&h->lock);
	while (round_take(h, rd)) {
		pthread_mutex_unlock(&h->lock);
		round_send(rd);
		pthread_mutex_lock(&h->lock);
		round_drop(h, rd);
	}
	for (size_t i = 0; i < h->n_watchers; i++)
		wire_answer(h->watcher[i].q, Q_UNAVAIL, NULL, NULL);
	h->n_watchers = 0;
	pthread_mutex_unlock(&h->lock);
	free(rd);
	return NULL;
}

enum q_err
hints_start(struct hints **ret_hints)
{
	struct hints *h = calloc(1, sizeof(*h));
	pthread_condattr_t attr;

	if (h == NULL)
		return Q_NOMEM;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->wake, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&h->thread, NULL, hints_thread, h) != 0) {
		hints_free(h);
		return Q_NOMEM;
	}
	*ret_hints = h;
	return Q_OK;
}

void
hints_stop(struct hints *h)
{
	pthread_mutex_lock(&h->lock);
	h->stop = true;
	pthread_cond_signal(&h->wake);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->thread, NULL);
}

void
hints_free(struct hints *h)
{
	pthread_cond_destroy(&h->wake);
	pthread_mutex_destroy(&h->lock);
	free(h);
}
