// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "recordd/writer.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"

#define GROUP_MAX 512 /* writes in one commit */
#define GROUP_KEYS (3 * WIRE_BODY_MAX) /* bytes of keys to insert in it */

struct job {
	struct job *next;
	struct wire_req *q;
	struct store_write w;
	max_align_t rec[]; /* what w.rec points to */
};

struct writer {
	struct store *store;
	struct hints *hints;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct job *first, **last;
	bool stop;
	uint64_t writes, commits;
};

enum q_err
writer_submit(struct writer *wr, struct wire_req *q,
    const struct store_write *w)
{
	size_t size = w->rec != NULL ? w->d->size : 0;
	struct job *j = malloc(sizeof(*j) + size);
	bool stop, idle;

	if (j == NULL)
		return Q_NOMEM;
	j->next = NULL;
	j->q = q;
	j->w = *w;
	if (size != 0) {
		memcpy(j->rec, w->rec, size);
		j->w.rec = j->rec;
	}
	pthread_mutex_lock(&wr->lock);
	stop = wr->stop;
	idle = wr->first == NULL;
	if (!stop) {
		*wr->last = j;
		wr->last = &j->next;
	}
	pthread_mutex_unlock(&wr->lock);
	/* Only the first of a group wakes the writer. */
	if (!stop && idle)
		pthread_cond_signal(&wr->wake);
	if (!stop)
		return Q_PENDING;
	free(j);
	return Q_UNAVAIL;
}

/* What the next commit takes, in order; 0 when told to stop. */
static size_t
take(struct writer *wr, struct job *jobs[GROUP_MAX])
{
	size_t n = 0, keys = 0;

	pthread_mutex_lock(&wr->lock);
	while (wr->first == NULL && !wr->stop)
		pthread_cond_wait(&wr->wake, &wr->lock);
	while (wr->first != NULL && n < GROUP_MAX && keys < GROUP_KEYS) {
		jobs[n] = wr->first;
		keys += jobs[n]->w.keys.len;
		wr->first = jobs[n++]->next;
	}
	if (wr->first == NULL)
		wr->last = &wr->first;
	pthread_mutex_unlock(&wr->lock);
	return n;
}

static void
answer(struct job *j)
{
	const struct store_write *w = &j->w;
	union {
		struct recordd_insert_rsp insert;
		struct recordd_put_rsp put;
		struct recordd_delete_rsp delete;
		struct recordd_insert_many_rsp many;
		struct recordd_purge_rsp purge;
		struct recordd_recount_rsp recount;
	} rsp;

	memset(&rsp, 0, sizeof(rsp));
	switch (w->verb) {
	case STORE_INSERT:
		rsp.insert.rev = w->new_rev;
		break;
	case STORE_PUT:
		rsp.put.rev = w->new_rev;
		break;
	case STORE_DELETE:
		break;
	case STORE_MANY:
		rsp.many.taken = buf_bytes(w->taken);
		break;
	case STORE_PURGE:
		rsp.purge.deleted = w->changed;
		rsp.purge.next = w->next;
		break;
	case STORE_RECOUNT:
		rsp.recount.corrected = w->changed;
		rsp.recount.next = w->next;
		break;
	}
	wire_answer(j->q, w->result, &w->fault, &rsp);
}

static void *
writer_thread(void *ctx)
{
	struct writer *wr = ctx;
	struct job *jobs[GROUP_MAX];
	struct store_write *writes[GROUP_MAX];
	size_t n;

	while ((n = take(wr, jobs)) != 0) {
		for (size_t i = 0; i < n; i++)
			writes[i] = &jobs[i]->w;
		wr->store->ops->write(wr->store, writes, n);
		pthread_mutex_lock(&wr->lock);
		wr->writes += n;
		wr->commits++;
		pthread_mutex_unlock(&wr->lock);
		for (size_t i = 0; i < n; i++) {
			const struct store_write *w = writes[i];

			if (w->result == Q_OK && w->changed != 0 &&
			    w->verb != STORE_RECOUNT)
				hints_post(wr->hints, w->d->type, w->key);
			answer(jobs[i]);
			free(jobs[i]);
		}
	}
	return NULL;
}

enum q_err
writer_start(struct store *store, struct hints *hints,
    struct writer **ret_writer)
{
	struct writer *wr = calloc(1, sizeof(*wr));

	if (wr == NULL)
		return Q_NOMEM;
	wr->store = store;
	wr->hints = hints;
	wr->last = &wr->first;
	pthread_mutex_init(&wr->lock, NULL);
	pthread_cond_init(&wr->wake, NULL);
	if (pthread_create(&wr->thread, NULL, writer_thread, wr) != 0) {
		writer_free(wr);
		return Q_NOMEM;
	}
	*ret_writer = wr;
	return Q_OK;
}

void
writer_stop(struct writer *wr)
{
	pthread_mutex_lock(&wr->lock);
	wr->stop = true;
	pthread_cond_signal(&wr->wake);
	pthread_mutex_unlock(&wr->lock);
	pthread_join(wr->thread, NULL);
}

void
writer_free(struct writer *wr)
{
	pthread_cond_destroy(&wr->wake);
	pthread_mutex_destroy(&wr->lock);
	free(wr);
}

void
writer_counts(struct writer *wr, uint64_t *ret_writes, uint64_t *ret_commits)
{
	pthread_mutex_lock(&wr->lock);
	*ret_writes = wr->writes;
	*ret_commits = wr->commits;
	pthread_mutex_unlock(&wr->lock);
}
