// SPDX-License-Identifier: Apache-2.0
/* API tokens: for build servers and scripts. */
#include "config.h"

#include "webd/apitoken.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/own.h"
#include "webd/pages.h"
#include "webd/profile.h"

#define ID_LEN 16 /* hex digits */
#define SECRET_LEN 64
#define TEXT_LEN (3 + ID_LEN + 1 + SECRET_LEN)
#define SEEN_SECONDS 60

static const char *const scopes[] = {
#define X(name, bit, text, help) [bit] = (text),
	WEB_SCOPES(X)
#undef X
	NULL
};

static SHAPE(create_shape, "ApiTokenCreate",
    { "name", SHAPE_STR, 1, 64, SHAPE_NEED, "what it is for" },
    { "scopes", SHAPE_ENUMS, .flags = SHAPE_NEED, .text = "what it may do",
	.names = scopes, .many = 7 },
    { "until", SHAPE_TIME, 0, 0, SHAPE_NEED, "when it ends" },
);

#define TOKEN_FIELDS                                                        \
    { "id", SHAPE_STR, 0, 64, SHAPE_NEED, "public part" },                  \
    { "name", SHAPE_STR, 0, 64, SHAPE_NEED, "what it is for" },             \
    { "user", SHAPE_STR, 0, 64, SHAPE_NEED, "whose" },                      \
    { "scopes", SHAPE_ENUMS, .flags = SHAPE_NEED, .text = "what it may do", \
	.names = scopes, .many = 7 },                                       \
    { "until", SHAPE_TIME, 0, 0, 0, "when it ends" },                       \
    { "created_at", SHAPE_TIME, 0, 0, 0, "when it was made" },              \
    { "used_at", SHAPE_TIME, 0, 0, 0, "latest use, to a minute" },          \
    { "used_from", SHAPE_STR, 0, 64, 0, "address it came from" }

static SHAPE(token_shape, "ApiToken", TOKEN_FIELDS);
static SHAPE(made_shape, "ApiTokenMade", TOKEN_FIELDS,
    { "token", SHAPE_STR, 0, TEXT_LEN, SHAPE_NEED,
	"for Authorization: Bearer; shown this once" });
static SHAPE_PAGE(tokens_shape, "ApiTokens", token_shape);

static enum q_err
digest_of(const char *secret, char out[65])
{
	uint8_t d[32];

	if (EVP_Digest(secret, strlen(secret), d, NULL, EVP_sha256(),
	    NULL) != 1)
		return Q_INTERNAL;
	hex_encode(d, sizeof(d), out);
	return Q_OK;
}

/* Coarse; who comes second need not. */
static void
touch(struct web *w, struct rec_api_key *k, const char *from)
{
	int64_t now = clock_wall();

	if (now - k->used_at < SEEN_SECONDS)
		return;
	k->used_at = now;
	snprintf(k->used_from, sizeof(k->used_from), "%s", from);
	(void)!rec_api_key_put(w->recordd, k, NULL);
}

/* No limits here: nobody guesses 256 bits, and a script that was forgotten
 * must not make others of its address wait. */
static enum q_err
judge(struct web *w, const char *text, struct rec_api_key *k,
    struct fault *f)
{
	char id[ID_LEN + 1], digest[65];
	enum q_err r;

	if (strlen(text) != TEXT_LEN || strncmp(text, "qk_", 3) != 0 ||
	    text[3 + ID_LEN] != '_')
		return Q_UNAUTH;
	snprintf(id, sizeof(id), "%s", text + 3);
	if (!hex_is_lower(id, ID_LEN))
		return Q_UNAUTH;
	r = rec_api_key_get(w->recordd, id, k, f);
	if (r != Q_OK)
		return r == Q_NOTFOUND ? Q_UNAUTH : r;
	r = digest_of(text + 3 + ID_LEN + 1, digest);
	if (r == Q_OK && (CRYPTO_memcmp(digest, k->digest, 64) != 0 ||
	    k->until <= clock_wall()))
		return Q_UNAUTH;
	return r;
}

enum q_err
apitoken_find(struct web *w, const char *text, const char *from,
    struct rec_api_key *ret_key, struct fault *f)
{
	enum q_err r = judge(w, text, ret_key, f);

	if (r == Q_UNAUTH)
		return fault_set(f, r, "this API token is no good");
	if (r == Q_OK)
		touch(w, ret_key, from);
	return r;
}

static struct json_object *
token_json(const struct rec_api_key *k)
{
	struct json_object *o = web_object(), *list = web_array();

	for (size_t i = 0; scopes[i] != NULL; i++)
		if (k->scopes & INT64_C(1) << i)
			web_push(list, json_object_new_string(scopes[i]));
	web_put(o, "id", k->key);
	web_put(o, "name", k->name);
	web_put(o, "user", k->user);
	web_put_obj(o, "scopes", list);
	web_put_time(o, "until", k->until);
	web_put_time(o, "created_at", k->created_at);
	web_put_time(o, "used_at", k->used_at);
	web_put(o, "used_from", k->used_from);
	return o;
}

