// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "recordd/ops.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"

/* Room kept in a frame for what follows a list. */
#define LIST_SLACK 512

/* The type, if the role of the peer has the verb on it. */
static enum q_err
may(struct wire_req *q, uint32_t type, enum rec_verb verb,
    const struct rec_desc **ret_d, struct fault *f)
{
	const struct rec_desc *d = rec_desc(type);
	static const char *const verbs[] = { [REC_READ] = "read",
		[REC_INSERT] = "insert", [REC_PUT] = "change",
		[REC_DELETE] = "delete" };

	if (d == NULL)
		return fault_set(f, Q_INVALID, "type %u: no such record type",
		    type);
	if ((rec_access(wire_req_role(q), type) & verb) == 0)
		return fault_set(f, Q_DENIED, "role %s may not %s %s records",
		    role_name(wire_req_role(q)), verbs[verb], d->name);
	*ret_d = d;
	return Q_OK;
}

static enum q_err
do_status(void *ctx, struct wire_req *q, const void *request, void *response,
    struct fault *f)
{
	struct recordd *rd = ctx;
	struct recordd_status_rsp *rsp = response;
	struct buf *space = wire_req_space(q);
	struct store_info info;

	(void)request;
	(void)f;
	rd->store->ops->info(rd->store, &info);
	buf_puts(space, info.text);
	rsp->ok = info.ok;
	rsp->store = rd->store->ops->scheme;
	rsp->text = space->bad ? "" : (const char *)space->p;
	rsp->bytes = info.bytes;
	writer_counts(rd->writer, &rsp->writes, &rsp->commits);
	rsp->watchers = hints_watchers(rd->hints);
	return Q_OK;
}

static enum q_err
do_get(void *ctx, struct wire_req *q, const void *request, void *response,
    struct fault *f)
{
	struct recordd *rd = ctx;
	const struct recordd_get_req *req = request;
	struct recordd_get_rsp *rsp = response;
	const struct rec_desc *d;
	enum q_err r = may(q, req->type, REC_READ, &d, f);

	if (r == Q_OK)
		r = rec_key_check(d, req->key, f);
	if (r == Q_OK)
		r = rd->store->ops->get(rd->store, d, req->key,
		    wire_req_space(q), &rsp->rev, f);
	rsp->doc = buf_bytes(wire_req_space(q));
	return r;
}

/* Everything about a document that can be told without the store. */
static enum q_err
document_check(const struct rec_desc *d, const char *key, struct bytes doc,
    union rec_any *ret_rec, struct fault *f)
{
	enum q_err r = key != NULL ? rec_key_check(d, key, f) : Q_OK;

	return r == Q_OK ? rec_decode(d, doc, ret_rec, f) : r;
}

static enum q_err
do_insert(void *ctx, struct wire_req *q, const void *request, void *response,
    struct fault *f)
{
	struct recordd *rd = ctx;
	const struct recordd_insert_req *req = request;
	struct store_write w = { .verb = STORE_INSERT, .key = req->key,
		.doc = req->doc };
	union rec_any rec;
	enum q_err r = may(q, req->type, REC_INSERT, &w.d, f);

	(void)response;
	if (r == Q_OK)
		r = document_check(w.d, req->key, req->doc, &rec, f);
	w.rec = &rec;
	return r == Q_OK ? writer_submit(rd->writer, q, &w) : r;
}

static enum q_err
do_put(void *ctx, struct wire_req *q, const void *request, void *response,
    struct fault *f)
{
	struct recordd *rd = ctx;
	const struct recordd_put_req *req = request;
	struct store_write w = { .verb = STORE_PUT, .key = req->key,
		.rev = req->rev, .doc = req->doc };
	union rec_any rec;
	enum q_err r = may(q, req->type, REC_PUT, &w.d, f);

	(void)response;
	if (r == Q_OK)
		r = document_check(w.d, req->key, req->doc, &rec, f);
	w.rec = &rec;
	return r == Q_OK ? writer_submit(rd->writer, q, &w) : r;
}

