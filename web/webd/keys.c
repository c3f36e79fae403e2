// SPDX-License-Identifier: Apache-2.0
/* Signing keys (guide 9.3): made in the token or imported, with rules. */
#include "config.h"

#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/own.h"
#include "records/keys.h"
#include "signer/named.h"
#include "webd/hsm.h"
#include "webd/pages.h"
#include "x509/pem.h"

#define PRIVATE_MAX 4096 /* as signd takes it */
#define NAME_MAX_SHOWN (REC_NAME_MAX - (sizeof(SIGNER_IMPORTED) - 1))
#define NEED_MAX 1000

/* Kinds of keys as the guide calls them, and as signd does. */
static const struct {
	const char *type, *kind;
	int size;
} kinds[] = { { "ecdsa", "P-256", 256 }, { "rsa-3072", "RSA-3072", 3072 } };
static const char *const types[] = { "ecdsa", "rsa-3072", NULL };
static const char *const purposes[] = { "firmware", "update", "codesign",
	"jwt", "provision", NULL };

static SHAPE(rules_shape, "KeyRules",
    { "users", SHAPE_STRS, 0, 10, 0, "numbers of the system's users that a "
	"codesign key is for", .many = 90 },
    { "not_before", SHAPE_TIME, 0, 0, 0, "not used before" },
    { "not_after", SHAPE_TIME, 0, 0, 0, "not used after" },
    { "uses", SHAPE_INT, 0, INT64_MAX, 0, "signatures in all; 0: no limit" },
    { "rate", SHAPE_INT, 0, UINT32_MAX, 0,
	"signatures in a minute; 0: no limit" },
    { "approvals", SHAPE_INT, 0, 16, 0,
	"approvers that must agree to each signature" },
    { "approvers", SHAPE_STRS, 0, SIGND_NAME_MAX, 0, "who can", .many = 64 },
);

static SHAPE(create_shape, "KeyCreate",
    { "name", SHAPE_STR, 1, REC_NAME_MAX, SHAPE_NEED, "unique" },
    { "type", SHAPE_ENUM, .flags = SHAPE_NEED, .text = "kind of key",
	.names = types },
    { "purpose", SHAPE_ENUM, .text = "what it signs, for ever; firmware",
	.names = purposes },
    { "token", SHAPE_INT, 0, SIGND_TOKENS - 1, 0,
	"0: the main one, 1: the second one" },
    { "rules", SHAPE_OBJ, 0, 0, 0, "what limits its use", NULL,
	&rules_shape },
);

static SHAPE(import_shape, "KeyImport",
    { "name", SHAPE_STR, 1, REC_NAME_MAX, SHAPE_NEED,
	"unique; \"" SIGNER_IMPORTED "\" is put before it" },
    { "pem", SHAPE_TEXT, 1, PRIVATE_MAX, SHAPE_NEED,
	"private key, PKCS #8, PEM, not encrypted" },
    { "purpose", SHAPE_ENUM, .text = "what it signs, for ever; firmware",
	.names = purposes },
    { "rules", SHAPE_OBJ, 0, 0, 0, "what limits its use", NULL,
	&rules_shape },
);

static SHAPE(edit_shape, "KeyEdit",
    { "rules", SHAPE_OBJ, 0, 0, SHAPE_NEED,
	"what limits its use; what is not named stays", NULL, &rules_shape },
);

static SHAPE(key_shape, "Key",
    { "id", SHAPE_HEX, SIGND_ID_LEN, SIGND_ID_LEN, SHAPE_NEED, "its id" },
    { "name", SHAPE_STR, 0, SIGNER_SHOWN, SHAPE_NEED,
	"unique; with \"" SIGNER_IMPORTED "\" before it when imported" },
    { "purpose", SHAPE_STR, 0, 15, SHAPE_NEED, "what it is for" },
    { "type", SHAPE_STR, 0, 15, SHAPE_NEED, "ecdsa, rsa-3072, aes-256" },
    { "size", SHAPE_INT, 0, 4096, SHAPE_NEED, "bits" },
    { "imported", SHAPE_BOOL, 0, 0, SHAPE_NEED,
	"was known outside the token" },
    { "token", SHAPE_INT, 0, SIGND_TOKENS - 1, SHAPE_NEED,
	"0: the main one, 1: the second one" },
    { "created", SHAPE_TIME, 0, 0, 0, "when it was made" },
    { "used", SHAPE_INT, 0, INT64_MAX, SHAPE_NEED,
	"signatures since the signing daemon's start" },
    { "uses", SHAPE_INT, 0, INT64_MAX, SHAPE_NEED,
	"signatures in all, where they are limited" },
    { "rules", SHAPE_OBJ, 0, 0, SHAPE_NEED, "what limits its use", NULL,
	&rules_shape },
    { "etag", SHAPE_STR, 0, 24, SHAPE_NEED, "revision of its rules" },
    { "public_pem", SHAPE_TEXT, 0, 2048, 0, "its public half" },
    { "certificate_pem", SHAPE_TEXT, 0, 4096, 0,
	"that came with it, of its owner" },
    { "needed_by", SHAPE_STRS, 0, REC_NAME_MAX, SHAPE_NEED,
	"batches whose firmware it signs", .many = NEED_MAX },
);
static SHAPE_PAGE(keys_shape, "Keys", key_shape);
static SHAPE(window_query, "KeysQuery", WEB_WINDOW_FIELDS);

