// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "records/actions.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"

/* Text into a field, cut between two characters of UTF-8 when it is long. */
static void
text_cut(char *field, size_t size, const char *text)
{
	size_t n = strnlen(text, size);

	if (n == size)
		for (n--; n > 0 && ((unsigned char)text[n] & 0xc0) == 0x80;)
			n--;
	memcpy(field, text, n);
	field[n] = '\0';
}

/* Others change a device a few times in its life, not all the time. */
#define TRIES 50

enum q_err
rec_actor_note(struct wire_client *c, const struct rec_actor *by,
    const char *what, const char *object, struct fault *f)
{
	return rec_actor_tell(c, by, what, object, "", f);
}

enum q_err
rec_actor_tell(struct wire_client *c, const struct rec_actor *by,
    const char *what, const char *object, const char *detail,
    struct fault *f)
{
	struct rec_activity a = { 0 };
	struct fault inner = { 0 };
	enum q_err r;

	text_cut(a.who, sizeof(a.who), by->who);
	text_cut(a.from, sizeof(a.from), by->from);
	text_cut(a.what, sizeof(a.what), what);
	text_cut(a.object, sizeof(a.object), object);
	text_cut(a.detail, sizeof(a.detail), detail);
	r = rec_activity_note(c, &a, &inner);
	if (r == Q_OK)
		return r;
	return fault_retry(f, r, inner.retry_after,
	    "done, but not written to the activity log: %.120s",
	    fault_text(&inner, r));
}

enum q_err
rec_device_read(struct wire_client *c, const char *id,
    struct rec_device *ret_dev, struct fault *f)
{
	struct rec_device dev;
	struct rec_batch batch;
	enum q_err r = rec_device_get(c, id, &dev, f);

	if (r == Q_OK && dev.load[0] != '\0') {
		r = rec_batch_get(c, dev.batch, &batch, f);
		if (r == Q_OK && !rec_device_valid(&batch, &dev))
			r = Q_NOTFOUND;
	}
	if (r == Q_NOTFOUND)
		return fault_set(f, r, "no device %.64s in any batch", id);
	if (r == Q_OK)
		*ret_dev = dev;
	return r;
}

/* A step changes the device and says OK, or that there is nothing to do, or
 * why it may not be. */
enum step { STEP_CHANGED, STEP_NOTHING, STEP_REFUSED };
typedef enum step device_step(struct rec_device *dev, void *arg,
    struct fault *f);

static enum q_err
device_change(struct wire_client *c, const char *id, device_step *step,
    void *arg, bool *ret_changed, struct fault *f)
{
	struct rec_device dev;
	enum q_err r = Q_CONFLICT;

	*ret_changed = false;
	for (int i = 0; i < TRIES && r == Q_CONFLICT; i++) {
		r = rec_device_read(c, id, &dev, f);
		if (r != Q_OK)
			return r;
		switch (step(&dev, arg, f)) {
		case STEP_NOTHING:
			return Q_OK;
		case STEP_REFUSED:
			return Q_CONFLICT;
		case STEP_CHANGED:
			r = rec_device_put(c, &dev, f);
		}
	}
	*ret_changed = r == Q_OK;
	return r;
}

/* RFC 5280 5.3.1; what a person may say about a device. */
static const struct {
	const char *name;
	int code;
} crl_reasons[] = {
	{ "keyCompromise", 1 },
	{ "affiliationChanged", 3 },
	{ "superseded", 4 },
	{ "cessationOfOperation", 5 },
	{ "privilegeWithdrawn", 9 },
};

static int
crl_reason(const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(crl_reasons); i++)
		if (strcmp(crl_reasons[i].name, text) == 0)
			return crl_reasons[i].code;
	return 0;
}

