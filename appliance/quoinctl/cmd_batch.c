// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "quoinctl/batch.h"
#include "quoinctl/ctl.h"
#include "quoinctl/out.h"
#include "records/load.h"
#include "records/logs.h"

#define SHOWN 20
#define TRIES 20
#define GONE_MS 10000
#define GONE_STEP_MS 100

static const struct col cols[] = {
	{ "Name", "name" }, { "Devices", "devices" },
	{ "Not enrolled", "not_enrolled" }, { "Enrolled", "enrolled" },
	{ "Renewed", "renewed" }, { "Expired", "expired" },
	{ "Revoked", "revoked" }, { "Policy", "policy" },
	{ "Token alone", "token_alone" }, { "Note", "note" },
};

void
out_counts(struct json_object *o, const struct rec_device_counts *n)
{
	out_int(o, "devices", n->devices);
	out_int(o, "not_enrolled", n->not_enrolled);
	out_int(o, "enrolled", n->enrolled);
	out_int(o, "renewed", n->renewed);
	out_int(o, "expired", n->expired);
	out_int(o, "revoked", n->revoked);
}

static enum q_err
batch_json(struct ctl *c, const struct rec_batch *batch,
    struct json_object **ret_json, struct fault *f)
{
	struct rec_device_counts n;
	struct json_object *o;
	enum q_err r = rec_device_counters(c->records, batch->key, &n, f);

	if (r != Q_OK)
		return r;
	o = out_record(REC_BATCH, batch);
	out_counts(o, &n);
	if (batch->deleting)
		out_str(o, "note", "being deleted");
	else if (batch->load_id[0] != '\0')
		out_str(o, "note", "being loaded");
	else
		out_str(o, "note", batch->description);
	*ret_json = o;
	return Q_OK;
}

enum q_err
cmd_batch_list(struct ctl *c, struct fault *f)
{
	struct rec_batch batch;
	struct json_object *o;
	struct out_list list;
	enum q_err r = ctl_records(c, f);
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(c->records, REC_BATCH, NULL, NULL);

	if (r != Q_OK)
		return r;
	out_list_begin(&list, c, "batches", cols, ARRAY_LEN(cols));
	while ((r = rec_list_next(&it, &batch, f)) == Q_OK) {
		r = batch_json(c, &batch, &o, f);
		if (r != Q_OK)
			break;
		out_list_add(&list, o);
	}
	return out_list_end(&list, r, "no batches: quoinctl batch create "
	    "NAME makes one");
}

enum q_err
batch_read(struct ctl *c, const char *name, struct rec_batch *ret_batch,
    struct fault *f)
{
	enum q_err r = ctl_records(c, f);

	if (r == Q_OK)
		r = rec_batch_get(c->records, name, ret_batch, f);
	return r == Q_NOTFOUND ? fault_set(f, r, "no batch %.64s: quoinctl "
	    "batch list shows what there is", name) : r;
}

static enum q_err
batch_tell(struct ctl *c, struct fault *f)
{
	struct rec_batch batch;
	struct json_object *o;
	enum q_err r = batch_read(c, c->argv[0], &batch, f);

	if (r == Q_OK)
		r = batch_json(c, &batch, &o, f);
	if (r == Q_OK)
		out_show(c, cols, ARRAY_LEN(cols), o);
	return r;
}

enum q_err
cmd_batch_show(struct ctl *c, struct fault *f)
{
	return batch_tell(c, f);
}

/* Everything that is wrong with the list: for people the first of it. */
static void
tell_bad(struct ctl *c, const struct fleet *fl)
{
	char line[FLEET_LINE];

	if (fl->n_bad == 0)
		return;
	c->problems = json_object_new_array();
	for (size_t i = 0; i < fl->n_bad; i++) {
		fleet_bad_text(&fl->bad[i], line);
		if (i < SHOWN && !c->json)
			fprintf(stderr, "  %s\n", line);
		if (c->json)
			json_object_array_add(c->problems,
			    json_object_new_string(line));
	}
	if (fl->n_bad > SHOWN && !c->json)
		fprintf(stderr, "  and %zu more; --json names them all\n",
		    fl->n_bad - SHOWN);
}

