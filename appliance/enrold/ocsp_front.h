// SPDX-License-Identifier: Apache-2.0
#ifndef ENROLD_OCSP_FRONT_H
#define ENROLD_OCSP_FRONT_H

/*
 * The hottest OCSP responses, whole, in a bounded piece of memory: two that
 * fall on one place displace each other.
 */

#include "http/http.h"
#include "signer/signer.h"
#include "x509/ocsp.h"

/* What a response without a nonce is about. Zeroed before it is filled in:
 * it is compared as bytes. */
struct ocsp_key {
	char issuer[SIGND_ID_LEN + 1];
	uint8_t form;
	uint8_t serial_len;
	uint8_t serial[OCSP_SERIAL_MAX];
};

#define OCSP_ETAG_LEN 34 /* with its quotes */

/* A response as it is served. */
struct ocsp_ready {
	enum ocsp_status status;
	int64_t this_update, next_update;
	int64_t until;		/* wall: when not to serve it any more */
	char etag[OCSP_ETAG_LEN + 1];
	struct bytes der;	/* borrowed */
};

struct ocsp_front;

enum q_err ocsp_front_new(struct ocsp_front **ret_front) Q_CHECKED;
void ocsp_front_free(struct ocsp_front *c);

/* Append its DER to body; *ret_ready without der. False when there is none
 * that may still be served. */
bool ocsp_front_get(struct ocsp_front *c, const struct ocsp_key *key,
    struct ocsp_ready *ret_ready, struct buf *body);

/* Copies what it keeps. */
void ocsp_front_put(struct ocsp_front *c, const struct ocsp_key *key,
    const struct ocsp_ready *ready);

#endif
