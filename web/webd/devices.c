// SPDX-License-Identifier: Apache-2.0
/* Devices (guide 8): looked for, listed, revoked, allowed, moved, deleted. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "records/fleet_list.h"
#include "webd/batches.h"
#include "webd/logs.h"
#include "webd/pages.h"

#define SCAN_MAX 2500 /* devices that one request looks at */
#define CSV_PAGE 1000
#define FIND_MIN 4

static const char *const states[] = { "not_enrolled", "enrolled", "expired",
	"revoked", NULL };

static SHAPE(cert_shape, "DeviceCert",
    { "serial", SHAPE_STR, 0, 32, SHAPE_NEED, "hex" },
    { "issuer", SHAPE_STR, 0, 16, SHAPE_NEED, "id of the issuing CA" },
    { "not_before", SHAPE_TIME, 0, 0, SHAPE_NEED, "" },
    { "not_after", SHAPE_TIME, 0, 0, SHAPE_NEED, "" },
    { "revoked_at", SHAPE_TIME, 0, 0, 0, "when it was revoked" },
    { "reason", SHAPE_INT, 0, 255, 0, "RFC 5280 5.3.1" },
);

static const struct shape device_shape = { .name = "Device",
	.rec = REC_DEVICE, .hide = "due request intent load asked",
	.fields = (const struct shape_field[]){
	    { "certs", SHAPE_OBJS, .flags = SHAPE_NEED,
		.text = "certificates it may hold, newest first",
		.sub = &cert_shape, .many = REC_CERTS_MAX },
	    { "not_after", SHAPE_TIME, 0, 0, 0,
		"when the newest certificate ends" },
	}, .n = 2 };
static SHAPE_PAGE(devices_shape, "Devices", device_shape);

static SHAPE(find_shape, "DevicesFind",
    { "prefix", SHAPE_HEX, FIND_MIN, 64, 0, "how the DeviceID begins" },
    WEB_WINDOW_FIELDS,
);

#define FILTERS                                                             \
    { "state", SHAPE_ENUM, .text = "only these", .names = states },         \
    { "prefix", SHAPE_HEX, 1, 64, 0, "how the DeviceID begins" },           \
    { "waiting", SHAPE_BOOL, 0, 0, 0, "only what waits for approval" }

static SHAPE(list_shape, "DevicesList", FILTERS, WEB_WINDOW_FIELDS);
static SHAPE(csv_shape, "DevicesCsv", FILTERS);

static SHAPE(revoke_shape, "Revoke",
    { "reason", SHAPE_STR, 0, 160, 0, "why; keyCompromise and the like also "
	"go into the CRL" },
);
static SHAPE(move_shape, "Move",
    { "batch", SHAPE_STR, 1, 64, SHAPE_NEED, "where it goes" },
);

static struct json_object *
device_json(const struct rec_device *d)
{
	struct json_object *o;

	o = web_record(&device_shape, rec_desc(REC_DEVICE), d);
	if (d->certs.n != 0)
		web_put_time(o, "not_after", d->certs.c[0].not_after);
	return o;
}

static enum q_err
push(void *arg, const struct rec_device *d)
{
	web_push(arg, device_json(d));
	return Q_OK;
}

static int64_t
state_of(const char *text)
{
	for (int64_t i = 0; states[i] != NULL; i++)
		if (strcmp(states[i], text) == 0)
			return i;
	return -1;
}

static enum q_err
page(struct web_call *c, const struct rec_device_filter *filter,
    struct http_response *rs, struct fault *f)
{
	struct json_object *items = web_array();
	struct web_window win;
	struct rec_scan scan = { .client = c->web->recordd,
		.most = SCAN_MAX };
	enum q_err r = web_window(c, &win, f);

	scan.after = win.after;
	scan.limit = win.limit;
	if (r == Q_OK)
		r = rec_device_page(&scan, filter, push, items, f);
	if (r == Q_OK)
		return web_reply(rs, 200, web_items(items, scan.next));
	json_object_put(items);
	return r;
}

/* Which devices of which batch; the filter points into it. */
struct asked {
	struct rec_batch batch;
	char prefix[65];
	struct rec_device_filter filter;
};

