// SPDX-License-Identifier: Apache-2.0
/* Lookups, lists by index, counters; the indexes themselves. */
#include "config.h"

#include "recordd/store_mongo.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"

#define MS 1000
#define PATH_MAX_ 48 /* "doc." and the name of a field */
#define COUNTERS_PAGE 1000

static struct mongo *
self(struct store *s)
{
	return (struct mongo *)(void *)s;
}

/* A command whose rows the caller walks; a collection that was never written
 * to is an empty one. */
static enum q_err
run_rows(struct mongo *m, const bson_t *cmd, bson_t *ret_reply,
    bson_iter_t *ret_each, struct fault *f)
{
	enum q_err r = mongo_ask(m, cmd, ret_reply, f);

	if (r == Q_OK && mongo_rows(ret_reply, ret_each) != Q_OK)
		r = fault_set(f, Q_INTERNAL, "store: malformed answer");
	return r;
}

static void
find_begin(bson_t *cmd, const struct rec_desc *d)
{
	BSON_APPEND_UTF8(cmd, "find", d->name);
}

static void
find_end(bson_t *cmd, uint32_t limit)
{
	BSON_APPEND_INT32(cmd, "limit", (int32_t)limit);
	BSON_APPEND_INT32(cmd, "batchSize", (int32_t)limit);
	BSON_APPEND_BOOL(cmd, "singleBatch", true);
	mongo_reads(cmd);
}

/* One by itself is what servers are fastest at. */
static void
append_keys(bson_t *filter, const struct mongo_keys *keys)
{
	bson_t id, in;

	if (keys->n == 1) {
		BSON_APPEND_UTF8(filter, "_id", keys->key[0]);
		return;
	}
	BSON_APPEND_DOCUMENT_BEGIN(filter, "_id", &id);
	BSON_APPEND_ARRAY_BEGIN(&id, "$in", &in);
	for (size_t i = 0; i < keys->n; i++) {
		char space[16];
		const char *at;

		bson_uint32_to_string((uint32_t)i, &at, space, sizeof(space));
		BSON_APPEND_UTF8(&in, at, keys->key[i]);
	}
	bson_append_array_end(&id, &in);
	bson_append_document_end(filter, &id);
}

enum q_err
mongo_find_keys(struct mongo *m, const struct mongo_keys *keys,
    bson_t *ret_reply, struct fault *f)
{
	bson_t cmd = BSON_INITIALIZER, filter, only;
	enum q_err r;

	find_begin(&cmd, keys->d);
	BSON_APPEND_DOCUMENT_BEGIN(&cmd, "filter", &filter);
	append_keys(&filter, keys);
	bson_append_document_end(&cmd, &filter);
	if (!keys->docs) {
		BSON_APPEND_DOCUMENT_BEGIN(&cmd, "projection", &only);
		BSON_APPEND_INT32(&only, "rev", 1);
		BSON_APPEND_INT32(&only, "prev", 1);
		bson_append_document_end(&cmd, &only);
	}
	find_end(&cmd, (uint32_t)keys->n);
	r = mongo_ask(m, &cmd, ret_reply, f);
	bson_destroy(&cmd);
	return r;
}

enum q_err
mongo_get(struct store *base, const struct rec_desc *d, const char *key,
    struct buf *doc, uint64_t *ret_rev, struct fault *f)
{
	struct mongo *m = self(base);
	const struct mongo_keys keys = { d, &key, 1, true };
	bson_t reply = BSON_INITIALIZER;
	struct mongo_row row;
	bson_iter_t each;
	enum q_err r = mongo_gate(m, MONGO_READS, f);

	if (r == Q_OK) {
		bson_destroy(&reply);
		r = mongo_find_keys(m, &keys, &reply, f);
	}
	if (r == Q_OK)
		r = mongo_rows(&reply, &each);
	if (r == Q_OK)
		r = mongo_row_next(&each, &row, f);
	if (r == Q_OK) {
		*ret_rev = row.rev;
		buf_put(doc, row.doc.p, row.doc.len);
		r = doc->bad ? Q_NOMEM : Q_OK;
	} else if (r == Q_NOTFOUND) {
		fault_set(f, r, "%s %s: not found", d->name, key);
	}
	bson_destroy(&reply);
	return r;
}