/* --- showing them ------------------------------------------------------- */

static struct json_object *
rules_json(struct bytes code)
{
	struct json_object *o = web_object();
	struct signd_rules r;

	if (wire_decode(&signd_rules_type, code, &r, NULL) != Q_OK)
		return o;
	web_put_obj(o, "users", hsm_words_json(r.users));
	web_put_time(o, "not_before", (int64_t)r.not_before);
	web_put_time(o, "not_after", (int64_t)r.not_after);
	web_put_int(o, "uses", (int64_t)r.uses);
	web_put_int(o, "rate", r.rate);
	web_put_int(o, "approvals", r.approvals);
	web_put_obj(o, "approvers", hsm_words_json(r.approvers));
	return o;
}

/* signd counts no revisions: rules that are the same have the same. */
static uint64_t
rules_rev(struct bytes code)
{
	uint8_t d[SHA256_DIGEST_LENGTH];

	SHA256(code.p, code.len, d);
	return le64_get(d) | 1;
}

static struct json_object *
key_json(const struct signd_key *k)
{
	struct json_object *o = web_object();
	const char *type = "aes-256";
	char shown[SIGNER_SHOWN];
	int size = 256;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].kind, k->kind) == 0) {
			type = kinds[i].type;
			size = kinds[i].size;
		}
	signer_key_shown(k, shown);
	web_put(o, "id", k->id);
	web_put(o, "name", shown);
	web_put(o, "purpose", k->purpose);
	web_put(o, "type", type);
	web_put_int(o, "size", size);
	web_put_bool(o, "imported", k->imported);
	web_put_int(o, "token", k->token);
	web_put_time(o, "created", (int64_t)k->created);
	web_put_int(o, "used", (int64_t)k->used);
	web_put_int(o, "uses", (int64_t)k->uses);
	web_put_obj(o, "rules", rules_json(k->rules));
	web_put_etag(o, rules_rev(k->rules));
	if (k->spki.len != 0)
		hsm_pem_put(o, "public_pem", PEM_PUBLIC_KEY, k->spki);
	if (k->cert.len != 0)
		hsm_pem_put(o, "certificate_pem", PEM_CERTIFICATE, k->cert);
	web_put_obj(o, "needed_by", web_array());
	return o;
}

static const char *
text_of(struct json_object *o, const char *name)
{
	return json_object_get_string(json_object_object_get(o, name));
}

/* A batch into needed_by of its key. */
static enum q_err
each_batch(void *arg, const char *key, const char *batch)
{
	struct json_object *items = arg, *list;

	for (size_t i = 0; i < json_object_array_length(items); i++) {
		struct json_object *o = json_object_array_get_idx(items, i);
		const struct signd_key k = { .id = text_of(o, "id"),
			.name = signer_key_name(text_of(o, "name")),
			.imported = json_object_get_boolean(
			    json_object_object_get(o, "imported")) };

		list = json_object_object_get(o, "needed_by");
		if (signer_key_called(&k, key) &&
		    json_object_array_length(list) < NEED_MAX)
			web_push(list, json_object_new_string(batch));
	}
	return Q_OK;
}

/* All of them, or the one with an id. */
struct walk {
	const char *id; /* NULL: all */
	struct json_object *items;
};

static enum q_err
each_key(void *arg, const struct signd_key *k)
{
	struct walk *w = arg;

	if (k->name[0] != '\0' && (w->id == NULL || strcmp(w->id, k->id) == 0))
		web_push(w->items, key_json(k));
	return Q_OK;
}

