// SPDX-License-Identifier: Apache-2.0
#ifndef QUOINCTL_BATCH_H
#define QUOINCTL_BATCH_H

/* What commands about batches and about devices share. */

#include "quoinctl/ctl.h"
#include "records/fleet.h"

/* Counters as members of an object. */
void out_counts(struct json_object *o, const struct rec_device_counts *n);

/* NOTFOUND says what to do. */
enum q_err batch_read(struct ctl *c, const char *name,
    struct rec_batch *ret_batch, struct fault *f) Q_CHECKED;

/* rec_load_devices, telling everything that is wrong with the list. */
enum q_err batch_load(struct ctl *c, const char *name, struct fleet *fl,
    struct fault *f) Q_CHECKED;

/* Wait some seconds, unless told not to, until enrold has deleted it; say
 * how far it is. */
enum q_err wait_gone(struct ctl *c, enum rec_type type, const char *key,
    struct fault *f) Q_CHECKED;

#endif