static enum q_err
do_delete(void *ctx, struct wire_req *q, const void *request, void *response,
    struct fault *f)
{
	struct recordd *rd = ctx;
	const struct recordd_delete_req *req = request;
	struct store_write w = { .verb = STORE_DELETE, .key = req->key,
		.rev = req->rev };
	enum q_err r = may(q, req->type, REC_DELETE, &w.d, f);

	(void)response;
	if (r == Q_OK)
		r = rec_key_check(w.d, req->key, f);
	return r == Q_OK ? writer_submit(rd->writer, q, &w) : r;
}

static enum q_err
keys_check(const struct rec_desc *d, struct bytes keys, struct fault *f)
{
	struct recordd_key item;
	struct fault inner = { 0 };
	enum q_err r;

	for (unsigned n = 1;; n++) {
		r = wire_list_next(&keys, &recordd_key_type, &item);
		if (r == Q_NOTFOUND)
			return Q_OK;
		if (r != Q_OK || n > RECORDD_MANY_MAX)
			return fault_set(f, Q_PROTO,
			    "keys: malformed, or over %d", RECORDD_MANY_MAX);
		r = rec_key_check(d, item.key, &inner);
		if (r != Q_OK)
			return fault_set(f, r, "key %u: %.150s", n, inner.msg);
	}
}

static enum q_err
do_insert_many(void *ctx, struct wire_req *q, const void *request,
    void *response, struct fault *f)
{
	struct recordd *rd = ctx;
	const struct recordd_insert_many_req *req = request;
	struct store_write w = { .verb = STORE_MANY, .doc = req->doc,
		.keys = req->keys, .taken = wire_req_space(q) };
	union rec_any rec;
	enum q_err r = may(q, req->type, REC_INSERT, &w.d, f);

	(void)response;
	if (r == Q_OK)
		r = document_check(w.d, NULL, req->doc, &rec, f);
	if (r == Q_OK)
		r = keys_check(w.d, req->keys, f);
	w.rec = &rec;
	return r == Q_OK ? writer_submit(rd->writer, q, &w) : r;
}

static enum q_err
index_find(const struct rec_desc *d, const char *name,
    const struct rec_field **ret_index, struct fault *f)
{
	const struct rec_field *fd = NULL;

	if (*name != '\0') {
		fd = rec_field(d, name);
		if (fd == NULL || (fd->flags & REC_INDEX) == 0)
			return fault_set(f, Q_INVALID, "%s has no index %s",
			    d->name, name);
	}
	*ret_index = fd;
	return Q_OK;
}

struct page {
	struct buf *out;
	bool keys_only;
};

static bool
page_add(void *ctx, const char *key, uint64_t rev, struct bytes doc)
{
	struct page *p = ctx;
	struct recordd_item item = { .key = key, .rev = rev };

	if (!p->keys_only)
		item.doc = doc;
	if (p->out->len + item.doc.len > WIRE_BODY_MAX - LIST_SLACK)
		return false;
	wire_list_put(p->out, &recordd_item_type, &item);
	return !p->out->bad;
}

static enum q_err
do_list(void *ctx, struct wire_req *q, const void *request, void *response,
    struct fault *f)
{
	struct recordd *rd = ctx;
	const struct recordd_list_req *req = request;
	struct recordd_list_rsp *rsp = response;
	struct page page = { wire_req_space(q), req->keys_only };
	char next[RECORDD_CURSOR_MAX + 1];
	struct store_query query = { .match = req->match, .after = req->after,
		.limit = req->limit != 0 ? req->limit : RECORDD_LIST_MAX,
		.desc = req->desc };
	size_t len;
	enum q_err r = may(q, req->type, REC_READ, &query.d, f);

	if (r == Q_OK)
		r = index_find(query.d, req->index, &query.index, f);
	if (r == Q_OK)
		r = rd->store->ops->list(rd->store, &query, page_add, &page,
		    next, f);
	if (r != Q_OK)
		return r;
	len = page.out->len;
	buf_put(page.out, next, strlen(next) + 1);
	if (page.out->bad)
		return Q_NOMEM;
	rsp->items = (struct bytes){ page.out->p, len };
	rsp->next = (const char *)page.out->p + len;
	return Q_OK;
}

