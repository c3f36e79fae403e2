// SPDX-License-Identifier: Apache-2.0
/* Links that are good once: the first administrator, invitations, the end of
 * signing up, a new password. */
#include "config.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "records/people.h"
#include "webd/gate.h"
#include "webd/mail.h"
#include "webd/pages.h"
#include "webd/password.h"
#include "webd/session.h"
#include "webd/settings.h"
#include "webd/users.h"

#define KINDS_ALL                                                    \
	(REC_LINK_BIT(LINK_FIRST) | REC_LINK_BIT(LINK_INVITE) |      \
	    REC_LINK_BIT(LINK_SIGNUP) | REC_LINK_BIT(LINK_RESET))
#define RESET_SECONDS 3600

static const char *const kinds[] = { "first", "invite", "signup", "reset",
	NULL };
static const char *const roles[] = { "contributor", "administrator", NULL };

static SHAPE(link_shape, "Link",
    { "token", SHAPE_STR, 1, 64, SHAPE_NEED, "the link's last part" },
);

static SHAPE(kind_shape, "LinkKind",
    { "kind", SHAPE_ENUM, .flags = SHAPE_NEED, .text = "what it is for",
	.names = kinds },
    { "user", SHAPE_STR, 0, 64, SHAPE_NEED, "whom it is for, if anybody" },
    { "email", SHAPE_STR, 0, 254, SHAPE_NEED, "where it was sent" },
    { "role", SHAPE_ENUM, .flags = SHAPE_NEED, .text = "of who takes it",
	.names = roles },
);

static SHAPE(finish_shape, "LinkFinish",
    { "token", SHAPE_STR, 1, 64, SHAPE_NEED, "the link's last part" },
    { "user", SHAPE_STR, 0, 64, 0, "user name; not with a reset" },
    { "first_name", SHAPE_STR, 0, 64, 0, "first name" },
    { "last_name", SHAPE_STR, 0, 64, 0, "last name" },
    { "email", SHAPE_STR, 0, 254, 0, "e-mail address" },
    { "password", SHAPE_SECRET, 1, PASSWORD_MAX, SHAPE_NEED, "password" },
);

static SHAPE(forgot_shape, "Forgot",
    { "email", SHAPE_STR, 1, 254, SHAPE_NEED, "address of the user" },
    { "captcha", SHAPE_OBJ, .flags = SHAPE_NEED, .sub = &captcha_shape },
);

enum q_err
link_send(struct web_call *c, const struct rec_link *l, const char *token,
    struct json_object *answer, struct fault *f)
{
	static const char *const subject[] = {
		[LINK_FIRST] = "Make the first administrator of %s",
		[LINK_INVITE] = "You are invited to %s",
		[LINK_SIGNUP] = "Sign up for %s",
		[LINK_RESET] = "A new password for %s",
	};
	AUTO_BUF struct buf text = BUF_INIT(2048);
	char where[400], title[65], line[128];
	enum q_err r = Q_OK;
	bool mailed = l->email[0] != '\0' && settings_mail(c->web);

	r = link_address(c, token, where, sizeof(where), f);
	settings_text(c->web, "title", title, sizeof(title));
	if (r == Q_OK && mailed) {
		snprintf(line, sizeof(line), subject[l->kind], title);
		buf_printf(&text, "Hello,\n\nfollow this link:\n\n  %s\n\nIt "
		    "is good once, and until ", where);
		mail_time(&text, l->until);
		buf_puts(&text, ".\nIf you did not ask for it, do nothing.\n");
		r = mail_write(c->web, l->email, line, &text, f);
	}
	if (r == Q_OK && answer != NULL) {
		web_put(answer, "link", where);
		web_put_bool(answer, "mailed", mailed);
		web_put_time(answer, "until", l->until);
	}
	OPENSSL_cleanse(where, sizeof(where));
	return r;
}

/* No limits here, either: nobody guesses 256 bits, and a link is what helps
 * who cannot log in. */
