// SPDX-License-Identifier: Apache-2.0
#ifndef HTTP_ROUTE_H
#define HTTP_ROUTE_H

#include "http/http.h"

/* What a path leads to. */
struct http_match {
	const struct http_route *route; /* NULL: 404, or 405 if any allow */
	bool rest; /* its pattern ends with {*} */
	char *param[HTTP_PARAMS_MAX]; /* into scratch */
	struct buf *allow; /* methods that the path has, ", " between */
};

/* Find method and path in the table. A row without {} goes before one with,
 * and that before one with {*}.
 * scratch holds the parameters: strlen(path) + 1 bytes. */
void http_route_find(const struct http_route *routes, size_t n,
    const char *method, const char *path, char *scratch,
    struct http_match *m);

#endif
