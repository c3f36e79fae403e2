// SPDX-License-Identifier: Apache-2.0
#ifndef RECORDD_STORE_H
#define RECORDD_STORE_H

/*
 * What recordd wants of a database: single documents by key, indexes, and
 * counters that are exact after every write. One file per kind of store
 * implements it; tests/unit/test-store.c is what each must pass.
 *
 * Reads may come from any number of threads. Writes come from one thread at
 * a time, many in one call, so that a store makes them durable together.
 */

#include "records/records.h"
#include "records/records_ops.h"

struct store {
	const struct store_ops *ops;
};

enum store_verb {
	STORE_INSERT,
	STORE_PUT,
	STORE_DELETE,
	STORE_MANY,
	STORE_PURGE,
	STORE_RECOUNT
};

/* What lists and purges look at: RECORDD_LIST_REQ, with names resolved. */
struct store_query {
	const struct rec_desc *d;
	const struct rec_field *index; /* NULL: order of keys */
	const char *match;
	const char *after;
	uint32_t limit;
	bool desc;
};

/* One write and its outcome. Pointers are borrowed. */
struct store_write {
	enum store_verb verb;
	const struct rec_desc *d;
	const char *key; /* INSERT, PUT, DELETE */
	uint64_t rev; /* PUT, DELETE: the revision expected */
	struct bytes doc; /* INSERT, PUT, MANY */
	const void *rec; /* doc decoded */
	struct bytes keys; /* MANY: list of recordd_key, checked */
	struct store_query query; /* PURGE, RECOUNT: of a group */
	const struct rec_field *field; /* PURGE: delete where field is value */
	const char *value;

	enum q_err result;
	struct fault fault;
	uint64_t new_rev; /* INSERT, PUT, MANY */
	uint64_t changed; /* documents; RECOUNT: counters that were wrong */
	struct buf *taken; /* MANY: list of recordd_taken, appended */
	char next[RECORDD_CURSOR_MAX + 1]; /* PURGE, RECOUNT */
};

struct store_info {
	bool ok;
	uint64_t bytes;
	char text[200];
};

/* Takes a document of a list; false: no room for it, stop before it. */
typedef bool store_emit(void *ctx, const char *key, uint64_t rev,
    struct bytes doc);
typedef void store_count(void *ctx, const char *name, int64_t value);

/* What a store uses of the system: folders it writes to, files it reads, the
 * network. Empty: none. */
#define STORE_PATH_MAX 512
struct store_needs {
	char folder[STORE_PATH_MAX];
	char file[3][STORE_PATH_MAX];
	bool inet;
};

struct store_ops {
	const char *scheme; /* what stands before the colon in `store` */

	/* What open will use, as far as the place tells; for the sandbox. */
	void (*needs)(const char *place, struct store_needs *ret_needs);

	/* Open or make the store at place; dir is where this node keeps what
	 * is its own. */
	enum q_err (*open)(const char *place, const char *dir,
	    struct store **ret_store, struct fault *f);
	void (*close)(struct store *s);

	/* A document into doc (appended). NOTFOUND. */
	enum q_err (*get)(struct store *s, const struct rec_desc *d,
	    const char *key, struct buf *doc, uint64_t *ret_rev,
	    struct fault *f);

	/* A page; ret_next is empty at the end. INVALID: a wrong cursor. */
	enum q_err (*list)(struct store *s, const struct store_query *q,
	    store_emit *emit, void *ctx,
	    char ret_next[RECORDD_CURSOR_MAX + 1], struct fault *f);

	/* Counters of a group, or (empty) the sums of all groups. */
	enum q_err (*counters)(struct store *s, const struct rec_desc *d,
	    const char *group, store_count *count, void *ctx,
	    struct fault *f);

	/* All writes, each with an outcome of its own, durable on return: an
	 * error in one does not undo another. When the store itself fails,
	 * none is done and each is UNAVAIL. */
	void (*write)(struct store *s, struct store_write *w[], size_t n);

