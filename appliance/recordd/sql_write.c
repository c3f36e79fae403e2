// SPDX-License-Identifier: Apache-2.0
/* The writes of one commit. Everything here runs in the writing thread. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "recordd/store_sqlite.h"

#define PURGE_ROWS 1000
#define RECOUNT_ROWS 1000

/* A document comes (1) or goes (-1). */
static enum q_err
count(struct sqlite *s, const struct rec_desc *d, const char *key,
    const void *rec, int64_t times)
{
	int64_t add[REC_COUNTERS_MAX] = { 0 };

	if (s->tally.d == d) {
		rec_counter_add(d, rec, times, add);
		store_tally_moved(&s->tally, d, rec_str(rec_group(d), rec),
		    key, add);
	}
	return store_sums_add(&s->sums, d, rec, times);
}

static enum q_err
insert_row(struct sqlite *s, struct stmt *st, const char *key,
    bool *ret_new, struct fault *f)
{
	enum q_err r;

	stmt_text(st, 1, key);
	r = stmt_run(s->writer, st, f);
	*ret_new = r == Q_OK && db_changes(s->writer) != 0;
	return r;
}

static enum q_err
insert_begin(struct sqlite *s, struct store_write *w, struct stmt **ret_st,
    struct fault *f)
{
	enum q_err r = sql_stmt(s->writer, w->d, SQL_INSERT, ret_st, f);

	if (r != Q_OK)
		return r;
	w->new_rev = store_first_rev();
	stmt_int(*ret_st, 2, (int64_t)w->new_rev);
	stmt_blob(*ret_st, 3, w->doc);
	sql_bind_columns(*ret_st, w->d, w->rec, SQL_INSERT);
	return Q_OK;
}

static enum q_err
do_insert(struct sqlite *s, struct store_write *w, struct fault *f)
{
	struct stmt *st;
	bool fresh;
	enum q_err r = insert_begin(s, w, &st, f);

	if (r == Q_OK)
		r = insert_row(s, st, w->key, &fresh, f);
	if (r != Q_OK)
		return r;
	if (!fresh)
		return fault_set(f, Q_EXISTS, "%s %s: already exists",
		    w->d->name, w->key);
	w->changed = 1;
	r = sql_certs(s->writer, w->d, w->key, NULL, w->rec, f);
	return r == Q_OK ? count(s, w->d, w->key, w->rec, 1) : r;
}

/* Tell a key that was there, and the group of what is under it. */
static enum q_err
note_taken(struct sqlite *s, struct store_write *w, uint32_t pos,
    const char *key, struct fault *f)
{
	const struct rec_field *group = rec_group(w->d);
	struct recordd_taken item = { .pos = pos };
	union rec_any old;
	uint64_t rev;
	enum q_err r = sql_get_rec(s->writer, w->d, key, &old, &rev, f);

	if (r != Q_OK && r != Q_INTERNAL)
		return r;
	if (group != NULL && r == Q_OK)
		item.group = rec_str(group, &old);
	wire_list_put(w->taken, &recordd_taken_type, &item);
	return w->taken->bad ? Q_NOMEM : Q_OK;
}

static enum q_err
do_many(struct sqlite *s, struct store_write *w, struct fault *f)
{
	struct bytes rest = w->keys;
	struct recordd_key item;
	struct stmt *st;
	enum q_err r = insert_begin(s, w, &st, f);

	for (uint32_t pos = 0; r == Q_OK && rest.len != 0; pos++) {
		bool fresh;

		r = wire_list_next(&rest, &recordd_key_type, &item);
		if (r == Q_OK)
			r = insert_row(s, st, item.key, &fresh, f);
		if (r == Q_OK && fresh) {
			w->changed++;
			r = sql_certs(s->writer, w->d, item.key, NULL, w->rec,
			    f);
			if (r == Q_OK)
				r = count(s, w->d, item.key, w->rec, 1);
		} else if (r == Q_OK) {
			r = note_taken(s, w, pos, item.key, f);
		}
	}
	return r;
}

