// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "records/policies.h"

#include <string.h>

#include "records/logs.h"

#define FOLLOW_TRIES 4

enum q_err
rec_policy_fits(const struct rec_policy *p, struct fault *f)
{
	if (p->issuing_lifetime >= p->device_lifetime)
		return Q_OK;
	return fault_set(f, Q_INVALID, "the issuing lifetime is shorter than "
	    "the device lifetime: devices could not get what the policy "
	    "promises");
}

bool
rec_policy_same(const struct rec_policy *a, const struct rec_policy *b)
{
	const struct rec_desc *d = rec_desc(REC_POLICY);

	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->fields[i].name, "created_at") != 0 &&
		    !rec_same(&d->fields[i], a, b))
			return false;
	return true;
}

/*
 * First the CA, then the record: a policy that can be seen can issue. Cut
 * short between them, the same request finds the CA and goes on; with other
 * parameters it changes the CA, which nobody has used.
 */
enum q_err
rec_policy_make(struct wire_client *c, struct rec_policy *p,
    const struct rec_issuing *ca, const struct rec_actor *by, struct fault *f)
{
	struct rec_policy old;
	enum q_err r = rec_policy_fits(p, f);

	if (r == Q_OK)
		r = rec_policy_get(c, p->key, &old, f);
	if (r == Q_OK && rec_policy_same(p, &old))
		return ca->make(ca->ctx, p, f);
	if (r == Q_OK)
		return fault_set(f, Q_EXISTS, "policy %s exists and is "
		    "different: edit it", p->key);
	if (r != Q_NOTFOUND)
		return r;
	r = ca->make(ca->ctx, p, f);
	if (r == Q_EXISTS || r == Q_CONFLICT)
		r = ca->set(ca->ctx, p, f);
	if (r == Q_OK)
		r = rec_policy_insert(c, p, f);
	return r == Q_OK ? rec_actor_note(c, by, "policy create", p->key, f)
	    : r;
}

/* Somebody was faster: the record has his rules, the CA may have those that
 * were not taken. */
static void
ca_follow(struct wire_client *c, const char *name,
    const struct rec_issuing *ca)
{
	struct rec_policy p;
	uint64_t rev = 0;

	for (int i = 0; i < FOLLOW_TRIES; i++) {
		if (rec_policy_get(c, name, &p, NULL) != Q_OK ||
		    p.rev == rev || ca->set(ca->ctx, &p, NULL) != Q_OK)
			return;
		rev = p.rev;
	}
}

enum q_err
rec_policy_change(struct wire_client *c, struct rec_policy *p,
    const struct rec_policy *old, const struct rec_issuing *ca,
    const struct rec_actor *by, struct fault *f)
{
	enum q_err r = rec_policy_fits(p, f);

	/* Also when nothing changes: an edit that was cut short between the
	 * two leaves the CA to be told. */
	if (r == Q_OK)
		r = ca->set(ca->ctx, p, f);
	if (r != Q_OK || rec_policy_same(p, old))
		return r;
	r = rec_policy_put(c, p, f);
	if (r == Q_CONFLICT)
		ca_follow(c, p->key, ca);
	return r == Q_OK ? rec_actor_edited(c, by, rec_desc(REC_POLICY), old,
	    p, f) : r;
}
