// SPDX-License-Identifier: Apache-2.0
#ifndef ENROLD_OCSP_H
#define ENROLD_OCSP_H

/*
 * Certificate status by OCSP (RFC 6960, RFC 5019) on the plain port: out of
 * memory, out of the table of answers signed ahead, or signed when asked.
 * What the revocation lists will say goes before anything that was kept.
 */

#include "enrold/core.h"
#include "http/http.h"

struct ocsp;

/* Opens ${state}/enrold/ocsp.answers. */
enum q_err ocsp_new(struct core *core, struct ocsp **ret_ocsp) Q_CHECKED;
void ocsp_free(struct ocsp *o);

/* Sign answers ahead, on a thread of its own that ocsp_free ends. */
enum q_err ocsp_start(struct ocsp *o) Q_CHECKED;

/* POST /ocsp, GET /ocsp/BASE64 on the plain port; ctx is the struct core. */
#define OCSP_ROUTES 2
extern const struct http_route ocsp_routes[OCSP_ROUTES];

/* Requests that may wait for signatures; the port has more workers. */
#define OCSP_WAIT_MAX 48

#endif
