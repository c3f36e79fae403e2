// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "http/head.h"

#include <string.h>
#include <strings.h>

#include "base/codec.h"
#include "base/own.h"

#define REFUSE(code, text) ((struct http_refusal){ (code), (text) })
#define FINE REFUSE(0, NULL)

static const char token_chars[] = "!#$%&'*+-.^_`|~0123456789"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/* Those that a route may name, and HEAD; others are 501. */
static const char *const methods[] = { "GET", "HEAD", "POST", "PUT", "DELETE",
	"PATCH", "OPTIONS" };

struct http_refusal
http_head_end(const uint8_t *p, size_t len, size_t *ret_len)
{
	const uint8_t *eol = memchr(p, '\n', len);
	const uint8_t *end = eol != NULL ? memmem(p, len, "\r\n\r\n", 4) : NULL;
	size_t line = eol != NULL ? (size_t)(eol - p) : len;
	size_t head = end != NULL ? (size_t)(end - p) : len;

	if (line > HTTP_LINE_MAX)
		return REFUSE(414, "request line is too long");
	if (head > line && head - line > HTTP_HEAD_MAX)
		return REFUSE(431, "header lines are too long");
	*ret_len = end != NULL ? head + 4 : 0;
	return FINE;
}

bool
http_unescape(const char *in, size_t len, bool plus, char *out, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = in[i];

		if (c == '%') {
			char hex[3] = { i + 1 < len ? in[i + 1] : '\0',
				i + 2 < len ? in[i + 2] : '\0', '\0' };

			if (!hex_decode(hex, (uint8_t *)&c, 1))
				return false;
			i += 2;
		} else if (c == '+' && plus) {
			c = ' ';
		}
		if ((unsigned char)c < 0x20 || c == 0x7f || n + 1 >= cap)
			return false;
		out[n++] = c;
	}
	if (cap == 0)
		return false;
	out[n] = '\0';
	return true;
}

/* RFC 9112 3.2.1, in place: h->path and h->query. */
static struct http_refusal
target_parse(char *target, struct http_head *h)
{
	char *q = strchr(target, '?');
	size_t len = q != NULL ? (size_t)(q - target) : strlen(target);

	h->query = q != NULL ? q + 1 : "";
	h->path = target;
	if (target[0] != '/')
		return REFUSE(400, "request target is not a path");
	for (size_t i = 0; i + 2 < len; i++)
		if (target[i] == '%' && target[i + 1] == '2' &&
		    (target[i + 2] | 32) == 'f')
			h->odd = REFUSE(400, "escaped slash in path");
	if (!http_unescape(target, len, false, target, len + 1))
		return REFUSE(400, "bad escape in path");
	for (const char *s = target; s != NULL; s = strchr(s + 1, '/')) {
		size_t n = strcspn(s + 1, "/");

		if ((n == 0 && s[1] == '/') || (n == 1 && s[1] == '.') ||
		    (n == 2 && s[1] == '.' && s[2] == '.'))
			h->odd = REFUSE(400, "empty or dot segment in path");
	}
	return FINE;
}

static struct http_refusal
version_parse(const char *s, struct http_head *h)
{
	if (strcmp(s, "HTTP/1.1") == 0)
		h->version_1_1 = h->keep_alive = true;
	else if (strncmp(s, "HTTP/", 5) != 0)
		return REFUSE(400, "malformed request line");
	else if (strcmp(s, "HTTP/1.0") != 0)
		return REFUSE(505, "HTTP/1.1 is spoken here");
	return FINE;
}

/* method SP target SP version, in a line of its own. */
static struct http_refusal
line_parse(char *line, struct http_head *h)
{
	char *target = strchr(line, ' ');
	char *version = target != NULL ? strchr(target + 1, ' ') : NULL;
	struct http_refusal r;

	if (version == NULL)
		return REFUSE(400, "malformed request line");
	*target++ = '\0';
	*version++ = '\0';
	for (const char *s = line; *s != '\0'; s++)
		if (strchr(token_chars, *s) == NULL)
			return REFUSE(400, "malformed request line");
	for (const char *s = target; *s != '\0'; s++)
		if (*s <= 0x20 || *s >= 0x7f)
			return REFUSE(400, "stray byte in request target");
	r = version_parse(version, h);
	if (r.status != 0)
		return r;
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (strcmp(line, methods[i]) == 0)
			h->method = methods[i];
	if (h->method == NULL)
		return REFUSE(501, "unknown method");
	h->head = strcmp(h->method, "HEAD") == 0;
	if (h->head)
		h->method = "GET";
	return target_parse(target, h);
}

static struct http_refusal
take_length(struct http_head *h, const char *v)
{
	size_t n = strspn(v, "0123456789");

	if (n == 0 || n > 15 || v[n] != '\0')
		return REFUSE(400, "bad Content-Length");
	h->content_length = 0;
	for (; *v != '\0'; v++)
		h->content_length = h->content_length * 10 + (*v - '0');
	return FINE;
}

