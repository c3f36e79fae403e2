// SPDX-License-Identifier: Apache-2.0
#ifndef ENROLD_THROTTLE_H
#define ENROLD_THROTTLE_H

/*
 * Who keeps on sending wrong tokens has to wait: failures are counted by
 * address (of IPv6 the /64) and by what was sent, and beyond
 * THROTTLE_FREE of them each one costs twice the time of the one before, up
 * to THROTTLE_MAX seconds. Waiting is no failure. A token that was right a
 * while ago is let through from everywhere, so that others behind the same
 * NAT are not shut out. The tables are of fixed size: what was not heard of
 * for longest makes room.
 */

#include "base/err.h"

#define THROTTLE_FREE 10
#define THROTTLE_MAX 300	/* seconds */

struct throttle;

enum q_err throttle_new(struct throttle **ret_throttle) Q_CHECKED;
void throttle_free(struct throttle *t);

/* Whether a token may be looked at now: BUSY, with the seconds to wait.
 * from: an address; what: the token's digest or name. */
enum q_err throttle_check(struct throttle *t, const char *from,
    const char *what, struct fault *f) Q_CHECKED;

/* It was wrong; it was right. what NULL: the address alone is to blame, as
 * for a token that there is, sent under another batch's certificate or out of
 * its dates. Only a digest is proof enough to be let through later: passed is
 * not for names. */
void throttle_failed(struct throttle *t, const char *from, const char *what);
void throttle_passed(struct throttle *t, const char *what);

/* The clock, in ms, for tests; NULL: clock_mono_ms. */
void throttle_clock(struct throttle *t, int64_t (*now_ms)(void));

#endif