static enum q_err
look(struct web_call *c, struct rec_link *l, struct fault *f)
{
	enum q_err r = rec_link_look(c->web->recordd,
	    web_text(c, "token", ""), KINDS_ALL, l, f);

	if (r == Q_OK && l->kind == LINK_SIGNUP &&
	    settings_int(c->web, "signup") == 0)
		return fault_set(f, Q_NOTFOUND, "nobody can sign up here any "
		    "more: ask an administrator for an invitation");
	return r;
}

/* A user that is to be, by the link and the body. */
static enum q_err
newcomer(struct web_call *c, const struct rec_link *l, struct rec_user *user,
    struct fault *f)
{
	const char *name = l->user[0] != '\0' ? l->user
	    : web_text(c, "user", "");
	enum q_err r = rec_user_name_check(name, f);
	bool any = true;

	if (r != Q_OK)
		return web_wrong(c, f, "/user", "%s", fault_text(f, r));
	*user = (struct rec_user){ .created_at = clock_wall(),
		.role = l->kind == LINK_FIRST ? USER_ADMINISTRATOR
					      : l->role };
	snprintf(user->key, sizeof(user->key), "%s", name);
	r = user_take(c, user, f);
	/* An address that a mail was sent to has been shown to be right. */
	if (r == Q_OK && l->email[0] != '\0')
		r = user_email_take(c, user, l->email, f);
	if (r == Q_OK && l->kind == LINK_FIRST)
		r = rec_users_any(c->web->recordd, &any, f);
	if (r == Q_OK && l->kind == LINK_FIRST && any)
		r = fault_set(f, Q_NOTFOUND, "there is an administrator: "
		    "ask for an invitation");
	return r;
}

/* The user of a reset. A link that an older address got, or that a newer
 * password has overtaken, is no good. */
static enum q_err
known(struct web_call *c, const struct rec_link *l, struct rec_user *user,
    struct fault *f)
{
	enum q_err r = rec_user_get(c->web->recordd, l->user, user, f);

	if (r == Q_OK && user->disabled)
		return fault_set(f, Q_DENIED, "this user is disabled");
	if (r == Q_OK && (user->password_at > l->created_at ||
	    (l->email[0] != '\0' && strcasecmp(l->email, user->email) != 0)))
		return fault_set(f, Q_NOTFOUND, "the password has been "
		    "changed since: ask for another link");
	return r;
}

static enum q_err
link_post(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct json_object *o;
	struct rec_user user;
	struct rec_link l;
	enum q_err r = look(c, &l, f);

	if (r == Q_OK && l.kind == LINK_RESET)
		r = known(c, &l, &user, f);
	if (r != Q_OK)
		return r;
	o = web_object();
	web_put(o, "kind", kinds[l.kind]);
	web_put(o, "user", l.user);
	web_put(o, "email", l.email);
	web_put(o, "role", roles[l.role]);
	return web_reply(rs, 200, o);
}

/* The link goes before the user comes: of two who hold it one gets in. */
static enum q_err
write_user(struct web_call *c, const struct rec_link *l,
    struct rec_user *user, struct fault *f)
{
	enum q_err r = rec_link_take(c->web->recordd, l, f);

	if (r != Q_OK)
		return r;
	if (l->kind == LINK_RESET) {
		r = rec_user_save(c->web->recordd, user, f);
		if (r == Q_OK)
			r = rec_sessions_end(c->web->recordd, user->key,
			    NULL, f);
	} else {
		r = rec_user_insert(c->web->recordd, user, f);
	}
	return r;
}

static enum q_err
taken(struct web_call *c, const char *name, struct fault *f)
{
	struct rec_user other;
	enum q_err r = rec_user_get(c->web->recordd, name, &other, NULL);

	if (r == Q_NOTFOUND)
		return Q_OK;
	return r != Q_OK ? r
	    : web_wrong(c, f, "/user", "this user name is taken");
}

static enum q_err
finish(struct web_call *c, const struct rec_link *l, struct rec_user *user,
    struct http_response *rs, struct fault *f)
{
	static const char *const what[] = { "user create", "user create",
		"user create", "password reset" };
	enum q_err r = l->kind == LINK_RESET ? Q_OK
	    : taken(c, user->key, f);

