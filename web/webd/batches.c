// SPDX-License-Identifier: Apache-2.0
/* Batches (guide 8). */
#include "config.h"

#include "webd/batches.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/own.h"
#include "records/fleet.h"
#include "records/logs.h"
#include "signer/named.h"
#include "webd/pages.h"

#define BY_HAND 1500 /* DeviceIDs in one body */
#define FILTERS 16

static SHAPE(attribute_shape, "Attribute",
    { "name", SHAPE_STR, 1, 64, SHAPE_NEED, "of the attribute" },
    { "value", SHAPE_STR, 0, 64, SHAPE_NEED, "that it has" },
);

static SHAPE(counts_shape, "DeviceCounts",
    { "devices", SHAPE_INT, 0, INT64_MAX, SHAPE_NEED, "in all" },
    { "not_enrolled", SHAPE_INT, 0, INT64_MAX, SHAPE_NEED, "" },
    { "enrolled", SHAPE_INT, 0, INT64_MAX, SHAPE_NEED, "" },
    { "expired", SHAPE_INT, 0, INT64_MAX, SHAPE_NEED, "" },
    { "revoked", SHAPE_INT, 0, INT64_MAX, SHAPE_NEED, "" },
    { "renewed", SHAPE_INT, 0, INT64_MAX, SHAPE_NEED, "" },
);

static SHAPE(loading_shape, "Loading",
    { "done", SHAPE_INT, 0, INT32_MAX, SHAPE_NEED, "stored so far" },
    { "total", SHAPE_INT, 0, INT32_MAX, SHAPE_NEED, "in the list" },
);

static SHAPE(recount_shape, "Recount",
    { "wrong", SHAPE_INT, 0, INT64_MAX, SHAPE_NEED,
	"counters that were not right" },
);

static SHAPE(load_shape, "Load",
    { "state", SHAPE_STR, 0, 16, SHAPE_NEED, "loading or idle" },
    { "done", SHAPE_INT, 0, INT32_MAX, SHAPE_NEED, "stored so far" },
    { "total", SHAPE_INT, 0, INT32_MAX, SHAPE_NEED, "in the list" },
);

static const struct shape batch_shape = { .name = "Batch", .rec = REC_BATCH,
	.hide = "load_id load_total load_at filter",
	.fields = (const struct shape_field[]){
	    { "filter", SHAPE_OBJS, .flags = SHAPE_NEED,
		.text = "attributes that its firmware has",
		.sub = &attribute_shape, .many = FILTERS },
	    { "loading", SHAPE_OBJ, .sub = &loading_shape },
	    { "counts", SHAPE_OBJ, .flags = SHAPE_NEED,
		.sub = &counts_shape },
	}, .n = 3 };
static SHAPE_PAGE(batches_shape, "Batches", batch_shape);

static SHAPE(query_shape, "BatchesQuery",
    { "q", SHAPE_STR, 0, 64, 0, "somewhere in the name or description" },
    WEB_WINDOW_FIELDS,
);

#define BODY                                                                \
    { "description", SHAPE_STR, 0, 256, 0, "for people" },                  \
    { "firmware", SHAPE_STR, 0, 64, 0,                                      \
	"firmware of its devices; administrators only" },                   \
    { "signing_key", SHAPE_STR, 0, 64, 0,                                   \
	"key that it is signed with; administrators only" },                \
    { "filter", SHAPE_OBJS, .text = "attributes that its firmware has",     \
	.sub = &attribute_shape, .many = FILTERS },                         \
    { "token_alone", SHAPE_BOOL, 0, 0, 0,                                   \
	"a token is enough without a certificate" }

static SHAPE(create_shape, "BatchCreate",
    { "name", SHAPE_STR, 1, 64, SHAPE_NEED, "unique name" },
    { "policy", SHAPE_STR, 1, 64, SHAPE_NEED, "policy of the batch" },
    BODY,
    { "devices", SHAPE_STRS, 0, 200, 0, "DeviceIDs", .many = BY_HAND },
);

static SHAPE(edit_shape, "BatchEdit",
    { "policy", SHAPE_STR, 1, 64, 0, "policy of the batch" },
    BODY,
);

static struct json_object *
counts_json(const struct rec_device_counts *n)
{
	struct json_object *o = web_object();

	web_put_int(o, "devices", (int64_t)n->devices);
	web_put_int(o, "not_enrolled", (int64_t)n->not_enrolled);
	web_put_int(o, "enrolled", (int64_t)n->enrolled);
	web_put_int(o, "expired", (int64_t)n->expired);
	web_put_int(o, "revoked", (int64_t)n->revoked);
	web_put_int(o, "renewed", (int64_t)n->renewed);
	return o;
}