static struct http_refusal
take_encoding(struct http_head *h, const char *v)
{
	if (!h->version_1_1)
		return REFUSE(400, "Transfer-Encoding in HTTP/1.0");
	if (strcasecmp(v, "chunked") != 0)
		return REFUSE(501, "unknown Transfer-Encoding");
	h->chunked = true;
	return FINE;
}

static struct http_refusal
take_expect(struct http_head *h, const char *v)
{
	if (strcasecmp(v, "100-continue") != 0)
		return REFUSE(417, "unknown expectation");
	h->expect_continue = h->version_1_1;
	return FINE;
}

static struct http_refusal
take_connection(struct http_head *h, const char *v)
{
	while (*v != '\0') {
		size_t n = strcspn(v, ", \t");

		if (n == 5 && strncasecmp(v, "close", 5) == 0)
			h->close = true;
		else if (n == 10 && strncasecmp(v, "keep-alive", 10) == 0)
			h->keep_alive = true;
		v += n;
		v += strspn(v, ", \t");
	}
	h->keep_alive = h->keep_alive && !h->close;
	return FINE;
}

/* The media type without its parameters, in lower case. */
static struct http_refusal
take_type(struct http_head *h, const char *v)
{
	size_t n = strcspn(v, "; \t");

	if (n >= sizeof(h->type))
		return REFUSE(400, "bad Content-Type");
	for (size_t i = 0; i < n; i++)
		h->type[i] = v[i] >= 'A' && v[i] <= 'Z' ? (char)(v[i] | 32)
							: v[i];
	h->type[n] = '\0';
	return FINE;
}

/* What the server itself looks at, and what may come once only (RFC 9110
 * 5.3: two of them would be read differently by others on the way). */
static const struct {
	const char *name;
	bool once;
	struct http_refusal (*take)(struct http_head *, const char *);
} known[] = {
	{ "Host", true, NULL },
	{ "Content-Length", true, take_length },
	{ "Transfer-Encoding", true, take_encoding },
	{ "Content-Type", true, take_type },
	{ "Authorization", true, NULL },
	{ "Cookie", true, NULL },
	{ "Expect", true, take_expect },
	{ "Connection", false, take_connection },
};
#define SEEN_HOST 1U

static struct http_refusal
header_take(struct http_head *h, const char *name, const char *value)
{
	for (unsigned i = 0; i < ARRAY_LEN(known); i++) {
		if (strcasecmp(name, known[i].name) != 0)
			continue;
		if (known[i].once && (h->seen & 1U << i) != 0)
			return REFUSE(400, "a header line came twice");
		h->seen |= 1U << i;
		return known[i].take != NULL ? known[i].take(h, value) : FINE;
	}
	return FINE;
}

static struct http_refusal
header_parse(char *line, struct http_head *h)
{
	size_t n = strspn(line, token_chars);
	char *value = line + n + 1, *end;

	if (n == 0 || line[n] != ':')
		return REFUSE(400, "malformed header line");
	if (h->n == HTTP_HEADERS_MAX)
		return REFUSE(431, "too many header lines");
	line[n] = '\0';
	value += strspn(value, " \t");
	end = value + strlen(value);
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	h->line[h->n].name = line;
	h->line[h->n++].value = value;
	return header_take(h, line, value);
}

/* What only the whole head tells. */
static struct http_refusal
head_check(const struct http_head *h)
{
	bool body = h->chunked || h->content_length >= 0;

	if (h->version_1_1 && (h->seen & SEEN_HOST) == 0)
		return REFUSE(400, "no Host");
	if (h->chunked && h->content_length >= 0)
		return REFUSE(400, "Content-Length with Transfer-Encoding");
	if (!body && h->method[0] == 'P')
		return REFUSE(411, "no Content-Length");
	return FINE;
}

struct http_refusal
http_head_parse(const uint8_t *p, size_t len, struct http_head *ret_head)
{
	struct http_head *h = ret_head;
	struct http_refusal r = FINE;
	char *line = h->text, *end = h->text + len;

	memset(h, 0, offsetof(struct http_head, line));
	h->type[0] = '\0';
	h->content_type = h->type;
	h->content_length = -1;
	if (len >= sizeof(h->text))
		return REFUSE(431, "header lines are too long");
	memcpy(h->text, p, len);
	*end = '\0';
	for (bool first = true; line < end; first = false) {
		char *eol = memmem(line, (size_t)(end - line), "\r\n", 2);

		if (eol == NULL)
			return REFUSE(400, "head does not end");
		*eol = '\0';
		for (const char *s = line; s < eol; s++)
			if (((unsigned char)*s < 0x20 && *s != '\t') ||
			    *s == 0x7f)
				return REFUSE(400, "control character in head");
		if (eol == line && !first)
			return eol + 2 == end ? head_check(h)
			    : REFUSE(400, "bytes behind the head");
		r = first ? line_parse(line, h) : header_parse(line, h);
		if (r.status != 0)
			return r;
		line = eol + 2;
	}
	return REFUSE(400, "head does not end");
}

const char *
http_head_get(const struct http_head *h, const char *name)
{
	for (size_t i = 0; i < h->n; i++)
		if (strcasecmp(h->line[i].name, name) == 0)
			return h->line[i].value;
	return NULL;
}