static enum q_err
asked_take(struct web_call *c, struct asked *a, struct fault *f)
{
	char state[16], waiting[8];
	enum q_err r = batch_read(c, c->param[0], &a->batch, f);

	if (r == Q_OK)
		r = web_query(c, "state", state, sizeof(state), f);
	if (r == Q_OK)
		r = web_query(c, "prefix", a->prefix, sizeof(a->prefix), f);
	if (r == Q_OK)
		r = web_query(c, "waiting", waiting, sizeof(waiting), f);
	if (r != Q_OK)
		return r;
	a->filter = (struct rec_device_filter){
		.batch = a->batch.key,
		.prefix = a->prefix[0] != '\0' ? a->prefix : NULL,
		.state = state_of(state),
		.waiting = strcmp(waiting, "true") == 0,
	};
	return Q_OK;
}

static enum q_err
batch_devices(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct asked a;
	enum q_err r = asked_take(c, &a, f);

	return r == Q_OK ? page(c, &a.filter, rs, f) : r;
}

static enum q_err
devices_find(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct rec_device_filter filter = { .state = -1 };
	char prefix[65];
	enum q_err r = web_query(c, "prefix", prefix, sizeof(prefix), f);

	if (r == Q_OK && prefix[0] == '\0')
		r = fault_set(f, Q_INVALID, "prefix: at least %d hex digits",
		    FIND_MIN);
	filter.prefix = prefix;
	return r == Q_OK ? page(c, &filter, rs, f) : r;
}

/* --- CSV ------------------------------------------------------------------- */

struct csv {
	struct wire_client *recordd;
	struct asked asked;
	char after[REC_KEY_MAX + 1];
	bool begun;
	struct buf *to;
};

static void
csv_time(struct buf *to, int64_t t)
{
	char text[24] = "";

	if (t != 0)
		time_format(t, text);
	buf_printf(to, ",%s", text);
}

/* Only the reason is somebody's text. */
static enum q_err
csv_line(void *arg, const struct rec_device *d)
{
	struct csv *csv = arg;
	struct buf *to = csv->to;

	buf_printf(to, "%s,%s,%s,%s,%lld", d->key, d->batch,
	    states[d->state], d->renewed ? "true" : "false",
	    (long long)d->issued);
	csv_time(to, d->enrolled_at);
	csv_time(to, d->renewed_at);
	csv_time(to, d->last_seen);
	csv_time(to, d->certs.n != 0 ? d->certs.c[0].not_after : 0);
	csv_time(to, d->revoked_at);
	csv_cell(to, d->reason);
	buf_puts(to, "\r\n");
	return Q_OK;
}

static enum q_err
csv_more(void *ctx, struct buf *piece, bool *ret_end)
{
	struct csv *csv = ctx;
	struct rec_scan scan = { .client = csv->recordd, .limit = CSV_PAGE,
		.most = SCAN_MAX, .after = csv->after };
	enum q_err r;

	if (!csv->begun)
		buf_puts(piece, "device_id,batch,state,renewed,issued,"
		    "enrolled_at,renewed_at,last_seen,not_after,revoked_at,"
		    "reason\r\n");
	csv->begun = true;
	csv->to = piece;
	r = rec_device_page(&scan, &csv->asked.filter, csv_line, csv, NULL);
	snprintf(csv->after, sizeof(csv->after), "%s", scan.next);
	*ret_end = scan.next[0] == '\0';
	return r;
}

static enum q_err
devices_csv(struct web_call *c, struct http_response *rs, struct fault *f)
{
	char name[160];
	struct csv *csv = calloc(1, sizeof(*csv));
	enum q_err r;

	if (csv == NULL)
		return Q_NOMEM;
	csv->recordd = c->web->recordd;
	r = asked_take(c, &csv->asked, f);
	if (r != Q_OK) {
		free(csv);
		return r;
	}
	snprintf(name, sizeof(name), "attachment; filename=\"%s.csv\"",
	    csv->asked.batch.key);
	http_response_header(rs, "Content-Disposition", name);
	rs->content_type = "text/csv; charset=utf-8";
	http_response_stream(rs, csv_more, free, csv);
	return Q_OK;
}

/* --- one device ------------------------------------------------------------ */

static enum q_err
device_read(struct web_call *c, struct rec_device *d, struct fault *f)
{
	enum q_err r = rec_key_check(rec_desc(REC_DEVICE), c->param[0], NULL);

	if (r == Q_OK)
		r = rec_device_read(c->web->recordd, c->param[0], d, f);
	return r == Q_NOTFOUND || r == Q_INVALID ? fault_set(f, Q_NOTFOUND,
	    "no device %.64s", c->param[0]) : r;
}

