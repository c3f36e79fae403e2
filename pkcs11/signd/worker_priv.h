// SPDX-License-Identifier: Apache-2.0
#ifndef SIGND_WORKER_PRIV_H
#define SIGND_WORKER_PRIV_H

/* Shared by worker.c, which keeps the process alive, and worker_call.c,
 * which calls it. */

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "base/fsio.h"
#include "signd/worker.h"
#include "wire/client.h"

struct worker {
	const struct conf *conf;
	int launcher;
	enum q_err (*on_up)(void *ctx, struct fault *f);
	void *ctx;
	struct wire_client *quick, *slow;
	pthread_t thread;
	pthread_mutex_t lock; /* of everything below */
	pthread_cond_t wake;
	int control;
	pid_t pid;
	atomic_bool up;
	atomic_bool stopping;
	bool pin_again;
	char reason[200];
	atomic_uint restarts;
	atomic_uint generation; /* counts the processes */
	atomic_uint slow_calls; /* a key is being made: others must wait */
	struct worker_batch {
		pthread_mutex_t lock; /* of the rest */
		struct batch_item *first, **last; /* that wait */
		size_t waiting;
		unsigned busy;	/* threads that have a datagram on its way */
	} batch;
};

/* One request to the worker, again to the next one when it died meanwhile
 * and nothing can have come of it. */
enum q_err worker_call(struct worker *w, const struct wire_op_desc *op,
    const void *req, void *ret_rsp, struct wire_reply *hold,
    struct fault *f) Q_CHECKED;

/* List of token_wanted, to as many token_signed, which borrow from hold. */
enum q_err worker_sign_set(struct worker *w, struct bytes items,
    struct bytes *ret_items, struct wire_reply *hold,
    struct fault *f) Q_CHECKED;

/* worker_batch.c: an ECDSA signature, in one datagram with those of other
 * threads that wait at the same time. */
enum q_err worker_batch_sign(struct worker *w, const char *id,
    struct bytes digest, struct buf *out, struct fault *f) Q_CHECKED;
void worker_batch_init(struct worker *w);

#endif
