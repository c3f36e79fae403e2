// SPDX-License-Identifier: Apache-2.0
/* Users (guide 14): administrators make and change them. */
#include "config.h"

#include "webd/users.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/own.h"
#include "records/people.h"
#include "webd/gate.h"
#include "webd/pages.h"
#include "webd/password.h"
#include "webd/profile.h"

#define RESET_SECONDS 3600
#define INVITE_SECONDS (7 * 86400)

static const char *const roles[] = { "contributor", "administrator", NULL };

const struct shape user_shape = { .name = "User", .rec = REC_USER,
	.hide = "password password_at totp totp_step recovery" };

static SHAPE_PAGE(users_shape, "Users", user_shape);

#define NAMES                                                               \
    { "first_name", SHAPE_STR, 0, 64, 0, "first name" },                    \
    { "last_name", SHAPE_STR, 0, 64, 0, "last name" },                      \
    { "email", SHAPE_STR, 0, 254, 0, "e-mail address" }

static SHAPE(create_shape, "UserCreate",
    { "name", SHAPE_STR, 1, 64, SHAPE_NEED,
	"unique, never changes: letters, digits, hyphens and underscores" },
    NAMES,
    { "role", SHAPE_ENUM, .flags = SHAPE_NEED, .text = "what it may do",
	.names = roles },
    { "password", SHAPE_SECRET, 1, PASSWORD_MAX, SHAPE_NEED, "password" },
);

static SHAPE(edit_shape, "UserEdit",
    NAMES,
    { "role", SHAPE_ENUM, .text = "what it may do", .names = roles },
    { "disabled", SHAPE_BOOL, 0, 0, 0, "may not log in" },
    { "totp_on", SHAPE_BOOL, 0, 0, 0,
	"false takes the second factor away (not recommended)" },
    { "password", SHAPE_SECRET, 1, PASSWORD_MAX, 0, "a new password" },
);

static SHAPE(invite_shape, "Invite",
    { "email", SHAPE_STR, 0, 254, 0, "where the link is sent" },
    { "role", SHAPE_ENUM, .flags = SHAPE_NEED, .text = "what who takes it "
	"may do", .names = roles },
);

static SHAPE(sent_shape, "LinkSent",
    { "link", SHAPE_STR, 0, 400, SHAPE_NEED, "good once" },
    { "mailed", SHAPE_BOOL, 0, 0, SHAPE_NEED, "it is on its way" },
    { "until", SHAPE_TIME, 0, 0, SHAPE_NEED, "when it ends" },
);

struct json_object *
user_json(const struct rec_user *user)
{
	return web_record(&user_shape, rec_desc(REC_USER), user);
}

bool
email_looks_good(const char *text)
{
	const char *at = strchr(text, '@');

	return at != NULL && at != text && strchr(at + 1, '@') == NULL &&
	    at[1] != '\0' && at[1] != '.' &&
	    strpbrk(text, " \t\r\n<>\"(),:;\\") == NULL &&
	    text[strlen(text) - 1] != '.' && text[0] != '-';
}

static int64_t
role_of(const struct web_call *c, int64_t absent)
{
	const char *text = web_text(c, "role", NULL);

	return text == NULL ? absent
	    : strcmp(text, "administrator") == 0 ? USER_ADMINISTRATOR
						 : USER_CONTRIBUTOR;
}

enum q_err
user_email_take(struct web_call *c, struct rec_user *user, const char *email,
    struct fault *f)
{
	struct rec_user other;
	enum q_err r = Q_NOTFOUND;

	if (email[0] != '\0' && strcasecmp(email, user->email) != 0) {
		if (!email_looks_good(email))
			return web_wrong(c, f, "/email",
			    "this is no e-mail address");
		r = rec_user_by_email(c->web->recordd, email, &other, NULL);
	}
	if (r == Q_OK || r == Q_CONFLICT)
		return web_wrong(c, f, "/email",
		    "another user has this address");
	if (r != Q_NOTFOUND)
		return r;
	snprintf(user->email, sizeof(user->email), "%s", email);
	return Q_OK;
}

enum q_err
user_take(struct web_call *c, struct rec_user *user, struct fault *f)
{
	enum q_err r = !web_has(c, "email") ? Q_OK
	    : user_email_take(c, user, web_text(c, "email", ""), f);

	web_text_take(c, "first_name", user->first_name,
	    sizeof(user->first_name));
	web_text_take(c, "last_name", user->last_name,
	    sizeof(user->last_name));
	return r;
}

