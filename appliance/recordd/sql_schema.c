// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "recordd/store_sqlite.h"

#include <stdio.h>
#include <string.h>

#define SCHEMA_VERSION 2 /* 2: tables of certificates */
#define TEXT_(x) #x
#define TEXT(x) TEXT_(x)
#define SQL_MAX 2048
#define FILL_PAGE 1000

static const char *const count_text[COUNT_N] = {
	[COUNT_GET] =
	"SELECT name, value FROM counter WHERE type = ?1 AND grp = ?2",
	[COUNT_SUM] =
	"SELECT name, sum(value) FROM counter WHERE type = ?1 GROUP BY name",
	[COUNT_ADD] =
	"INSERT INTO counter(type, grp, name, value) VALUES(?1, ?2, ?3, ?4) "
	"ON CONFLICT DO UPDATE SET value = value + excluded.value",
	[COUNT_DROP] =
	"DELETE FROM counter WHERE type = ?1 AND grp = ?2 AND name = ?3 "
	"AND value = 0",
};

static bool
has_column(const struct rec_field *fd, enum sql_what what)
{
	unsigned without = what == SQL_UPDATE ? REC_FIXED | REC_GROUP
	    : what == SQL_MOVE ? REC_FIXED : 0;

	return fd->flags & REC_INDEX && fd->kind != REC_CERTS &&
	    (fd->flags & without) == 0;
}

static void
insert_text(struct buf *b, const struct rec_desc *d)
{
	buf_printf(b, "INSERT INTO \"%s\"(key, rev, doc", d->name);
	for (size_t i = 0; i < d->n; i++)
		if (has_column(&d->fields[i], SQL_INSERT))
			buf_printf(b, ", \"%s\"", d->fields[i].name);
	buf_puts(b, ") VALUES(?1, ?2, ?3");
	for (size_t i = 0; i < d->n; i++)
		if (has_column(&d->fields[i], SQL_INSERT))
			buf_printf(b, ", ?%d", SQL_COLUMN(i));
	buf_puts(b, ") ON CONFLICT DO NOTHING");
}

static void
update_text(struct buf *b, const struct rec_desc *d, enum sql_what what)
{
	buf_printf(b, "UPDATE \"%s\" SET rev = ?2, doc = ?3", d->name);
	for (size_t i = 0; i < d->n; i++)
		if (has_column(&d->fields[i], what))
			buf_printf(b, ", \"%s\" = ?%d", d->fields[i].name,
			    SQL_COLUMN(i));
	buf_puts(b, " WHERE key = ?1");
}

/* ?1 where to begin, ?2 value or latest time, ?3 limit, ?4 time to begin
 * with. Descending from a time has one bound above: of two SQLite would look
 * for the one and pass over what the other leaves out. */
static void
list_text(struct buf *b, const struct rec_desc *d, const struct rec_field *fd,
    bool desc)
{
	const char *name = fd->name, *order = desc ? "DESC" : "ASC";
	char past = desc ? '<' : '>';

	if (fd->kind == REC_TIME)
		buf_printf(b, "SELECT key, rev, doc, \"%s\" FROM \"%s\" "
		    "WHERE \"%s\" %s AND (\"%s\", key) %c (?4, ?1) "
		    "ORDER BY \"%s\" %s, key %s LIMIT ?3", name, d->name,
		    name, desc ? "IS NOT NULL" : "<= ?2", name, past, name,
		    order, order);
	else if (fd->kind == REC_CERTS)
		buf_printf(b, "SELECT c.key, rev, doc FROM \"%s_%s\" c "
		    "JOIN \"%s\" d ON d.key = c.key "
		    "WHERE name = ?2 AND c.key %c ?1 "
		    "ORDER BY c.key %s LIMIT ?3", d->name, name, d->name,
		    past, order);
	else
		buf_printf(b, "SELECT key, rev, doc FROM \"%s\" "
		    "WHERE \"%s\" = ?2 AND key %c ?1 "
		    "ORDER BY key %s LIMIT ?3", d->name, name, past, order);
}

