// SPDX-License-Identifier: Apache-2.0
/* Signing up (guide 6), where administrators allow it. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/own.h"
#include "records/people.h"
#include "webd/gate.h"
#include "webd/mail.h"
#include "webd/pages.h"
#include "webd/settings.h"
#include "webd/users.h"

#define LINK_SECONDS 86400

static SHAPE(signup_shape, "Signup",
    { "email", SHAPE_STR, 1, 254, SHAPE_NEED, "where the link is sent" },
    { "captcha", SHAPE_OBJ, .flags = SHAPE_NEED, .sub = &captcha_shape },
);

/* Whether the address is of one of the domains; all are when none is named. */
static bool
welcome(const char *email, const char *domains)
{
	const char *at = strchr(email, '@') + 1;
	size_t len = strlen(at);

	if (domains[strspn(domains, " ,")] == '\0')
		return true;
	while (*(domains += strspn(domains, " ,")) != '\0') {
		size_t n = strcspn(domains, " ,");

		if (n == len && strncasecmp(domains, at, n) == 0)
			return true;
		domains += n;
	}
	return false;
}

static enum q_err
signup_check(struct web_call *c, const char *email, struct fault *f)
{
	char domains[501];
	enum q_err r;

	if (settings_int(c->web, "signup") == 0 || !settings_mail(c->web))
		return fault_set(f, Q_NOTFOUND, "nobody can sign up here: "
		    "ask an administrator for an invitation");
	if (!email_looks_good(email))
		return web_wrong(c, f, "/email", "this is no e-mail address");
	settings_text(c->web, "signup_domains", domains, sizeof(domains));
	if (!welcome(email, domains))
		return web_wrong(c, f, "/email",
		    "addresses of this domain cannot sign up here");
	r = captcha_take(c, f);
	return r == Q_OK ? gate_spend(c->web, "signup", c->rq->remote, 10, f)
	    : r;
}

static enum q_err
link_mail(struct web_call *c, const char *email, struct fault *f)
{
	struct rec_link l = { .kind = LINK_SIGNUP,
		.role = USER_CONTRIBUTOR };
	char token[REC_LINK_TOKEN + 1];
	enum q_err r;

	snprintf(l.email, sizeof(l.email), "%s", email);
	r = rec_link_make(c->web->recordd, &l, LINK_SECONDS, &c->by, token,
	    f);
	return r == Q_OK ? link_send(c, &l, token, NULL, f) : r;
}

static enum q_err
known_mail(struct web_call *c, const struct rec_user *user, struct fault *f)
{
	AUTO_BUF struct buf text = BUF_INIT(1024);
	char title[65], subject[96];

	settings_text(c->web, "title", title, sizeof(title));
	snprintf(subject, sizeof(subject), "You are a user of %s", title);
	buf_printf(&text, "Hello,\n\nsomebody, perhaps you, wanted to sign up "
	    "with this address.\nYou are a user already, by the name %s: log "
	    "in, or have the\npassword reset.\n", user->key);
	return mail_write(c->web, user->email, subject, &text, f);
}

/* Who is a user already is told by mail only. */
static enum q_err
signup_post(struct web_call *c, struct http_response *rs, struct fault *f)
{
	const char *email = web_text(c, "email", "");
	int64_t begun = clock_mono_ms();
	struct rec_user user;
	enum q_err r = signup_check(c, email, f);

	if (r != Q_OK)
		return r;
	rs->status = 202;
	if (mail_may(c->web, email)) {
		r = rec_user_by_email(c->web->recordd, email, &user, NULL);
		if (r == Q_OK)
			r = known_mail(c, &user, f);
		else if (r == Q_NOTFOUND)
			r = link_mail(c, email, f);
	}
	gate_even(begun);
	return r == Q_CONFLICT ? Q_OK : r;
}

static const struct web_route signup_routes[] = {
	{ "POST", "/api/v1/signup", WEB_PUBLIC, WEB_SESSION, 0, NULL,
	    &signup_shape, 202, NULL, signup_post,
	    "Have a link mailed by which one becomes a user" },
};

WEB_PAGE(signup, "Signing up", signup_routes);
