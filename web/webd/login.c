// SPDX-License-Identifier: Apache-2.0
/* Logging in and out, and who is logged in. */
#include "config.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "records/people.h"
#include "webd/gate.h"
#include "webd/pages.h"
#include "webd/password.h"
#include "webd/session.h"
#include "webd/settings.h"
#include "webd/totp.h"
#include "webd/users.h"

#define TRIES 4
#define NOTES_PER_HOUR 60 /* of failures, from an address */

static SHAPE(login_shape, "Login",
    { "user", SHAPE_STR, 1, 254, SHAPE_NEED, "user name or e-mail address" },
    { "password", SHAPE_SECRET, 1, PASSWORD_MAX, SHAPE_NEED, "password" },
    { "code", SHAPE_STR, 0, 32, 0,
	"of the second factor, or a recovery code" },
);

const struct shape session_shape = { .name = "Session",
	.fields = (const struct shape_field[]){
	    { "user", SHAPE_OBJ, .flags = SHAPE_NEED, .sub = &user_shape },
	    { "csrf", SHAPE_STR, 0, 64, SHAPE_NEED,
		"X-Quoin-CSRF of unsafe requests" },
	    { "until", SHAPE_TIME, 0, 0, SHAPE_NEED, "when it ends" },
	    { "idle_seconds", SHAPE_INT, 0, 100000, SHAPE_NEED,
		"without a request it ends after so long" },
	    { "wants_second_factor", SHAPE_BOOL, 0, 0, SHAPE_NEED,
		"the user has none yet" },
	    { "help_url", SHAPE_STR, 0, 500, 0, "where Help leads" },
	    { "feedback_url", SHAPE_STR, 0, 500, 0, "where Feedback leads" },
	    { "name", SHAPE_STR, 0, 64, 0, "of the appliance" },
	}, .n = 8 };

static void
put_setting(struct web_call *c, struct json_object *o, const char *member,
    const char *setting)
{
	char text[501];

	settings_text(c->web, setting, text, sizeof(text));
	web_put(o, member, text);
}

struct json_object *
session_json(struct web_call *c, const struct rec_user *user)
{
	struct json_object *o = web_object();

	web_put_obj(o, "user", user_json(user));
	web_put(o, "csrf", c->csrf);
	web_put_time(o, "until", c->until);
	web_put_int(o, "idle_seconds",
	    60 * settings_int(c->web, "idle_minutes"));
	web_put_bool(o, "wants_second_factor", !user->totp_on);
	put_setting(c, o, "help_url", "help_url");
	put_setting(c, o, "feedback_url", "feedback_url");
	put_setting(c, o, "name", "title");
	return o;
}

static enum q_err
session_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct rec_user user;
	enum q_err r = rec_user_get(c->web->recordd, c->user.name, &user, f);

	return r == Q_OK ? web_reply(rs, 200, session_json(c, &user)) : r;
}

/* By name or by address. NOTFOUND is no news for who asks. */
static enum q_err
find(struct web_call *c, const char *who, struct rec_user *user,
    struct fault *f)
{
	enum q_err r;

	if (strchr(who, '@') != NULL)
		r = rec_user_by_email(c->web->recordd, who, user, f);
	else if (rec_user_name_check(who, NULL) != Q_OK)
		r = Q_NOTFOUND;
	else
		r = rec_user_get(c->web->recordd, who, user, f);
	return r == Q_CONFLICT ? Q_NOTFOUND : r;
}

/* A try, and what is known about it. */
struct attempt {
	const char *who; /* as typed */
	struct rec_user user;
	bool any; /* there is such a user, and it may log in */
	bool known; /* it has logged in from this address before */
};

/* What was typed in place of a user's name may be a password: it is noted
 * only when it is a name. */
static enum q_err
refuse(struct web_call *c, const struct attempt *a, struct fault *f)
{
	const char *name = a->user.key[0] != '\0' ? a->user.key : "(unknown)";
	const char *from = c->rq->remote;

	gate_failed(c->web, a->who, from, a->known);
	log_note("log-in of %s from %s failed", name, from);
	/* Not more of these than can be read. */
	if (gate_spend(c->web, "note", from, NOTES_PER_HOUR, NULL) == Q_OK)
		(void)!rec_actor_note(c->web->recordd,
		    &(struct rec_actor){ name, from }, "user login failed",
		    name, NULL);
	return fault_set(f, Q_UNAUTH, "user name, password or code is wrong");
}

