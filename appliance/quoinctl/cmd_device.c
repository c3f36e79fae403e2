// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "quoinctl/batch.h"
#include "quoinctl/ctl.h"
#include "quoinctl/out.h"

/* Batches whose load is under way: devices of it do not count. */
struct loading {
	struct rec_batch *batch;
	size_t n;
};

static void
loading_free(struct loading *l)
{
	free(l->batch);
}
#define AUTO_LOADING __attribute__((cleanup(loading_free)))

static enum q_err
loading_find(struct ctl *c, struct loading *l, struct fault *f)
{
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(c->records, REC_BATCH, NULL, NULL);
	struct rec_batch batch, *more;
	enum q_err r;

	while ((r = rec_list_next(&it, &batch, f)) == Q_OK) {
		if (batch.load_id[0] == '\0')
			continue;
		more = realloc(l->batch, (l->n + 1) * sizeof(batch));
		if (more == NULL)
			return Q_NOMEM;
		l->batch = more;
		l->batch[l->n++] = batch;
	}
	return r == Q_NOTFOUND ? Q_OK : r;
}

static bool
counts(const struct loading *l, const struct rec_device *dev)
{
	for (size_t i = 0; i < l->n; i++)
		if (strcmp(l->batch[i].key, dev->batch) == 0)
			return rec_device_valid(&l->batch[i], dev);
	return true;
}

/* What --status names beside the states. */
#define WAITING ((int64_t)DEVICE_REVOKED + 1)

/* The state that --status names, or -1 for all. */
static enum q_err
wanted_state(struct ctl *c, int64_t *ret_state, struct fault *f)
{
	static const char *const names[] = {
#define X(name, num, text) [num] = text,
		REC_DEVICE_STATES(X)
#undef X
		[WAITING] = "waiting",
	};
	const char *want = c->opt[CTL_OPT_status];
	char text[24];

	*ret_state = -1;
	if (want == NULL)
		return Q_OK;
	snprintf(text, sizeof(text), "%s", want);
	for (char *p = text; *p != '\0'; p++)
		if (*p == '-' || *p == ' ')
			*p = '_';
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(names[i], text) == 0)
			*ret_state = (int64_t)i;
	return *ret_state >= 0 ? Q_OK : fault_set(f, Q_USAGE, "--status is "
	    "not-enrolled, enrolled, expired, revoked or waiting, not %.24s",
	    want);
}

static bool
state_is(const struct rec_device *dev, int64_t state)
{
	return state < 0 || (state == WAITING ?
	    dev->approval == DEVICE_APPROVAL_WAITING : dev->state == state);
}

static enum q_err
list_devices(struct ctl *c, struct rec_list *it, struct fault *f)
{
	static const struct col cols[] = {
		{ "DeviceID", "id" }, { "State", "state", COL_STATE },
		{ "Batch", "batch" }, { "Expires", "expires" },
		{ "Reason", "reason" },
	};
	AUTO_LOADING struct loading loading = { 0 };
	const char *batch = c->opt[CTL_OPT_batch];
	struct rec_device dev;
	struct out_list list;
	struct json_object *o;
	size_t limit;
	int64_t state;
	enum q_err r = wanted_state(c, &state, f);

	if (r == Q_OK)
		r = ctl_number(c, CTL_OPT_limit, SIZE_MAX, &limit, f);
	if (r == Q_OK)
		r = loading_find(c, &loading, f);
	if (r != Q_OK)
		return r;
	out_list_begin(&list, c, "devices", cols, ARRAY_LEN(cols));
	while (list.rows < limit && (r = rec_list_next(it, &dev, f)) == Q_OK) {
		if (!state_is(&dev, state) || !counts(&loading, &dev) ||
		    (batch != NULL && strcmp(batch, dev.batch) != 0))
			continue;
		o = out_record(REC_DEVICE, &dev);
		if (dev.certs.n > 0)
			out_time(o, "expires", dev.certs.c[0].not_after);
		out_list_add(&list, o);
	}
	return out_list_end(&list, r, "no such devices");
}

