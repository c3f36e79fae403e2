// SPDX-License-Identifier: Apache-2.0
#ifndef ENROLD_CRLS_H
#define ENROLD_CRLS_H

/*
 * The revocation list of each issuing CA: built from the `revoked` records,
 * signed by signd, kept in memory and in ${state}/enrold/ID.crl so that a
 * restart serves at once.
 */

#include "enrold/core.h"
#include "http/http.h"

struct crls;

enum q_err crls_new(struct core *core, struct crls **ret_crls) Q_CHECKED;
void crls_free(struct crls *c);

/* Certificates of this issuer ("": of all) have been revoked. */
void crls_dirty(struct crls *c, const char *issuer);

/* Build those that are dirty, not there yet, or past half of their time.
 * Errors are logged; what failed is tried again at the next call. */
void crls_work(struct crls *c);

/* GET /crl/ID.crl, /ca/ID.cer, /ca/root.cer on the plain port; ctx is the
 * struct core. */
#define PUBLIC_ROUTES 2
extern const struct http_route public_routes[PUBLIC_ROUTES];

#endif
