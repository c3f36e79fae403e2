// SPDX-License-Identifier: Apache-2.0
/* Lists of DeviceIDs of any length, read as they come: no more memory than
 * records/fleet.h says, all loaded or none. */
#include "config.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "records/fleet_csv.h"
#include "records/load.h"
#include "webd/batches.h"
#include "webd/pages.h"

#define AT_A_TIME 2
#define WRONG_MAX 1000
#define PIECE 65536
/* When others wait, who has not sent so many bytes in a millisecond, for so
 * long, is sent away. */
#define BRISK 256
#define HELD_MS 10000

static struct {
	pthread_mutex_t lock;
	struct under_way {
		char batch[REC_KEY_MAX + 1]; /* "": none */
		size_t done, all; /* 0 until it has been read */
		int64_t begun; /* clock_mono_ms */
		uint64_t got; /* bytes */
		bool cut; /* it is sent away */
	} load[AT_A_TIME];
} loads = { .lock = PTHREAD_MUTEX_INITIALIZER };

static SHAPE(added_shape, "Added",
    { "added", SHAPE_INT, 0, INT32_MAX, SHAPE_NEED, "devices" },
);

bool
upload_progress(const char *batch, size_t *ret_done, size_t *ret_all)
{
	bool found = false;

	pthread_mutex_lock(&loads.lock);
	for (size_t i = 0; i < AT_A_TIME; i++) {
		const struct under_way *u = &loads.load[i];

		if (u->all == 0 || strcmp(u->batch, batch) != 0)
			continue;
		*ret_done = u->done;
		*ret_all = u->all;
		found = true;
	}
	pthread_mutex_unlock(&loads.lock);
	return found;
}

/* With the lock: the slowest makes room for the next that asks. */
static void
slow_cut(void)
{
	int64_t now = clock_mono_ms(), pace, least = BRISK;
	struct under_way *slowest = NULL;

	for (size_t i = 0; i < AT_A_TIME; i++) {
		struct under_way *u = &loads.load[i];

		if (u->cut)
			return;
		pace = (int64_t)u->got / (now - u->begun + 1);
		if (u->all != 0 || now - u->begun < HELD_MS || pace >= least)
			continue;
		least = pace;
		slowest = u;
	}
	if (slowest != NULL)
		slowest->cut = true;
}

/* NULL when as many are under way as may be. */
static struct under_way *
turn_take(const char *batch)
{
	struct under_way *u = NULL;

	pthread_mutex_lock(&loads.lock);
	for (size_t i = 0; u == NULL && i < AT_A_TIME; i++)
		if (loads.load[i].batch[0] == '\0')
			u = &loads.load[i];
	if (u != NULL) {
		snprintf(u->batch, sizeof(u->batch), "%s", batch);
		u->begun = clock_mono_ms();
	} else {
		slow_cut();
	}
	pthread_mutex_unlock(&loads.lock);
	return u;
}

static void
turn_end(struct under_way *u)
{
	pthread_mutex_lock(&loads.lock);
	*u = (struct under_way){ .all = 0 };
	pthread_mutex_unlock(&loads.lock);
}

/* So much more of it has come. BUSY: it may not go on. */
static enum q_err
turn_go_on(struct under_way *u, size_t n, struct fault *f)
{
	bool cut;

	pthread_mutex_lock(&loads.lock);
	u->got += n;
	cut = u->cut;
	pthread_mutex_unlock(&loads.lock);
	return !cut ? Q_OK : fault_retry(f, Q_BUSY, 10,
	    "this list comes slowly, and others wait: try again later");
}

static void
progress(void *ctx, size_t done, size_t all)
{
	struct under_way *u = ctx;

	pthread_mutex_lock(&loads.lock);
	u->done = done;
	u->all = all;
	pthread_mutex_unlock(&loads.lock);
}