static enum step
step_revoke(struct rec_device *dev, void *arg, struct fault *f)
{
	const char *reason = arg;
	int64_t now = clock_wall();

	(void)f;
	if (dev->state == DEVICE_REVOKED)
		return STEP_NOTHING;
	for (size_t i = 0; i < dev->certs.n; i++) {
		struct rec_cert *cert = &dev->certs.c[i];

		if (cert->not_after < now || cert->revoked_at != 0)
			continue;
		cert->revoked_at = now;
		cert->reason = crl_reason(reason);
		if (dev->intent == DEVICE_INTENT_NONE)
			dev->intent = DEVICE_INTENT_PUBLISH;
	}
	dev->state = DEVICE_REVOKED;
	dev->revoked_at = now;
	dev->due = 0;
	dev->allow_renew = false;
	snprintf(dev->reason, sizeof(dev->reason), "%s", reason);
	return STEP_CHANGED;
}

enum q_err
rec_device_revoke(struct wire_client *c, const char *id,
    const struct rec_actor *by, const char *reason, struct fault *f)
{
	bool changed;
	enum q_err r;

	if (strlen(reason) >= sizeof(((struct rec_device *)0)->reason))
		return fault_set(f, Q_TOOBIG,
		    "the reason is longer than %zu bytes",
		    sizeof(((struct rec_device *)0)->reason) - 1);
	r = device_change(c, id, step_revoke, (void *)(uintptr_t)reason,
	    &changed, f);
	return r == Q_OK && changed
	    ? rec_actor_tell(c, by, "device revoke", id, reason, f) : r;
}

struct allow {
	struct wire_client *client;
	enum rec_allowed done;
	enum q_err error;
};

/* Whether devices of this batch renew without being asked. */
static enum q_err
batch_autorenew(struct wire_client *c, const char *name, bool *ret_auto,
    struct fault *f)
{
	struct rec_batch batch;
	struct rec_policy policy;
	enum q_err r = rec_batch_get(c, name, &batch, f);

	if (r == Q_OK)
		r = rec_policy_get(c, batch.policy, &policy, f);
	if (r == Q_OK)
		*ret_auto = policy.autorenew;
	return r;
}

static enum step
step_allow(struct rec_device *dev, void *arg, struct fault *f)
{
	struct allow *a = arg;
	bool by_itself = true;

	a->done = REC_ALLOWED_BEFORE;
	a->error = Q_OK;
	if (dev->intent == DEVICE_INTENT_DELETE) {
		a->error = fault_set(f, Q_CONFLICT,
		    "device %.64s is being deleted", dev->key);
		return STEP_REFUSED;
	}
	if (dev->state == DEVICE_REVOKED) {
		a->done = REC_ALLOWED_ENROL;
		dev->state = DEVICE_NOT_ENROLLED;
		dev->revoked_at = 0;
		dev->reason[0] = '\0';
		return STEP_CHANGED;
	}
	if (dev->state == DEVICE_NOT_ENROLLED || dev->allow_renew)
		return STEP_NOTHING;
	a->error = batch_autorenew(a->client, dev->batch, &by_itself, f);
	if (a->error != Q_OK)
		return STEP_REFUSED;
	/* With a full list even such a device has to wait. */
	if (by_itself && dev->certs.n < REC_CERTS_MAX)
		return STEP_NOTHING;
	a->done = REC_ALLOWED_RENEW;
	dev->allow_renew = true;
	return STEP_CHANGED;
}

enum q_err
rec_device_allow(struct wire_client *c, const char *id,
    const struct rec_actor *by, enum rec_allowed *ret_allowed,
    struct fault *f)
{
	struct allow a = { .client = c };
	bool changed;
	enum q_err r = device_change(c, id, step_allow, &a, &changed, f);

	if (a.error != Q_OK)
		return a.error;
	if (r == Q_OK)
		*ret_allowed = a.done;
	return r == Q_OK && changed
	    ? rec_actor_note(c, by, "device allow", id, f) : r;
}

