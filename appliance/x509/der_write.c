// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "x509/der_write.h"

#include <string.h>
#include <time.h>

size_t
der_begin(struct buf *b, uint8_t tag)
{
	const uint8_t head[2] = { tag, 0 };

	buf_put(b, head, sizeof(head));
	return b->len;
}

void
der_end(struct buf *b, size_t mark)
{
	size_t len = b->len - mark, n = 0;
	uint8_t *at;

	if (b->bad)
		return;
	if (len < 0x80) {
		b->p[mark - 1] = (uint8_t)len;
		return;
	}
	for (size_t v = len; v != 0; v >>= 8)
		n++;
	if (n > 4 || buf_reserve(b, n) == NULL) {
		b->bad = true;
		return;
	}
	at = b->p + mark;
	memmove(at + n, at, len);
	at[-1] = (uint8_t)(0x80 | n);
	for (size_t i = 0; i < n; i++)
		at[i] = (uint8_t)(len >> (8 * (n - 1 - i)));
	b->len += n;
	b->p[b->len] = '\0';
}

void
der_put(struct buf *b, uint8_t tag, const void *p, size_t len)
{
	size_t mark = der_begin(b, tag);

	buf_put(b, p, len);
	der_end(b, mark);
}

void
der_put_bytes(struct buf *b, uint8_t tag, struct bytes v)
{
	der_put(b, tag, v.p, v.len);
}

void
der_put_str(struct buf *b, uint8_t tag, const char *s)
{
	der_put(b, tag, s, strlen(s));
}

void
der_put_bool(struct buf *b, bool v)
{
	const uint8_t octet = v ? 0xff : 0;

	der_put(b, DER_BOOLEAN, &octet, 1);
}

void
der_put_u64(struct buf *b, uint64_t v)
{
	uint8_t o[8];

	for (int i = 0; i < 8; i++)
		o[i] = (uint8_t)(v >> (56 - 8 * i));
	der_put_uint(b, o, sizeof(o));
}

void
der_put_uint(struct buf *b, const uint8_t *p, size_t len)
{
	size_t mark = der_begin(b, DER_INTEGER);

	while (len != 0 && *p == 0) {
		p++;
		len--;
	}
	if (len == 0 || *p >= 0x80)
		buf_put(b, "", 1);
	buf_put(b, p, len);
	der_end(b, mark);
}

void
der_put_bits(struct buf *b, struct bytes v)
{
	size_t mark = der_begin(b, DER_BIT_STRING);

	buf_put(b, "", 1);
	buf_put(b, v.p, v.len);
	der_end(b, mark);
}

void
der_put_flags(struct buf *b, uint16_t flags)
{
	uint8_t o[3] = { 0 };
	unsigned last = 0;

	for (unsigned bit = 0; bit < 16; bit++) {
		if ((flags & 1u << bit) == 0)
			continue;
		o[1 + bit / 8] |= (uint8_t)(0x80u >> bit % 8);
		last = bit + 1;
	}
	o[0] = (uint8_t)((8 - last % 8) % 8);
	der_put(b, DER_BIT_STRING, o, 1 + (last + 7) / 8);
}

static void
put_civil(struct buf *b, int64_t t, bool utc_until_2050)
{
	time_t when = (time_t)t;
	struct tm tm;
	char text[32];

	if (gmtime_r(&when, &tm) == NULL || tm.tm_year < 50 ||
	    tm.tm_year > 8099) {
		b->bad = true;
		return;
	}
	if (utc_until_2050 && tm.tm_year < 150) {
		strftime(text, sizeof(text), "%y%m%d%H%M%SZ", &tm);
		der_put_str(b, DER_UTC_TIME, text);
	} else {
		strftime(text, sizeof(text), "%Y%m%d%H%M%SZ", &tm);
		der_put_str(b, DER_GENERALIZED_TIME, text);
	}
}

void
der_put_time(struct buf *b, int64_t t)
{
	put_civil(b, t, true);
}

void
der_put_generalized(struct buf *b, int64_t t)
{
	put_civil(b, t, false);
}