	if (r == Q_OK)
		r = password_set(c->web, user,
		    web_text(c, "password", ""), f);
	if (r == Q_OK)
		r = write_user(c, l, user, f);
	if (r != Q_OK)
		return r;
	snprintf(c->user.name, sizeof(c->user.name), "%s", user->key);
	c->by.who = c->user.name;
	gate_passed(c->web, user->key, c->rq->remote);
	if (l->kind == LINK_RESET)
		mail_notice(c, user, "the password");
	r = web_note(c, what[l->kind], user->key, f);
	/* With a second factor a new password alone lets nobody in. */
	if (r == Q_OK && user->totp_on) {
		rs->status = 204;
		return Q_OK;
	}
	if (r == Q_OK)
		r = session_begin(c, user, rs, f);
	return r == Q_OK ? web_reply(rs, 201, session_json(c, user)) : r;
}

static enum q_err
link_finish(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct rec_link l;
	struct rec_user user;
	enum q_err r = look(c, &l, f);

	if (r == Q_OK)
		r = l.kind == LINK_RESET ? known(c, &l, &user, f)
		    : newcomer(c, &l, &user, f);
	if (r != Q_OK)
		return r;
	r = password_fits(user.key, web_text(c, "password", ""), f);
	if (r != Q_OK)
		return web_wrong(c, f, "/password", "%s", fault_text(f, r));
	return finish(c, &l, &user, rs, f);
}

static enum q_err
forgot_send(struct web_call *c, const struct rec_user *user, struct fault *f)
{
	struct rec_link l = { .kind = LINK_RESET };
	char token[REC_LINK_TOKEN + 1];
	enum q_err r;

	snprintf(l.user, sizeof(l.user), "%.64s", user->key);
	snprintf(l.email, sizeof(l.email), "%s", user->email);
	snprintf(c->user.name, sizeof(c->user.name), "%s", user->key);
	c->by.who = c->user.name;
	r = rec_link_make(c->web->recordd, &l, RESET_SECONDS, &c->by, token,
	    f);
	return r == Q_OK ? link_send(c, &l, token, NULL, f) : r;
}

/* Whether there is such a user stays untold. */
static enum q_err
forgot_post(struct web_call *c, struct http_response *rs, struct fault *f)
{
	const char *email = web_text(c, "email", "");
	int64_t begun = clock_mono_ms();
	struct rec_user user;
	enum q_err r = captcha_take(c, f);

	if (r == Q_OK && !settings_mail(c->web))
		r = fault_set(f, Q_NOTFOUND, "this appliance sends no mail: "
		    "ask an administrator");
	if (r == Q_OK)
		r = gate_spend(c->web, "forgot", c->rq->remote, 10, f);
	if (r != Q_OK)
		return r;
	rs->status = 202;
	r = rec_user_by_email(c->web->recordd, email, &user, NULL);
	if (r == Q_OK && !user.disabled && mail_may(c->web, email))
		r = forgot_send(c, &user, f);
	gate_even(begun);
	return r == Q_NOTFOUND || r == Q_CONFLICT ? Q_OK : r;
}

static const struct web_route link_routes[] = {
	{ "POST", "/api/v1/link", WEB_PUBLIC, WEB_SESSION, 0, NULL,
	    &link_shape, 200, &kind_shape, link_post, "What a link is for" },
	{ "POST", "/api/v1/link/finish", WEB_PUBLIC, WEB_SESSION, 0, NULL,
	    &finish_shape, 201, &session_shape, link_finish,
	    "Become a user, or set a new password, by a link; 204: now log "
	    "in with the second factor", .also = 204 },
	{ "POST", "/api/v1/login/forgot", WEB_PUBLIC, WEB_SESSION, 0, NULL,
	    &forgot_shape, 202, NULL, forgot_post,
	    "Have a link mailed that sets a new password" },
};

WEB_PAGE(link, "Links that are good once", link_routes);