/* Own ones; administrators see all. */
static enum q_err
tokens_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	AUTO_REC_LIST struct rec_list it = REC_LIST(c->web->recordd,
	    REC_API_KEY, c->user.admin ? NULL : "user",
	    c->user.admin ? NULL : c->user.name);
	struct json_object *items = web_array();
	struct rec_api_key k;
	enum q_err r;

	while ((r = rec_list_next(&it, &k, f)) == Q_OK)
		web_push(items, token_json(&k));
	if (r == Q_NOTFOUND)
		return web_reply(rs, 200, web_items(items, ""));
	json_object_put(items);
	return r;
}

static int64_t
scopes_of(const struct web_call *c)
{
	struct json_object *list = web_list(c, "scopes");
	int64_t bits = 0;

	for (size_t i = 0; i < json_object_array_length(list); i++) {
		const char *s = json_object_get_string(
		    json_object_array_get_idx(list, i));

		for (size_t b = 0; scopes[b] != NULL; b++)
			if (strcmp(s, scopes[b]) == 0)
				bits |= INT64_C(1) << b;
	}
	return bits;
}

static enum q_err
token_make(struct rec_api_key *k, char text[TEXT_LEN + 1])
{
	uint8_t raw[ID_LEN / 2 + SECRET_LEN / 2];

	if (RAND_bytes(raw, sizeof(raw)) != 1)
		return Q_INTERNAL;
	hex_encode(raw, ID_LEN / 2, k->key);
	snprintf(text, TEXT_LEN + 1, "qk_%.16s_", k->key);
	hex_encode(raw + ID_LEN / 2, SECRET_LEN / 2, text + 3 + ID_LEN + 1);
	OPENSSL_cleanse(raw, sizeof(raw));
	return digest_of(text + 3 + ID_LEN + 1, k->digest);
}

static enum q_err
tokens_post(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct rec_api_key k = { .created_at = clock_wall(),
		.until = web_time(c, "until", 0), .scopes = scopes_of(c) };
	char text[TEXT_LEN + 1];
	struct json_object *o;
	enum q_err r;

	if (k.until <= k.created_at)
		return web_wrong(c, f, "/until", "lies in the past");
	if (k.scopes == 0)
		return web_wrong(c, f, "/scopes", "at least one");
	snprintf(k.name, sizeof(k.name), "%s", web_text(c, "name", ""));
	snprintf(k.user, sizeof(k.user), "%.64s", c->user.name);
	r = token_make(&k, text);
	if (r == Q_OK)
		r = rec_api_key_insert(c->web->recordd, &k, f);
	if (r == Q_OK)
		r = web_note(c, "api token create", k.name, f);
	if (r == Q_OK) {
		o = token_json(&k);
		web_put(o, "token", text);
		rs->secret = true;
		r = web_reply(rs, 201, o);
	}
	OPENSSL_cleanse(text, sizeof(text));
	return r;
}

/* Its use is written down beside us: the newest revision goes. */
static enum q_err
drop(struct web *w, const char *id, struct fault *f)
{
	struct rec_api_key k;
	enum q_err r = Q_CONFLICT;

	for (int i = 0; r == Q_CONFLICT && i < 4; i++) {
		r = rec_api_key_get(w->recordd, id, &k, f);
		if (r == Q_OK)
			r = rec_api_key_delete(w->recordd, id, k.rev, f);
	}
	return r;
}

static enum q_err
token_delete(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct rec_api_key k;
	enum q_err r = rec_key_check(rec_desc(REC_API_KEY), c->param[0], f);

	if (r == Q_OK)
		r = rec_api_key_get(c->web->recordd, c->param[0], &k, f);
	if (r == Q_INVALID || (r == Q_OK && !c->user.admin &&
	    strcmp(k.user, c->user.name) != 0))
		return fault_set(f, Q_NOTFOUND, "no such API token");
	if (r == Q_OK)
		r = drop(c->web, k.key, f);
	if (r == Q_OK)
		r = web_note(c, "api token delete", k.name, f);
	rs->status = 204;
	return r;
}

static const struct web_route apitoken_routes[] = {
	{ "GET", "/api/v1/api-tokens", WEB_USER, WEB_SESSION, 0, NULL, NULL,
	    200, &tokens_shape, tokens_get,
	    "Own API tokens; for administrators those of all" },
	{ "POST", "/api/v1/api-tokens", WEB_USER, WEB_SESSION, 0, NULL,
	    &create_shape, 201, &made_shape, tokens_post,
	    "Make an API token" },
	{ "DELETE", "/api/v1/api-tokens/{id}", WEB_USER, WEB_SESSION, 0, NULL,
	    NULL, 204, NULL, token_delete, "Revoke an API token" },
};

WEB_PAGE(apitoken, "API tokens, for build servers and scripts",
    apitoken_routes);
