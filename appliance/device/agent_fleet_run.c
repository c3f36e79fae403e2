// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/own.h"
#include "device/agent_fleet.h"

/* A device and when it is due next. */
struct slot {
	int64_t due_ms;
	size_t index;
	/* Of its struct qdev, what must last while it waits after a failure:
	 * else it would begin anew with what was refused. */
	uint32_t failures;
	enum qdev_action next;
	bool by_identity;
	bool enrolled;
};

/* Devices that wait stand in a binary heap by due time; those being served
 * are in nobody's list but their thread's. */
struct run {
	const struct fleet_options *o;
	const volatile sig_atomic_t *stop;
	struct fleet_ids ids;
	int64_t end_ms;

	pthread_mutex_t lock;
	pthread_cond_t change;
	struct slot *heap;
	size_t waiting;
	size_t enrolled;
	enum q_err last;
	struct fault why;
};

static void
swap(struct slot *a, struct slot *b)
{
	struct slot c = *a;

	*a = *b;
	*b = c;
}

static void
heap_put(struct run *r, struct slot s)
{
	size_t i = r->waiting++;

	r->heap[i] = s;
	for (; i > 0 && r->heap[i].due_ms < r->heap[(i - 1) / 2].due_ms;
	    i = (i - 1) / 2)
		swap(&r->heap[i], &r->heap[(i - 1) / 2]);
}

static struct slot
heap_take(struct run *r)
{
	struct slot top = r->heap[0];
	size_t i = 0, child;

	r->heap[0] = r->heap[--r->waiting];
	while ((child = 2 * i + 1) < r->waiting) {
		if (child + 1 < r->waiting &&
		    r->heap[child + 1].due_ms < r->heap[child].due_ms)
			child++;
		if (r->heap[i].due_ms <= r->heap[child].due_ms)
			break;
		swap(&r->heap[i], &r->heap[child]);
		i = child;
	}
	return top;
}

/* Serve one device until it has nothing to do; gives its pause. */
static enum q_err
visit(struct run *r, struct slot *s, char *work, uint32_t *ret_wait,
    struct fault *f)
{
	struct agent a = AGENT_INIT;
	struct agent_options options = { .tls = r->o->tls,
		.token = r->o->token, .must_exist = true };
	struct qdev d;
	char dir[PATH_MAX], line[400];
	enum q_err e = path_join(dir, sizeof(dir), r->o->dir,
	    r->ids.id[s->index]);

	options.dir = dir;
	*ret_wait = 1;
	if (e == Q_OK)
		e = agent_open(&a, &options, f);
	if (e == Q_OK)
		e = agent_start(&a, work, r->o->once, &d);
	if (e == Q_OK) {
		if (s->failures > 0) {
			d.failures = s->failures;
			d.next = s->next;
			d.by_identity = s->by_identity;
		}
		e = agent_settle(&d, ret_wait);
		s->failures = d.failures;
		s->next = d.next;
		s->by_identity = d.by_identity;
		agent_describe(&a, &d, e, line, sizeof(line));
		if (e != Q_OK)
			(void)fault_set(f, e, "%.16s...: %.170s", d.id, line);
	}
	agent_close(&a);
	return e;
}

/* Under the lock: what came of a visit. */
static void
record(struct run *r, struct slot *s, enum q_err e, uint32_t wait,
    const struct fault *f)
{
	bool enrolled = e == Q_OK;

	if (e != Q_OK) {
		r->last = e;
		r->why = *f;
	}
	if (enrolled != s->enrolled)
		r->enrolled += enrolled ? 1 : (size_t)-1;
	s->enrolled = enrolled;
	s->due_ms = clock_mono_ms() + (int64_t)wait * 1000;
	if (!enrolled || !r->o->once)
		heap_put(r, *s);
	pthread_cond_broadcast(&r->change);
}

/* Under the lock: whether there is nothing left to do. */
static bool
over(const struct run *r)
{
	return *r->stop || (r->o->once && (r->enrolled == r->ids.count ||
	    clock_mono_ms() >= r->end_ms));
}

/* Wait for a change, but not longer than ms. */
static void
wait_ms(struct run *r, int64_t ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_cond_timedwait(&r->change, &r->lock, &until);
}

static void *
serve(void *arg)
{
	struct run *r = arg;
	AUTO_FREE char *work = malloc(AGENT_WORK);

	pthread_mutex_lock(&r->lock);
	while (work != NULL && !over(r)) {
		int64_t now = clock_mono_ms();
		struct fault f = { .code = Q_OK };
		struct slot s;
		uint32_t wait;
		enum q_err e;

		if (r->waiting == 0 || r->heap[0].due_ms > now) {
			wait_ms(r, 200);
			continue;
		}
		s = heap_take(r);
		pthread_mutex_unlock(&r->lock);
		e = visit(r, &s, work, &wait, &f);
		pthread_mutex_lock(&r->lock);
		record(r, &s, e, wait, &f);
	}
	pthread_mutex_unlock(&r->lock);
	return NULL;
}

/* Under the lock, on the main thread: a line each second if the count has
 * changed, until it is over. */
static void
report(struct run *r)
{
	size_t shown = (size_t)-1;
	int64_t next = clock_mono_ms() + 1000;

	for (;;) {
		bool end = over(r);

		if ((end || clock_mono_ms() >= next) && r->enrolled != shown) {
			printf("enrolled %zu of %zu\n", r->enrolled,
			    r->ids.count);
			fflush(stdout);
			shown = r->enrolled;
			next = clock_mono_ms() + 1000;
		}
		if (end)
			return;
		wait_ms(r, 200);
	}
}

static enum q_err
run_threads(struct run *r)
{
	unsigned long n = r->o->parallel, started = 0;
	AUTO_FREE pthread_t *threads = calloc(n, sizeof(*threads));

	if (threads == NULL)
		return Q_NOMEM;
	while (started < n && pthread_create(&threads[started], NULL, serve,
	    r) == 0)
		started++;
	pthread_mutex_lock(&r->lock);
	if (started > 0)
		report(r);
	pthread_mutex_unlock(&r->lock);
	for (unsigned long i = 0; i < started; i++)
		pthread_join(threads[i], NULL);
	return started > 0 ? Q_OK : Q_NOMEM;
}

enum q_err
fleet_run(const struct fleet_options *o,
    const volatile sig_atomic_t *stop, struct fault *f)
{
	struct run r = { .o = o, .stop = stop, .last = Q_TIMEOUT };
	pthread_condattr_t attr;
	enum q_err e = fleet_read(o->dir, &r.ids, f);

	if (e != Q_OK)
		return e;
	r.end_ms = clock_mono_ms() + (int64_t)o->timeout_s * 1000;
	r.heap = calloc(r.ids.count + 1, sizeof(*r.heap));
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&r.change, &attr);
	pthread_mutex_init(&r.lock, NULL);
	e = r.heap == NULL ? Q_NOMEM : Q_OK;
	for (size_t i = 0; i < r.ids.count && e == Q_OK; i++)
		heap_put(&r, (struct slot){ .index = i });
	if (e == Q_OK)
		e = run_threads(&r);
	if (e == Q_OK && o->once && r.enrolled != r.ids.count) {
		e = r.last;
		if (f != NULL)
			*f = r.why;
	}
	pthread_cond_destroy(&r.change);
	pthread_mutex_destroy(&r.lock);
	pthread_condattr_destroy(&attr);
	free(r.heap);
	fleet_free(&r.ids);
	return e;
}
