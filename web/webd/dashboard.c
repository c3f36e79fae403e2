// SPDX-License-Identifier: Apache-2.0
/* The dashboard (guide 7): one answer for all of it. */
#include "config.h"

#include <errno.h>
#include <netinet/in.h>
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

/* Whether somebody accepts connections on this machine's port. */
static bool
port_answers(const char *address, uint16_t port)
{
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
		.sin6_port = htons(port), .sin6_addr = in6addr_loopback };
	struct sockaddr_in v4 = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	bool six = strchr(address, ':') != NULL;
	AUTO_FD int fd = socket(six ? AF_INET6 : AF_INET,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	int err = 0;
	socklen_t len = sizeof(err);

	if (fd < 0)
		return false;
	if (connect(fd, six ? (const struct sockaddr *)&v6
	    : (const struct sockaddr *)&v4, six ? sizeof(v6)
	    : sizeof(v4)) == 0)
		return true;
	return errno == EINPROGRESS && poll(&p, 1, PROBE_MS) == 1 &&
	    getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) == 0 && err == 0;
}

static struct json_object *
backend_light(struct web *w)
{
	const struct conf *c = w->conf;
	bool device = port_answers(c->device_address,
	    (uint16_t)c->device_port);
	bool crl = port_answers("", (uint16_t)c->crl_port);
	char text[300];

	snprintf(text, sizeof(text), "device port %d %s, CRL and OCSP port "
	    "%d %s", (int)c->device_port, device ? "answers" :
	    "does not answer", (int)c->crl_port, crl ? "answers" :
	    "does not answer");
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

/* What the daemons said, kept for a while: many browsers ask for it. */
static struct {
	pthread_mutex_t lock;
	int64_t at; /* clock_mono_ms; 0: never */
	struct json_object *status, *certificates;
} found = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void
look(struct web *w)
{
	struct certificates n = { .now = clock_wall() };
	struct json_object *o = web_object();

	web_put_obj(o, "hsm", hsm_light(w));
	web_put_obj(o, "backend", backend_light(w));
	web_put_obj(o, "database", database_light(w));
	web_put_obj(o, "hubs", hubs_light());
	json_object_put(found.status);
	found.status = o;
	/* While signd is away its certificates are what they were. */
	if (signer_certs(w->signd, cert_count, &n, NULL) == Q_OK ||
	    found.certificates == NULL) {
		o = web_object();
		web_put_int(o, "valid", n.valid);
		web_put_int(o, "expired", n.expired);
		web_put_int(o, "not_used", n.not_used);
		json_object_put(found.certificates);
		found.certificates = o;
	}
	found.at = clock_mono_ms();
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

static struct json_object *
copy(struct json_object *from)
{
	struct json_object *to = NULL;

	return json_object_deep_copy(from, &to, NULL) == 0 ? to : NULL;
}

enum q_err
dashboard_json(struct web *w, bool look_again, struct json_object **ret,
    struct fault *f)
{
	struct rec_device_counts n = { 0 };
	struct json_object *o, *rows = NULL;
	enum q_err r = rec_device_counters(w->recordd, NULL, &n, f);

	/* A database that is away is what the dashboard is there to show. */
	if (r == Q_OK)
		r = logs_newest(w, ROWS, &rows, f);
	if (r != Q_OK)
		rows = web_array();
	o = web_object();
	pthread_mutex_lock(&found.lock);
	if (look_again || r != Q_OK || found.at == 0 ||
	    clock_mono_ms() - found.at > KEPT_MS)
		look(w);
	web_put_obj(o, "status", copy(found.status));
	web_put_obj(o, "certificates", copy(found.certificates));
	pthread_mutex_unlock(&found.lock);
	web_put_obj(o, "devices", devices_json(&n));
	web_put_obj(o, "activity", rows);
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
