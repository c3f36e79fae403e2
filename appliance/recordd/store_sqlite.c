// SPDX-License-Identifier: Apache-2.0
/*
 * The embedded store. One connection writes, others read, a thread copies
 * the write-ahead log into the database. WAL and synchronous=FULL: what a
 * commit returned for survives power loss.
 */
#include "config.h"

#include "recordd/store_sqlite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fsio.h"
#include "base/own.h"

/* Log pages (of 4 KiB) after which the copier is woken. */
#define LOG_PAGES 2000

static const char write_pragmas[] =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
    "PRAGMA cache_size = -16384; PRAGMA journal_size_limit = 67108864;"
    "PRAGMA trusted_schema = OFF";
static const char read_pragmas[] =
    "PRAGMA cache_size = -1024; PRAGMA query_only = ON;"
    "PRAGMA trusted_schema = OFF";
static const char copy_pragmas[] = "PRAGMA cache_size = -256";

static struct sqlite *
self(struct store *s)
{
	return (struct sqlite *)(void *)s;
}

static enum q_err
reader_take(struct sqlite *s, struct db **ret_db, struct fault *f)
{
	struct db *db = NULL;

	pthread_mutex_lock(&s->lock);
	if (s->n_readers != 0)
		db = s->readers[--s->n_readers];
	pthread_mutex_unlock(&s->lock);
	if (db == NULL)
		return db_open(s->path, read_pragmas, sql_slots(), ret_db, f);
	*ret_db = db;
	return Q_OK;
}

