// SPDX-License-Identifier: Apache-2.0
#ifndef ENROLD_AUTHCERT_H
#define ENROLD_AUTHCERT_H

/*
 * Auth Certs: certificates of manufacturers' CAs that administrators have
 * imported. A device's certificate counts when it chains to one of them, over
 * intermediates that the device sends. Any CA of the chain may be the
 * imported one; of several the one next to the device says what is wanted.
 */

#include "enrold/peer.h"
#include "records/client.h"

#define AUTHCERT_CHAIN_MAX 8 /* certificates that a device may send */
#define AUTHCERT_DEPTH 4 /* intermediates between it and the imported one */

/* A set of Auth Certs as it was at one time. */
struct trust;

enum q_err trust_new(struct trust **ret_trust) Q_CHECKED;
void trust_free(struct trust *t);

/* PROTO for what is no certificate: others are not hurt by it. */
enum q_err trust_add(struct trust *t, const char *key, const char *name,
    struct bytes der, struct fault *f) Q_CHECKED;

/*
 * Path validation (RFC 5280 6) of the device certificate chain[0] with
 * others that came along, at the time now: dates, signatures, CA flags, path
 * lengths; keys of 112 bits of security or more. The device's key must be one
 * that has a DeviceID. DENIED with the reason, else the key of the Auth Cert.
 */
enum q_err trust_check(struct trust *t, const struct bytes *chain, size_t n,
    int64_t now, char ret_key[DEVICE_ID_LEN + 1],
    struct fault *f) Q_CHECKED;

/* The newest set, read through: hints of recordd drop it, and it is never
 * believed for longer than CACHE_MS. */
struct authcerts;

enum q_err authcerts_new(struct wire_client *recordd,
    struct authcerts **ret_ac) Q_CHECKED;
void authcerts_free(struct authcerts *ac);
void authcerts_forget(struct authcerts *ac);

/* trust_check with the newest set; who would be refused is judged again by
 * one that is no older than a moment. Fills in a PEER_AUTH. DENIED leaves f
 * alone where there are no Auth Certs at all. Also errors of recordd. */
enum q_err authcerts_identify(struct authcerts *ac,
    const struct bytes *chain, size_t n, struct peer *ret_peer,
    struct fault *f) Q_CHECKED;

#endif