static void
progress(void *ctx, size_t done, size_t all)
{
	(void)ctx;
	fprintf(stderr, "\r%zu of %zu devices%s", done, all,
	    done == all ? "\n" : "");
}

/* A short list needs no progress, a pipe gets none. */
#define PROGRESS_FROM 50000

static rec_load_progress *
progress_of(struct ctl *c, const struct fleet *fl)
{
	return fl->n >= PROGRESS_FROM && isatty(2) && !c->json ? progress
							       : NULL;
}

/* What a load ended with, and what to do about it. */
static enum q_err
tell_load(struct ctl *c, const char *name, const struct fleet *fl,
    enum q_err r, struct fault *f)
{
	tell_bad(c, fl);
	if (r == Q_BUSY)
		return fault_retry(f, r, REC_LOAD_ABANDONED, "devices are "
		    "being loaded into batch %s; if that was killed, try "
		    "again in %d s", name, REC_LOAD_ABANDONED);
	if (r == Q_EXISTS && fl->n_bad == 0)
		return fault_set(f, r, "batch %s exists: quoinctl batch add "
		    "loads more devices into it", name);
	return r;
}

enum q_err
batch_load(struct ctl *c, const char *name, struct fleet *fl,
    struct fault *f)
{
	enum q_err r = rec_load_undo(c->records, name, f);

	if (r == Q_OK)
		r = rec_load_devices(c->records, name, fl, progress_of(c, fl),
		    NULL, f);
	return tell_load(c, name, fl, r, f);
}

static enum q_err
read_fleet(struct ctl *c, struct fleet *fl, struct fault *f)
{
	const char *path = c->opt[CTL_OPT_devices];

	return fleet_load(fl, strcmp(path, "-") == 0 ? "/dev/stdin" : path,
	    f);
}

enum q_err
cmd_batch_create(struct ctl *c, struct fault *f)
{
	AUTO_FLEET struct fleet fl = { 0 };
	struct rec_batch batch = { 0 };
	bool load = c->opt[CTL_OPT_devices] != NULL;
	enum q_err r = ctl_need(c, CTL_OPT_policy, f);

	if (r == Q_OK)
		r = ctl_text(c->argv[0], "name", batch.key,
		    REC_NAME_MAX + 1, f);
	if (r == Q_OK)
		r = ctl_text(c->opt[CTL_OPT_policy], "policy", batch.policy,
		    sizeof(batch.policy), f);
	if (r == Q_OK)
		r = ctl_text(c->opt[CTL_OPT_description], "description",
		    batch.description, sizeof(batch.description), f);
	batch.token_alone = c->opt[CTL_OPT_token_alone] != NULL;
	if (r == Q_OK && load)
		r = read_fleet(c, &fl, f);
	if (r == Q_OK)
		r = ctl_records(c, f);
	if (r == Q_OK)
		r = rec_batch_create(c->records, &batch, load ? &fl : NULL,
		    progress_of(c, &fl), &c->by, f);
	r = tell_load(c, batch.key, &fl, r, f);
	return r == Q_OK ? batch_tell(c, f) : r;
}

enum q_err
cmd_batch_add(struct ctl *c, struct fault *f)
{
	AUTO_FLEET struct fleet fl = { 0 };
	struct rec_batch batch;
	char text[32];
	enum q_err r = ctl_need(c, CTL_OPT_devices, f);

	if (r == Q_OK)
		r = batch_read(c, c->argv[0], &batch, f);
	if (r == Q_OK)
		r = read_fleet(c, &fl, f);
	if (r == Q_OK)
		r = batch_load(c, batch.key, &fl, f);
	snprintf(text, sizeof(text), "%u devices", fl.seen);
	if (r == Q_OK)
		r = rec_actor_tell(c->records, &c->by, "batch add", batch.key,
		    text, f);
	return r == Q_OK ? batch_tell(c, f) : r;
}