static enum step
step_approve(struct rec_device *dev, void *arg, struct fault *f)
{
	(void)arg;
	if (dev->approval == DEVICE_APPROVAL_APPROVED)
		return STEP_NOTHING;
	if (dev->approval != DEVICE_APPROVAL_WAITING ||
	    dev->state == DEVICE_REVOKED ||
	    dev->intent == DEVICE_INTENT_DELETE) {
		fault_set(f, Q_CONFLICT,
		    "device %.64s does not wait for approval", dev->key);
		return STEP_REFUSED;
	}
	dev->approval = DEVICE_APPROVAL_APPROVED;
	return STEP_CHANGED;
}

enum q_err
rec_device_approve(struct wire_client *c, const char *id,
    const struct rec_actor *by, struct fault *f)
{
	bool changed;
	enum q_err r = device_change(c, id, step_approve, NULL, &changed, f);

	return r == Q_OK && changed
	    ? rec_actor_note(c, by, "device approve", id, f) : r;
}

static enum step
step_delete(struct rec_device *dev, void *arg, struct fault *f)
{
	(void)arg;
	(void)f;
	if (dev->intent == DEVICE_INTENT_DELETE)
		return STEP_NOTHING;
	dev->intent = DEVICE_INTENT_DELETE;
	return STEP_CHANGED;
}

enum q_err
rec_device_remove(struct wire_client *c, const char *id,
    const struct rec_actor *by, struct fault *f)
{
	bool changed;
	enum q_err r = device_change(c, id, step_delete, NULL, &changed, f);

	return r == Q_OK && changed
	    ? rec_actor_note(c, by, "device delete", id, f) : r;
}

struct move {
	struct wire_client *client;
	const char *to;
	char was[REC_NAME_MAX + 1];
	enum q_err error;
};

/* Whether a batch takes devices and lets them go. */
static enum q_err
batch_open(struct wire_client *c, const char *name, struct fault *f)
{
	struct rec_batch batch;
	enum q_err r = rec_batch_get(c, name, &batch, f);

	if (r == Q_NOTFOUND)
		return fault_set(f, r, "no batch %.64s", name);
	if (r == Q_OK && batch.deleting)
		return fault_set(f, Q_CONFLICT, "batch %.64s is being deleted",
		    name);
	return r;
}

static enum step
step_move(struct rec_device *dev, void *arg, struct fault *f)
{
	struct move *m = arg;

	m->error = Q_OK;
	if (strcmp(dev->batch, m->to) == 0)
		return STEP_NOTHING;
	if (dev->intent == DEVICE_INTENT_DELETE)
		m->error = fault_set(f, Q_CONFLICT,
		    "device %.64s is being deleted", dev->key);
	if (m->error == Q_OK)
		m->error = batch_open(m->client, dev->batch, f);
	if (m->error == Q_OK)
		m->error = batch_open(m->client, m->to, f);
	if (m->error != Q_OK)
		return STEP_REFUSED;
	memcpy(m->was, dev->batch, sizeof(m->was));
	snprintf(dev->batch, sizeof(dev->batch), "%s", m->to);
	return STEP_CHANGED;
}

static enum step
step_move_back(struct rec_device *dev, void *arg, struct fault *f)
{
	const struct move *m = arg;

	(void)f;
	if (strcmp(dev->batch, m->to) != 0 ||
	    dev->intent == DEVICE_INTENT_DELETE)
		return STEP_NOTHING;
	memcpy(dev->batch, m->was, sizeof(m->was));
	return STEP_CHANGED;
}

/* A batch may have begun to be deleted after step_move looked. Deleted with
 * the one it came from, its certificates may be revoked by now, so it goes
 * all the way; from the other it comes back. */
static enum q_err
move_stays(struct move *m, const char *id, struct fault *f)
{
	bool changed;
	enum q_err r = batch_open(m->client, m->was, f), undone = Q_OK;

	if (r == Q_CONFLICT || r == Q_NOTFOUND) {
		undone = device_change(m->client, id, step_delete, NULL,
		    &changed, NULL);
	} else if (r == Q_OK) {
		r = batch_open(m->client, m->to, f);
		if (r == Q_CONFLICT || r == Q_NOTFOUND)
			undone = device_change(m->client, id, step_move_back,
			    m, &changed, NULL);
	}
	return undone == Q_OK || undone == Q_NOTFOUND ? r : undone;
}

