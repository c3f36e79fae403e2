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
};

#endif
