// SPDX-License-Identifier: Apache-2.0
#ifndef RECORDS_LOAD_H
#define RECORDS_LOAD_H

/*
 * Loading DeviceIDs into a batch, all or nothing, with no more than writes of
 * single documents: the batch names the load under way, each device names
 * the load that brought it, and devices of a load under way do not count
 * (rec_device_valid). One write to the batch ends the load. Killed at any
 * instant, it leaves a load that rec_load_undo takes back.
 */

#include "records/client.h"
#include "records/fleet.h"

/* Seconds without a sign of life after which a load is abandoned. */
#define REC_LOAD_ABANDONED 60

/* Told now and then how many of all are stored. */
typedef void rec_load_progress(void *ctx, size_t done, size_t all);

/* Load the list into an existing batch; sorts the list. INVALID (nothing was
 * sent) and EXISTS (everything was taken back): every wrong ID is in
 * fl->bad. BUSY: another load into this batch is under way. NOTFOUND: no
 * such batch. progress may be NULL. */
enum q_err rec_load_devices(struct wire_client *c, const char *batch,
    struct fleet *fl, rec_load_progress *progress, void *ctx,
    struct fault *f) Q_CHECKED;

/* Take back the load that the batch names, if it is abandoned. OK also when
 * there is none; BUSY while it is alive. For housekeeping. */
enum q_err rec_load_undo(struct wire_client *c, const char *batch,
    struct fault *f) Q_CHECKED;

#endif