static enum q_err
keys_read(struct web *w, const char *id, struct json_object **ret_items,
    struct fault *f)
{
	struct walk walk = { id, web_array() };
	enum q_err r = signer_keys(w->signd, each_key, &walk, f);

	if (r == Q_OK && id != NULL &&
	    json_object_array_length(walk.items) == 0)
		r = fault_set(f, Q_NOTFOUND, "no key %.32s", id);
	if (r == Q_OK)
		r = rec_signing_batches(w->recordd, each_batch, walk.items,
		    f);
	if (r == Q_OK)
		*ret_items = walk.items;
	else
		json_object_put(walk.items);
	return r;
}

static enum q_err
keys_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct json_object *items;
	struct web_window win;
	enum q_err r = web_window(c, &win, f);

	if (r == Q_OK)
		r = keys_read(c->web, NULL, &items, f);
	return r != Q_OK ? r : hsm_window(rs, items, "id", &win, f);
}

static enum q_err
answer(struct web_call *c, const char *id, int status,
    struct http_response *rs, struct fault *f)
{
	struct json_object *items, *o;
	enum q_err r = keys_read(c->web, id, &items, f);

	if (r != Q_OK)
		return r;
	o = json_object_get(json_object_array_get_idx(items, 0));
	json_object_put(items);
	return web_reply_rev(rs, status, o,
	    strtoull(text_of(o, "etag"), NULL, 10));
}

static enum q_err
key_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	return answer(c, c->param[0], 200, rs, f);
}

/* --- rules -------------------------------------------------------------- */

/* With room for its lists, where users and approvers point to. */
struct rules {
	struct signd_rules r;
	struct buf users, approvers;
};

#define AUTO_RULES __attribute__((cleanup(rules_free)))
#define RULES_INIT                                \
	{ .users = BUF_INIT(SIGND_LIST_MAX),      \
		.approvers = BUF_INIT(SIGND_LIST_MAX) }

static void
rules_free(struct rules *r)
{
	buf_free(&r->users);
	buf_free(&r->approvers);
}

static enum q_err
words_take(struct web_call *c, struct json_object *list, const char *pointer,
    struct buf *out, struct fault *f)
{
	buf_reset(out);
	for (size_t i = 0; i < json_object_array_length(list); i++) {
		const char *s = json_object_get_string(
		    json_object_array_get_idx(list, i));

		if (s[0] == '\0' || strchr(s, ' ') != NULL)
			return web_wrong(c, f, pointer,
			    "a name is missing, or has a blank");
		buf_printf(out, "%s%s", out->len != 0 ? " " : "", s);
	}
	return out->bad ? web_wrong(c, f, pointer, "too many") : Q_OK;
}

static void
number_take(struct json_object *o, const char *name, uint64_t *value)
{
	struct json_object *v;

	if (json_object_object_get_ex(o, name, &v))
		*value = (uint64_t)json_object_get_int64(v);
}

static void
time_take(struct json_object *o, const char *name, uint64_t *value)
{
	struct json_object *v;
	int64_t t = 0;

	if (!json_object_object_get_ex(o, name, &v))
		return;
	*value = web_time_parse(json_object_get_string(v), &t) == Q_OK
	    ? (uint64_t)t : 0;
}

/* What the body says; the rest stays. */
static enum q_err
rules_take(struct web_call *c, struct rules *rules, struct fault *f)
{
	struct json_object *o = NULL, *list;
	uint64_t rate = rules->r.rate, approvals = rules->r.approvals;
	enum q_err r = Q_OK;

	if (!json_object_object_get_ex(c->in, "rules", &o))
		return Q_OK;
	if (json_object_object_get_ex(o, "users", &list))
		r = words_take(c, list, "/rules/users", &rules->users, f);
	if (r == Q_OK && json_object_object_get_ex(o, "approvers", &list))
		r = words_take(c, list, "/rules/approvers",
		    &rules->approvers, f);
	time_take(o, "not_before", &rules->r.not_before);
	time_take(o, "not_after", &rules->r.not_after);
	number_take(o, "uses", &rules->r.uses);
	number_take(o, "rate", &rate);
	number_take(o, "approvals", &approvals);
	rules->r.rate = (uint32_t)rate;
	rules->r.approvals = (uint32_t)approvals;
	return r;
}

static void
rules_encode(struct rules *rules, struct buf *code)
{
	rules->r.users = rules->users.len == 0 ? ""
	    : (const char *)rules->users.p;
	rules->r.approvers = rules->approvers.len == 0 ? ""
	    : (const char *)rules->approvers.p;
	wire_encode(&signd_rules_type, &rules->r, code);
}

