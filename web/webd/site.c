// SPDX-License-Identifier: Apache-2.0
/* What everybody may know. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "records/people.h"
#include "webd/pages.h"
#include "webd/settings.h"

static SHAPE(site_shape, "Site",
    { "name", SHAPE_STR, 0, 64, SHAPE_NEED, "of the appliance" },
    { "version", SHAPE_STR, 0, 32, SHAPE_NEED, "of Quoin" },
    { "first_start", SHAPE_BOOL, 0, 0, SHAPE_NEED, "there is no user yet" },
    { "signup", SHAPE_BOOL, 0, 0, SHAPE_NEED, "everybody may sign up" },
    { "signup_domains", SHAPE_STRS, 0, 253, SHAPE_NEED,
	"with addresses of these only; none: of all", .many = 250 },
    { "mail", SHAPE_BOOL, 0, 0, SHAPE_NEED, "mail can be sent" },
    { "help_url", SHAPE_STR, 0, 500, SHAPE_NEED, "where Help leads" },
    { "feedback_url", SHAPE_STR, 0, 500, SHAPE_NEED,
	"where Feedback leads" },
);

static void
put_setting(const struct web *w, struct json_object *o, const char *member,
    const char *setting)
{
	char text[501];

	settings_text(w, setting, text, sizeof(text));
	web_put(o, member, text);
}

static struct json_object *
domains(const struct web *w)
{
	struct json_object *list = web_array();
	char text[501], *rest = NULL;

	settings_text(w, "signup_domains", text, sizeof(text));
	for (char *s = strtok_r(text, " ,", &rest); s != NULL;
	    s = strtok_r(NULL, " ,", &rest))
		web_push(list, json_object_new_string(s));
	return list;
}

static enum q_err
site_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	const struct web *w = c->web;
	struct json_object *o;
	bool any = true;
	enum q_err r = rec_users_any(w->recordd, &any, f);

	if (r != Q_OK)
		return r;
	o = web_object();
	put_setting(w, o, "name", "title");
	web_put(o, "version", PACKAGE_VERSION);
	web_put_bool(o, "first_start", !any);
	web_put_bool(o, "signup", settings_int(w, "signup") != 0 &&
	    settings_mail(w));
	web_put_obj(o, "signup_domains", domains(w));
	web_put_bool(o, "mail", settings_mail(w));
	put_setting(w, o, "help_url", "help_url");
	put_setting(w, o, "feedback_url", "feedback_url");
	return web_reply(rs, 200, o);
}

static const struct web_route site_routes[] = {
	{ "GET", "/api/v1/site", WEB_PUBLIC, WEB_SCOPE_READ, 0, NULL, NULL,
	    200, &site_shape, site_get,
	    "What a browser needs before anybody has logged in" },
};

WEB_PAGE(site, "What everybody may know", site_routes);
