// SPDX-License-Identifier: Apache-2.0
/*
 * The changes of a batch, in as few commands as they fit into. Each is bound
 * to a revision, or to there being no document, so that a command that is
 * sent twice, or arrives after it was given up, does nothing more; what was
 * made is known by the new revision, which is random.
 */
#include "config.h"

#include "recordd/store_mongo.h"

#include "base/own.h"

#define CHUNK_OPS 1000
#define CHUNK_BYTES (4U << 20)
/* Statements that look for a document: a slow server must be able to answer
 * within SOCKET_MS, or the same command would be tried for ever. */
#define CHUNK_MATCHES 32

struct chunk {
	const struct rec_desc *d;
	enum mongo_kind kind;
	size_t n;
	struct mongo_op *op[CHUNK_OPS];
	uint32_t copies; /* statements refused as duplicates */
	bool copy[CHUNK_OPS];
};

static void
append_match(bson_t *statement, const struct mongo_op *op)
{
	bson_t match;

	BSON_APPEND_DOCUMENT_BEGIN(statement, "q", &match);
	BSON_APPEND_UTF8(&match, "_id", op->key);
	BSON_APPEND_INT64(&match, "rev", (int64_t)op->old_rev);
	bson_append_document_end(statement, &match);
}

static void
append_statement(bson_t *all, const char *at, const struct mongo_op *op)
{
	bson_t one;

	if (op->kind == MONGO_INSERT) {
		BSON_APPEND_DOCUMENT(all, at, op->image);
		return;
	}
	BSON_APPEND_DOCUMENT_BEGIN(all, at, &one);
	append_match(&one, op);
	if (op->kind == MONGO_UPDATE)
		BSON_APPEND_DOCUMENT(&one, "u", op->image);
	else
		BSON_APPEND_INT32(&one, "limit", 1);
	bson_append_document_end(all, &one);
}

static void
chunk_command(bson_t *cmd, const struct chunk *c)
{
	static const char *const verbs[] = { [MONGO_INSERT] = "insert",
		[MONGO_UPDATE] = "update", [MONGO_DELETE] = "delete" };
	static const char *const lists[] = { [MONGO_INSERT] = "documents",
		[MONGO_UPDATE] = "updates", [MONGO_DELETE] = "deletes" };
	bson_t all;

	BSON_APPEND_UTF8(cmd, verbs[c->kind], c->d->name);
	BSON_APPEND_BOOL(cmd, "ordered", false);
	mongo_writes(cmd);
	BSON_APPEND_ARRAY_BEGIN(cmd, lists[c->kind], &all);
	for (size_t i = 0; i < c->n; i++) {
		char space[16];
		const char *at;

		bson_uint32_to_string((uint32_t)i, &at, space, sizeof(space));
		append_statement(&all, at, c->op[i]);
	}
	bson_append_array_end(cmd, &all);
}

static void
note_copy(void *ctx, uint32_t at)
{
	struct chunk *c = ctx;

	if (at < c->n && !c->copy[at]) {
		c->copy[at] = true;
		c->copies++;
	}
}

/* What a document says about a change that may have been made to it. It is
 * read as most of the servers have it: a change that is not there yet stays
 * open. */
static void
judge_found(struct mongo_op *op, const struct mongo_row *row)
{
	if (op->kind == MONGO_DELETE)
		op->state = row->rev == op->old_rev ? MONGO_OPEN : MONGO_NOT;
	else if (row->rev == op->new_rev || row->prev == op->new_rev)
		op->state = MONGO_DONE;
	else if (op->kind == MONGO_UPDATE && row->rev == op->old_rev)
		op->state = MONGO_OPEN;
	else
		op->state = MONGO_NOT;
}

/* What can be said about one that is not there. Of deletes that were sent
 * once, as many were ours as the server says. */
static void
judge_absent(struct mongo_op *op, bool again, uint32_t *n)
{
	if (op->kind == MONGO_UPDATE)
		op->state = MONGO_NOT;
	if (op->kind != MONGO_DELETE)
		return;
	op->state = again || *n > 0 ? MONGO_DONE : MONGO_NOT;
	*n -= *n > 0;
}

/* Look at each that is open. */
static enum q_err
judge(struct mongo *m, struct mongo_batch *b, struct chunk *c, uint32_t n,
    struct fault *f)
{
	const char *keys[CHUNK_OPS];
	struct mongo_keys want = { .d = c->d, .key = keys };
	bson_t reply;
	bson_iter_t each;
	struct mongo_row row;
	enum q_err r;

