// SPDX-License-Identifier: Apache-2.0
/* Keys that people make: the guide's Signing Keys, and others. */
#include "config.h"

#include <ctype.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "quoinctl/ctl.h"
#include "quoinctl/out.h"
#include "x509/pem.h"

#define PEM_FILE_MAX 65536
#define PRIVATE_MAX 4096 /* as signd takes it */

/* Before the name of a key that was known outside the token. */
#define IMPORTED "nohsm:"

static const struct {
	const char *text;
	uint32_t bit;
} mechs[] = { { "ecdsa", SIGND_ECDSA }, { "rsa-pkcs1", SIGND_RSA_PKCS1 },
	{ "rsa-pss", SIGND_RSA_PSS } };

/* --- options ------------------------------------------------------------ */

/* Each word of a list with commas goes through one, which adds it. */
typedef enum q_err (*word_fn)(const char *word, void *arg, struct fault *f);

static enum q_err
take_list(const char *text, word_fn one, void *arg, struct fault *f)
{
	char copy[SIGND_LIST_MAX + 1], *save = NULL;
	enum q_err r = ctl_text(text, "list", copy, sizeof(copy), f);

	for (char *w = r == Q_OK ? strtok_r(copy, ", ", &save) : NULL;
	     w != NULL && r == Q_OK; w = strtok_r(NULL, ", ", &save))
		r = one(w, arg, f);
	return r;
}

static enum q_err
add_word(const char *word, void *arg, struct fault *f)
{
	struct buf *b = arg;

	(void)f;
	buf_printf(b, "%s%s", b->len != 0 ? " " : "", word);
	return Q_OK;
}

/* By name or number. */
static enum q_err
add_user(const char *word, void *arg, struct fault *f)
{
	const struct passwd *pw;
	char text[16];

	if (isdigit((unsigned char)word[0]))
		return add_word(word, arg, f);
	pw = getpwnam(word);
	if (pw == NULL)
		return fault_set(f, Q_USAGE,
		    "--users: this machine has no user %.32s", word);
	snprintf(text, sizeof(text), "%u", (unsigned)pw->pw_uid);
	return add_word(text, arg, f);
}

static enum q_err
add_mech(const char *word, void *arg, struct fault *f)
{
	uint32_t *set = arg;

	for (size_t i = 0; i < ARRAY_LEN(mechs); i++) {
		if (strcmp(mechs[i].text, word) != 0)
			continue;
		*set |= mechs[i].bit;
		return Q_OK;
	}
	return fault_set(f, Q_USAGE, "--mechs: ecdsa, rsa-pkcs1 or rsa-pss, "
	    "not %.32s", word);
}

static enum q_err
add_role(const char *word, void *arg, struct fault *f)
{
	uint32_t *set = arg;

#define X(id, bit, text, help)            \
	if (strcmp(text, word) == 0) {    \
		*set |= ROLE_##id;        \
		return Q_OK;              \
	}
	ROLE_TABLE(X)
#undef X
	return fault_set(f, Q_USAGE, "--roles: there is no role %.32s", word);
}

/* A whole number; 0: no limit. */
static enum q_err
take_limit(struct ctl *c, enum ctl_opt o, const char *unit, uint64_t max,
    uint64_t *ret, struct fault *f)
{
	const char *text = c->opt[o];
	unsigned long long n;
	char *end;

	if (text == NULL)
		return Q_OK;
	n = strtoull(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || n > max ||
	    (*end != '\0' && strcmp(end, unit) != 0))
		return fault_set(f, Q_USAGE, "--%s wants a number (0: no "
		    "limit), not %.32s", ctl_options[o].name, text);
	*ret = n;
	return Q_OK;
}

static enum q_err
take_words(struct ctl *c, enum ctl_opt o, word_fn one, char *field,
    struct fault *f)
{
	AUTO_BUF struct buf b = BUF_INIT(SIGND_LIST_MAX);
	enum q_err r;

