// SPDX-License-Identifier: Apache-2.0
/*
 * Approvals: people agree to what a key is to do, each with a credential in
 * the browser (Web Authentication, level 2). What they agree to is a text of
 * quoin-signd, which verifies the proof itself; this only carries it.
 */
#include "config.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/own.h"
#include "signer/named.h"
#include "webd/hsm.h"
#include "webd/pages.h"
#include "x509/pem.h"

#define CREDENTIAL_MAX 1024
#define APPROVERS_MAX 1000
#define ADD_TEXT "quoinctl hsm approver add NAME --webauthn FILE"

static SHAPE(credential_shape, "ApproverCredential",
    { "approver", SHAPE_STR, 0, SIGND_NAME_MAX, SHAPE_NEED, "whose" },
    { "id", SHAPE_STR, 0, 2 * CREDENTIAL_MAX, SHAPE_NEED,
	"credential id, base64url" },
);

static SHAPE(approval_shape, "Approval",
    { "id", SHAPE_HEX, SIGND_ID_LEN, SIGND_ID_LEN, SHAPE_NEED, "its id" },
    { "action", SHAPE_STR, 0, 64, SHAPE_NEED, "sign, delete-key, ..." },
    { "key", SHAPE_STR, 0, SIGND_NAME_MAX, SHAPE_NEED,
	"name of the key, or of the approver" },
    { "statement", SHAPE_TEXT, 0, 1500, SHAPE_NEED,
	"what is to be agreed to" },
    { "digest", SHAPE_STR, 0, 256, SHAPE_NEED, "of what is to be signed" },
    { "meaning", SHAPE_STR, 0, 256, SHAPE_NEED, "what that is" },
    { "created", SHAPE_TIME, 0, 0, 0, "when it was asked for" },
    { "until", SHAPE_TIME, 0, 0, 0, "when it ends" },
    { "need", SHAPE_INT, 0, 16, SHAPE_NEED, "how many must agree" },
    { "have", SHAPE_INT, 0, 1000, SHAPE_NEED, "how many have" },
    { "approved", SHAPE_STRS, 0, SIGND_NAME_MAX, SHAPE_NEED, "who has",
	.many = APPROVERS_MAX },
    { "challenge", SHAPE_STR, 43, 43, SHAPE_NEED,
	"SHA-256 of the statement, base64url" },
    { "credentials", SHAPE_OBJS, 0, 0, SHAPE_NEED,
	"of those who may still agree in a browser", NULL, &credential_shape,
	APPROVERS_MAX },
    { "rp_id", SHAPE_STR, 0, 253, SHAPE_NEED,
	"relying party of these credentials" },
);
static SHAPE_PAGE(approvals_shape, "Approvals", approval_shape);

static SHAPE(response_shape, "AssertionResponse",
    { "clientDataJSON", SHAPE_STR, 1, 4096, SHAPE_NEED, "base64url" },
    { "authenticatorData", SHAPE_STR, 1, 2048, SHAPE_NEED, "base64url" },
    { "signature", SHAPE_STR, 1, 256, SHAPE_NEED, "base64url" },
    { "userHandle", SHAPE_STR, 0, 256, 0, "not looked at" },
);

static SHAPE(assertion_shape, "Assertion",
    { "id", SHAPE_STR, 0, 2 * CREDENTIAL_MAX, 0, "not looked at" },
    { "rawId", SHAPE_STR, 0, 2 * CREDENTIAL_MAX, 0, "not looked at" },
    { "type", SHAPE_STR, 0, 32, 0, "not looked at" },
    { "response", SHAPE_OBJ, 0, 0, SHAPE_NEED,
	"AuthenticatorAssertionResponse", NULL, &response_shape },
);

static SHAPE(give_shape, "ApprovalGive",
    { "approver", SHAPE_STR, 1, SIGND_NAME_MAX, SHAPE_NEED, "who agrees" },
    { "credential", SHAPE_OBJ, 0, 0, SHAPE_NEED,
	"what navigator.credentials.get() gave", NULL, &assertion_shape },
);

