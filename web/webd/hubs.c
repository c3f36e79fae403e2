// SPDX-License-Identifier: Apache-2.0
/* IoT hubs: what policies can choose. */
#include "config.h"

#include "base/own.h"
#include "webd/pages.h"

static SHAPE(hub_shape, "Hub",
    { "name", SHAPE_STR, 1, 64, SHAPE_NEED, "unique name" },
    { "type", SHAPE_STR, 0, 32, SHAPE_NEED, "what it is" },
    { "status", SHAPE_STR, 0, 64, SHAPE_NEED, "whether it is reached" },
);
static SHAPE_PAGE(hubs_shape, "Hubs", hub_shape);

static void
hub_push(struct json_object *items, const struct rec_policy *p)
{
	struct json_object *o = web_object();

	web_put(o, "name", p->hub);
	web_put(o, "type", p->connection == CONNECTION_IOT_HUB
	    ? "iot_hub" : "database_direct");
	web_put(o, "status", "named by a policy");
	web_push(items, o);
}

/* Those that policies name, each once. */
static enum q_err
hubs_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(c->web->recordd, REC_POLICY, NULL, NULL);
	AUTO_JSON struct json_object *items = web_array();
	AUTO_JSON struct json_object *seen = web_object();
	struct rec_policy p;
	enum q_err r;

	while ((r = rec_list_next(&it, &p, f)) == Q_OK) {
		if (p.hub[0] == '\0' ||
		    json_object_object_get_ex(seen, p.hub, NULL))
			continue;
		web_put_obj(seen, p.hub, json_object_new_boolean(true));
		hub_push(items, &p);
	}
	return r != Q_NOTFOUND ? r
	    : web_reply(rs, 200, web_items(json_object_get(items), ""));
}

static const struct web_route hubs_routes[] = {
	{ "GET", "/api/v1/hubs", WEB_USER, WEB_SCOPE_READ, 0, NULL, NULL, 200,
	    &hubs_shape, hubs_get, "IoT hubs, by name, type and status" },
};

WEB_PAGE(hubs, "IoT hubs", hubs_routes);
