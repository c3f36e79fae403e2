// SPDX-License-Identifier: Apache-2.0
#ifndef SIGND_CHECKED_H
#define SIGND_CHECKED_H

#include "signd/sign_shape.h"
#include "signd/signd.h"

/*
 * Signatures that are verified in software before they leave: a fault in the
 * token, or a handle that has become another key's, must not get out of the
 * house. One that does not verify is made once more after a new search for
 * the key; if that does not help, the worker is started again. UNAVAIL then,
 * and when the key is not in the token.
 */
enum q_err checked_sign(struct signd *s, const struct key *k,
    const struct sign_shape *shape, struct buf *out,
    struct fault *f) Q_CHECKED;

/* ECDSA over SHA-256 digests, one behind the other, at most TOKEN_MANY_MAX:
 * as many times r || s. */
enum q_err checked_sign_many(struct signd *s, const struct key *k,
    struct bytes digests, struct buf *out, struct fault *f) Q_CHECKED;

#endif
