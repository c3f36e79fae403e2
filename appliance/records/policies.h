// SPDX-License-Identifier: Apache-2.0
#ifndef RECORDS_POLICIES_H
#define RECORDS_POLICIES_H

/* Policies as people make and change them, the same from the command line
 * and from the web: the record here, its issuing CA in signd. */
#include "records/actions.h"

/* How signd is told: make the issuing CA of the policy, or change what it may
 * do. make: EXISTS or CONFLICT for one with other parameters. */
struct rec_issuing {
	enum q_err (*make)(void *ctx, const struct rec_policy *p,
	    struct fault *f);
	enum q_err (*set)(void *ctx, const struct rec_policy *p,
	    struct fault *f);
	void *ctx;
};

/* Whether a policy promises what it can keep. INVALID. */
enum q_err rec_policy_fits(const struct rec_policy *p,
    struct fault *f) Q_CHECKED;

/* Whether two say the same. */
bool rec_policy_same(const struct rec_policy *a, const struct rec_policy *b);

/* Make a policy; the same again: OK. EXISTS for another of that name. */
enum q_err rec_policy_make(struct wire_client *c, struct rec_policy *p,
    const struct rec_issuing *ca, const struct rec_actor *by,
    struct fault *f) Q_CHECKED;

/* Write p in the place of old, whose revision it has: CONFLICT. */
enum q_err rec_policy_change(struct wire_client *c, struct rec_policy *p,
    const struct rec_policy *old, const struct rec_issuing *ca,
    const struct rec_actor *by, struct fault *f) Q_CHECKED;

#endif
