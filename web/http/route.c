// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "http/route.h"

#include <string.h>

/* {*} counts as more than all {} that a pattern may have. */
#define REST HTTP_PARAMS_MAX

/* Whether path is one of pattern's; how many {} it took, or -1. */
static int
pattern_match(const char *pattern, const char *path,
    const char *at[HTTP_PARAMS_MAX], size_t len[HTTP_PARAMS_MAX])
{
	int n = 0;

	while (*pattern != '\0') {
		bool rest = strcmp(pattern, "{*}") == 0;
		size_t seg;

		if (*pattern != '{') {
			if (*pattern++ != *path++)
				return -1;
			continue;
		}
		seg = rest ? strlen(path) : strcspn(path, "/");
		if (seg == 0 || n == HTTP_PARAMS_MAX)
			return -1;
		at[n] = path;
		len[n++] = seg;
		if (rest)
			return n + REST;
		path += seg;
		pattern += strcspn(pattern, "}");
		pattern += *pattern == '}';
	}
	return *path == '\0' ? n : -1;
}

static void
allow_add(struct buf *allow, const char *method)
{
	if (allow->len != 0 && memmem(allow->p, allow->len, method,
	    strlen(method)) != NULL)
		return;
	if (allow->len != 0)
		buf_puts(allow, ", ");
	buf_puts(allow, method);
	if (strcmp(method, "GET") == 0)
		buf_puts(allow, ", HEAD");
}

void
http_route_find(const struct http_route *routes, size_t n,
    const char *method, const char *path, char *scratch,
    struct http_match *m)
{
	int best = HTTP_PARAMS_MAX + REST + 1;

	m->route = NULL;
	for (size_t i = 0; i < n; i++) {
		const char *at[HTTP_PARAMS_MAX];
		size_t len[HTTP_PARAMS_MAX];
		int k = pattern_match(routes[i].pattern, path, at, len);
		char *to = scratch;

		if (k < 0)
			continue;
		allow_add(m->allow, routes[i].method);
		if (k >= best || strcmp(routes[i].method, method) != 0)
			continue;
		best = k;
		m->route = &routes[i];
		m->rest = k > REST;
		k -= m->rest ? REST : 0;
		for (int j = 0; j < HTTP_PARAMS_MAX; j++) {
			m->param[j] = NULL;
			if (j >= k)
				continue;
			memcpy(to, at[j], len[j]);
			to[len[j]] = '\0';
			m->param[j] = to;
			to += len[j] + 1;
		}
	}
}
