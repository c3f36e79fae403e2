// SPDX-License-Identifier: Apache-2.0
/* Keys that people make: the guide's Signing Keys, and others. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "quoinctl/ctl.h"
#include "quoinctl/key_rules.h"
#include "quoinctl/out.h"
#include "records/keys.h"
#include "signer/named.h"
#include "x509/pem.h"

#define PEM_FILE_MAX 65536
#define PRIVATE_MAX 4096 /* as signd takes it */

/* The token by its number for people. */
static enum q_err
take_token(struct ctl *c, uint32_t *ret, struct fault *f)
{
	size_t n;
	enum q_err r = ctl_number(c, CTL_OPT_token, 1, &n, f);

	if (r == Q_OK && n > SIGND_TOKENS)
		r = fault_set(f, Q_USAGE, "--token: 1 or %d", SIGND_TOKENS);
	if (r == Q_OK)
		*ret = (uint32_t)n - 1;
	return r;
}

/* --- showing them ------------------------------------------------------- */

static struct json_object *
key_json(const struct signd_key *k)
{
	struct json_object *o = out_object();
	char shown[SIGNER_SHOWN];

	signer_key_shown(k, shown);
	out_str(o, "name", k->name);
	out_str(o, "shown", shown);
	out_str(o, "id", k->id);
	out_str(o, "purpose", k->purpose);
	out_str(o, "kind", k->kind);
	out_bool(o, "imported", k->imported);
	out_int(o, "token", k->token + 1);
	out_time(o, "created", (int64_t)k->created);
	out_int(o, "used", k->used);
	out_int(o, "uses", k->uses);
	out_bool(o, "cert", k->cert.len != 0);
	key_rules_out(o, k->rules);
	return o;
}

static enum q_err
each_named(void *arg, const struct signd_key *k)
{
	if (k->name[0] != '\0')
		out_list_add(arg, key_json(k));
	return Q_OK;
}

enum q_err
cmd_key_list(struct ctl *c, struct fault *f)
{
	static const struct col cols[] = {
		{ "Name", "shown" }, { "Kind", "kind" },
		{ "Purpose", "purpose" }, { "ID", "id" },
		{ "Created", "created" }, { "Used", "used" },
		{ "Approvals", "approvals" },
	};
	struct out_list list;
	enum q_err r = ctl_signd(c, f);

	if (r != Q_OK)
		return r;
	out_list_begin(&list, c, "keys", cols, ARRAY_LEN(cols));
	r = signer_keys(c->signd, each_named, &list, f);
	return out_list_end(&list, r, "no keys of people: quoinctl hsm key "
	    "create NAME --purpose PURPOSE makes one");
}

/* The key with a name, or an id, and what to do with it. */
struct key_search {
	const char *wanted;
	bool found, imported;
	void (*take)(struct key_search *s, const struct signd_key *k);
	struct json_object *json;
	struct buf out;
	struct key_rules_opt rules;
	char id[SIGND_ID_LEN + 1], name[SIGND_NAME_MAX + 1];
};

static enum q_err
each_search(void *arg, const struct signd_key *k)
{
	struct key_search *s = arg;

	if (!signer_key_called(k, s->wanted))
		return Q_OK;
	s->found = true;
	snprintf(s->id, sizeof(s->id), "%s", k->id);
	snprintf(s->name, sizeof(s->name), "%s", k->name);
	s->imported = k->imported;
	if (s->take != NULL)
		s->take(s, k);
	return Q_OK;
}

static enum q_err
key_find(struct ctl *c, const char *name, struct key_search *s,
    struct fault *f)
{
	enum q_err r = ctl_signd(c, f);

	s->wanted = name;
	if (r == Q_OK)
		r = signer_keys(c->signd, each_search, s, f);
	if (r == Q_OK && !s->found)
		r = fault_set(f, Q_NOTFOUND, "there is no key %.72s: quoinctl "
		    "hsm key list tells them", name);
	return r;
}

static const struct col key_cols[] = {
	{ "Name", "shown" }, { "ID", "id" }, { "Purpose", "purpose" },
	{ "Kind", "kind" }, { "Imported", "imported" }, { "Token", "token" },
	{ "Created", "created" }, { "Used since start", "used" },
	{ "Signatures in all", "uses" }, { "At most", "max_uses" },
	{ "In a minute", "rate" }, { "Users", "users" },
	{ "Roles", "roles" }, { "Mechanisms", "mechs" },
	{ "Not before", "not_before" }, { "Not after", "not_after" },
	{ "Approvals", "approvals" }, { "Approvers", "approvers" },
	{ "Certificate", "cert" },
};

static void
take_json(struct key_search *s, const struct signd_key *k)
{
	s->json = key_json(k);
}

