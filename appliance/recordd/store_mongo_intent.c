// SPDX-License-Identifier: Apache-2.0
/*
 * What makes the counters exact: the intent of the commit under way, in the
 * document of this node, and the seq in each document of counters.
 */
#include "config.h"

#include "recordd/store_mongo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"

/* An element of an intent, one for each group that a change counts in:
 * {t: type, k: key, o: old rev, n: new rev, g: group, v: {counter: n}} */
struct element {
	const struct rec_desc *d;
	const char *key, *group;
	uint64_t old_rev, new_rev; /* 0: inserted, 0: deleted */
	int64_t add[REC_COUNTERS_MAX];
};

static bool
counts(const struct mongo_add *c)
{
	for (size_t i = 0; i < REC_COUNTERS_MAX; i++)
		if (c->add[i] != 0)
			return true;
	return false;
}

static void
append_counters(bson_t *b, const struct rec_desc *d, const int64_t *add,
    bool first_too)
{
	const char *names[REC_COUNTERS_MAX];
	size_t n = rec_counter_names(d, names);

	for (size_t i = 0; i < n; i++)
		if (add[i] != 0 || (i == 0 && first_too))
			BSON_APPEND_INT64(b, names[i], add[i]);
}

static void
append_element(bson_t *all, uint32_t n, const struct mongo_op *op,
    const struct mongo_add *c)
{
	bson_t one, sums;
	char space[16];
	const char *at;

	bson_uint32_to_string(n, &at, space, sizeof(space));
	BSON_APPEND_DOCUMENT_BEGIN(all, at, &one);
	BSON_APPEND_UTF8(&one, "t", op->d->name);
	BSON_APPEND_UTF8(&one, "k", op->key);
	BSON_APPEND_INT64(&one, "o",
	    op->kind == MONGO_INSERT ? 0 : (int64_t)op->old_rev);
	BSON_APPEND_INT64(&one, "n",
	    op->kind == MONGO_DELETE ? 0 : (int64_t)op->new_rev);
	BSON_APPEND_UTF8(&one, "g", c->group);
	BSON_APPEND_DOCUMENT_BEGIN(&one, "v", &sums);
	append_counters(&sums, op->d, c->add, false);
	bson_append_document_end(&one, &sums);
	bson_append_document_end(all, &one);
}

static void
no_duplicate(void *ctx, uint32_t at)
{
	(void)at;
	*(bool *)ctx = true;
}

static enum q_err
run_write(struct mongo *m, const bson_t *cmd, uint32_t *ret_n,
    bool *ret_duplicate, struct fault *f)
{
	bson_t reply;
	int code;
	enum q_err r = mongo_run(m, cmd, &reply, &code, f);

	*ret_duplicate = false;
	if (r == Q_OK)
		r = mongo_written(&reply, ret_n, no_duplicate, ret_duplicate,
		    f);
	bson_destroy(&reply);
	return r;
}

/* A clone of this machine, most likely. It has taken over; we must not. */
static enum q_err
usurped(const struct mongo *m, struct fault *f)
{
	return fault_retry(f, Q_UNAVAIL, MONGO_RETRY_SECONDS,
	    "store: another recordd writes as node %s, of a copy of this "
	    "one's state?", m->node);
}

/* Take the place of the intent before: only if it is still ours, for nobody
 * else may write under our name. */
static enum q_err
intent_put(struct mongo *m, const bson_t *elements, uint64_t seq,
    struct fault *f)
{
	bson_t cmd = BSON_INITIALIZER, all, one, match, put;
	uint32_t n = 0;
	bool duplicate;
	enum q_err r;

