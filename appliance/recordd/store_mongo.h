// SPDX-License-Identifier: Apache-2.0
#ifndef RECORDD_STORE_MONGO_H
#define RECORDD_STORE_MONGO_H

/*
 * What the files of the MongoDB store share. Collections of the database:
 *
 *  <type>   {_id: key, rev, prev: the revision that rev replaced, doc: the
 *           document, <index on CERTS>: [names of certificates]}
 *  counter  {_id: "<type>/<group>/<node>", type, group, seq, v: {name: n}};
 *           the counters of a group are the sums over its nodes
 *  node     {_id: node, seq, ops: [...]}, the intent of each appliance
 *
 * A node writes, for each commit that moves counters, first its intent (what
 * it is about to change, under the next seq), then the documents, then the
 * counters, each only if its seq is older. Whatever ends it in between, the
 * revisions in the documents tell later which changes were made, and seq
 * which counters have them. Each step is atomic per document; nothing needs
 * a transaction.
 */

#include <bson/bson.h>
#include <pthread.h>

#include "base/buf.h"
#include "recordd/store.h"

#define MONGO_NODE_MAX 32
#define MONGO_NAME_MAX 64 /* of a database */
#define MONGO_RETRY_SECONDS 2
#define MONGO_COUNTER "counter"
#define MONGO_COUNTER_ID_MAX 200
#define MONGO_NODE "node"

/* What may be asked of the server just now. */
enum mongo_state {
	MONGO_AWAY,  /* nothing */
	MONGO_READS, /* get and list; a write failed, or is in doubt */
	MONGO_READY
};

struct mongo_link; /* of store_mongo_link.c, which alone sees mongoc.h */
struct mongo_batch;

struct mongo {
	struct store base;
	char node[MONGO_NODE_MAX + 1];
	struct mongo_link *link;
	int lock_fd;
	bool indexed; /* the prober's */

	pthread_mutex_t lock; /* of what is below */
	pthread_cond_t wake;
	enum mongo_state state;
	char why[200];
	bool suspect; /* something failed since the prober looked */
	bool lost; /* AWAY was noted; for who looks whether it is again */
	int64_t heard; /* when the server last answered, ms since boot */
	bool stop;
	pthread_t prober;
	bool prober_runs;

	pthread_mutex_t write_lock; /* of what is below */
	struct mongo_batch *doubt; /* sent, and not known to be complete */
	uint64_t seq; /* of the latest intent; 0: not known */
	bool usurped; /* somebody else writes as this node */
	struct store_tally tally;
	uint64_t tally_print; /* of what other nodes counted when it began */
};

/* -- store_mongo_link.c: the driver -- */

/* place: the URI without "mongodb:", or the path of a file with all of it.
 * CONFIG; the fault never has a password. */
enum q_err mongo_link_open(const char *place, struct mongo_link **ret_link,
    struct fault *f) Q_CHECKED;
void mongo_link_close(struct mongo_link *l);

void mongo_link_needs(const char *place, struct store_needs *ret_needs);

/* Whether the server answers, asked by the prober alone; within 2 s. */
enum q_err mongo_link_ping(struct mongo_link *l, struct fault *f) Q_CHECKED;

/* A command and its reply, which the caller destroys in any case. UNAVAIL:
 * no answer, or one that says no; *ret_code is the server's error, or 0. */
enum q_err mongo_link_run(struct mongo_link *l, const bson_t *cmd,
    bson_t *ret_reply, int *ret_code, struct fault *f) Q_CHECKED;

/* What the errors of a server mean to us. */
#define MONGO_NO_NAMESPACE 26
#define MONGO_TIME_UP 50
#define MONGO_DUPLICATE 11000

/* -- store_mongo_reply.c: what the server says; any bytes may come -- */

struct mongo_row {
	const char *key;
	uint64_t rev, prev;
	struct bytes doc; /* empty when it was not asked for */
};

/* The documents of a cursor's first batch. */
enum q_err mongo_rows(const bson_t *reply, bson_iter_t *ret_each) Q_CHECKED;

/* The next of them. NOTFOUND: no more; INTERNAL: not one of ours. */
enum q_err mongo_row_next(bson_iter_t *each, struct mongo_row *ret_row,
    struct fault *f) Q_CHECKED;

/* What a write command did: statements that matched, and those that failed
 * by their place in it. UNAVAIL: the answer does not promise that all is
 * durable, or a statement failed for another reason than a duplicate. */
typedef void mongo_duplicate(void *ctx, uint32_t at);
enum q_err mongo_written(const bson_t *reply, uint32_t *ret_n,
    mongo_duplicate *duplicate, void *ctx, struct fault *f) Q_CHECKED;

/* The first document of a cursor, or one inside a document. */
bool mongo_first(const bson_t *reply, bson_t *ret_doc);
bool mongo_sub(const bson_iter_t *it, bson_t *ret_doc);

/* -- store_mongo.c -- */

/* Run a command, and note what its end says about the server. */
enum q_err mongo_run(struct mongo *m, const bson_t *cmd, bson_t *ret_reply,
    int *ret_code, struct fault *f) Q_CHECKED;

/* The same for what only reads, and may be asked again. */
#define MONGO_PATIENCE_MS 2500 /* a failure that took no longer is retried */
enum q_err mongo_ask(struct mongo *m, const bson_t *cmd, bson_t *ret_reply,
    struct fault *f) Q_CHECKED;

