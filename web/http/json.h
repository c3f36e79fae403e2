// SPDX-License-Identifier: Apache-2.0
#ifndef HTTP_JSON_H
#define HTTP_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "http/http.h"

#define HTTP_JSON_DEPTH 8
#define HTTP_JSON "application/json"

static inline void
own_json_(struct json_object **o)
{
	json_object_put(*o);
}
#define AUTO_JSON __attribute__((cleanup(own_json_)))

/*
 * One JSON object (RFC 8259) and nothing behind it but white space: UTF-8,
 * at most HTTP_JSON_DEPTH deep, no name twice in an object, no NUL in a
 * string or name. Released with json_object_put(). INVALID with the reason.
 */
enum q_err http_json_parse(struct bytes text, struct json_object **ret_obj,
    struct fault *f) Q_CHECKED;

/* The same of a request's body, which must say that it is JSON: TYPE. */
enum q_err http_json_body(const struct http_request *rq,
    struct json_object **ret_obj, struct fault *f) Q_CHECKED;

/* Release one that may have secrets in it: its strings are wiped. */
void http_json_forget(struct json_object *obj);

/* A string member: NOTFOUND when there is none, INVALID with the reason when
 * it is something else or over max bytes. It lives as long as obj. */
enum q_err http_json_text(struct json_object *obj, const char *name,
    size_t max, const char **ret_text, struct fault *f) Q_CHECKED;

/* Answer with obj, in one line. TOOBIG, NOMEM. */
enum q_err http_json_reply(struct http_response *rs, int status,
    struct json_object *obj) Q_CHECKED;

#endif
