// SPDX-License-Identifier: Apache-2.0
/* What users do about themselves: names, password, second factor, sessions. */
#include "config.h"

#include "webd/profile.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/own.h"
#include "records/people.h"
#include "webd/gate.h"
#include "webd/mail.h"
#include "webd/pages.h"
#include "webd/password.h"
#include "webd/qr.h"
#include "webd/session.h"
#include "webd/settings.h"
#include "webd/totp.h"
#include "webd/users.h"

static SHAPE(edit_shape, "ProfileEdit",
    { "first_name", SHAPE_STR, 0, 64, 0, "first name" },
    { "last_name", SHAPE_STR, 0, 64, 0, "last name" },
    { "email", SHAPE_STR, 0, 254, 0,
	"e-mail address: another one wants the password, too" },
    { "password", SHAPE_SECRET, 1, PASSWORD_MAX, 0, "the present one" },
);

static SHAPE(change_shape, "PasswordChange",
    { "old", SHAPE_SECRET, 1, PASSWORD_MAX, SHAPE_NEED, "the present one" },
    { "new", SHAPE_SECRET, 1, PASSWORD_MAX, SHAPE_NEED, "the new one" },
);

static SHAPE(confirm_shape, "PasswordConfirm",
    { "password", SHAPE_SECRET, 1, PASSWORD_MAX, SHAPE_NEED,
	"who changes the second factor shows it again" },
);

static SHAPE(code_shape, "Code",
    { "code", SHAPE_STR, 6, 6, SHAPE_NEED, "that the app shows" },
);

static SHAPE(seed_shape, "SecondFactor",
    { "secret", SHAPE_STR, 0, 64, SHAPE_NEED, "base32" },
    { "uri", SHAPE_STR, 0, 512, SHAPE_NEED, "otpauth:, for the app" },
    { "qr", SHAPE_STRS, 0, 200, SHAPE_NEED,
	"the same as a QR code: its rows, 1 is dark", .many = 200 },
);

static SHAPE(recovery_shape, "RecoveryCodes",
    { "recovery", SHAPE_STRS, 0, 16, SHAPE_NEED,
	"each lets the user in once without the app", .many = 10 },
);

static SHAPE(session_item_shape, "SessionItem",
    { "id", SHAPE_STR, 0, 64, SHAPE_NEED, "of the session" },
    { "created_at", SHAPE_TIME, 0, 0, 0, "log-in" },
    { "seen_at", SHAPE_TIME, 0, 0, 0, "latest request, to a minute" },
    { "until", SHAPE_TIME, 0, 0, 0, "when it ends" },
    { "from", SHAPE_STR, 0, 64, 0, "address" },
    { "agent", SHAPE_STR, 0, 160, 0, "browser" },
    { "second", SHAPE_BOOL, 0, 0, 0, "a second factor was shown" },
    { "current", SHAPE_BOOL, 0, 0, SHAPE_NEED, "this one" },
);

SHAPE_PAGE(sessions_shape, "Sessions", session_item_shape);

static enum q_err
self(struct web_call *c, struct rec_user *user, struct fault *f)
{
	return rec_user_get(c->web->recordd, c->user.name, user, f);
}

static enum q_err
save(struct web_call *c, struct rec_user *user, const char *what,
    struct fault *f)
{
	enum q_err r = rec_user_save(c->web->recordd, user, f);

	return r == Q_OK ? web_note(c, what, user->key, f) : r;
}

static enum q_err
profile_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct rec_user user;
	enum q_err r = self(c, &user, f);

	return r == Q_OK ? web_reply_rev(rs, 200, user_json(&user), user.rev)
	    : r;
}

/* Who sits at somebody else's browser is not that one: the password again,
 * under the limits of log-ins. */
static enum q_err
confirm(struct web_call *c, struct rec_user *user, const char *member,
    struct fault *f)
{
	const char *from = c->rq->remote;
	char pointer[32];
	enum q_err r = self(c, user, f), late;

	if (r == Q_OK)
		r = gate_ask(c->web, user->key, from, true, f);
	if (r == Q_OK)
		r = password_check(c->web, user, web_text(c, member, ""),
		    from, f);
	if (r != Q_OK && r != Q_UNAUTH)
		return r;
	/* Others may have failed at the same time. */
	late = gate_ask(c->web, user->key, from, true, f);
	if (r == Q_UNAUTH)
		gate_failed(c->web, user->key, from, true);
	else if (late == Q_OK)
		gate_passed(c->web, user->key, from);
	if (r == Q_OK || late != Q_OK)
		return late;
	snprintf(pointer, sizeof(pointer), "/%s", member);
	return web_wrong(c, f, pointer, "this is not the password");
}

