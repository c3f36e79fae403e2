// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "records/records.h"

#include <inttypes.h>
#include <string.h>

#include "base/codec.h"
#include "base/own.h"

#define TIME_MAX INT64_C(253402300799) /* the end of year 9999 */

#define X(name, num, text) [num] = (text),
static const char *const rec_device_state_names[] = { REC_DEVICE_STATES(X) };
static const char *const rec_device_intent_names[] = { REC_DEVICE_INTENTS(X) };
static const char *const rec_device_approval_names[] = {
	REC_DEVICE_APPROVALS(X) };
static const char *const rec_policy_connection_names[] = {
	REC_POLICY_CONNECTIONS(X) };
static const char *const rec_user_role_names[] = { REC_USER_ROLES(X) };
static const char *const rec_link_role_names[] = { REC_USER_ROLES(X) };
static const char *const rec_link_kind_names[] = { REC_LINK_KINDS(X) };
#undef X

#define NAMES_STR(T, name) NULL
#define NAMES_INT(T, name) NULL
#define NAMES_ENUM(T, name) rec_##T##_##name##_names
#define NAMES_BOOL(T, name) NULL
#define NAMES_TIME(T, name) NULL
#define NAMES_CERTS(T, name) NULL
#define NAMES_BYTES(T, name) NULL

#define FIELD(T, kind, name, low, high, flags, text)                      \
	{ #name, REC_##kind, offsetof(struct rec_##T, name), (low), (high), \
	    (flags), NAMES_##kind(T, name), (text) },
#define X(name, NAME, num, FIELDS, key, json, text) \
	static const struct rec_field rec_##name##_fields[] = { \
		FIELDS(FIELD, name) };
REC_TYPES(X)
#undef X

const struct rec_desc rec_descs[] = {
#define X(name, NAME, num, FIELDS, key, json, text)               \
	{ #name, REC_##NAME, REC_KEY_##key, json, text,           \
	    rec_##name##_fields, ARRAY_LEN(rec_##name##_fields),  \
	    sizeof(struct rec_##name) },
	REC_TYPES(X)
#undef X
};
const size_t rec_n_descs = ARRAY_LEN(rec_descs);

const struct rec_desc *
rec_desc(uint32_t type)
{
	for (size_t i = 0; i < rec_n_descs; i++)
		if (rec_descs[i].type == type)
			return &rec_descs[i];
	return NULL;
}

const struct rec_desc *
rec_desc_by_name(const char *name)
{
	for (size_t i = 0; i < rec_n_descs; i++)
		if (strcmp(rec_descs[i].name, name) == 0)
			return &rec_descs[i];
	return NULL;
}

const struct rec_field *
rec_field(const struct rec_desc *d, const char *name)
{
	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->fields[i].name, name) == 0)
			return &d->fields[i];
	return NULL;
}

const struct rec_field *
rec_group(const struct rec_desc *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->fields[i].flags & REC_GROUP)
			return &d->fields[i];
	return NULL;
}

static bool
is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z');
}

static bool
is_name(const char *s)
{
	size_t n = strlen(s);

	if (n == 0 || n > REC_NAME_MAX || !is_alnum(s[0]) ||
	    !is_alnum(s[n - 1]))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_alnum(s[i]) && strchr(" ._-", s[i]) == NULL)
			return false;
	return true;
}

static bool
is_path(const char *s)
{
	size_t n = strlen(s);

	for (size_t i = 0; i < n; i++)
		if (s[i] <= ' ' || s[i] > '~')
			return false;
	return n > 0 && n <= REC_KEY_MAX;
}

enum q_err
rec_key_check(const struct rec_desc *d, const char *key, struct fault *f)
{
	const char *wants = NULL;

	switch (d->key) {
	case REC_KEY_NAME:
		if (!is_name(key))
			wants = "1 to 64 letters, digits and \" ._-\", with a "
			    "letter or digit at both ends";
		break;
	case REC_KEY_DEVICE:
		if (!hex_is_lower(key, 64))
			wants = "64 lower-case hex digits";
		break;
	case REC_KEY_PATH:
		if (!is_path(key))
			wants = "1 to 100 printable characters, no blanks";
		break;
	}
	if (wants == NULL)
		return Q_OK;
	return fault_set(f, Q_INVALID, "%s.%s: wants %s", d->name,
	    d->key_json, wants);
}

const char *
rec_str(const struct rec_field *fd, const void *rec)
{
	return (const char *)rec + fd->offset;
}

int64_t
rec_int(const struct rec_field *fd, const void *rec)
{
	const void *at = (const char *)rec + fd->offset;

	return fd->kind == REC_BOOL ? *(const bool *)at : *(const int64_t *)at;
}

struct bytes
rec_bytes(const struct rec_field *fd, const void *rec)
{
	const char *at = (const char *)rec + fd->offset;

	/* The length, and behind it the bytes. */
	return (struct bytes){ (const uint8_t *)at + sizeof(size_t),
	    *(const size_t *)(const void *)at };
}

const struct rec_certs *
rec_certs(const struct rec_field *fd, const void *rec)
{
	return (const void *)((const char *)rec + fd->offset);
}

static bool
cert_same(const struct rec_cert *a, const struct rec_cert *b)
{
	return strcmp(a->serial, b->serial) == 0 &&
	    strcmp(a->issuer, b->issuer) == 0 &&
	    a->not_before == b->not_before && a->not_after == b->not_after &&
	    a->revoked_at == b->revoked_at && a->reason == b->reason;
}

