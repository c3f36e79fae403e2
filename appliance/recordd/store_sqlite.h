// SPDX-License-Identifier: Apache-2.0
#ifndef RECORDD_STORE_SQLITE_H
#define RECORDD_STORE_SQLITE_H

/* What the files of the SQLite store share. Tables: one per type, (key, rev,
 * doc) and a column, NULL when absent, for each field with REC_INDEX, with a
 * partial index on it; for an index on CERTS a table <type>_<field> of (name
 * of the certificate, key); `counter`. */

#include <pthread.h>

#include "recordd/sqlite.h"
#include "recordd/store.h"

/* Statements of a type; behind them one list for each of its fields, then
 * the same in descending order.
 * Parameters: ?1 key, ?2 rev, ?3 doc, SQL_COLUMN(i) field i; of SQL_CERT_...
 * ?1 name of the certificate, ?2 key. */
#define SQL_FIELDS_MAX 64
enum sql_what { SQL_GET, SQL_INSERT, SQL_UPDATE, SQL_MOVE, SQL_DELETE,
	SQL_LIST, SQL_LIST_DESC, SQL_CERT_ADD, SQL_CERT_DROP, SQL_BY,
	SQL_BY_DESC = SQL_BY + SQL_FIELDS_MAX,
	SQL_N = SQL_BY_DESC + SQL_FIELDS_MAX };
#define SQL_COLUMN(i) ((int)(i) + 4)

/* Statements of the counters: ?1 type, ?2 group, ?3 name, ?4 value. */
enum sql_count { COUNT_GET, COUNT_SUM, COUNT_ADD, COUNT_DROP, COUNT_N };

struct sqlite {
	struct store base;
	char path[STORE_PATH_MAX];
	int lock_fd;
	struct db *writer;
	struct store_sums sums; /* of the commit under way */
	struct store_tally tally;
	pthread_mutex_t lock; /* of what is below */
	struct db *readers[16];
	size_t n_readers;
	enum q_err latest; /* how the latest commit ended, and why */
	char why[200];
	bool stop;
	bool behind; /* the log wants to be copied */
	bool copied; /* it was, but for the latest commits */
	pthread_cond_t wake;
	pthread_t copier;
	bool copier_runs;
};

/* Slots that a connection needs. */
size_t sql_slots(void);

/* A statement, prepared when first wanted. */
enum q_err sql_stmt(struct db *db, const struct rec_desc *d, size_t what,
    struct stmt **ret_stmt, struct fault *f) Q_CHECKED;
enum q_err sql_count(struct db *db, enum sql_count what,
    struct stmt **ret_stmt, struct fault *f) Q_CHECKED;

/* Make the tables, columns and indexes that are not there; a column that
 * joins is filled from the documents. CONFIG: made by a newer version. */
enum q_err sql_schema(struct db *db, struct fault *f) Q_CHECKED;

/* Values of the indexed fields: all for SQL_INSERT, those that may change for
 * SQL_MOVE, and for SQL_UPDATE all of these but the group: SQLite would write
 * its index anew even if it stayed the same. */
void sql_bind_columns(struct stmt *st, const struct rec_desc *d,
    const void *rec, enum sql_what what);

/* Bring the index on certificates from a record (NULL: none) to the one that
 * takes its place (NULL: it is deleted). */
enum q_err sql_certs(struct db *db, const struct rec_desc *d, const char *key,
    const void *old, const void *rec, struct fault *f) Q_CHECKED;

/* One document, as it is and decoded. INTERNAL: what is stored there is no
 * such document. */
enum q_err sql_get(struct db *db, const struct rec_desc *d, const char *key,
    struct buf *doc, uint64_t *ret_rev, struct fault *f) Q_CHECKED;
enum q_err sql_get_rec(struct db *db, const struct rec_desc *d,
    const char *key, union rec_any *ret_rec, uint64_t *ret_rev,
    struct fault *f) Q_CHECKED;

enum q_err sql_list(struct db *db, const struct store_query *q,
    store_emit *emit, void *ctx, char ret_next[RECORDD_CURSOR_MAX + 1],
    struct fault *f) Q_CHECKED;

/* store_ops.write, without what follows a commit. */
enum q_err sql_write(struct sqlite *s, struct store_write *w[], size_t n,
    struct fault *f) Q_CHECKED;

#endif
