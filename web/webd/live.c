// SPDX-License-Identifier: Apache-2.0
/*
 * What changes while people look: hints of recordd, gathered for a moment,
 * become events for all browsers that listen; the dashboard is made anew once
 * for all of them.
 */
#include "config.h"

#include "webd/live.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "webd/pages.h"
#include "webd/parts.h"

#define STREAMS_MAX 1024
#define PER_USER 32
#define GATHER_MS 250 /* hints of so long become one event */
#define DASHBOARD_MS 1000
#define IDLE_LOOK_MS 5000 /* lights change without a hint */
#define SESSIONS_MS 20000 /* between looks at all that listen */
#define MANY_KEYS 4 /* of a type: after so many only that it changed */
#define WATCHED                                                           \
	(REC_BIT(REC_BATCH) | REC_BIT(REC_DEVICE) | REC_BIT(REC_POLICY) | \
	    REC_BIT(REC_AUTH_CERT) | REC_BIT(REC_TOKEN) |                 \
	    REC_BIT(REC_USER) | REC_BIT(REC_SETTING) |                    \
	    REC_BIT(REC_ACTIVITY) | REC_BIT(REC_SESSION))

/* What signd keeps changes with a record of who did it. */
enum { LIVE_KEY = REC_TYPE_MAX + 1, LIVE_CERT, LIVE_TYPES };
static const struct {
	const char *what; /* how its kind begins */
	uint32_t type;
} kept_by_signd[] = {
	{ "hsm key ", LIVE_KEY }, { "approval ", LIVE_KEY },
	{ "hsm root ", LIVE_CERT }, { "policy create", LIVE_CERT },
	{ "tls ", LIVE_CERT },
};

struct live {
	pthread_t thread;
	bool running;
	atomic_bool stop;
	/* The thread's own. */
	struct {
		size_t n; /* hints since the last event; over MANY_KEYS: many */
		char key[MANY_KEYS][REC_KEY_MAX + 1];
	} changed[LIVE_TYPES];
	bool pending; /* hints since the last events */
	bool stale; /* and since the last dashboard */
	int64_t sent_at, looked_at, sessions_at;
	size_t heard_by; /* when it was sent */
	struct buf last; /* the dashboard, without its time */
};

static void
change_send(struct web *w, const char *type, const char *key)
{
	AUTO_JSON struct json_object *o = web_object();
	const char *text;

	web_put(o, "type", type);
	web_put(o, "key", key);
	text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
	http_events_send(w->events, NULL, "change", (struct bytes){
	    (const uint8_t *)text, strlen(text) });
}

/* Sessions that are no more: their browsers are told, and left. */
static void
session_look(struct web *w, const char *key)
{
	static const uint8_t none[] = "{}";
	struct rec_session s;

	enum q_err r = rec_session_get(w->recordd, key, &s, NULL);

	if (r != Q_NOTFOUND && (r != Q_OK || s.until > clock_wall()))
		return;
	http_events_send(w->events, key, "end", (struct bytes){ none, 2 });
	http_events_close(w->events, key);
}

/* Hints of some may have been lost, or came before who listens now did; of
 * what ends by itself there is none. */
static void
sessions_look(struct web *w)
{
	AUTO_BUF struct buf tags = BUF_INIT(STREAMS_MAX * (HTTP_TAG_MAX + 1));

	w->live->sessions_at = clock_mono_ms();
	http_events_tags(w->events, &tags);
	for (size_t i = 0; i < tags.len;
	    i += strlen((const char *)tags.p + i) + 1)
		session_look(w, (const char *)tags.p + i);
}

static void
changed(struct live *l, uint32_t type, const char *key)
{
	size_t n = l->changed[type].n;

	l->pending = l->stale = true;
	for (size_t i = 0; i < n && i < MANY_KEYS; i++)
		if (strcmp(l->changed[type].key[i], key) == 0)
			return;
	if (key[0] == '\0')
		n = MANY_KEYS;
	if (n < MANY_KEYS)
		memcpy(l->changed[type].key[n], key, strlen(key) + 1);
	l->changed[type].n = n + 1;
}

static void
activity_look(struct web *w, const char *key)
{
	struct rec_activity a = { .what = "" };
	bool any = key[0] == '\0' ||
	    rec_activity_get(w->recordd, key, &a, NULL) != Q_OK;

	for (size_t i = 0; i < ARRAY_LEN(kept_by_signd); i++)
		if (any || strncmp(a.what, kept_by_signd[i].what,
		    strlen(kept_by_signd[i].what)) == 0)
			changed(w->live, kept_by_signd[i].type, "");
}

static void
note(struct web *w, uint32_t type, const char *key)
{
	if (type == REC_SESSION && key[0] == '\0')
		sessions_look(w);
	else if (type == REC_SESSION)
		session_look(w, key);
	if (type == REC_SESSION)
		return;
	if (type == REC_ACTIVITY && http_events_count(w->events) != 0)
		activity_look(w, key);
	changed(w->live, type, key);
}

