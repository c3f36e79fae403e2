// SPDX-License-Identifier: Apache-2.0
/* The record table: every rule of it holds for every field of every type. */
#include "config.h"

#include <json-c/json.h>
#include <string.h>

#include "base/own.h"
#include "records/records.h"
#include "records/records_ops.h"
#include "tap.h"

/* The largest value that a field takes. */
static void
fill(const struct rec_field *fd, void *rec)
{
	char *at = (char *)rec + fd->offset;
	struct rec_certs *certs = (void *)at;

	switch (fd->kind) {
	case REC_STR:
		memset(at, 'x', (size_t)fd->high);
		at[fd->high] = '\0';
		return;
	case REC_INT:
	case REC_ENUM:
		*(int64_t *)(void *)at = fd->high;
		return;
	case REC_BOOL:
		*(bool *)at = true;
		return;
	case REC_TIME:
		*(int64_t *)(void *)at = INT64_C(253402300799);
		return;
	case REC_CERTS:
		certs->n = REC_CERTS_MAX;
		for (size_t i = 0; i < certs->n; i++) {
			struct rec_cert *c = &certs->c[i];

			*c = (struct rec_cert){ .not_before = 1,
				.not_after = (int64_t)i + 2, .revoked_at = 3,
				.reason = 4 };
			memset(c->serial, 'a', sizeof(c->serial) - 1);
			memset(c->issuer, 'b', sizeof(c->issuer) - 1);
		}
		return;
	case REC_BYTES:
		*(size_t *)(void *)at = (size_t)fd->high;
		memset(at + sizeof(size_t), 0xa5, (size_t)fd->high);
		return;
	}
}

static void
fill_all(const struct rec_desc *d, union rec_any *rec)
{
	memset(rec, 0, sizeof(*rec));
	for (size_t i = 0; i < d->n; i++)
		fill(&d->fields[i], rec);
}

static bool
same_all(const struct rec_desc *d, const void *a, const void *b)
{
	for (size_t i = 0; i < d->n; i++)
		if (!rec_same(&d->fields[i], a, b))
			return false;
	return true;
}

static void
test_round_trip(const struct rec_desc *d)
{
	AUTO_BUF struct buf doc = BUF_INIT(REC_DOC_MAX);
	union rec_any rec, got;
	struct fault f = { 0 };

	fill_all(d, &rec);
	is_int(rec_check(d, &rec, &f), Q_OK, "%s: fullest %s", d->name, f.msg);
	is_int(rec_encode(d, &rec, &doc), Q_OK, "%s: fits %zu", d->name,
	    doc.len);
	is_int(rec_decode(d, buf_bytes(&doc), &got, &f), Q_OK, "%s: back %s",
	    d->name, f.msg);
	ok(same_all(d, &rec, &got), "%s: the same", d->name);
	for (size_t cut = 0; cut < doc.len; cut++)
		if (rec_decode(d, (struct bytes){ doc.p, cut }, &got,
		    NULL) != Q_INVALID) {
			ok(0, "%s: cut at %zu passes", d->name, cut);
			break;
		}
}

/* One more than a field takes: refused by name, on both ways. */
static void
test_over(const struct rec_desc *d, const struct rec_field *fd)
{
	union rec_any rec;
	struct fault f = { 0 };
	char want[64];
	char *at = (char *)&rec + fd->offset;
	bool is_num = fd->kind == REC_INT || fd->kind == REC_ENUM ||
	    fd->kind == REC_TIME;

	if (fd->kind == REC_BOOL)
		return;
	fill_all(d, &rec);
	if (is_num)
		++*(int64_t *)(void *)at;
	else if (fd->kind == REC_STR)
		at[0] = '\n';
	else if (fd->kind == REC_BYTES)
		++*(size_t *)(void *)at;
	else
		((struct rec_certs *)(void *)at)->c[3].reason = 11;
	snprintf(want, sizeof(want), "%s.%s", d->name, fd->name);
	ok(rec_check(d, &rec, &f) == Q_INVALID &&
	    strncmp(f.msg, want, strlen(want)) == 0, "over: %s", f.msg);
	if (is_num) {
		*(int64_t *)(void *)at = -1;
		is_int(rec_check(d, &rec, NULL), Q_INVALID, "%s: below", want);
	}
	if (fd->kind == REC_STR && fd->low > 0) {
		at[0] = '\0';
		is_int(rec_check(d, &rec, NULL), Q_INVALID, "%s: must be",
		    want);
	}
	if (fd->kind == REC_BYTES && fd->low > 0) {
		*(size_t *)(void *)at = 0;
		is_int(rec_check(d, &rec, NULL), Q_INVALID, "%s: must be",
		    want);
	}
}

/* A document with one member, against what the field wants. */
static enum q_err
decode_one(const struct rec_desc *d, bson_t *b, struct fault *f)
{
	union rec_any rec;
	struct bytes doc = { bson_get_data(b), b->len };
	enum q_err r = rec_decode(d, doc, &rec, f);

	bson_destroy(b);
	return r;
}

