// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "http/server.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <openssl/ssl.h>

#include "base/own.h"
#include "http/head.h"

static void
config_defaults(struct http_config *c)
{
	const struct {
		unsigned *field;
		unsigned value;
	} fill[] = {
		{ &c->workers, 64 }, { &c->parked_max, 16384 },
		{ &c->parked_per_address, 256 }, { &c->hello_ms, 10000 },
		{ &c->request_ms, 10000 }, { &c->idle_ms, 5000 },
		{ &c->body_max, 65536 },
	};

	for (size_t i = 0; i < ARRAY_LEN(fill); i++)
		if (*fill[i].field == 0)
			*fill[i].field = fill[i].value;
}

/* Accepted sockets inherit TCP_NODELAY and SO_KEEPALIVE. */
static int
listen_on(const struct addrinfo *ai, bool v6only)
{
	AUTO_FD int fd = socket(ai->ai_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, only = v6only, mine;

	if (fd < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (ai->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof(only));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) != 0 ||
	    listen(fd, SOMAXCONN) != 0)
		return -1;
	mine = fd;
	fd = -1;
	return mine;
}

static uint16_t
port_of(int fd)
{
	struct sockaddr_storage a;
	socklen_t len = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &len) != 0)
		return 0;
	return ntohs(a.ss_family == AF_INET6
	    ? ((struct sockaddr_in6 *)&a)->sin6_port
	    : ((struct sockaddr_in *)&a)->sin_port);
}

/* All addresses: one socket for both families, or IPv4 alone on a machine
 * without IPv6. A given address: that one, numeric. */
static enum q_err
server_listen(struct http_server *s, struct fault *f)
{
	const char *address = s->cfg.address != NULL ? s->cfg.address : "";
	bool all = address[0] == '\0';
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE };
	struct addrinfo *ai = NULL;
	char port[8];
	int fd = -1, err = 0;

	snprintf(port, sizeof(port), "%u", s->cfg.port);
	for (int i = 0; fd < 0 && i < (all ? 2 : 1); i++) {
		if (getaddrinfo(all ? (i == 0 ? "::" : "0.0.0.0") : address,
		    port, &hints, &ai) != 0)
			return fault_set(f, Q_CONFIG,
			    "not a numeric address: %s", address);
		fd = listen_on(ai, !all);
		err = errno;
		freeaddrinfo(ai);
		if (err == EADDRINUSE)
			break;
	}
	if (fd < 0)
		return fault_set(f, Q_IO, "cannot listen on %s port %u: %s",
		    all ? "any address," : address, s->cfg.port,
		    strerror(err));
	s->listener = fd;
	s->port = port_of(fd);
	return Q_OK;
}

static void
server_give(void *ctx, struct conn *c)
{
	struct http_server *s = ctx;

	cw_give(s->cw, c->fd, &c->addr);
}

enum q_err
http_server_start(const struct http_config *cfg,
    const struct http_route *routes, size_t n_routes, void *ctx,
    struct http_server **ret_server, struct fault *f)
{
	struct http_server *s = calloc(1, sizeof(*s));
	struct park_config park;
	enum q_err e;

	if (s == NULL)
		return fault_set(f, Q_NOMEM, "out of memory");
	s->cfg = *cfg;
	config_defaults(&s->cfg);
	s->routes = routes;
	s->n_routes = n_routes;
	s->ctx = ctx;
	s->listener = -1;
	pthread_mutex_init(&s->tls_lock, NULL);
	if (cfg->tls != NULL)
		http_server_set_tls(s, cfg->tls);
	park = (struct park_config){ .tls = cfg->tls != NULL,
		.workers = s->cfg.workers, .total = s->cfg.parked_max,
		.per_address = s->cfg.parked_per_address,
		.hello_ms = s->cfg.hello_ms, .give = server_give, .ctx = s };
	e = server_listen(s, f);
	if (e == Q_OK)
		e = park_new(&park, s->listener, &s->park);
	if (e == Q_OK)
		e = cw_start(&http_worker_ops, s, s->cfg.workers,
		    HTTP_READ_SIZE, &s->cw);
	if (e == Q_OK)
		e = park_run(s->park);
	if (e != Q_OK) {
		http_server_stop(s);
		return f != NULL && f->code == e ? e
		    : fault_set(f, e, "cannot start the server: %s",
			  q_err_text(e));
	}
	*ret_server = s;
	return Q_OK;
}

void
http_server_stop(struct http_server *s)
{
	if (s == NULL)
		return;
	if (s->park != NULL)
		park_stop(s->park);
	cw_stop(s->cw);
	park_free(s->park);
	if (s->listener >= 0)
		close(s->listener);
	SSL_CTX_free(s->tls);
	pthread_mutex_destroy(&s->tls_lock);
	free(s);
}

void
http_server_set_tls(struct http_server *s, struct ssl_ctx_st *tls)
{
	SSL_CTX *old;

	SSL_CTX_up_ref(tls);
	pthread_mutex_lock(&s->tls_lock);
	old = s->tls;
	s->tls = tls;
	pthread_mutex_unlock(&s->tls_lock);
	SSL_CTX_free(old);
}

struct ssl_ctx_st *
http_server_tls(struct http_server *s)
{
	SSL_CTX *tls;

	pthread_mutex_lock(&s->tls_lock);
	tls = s->tls;
	SSL_CTX_up_ref(tls);
	pthread_mutex_unlock(&s->tls_lock);
	return tls;
}

uint16_t
http_server_port(const struct http_server *s)
{
	return s->port;
}

void
http_server_stats(struct http_server *s, struct http_stats *ret_stats)
{
	*ret_stats = (struct http_stats){
		.handshakes = atomic_load(&s->handshakes),
		.resumed = atomic_load(&s->resumed),
		.requests = atomic_load(&s->requests) };
	park_stats(s->park, ret_stats);
}

const char *
http_header(const struct http_request *rq, const char *name)
{
	return http_head_get(rq->head, name);
}

enum q_err
http_cookie(const struct http_request *rq, const char *name, char *out,
    size_t cap)
{
	const char *s = http_header(rq, "Cookie"), *found = NULL;
	size_t len = strlen(name), found_len = 0;

	while (s != NULL && *s != '\0') {
		size_t n = strcspn(s, ";"), eq = strcspn(s, "=;");

		if (eq == len && s[eq] == '=' && memcmp(s, name, len) == 0) {
			if (found != NULL)
				return Q_INVALID;
			found = s + eq + 1;
			found_len = n - eq - 1;
		}
		s += n;
		s += strspn(s, "; ");
	}
	if (found == NULL)
		return Q_NOTFOUND;
	if (found_len >= cap)
		return Q_TOOBIG;
	memcpy(out, found, found_len);
	out[found_len] = '\0';
	return Q_OK;
}

enum q_err
http_query(const struct http_request *rq, const char *name, char *out,
    size_t cap)
{
	size_t len = strlen(name);
	const char *s = rq->query;

	while (*s != '\0') {
		size_t n = strcspn(s, "&"), eq = strcspn(s, "=&");

		if (eq == len && memcmp(s, name, len) == 0) {
			const char *v = s + eq + (s[eq] == '=');

			n = (size_t)(s + n - v);
			if (http_unescape(v, n, true, out, cap))
				return Q_OK;
			return n < cap ? Q_INVALID : Q_TOOBIG;
		}
		s += n;
		s += *s == '&';
	}
	return Q_NOTFOUND;
}
