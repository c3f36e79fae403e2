// SPDX-License-Identifier: Apache-2.0
/*
 * A recount while this node and others write. What this node writes is told
 * to the tally. That nobody else's write fell in between is seen by what the
 * others have counted, and intend, when it begins and when it ends: if that
 * is not the same, it was for nothing.
 */
#include "config.h"

#include "recordd/store_mongo.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"

#define RECOUNT_ROWS 1000
#define NODES_MAX 1000

#define PEERS_MAX 64

/* What the nodes have counted of a group. */
struct ledger {
	uint64_t print; /* of all that others have */
	size_t n_peers;
	struct {
		char node[MONGO_NODE_MAX + 1];
		uint64_t seq;
	} peer[PEERS_MAX];
	int64_t own[REC_COUNTERS_MAX], others[REC_COUNTERS_MAX];
};

static void
print_add(uint64_t *print, const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++)
		*print = (*print ^ p[i]) * UINT64_C(0x100000001b3);
}

static uint64_t
seq_of(const bson_t *doc)
{
	bson_iter_t it;

	return bson_iter_init_find(&it, doc, "seq") &&
	    BSON_ITER_HOLDS_INT64(&it) ? (uint64_t)bson_iter_int64(&it) : 0;
}

/* The name of a node, behind the last stroke of an _id. */
static const char *
node_of(const bson_t *doc)
{
	bson_iter_t it;
	const char *id, *stroke;

	if (!bson_iter_init_find(&it, doc, "_id") ||
	    !BSON_ITER_HOLDS_UTF8(&it))
		return "";
	id = bson_iter_utf8(&it, NULL);
	stroke = strrchr(id, '/');
	return stroke != NULL ? stroke + 1 : id;
}

static void
ledger_add(struct ledger *l, const struct mongo *m, const bson_t *doc,
    const struct rec_desc *d)
{
	const char *names[REC_COUNTERS_MAX];
	size_t n = rec_counter_names(d, names);
	bson_iter_t it;
	bson_t v;
	int64_t *sum = l->own;

	if (strcmp(node_of(doc), m->node) != 0) {
		sum = l->others;
		print_add(&l->print, bson_get_data(doc), doc->len);
		if (l->n_peers < PEERS_MAX) {
			snprintf(l->peer[l->n_peers].node,
			    sizeof(l->peer[0].node), "%s", node_of(doc));
			l->peer[l->n_peers++].seq = seq_of(doc);
		}
	}
	if (!bson_iter_init_find(&it, doc, "v") || !mongo_sub(&it, &v))
		return;
	for (size_t i = 0; i < n; i++)
		if (bson_iter_init_find(&it, &v, names[i]))
			sum[i] = (int64_t)((uint64_t)sum[i] +
			    (uint64_t)bson_iter_as_int64(&it));
}

static enum q_err
ask(struct mongo *m, bson_t *cmd, bson_t *ret_reply, bson_iter_t *ret_each,
    struct fault *f)
{
	enum q_err r;

	BSON_APPEND_INT32(cmd, "batchSize", NODES_MAX);
	BSON_APPEND_INT32(cmd, "limit", NODES_MAX);
	BSON_APPEND_BOOL(cmd, "singleBatch", true);
	mongo_reads(cmd);
	r = mongo_ask(m, cmd, ret_reply, f);
	if (r == Q_OK && mongo_rows(ret_reply, ret_each) != Q_OK)
		r = fault_set(f, Q_INTERNAL, "store: malformed answer");
	return r;
}

static void
append_order(bson_t *cmd)
{
	bson_t sort;

	BSON_APPEND_DOCUMENT_BEGIN(cmd, "sort", &sort);
	BSON_APPEND_INT32(&sort, "_id", 1);
	bson_append_document_end(cmd, &sort);
}

/* The counters of the group, of each node. */
static enum q_err
read_counters(struct mongo *m, const struct rec_desc *d, const char *group,
    struct ledger *l, struct fault *f)
{
	bson_t cmd = BSON_INITIALIZER, filter, reply, doc;
	bson_iter_t each;
	enum q_err r;

	BSON_APPEND_UTF8(&cmd, "find", MONGO_COUNTER);
	BSON_APPEND_DOCUMENT_BEGIN(&cmd, "filter", &filter);
	BSON_APPEND_UTF8(&filter, "type", d->name);
	BSON_APPEND_UTF8(&filter, "group", group);
	bson_append_document_end(&cmd, &filter);
	append_order(&cmd);
	r = ask(m, &cmd, &reply, &each, f);
	while (r == Q_OK && bson_iter_next(&each))
		if (mongo_sub(&each, &doc))
			ledger_add(l, m, &doc, d);
	bson_destroy(&reply);
	bson_destroy(&cmd);
	return r;
}

/* Whether a node has counted what it intended. */
static bool
is_over(const struct ledger *l, const bson_t *intent)
{
	for (size_t i = 0; i < l->n_peers; i++)
		if (strcmp(l->peer[i].node, node_of(intent)) == 0)
			return l->peer[i].seq >= seq_of(intent);
	return false;
}

/* Others that name the group in their latest intents must be through. */
static enum q_err
read_intents(struct mongo *m, const char *group, struct ledger *l,
    struct fault *f)
{
	bson_t cmd = BSON_INITIALIZER, filter, other, only, reply, doc;
	bson_iter_t each;
	enum q_err r;