	if (c->opt[o] == NULL)
		return Q_OK;
	r = take_list(c->opt[o], one, &b, f);
	if (r == Q_OK && b.bad)
		r = fault_set(f, Q_USAGE, "--%s: too many",
		    ctl_options[o].name);
	if (r == Q_OK)
		snprintf(field, SIGND_LIST_MAX + 1, "%s",
		    b.p != NULL ? (const char *)b.p : "");
	return r;
}

static enum q_err
take_set(struct ctl *c, enum ctl_opt o, word_fn one, uint32_t *set,
    struct fault *f)
{
	if (c->opt[o] == NULL)
		return Q_OK;
	*set = 0;
	return take_list(c->opt[o], one, set, f);
}

/* A day; "": no limit. */
static enum q_err
take_day(struct ctl *c, enum ctl_opt o, uint64_t *day, struct fault *f)
{
	int64_t at = (int64_t)*day;
	enum q_err r = Q_OK;

	if (c->opt[o] != NULL && c->opt[o][0] == '\0')
		at = 0;
	else
		r = ctl_date(c, o, &at, f);
	*day = (uint64_t)at;
	return r;
}

/* Rules, with their lists. */
struct rules {
	struct signd_rules r;
	char users[SIGND_LIST_MAX + 1], approvers[SIGND_LIST_MAX + 1];
};

/* What the options say; the rest stays. */
static enum q_err
take_rules(struct ctl *c, struct rules *rules, struct fault *f)
{
	uint64_t rate = rules->r.rate, approvals = rules->r.approvals;
	enum q_err r = take_words(c, CTL_OPT_users, add_user, rules->users, f);

	if (r == Q_OK)
		r = take_words(c, CTL_OPT_approvers, add_word,
		    rules->approvers, f);
	if (r == Q_OK)
		r = take_set(c, CTL_OPT_mechs, add_mech, &rules->r.mechs, f);
	if (r == Q_OK)
		r = take_set(c, CTL_OPT_roles, add_role, &rules->r.roles, f);
	if (r == Q_OK)
		r = take_day(c, CTL_OPT_not_before, &rules->r.not_before, f);
	if (r == Q_OK)
		r = take_day(c, CTL_OPT_not_after, &rules->r.not_after, f);
	if (r == Q_OK)
		r = take_limit(c, CTL_OPT_uses, "", INT64_MAX, &rules->r.uses,
		    f);
	if (r == Q_OK)
		r = take_limit(c, CTL_OPT_rate, "/min", UINT32_MAX, &rate, f);
	if (r == Q_OK)
		r = take_limit(c, CTL_OPT_approvals, "", 16, &approvals, f);
	rules->r.users = rules->users;
	rules->r.approvers = rules->approvers;
	rules->r.rate = (uint32_t)rate;
	rules->r.approvals = (uint32_t)approvals;
	return r;
}

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

static void
out_mechs(struct json_object *o, uint32_t set)
{
	AUTO_BUF struct buf b = BUF_INIT(256);

	for (size_t i = 0; i < ARRAY_LEN(mechs); i++)
		if ((set & mechs[i].bit) != 0)
			buf_printf(&b, "%s%s", b.len != 0 ? "," : "",
			    mechs[i].text);
	if (b.len != 0)
		out_str(o, "mechs", (const char *)b.p);
}

