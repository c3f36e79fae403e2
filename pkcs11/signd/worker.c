// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "signd/worker.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/own.h"
#include "base/secret.h"
#include "signd/launcher.h"
#include "signd/worker_priv.h"

#define BACKOFF_FIRST_MS 100
#define BACKOFF_LAST_MS 5000
#define START_DEADLINES 10	/* a start may take so many call deadlines */
#define SLOW_MS 60000		/* making an RSA key */

/* One end of a new channel to the worker: the other goes over the control
 * socket. */
static int
channel_open(void *ctx)
{
	struct worker *w = ctx;
	uint8_t byte = 0;
	int pair[2], ret = -1;

	pthread_mutex_lock(&w->lock);
	/* Before it is up, the worker takes a datagram for the PIN. */
	if (w->up && w->control >= 0 &&
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0) {
		ret = pair[0];
		if (wire_send(w->control, (struct bytes){ &byte, 1 },
		    (struct bytes){ NULL, 0 }, pair[1], 1000) != Q_OK) {
			close(ret);
			ret = -1;
		}
		close(pair[1]);
	}
	pthread_mutex_unlock(&w->lock);
	return ret;
}

static enum q_err
pin_send(struct worker *w)
{
	AUTO_SECRET struct secret pin = { 0 };
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	char path[600];
	enum q_err r = Q_NOTFOUND;

	if (dir != NULL &&
	    path_join(path, sizeof(path), dir, "pin") == Q_OK)
		r = secret_load(path, &pin);
	if (r == Q_NOTFOUND)
		r = secret_load(w->conf->token_pin, &pin);
	if (r == Q_OK)
		r = wire_send(w->control, (struct bytes){ pin.p, pin.len },
		    (struct bytes){ NULL, 0 }, -1, 1000);
	return r;
}

/* What the worker says of its start. */
static enum q_err
ready_wait(struct worker *w, struct fault *f)
{
	uint8_t raw[4 + sizeof(f->msg)];
	size_t len;
	int fd = -1;
	enum q_err r = wire_recv(w->control, raw, sizeof(raw) - 1,
	    (int)w->conf->token_deadline * START_DEADLINES, &len, &fd);

	if (fd >= 0)
		close(fd);
	if (r != Q_OK || len < 4)
		return fault_set(f, Q_UNAVAIL,
		    "the token worker %s while starting",
		    r == Q_TIMEOUT ? "hung" : "died");
	if (le32_get(raw) == Q_OK)
		return Q_OK;
	raw[len] = '\0';
	return fault_set(f, (enum q_err)le32_get(raw), "%s",
	    (const char *)raw + 4);
}

static enum q_err
start_one(struct worker *w, struct fault *f)
{
	int pair[2];
	enum q_err r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return fault_set(f, Q_IO, "socketpair: %s", strerror(errno));
	r = launcher_run(w->launcher, w->conf, pair[1], &w->pid, f);
	close(pair[1]);
	if (r == Q_UNAVAIL)
		log_fatal("%s", f->msg);
	pthread_mutex_lock(&w->lock);
	w->control = pair[0];
	w->generation++;
	pthread_mutex_unlock(&w->lock);
	if (r == Q_OK) {
		r = pin_send(w);
		if (r != Q_OK)
			fault_set(f, r, "PIN: %s", q_err_text(r));
	}
	if (r == Q_OK)
		r = ready_wait(w, f);
	if (r == Q_OK) {
		/* The watching thread itself may call already. */
		pthread_mutex_lock(&w->lock);
		w->up = true;
		pthread_mutex_unlock(&w->lock);
		r = w->on_up(w->ctx, f);
	}
	return r;
}

static void
end_one(struct worker *w, enum q_err why, const struct fault *f)
{
	pthread_mutex_lock(&w->lock);
	w->up = false;
	snprintf(w->reason, sizeof(w->reason), "%s", fault_text(f, why));
	if (w->control >= 0)
		close(w->control);
	w->control = -1;
	if (w->pid > 0) {
		kill(w->pid, SIGKILL);
		while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	w->pid = -1;
	pthread_mutex_unlock(&w->lock);
}

/* Sleep, or until somebody wants something of the watching thread. */
static void
pause_ms(struct worker *w, int ms)
{
	int64_t until = clock_mono_ms() + ms;
	struct timespec ts = { until / 1000, until % 1000 * 1000000 };

	pthread_mutex_lock(&w->lock);
	while (!w->stopping && !w->pin_again &&
	    pthread_cond_clockwait(&w->wake, &w->lock, CLOCK_MONOTONIC,
	    &ts) == 0)
		;
	w->pin_again = false;
	pthread_mutex_unlock(&w->lock);
}

/* Until the control socket ends: killed, died, or ended itself. */
static void
stay(struct worker *w)
{
	struct pollfd p = { .fd = w->control, .events = POLLIN };

	while (poll(&p, 1, -1) <= 0)
		;
}

static void *
watch(void *arg)
{
	struct worker *w = arg;
	int backoff = BACKOFF_FIRST_MS;

	while (!w->stopping) {
		struct fault f = { 0 };
		enum q_err r = start_one(w, &f);

		if (r == Q_OK) {
			log_note("token worker %d is ready", (int)w->pid);
			backoff = BACKOFF_FIRST_MS;
			stay(w);
			r = fault_set(&f, Q_UNAVAIL, "the token worker ended");
		}
		end_one(w, r, &f);
		if (w->stopping)
			break;
		log_warn("token worker: %s", fault_text(&f, r));
		pause_ms(w, r == Q_UNAUTH ? INT32_MAX : backoff);
		backoff = backoff * 2 < BACKOFF_LAST_MS ? backoff * 2 :
		    BACKOFF_LAST_MS;
		atomic_fetch_add(&w->restarts, 1);
	}
	return NULL;
}

enum q_err
worker_start(const struct conf *conf, int launcher,
    enum q_err (*up)(void *ctx, struct fault *f), void *ctx,
    struct worker **ret_worker, struct fault *f)
{
	struct worker *w = calloc(1, sizeof(*w));
	enum q_err r;

	if (w == NULL)
		return Q_NOMEM;
	*w = (struct worker){ .conf = conf, .launcher = launcher, .on_up = up, .ctx = ctx,
		.control = -1, .pid = -1 };
	snprintf(w->reason, sizeof(w->reason), "starting");
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	worker_batch_init(w);
	r = wire_client_new_fn(channel_open, w, (int)conf->token_deadline,
	    &w->quick);
	if (r == Q_OK)
		r = wire_client_new_fn(channel_open, w, SLOW_MS, &w->slow);
	if (r == Q_OK && pthread_create(&w->thread, NULL, watch, w) != 0)
		r = fault_set(f, Q_NOMEM, "no thread for the token worker");
	if (r == Q_OK)
		*ret_worker = w;
	return r;
}

void
worker_stop(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	if (w->control >= 0)
		shutdown(w->control, SHUT_RDWR);
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	wire_client_free(w->quick);
	wire_client_free(w->slow);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

void
worker_pin_again(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	w->pin_again = true;
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

void
worker_state(struct worker *w, struct worker_state *ret_state)
{
	pthread_mutex_lock(&w->lock);
	ret_state->up = w->up;
	ret_state->restarts = atomic_load(&w->restarts);
	memcpy(ret_state->reason, w->reason, sizeof(w->reason));
	pthread_mutex_unlock(&w->lock);
}