enum q_err
rec_device_move(struct wire_client *c, const char *id, const char *batch,
    const struct rec_actor *by, struct fault *f)
{
	struct move m = { .client = c, .to = batch };
	char detail[2 * REC_NAME_MAX + 16];
	bool changed;
	enum q_err r;

	if (strlen(batch) > REC_NAME_MAX)
		return fault_set(f, Q_NOTFOUND, "no batch %.64s...", batch);
	r = device_change(c, id, step_move, &m, &changed, f);
	if (m.error != Q_OK)
		return m.error;
	if (r != Q_OK || !changed)
		return r;
	r = move_stays(&m, id, f);
	snprintf(detail, sizeof(detail), "from %s to %s", m.was, batch);
	return r == Q_OK
	    ? rec_actor_tell(c, by, "device move", id, detail, f) : r;
}

/* No device comes into it by itself any more. */
static enum q_err
batch_unused(struct wire_client *c, const char *name, struct fault *f)
{
	static const enum rec_type types[] = { REC_AUTH_CERT, REC_TOKEN };
	union rec_any rec;

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		AUTO_REC_LIST struct rec_list it =
		    REC_LIST(c, types[i], "batch", name);
		enum q_err r;

		it.page = 1;
		r = rec_list_next(&it, &rec, f);
		if (r == Q_OK)
			return fault_set(f, Q_CONFLICT, "batch %.64s is used "
			    "by %s %.64s", name, types[i] == REC_TOKEN ?
			    "token" : "Auth Cert", types[i] == REC_TOKEN ?
			    rec.head.key : rec.auth_cert.name);
		if (r != Q_NOTFOUND)
			return r;
	}
	return Q_OK;
}

enum q_err
rec_batch_remove(struct wire_client *c, const char *name,
    const struct rec_actor *by, struct fault *f)
{
	struct rec_batch batch;
	enum q_err r = Q_CONFLICT;

	for (int i = 0; i < TRIES && r == Q_CONFLICT; i++) {
		r = rec_batch_get(c, name, &batch, f);
		if (r == Q_NOTFOUND)
			return fault_set(f, r, "no batch %.64s", name);
		if (r != Q_OK || batch.deleting)
			return r;
		r = batch_unused(c, name, f);
		if (r != Q_OK)
			return r;
		batch.deleting = true;
		r = rec_batch_put(c, &batch, f);
	}
	return r == Q_OK ? rec_actor_note(c, by, "batch delete", name, f) : r;
}

static enum q_err
policy_read(struct wire_client *c, const char *name, struct fault *f)
{
	struct rec_policy policy;
	enum q_err r = rec_policy_get(c, name, &policy, f);

	return r == Q_NOTFOUND
	    ? fault_set(f, r, "no policy %.64s", name) : r;
}

static enum q_err
batch_make(struct wire_client *c, struct rec_batch *batch, struct fault *f)
{
	enum q_err r = policy_read(c, batch->policy, f);

	if (r != Q_OK)
		return r;
	batch->created_at = clock_wall();
	r = rec_batch_insert(c, batch, f);
	if (r == Q_EXISTS)
		return fault_set(f, r, "batch %.64s exists already",
		    batch->key);
	/* rec_policy_remove may have looked before the insert: one of the
	 * two sees the other. */
	if (r == Q_OK)
		r = policy_read(c, batch->policy, f);
	if (r == Q_NOTFOUND &&
	    rec_batch_delete(c, batch->key, batch->rev, NULL) != Q_OK)
		return fault_set(f, Q_CONFLICT,
		    "policy %.64s went away meanwhile; delete the batch",
		    batch->policy);
	return r;
}

