// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "records/records.h"

#include <string.h>

#define MS 1000

static bool
append_cert(bson_t *array, size_t i, const struct rec_cert *c)
{
	const char key[2] = { (char)('0' + i), '\0' };
	bson_t doc;

	return bson_append_document_begin(array, key, 1, &doc) &&
	    BSON_APPEND_UTF8(&doc, "serial", c->serial) &&
	    BSON_APPEND_UTF8(&doc, "issuer", c->issuer) &&
	    BSON_APPEND_DATE_TIME(&doc, "not_before", c->not_before * MS) &&
	    BSON_APPEND_DATE_TIME(&doc, "not_after", c->not_after * MS) &&
	    (c->revoked_at == 0 || BSON_APPEND_DATE_TIME(&doc, "revoked_at",
	    c->revoked_at * MS)) &&
	    (c->reason == 0 || BSON_APPEND_INT32(&doc, "reason",
	    (int32_t)c->reason)) &&
	    bson_append_document_end(array, &doc);
}

static bool
append_certs(bson_t *b, const char *name, const struct rec_certs *certs)
{
	bson_t array;

	if (certs->n == 0)
		return true;
	if (!BSON_APPEND_ARRAY_BEGIN(b, name, &array))
		return false;
	for (size_t i = 0; i < certs->n; i++)
		if (!append_cert(&array, i, &certs->c[i]))
			return false;
	return bson_append_array_end(b, &array);
}

static bool
append_bytes(bson_t *b, const char *name, struct bytes bytes)
{
	return bytes.len == 0 || BSON_APPEND_BINARY(b, name,
	    BSON_SUBTYPE_BINARY, bytes.p, (uint32_t)bytes.len);
}

static bool
append_field(bson_t *b, const struct rec_field *fd, const void *rec)
{
	int64_t v;

	if (fd->kind == REC_CERTS)
		return append_certs(b, fd->name,
		    (const void *)((const char *)rec + fd->offset));
	if (fd->kind == REC_BYTES)
		return append_bytes(b, fd->name, rec_bytes(fd, rec));
	if (fd->kind == REC_STR)
		return *rec_str(fd, rec) == '\0' ||
		    BSON_APPEND_UTF8(b, fd->name, rec_str(fd, rec));
	v = rec_int(fd, rec);
	if (v == 0)
		return true;
	if (fd->kind == REC_INT)
		return BSON_APPEND_INT64(b, fd->name, v);
	if (fd->kind == REC_ENUM)
		return BSON_APPEND_INT32(b, fd->name, (int32_t)v);
	if (fd->kind == REC_BOOL)
		return BSON_APPEND_BOOL(b, fd->name, true);
	return BSON_APPEND_DATE_TIME(b, fd->name, v * MS);
}

enum q_err
rec_encode(const struct rec_desc *d, const void *rec, struct buf *out)
{
	bson_t b = BSON_INITIALIZER;
	bool good = true;

	for (size_t i = 0; good && i < d->n; i++)
		good = append_field(&b, &d->fields[i], rec);
	if (good)
		buf_put(out, bson_get_data(&b), b.len);
	bson_destroy(&b);
	return good && !out->bad ? Q_OK : Q_TOOBIG;
}

/* A string of at most cap - 1 bytes without NUL. */
static bool
get_str(const bson_iter_t *it, char *out, size_t cap)
{
	uint32_t len;
	const char *s;

	if (!BSON_ITER_HOLDS_UTF8(it))
		return false;
	s = bson_iter_utf8(it, &len);
	if (len >= cap || memchr(s, 0, len) != NULL)
		return false;
	memcpy(out, s, len);
	out[len] = '\0';
	return true;
}

/* At most cap bytes to where rec_bytes() finds them. */
static bool
get_bytes(const bson_iter_t *it, void *at, size_t cap)
{
	bson_subtype_t subtype;
	const uint8_t *p;
	uint32_t len;

	if (!BSON_ITER_HOLDS_BINARY(it))
		return false;
	bson_iter_binary(it, &subtype, &len, &p);
	if (subtype != BSON_SUBTYPE_BINARY || len > cap)
		return false;
	*(size_t *)at = len;
	memcpy((char *)at + sizeof(size_t), p, len);
	return true;
}

static bool
get_time(const bson_iter_t *it, int64_t *out)
{
	int64_t v;

	if (!BSON_ITER_HOLDS_DATE_TIME(it))
		return false;
	v = bson_iter_date_time(it);
	*out = v / MS;
	return v % MS == 0;
}

static bool
get_int32(const bson_iter_t *it, int64_t *out)
{
	if (!BSON_ITER_HOLDS_INT32(it))
		return false;
	*out = bson_iter_int32(it);
	return true;
}

