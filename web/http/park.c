// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "http/park.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/clock.h"
#include "base/own.h"
#include "http/hello.h"

#define EVENTS_MAX 256
#define ACCEPTS_MAX 128 /* in a row, before the others are looked at */
#define TICK_MS 50 /* while somebody waits for a worker */
#define SWEEP_MS 250 /* how late a deadline may be noticed */
#define SLOW_MS 1000 /* a peer that may be cut when others wait */
#define FDS_MAX (1U << 20)
#define FDS_SPARE 128 /* left to the rest of the process */

struct park {
	struct park_config cfg;
	pthread_t thread;
	bool running;
	int epoll;
	int wake;
	int listener;
	uint8_t peek[HELLO_MAX]; /* the thread's */
	pthread_mutex_t lock;
	atomic_bool stopping; /* set under the lock */
	/* under the lock */
	bool sleeping; /* the thread, until it is woken */
	int64_t swept;
	unsigned free_workers;
	bool waking; /* a worker that was given a connection is to come */
	struct peers *peers;
	struct conn_list dead; /* closed when the lock is off */
	struct conn **by_fd;
	size_t n_fds;
	int top_fd;
	struct http_stats st;
	atomic_uint polling; /* workers in park_poll() */
	/* The READY count while no worker is idle, without the lock. */
	atomic_uint queued;
};

void
park_conn_close(struct conn *c)
{
	if (c->ssl != NULL && SSL_is_init_finished(c->ssl))
		SSL_shutdown(c->ssl);
	SSL_free(c->ssl);
	if (c->slot.release != NULL)
		c->slot.release(c->slot.p);
	free(c->ahead);
	close(c->fd);
	free(c);
}

/* Take c out of everything; park_unlock() closes it. */
static void
conn_drop(struct park *p, struct conn *c)
{
	p->by_fd[c->fd] = NULL;
	peers_remove(p->peers, c);
	TAILQ_INSERT_TAIL(&p->dead, c, link);
}

/* From here on the worker counts as waiting for the peer, so that park_stop()
 * does not pass it over on its way. */
static void
conn_busy(struct park *p, struct conn *c)
{
	peers_move(p->peers, c, CONN_BUSY);
	atomic_store(&c->slow_since, clock_mono_ms());
}

static bool
workers_idle(const struct park *p)
{
	return p->free_workers > 0 || atomic_load(&p->polling) > 0;
}

/* A worker to who wants one, then unlock, then close the dead. When the
 * worker comes it wakes the next. */
static void
park_unlock(struct park *p)
{
	struct conn_list dead = TAILQ_HEAD_INITIALIZER(dead);
	struct conn *c;

	if (p->free_workers > 0 && !p->waking && !p->stopping &&
	    (c = peers_next(p->peers)) != NULL) {
		p->free_workers--;
		p->waking = true;
		conn_busy(p, c);
		p->cfg.give(p->cfg.ctx, c);
	}
	atomic_store(&p->queued, workers_idle(p) ? 0 :
	    peers_count(p->peers, CONN_READY));
	TAILQ_CONCAT(&dead, &p->dead, link);
	pthread_mutex_unlock(&p->lock);
	while ((c = TAILQ_FIRST(&dead)) != NULL) {
		TAILQ_REMOVE(&dead, c, link);
		park_conn_close(c);
	}
}

#define WATCH_ONCE (EPOLLIN | EPOLLRDHUP | EPOLLONESHOT)
#define WATCH_NOT EPOLLONESHOT
/* Edge-triggered, because what was peeked at stays readable. */
#define WATCH_HELLO (EPOLLIN | EPOLLRDHUP | EPOLLET)

static bool
conn_watch(struct park *p, const struct conn *c, int op, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.fd = c->fd };

	return epoll_ctl(p->epoll, op, c->fd, &ev) == 0;
}

