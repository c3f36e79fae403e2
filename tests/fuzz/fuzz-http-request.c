// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "http/head.h"

#include <stdlib.h>
#include <string.h>

#include "http/io.h"
#include "http/route.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct http_route routes[] = {
	{ "GET", "/.well-known/est/{label}/cacerts", NULL, 0, 0, 0 },
	{ "POST", "/v1/{a}/b/{c}", NULL, 0, 0, 0 },
	{ "POST", "/{a}", NULL, 0, 0, 0 },
	{ "GET", "/ocsp/{*}", NULL, 0, 0, 0 },
};

/* The body that follows, from a connection that is closed behind it. */
static void
body(const struct http_head *h, const uint8_t *p, size_t len)
{
	AUTO_BUF struct buf out = BUF_INIT(4096);
	struct conn gone = { .fd = -1 };
	struct body_source b = { .c = &gone, .p = p, .len = len };
	int r = 0;

	if (h->chunked)
		r = body_read_chunked(&b, &out);
	else if (h->content_length > 0)
		r = body_read_length(&b, (size_t)h->content_length, &out);
	if (r == 0 && (out.bad || b.len > len))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct http_head h;
	static char scratch[HTTP_LINE_MAX + 1];
	AUTO_BUF struct buf allow = BUF_INIT(128);
	struct http_match m = { .allow = &allow };
	struct http_request rq = { .head = &h };
	char value[64];
	size_t head = 0;

	if (http_head_end(data, len, &head).status != 0 || head == 0)
		return 0;
	if (http_head_parse(data, head, &h).status != 0)
		return 0;
	if (h.chunked && h.content_length >= 0)
		abort();
	http_route_find(routes, 4, h.method, h.path, scratch, &m);
	if (m.route != NULL && (m.param[0] == NULL || m.param[0][0] == '\0' ||
	    (!m.rest && strchr(m.param[0], '/') != NULL)))
		abort();
	rq.query = h.query;
	if (http_query(&rq, "label", value, sizeof(value)) == Q_OK &&
	    strlen(value) >= sizeof(value))
		abort();
	body(&h, data + head, len - head);
	return 0;
}
