// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "x509/der.h"

#include <string.h>

bool
bytes_equal(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

struct der
der_over(struct bytes b)
{
	return (struct der){ b.p, b.len, false };
}

bool
der_done(const struct der *d)
{
	return !d->bad && d->left == 0;
}

bool
der_next_is(const struct der *d, uint8_t tag)
{
	return !d->bad && d->left != 0 && d->p[0] == tag;
}

static struct bytes
der_fail(struct der *d)
{
	d->bad = true;
	d->left = 0;
	return (struct bytes){ NULL, 0 };
}

/* Size of the header and of the contents of the element at d; false when it
 * is not there whole, or its length is not the shortest form. */
static bool
der_measure(const struct der *d, size_t *ret_head, size_t *ret_len)
{
	size_t n, len = 0;

	if (d->bad || d->left < 2 || (d->p[0] & 0x1f) == 0x1f)
		return false;
	if (d->p[1] < 0x80) {
		*ret_head = 2;
		*ret_len = d->p[1];
		return d->p[1] <= d->left - 2;
	}
	n = d->p[1] & 0x7f;
	if (n == 0 || n > 4 || d->left - 2 < n || d->p[2] == 0)
		return false;
	for (size_t i = 0; i < n; i++)
		len = len << 8 | d->p[2 + i];
	*ret_head = 2 + n;
	*ret_len = len;
	return len >= 0x80 && len <= d->left - 2 - n;
}

static struct bytes
der_take(struct der *d, bool with_head)
{
	size_t head, len;
	struct bytes b;

	if (!der_measure(d, &head, &len))
		return der_fail(d);
	b.p = with_head ? d->p : d->p + head;
	b.len = with_head ? head + len : len;
	d->p += head + len;
	d->left -= head + len;
	return b;
}

struct bytes
der_get(struct der *d, uint8_t tag)
{
	return der_next_is(d, tag) ? der_take(d, false) : der_fail(d);
}

struct bytes
der_get_whole(struct der *d, uint8_t tag)
{
	return der_next_is(d, tag) ? der_take(d, true) : der_fail(d);
}

struct der
der_enter(struct der *d, uint8_t tag)
{
	struct bytes b = der_get(d, tag);

	return (struct der){ b.p, b.len, d->bad };
}

struct bytes
der_any(struct der *d, uint8_t *ret_tag)
{
	uint8_t tag = d->left != 0 ? d->p[0] : 0;
	struct bytes b = der_take(d, true);

	if (!d->bad)
		*ret_tag = tag;
	return b;
}

bool
der_get_bool(struct der *d)
{
	struct bytes b = der_get(d, DER_BOOLEAN);

	if (b.len != 1 || (b.p[0] != 0 && b.p[0] != 0xff)) {
		der_fail(d);
		return false;
	}
	return b.p[0] != 0;
}

static bool
integer_minimal(struct bytes b)
{
	return b.len == 1 || (b.len > 1 &&
	    !(b.p[0] == 0 && b.p[1] < 0x80) &&
	    !(b.p[0] == 0xff && b.p[1] >= 0x80));
}

struct bytes
der_get_uint(struct der *d)
{
	struct bytes b = der_get(d, DER_INTEGER);

	if (!integer_minimal(b) || b.p[0] >= 0x80)
		return der_fail(d);
	if (b.p[0] == 0 && b.len > 1) {
		b.p++;
		b.len--;
	}
	return b;
}

uint64_t
der_get_u64(struct der *d)
{
	struct bytes b = der_get_uint(d);
	uint64_t v = 0;

	if (b.len > sizeof(v)) {
		der_fail(d);
		return 0;
	}
	for (size_t i = 0; i < b.len; i++)
		v = v << 8 | b.p[i];
	return v;
}

struct bytes
der_get_bits(struct der *d)
{
	struct bytes b = der_get(d, DER_BIT_STRING);

	if (b.len == 0 || b.p[0] != 0)
		return der_fail(d);
	return (struct bytes){ b.p + 1, b.len - 1 };
}

uint16_t
der_get_flags(struct der *d)
{
	struct bytes b = der_get(d, DER_BIT_STRING);
	unsigned unused = b.len != 0 ? b.p[0] : 8;
	uint16_t flags = 0;

	if (b.len == 1 && unused == 0)
		return 0;
	/* the last bit said must be a one, and those behind it zero */
	if (b.len < 2 || b.len > 3 || unused > 7 ||
	    (b.p[b.len - 1] & ((2u << unused) - 1)) != 1u << unused) {
		der_fail(d);
		return 0;
	}
	for (size_t bit = 0; bit < 8 * (b.len - 1); bit++)
		if ((b.p[1 + bit / 8] & 0x80u >> bit % 8) != 0)
			flags |= (uint16_t)(1u << bit);
	return flags;
}

/* Days from 1970-01-01 in the proleptic Gregorian calendar; the year is
 * counted from March, so that the leap day is its last. */
static int64_t
days_from_civil(int64_t y, unsigned m, unsigned d)
{
	int64_t years = m > 2 ? y : y - 1;
	int64_t day_of_year = (153 * (int64_t)(m > 2 ? m - 3 : m + 9) + 2) / 5;

	return years * 365 + years / 4 - years / 100 + years / 400 +
	    day_of_year + d - 1 - 719468;
}

static unsigned
days_in_month(unsigned y, unsigned m)
{
	static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31,
		30, 31 };
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

	return m == 2 && leap ? 29 : days[m - 1];
}

