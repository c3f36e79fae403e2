// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "records/records.h"

#include <json-c/json.h>

#include "base/clock.h"
#include "base/codec.h"

/* Add a member, taking over the value: false when out of memory. */
static bool
add(struct json_object *o, const char *name, struct json_object *value)
{
	if (value != NULL && json_object_object_add(o, name, value) == 0)
		return true;
	json_object_put(value);
	return false;
}

static struct json_object *
json_time(int64_t t)
{
	char text[24];

	time_format(t, text);
	return json_object_new_string(text);
}

static struct json_object *
json_cert(const struct rec_cert *c)
{
	struct json_object *o = json_object_new_object();
	bool good = o != NULL &&
	    add(o, "serial", json_object_new_string(c->serial)) &&
	    add(o, "issuer", json_object_new_string(c->issuer)) &&
	    add(o, "not_before", json_time(c->not_before)) &&
	    add(o, "not_after", json_time(c->not_after));

	if (good && c->revoked_at != 0)
		good = add(o, "revoked_at", json_time(c->revoked_at)) &&
		    add(o, "reason", json_object_new_int64(c->reason));
	if (good)
		return o;
	json_object_put(o);
	return NULL;
}

static struct json_object *
json_certs(const struct rec_certs *certs)
{
	struct json_object *a = json_object_new_array(), *o;

	for (size_t i = 0; a != NULL && i < certs->n; i++) {
		o = json_cert(&certs->c[i]);
		if (o == NULL || json_object_array_add(a, o) != 0) {
			json_object_put(o);
			json_object_put(a);
			return NULL;
		}
	}
	return a;
}

static struct json_object *
json_bytes(struct bytes b)
{
	AUTO_BUF struct buf text = BUF_INIT(2 * REC_DOC_MAX);

	b64_encode(&text, b.p, b.len, 0);
	return text.bad ? NULL
	    : json_object_new_string_len((const char *)text.p, (int)text.len);
}

static struct json_object *
json_field(const struct rec_field *fd, const void *rec)
{
	switch (fd->kind) {
	case REC_STR:
		return json_object_new_string(rec_str(fd, rec));
	case REC_INT:
		return json_object_new_int64(rec_int(fd, rec));
	case REC_ENUM:
		return json_object_new_string(fd->names[rec_int(fd, rec)]);
	case REC_BOOL:
		return json_object_new_boolean(rec_int(fd, rec) != 0);
	case REC_TIME:
		return json_time(rec_int(fd, rec));
	case REC_CERTS:
		return json_certs((const void *)((const char *)rec +
		    fd->offset));
	case REC_BYTES:
		return json_bytes(rec_bytes(fd, rec));
	}
	return NULL;
}

struct json_object *
rec_to_json(const struct rec_desc *d, const void *rec)
{
	const struct rec_head *head = rec;
	struct json_object *o = json_object_new_object();
	bool good = o != NULL &&
	    add(o, d->key_json, json_object_new_string(head->key));

	for (size_t i = 0; good && i < d->n; i++) {
		const struct rec_field *fd = &d->fields[i];

		/* A time that never was is left out, not 1970. */
		if (fd->kind != REC_TIME || rec_int(fd, rec) != 0)
			good = add(o, fd->name, json_field(fd, rec));
	}
	if (good)
		return o;
	json_object_put(o);
	return NULL;
}

void
rec_changes(const struct rec_desc *d, const void *was, const void *now,
    struct buf *out)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct rec_field *fd = &d->fields[i];
		struct json_object *value;

		if (rec_same(fd, was, now))
			continue;
		value = fd->kind == REC_BYTES ? NULL : json_field(fd, now);
		buf_printf(out, "%s%s%s%s", out->len != 0 ? ", " : "",
		    fd->name, value != NULL ? " " : "", value != NULL
		    ? json_object_get_string(value) : "");
		json_object_put(value);
	}
}