/* -- lists -- */

/* A list as one or two questions: behind the cursor's key at its time, and
 * then at later times (descending: at earlier ones). */
struct page {
	const struct store_query *q;
	char path[PATH_MAX_];
	int64_t first, last; /* of a TIME */
	const char *after;
	bool later;
};

static void
append_range(bson_t *b, const char *name, const char *low_op,
    const char *low, const char *high)
{
	bson_t range;

	BSON_APPEND_DOCUMENT_BEGIN(b, name, &range);
	BSON_APPEND_UTF8(&range, low_op, low);
	if (high != NULL)
		BSON_APPEND_UTF8(&range, "$lt", high);
	bson_append_document_end(b, &range);
}

static void
filter_keys(bson_t *filter, const struct store_query *q)
{
	struct store_bounds b;

	store_bounds(q, &b);
	append_range(filter, "_id", "$gte", b.low, b.high);
}

/* Behind a key, in the order of the list. */
static void
filter_behind(bson_t *filter, const struct page *p)
{
	if (*p->after != '\0')
		append_range(filter, "_id", p->q->desc ? "$lt" : "$gt",
		    p->after, NULL);
}

static void
filter_time(bson_t *filter, const struct page *p)
{
	bson_t range;

	if (!p->later) {
		BSON_APPEND_DATE_TIME(filter, p->path, p->first * MS);
		filter_behind(filter, p);
		return;
	}
	BSON_APPEND_DOCUMENT_BEGIN(filter, p->path, &range);
	if (p->q->desc) {
		BSON_APPEND_DATE_TIME(&range, "$lt", p->first * MS);
	} else {
		BSON_APPEND_DATE_TIME(&range, "$gt", p->first * MS);
		BSON_APPEND_DATE_TIME(&range, "$lte", p->last * MS);
	}
	bson_append_document_end(filter, &range);
}

static void
filter_value(bson_t *filter, const struct page *p)
{
	switch (p->q->index->kind) {
	case REC_ENUM:
		BSON_APPEND_INT32(filter, p->path, (int32_t)p->last);
		break;
	case REC_INT:
		BSON_APPEND_INT64(filter, p->path, p->last);
		break;
	default:
		BSON_APPEND_UTF8(filter, p->path, p->q->match);
	}
	filter_behind(filter, p);
}

static void
append_sort(bson_t *cmd, const struct page *p)
{
	int32_t way = p->q->desc ? -1 : 1;
	bson_t sort;

	BSON_APPEND_DOCUMENT_BEGIN(cmd, "sort", &sort);
	if (p->q->index != NULL && p->q->index->kind == REC_TIME)
		BSON_APPEND_INT32(&sort, p->path, way);
	BSON_APPEND_INT32(&sort, "_id", way);
	bson_append_document_end(cmd, &sort);
}

static enum q_err
page_ask(struct mongo *m, const struct page *p, uint32_t limit,
    bson_t *ret_reply, bson_iter_t *ret_each, struct fault *f)
{
	bson_t cmd = BSON_INITIALIZER, filter;
	enum q_err r;

	find_begin(&cmd, p->q->d);
	BSON_APPEND_DOCUMENT_BEGIN(&cmd, "filter", &filter);
	if (p->q->index == NULL)
		filter_keys(&filter, p->q);
	else if (p->q->index->kind == REC_TIME)
		filter_time(&filter, p);
	else
		filter_value(&filter, p);
	bson_append_document_end(&cmd, &filter);
	append_sort(&cmd, p);
	find_end(&cmd, limit);
	r = run_rows(m, &cmd, ret_reply, ret_each, f);
	bson_destroy(&cmd);
	return r;
}