static enum q_err
users_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(c->web->recordd, REC_USER, NULL, NULL);
	struct json_object *items = web_array();
	struct rec_user user;
	enum q_err r;

	while ((r = rec_list_next(&it, &user, f)) == Q_OK)
		web_push(items, user_json(&user));
	if (r == Q_NOTFOUND)
		return web_reply(rs, 200, web_items(items, ""));
	json_object_put(items);
	return r;
}

static enum q_err
answer(struct web_call *c, const char *name, int status,
    struct http_response *rs, struct fault *f)
{
	struct rec_user user;
	enum q_err r = rec_user_get(c->web->recordd, name, &user, f);

	return r == Q_OK ? web_reply_rev(rs, status, user_json(&user),
	    user.rev) : r;
}

static enum q_err
user_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	return answer(c, c->param[0], 200, rs, f);
}

static enum q_err
user_post(struct web_call *c, struct http_response *rs, struct fault *f)
{
	const char *password = web_text(c, "password", "");
	struct rec_user user = { .created_at = clock_wall(),
		.role = role_of(c, USER_CONTRIBUTOR) };
	enum q_err r = rec_user_name_check(web_text(c, "name", ""), f);

	if (r != Q_OK)
		return web_wrong(c, f, "/name", "%s", fault_text(f, r));
	snprintf(user.key, sizeof(user.key), "%s", web_text(c, "name", ""));
	r = user_take(c, &user, f);
	if (r != Q_OK)
		return r;
	r = password_fits(user.key, password, f);
	if (r != Q_OK)
		return web_wrong(c, f, "/password", "%s", fault_text(f, r));
	r = password_set(c->web, &user, password, f);
	if (r == Q_OK)
		r = rec_user_insert(c->web->recordd, &user, f);
	if (r == Q_EXISTS)
		return fault_set(f, r, "there is a user %s", user.key);
	if (r == Q_OK)
		r = web_note(c, "user create", user.key, f);
	return r == Q_OK ? answer(c, user.key, 201, rs, f) : r;
}

static enum q_err
edit_password(struct web_call *c, struct rec_user *user, struct fault *f)
{
	const char *password = web_text(c, "password", NULL);
	enum q_err r = Q_OK;

	if (password == NULL)
		return Q_OK;
	r = password_fits(user->key, password, f);
	if (r != Q_OK)
		return web_wrong(c, f, "/password", "%s", fault_text(f, r));
	return password_set(c->web, user, password, f);
}

static enum q_err
edit(struct web_call *c, struct rec_user *user, struct fault *f)
{
	enum q_err r = user_take(c, user, f);

	user->role = role_of(c, user->role);
	user->disabled = web_bool(c, "disabled", user->disabled);
	if (web_bool(c, "totp_on", false) && !user->totp_on)
		return web_wrong(c, f, "/totp_on",
		    "only the user can turn the second factor on");
	if (!web_bool(c, "totp_on", true)) {
		user->totp_on = false;
		user->totp.len = user->recovery.len = 0;
	}
	return r == Q_OK ? edit_password(c, user, f) : r;
}

/* For the log: roles and switches with their values. Everybody reads it, so
 * names and addresses are without. */
static void
changes(const struct rec_user *was, const struct rec_user *now,
    struct buf *out)
{
	const struct rec_desc *d = rec_desc(REC_USER);

	for (size_t i = 0; i < d->n; i++) {
		const struct rec_field *fd = &d->fields[i];

		if (rec_same(fd, was, now) || fd->kind == REC_TIME ||
		    fd->kind == REC_INT)
			continue;
		buf_printf(out, "%s%s", out->len != 0 ? ", " : "", fd->name);
		if (fd->kind == REC_ENUM)
			buf_printf(out, " %s", fd->names[rec_int(fd, now)]);
		else if (fd->kind == REC_BOOL)
			buf_puts(out, rec_int(fd, now) != 0 ? " on" : " off");
	}
}

static enum q_err
user_patch(struct web_call *c, struct http_response *rs, struct fault *f)
{
	AUTO_BUF struct buf text = BUF_INIT(512);
	struct rec_user user = { 0 }, was;
	enum q_err r = rec_user_get(c->web->recordd, c->param[0], &user, f);

	was = user;
	if (r == Q_OK)
		r = web_if_match(c, user.rev, f);
	if (r == Q_OK)
		r = edit(c, &user, f);
	if (r == Q_OK)
		r = rec_user_save(c->web->recordd, &user, f);
	if (r == Q_OK && (user.disabled || web_has(c, "password") ||
	    !web_bool(c, "totp_on", true)))
		r = rec_sessions_end(c->web->recordd, user.key,
		    strcmp(user.key, c->user.name) == 0 ? c->user.session
							: NULL, f);
	if (r != Q_OK)
		return r;
	changes(&was, &user, &text);
	r = rec_actor_tell(c->web->recordd, &c->by, "user edit", user.key,
	    text.p != NULL ? (const char *)text.p : "", f);
	return r == Q_OK ? answer(c, user.key, 200, rs, f) : r;
}

