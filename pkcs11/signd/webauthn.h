// SPDX-License-Identifier: Apache-2.0
#ifndef SIGND_WEBAUTHN_H
#define SIGND_WEBAUTHN_H

/*
 * Assertions of the Web Authentication API, level 2 (section 7.2), as an
 * approver gives them. The signature counter is not looked at: each challenge
 * is used once, and synchronised credentials do not count.
 */

#include "base/buf.h"
#include "x509/pubkey.h"

struct webauthn {
	struct bytes auth_data;		/* authenticatorData */
	struct bytes client_data;	/* clientDataJSON */
	struct bytes signature;		/* Ecdsa-Sig-Value, DER */
};

/* What it must say. */
struct webauthn_expect {
	const char *rp_id;
	const char *origin;
	uint8_t challenge[32];
};

/* clientDataJSON: a JSON object (RFC 8259) and nothing else, in which type,
 * challenge and origin are there once and as they must be; crossOrigin is
 * absent or false. INVALID: malformed; DENIED: says something else. */
enum q_err webauthn_client_data(struct bytes json,
    const struct webauthn_expect *want, struct fault *f) Q_CHECKED;

/* authenticatorData: for this relying party; the user was present and
 * verified. INVALID, DENIED. */
enum q_err webauthn_auth_data(struct bytes data, const char *rp_id,
    struct fault *f) Q_CHECKED;

/* All of it, by a P-256 key. SIGNATURE: does not verify. */
enum q_err webauthn_verify(const struct webauthn *a,
    const struct pubkey *key, const struct webauthn_expect *want,
    struct fault *f) Q_CHECKED;

#endif