/* The time in a row, or 0. */
static int64_t
row_time(const struct mongo_row *row, const char *name)
{
	bson_t doc;
	bson_iter_t it;

	if (!bson_init_static(&doc, row->doc.p, row->doc.len) ||
	    !bson_iter_init_find(&it, &doc, name) ||
	    !BSON_ITER_HOLDS_DATE_TIME(&it))
		return 0;
	return bson_iter_date_time(&it) / MS;
}

/* Rows to the reader; *ret_n of them came, and next is behind the last one
 * taken. *ret_full: he has enough. */
static enum q_err
page_emit(const struct page *p, bson_iter_t *each, store_emit *emit,
    void *ctx, char next[RECORDD_CURSOR_MAX + 1], struct fault *f)
{
	const struct rec_field *index = p->q->index;
	struct mongo_row row;
	enum q_err r;

	while ((r = mongo_row_next(each, &row, f)) == Q_OK &&
	    emit(ctx, row.key, row.rev, row.doc)) {
		if (index != NULL && index->kind == REC_TIME)
			store_cursor_put(row_time(&row, index->name), row.key,
			    next);
		else
			snprintf(next, RECORDD_CURSOR_MAX + 1, "%s", row.key);
	}
	return r;
}

static enum q_err
page_init(struct page *p, const struct store_query *q, struct fault *f)
{
	const struct rec_field *index = q->index;
	enum q_err r;

	*p = (struct page){ .q = q, .after = q->after };
	if (index == NULL)
		return Q_OK;
	if (index->kind == REC_CERTS)
		snprintf(p->path, sizeof(p->path), "%s", index->name);
	else
		snprintf(p->path, sizeof(p->path), "doc.%s", index->name);
	if (index->kind == REC_STR || index->kind == REC_CERTS)
		return Q_OK;
	r = store_match_number(q, &p->last, f);
	if (r != Q_OK || index->kind != REC_TIME)
		return r;
	p->later = *q->after == '\0' && !q->desc;
	return store_cursor_get(q, p->last, &p->first, &p->after, f);
}

/* The rows of one question. NOTFOUND: all that there are were taken. */
static enum q_err
page_once(struct mongo *m, const struct page *p, store_emit *emit, void *ctx,
    char next[RECORDD_CURSOR_MAX + 1], struct fault *f)
{
	bson_t reply;
	bson_iter_t each;
	enum q_err r = page_ask(m, p, p->q->limit, &reply, &each, f);

	if (r == Q_OK)
		r = page_emit(p, &each, emit, ctx, next, f);
	bson_destroy(&reply);
	return r;
}

/* Counts what a list hands out, up to its limit. */
struct counted {
	store_emit *emit;
	void *ctx;
	uint32_t n, limit;
};

static bool
counted_emit(void *ctx, const char *key, uint64_t rev, struct bytes doc)
{
	struct counted *c = ctx;

	if (c->n == c->limit || !c->emit(c->ctx, key, rev, doc))
		return false;
	c->n++;
	return true;
}

enum q_err
mongo_list(struct store *base, const struct store_query *q, store_emit *emit,
    void *ctx, char ret_next[RECORDD_CURSOR_MAX + 1], struct fault *f)
{
	struct mongo *m = self(base);
	struct counted c = { emit, ctx, 0, q->limit };
	char next[RECORDD_CURSOR_MAX + 1] = "";
	struct page p;
	enum q_err r = page_init(&p, q, f);

	if (r == Q_OK)
		r = mongo_gate(m, MONGO_READS, f);
	if (r == Q_OK)
		r = page_once(m, &p, counted_emit, &c, next, f);
	if (r == Q_NOTFOUND && q->index != NULL &&
	    q->index->kind == REC_TIME && !p.later && c.n < c.limit) {
		p.later = true;
		r = page_once(m, &p, counted_emit, &c, next, f);
	}
	if (r == Q_NOTFOUND && c.n < c.limit)
		next[0] = '\0';
	if (r != Q_OK && r != Q_NOTFOUND)
		return r;
	snprintf(ret_next, sizeof(next), "%s", next);
	return Q_OK;
}

