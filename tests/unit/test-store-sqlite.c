// SPDX-License-Identifier: Apache-2.0
/* What only the SQLite store does: its folder, its schema, a damaged row. */
#include "config.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "recordd/sqlite.h"
#include "recordd/store.h"
#include "tap.h"

static char dir[] = "/tmp/test-store-sqlite.XXXXXX";
static char folder[64], file[96], uri[128];

static void
sql(const char *text)
{
	struct fault f = { 0 };
	struct db *db;

	if (db_open(file, text, 0, &db, &f) != Q_OK) {
		ok(0, "%s: %s", text, f.msg);
		return;
	}
	db_close(db);
}

static struct store *
open_store(void)
{
	struct store *st = NULL;
	struct fault f = { 0 };

	ok(store_open(uri, folder, &st, &f) == Q_OK, "open %s", f.msg);
	return st;
}

static enum q_err
put_device(struct store *st, enum store_verb verb, unsigned n,
    const char *batch, uint64_t rev)
{
	AUTO_BUF struct buf doc = BUF_INIT(REC_DOC_MAX);
	struct rec_device dev = { .due = 100 + n, .certs = { 1, { {
		.issuer = "0123" } } } };
	struct store_write w = { .verb = verb, .d = rec_desc(REC_DEVICE),
		.rev = rev, .rec = &dev }, *p = &w;

	snprintf(dev.key, sizeof(dev.key), "%064x", n);
	snprintf(dev.certs.c[0].serial, sizeof(dev.certs.c[0].serial), "%032x",
	    n);
	snprintf(dev.batch, sizeof(dev.batch), "%s", batch);
	if (rec_encode(w.d, &dev, &doc) != Q_OK)
		return Q_INTERNAL;
	w.key = dev.key;
	w.doc = buf_bytes(&doc);
	st->ops->write(st, &p, 1);
	return w.result;
}

static bool
count(void *ctx, const char *key, uint64_t rev, struct bytes doc)
{
	(void)key;
	(void)rev;
	(void)doc;
	++*(unsigned *)ctx;
	return true;
}

static unsigned
list(struct store *st, const char *index, const char *match)
{
	char next[RECORDD_CURSOR_MAX + 1];
	struct store_query q = { .d = rec_desc(REC_DEVICE), .match = match,
		.after = "", .limit = 5000 };
	unsigned n = 0;

	q.index = rec_field(q.d, index);
	return st->ops->list(st, &q, count, &n, next, NULL) == Q_OK ? n : 0;
}

static void
test_folder(void)
{
	struct store *st;
	struct fault f = { 0 };
	struct stat sb;

	mkdir(folder, 0755);
	is_int(store_open(uri, folder, &st, &f), Q_CONFIG,
	    "a folder for all: %s", f.msg);
	rmdir(folder);
	st = open_store();
	ok(stat(folder, &sb) == 0 && (sb.st_mode & 0777) == 0700,
	    "a folder for us alone");
	st->ops->close(st);
	is_int(store_open("sqlite:quoin.db", folder, &st, &f), Q_CONFIG, "%s",
	    f.msg);
	is_int(store_open("sqlite:/nowhere/at/all/x.db", folder, &st,
	    &f), Q_IO, "%s",
	    f.msg);
}

/* As older versions left it, whose tables had indexes less. */
static void
test_new_index(void)
{
	struct store *st = open_store();
	enum q_err r = Q_OK;

	for (unsigned i = 0; r == Q_OK && i < 2500; i++)
		r = put_device(st, STORE_INSERT, i, i % 5 ? "a" : "b", 0);
	is_int(r, Q_OK, "devices");
	is_int(list(st, "batch", "b"), 500, "by batch");
	st->ops->close(st);
	sql("DROP INDEX device_batch; ALTER TABLE device DROP COLUMN batch;"
	    "DROP INDEX device_due; ALTER TABLE device DROP COLUMN due;"
	    "DROP TABLE device_certs; PRAGMA user_version = 1");
	st = open_store();
	is_int(list(st, "batch", "b"), 500, "by batch, made anew");
	is_int(list(st, "due", "199"), 100, "by time, made anew");
	is_int(list(st, "certs", "0123/0000000000000000000000000000000a"),
	    1, "by certificate, made anew");
	is_int(put_device(st, STORE_INSERT, 9999, "b", 0), Q_OK, "insert");
	is_int(list(st, "batch", "b"), 501, "it joins");
	st->ops->close(st);
	sql("PRAGMA user_version = 99");
	is_int(store_open(uri, folder, &st, NULL), Q_CONFIG,
	    "a newer version's");
	sql("PRAGMA user_version = 2");
}

static bool
recount(struct store *st, const char *group, uint64_t *wrong)
{
	struct store_write w = { .verb = STORE_RECOUNT,
		.d = rec_desc(REC_DEVICE) }, *p = &w;

	do {
		char after[RECORDD_CURSOR_MAX + 1];

		snprintf(after, sizeof(after), "%s", w.next);
		w.query = (struct store_query){ .d = w.d, .match = group,
			.index = rec_group(w.d), .after = after };
		st->ops->write(st, &p, 1);
	} while (w.result == Q_OK && w.next[0] != '\0');
	*wrong = w.changed;
	return w.result == Q_OK;
}

static void
note_all(void *ctx, const char *name, int64_t value)
{
	if (strcmp(name, "all") == 0)
		*(int64_t *)ctx = value;
}

static void
test_recount(void)
{
	struct store *st;
	uint64_t wrong = 0;
	int64_t all = 0;

	sql("UPDATE counter SET value = value + 7 WHERE grp = 'a'");
	st = open_store();
	ok(recount(st, "a", &wrong) && wrong == 2,
	    "recount: two counters were wrong");
	ok(st->ops->counters(st, rec_desc(REC_DEVICE), "a", note_all, &all,
	    NULL) == Q_OK && all == 2000, "recount: and are right");
	ok(recount(st, "a", &wrong) && wrong == 0, "recount: for good");
	st->ops->close(st);
}

static void
test_damaged_row(void)
{
	struct store *st;

	sql("UPDATE device SET doc = x'00' WHERE key LIKE '%3'");
	st = open_store();
	is_int(put_device(st, STORE_PUT, 3, "a", 1), Q_INTERNAL,
	    "a damaged document is told");
	is_int(put_device(st, STORE_INSERT, 7777, "b", 0), Q_OK,
	    "and others go on");
	st->ops->close(st);
}

static void
test_damaged_file(void)
{
	struct fault f = { 0 };
	struct store *st;
	FILE *out = fopen(file, "r+");

	if (out != NULL) {
		fputs("this is no database, and never was one", out);
		fclose(out);
	}
	is_int(store_open(uri, folder, &st, &f), Q_IO, "no database: %s",
	    f.msg);
}

static int
remove_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
	(void)sb;
	(void)flag;
	(void)ftw;
	return remove(path);
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(folder, sizeof(folder), "%s/records", dir);
	snprintf(file, sizeof(file), "%s/quoin.db", folder);
	snprintf(uri, sizeof(uri), "sqlite:%s", file);
	test_folder();
	test_new_index();
	test_recount();
	test_damaged_row();
	test_damaged_file();
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return done();
}
