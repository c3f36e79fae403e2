// SPDX-License-Identifier: Apache-2.0
#ifndef ENROLD_NOTES_H
#define ENROLD_NOTES_H

/*
 * Activity records of enrolments, written behind the answer by threads of
 * their own: the device does not wait for them. When they cannot be written
 * for long, the newest are dropped and counted in the log.
 */

#include <stdbool.h>

#include "wire/client.h"

struct notes;

enum q_err notes_start(struct wire_client *recordd,
    struct notes **ret_notes) Q_CHECKED;

/* Write what is queued, then end the threads. */
void notes_stop(struct notes *n);

void notes_enrolled(struct notes *n, const char *batch, const char *device,
    const char *from, bool renewed);

#endif
