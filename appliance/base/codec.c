// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "base/codec.h"

#include <string.h>

void
hex_encode(const uint8_t *in, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[in[i] >> 4];
		out[2 * i + 1] = digits[in[i] & 15];
	}
	out[2 * len] = '\0';
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
hex_decode(const char *in, uint8_t *out, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		int hi = hex_digit(in[2 * i]);
		int lo = hi < 0 ? -1 : hex_digit(in[2 * i + 1]);

		if (lo < 0)
			return false;
		out[i] = (uint8_t)(hi << 4 | lo);
	}
	return in[2 * len] == '\0';
}

bool
hex_is_lower(const char *s, size_t len)
{
	size_t n = strspn(s, "0123456789abcdef");

	return n == len && s[n] == '\0';
}

static const char b64_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void
b64_encode(struct buf *out, const uint8_t *in, size_t len, unsigned line)
{
	unsigned column = 0;

	for (size_t i = 0; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;
		uint32_t v = (uint32_t)in[i] << 16 |
		    (n > 1 ? (uint32_t)in[i + 1] << 8 : 0) |
		    (n > 2 ? (uint32_t)in[i + 2] : 0);
		char q[4] = { b64_alphabet[v >> 18], b64_alphabet[v >> 12 & 63],
			n > 1 ? b64_alphabet[v >> 6 & 63] : '=',
			n > 2 ? b64_alphabet[v & 63] : '=' };

		buf_put(out, q, 4);
		column += 4;
		if (line != 0 && column >= line) {
			buf_put(out, "\n", 1);
			column = 0;
		}
	}
	if (line != 0 && column != 0)
		buf_put(out, "\n", 1);
}

static int
b64_digit(char c)
{
	const char *at = c != '\0' ? strchr(b64_alphabet, c) : NULL;

	return at != NULL ? (int)(at - b64_alphabet) : -1;
}

enum q_err
b64_decode(struct buf *out, const char *in, size_t len)
{
	uint32_t v = 0;
	unsigned have = 0, pad = 0;

	for (size_t i = 0; i < len; i++) {
		char c = in[i];
		int d;
		uint8_t o[3];

		if (c == '\r' || c == '\n' || c == ' ' || c == '\t')
			continue;
		d = c == '=' ? 0 : b64_digit(c);
		if (d < 0 || (pad != 0 && c != '=') || (c == '=' && have < 2))
			return Q_PROTO;
		pad += c == '=';
		v = v << 6 | (uint32_t)d;
		if (++have < 4)
			continue;
		for (int k = 0; k < 3; k++)
			o[k] = (uint8_t)(v >> (16 - 8 * k));
		if (pad > 2 || (pad >= 1 && o[2] != 0) ||
		    (pad == 2 && o[1] != 0))
			return Q_PROTO;
		buf_put(out, o, 3 - pad);
		have = 0;
		v = 0;
		if (pad != 0)
			pad = 3; /* nothing may follow */
	}
	if (have != 0)
		return Q_PROTO;
	return out->bad ? Q_TOOBIG : Q_OK;
}

void
b64url_encode(struct buf *out, const uint8_t *in, size_t len)
{
	size_t at = out->len;

	b64_encode(out, in, len, 0);
	if (out->bad)
		return;
	while (out->len > at && out->p[out->len - 1] == '=')
		out->p[--out->len] = '\0';
	for (; at < out->len; at++)
		out->p[at] = out->p[at] == '+' ? '-' :
		    out->p[at] == '/' ? '_' : out->p[at];
}

enum q_err
b64url_decode(struct buf *out, const char *in)
{
	size_t len = strspn(in, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-_");
	AUTO_BUF struct buf b = BUF_INIT(len + 4);

	if (in[len] != '\0' || len % 4 == 1)
		return Q_PROTO;
	for (size_t i = 0; i < len; i++)
		buf_put(&b, in[i] == '-' ? "+" : in[i] == '_' ? "/" : &in[i],
		    1);
	while (b.len % 4 != 0 && !b.bad)
		buf_puts(&b, "=");
	return b.bad ? Q_TOOBIG : b64_decode(out, (const char *)b.p, b.len);
}
