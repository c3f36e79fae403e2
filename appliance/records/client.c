// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "records/client.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/own.h"

#define WATCH_OPEN_MS 5000

/* A document of recordd's into *ret_rec. What recordd sends was checked when
 * it came in: an error here is a broken store or another version. */
static enum q_err
rec_take(const struct rec_desc *d, const char *key, uint64_t rev,
    struct bytes doc, void *ret_rec, struct fault *f)
{
	struct rec_head *head = ret_rec;
	enum q_err r = rec_decode(d, doc, ret_rec, f);

	if (r != Q_OK)
		return fault_set(f, Q_INTERNAL, "record %s %.80s is damaged",
		    d->name, key);
	snprintf(head->key, sizeof(head->key), "%s", key);
	head->rev = rev;
	return Q_OK;
}

enum q_err
rec_get(struct wire_client *c, enum rec_type type, const char *key,
    void *ret_rec, struct fault *f)
{
	struct recordd_get_req req = { .type = type, .key = key };
	struct recordd_get_rsp rsp;
	AUTO_REPLY struct wire_reply hold = { 0 };
	union rec_any any;
	enum q_err r = recordd_get(c, &req, &rsp, &hold, f);

	if (r == Q_OK)
		r = rec_take(rec_desc(type), key, rsp.rev, rsp.doc, &any, f);
	if (r == Q_OK)
		memcpy(ret_rec, &any, rec_desc(type)->size);
	return r;
}

/* Key and limits are checked here too, before anything travels. */
static enum q_err
rec_give(const struct rec_desc *d, const void *rec, struct buf *doc,
    struct fault *f)
{
	const struct rec_head *head = rec;
	enum q_err r = rec_key_check(d, head->key, f);

	if (r == Q_OK)
		r = rec_check(d, rec, f);
	return r == Q_OK ? rec_encode(d, rec, doc) : r;
}

enum q_err
rec_insert(struct wire_client *c, enum rec_type type, void *rec,
    struct fault *f)
{
	AUTO_BUF struct buf doc = BUF_INIT(REC_DOC_MAX);
	struct rec_head *head = rec;
	struct recordd_insert_req req = { .type = type, .key = head->key };
	struct recordd_insert_rsp rsp;
	AUTO_REPLY struct wire_reply hold = { 0 };
	enum q_err r = rec_give(rec_desc(type), rec, &doc, f);

	if (r != Q_OK)
		return r;
	req.doc = buf_bytes(&doc);
	r = recordd_insert(c, &req, &rsp, &hold, f);
	if (r == Q_OK)
		head->rev = rsp.rev;
	return r;
}

enum q_err
rec_put(struct wire_client *c, enum rec_type type, void *rec, struct fault *f)
{
	AUTO_BUF struct buf doc = BUF_INIT(REC_DOC_MAX);
	struct rec_head *head = rec;
	struct recordd_put_req req = { .type = type, .key = head->key,
		.rev = head->rev };
	struct recordd_put_rsp rsp;
	AUTO_REPLY struct wire_reply hold = { 0 };
	enum q_err r = rec_give(rec_desc(type), rec, &doc, f);

	if (r != Q_OK)
		return r;
	req.doc = buf_bytes(&doc);
	r = recordd_put(c, &req, &rsp, &hold, f);
	if (r == Q_OK)
		head->rev = rsp.rev;
	return r;
}

enum q_err
rec_delete(struct wire_client *c, enum rec_type type, const char *key,
    uint64_t rev, struct fault *f)
{
	struct recordd_delete_req req = { .type = type, .key = key,
		.rev = rev };
	struct recordd_delete_rsp rsp;
	AUTO_REPLY struct wire_reply hold = { 0 };

	return recordd_delete(c, &req, &rsp, &hold, f);
}

static enum q_err
list_page(struct rec_list *it, struct fault *f)
{
	struct recordd_list_req req = { .type = it->type, .index = it->index,
		.match = it->match, .after = it->next, .limit = it->page,
		.keys_only = it->keys_only, .desc = it->desc };
	struct recordd_list_rsp rsp;
	enum q_err r = recordd_list(it->client, &req, &rsp, &it->hold, f);

	if (r != Q_OK)
		return r;
	it->rest = rsp.items;
	snprintf(it->next, sizeof(it->next), "%s", rsp.next);
	it->last = it->next[0] == '\0';
	return Q_OK;
}

