// SPDX-License-Identifier: Apache-2.0
/* Users of the web administration, from the console: the first of them, and
 * what helps when nobody can log in any more. */
#include "config.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "quoinctl/ctl.h"
#include "quoinctl/out.h"
#include "records/people.h"

#define LINK_SECONDS 86400
#define RESET_SECONDS 3600

/* Without what nobody is to see. */
static struct json_object *
user_json(const struct rec_user *user)
{
	static const char *const secret[] = { "password", "totp", "totp_step",
		"recovery" };
	struct json_object *o = out_record(REC_USER, user);

	for (size_t i = 0; i < ARRAY_LEN(secret); i++)
		json_object_object_del(o, secret[i]);
	return o;
}

enum q_err
cmd_user_list(struct ctl *c, struct fault *f)
{
	static const struct col cols[] = {
		{ "Name", "name" }, { "Role", "role" },
		{ "E-mail address", "email" }, { "Second factor", "totp_on" },
		{ "Disabled", "disabled" }, { "Last log-in", "last_login" },
	};
	struct rec_user user;
	struct out_list list;
	enum q_err r = ctl_records(c, f);
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(c->records, REC_USER, NULL, NULL);

	if (r != Q_OK)
		return r;
	out_list_begin(&list, c, "users", cols, ARRAY_LEN(cols));
	while ((r = rec_list_next(&it, &user, f)) == Q_OK)
		out_list_add(&list, user_json(&user));
	return out_list_end(&list, r, "no users: quoinctl user link makes the "
	    "link for the first");
}

static enum q_err
user_read(struct ctl *c, struct rec_user *user, struct fault *f)
{
	enum q_err r = ctl_records(c, f);

	if (r == Q_OK)
		r = rec_user_name_check(c->argv[0], NULL) == Q_OK
		    ? rec_user_get(c->records, c->argv[0], user, f)
		    : Q_NOTFOUND;
	return r == Q_NOTFOUND ? fault_set(f, r, "no user %.64s: quoinctl "
	    "user list shows all", c->argv[0]) : r;
}

enum q_err
cmd_user_show(struct ctl *c, struct fault *f)
{
	static const struct col cols[] = {
		{ "Name", "name" }, { "First name", "first_name" },
		{ "Last name", "last_name" }, { "E-mail address", "email" },
		{ "Role", "role" }, { "Second factor", "totp_on" },
		{ "Disabled", "disabled" }, { "Made", "created_at" },
		{ "Last log-in", "last_login" }, { "From", "last_from" },
	};
	struct rec_user user;
	enum q_err r = user_read(c, &user, f);

	if (r == Q_OK)
		out_show(c, cols, ARRAY_LEN(cols), user_json(&user));
	return r;
}

/* The name that the certificate of the web page has, or else what this
 * machine is called. */
static void
host_name(struct ctl *c, char host[SIGND_HOST_MAX + 1])
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_status_req req = { 0 };
	struct signd_status_rsp s;

	if (ctl_signd(c, NULL) == Q_OK &&
	    signd_status(c->signd, &req, &s, &hold, NULL) == Q_OK &&
	    s.host[0] != '\0')
		snprintf(host, SIGND_HOST_MAX + 1, "%s", s.host);
	else if (gethostname(host, SIGND_HOST_MAX) != 0)
		snprintf(host, SIGND_HOST_MAX + 1, "localhost");
	host[SIGND_HOST_MAX] = '\0';
}

/* People get the address alone, so that a script can take it. */
static enum q_err
link_tell(struct ctl *c, struct rec_link *l, int64_t ttl, struct fault *f)
{
	char token[REC_LINK_TOKEN + 1], address[REC_LINK_URL];
	char host[SIGND_HOST_MAX + 1];
	struct json_object *o;
	enum q_err r = rec_link_make(c->records, l, ttl, &c->by, token, f);

	if (r != Q_OK)
		return r;
	host_name(c, host);
	rec_link_url(host, (unsigned)c->conf.admin_port, token, address,
	    sizeof(address));
	o = out_record(REC_LINK, l);
	json_object_object_del(o, "id");
	out_str(o, "link", address);
	out_done(c, o, "%s", address);
	OPENSSL_cleanse(token, sizeof(token));
	OPENSSL_cleanse(address, sizeof(address));
	return Q_OK;
}

static enum q_err
wanted_role(struct ctl *c, int64_t *role, struct fault *f)
{
	static const char *const names[] = {
#define X(name, num, text) [num] = text,
		REC_USER_ROLES(X)
#undef X
	};
	const char *want = c->opt[CTL_OPT_role];

	for (size_t i = 0; want != NULL && i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], want) == 0) {
			*role = (int64_t)i;
			return Q_OK;
		}
	return want == NULL ? Q_OK : fault_set(f, Q_USAGE, "--role is "
	    "contributor or administrator, not %.24s", want);
}

