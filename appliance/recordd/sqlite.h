// SPDX-License-Identifier: Apache-2.0
#ifndef RECORDD_SQLITE_H
#define RECORDD_SQLITE_H

/*
 * The little of SQLite that the store uses; sqlite.c alone sees sqlite3.h.
 * A connection and its statements are for one thread at a time. Errors that
 * can pass (disk full, I/O, locked) are UNAVAIL with retry_after; others,
 * like a damaged file, IO.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct db;
struct stmt;

/* Open or make the file and run the statements of `pragmas`. slots: how many
 * prepared statements the connection keeps. */
enum q_err db_open(const char *path, const char *pragmas, size_t slots,
    struct db **ret_db, struct fault *f) Q_CHECKED;
void db_close(struct db *db);

/* Statements without parameters and rows. */
enum q_err db_exec(struct db *db, const char *sql, struct fault *f) Q_CHECKED;

/* The statement in a slot, or NULL when it was not prepared yet. */
struct stmt *db_slot(struct db *db, size_t slot);
enum q_err db_prepare(struct db *db, size_t slot, const char *sql,
    struct stmt **ret_stmt, struct fault *f) Q_CHECKED;

void db_forget(struct db *db, size_t slot);

/* Parameters are numbered from 1; text and blob are borrowed until they are
 * bound anew. */
void stmt_text(struct stmt *st, int at, const char *s);
void stmt_int(struct stmt *st, int at, int64_t v);
void stmt_blob(struct stmt *st, int at, struct bytes b);
void stmt_null(struct stmt *st, int at);

/* OK: a row; NOTFOUND: no more of them. */
enum q_err stmt_step(struct db *db, struct stmt *st,
    struct fault *f) Q_CHECKED;

/* Columns of the row, from 0, borrowed until the next step. */
int64_t stmt_get_int(struct stmt *st, int at);
const char *stmt_get_text(struct stmt *st, int at);
struct bytes stmt_get_blob(struct stmt *st, int at);

/* Ready for the next time; ends the read. Parameters stay. */
void stmt_reset(struct stmt *st);

/* Run a statement that has no rows, and reset it. */
enum q_err stmt_run(struct db *db, struct stmt *st,
    struct fault *f) Q_CHECKED;

/* Rows that the last statement changed. */
int64_t db_changes(struct db *db);

/* Undo the open transaction, if there is one. */
void db_rollback(struct db *db);

/* Pages in the write-ahead log as of this connection's last commit. */
int db_log_pages(const struct db *db);

/* Copy the log into the database as far as readers and the writer allow;
 * waits for nobody. */
enum q_err db_checkpoint(struct db *db, struct fault *f) Q_CHECKED;

#endif