/* Where the address goes, the links go that set a password. */
static enum q_err
address_confirm(struct web_call *c, struct rec_user *user, struct fault *f)
{
	bool moves = strcmp(web_text(c, "email", user->email),
	    user->email) != 0;

	if (!moves && web_has(c, "password"))
		return web_wrong(c, f, "/password",
		    "only another e-mail address wants it");
	if (!moves)
		return Q_OK;
	if (!web_has(c, "password"))
		return web_wrong(c, f, "/password",
		    "another e-mail address wants it");
	return confirm(c, user, "password", f);
}

static enum q_err
profile_patch(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct rec_user user = { 0 }, was;
	enum q_err r = self(c, &user, f);

	if (r == Q_OK)
		r = address_confirm(c, &user, f);
	was = user;
	if (r == Q_OK)
		r = web_if_match(c, user.rev, f);
	if (r == Q_OK)
		r = user_take(c, &user, f);
	if (r == Q_OK)
		r = save(c, &user, "profile edit", f);
	if (r == Q_OK && strcasecmp(user.email, was.email) != 0)
		mail_notice(c, &was, "the e-mail address");
	return r == Q_OK ? web_reply_rev(rs, 200, user_json(&user), user.rev)
	    : r;
}

static enum q_err
password_post(struct web_call *c, struct http_response *rs, struct fault *f)
{
	const char *wanted = web_text(c, "new", "");
	struct rec_user user;
	enum q_err r = confirm(c, &user, "old", f);

	if (r != Q_OK)
		return r;
	r = password_fits(user.key, wanted, f);
	if (r != Q_OK)
		return web_wrong(c, f, "/new", "%s", fault_text(f, r));
	r = password_set(c->web, &user, wanted, f);
	if (r == Q_OK)
		r = save(c, &user, "password change", f);
	if (r == Q_OK)
		mail_notice(c, &user, "the password");
	if (r == Q_OK)
		r = rec_sessions_end(c->web->recordd, user.key,
		    c->user.session, f);
	rs->status = 204;
	return r;
}

static struct json_object *
seed_json(struct web_call *c, const struct rec_user *user,
    const uint8_t seed[TOTP_SEED_LEN])
{
	struct json_object *o = web_object();
	char secret[TOTP_SECRET + 1], title[65], uri[512];

	totp_secret(seed, secret);
	settings_text(c->web, "title", title, sizeof(title));
	/* Of a title that would need escapes the plain part. */
	for (char *s = title; *s != '\0'; s++)
		if (strchr("%:?&#/ ", *s) != NULL || *s < 0)
			*s = '-';
	snprintf(uri, sizeof(uri), "otpauth://totp/%s:%s?secret=%s&issuer=%s",
	    title, user->key, secret, title);
	web_put(o, "secret", secret);
	web_put(o, "uri", uri);
	web_put_obj(o, "qr", qr_rows(uri));
	OPENSSL_cleanse(secret, sizeof(secret));
	OPENSSL_cleanse(uri, sizeof(uri));
	return o;
}

static enum q_err
totp_post(struct web_call *c, struct http_response *rs, struct fault *f)
{
	uint8_t seed[TOTP_SEED_LEN];
	struct rec_user user;
	enum q_err r = confirm(c, &user, "password", f);

	if (r == Q_OK && user.totp_on)
		r = fault_set(f, Q_CONFLICT,
		    "there is a second factor: turn it off first");
	if (r == Q_OK)
		r = totp_new(c->web, &user, seed, f);
	if (r == Q_OK)
		r = rec_user_save(c->web->recordd, &user, f);
	if (r != Q_OK)
		return r;
	rs->secret = true;
	r = web_reply(rs, 200, seed_json(c, &user, seed));
	OPENSSL_cleanse(seed, sizeof(seed));
	return r;
}

static enum q_err
codes_answer(struct http_response *rs, struct json_object *codes)
{
	struct json_object *o = web_object();

	web_put_obj(o, "recovery", codes);
	rs->secret = true;
	return web_reply(rs, 200, o);
}

static enum q_err
totp_confirm(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct json_object *codes = NULL;
	struct rec_user user;
	enum q_err r = self(c, &user, f);

	if (r == Q_OK && (user.totp_on || user.totp.len == 0))
		r = fault_set(f, Q_CONFLICT, "no second factor is being set "
		    "up");
	if (r == Q_OK)
		r = gate_code_ask(c->web, user.key, f);
	if (r == Q_OK)
		r = totp_check(c->web, &user, web_text(c, "code", ""), f);
	if (r == Q_UNAUTH) {
		gate_code_failed(c->web, user.key);
		return web_wrong(c, f, "/code", "this is not the code that "
		    "the app shows now");
	}
	if (r == Q_OK)
		r = totp_recovery(&user, &codes);
	user.totp_on = true;
	if (r == Q_OK)
		r = save(c, &user, "second factor on", f);
	if (r == Q_OK)
		return codes_answer(rs, codes);
	json_object_put(codes);
	return r;
}