/* -- counters -- */

/* A page of the documents of counters, behind an _id. Adding them up is ours:
 * not every server that speaks the protocol adds up right. */
static enum q_err
counters_ask(struct mongo *m, const struct rec_desc *d, const char *group,
    const char *after, bson_t *ret_reply, struct fault *f)
{
	bson_t cmd = BSON_INITIALIZER, filter, sort;
	enum q_err r;

	BSON_APPEND_UTF8(&cmd, "find", MONGO_COUNTER);
	BSON_APPEND_DOCUMENT_BEGIN(&cmd, "filter", &filter);
	BSON_APPEND_UTF8(&filter, "type", d->name);
	if (*group != '\0')
		BSON_APPEND_UTF8(&filter, "group", group);
	append_range(&filter, "_id", "$gt", after, NULL);
	bson_append_document_end(&cmd, &filter);
	BSON_APPEND_DOCUMENT_BEGIN(&cmd, "sort", &sort);
	BSON_APPEND_INT32(&sort, "_id", 1);
	bson_append_document_end(&cmd, &sort);
	find_end(&cmd, COUNTERS_PAGE);
	r = mongo_ask(m, &cmd, ret_reply, f);
	bson_destroy(&cmd);
	return r;
}

/* Add a document's counters; its _id is where to go on. */
static bool
counters_add(const bson_iter_t *row, const char *const names[], size_t n,
    int64_t sums[REC_COUNTERS_MAX], char after[MONGO_COUNTER_ID_MAX])
{
	bson_t doc, v;
	bson_iter_t it;

	if (!mongo_sub(row, &doc) ||
	    !bson_iter_init_find(&it, &doc, "_id") ||
	    !BSON_ITER_HOLDS_UTF8(&it))
		return false;
	snprintf(after, MONGO_COUNTER_ID_MAX, "%s",
	    bson_iter_utf8(&it, NULL));
	if (!bson_iter_init_find(&it, &doc, "v") || !mongo_sub(&it, &v))
		return true;
	for (size_t i = 0; i < n; i++)
		if (bson_iter_init_find(&it, &v, names[i]))
			sums[i] = (int64_t)((uint64_t)sums[i] +
			    (uint64_t)bson_iter_as_int64(&it));
	return true;
}

/* One page; NOTFOUND: the last. */
static enum q_err
counters_page(struct mongo *m, const struct rec_desc *d, const char *group,
    int64_t sums[REC_COUNTERS_MAX], char after[MONGO_COUNTER_ID_MAX],
    struct fault *f)
{
	const char *names[REC_COUNTERS_MAX];
	size_t n = rec_counter_names(d, names), rows = 0;
	bson_t reply;
	bson_iter_t each;
	enum q_err r = counters_ask(m, d, group, after, &reply, f);

	if (r == Q_OK)
		r = mongo_rows(&reply, &each);
	while (r == Q_OK && bson_iter_next(&each)) {
		if (!counters_add(&each, names, n, sums, after))
			r = fault_set(f, Q_INTERNAL,
			    "store: damaged counters");
		rows++;
	}
	bson_destroy(&reply);
	return r == Q_OK && rows < COUNTERS_PAGE ? Q_NOTFOUND : r;
}

enum q_err
mongo_counters(struct store *base, const struct rec_desc *d,
    const char *group, store_count *count, void *ctx, struct fault *f)
{
	struct mongo *m = self(base);
	const char *names[REC_COUNTERS_MAX];
	size_t n = rec_counter_names(d, names);
	int64_t sums[REC_COUNTERS_MAX] = { 0 };
	char after[MONGO_COUNTER_ID_MAX] = "";
	enum q_err r = mongo_gate(m, MONGO_READY, f);

	while (r == Q_OK && n != 0)
		r = counters_page(m, d, group, sums, after, f);
	for (size_t i = 0; r == Q_NOTFOUND && i < n; i++)
		if (sums[i] != 0)
			count(ctx, names[i], sums[i]);
	return r == Q_NOTFOUND ? Q_OK : r;
}