static enum q_err
user_delete(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct rec_user user;
	enum q_err r = rec_user_get(c->web->recordd, c->param[0], &user, f);

	if (r == Q_OK)
		r = web_if_match(c, user.rev, f);
	if (r == Q_OK)
		r = rec_user_remove(c->web->recordd, user.key, &c->by, f);
	rs->status = 204;
	return r;
}

/* Make a link and answer with it. */
static enum q_err
send(struct web_call *c, struct rec_link *l, int64_t ttl, int status,
    struct http_response *rs, struct fault *f)
{
	struct json_object *o = web_object();
	char token[REC_LINK_TOKEN + 1];
	enum q_err r = rec_link_make(c->web->recordd, l, ttl, &c->by, token,
	    f);

	if (r == Q_OK)
		r = link_send(c, l, token, o, f);
	if (r == Q_OK) {
		rs->secret = true;
		return web_reply(rs, status, o);
	}
	json_object_put(o);
	return r;
}

static enum q_err
user_reset(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct rec_link l = { .kind = LINK_RESET };
	struct rec_user user;
	enum q_err r = rec_user_get(c->web->recordd, c->param[0], &user, f);

	if (r != Q_OK)
		return r;
	snprintf(l.user, sizeof(l.user), "%.64s", user.key);
	snprintf(l.email, sizeof(l.email), "%s", user.email);
	return send(c, &l, RESET_SECONDS, 200, rs, f);
}

static enum q_err
invite_post(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct rec_link l = { .kind = LINK_INVITE,
		.role = role_of(c, USER_CONTRIBUTOR) };
	const char *email = web_text(c, "email", "");

	if (email[0] != '\0' && !email_looks_good(email))
		return web_wrong(c, f, "/email", "this is no e-mail address");
	snprintf(l.email, sizeof(l.email), "%s", email);
	return send(c, &l, INVITE_SECONDS, 201, rs, f);
}

static enum q_err
sessions_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct rec_user user;
	enum q_err r = rec_user_get(c->web->recordd, c->param[0], &user, f);

	return r == Q_OK ? sessions_answer(c, c->param[0], rs, f) : r;
}

static enum q_err
sessions_delete(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct rec_user user;
	enum q_err r = rec_user_get(c->web->recordd, c->param[0], &user, f);

	if (r == Q_OK)
		r = rec_sessions_end(c->web->recordd, user.key, NULL, f);
	if (r == Q_OK)
		r = web_note(c, "user sessions end", user.key, f);
	rs->status = 204;
	return r;
}

#define USER "/api/v1/users/{name}"
static const struct web_route users_routes[] = {
	{ "GET", "/api/v1/users", WEB_ADMIN, WEB_SCOPE_USERS, 0, NULL, NULL,
	    200, &users_shape, users_get, "All users" },
	{ "POST", "/api/v1/users", WEB_ADMIN, WEB_SCOPE_USERS, 0, NULL,
	    &create_shape, 201, &user_shape, user_post, "Create a user" },
	{ "POST", "/api/v1/users/invite", WEB_ADMIN, WEB_SCOPE_USERS, 0, NULL,
	    &invite_shape, 201, &sent_shape, invite_post,
	    "Make a link by which somebody becomes a user" },
	{ "GET", USER, WEB_ADMIN, WEB_SCOPE_USERS, 0, NULL, NULL, 200,
	    &user_shape, user_get, "One user" },
	{ "PATCH", USER, WEB_ADMIN, WEB_SCOPE_USERS, 0, NULL, &edit_shape,
	    200, &user_shape, user_patch, "Change a user" },
	{ "DELETE", USER, WEB_ADMIN, WEB_SCOPE_USERS, 0, NULL, NULL, 204,
	    NULL, user_delete, "Delete a user" },
	{ "POST", USER "/reset", WEB_ADMIN, WEB_SCOPE_USERS, 0, NULL, NULL,
	    200, &sent_shape, user_reset,
	    "Make a link by which the user sets another password" },
	{ "GET", USER "/sessions", WEB_ADMIN, WEB_SCOPE_USERS, 0, NULL, NULL,
	    200, &sessions_shape, sessions_get, "Where the user is logged in" },
	{ "DELETE", USER "/sessions", WEB_ADMIN, WEB_SCOPE_USERS, 0, NULL,
	    NULL, 204, NULL, sessions_delete, "Log the user out everywhere" },
};

WEB_PAGE(users, "Users", users_routes);
