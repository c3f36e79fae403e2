// SPDX-License-Identifier: Apache-2.0
#ifndef ENROLD_LOOKUP_H
#define ENROLD_LOOKUP_H

/* From the records to the case that the rules judge. */

#include "enrold/core.h"

/* What a case points into. */
struct lookup {
	struct rec_device dev;
	struct rec_batch batch, labelled;
	struct rec_policy policy;
	struct rec_auth_cert auth;
	struct rec_token token;
};

/* Fill in everything of the case behind ask, csr, peer and device_id, which
 * are set; batches and policies as of the last seconds unless fresh. Device,
 * Auth Cert and token are always read. What is not there is NULL. BUSY for a
 * token of somebody who sent wrong ones; errors of recordd. */
enum q_err lookup_case(struct core *core, bool fresh, struct lookup *l,
    struct enrol_case *c, struct fault *f) Q_CHECKED;

#endif