/* A user name that whoever takes the link has to take. */
static enum q_err
wanted_user(struct ctl *c, struct rec_link *l, struct fault *f)
{
	const char *name = c->opt[CTL_OPT_user];
	struct rec_user user;
	enum q_err r;

	if (name == NULL)
		return Q_OK;
	r = rec_user_name_check(name, f);
	if (r != Q_OK)
		return r;
	snprintf(l->user, sizeof(l->user), "%s", name);
	r = rec_user_get(c->records, name, &user, f);
	if (r == Q_OK)
		return fault_set(f, Q_EXISTS, "there is a user %s: quoinctl "
		    "user reset %s gives a new password", name, name);
	return r == Q_NOTFOUND ? Q_OK : r;
}

enum q_err
cmd_user_link(struct ctl *c, struct fault *f)
{
	struct rec_link l = { .kind = LINK_INVITE };
	bool any;
	enum q_err r = ctl_records(c, f);

	if (r == Q_OK)
		r = rec_users_any(c->records, &any, f);
	if (r != Q_OK)
		return r;
	if (any && c->opt[CTL_OPT_first] != NULL)
		return fault_set(f, Q_EXISTS, "there are users already");
	if (!any) {
		l.kind = LINK_FIRST;
		l.role = USER_ADMINISTRATOR;
	}
	r = wanted_role(c, &l.role, f);
	if (r == Q_OK && !any && l.role != USER_ADMINISTRATOR)
		return fault_set(f, Q_USAGE,
		    "the first user is an administrator");
	if (r == Q_OK)
		r = wanted_user(c, &l, f);
	return r == Q_OK ? link_tell(c, &l, LINK_SECONDS, f) : r;
}

/* What is done to a user, and written unless others changed it meanwhile. */
static enum q_err
user_change(struct ctl *c, void (*change)(struct ctl *c,
    struct rec_user *user), const char *what, struct rec_user *ret_user,
    struct fault *f)
{
	enum q_err r = Q_STALE;

	for (int i = 0; r == Q_STALE && i < 10; i++) {
		r = user_read(c, ret_user, f);
		if (r != Q_OK)
			return r;
		change(c, ret_user);
		r = rec_user_save(c->records, ret_user, f);
	}
	return r == Q_OK ? rec_actor_note(c->records, &c->by, what,
	    ret_user->key, f) : r;
}

static void
second_factor_off(struct ctl *c, struct rec_user *user)
{
	(void)c;
	user->totp_on = false;
	user->totp.len = 0;
	user->recovery.len = 0;
}

enum q_err
cmd_user_reset(struct ctl *c, struct fault *f)
{
	struct rec_link l = { .kind = LINK_RESET };
	struct rec_user user;
	enum q_err r = c->opt[CTL_OPT_no_second_factor] == NULL
	    ? user_read(c, &user, f)
	    : user_change(c, second_factor_off, "user second factor off",
	    &user, f);

	if (r != Q_OK)
		return r;
	snprintf(l.user, sizeof(l.user), "%.64s", user.key);
	l.role = user.role;
	return link_tell(c, &l, RESET_SECONDS, f);
}

static void
disable(struct ctl *c, struct rec_user *user)
{
	(void)c;
	user->disabled = true;
}

static void
enable(struct ctl *c, struct rec_user *user)
{
	(void)c;
	user->disabled = false;
}

enum q_err
cmd_user_disable(struct ctl *c, struct fault *f)
{
	struct rec_user user;
	enum q_err r = user_change(c, disable, "user disable", &user, f);

	if (r == Q_OK)
		r = rec_sessions_end(c->records, user.key, NULL, f);
	if (r == Q_OK)
		out_done(c, user_json(&user), "User %s is disabled.",
		    user.key);
	return r;
}

enum q_err
cmd_user_enable(struct ctl *c, struct fault *f)
{
	struct rec_user user;
	enum q_err r = user_change(c, enable, "user enable", &user, f);

	if (r == Q_OK)
		out_done(c, user_json(&user), "User %s is enabled.",
		    user.key);
	return r;
}

enum q_err
cmd_user_delete(struct ctl *c, struct fault *f)
{
	struct rec_user user;
	enum q_err r = user_read(c, &user, f);

	if (r == Q_OK)
		r = rec_user_remove(c->records, user.key, &c->by, f);
	if (r == Q_OK)
		out_done(c, user_json(&user), "User %s is deleted.", user.key);
	return r;
}
