// SPDX-License-Identifier: Apache-2.0
/* A Cookie line. */
#include "config.h"

#include "http/head.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct http_head h;
	const struct http_request rq = { .head = &h };
	char value[16];
	enum q_err r;

	if (len >= sizeof(h.text))
		return 0;
	memcpy(h.text, data, len);
	h.text[len] = '\0';
	h.n = 1;
	h.line[0].name = "Cookie";
	h.line[0].value = h.text;
	memset(value, 'x', sizeof(value));
	r = http_cookie(&rq, "__Host-quoin", value, sizeof(value));
	if (r == Q_OK ? memchr(value, '\0', sizeof(value)) == NULL ||
	    strchr(value, ';') != NULL : value[0] != 'x')
		abort();
	if (r != Q_NOTFOUND && strstr(h.text, "__Host-quoin=") == NULL)
		abort();
	return 0;
}
