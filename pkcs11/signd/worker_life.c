// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/own.h"
#include "signd/worker_priv.h"

/* Pauses between starts. The first restart is at once; while a token is away,
 * its return is seen in well under a second, at the cost of a start (20 ms of
 * processor time with SoftHSM). */
#define PAUSE_FIRST_MS 50
#define PAUSE_LAST_MS 400
#define STABLE_MS 2000		/* who lived as long died by chance */
#define START_DEADLINES 4	/* a start may take so many call deadlines */
#define ALONE_MS 2000		/* to be ended, when the launcher has been */
#define LOGINS_MAX 8
#define END_MS 300		/* a module's C_Finalize, at the end */

static _Thread_local const struct worker *watching;

bool
worker_is_watching(const struct worker *w)
{
	return watching == w;
}

/* The code and text that the worker sends: how its start goes (PENDING: the
 * PIN is tried), or why it ends. */
static enum q_err
report_take(struct worker *w, int wait_ms, const char *doing,
    struct fault *f)
{
	uint8_t raw[4 + sizeof(f->msg)];
	size_t len;
	int fd = -1;
	enum q_err r = wire_recv(w->control, raw, sizeof(raw) - 1, wait_ms,
	    &len, &fd);

	if (fd >= 0)
		close(fd);
	if (r != Q_OK || len < 4)
		return fault_set(f, Q_UNAVAIL, "the token worker %s%s",
		    r == Q_TIMEOUT ? "hung" : "died", doing);
	if (le32_get(raw) == Q_OK || le32_get(raw) == Q_PENDING)
		return (enum q_err)le32_get(raw);
	raw[len] = '\0';
	return fault_set(f, q_err_of(le32_get(raw)), "%s",
	    (const char *)raw + 4);
}

static enum q_err
pin_send(struct worker *w, struct fault *f)
{
	AUTO_SECRET struct secret pin = { 0 };
	enum token_try try = TOKEN_TRY_CAREFUL;
	bool decided;
	uint8_t byte;
	enum q_err r;

	pthread_mutex_lock(&w->lock);
	decided = w->decided;
	pthread_mutex_unlock(&w->lock);
	r = worker_pin_load(w, decided, &pin, &try, f);
	byte = try;
	if (r == Q_OK && wire_send(w->control, (struct bytes){ &byte, 1 },
	    (struct bytes){ pin.p, pin.len }, -1, 1000) != Q_OK)
		r = fault_set(f, Q_UNAVAIL,
		    "the token worker died while starting");
	return r;
}

/* It has logged in: what it can do, and whether it does. Other threads come
 * later. */
static enum q_err
test(struct worker *w, struct fault *f)
{
	uint32_t can = 0;
	enum q_err r;

	pthread_mutex_lock(&w->lock);
	w->stage = WORKER_TESTED;
	pthread_mutex_unlock(&w->lock);
	r = worker_status(w, &can, f);
	pthread_mutex_lock(&w->lock);
	w->can = can;
	pthread_mutex_unlock(&w->lock);
	return r == Q_OK ? w->conf.up(w->conf.ctx, w, f) : r;
}

/* Until it has logged in. The word of a person is used up by the try. */
static enum q_err
login_wait(struct worker *w, struct fault *f)
{
	enum q_err r = Q_PENDING;

	for (int i = 0; r == Q_PENDING && i < LOGINS_MAX; i++) {
		r = report_take(w, w->token.deadline_ms * START_DEADLINES,
		    " while starting", f);
		if (r == Q_PENDING || r == Q_OK) {
			pthread_mutex_lock(&w->lock);
			w->decided = false;
			pthread_mutex_unlock(&w->lock);
		}
	}
	if (r == Q_UNAUTH)
		worker_pin_refused(w);
	if (r == Q_OK)
		worker_pin_taken(w);
	return r;
}

static enum q_err
start_one(struct worker *w, struct fault *f)
{
	int pair[2];
	enum q_err r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return fault_set(f, Q_IO, "socketpair: %s", strerror(errno));
	r = launcher_run(w->conf.launcher, w->conf.token, pair[1], &w->pid,
	    f);
	close(pair[1]);
	w->alone = r == Q_UNAVAIL;
	pthread_mutex_lock(&w->lock);
	w->control = pair[0];
	w->generation++;
	pthread_mutex_unlock(&w->lock);
	if (r == Q_OK)
		r = pin_send(w, f);
	if (r == Q_OK)
		r = login_wait(w, f);
	return r == Q_OK ? test(w, f) : r;
}

