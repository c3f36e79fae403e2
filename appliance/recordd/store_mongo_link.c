// SPDX-License-Identifier: Apache-2.0
/* The driver: connections, and commands with a bounded time each. */
#include "config.h"

#include <mongoc/mongoc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fsio.h"
#include "recordd/store_mongo.h"

#define URI_MAX 4096
#define SELECT_MS 3000 /* to find the primary */
#define CONNECT_MS 2000
#define SOCKET_MS 5000 /* for one answer */
#define PING_MS 2000

struct mongo_link {
	mongoc_uri_t *uri;
	mongoc_client_pool_t *pool;
	mongoc_uri_t *ping_uri;
	mongoc_client_t *ping; /* the prober's; NULL after a failure */
	char db[MONGO_NAME_MAX + 1];
};

/* The URI's own time if it has one and it is bounded. */
static bool
bound(mongoc_uri_t *uri, const char *option, int32_t ms)
{
	int32_t own = mongoc_uri_get_option_as_int32(uri, option, 0);

	return (own > 0 && own <= 2 * ms) ||
	    mongoc_uri_set_option_as_int32(uri, option, ms);
}

/* What must hold whatever the URI says. A write that is repeated is ours to
 * repeat, who know what it was for. */
static bool
uri_settle(mongoc_uri_t *uri, int32_t select, int32_t answer)
{
	mongoc_read_prefs_t *primary =
	    mongoc_read_prefs_new(MONGOC_READ_PRIMARY);

	mongoc_uri_set_read_prefs_t(uri, primary);
	mongoc_read_prefs_destroy(primary);
	return bound(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, select) &&
	    bound(uri, MONGOC_URI_CONNECTTIMEOUTMS, CONNECT_MS) &&
	    bound(uri, MONGOC_URI_SOCKETTIMEOUTMS, answer) &&
	    mongoc_uri_set_option_as_bool(uri, MONGOC_URI_RETRYWRITES,
	    false) &&
	    mongoc_uri_set_option_as_bool(uri, MONGOC_URI_RETRYREADS, false) &&
	    (mongoc_uri_get_appname(uri) != NULL ||
	    mongoc_uri_set_appname(uri, "quoin"));
}

/* The first line of a file that nobody else may read. */
static enum q_err
uri_file(const char *path, struct buf *text, struct fault *f)
{
	struct stat st;
	enum q_err r;

	if (stat(path, &st) == 0 && (st.st_mode & 077) != 0)
		return fault_set(f, Q_CONFIG, "%.150s: others may read it",
		    path);
	r = file_read(path, text);
	if (r != Q_OK)
		return fault_set(f, Q_CONFIG, "%.150s: %s", path,
		    q_err_text(r));
	buf_put(text, "", 1);
	if (text->bad)
		return Q_NOMEM;
	text->p[strcspn((const char *)text->p, "\r\n")] = '\0';
	return Q_OK;
}

/* The driver quotes what it could not read, which may be a password. */
static enum q_err
uri_parse(const char *place, mongoc_uri_t **ret_uri, struct fault *f)
{
	struct buf text = BUF_INIT(URI_MAX);
	bson_error_t e = { 0 };
	enum q_err r = Q_OK;

	if (*place == '/' && place[1] != '/')
		r = uri_file(place, &text, f);
	else
		buf_printf(&text, "mongodb:%s", place);
	if (r == Q_OK && text.bad)
		r = Q_NOMEM;
	if (r == Q_OK) {
		*ret_uri = mongoc_uri_new_with_error((const char *)text.p,
		    &e);
		if (*ret_uri == NULL)
			r = fault_set(f, Q_CONFIG, "store: not a mongodb:// "
			    "URI%s%.120s", strchr((const char *)text.p, '@') ?
			    "" : ": ", strchr((const char *)text.p, '@') ?
			    "" : e.message);
	}
	if (text.p != NULL)
		explicit_bzero(text.p, text.cap);
	buf_free(&text);
	return r;
}

