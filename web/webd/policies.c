// SPDX-License-Identifier: Apache-2.0
/* Policies (guide 11). */
#include "config.h"

#include "records/policies.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "webd/pages.h"

static const char *const connections[] = { "iot_hub", "database_direct",
	NULL };
static const char *const signatures[] = { "ECDSA", NULL };

static SHAPE(issuing_shape, "PolicyIssuing",
    { "id", SHAPE_STR, 0, 16, SHAPE_NEED, "of the CA that issues now" },
    { "name", SHAPE_STR, 0, 128, SHAPE_NEED, "for people" },
    { "not_after", SHAPE_TIME, 0, 0, SHAPE_NEED, "when it ends" },
);

static const struct shape policy_shape = { .name = "Policy",
	.rec = REC_POLICY,
	.fields = (const struct shape_field[]){
	    { "signature", SHAPE_ENUM, .flags = SHAPE_NEED,
		.text = "signature type", .names = signatures },
	    { "size", SHAPE_INT, 256, 256, SHAPE_NEED, "signature size, bits" },
	    { "used_by", SHAPE_INT, 0, INT32_MAX, SHAPE_NEED,
		"batches under it" },
	    { "issuing", SHAPE_OBJ, .sub = &issuing_shape },
	}, .n = 4 };
static SHAPE_PAGE(policies_shape, "Policies", policy_shape);

#define BODY                                                                \
    { "connection", SHAPE_ENUM, .text = "what devices connect to",          \
	.names = connections },                                             \
    { "hub", SHAPE_STR, 0, 64, 0, "which one" },                            \
    { "device_lifetime", SHAPE_INT, 1, REC_SPAN_MAX, 0,                     \
	"seconds a device certificate lasts" },                             \
    { "issuing_lifetime", SHAPE_INT, 1, REC_SPAN_MAX, 0,                    \
	"seconds the issuing certificate lasts" },                          \
    { "signature", SHAPE_ENUM, .text = "signature type",                    \
	.names = signatures },                                              \
    { "size", SHAPE_INT, 256, 256, 0, "signature size, bits" },             \
    { "autorenew", SHAPE_BOOL, 0, 0, 0, "devices renew by themselves" },    \
    { "issuing_autorenew", SHAPE_BOOL, 0, 0, 0,                             \
	"the issuing certificate is renewed in time" },                     \
    { "allow_rekey", SHAPE_BOOL, 0, 0, 0, "devices may change their key" }, \
    { "allow_rsa2048", SHAPE_BOOL, 0, 0, 0,                                 \
	"devices may have RSA keys of 2048 bits" },                         \
    { "allow_serverkey", SHAPE_BOOL, 0, 0, 0,                               \
	"the appliance may make a device's key" },                          \
    { "approve", SHAPE_BOOL, 0, 0, 0,                                       \
	"somebody approves each first enrolment" }

static SHAPE(edit_shape, "PolicyEdit", BODY);
static SHAPE(create_shape, "PolicyCreate",
    { "name", SHAPE_STR, 1, 64, SHAPE_NEED, "unique name" }, BODY);

static enum q_err
issuing_take(void *arg, const struct signd_cert *c)
{
	struct json_object *of = json_object_object_get(arg, c->policy), *o;
	char name[REC_NAME_MAX + 16];

	if (of == NULL || strcmp(c->purpose, "issuing") != 0 ||
	    strcmp(c->state, "active") != 0)
		return Q_OK;
	o = web_object();
	snprintf(name, sizeof(name), "%s %u", c->policy, c->generation);
	web_put(o, "id", c->id);
	web_put(o, "name", name);
	web_put_time(o, "not_after", (int64_t)c->not_after);
	web_put_obj(of, "issuing", o);
	return Q_OK;
}

static struct json_object *
policy_json(const struct rec_policy *p)
{
	struct json_object *o = web_record(&policy_shape,
	    rec_desc(REC_POLICY), p);

	web_put(o, "signature", "ECDSA");
	web_put_int(o, "size", 256);
	web_put_int(o, "used_by", 0);
	return o;
}

/* What batches and signd know of policies, which are in `of` by their names.
 * While signd is away they are shown without their CAs. */