	BSON_APPEND_UTF8(&cmd, "update", MONGO_NODE);
	mongo_writes(&cmd);
	BSON_APPEND_ARRAY_BEGIN(&cmd, "updates", &all);
	BSON_APPEND_DOCUMENT_BEGIN(&all, "0", &one);
	BSON_APPEND_DOCUMENT_BEGIN(&one, "q", &match);
	BSON_APPEND_UTF8(&match, "_id", m->node);
	BSON_APPEND_INT64(&match, "seq", (int64_t)m->seq);
	bson_append_document_end(&one, &match);
	BSON_APPEND_DOCUMENT_BEGIN(&one, "u", &put);
	BSON_APPEND_INT64(&put, "seq", (int64_t)seq);
	BSON_APPEND_ARRAY(&put, "ops", elements);
	bson_append_document_end(&one, &put);
	bson_append_document_end(&all, &one);
	bson_append_array_end(&cmd, &all);
	r = run_write(m, &cmd, &n, &duplicate, f);
	bson_destroy(&cmd);
	if (r == Q_OK && n != 1) {
		m->usurped = true;
		return usurped(m, f);
	}
	if (r == Q_OK)
		m->seq = seq;
	return r;
}

enum q_err
mongo_intent(struct mongo *m, struct mongo_batch *b, struct fault *f)
{
	bson_t elements = BSON_INITIALIZER;
	uint32_t n = 0;
	enum q_err r = Q_OK;

	for (size_t i = 0; i < b->n; i++) {
		const struct mongo_op *op = &b->op[i];

		for (size_t k = 0; k < ARRAY_LEN(op->counts); k++)
			if (op->state == MONGO_OPEN && counts(&op->counts[k]))
				append_element(&elements, n++, op,
				    &op->counts[k]);
	}
	if (n != 0)
		r = intent_put(m, &elements, m->seq + 1, f);
	if (n != 0 && r == Q_OK)
		b->seq = m->seq;
	bson_destroy(&elements);
	return r;
}

/* -- counters -- */

static void
append_count(bson_t *all, const char *at, const struct mongo *m,
    const struct store_sum *row, uint64_t seq)
{
	char id[MONGO_COUNTER_ID_MAX];
	bson_t one, match, older, u, inc, set;
	const char *names[REC_COUNTERS_MAX];
	char path[REC_COUNTERS_MAX + 32];
	size_t n = rec_counter_names(row->d, names);

	snprintf(id, sizeof(id), "%s/%s/%s", row->d->name, row->group,
	    m->node);
	BSON_APPEND_DOCUMENT_BEGIN(all, at, &one);
	BSON_APPEND_DOCUMENT_BEGIN(&one, "q", &match);
	BSON_APPEND_UTF8(&match, "_id", id);
	BSON_APPEND_DOCUMENT_BEGIN(&match, "seq", &older);
	BSON_APPEND_INT64(&older, "$lt", (int64_t)seq);
	bson_append_document_end(&match, &older);
	bson_append_document_end(&one, &match);
	BSON_APPEND_DOCUMENT_BEGIN(&one, "u", &u);
	BSON_APPEND_DOCUMENT_BEGIN(&u, "$inc", &inc);
	for (size_t i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "v.%s", names[i]);
		if (i == 0 || row->add[i] != 0)
			BSON_APPEND_INT64(&inc, path, row->add[i]);
	}
	bson_append_document_end(&u, &inc);
	BSON_APPEND_DOCUMENT_BEGIN(&u, "$set", &set);
	BSON_APPEND_INT64(&set, "seq", (int64_t)seq);
	BSON_APPEND_UTF8(&set, "type", row->d->name);
	BSON_APPEND_UTF8(&set, "group", row->group);
	bson_append_document_end(&u, &set);
	bson_append_document_end(&one, &u);
	BSON_APPEND_BOOL(&one, "upsert", true);
	bson_append_document_end(all, &one);
}

/* A document that has this seq does not match, and its insert is refused as
 * a duplicate: it is counted already. */
static enum q_err
count_sums(struct mongo *m, const struct store_sums *sums, uint64_t seq,
    struct fault *f)
{
	bson_t cmd = BSON_INITIALIZER, all;
	uint32_t n;
	bool counted_before;
	enum q_err r;

	if (sums->n == 0)
		return Q_OK;
	BSON_APPEND_UTF8(&cmd, "update", MONGO_COUNTER);
	BSON_APPEND_BOOL(&cmd, "ordered", false);
	mongo_writes(&cmd);
	BSON_APPEND_ARRAY_BEGIN(&cmd, "updates", &all);
	for (size_t i = 0; i < sums->n; i++) {
		char space[16];
		const char *at;

		bson_uint32_to_string((uint32_t)i, &at, space, sizeof(space));
		append_count(&all, at, m, &sums->row[i], seq);
	}
	bson_append_array_end(&cmd, &all);
	r = run_write(m, &cmd, &n, &counted_before, f);
	bson_destroy(&cmd);
	return r;
}

