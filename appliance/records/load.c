// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "records/load.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/own.h"

#define IN_FLIGHT 3
#define FRAME_WAIT_MS 30000
#define ALIVE_SECONDS 10
#define FRAME_KEYS ((size_t)RECORDD_MANY_MAX)

struct load {
	struct wire_client *c;
	struct fleet *fl;
	struct rec_batch batch;
	struct bytes doc;
	int sock;
	size_t sent, done; /* frames */
	size_t frames;
	rec_load_progress *progress;
	void *ctx;
};

static size_t
frame_first(size_t frame)
{
	return frame * FRAME_KEYS;
}

static size_t
frame_keys(const struct load *l, size_t frame)
{
	size_t left = l->fl->n - frame_first(frame);

	return left < FRAME_KEYS ? left : FRAME_KEYS;
}

static const struct wire_op_desc insert_many = { RECORDD_NUM_insert_many,
	&recordd_insert_many_req_type, &recordd_insert_many_rsp_type };

static enum q_err
frame_send(struct load *l)
{
	AUTO_BUF struct buf keys = BUF_INIT(WIRE_BODY_MAX);
	struct recordd_insert_many_req req = { .type = REC_DEVICE,
		.doc = l->doc };
	char hex[65];
	struct recordd_key key = { hex };
	size_t first = frame_first(l->sent), n = frame_keys(l, l->sent);

	for (size_t i = 0; i < n; i++) {
		hex_encode(l->fl->ids[first + i].id, 32, hex);
		wire_list_put(&keys, &recordd_key_type, &key);
	}
	if (keys.bad)
		return Q_NOMEM;
	req.keys = buf_bytes(&keys);
	return wire_stream_send(l->sock, &insert_many, (uint32_t)l->sent++,
	    &req);
}

static enum q_err
frame_answer(struct load *l, struct fault *f)
{
	struct recordd_insert_many_rsp rsp;
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct recordd_taken t;
	size_t frame;
	enum q_err r = wire_stream_recv(l->sock, insert_many.rsp,
	    FRAME_WAIT_MS, &rsp, &hold, f);

	if (r != Q_OK)
		return r;
	frame = hold.id;
	if (frame >= l->sent)
		return Q_PROTO;
	while ((r = wire_list_next(&rsp.taken, &recordd_taken_type, &t)) ==
	    Q_OK) {
		if (t.pos >= frame_keys(l, frame))
			return Q_PROTO;
		r = fleet_note_taken(l->fl,
		    &l->fl->ids[frame_first(frame) + t.pos], t.group);
		if (r != Q_OK)
			return r;
	}
	l->done++;
	return r == Q_NOTFOUND ? Q_OK : r;
}

/* Say that we live, before others take the load for abandoned. */
static enum q_err
keep_alive(struct load *l, struct fault *f)
{
	int64_t now = clock_wall();

	if (now - l->batch.load_at < ALIVE_SECONDS)
		return Q_OK;
	l->batch.load_at = now;
	return rec_batch_put(l->c, &l->batch, f);
}

static enum q_err
frames_all(struct load *l, struct fault *f)
{
	enum q_err r = Q_OK;

	while (r == Q_OK && l->done < l->frames) {
		while (r == Q_OK && l->sent < l->frames &&
		    l->sent - l->done < IN_FLIGHT)
			r = frame_send(l);
		if (r == Q_OK)
			r = frame_answer(l, f);
		if (r == Q_OK)
			r = keep_alive(l, f);
		if (r == Q_OK && l->progress != NULL)
			l->progress(l->ctx, l->done == l->frames ? l->fl->n
			    : frame_first(l->done), l->fl->n);
	}
	return r;
}