static enum q_err
know_more(struct web *w, struct json_object *of, const char *policy,
    struct fault *f)
{
	AUTO_REC_LIST struct rec_list it = REC_LIST(w->recordd, REC_BATCH,
	    policy != NULL ? "policy" : NULL, policy);
	struct json_object *o;
	struct rec_batch b;
	enum q_err r;

	while ((r = rec_list_next(&it, &b, f)) == Q_OK) {
		o = json_object_object_get(of, b.policy);
		if (o != NULL)
			json_object_int_inc(json_object_object_get(o,
			    "used_by"), 1);
	}
	if (r == Q_NOTFOUND)
		(void)!signer_certs(w->signd, issuing_take, of, NULL);
	return r == Q_NOTFOUND ? Q_OK : r;
}

static enum q_err
policies_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(c->web->recordd, REC_POLICY, NULL, NULL);
	AUTO_JSON struct json_object *items = web_array();
	AUTO_JSON struct json_object *of = web_object();
	struct json_object *o;
	struct rec_policy p;
	enum q_err r;

	while ((r = rec_list_next(&it, &p, f)) == Q_OK) {
		o = policy_json(&p);
		web_push(items, o);
		web_put_obj(of, p.key, json_object_get(o));
	}
	if (r == Q_NOTFOUND)
		r = know_more(c->web, of, NULL, f);
	return r != Q_OK ? r
	    : web_reply(rs, 200, web_items(json_object_get(items), ""));
}

static enum q_err
read_policy(struct web_call *c, const char *name, struct rec_policy *p,
    struct fault *f)
{
	enum q_err r = rec_key_check(rec_desc(REC_POLICY), name, NULL);

	if (r == Q_OK)
		r = rec_policy_get(c->web->recordd, name, p, f);
	return r == Q_NOTFOUND || r == Q_INVALID ? fault_set(f, Q_NOTFOUND,
	    "no policy %.64s", name) : r;
}

static enum q_err
answer(struct web_call *c, const char *name, int status,
    struct http_response *rs, struct fault *f)
{
	AUTO_JSON struct json_object *of = web_object();
	struct rec_policy p;
	struct json_object *o;
	enum q_err r = read_policy(c, name, &p, f);

	if (r != Q_OK)
		return r;
	o = policy_json(&p);
	web_put_obj(of, p.key, o);
	r = know_more(c->web, of, p.key, f);
	return r == Q_OK ? web_reply_rev(rs, status, json_object_get(o),
	    p.rev) : r;
}

static enum q_err
policy_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	return answer(c, c->param[0], 200, rs, f);
}

static void
body_take(const struct web_call *c, struct rec_policy *p)
{
	p->device_lifetime = web_int(c, "device_lifetime",
	    p->device_lifetime);
	p->issuing_lifetime = web_int(c, "issuing_lifetime",
	    p->issuing_lifetime);
	p->autorenew = web_bool(c, "autorenew", p->autorenew);
	p->issuing_autorenew = web_bool(c, "issuing_autorenew",
	    p->issuing_autorenew);
	p->allow_rekey = web_bool(c, "allow_rekey", p->allow_rekey);
	p->allow_rsa2048 = web_bool(c, "allow_rsa2048", p->allow_rsa2048);
	p->allow_serverkey = web_bool(c, "allow_serverkey",
	    p->allow_serverkey);
	p->approve = web_bool(c, "approve", p->approve);
	web_text_take(c, "hub", p->hub, sizeof(p->hub));
	if (web_has(c, "connection"))
		p->connection = strcmp(web_text(c, "connection", ""),
		    "iot_hub") == 0 ? CONNECTION_IOT_HUB
				    : CONNECTION_DATABASE_DIRECT;
}

/* The same members for both. */
#define ISSUING(p)                                                          \
	{ .policy = (p)->key,                                               \
	.issuing_lifetime = (uint64_t)(p)->issuing_lifetime,                \
	.device_lifetime = (uint64_t)(p)->device_lifetime,                  \
	.autorenew = (p)->issuing_autorenew,                                \
	.allow_rekey = (p)->allow_rekey,                                    \
	.allow_rsa2048 = (p)->allow_rsa2048,                                \
	.allow_serverkey = (p)->allow_serverkey }

