// SPDX-License-Identifier: Apache-2.0
/*
 * Writes of many callers in few commands. They are taken in rounds, in each
 * of which a document is changed once at most: what the commands of a round
 * do then does not depend on their order, and the outcome is as if the
 * writes had been made one by one.
 */
#include "config.h"

#include "recordd/store_mongo.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/own.h"

#define ROUND_OPS 6000 /* when the next write of many begins a new round */
#define READ_KEYS 500
#define PURGE_ROWS 1000
#define PURGE_TRIES 3

static struct mongo *
self(struct store *s)
{
	return (struct mongo *)(void *)s;
}

/* No document had it, here or on another node. */
static uint64_t
new_rev(void)
{
	uint64_t rev;

	do {
		if (getrandom(&rev, sizeof(rev), 0) != sizeof(rev))
			rev = 0;
		rev &= INT64_MAX;
	} while (rev == 0);
	return rev;
}

/* -- what a round consists of -- */

static void
append_certs(bson_t *b, const struct rec_desc *d, const void *rec)
{
	const struct rec_field *fd = store_cert_index(d);
	const struct rec_certs *certs = fd != NULL ? rec_certs(fd, rec) : NULL;
	bson_t all;

	if (certs == NULL || certs->n == 0)
		return;
	BSON_APPEND_ARRAY_BEGIN(b, fd->name, &all);
	for (size_t i = 0; i < certs->n; i++) {
		char name[STORE_CERT_MAX + 1], space[16];
		const char *at;

		store_cert_name(&certs->c[i], name);
		bson_uint32_to_string((uint32_t)i, &at, space, sizeof(space));
		BSON_APPEND_UTF8(&all, at, name);
	}
	bson_append_array_end(b, &all);
}

/* What the collection keeps. */
static bson_t *
image_make(const struct mongo_op *op, const struct store_write *w)
{
	bson_t doc, *b;

	if (!bson_init_static(&doc, w->doc.p, w->doc.len))
		return NULL;
	b = bson_sized_new(w->doc.len + 256);
	BSON_APPEND_UTF8(b, "_id", op->key);
	BSON_APPEND_INT64(b, "rev", (int64_t)op->new_rev);
	BSON_APPEND_INT64(b, "prev", (int64_t)op->old_rev);
	BSON_APPEND_DOCUMENT(b, "doc", &doc);
	append_certs(b, op->d, w->rec);
	return b;
}

static void
op_counts(struct mongo_op *op, const void *rec, int64_t sign)
{
	const struct rec_field *group = rec_group(op->d);

	/* There are two records at most. */
	if (group != NULL)
		rec_counter_add(op->d, rec, sign,
		    mongo_op_counts(op, rec_str(group, rec))->add);
}

static enum q_err
op_insert(struct mongo_op *op, struct store_write *w, uint64_t rev)
{
	op->w = w;
	op->kind = MONGO_INSERT;
	op->new_rev = rev;
	op->image = image_make(op, w);
	op_counts(op, w->rec, 1);
	return op->image != NULL ? Q_OK : Q_INTERNAL;
}

static enum q_err
take_insert(struct mongo_batch *b, struct store_write *w)
{
	struct mongo_op *op;
	enum q_err r = mongo_batch_add(b, w->d, w->key, &op);

	w->new_rev = new_rev();
	return r == Q_OK ? op_insert(op, w, w->new_rev) : r;
}

static enum q_err
take_replace(struct mongo_batch *b, struct store_write *w)
{
	struct mongo_op *op;
	enum q_err r = mongo_batch_add(b, w->d, w->key, &op);

	if (r != Q_OK)
		return r;
	op->w = w;
	op->old_rev = w->rev;
	op->kind = MONGO_DELETE;
	if (w->verb == STORE_DELETE)
		return Q_OK;
	op->kind = MONGO_UPDATE;
	op->new_rev = w->new_rev = new_rev();
	op->image = image_make(op, w);
	return op->image != NULL ? Q_OK : Q_INTERNAL;
}

/* All of its keys, or none when one is in the round already. */
static enum q_err
take_many(struct mongo_batch *b, struct store_write *w)
{
	struct bytes rest = w->keys;
	struct recordd_key item;
	struct mongo_op *op;
	uint32_t pos = 0;
	enum q_err r = Q_OK;

	while (wire_list_next(&rest, &recordd_key_type, &item) == Q_OK)
		if (mongo_batch_find(b, w->d, item.key) != NULL)
			return Q_EXISTS;
	w->new_rev = new_rev();
	rest = w->keys;
	while (r == Q_OK &&
	    wire_list_next(&rest, &recordd_key_type, &item) == Q_OK) {
		r = mongo_batch_add(b, w->d, item.key, &op);
		if (r == Q_EXISTS) /* twice in the same list */
			r = mongo_batch_extra(b, w->d, item.key, &op);
		if (r != Q_OK)
			return r;
		op->pos = pos++;
		op->w = w;
		if (op->state == MONGO_OPEN)
			r = op_insert(op, w, w->new_rev);
	}
	return r;
}