static void
up(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	w->stage = WORKER_UP;
	w->failed = false;
	w->reason[0] = '\0';
	log_note("%s: worker %d is ready", w->token.name, (int)w->pid);
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

static void
child_end(struct worker *w)
{
	/* A moment to finalize the module, for a token that counts its
	 * sessions. */
	for (int ms = 0; w->stopping && ms < END_MS; ms += 5) {
		if (waitpid(w->pid, NULL, WNOHANG) != 0)
			return;
		poll(NULL, 0, 5);
	}
	kill(w->pid, SIGKILL);
	while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
		;
}

/* Gone, or to go. Its life was a failed start, or it was in service. */
static void
end_one(struct worker *w, enum q_err why, const struct fault *f)
{
	const char *text = fault_text(f, why);
	bool news;

	pthread_mutex_lock(&w->lock);
	w->failed = w->stage != WORKER_UP || why == Q_UNAUTH;
	w->stage = WORKER_DOWN;
	news = strcmp(w->reason, text) != 0;
	snprintf(w->reason, sizeof(w->reason), "%s", text);
	if (w->control >= 0)
		close(w->control);
	w->control = -1;
	if (w->pid > 0)
		child_end(w);
	w->pid = -1;
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
	if (news && !w->stopping)
		log_warn("%s: %s", w->token.name, text);
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

/* Whether it works, or has been at one call for longer than it may. */
static bool
heart_beats(struct worker *w)
{
	uint32_t oldest = 0, slow = 0, limit;
	enum q_err r = worker_ping(w, &oldest, &slow, NULL);

	/* Some modules do nothing else while they make a key. */
	if (r == Q_TIMEOUT)
		return atomic_load(&w->slow_calls) != 0;
	limit = (uint32_t)w->token.deadline_ms / 4 * 3;
	return r != Q_OK || (oldest < limit && slow < WORKER_SLOW_MS);
}

/* Until the control socket ends: killed, died, or ended itself. Whatever
 * hangs is found within the deadline: a call that is watched for the first
 * time after a quarter, and has three, or a heartbeat that has two. */
static enum q_err
stay(struct worker *w, struct fault *f)
{
	struct pollfd p = { .fd = w->control, .events = POLLIN };
	unsigned generation = atomic_load(&w->generation);
	int quarter = w->token.deadline_ms / 4;
	bool hung = false;
	enum q_err r;

	for (;;) {
		int n = poll(&p, 1, quarter);

		if (n > 0)
			break;
		if (n == 0 && !heart_beats(w)) {
			worker_kill(w, generation, "hangs");
			quarter = -1;
			hung = true;
		}
	}
	if (hung)
		return fault_set(f, Q_UNAVAIL, "the token worker hung");
	r = report_take(w, 0, "", f);
	if (r == Q_UNAUTH)
		worker_pin_refused(w);
	return r != Q_OK && r != Q_PENDING ? r : fault_set(f, Q_UNAVAIL,
	    "the token worker ended");
}

void *
worker_watch(void *arg)
{
	struct worker *w = arg;
	int ms = 0;

	watching = w;
	while (!w->stopping) {
		struct fault f = { 0 };
		enum q_err r = start_one(w, &f);

		if (r == Q_OK) {
			int64_t since = clock_mono_ms();

			up(w);
			r = stay(w, &f);
			ms = clock_mono_ms() - since > STABLE_MS ? 0 :
			    PAUSE_FIRST_MS;
		}
		end_one(w, r, &f);
		if (w->stopping)
			break;
		/* Whoever ends all of us comes to this process next. */
		if (w->alone)
			pause_ms(w, ALONE_MS);
		if (w->alone && !w->stopping)
			log_fatal("%s", fault_text(&f, r));
		/* Nothing but a person makes a refused PIN right. */
		pause_ms(w, r == Q_UNAUTH ? INT32_MAX : ms);
		ms = ms == 0 ? PAUSE_FIRST_MS : ms * 2 < PAUSE_LAST_MS ?
		    ms * 2 : PAUSE_LAST_MS;
		atomic_fetch_add(&w->restarts, 1);
	}
	return NULL;
}