/* Something came in, or the peer is gone. */
static void
conn_event(struct park *p, struct conn *c)
{
	ssize_t n;
	enum hello h = HELLO_WHOLE;

	if (!c->hello) {
		peers_move(p->peers, c, CONN_READY);
		return;
	}
	n = recv(c->fd, p->peek, p->cfg.tls ? sizeof(p->peek) : 1,
	    MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && p->cfg.tls)
		h = hello_check(p->peek, (size_t)n);
	if (n <= 0 || h == HELLO_BAD) {
		conn_drop(p, c);
		return;
	}
	if (h == HELLO_MORE)
		return;
	c->hello = false;
	conn_watch(p, c, EPOLL_CTL_MOD, WATCH_NOT);
	peers_move(p->peers, c, CONN_READY);
}

/* Make room. False if there is nobody to put out. */
static bool
park_evict(struct park *p, struct conn *c)
{
	if (c == NULL)
		return false;
	p->st.dropped++;
	conn_drop(p, c);
	return true;
}

static void
conn_new(struct park *p, int fd, const struct sockaddr_storage *addr)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL || (size_t)fd >= p->n_fds) {
		free(c);
		close(fd);
		return;
	}
	c->fd = fd;
	c->addr = *addr;
	c->hello = true;
	c->deadline = clock_mono_ms() + p->cfg.hello_ms;
	if (peers_add(p->peers, c) != Q_OK) {
		free(c);
		close(fd);
		return;
	}
	p->st.accepted++;
	p->by_fd[fd] = c;
	if (fd > p->top_fd)
		p->top_fd = fd;
	park_evict(p, peers_over(p->peers, c));
	if (peers_count(p->peers, CONN_PARKED) +
	    peers_count(p->peers, CONN_READY) > p->cfg.total)
		park_evict(p, peers_greediest(p->peers));
	if (p->by_fd[fd] == c &&
	    !conn_watch(p, c, EPOLL_CTL_ADD, WATCH_HELLO))
		conn_drop(p, c);
}

static void
park_accept(struct park *p)
{
	for (int i = 0; i < ACCEPTS_MAX; i++) {
		struct sockaddr_storage addr;
		socklen_t len = sizeof(addr);
		bool full, evicted = false;
		int fd = accept4(p->listener, (struct sockaddr *)&addr, &len,
		    SOCK_NONBLOCK | SOCK_CLOEXEC);

		full = fd < 0 && (errno == EMFILE || errno == ENFILE);
		if (fd < 0 && !full && errno != ECONNABORTED)
			return;
		pthread_mutex_lock(&p->lock);
		if (full)
			evicted = park_evict(p, peers_greediest(p->peers));
		else if (fd >= 0)
			conn_new(p, fd, &addr);
		park_unlock(p);
		if (full && !evicted) {
			poll(NULL, 0, TICK_MS); /* workers hold all of them */
			return;
		}
	}
}

/* Deadlines. A connection whose request came in part is told, by a worker. */
static void
park_sweep(struct park *p, int64_t now)
{
	for (int fd = 0; fd <= p->top_fd; fd++) {
		struct conn *c = p->by_fd[fd];

		if (c == NULL || c->state == CONN_BUSY || c->deadline > now ||
		    (c->late && c->state == CONN_READY))
			continue;
		p->st.expired++;
		if (c->ahead_len == 0 || c->late) {
			conn_drop(p, c);
			continue;
		}
		c->late = true;
		c->deadline = now + p->cfg.hello_ms;
		if (c->state == CONN_PARKED)
			peers_move(p->peers, c, CONN_READY);
	}
	p->swept = now;
}

/* Somebody waits and all workers are taken: see who can be cut off. */
static void
park_press(struct park *p, int64_t now)
{
	struct conn *c = peers_slowest(p->peers, now - SLOW_MS);

	if (c == NULL)
		return;
	atomic_store(&c->slow_since, 0);
	shutdown(c->fd, SHUT_RDWR);
	p->st.preempted++;
}

static int
park_timeout(struct park *p)
{
	if (peers_count(p->peers, CONN_READY) > 0)
		return TICK_MS;
	return peers_count(p->peers, CONN_PARKED) > 0 ? SWEEP_MS : -1;
}