/* The statement that takes the place of what is there. */
static enum sql_what
replace_what(const struct store_write *w, const void *old)
{
	const struct rec_field *group = rec_group(w->d);

	if (w->verb == STORE_DELETE)
		return SQL_DELETE;
	return group != NULL && !rec_same(group, old, w->rec) ? SQL_MOVE
							      : SQL_UPDATE;
}

static enum q_err
do_replace(struct sqlite *s, struct store_write *w, struct fault *f)
{
	union rec_any old;
	uint64_t old_rev;
	enum sql_what what;
	struct stmt *st;
	enum q_err r = sql_get_rec(s->writer, w->d, w->key, &old, &old_rev, f);

	if (r == Q_OK)
		r = store_may_replace(w, &old, old_rev, f);
	if (r != Q_OK)
		return r;
	what = replace_what(w, &old);
	r = sql_stmt(s->writer, w->d, what, &st, f);
	if (r != Q_OK)
		return r;
	stmt_text(st, 1, w->key);
	if (w->verb == STORE_PUT) {
		w->new_rev = old_rev + 1;
		stmt_int(st, 2, (int64_t)w->new_rev);
		stmt_blob(st, 3, w->doc);
		sql_bind_columns(st, w->d, w->rec, what);
	}
	r = stmt_run(s->writer, st, f);
	if (r == Q_OK)
		r = sql_certs(s->writer, w->d, w->key, &old,
		    w->verb == STORE_PUT ? w->rec : NULL, f);
	if (r == Q_OK)
		r = count(s, w->d, w->key, &old, -1);
	if (r == Q_OK && w->verb == STORE_PUT)
		r = count(s, w->d, w->key, w->rec, 1);
	w->changed = 1;
	return r;
}

/* Keys to be deleted, collected before anything under the cursor moves. */
struct purge {
	struct sqlite *s;
	const struct store_write *w;
	struct buf keys; /* each with its NUL */
	enum q_err r;
};

static bool
purge_emit(void *ctx, const char *key, uint64_t rev, struct bytes doc)
{
	struct purge *p = ctx;
	const struct store_write *w = p->w;
	union rec_any rec;

	(void)rev;
	if (rec_decode(w->d, doc, &rec, NULL) != Q_OK ||
	    strcmp(rec_str(w->field, &rec), w->value) != 0)
		return true;
	buf_put(&p->keys, key, strlen(key) + 1);
	p->r = p->keys.bad ? Q_NOMEM
	    : sql_certs(p->s->writer, w->d, key, &rec, NULL, NULL);
	if (p->r == Q_OK)
		p->r = count(p->s, w->d, key, &rec, -1);
	return p->r == Q_OK;
}

static enum q_err
do_purge(struct sqlite *s, struct store_write *w, struct fault *f)
{
	struct purge p = { .s = s, .w = w,
		.keys = BUF_INIT(PURGE_ROWS * (REC_KEY_MAX + 1)) };
	struct stmt *st;
	enum q_err r = sql_stmt(s->writer, w->d, SQL_DELETE, &st, f);

	w->query.limit = PURGE_ROWS;
	if (r == Q_OK)
		r = sql_list(s->writer, &w->query, purge_emit, &p, w->next, f);
	if (r == Q_OK)
		r = p.r;
	for (size_t at = 0; r == Q_OK && at < p.keys.len; w->changed++) {
		const char *key = (const char *)p.keys.p + at;

		stmt_text(st, 1, key);
		r = stmt_run(s->writer, st, f);
		at += strlen(key) + 1;
	}
	buf_free(&p.keys);
	return r;
}