static struct json_object *
filter_json(const struct rec_batch *b)
{
	char text[sizeof(b->filter.p) + 1];
	struct json_object *o;

	memcpy(text, b->filter.p, b->filter.len);
	text[b->filter.len] = '\0';
	o = json_tokener_parse(text);
	return o != NULL ? o : web_array();
}

static struct json_object *
loading_json(const struct rec_batch *b)
{
	struct json_object *o = web_object();
	size_t done = 0, all = (size_t)b->load_total;

	(void)!upload_progress(b->key, &done, &all);
	web_put_int(o, "done", (int64_t)done);
	web_put_int(o, "total", (int64_t)all);
	return o;
}

/* All but its counts. */
static struct json_object *
batch_json(const struct rec_batch *b)
{
	struct json_object *o = web_record(&batch_shape, rec_desc(REC_BATCH),
	    b);

	web_put_obj(o, "filter", filter_json(b));
	if (b->load_id[0] != '\0')
		web_put_obj(o, "loading", loading_json(b));
	return o;
}

static const char *
name_of(struct json_object *batch)
{
	return json_object_get_string(json_object_object_get(batch, "name"));
}

static enum q_err
counts_put(struct web *w, struct json_object *batches, struct fault *f)
{
	size_t n = json_object_array_length(batches);
	AUTO_FREE const char **names = calloc(n + 1, sizeof(*names));
	AUTO_FREE struct rec_device_counts *counts =
	    calloc(n + 1, sizeof(*counts));
	enum q_err r;

	if (names == NULL || counts == NULL)
		return Q_NOMEM;
	for (size_t i = 0; i < n; i++)
		names[i] = name_of(json_object_array_get_idx(batches, i));
	r = rec_device_counters_of(w->recordd, names, n, counts, f);
	for (size_t i = 0; r == Q_OK && i < n; i++)
		web_put_obj(json_object_array_get_idx(batches, i), "counts",
		    counts_json(&counts[i]));
	return r;
}

static bool
wanted(const struct rec_batch *b, const char *q)
{
	return q[0] == '\0' || strcasestr(b->key, q) != NULL ||
	    strcasestr(b->description, q) != NULL;
}

static enum q_err
batches_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(c->web->recordd, REC_BATCH, NULL, NULL);
	AUTO_JSON struct json_object *items = web_array();
	struct web_window win;
	char q[65], next[REC_KEY_MAX + 1] = "";
	struct rec_batch b;
	enum q_err r = web_window(c, &win, f);

	if (r == Q_OK)
		r = web_query(c, "q", q, sizeof(q), f);
	if (r != Q_OK)
		return r;
	memcpy(it.next, win.after, sizeof(it.next));
	while ((r = rec_list_next(&it, &b, f)) == Q_OK) {
		if (!wanted(&b, q))
			continue;
		if (json_object_array_length(items) == win.limit) {
			snprintf(next, sizeof(next), "%s", name_of(
			    json_object_array_get_idx(items, win.limit - 1)));
			r = Q_NOTFOUND;
			break;
		}
		web_push(items, batch_json(&b));
	}
	if (r == Q_NOTFOUND)
		r = counts_put(c->web, items, f);
	return r != Q_OK ? r
	    : web_reply(rs, 200, web_items(json_object_get(items), next));
}

enum q_err
batch_read(struct web_call *c, const char *name, struct rec_batch *ret_batch,
    struct fault *f)
{
	enum q_err r = rec_key_check(rec_desc(REC_BATCH), name, NULL);

	if (r == Q_OK)
		r = rec_batch_get(c->web->recordd, name, ret_batch, f);
	return r == Q_NOTFOUND || r == Q_INVALID ? fault_set(f, Q_NOTFOUND,
	    "no batch %.64s", name) : r;
}

static enum q_err
answer(struct web_call *c, const char *name, int status,
    struct http_response *rs, struct fault *f)
{
	struct rec_device_counts n;
	struct rec_batch b;
	struct json_object *o;
	enum q_err r = batch_read(c, name, &b, f);

	if (r == Q_OK)
		r = rec_device_counters(c->web->recordd, b.key, &n, f);
	if (r != Q_OK)
		return r;
	o = batch_json(&b);
	web_put_obj(o, "counts", counts_json(&n));
	return web_reply_rev(rs, status, o, b.rev);
}

static enum q_err
batch_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	return answer(c, c->param[0], 200, rs, f);
}