static void
out_roles(struct json_object *o, uint32_t set)
{
	AUTO_BUF struct buf b = BUF_INIT(256);

#define X(id, bit, text, help)                                          \
	if ((set & ROLE_##id) != 0)                                     \
		buf_printf(&b, "%s%s", b.len != 0 ? "," : "", text);
	ROLE_TABLE(X)
#undef X
	if (b.len != 0)
		out_str(o, "roles", (const char *)b.p);
}

/* As the option takes it. */
static void
out_words(struct json_object *o, const char *key, const char *words)
{
	char text[SIGND_LIST_MAX + 1];

	snprintf(text, sizeof(text), "%s", words);
	for (char *p = text; *p != '\0'; p++)
		if (*p == ' ')
			*p = ',';
	if (text[0] != '\0')
		out_str(o, key, text);
}

static void
out_limit(struct json_object *o, const char *key, uint64_t n)
{
	if (n != 0)
		out_int(o, key, n);
}

static void
out_rules(struct json_object *o, struct bytes code)
{
	struct signd_rules r;

	if (wire_decode(&signd_rules_type, code, &r, NULL) != Q_OK)
		return;
	out_words(o, "users", r.users);
	out_roles(o, r.roles);
	out_mechs(o, r.mechs);
	out_time(o, "not_before", (int64_t)r.not_before);
	out_time(o, "not_after", (int64_t)r.not_after);
	out_limit(o, "max_uses", r.uses);
	out_limit(o, "rate", r.rate);
	out_limit(o, "approvals", r.approvals);
	out_words(o, "approvers", r.approvers);
}

static struct json_object *
key_json(const struct signd_key *k)
{
	struct json_object *o = out_object();
	char shown[SIGND_NAME_MAX + sizeof(IMPORTED)];

	snprintf(shown, sizeof(shown), "%s%s", k->imported ? IMPORTED : "",
	    k->name);
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
	out_rules(o, k->rules);
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
	const char *name;
	bool imported; /* wanted by nohsm: */
	bool found;
	void (*take)(struct key_search *s, const struct signd_key *k);
	struct json_object *json;
	struct buf out;
	struct rules rules;
	char id[SIGND_ID_LEN + 1];
};

static enum q_err
each_search(void *arg, const struct signd_key *k)
{
	struct key_search *s = arg;

	if (s->name[0] == '\0' || (s->imported && !k->imported) ||
	    (strcmp(k->name, s->name) != 0 && strcmp(k->id, s->name) != 0))
		return Q_OK;
	s->found = true;
	snprintf(s->id, sizeof(s->id), "%s", k->id);
	if (s->take != NULL)
		s->take(s, k);
	return Q_OK;
}

static enum q_err
key_find(struct ctl *c, const char *name, struct key_search *s,
    struct fault *f)
{
	size_t n = strlen(IMPORTED);
	enum q_err r = ctl_signd(c, f);

	s->imported = strncmp(name, IMPORTED, n) == 0;
	s->name = s->imported ? name + n : name;
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
	struct rules rules = { 0 };
	enum q_err r = ctl_need(c, CTL_OPT_purpose, f);

	if (req.kind == NULL)
		req.kind = "P-256";
	if (r == Q_OK)
		r = take_token(c, &req.token, f);
	if (r == Q_OK)
		r = take_rules(c, &rules, f);
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
	struct signd_key_import_req req = { .name = c->argv[0],
		.purpose = c->opt[CTL_OPT_purpose], .user = c->who };
	struct signd_key_import_rsp rsp;
	struct rules rules = { 0 };
	enum q_err r = ctl_need(c, CTL_OPT_purpose, f);

	if (strncmp(req.name, IMPORTED, strlen(IMPORTED)) == 0)
		req.name += strlen(IMPORTED);
	if (r == Q_OK)
		r = take_token(c, &req.token, f);
	if (r == Q_OK)
		r = take_rules(c, &rules, f);
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
	struct rules *out = &s->rules;

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
		r = take_rules(c, &s.rules, f);
	if (r != Q_OK)
		return r;
	wire_encode(&signd_rules_type, &s.rules.r, &code);
	req.rules = buf_bytes(&code);
	r = signd_key_set(c->signd, &req, &rsp, &hold, f);
	if (r == Q_OK)
		r = note(c, "hsm key edit", s.name, f);
	return r == Q_OK ? key_show(c, s.name, f) : r;
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