static void
test_wrong_kind(const struct rec_desc *d, const struct rec_field *fd)
{
	bson_t b = BSON_INITIALIZER;
	struct fault f = { 0 };
	char want[64];

	/* No field is a double. */
	BSON_APPEND_DOUBLE(&b, fd->name, 1.0);
	snprintf(want, sizeof(want), "%s.%s: wrong type", d->name, fd->name);
	ok(decode_one(d, &b, &f) == Q_INVALID &&
	    strncmp(f.msg, want, strlen(want)) == 0, "%s", want);
}

static void
test_strict(void)
{
	const struct rec_desc *d = rec_desc(REC_DEVICE);
	bson_t b = BSON_INITIALIZER;
	struct fault f = { 0 };
	char big[80];
	uint8_t over[REC_SEALED_MAX + 1] = { 0 };
	AUTO_BUF struct buf doc = BUF_INIT(REC_DOC_MAX);
	struct rec_device dev = { .batch = "b" }, got;

	BSON_APPEND_UTF8(&b, "colour", "red");
	ok(decode_one(d, &b, &f) == Q_INVALID &&
	    strcmp(f.msg, "device.colour: no such field") == 0,
	    "unknown field: %s", f.msg);
	bson_init(&b);
	BSON_APPEND_UTF8(&b, "batch", "a");
	BSON_APPEND_UTF8(&b, "batch", "b");
	ok(decode_one(d, &b, &f) == Q_INVALID &&
	    strcmp(f.msg, "device.batch: given twice") == 0, "%s", f.msg);
	bson_init(&b);
	memset(big, 'x', sizeof(big));
	bson_append_utf8(&b, "batch", -1, big, 65);
	is_int(decode_one(d, &b, NULL), Q_INVALID, "65 characters");
	bson_init(&b);
	bson_append_utf8(&b, "batch", -1, "a\0b", 3);
	is_int(decode_one(d, &b, NULL), Q_INVALID, "NUL in a string");
	bson_init(&b);
	bson_append_utf8(&b, "batch", -1, "\xff\xfe", 2);
	is_int(decode_one(d, &b, NULL), Q_INVALID, "not UTF-8");
	bson_init(&b);
	BSON_APPEND_UTF8(&b, "batch", "a");
	BSON_APPEND_DATE_TIME(&b, "due", 1500);
	is_int(decode_one(d, &b, NULL), Q_INVALID, "half a second");
	bson_init(&b);
	BSON_APPEND_UTF8(&b, "batch", "a");
	BSON_APPEND_INT32(&b, "state", 4);
	is_int(decode_one(d, &b, NULL), Q_INVALID, "no such state");
	d = rec_desc(REC_TOKEN);
	bson_init(&b);
	BSON_APPEND_BINARY(&b, "sealed", BSON_SUBTYPE_UUID,
	    (const uint8_t *)big, 16);
	is_int(decode_one(d, &b, &f), Q_INVALID, "binary of another subtype");
	is_str(f.msg, "token.sealed: wrong type or too long", "by name");
	bson_init(&b);
	BSON_APPEND_BINARY(&b, "sealed", BSON_SUBTYPE_BINARY, over,
	    sizeof(over));
	is_int(decode_one(d, &b, &f), Q_INVALID, "binary too long");
	is_str(f.msg, "token.sealed: wrong type or too long", "by name");
	d = rec_desc(REC_DEVICE);
	is_int(rec_encode(d, &dev, &doc), Q_OK, "small device");
	buf_put(&doc, "", 1);
	is_int(rec_decode(d, buf_bytes(&doc), &got, NULL), Q_INVALID,
	    "trailing byte");
}

static void
test_keys(void)
{
	static const struct {
		enum rec_type type;
		const char *key;
		enum q_err want;
	} rows[] = {
		{ REC_BATCH, "Spring 2026_a.b-c", Q_OK },
		{ REC_BATCH, "", Q_INVALID },
		{ REC_BATCH, " a", Q_INVALID },
		{ REC_BATCH, "a.", Q_INVALID },
		{ REC_BATCH, "a/b", Q_INVALID },
		{ REC_BATCH, "a\xc3\xa4z", Q_INVALID },
		{ REC_DEVICE, "0123456789abcdef0123456789abcdef"
		    "0123456789abcdef0123456789abcdef", Q_OK },
		{ REC_DEVICE, "0123456789ABCDEF0123456789abcdef"
		    "0123456789abcdef0123456789abcdef", Q_INVALID },
		{ REC_DEVICE, "0123456789abcdef", Q_INVALID },
		{ REC_REVOKED, "ab/cd", Q_OK },
		{ REC_REVOKED, "ab cd", Q_INVALID },
		{ REC_REVOKED, "", Q_INVALID },
	};
	char longest[REC_KEY_MAX + 2];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		is_int(rec_key_check(rec_desc(rows[i].type), rows[i].key,
		    NULL), rows[i].want, "key %.20s", rows[i].key);
	memset(longest, 'k', sizeof(longest));
	longest[REC_KEY_MAX + 1] = '\0';
	is_int(rec_key_check(rec_desc(REC_REVOKED), longest, NULL),
	    Q_INVALID, "key too long");
	longest[REC_KEY_MAX] = '\0';
	is_int(rec_key_check(rec_desc(REC_REVOKED), longest, NULL), Q_OK,
	    "longest key");
}

