// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "http/reply.h"

#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/own.h"
#include "http/json.h"

static const struct {
	int status;
	const char *text;
} reasons[] = {
	{ 200, "OK" }, { 201, "Created" }, { 202, "Accepted" },
	{ 204, "No Content" }, { 301, "Moved Permanently" },
	{ 302, "Found" }, { 303, "See Other" }, { 304, "Not Modified" },
	{ 307, "Temporary Redirect" }, { 308, "Permanent Redirect" },
	{ 400, "Bad Request" }, { 401, "Unauthorized" },
	{ 403, "Forbidden" }, { 404, "Not Found" },
	{ 405, "Method Not Allowed" }, { 406, "Not Acceptable" },
	{ 408, "Request Timeout" }, { 409, "Conflict" },
	{ 410, "Gone" }, { 411, "Length Required" },
	{ 412, "Precondition Failed" }, { 413, "Content Too Large" },
	{ 414, "URI Too Long" }, { 415, "Unsupported Media Type" },
	{ 417, "Expectation Failed" }, { 422, "Unprocessable Content" },
	{ 428, "Precondition Required" }, { 429, "Too Many Requests" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" }, { 501, "Not Implemented" },
	{ 502, "Bad Gateway" }, { 503, "Service Unavailable" },
	{ 504, "Gateway Timeout" }, { 505, "HTTP Version Not Supported" },
};

const char *
http_reason(int status)
{
	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return "Unknown";
}

void
http_response_header(struct http_response *rs, const char *name,
    const char *value)
{
	for (const char *s = value; *s != '\0'; s++)
		if (((unsigned char)*s < 0x20 && *s != '\t') || *s == 0x7f)
			rs->headers.bad = true;
	buf_printf(&rs->headers, "%s: %s\r\n", name, value);
}

/* RFC 3629 4: how long the character at p is; 0: it is none. */
static size_t
utf8_len(const uint8_t *p, size_t n)
{
	size_t len = *p < 0x80 ? 1 : *p < 0xc2 ? 0 : *p < 0xe0 ? 2
	    : *p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 0;

	if (len > n || (*p == 0xe0 && p[1] < 0xa0) ||
	    (*p == 0xed && p[1] >= 0xa0) || (*p == 0xf0 && p[1] < 0x90) ||
	    (*p == 0xf4 && p[1] >= 0x90))
		return 0;
	for (size_t i = 1; i < len; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return len;
}

/* JSON is UTF-8 (RFC 8259 8.1); what a fault cites may be cut within a
 * character, or never have been one. */
static void
utf8_mend(struct buf *b)
{
	for (size_t i = 0, len; i < b->len; i += len) {
		len = utf8_len(b->p + i, b->len - i);
		if (len != 0)
			continue;
		b->p[i] = '?';
		len = 1;
	}
}

static bool
problem_put(struct http_response *rs, int status, const char *text)
{
	AUTO_JSON struct json_object *o = json_object_new_object();

	if (o == NULL)
		return false;
	json_object_object_add(o, "type",
	    json_object_new_string(rs->problem_type != NULL ?
	    rs->problem_type : "about:blank"));
	json_object_object_add(o, "title",
	    json_object_new_string(http_reason(status)));
	json_object_object_add(o, "status", json_object_new_int(status));
	json_object_object_add(o, "detail", json_object_new_string(text));
	if (http_json_reply(rs, status, o) != Q_OK)
		return false;
	if (rs->problem_more.len != 0 && !rs->problem_more.bad) {
		rs->body.len -= strlen("}\n");
		buf_puts(&rs->body, ",");
		buf_put(&rs->body, rs->problem_more.p, rs->problem_more.len);
		buf_puts(&rs->body, "}\n");
	}
	utf8_mend(&rs->body);
	rs->content_type = "application/problem+json";
	return true;
}

void
http_reply_error(struct http_response *rs, int status, const char *text,
    bool problem)
{
	buf_reset(&rs->body);
	rs->status = status;
	if (problem && problem_put(rs, status, text))
		return;
	rs->content_type = "text/plain; charset=utf-8";
	buf_puts(&rs->body, text);
	buf_puts(&rs->body, "\n");
}

/* IMF-fixdate (RFC 9110 5.6.7). */
static void
date_put(struct buf *out)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	time_t now = (time_t)clock_wall();
	struct tm tm;

	gmtime_r(&now, &tm);
	buf_printf(out, "Date: %.3s, %02d %.3s %d %02d:%02d:%02d GMT\r\n",
	    days + 3 * tm.tm_wday, tm.tm_mday, months + 3 * tm.tm_mon,
	    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

static void
head_begin(struct buf *out, const struct http_response *rs, int status)
{
	buf_printf(out, "HTTP/1.1 %d %s\r\n", status, http_reason(status));
	date_put(out);
	if (rs->content_type != NULL)
		buf_printf(out, "Content-Type: %s\r\n", rs->content_type);
}

static void
head_end(struct buf *out, const struct http_response *rs, bool keep_alive,
    const char *always)
{
	if (rs->headers.len != 0)
		buf_put(out, rs->headers.p, rs->headers.len);
	if (always != NULL)
		buf_puts(out, always);
	buf_puts(out, keep_alive ? "Connection: keep-alive\r\n\r\n"
				 : "Connection: close\r\n\r\n");
}

void
http_reply_head(struct buf *out, const struct http_response *rs, int status,
    bool keep_alive, const char *always)
{
	struct http_response bare = { .content_type = NULL };

	head_begin(out, rs->body.len != 0 ? rs : &bare, status);
	if (status != 204 && status != 304)
		buf_printf(out, "Content-Length: %zu\r\n", rs->body.len);
	head_end(out, rs, keep_alive, always);
}

void
http_reply_head_open(struct buf *out, const struct http_response *rs,
    int status, bool chunked, bool keep_alive, const char *always)
{
	head_begin(out, rs, status);
	if (chunked)
		buf_puts(out, "Transfer-Encoding: chunked\r\n");
	head_end(out, rs, keep_alive, always);
}