/* Take in what has happened. Leaves the lock on. */
static void
park_events(struct park *p, const struct epoll_event *ev, int n)
{
	for (int i = 0; i < n; i++)
		if (ev[i].data.fd == p->listener)
			park_accept(p);
	pthread_mutex_lock(&p->lock);
	for (int i = 0; i < n; i++) {
		struct conn *c = (size_t)ev[i].data.fd < p->n_fds
		    ? p->by_fd[ev[i].data.fd] : NULL;

		if (c != NULL && c->state == CONN_PARKED)
			conn_event(p, c);
	}
}

/* Events, then what is due; returns how long the next wait may be, or -2 at
 * the end. */
static int
park_round(struct park *p, const struct epoll_event *ev, int n)
{
	int64_t now = clock_mono_ms();
	bool kick;
	int timeout;

	for (int i = 0; i < n; i++) {
		eventfd_t woken;

		if (ev[i].data.fd == p->wake)
			eventfd_read(p->wake, &woken);
	}
	park_events(p, ev, n);
	if (now - p->swept >= SWEEP_MS)
		park_sweep(p, now);
	if (peers_count(p->peers, CONN_READY) > 0 && !workers_idle(p))
		park_press(p, now);
	timeout = p->stopping ? -2 : park_timeout(p);
	p->sleeping = timeout == -1;
	kick = p->polling > 0 && p->free_workers == 0 &&
	    peers_count(p->peers, CONN_READY) > 0;
	park_unlock(p);
	if (kick)
		eventfd_write(p->wake, 1);
	return timeout;
}

static void *
park_thread(void *arg)
{
	struct park *p = arg;
	struct epoll_event ev[EVENTS_MAX];
	int timeout = -1;

	while (timeout != -2) {
		int n = epoll_wait(p->epoll, ev, EVENTS_MAX, timeout);

		timeout = park_round(p, ev, n > 0 ? n : 0);
	}
	return NULL;
}

/* As many descriptors as this process may have; nothing here uses select. */
static size_t
raise_nofile(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
		return 1024;
	rl.rlim_cur = rl.rlim_max < FDS_MAX ? rl.rlim_max : FDS_MAX;
	if (setrlimit(RLIMIT_NOFILE, &rl) != 0 &&
	    getrlimit(RLIMIT_NOFILE, &rl) != 0)
		return 1024;
	return (size_t)rl.rlim_cur;
}

static bool
park_open(struct park *p)
{
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	p->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->epoll < 0 || p->wake < 0)
		return false;
	for (int i = 0; i < 2; i++) {
		int fd = i == 0 ? p->listener : p->wake;
		struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

		if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, fd, &ev) != 0)
			return false;
	}
	return true;
}

enum q_err
park_new(const struct park_config *cfg, int listener,
    struct park **ret_park)
{
	struct park *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return Q_NOMEM;
	p->cfg = *cfg;
	p->listener = listener;
	p->epoll = p->wake = -1;
	p->free_workers = cfg->workers;
	TAILQ_INIT(&p->dead);
	pthread_mutex_init(&p->lock, NULL);
	p->n_fds = raise_nofile();
	if (p->cfg.total + cfg->workers + FDS_SPARE > p->n_fds)
		p->cfg.total = p->n_fds > 2ULL * (cfg->workers + FDS_SPARE)
		    ? (unsigned)p->n_fds - cfg->workers - FDS_SPARE
		    : (unsigned)p->n_fds / 2;
	p->by_fd = calloc(p->n_fds, sizeof(struct conn *));
	if (p->by_fd == NULL || peers_new(cfg->per_address, &p->peers) != Q_OK
	    || !park_open(p)) {
		park_free(p);
		return Q_NOMEM;
	}
	*ret_park = p;
	return Q_OK;
}

enum q_err
park_run(struct park *p)
{
	p->running = pthread_create(&p->thread, NULL, park_thread, p) == 0;
	return p->running ? Q_OK : Q_NOMEM;
}

void
park_stop(struct park *p)
{
	pthread_mutex_lock(&p->lock);
	p->stopping = true;
	for (int fd = 0; fd <= p->top_fd; fd++) {
		struct conn *c = p->by_fd[fd];

		if (c != NULL && c->state == CONN_BUSY &&
		    atomic_load(&c->slow_since) != 0)
			shutdown(fd, SHUT_RD);
	}
	park_unlock(p);
	eventfd_write(p->wake, 1);
	if (p->running)
		pthread_join(p->thread, NULL);
	p->running = false;
}