enum q_err
rec_list_next(struct rec_list *it, void *ret_rec, struct fault *f)
{
	const struct rec_desc *d = rec_desc(it->type);
	struct rec_head *head = ret_rec;
	struct recordd_item item;
	enum q_err r = Q_OK;

	while (r == Q_OK && it->rest.len == 0 && !it->last)
		r = list_page(it, f);
	if (r == Q_OK)
		r = wire_list_next(&it->rest, &recordd_item_type, &item);
	if (r != Q_OK)
		return r;
	if (!it->keys_only)
		return rec_take(d, item.key, item.rev, item.doc, ret_rec, f);
	memset(ret_rec, 0, d->size);
	snprintf(head->key, sizeof(head->key), "%s", item.key);
	head->rev = item.rev;
	return Q_OK;
}

void
rec_list_end(struct rec_list *it)
{
	wire_reply_free(&it->hold);
}

#define SCAN_PAGE 100

void
rec_scan_begin(struct rec_scan *s, struct rec_list *it)
{
	size_t page = s->limit < SCAN_PAGE ? SCAN_PAGE : s->limit;

	page = page < s->most ? page : s->most;
	/* One more, which tells whether there are more. */
	it->page = page < RECORDD_LIST_MAX ? (uint32_t)page + 1
					   : RECORDD_LIST_MAX;
	snprintf(it->next, sizeof(it->next), "%s", s->after);
	s->found = s->seen = 0;
	s->more = false;
	s->next[0] = s->last[0] = '\0';
}

enum q_err
rec_scan_next(struct rec_scan *s, struct rec_list *it, void *ret_rec,
    struct fault *f)
{
	const struct rec_head *head = ret_rec;
	enum q_err r;

	/* Who has not found enough so far may have to look far. */
	if (s->seen != 0 && it->rest.len == 0)
		it->page = it->page < RECORDD_LIST_MAX / 2 ? it->page * 2
		    : RECORDD_LIST_MAX;
	r = rec_list_next(it, ret_rec, f);
	if (r != Q_OK)
		return r;
	if (s->found == s->limit || s->seen == s->most) {
		s->more = true;
		return Q_NOTFOUND;
	}
	s->seen++;
	snprintf(s->last, sizeof(s->last), "%s", head->key);
	return Q_OK;
}

enum q_err
rec_scan_end(struct rec_scan *s, enum q_err r)
{
	if (r != Q_OK && r != Q_NOTFOUND)
		return r;
	if (s->more)
		snprintf(s->next, sizeof(s->next), "%s", s->last);
	return Q_OK;
}

static enum q_err
counts_take(struct bytes counters, struct rec_device_counts *ret_counts)
{
	struct rec_device_counts n = { 0 };
	const struct {
		const char *name;
		uint64_t *value;
	} rows[] = {
		{ "all", &n.devices }, { "not_enrolled", &n.not_enrolled },
		{ "enrolled", &n.enrolled }, { "expired", &n.expired },
		{ "revoked", &n.revoked }, { "renewed", &n.renewed },
	};
	struct recordd_counter one;
	enum q_err r;

	while ((r = wire_list_next(&counters, &recordd_counter_type, &one)) ==
	    Q_OK)
		for (size_t i = 0; i < ARRAY_LEN(rows); i++)
			if (strcmp(rows[i].name, one.name) == 0)
				*rows[i].value = one.value;
	if (r != Q_NOTFOUND)
		return r;
	*ret_counts = n;
	return Q_OK;
}

enum q_err
rec_device_counters(struct wire_client *c, const char *batch,
    struct rec_device_counts *ret_counts, struct fault *f)
{
	struct recordd_counters_req req = { .type = REC_DEVICE,
		.group = batch };
	struct recordd_counters_rsp rsp;
	AUTO_REPLY struct wire_reply hold = { 0 };
	enum q_err r = recordd_counters(c, &req, &rsp, &hold, f);

	return r == Q_OK ? counts_take(rsp.counters, ret_counts) : r;
}

#define COUNTERS_AHEAD 32
#define COUNTERS_WAIT_MS 10000