/* --- changing them ------------------------------------------------------ */

/* Where the form has what signd says is wrong. Waiting for approval is no
 * success: what was asked for has not been done. */
static enum q_err
wrong(struct web_call *c, const char *other, enum q_err r, struct fault *f)
{
	static const char *const members[][2] = { { "name", "/name" },
		{ "purpose", "/purpose" }, { "kind", "/type" },
		{ "token", "/token" } };
	char text[sizeof(f->msg)];
	const char *at = other;

	snprintf(text, sizeof(text), "%s", fault_text(f, r));
	if (r == Q_WAIT) {
		c->problem = "urn:quoin:approval";
		return fault_set(f, Q_CONFLICT, "%s", text);
	}
	if (r != Q_INVALID)
		return r;
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		if (strncmp(text, members[i][0], strlen(members[i][0])) == 0 &&
		    text[strlen(members[i][0])] == ':')
			at = members[i][1];
	return web_wrong(c, f, at, "%s", text);
}

static enum q_err
keys_post(struct web_call *c, struct http_response *rs, struct fault *f)
{
	AUTO_BUF struct buf code = BUF_INIT(SIGND_RULES_MAX);
	AUTO_RULES struct rules rules = RULES_INIT;
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct signd_key_make_req req = { .name = web_text(c, "name", ""),
		.purpose = web_text(c, "purpose", "firmware"),
		.token = (uint32_t)web_int(c, "token", 0),
		.user = c->user.name };
	struct signd_key_make_rsp rsp;
	enum q_err r = rules_take(c, &rules, f);

	if (r != Q_OK)
		return r;
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i].type, web_text(c, "type", "")) == 0)
			req.kind = kinds[i].kind;
	rules_encode(&rules, &code);
	req.rules = buf_bytes(&code);
	r = signd_key_make(c->web->signd, &req, &rsp, &hold, f);
	if (r != Q_OK)
		return wrong(c, "/rules", r, f);
	r = web_note(c, "hsm key create", req.name, f);
	return r == Q_OK ? answer(c, rsp.id, 201, rs, f) : r;
}

static enum q_err
import(struct web_call *c, const char *name, char ret_id[SIGND_ID_LEN + 1],
    struct fault *f)
{
	AUTO_BUF struct buf code = BUF_INIT(SIGND_RULES_MAX);
	AUTO_RULES struct rules rules = RULES_INIT;
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	const char *pem = web_text(c, "pem", "");
	struct signd_key_import_req req = { .name = name,
		.purpose = web_text(c, "purpose", "firmware"),
		.pkcs8 = { (const uint8_t *)pem, strlen(pem) },
		.user = c->user.name };
	struct signd_key_import_rsp rsp;
	enum q_err r = rules_take(c, &rules, f);

	if (r != Q_OK)
		return r;
	rules_encode(&rules, &code);
	req.rules = buf_bytes(&code);
	r = signd_key_import(c->web->signd, &req, &rsp, &hold, f);
	if (r != Q_OK)
		return wrong(c, "/pem", r, f);
	snprintf(ret_id, SIGND_ID_LEN + 1, "%s", rsp.id);
	return Q_OK;
}

static enum q_err
import_post(struct web_call *c, struct http_response *rs, struct fault *f)
{
	const char *name = signer_key_name(web_text(c, "name", ""));
	char id[SIGND_ID_LEN + 1] = "";
	enum q_err r;

	/* Batches name it with the prefix. */
	r = strlen(name) > NAME_MAX_SHOWN ? web_wrong(c, f, "/name",
	    "%zu characters at most", NAME_MAX_SHOWN)
	    : import(c, name, id, f);
	if (r == Q_OK)
		r = web_note(c, "hsm key import", name, f);
	return r == Q_OK ? answer(c, id, 201, rs, f) : r;
}

/* The rules that a key has. */
struct had {
	const char *id;
	struct rules *rules;
	bool found;
	uint64_t rev;
	char name[SIGND_NAME_MAX + 1];
};

static enum q_err
each_had(void *arg, const struct signd_key *k)
{
	struct had *h = arg;

	if (k->name[0] == '\0' || strcmp(k->id, h->id) != 0)
		return Q_OK;
	h->found = true;
	h->rev = rules_rev(k->rules);
	snprintf(h->name, sizeof(h->name), "%s", k->name);
	if (wire_decode(&signd_rules_type, k->rules, &h->rules->r, NULL) !=
	    Q_OK)
		return Q_PROTO;
	buf_puts(&h->rules->users, h->rules->r.users);
	buf_puts(&h->rules->approvers, h->rules->r.approvers);
	return Q_OK;
}