	BSON_APPEND_UTF8(&cmd, "find", MONGO_NODE);
	BSON_APPEND_DOCUMENT_BEGIN(&cmd, "filter", &filter);
	BSON_APPEND_DOCUMENT_BEGIN(&filter, "_id", &other);
	BSON_APPEND_UTF8(&other, "$ne", m->node);
	bson_append_document_end(&filter, &other);
	BSON_APPEND_UTF8(&filter, "ops.g", group);
	bson_append_document_end(&cmd, &filter);
	BSON_APPEND_DOCUMENT_BEGIN(&cmd, "projection", &only);
	BSON_APPEND_INT32(&only, "seq", 1);
	bson_append_document_end(&cmd, &only);
	append_order(&cmd);
	r = ask(m, &cmd, &reply, &each, f);
	while (r == Q_OK && bson_iter_next(&each))
		if (mongo_sub(&each, &doc) && !is_over(l, &doc))
			r = fault_set(f, Q_CONFLICT,
			    "recount: node %.32s is writing, or ended in "
			    "doing so; begin again", node_of(&doc));
	bson_destroy(&reply);
	bson_destroy(&cmd);
	return r;
}

static enum q_err
ledger_read(struct mongo *m, const struct store_tally *t, struct ledger *l,
    struct fault *f)
{
	enum q_err r;

	*l = (struct ledger){ .print = UINT64_C(0xcbf29ce484222325) };
	r = read_counters(m, t->d, t->group, l, f);
	return r == Q_OK ? read_intents(m, t->group, l, f) : r;
}

/* This node's counters become what the others' leave. */
static enum q_err
counters_set(struct mongo *m, const struct store_tally *t,
    const struct ledger *l, struct fault *f)
{
	bson_t cmd = BSON_INITIALIZER, all, one, match, u, set, v, reply;
	const char *names[REC_COUNTERS_MAX];
	size_t n = rec_counter_names(t->d, names);
	char id[MONGO_COUNTER_ID_MAX];
	uint32_t written;
	int code;
	enum q_err r;

	snprintf(id, sizeof(id), "%s/%s/%s", t->d->name, t->group, m->node);
	BSON_APPEND_UTF8(&cmd, "update", MONGO_COUNTER);
	mongo_writes(&cmd);
	BSON_APPEND_ARRAY_BEGIN(&cmd, "updates", &all);
	BSON_APPEND_DOCUMENT_BEGIN(&all, "0", &one);
	BSON_APPEND_DOCUMENT_BEGIN(&one, "q", &match);
	BSON_APPEND_UTF8(&match, "_id", id);
	bson_append_document_end(&one, &match);
	BSON_APPEND_DOCUMENT_BEGIN(&one, "u", &u);
	BSON_APPEND_DOCUMENT_BEGIN(&u, "$set", &set);
	BSON_APPEND_INT64(&set, "seq", (int64_t)m->seq);
	BSON_APPEND_UTF8(&set, "type", t->d->name);
	BSON_APPEND_UTF8(&set, "group", t->group);
	BSON_APPEND_DOCUMENT_BEGIN(&set, "v", &v);
	for (size_t i = 0; i < n; i++)
		BSON_APPEND_INT64(&v, names[i], t->sum[i] - l->others[i]);
	bson_append_document_end(&set, &v);
	bson_append_document_end(&u, &set);
	bson_append_document_end(&one, &u);
	BSON_APPEND_BOOL(&one, "upsert", true);
	bson_append_document_end(&all, &one);
	bson_append_array_end(&cmd, &all);
	r = mongo_run(m, &cmd, &reply, &code, f);
	if (r == Q_OK)
		r = mongo_written(&reply, &written, NULL, NULL, f);
	bson_destroy(&reply);
	bson_destroy(&cmd);
	return r;
}

static enum q_err
tally_put(struct mongo *m, struct store_write *w, struct fault *f)
{
	const struct store_tally *t = &m->tally;
	struct ledger l;
	enum q_err r = ledger_read(m, t, &l, f);

	if (r == Q_OK && l.print != m->tally_print)
		return fault_set(f, Q_CONFLICT,
		    "recount: another node wrote meanwhile, begin again");
	for (size_t i = 0; r == Q_OK && i < REC_COUNTERS_MAX; i++)
		w->changed += t->sum[i] != l.own[i] + l.others[i];
	return r == Q_OK && w->changed != 0 ? counters_set(m, t, &l, f) : r;
}

enum q_err
mongo_recount(struct mongo *m, struct store_write *w, struct fault *f)
{
	struct ledger l;
	enum q_err r = Q_OK;

	if (*w->query.after == '\0') {
		r = ledger_read(m, &m->tally, &l, f);
		m->tally_print = l.print;
	}
	w->query.limit = RECOUNT_ROWS;
	if (r == Q_OK)
		r = mongo_list(&m->base, &w->query, store_tally_emit,
		    &m->tally, w->next, f);
	if (r == Q_OK && w->next[0] == '\0')
		r = tally_put(m, w, f);
	snprintf(m->tally.at, sizeof(m->tally.at), "%s", w->next);
	return r;
}
