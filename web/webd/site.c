// SPDX-License-Identifier: Apache-2.0
/* What everybody may know. */
#include "config.h"

#include "webd/pages.h"

static SHAPE(site_shape, "Site",
    { "name", SHAPE_STR, 0, 253, SHAPE_NEED, "the appliance's name" },
    { "version", SHAPE_STR, 0, 32, SHAPE_NEED, "of Quoin" },
);

static enum q_err
site_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct json_object *o = web_object();

	(void)f;
	web_put(o, "name", c->web->conf->name);
	web_put(o, "version", PACKAGE_VERSION);
	return web_reply(rs, 200, o);
}

static const struct web_route site_routes[] = {
	{ "GET", "/api/v1/site", WEB_PUBLIC, WEB_SCOPE_READ, WEB_PLAIN, NULL,
	    NULL, 200, &site_shape, site_get,
	    "What a browser needs before anybody has logged in" },
};

WEB_PAGE(site, "What everybody may know", site_routes);