static void
test_counters(void)
{
	const struct rec_desc *d = rec_desc(REC_DEVICE);
	const char *names[REC_COUNTERS_MAX];
	int64_t sums[REC_COUNTERS_MAX] = { 0 };
	struct rec_device dev = { .state = DEVICE_EXPIRED, .renewed = true };
	size_t n = rec_counter_names(d, names);

	rec_counter_add(d, &dev, 3, sums);
	dev.state = DEVICE_ENROLLED;
	rec_counter_add(d, &dev, -1, sums);
	is_int(n, 6, "six counters of devices");
	for (size_t i = 0; i < n; i++)
		is_int(sums[i], strcmp(names[i], "all") == 0 ? 2
		    : strcmp(names[i], "expired") == 0 ? 3
		    : strcmp(names[i], "enrolled") == 0 ? -1
		    : strcmp(names[i], "renewed") == 0 ? 2 : 0,
		    "counter %s", names[i]);
	is_int(rec_counter_names(rec_desc(REC_BATCH), names), 0,
	    "no group, no counters");
}

static const char *
member(struct json_object *o, const char *name)
{
	struct json_object *v;

	return json_object_object_get_ex(o, name, &v)
	    ? json_object_get_string(v) : NULL;
}

static void
test_json(void)
{
	struct rec_device dev = { .key = "k", .batch = "b",
		.state = DEVICE_REVOKED, .due = 1800000000,
		.certs = { .n = 1, .c[0] = { .serial = "ab",
		    .issuer = "cd" } } };
	struct rec_auth_cert ca = { .cert = { 3, { 0x30, 0x01, 0x03 } } };
	struct json_object *o = rec_to_json(rec_desc(REC_DEVICE), &dev);

	is_str(member(o, "id"), "k", "json: key");
	is_str(member(o, "state"), "revoked", "json: name of a state");
	is_str(member(o, "due"), "2027-01-15T08:00:00Z", "json: time");
	is_str(member(o, "revoked_at"), NULL, "json: no time, no member");
	is_str(member(o, "renewed"), "false", "json: bool");
	is_str(member(o, "issued"), "0", "json: number");
	ok(member(o, "certs") != NULL &&
	    strstr(member(o, "certs"), "\"serial\": \"ab\"") != NULL,
	    "json: certificates");
	json_object_put(o);
	o = rec_to_json(rec_desc(REC_AUTH_CERT), &ca);
	is_str(member(o, "cert"), "MAED", "json: bytes");
	json_object_put(o);
}

/* The access table, said a second time in words. */
static void
test_access(void)
{
	for (size_t i = 0; i < rec_n_descs; i++) {
		enum rec_type t = rec_descs[i].type;

		is_int(rec_access(ROLE_NONE, t), 0, "nobody: %s",
		    rec_descs[i].name);
		ok(rec_access(ROLE_ADMIN, t) & REC_READ, "admin reads %s",
		    rec_descs[i].name);
	}
	is_int(rec_access(ROLE_ENROL, REC_POLICY), REC_READ,
	    "the device port only reads policies");
	is_int(rec_access(ROLE_ENROL, REC_SETTING), REC_READ, "and settings");
	ok(!(rec_access(ROLE_ENROL, REC_BATCH) & REC_INSERT),
	    "and makes no batch");
	is_int(rec_access(ROLE_ENROL, REC_AUTH_CERT), REC_READ,
	    "lets nobody else in");
	is_int(rec_access(ROLE_ENROL, REC_TOKEN), REC_READ,
	    "by no new token, either");
	for (uint32_t role = 1; role < ROLE_ALL; role <<= 1)
		ok(!(rec_access(role, REC_ACTIVITY) & (REC_PUT | REC_DELETE)),
		    "%s changes no activity", role_name(role));
	is_int(rec_access(ROLE_ADMIN, 60), 0, "no such type");
}

int
main(void)
{
	for (size_t i = 0; i < rec_n_descs; i++) {
		const struct rec_desc *d = &rec_descs[i];

		ok(rec_desc(d->type) == d && rec_desc_by_name(d->name) == d,
		    "%s is found", d->name);
		ok(d->n <= 60, "%s has few fields", d->name);
		test_round_trip(d);
		for (size_t k = 0; k < d->n; k++) {
			test_over(d, &d->fields[k]);
			test_wrong_kind(d, &d->fields[k]);
		}
	}
	ok(rec_desc(0) == NULL && rec_desc_by_name("") == NULL, "no type");
	test_strict();
	test_keys();
	test_counters();
	test_json();
	test_access();
	return done();
}
