// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "wire/fields.h"

#include <string.h>

#include "base/codec.h"

static void
put_u32(struct buf *out, uint32_t v)
{
	uint8_t b[4];

	le32_put(b, v);
	buf_put(out, b, sizeof(b));
}

static void
put_u64(struct buf *out, uint64_t v)
{
	uint8_t b[8];

	le64_put(b, v);
	buf_put(out, b, sizeof(b));
}

static void
put_bytes(struct buf *out, const void *p, size_t len, uint64_t max)
{
	if (len > max || len > UINT32_MAX) {
		out->bad = true;
		return;
	}
	put_u32(out, (uint32_t)len);
	buf_put(out, p, len);
}

static void
encode_field(const struct wire_field *fd, const void *at, struct buf *out)
{
	const char *s;
	const struct bytes *b;

	switch (fd->kind) {
	case WIRE_U32:
		put_u32(out, *(const uint32_t *)at);
		return;
	case WIRE_U64:
		put_u64(out, *(const uint64_t *)at);
		return;
	case WIRE_BOOL:
		put_u32(out, *(const bool *)at);
		return;
	case WIRE_STR:
		s = *(const char *const *)at;
		s = s != NULL ? s : "";
		put_bytes(out, s, strlen(s), fd->max);
		buf_put(out, "", 1);
		return;
	case WIRE_BIN:
		b = at;
		put_bytes(out, b->p, b->len, fd->max);
		return;
	case WIRE_FD:
		return;
	}
}

void
wire_encode(const struct wire_type *t, const void *msg, struct buf *out)
{
	for (size_t i = 0; i < t->n; i++)
		encode_field(&t->fields[i],
		    (const uint8_t *)msg + t->fields[i].offset, out);
}

struct reader {
	const uint8_t *p;
	size_t left;
	bool bad;
};

static const uint8_t *
take(struct reader *rd, size_t len)
{
	const uint8_t *p = rd->p;

	if (rd->bad || len > rd->left) {
		rd->bad = true;
		return NULL;
	}
	rd->p += len;
	rd->left -= len;
	return p;
}

static uint64_t
take_int(struct reader *rd, size_t size, uint64_t max)
{
	const uint8_t *p = take(rd, size);
	uint64_t v = p == NULL ? 0 : size == 4 ? le32_get(p) : le64_get(p);

	if (max != 0 && v > max)
		rd->bad = true;
	return v;
}

static struct bytes
take_bytes(struct reader *rd, uint64_t max)
{
	size_t len = (size_t)take_int(rd, 4, 0);

	if (len > max)
		rd->bad = true;
	return (struct bytes){ take(rd, len), rd->bad ? 0 : len };
}

static void
decode_field(const struct wire_field *fd, struct reader *rd, void *at)
{
	struct bytes b;
	const uint8_t *nul;

	switch (fd->kind) {
	case WIRE_U32:
		*(uint32_t *)at = (uint32_t)take_int(rd, 4, fd->max);
		return;
	case WIRE_U64:
		*(uint64_t *)at = take_int(rd, 8, fd->max);
		return;
	case WIRE_BOOL:
		*(bool *)at = take_int(rd, 4, 1) != 0;
		return;
	case WIRE_STR:
		b = take_bytes(rd, fd->max);
		nul = take(rd, 1);
		if (nul == NULL || *nul != 0 || memchr(b.p, 0, b.len) != NULL)
			rd->bad = true;
		*(const char **)at = rd->bad ? "" : (const char *)b.p;
		return;
	case WIRE_BIN:
		*(struct bytes *)at = take_bytes(rd, fd->max);
		return;
	case WIRE_FD:
		*(int *)at = -1;
		return;
	}
}

enum q_err
wire_decode(const struct wire_type *t, struct bytes body, void *msg,
    struct fault *f)
{
	struct reader rd = { body.p, body.len, false };

	memset(msg, 0, t->size);
	for (size_t i = 0; i < t->n; i++) {
		decode_field(&t->fields[i], &rd,
		    (uint8_t *)msg + t->fields[i].offset);
		if (rd.bad)
			return fault_set(f, Q_PROTO, "%s.%s: malformed",
			    t->name, t->fields[i].name);
	}
	if (rd.left != 0)
		return fault_set(f, Q_PROTO, "%s: trailing bytes", t->name);
	return Q_OK;
}

void
wire_list_put(struct buf *out, const struct wire_type *t, const void *item)
{
	size_t at = out->len;

	put_u32(out, 0);
	wire_encode(t, item, out);
	if (!out->bad)
		le32_put(out->p + at, (uint32_t)(out->len - at - 4));
}

enum q_err
wire_list_next(struct bytes *rest, const struct wire_type *t, void *item)
{
	struct reader rd = { rest->p, rest->len, false };
	struct bytes b;
	enum q_err r;

	if (rest->len == 0)
		return Q_NOTFOUND;
	b = take_bytes(&rd, UINT32_MAX);
	if (rd.bad)
		return Q_PROTO;
	r = wire_decode(t, b, item, NULL);
	if (r == Q_OK)
		*rest = (struct bytes){ rd.p, rd.left };
	return r;
}

int *
wire_fd_of(const struct wire_type *t, void *msg)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->fields[i].kind == WIRE_FD)
			return (int *)(void *)((uint8_t *)msg +
			    t->fields[i].offset);
	return NULL;
}