	for (size_t i = 0; i < c->n; i++) {
		c->op[i]->seen = c->op[i]->state != MONGO_OPEN;
		if (!c->op[i]->seen)
			keys[want.n++] = c->op[i]->key;
	}
	r = mongo_find_keys(m, &want, &reply, f);
	if (r == Q_OK)
		r = mongo_rows(&reply, &each);
	while (r == Q_OK && (r = mongo_row_next(&each, &row, f)) == Q_OK) {
		struct mongo_op *op = mongo_batch_find(b, c->d, row.key);

		if (op != NULL && !op->seen) {
			op->seen = true;
			judge_found(op, &row);
		}
	}
	bson_destroy(&reply);
	for (size_t i = 0; r == Q_NOTFOUND && i < c->n; i++)
		if (!c->op[i]->seen)
			judge_absent(c->op[i], b->again, &n);
	return r == Q_NOTFOUND ? Q_OK : r;
}

/* From the server's answer to what became of each; what it does not tell is
 * left open. */
static bool
chunk_settle(struct chunk *c, bool again, uint32_t n)
{
	bool open = false;

	for (size_t i = 0; i < c->n; i++) {
		struct mongo_op *op = c->op[i];

		if (c->copy[i] && again)
			open = true;
		else if (c->copy[i])
			op->state = MONGO_NOT;
		else if (c->kind == MONGO_INSERT || n == c->n)
			op->state = MONGO_DONE;
		else
			open = true;
	}
	return open;
}

static enum q_err
chunk_send(struct mongo *m, struct mongo_batch *b, struct chunk *c,
    struct fault *f)
{
	bson_t cmd = BSON_INITIALIZER, reply;
	uint32_t n;
	int code;
	enum q_err r;

	if (c->n == 0)
		return Q_OK;
	chunk_command(&cmd, c);
	r = mongo_run(m, &cmd, &reply, &code, f);
	if (r == Q_OK)
		r = mongo_written(&reply, &n, note_copy, c, f);
	if (r == Q_OK && chunk_settle(c, b->again, n))
		r = judge(m, b, c, n, f);
	bson_destroy(&reply);
	bson_destroy(&cmd);
	for (size_t i = 0; r == Q_OK && i < c->n; i++)
		if (c->op[i]->state == MONGO_OPEN)
			r = fault_retry(f, Q_UNAVAIL, MONGO_RETRY_SECONDS,
			    "store: a write is not yet on most servers");
	return r;
}

/* The changes of one kind to one collection. */
static enum q_err
apply_kind(struct mongo *m, struct mongo_batch *b, const struct rec_desc *d,
    enum mongo_kind kind, struct fault *f)
{
	struct chunk c = { .d = d, .kind = kind };
	size_t most = kind == MONGO_INSERT ? CHUNK_OPS : CHUNK_MATCHES;
	size_t bytes = 0;
	enum q_err r = Q_OK;

	for (size_t i = 0; r == Q_OK && i < b->n; i++) {
		struct mongo_op *op = &b->op[i];

		if (op->d != d || op->kind != kind || op->state != MONGO_OPEN)
			continue;
		c.op[c.n++] = op;
		bytes += op->image != NULL ? op->image->len : sizeof(op->key);
		if (c.n < most && bytes < CHUNK_BYTES)
			continue;
		r = chunk_send(m, b, &c, f);
		c = (struct chunk){ .d = d, .kind = kind };
		bytes = 0;
	}
	return r == Q_OK ? chunk_send(m, b, &c, f) : r;
}

enum q_err
mongo_apply(struct mongo *m, struct mongo_batch *b, struct fault *f)
{
	enum q_err r = Q_OK;

	for (size_t i = 0; r == Q_OK && i < rec_n_descs; i++)
		for (unsigned k = 0; r == Q_OK && k < MONGO_KINDS; k++)
			r = apply_kind(m, b, &rec_descs[i],
			    (enum mongo_kind)k, f);
	return r;
}

/* As many of a type as one question takes, from *at on. */
static void
chunk_gather(struct chunk *c, struct mongo_batch *b, size_t *at)
{
	for (; *at < b->n && c->n < CHUNK_OPS; ++*at)
		if (b->op[*at].d == c->d && b->op[*at].state == MONGO_OPEN)
			c->op[c->n++] = &b->op[*at];
}

enum q_err
mongo_judge(struct mongo *m, struct mongo_batch *b, struct fault *f)
{
	enum q_err r = Q_OK;

	for (size_t i = 0; r == Q_OK && i < rec_n_descs; i++)
		for (size_t at = 0; r == Q_OK && at < b->n;) {
			struct chunk c = { .d = &rec_descs[i] };

			chunk_gather(&c, b, &at);
			if (c.n != 0)
				r = judge(m, b, &c, 0, f);
		}
	return r;
}