/* Bring the counters of the group to what was counted. */
static enum q_err
tally_put(struct sqlite *s, struct store_write *w, struct fault *f)
{
	const struct store_tally *t = &s->tally;
	const char *names[REC_COUNTERS_MAX];
	size_t n = rec_counter_names(w->d, names);
	struct store_sum *row = store_sums_row(&s->sums, w->d, t->group);
	int64_t have[REC_COUNTERS_MAX] = { 0 };
	struct stmt *st;
	enum q_err r = sql_count(s->writer, COUNT_GET, &st, f);

	if (r == Q_OK && row == NULL)
		r = Q_NOMEM;
	if (r != Q_OK)
		return r;
	stmt_text(st, 1, w->d->name);
	stmt_text(st, 2, t->group);
	while ((r = stmt_step(s->writer, st, f)) == Q_OK)
		for (size_t i = 0; i < n; i++)
			if (strcmp(stmt_get_text(st, 0), names[i]) == 0)
				have[i] = stmt_get_int(st, 1);
	stmt_reset(st);
	for (size_t i = 0; r == Q_NOTFOUND && i < n; i++) {
		int64_t off = t->sum[i] - have[i] - row->add[i];

		w->changed += off != 0;
		row->add[i] += off;
	}
	return r == Q_NOTFOUND ? Q_OK : r;
}

static enum q_err
do_recount(struct sqlite *s, struct store_write *w, struct fault *f)
{
	enum q_err r = store_tally_at(&s->tally, w, f);

	if (r != Q_OK)
		return r;
	w->query.limit = RECOUNT_ROWS;
	r = sql_list(s->writer, &w->query, store_tally_emit, &s->tally,
	    w->next, f);
	if (r == Q_OK && w->next[0] == '\0')
		r = tally_put(s, w, f);
	snprintf(s->tally.at, sizeof(s->tally.at), "%s", w->next);
	if (r != Q_OK || w->next[0] == '\0')
		s->tally.d = NULL;
	return r;
}

static enum q_err
flush_sum(struct sqlite *s, const struct store_sum *row, struct fault *f)
{
	const char *names[REC_COUNTERS_MAX];
	size_t n = rec_counter_names(row->d, names);
	struct stmt *st[2];
	enum q_err r = sql_count(s->writer, COUNT_ADD, &st[0], f);

	if (r == Q_OK)
		r = sql_count(s->writer, COUNT_DROP, &st[1], f);
	for (size_t i = 0; r == Q_OK && i < n; i++) {
		if (row->add[i] == 0)
			continue;
		for (size_t k = 0; k < (row->add[i] < 0 ? 2U : 1U); k++) {
			stmt_text(st[k], 1, row->d->name);
			stmt_text(st[k], 2, row->group);
			stmt_text(st[k], 3, names[i]);
		}
		stmt_int(st[0], 4, row->add[i]);
		r = stmt_run(s->writer, st[0], f);
		/* Only what went down can have come to nothing. */
		if (r == Q_OK && row->add[i] < 0)
			r = stmt_run(s->writer, st[1], f);
	}
	return r;
}

/* What concerns one document, and leaves the others of the commit alone. */
static bool
is_outcome(enum q_err r)
{
	return r == Q_OK || r == Q_EXISTS || r == Q_NOTFOUND ||
	    r == Q_CONFLICT || r == Q_INVALID || r == Q_INTERNAL;
}

enum q_err
sql_write(struct sqlite *s, struct store_write *w[], size_t n,
    struct fault *f)
{
	static enum q_err (*const verbs[])(struct sqlite *,
	    struct store_write *, struct fault *) = {
		[STORE_INSERT] = do_insert,
		[STORE_PUT] = do_replace,
		[STORE_DELETE] = do_replace,
		[STORE_MANY] = do_many,
		[STORE_PURGE] = do_purge,
		[STORE_RECOUNT] = do_recount,
	};
	enum q_err r = db_exec(s->writer, "BEGIN IMMEDIATE", f);

	for (size_t i = 0; r == Q_OK && i < n; i++) {
		w[i]->result = verbs[w[i]->verb](s, w[i], &w[i]->fault);
		if (!is_outcome(w[i]->result)) {
			r = w[i]->result;
			if (f != NULL)
				*f = w[i]->fault;
		}
	}
	for (size_t i = 0; r == Q_OK && i < s->sums.n; i++)
		r = flush_sum(s, &s->sums.row[i], f);
	return r == Q_OK ? db_exec(s->writer, "COMMIT", f) : r;
}
