// SPDX-License-Identifier: Apache-2.0
#ifndef WEBD_TOTP_H
#define WEBD_TOTP_H

/* The second factor: time-based codes (RFC 6238: SHA-1, 30 s, 6 digits), one
 * step to either side, each good once; and recovery codes. */
#include "webd/web.h"

#define TOTP_SEED_LEN 20
#define TOTP_DIGITS 6
#define TOTP_SECRET 32 /* the seed in base32 (RFC 4648 6) */
#define TOTP_RECOVERY_CODES 10
#define TOTP_RECOVERY_LEN 11 /* "abcde-fghij": 50 bits */

/* The code of a step. */
uint32_t totp_code(const uint8_t seed[TOTP_SEED_LEN], int64_t step);

/* The step behind `used` whose code it is, within one of the present; 0:
 * none. */
int64_t totp_match(const uint8_t seed[TOTP_SEED_LEN], int64_t now,
    int64_t used, const char *code);

void totp_secret(const uint8_t seed[TOTP_SEED_LEN],
    char out[TOTP_SECRET + 1]);

/* A new seed, sealed into *user; not yet on. */
enum q_err totp_new(struct web *w, struct rec_user *user,
    uint8_t ret_seed[TOTP_SEED_LEN], struct fault *f) Q_CHECKED;

/* A code, or a recovery code, of a user with a seed: marked as used in *user,
 * which the caller must put by its revision, so that of two who show the same
 * one loses. UNAUTH. */
enum q_err totp_check(struct web *w, struct rec_user *user, const char *code,
    struct fault *f) Q_CHECKED;

/* New recovery codes: their digests into *user, themselves as strings. */
enum q_err totp_recovery(struct rec_user *user,
    struct json_object **ret_codes) Q_CHECKED;

#endif