static size_t
ops_wanted(struct store_write *const w[], size_t n)
{
	size_t sum = 0;

	for (size_t i = 0; i < n && sum < ROUND_OPS; i++)
		sum += w[i]->verb == STORE_MANY ? RECORDD_MANY_MAX : 1;
	return sum + 1;
}

/* Writes from the first on whose documents differ. */
static enum q_err
round_take(struct mongo_batch *b, struct store_write *w[], size_t n,
    size_t *ret_taken)
{
	static enum q_err (*const verbs[])(struct mongo_batch *,
	    struct store_write *) = {
		[STORE_INSERT] = take_insert,
		[STORE_PUT] = take_replace,
		[STORE_DELETE] = take_replace,
		[STORE_MANY] = take_many,
	};
	size_t i;
	enum q_err r = Q_OK;

	for (i = 0; i < n && w[i]->verb < STORE_PURGE; i++) {
		if (b->n + (w[i]->verb == STORE_MANY ? RECORDD_MANY_MAX : 1) >
		    b->cap)
			break;
		w[i]->result = Q_OK;
		r = verbs[w[i]->verb](b, w[i]);
		if (r != Q_OK)
			break;
	}
	*ret_taken = i;
	return r == Q_EXISTS ? Q_OK : r;
}

/* -- what is there -- */

static void
op_fails(struct mongo_op *op, enum q_err r)
{
	op->w->result = r;
	op->state = MONGO_NOT;
}

static void
op_found(struct mongo_op *op, const struct mongo_row *row)
{
	struct store_write *w = op->w;
	union rec_any old;
	enum q_err r = rec_decode(op->d, row->doc, &old, NULL);

	op->seen = true;
	if (r != Q_OK)
		r = fault_set(&w->fault, Q_INTERNAL,
		    "store: %s %s is damaged", op->d->name, op->key);
	else
		r = store_may_replace(w, &old, row->rev, &w->fault);
	if (r != Q_OK) {
		op_fails(op, r);
		return;
	}
	op_counts(op, &old, -1);
	if (op->kind == MONGO_UPDATE)
		op_counts(op, w->rec, 1);
}

static enum q_err
read_chunk(struct mongo *m, struct mongo_batch *b, const struct rec_desc *d,
    const char *const keys[], size_t n, struct fault *f)
{
	const struct mongo_keys want = { d, keys, n, true };
	bson_t reply;
	bson_iter_t each;
	struct mongo_row row;
	struct mongo_op *op;
	enum q_err r = mongo_find_keys(m, &want, &reply, f);

	if (r == Q_OK)
		r = mongo_rows(&reply, &each);
	while (r == Q_OK && (r = mongo_row_next(&each, &row, f)) == Q_OK) {
		op = mongo_batch_find(b, d, row.key);
		if (op != NULL && !op->seen)
			op_found(op, &row);
	}
	bson_destroy(&reply);
	return r == Q_NOTFOUND ? Q_OK : r;
}

/* Of one type: what is to be changed or deleted. */
static enum q_err
read_type(struct mongo *m, struct mongo_batch *b, const struct rec_desc *d,
    struct fault *f)
{
	const char *keys[READ_KEYS];
	size_t n = 0;
	enum q_err r = Q_OK;

	for (size_t i = 0; r == Q_OK && i < b->n; i++) {
		struct mongo_op *op = &b->op[i];

		if (op->d == d && op->kind != MONGO_INSERT)
			keys[n++] = op->key;
		if (n == READ_KEYS || (n != 0 && i == b->n - 1)) {
			r = read_chunk(m, b, d, keys, n, f);
			n = 0;
		}
	}
	return r;
}

static enum q_err
round_read(struct mongo *m, struct mongo_batch *b, struct fault *f)
{
	enum q_err r = Q_OK;

	for (size_t i = 0; r == Q_OK && i < rec_n_descs; i++)
		r = read_type(m, b, &rec_descs[i], f);
	for (size_t i = 0; r == Q_OK && i < b->n; i++) {
		struct mongo_op *op = &b->op[i];

		if (op->kind != MONGO_INSERT && !op->seen)
			op_fails(op, fault_set(&op->w->fault, Q_NOTFOUND,
			    "%s %s: not found", op->d->name, op->key));
	}
	return r;
}

/* -- what became of it -- */