enum q_err
cmd_device_list(struct ctl *c, struct fault *f)
{
	const char *name = c->opt[CTL_OPT_batch];
	const char *status = c->opt[CTL_OPT_status];
	bool waiting = status != NULL && strcmp(status, "waiting") == 0;
	const char *index = waiting ? "approval" :
	    name != NULL ? "batch" : NULL;
	struct rec_batch batch;
	enum q_err r = ctl_records(c, f);
	AUTO_REC_LIST struct rec_list it = REC_LIST(c->records, REC_DEVICE,
	    index, waiting ? "1" : name);

	if (r == Q_OK && name != NULL)
		r = batch_read(c, name, &batch, f);
	return r == Q_OK ? list_devices(c, &it, f) : r;
}

enum q_err
cmd_device_find(struct ctl *c, struct fault *f)
{
	char prefix[65] = "";
	const char *text = c->argv[0];
	enum q_err r = ctl_records(c, f);
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(c->records, REC_DEVICE, NULL, prefix);

	for (size_t i = 0; i < 64 && text[i] != '\0'; i++)
		prefix[i] = text[i] >= 'A' && text[i] <= 'F'
		    ? (char)(text[i] + 32) : text[i];
	if (strspn(prefix, "0123456789abcdef") != strlen(text))
		return fault_set(f, Q_USAGE, "the first hex digits of a "
		    "DeviceID are wanted, not %.70s", text);
	return r == Q_OK ? list_devices(c, &it, f) : r;
}

static enum q_err
show_certs(struct ctl *c, struct json_object *device)
{
	static const struct col cols[] = {
		{ "Serial number", "serial" }, { "Issuing CA", "issuer" },
		{ "Not before", "not_before" }, { "Not after", "not_after" },
		{ "Revoked", "revoked_at" },
	};
	struct json_object *certs = json_object_object_get(device, "certs");
	struct out_list list;

	if (json_object_array_length(certs) == 0)
		return Q_OK;
	putchar('\n');
	out_list_begin(&list, c, "certs", cols, ARRAY_LEN(cols));
	for (size_t i = 0; i < json_object_array_length(certs); i++)
		out_list_add(&list, json_object_get(
		    json_object_array_get_idx(certs, i)));
	return out_list_end(&list, Q_OK, "");
}

enum q_err
cmd_device_show(struct ctl *c, struct fault *f)
{
	static const struct col cols[] = {
		{ "DeviceID", "id" }, { "Batch", "batch" },
		{ "State", "state", COL_STATE }, { "Renewed", "renewed" },
		{ "Certificates issued", "issued" },
		{ "First enrolled", "enrolled_at" },
		{ "Last renewed", "renewed_at" },
		{ "Last seen", "last_seen" },
		{ "May renew once", "allow_renew" },
		{ "Approval", "approval" },
		{ "Revoked at", "revoked_at" }, { "Reason", "reason" },
		{ "Still to do", "intent" },
	};
	char id[65];
	struct rec_device dev;
	struct json_object *o;
	enum q_err r = ctl_records(c, f);

	if (r == Q_OK)
		r = ctl_device_id(c, c->argv[0], id, f);
	if (r == Q_OK)
		r = rec_device_read(c->records, id, &dev, f);
	if (r != Q_OK)
		return r;
	o = out_record(REC_DEVICE, &dev);
	out_show(c, cols, ARRAY_LEN(cols), json_object_get(o));
	if (!c->json)
		r = show_certs(c, o);
	json_object_put(o);
	return r;
}

