// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <stdio.h>

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

static enum q_err
bind_time(struct stmt *st, const struct store_query *q, int64_t latest,
    struct fault *f)
{
	const char *key;
	int64_t first;
	enum q_err r = store_cursor_get(q, latest, &first, &key, f);

	if (r != Q_OK)
		return r;
	stmt_text(st, 1, key);
	if (!q->desc)
		stmt_int(st, 2, latest);
	stmt_int(st, 4, first);
	return Q_OK;
}

static enum q_err
bind_index(struct stmt *st, const struct store_query *q, struct fault *f)
{
	int64_t v;

	if (q->index->kind == REC_STR || q->index->kind == REC_CERTS) {
		stmt_text(st, 2, q->match);
	} else {
		enum q_err r = store_match_number(q, &v, f);

		if (r != Q_OK)
			return r;
		if (q->index->kind == REC_TIME)
			return bind_time(st, q, v, f);
		stmt_int(st, 2, v);
	}
	stmt_text(st, 1, q->desc && *q->after == '\0' ? STORE_KEY_END
						       : q->after);
	return Q_OK;
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
list_bind(struct stmt *st, const struct store_query *q,
    struct store_bounds *b, struct fault *f)
{
	stmt_int(st, 3, q->limit);
	if (q->index != NULL)
		return bind_index(st, q, f);
	store_bounds(q, b);
	stmt_text(st, 1, b->low);
	stmt_text(st, 2, b->high);
	return Q_OK;
}

static size_t
list_what(const struct store_query *q)
{
	if (q->index == NULL)
		return q->desc ? SQL_LIST_DESC : SQL_LIST;
	return (q->desc ? SQL_BY_DESC : SQL_BY) +
	    (size_t)(q->index - q->d->fields);
}

enum q_err
sql_list(struct db *db, const struct store_query *q, store_emit *emit,
    void *ctx, char ret_next[RECORDD_CURSOR_MAX + 1], struct fault *f)
{
	char next[RECORDD_CURSOR_MAX + 1] = "";
	struct store_bounds bounds;
	struct stmt *st;
	uint32_t n = 0;
	enum q_err r = sql_stmt(db, q->d, list_what(q), &st, f);

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
