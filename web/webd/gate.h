// SPDX-License-Identifier: Apache-2.0
#ifndef WEBD_GATE_H
#define WEBD_GATE_H

/*
 * Limits of what strangers may try. Failures of an address (an IPv6 /64 is
 * one), and those of an account, make the next try wait: 1, 2, 4 ... seconds,
 * never longer than half a minute for an account. Who comes from where the
 * account has logged in before waits for failures from there only: nobody
 * can lock others out. Kept in memory; the oldest go first.
 */
#include "webd/web.h"

/* May this account be tried from there now? BUSY with the seconds to wait.
 * account is what was typed, whether there is such a user or not; known: it
 * has logged in from there before. */
enum q_err gate_ask(struct web *w, const char *account, const char *from,
    bool known, struct fault *f) Q_CHECKED;

/* How it went. */
void gate_failed(struct web *w, const char *account, const char *from,
    bool known);
void gate_passed(struct web *w, const char *account, const char *from);

/* Few at a time from one address may have a password looked at, so that there
 * is room for others: BUSY, or until gate_leave(). */
enum q_err gate_enter(struct web *w, const char *from,
    struct fault *f) Q_CHECKED;
void gate_leave(struct web *w, const char *from);

/* The same for the six digits of a second factor, which few tries would
 * guess: up to ten minutes, from everywhere. Recovery codes do not wait. */
enum q_err gate_code_ask(struct web *w, const char *user,
    struct fault *f) Q_CHECKED;
void gate_code_failed(struct web *w, const char *user);
void gate_code_passed(struct web *w, const char *user);

/* Something that costs us, like a mail: so many from or to an address in an
 * hour. BUSY. */
enum q_err gate_spend(struct web *w, const char *what, const char *whom,
    unsigned per_hour, struct fault *f) Q_CHECKED;

/* A thing that is good once: false when it was seen before. Forgotten after
 * `seconds`. */
bool gate_once(struct web *w, const char *what, const uint8_t *id,
    size_t len, int64_t seconds);

/* Wait until a quarter of a second has gone by since begun (clock_mono_ms),
 * so that the time of an answer does not tell what was done. */
void gate_even(int64_t begun);

#endif