/* Two digits a field, as many fields as fit n. */
static bool
read_fields(struct bytes b, unsigned *field, size_t n)
{
	if (b.len != 2 * n + 1 || b.p[2 * n] != 'Z')
		return false;
	for (size_t i = 0; i < n; i++) {
		unsigned hi = b.p[2 * i] - '0', lo = b.p[2 * i + 1] - '0';

		if (hi > 9 || lo > 9)
			return false;
		field[i] = 10 * hi + lo;
	}
	return true;
}

/* Year, month, day, hour, minute, second. */
static bool
civil_time(const unsigned v[6], int64_t *ret_time)
{
	if (v[1] < 1 || v[1] > 12 || v[2] < 1 ||
	    v[2] > days_in_month(v[0], v[1]) || v[3] > 23 || v[4] > 59 ||
	    v[5] > 59)
		return false;
	*ret_time = 86400 * days_from_civil(v[0], v[1], v[2]) +
	    3600 * (int64_t)v[3] + 60 * (int64_t)v[4] + v[5];
	return true;
}

static int64_t
get_utc(struct der *d)
{
	struct bytes b = der_get(d, DER_UTC_TIME);
	unsigned v[6];
	int64_t t = 0;

	if (d->bad || !read_fields(b, v, 6)) {
		der_fail(d);
		return 0;
	}
	v[0] += v[0] < 50 ? 2000 : 1900;
	if (!civil_time(v, &t))
		der_fail(d);
	return t;
}

int64_t
der_get_generalized(struct der *d)
{
	struct bytes b = der_get(d, DER_GENERALIZED_TIME);
	unsigned v[7];
	int64_t t = 0;

	if (d->bad || !read_fields(b, v, 7)) {
		der_fail(d);
		return 0;
	}
	v[1] += 100 * v[0];
	if (!civil_time(v + 1, &t))
		der_fail(d);
	return t;
}

int64_t
der_get_time(struct der *d)
{
	static const int64_t from_2050 = 2524608000;
	int64_t t;

	if (der_next_is(d, DER_UTC_TIME))
		return get_utc(d);
	t = der_get_generalized(d);
	if (d->bad || t >= from_2050)
		return t;
	der_fail(d);
	return 0;
}

static bool
oid_valid(struct bytes b)
{
	bool first = true;

	for (size_t i = 0; i < b.len; i++) {
		if (first && b.p[i] == 0x80)
			return false;
		first = b.p[i] < 0x80;
	}
	return b.len != 0 && first;
}

static bool
primitive_valid(uint8_t tag, struct bytes b)
{
	switch (tag) {
	case 0:
		return false;	/* end-of-contents: indefinite lengths only */
	case DER_BOOLEAN:
		return b.len == 1 && (b.p[0] == 0 || b.p[0] == 0xff);
	case DER_INTEGER:
	case DER_ENUMERATED:
		return integer_minimal(b);
	case DER_BIT_STRING:
		return b.len != 0 && b.p[0] <= 7 && (b.p[0] == 0 ||
		    (b.len > 1 &&
		    (b.p[b.len - 1] & ((1u << b.p[0]) - 1)) == 0));
	case DER_NULL:
		return b.len == 0;
	case DER_OID:
		return oid_valid(b);
	case DER_SEQUENCE & 0x1f:
	case DER_SET & 0x1f:
		return false;	/* always constructed */
	default:
		return true;
	}
}

bool
der_valid(struct bytes b)
{
	/* the ends of the open elements, innermost last */
	const uint8_t *end[DER_DEPTH_MAX], *p = b.p;
	size_t depth = 1, head, len;

	if (b.len == 0)
		return false;	/* b.p may be NULL */
	end[0] = b.p + b.len;
	do {
		struct der d = { p, (size_t)(end[depth - 1] - p), false };
		uint8_t tag;

		if (!der_measure(&d, &head, &len))
			return false;
		tag = *p;
		p += head;
		if ((tag & 0x20) != 0) {
			if (depth == DER_DEPTH_MAX)
				return false;
			/* strings are primitive in DER (X.690 10.2) */
			if ((tag & 0xc0) == 0 && tag != DER_SEQUENCE &&
			    tag != DER_SET)
				return false;
			end[depth++] = p + len;
		} else if ((tag & 0xc0) == 0 &&
		    !primitive_valid(tag, (struct bytes){ p, len })) {
			return false;
		} else {
			p += len;
		}
		while (depth > 1 && p == end[depth - 1])
			depth--;
		/* depth 1 again: the one element is over */
	} while (depth > 1);
	return p == end[0];
}
