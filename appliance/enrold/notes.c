// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "enrold/notes.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/own.h"
#include "records/client.h"

/* Several, so that their writes share one commit of recordd. */
#define NOTES_THREADS 4
#define NOTES_QUEUE 8192

struct note {
	char device[65], batch[REC_NAME_MAX + 1], from[64];
	bool renewed;
};

struct notes {
	struct wire_client *recordd;
	pthread_mutex_t lock;
	pthread_cond_t some;
	pthread_t threads[NOTES_THREADS];
	unsigned started;
	bool stop;
	uint64_t head, tail, dropped; /* tail - head are queued */
	struct note queue[NOTES_QUEUE];
};

static bool
note_take(struct notes *n, struct note *ret_note)
{
	bool some;

	pthread_mutex_lock(&n->lock);
	while (n->head == n->tail && !n->stop)
		pthread_cond_wait(&n->some, &n->lock);
	some = n->head != n->tail;
	if (some)
		*ret_note = n->queue[n->head++ % NOTES_QUEUE];
	pthread_mutex_unlock(&n->lock);
	return some;
}

static void *
notes_thread(void *arg)
{
	struct notes *n = arg;
	struct note note;

	while (note_take(n, &note)) {
		struct rec_activity a = { 0 };
		struct fault f = { 0 };
		enum q_err r;

		snprintf(a.from, sizeof(a.from), "%s", note.from);
		snprintf(a.what, sizeof(a.what), "device %s",
		    note.renewed ? "renew" : "enrol");
		snprintf(a.object, sizeof(a.object), "%s", note.device);
		snprintf(a.detail, sizeof(a.detail), "batch %s", note.batch);
		r = rec_activity_note(n->recordd, &a, &f);
		if (r != Q_OK)
			log_warn("activity of device %s was not recorded: %s",
			    note.device, fault_text(&f, r));
	}
	return NULL;
}

enum q_err
notes_start(struct wire_client *recordd, struct notes **ret_notes)
{
	struct notes *n = calloc(1, sizeof(*n));

	if (n == NULL)
		return Q_NOMEM;
	n->recordd = recordd;
	pthread_mutex_init(&n->lock, NULL);
	pthread_cond_init(&n->some, NULL);
	while (n->started < NOTES_THREADS &&
	    pthread_create(&n->threads[n->started], NULL, notes_thread,
		n) == 0)
		n->started++;
	if (n->started == 0) {
		notes_stop(n);
		return Q_NOMEM;
	}
	*ret_notes = n;
	return Q_OK;
}

void
notes_stop(struct notes *n)
{
	if (n == NULL)
		return;
	pthread_mutex_lock(&n->lock);
	n->stop = true;
	pthread_cond_broadcast(&n->some);
	pthread_mutex_unlock(&n->lock);
	for (unsigned i = 0; i < n->started; i++)
		pthread_join(n->threads[i], NULL);
	pthread_mutex_destroy(&n->lock);
	pthread_cond_destroy(&n->some);
	free(n);
}

void
notes_enrolled(struct notes *n, const char *batch, const char *device,
    const char *from, bool renewed)
{
	struct note *note;
	uint64_t dropped = 0;

	pthread_mutex_lock(&n->lock);
	if (n->tail - n->head == NOTES_QUEUE) {
		dropped = ++n->dropped;
	} else {
		note = &n->queue[n->tail++ % NOTES_QUEUE];
		snprintf(note->device, sizeof(note->device), "%s", device);
		snprintf(note->batch, sizeof(note->batch), "%s", batch);
		snprintf(note->from, sizeof(note->from), "%s", from);
		note->renewed = renewed;
		pthread_cond_signal(&n->some);
	}
	pthread_mutex_unlock(&n->lock);
	if (dropped % 1000 == 1)
		log_warn("activity queue is full: %llu records dropped",
		    (unsigned long long)dropped);
}