struct key_search {
	const char *name;
	char shown[SIGNER_SHOWN]; /* "" until it is found */
};

static enum q_err
key_see(void *arg, const struct signd_key *k)
{
	struct key_search *s = arg;

	if (strcmp(k->purpose, "firmware") == 0 &&
	    signer_key_called(k, s->name))
		signer_key_shown(k, s->shown);
	return Q_OK;
}

/* As the list of keys has it, whatever it was called. */
static enum q_err
key_take(struct web_call *c, struct rec_batch *b, const char *key,
    struct fault *f)
{
	struct key_search s = { .name = key };
	enum q_err r = key[0] == '\0' ? Q_OK
	    : signer_keys(c->web->signd, key_see, &s, f);

	if (r != Q_OK)
		return r;
	if (key[0] != '\0' && s.shown[0] == '\0')
		return web_wrong(c, f, "/signing_key",
		    "no signing key %.64s", key);
	if (strlen(s.shown) > REC_NAME_MAX)
		return web_wrong(c, f, "/signing_key",
		    "the key's name is too long for a batch");
	snprintf(b->signing_key, sizeof(b->signing_key), "%s", s.shown);
	return Q_OK;
}

/* What contributors may not choose (guide 12 and 14); and a key that is. */
static enum q_err
firmware_take(struct web_call *c, struct rec_batch *b, struct fault *f)
{
	const char *key = web_text(c, "signing_key", b->signing_key);
	bool same = strcmp(key, b->signing_key) == 0;

	if (!c->user.admin && (!same || strcmp(web_text(c, "firmware",
	    b->firmware), b->firmware) != 0))
		return fault_set(f, Q_DENIED, "only administrators choose "
		    "firmware and signing key");
	web_text_take(c, "firmware", b->firmware, sizeof(b->firmware));
	return same ? Q_OK : key_take(c, b, key, f);
}

static enum q_err
body_take(struct web_call *c, struct rec_batch *b, struct fault *f)
{
	struct json_object *filter = web_list(c, "filter");
	const char *text;

	if (filter != NULL) {
		text = json_object_to_json_string_ext(filter,
		    JSON_C_TO_STRING_PLAIN);
		b->filter.len = strlen(text);
		if (b->filter.len > sizeof(b->filter.p))
			return web_wrong(c, f, "/filter", "is too much");
		memcpy(b->filter.p, text, b->filter.len);
	}
	web_text_take(c, "description", b->description,
	    sizeof(b->description));
	b->token_alone = web_bool(c, "token_alone", b->token_alone);
	return firmware_take(c, b, f);
}

static enum q_err
policy_exists(struct web_call *c, const char *name, struct fault *f)
{
	struct rec_policy p;
	enum q_err r = rec_key_check(rec_desc(REC_POLICY), name, NULL);

	if (r == Q_OK)
		r = rec_policy_get(c->web->recordd, name, &p, f);
	return r == Q_NOTFOUND || r == Q_INVALID
	    ? web_wrong(c, f, "/policy", "no policy %.64s", name) : r;
}

/* The IDs of the body: what is wrong with them is told by their places. */
static enum q_err
ids_take(struct web_call *c, struct fleet *fl, struct fault *f)
{
	struct json_object *list = web_list(c, "devices");
	size_t n = list != NULL ? json_object_array_length(list) : 0;
	enum q_err r = Q_OK;

	for (size_t i = 0; r == Q_OK && i < n; i++) {
		struct json_object *v = json_object_array_get_idx(list, i);

		r = fleet_add(fl, json_object_get_string(v),
		    (size_t)json_object_get_string_len(v), f);
	}
	return r;
}

static enum q_err
batches_post(struct web_call *c, struct http_response *rs, struct fault *f)
{
	AUTO_FLEET struct fleet fl = { 0 };
	struct rec_batch b = { .created_at = clock_wall() };
	enum q_err r;

	snprintf(b.key, sizeof(b.key), "%s", web_text(c, "name", ""));
	snprintf(b.policy, sizeof(b.policy), "%s", web_text(c, "policy", ""));
	r = rec_key_check(rec_desc(REC_BATCH), b.key, f);
	if (r != Q_OK)
		return web_wrong(c, f, "/name", "%s", fault_text(f, r));
	r = policy_exists(c, b.policy, f);
	if (r == Q_OK)
		r = body_take(c, &b, f);
	if (r == Q_OK)
		r = ids_take(c, &fl, f);
	if (r != Q_OK)
		return r;
	r = rec_batch_create(c->web->recordd, &b, fl.seen != 0 ? &fl : NULL,
	    NULL, &c->by, f);
	upload_wrong(c, &fl);
	if (r == Q_EXISTS && fl.n_bad == 0)
		r = fault_set(f, r, "there is a batch %s", b.key);
	return r == Q_OK ? answer(c, b.key, 201, rs, f) : r;
}

