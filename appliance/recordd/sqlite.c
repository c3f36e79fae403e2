// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "recordd/sqlite.h"

#include <sqlite3.h>
#include <stdlib.h>

#define RETRY_SECONDS 2
#define LOCK_WAIT_MS 1000

struct db {
	sqlite3 *h;
	int log_pages;
	size_t slots;
	sqlite3_stmt *slot[];
};

/* struct stmt is never defined: it is sqlite3_stmt by another name. */
static sqlite3_stmt *
raw(struct stmt *st)
{
	return (sqlite3_stmt *)st;
}

static enum q_err
db_fault(struct db *db, struct fault *f)
{
	const char *text = sqlite3_errmsg(db->h);

	switch (sqlite3_errcode(db->h) & 0xff) {
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_MISUSE:
	case SQLITE_ERROR:
		return fault_set(f, Q_IO, "store: %s", text);
	default:
		return fault_retry(f, Q_UNAVAIL, RETRY_SECONDS, "store: %s",
		    text);
	}
}

static int
on_commit(void *ctx, sqlite3 *h, const char *name, int pages)
{
	struct db *db = ctx;

	(void)h;
	(void)name;
	db->log_pages = pages;
	return SQLITE_OK;
}

enum q_err
db_open(const char *path, const char *pragmas, size_t slots,
    struct db **ret_db, struct fault *f)
{
	struct db *db = calloc(1, sizeof(*db) + slots * sizeof(db->slot[0]));
	enum q_err r = Q_OK;

	if (db == NULL)
		return Q_NOMEM;
	db->slots = slots;
	if (sqlite3_open_v2(path, &db->h, SQLITE_OPEN_READWRITE |
	    SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		r = db->h != NULL ? db_fault(db, f) : Q_NOMEM;
	if (r == Q_OK) {
		sqlite3_busy_timeout(db->h, LOCK_WAIT_MS);
		/* Takes the place of SQLite's own automatic checkpoints. */
		sqlite3_wal_hook(db->h, on_commit, db);
		r = db_exec(db, pragmas, f);
	}
	if (r != Q_OK) {
		db_close(db);
		return r;
	}
	*ret_db = db;
	return Q_OK;
}

void
db_close(struct db *db)
{
	if (db == NULL)
		return;
	for (size_t i = 0; i < db->slots; i++)
		sqlite3_finalize(db->slot[i]);
	sqlite3_close(db->h);
	free(db);
}

enum q_err
db_exec(struct db *db, const char *sql, struct fault *f)
{
	return sqlite3_exec(db->h, sql, NULL, NULL, NULL) == SQLITE_OK
	    ? Q_OK : db_fault(db, f);
}

struct stmt *
db_slot(struct db *db, size_t slot)
{
	return (struct stmt *)db->slot[slot];
}

enum q_err
db_prepare(struct db *db, size_t slot, const char *sql,
    struct stmt **ret_stmt, struct fault *f)
{
	if (sqlite3_prepare_v3(db->h, sql, -1, SQLITE_PREPARE_PERSISTENT,
	    &db->slot[slot], NULL) != SQLITE_OK)
		return db_fault(db, f);
	*ret_stmt = db_slot(db, slot);
	return Q_OK;
}

void
db_forget(struct db *db, size_t slot)
{
	sqlite3_finalize(db->slot[slot]);
	db->slot[slot] = NULL;
}

/* Binding fails only for a parameter that the text does not have, or out of
 * memory; the step then fails for a NOT NULL column. */
void
stmt_text(struct stmt *st, int at, const char *s)
{
	sqlite3_bind_text(raw(st), at, s, -1, SQLITE_STATIC);
}

void
stmt_int(struct stmt *st, int at, int64_t v)
{
	sqlite3_bind_int64(raw(st), at, v);
}

void
stmt_blob(struct stmt *st, int at, struct bytes b)
{
	sqlite3_bind_blob64(raw(st), at, b.p, b.len, SQLITE_STATIC);
}

void
stmt_null(struct stmt *st, int at)
{
	sqlite3_bind_null(raw(st), at);
}

enum q_err
stmt_step(struct db *db, struct stmt *st, struct fault *f)
{
	switch (sqlite3_step(raw(st))) {
	case SQLITE_ROW:
		return Q_OK;
	case SQLITE_DONE:
		return Q_NOTFOUND;
	default:
		return db_fault(db, f);
	}
}

int64_t
stmt_get_int(struct stmt *st, int at)
{
	return sqlite3_column_int64(raw(st), at);
}

const char *
stmt_get_text(struct stmt *st, int at)
{
	return (const char *)sqlite3_column_text(raw(st), at);
}

struct bytes
stmt_get_blob(struct stmt *st, int at)
{
	const void *p = sqlite3_column_blob(raw(st), at);

	return (struct bytes){ p, (size_t)sqlite3_column_bytes(raw(st), at) };
}

void
stmt_reset(struct stmt *st)
{
	sqlite3_reset(raw(st));
}

enum q_err
stmt_run(struct db *db, struct stmt *st, struct fault *f)
{
	enum q_err r = stmt_step(db, st, f);

	stmt_reset(st);
	return r == Q_NOTFOUND ? Q_OK : r;
}

int64_t
db_changes(struct db *db)
{
	return sqlite3_changes64(db->h);
}

void
db_rollback(struct db *db)
{
	if (!sqlite3_get_autocommit(db->h))
		sqlite3_exec(db->h, "ROLLBACK", NULL, NULL, NULL);
}

int
db_log_pages(const struct db *db)
{
	return db->log_pages;
}

enum q_err
db_checkpoint(struct db *db, struct fault *f)
{
	int rc = sqlite3_wal_checkpoint_v2(db->h, NULL,
	    SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);

	/* BUSY: another connection is at it. */
	return rc == SQLITE_OK || rc == SQLITE_BUSY ? Q_OK : db_fault(db, f);
}