static enum q_err
totp_off(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct rec_user user;
	enum q_err r = confirm(c, &user, "password", f);

	user.totp_on = false;
	user.totp.len = user.recovery.len = 0;
	if (r == Q_OK)
		r = save(c, &user, "second factor off", f);
	if (r == Q_OK)
		mail_notice(c, &user, "the second factor");
	rs->status = 204;
	return r;
}

static enum q_err
recovery_post(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct json_object *codes = NULL;
	struct rec_user user;
	enum q_err r = confirm(c, &user, "password", f);

	if (r == Q_OK && !user.totp_on)
		r = fault_set(f, Q_CONFLICT, "there is no second factor");
	if (r == Q_OK)
		r = totp_recovery(&user, &codes);
	if (r == Q_OK)
		r = save(c, &user, "recovery codes", f);
	if (r == Q_OK)
		return codes_answer(rs, codes);
	json_object_put(codes);
	return r;
}

static struct json_object *
session_item(const struct web_call *c, const struct rec_session *s)
{
	struct json_object *o = web_object();

	web_put(o, "id", s->key);
	web_put_time(o, "created_at", s->created_at);
	web_put_time(o, "seen_at", s->seen_at);
	web_put_time(o, "until", s->until);
	web_put(o, "from", s->from);
	web_put(o, "agent", s->agent);
	web_put_bool(o, "second", s->second);
	web_put_bool(o, "current", strcmp(s->key, c->user.session) == 0);
	return o;
}

enum q_err
sessions_answer(struct web_call *c, const char *user,
    struct http_response *rs, struct fault *f)
{
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(c->web->recordd, REC_SESSION, "user", user);
	struct json_object *items = web_array();
	struct rec_session s;
	enum q_err r;

	while ((r = rec_list_next(&it, &s, f)) == Q_OK)
		if (s.until > clock_wall())
			web_push(items, session_item(c, &s));
	if (r == Q_NOTFOUND)
		return web_reply(rs, 200, web_items(items, ""));
	json_object_put(items);
	return r;
}

static enum q_err
own_sessions_get(struct web_call *c, struct http_response *rs,
    struct fault *f)
{
	return sessions_answer(c, c->user.name, rs, f);
}

/* Somebody else's session is none that there is. */
static enum q_err
own_session_delete(struct web_call *c, struct http_response *rs,
    struct fault *f)
{
	struct rec_session s;
	enum q_err r = rec_key_check(rec_desc(REC_SESSION), c->param[0], f);

	if (r == Q_OK)
		r = rec_session_get(c->web->recordd, c->param[0], &s, f);
	if (r == Q_INVALID || (r == Q_OK &&
	    strcmp(s.user, c->user.name) != 0))
		return fault_set(f, Q_NOTFOUND, "no such session");
	if (r == Q_OK)
		r = session_end(c->web, c->param[0], f);
	if (r == Q_OK)
		r = web_note(c, "session end", c->user.name, f);
	if (strcmp(c->param[0], c->user.session) == 0)
		session_forget(rs);
	rs->status = 204;
	return r;
}

static enum q_err
own_sessions_delete(struct web_call *c, struct http_response *rs,
    struct fault *f)
{
	enum q_err r = rec_sessions_end(c->web->recordd, c->user.name,
	    c->user.session, f);

	if (r == Q_OK)
		r = web_note(c, "user sessions end", c->user.name, f);
	rs->status = 204;
	return r;
}

#define ME "/api/v1/profile"
#define ROW(method, path, in, status, out, handler, text) \
	{ method, ME path, WEB_USER, WEB_SESSION, 0, NULL, in, status, out, \
	    handler, text }
static const struct web_route profile_routes[] = {
	ROW("GET", "", NULL, 200, &user_shape, profile_get,
	    "The user who is logged in"),
	ROW("PATCH", "", &edit_shape, 200, &user_shape, profile_patch,
	    "Change own names and address"),
	ROW("POST", "/password", &change_shape, 204, NULL, password_post,
	    "Change the password; other sessions end"),
	ROW("POST", "/totp", &confirm_shape, 200, &seed_shape, totp_post,
	    "Begin to set up a second factor"),
	ROW("POST", "/totp/confirm", &code_shape, 200, &recovery_shape,
	    totp_confirm, "Turn it on, by a code of the app"),
	ROW("POST", "/totp/off", &confirm_shape, 204, NULL, totp_off,
	    "Turn the second factor off"),
	ROW("POST", "/recovery", &confirm_shape, 200, &recovery_shape,
	    recovery_post, "New recovery codes; the old ones are no good"),
	ROW("GET", "/sessions", NULL, 200, &sessions_shape, own_sessions_get,
	    "Where one is logged in"),
	ROW("DELETE", "/sessions", NULL, 204, NULL, own_sessions_delete,
	    "Log out everywhere else"),
	ROW("DELETE", "/sessions/{id}", NULL, 204, NULL, own_session_delete,
	    "End one session"),
};

WEB_PAGE(profile, "What users do about themselves", profile_routes);