/* One member of a certificate; its bit when it is well, 0 else. */
static unsigned
get_cert_member(const bson_iter_t *it, struct rec_cert *c)
{
	const char *key = bson_iter_key(it);

	if (strcmp(key, "serial") == 0)
		return get_str(it, c->serial, sizeof(c->serial)) ? 1 : 0;
	if (strcmp(key, "issuer") == 0)
		return get_str(it, c->issuer, sizeof(c->issuer)) ? 2 : 0;
	if (strcmp(key, "not_before") == 0)
		return get_time(it, &c->not_before) ? 4 : 0;
	if (strcmp(key, "not_after") == 0)
		return get_time(it, &c->not_after) ? 8 : 0;
	if (strcmp(key, "revoked_at") == 0)
		return get_time(it, &c->revoked_at) ? 16 : 0;
	if (strcmp(key, "reason") == 0)
		return get_int32(it, &c->reason) ? 32 : 0;
	return 0;
}

static bool
get_certs(const bson_iter_t *it, struct rec_certs *certs)
{
	bson_iter_t each, member;

	if (!BSON_ITER_HOLDS_ARRAY(it) || !bson_iter_recurse(it, &each))
		return false;
	while (bson_iter_next(&each)) {
		struct rec_cert *c = &certs->c[certs->n];
		unsigned seen = 0;

		if (certs->n == REC_CERTS_MAX ||
		    !BSON_ITER_HOLDS_DOCUMENT(&each) ||
		    !bson_iter_recurse(&each, &member))
			return false;
		while (bson_iter_next(&member)) {
			unsigned bit = get_cert_member(&member, c);

			if (bit == 0 || seen & bit)
				return false;
			seen |= bit;
		}
		if (member.err_off != 0)
			return false;
		certs->n++;
	}
	return each.err_off == 0;
}

static bool
get_field(const bson_iter_t *it, const struct rec_field *fd, void *rec)
{
	char *at = (char *)rec + fd->offset;
	int64_t *num = (void *)at;

	switch (fd->kind) {
	case REC_STR:
		return get_str(it, at, (size_t)fd->high + 1);
	case REC_INT:
		if (!BSON_ITER_HOLDS_INT64(it))
			return false;
		*num = bson_iter_int64(it);
		return true;
	case REC_ENUM:
		return get_int32(it, num);
	case REC_BOOL:
		if (!BSON_ITER_HOLDS_BOOL(it))
			return false;
		*(bool *)at = bson_iter_bool(it);
		return true;
	case REC_TIME:
		return get_time(it, num);
	case REC_CERTS:
		return get_certs(it, (void *)at);
	case REC_BYTES:
		return get_bytes(it, at, (size_t)fd->high);
	}
	return false;
}

/* The index of the field of this name, looked for from where the table's
 * order expects it; n when there is none. */
static size_t
field_at(const struct rec_desc *d, const char *name, size_t expect)
{
	for (size_t i = 0; i < d->n; i++) {
		size_t at = (expect + i) % d->n;

		if (strcmp(d->fields[at].name, name) == 0)
			return at;
	}
	return d->n;
}

static enum q_err
get_fields(const struct rec_desc *d, bson_iter_t *it, void *rec,
    struct fault *f)
{
	uint64_t seen = 0;
	size_t at = 0;

	while (bson_iter_next(it)) {
		const char *name = bson_iter_key(it);

		at = field_at(d, name, at);
		if (at == d->n)
			return fault_set(f, Q_INVALID,
			    "%s.%.40s: no such field", d->name, name);
		if (seen & UINT64_C(1) << at)
			return fault_set(f, Q_INVALID, "%s.%s: given twice",
			    d->name, name);
		if (!get_field(it, &d->fields[at], rec))
			return fault_set(f, Q_INVALID,
			    "%s.%s: wrong type or too long", d->name, name);
		seen |= UINT64_C(1) << at++;
	}
	return it->err_off == 0 ? Q_OK : fault_set(f, Q_INVALID,
	    "%s: not a BSON document", d->name);
}

enum q_err
rec_decode(const struct rec_desc *d, struct bytes doc, void *ret_rec,
    struct fault *f)
{
	bson_t b;
	bson_iter_t it;
	enum q_err r;

	memset(ret_rec, 0, d->size);
	if (doc.len > REC_DOC_MAX || !bson_init_static(&b, doc.p, doc.len) ||
	    !bson_iter_init(&it, &b))
		return fault_set(f, Q_INVALID, "%s: not a BSON document",
		    d->name);
	r = get_fields(d, &it, ret_rec, f);
	return r == Q_OK ? rec_check(d, ret_rec, f) : r;
}
