// SPDX-License-Identifier: Apache-2.0
/* IoT hubs: what policies can choose. */
#include "config.h"

#include "webd/pages.h"

static SHAPE(hub_shape, "Hub",
    { "name", SHAPE_STR, 1, 64, SHAPE_NEED, "unique name" },
    { "type", SHAPE_STR, 0, 32, SHAPE_NEED, "what it is" },
    { "status", SHAPE_STR, 0, 64, SHAPE_NEED, "whether it is reached" },
);
static SHAPE_PAGE(hubs_shape, "Hubs", hub_shape);

/* There are none but those that administrators will make. */
static enum q_err
hubs_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	(void)c;
	(void)f;
	return web_reply(rs, 200, web_items(web_array(), ""));
}

static const struct web_route hubs_routes[] = {
	{ "GET", "/api/v1/hubs", WEB_USER, WEB_SCOPE_READ, 0, NULL, NULL, 200,
	    &hubs_shape, hubs_get, "IoT hubs, by name, type and status" },
};

WEB_PAGE(hubs, "IoT hubs", hubs_routes);