static void
stmt_make(struct buf *b, const struct rec_desc *d, size_t what)
{
	switch (what) {
	case SQL_GET:
		buf_printf(b, "SELECT rev, doc FROM \"%s\" WHERE key = ?1",
		    d->name);
		return;
	case SQL_INSERT:
		insert_text(b, d);
		return;
	case SQL_UPDATE:
	case SQL_MOVE:
		update_text(b, d, (enum sql_what)what);
		return;
	case SQL_DELETE:
		buf_printf(b, "DELETE FROM \"%s\" WHERE key = ?1", d->name);
		return;
	case SQL_LIST:
	case SQL_LIST_DESC:
		buf_printf(b, "SELECT key, rev, doc FROM \"%s\" WHERE "
		    "key >= ?1 AND key < ?2 ORDER BY key %s LIMIT ?3",
		    d->name, what == SQL_LIST ? "ASC" : "DESC");
		return;
	case SQL_CERT_ADD:
		buf_printf(b, "INSERT INTO \"%s_%s\" VALUES(?1, ?2) "
		    "ON CONFLICT DO NOTHING", d->name,
		    store_cert_index(d)->name);
		return;
	case SQL_CERT_DROP:
		buf_printf(b, "DELETE FROM \"%s_%s\" WHERE name = ?1 "
		    "AND key = ?2", d->name, store_cert_index(d)->name);
		return;
	default:
		list_text(b, d, &d->fields[(what - SQL_BY) % SQL_FIELDS_MAX],
		    what >= SQL_BY_DESC);
	}
}

/* The slot behind all others is for what is asked once. */
#define SLOT_ONCE (rec_n_descs * SQL_N + COUNT_N)

size_t
sql_slots(void)
{
	return SLOT_ONCE + 1;
}

enum q_err
sql_stmt(struct db *db, const struct rec_desc *d, size_t what,
    struct stmt **ret_stmt, struct fault *f)
{
	size_t slot = (size_t)(d - rec_descs) * SQL_N + what;
	AUTO_BUF struct buf b = BUF_INIT(SQL_MAX);

	*ret_stmt = db_slot(db, slot);
	if (*ret_stmt != NULL)
		return Q_OK;
	stmt_make(&b, d, what);
	return b.bad ? Q_NOMEM
		     : db_prepare(db, slot, (const char *)b.p, ret_stmt, f);
}

enum q_err
sql_count(struct db *db, enum sql_count what, struct stmt **ret_stmt,
    struct fault *f)
{
	size_t slot = rec_n_descs * SQL_N + what;

	*ret_stmt = db_slot(db, slot);
	return *ret_stmt != NULL ? Q_OK
	    : db_prepare(db, slot, count_text[what], ret_stmt, f);
}

void
sql_bind_columns(struct stmt *st, const struct rec_desc *d, const void *rec,
    enum sql_what what)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct rec_field *fd = &d->fields[i];

		if (!has_column(fd, what))
			continue;
		if (fd->kind == REC_STR && *rec_str(fd, rec) != '\0')
			stmt_text(st, SQL_COLUMN(i), rec_str(fd, rec));
		else if (fd->kind != REC_STR && rec_int(fd, rec) != 0)
			stmt_int(st, SQL_COLUMN(i), rec_int(fd, rec));
		else
			stmt_null(st, SQL_COLUMN(i));
	}
}

/* Run SQL_CERT_... for what one has and the other has not. */
static enum q_err
certs_differ(struct db *db, const struct rec_desc *d, enum sql_what what,
    const char *key, const struct rec_certs *const sets[2], struct fault *f)
{
	char name[STORE_CERT_MAX + 1];
	struct stmt *st;
	enum q_err r = Q_OK;

	for (size_t i = 0; r == Q_OK && i < sets[0]->n; i++) {
		if (store_cert_in(sets[1], &sets[0]->c[i]))
			continue;
		r = sql_stmt(db, d, what, &st, f);
		if (r != Q_OK)
			return r;
		store_cert_name(&sets[0]->c[i], name);
		stmt_text(st, 1, name);
		stmt_text(st, 2, key);
		r = stmt_run(db, st, f);
	}
	return r;
}

