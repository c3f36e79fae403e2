// SPDX-License-Identifier: Apache-2.0
/* The dashboard (guide 7): one answer for all of it. */
#include "config.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "webd/live.h"
#include "webd/logs.h"
#include "webd/pages.h"

#define PROBE_MS 1000
#define KEPT_MS 3000 /* how old what was found may be */
#define ROWS 10

static const char *const colors[] = { "green", "orange", "red", "grey",
	NULL };

#define LIGHT                                                               \
    { "color", SHAPE_ENUM, .flags = SHAPE_NEED,                             \
	.text = "all is well, some, nothing, or there is none",             \
	.names = colors },                                                  \
    { "text", SHAPE_STR, 0, 100, SHAPE_NEED, "in a few words" },            \
    { "detail", SHAPE_STR, 0, 300, SHAPE_NEED, "in more" }

static SHAPE(light_shape, "Light", LIGHT);
static SHAPE(hub_light_shape, "HubLight",
    { "name", SHAPE_STR, 0, 64, SHAPE_NEED, "of the hub" },
    { "type", SHAPE_STR, 0, 32, SHAPE_NEED, "what it is" },
    { "up", SHAPE_BOOL, 0, 0, SHAPE_NEED, "it is reached" },
    { "text", SHAPE_STR, 0, 200, SHAPE_NEED, "in words" },
);
static SHAPE(hubs_light_shape, "HubsLight", LIGHT,
    { "up", SHAPE_INT, 0, 10000, SHAPE_NEED, "hubs that are reached" },
    { "of", SHAPE_INT, 0, 10000, SHAPE_NEED, "hubs in all" },
    { "list", SHAPE_OBJS, .flags = SHAPE_NEED, .text = "each of them",
	.sub = &hub_light_shape, .many = 10000 },
);
static SHAPE(status_shape, "GlobalStatus",
    { "hsm", SHAPE_OBJ, .flags = SHAPE_NEED, .sub = &light_shape },
    { "backend", SHAPE_OBJ, .flags = SHAPE_NEED, .sub = &light_shape },
    { "database", SHAPE_OBJ, .flags = SHAPE_NEED, .sub = &light_shape },
    { "hubs", SHAPE_OBJ, .flags = SHAPE_NEED, .sub = &hubs_light_shape },
);
static SHAPE(devices_shape, "DeviceStatus",
    { "total", SHAPE_INT, 0, INT64_MAX, SHAPE_NEED, "in all" },
    { "not_enrolled", SHAPE_INT, 0, INT64_MAX, SHAPE_NEED, "" },
    { "enrolled", SHAPE_INT, 0, INT64_MAX, SHAPE_NEED, "" },
    { "renewed", SHAPE_INT, 0, INT64_MAX, SHAPE_NEED, "" },
    { "revoked", SHAPE_INT, 0, INT64_MAX, SHAPE_NEED, "" },
    { "expired", SHAPE_INT, 0, INT64_MAX, SHAPE_NEED, "" },
);
static SHAPE(certificates_shape, "CertificateStatus",
    { "valid", SHAPE_INT, 0, INT64_MAX, SHAPE_NEED, "issuing certificates" },
    { "expired", SHAPE_INT, 0, INT64_MAX, SHAPE_NEED, "" },
    { "not_used", SHAPE_INT, 0, INT64_MAX, SHAPE_NEED,
	"have issued none yet" },
);
static SHAPE(dashboard_shape, "Dashboard",
    { "status", SHAPE_OBJ, .flags = SHAPE_NEED, .sub = &status_shape },
    { "devices", SHAPE_OBJ, .flags = SHAPE_NEED, .sub = &devices_shape },
    { "certificates", SHAPE_OBJ, .flags = SHAPE_NEED,
	.sub = &certificates_shape },
    { "activity", SHAPE_OBJS, .flags = SHAPE_NEED, .text = "the newest",
	.sub = &log_shape, .many = ROWS },
    { "at", SHAPE_TIME, 0, 0, SHAPE_NEED, "when this was found" },
);
static SHAPE(query_shape, "DashboardQuery",
    { "refresh", SHAPE_INT, 0, 1, 0, "1: ask everything again" },
);

static struct json_object *
light(const char *color, const char *text, const char *detail)
{
	struct json_object *o = web_object();

	web_put(o, "color", color);
	web_put(o, "text", text);
	web_put(o, "detail", detail);
	return o;
}

/* What a look at signd finds: its light, and the issuing certificates. */
struct certificates {
	int64_t valid, expired, not_used, now;
};