static enum q_err
batch_patch(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct rec_batch b, was;
	const char *policy;
	enum q_err r = batch_read(c, c->param[0], &b, f);

	if (r == Q_OK)
		r = web_if_match(c, b.rev, f);
	if (r == Q_OK && b.deleting)
		r = fault_set(f, Q_CONFLICT, "the batch is being deleted");
	if (r != Q_OK)
		return r;
	was = b;
	policy = web_text(c, "policy", b.policy);
	if (strcmp(policy, b.policy) != 0) {
		r = policy_exists(c, policy, f);
		snprintf(b.policy, sizeof(b.policy), "%s", policy);
	}
	if (r == Q_OK)
		r = body_take(c, &b, f);
	if (r == Q_OK)
		r = rec_batch_put(c->web->recordd, &b, f);
	if (r == Q_CONFLICT)
		r = fault_set(f, Q_STALE, "somebody has changed the batch "
		    "meanwhile: look at it again");
	if (r == Q_OK)
		r = rec_actor_edited(c->web->recordd, &c->by,
		    rec_desc(REC_BATCH), &was, &b, f);
	return r == Q_OK ? answer(c, b.key, 200, rs, f) : r;
}

static enum q_err
batch_delete(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct rec_batch b;
	enum q_err r = batch_read(c, c->param[0], &b, f);

	if (r == Q_OK)
		r = web_if_match(c, b.rev, f);
	if (r == Q_OK)
		r = rec_batch_remove(c->web->recordd, b.key, &c->by, f);
	rs->status = 202;
	return r;
}

static enum q_err
recount_post(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct rec_batch b;
	struct json_object *o;
	uint64_t wrong;
	enum q_err r = batch_read(c, c->param[0], &b, f);

	if (r == Q_OK)
		r = rec_device_recount(c->web->recordd, b.key, &wrong, f);
	if (r == Q_OK)
		r = web_note(c, "batch recount", b.key, f);
	if (r != Q_OK)
		return r;
	o = web_object();
	web_put_int(o, "wrong", (int64_t)wrong);
	return web_reply(rs, 200, o);
}

static enum q_err
load_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct rec_batch b;
	struct json_object *o;
	size_t done = 0, all = 0;
	enum q_err r = batch_read(c, c->param[0], &b, f);

	if (r != Q_OK)
		return r;
	o = web_object();
	all = (size_t)b.load_total;
	web_put(o, "state", b.load_id[0] != '\0' ? "loading" : "idle");
	(void)!upload_progress(b.key, &done, &all);
	web_put_int(o, "done", (int64_t)done);
	web_put_int(o, "total", (int64_t)all);
	return web_reply(rs, 200, o);
}

#define ONE "/api/v1/batches/{name}"
static const struct web_route batches_routes[] = {
	{ "GET", "/api/v1/batches", WEB_USER, WEB_SCOPE_READ, 0, &query_shape,
	    NULL, 200, &batches_shape, batches_get,
	    "Batches in order of their names, with their counts" },
	{ "POST", "/api/v1/batches", WEB_USER, WEB_SCOPE_DEVICES, 0, NULL,
	    &create_shape, 201, &batch_shape, batches_post,
	    "Create a batch and load its devices, all or nothing" },
	{ "GET", ONE, WEB_USER, WEB_SCOPE_READ, 0, NULL, NULL, 200,
	    &batch_shape, batch_get, "One batch" },
	{ "PATCH", ONE, WEB_USER, WEB_SCOPE_DEVICES, 0, NULL, &edit_shape,
	    200, &batch_shape, batch_patch, "Change a batch" },
	{ "DELETE", ONE, WEB_USER, WEB_SCOPE_DEVICES, 0, NULL, NULL, 202,
	    NULL, batch_delete,
	    "Revoke and delete all its devices, and the batch" },
	{ "POST", ONE "/recount", WEB_ADMIN, WEB_SCOPE_DEVICES, 0, NULL, NULL,
	    200, &recount_shape, recount_post,
	    "Count its devices anew and set its counters right" },
	{ "GET", ONE "/load", WEB_USER, WEB_SCOPE_READ, 0, NULL, NULL, 200,
	    &load_shape, load_get, "How far a load of devices is" },
};

WEB_PAGE(batches, "Batches of devices", batches_routes);