enum q_err
rec_device_counters_of(struct wire_client *c, const char *const *batches,
    size_t n, struct rec_device_counts *ret_counts, struct fault *f)
{
	static const struct wire_op_desc op = { RECORDD_NUM_counters,
		&recordd_counters_req_type, &recordd_counters_rsp_type };
	struct recordd_counters_req req = { .type = REC_DEVICE };
	AUTO_FD int sock = wire_client_open(c);
	size_t sent = 0;
	enum q_err r = Q_OK;

	if (sock < 0)
		return fault_retry(f, Q_UNAVAIL, 1, "service is not running");
	for (size_t done = 0; r == Q_OK && done < n; done++) {
		AUTO_REPLY struct wire_reply hold = { 0 };
		struct recordd_counters_rsp rsp;

		while (r == Q_OK && sent < n && sent - done < COUNTERS_AHEAD) {
			req.group = batches[sent];
			r = wire_stream_send(sock, &op, (uint32_t)sent++,
			    &req);
		}
		if (r == Q_OK)
			r = wire_stream_recv(sock, op.rsp, COUNTERS_WAIT_MS,
			    &rsp, &hold, f);
		if (r == Q_OK)
			r = hold.id < sent ? counts_take(rsp.counters,
			    &ret_counts[hold.id]) : Q_PROTO;
	}
	return r;
}

enum q_err
rec_watch_next(int sock, int wait_ms, uint32_t *ret_type,
    char ret_key[REC_KEY_MAX + 1], struct fault *f)
{
	struct recordd_watch_rsp rsp;
	AUTO_REPLY struct wire_reply hold = { 0 };
	enum q_err r = wire_stream_recv(sock, &recordd_watch_rsp_type,
	    wait_ms, &rsp, &hold, f);

	if (r != Q_OK)
		return r;
	*ret_type = rsp.type;
	snprintf(ret_key, REC_KEY_MAX + 1, "%s", rsp.key);
	return Q_OK;
}

#define RECOUNT_TRIES 5

static enum q_err
recount_once(struct wire_client *c, const char *batch, uint64_t *ret_wrong,
    struct fault *f)
{
	char after[RECORDD_CURSOR_MAX + 1] = "";
	struct recordd_recount_req req = { .type = REC_DEVICE, .group = batch,
		.after = after };
	struct recordd_recount_rsp rsp;
	enum q_err r;

	do {
		AUTO_REPLY struct wire_reply hold = { 0 };

		r = recordd_recount(c, &req, &rsp, &hold, f);
		if (r != Q_OK)
			return r;
		snprintf(after, sizeof(after), "%s", rsp.next);
		*ret_wrong = rsp.corrected;
	} while (after[0] != '\0');
	return Q_OK;
}

enum q_err
rec_device_recount(struct wire_client *c, const char *batch,
    uint64_t *ret_wrong, struct fault *f)
{
	enum q_err r = Q_CONFLICT;

	for (int i = 0; r == Q_CONFLICT && i < RECOUNT_TRIES; i++)
		r = recount_once(c, batch, ret_wrong, f);
	return r;
}

enum q_err
rec_watch_open(struct wire_client *c, uint64_t mask, int *ret_sock,
    struct fault *f)
{
	static const struct wire_op_desc op = { RECORDD_NUM_watch,
		&recordd_watch_req_type, &recordd_watch_rsp_type };
	struct recordd_watch_req req = { .mask = mask };
	AUTO_FD int sock = wire_client_open(c);
	char key[REC_KEY_MAX + 1];
	uint32_t type;
	enum q_err r;

	if (sock < 0)
		return fault_retry(f, Q_UNAVAIL, 1, "service is not running");
	r = wire_stream_send(sock, &op, 1, &req);
	if (r != Q_OK)
		return fault_set(f, r, "%s", q_err_text(r));
	/* The first sign of life: from now on no change is missed. */
	r = rec_watch_next(sock, WATCH_OPEN_MS, &type, key, f);
	if (r != Q_OK)
		return r;
	*ret_sock = sock;
	sock = -1;
	return Q_OK;
}

#define NANO INT64_C(1000000000)

void
rec_activity_key_at(int64_t t, char ret_key[REC_ACTIVITY_KEY_AT + 1])
{
	int64_t most = INT64_MAX / NANO;

	t = t < 0 ? 0 : t > most ? most : t;
	snprintf(ret_key, REC_ACTIVITY_KEY_AT + 1, "%016" PRIx64,
	    (uint64_t)(t * NANO));
}

enum q_err
rec_activity_note(struct wire_client *c, struct rec_activity *a,
    struct fault *f)
{
	struct timespec now;
	uint32_t salt;

	if (getrandom(&salt, sizeof(salt), 0) != sizeof(salt))
		return Q_INTERNAL;
	/* Nanoseconds, so that what one hand did stays in order. */
	clock_gettime(CLOCK_REALTIME, &now);
	a->at = now.tv_sec;
	snprintf(a->key, sizeof(a->key), "%016" PRIx64 "-%08" PRIx32,
	    (uint64_t)now.tv_sec * NANO + (uint64_t)now.tv_nsec, salt);
	return rec_activity_insert(c, a, f);
}