	void (*info)(struct store *s, struct store_info *ret_info);
};

extern const struct store_ops store_sqlite, store_mongo;

/* The store that `kind:place` names; dir as in open. CONFIG: no such kind. */
enum q_err store_open(const char *uri, const char *dir,
    struct store **ret_store, struct fault *f) Q_CHECKED;

void store_needs(const char *uri, struct store_needs *ret_needs);

/* The folder, for us alone, and the lock that makes us its only user, which
 * the caller closes in any case. CONFIG, IO, EXISTS. */
enum q_err store_folder(const char *dir, int *ret_lock_fd,
    struct fault *f) Q_CHECKED;

/* Whether a put or delete may go ahead against what is stored: CONFLICT for
 * another revision, INVALID for a changed field that is fixed. */
enum q_err store_may_replace(const struct store_write *w, const void *old,
    uint64_t old_rev, struct fault *f) Q_CHECKED;

/* The field of a type by whose certificates its documents are found, or
 * NULL; and what a certificate is called in its index. */
#define STORE_CERT_MAX 49
const struct rec_field *store_cert_index(const struct rec_desc *d);
void store_cert_name(const struct rec_cert *c,
    char ret_name[STORE_CERT_MAX + 1]);

/* Whether a certificate of this name is among them. */
bool store_cert_in(const struct rec_certs *certs, const struct rec_cert *c);

/* A first revision that no earlier document under the same key had. */
uint64_t store_first_rev(void);

/* The bounds of a list in order of keys, whose characters lie between 0x1f
 * and 0x7f: low <= key < high. */
struct store_bounds {
	char low[RECORDD_CURSOR_MAX + 2];
	char high[RECORDD_CURSOR_MAX + 2];
};
void store_bounds(const struct store_query *q, struct store_bounds *ret);

/* A place in an index on a TIME, as text "<seconds>:<key>". */
void store_cursor_put(int64_t value, const char *key,
    char ret_next[RECORDD_CURSOR_MAX + 1]);

/* The place behind which a list by a TIME goes on, up to `latest`. Borrowed
 * from q. INVALID. */
enum q_err store_cursor_get(const struct store_query *q, int64_t latest,
    int64_t *ret_value, const char **ret_key, struct fault *f) Q_CHECKED;

/* The match of an index on a number. INVALID. */
enum q_err store_match_number(const struct store_query *q,
    int64_t *ret_value, struct fault *f) Q_CHECKED;

/* Behind all keys. */
#define STORE_KEY_END "\x7f"

/* What the writes of one commit add to the counters, folded per group. */
struct store_sum {
	const struct rec_desc *d;
	char group[REC_NAME_MAX + 1];
	int64_t add[REC_COUNTERS_MAX];
};
struct store_sums {
	struct store_sum *row;
	size_t n, cap;
};
struct store_sum *store_sums_row(struct store_sums *sums,
    const struct rec_desc *d, const char *group);
enum q_err store_sums_add(struct store_sums *sums, const struct rec_desc *d,
    const void *rec, int64_t times) Q_CHECKED;
void store_sums_free(struct store_sums *sums);

/*
 * A recount of a group, page by page in order of keys, while others write:
 * what changes before the place it has come to is told to it.
 */
struct store_tally {
	const struct rec_desc *d; /* NULL: none is under way */
	char group[REC_NAME_MAX + 1];
	char at[RECORDD_CURSOR_MAX + 1];
	int64_t sum[REC_COUNTERS_MAX];
};

/* Begin it, or go on: CONFLICT when it is not at query->after. */
enum q_err store_tally_at(struct store_tally *t, const struct store_write *w,
    struct fault *f) Q_CHECKED;

/* A document of the page; a store_emit. */
store_emit store_tally_emit;

/* What a write added to a group's counters for a document. */
void store_tally_moved(struct store_tally *t, const struct rec_desc *d,
    const char *group, const char *key, const int64_t *add);

#endif
