// SPDX-License-Identifier: Apache-2.0
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <pthread.h>

#include "http/cw.h"
#include "http/http.h"
#include "http/park.h"

struct http_server {
	struct http_config cfg; /* with the defaults filled in */
	const struct http_route *routes;
	size_t n_routes;
	void *ctx;
	struct cw *cw;
	struct park *park;
	int listener;
	uint16_t port;
	pthread_mutex_t tls_lock;
	struct ssl_ctx_st *tls; /* under tls_lock */
	_Atomic uint64_t handshakes, resumed, requests;
};

/* The largest head, and room for the first bytes of a body. */
#define HTTP_READ_SIZE (HTTP_LINE_MAX + HTTP_HEAD_MAX + 4096)

/* What the workers do; ctx is the server. */
extern const struct cw_ops http_worker_ops;

/* The certificate in use now; the caller's reference. */
struct ssl_ctx_st *http_server_tls(struct http_server *s);

#endif
