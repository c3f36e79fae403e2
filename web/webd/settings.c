// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "webd/settings.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/own.h"
#include "webd/pages.h"
#include "webd/parts.h"
#include "webd/users.h"

#define LOOK_MS 2000 /* how old the cache may be */

enum setting_kind { KIND_STR, KIND_INT, KIND_BOOL, KIND_SECRET };

static const struct setting {
	const char *name;
	enum setting_kind kind;
	int64_t low, high;
	const char *standard, *text;
} table[] = {
#define X(name, kind, low, high, standard, text) \
	{ #name, KIND_##kind, low, high, standard, text },
	WEB_SETTINGS(X)
#undef X
};

struct settings {
	pthread_mutex_t lock;
	struct json_object *values; /* name: value as text */
	uint64_t rev;
	int64_t looked_at; /* clock_mono_ms; 0: never */
};

static struct json_object *
parse(const char *text)
{
	struct json_object *o = NULL;

	if (http_json_parse((struct bytes){ (const uint8_t *)text,
	    strlen(text) }, &o, NULL) != Q_OK)
		o = web_object();
	return o;
}

/* With the lock. What cannot be read now stays as it was, and of those who wait
 * for a recordd that hangs one alone does. */
static enum q_err
look(const struct web *w, bool now, struct fault *f)
{
	struct settings *s = w->settings;
	struct rec_setting rec;
	enum q_err r;

	if (!now && s->looked_at != 0 &&
	    clock_mono_ms() - s->looked_at < LOOK_MS)
		return Q_OK;
	r = rec_setting_get(w->recordd, REC_SETTING_WEB, &rec, f);
	s->looked_at = clock_mono_ms();
	if (r != Q_OK && r != Q_NOTFOUND)
		return r;
	if (r == Q_OK && rec.rev != s->rev) {
		json_object_put(s->values);
		s->values = parse(rec.value);
		s->rev = rec.rev;
	}
	return Q_OK;
}

static const struct setting *
row_of(const char *name)
{
	size_t i = 0;

	while (strcmp(table[i].name, name) != 0)
		i++;
	return &table[i];
}

/* With the lock. */
static const char *
value_of(const struct settings *s, const struct setting *row)
{
	struct json_object *v;

	return json_object_object_get_ex(s->values, row->name, &v)
	    ? json_object_get_string(v) : row->standard;
}

void
settings_text(const struct web *w, const char *name, char *out, size_t cap)
{
	pthread_mutex_lock(&w->settings->lock);
	(void)!look(w, false, NULL);
	snprintf(out, cap, "%s", value_of(w->settings, row_of(name)));
	pthread_mutex_unlock(&w->settings->lock);
}

int64_t
settings_int(const struct web *w, const char *name)
{
	char text[24];

	settings_text(w, name, text, sizeof(text));
	return strcmp(text, "true") == 0 ? 1 : strtoll(text, NULL, 10);
}

bool
settings_mail(const struct web *w)
{
	char url[301], from[255];

	settings_text(w, "smtp_url", url, sizeof(url));
	settings_text(w, "smtp_from", from, sizeof(from));
	return url[0] != '\0' && from[0] != '\0';
}

/* --- the page -------------------------------------------------------------- */

#define IN_STR(low, high) SHAPE_STR, low, high
#define IN_INT(low, high) SHAPE_INT, low, high
#define IN_BOOL(low, high) SHAPE_BOOL, 0, 0
#define IN_SECRET(low, high) SHAPE_SECRET, low, high
static const struct shape_field edit_fields[] = {
#define X(name, kind, low, high, standard, text) \
	{ #name, IN_##kind(low, high), 0, text },
	WEB_SETTINGS(X)
#undef X
};
static const struct shape edit_shape = { "SettingsEdit", edit_fields,
	ARRAY_LEN(edit_fields) };

#define OUT_STR(name, low, high, text) \
	{ #name, SHAPE_STR, 0, high, SHAPE_NEED, text },
#define OUT_INT(name, low, high, text) \
	{ #name, SHAPE_INT, low, high, SHAPE_NEED, text },
#define OUT_BOOL(name, low, high, text) \
	{ #name, SHAPE_BOOL, 0, 0, SHAPE_NEED, text },
#define OUT_SECRET(name, low, high, text) \
	{ #name "_set", SHAPE_BOOL, 0, 0, SHAPE_NEED, "there is one" },
static const struct shape_field known_fields[] = {
#define X(name, kind, low, high, standard, text) \
	OUT_##kind(name, low, high, text)
	WEB_SETTINGS(X)
#undef X
};
static const struct shape known_shape = { "SettingsValues", known_fields,
	ARRAY_LEN(known_fields) };

static const struct shape texts_shape = { .name = "SettingsText",
	.open = true };
static SHAPE(settings_shape, "Settings",
    { "etag", SHAPE_STR, 0, 24, 0, "their revision; absent: none was set" },
    { "values", SHAPE_OBJ, .flags = SHAPE_NEED, .sub = &known_shape },
    { "text", SHAPE_OBJ, .flags = SHAPE_NEED, .sub = &texts_shape },
);

static struct json_object *
settings_json(const struct settings *s)
{
	struct json_object *o = web_object(), *values = web_object();
	struct json_object *texts = web_object();
	char name[64];

	for (size_t i = 0; i < ARRAY_LEN(table); i++) {
		const struct setting *row = &table[i];
		const char *v = value_of(s, row);

		web_put(texts, row->name, row->text);
		if (row->kind == KIND_STR)
			web_put(values, row->name, v);
		else if (row->kind == KIND_INT)
			web_put_int(values, row->name, strtoll(v, NULL, 10));
		else if (row->kind == KIND_BOOL)
			web_put_bool(values, row->name,
			    strcmp(v, "true") == 0);
		else {
			snprintf(name, sizeof(name), "%s_set", row->name);
			web_put_bool(values, name, v[0] != '\0');
		}
	}
	if (s->rev != 0)
		web_put_etag(o, s->rev);
	web_put_obj(o, "values", values);
	web_put_obj(o, "text", texts);
	return o;
}

static enum q_err
settings_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct settings *s = c->web->settings;
	struct json_object *o = NULL;
	uint64_t rev;
	enum q_err r;

	pthread_mutex_lock(&s->lock);
	r = look(c->web, true, f);
	if (r == Q_OK)
		o = settings_json(s);
	rev = s->rev;
	pthread_mutex_unlock(&s->lock);
	if (r != Q_OK)
		return r;
	return rev != 0 ? web_reply_rev(rs, 200, o, rev)
			: web_reply(rs, 200, o);
}

static enum q_err
link_check(struct web_call *c, const char *name, struct fault *f)
{
	const char *v = web_text(c, name, "");
	char pointer[32];

	if (v[0] == '\0' || strncasecmp(v, "https://", 8) == 0 ||
	    strncasecmp(v, "mailto:", 7) == 0)
		return Q_OK;
	snprintf(pointer, sizeof(pointer), "/%s", name);
	return web_wrong(c, f, pointer, "begins with https:// or mailto:");
}

static bool
server_looks_good(const char *url)
{
	size_t n = strncmp(url, "smtp://", 7) == 0 ? 7
	    : strncmp(url, "smtps://", 8) == 0 ? 8 : 0;

	return n != 0 && url[n] != '\0' &&
	    strpbrk(url + n, "/@?#%\\ <>\"") == NULL;
}

static enum q_err
all_check(struct web_call *c, struct fault *f)
{
	const char *url = web_text(c, "smtp_url", "");
	const char *from = web_text(c, "smtp_from", "");
	enum q_err r = link_check(c, "help_url", f);

	if (r == Q_OK)
		r = link_check(c, "feedback_url", f);
	if (r == Q_OK && url[0] != '\0' && !server_looks_good(url))
		r = web_wrong(c, f, "/smtp_url",
		    "smtp://HOST:PORT or smtps://HOST:PORT, and no more");
	if (r == Q_OK && from[0] != '\0' && !email_looks_good(from))
		r = web_wrong(c, f, "/smtp_from", "this is no e-mail address");
	return r;
}

/* The password as it is stored: sealed, in base64; "" stays "". */
static enum q_err
seal(struct web_call *c, const char *secret, struct buf *out, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_seal_req req = { .purpose = "mail",
		.context = "web/smtp_password",
		.secret = { (const uint8_t *)secret, strlen(secret) } };
	struct signd_seal_rsp rsp;
	enum q_err r;

	if (secret[0] == '\0')
		return Q_OK;
	r = signd_seal(c->web->signd, &req, &rsp, &hold, f);
	if (r == Q_OK)
		b64_encode(out, rsp.sealed.p, rsp.sealed.len, 0);
	return r;
}

/* The body's members into o, all as text. A password that was set for one
 * mail server is not for another. */
static enum q_err
merge(struct web_call *c, struct json_object *o, struct fault *f)
{
	struct json_object *url = NULL;
	enum q_err r = Q_OK;

	json_object_object_get_ex(o, "smtp_url", &url);
	if (url != NULL && strcmp(json_object_get_string(url),
	    web_text(c, "smtp_url", json_object_get_string(url))) != 0)
		json_object_object_del(o, "smtp_password");

	json_object_object_foreach(c->in, name, v) {
		const struct setting *row = row_of(name);
		AUTO_BUF struct buf sealed = BUF_INIT(512);

		if (row->kind == KIND_SECRET)
			r = seal(c, json_object_get_string(v), &sealed, f);
		if (r != Q_OK)
			return r;
		web_put(o, name, row->kind != KIND_SECRET
		    ? json_object_get_string(v)
		    : sealed.len != 0 ? (const char *)sealed.p : "");
	}
	return Q_OK;
}

static enum q_err
store(struct web_call *c, struct rec_setting *rec, struct fault *f)
{
	AUTO_JSON struct json_object *o = rec->rev != 0 ? parse(rec->value)
	    : web_object();
	const char *text;
	enum q_err r = merge(c, o, f);

	if (r != Q_OK)
		return r;
	text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
	    JSON_C_TO_STRING_NOSLASHESCAPE);
	if (strlen(text) >= sizeof(rec->value))
		return fault_set(f, Q_TOOBIG, "too much text in all settings");
	snprintf(rec->value, sizeof(rec->value), "%s", text);
	snprintf(rec->key, sizeof(rec->key), REC_SETTING_WEB);
	return rec->rev != 0 ? rec_setting_put(c->web->recordd, rec, f)
	    : rec_setting_insert(c->web->recordd, rec, f);
}

/* The names of what has been changed, for the log; never the values. */
static enum q_err
note(struct web_call *c, struct fault *f)
{
	AUTO_BUF struct buf names = BUF_INIT(512);

	json_object_object_foreach(c->in, name, v) {
		(void)v;
		buf_printf(&names, "%s%s", names.len != 0 ? " " : "", name);
	}
	if (names.len > 128)
		names.p[128] = '\0';
	return names.len == 0 || names.bad ? Q_OK
	    : web_note(c, "settings edit", (const char *)names.p, f);
}

static enum q_err
settings_patch(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct rec_setting rec = { 0 };
	enum q_err r = all_check(c, f);

	if (r == Q_OK)
		r = rec_setting_get(c->web->recordd, REC_SETTING_WEB, &rec, f);
	if (r == Q_OK)
		r = web_if_match(c, rec.rev, f);
	if (r == Q_OK || r == Q_NOTFOUND)
		r = store(c, &rec, f);
	if (r == Q_CONFLICT || r == Q_EXISTS)
		r = fault_set(f, Q_STALE, "somebody has changed the settings "
		    "meanwhile: look at them again");
	if (r == Q_OK)
		r = note(c, f);
	return r == Q_OK ? settings_get(c, rs, f) : r;
}

static const struct web_route settings_routes[] = {
	{ "GET", "/api/v1/settings", WEB_ADMIN, WEB_SCOPE_SETTINGS, 0, NULL,
	    NULL, 200, &settings_shape, settings_get, "All settings" },
	{ "PATCH", "/api/v1/settings", WEB_ADMIN, WEB_SCOPE_SETTINGS, 0, NULL,
	    &edit_shape, 200, &settings_shape, settings_patch,
	    "Change some of the settings" },
};

WEB_PAGE(settings, "What administrators set", settings_routes);

/* --- its life -------------------------------------------------------------- */

static enum q_err
settings_prepare(struct web *w, struct fault *f)
{
	(void)f;
	w->settings = calloc(1, sizeof(*w->settings));
	if (w->settings == NULL)
		return Q_NOMEM;
	pthread_mutex_init(&w->settings->lock, NULL);
	w->settings->values = web_object();
	return Q_OK;
}

static void
settings_stop(struct web *w)
{
	if (w->settings == NULL)
		return;
	json_object_put(w->settings->values);
	pthread_mutex_destroy(&w->settings->lock);
	free(w->settings);
}

const struct web_part settings_part = { "settings", settings_prepare, NULL,
	settings_stop };