enum q_err
sql_certs(struct db *db, const struct rec_desc *d, const char *key,
    const void *old, const void *rec, struct fault *f)
{
	static const struct rec_certs none;
	const struct rec_field *fd = store_cert_index(d);
	const struct rec_certs *sets[3];
	enum q_err r;

	if (fd == NULL)
		return Q_OK;
	sets[0] = sets[2] = old != NULL ? rec_certs(fd, old) : &none;
	sets[1] = rec != NULL ? rec_certs(fd, rec) : &none;
	r = certs_differ(db, d, SQL_CERT_DROP, key, sets, f);
	return r == Q_OK
	    ? certs_differ(db, d, SQL_CERT_ADD, key, sets + 1, f) : r;
}

static enum q_err
exec_text(struct db *db, struct buf *b, struct fault *f)
{
	return b->bad ? Q_NOMEM : db_exec(db, (const char *)b->p, f);
}

/* Store a document again, with the columns it has by now. */
static enum q_err
row_again(struct db *db, const struct rec_desc *d, const char *key,
    struct fault *f)
{
	AUTO_BUF struct buf doc = BUF_INIT(REC_DOC_MAX);
	union rec_any rec;
	uint64_t rev;
	struct stmt *del, *ins;
	enum q_err r = sql_get(db, d, key, &doc, &rev, f);

	if (r == Q_OK)
		r = rec_decode(d, buf_bytes(&doc), &rec, f);
	if (r == Q_OK)
		r = sql_stmt(db, d, SQL_DELETE, &del, f);
	if (r == Q_OK)
		r = sql_stmt(db, d, SQL_INSERT, &ins, f);
	if (r != Q_OK)
		return r;
	stmt_text(del, 1, key);
	r = stmt_run(db, del, f);
	if (r != Q_OK)
		return r;
	stmt_text(ins, 1, key);
	stmt_int(ins, 2, (int64_t)rev);
	stmt_blob(ins, 3, buf_bytes(&doc));
	sql_bind_columns(ins, d, &rec, SQL_INSERT);
	r = stmt_run(db, ins, f);
	return r == Q_OK ? sql_certs(db, d, key, NULL, &rec, f) : r;
}

/* The keys of a page, each with its NUL. */
static bool
note_key(void *ctx, const char *key, uint64_t rev, struct bytes doc)
{
	(void)rev;
	(void)doc;
	buf_put(ctx, key, strlen(key) + 1);
	return true;
}

static enum q_err
fill(struct db *db, const struct rec_desc *d, struct fault *f)
{
	char next[RECORDD_CURSOR_MAX + 1] = "";
	AUTO_BUF struct buf keys = BUF_INIT(FILL_PAGE * (REC_KEY_MAX + 1));
	struct store_query q = { .d = d, .match = "", .after = next,
		.limit = FILL_PAGE };
	enum q_err r;

	do {
		buf_reset(&keys);
		r = sql_list(db, &q, note_key, &keys, next, f);
		for (size_t at = 0; r == Q_OK && at < keys.len;) {
			const char *key = (const char *)keys.p + at;

			r = row_again(db, d, key, f);
			at += strlen(key) + 1;
		}
	} while (r == Q_OK && next[0] != '\0');
	return r;
}

/* One number out of the database. */
static enum q_err
ask(struct db *db, const char *sql, int64_t *ret_value, struct fault *f)
{
	struct stmt *st;
	enum q_err r = db_prepare(db, SLOT_ONCE, sql, &st, f);

	if (r == Q_OK)
		r = stmt_step(db, st, f);
	if (r == Q_OK)
		*ret_value = stmt_get_int(st, 0);
	db_forget(db, SLOT_ONCE);
	return r;
}

