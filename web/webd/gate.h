// SPDX-License-Identifier: Apache-2.0
#ifndef WEBD_GATE_H
#define WEBD_GATE_H

/*
 * Limits of what strangers may try. Failures of an address, and of an
 * account, make the next try wait: 1, 2, 4 ... seconds, never longer than
 * half a minute for an account, so that nobody can be locked out by others;
 * an address from which the account has logged in before does not wait for
 * those. Kept in memory; the oldest go first.
 */
#include "webd/web.h"

/* May this account be tried from there now? BUSY with the seconds to wait.
 * known: the account has logged in from there before. account may be "". */
enum q_err gate_ask(struct web *w, const char *account, const char *from,
    bool known, struct fault *f) Q_CHECKED;

/* How it went. */
void gate_failed(struct web *w, const char *account, const char *from);
void gate_passed(struct web *w, const char *account, const char *from);

/* Something that costs us, like a mail: so many from an address in an hour.
 * BUSY. */
enum q_err gate_spend(struct web *w, const char *what, const char *from,
    unsigned per_hour, struct fault *f) Q_CHECKED;

/* A thing that is good once: false when it was seen before. Forgotten after
 * `seconds`. */
bool gate_once(struct web *w, const char *what, const uint8_t *id,
    size_t len, int64_t seconds);

#endif