/* -- indexes -- */

/* An index that is wanted: on a path, then (of a list) on the key. */
static enum q_err
index_make(struct mongo *m, const char *collection, const char *name,
    const char *const path[2], struct fault *f)
{
	bson_t cmd = BSON_INITIALIZER, reply, all, one, keys;
	int code;
	enum q_err r;

	BSON_APPEND_UTF8(&cmd, "createIndexes", collection);
	BSON_APPEND_ARRAY_BEGIN(&cmd, "indexes", &all);
	BSON_APPEND_DOCUMENT_BEGIN(&all, "0", &one);
	BSON_APPEND_DOCUMENT_BEGIN(&one, "key", &keys);
	BSON_APPEND_INT32(&keys, path[0], 1);
	BSON_APPEND_INT32(&keys, path[1], 1);
	bson_append_document_end(&one, &keys);
	BSON_APPEND_UTF8(&one, "name", name);
	bson_append_document_end(&all, &one);
	bson_append_array_end(&cmd, &all);
	r = mongo_run(m, &cmd, &reply, &code, f);
	bson_destroy(&reply);
	bson_destroy(&cmd);
	return r;
}

static bool
index_there(const bson_t *reply, const char *name)
{
	bson_iter_t each, member;

	if (mongo_rows(reply, &each) != Q_OK)
		return false;
	while (bson_iter_next(&each))
		if (bson_iter_recurse(&each, &member) &&
		    bson_iter_find(&member, "name") &&
		    BSON_ITER_HOLDS_UTF8(&member) &&
		    strcmp(bson_iter_utf8(&member, NULL), name) == 0)
			return true;
	return false;
}

/* Asked first which there are: one more that exists is refused by some
 * servers, and takes a lock on others. */
static enum q_err
indexes_list(struct mongo *m, const char *collection, bson_t *ret_reply,
    struct fault *f)
{
	bson_t cmd = BSON_INITIALIZER;
	int code;
	enum q_err r;

	BSON_APPEND_UTF8(&cmd, "listIndexes", collection);
	r = mongo_run(m, &cmd, ret_reply, &code, f);
	bson_destroy(&cmd);
	return r != Q_OK && code == MONGO_NO_NAMESPACE ? Q_OK : r;
}

static enum q_err
indexes_of(struct mongo *m, const struct rec_desc *d, struct fault *f)
{
	char path[PATH_MAX_];
	const char *const keys[] = { path, "_id" };
	bson_t there;
	enum q_err r = indexes_list(m, d->name, &there, f);

	for (size_t i = 0; r == Q_OK && i < d->n; i++) {
		const struct rec_field *fd = &d->fields[i];

		if ((fd->flags & REC_INDEX) == 0 ||
		    index_there(&there, fd->name))
			continue;
		snprintf(path, sizeof(path), "%s%s",
		    fd->kind == REC_CERTS ? "" : "doc.", fd->name);
		r = index_make(m, d->name, fd->name, keys, f);
	}
	bson_destroy(&there);
	return r;
}

enum q_err
mongo_indexes(struct mongo *m, struct fault *f)
{
	static const char *const keys[] = { "type", "group" };
	bson_t there;
	enum q_err r;

	if (m->indexed)
		return Q_OK;
	r = indexes_list(m, MONGO_COUNTER, &there, f);
	if (r == Q_OK && !index_there(&there, keys[1]))
		r = index_make(m, MONGO_COUNTER, keys[1], keys, f);
	bson_destroy(&there);
	for (size_t i = 0; r == Q_OK && i < rec_n_descs; i++)
		r = indexes_of(m, &rec_descs[i], f);
	m->indexed = r == Q_OK;
	return r;
}
