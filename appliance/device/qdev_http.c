// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "device/qdev_http.h"

#include <string.h>

#define HEAD_MAX 8192

static void
out_put(struct qdev_out *o, const char *p, size_t len)
{
	if (o->bad || len > o->cap - o->len) {
		o->bad = true;
		return;
	}
	memcpy(o->p + o->len, p, len);
	o->len += len;
}

void
qdev_out_text(struct qdev_out *o, const char *text)
{
	out_put(o, text, strlen(text));
}

void
qdev_out_number(struct qdev_out *o, uint32_t n)
{
	char digits[10];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n != 0);
	out_put(o, digits + at, sizeof(digits) - at);
}

void
qdev_out_json(struct qdev_out *o, const char *text)
{
	out_put(o, "\"", 1);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			out_put(o, "\\", 1);
		out_put(o, (unsigned char)*text < 0x20 ? "?" : text, 1);
	}
	out_put(o, "\"", 1);
}

void
qdev_out_base64(struct qdev_out *o, const uint8_t *p, size_t len)
{
	static const char abc[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789+/";

	while (len > 0) {
		size_t n = len < 3 ? len : 3;
		uint32_t v = (uint32_t)p[0] << 16;
		char q[4];

		if (n > 1)
			v |= (uint32_t)p[1] << 8;
		if (n > 2)
			v |= p[2];
		q[0] = abc[v >> 18];
		q[1] = abc[v >> 12 & 63];
		q[2] = n > 1 ? abc[v >> 6 & 63] : '=';
		q[3] = n > 2 ? abc[v & 63] : '=';
		out_put(o, q, 4);
		p += n;
		len -= n;
	}
}

enum q_err
qdev_http_request(char *buf, const char *host, const char *path,
    size_t body_len, const char **ret_request, size_t *ret_len)
{
	char head[QDEV_HTTP_HEAD];
	struct qdev_out o = { .p = head, .cap = sizeof(head) };

	qdev_out_text(&o, "POST ");
	qdev_out_text(&o, path);
	qdev_out_text(&o, " HTTP/1.1\r\nHost: ");
	qdev_out_text(&o, host);
	qdev_out_text(&o, "\r\nContent-Type: application/json\r\n"
	    "Content-Length: ");
	qdev_out_number(&o, (uint32_t)body_len);
	qdev_out_text(&o, "\r\n\r\n");
	if (o.bad)
		return Q_TOOBIG;
	memcpy(buf + QDEV_HTTP_HEAD - o.len, head, o.len);
	*ret_request = buf + QDEV_HTTP_HEAD - o.len;
	*ret_len = o.len + body_len;
	return Q_OK;
}

/* Where the parser is. Up to IN_TRAILER whole lines are read. */
enum {
	IN_STATUS, IN_HEADER, IN_CHUNK_SIZE, IN_CHUNK_END, IN_TRAILER,
	IN_BODY, IN_CHUNK
};

void
qdev_http_start(struct qdev_http *h, char *buf, size_t cap)
{
	memset(h, 0, sizeof(*h));
	h->body = buf;
	h->body_cap = cap;
	h->keep_alive = true;
}

static void
finish(struct qdev_http *h)
{
	h->body[h->body_len] = '\0';
	h->done = true;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

/* Whether text, in any case, is word. */
static bool
same(const char *text, const char *word)
{
	while (*word != '\0' && lower(*text) == *word) {
		text++;
		word++;
	}
	return *word == '\0' && *text == '\0';
}

/* A number in base 10 or 16 that ends the text, or ends before `stop`. */
static bool
number(const char *p, uint32_t base, char stop, uint32_t *ret_n)
{
	static const char digits[] = "0123456789abcdef";
	const char *start = p;
	uint64_t n = 0;

	for (; *p != '\0' && *p != stop; p++) {
		const char *d = strchr(digits, lower(*p));

		if (d == NULL || (uint32_t)(d - digits) >= base)
			return false;
		n = n * base + (uint64_t)(d - digits);
		if (n > UINT32_MAX)
			return false;
	}
	*ret_n = (uint32_t)n;
	return p != start;
}

static enum q_err
take_status(struct qdev_http *h)
{
	const char *p = h->line;

	if (strncmp(p, "HTTP/1.", 7) != 0 || (p[7] != '0' && p[7] != '1') ||
	    p[8] != ' ')
		return Q_PROTO;
	if (p[7] == '0')
		h->keep_alive = false;
	h->status = 0;
	for (p += 9; *p >= '0' && *p <= '9' && h->status < 1000; p++)
		h->status = h->status * 10 + (*p - '0');
	if (h->status < 100 || h->status > 599 || (*p != ' ' && *p != '\0'))
		return Q_PROTO;
	h->state = IN_HEADER;
	return Q_OK;
}

/* The empty line behind the head. */
static enum q_err
take_head_end(struct qdev_http *h)
{
	if (h->status < 200) {	/* "100 Continue": the answer follows */
		h->state = IN_STATUS;
		return Q_OK;
	}
	if (h->chunked && h->has_length)
		return Q_PROTO;
	if (h->chunked) {
		h->state = IN_CHUNK_SIZE;
		return Q_OK;
	}
	if (!h->has_length && h->status != 204)
		return Q_PROTO;
	if (h->left >= h->body_cap)
		return Q_TOOBIG;
	h->state = IN_BODY;
	if (h->left == 0)
		finish(h);
	return Q_OK;
}

static enum q_err
take_header(struct qdev_http *h)
{
	char *value = strchr(h->line, ':');

	if (h->line[0] == '\0')
		return take_head_end(h);
	if (value == NULL || value == h->line)
		return Q_PROTO;
	*value++ = '\0';
	while (*value == ' ' || *value == '\t')
		value++;
	for (size_t n = strlen(value);
	    n > 0 && (value[n - 1] == ' ' || value[n - 1] == '\t'); n--)
		value[n - 1] = '\0';
	if (same(h->line, "content-length")) {
		if (h->has_length || !number(value, 10, '\0', &h->left))
			return Q_PROTO;
		h->has_length = true;
	} else if (same(h->line, "transfer-encoding")) {
		if (h->chunked || !same(value, "chunked"))
			return Q_PROTO;
		h->chunked = true;
	} else if (same(h->line, "connection")) {
		if (same(value, "close"))
			h->keep_alive = false;
	} else if (same(h->line, "retry-after")) {
		/* A date instead of seconds counts as no advice. */
		if (!number(value, 10, '\0', &h->retry_after))
			h->retry_after = 0;
	}
	return Q_OK;
}

static enum q_err
take_chunk_size(struct qdev_http *h)
{
	if (!number(h->line, 16, ';', &h->left))
		return Q_PROTO;
	if (h->left >= h->body_cap - h->body_len)
		return Q_TOOBIG;
	h->state = h->left == 0 ? IN_TRAILER : IN_CHUNK;
	return Q_OK;
}

static enum q_err
take_chunk_end(struct qdev_http *h)
{
	h->state = IN_CHUNK_SIZE;
	return h->line[0] == '\0' ? Q_OK : Q_PROTO;
}

static enum q_err
take_trailer(struct qdev_http *h)
{
	if (h->line[0] == '\0')
		finish(h);
	return Q_OK;
}

/* One byte of a line; the line is handled when it is whole. */
static enum q_err
take_byte(struct qdev_http *h, char c)
{
	static enum q_err (*const take[])(struct qdev_http *) = {
		[IN_STATUS] = take_status,
		[IN_HEADER] = take_header,
		[IN_CHUNK_SIZE] = take_chunk_size,
		[IN_CHUNK_END] = take_chunk_end,
		[IN_TRAILER] = take_trailer,
	};

	if (h->line_len == sizeof(h->line) || h->head_len++ >= HEAD_MAX)
		return Q_TOOBIG;
	if (c == '\0')
		return Q_PROTO;
	h->line[h->line_len++] = c;
	if (c != '\n')
		return Q_OK;
	if (h->line_len < 2 || h->line[h->line_len - 2] != '\r')
		return Q_PROTO;
	h->line[h->line_len - 2] = '\0';
	if (strchr(h->line, '\r') != NULL)
		return Q_PROTO;
	h->line_len = 0;
	return take[h->state](h);
}

/* Body bytes; gives how many of them belonged to it. */
static size_t
take_body(struct qdev_http *h, const char *p, size_t len)
{
	size_t n = len < h->left ? len : h->left;

	memcpy(h->body + h->body_len, p, n);
	h->body_len += n;
	h->left -= (uint32_t)n;
	if (h->left == 0 && h->state == IN_CHUNK)
		h->state = IN_CHUNK_END;
	else if (h->left == 0)
		finish(h);
	return n;
}

enum q_err
qdev_http_feed(struct qdev_http *h, const char *p, size_t len)
{
	while (len > 0) {
		size_t n = 1;
		enum q_err e = Q_OK;

		if (h->done)
			return Q_PROTO;
		if (h->state >= IN_BODY)
			n = take_body(h, p, len);
		else
			e = take_byte(h, *p);
		if (e != Q_OK)
			return e;
		p += n;
		len -= n;
	}
	return Q_OK;
}

enum q_err
qdev_http_err(int status)
{
	static const struct {
		int status;
		enum q_err err;
	} map[] = {
		{ 200, Q_OK }, { 202, Q_WAIT }, { 401, Q_UNAUTH },
		{ 403, Q_DENIED }, { 404, Q_NOTFOUND }, { 405, Q_METHOD },
		{ 409, Q_CONFLICT }, { 413, Q_TOOBIG }, { 415, Q_TYPE },
		{ 429, Q_BUSY }, { 503, Q_UNAVAIL }, { 504, Q_TIMEOUT },
	};

	for (size_t i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if (map[i].status == status)
			return map[i].err;
	if (status >= 500)
		return Q_INTERNAL;
	return status >= 400 ? Q_INVALID : Q_PROTO;
}