static enum q_err
cert_count(void *arg, const struct signd_cert *c)
{
	struct certificates *n = arg;

	if (strcmp(c->purpose, "issuing") != 0)
		return Q_OK;
	if ((int64_t)c->not_after <= n->now)
		n->expired++;
	else if (!c->issued)
		n->not_used++;
	else
		n->valid++;
	return Q_OK;
}

static struct json_object *
hsm_light(struct web *w)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_status_rsp st;
	struct fault f = { 0 };
	char text[300];
	enum q_err r = signd_status(w->signd, &(struct signd_status_req){ 0 },
	    &st, &hold, &f);

	if (r != Q_OK)
		return light("red", "not reachable", fault_text(&f, r));
	if (!st.ready)
		return light("red", "not ready", st.reason);
	snprintf(text, sizeof(text), "%u issuing certificates in use, %llu "
	    "device certificates since its start%s", st.issuing,
	    (unsigned long long)st.issued, st.token2[0] == '\0' ||
	    strcmp(st.token2, "ready") == 0 ? "" :
	    "; the second token is away");
	return light(st.token2[0] != '\0' && strcmp(st.token2, "ready") != 0
	    ? "orange" : "green", "operational", text);
}

static struct json_object *
database_light(struct web *w)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct recordd_status_rsp st;
	struct fault f = { 0 };
	char text[300];
	enum q_err r = recordd_status(w->recordd,
	    &(struct recordd_status_req){ 0 }, &st, &hold, &f);

	if (r != Q_OK)
		return light("red", "not reachable", fault_text(&f, r));
	snprintf(text, sizeof(text), "%.32s: %.200s", st.store, st.text);
	return light(st.ok ? "green" : "red", st.ok ? "connected"
	    : "not usable", text);
}

static bool
ready(int fd, short events, int64_t until)
{
	struct pollfd p = { .fd = fd, .events = events };
	int64_t left = until - clock_mono_ms();

	return left > 0 && poll(&p, 1, (int)left) == 1;
}

/* A connection to a port of this machine, or -1. */
static int
port_open(const char *address, unsigned port, int64_t until)
{
	const struct addrinfo numeric = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV };
	struct addrinfo *ai;
	char service[8];
	socklen_t len = sizeof(int);
	int fd, err = 0;

	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(address[0] != '\0' ? address : "127.0.0.1", service,
	    &numeric, &ai) != 0)
		return -1;
	fd = socket(ai->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (fd >= 0 && connect(fd, ai->ai_addr, ai->ai_addrlen) != 0 &&
	    (errno != EINPROGRESS || !ready(fd, POLLOUT, until) ||
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0 ||
	    err != 0)) {
		close(fd);
		fd = -1;
	}
	freeaddrinfo(ai);
	return fd;
}

/* The kernel takes connections for a process that hangs, too: what is no
 * secret is asked for something, and any answer will do. */
static bool
port_answers(const char *address, unsigned port, bool plain)
{
	static const char ask[] = "GET / HTTP/1.0\r\n\r\n";
	int64_t until = clock_mono_ms() + PROBE_MS;
	AUTO_FD int fd = port_open(address, port, until);

	return fd >= 0 && (!plain || (send(fd, ask, sizeof(ask) - 1,
	    MSG_NOSIGNAL) == (ssize_t)sizeof(ask) - 1 &&
	    ready(fd, POLLIN, until)));
}

static struct json_object *
backend_light(struct web *w)
{
	static const char *const says[] = { "does not answer", "answers" };
	const struct conf *c = w->conf;
	bool crl = port_answers("", (unsigned)c->crl_port, true);
	bool device = crl && port_answers(c->device_address,
	    (unsigned)c->device_port, false);
	char text[300];

	snprintf(text, sizeof(text), "device port %d %s, CRL and OCSP port "
	    "%d %s", (int)c->device_port, says[device], (int)c->crl_port,
	    says[crl]);
	return light(device && crl ? "green" : device || crl ? "orange"
	    : "red", device && crl ? "running" : device || crl
	    ? "in part" : "not running", text);
}

/* There are none yet: grey, as the guide has it. */
static struct json_object *
hubs_light(void)
{
	struct json_object *o = light("grey", "no hubs",
	    "no IoT hub is configured");

	web_put_int(o, "up", 0);
	web_put_int(o, "of", 0);
	web_put_obj(o, "list", web_array());
	return o;
}

