// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/queue.h>
#include <unistd.h>

#include "base/clock.h"
#include "http/park.h"
#include "http/stream.h"

#define WAITING_MAX (256U << 10) /* bytes that a stream may be behind */
#define STUCK_MS 30000 /* nor may it take nothing for so long */
#define BEAT_MS 15000 /* a comment, so that both ends know */
#define TALK_MAX 4096 /* what a listener may say */
#define EVENTS_MAX 64

struct stream {
	struct conn *c;
	char tag[HTTP_TAG_MAX + 1];
	struct buf out; /* from `at` on not written yet */
	size_t at;
	int64_t moved; /* clock_mono_ms() of the last byte, or nothing due */
	size_t heard;
	bool ending, watched;
	LIST_ENTRY(stream) link;
};

struct http_events {
	pthread_t thread;
	pthread_mutex_t lock;
	int epoll, wake;
	bool stop;
	unsigned max, per_tag;
	size_t n;
	int64_t beat;
	LIST_HEAD(, stream) streams;
};

/* With the lock. */
static void
stream_drop(struct http_events *ev, struct stream *s)
{
	LIST_REMOVE(s, link);
	ev->n--;
	buf_free(&s->out);
	park_conn_close(s->c);
	free(s);
}

static void
stream_watch(struct http_events *ev, struct stream *s, bool out)
{
	struct epoll_event e = { .data.ptr = s,
		.events = EPOLLIN | EPOLLRDHUP | (out ? EPOLLOUT : 0u) };

	if (s->watched == out)
		return;
	s->watched = out;
	epoll_ctl(ev->epoll, EPOLL_CTL_MOD, s->c->fd, &e);
}

/* With the lock: write what is due. False when the stream is over. */
static bool
stream_flush(struct http_events *ev, struct stream *s, int64_t now)
{
	while (s->at < s->out.len) {
		ssize_t n = io_put(s->c, s->out.p + s->at,
		    s->out.len - s->at);

		if (n == 0)
			return false;
		if (n == IO_AGAIN) {
			stream_watch(ev, s, true);
			return now - s->moved < STUCK_MS;
		}
		s->at += (size_t)n;
		s->moved = now;
	}
	buf_reset(&s->out);
	s->at = 0;
	s->moved = now;
	stream_watch(ev, s, false);
	return !s->ending;
}

/* With the lock. */
static void
stream_put(struct stream *s, struct bytes text)
{
	if (s->at != 0) {
		s->out.len -= s->at;
		memmove(s->out.p, s->out.p + s->at, s->out.len);
		s->at = 0;
	}
	buf_put(&s->out, text.p, text.len);
	if (s->out.bad)
		s->ending = true;
}

static bool
stream_hear(struct stream *s)
{
	char sink[1024];
	ssize_t n;

	while ((n = io_read(s->c, sink, sizeof(sink))) > 0) {
		s->heard += (size_t)n;
		if (s->heard > TALK_MAX)
			return false;
	}
	return n == IO_AGAIN;
}

/* With the lock. */
static void
round_all(struct http_events *ev)
{
	static const uint8_t beat[] = ":\n\n";
	int64_t now = clock_mono_ms();
	bool due = now - ev->beat >= BEAT_MS;
	struct stream *s, *next;

	if (due)
		ev->beat = now;
	for (s = LIST_FIRST(&ev->streams); s != NULL; s = next) {
		next = LIST_NEXT(s, link);
		if (due && !s->ending)
			stream_put(s, (struct bytes){ beat, 3 });
		if (s->out.bad || !stream_flush(ev, s, now))
			stream_drop(ev, s);
	}
}

static void
heard(struct http_events *ev, const struct epoll_event *e)
{
	struct stream *s = e->data.ptr;
	eventfd_t woken;

	if (s == NULL)
		eventfd_read(ev->wake, &woken);
	else if ((e->events & (EPOLLERR | EPOLLHUP | EPOLLRDHUP)) != 0 ||
	    ((e->events & EPOLLIN) != 0 && !stream_hear(s)))
		stream_drop(ev, s);
}

static void *
run(void *arg)
{
	struct http_events *ev = arg;
	struct epoll_event e[EVENTS_MAX];
	bool stop = false;

	while (!stop) {
		int n = epoll_wait(ev->epoll, e, EVENTS_MAX, 1000);

		pthread_mutex_lock(&ev->lock);
		for (int i = 0; i < n; i++)
			heard(ev, &e[i]);
		round_all(ev);
		stop = ev->stop;
		pthread_mutex_unlock(&ev->lock);
	}
	return NULL;
}

static void
wake(struct http_events *ev)
{
	eventfd_write(ev->wake, 1);
}

enum q_err
http_events_new(unsigned max, unsigned per_tag,
    struct http_events **ret_events)
{
	struct http_events *ev = calloc(1, sizeof(*ev));
	struct epoll_event e = { .events = EPOLLIN };