/* Whether a batch that is there is what an earlier try left: empty, and
 * under the same policy. EXISTS if not. */
static enum q_err
batch_again(struct wire_client *c, const struct rec_batch *want,
    struct fault *f)
{
	struct rec_batch have;
	struct rec_device_counts n;
	enum q_err r = rec_load_undo(c, want->key, f);

	if (r == Q_OK)
		r = rec_batch_get(c, want->key, &have, f);
	if (r == Q_OK)
		r = rec_device_counters(c, want->key, &n, f);
	if (r == Q_OK && (n.devices > 0 || have.deleting ||
	    strcmp(have.policy, want->policy) != 0))
		r = fault_set(f, Q_EXISTS, "batch %.64s exists already",
		    want->key);
	return r;
}

/* Take back a batch that was just made and whose load was refused. */
static void
batch_unmake(struct wire_client *c, const char *name)
{
	struct rec_batch batch;

	if (rec_batch_get(c, name, &batch, NULL) != Q_OK ||
	    batch.load_id[0] != '\0')
		return;
	/* An empty batch that stays does no harm: batch_again. */
	if (rec_batch_delete(c, name, batch.rev, NULL) != Q_OK)
		return;
}

enum q_err
rec_batch_create(struct wire_client *c, struct rec_batch *batch,
    struct fleet *fl, rec_load_progress *progress,
    const struct rec_actor *by, struct fault *f)
{
	enum q_err r = fl != NULL ? fleet_check(fl, f) : Q_OK;
	bool made;

	if (r == Q_OK)
		r = batch_make(c, batch, f);
	made = r == Q_OK;
	if (r == Q_EXISTS && fl != NULL)
		r = batch_again(c, batch, f);
	if (r == Q_OK && fl != NULL)
		r = rec_load_devices(c, batch->key, fl, progress, NULL, f);
	if (r == Q_OK)
		return rec_actor_note(c, by, "batch create", batch->key, f);
	if (made)
		batch_unmake(c, batch->key);
	return r;
}

static enum q_err
policy_unused(struct wire_client *c, const char *name, struct fault *f)
{
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(c, REC_BATCH, "policy", name);
	struct rec_batch batch;
	enum q_err r;

	it.page = 1;
	r = rec_list_next(&it, &batch, f);
	if (r == Q_OK)
		return fault_set(f, Q_CONFLICT,
		    "policy %.64s is used by batch %.64s", name, batch.key);
	return r == Q_NOTFOUND ? Q_OK : r;
}

enum q_err
rec_policy_remove(struct wire_client *c, const char *name,
    const struct rec_actor *by, struct fault *f)
{
	struct rec_policy policy;
	enum q_err r = rec_policy_get(c, name, &policy, f);

	if (r == Q_NOTFOUND)
		return fault_set(f, r, "no policy %.64s", name);
	if (r == Q_OK)
		r = policy_unused(c, name, f);
	if (r == Q_OK)
		r = rec_policy_delete(c, name, policy.rev, f);
	return r == Q_OK ? rec_actor_note(c, by, "policy delete", name, f) : r;
}

enum q_err
rec_setting_set(struct wire_client *c, const char *name, const char *value,
    struct fault *f)
{
	struct rec_setting s;
	enum q_err r = Q_CONFLICT;

	for (int i = 0; i < TRIES && (r == Q_CONFLICT || r == Q_EXISTS); i++) {
		r = rec_setting_get(c, name, &s, f);
		if (r == Q_OK && strcmp(s.value, value) == 0)
			return r;
		if (r != Q_OK && r != Q_NOTFOUND)
			return r;
		if (r == Q_NOTFOUND) {
			memset(&s, 0, sizeof(s));
			snprintf(s.key, sizeof(s.key), "%s", name);
		}
		snprintf(s.value, sizeof(s.value), "%s", value);
		r = s.rev == 0 ? rec_setting_insert(c, &s, f)
			       : rec_setting_put(c, &s, f);
	}
	return r;
}
