// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "signd/worker.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "signd/worker_priv.h"

#define AWAY_SECONDS 1

/* One end of a new channel to a lane of the worker: the other goes over the
 * control socket. */
static int
channel_open(void *ctx)
{
	const struct worker_lane *lane = ctx;
	struct worker *w = lane->worker;
	uint8_t byte = lane->lane;
	int pair[2], ret = -1;

	pthread_mutex_lock(&w->lock);
	/* Before it is up, the worker takes a datagram for the PIN. */
	if (w->stage != WORKER_DOWN && w->control >= 0 &&
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0) {
		ret = pair[0];
		if (wire_send(w->control, (struct bytes){ &byte, 1 },
		    (struct bytes){ NULL, 0 }, pair[1], 0) != Q_OK) {
			close(ret);
			ret = -1;
		}
		close(pair[1]);
	}
	pthread_mutex_unlock(&w->lock);
	return ret;
}

/* Clients of the lanes. A call that hangs ends with its process, so these
 * deadlines are for requests that wait too long behind others; the heart
 * must beat in time. */
static enum q_err
lanes_make(struct worker *w)
{
	enum q_err r = Q_OK;

	for (size_t i = 0; r == Q_OK && i < TOKEN_LANES; i++) {
		struct worker_lane *lane = &w->lanes[i];

		*lane = (struct worker_lane){ w, (enum token_lane)i, NULL };
		r = wire_client_new_fn(channel_open, lane,
		    i == TOKEN_LANE_WATCH ? w->token.deadline_ms / 2 :
		    w->token.deadline_ms * 2, &lane->client);
	}
	if (r != Q_OK)
		return r;
	w->slow = (struct worker_lane){ w, TOKEN_LANE_MANAGE, NULL };
	return wire_client_new_fn(channel_open, &w->slow, WORKER_SLOW_MS,
	    &w->slow.client);
}

enum q_err
worker_start(const struct worker_conf *conf, struct worker **ret_worker,
    struct fault *f)
{
	struct worker *w = calloc(1, sizeof(*w));
	enum q_err r;

	if (w == NULL)
		return Q_NOMEM;
	*w = (struct worker){ .conf = *conf, .control = -1, .pid = -1 };
	token_conf_of(conf->conf, conf->token, &w->token);
	snprintf(w->reason, sizeof(w->reason), "starting");
	pthread_mutex_init(&w->managing, NULL);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	worker_batch_init(w);
	r = lanes_make(w);
	*ret_worker = w; /* what `up` looks at */
	if (r == Q_OK && pthread_create(&w->thread, NULL, worker_watch, w) !=
	    0)
		r = fault_set(f, Q_NOMEM, "no thread for the token worker");
	return r;
}

void
worker_stop(struct worker *w)
{
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	if (w->control >= 0)
		shutdown(w->control, SHUT_RDWR);
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	for (size_t i = 0; i < TOKEN_LANES; i++)
		wire_client_free(w->lanes[i].client);
	wire_client_free(w->slow.client);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	pthread_mutex_destroy(&w->managing);
	free(w);
}

void
worker_pin_again(struct worker *w)
{
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->pin_again = w->decided = w->stage == WORKER_DOWN;
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

void
worker_state(struct worker *w, struct worker_state *ret_state)
{
	pthread_mutex_lock(&w->lock);
	ret_state->up = w->stage == WORKER_UP;
	ret_state->restarts = atomic_load(&w->restarts);
	ret_state->can = w->can;
	memcpy(ret_state->reason, w->reason, sizeof(w->reason));
	pthread_mutex_unlock(&w->lock);
}

void
worker_kill(struct worker *w, unsigned generation, const char *reason)
{
	pthread_mutex_lock(&w->lock);
	if (w->pid > 0 && atomic_load(&w->generation) == generation) {
		log_error("token worker %d %s and is killed", (int)w->pid,
		    reason);
		kill(w->pid, SIGKILL);
	}
	pthread_mutex_unlock(&w->lock);
}

void
worker_restart(struct worker *w, const char *reason)
{
	worker_kill(w, atomic_load(&w->generation), reason);
}

static bool
is_ready(struct worker *w, unsigned not_generation)
{
	return w->stage == WORKER_UP &&
	    atomic_load(&w->generation) != not_generation;
}

enum q_err
worker_wait(struct worker *w, unsigned not_generation,
    unsigned *ret_generation, struct fault *f)
{
	int64_t until;
	struct timespec ts;
	enum q_err r = Q_OK;

	*ret_generation = atomic_load(&w->generation);
	if (is_ready(w, not_generation) || worker_is_watching(w))
		return Q_OK;
	until = clock_mono_ms() + w->token.deadline_ms;
	ts = (struct timespec){ until / 1000, until % 1000 * 1000000 };
	pthread_mutex_lock(&w->lock);
	while (!is_ready(w, not_generation) && !w->failed && !w->stopping &&
	    pthread_cond_clockwait(&w->wake, &w->lock, CLOCK_MONOTONIC,
	    &ts) == 0)
		;
	*ret_generation = atomic_load(&w->generation);
	if (!is_ready(w, not_generation))
		r = fault_retry(f, Q_UNAVAIL, AWAY_SECONDS, "%s: %.180s",
		    w->token.name, w->reason);
	pthread_mutex_unlock(&w->lock);
	return r;
}

void
worker_cannot(uint32_t can, struct buf *out)
{
	static const struct {
		uint32_t bit;
		const char *text, *mech;
	} rows[] = {
#define X(name, bit, mech, flags, text) { TOKEN_CAN_##name, text, #mech },
		TOKEN_CAN(X)
#undef X
	};
	const char *between = "";

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if ((can & rows[i].bit) != 0)
			continue;
		buf_printf(out, "%s%s (%s is missing)", between,
		    rows[i].text, rows[i].mech);
		between = ", ";
	}
}