static SHAPE(given_shape, "ApprovalGiven",
    { "need", SHAPE_INT, 0, 16, SHAPE_NEED, "how many must agree" },
    { "have", SHAPE_INT, 0, 1000, SHAPE_NEED, "how many have" },
);

static SHAPE(approver_shape, "Approver",
    { "name", SHAPE_STR, 0, SIGND_NAME_MAX, SHAPE_NEED, "who" },
    { "kind", SHAPE_STR, 0, 15, SHAPE_NEED,
	"webauthn: agrees in a browser; p256: by a key, on the console" },
    { "rp_id", SHAPE_STR, 0, 253, SHAPE_NEED, "host of a credential" },
    { "origin", SHAPE_STR, 0, 300, SHAPE_NEED, "its origin" },
    { "created", SHAPE_TIME, 0, 0, 0, "when it was added" },
    { "public_pem", SHAPE_TEXT, 0, 2048, SHAPE_NEED, "its public key" },
);

static SHAPE(approvers_shape, "Approvers",
    { "items", SHAPE_OBJS, 0, 0, SHAPE_NEED, "all of them", NULL,
	&approver_shape, APPROVERS_MAX },
    { "add", SHAPE_STR, 0, 200, SHAPE_NEED,
	"what adds one, on the console only" },
);

/* --- approvers ---------------------------------------------------------- */

static enum q_err
each_approver(void *arg, const struct signd_approver *a)
{
	struct json_object *o = web_object();

	web_put(o, "name", a->name);
	web_put(o, "kind", a->kind);
	web_put(o, "rp_id", a->rp_id);
	web_put(o, "origin", a->origin);
	web_put_time(o, "created", (int64_t)a->created);
	hsm_pem_put(o, "public_pem", PEM_PUBLIC_KEY, a->spki);
	web_push(arg, o);
	return Q_OK;
}

static enum q_err
approvers_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct json_object *items = web_array(), *o;
	enum q_err r = signer_approvers(c->web->signd, each_approver, items,
	    f);

	if (r != Q_OK) {
		json_object_put(items);
		return r;
	}
	o = web_items(items, "");
	web_put(o, "add", ADD_TEXT);
	return web_reply(rs, 200, o);
}

/* --- what is open ------------------------------------------------------- */

/* What answers are made of: who there is, whom the keys name. */
struct board {
	struct json_object *who; /* of browsers: name, rp_id, id */
	struct json_object *keys; /* approvers of each, by its id */
	struct json_object *items;
	char host[254]; /* that the browser is at */
};

static void
board_free(struct board *b)
{
	json_object_put(b->who);
	json_object_put(b->keys);
	json_object_put(b->items);
}

static enum q_err
each_who(void *arg, const struct signd_approver *a)
{
	AUTO_BUF struct buf id = BUF_INIT(2 * CREDENTIAL_MAX);
	struct board *b = arg;
	struct json_object *o;

	if (a->credential.len == 0)
		return Q_OK;
	b64url_encode(&id, a->credential.p, a->credential.len);
	o = web_object();
	web_put(o, "approver", a->name);
	web_put(o, "rp_id", a->rp_id);
	web_put(o, "id", id.bad ? "" : (const char *)id.p);
	web_push(b->who, o);
	return Q_OK;
}

static enum q_err
each_key(void *arg, const struct signd_key *k)
{
	struct board *b = arg;
	struct signd_rules rules;

	if (k->name[0] != '\0' && wire_decode(&signd_rules_type, k->rules,
	    &rules, NULL) == Q_OK)
		web_put(b->keys, k->id, rules.approvers);
	return Q_OK;
}

/* Whether a list with blanks between has the word. */
static bool
has_word(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *s = strstr(list, word); s != NULL;
	    s = strstr(s + 1, word))
		if ((s == list || s[-1] == ' ') &&
		    (s[n] == '\0' || s[n] == ' '))
			return true;
	return false;
}