static enum q_err
key_show(struct ctl *c, const char *name, struct fault *f)
{
	struct key_search s = { .take = take_json };
	enum q_err r = key_find(c, name, &s, f);

	if (r == Q_OK)
		out_show(c, key_cols, ARRAY_LEN(key_cols), s.json);
	return r;
}

enum q_err
cmd_key_show(struct ctl *c, struct fault *f)
{
	return key_show(c, c->argv[0], f);
}

static void
take_public(struct key_search *s, const struct signd_key *k)
{
	if (k->spki.len != 0)
		pem_encode(&s->out, PEM_PUBLIC_KEY, k->spki);
}

/* PEM is the text; an object has it under `name`. */
static void
print_pem(struct ctl *c, const char *name, const struct buf *pem)
{
	struct json_object *o;

	if (!c->json) {
		fwrite(pem->p, 1, pem->len, stdout);
		return;
	}
	o = out_object();
	out_str(o, name, (const char *)pem->p);
	out_done(c, o, " ");
}

enum q_err
cmd_key_public(struct ctl *c, struct fault *f)
{
	struct key_search s = { .take = take_public,
		.out = BUF_INIT(PEM_TEXT_MAX) };
	enum q_err r = key_find(c, c->argv[0], &s, f);

	if (r == Q_OK && s.out.len == 0)
		r = fault_set(f, Q_INVALID,
		    "an AES key has no public half");
	if (r == Q_OK)
		print_pem(c, "public", &s.out);
	buf_free(&s.out);
	return r;
}

/* --- changing them ------------------------------------------------------ */

/* In the activity log, if the records run. */
static enum q_err
note(struct ctl *c, const char *what, const char *name, struct fault *f)
{
	if (ctl_records(c, NULL) != Q_OK)
		return Q_OK;
	return rec_actor_note(c->records, &c->by, what, name, f);
}

enum q_err
cmd_key_create(struct ctl *c, struct fault *f)
{
	AUTO_BUF struct buf code = BUF_INIT(SIGND_RULES_MAX);
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_key_make_req req = { .name = c->argv[0],
		.purpose = c->opt[CTL_OPT_purpose], .user = c->who,
		.kind = c->opt[CTL_OPT_kind] };
	struct signd_key_make_rsp rsp;
	struct key_rules_opt rules = { 0 };
	enum q_err r = ctl_need(c, CTL_OPT_purpose, f);

	if (req.kind == NULL)
		req.kind = "P-256";
	if (r == Q_OK)
		r = take_token(c, &req.token, f);
	if (r == Q_OK)
		r = key_rules_take(c, &rules, f);
	if (r == Q_OK)
		r = ctl_signd(c, f);
	if (r != Q_OK)
		return r;
	wire_encode(&signd_rules_type, &rules.r, &code);
	req.rules = buf_bytes(&code);
	r = signd_key_make(c->signd, &req, &rsp, &hold, f);
	if (r == Q_OK)
		r = note(c, "hsm key create", c->argv[0], f);
	return r == Q_OK ? key_show(c, c->argv[0], f) : r;
}

enum q_err
cmd_key_import(struct ctl *c, struct fault *f)
{
	AUTO_BUF struct buf code = BUF_INIT(SIGND_RULES_MAX);
	AUTO_BUF struct buf key = BUF_INIT(PRIVATE_MAX);
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_key_import_req req = {
		.name = signer_key_name(c->argv[0]),
		.purpose = c->opt[CTL_OPT_purpose], .user = c->who };
	struct signd_key_import_rsp rsp;
	struct key_rules_opt rules = { 0 };
	enum q_err r = ctl_need(c, CTL_OPT_purpose, f);

	if (r == Q_OK)
		r = take_token(c, &req.token, f);
	if (r == Q_OK)
		r = key_rules_take(c, &rules, f);
	if (r == Q_OK)
		r = ctl_read(c->argv[1], &key, f);
	if (r == Q_OK)
		r = ctl_signd(c, f);
	if (r != Q_OK)
		return r;
	wire_encode(&signd_rules_type, &rules.r, &code);
	req.rules = buf_bytes(&code);
	req.pkcs8 = buf_bytes(&key);
	r = signd_key_import(c->signd, &req, &rsp, &hold, f);
	if (r == Q_OK)
		r = note(c, "hsm key import", req.name, f);
	return r == Q_OK ? key_show(c, req.name, f) : r;
}

static void
take_rules_of(struct key_search *s, const struct signd_key *k)
{
	struct key_rules_opt *out = &s->rules;

	if (wire_decode(&signd_rules_type, k->rules, &out->r, NULL) != Q_OK)
		return;
	snprintf(out->users, sizeof(out->users), "%s", out->r.users);
	snprintf(out->approvers, sizeof(out->approvers), "%s",
	    out->r.approvers);
}