/* What was found, kept for a while: many browsers ask for it. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t looked;
	bool looking; /* somebody is about it, without the lock */
	int64_t at; /* clock_mono_ms */
	struct json_object *status, *certificates; /* NULL: not yet */
	struct json_object *devices, *activity;
} found = { .lock = PTHREAD_MUTEX_INITIALIZER,
	.looked = PTHREAD_COND_INITIALIZER };

static struct json_object *
copy(struct json_object *from)
{
	struct json_object *to = NULL;

	return json_object_deep_copy(from, &to, NULL) == 0 ? to : NULL;
}

/* What cannot be found out now is what it was. */
static void
keep(struct json_object **kept, struct json_object *taken)
{
	if (taken == NULL)
		return;
	json_object_put(*kept);
	*kept = taken;
}

static struct json_object *
status_json(struct web *w)
{
	struct json_object *o = web_object();

	web_put_obj(o, "hsm", hsm_light(w));
	web_put_obj(o, "backend", backend_light(w));
	web_put_obj(o, "database", database_light(w));
	web_put_obj(o, "hubs", hubs_light());
	return o;
}

static struct json_object *
certificates_json(struct web *w, bool first)
{
	struct certificates n = { .now = clock_wall() };
	struct json_object *o;

	if (signer_certs(w->signd, cert_count, &n, NULL) != Q_OK && !first)
		return NULL;
	o = web_object();
	web_put_int(o, "valid", n.valid);
	web_put_int(o, "expired", n.expired);
	web_put_int(o, "not_used", n.not_used);
	return o;
}

/* With the lock. One looks at a time: who comes meanwhile takes what there
 * is, or waits when he wants to know it anew. */
static void
look(struct web *w, bool again)
{
	bool first = found.status == NULL;
	struct json_object *status, *certificates;

	if (!first && !again && clock_mono_ms() - found.at <= KEPT_MS)
		return;
	if (found.looking) {
		while (found.looking && (first || again))
			pthread_cond_wait(&found.looked, &found.lock);
		return;
	}
	found.looking = true;
	pthread_mutex_unlock(&found.lock);
	status = status_json(w);
	certificates = certificates_json(w, first);
	pthread_mutex_lock(&found.lock);
	keep(&found.status, status);
	keep(&found.certificates, certificates);
	found.at = clock_mono_ms();
	found.looking = false;
	pthread_cond_broadcast(&found.looked);
}

static struct json_object *
devices_json(const struct rec_device_counts *n)
{
	struct json_object *o = web_object();

	web_put_int(o, "total", (int64_t)n->devices);
	web_put_int(o, "not_enrolled", (int64_t)n->not_enrolled);
	web_put_int(o, "enrolled", (int64_t)n->enrolled);
	web_put_int(o, "renewed", (int64_t)n->renewed);
	web_put_int(o, "revoked", (int64_t)n->revoked);
	web_put_int(o, "expired", (int64_t)n->expired);
	return o;
}

enum q_err
dashboard_json(struct web *w, bool look_again, struct json_object **ret,
    struct fault *f)
{
	struct rec_device_counts n = { 0 };
	struct json_object *o = web_object(), *rows = NULL;
	enum q_err r = rec_device_counters(w->recordd, NULL, &n, f);

	/* A database that is away is what the dashboard is there to show. */
	if (r == Q_OK)
		r = logs_newest(w, ROWS, &rows, f);
	pthread_mutex_lock(&found.lock);
	if (r == Q_OK || found.devices == NULL) {
		keep(&found.devices, devices_json(&n));
		keep(&found.activity, r == Q_OK ? rows : web_array());
	}
	look(w, look_again || r != Q_OK);
	web_put_obj(o, "status", copy(found.status));
	web_put_obj(o, "devices", copy(found.devices));
	web_put_obj(o, "certificates", copy(found.certificates));
	web_put_obj(o, "activity", copy(found.activity));
	pthread_mutex_unlock(&found.lock);
	web_put_time(o, "at", clock_wall());
	*ret = o;
	return Q_OK;
}

static enum q_err
dashboard_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct json_object *o;
	int64_t again;
	enum q_err r = web_query_int(c, "refresh", 0, &again, f);

	if (r == Q_OK)
		r = dashboard_json(c->web, again == 1, &o, f);
	return r == Q_OK ? web_reply(rs, 200, o) : r;
}

static const struct web_route dashboard_routes[] = {
	{ "GET", "/api/v1/dashboard", WEB_USER, WEB_SCOPE_READ, 0,
	    &query_shape, NULL, 200, &dashboard_shape, dashboard_get,
	    "Everything that the dashboard shows" },
};

WEB_PAGE(dashboard, "The dashboard", dashboard_routes);