static const char *
text_of(struct json_object *o, const char *name)
{
	return json_object_get_string(json_object_object_get(o, name));
}

/* Who may agree, has not, and has a credential of this relying party. */
static struct json_object *
credentials_json(const struct board *b, const struct signd_approval *a,
    const char *named, const char *rp_id)
{
	struct json_object *list = web_array();

	for (size_t i = 0; i < json_object_array_length(b->who); i++) {
		struct json_object *w = json_object_array_get_idx(b->who, i);
		struct json_object *o;
		const char *name = text_of(w, "approver");

		if (strcmp(text_of(w, "rp_id"), rp_id) != 0 ||
		    has_word(a->have, name) ||
		    (named != NULL && !has_word(named, name)))
			continue;
		o = web_object();
		web_put(o, "approver", name);
		web_put(o, "id", text_of(w, "id"));
		web_push(list, o);
	}
	return list;
}

/* Credentials are bound to a host: those of the one that the browser is at,
 * if there are any. */
static const char *
rp_of(const struct board *b)
{
	const char *first = "";

	for (size_t i = 0; i < json_object_array_length(b->who); i++) {
		const char *rp = text_of(json_object_array_get_idx(b->who, i),
		    "rp_id");

		if (strcmp(rp, b->host) == 0)
			return rp;
		first = first[0] == '\0' ? rp : first;
	}
	return first;
}

static void
line_put(struct json_object *o, const char *statement, const char *name)
{
	char text[300];

	signer_statement_line(statement, name, text, sizeof(text));
	web_put(o, name, strcmp(text, "-") == 0 ? "" : text);
}

static void
challenge_put(struct json_object *o, const char *statement)
{
	AUTO_BUF struct buf text = BUF_INIT(64);
	uint8_t digest[SHA256_DIGEST_LENGTH];

	SHA256((const uint8_t *)statement, strlen(statement), digest);
	b64url_encode(&text, digest, sizeof(digest));
	web_put(o, "challenge", (const char *)text.p);
}

static enum q_err
each_approval(void *arg, const struct signd_approval *a)
{
	struct board *b = arg;
	struct json_object *o = web_object(), *names = hsm_words_json(a->have);
	const char *rp_id = rp_of(b), *named;
	char key[SIGND_ID_LEN + SIGND_NAME_MAX + 2], *name;

	signer_statement_line(a->statement, "key", key, sizeof(key));
	name = strchr(key, ' ');
	if (name != NULL)
		*name++ = '\0';
	named = text_of(b->keys, key);
	web_put(o, "id", a->id);
	line_put(o, a->statement, "action");
	web_put(o, "key", name != NULL ? name : "");
	web_put(o, "statement", a->statement);
	line_put(o, a->statement, "digest");
	line_put(o, a->statement, "meaning");
	web_put_time(o, "created", (int64_t)a->created);
	web_put_time(o, "until", (int64_t)a->expires);
	web_put_int(o, "need", a->want);
	web_put_int(o, "have", (int64_t)json_object_array_length(names));
	web_put_obj(o, "approved", names);
	challenge_put(o, a->statement);
	web_put_obj(o, "credentials", credentials_json(b, a, named, rp_id));
	web_put(o, "rp_id", rp_id);
	web_push(b->items, o);
	return Q_OK;
}

/* The host that the browser asked for, without its port. */
static void
host_take(const struct web_call *c, char *out, size_t cap)
{
	const char *host = http_header(c->rq, "Host");
	size_t n = host != NULL ? strcspn(host, ":") : 0;

	snprintf(out, cap, "%.*s", (int)n, host != NULL ? host : "");
}