static enum q_err
ca_make(void *ctx, const struct rec_policy *p, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	const struct signd_issuing_make_req req = ISSUING(p);
	struct signd_issuing_make_rsp rsp;

	return signd_issuing_make(ctx, &req, &rsp, &hold, f);
}

static enum q_err
ca_set(void *ctx, const struct rec_policy *p, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	const struct signd_issuing_set_req req = ISSUING(p);
	struct signd_issuing_set_rsp rsp;

	return signd_issuing_set(ctx, &req, &rsp, &hold, f);
}

static enum q_err
fits(struct web_call *c, const struct rec_policy *p, struct fault *f)
{
	enum q_err r = rec_policy_fits(p, f);

	return r == Q_OK ? r
	    : web_wrong(c, f, "/issuing_lifetime", "%s", fault_text(f, r));
}

static enum q_err
policies_post(struct web_call *c, struct http_response *rs, struct fault *f)
{
	const struct rec_issuing ca = { ca_make, ca_set, c->web->signd };
	struct rec_policy p = { .created_at = clock_wall(),
		.issuing_autorenew = true };
	enum q_err r;

	snprintf(p.key, sizeof(p.key), "%s", web_text(c, "name", ""));
	r = rec_key_check(rec_desc(REC_POLICY), p.key, f);
	if (r != Q_OK)
		return web_wrong(c, f, "/name", "%s", fault_text(f, r));
	body_take(c, &p);
	if (p.device_lifetime == 0)
		return web_wrong(c, f, "/device_lifetime", "is missing");
	if (p.issuing_lifetime == 0)
		return web_wrong(c, f, "/issuing_lifetime", "is missing");
	r = fits(c, &p, f);
	if (r == Q_OK)
		r = rec_policy_make(c->web->recordd, &p, &ca, &c->by, f);
	return r == Q_OK ? answer(c, p.key, 201, rs, f) : r;
}

static enum q_err
policy_patch(struct web_call *c, struct http_response *rs, struct fault *f)
{
	const struct rec_issuing ca = { ca_make, ca_set, c->web->signd };
	struct rec_policy old, p;
	enum q_err r = read_policy(c, c->param[0], &old, f);

	if (r == Q_OK)
		r = web_if_match(c, old.rev, f);
	if (r != Q_OK)
		return r;
	p = old;
	body_take(c, &p);
	r = fits(c, &p, f);
	if (r == Q_OK)
		r = rec_policy_change(c->web->recordd, &p, &old, &ca, &c->by,
		    f);
	if (r == Q_CONFLICT)
		r = fault_set(f, Q_STALE, "somebody has changed the policy "
		    "meanwhile: look at it again");
	return r == Q_OK ? answer(c, p.key, 200, rs, f) : r;
}

static enum q_err
policy_delete(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct rec_policy p;
	enum q_err r = read_policy(c, c->param[0], &p, f);

	if (r == Q_OK)
		r = web_if_match(c, p.rev, f);
	if (r == Q_OK)
		r = rec_policy_remove(c->web->recordd, p.key, &c->by, f);
	rs->status = 204;
	return r;
}

#define ONE "/api/v1/policies/{name}"
static const struct web_route policies_routes[] = {
	{ "GET", "/api/v1/policies", WEB_USER, WEB_SCOPE_READ, 0, NULL, NULL,
	    200, &policies_shape, policies_get, "All policies" },
	{ "POST", "/api/v1/policies", WEB_USER, WEB_SCOPE_POLICIES, 0, NULL,
	    &create_shape, 201, &policy_shape, policies_post,
	    "Create a policy, and its issuing CA" },
	{ "GET", ONE, WEB_USER, WEB_SCOPE_READ, 0, NULL, NULL, 200,
	    &policy_shape, policy_get, "One policy" },
	{ "PATCH", ONE, WEB_USER, WEB_SCOPE_POLICIES, 0, NULL, &edit_shape,
	    200, &policy_shape, policy_patch,
	    "Change a policy; certificates that exist stay as they are" },
	{ "DELETE", ONE, WEB_USER, WEB_SCOPE_POLICIES, 0, NULL, NULL, 204,
	    NULL, policy_delete, "Delete a policy that no batch is under" },
};

WEB_PAGE(policies, "Policies", policies_routes);
