// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "quoinctl/key_rules.h"

#include <ctype.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "quoinctl/out.h"

static const struct {
	const char *text;
	uint32_t bit;
} mechs[] = { { "ecdsa", SIGND_ECDSA }, { "rsa-pkcs1", SIGND_RSA_PKCS1 },
	{ "rsa-pss", SIGND_RSA_PSS } };

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

enum q_err
key_rules_take(struct ctl *c, struct key_rules_opt *rules, struct fault *f)
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

void
key_rules_out(struct json_object *o, struct bytes code)
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
