// SPDX-License-Identifier: Apache-2.0
/* Bodies and queries against the shapes of all routes of the administration:
 * the first byte chooses the route, the second a parameter of its query or,
 * where it has none, its body. */
#include "config.h"

#include "webd/shape.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/own.h"
#include "http/json.h"
#include "webd/pages.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct web_route *
route_at(size_t i)
{
	size_t page = 0, n = 0;

	for (page = 0; page < web_n_pages; page++)
		n += web_pages[page]->n;
	i %= n;
	for (page = 0; i >= web_pages[page]->n; page++)
		i -= web_pages[page]->n;
	return &web_pages[page]->routes[i];
}

/* Who is told that something is wrong is told what, in one line. */
static void
told(enum q_err r, const struct fault *f)
{
	if (r != Q_OK && (r != Q_INVALID || f->msg[0] == '\0' ||
	    strchr(f->msg, '\n') != NULL))
		abort();
}

static void
body(const struct shape *s, struct bytes text)
{
	AUTO_JSON struct json_object *o = NULL;
	char pointer[SHAPE_POINTER];
	struct fault f = { 0 };
	enum q_err r;

	if (http_json_parse(text, &o, &f) != Q_OK)
		return;
	memset(pointer, 'x', sizeof(pointer));
	r = shape_check(s, o, pointer, &f);
	told(r, &f);
	if (r != Q_OK && (memchr(pointer, '\0', sizeof(pointer)) == NULL ||
	    (pointer[0] != '/' && pointer[0] != '\0')))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct web_route *route;
	struct fault f = { 0 };
	char value[512];

	if (len < 2)
		return 0;
	route = route_at(data[0]);
	if (route->in != NULL)
		body(route->in, (struct bytes){ data + 2, len - 2 });
	if (route->query == NULL || route->query->n == 0 ||
	    len - 2 >= sizeof(value))
		return 0;
	memcpy(value, data + 2, len - 2);
	value[len - 2] = '\0';
	told(shape_check_text(&route->query->fields[data[1] %
	    route->query->n], value, &f), &f);
	return 0;
}