enum q_err
cmd_key_edit(struct ctl *c, struct fault *f)
{
	AUTO_BUF struct buf code = BUF_INIT(SIGND_RULES_MAX);
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct key_search s = { .take = take_rules_of };
	struct signd_key_set_req req = { .key = s.id, .user = c->who };
	struct signd_key_set_rsp rsp;
	enum q_err r = key_find(c, c->argv[0], &s, f);

	if (r == Q_OK)
		r = key_rules_take(c, &s.rules, f);
	if (r != Q_OK)
		return r;
	wire_encode(&signd_rules_type, &s.rules.r, &code);
	req.rules = buf_bytes(&code);
	r = signd_key_set(c->signd, &req, &rsp, &hold, f);
	if (r == Q_OK)
		r = note(c, "hsm key edit", s.name, f);
	return r == Q_OK ? key_show(c, s.name, f) : r;
}

struct need {
	struct signd_key key;
	char batch[REC_NAME_MAX + 1];
};

static enum q_err
each_batch(void *arg, const char *key, const char *batch)
{
	struct need *n = arg;

	if (signer_key_called(&n->key, key))
		snprintf(n->batch, sizeof(n->batch), "%s", batch);
	return Q_OK;
}

/* Without records there are no batches. */
static enum q_err
unneeded(struct ctl *c, const struct key_search *s, struct fault *f)
{
	struct need n = { .key = { .id = s->id, .name = s->name,
		.imported = s->imported } };
	enum q_err r;

	if (ctl_records(c, NULL) != Q_OK)
		return Q_OK;
	r = rec_signing_batches(c->records, each_batch, &n, f);
	return r != Q_OK || n.batch[0] == '\0' ? r : fault_set(f, Q_CONFLICT,
	    "batch %s has its firmware signed with key %s", n.batch, s->name);
}

enum q_err
cmd_key_delete(struct ctl *c, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct key_search s = { 0 };
	struct signd_key_delete_req req = { .key = s.id, .user = c->who };
	struct signd_key_delete_rsp rsp;
	struct json_object *o;
	enum q_err r = key_find(c, c->argv[0], &s, f);

	if (r == Q_OK)
		r = unneeded(c, &s, f);
	if (r == Q_OK)
		r = ctl_confirm(c, "Destroy the key? Nobody can make it "
		    "again.", f);
	if (r == Q_OK)
		r = signd_key_delete(c->signd, &req, &rsp, &hold, f);
	if (r == Q_OK)
		r = note(c, "hsm key delete", s.name, f);
	if (r != Q_OK)
		return r;
	o = out_object();
	out_str(o, "name", s.name);
	out_str(o, "id", s.id);
	out_done(c, o, "Key %s is destroyed; what it signed stays valid.",
	    s.name);
	return Q_OK;
}

static void
take_cert(struct key_search *s, const struct signd_key *k)
{
	if (k->cert.len != 0)
		pem_encode(&s->out, PEM_CERTIFICATE, k->cert);
}

static enum q_err
cert_print(struct ctl *c, struct fault *f)
{
	struct key_search s = { .take = take_cert,
		.out = BUF_INIT(PEM_TEXT_MAX) };
	enum q_err r = key_find(c, c->argv[0], &s, f);

	if (r == Q_OK && s.out.len == 0)
		r = fault_set(f, Q_NOTFOUND, "key %s has no certificate: "
		    "quoinctl hsm key cert NAME FILE attaches one", s.name);
	if (r == Q_OK)
		print_pem(c, "pem", &s.out);
	buf_free(&s.out);
	return r;
}

enum q_err
cmd_key_cert(struct ctl *c, struct fault *f)
{
	AUTO_BUF struct buf pem = BUF_INIT(PEM_FILE_MAX);
	AUTO_BUF struct buf der = BUF_INIT(SIGND_CERT_MAX);
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct key_search s = { 0 };
	struct signd_key_cert_req req = { .key = s.id, .user = c->who };
	struct signd_key_cert_rsp rsp;
	bool remove = c->opt[CTL_OPT_remove] != NULL;
	enum q_err r;

	if (remove && c->argc > 1)
		return fault_set(f, Q_USAGE, "--remove takes no FILE");
	if (!remove && c->argc == 1)
		return cert_print(c, f);
	r = key_find(c, c->argv[0], &s, f);
	if (r == Q_OK && !remove)
		r = ctl_read(c->argv[1], &pem, f);
	if (r == Q_OK && !remove)
		r = pem_decode(buf_bytes(&pem), PEM_CERTIFICATE, &der, NULL,
		    f);
	if (r != Q_OK)
		return r;
	req.cert = buf_bytes(&der);
	r = signd_key_cert(c->signd, &req, &rsp, &hold, f);
	if (r == Q_OK)
		r = note(c, "hsm key cert", s.name, f);
	return r == Q_OK ? key_show(c, s.name, f) : r;
}