/* A row for each group of the intent, also if nothing is to be added: its
 * seq must move. */
static enum q_err
sums_fold(struct store_sums *sums, const struct rec_desc *d,
    const char *group, const int64_t *add)
{
	struct store_sum *row = store_sums_row(sums, d, group);

	if (row == NULL)
		return Q_NOMEM;
	/* Of an intent they may be anything. */
	for (size_t i = 0; add != NULL && i < REC_COUNTERS_MAX; i++)
		row->add[i] = (int64_t)((uint64_t)row->add[i] +
		    (uint64_t)add[i]);
	return Q_OK;
}

static enum q_err
sums_of(struct store_sums *sums, const struct mongo_op *op)
{
	enum q_err r = Q_OK;

	for (size_t k = 0; r == Q_OK && k < ARRAY_LEN(op->counts); k++)
		if (counts(&op->counts[k]))
			r = sums_fold(sums, op->d, op->counts[k].group,
			    op->state == MONGO_DONE ? op->counts[k].add
						    : NULL);
	return r;
}

enum q_err
mongo_count(struct mongo *m, const struct mongo_batch *b, struct fault *f)
{
	struct store_sums sums = { 0 };
	enum q_err r = Q_OK;

	if (b->seq == 0)
		return Q_OK;
	for (size_t i = 0; r == Q_OK && i < b->n; i++)
		r = sums_of(&sums, &b->op[i]);
	if (r == Q_OK)
		r = count_sums(m, &sums, b->seq, f);
	store_sums_free(&sums);
	for (size_t i = 0; r == Q_OK && i < b->n; i++) {
		const struct mongo_op *op = &b->op[i];

		for (size_t k = 0; k < ARRAY_LEN(op->counts); k++)
			if (op->state == MONGO_DONE)
				store_tally_moved(&m->tally, op->d,
				    op->counts[k].group, op->key,
				    op->counts[k].add);
	}
	return r;
}

/* -- recovery -- */

static const char *
text_of(const bson_t *doc, const char *name, size_t most)
{
	bson_iter_t it;
	uint32_t len;
	const char *s;

	if (!bson_iter_init_find(&it, doc, name) || !BSON_ITER_HOLDS_UTF8(&it))
		return NULL;
	s = bson_iter_utf8(&it, &len);
	return len <= most && strlen(s) == len ? s : NULL;
}

static uint64_t
number_of(const bson_t *doc, const char *name)
{
	bson_iter_t it;

	return bson_iter_init_find(&it, doc, name) &&
	    BSON_ITER_HOLDS_INT64(&it) ? (uint64_t)bson_iter_int64(&it) : 0;
}

static bool
element_parse(const bson_iter_t *it, struct element *ret)
{
	const char *names[REC_COUNTERS_MAX], *type;
	bson_t doc, sums;
	bson_iter_t v;
	size_t n;

	memset(ret, 0, sizeof(*ret));
	if (!mongo_sub(it, &doc))
		return false;
	type = text_of(&doc, "t", 64);
	ret->d = type != NULL ? rec_desc_by_name(type) : NULL;
	ret->key = text_of(&doc, "k", REC_KEY_MAX);
	ret->group = text_of(&doc, "g", REC_NAME_MAX);
	if (ret->d == NULL || ret->key == NULL || ret->group == NULL ||
	    !bson_iter_init_find(&v, &doc, "v") || !mongo_sub(&v, &sums))
		return false;
	ret->old_rev = number_of(&doc, "o");
	ret->new_rev = number_of(&doc, "n");
	n = rec_counter_names(ret->d, names);
	for (size_t i = 0; i < n; i++)
		ret->add[i] = (int64_t)number_of(&sums, names[i]);
	return true;
}

