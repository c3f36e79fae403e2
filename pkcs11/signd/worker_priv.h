// SPDX-License-Identifier: Apache-2.0
#ifndef SIGND_WORKER_PRIV_H
#define SIGND_WORKER_PRIV_H

/* Shared by worker.c, worker_life.c, which keeps the process alive,
 * worker_pin.c, and worker_call.c and worker_batch.c, which call it. */

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "base/fsio.h"
#include "base/secret.h"
#include "signd/launcher.h"
#include "signd/worker.h"
#include "wire/client.h"

#define WORKER_SLOW_MS 60000	/* making an RSA key may take as long */
#define PIN_MARK 32

struct worker {
	struct worker_conf conf;
	struct token_conf token;
	struct worker_lane {
		struct worker *worker;
		enum token_lane lane;
		struct wire_client *client;
	} lanes[TOKEN_LANES], slow;
	pthread_t thread;
	/* One call of the managing lane at a time: a call's time does not
	 * begin while another is being worked on. */
	pthread_mutex_t managing;
	atomic_uint slow_calls; /* an RSA key is being made */
	pthread_mutex_t lock;	/* of everything below */
	pthread_cond_t wake;	/* of whatever changes */
	int control;
	pid_t pid;
	/* UP: for everybody; TESTED: for the watching thread. */
	_Atomic enum worker_stage { WORKER_DOWN, WORKER_TESTED, WORKER_UP }
	    stage;
	atomic_bool stopping;
	bool failed;		/* the last start did */
	bool pin_again;		/* somebody says that the PIN is right */
	bool decided;		/* and it has not been tried since */
	char reason[200];
	uint32_t can;
	atomic_uint restarts;
	atomic_uint generation; /* counts the processes */
	/* The watching thread's own. */
	bool alone;		/* the launcher is gone */
	uint8_t salt[PIN_MARK], sent[PIN_MARK]; /* of the PIN sent last */
	struct worker_batch {
		pthread_mutex_t lock; /* of the rest */
		struct batch_item *first, **last; /* that wait */
		size_t waiting;
		unsigned busy;	/* threads that have a datagram on its way */
	} batch;
};

/* The thread that starts the process and looks after it; arg is a worker. */
void *worker_watch(void *arg);

/* Whether this is that thread: its calls are tests, and nobody else restarts
 * what they find dead. */
bool worker_is_watching(const struct worker *w);

/* Kill that process, unless another one has taken its place. */
void worker_kill(struct worker *w, unsigned generation, const char *reason);

/* Until it is up, and is not that generation; UNAVAIL when a start has failed
 * or the deadline has passed. */
enum q_err worker_wait(struct worker *w, unsigned not_generation,
    unsigned *ret_generation, struct fault *f) Q_CHECKED;

/* worker_pin.c: a PIN that the token has refused is not tried again, also by
 * the next signd: a file has what PBKDF2 makes of it and the token's label.
 */

/* The PIN, and whether it may be tried: UNAUTH when it is the refused one.
 * `decided`: somebody says that it is right. */
enum q_err worker_pin_load(struct worker *w, bool decided,
    struct secret *ret_pin, enum token_try *ret_try,
    struct fault *f) Q_CHECKED;

/* The token has refused the PIN that was loaded last; or taken it. */
void worker_pin_refused(struct worker *w);
void worker_pin_taken(struct worker *w);

/* One request to the worker, again to the next one when it died meanwhile. */
enum q_err worker_call(struct worker *w, const struct wire_op_desc *op,
    const void *req, void *ret_rsp, struct wire_reply *hold,
    struct fault *f) Q_CHECKED;

/* The heartbeat: milliseconds of the oldest call, and of an RSA key that is
 * being made. */
enum q_err worker_ping(struct worker *w, uint32_t *ret_oldest,
    uint32_t *ret_slow, struct fault *f) Q_CHECKED;
enum q_err worker_status(struct worker *w, uint32_t *ret_can,
    struct fault *f) Q_CHECKED;

/* worker_pss.c: where the token has no CKM_RSA_PKCS_PSS. The block of a key
 * of so many bits, a multiple of 8, into out. */
enum q_err worker_pss_encode(struct bytes digest, size_t salt, unsigned bits,
    uint8_t *out, struct fault *f) Q_CHECKED;
enum q_err worker_pss_sign(struct worker *w, const char *id,
    struct bytes digest, uint32_t salt, struct buf *out,
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