static enum q_err
do_purge(void *ctx, struct wire_req *q, const void *request, void *response,
    struct fault *f)
{
	struct recordd *rd = ctx;
	const struct recordd_purge_req *req = request;
	struct store_write w = { .verb = STORE_PURGE, .value = req->value };
	enum q_err r = may(q, req->type, REC_DELETE, &w.d, f);

	(void)response;
	w.query = (struct store_query){ .d = w.d, .match = req->match,
		.after = req->after };
	if (r == Q_OK)
		r = index_find(w.d, req->index, &w.query.index, f);
	if (r == Q_OK)
		w.field = rec_field(w.d, req->field);
	if (r == Q_OK && (w.query.index == NULL ||
	    w.query.index->kind == REC_CERTS || w.field == NULL ||
	    w.field->kind != REC_STR || *req->value == '\0'))
		r = fault_set(f, Q_INVALID,
		    "purge: wants an index, and a value of a STR field");
	return r == Q_OK ? writer_submit(rd->writer, q, &w) : r;
}

static enum q_err
do_recount(void *ctx, struct wire_req *q, const void *request, void *response,
    struct fault *f)
{
	struct recordd *rd = ctx;
	const struct recordd_recount_req *req = request;
	struct store_write w = { .verb = STORE_RECOUNT };
	enum q_err r = may(q, req->type, REC_PUT, &w.d, f);

	(void)response;
	w.query = (struct store_query){ .d = w.d, .match = req->group,
		.after = req->after };
	if (r == Q_OK)
		w.query.index = rec_group(w.d);
	if (r == Q_OK && (w.query.index == NULL || *req->group == '\0'))
		r = fault_set(f, Q_INVALID,
		    "recount: wants a group of a type that is counted");
	return r == Q_OK ? writer_submit(rd->writer, q, &w) : r;
}

static void
counter_add(void *ctx, const char *name, int64_t value)
{
	struct recordd_counter c = { .name = name, .value = (uint64_t)value };

	wire_list_put(ctx, &recordd_counter_type, &c);
}

static enum q_err
do_counters(void *ctx, struct wire_req *q, const void *request,
    void *response, struct fault *f)
{
	struct recordd *rd = ctx;
	const struct recordd_counters_req *req = request;
	struct recordd_counters_rsp *rsp = response;
	struct buf *space = wire_req_space(q);
	const struct rec_desc *d;
	enum q_err r = may(q, req->type, REC_READ, &d, f);

	if (r == Q_OK)
		r = rd->store->ops->counters(rd->store, d, req->group,
		    counter_add, space, f);
	if (r == Q_OK && space->bad)
		r = Q_TOOBIG;
	rsp->counters = buf_bytes(space);
	return r;
}

static enum q_err
do_watch(void *ctx, struct wire_req *q, const void *request, void *response,
    struct fault *f)
{
	struct recordd *rd = ctx;
	const struct recordd_watch_req *req = request;
	const struct rec_desc *d;
	enum q_err r = Q_OK;

	(void)response;
	if (req->mask == 0)
		return fault_set(f, Q_INVALID, "mask: names no type");
	for (uint32_t t = 0; r == Q_OK && t <= REC_TYPE_MAX; t++)
		if (req->mask & UINT64_C(1) << t)
			r = may(q, t, REC_READ, &d, f);
	return r == Q_OK ? hints_watch(rd->hints, q, req->mask) : r;
}

const struct wire_op recordd_ops[] = {
#define X(name, num, roles, cap, text)                                     \
	{ (num), #name, (roles), (cap), &recordd_##name##_req_type,        \
	    &recordd_##name##_rsp_type, do_##name, text },
	RECORDD_OPS(X)
#undef X
};
const size_t recordd_n_ops = ARRAY_LEN(recordd_ops);
