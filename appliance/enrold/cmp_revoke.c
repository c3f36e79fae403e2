// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "enrold/cmp.h"
#include "records/actions.h"

#define TRIES 20

static const char *
reason_name(uint64_t reason)
{
	/* A hold could not be lifted; of CAs we know more than devices do. */
	static const char *const names[] = { "revoked", "keyCompromise", NULL,
		"affiliationChanged", "superseded", "cessationOfOperation",
		NULL, NULL, NULL, "privilegeWithdrawn" };

	return reason < ARRAY_LEN(names) ? names[reason] : NULL;
}

/* Published first: what leaves the record is on the CRL already. */
static enum q_err
revoke_one(struct core *core, struct rec_device *dev, size_t at,
    const char *reason, struct fault *f)
{
	struct rec_certs *certs = &dev->certs;
	struct rec_cert rc = certs->c[at];
	enum q_err r;

	rc.revoked_at = clock_wall();
	r = core_publish(core, dev, &rc, reason, f);
	if (r != Q_OK)
		return r;
	certs->n--;
	memmove(&certs->c[at], &certs->c[at + 1],
	    (certs->n - at) * sizeof(certs->c[0]));
	/* Its request, sent again, gets another certificate. */
	if (at == 0)
		dev->request[0] = '\0';
	dev->due = device_due(dev);
	return rec_device_put(core->recordd, dev, f);
}

/* One that is not in the record any more may have been revoked before. */
static enum q_err
revoked_before(struct core *core, const struct cmp_target *target,
    struct fault *f)
{
	char key[REC_KEY_MAX + 1];
	struct rec_revoked rv;
	enum q_err r;

	snprintf(key, sizeof(key), "%s/%s", target->issuer, target->serial);
	r = rec_revoked_get(core->recordd, key, &rv, f);
	if (r == Q_NOTFOUND || (r == Q_OK &&
	    strcmp(rv.device, target->device_id) != 0))
		return fault_set(f, Q_NOTFOUND,
		    "certificate %s is none of the device's",
		    target->serial);
	return r;
}

static bool
has_cert(const struct rec_device *dev, const char *issuer,
    const char *serial, size_t *ret_at)
{
	for (size_t i = 0; i < dev->certs.n; i++)
		if (strcmp(dev->certs.c[i].serial, serial) == 0 &&
		    strcmp(dev->certs.c[i].issuer, issuer) == 0) {
			*ret_at = i;
			return true;
		}
	return false;
}

/* Who has the key of a certificate that was revoked may not take the others
 * from the device. */
static enum q_err
check_peer(const struct rec_device *dev, const struct peer *peer,
    struct fault *f)
{
	size_t at;

	if (peer == NULL || peer->kind != PEER_OURS ||
	    (has_cert(dev, peer->issuer, peer->serial, &at) &&
	    dev->certs.c[at].revoked_at == 0))
		return Q_OK;
	return fault_set(f, Q_DENIED, "the certificate that signed the rr is "
	    "not, or no longer, one of the device");
}

static enum q_err
revoke_round(struct core *core, const struct cmp_target *target,
    const char *reason, struct fault *f)
{
	const struct rec_actor by = { target->device_id, target->from };
	struct rec_device dev;
	enum q_err r = rec_device_get(core->recordd, target->device_id, &dev,
	    f);
	size_t i = 0;

	if (r == Q_NOTFOUND)
		return revoked_before(core, target, f);
	if (r != Q_OK)
		return r;
	if (!has_cert(&dev, target->issuer, target->serial, &i))
		return revoked_before(core, target, f);
	r = check_peer(&dev, target->peer, f);
	if (r != Q_OK)
		return r;
	if (target->whole)
		return rec_device_revoke(core->recordd, target->device_id,
		    &by, reason, f);
	r = revoke_one(core, &dev, i, reason, f);
	return r == Q_OK ? rec_actor_note(core->recordd, &by,
	    "certificate revoke", target->serial, f) : r;
}

enum q_err
cmp_revoke(struct core *core, const struct cmp_target *target,
    struct fault *f)
{
	const char *reason = reason_name(target->reason);
	enum q_err r = Q_CONFLICT;

	if (reason == NULL)
		return fault_set(f, Q_INVALID, "a device cannot revoke its "
		    "certificate for reason %llu",
		    (unsigned long long)target->reason);
	for (int i = 0; i < TRIES && r == Q_CONFLICT; i++)
		r = revoke_round(core, target, reason, f);
	return r == Q_CONFLICT ? fault_retry(f, Q_UNAVAIL, 1,
	    "the device's record changes too fast; try again") : r;
}
