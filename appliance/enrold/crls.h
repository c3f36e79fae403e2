// SPDX-License-Identifier: Apache-2.0
#ifndef ENROLD_CRLS_H
#define ENROLD_CRLS_H

/*
 * The revocation list of each issuing CA: built from the revset, signed by
 * signd, kept in memory and in ${state}/enrold/ID.crl so that a restart
 * serves at once. When it becomes long (crl.delta_bytes), a delta CRL tells
 * the news and the list itself is made less often (RFC 5280 5.2.4).
 */

#include "enrold/core.h"
#include "http/http.h"

struct crls;

enum q_err crls_new(struct core *core, struct crls **ret_crls) Q_CHECKED;
void crls_free(struct crls *c);

/* Certificates of this issuer ("": of all) have been revoked. */
void crls_dirty(struct crls *c, const char *issuer);

/* Others may have revoked this certificate ("": several): a hint. */
void crls_hint(struct crls *c, const char *key);

/* When the issuer's newest full list was made; a long time ahead for a CA
 * that has ended. */
int64_t crls_listed(struct crls *c, const char *issuer);

/* Build those that are dirty, not there yet, or past half of their time.
 * Errors are logged; what failed is tried again at the next call. */
void crls_work(struct crls *c);

/* GET /crl/ID.crl, /crl/ID-delta.crl, /ca/ID.cer, /ca/root.cer on the plain port; ctx is the
 * struct core. */
#define PUBLIC_ROUTES 2
extern const struct http_route public_routes[PUBLIC_ROUTES];

#endif
