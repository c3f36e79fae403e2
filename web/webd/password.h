// SPDX-License-Identifier: Apache-2.0
#ifndef WEBD_PASSWORD_H
#define WEBD_PASSWORD_H

/*
 * Passwords: argon2id (RFC 9106), whose result is MACed by a key in the token
 * (the pepper), so that a stolen store is no use without the token. What is
 * stored is the parameters, the salt and the MAC.
 */
#include "webd/web.h"

#define PASSWORD_MIN 12
#define PASSWORD_MAX 256

/* Whether a user may have this password: INVALID with the reason. */
enum q_err password_fits(const char *user, const char *password,
    struct fault *f) Q_CHECKED;

/* Set it in *user, with the time. Errors of signd; BUSY. */
enum q_err password_set(struct web *w, struct rec_user *user,
    const char *password, struct fault *f) Q_CHECKED;

/* Whether it is the user's: UNAUTH if not, after the same work; user NULL:
 * the work for nobody. from: the address that asks. BUSY with advice when too
 * many are being tried, there or in all. */
enum q_err password_check(struct web *w, const struct rec_user *user,
    const char *password, const char *from, struct fault *f) Q_CHECKED;

#endif