/* A password takes a while: of those who came at once with it no more are told
 * how it went than of those who come one by one. */
static enum q_err
crowd(struct web_call *c, const struct attempt *a, enum q_err went,
    struct fault *f)
{
	const char *from = c->rq->remote;
	enum q_err r = gate_ask(c->web, a->who, from, a->known, f);

	if (r != Q_OK && went == Q_UNAUTH)
		gate_failed(c->web, a->who, from, a->known);
	return r == Q_OK ? went : r;
}

static enum q_err
want_code(struct web_call *c, struct fault *f)
{
	c->problem = "urn:quoin:second-factor";
	return fault_set(f, Q_UNAUTH, "the code of the second factor, please");
}

/* The second factor, if there is one. */
static enum q_err
second(struct web_call *c, struct attempt *a, struct fault *f)
{
	const char *code = web_text(c, "code", "");
	bool digits = strlen(code) == TOTP_DIGITS;
	enum q_err r;

	if (!a->user.totp_on)
		return Q_OK;
	if (code[0] == '\0')
		return want_code(c, f);
	r = digits ? gate_code_ask(c->web, a->user.key, f) : Q_OK;
	if (r == Q_OK)
		r = totp_check(c->web, &a->user, code, f);
	if (r != Q_UNAUTH)
		return r;
	if (digits)
		gate_code_failed(c->web, a->user.key);
	return refuse(c, a, f);
}

/* Everything is right: written down by the revision that was judged, so that
 * no code is good for two. */
static enum q_err
enter(struct web_call *c, struct attempt *a, struct http_response *rs,
    struct fault *f)
{
	struct rec_user *user = &a->user;
	enum q_err r;

	user->last_login = clock_wall();
	snprintf(user->last_from, sizeof(user->last_from), "%s",
	    c->rq->remote);
	r = rec_user_put(c->web->recordd, user, f);
	if (r != Q_OK)
		return r;
	gate_passed(c->web, a->who, c->rq->remote);
	gate_code_passed(c->web, user->key);
	r = session_begin(c, user, rs, f);
	if (r == Q_OK)
		r = web_note(c, "user login", user->key, f);
	return r == Q_OK ? web_reply(rs, 200, session_json(c, user)) : r;
}

static enum q_err
login_try(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct attempt a = { .who = web_text(c, "user", "") };
	enum q_err r = find(c, a.who, &a.user, f);

	if (r != Q_OK && r != Q_NOTFOUND)
		return r;
	a.any = r == Q_OK && !a.user.disabled;
	a.known = a.any && strcmp(a.user.last_from, c->rq->remote) == 0;
	r = gate_ask(c->web, a.who, c->rq->remote, a.known, f);
	if (r == Q_OK)
		r = password_check(c->web, a.any ? &a.user : NULL,
		    web_text(c, "password", ""), c->rq->remote, f);
	if (r == Q_OK || r == Q_UNAUTH)
		r = crowd(c, &a, r, f);
	if (r == Q_UNAUTH)
		return refuse(c, &a, f);
	if (r == Q_OK)
		r = second(c, &a, f);
	return r == Q_OK ? enter(c, &a, rs, f) : r;
}

static enum q_err
login_post(struct web_call *c, struct http_response *rs, struct fault *f)
{
	enum q_err r = Q_CONFLICT;

	/* Somebody wrote to the user meanwhile, perhaps who came with the
	 * same code: all is judged again by what is there then. */
	for (int i = 0; r == Q_CONFLICT && i < TRIES; i++)
		r = login_try(c, rs, f);
	return r;
}

static enum q_err
logout_post(struct web_call *c, struct http_response *rs, struct fault *f)
{
	enum q_err r = session_end(c->web, c->user.session, f);

	if (r == Q_OK)
		r = web_note(c, "user logout", c->user.name, f);
	session_forget(rs);
	rs->status = 204;
	return r;
}

static const struct web_route login_routes[] = {
	{ "POST", "/api/v1/login", WEB_PUBLIC, WEB_SESSION, 0, NULL,
	    &login_shape, 200, &session_shape, login_post,
	    "Log in: a session and its cookie" },
	{ "POST", "/api/v1/logout", WEB_USER, WEB_SESSION, 0, NULL, NULL, 204,
	    NULL, logout_post, "End this session" },
	{ "GET", "/api/v1/session", WEB_USER, WEB_SESSION, 0, NULL, NULL, 200,
	    &session_shape, session_get, "Who is logged in" },
};

WEB_PAGE(login, "Logging in and out", login_routes);
