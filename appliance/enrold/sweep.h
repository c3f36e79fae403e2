// SPDX-License-Identifier: Apache-2.0
#ifndef ENROLD_SWEEP_H
#define ENROLD_SWEEP_H

/*
 * What time and operators leave to be done on the records. Every step may
 * be killed and done again: what a record says is left to do is cleared by
 * the last write of the step, and the writes before it may be repeated.
 */

#include "enrold/core.h"
#include "enrold/crls.h"

struct sweep {
	struct core *core;
	struct crls *crls;
	bool more;	/* set when there is work left for another sweep */
};

/* Devices whose last certificate has ended become expired. */
enum q_err sweep_expired(struct sweep *s, struct fault *f) Q_CHECKED;

/* Certificates of revoked devices go to the CRL; deleted devices go too. */
enum q_err sweep_intents(struct sweep *s, struct fault *f) Q_CHECKED;

/* Revoked certificates that ended, and have been on a list since, need no
 * record any more (RFC 5280 3.3). */
enum q_err sweep_revoked(struct sweep *s, struct fault *f) Q_CHECKED;

/* Batches that are being deleted, and loads that were abandoned. */
enum q_err sweep_batches(struct sweep *s, struct fault *f) Q_CHECKED;

#endif