/* Something failed: the prober is to see when it is well again. */
void mongo_fails(struct mongo *m, enum mongo_state state,
    const struct fault *f);

/* UNAVAIL when the server is not in that state or a better one. */
enum q_err mongo_gate(struct mongo *m, enum mongo_state wants,
    struct fault *f) Q_CHECKED;

/* Add to a command what each read, each write has. */
void mongo_reads(bson_t *cmd);
void mongo_writes(bson_t *cmd);

/* -- store_mongo_read.c -- */

/* Rows by their keys: with the documents, or revisions only. */
struct mongo_keys {
	const struct rec_desc *d;
	const char *const *key;
	size_t n;
	bool docs;
};
enum q_err mongo_find_keys(struct mongo *m, const struct mongo_keys *keys,
    bson_t *ret_reply, struct fault *f) Q_CHECKED;
enum q_err mongo_get(struct store *base, const struct rec_desc *d,
    const char *key, struct buf *doc, uint64_t *ret_rev, struct fault *f);
enum q_err mongo_list(struct store *base, const struct store_query *q,
    store_emit *emit, void *ctx, char ret_next[RECORDD_CURSOR_MAX + 1],
    struct fault *f);
enum q_err mongo_counters(struct store *base, const struct rec_desc *d,
    const char *group, store_count *count, void *ctx, struct fault *f);

/* Make the indexes that are not there. */
enum q_err mongo_indexes(struct mongo *m, struct fault *f) Q_CHECKED;

/* -- store_mongo_batch.c: the changes of one commit -- */

enum mongo_kind { MONGO_INSERT, MONGO_UPDATE, MONGO_DELETE, MONGO_KINDS };
enum mongo_op_state { MONGO_OPEN, MONGO_DONE, MONGO_NOT };

/* What a change adds to the counters of a group; "": of none. */
struct mongo_add {
	char group[REC_NAME_MAX + 1];
	int64_t add[REC_COUNTERS_MAX];
};

struct mongo_op {
	const struct rec_desc *d;
	enum mongo_kind kind;
	enum mongo_op_state state;
	char key[REC_KEY_MAX + 1];
	struct mongo_add counts[2]; /* two: it goes to another group */
	uint64_t old_rev, new_rev;
	bson_t *image; /* INSERT, UPDATE: what is stored */
	struct store_write *w; /* whose it is */
	uint32_t pos; /* among the keys of a MANY */
	bool seen;
};

struct mongo_batch {
	struct mongo_op *op;
	size_t n, cap;
	uint32_t *slot; /* hash table of places in op, from 1 */
	size_t n_slots;
	uint64_t seq; /* 0: no intent was needed */
	bool again; /* it was sent before */
};

struct mongo_batch *mongo_batch_new(size_t cap);
void mongo_batch_free(struct mongo_batch *b);

/* A place for a change; EXISTS when the key is in the batch already. */
enum q_err mongo_batch_add(struct mongo_batch *b, const struct rec_desc *d,
    const char *key, struct mongo_op **ret_op) Q_CHECKED;

/* One more for a key that was given twice: it is NOT done. */
enum q_err mongo_batch_extra(struct mongo_batch *b, const struct rec_desc *d,
    const char *key, struct mongo_op **ret_op) Q_CHECKED;
/* The place for what the change adds to a group; NULL: both are taken. */
struct mongo_add *mongo_op_counts(struct mongo_op *op, const char *group);
struct mongo_op *mongo_batch_find(const struct mongo_batch *b,
    const struct rec_desc *d, const char *key);

/* -- store_mongo_apply.c -- */

/* Make the changes that are OPEN, as often as it takes: OK when each is DONE
 * or NOT. */
enum q_err mongo_apply(struct mongo *m, struct mongo_batch *b,
    struct fault *f) Q_CHECKED;

/* Only look which of the OPEN ones were made: those are DONE. */
enum q_err mongo_judge(struct mongo *m, struct mongo_batch *b,
    struct fault *f) Q_CHECKED;

/* -- store_mongo_intent.c -- */

/* Write down what is about to be done. */
enum q_err mongo_intent(struct mongo *m, struct mongo_batch *b,
    struct fault *f) Q_CHECKED;

/* An intent of some process as a batch to be judged; what is in it that is
 * not an intent's is passed over. NOTFOUND: there is none. */
enum q_err mongo_intent_parse(const bson_t *node,
    struct mongo_batch **ret_batch) Q_CHECKED;

/* Count what was done. */
enum q_err mongo_count(struct mongo *m, const struct mongo_batch *b,
    struct fault *f) Q_CHECKED;

/* Find out what the latest commit of this node did, in this process or one
 * before, and count it; shows that the server takes writes. */
enum q_err mongo_recover(struct mongo *m, struct fault *f) Q_CHECKED;

/* -- store_mongo_recount.c -- */

/* A page of a recount. CONFLICT: begin again. */
enum q_err mongo_recount(struct mongo *m, struct store_write *w,
    struct fault *f) Q_CHECKED;

/* -- store_mongo_write.c -- */

void mongo_write(struct store *base, struct store_write *w[], size_t n);

/* Complete what is in doubt. */
enum q_err mongo_settle(struct mongo *m, struct fault *f) Q_CHECKED;

#endif