/* Tell a key that was there, and the group of what is under it. */
static enum q_err
note_taken(struct mongo *m, struct mongo_op *const ops[], size_t n,
    struct fault *f)
{
	const struct rec_desc *d = ops[0]->d;
	const struct rec_field *group = rec_group(d);
	const char *keys[READ_KEYS];
	const struct mongo_keys want = { d, keys, n, true };
	char groups[READ_KEYS][REC_NAME_MAX + 1];
	bson_t reply;
	bson_iter_t each;
	struct mongo_row row;
	union rec_any rec;
	enum q_err r;

	for (size_t i = 0; i < n; i++) {
		keys[i] = ops[i]->key;
		groups[i][0] = '\0';
	}
	r = mongo_find_keys(m, &want, &reply, f);
	if (r == Q_OK)
		r = mongo_rows(&reply, &each);
	while (r == Q_OK && (r = mongo_row_next(&each, &row, f)) == Q_OK) {
		if (group == NULL ||
		    rec_decode(d, row.doc, &rec, NULL) != Q_OK)
			continue;
		for (size_t i = 0; i < n; i++)
			if (strcmp(keys[i], row.key) == 0)
				snprintf(groups[i], sizeof(groups[i]), "%s",
				    rec_str(group, &rec));
	}
	bson_destroy(&reply);
	for (size_t i = 0; r == Q_NOTFOUND && i < n; i++) {
		struct recordd_taken item = { ops[i]->pos, groups[i] };

		wire_list_put(ops[i]->w->taken, &recordd_taken_type, &item);
	}
	return r == Q_NOTFOUND ? Q_OK : r;
}

/* The keys of a MANY that were there, in their order. */
static void
many_taken(struct mongo *m, struct mongo_batch *b, struct store_write *w)
{
	struct mongo_op *ops[READ_KEYS];
	size_t n = 0;

	for (size_t i = 0; w->result == Q_OK && i < b->n; i++) {
		if (b->op[i].w == w && b->op[i].state == MONGO_NOT)
			ops[n++] = &b->op[i];
		if (n == READ_KEYS || (n != 0 && i == b->n - 1)) {
			w->result = note_taken(m, ops, n, &w->fault);
			n = 0;
		}
	}
	if (w->result == Q_OK && w->taken->bad)
		w->result = Q_NOMEM;
}

static void
op_answer(const struct mongo_op *op, const struct fault *f)
{
	struct store_write *w = op->w;

	if (op->state == MONGO_DONE)
		w->changed++;
	if (w->result != Q_OK || op->state == MONGO_DONE)
		return;
	if (op->state == MONGO_OPEN)
		w->result = fault_retry(&w->fault, Q_UNAVAIL,
		    MONGO_RETRY_SECONDS, "%s", fault_text(f, Q_UNAVAIL));
	else if (w->verb == STORE_INSERT)
		w->result = fault_set(&w->fault, Q_EXISTS,
		    "%s %s: already exists", w->d->name, w->key);
	else if (w->verb != STORE_MANY && w->verb != STORE_PURGE)
		w->result = fault_set(&w->fault, Q_CONFLICT,
		    "%s %s: changed by somebody else meanwhile", w->d->name,
		    w->key);
}

static void
round_answer(struct mongo *m, struct mongo_batch *b, struct store_write *w[],
    size_t n, const struct fault *f)
{
	for (size_t i = 0; i < b->n; i++)
		op_answer(&b->op[i], f);
	for (size_t i = 0; i < n; i++)
		if (w[i]->verb == STORE_MANY)
			many_taken(m, b, w[i]);
	/* What they point to goes away with the answers. */
	for (size_t i = 0; i < b->n; i++)
		b->op[i].w = NULL;
}

/* -- the order of steps -- */

static enum q_err
batch_finish(struct mongo *m, struct mongo_batch *b, struct fault *f)
{
	enum q_err r = mongo_apply(m, b, f);

	return r == Q_OK ? mongo_count(m, b, f) : r;
}

/* From the intent to the counters. What cannot be finished now is settled
 * before anything else is written. */
static enum q_err
batch_commit(struct mongo *m, struct mongo_batch *b, bool *ret_doubt,
    struct fault *f)
{
	int64_t start = clock_mono_ms();
	enum q_err r = mongo_intent(m, b, f);

	*ret_doubt = false;
	if (r != Q_OK) {
		m->seq = 0;
		mongo_fails(m, MONGO_READS, f);
		return r;
	}
	r = batch_finish(m, b, f);
	b->again = true;
	if (r != Q_OK && clock_mono_ms() - start < MONGO_PATIENCE_MS)
		r = batch_finish(m, b, f);
	if (r == Q_OK)
		return r;
	mongo_fails(m, MONGO_READS, f);
	m->doubt = b;
	*ret_doubt = true;
	return r;
}