/* A second element of a document is of the group that it goes to. */
static void
element_take(struct mongo_batch *b, const struct element *e)
{
	struct mongo_op *op = mongo_batch_find(b, e->d, e->key);
	struct mongo_add *c;

	if (op == NULL) {
		if (mongo_batch_add(b, e->d, e->key, &op) != Q_OK)
			return;
		op->kind = e->old_rev == 0 ? MONGO_INSERT
		    : e->new_rev == 0 ? MONGO_DELETE : MONGO_UPDATE;
		op->old_rev = e->old_rev;
		op->new_rev = e->new_rev;
	}
	if (op->old_rev != e->old_rev || op->new_rev != e->new_rev)
		return;
	c = mongo_op_counts(op, e->group);
	if (c != NULL)
		memcpy(c->add, e->add, sizeof(c->add));
}

enum q_err
mongo_intent_parse(const bson_t *node, struct mongo_batch **ret_batch)
{
	bson_iter_t it, each, counting;
	struct mongo_batch *b;
	struct element e;
	size_t n = 0;

	if (!bson_iter_init_find(&it, node, "ops") ||
	    !BSON_ITER_HOLDS_ARRAY(&it) || !bson_iter_recurse(&it, &each))
		return Q_NOTFOUND;
	for (counting = each; bson_iter_next(&counting);)
		n++;
	b = mongo_batch_new(n + 1);
	if (b == NULL)
		return Q_NOMEM;
	while (bson_iter_next(&each))
		if (element_parse(&each, &e))
			element_take(b, &e);
	b->again = true;
	*ret_batch = b;
	return Q_OK;
}

/* The document of this node, made if need be. */
static enum q_err
node_read(struct mongo *m, bson_t *ret_reply, bson_t *ret_node,
    struct fault *f)
{
	bson_t cmd = BSON_INITIALIZER, all, doc, filter;
	uint32_t n;
	bool there;
	int code;
	enum q_err r;

	BSON_APPEND_UTF8(&cmd, "insert", MONGO_NODE);
	mongo_writes(&cmd);
	BSON_APPEND_ARRAY_BEGIN(&cmd, "documents", &all);
	BSON_APPEND_DOCUMENT_BEGIN(&all, "0", &doc);
	BSON_APPEND_UTF8(&doc, "_id", m->node);
	BSON_APPEND_INT64(&doc, "seq", 1);
	bson_append_document_end(&all, &doc);
	bson_append_array_end(&cmd, &all);
	r = run_write(m, &cmd, &n, &there, f);
	bson_destroy(&cmd);
	bson_init(ret_reply);
	if (r != Q_OK)
		return r;
	bson_init(&cmd);
	BSON_APPEND_UTF8(&cmd, "find", MONGO_NODE);
	BSON_APPEND_DOCUMENT_BEGIN(&cmd, "filter", &filter);
	BSON_APPEND_UTF8(&filter, "_id", m->node);
	bson_append_document_end(&cmd, &filter);
	mongo_reads(&cmd);
	bson_destroy(ret_reply);
	r = mongo_run(m, &cmd, ret_reply, &code, f);
	bson_destroy(&cmd);
	if (r == Q_OK && (!mongo_first(ret_reply, ret_node) ||
	    number_of(ret_node, "seq") == 0))
		r = fault_retry(f, Q_UNAVAIL, MONGO_RETRY_SECONDS,
		    "store: the document of node %s is damaged", m->node);
	return r;
}

enum q_err
mongo_recover(struct mongo *m, struct fault *f)
{
	bson_t reply, node, none = BSON_INITIALIZER;
	struct mongo_batch *b = NULL;
	enum q_err r;

	if (m->usurped)
		return usurped(m, f);
	r = node_read(m, &reply, &node, f);
	if (r == Q_OK) {
		m->seq = number_of(&node, "seq");
		r = mongo_intent_parse(&node, &b);
	}
	if (r == Q_OK) {
		b->seq = m->seq;
		r = mongo_judge(m, b, f);
	}
	if (r == Q_OK)
		r = mongo_count(m, b, f);
	if (r == Q_OK || r == Q_NOTFOUND)
		r = intent_put(m, &none, m->seq + 1, f);
	if (r != Q_OK)
		m->seq = 0;
	mongo_batch_free(b);
	bson_destroy(&reply);
	bson_destroy(&none);
	return r;
}