static enum q_err
link_make(struct mongo_link *l, const char *place, struct fault *f)
{
	bson_error_t e = { 0 };
	const char *db;
	enum q_err r = uri_parse(place, &l->uri, f);

	if (r != Q_OK)
		return r;
	db = mongoc_uri_get_database(l->uri);
	if (db == NULL || *db == '\0')
		db = "quoin";
	if (strlen(db) >= sizeof(l->db))
		return fault_set(f, Q_CONFIG, "store: database: over %d bytes",
		    MONGO_NAME_MAX);
	memcpy(l->db, db, strlen(db) + 1);
	l->ping_uri = mongoc_uri_copy(l->uri);
	if (!uri_settle(l->uri, SELECT_MS, SOCKET_MS) ||
	    !uri_settle(l->ping_uri, PING_MS, PING_MS))
		return fault_set(f, Q_CONFIG, "store: bad option in the URI");
	l->pool = mongoc_client_pool_new_with_error(l->uri, &e);
	if (l->pool == NULL)
		return fault_set(f, Q_CONFIG, "store: %.150s", e.message);
	mongoc_client_pool_set_error_api(l->pool, 2);
	return Q_OK;
}

void
mongo_link_needs(const char *place, struct store_needs *ret_needs)
{
	static const char *const options[] = { MONGOC_URI_TLSCAFILE,
		MONGOC_URI_TLSCERTIFICATEKEYFILE };
	const size_t n = sizeof(options) / sizeof(options[0]);
	mongoc_uri_t *uri;

	ret_needs->inet = true;
	if (*place == '/' && place[1] != '/')
		snprintf(ret_needs->file[n], sizeof(ret_needs->file[n]), "%s",
		    place);
	if (uri_parse(place, &uri, NULL) != Q_OK)
		return;
	for (size_t i = 0; i < n; i++)
		snprintf(ret_needs->file[i], sizeof(ret_needs->file[i]), "%s",
		    mongoc_uri_get_option_as_utf8(uri, options[i], ""));
	mongoc_uri_destroy(uri);
}

enum q_err
mongo_link_open(const char *place, struct mongo_link **ret_link,
    struct fault *f)
{
	struct mongo_link *l = calloc(1, sizeof(*l));
	enum q_err r;

	if (l == NULL)
		return Q_NOMEM;
	mongoc_init();
	/* It would write to stderr, and has more to say than is wanted. */
	mongoc_log_set_handler(NULL, NULL);
	r = link_make(l, place, f);
	if (r != Q_OK) {
		mongo_link_close(l);
		return r;
	}
	*ret_link = l;
	return Q_OK;
}

void
mongo_link_close(struct mongo_link *l)
{
	if (l == NULL)
		return;
	mongoc_client_destroy(l->ping);
	if (l->pool != NULL)
		mongoc_client_pool_destroy(l->pool);
	mongoc_uri_destroy(l->ping_uri);
	mongoc_uri_destroy(l->uri);
	free(l);
}

enum q_err
mongo_link_ping(struct mongo_link *l, struct fault *f)
{
	bson_t cmd = BSON_INITIALIZER;
	bson_error_t e = { 0 };
	enum q_err r = Q_OK;

	if (l->ping == NULL) {
		l->ping = mongoc_client_new_from_uri_with_error(l->ping_uri,
		    &e);
		if (l->ping != NULL)
			mongoc_client_set_error_api(l->ping, 2);
	}
	BSON_APPEND_INT32(&cmd, "ping", 1);
	if (l->ping == NULL || !mongoc_client_command_simple(l->ping, l->db,
	    &cmd, NULL, NULL, &e)) {
		r = fault_retry(f, Q_UNAVAIL, MONGO_RETRY_SECONDS,
		    "store: %.150s", e.message);
		/* It would not look again for some seconds; a new one does. */
		mongoc_client_destroy(l->ping);
		l->ping = NULL;
	}
	bson_destroy(&cmd);
	return r;
}

enum q_err
mongo_link_run(struct mongo_link *l, const bson_t *cmd, bson_t *ret_reply,
    int *ret_code, struct fault *f)
{
	mongoc_client_t *c = mongoc_client_pool_pop(l->pool);
	bson_error_t e = { 0 };
	bool done = mongoc_client_command_simple(c, l->db, cmd, NULL,
	    ret_reply, &e);

	mongoc_client_pool_push(l->pool, c);
	*ret_code = !done && e.domain == MONGOC_ERROR_SERVER ? (int)e.code : 0;
	if (done)
		return Q_OK;
	return fault_retry(f, Q_UNAVAIL, MONGO_RETRY_SECONDS, "store: %.150s",
	    e.message);
}
