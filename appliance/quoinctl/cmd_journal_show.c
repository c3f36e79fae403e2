// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/own.h"
#include "quoinctl/journal.h"
#include "quoinctl/out.h"
#include "x509/cert_parse.h"

#define TAIL_DEFAULT 20
#define TAIL_MAX 10000
#define TAIL_SEGMENTS 2

struct tail {
	struct json_object **row; /* a ring */
	size_t n, at;
};

/* What a device certificate says, by its own. */
static void
issued_json(struct json_object *o, const struct bytes *der)
{
	struct cert cert;
	char cn[65];

	if (cert_parse(*der, &cert, NULL) != Q_OK)
		return;
	snprintf(cn, sizeof(cn), "%.*s", (int)cert.cn.len,
	    (const char *)cert.cn.p);
	out_str(o, "device_id", cn);
	out_hex(o, "serial", cert.serial);
	out_time(o, "not_before", cert.not_before);
	out_time(o, "not_after", cert.not_after);
}

/* The body's fields, told by the table of their message; long ones when the
 * whole is wanted. */
static void
body_json(struct json_object *o, const struct journal_record *rec, bool whole)
{
	const struct wire_type *t = journal_type_of(rec->type);
	union {
		uint8_t space[WIRE_STRUCT_MAX];
		uint64_t align;
	} u;

	if (t == NULL || wire_decode(t, rec->body, u.space, NULL) != Q_OK)
		return;
	for (size_t i = 0; i < t->n; i++) {
		const struct wire_field *fd = &t->fields[i];
		const void *p = u.space + fd->offset;
		const struct bytes *bin = p;

		if (fd->kind == WIRE_U32)
			out_int(o, fd->name, *(const uint32_t *)p);
		else if (fd->kind == WIRE_U64)
			out_int(o, fd->name, *(const uint64_t *)p);
		else if (fd->kind == WIRE_BOOL)
			out_bool(o, fd->name, *(const bool *)p);
		else if (fd->kind == WIRE_STR)
			out_str(o, fd->name, *(const char *const *)p);
		else if (fd->kind == WIRE_BIN && (whole ||
		    bin->len <= JOURNAL_HASH))
			out_hex(o, fd->name, *bin);
	}
	if (rec->type == JOURNAL_issued)
		issued_json(o, &((struct journal_issued *)
		    (void *)u.space)->cert);
}

static struct json_object *
record_json(const struct journal_record *rec, bool whole)
{
	const char *name = journal_type_name(rec->type);
	struct json_object *o = out_object(), *body = out_object();
	const char *key = strspn(rec->key, "0") == strlen(rec->key)
	    ? "" : rec->key;

	body_json(body, rec, whole);
	out_int(o, "seq", rec->seq);
	out_time(o, "at", (int64_t)rec->wall);
	out_int(o, "since_boot_ns", rec->mono_ns);
	out_str(o, "type", name != NULL ? name : "?");
	if (rec->uid != JOURNAL_NO_UID)
		out_int(o, "uid", rec->uid);
	out_str(o, "key", key);
	out_hex(o, "hash", rec->hash);
	out_take(o, "body", body);
	return o;
}

static enum q_err
each_record(void *arg, const struct journal_record *rec)
{
	struct tail *t = arg;

	json_object_put(t->row[t->at % t->n]);
	t->row[t->at++ % t->n] = record_json(rec, false);
	return Q_OK;
}

/* For people: the few fields of a body that say what it was about. */
static void
add_detail(struct json_object *row)
{
	static const char *const wanted[] = {
		"what", "name", "purpose", "policy", "user", "device_id",
		"serial", "number", "meaning", "reason", "generation",
		"count", "version",
	};
	struct json_object *body = json_object_object_get(row, "body"), *v;
	AUTO_BUF struct buf b = BUF_INIT(1024);

	buf_puts(&b, "");
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		v = json_object_object_get(body, wanted[i]);
		if (v != NULL && json_object_get_string_len(v) != 0)
			buf_printf(&b, "%s%s %s", b.len > 0 ? ", " : "",
			    wanted[i], json_object_get_string(v));
		else if (json_object_is_type(v, json_type_int))
			buf_printf(&b, "%s%s %" PRId64, b.len > 0 ? ", " : "",
			    wanted[i], json_object_get_int64(v));
	}
	out_str(row, "detail", b.bad || b.len == 0 ? "" : (char *)b.p);
}