static void
changes_send(struct web *w)
{
	struct live *l = w->live;

	for (uint32_t t = 1; t < LIVE_TYPES; t++) {
		const char *name = t == LIVE_KEY ? "key" : t == LIVE_CERT
		    ? "cert" : rec_desc(t) != NULL ? rec_desc(t)->name : "";
		size_t n = l->changed[t].n;

		l->changed[t].n = 0;
		if (n > MANY_KEYS)
			change_send(w, name, "");
		for (size_t i = 0; n <= MANY_KEYS && i < n; i++)
			change_send(w, name, l->changed[t].key[i]);
	}
}

/* To all, if it is another one than before; or if somebody has come since,
 * who may have missed it. */
static void
dashboard_send(struct web *w)
{
	AUTO_JSON struct json_object *o = NULL;
	size_t len, n = http_events_count(w->events);
	struct live *l = w->live;
	bool came = n > l->heard_by;
	const char *text;

	l->heard_by = n;
	if (dashboard_json(w, false, &o, NULL) != Q_OK)
		return;
	text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
	len = (size_t)(strrchr(text, ',') - text); /* "at" is the last */
	if (!came && len == l->last.len && memcmp(text, l->last.p, len) == 0)
		return;
	buf_reset(&l->last);
	buf_put(&l->last, text, len);
	http_events_send(w->events, NULL, "dashboard", (struct bytes){
	    (const uint8_t *)text, strlen(text) });
}

static void
tick(struct web *w)
{
	struct live *l = w->live;
	int64_t now = clock_mono_ms();

	if (http_events_count(w->events) == 0) {
		if (l->pending)
			memset(l->changed, 0, sizeof(l->changed));
		l->pending = false;
		return;
	}
	if (now - l->sessions_at >= SESSIONS_MS)
		sessions_look(w);
	if (l->pending && now - l->sent_at >= GATHER_MS) {
		changes_send(w);
		l->pending = false;
		l->sent_at = now;
	}
	if (now - l->looked_at >= (l->stale ? DASHBOARD_MS : IDLE_LOOK_MS)) {
		l->stale = false;
		l->looked_at = now;
		dashboard_send(w);
	}
}

/* Before now hints may have been lost. */
static void
all_note(struct web *w)
{
	for (uint32_t type = 1; type <= REC_TYPE_MAX; type++)
		if (WATCHED & REC_BIT(type))
			note(w, type, "");
}

/* -1: recordd is away. */
static int
watch(struct web *w)
{
	int sock;

	if (rec_watch_open(w->recordd, WATCHED, &sock, NULL) != Q_OK)
		return -1;
	all_note(w);
	return sock;
}

static void *
run(void *arg)
{
	struct timespec pause = { 0, GATHER_MS * 1000000L };
	struct web *w = arg;
	char key[REC_KEY_MAX + 1];
	uint32_t type;
	int sock = -1;
	enum q_err r;

	while (!atomic_load(&w->live->stop)) {
		if (sock < 0 && (sock = watch(w)) < 0) {
			nanosleep(&pause, NULL);
			tick(w);
			continue;
		}
		r = rec_watch_next(sock, GATHER_MS, &type, key, NULL);
		if (r == Q_OK && type != 0 && type <= REC_TYPE_MAX)
			note(w, type, key);
		if (r != Q_OK && r != Q_TIMEOUT) {
			close(sock);
			sock = -1;
		}
		tick(w);
	}
	if (sock >= 0)
		close(sock);
	return NULL;
}

static enum q_err
events_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	AUTO_JSON struct json_object *o = NULL;
	enum q_err r = http_response_events(rs, c->web->events,
	    c->user.session, f);

	if (r == Q_OK)
		r = dashboard_json(c->web, false, &o, f);
	if (r == Q_OK)
		buf_printf(&rs->body, "event: dashboard\ndata: %s\n\n",
		    json_object_to_json_string_ext(o,
		    JSON_C_TO_STRING_PLAIN));
	return r;
}

static const struct web_route live_routes[] = {
	{ "GET", "/api/v1/events", WEB_USER, WEB_SESSION, WEB_RAW, NULL, NULL,
	    200, NULL, events_get, "What changes, as Server-Sent Events: "
	    "dashboard, change {type, key}, end",
	    .media = "text/event-stream" },
};

WEB_PAGE(live, "What changes while one looks", live_routes);

static enum q_err
live_start(struct web *w, struct fault *f)
{
	enum q_err r = http_events_new(STREAMS_MAX, PER_USER, &w->events);

	w->live = r == Q_OK ? calloc(1, sizeof(*w->live)) : NULL;
	if (w->live == NULL)
		return fault_set(f, Q_NOMEM, "out of memory");
	w->live->last = (struct buf)BUF_INIT(1 << 20);
	if (pthread_create(&w->live->thread, NULL, run, w) != 0)
		return fault_set(f, Q_NOMEM, "no thread for live data");
	w->live->running = true;
	return Q_OK;
}

static void
live_stop(struct web *w)
{
	if (w->live != NULL && w->live->running) {
		atomic_store(&w->live->stop, true);
		pthread_join(w->live->thread, NULL);
		buf_free(&w->live->last);
	}
	free(w->live);
	http_events_free(w->events);
}

const struct web_part live_part = { "live", NULL, live_start, live_stop };