enum q_err
cmd_batch_edit(struct ctl *c, struct fault *f)
{
	struct rec_batch batch, was;
	enum q_err r = Q_CONFLICT;

	for (int i = 0; i < TRIES && r == Q_CONFLICT; i++) {
		r = batch_read(c, c->argv[0], &batch, f);
		was = batch;
		if (r == Q_OK)
			r = ctl_text(c->opt[CTL_OPT_description],
			    "description", batch.description,
			    sizeof(batch.description), f);
		if (r == Q_OK)
			r = ctl_flag(c, CTL_OPT_token_alone,
			    CTL_OPT_no_token_alone, &batch.token_alone, f);
		if (r == Q_OK)
			r = rec_batch_put(c->records, &batch, f);
	}
	if (r == Q_OK)
		r = rec_actor_edited(c->records, &c->by, rec_desc(REC_BATCH),
		    &was, &batch, f);
	return r == Q_OK ? batch_tell(c, f) : r;
}

enum q_err
cmd_batch_export(struct ctl *c, struct fault *f)
{
	struct rec_batch batch;
	struct rec_device dev;
	size_t n = 0;
	enum q_err r = batch_read(c, c->argv[0], &batch, f);
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(c->records, REC_DEVICE, "batch", c->argv[0]);

	if (r != Q_OK)
		return r;
	it.keys_only = batch.load_id[0] == '\0';
	printf("{\"devices\":[");
	while ((r = rec_list_next(&it, &dev, f)) == Q_OK)
		if (it.keys_only || rec_device_valid(&batch, &dev))
			printf("%s\n\"%s\"", n++ > 0 ? "," : "", dev.key);
	puts("\n]}");
	return r == Q_NOTFOUND ? Q_OK : r;
}

enum q_err
wait_gone(struct ctl *c, enum rec_type type, const char *key,
    struct fault *f)
{
	union rec_any any;
	int64_t until = clock_mono_ms() + GONE_MS;
	struct json_object *o = out_object();
	const char *name = rec_desc(type)->name;
	enum q_err r = Q_OK;

	while (c->opt[CTL_OPT_no_wait] == NULL && r == Q_OK) {
		r = rec_get(c->records, type, key, &any, f);
		if (r == Q_OK && clock_mono_ms() >= until)
			break;
		if (r == Q_OK)
			poll(NULL, 0, GONE_STEP_MS);
	}
	out_str(o, name, key);
	out_bool(o, "gone", r == Q_NOTFOUND);
	if (r == Q_NOTFOUND)
		out_done(c, o, "%s %s is deleted.", name, key);
	else
		out_done(c, o, "%s %s is being deleted by quoin-enrold.",
		    name, key);
	return r == Q_NOTFOUND ? Q_OK : r;
}

enum q_err
cmd_batch_delete(struct ctl *c, struct fault *f)
{
	enum q_err r = ctl_records(c, f);

	if (r == Q_OK)
		r = rec_batch_remove(c->records, c->argv[0], &c->by, f);
	return r == Q_OK ? wait_gone(c, REC_BATCH, c->argv[0], f) : r;
}

enum q_err
cmd_batch_recount(struct ctl *c, struct fault *f)
{
	struct json_object *o;
	uint64_t wrong = 0;
	enum q_err r = ctl_records(c, f);

	if (r == Q_OK)
		r = rec_device_recount(c->records, c->argv[0], &wrong, f);
	if (r != Q_OK)
		return r;
	o = out_object();
	out_str(o, "name", c->argv[0]);
	out_int(o, "wrong", wrong);
	out_done(c, o, "%s is counted: %u counters were wrong.", c->argv[0],
	    (unsigned)wrong);
	return Q_OK;
}
