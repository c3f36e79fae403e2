// SPDX-License-Identifier: Apache-2.0
#ifndef SIGND_SIGN_ONCE_H
#define SIGND_SIGN_ONCE_H

#include "signd/sign_shape.h"
#include "signd/signd.h"
#include "signd/use.h"

/* A signature by a firmware, update or codesign key that somebody asks
 * for. */
struct sign_ask {
	enum signd_op op;
	struct key_use_ask use;
	const struct key *key;
	const struct sign_shape *shape;
	struct bytes nonce;
	const char *user;	/* for whom, as a front end says; or NULL */
	const char *meaning;	/* what it is, as it says; or NULL */
};

/*
 * The signature, verified in software and in the journal before it is given
 * away; asked again with everything the same, also after a crash, the very
 * same one. DENIED, BUSY: the key's rules. WAIT: approvals are missing.
 */
enum q_err sign_once(struct signd *s, const struct keyring *ring,
    const struct sign_ask *ask, struct buf *out, struct fault *f) Q_CHECKED;

#endif