/* signd takes the rules as a whole: of two who change some of them at once
 * neither may undo the other's. */
static pthread_mutex_t rules_lock = PTHREAD_MUTEX_INITIALIZER;

static enum q_err
rules_change(struct web_call *c, struct had *had, struct fault *f)
{
	AUTO_BUF struct buf code = BUF_INIT(SIGND_RULES_MAX);
	AUTO_RULES struct rules rules = RULES_INIT;
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct signd_key_set_req req = { .key = had->id,
		.user = c->user.name };
	struct signd_key_set_rsp rsp;
	enum q_err r;

	had->rules = &rules;
	r = signer_keys(c->web->signd, each_had, had, f);
	if (r == Q_OK && !had->found)
		r = fault_set(f, Q_NOTFOUND, "no key %.32s", had->id);
	if (r == Q_OK)
		r = web_if_match(c, had->rev, f);
	if (r == Q_OK)
		r = rules_take(c, &rules, f);
	if (r != Q_OK)
		return r;
	rules_encode(&rules, &code);
	req.rules = buf_bytes(&code);
	r = signd_key_set(c->web->signd, &req, &rsp, &hold, f);
	return r == Q_OK ? r : wrong(c, "/rules", r, f);
}

static enum q_err
key_patch(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct had had = { .id = c->param[0] };
	enum q_err r;

	pthread_mutex_lock(&rules_lock);
	r = rules_change(c, &had, f);
	pthread_mutex_unlock(&rules_lock);
	if (r == Q_OK)
		r = web_note(c, "hsm key edit", had.name, f);
	return r == Q_OK ? answer(c, c->param[0], 200, rs, f) : r;
}

/* Nothing that is needed goes: signd knows the rest. */
static enum q_err
unneeded(struct json_object *key, struct fault *f)
{
	struct json_object *list = json_object_object_get(key, "needed_by");
	size_t n = json_object_array_length(list);

	if (n == 0)
		return Q_OK;
	return fault_set(f, Q_CONFLICT, "batch %.64s%s has its firmware "
	    "signed with this key", json_object_get_string(
	    json_object_array_get_idx(list, 0)), n > 1 ? " (and others)"
	    : "");
}

static enum q_err
key_delete(struct web_call *c, struct http_response *rs, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct signd_key_delete_req req = { .key = c->param[0],
		.user = c->user.name };
	struct signd_key_delete_rsp rsp;
	struct json_object *items, *key;
	enum q_err r = keys_read(c->web, c->param[0], &items, f);

	if (r != Q_OK)
		return r;
	key = json_object_array_get_idx(items, 0);
	r = unneeded(key, f);
	if (r == Q_OK)
		r = signd_key_delete(c->web->signd, &req, &rsp, &hold, f);
	if (r == Q_OK)
		r = web_note(c, "hsm key delete",
		    signer_key_name(text_of(key, "name")), f);
	else
		r = wrong(c, "", r, f);
	json_object_put(items);
	rs->status = 204;
	return r;
}

#define LIST "/api/v1/keys"
#define ONE LIST "/{id}"
static const struct web_route keys_routes[] = {
	{ "GET", LIST, WEB_USER, WEB_SCOPE_READ, 0, &window_query, NULL, 200,
	    &keys_shape, keys_get, "Keys that people made or imported" },
	{ "POST", LIST, WEB_ADMIN, WEB_SCOPE_HSM, 0, NULL, &create_shape, 201,
	    &key_shape, keys_post, "Make a key in the token" },
	{ "POST", LIST "/import", WEB_ADMIN, WEB_SCOPE_HSM, 0, NULL,
	    &import_shape, 201, &key_shape, import_post,
	    "Import a private key, for development" },
	{ "GET", ONE, WEB_USER, WEB_SCOPE_READ, 0, NULL, NULL, 200,
	    &key_shape, key_get, "One key" },
	{ "PATCH", ONE, WEB_ADMIN, WEB_SCOPE_HSM, 0, NULL, &edit_shape, 200,
	    &key_shape, key_patch, "Change what limits a key's use" },
	{ "DELETE", ONE, WEB_ADMIN, WEB_SCOPE_HSM, 0, NULL, NULL, 204, NULL,
	    key_delete, "Destroy a key that nothing needs" },
};

WEB_PAGE(keys, "Signing keys", keys_routes);
