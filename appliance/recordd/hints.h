// SPDX-License-Identifier: Apache-2.0
#ifndef RECORDD_HINTS_H
#define RECORDD_HINTS_H

/*
 * Streams of hints that records changed. A thread of its own sends them, so
 * that a slow reader delays no writer; who does not read is cut off. When
 * more happens than can be told, a hint says "several" instead.
 */

#include "records/records_ops.h"
#include "wire/server.h"

struct hints;

enum q_err hints_start(struct hints **ret_hints) Q_CHECKED;

/* End the streams, then refuse new ones. */
void hints_stop(struct hints *h);
void hints_free(struct hints *h);

/* Serve the types of mask to a request; PENDING, BUSY, UNAVAIL. */
enum q_err hints_watch(struct hints *h, struct wire_req *q,
    uint64_t mask) Q_CHECKED;

/* A record changed; key NULL: several of its type did. Never waits. */
void hints_post(struct hints *h, enum rec_type type, const char *key);

unsigned hints_watchers(struct hints *h);

#endif