void
upload_wrong(struct web_call *c, const struct fleet *fl)
{
	char line[FLEET_LINE], pointer[32];

	c->wrong_count = fl->n_bad;
	if (fl->n_bad != 0 && c->wrong == NULL)
		c->wrong = web_array();
	for (size_t i = 0; i < fl->n_bad && i < WRONG_MAX; i++) {
		const struct fleet_bad *bad = &fl->bad[i];
		struct json_object *o = web_object();

		fleet_bad_text(bad, line);
		snprintf(pointer, sizeof(pointer), "/devices/%u",
		    bad->pos - 1);
		web_put(o, "pointer", bad->line ? "" : pointer);
		web_put_int(o, bad->line ? "line" : "position", bad->pos);
		web_put(o, "detail", line);
		web_push(c->wrong, o);
	}
}

/* One of the two readers, by what the body says that it is. */
struct reader {
	bool csv;
	struct fleet_csv table;
	struct fleet fl;
};

static enum q_err
reader_open(const struct http_request *rq, struct reader *rd,
    struct fault *f)
{
	rd->csv = strcmp(rq->content_type, "text/csv") == 0;
	if (rd->csv || strcmp(rq->content_type, HTTP_JSON) == 0 ||
	    strcmp(rq->content_type, "text/plain") == 0)
		return Q_OK;
	return fault_set(f, Q_TYPE, "wants application/json, text/plain with "
	    "JSON, or text/csv");
}

static enum q_err
read_all(const struct http_request *rq, struct reader *rd,
    struct under_way *u, struct fault *f)
{
	AUTO_FREE char *piece = malloc(PIECE);
	size_t n = 1;
	enum q_err r = piece != NULL ? Q_OK : Q_NOMEM;

	while (r == Q_OK && n != 0) {
		r = http_body_read(rq, piece, PIECE, &n, f);
		if (r == Q_OK)
			r = turn_go_on(u, n, f);
		if (r == Q_OK && n != 0)
			r = rd->csv ? fleet_csv_feed(&rd->table, &rd->fl,
			    piece, n, f) : fleet_feed(&rd->fl, piece, n, f);
	}
	if (r != Q_OK)
		return r;
	return rd->csv ? fleet_csv_end(&rd->table, &rd->fl, f)
		       : fleet_end(&rd->fl, f);
}

static enum q_err
load_it(struct web_call *c, struct reader *rd, struct under_way *u,
    struct fault *f)
{
	size_t n;
	enum q_err r = read_all(c->rq, rd, u, f);

	if (r != Q_OK)
		return r;
	n = rd->fl.seen;
	if (n == 0)
		return fault_set(f, Q_INVALID, "there is no device in it");
	progress(u, 0, n);
	r = rec_load_devices(c->web->recordd, u->batch, &rd->fl, progress, u,
	    f);
	return r;
}

static enum q_err
upload_post(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct reader rd = { .table = FLEET_CSV_INIT };
	struct under_way *u;
	struct rec_batch b;
	struct json_object *o;
	char text[32];
	size_t n;
	enum q_err r = reader_open(c->rq, &rd, f);

	if (r == Q_OK)
		r = batch_read(c, c->param[0], &b, f);
	if (r != Q_OK)
		return r;
	u = turn_take(b.key);
	if (u == NULL)
		return fault_retry(f, Q_BUSY, 10,
		    "%d lists are being loaded already", AT_A_TIME);
	r = load_it(c, &rd, u, f);
	turn_end(u);
	upload_wrong(c, &rd.fl);
	n = rd.fl.seen;
	fleet_free(&rd.fl);
	snprintf(text, sizeof(text), "%zu devices", n);
	if (r == Q_OK)
		r = rec_actor_tell(c->web->recordd, &c->by, "batch add",
		    b.key, text, f);
	if (r != Q_OK)
		return r;
	o = web_object();
	web_put_int(o, "added", (int64_t)n);
	return web_reply(rs, 200, o);
}

static const struct web_route upload_routes[] = {
	{ "POST", "/api/v1/batches/{name}/devices", WEB_USER,
	    WEB_SCOPE_DEVICES, WEB_STREAM, NULL, NULL, 200, &added_shape,
	    upload_post, "Load a list of DeviceIDs, all or nothing: JSON as "
	    "the guide has it, or a table",
	    .body_max = UINT64_C(1) << 30 },
};

WEB_PAGE(upload, "Lists of DeviceIDs", upload_routes);