static bool
bytes_same(struct bytes a, struct bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.p, b.p, a.len) == 0);
}

bool
rec_same(const struct rec_field *fd, const void *a, const void *b)
{
	const struct rec_certs *ca, *cb;

	if (fd->kind == REC_STR)
		return strcmp(rec_str(fd, a), rec_str(fd, b)) == 0;
	if (fd->kind == REC_BYTES)
		return bytes_same(rec_bytes(fd, a), rec_bytes(fd, b));
	if (fd->kind != REC_CERTS)
		return rec_int(fd, a) == rec_int(fd, b);
	ca = rec_certs(fd, a);
	cb = rec_certs(fd, b);
	if (ca->n != cb->n)
		return false;
	for (size_t i = 0; i < ca->n; i++)
		if (!cert_same(&ca->c[i], &cb->c[i]))
			return false;
	return true;
}

static bool
str_fits(const struct rec_field *fd, const char *s)
{
	size_t n = strnlen(s, (size_t)fd->high + 1);

	if (n < (size_t)fd->low || n > (size_t)fd->high)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)s[i] < ' ' || s[i] == 0x7f)
			return false;
	return bson_utf8_validate(s, n, false);
}

static bool
time_fits(int64_t t)
{
	return t >= 0 && t <= TIME_MAX;
}

static bool
cert_fits(const struct rec_cert *c)
{
	size_t serial = strnlen(c->serial, sizeof(c->serial));
	size_t issuer = strnlen(c->issuer, sizeof(c->issuer));

	return serial > 0 && serial < sizeof(c->serial) &&
	    hex_is_lower(c->serial, serial) && issuer > 0 &&
	    issuer < sizeof(c->issuer) && is_path(c->issuer) &&
	    time_fits(c->not_before) && time_fits(c->not_after) &&
	    time_fits(c->revoked_at) && c->reason >= 0 && c->reason <= 10;
}

static bool
certs_fit(const struct rec_certs *certs)
{
	if (certs->n > REC_CERTS_MAX)
		return false;
	for (size_t i = 0; i < certs->n; i++)
		if (!cert_fits(&certs->c[i]))
			return false;
	return true;
}

static bool
bytes_fit(const struct rec_field *fd, struct bytes b)
{
	return b.len >= (size_t)fd->low && b.len <= (size_t)fd->high;
}

static enum q_err
field_check(const struct rec_desc *d, const struct rec_field *fd,
    const void *rec, struct fault *f)
{
	bool good = true;

	switch (fd->kind) {
	case REC_STR:
		if (!str_fits(fd, rec_str(fd, rec)))
			return fault_set(f, Q_INVALID,
			    "%s.%s: wants %" PRId64 " to %" PRId64
			    " bytes of plain text", d->name, fd->name,
			    fd->low, fd->high);
		return Q_OK;
	case REC_INT:
	case REC_ENUM:
		if (rec_int(fd, rec) < fd->low || rec_int(fd, rec) > fd->high)
			return fault_set(f, Q_INVALID,
			    "%s.%s: wants %" PRId64 " to %" PRId64, d->name,
			    fd->name, fd->low, fd->high);
		return Q_OK;
	case REC_BOOL:
		return Q_OK;
	case REC_TIME:
		good = time_fits(rec_int(fd, rec));
		break;
	case REC_CERTS:
		good = certs_fit(rec_certs(fd, rec));
		break;
	case REC_BYTES:
		good = bytes_fit(fd, rec_bytes(fd, rec));
		break;
	}
	return good ? Q_OK : fault_set(f, Q_INVALID, "%s.%s: out of range",
	    d->name, fd->name);
}

enum q_err
rec_check(const struct rec_desc *d, const void *rec, struct fault *f)
{
	enum q_err r = Q_OK;

	for (size_t i = 0; r == Q_OK && i < d->n; i++)
		r = field_check(d, &d->fields[i], rec, f);
	return r;
}

size_t
rec_counter_names(const struct rec_desc *d,
    const char *ret_names[REC_COUNTERS_MAX])
{
	size_t n = 0;

	if (rec_group(d) == NULL)
		return 0;
	ret_names[n++] = "all";
	for (size_t i = 0; i < d->n; i++) {
		const struct rec_field *fd = &d->fields[i];

		if ((fd->flags & REC_COUNT) == 0)
			continue;
		if (fd->kind == REC_BOOL)
			ret_names[n++] = fd->name;
		for (int64_t v = 0; fd->kind == REC_ENUM && v <= fd->high; v++)
			ret_names[n++] = fd->names[v];
	}
	return n;
}

void
rec_counter_add(const struct rec_desc *d, const void *rec, int64_t sign,
    int64_t sums[REC_COUNTERS_MAX])
{
	size_t at = 0;

	sums[at++] += sign;
	for (size_t i = 0; i < d->n; i++) {
		const struct rec_field *fd = &d->fields[i];

		if ((fd->flags & REC_COUNT) == 0)
			continue;
		if (fd->kind == REC_BOOL)
			sums[at++] += sign * rec_int(fd, rec);
		if (fd->kind == REC_ENUM) {
			sums[at + (size_t)rec_int(fd, rec)] += sign;
			at += (size_t)fd->high + 1;
		}
	}
}

bool
rec_device_valid(const struct rec_batch *b, const struct rec_device *dev)
{
	return b->load_id[0] == '\0' || strcmp(b->load_id, dev->load) != 0;
}