static enum q_err
round_do(struct mongo *m, struct store_write *w[], size_t n, size_t *ret_n,
    struct fault *f)
{
	struct mongo_batch *b = mongo_batch_new(ops_wanted(w, n) +
	    RECORDD_MANY_MAX);
	bool doubt = false;
	enum q_err r;

	if (b == NULL)
		return Q_NOMEM;
	r = round_take(b, w, n, ret_n);
	if (r == Q_OK)
		r = round_read(m, b, f);
	if (r == Q_OK)
		r = batch_commit(m, b, &doubt, f);
	round_answer(m, b, w, *ret_n, f);
	if (!doubt)
		mongo_batch_free(b);
	return r;
}

/* -- purge -- */

struct purge {
	struct mongo_batch *b;
	struct store_write *w;
};

static bool
purge_emit(void *ctx, const char *key, uint64_t rev, struct bytes doc)
{
	struct purge *p = ctx;
	struct store_write *w = p->w;
	union rec_any rec;
	struct mongo_op *op;

	if (rec_decode(w->d, doc, &rec, NULL) != Q_OK ||
	    strcmp(rec_str(w->field, &rec), w->value) != 0)
		return true;
	if (mongo_batch_add(p->b, w->d, key, &op) != Q_OK)
		return false;
	op->w = w;
	op->kind = MONGO_DELETE;
	op->old_rev = rev;
	op_counts(op, &rec, -1);
	return true;
}

/* One page; CONFLICT when something in it was changed meanwhile. */
static enum q_err
purge_page(struct mongo *m, struct store_write *w, struct fault *f)
{
	struct purge p = { mongo_batch_new(PURGE_ROWS), w };
	bool doubt = false, contested = false;
	enum q_err r;

	if (p.b == NULL)
		return Q_NOMEM;
	w->query.limit = PURGE_ROWS;
	r = mongo_list(&m->base, &w->query, purge_emit, &p, w->next, f);
	if (r == Q_OK)
		r = batch_commit(m, p.b, &doubt, f);
	for (size_t i = 0; i < p.b->n; i++) {
		contested |= p.b->op[i].state == MONGO_NOT;
		w->changed += p.b->op[i].state == MONGO_DONE;
		p.b->op[i].w = NULL;
	}
	if (!doubt)
		mongo_batch_free(p.b);
	return r == Q_OK && contested ? Q_CONFLICT : r;
}

static enum q_err
purge(struct mongo *m, struct store_write *w)
{
	enum q_err r = Q_CONFLICT;

	for (int i = 0; r == Q_CONFLICT && i < PURGE_TRIES; i++)
		r = purge_page(m, w, &w->fault);
	if (r == Q_CONFLICT)
		r = fault_retry(&w->fault, Q_UNAVAIL, MONGO_RETRY_SECONDS,
		    "purge: others are changing the same records");
	w->result = r;
	return r;
}

static enum q_err
recount(struct mongo *m, struct store_write *w)
{
	enum q_err r = store_tally_at(&m->tally, w, &w->fault);

	if (r == Q_OK)
		r = mongo_recount(m, w, &w->fault);
	if (r != Q_OK || w->next[0] == '\0')
		m->tally.d = NULL;
	w->result = r;
	return r;
}

void
mongo_write(struct store *base, struct store_write *w[], size_t n)
{
	struct mongo *m = self(base);
	struct fault f = { 0 };
	enum q_err r;
	size_t at = 0;

	pthread_mutex_lock(&m->write_lock);
	r = mongo_gate(m, MONGO_READY, &f);
	while (r == Q_OK && at < n) {
		size_t taken = 1;

		if (w[at]->verb == STORE_PURGE)
			r = purge(m, w[at]);
		else if (w[at]->verb == STORE_RECOUNT)
			r = recount(m, w[at]);
		else
			r = round_do(m, w + at, n - at, &taken, &f);
		at += taken;
		if (r == Q_INVALID || r == Q_CONFLICT || r == Q_OK)
			r = mongo_gate(m, MONGO_READY, &f);
	}
	pthread_mutex_unlock(&m->write_lock);
	for (; at < n; at++)
		w[at]->result = fault_retry(&w[at]->fault, Q_UNAVAIL,
		    MONGO_RETRY_SECONDS, "%s", fault_text(&f, Q_UNAVAIL));
}

enum q_err
mongo_settle(struct mongo *m, struct fault *f)
{
	enum q_err r;

	pthread_mutex_lock(&m->write_lock);
	if (m->doubt != NULL) {
		r = batch_finish(m, m->doubt, f);
		if (r == Q_OK) {
			mongo_batch_free(m->doubt);
			m->doubt = NULL;
		}
	} else {
		r = mongo_recover(m, f);
	}
	pthread_mutex_unlock(&m->write_lock);
	return r;
}
