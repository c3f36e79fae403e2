// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/fsio.h"
#include "base/own.h"
#include "quoinctl/ctl.h"
#include "quoinctl/out.h"
#include "signer/journal_check.h"

#define TAIL_DEFAULT 20
#define TAIL_MAX 10000
#define TAIL_SEGMENTS 2

static enum q_err
journal_dir(struct ctl *c, char *out, size_t cap, struct fault *f)
{
	enum q_err r = path_join(out, cap, c->conf.state, "journal");

	return r == Q_OK ? r : fault_set(f, r, "state: the path is too long");
}

/* What the daemon says the end is must be in the files, too: a journal cut
 * off behind its back. Without a daemon there is nothing to compare. */
static enum q_err
noted_by_daemon(struct ctl *c, char out[JOURNAL_NOTE_LEN])
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_status_req req = { 0 };
	struct signd_status_rsp s;
	struct journal_end end = { 0 };
	enum q_err r = ctl_signd(c, NULL);

	if (r == Q_OK)
		r = signd_status(c->signd, &req, &s, &hold, NULL);
	if (r != Q_OK || s.journal_head.len != JOURNAL_HASH)
		return Q_UNAVAIL;
	end.seq = s.journal_seq;
	memcpy(end.hash, s.journal_head.p, JOURNAL_HASH);
	journal_note(&end, out);
	return Q_OK;
}

enum q_err
cmd_journal_verify(struct ctl *c, struct fault *f)
{
	char dir[sizeof(c->conf.state) + 16], note[JOURNAL_NOTE_LEN];
	struct journal_end end;
	struct json_object *o;
	bool held = false;
	enum q_err r = journal_dir(c, dir, sizeof(dir), f);

	if (r == Q_OK && c->opt[CTL_OPT_head] != NULL)
		r = journal_verify(dir, c->opt[CTL_OPT_head], &end, f);
	held = noted_by_daemon(c, note) == Q_OK;
	if (r == Q_OK)
		r = journal_verify(dir, held ? note : NULL, &end, f);
	if (r == Q_NOTFOUND)
		return fault_set(f, r, "no journal in %.150s: name the "
		    "appliance's folder with --state", dir);
	if (r != Q_OK)
		return r;
	journal_note(&end, note);
	o = out_object();
	out_bool(o, "ok", true);
	out_int(o, "records", end.seq);
	out_int(o, "segments", end.segments);
	out_int(o, "torn_bytes", end.torn);
	out_bool(o, "daemon_agrees", held);
	out_str(o, "head", note);
	out_done(c, o, "The journal is whole: %" PRIu64 " records in %u "
	    "files%s.\nNote its end; a later --head with it shows that "
	    "nothing was cut off:\n  %s", end.seq, end.segments,
	    held ? ", as the signing daemon says" : "", note);
	return Q_OK;
}

struct tail {
	struct json_object **row; /* a ring */
	size_t n, at;
};

/* The body's fields, told by the table of their message. */
static void
body_json(struct json_object *o, const struct journal_record *rec)
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
		else if (fd->kind == WIRE_BIN && bin->len <= JOURNAL_HASH)
			out_hex(o, fd->name, *bin);
	}
}

static enum q_err
each_record(void *arg, const struct journal_record *rec)
{
	struct tail *t = arg;
	const char *name = journal_type_name(rec->type);
	struct json_object *o = out_object(), *body = out_object();
	const char *key = strspn(rec->key, "0") == strlen(rec->key)
	    ? "" : rec->key;

	body_json(body, rec);
	out_int(o, "seq", rec->seq);
	out_time(o, "at", (int64_t)rec->wall);
	out_str(o, "type", name != NULL ? name : "?");
	if (rec->uid != JOURNAL_NO_UID)
		out_int(o, "uid", rec->uid);
	out_str(o, "key", key);
	out_hex(o, "hash", rec->hash);
	out_take(o, "body", body);
	json_object_put(t->row[t->at % t->n]);
	t->row[t->at++ % t->n] = o;
	return Q_OK;
}

/* For people: the few fields of a body that say what it was about. */
static void
add_detail(struct json_object *row)
{
	static const char *const wanted[] = {
		"what", "purpose", "policy", "device_id", "serial", "number",
		"generation", "count", "version",
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
	char dir[sizeof(c->conf.state) + 16];
	struct tail t = { 0 };
	struct journal_end end;
	struct out_list list;
	enum q_err r = journal_dir(c, dir, sizeof(dir), f);

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
