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
	uint8_t *peer_der;
	struct peer peer;
	char binding[HTTP_BINDING_MAX * 2];
};
#define AUTO_FRONT __attribute__((cleanup(front_end)))
void front_end(struct front *fr);

/* Who asks. need_peer: judge the client certificate too (DENIED). */
enum q_err front_begin(struct core *core, const struct http_request *rq,
    bool need_peer, struct front *fr, struct fault *f) Q_CHECKED;

/* The channel binding of the request's connection as challengePassword
 * carries it (RFC 7030 3.5): base64 of tls-unique, in TLS 1.3 of tls-exporter
 * (RFC 9266). NULL when there is none. */
const char *front_binding(const struct http_request *rq, struct front *fr);

/* A certification request in base64 of its DER, with or without the lines
 * of PEM around it, appended to out. PROTO, TOOBIG. */
enum q_err csr_text_decode(struct bytes text, struct buf *out,
    struct fault *f) Q_CHECKED;

/* The protocols' routes, put into the device port's table. */
#define EST_ROUTES 8
#define NATIVE_ROUTES 2
extern const struct http_route est_routes[EST_ROUTES];
extern const struct http_route native_routes[NATIVE_ROUTES];

#endif