static enum q_err
approvals_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	__attribute__((cleanup(board_free))) struct board b = {
		web_array(), web_object(), web_array(), "" };
	struct wire_client *signd = c->web->signd;
	enum q_err r = signer_approvers(signd, each_who, &b, f);

	host_take(c, b.host, sizeof(b.host));
	if (r == Q_OK)
		r = signer_keys(signd, each_key, &b, f);
	if (r == Q_OK)
		r = signer_approvals(signd, each_approval, &b, f);
	return r != Q_OK ? r : web_reply(rs, 200,
	    web_items(json_object_get(b.items), ""));
}

/* --- agreeing ----------------------------------------------------------- */

static enum q_err
part_take(struct web_call *c, const char *name, struct buf *out,
    struct fault *f)
{
	struct json_object *o = json_object_object_get(json_object_object_get(
	    c->in, "credential"), "response");
	char pointer[64];

	if (b64url_decode(out, text_of(o, name)) == Q_OK)
		return Q_OK;
	snprintf(pointer, sizeof(pointer), "/credential/response/%s", name);
	return web_wrong(c, f, pointer, "%s is no base64url", name);
}

static enum q_err
approval_post(struct web_call *c, struct http_response *rs, struct fault *f)
{
	AUTO_BUF struct buf auth = BUF_INIT(1024);
	AUTO_BUF struct buf client = BUF_INIT(2048);
	AUTO_BUF struct buf signature = BUF_INIT(128);
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct signd_approval_put_req req = { .id = c->param[0],
		.approver = web_text(c, "approver", ""),
		.user = c->user.name };
	struct signd_approval_put_rsp rsp;
	struct json_object *o;
	enum q_err r = part_take(c, "authenticatorData", &auth, f);

	if (r == Q_OK)
		r = part_take(c, "clientDataJSON", &client, f);
	if (r == Q_OK)
		r = part_take(c, "signature", &signature, f);
	if (r != Q_OK)
		return r;
	req.auth_data = buf_bytes(&auth);
	req.client_data = buf_bytes(&client);
	req.signature = buf_bytes(&signature);
	r = signd_approval_put(c->web->signd, &req, &rsp, &hold, f);
	if (r == Q_OK)
		r = rec_actor_tell(c->web->recordd, &c->by, "approval give",
		    req.id, req.approver, f);
	if (r != Q_OK)
		return r;
	o = web_object();
	web_put_int(o, "need", rsp.want);
	web_put_int(o, "have", rsp.have);
	return web_reply(rs, 200, o);
}

static enum q_err
approval_delete(struct web_call *c, struct http_response *rs,
    struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct signd_approval_withdraw_req req = { .id = c->param[0],
		.user = c->user.name };
	struct signd_approval_withdraw_rsp rsp;
	enum q_err r = signd_approval_withdraw(c->web->signd, &req, &rsp,
	    &hold, f);

	if (r == Q_OK)
		r = web_note(c, "approval withdraw", req.id, f);
	rs->status = 204;
	return r;
}

#define LIST "/api/v1/approvals"
#define ONE LIST "/{id}"
static const struct web_route approvals_routes[] = {
	{ "GET", "/api/v1/approvers", WEB_ADMIN, WEB_SCOPE_READ, 0, NULL,
	    NULL, 200, &approvers_shape, approvers_get,
	    "Who can agree to the use of keys" },
	{ "GET", LIST, WEB_ADMIN, WEB_SCOPE_READ, 0, NULL, NULL, 200,
	    &approvals_shape, approvals_get, "What waits for agreement" },
	{ "POST", ONE, WEB_ADMIN, WEB_SCOPE_HSM, 0, NULL, &give_shape, 200,
	    &given_shape, approval_post,
	    "Agree, with a credential in the browser" },
	{ "DELETE", ONE, WEB_ADMIN, WEB_SCOPE_HSM, 0, NULL, NULL, 204, NULL,
	    approval_delete, "Withdraw what was asked for" },
};

WEB_PAGE(approvals, "Approvals of the use of keys", approvals_routes);