	if (ev == NULL)
		return Q_NOMEM;
	pthread_mutex_init(&ev->lock, NULL);
	LIST_INIT(&ev->streams);
	ev->max = max;
	ev->per_tag = per_tag;
	ev->epoll = epoll_create1(EPOLL_CLOEXEC);
	ev->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ev->epoll < 0 || ev->wake < 0 ||
	    epoll_ctl(ev->epoll, EPOLL_CTL_ADD, ev->wake, &e) != 0 ||
	    pthread_create(&ev->thread, NULL, run, ev) != 0) {
		close(ev->epoll);
		close(ev->wake);
		free(ev);
		return Q_NOMEM;
	}
	*ret_events = ev;
	return Q_OK;
}

void
http_events_free(struct http_events *ev)
{
	if (ev == NULL)
		return;
	pthread_mutex_lock(&ev->lock);
	ev->stop = true;
	pthread_mutex_unlock(&ev->lock);
	wake(ev);
	pthread_join(ev->thread, NULL);
	while (!LIST_EMPTY(&ev->streams))
		stream_drop(ev, LIST_FIRST(&ev->streams));
	close(ev->epoll);
	close(ev->wake);
	pthread_mutex_destroy(&ev->lock);
	free(ev);
}

/* With the lock. */
static bool
room(struct http_events *ev, const char *tag)
{
	unsigned same = 0;
	struct stream *s;

	LIST_FOREACH(s, &ev->streams, link)
		same += strcmp(s->tag, tag) == 0;
	return ev->n < ev->max && same < ev->per_tag;
}

enum q_err
http_response_events(struct http_response *rs, struct http_events *ev,
    const char *tag, struct fault *f)
{
	bool good;

	pthread_mutex_lock(&ev->lock);
	good = room(ev, tag);
	pthread_mutex_unlock(&ev->lock);
	if (!good)
		return fault_retry(f, Q_BUSY, 10, "too many listen already");
	rs->events = ev;
	rs->content_type = "text/event-stream";
	snprintf(rs->tag, sizeof(rs->tag), "%s", tag);
	return Q_OK;
}

void
events_take(struct http_events *ev, struct conn *c, const char *tag)
{
	struct stream *s = calloc(1, sizeof(*s));
	struct epoll_event e = { .data.ptr = s,
		.events = EPOLLIN | EPOLLRDHUP };
	bool good = false;

	if (s == NULL) {
		park_conn_close(c);
		return;
	}
	s->c = c;
	s->moved = clock_mono_ms();
	s->out = (struct buf)BUF_INIT(WAITING_MAX);
	snprintf(s->tag, sizeof(s->tag), "%s", tag);
	pthread_mutex_lock(&ev->lock);
	if (!ev->stop && room(ev, tag)) {
		LIST_INSERT_HEAD(&ev->streams, s, link);
		ev->n++;
		good = epoll_ctl(ev->epoll, EPOLL_CTL_ADD, c->fd, &e) == 0;
		if (!good)
			stream_drop(ev, s);
	} else {
		park_conn_close(c);
		free(s);
	}
	pthread_mutex_unlock(&ev->lock);
	/* TLS may hold bytes that epoll does not tell of. */
	wake(ev);
}

void
http_events_send(struct http_events *ev, const char *tag, const char *event,
    struct bytes data)
{
	AUTO_BUF struct buf text = BUF_INIT(WAITING_MAX);
	struct stream *s;

	buf_printf(&text, "event: %s\ndata: ", event);
	buf_put(&text, data.p, data.len);
	buf_puts(&text, "\n\n");
	if (text.bad)
		return;
	pthread_mutex_lock(&ev->lock);
	LIST_FOREACH(s, &ev->streams, link)
		if (!s->ending && (tag == NULL || strcmp(s->tag, tag) == 0))
			stream_put(s, buf_bytes(&text));
	pthread_mutex_unlock(&ev->lock);
	wake(ev);
}

void
http_events_close(struct http_events *ev, const char *tag)
{
	struct stream *s;

	pthread_mutex_lock(&ev->lock);
	LIST_FOREACH(s, &ev->streams, link)
		if (strcmp(s->tag, tag) == 0)
			s->ending = true;
	pthread_mutex_unlock(&ev->lock);
	wake(ev);
}

void
http_events_tags(struct http_events *ev, struct buf *out)
{
	struct stream *s;

	pthread_mutex_lock(&ev->lock);
	LIST_FOREACH(s, &ev->streams, link)
		buf_put(out, s->tag, strlen(s->tag) + 1);
	pthread_mutex_unlock(&ev->lock);
}

size_t
http_events_count(struct http_events *ev)
{
	size_t n;

	pthread_mutex_lock(&ev->lock);
	n = ev->n;
	pthread_mutex_unlock(&ev->lock);
	return n;
}