enum q_err
cmd_device_add(struct ctl *c, struct fault *f)
{
	AUTO_FLEET struct fleet fl = { 0 };
	struct rec_batch batch;
	enum q_err r = ctl_need(c, CTL_OPT_batch, f);

	if (r == Q_OK)
		r = batch_read(c, c->opt[CTL_OPT_batch], &batch, f);
	for (int i = 0; r == Q_OK && i < c->argc; i++)
		r = fleet_add(&fl, c->argv[i], strlen(c->argv[i]), f);
	if (r == Q_OK)
		r = batch_load(c, batch.key, &fl, f);
	for (int i = 0; r == Q_OK && i < c->argc; i++)
		r = rec_actor_note(c->records, &c->by, "device add",
		    c->argv[i], f);
	if (r == Q_OK) {
		struct json_object *o = out_object();

		out_int(o, "added", (uint64_t)c->argc);
		out_done(c, o, "%d devices added to batch %s.", c->argc,
		    batch.key);
	}
	return r;
}

/* The device as it is now, after what was done to it. */
static enum q_err
tell_device(struct ctl *c, const char *id, const char *text,
    struct fault *f)
{
	struct rec_device dev;
	enum q_err r = rec_device_read(c->records, id, &dev, f);

	if (r == Q_OK)
		out_done(c, out_record(REC_DEVICE, &dev), "%s %s", id, text);
	return r;
}

enum q_err
cmd_device_revoke(struct ctl *c, struct fault *f)
{
	const char *reason = c->opt[CTL_OPT_reason];
	char id[65];
	enum q_err r = ctl_records(c, f);

	if (r == Q_OK)
		r = ctl_device_id(c, c->argv[0], id, f);
	if (r == Q_OK)
		r = rec_device_revoke(c->records, id, &c->by,
		    reason != NULL ? reason : "", f);
	return r == Q_OK ? tell_device(c, id, "is revoked", f) : r;
}

enum q_err
cmd_device_approve(struct ctl *c, struct fault *f)
{
	char id[65];
	enum q_err r = ctl_records(c, f);

	if (r == Q_OK)
		r = ctl_device_id(c, c->argv[0], id, f);
	if (r == Q_OK)
		r = rec_device_approve(c->records, id, &c->by, f);
	return r == Q_OK ? tell_device(c, id, "may enrol", f) : r;
}

enum q_err
cmd_device_allow(struct ctl *c, struct fault *f)
{
	static const char *const texts[] = {
		[REC_ALLOWED_BEFORE] = "needs no permission",
		[REC_ALLOWED_ENROL] = "may enrol again",
		[REC_ALLOWED_RENEW] = "may renew once",
	};
	enum rec_allowed done;
	char id[65];
	enum q_err r = ctl_records(c, f);

	if (r == Q_OK)
		r = ctl_device_id(c, c->argv[0], id, f);
	if (r == Q_OK)
		r = rec_device_allow(c->records, id, &c->by, &done, f);
	return r == Q_OK ? tell_device(c, id, texts[done], f) : r;
}

enum q_err
cmd_device_move(struct ctl *c, struct fault *f)
{
	char id[65], text[REC_NAME_MAX + 16];
	enum q_err r = ctl_need(c, CTL_OPT_batch, f);

	if (r == Q_OK)
		r = ctl_records(c, f);
	if (r == Q_OK)
		r = ctl_device_id(c, c->argv[0], id, f);
	if (r == Q_OK)
		r = rec_device_move(c->records, id, c->opt[CTL_OPT_batch],
		    &c->by, f);
	if (r != Q_OK)
		return r;
	snprintf(text, sizeof(text), "is in batch %.64s",
	    c->opt[CTL_OPT_batch]);
	return tell_device(c, id, text, f);
}

enum q_err
cmd_device_delete(struct ctl *c, struct fault *f)
{
	char id[65];
	enum q_err r = ctl_records(c, f);

	if (r == Q_OK)
		r = ctl_device_id(c, c->argv[0], id, f);
	if (r == Q_OK)
		r = rec_device_remove(c->records, id, &c->by, f);
	return r == Q_OK ? wait_gone(c, REC_DEVICE, id, f) : r;
}