static enum q_err
make_column(struct db *db, const struct rec_desc *d,
    const struct rec_field *fd, bool *ret_new, struct fault *f)
{
	AUTO_BUF struct buf b = BUF_INIT(SQL_MAX);
	int64_t n = 0;
	enum q_err r;

	buf_printf(&b, "SELECT count(*) FROM pragma_table_info('%s') "
	    "WHERE name = '%s'", d->name, fd->name);
	r = b.bad ? Q_NOMEM : ask(db, (const char *)b.p, &n, f);
	if (r == Q_OK && n == 0) {
		buf_reset(&b);
		buf_printf(&b, "ALTER TABLE \"%s\" ADD COLUMN \"%s\" %s",
		    d->name, fd->name,
		    fd->kind == REC_STR ? "TEXT" : "INTEGER");
		r = exec_text(db, &b, f);
		*ret_new = true;
	}
	if (r != Q_OK)
		return r;
	buf_reset(&b);
	buf_printf(&b, "CREATE INDEX IF NOT EXISTS \"%s_%s\" "
	    "ON \"%s\"(\"%s\", key) WHERE \"%s\" IS NOT NULL", d->name,
	    fd->name, d->name, fd->name, fd->name);
	return exec_text(db, &b, f);
}

static enum q_err
make_certs(struct db *db, const struct rec_desc *d,
    const struct rec_field *fd, bool *ret_new, struct fault *f)
{
	AUTO_BUF struct buf b = BUF_INIT(SQL_MAX);
	int64_t n = 0;
	enum q_err r;

	buf_printf(&b, "SELECT count(*) FROM sqlite_schema WHERE type = "
	    "'table' AND name = '%s_%s'", d->name, fd->name);
	r = b.bad ? Q_NOMEM : ask(db, (const char *)b.p, &n, f);
	if (r != Q_OK || n != 0)
		return r;
	*ret_new = true;
	buf_reset(&b);
	buf_printf(&b, "CREATE TABLE \"%s_%s\"(name TEXT NOT NULL, "
	    "key TEXT NOT NULL, PRIMARY KEY(name, key)) WITHOUT ROWID",
	    d->name, fd->name);
	return exec_text(db, &b, f);
}

static enum q_err
make_table(struct db *db, const struct rec_desc *d, struct fault *f)
{
	AUTO_BUF struct buf b = BUF_INIT(SQL_MAX);
	bool more = false; /* than the table of an older version had */
	enum q_err r;

	buf_printf(&b, "CREATE TABLE IF NOT EXISTS \"%s\"(key TEXT PRIMARY "
	    "KEY NOT NULL, rev INTEGER NOT NULL, doc BLOB NOT NULL) "
	    "WITHOUT ROWID", d->name);
	r = exec_text(db, &b, f);
	for (size_t i = 0; r == Q_OK && i < d->n; i++)
		if (has_column(&d->fields[i], SQL_INSERT))
			r = make_column(db, d, &d->fields[i], &more, f);
	if (r == Q_OK && store_cert_index(d) != NULL)
		r = make_certs(db, d, store_cert_index(d), &more, f);
	return r == Q_OK && more ? fill(db, d, f) : r;
}

enum q_err
sql_schema(struct db *db, struct fault *f)
{
	int64_t version = 0;
	enum q_err r = ask(db, "PRAGMA user_version", &version, f);

	if (r == Q_OK && version > SCHEMA_VERSION)
		return fault_set(f, Q_CONFIG, "store: made by a newer version");
	if (r == Q_OK)
		r = db_exec(db, "BEGIN IMMEDIATE", f);
	for (size_t i = 0; r == Q_OK && i < rec_n_descs; i++)
		r = make_table(db, &rec_descs[i], f);
	if (r == Q_OK)
		r = db_exec(db, "CREATE TABLE IF NOT EXISTS counter("
		    "type TEXT NOT NULL, grp TEXT NOT NULL, name TEXT "
		    "NOT NULL, value INTEGER NOT NULL, "
		    "PRIMARY KEY(type, grp, name)) WITHOUT ROWID;"
		    "PRAGMA user_version = " TEXT(SCHEMA_VERSION)
		    "; COMMIT", f);
	if (r != Q_OK)
		db_rollback(db);
	return r;
}
