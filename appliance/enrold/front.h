// SPDX-License-Identifier: Apache-2.0
#ifndef ENROLD_FRONT_H
#define ENROLD_FRONT_H

/* What the protocols of the device port share, between HTTP and the core. */

#include "enrold/core.h"
#include "http/http.h"

/* A request's peer and connection. Begin with memset 0, end with
 * front_end(), also after an error. */
struct front {
	struct pki *pki;
	struct buf certs; /* that TLS showed, one behind the other */
	struct peer peer;
	char binding[HTTP_BINDING_MAX * 2];
};
#define AUTO_FRONT __attribute__((cleanup(front_end)))
void front_end(struct front *fr);

/* Who it is that showed chain[0], by whatever protocol, with the others that
 * came along; n 0: nothing. Also a certificate of a manufacturer's whose
 * Auth Cert was imported. DENIED; errors of recordd. May replace *pki by a
 * newer one; *ret_peer borrows from chain[0]. */
enum q_err front_peer(struct core *core, const struct bytes *chain, size_t n,
    struct pki **pki, struct peer *ret_peer, struct fault *f) Q_CHECKED;

/* Who asks. need_peer: judge the client certificate too (DENIED). */
enum q_err front_begin(struct core *core, const struct http_request *rq,
    bool need_peer, struct front *fr, struct fault *f) Q_CHECKED;

/* The channel binding of the request's connection as challengePassword
 * carries it (RFC 7030 3.5): base64 of tls-unique, in TLS 1.3 of tls-exporter
 * (RFC 9266). NULL when there is none. */
const char *front_binding(const struct http_request *rq, struct front *fr);

/* The token of an Authorization header into text, for enrol_ask: *ret_token
 * is text or, without one, NULL. INVALID. The caller wipes text. */
#define FRONT_TOKEN_SIZE 257
enum q_err front_token(const struct http_request *rq,
    char text[FRONT_TOKEN_SIZE], const char **ret_token,
    struct fault *f) Q_CHECKED;

/* A certification request in base64 of its DER, with or without the lines
 * of PEM around it, appended to out. PROTO, TOOBIG. */
enum q_err csr_text_decode(struct bytes text, struct buf *out,
    struct fault *f) Q_CHECKED;

/* The protocols' routes, put into the device port's table. */
#define EST_ROUTES 10
#define NATIVE_ROUTES 2
#define CMP_ROUTES 5
extern const struct http_route est_routes[EST_ROUTES];
extern const struct http_route native_routes[NATIVE_ROUTES];
extern const struct http_route cmp_routes[CMP_ROUTES]; /* on both ports */

#endif