void
park_free(struct park *p)
{
	if (p == NULL)
		return;
	if (p->peers != NULL) {
		pthread_mutex_lock(&p->lock);
		for (int fd = 0; fd <= p->top_fd; fd++)
			if (p->by_fd[fd] != NULL)
				conn_drop(p, p->by_fd[fd]);
		park_unlock(p);
	}
	peers_free(p->peers);
	free(p->by_fd);
	if (p->epoll >= 0)
		close(p->epoll);
	if (p->wake >= 0)
		close(p->wake);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

struct conn *
park_conn(struct park *p, int fd)
{
	struct conn *c;

	pthread_mutex_lock(&p->lock);
	c = p->by_fd[fd];
	p->waking = false;
	park_unlock(p);
	return c;
}

static void
conn_back(struct park *p, struct conn *c, enum park_fate fate)
{
	if (fate == PARK_AWAY) {
		epoll_ctl(p->epoll, EPOLL_CTL_DEL, c->fd, NULL);
		p->by_fd[c->fd] = NULL;
		peers_remove(p->peers, c);
		return;
	}
	if (p->stopping || fate == PARK_CLOSE || (fate == PARK_WAIT &&
	    !conn_watch(p, c, EPOLL_CTL_MOD, WATCH_ONCE))) {
		conn_drop(p, c);
		return;
	}
	peers_move(p->peers, c, fate == PARK_READY ? CONN_READY : CONN_PARKED);
	park_evict(p, peers_over(p->peers, c));
}

/* For a worker that has none. */
static struct conn *
conn_take(struct park *p)
{
	struct conn *c = p->stopping ? NULL : peers_next(p->peers);

	if (c != NULL)
		conn_busy(p, c);
	return c;
}

struct conn *
park_next(struct park *p, struct conn *c, enum park_fate fate)
{
	struct conn *next;
	bool wake;

	pthread_mutex_lock(&p->lock);
	/* With nothing to look after the thread sleeps without an end. */
	wake = p->sleeping && fate != PARK_CLOSE;
	p->sleeping = p->sleeping && !wake;
	conn_back(p, c, fate);
	next = conn_take(p);
	park_unlock(p);
	if (wake)
		eventfd_write(p->wake, 1);
	return next;
}

/* The thread itself waits too, but the kernel wakes who came last. */
struct conn *
park_poll(struct park *p, int ms)
{
	struct epoll_event ev;
	struct conn *c;
	int n;

	atomic_fetch_add(&p->polling, 1);
	do {
		n = epoll_wait(p->epoll, &ev, 1, ms);
		park_events(p, &ev, n > 0 ? n : 0);
		c = conn_take(p);
		n = p->stopping ? 0 : n;
		park_unlock(p);
	} while (c == NULL && n > 0);
	atomic_fetch_sub(&p->polling, 1);
	return c;
}

void
park_worker_free(struct park *p)
{
	pthread_mutex_lock(&p->lock);
	p->free_workers++;
	park_unlock(p);
}

/* park_stop() sees that it waits, or this that it stops. */
void
park_waits(struct park *p, struct conn *c, int64_t since)
{
	atomic_store(&c->slow_since, since);
	if (since != 0 && atomic_load(&p->stopping))
		shutdown(c->fd, SHUT_RD);
}

bool
park_pressed(struct park *p)
{
	return atomic_load(&p->queued) > 0;
}

void
park_stats(struct park *p, struct http_stats *st)
{
	pthread_mutex_lock(&p->lock);
	st->accepted = p->st.accepted;
	st->dropped = p->st.dropped;
	st->expired = p->st.expired;
	st->preempted = p->st.preempted;
	st->parked = peers_count(p->peers, CONN_PARKED);
	st->queued = peers_count(p->peers, CONN_READY);
	st->busy = peers_count(p->peers, CONN_BUSY);
	pthread_mutex_unlock(&p->lock);
}
