// SPDX-License-Identifier: Apache-2.0
/*
 * Signatures travel to the worker together. A datagram to another process and
 * the thread that it wakes cost a third of what SoftHSM takes for a P-256
 * signature; while one datagram is on its way, requests that come meanwhile
 * wait for the next and share it. A request that comes alone waits for
 * nothing.
 */
#include "config.h"

#include <semaphore.h>

#include "base/own.h"
#include "signd/worker_priv.h"

struct batch_item {
	const char *id;
	struct bytes digest;
	struct buf *out;
	struct fault *f;
	enum q_err r;
	bool sends;	/* else somebody else sends it */
	sem_t wake;
	struct batch_item *next;
};

void
worker_batch_init(struct worker *w)
{
	pthread_mutex_init(&w->batch.lock, NULL);
	w->batch.last = &w->batch.first;
}

/* One datagram for each thread that signs, and one that waits for it, so
 * that no thread of the worker is ever without work. */
static unsigned
busy_max(const struct worker *w)
{
	return w->token.threads + 1;
}

static struct batch_item *
pop(struct worker_batch *b)
{
	struct batch_item *item = b->first;

	if (item == NULL)
		return NULL;
	b->first = item->next;
	if (b->first == NULL)
		b->last = &b->first;
	b->waiting--;
	return item;
}

/* Those that wait, behind set[0]; where the worker has several threads, each
 * shall have its share of them. */
static size_t
gather(struct worker *w, struct batch_item *set[TOKEN_SET_MAX])
{
	struct worker_batch *b = &w->batch;
	size_t n = 1, share;

	pthread_mutex_lock(&b->lock);
	share = (b->waiting + 1) / w->token.threads;
	while (n < share && n < TOKEN_SET_MAX && b->first != NULL)
		set[n++] = pop(b);
	pthread_mutex_unlock(&b->lock);
	return n;
}

static void
one_done(struct batch_item *item, const struct token_signed *got)
{
	item->r = q_err_of(got->code);
	if (item->r == Q_OK)
		buf_put(item->out, got->signature.p, got->signature.len);
	else
		fault_retry(item->f, item->r, got->retry_after, "%s",
		    got->text);
}

/* Send them and give each what came for it. */
static void
run(struct worker *w, struct batch_item *set[TOKEN_SET_MAX], size_t n)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	AUTO_BUF struct buf items = BUF_INIT(8000);
	struct token_signed got;
	struct fault f = { 0 };
	struct bytes answers;
	enum q_err r;

	for (size_t i = 0; i < n; i++)
		wire_list_put(&items, &token_wanted_type,
		    &(struct token_wanted){ set[i]->id, set[i]->digest });
	r = worker_sign_set(w, buf_bytes(&items), &answers, &hold, &f);
	for (size_t i = 0; i < n; i++) {
		if (r == Q_OK && wire_list_next(&answers,
		    &token_signed_type, &got) != Q_OK)
			r = fault_set(&f, Q_INTERNAL,
			    "token: another number of signatures");
		if (r == Q_OK)
			one_done(set[i], &got);
		else
			set[i]->r = fault_retry(set[i]->f, r, f.retry_after,
			    "%s", fault_text(&f, r));
	}
}

/* Wake those whose signatures are there, and the first that waits to send the
 * next. */
static void
pass_on(struct worker_batch *b, struct batch_item **done, size_t n)
{
	struct batch_item *next;

	for (size_t i = 0; i < n; i++)
		sem_post(&done[i]->wake);
	pthread_mutex_lock(&b->lock);
	next = pop(b);
	if (next == NULL)
		b->busy--;
	pthread_mutex_unlock(&b->lock);
	if (next == NULL)
		return;
	next->sends = true;
	sem_post(&next->wake);
}

enum q_err
worker_batch_sign(struct worker *w, const char *id, struct bytes digest,
    struct buf *out, struct fault *f)
{
	struct batch_item me = { .id = id, .digest = digest, .out = out,
		.f = f }, *set[TOKEN_SET_MAX] = { &me };
	struct worker_batch *b = &w->batch;
	bool waits;
	size_t n;

	sem_init(&me.wake, 0, 0);
	pthread_mutex_lock(&b->lock);
	waits = b->busy >= busy_max(w);
	me.sends = !waits;
	if (!waits) {
		b->busy++;
	} else {
		*b->last = &me;
		b->last = &me.next;
		b->waiting++;
	}
	pthread_mutex_unlock(&b->lock);
	/* Until it is posted, also when `sends` is set already: who posts it
	 * must not find it gone. */
	while (waits && sem_wait(&me.wake) != 0)
		;
	if (me.sends) {
		n = gather(w, set);
		run(w, set, n);
		pass_on(b, set + 1, n - 1);
	}
	sem_destroy(&me.wake);
	return me.r;
}
