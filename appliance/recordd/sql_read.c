// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <stdio.h>
#include <stdlib.h>

#include "recordd/store_sqlite.h"

enum q_err
sql_get(struct db *db, const struct rec_desc *d, const char *key,
    struct buf *doc, uint64_t *ret_rev, struct fault *f)
{
	struct stmt *st;
	struct bytes b;
	enum q_err r = sql_stmt(db, d, SQL_GET, &st, f);

	if (r != Q_OK)
		return r;
	stmt_text(st, 1, key);
	r = stmt_step(db, st, f);
	if (r == Q_OK) {
		*ret_rev = (uint64_t)stmt_get_int(st, 0);
		b = stmt_get_blob(st, 1);
		buf_put(doc, b.p, b.len);
		r = doc->bad ? Q_NOMEM : Q_OK;
	} else if (r == Q_NOTFOUND) {
		fault_set(f, r, "%s %s: not found", d->name, key);
	}
	stmt_reset(st);
	return r;
}

enum q_err
sql_get_rec(struct db *db, const struct rec_desc *d, const char *key,
    union rec_any *ret_rec, uint64_t *ret_rev, struct fault *f)
{
	AUTO_BUF struct buf doc = BUF_INIT(REC_DOC_MAX);
	enum q_err r = sql_get(db, d, key, &doc, ret_rev, f);

	if (r == Q_OK && rec_decode(d, buf_bytes(&doc), ret_rec, NULL) != Q_OK)
		r = fault_set(f, Q_INTERNAL, "store: %s %s is damaged",
		    d->name, key);
	return r;
}

/* The bounds of a list in order of keys, whose characters lie between 0x1f
 * and 0x7f. */
struct bounds {
	char low[RECORDD_CURSOR_MAX + 2];
	char high[RECORDD_CURSOR_MAX + 2];
};

static void
bind_keys(struct stmt *st, const struct store_query *q, struct bounds *b)
{
	const char *after = q->after;

	snprintf(b->low, sizeof(b->low), "%s%s", *after ? after : q->match,
	    *after ? "\x01" : "");
	snprintf(b->high, sizeof(b->high), "%s\x7f", q->match);
	stmt_text(st, 1, b->low);
	stmt_text(st, 2, b->high);
}

static enum q_err
bind_index(struct stmt *st, const struct store_query *q, struct fault *f)
{
	const char *after = q->after;
	int64_t first;
	char *end;
	long long v;
	enum q_err r = Q_OK;

	if (q->index->kind == REC_STR || q->index->kind == REC_CERTS) {
		stmt_text(st, 2, q->match);
	} else {
		v = strtoll(q->match, &end, 10);
		if (end == q->match || *end != '\0')
			return fault_set(f, Q_INVALID,
			    "match: wants a number for %s", q->index->name);
		stmt_int(st, 2, v);
	}
	if (q->index->kind == REC_TIME) {
		r = store_cursor_get(q->after, &first, &after, f);
		if (r == Q_OK)
			stmt_int(st, 4, first);
	}
	stmt_text(st, 1, after);
	return r;
}

/* Where to go on behind the row. */
static void
cursor_of_row(struct stmt *st, const struct store_query *q,
    char ret_next[RECORDD_CURSOR_MAX + 1])
{
	const char *key = stmt_get_text(st, 0);

	if (q->index != NULL && q->index->kind == REC_TIME)
		store_cursor_put(stmt_get_int(st, 3), key, ret_next);
	else
		snprintf(ret_next, RECORDD_CURSOR_MAX + 1, "%s", key);
}

static enum q_err
list_bind(struct stmt *st, const struct store_query *q, struct bounds *b,
    struct fault *f)
{
	stmt_int(st, 3, q->limit);
	if (q->index != NULL)
		return bind_index(st, q, f);
	bind_keys(st, q, b);
	return Q_OK;
}

enum q_err
sql_list(struct db *db, const struct store_query *q, store_emit *emit,
    void *ctx, char ret_next[RECORDD_CURSOR_MAX + 1], struct fault *f)
{
	char next[RECORDD_CURSOR_MAX + 1] = "";
	struct bounds bounds;
	struct stmt *st;
	size_t what = q->index != NULL ? SQL_BY + (size_t)(q->index -
	    q->d->fields) : SQL_LIST;
	uint32_t n = 0;
	enum q_err r = sql_stmt(db, q->d, what, &st, f);

	if (r != Q_OK)
		return r;
	r = list_bind(st, q, &bounds, f);
	if (r != Q_OK)
		goto out;
	while ((r = stmt_step(db, st, f)) == Q_OK &&
	    emit(ctx, stmt_get_text(st, 0), (uint64_t)stmt_get_int(st, 1),
	    stmt_get_blob(st, 2))) {
		n++;
		cursor_of_row(st, q, next);
	}
	if (r != Q_OK && r != Q_NOTFOUND)
		goto out;
	if (r == Q_NOTFOUND && n < q->limit)
		next[0] = '\0';
	snprintf(ret_next, sizeof(next), "%s", next);
	r = Q_OK;
out:
	stmt_reset(st);
	return r;
}