static enum q_err
devices_insert(struct load *l, struct fault *f)
{
	AUTO_BUF struct buf doc = BUF_INIT(REC_DOC_MAX);
	struct rec_device dev = { 0 };
	AUTO_FD int sock = wire_client_open(l->c);
	enum q_err r;

	if (sock < 0)
		return fault_retry(f, Q_UNAVAIL, 1, "service is not running");
	memcpy(dev.batch, l->batch.key, sizeof(dev.batch));
	memcpy(dev.load, l->batch.load_id, sizeof(dev.load));
	r = rec_encode(rec_desc(REC_DEVICE), &dev, &doc);
	l->doc = buf_bytes(&doc);
	l->sock = sock;
	l->frames = (l->fl->n + FRAME_KEYS - 1) / FRAME_KEYS;
	return r == Q_OK ? frames_all(l, f) : r;
}

/* The batch names no load any more: what it held counts, or is gone. */
static enum q_err
load_close(struct wire_client *c, struct rec_batch *b, struct fault *f)
{
	b->load_id[0] = '\0';
	b->load_total = 0;
	b->load_at = 0;
	return rec_batch_put(c, b, f);
}

/* Delete the devices that the batch's load brought, then end it. */
static enum q_err
load_take_back(struct wire_client *c, struct rec_batch *b, struct fault *f)
{
	char after[RECORDD_CURSOR_MAX + 1] = "";
	struct recordd_purge_req req = { .type = REC_DEVICE, .index = "batch",
		.match = b->key, .field = "load", .value = b->load_id,
		.after = after };
	enum q_err r;

	do {
		AUTO_REPLY struct wire_reply hold = { 0 };
		struct recordd_purge_rsp rsp;

		r = recordd_purge(c, &req, &rsp, &hold, f);
		if (r == Q_OK)
			snprintf(after, sizeof(after), "%s", rsp.next);
	} while (r == Q_OK && after[0] != '\0');
	return r == Q_OK ? load_close(c, b, f) : r;
}

static bool
is_abandoned(const struct rec_batch *b)
{
	return clock_wall() - b->load_at > REC_LOAD_ABANDONED;
}

static enum q_err
load_open(struct load *l, struct fault *f)
{
	uint64_t id;

	if (getrandom(&id, sizeof(id), 0) != sizeof(id))
		return Q_INTERNAL;
	snprintf(l->batch.load_id, sizeof(l->batch.load_id), "%016" PRIx64,
	    id);
	l->batch.load_total = (int64_t)l->fl->n;
	l->batch.load_at = clock_wall();
	return rec_batch_put(l->c, &l->batch, f);
}

enum q_err
rec_load_devices(struct wire_client *c, const char *batch, struct fleet *fl,
    rec_load_progress *progress, void *ctx, struct fault *f)
{
	struct load l = { .c = c, .fl = fl, .progress = progress,
		.ctx = ctx };
	enum q_err r = fleet_check(fl, f);

	if (r == Q_OK)
		r = rec_load_undo(c, batch, f);
	if (r == Q_OK)
		r = rec_batch_get(c, batch, &l.batch, f);
	if (r == Q_OK && l.batch.deleting)
		r = fault_set(f, Q_CONFLICT, "batch %s is being deleted",
		    batch);
	if (r == Q_OK)
		r = load_open(&l, f);
	if (r != Q_OK)
		return r;
	r = devices_insert(&l, f);
	if (r == Q_OK && fl->n_bad == 0)
		return load_close(c, &l.batch, f);
	/* When recordd is away this fails too, and housekeeping does it. */
	if (load_take_back(c, &l.batch, NULL) != Q_OK && r == Q_OK)
		r = fault_set(f, Q_UNAVAIL, "the load of batch %s could not "
		    "be taken back; it will be within minutes", batch);
	return (r == Q_OK || r == Q_INVALID) && fl->n_bad != 0
	    ? fleet_fault(fl, Q_EXISTS, f) : r;
}

enum q_err
rec_load_undo(struct wire_client *c, const char *batch, struct fault *f)
{
	struct rec_batch b;
	enum q_err r = rec_batch_get(c, batch, &b, f);

	if (r != Q_OK || b.load_id[0] == '\0')
		return r;
	if (!is_abandoned(&b))
		return fault_retry(f, Q_BUSY, REC_LOAD_ABANDONED,
		    "a load into batch %s is under way", batch);
	return load_take_back(c, &b, f);
}