static void
reader_give(struct sqlite *s, struct db *db)
{
	pthread_mutex_lock(&s->lock);
	if (s->n_readers < ARRAY_LEN(s->readers)) {
		s->readers[s->n_readers++] = db;
		db = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	db_close(db);
}

static enum q_err
sqlite_get(struct store *base, const struct rec_desc *d, const char *key,
    struct buf *doc, uint64_t *ret_rev, struct fault *f)
{
	struct db *db;
	enum q_err r = reader_take(self(base), &db, f);

	if (r != Q_OK)
		return r;
	r = sql_get(db, d, key, doc, ret_rev, f);
	reader_give(self(base), db);
	return r;
}

static enum q_err
sqlite_list(struct store *base, const struct store_query *q,
    store_emit *emit, void *ctx, char ret_next[RECORDD_CURSOR_MAX + 1],
    struct fault *f)
{
	struct db *db;
	enum q_err r = reader_take(self(base), &db, f);

	if (r != Q_OK)
		return r;
	r = sql_list(db, q, emit, ctx, ret_next, f);
	reader_give(self(base), db);
	return r;
}

static enum q_err
sqlite_counters(struct store *base, const struct rec_desc *d,
    const char *group, store_count *count, void *ctx, struct fault *f)
{
	struct db *db;
	struct stmt *st;
	enum q_err r = reader_take(self(base), &db, f);

	if (r != Q_OK)
		return r;
	r = sql_count(db, *group != '\0' ? COUNT_GET : COUNT_SUM, &st, f);
	if (r == Q_OK) {
		stmt_text(st, 1, d->name);
		if (*group != '\0')
			stmt_text(st, 2, group);
		while ((r = stmt_step(db, st, f)) == Q_OK)
			count(ctx, stmt_get_text(st, 0), stmt_get_int(st, 1));
		stmt_reset(st);
	}
	reader_give(self(base), db);
	return r == Q_NOTFOUND ? Q_OK : r;
}

static void
sqlite_write(struct store *base, struct store_write *w[], size_t n)
{
	struct sqlite *s = self(base);
	struct fault f = { 0 };
	bool finish;
	enum q_err r = sql_write(s, w, n, &f);

	s->sums.n = 0;
	if (r != Q_OK) {
		db_rollback(s->writer);
		s->tally.d = NULL;
	}
	for (size_t i = 0; r != Q_OK && i < n; i++)
		w[i]->result = fault_retry(&w[i]->fault, r, f.retry_after,
		    "%s", fault_text(&f, r));
	pthread_mutex_lock(&s->lock);
	s->latest = r;
	snprintf(s->why, sizeof(s->why), "%s", fault_text(&f, r));
	finish = s->copied;
	s->copied = false;
	s->behind = !finish && db_log_pages(s->writer) >= LOG_PAGES;
	if (s->behind)
		pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	if (finish)
		(void)!db_checkpoint(s->writer, NULL); /* or next time */
}

/*
 * Copy the log beside the writer, who then copies what came in meanwhile:
 * little, so that he does not stand still for long, and everything, so that
 * his next commit begins the log anew instead of making it longer.
 */
static void *
copier(void *ctx)
{
	struct sqlite *s = ctx;
	struct db *db;

	if (db_open(s->path, copy_pragmas, 0, &db, NULL) != Q_OK)
		return NULL;
	pthread_mutex_lock(&s->lock);
	while (!s->stop) {
		enum q_err r;

		if (!s->behind) {
			pthread_cond_wait(&s->wake, &s->lock);
			continue;
		}
		s->behind = false;
		pthread_mutex_unlock(&s->lock);
		r = db_checkpoint(db, NULL);
		pthread_mutex_lock(&s->lock);
		s->copied = r == Q_OK;
	}
	pthread_mutex_unlock(&s->lock);
	db_close(db);
	return NULL;
}

static void
sqlite_info(struct store *base, struct store_info *ret_info)
{
	struct sqlite *s = self(base);
	struct stat st;

	memset(ret_info, 0, sizeof(*ret_info));
	ret_info->bytes = stat(s->path, &st) == 0 ? (uint64_t)st.st_size : 0;
	pthread_mutex_lock(&s->lock);
	ret_info->ok = s->latest == Q_OK;
	snprintf(ret_info->text, sizeof(ret_info->text), "%s", s->why);
	pthread_mutex_unlock(&s->lock);
}

static void
sqlite_close(struct store *base)
{
	struct sqlite *s = self(base);

	pthread_mutex_lock(&s->lock);
	s->stop = true;
	pthread_cond_signal(&s->wake);
	pthread_mutex_unlock(&s->lock);
	if (s->copier_runs)
		pthread_join(s->copier, NULL);
	for (size_t i = 0; i < s->n_readers; i++)
		db_close(s->readers[i]);
	/* The last to go: SQLite then empties the log. */
	db_close(s->writer);
	store_sums_free(&s->sums);
	pthread_cond_destroy(&s->wake);
	pthread_mutex_destroy(&s->lock);
	if (s->lock_fd >= 0)
		close(s->lock_fd);
	free(s);
}

static void
sqlite_needs(const char *place, struct store_needs *ret_needs)
{
	char *slash;

	snprintf(ret_needs->folder, sizeof(ret_needs->folder), "%s", place);
	slash = strrchr(ret_needs->folder, '/');
	if (slash != NULL)
		*slash = '\0';
	else
		ret_needs->folder[0] = '\0';
}

static enum q_err
folder_claim(struct sqlite *s, struct fault *f)
{
	struct store_needs needs;

	sqlite_needs(s->path, &needs);
	if (needs.folder[0] == '\0')
		return fault_set(f, Q_CONFIG, "store: wants a path");
	return store_folder(needs.folder, &s->lock_fd, f);
}

static enum q_err
sqlite_open(const char *place, const char *dir, struct store **ret_store,
    struct fault *f)
{
	struct sqlite *s = calloc(1, sizeof(*s));
	enum q_err r;

	(void)dir;
	if (s == NULL)
		return Q_NOMEM;
	s->base.ops = &store_sqlite;
	s->lock_fd = -1;
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->wake, NULL);
	snprintf(s->path, sizeof(s->path), "%s", place);
	if (strlen(place) >= sizeof(s->path))
		r = fault_set(f, Q_CONFIG, "store: path too long");
	else
		r = folder_claim(s, f);
	if (r == Q_OK)
		r = db_open(s->path, write_pragmas, sql_slots(), &s->writer,
		    f);
	if (r == Q_OK)
		r = sql_schema(s->writer, f);
	if (r == Q_OK && pthread_create(&s->copier, NULL, copier, s) != 0)
		r = Q_NOMEM;
	if (r != Q_OK) {
		sqlite_close(&s->base);
		return r;
	}
	s->copier_runs = true;
	*ret_store = &s->base;
	return Q_OK;
}

const struct store_ops store_sqlite = {
	.scheme = "sqlite",
	.needs = sqlite_needs,
	.open = sqlite_open,
	.close = sqlite_close,
	.get = sqlite_get,
	.list = sqlite_list,
	.counters = sqlite_counters,
	.write = sqlite_write,
	.info = sqlite_info,
};