static enum q_err
device_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct rec_device d;
	enum q_err r = device_read(c, &d, f);

	return r == Q_OK ? web_reply_rev(rs, 200, device_json(&d), d.rev) : r;
}

static enum q_err
device_activity(struct web_call *c, struct http_response *rs,
    struct fault *f)
{
	struct rec_device d;
	struct rec_log_filter filter = { .object = d.key };
	enum q_err r = device_read(c, &d, f);

	return r == Q_OK ? logs_answer(c, &filter, rs, f) : r;
}

static enum q_err
device_revoke(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct rec_device d;
	enum q_err r = device_read(c, &d, f);

	if (r == Q_OK)
		r = rec_device_revoke(c->web->recordd, d.key, &c->by,
		    web_text(c, "reason", ""), f);
	return r == Q_OK ? device_get(c, rs, f) : r;
}

static enum q_err
device_allow(struct web_call *c, struct http_response *rs, struct fault *f)
{
	enum rec_allowed what;
	struct rec_device d;
	enum q_err r = device_read(c, &d, f);

	if (r == Q_OK)
		r = rec_device_allow(c->web->recordd, d.key, &c->by, &what,
		    f);
	return r == Q_OK ? device_get(c, rs, f) : r;
}

static enum q_err
device_approve(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct rec_device d;
	enum q_err r = device_read(c, &d, f);

	if (r == Q_OK)
		r = rec_device_approve(c->web->recordd, d.key, &c->by, f);
	return r == Q_OK ? device_get(c, rs, f) : r;
}

static enum q_err
device_move(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct rec_device d;
	struct rec_batch b;
	enum q_err r = device_read(c, &d, f);

	if (r == Q_OK) {
		r = batch_read(c, web_text(c, "batch", ""), &b, f);
		if (r == Q_NOTFOUND)
			return web_wrong(c, f, "/batch", "no such batch");
	}
	if (r == Q_OK)
		r = rec_device_move(c->web->recordd, d.key, b.key, &c->by, f);
	return r == Q_OK ? device_get(c, rs, f) : r;
}

static enum q_err
device_delete(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct rec_device d;
	enum q_err r = device_read(c, &d, f);

	if (r == Q_OK)
		r = web_if_match(c, d.rev, f);
	if (r == Q_OK)
		r = rec_device_remove(c->web->recordd, d.key, &c->by, f);
	rs->status = 202;
	return r;
}

#define ONE "/api/v1/devices/{id}"
#define OF "/api/v1/batches/{name}/devices"
#define DO(path, in, handler, text)                                         \
	{ "POST", ONE path, WEB_USER, WEB_SCOPE_DEVICES, 0, NULL, in, 200,  \
	    &device_shape, handler, text }
static const struct web_route devices_routes[] = {
	{ "GET", OF, WEB_USER, WEB_SCOPE_READ, 0, &list_shape, NULL, 200,
	    &devices_shape, batch_devices,
	    "Devices of a batch in order of their ids; a page may be empty "
	    "and have a next" },
	{ "GET", OF ".csv", WEB_USER, WEB_SCOPE_READ, WEB_RAW, &csv_shape,
	    NULL, 200, NULL, devices_csv, "Devices of a batch as a table",
	    .media = "text/csv" },
	{ "GET", "/api/v1/devices", WEB_USER, WEB_SCOPE_READ, 0, &find_shape,
	    NULL, 200, &devices_shape, devices_find,
	    "Devices by how their ids begin" },
	{ "GET", ONE, WEB_USER, WEB_SCOPE_READ, 0, NULL, NULL, 200,
	    &device_shape, device_get, "One device" },
	{ "GET", ONE "/activity", WEB_USER, WEB_SCOPE_READ, 0,
	    &logs_window_shape, NULL, 200, &logs_shape, device_activity,
	    "A device's history, newest first" },
	DO("/revoke", &revoke_shape, device_revoke,
	    "Refuse a device, and revoke its certificates"),
	DO("/allow", NULL, device_allow,
	    "Let a device enrol or renew again"),
	DO("/approve", NULL, device_approve,
	    "Let a device enrol that waits for approval"),
	DO("/move", &move_shape, device_move,
	    "Put a device into another batch"),
	{ "DELETE", ONE, WEB_USER, WEB_SCOPE_DEVICES, 0, NULL, NULL, 202,
	    NULL, device_delete, "Revoke a device and forget it" },
};

WEB_PAGE(devices, "Devices", devices_routes);
