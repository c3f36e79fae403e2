// SPDX-License-Identifier: Apache-2.0
#ifndef ENROLD_HOUSE_H
#define ENROLD_HOUSE_H

/*
 * Housekeeping: two threads. One listens to recordd's hints. The other makes
 * a round twice a second: certificates of the appliance, sweeps over the
 * records (of several appliances on one store only the one that holds the
 * lease), CRLs.
 */

#include "enrold/core.h"
#include "enrold/crls.h"

struct house;

/* look is called on the housekeeping thread every few seconds, when the
 * appliance's own certificates have been read again. */
enum q_err house_start(struct core *core, struct crls *crls,
    void (*look)(void *ctx), void *ctx,
    struct house **ret_house) Q_CHECKED;
void house_stop(struct house *h);

#endif