enum q_err
cmd_journal_tail(struct ctl *c, struct fault *f)
{
	static const struct col cols[] = {
		{ "Number", "seq" }, { "Time", "at" }, { "What", "type" },
		{ "Key", "key" }, { "UID", "uid" }, { "Details", "detail" },
	};
	char dir[JOURNAL_DIR_MAX];
	struct tail t = { 0 };
	struct journal_end end;
	struct out_list list;
	enum q_err r = journal_dir(c, dir, f);

	if (r == Q_OK)
		r = ctl_number(c, CTL_OPT_limit, TAIL_DEFAULT, &t.n, f);
	if (r == Q_OK && t.n > TAIL_MAX)
		r = fault_set(f, Q_USAGE, "--limit: at most %d", TAIL_MAX);
	if (r != Q_OK)
		return r;
	t.row = calloc(t.n, sizeof(*t.row));
	if (t.row == NULL)
		return Q_NOMEM;
	r = journal_read(dir, TAIL_SEGMENTS, each_record, &t, &end, f);
	out_list_begin(&list, c, "records", cols, ARRAY_LEN(cols));
	for (size_t i = 0; i < t.n; i++) {
		struct json_object *o = t.row[(t.at + i) % t.n];

		if (o == NULL)
			continue;
		if (!c->json)
			add_detail(o);
		out_list_add(&list, o);
	}
	free(t.row);
	return out_list_end(&list, r, "the journal is empty");
}

/* One record, and what its key is for, as an earlier record says. */
struct show {
	uint64_t seq;
	struct json_object *o;
	char key[17];
};

static enum q_err
show_each(void *arg, const struct journal_record *rec)
{
	struct show *s = arg;

	if (rec->seq != s->seq)
		return Q_OK;
	s->o = record_json(rec, true);
	memcpy(s->key, rec->key, sizeof(s->key));
	return Q_EXISTS; /* enough */
}

static const struct {
	enum journal_type type;
	const char *fields[3];
} makers[] = {
	{ JOURNAL_key, { "purpose", "policy" } },
	{ JOURNAL_import, { "purpose", "name" } },
	{ JOURNAL_rule, { "name" } },
};

struct made {
	const struct show *of;
	struct json_object *key;
};

static enum q_err
made_each(void *arg, const struct journal_record *rec)
{
	struct made *m = arg;
	struct json_object *body, *v;

	if (rec->seq >= m->of->seq)
		return Q_EXISTS;
	if (strcmp(rec->key, m->of->key) != 0)
		return Q_OK;
	for (size_t i = 0; i < ARRAY_LEN(makers); i++) {
		if (makers[i].type != rec->type)
			continue;
		body = out_object();
		body_json(body, rec, false);
		for (size_t j = 0; makers[i].fields[j] != NULL; j++) {
			v = json_object_object_get(body, makers[i].fields[j]);
			if (v != NULL && json_object_get_string_len(v) > 0)
				out_str(m->key, makers[i].fields[j],
				    json_object_get_string(v));
		}
		json_object_put(body);
	}
	return Q_OK;
}

/* Every field on a line of its own, for people. */
static void
show_print(const char *indent, struct json_object *o)
{
	json_object_object_foreach(o, name, v) {
		if (json_object_is_type(v, json_type_object)) {
			printf("%s%s:\n", indent, name);
			show_print("  ", v);
		} else if (json_object_get_string_len(v) != 0 ||
		    !json_object_is_type(v, json_type_string)) {
			printf("%s%s: %s\n", indent, name,
			    json_object_get_string(v));
		}
	}
}

enum q_err
cmd_journal_show(struct ctl *c, struct fault *f)
{
	char dir[JOURNAL_DIR_MAX];
	struct show s = { 0 };
	struct made made = { .of = &s };
	struct journal_end end;
	struct journal_range range = { .dir = dir, .open = true,
		.archive = c->opt[CTL_OPT_archive] };
	char *rest;
	enum q_err r = journal_dir(c, dir, f);

	s.seq = range.from = strtoull(c->argv[0], &rest, 10);
	if (r == Q_OK && (s.seq == 0 || *rest != '\0'))
		r = fault_set(f, Q_USAGE, "%.40s is no number of a record",
		    c->argv[0]);
	if (r == Q_OK)
		r = journal_walk(&range, show_each, &s, &end, f);
	if (r == Q_OK)
		return fault_set(f, Q_NOTFOUND, "no record %" PRIu64, s.seq);
	if (r != Q_EXISTS || s.o == NULL)
		return r;
	made.key = out_object();
	range.from = 0;
	r = strspn(s.key, "0") == strlen(s.key) ? Q_OK :
	    journal_walk(&range, made_each, &made, &end, f);
	out_take(s.o, "key_is", made.key);
	if (c->json)
		out_done(c, s.o, " ");
	else
		show_print("", s.o);
	if (!c->json)
		json_object_put(s.o);
	return r == Q_EXISTS ? Q_OK : r;
}
