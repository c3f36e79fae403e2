// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/clock.h"
#include "enrold/lookup.h"

#define POLL_MAX 604800 /* what the protocol promises */
#define SEEN_SECONDS 43200

/* Within 10 % either way. */
static int64_t
jitter(int64_t seconds)
{
	uint32_t x = 0;

	if (getrandom(&x, sizeof(x), 0) != sizeof(x))
		return seconds;
	return seconds * (900 + x % 201) / 1000;
}

int64_t
core_poll_after(struct core *core, int64_t renew_at)
{
	int64_t rate = core->poll_rate, wait = core->poll_seconds;
	int64_t left = renew_at - clock_wall(), fleet;

	if (rate == 0)
		rate = core->conf->poll_rate;
	if (wait == 0)
		wait = core->conf->poll_seconds;
	fleet = (int64_t)core->devices / rate;
	wait = jitter(fleet > wait ? fleet : wait);
	if (wait > POLL_MAX)
		wait = POLL_MAX;
	if (renew_at != 0 && left < wait)
		wait = left;
	return wait < 1 ? 1 : wait;
}

/* When the device should come for renewal anyway; 0: not at all. */
static int64_t
renew_moment(const struct rec_device *dev, const struct rec_policy *policy,
    const struct rec_cert *rc)
{
	if (dev->state != DEVICE_ENROLLED || !policy->autorenew || rc == NULL)
		return 0;
	return renew_time(rc->not_before, rc->not_after);
}

/* Coarse, so that asking for the status is no write; a lost one is made up
 * for at the next contact. */
static void
note_seen(struct core *core, struct rec_device *dev, int64_t now)
{
	if (now - dev->last_seen < SEEN_SECONDS)
		return;
	dev->last_seen = now;
	(void)!rec_device_put(core->recordd, dev, NULL);
}

enum q_err
core_status(struct core *core, const struct peer *peer,
    struct status_answer *ret_answer, struct fault *f)
{
	struct enrol_ask ask = { 0 };
	struct lookup l;
	struct enrol_case c = { .ask = &ask, .peer = peer,
		.device_id = peer->device_id };
	const struct rec_cert *rc;
	int64_t renew_at;
	enum q_err r = Q_DENIED;

	if (peer->kind == PEER_NONE)
		return fault_set(f, Q_UNAUTH,
		    "status needs the device's TLS client certificate");
	memset(ret_answer, 0, sizeof(*ret_answer));
	for (int fresh = 0; fresh < 2 && r != Q_OK; fresh++) {
		r = lookup_case(core, fresh != 0, &l, &c, f);
		if (r != Q_OK)
			return r;
		r = rule_known(&c, f);
		if (r == Q_OK)
			r = rule_certificate(&c, f);
	}
	if (c.dev != NULL)
		ret_answer->state = l.dev.state;
	if (r != Q_OK)
		return r;
	rc = device_newest(&l.dev);
	renew_at = renew_moment(&l.dev, &l.policy, rc);
	snprintf(ret_answer->device_id, sizeof(ret_answer->device_id), "%s",
	    peer->device_id);
	snprintf(ret_answer->batch, sizeof(ret_answer->batch), "%.64s",
	    l.batch.key);
	ret_answer->state = device_state_now(&l.dev, c.now);
	ret_answer->renew = device_should_renew(&l.dev, &l.policy, c.now);
	ret_answer->not_after = rc != NULL ? rc->not_after : 0;
	ret_answer->poll_after = core_poll_after(core, renew_at);
	note_seen(core, &l.dev, c.now);
	return Q_OK;
}

const char *
device_state_text(int64_t state)
{
	static const char *const text[] = {
		[DEVICE_NOT_ENROLLED] = "not enrolled",
		[DEVICE_ENROLLED] = "enrolled",
		[DEVICE_EXPIRED] = "expired",
		[DEVICE_REVOKED] = "revoked",
	};

	return text[state];
}
