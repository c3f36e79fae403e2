// SPDX-License-Identifier: Apache-2.0
#ifndef HTTP_HTTP_H
#define HTTP_HTTP_H

/*
 * The network daemons' web server: a table of routes, one handler per row.
 * Connections wait parked in one epoll thread and take a worker only while
 * they are served: see PARKING in park.h.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct ssl_st;
struct ssl_ctx_st;
struct x509_st;
struct evp_pkey_st;
struct http_server;
struct http_route;
struct http_head;
struct http_events;
struct body_source;

#define HTTP_LINE_MAX 4096 /* request line */
#define HTTP_HEAD_MAX 16384 /* header lines together */
#define HTTP_HEADERS_MAX 64
#define HTTP_PARAMS_MAX 2

/* A handler's own, kept with the connection; released when that ends, on any
 * thread. Requests of a connection come one after the other. */
struct http_slot {
	void *p;
	void (*release)(void *p);
};

struct http_request {
	const char *method; /* HEAD shows as GET */
	/* decoded; no "//", "/./", "/../" or escaped slash, but for {*} */
	const char *path;
	const char *query; /* as sent, behind the "?"; "" if there is none */
	const char *param[HTTP_PARAMS_MAX]; /* what {} stands for, decoded */
	const char *content_type; /* lower case, without parameters; "" */
	struct bytes body; /* NUL-terminated behind len */
	const char *remote; /* address as text */
	const struct http_route *route;
	struct x509_st *peer_cert; /* nobody has judged it; NULL if none */
	struct ssl_st *ssl; /* NULL on a plain port */
	struct http_slot *slot; /* of the connection; zero at first */
	struct body_source *stream; /* of HTTP_STREAM: http_body_read() */
	const struct http_head *head; /* for http_header() */
};

/* The first header line of that name, or NULL. Host, Authorization, Cookie,
 * Content-Type and the framing headers come at most once. */
const char *http_header(const struct http_request *rq, const char *name);

/* A query parameter, decoded ("+" is a space): NOTFOUND, INVALID for bad
 * escapes or a NUL, TOOBIG when it does not fit. */
enum q_err http_query(const struct http_request *rq, const char *name,
    char *out, size_t cap) Q_CHECKED;

/* The next piece of the body of an HTTP_STREAM route, at least one byte;
 * *ret_n is 0 at the end. TOOBIG over the route's body_max, TIMEOUT (the
 * client's own: 408) for who falls request_ms behind 16 KB a second, PROTO,
 * IO when the peer is gone or was cut off because others waited. */
enum q_err http_body_read(const struct http_request *rq, void *p, size_t cap,
    size_t *ret_n, struct fault *f) Q_CHECKED;

/* A cookie (RFC 6265 5.4): NOTFOUND, INVALID when it comes twice, TOOBIG. */
enum q_err http_cookie(const struct http_request *rq, const char *name,
    char *out, size_t cap) Q_CHECKED;

/* RFC 5929 tls-unique (TLS 1.2) and RFC 9266 tls-exporter. */
enum http_binding { HTTP_TLS_UNIQUE, HTTP_TLS_EXPORTER };
#define HTTP_BINDING_MAX 64

/* The channel binding of the request's connection; INVALID when the
 * connection has none of that kind. */
enum q_err http_channel_binding(const struct http_request *rq,
    enum http_binding kind, uint8_t out[HTTP_BINDING_MAX],
    size_t *ret_len) Q_CHECKED;

#define HTTP_TAG_MAX 100

struct http_response {
	int status; /* 0: 200, or 204 without a body */
	const char *content_type; /* static text */
	struct buf body;
	struct buf headers; /* only through http_response_header() */
	struct buf problem_more; /* members of a problem, as JSON */
	const char *problem_type; /* of a problem; NULL: about:blank */
	/* Only through http_response_stream() and _events(). */
	enum q_err (*more)(void *ctx, struct buf *piece, bool *ret_end);
	void (*release)(void *ctx);
	void *more_ctx;
	struct http_events *events;
	char tag[HTTP_TAG_MAX + 1];
	bool secret; /* the body is one: wiped when it has been sent */
	bool close; /* the connection ends with this answer */
};

/* Add "name: value". A value with a control character spoils the response,
 * which is then a 500. */
void http_response_header(struct http_response *rs, const char *name,
    const char *value);

/* Answer with a body of any length, piece by piece (appended to *piece, which
 * is empty): more is called until it sets *ret_end; an error of it breaks the
 * connection off, so that the peer sees that something is missing. release
 * is called once, whatever happens. Readers are held to the same pace. */
void http_response_stream(struct http_response *rs,
    enum q_err (*more)(void *ctx, struct buf *piece, bool *ret_end),
    void (*release)(void *ctx), void *ctx);

/*
 * Server-Sent Events: connections that are kept by a thread of their own,
 * however many there are, and get what is sent to their tag, or to all.
 * max: streams, per_tag: of one tag. NOMEM.
 */
enum q_err http_events_new(unsigned max, unsigned per_tag,
    struct http_events **ret_events) Q_CHECKED;

/* After the servers whose handlers use it. NULL is accepted. */
void http_events_free(struct http_events *ev);

/* Make the answer such a stream; what is in rs->body begins it. BUSY when
 * there are too many. */
enum q_err http_response_events(struct http_response *rs,
    struct http_events *ev, const char *tag, struct fault *f) Q_CHECKED;

/* Send an event to those with the tag (NULL: all). data has no line end. Who
 * does not read for long is cut off. */
void http_events_send(struct http_events *ev, const char *tag,
    const char *event, struct bytes data);

/* End the streams of a tag, when they have what was sent. */
void http_events_close(struct http_events *ev, const char *tag);

/* Append the tag of each stream, and a NUL behind each. */
void http_events_tags(struct http_events *ev, struct buf *out);

/* How many there are. */
size_t http_events_count(struct http_events *ev);

/* Answer a request: Q_OK with *rs filled in, or an error, whose status,
 * fault text and Retry-After the server sends instead of *rs. */
typedef enum q_err http_handler(void *ctx, const struct http_request *rq,
    struct http_response *rs, struct fault *f);

#define HTTP_PROBLEM 1 /* errors as application/problem+json (RFC 9457) */
#define HTTP_STREAM 2 /* the handler reads the body itself */

struct http_route {
	const char *method;
	/* "/v1/device/{id}": {} is one segment. {*} at the end is all the
	 * rest, slashes and what other paths may not have included. */
	const char *pattern;
	http_handler *handler;
	int role; /* the daemon's own: not looked at here */
	unsigned flags;
	uint64_t body_max; /* 0: the server's */
};

/* Zero means the default in brackets. */
struct http_config {
	const char *address; /* NULL or "": all, IPv6 and IPv4 */
	uint16_t port; /* 0: any free one */
	struct ssl_ctx_st *tls; /* NULL: plain HTTP; up-referenced */
	const char *realm; /* text of WWW-Authenticate on a 401, or NULL */
	unsigned workers; /* [64] */
	unsigned parked_max; /* [16384] */
	unsigned parked_per_address; /* [256]; an IPv6 /64 is one address */
	unsigned hello_ms; /* [10000] from accept to a whole ClientHello */
	unsigned request_ms; /* [10000] for the handshake; for a request */
	unsigned idle_ms; /* [5000] kept alive without a request */
	uint32_t body_max; /* [65536] */
	bool problem; /* the server's own errors are problems, too */
	const char *always; /* header lines of every answer, or NULL */
};

/* Listen and serve until http_server_stop(). routes must outlive the server.
 * Raises RLIMIT_NOFILE to what parked_max takes, as far as it may. IO when
 * the address can't be had, NOMEM. */
enum q_err http_server_start(const struct http_config *cfg,
    const struct http_route *routes, size_t n_routes, void *ctx,
    struct http_server **ret_server, struct fault *f) Q_CHECKED;

/* Requests being handled are finished, everything else is closed. NULL is
 * accepted. */
void http_server_stop(struct http_server *s);

/* Use another certificate for connections that begin from now on. */
void http_server_set_tls(struct http_server *s, struct ssl_ctx_st *tls);

uint16_t http_server_port(const struct http_server *s);

struct http_stats {
	uint64_t accepted, handshakes, resumed, requests;
	uint64_t dropped; /* parked ones that had to make room */
	uint64_t expired; /* parked ones over their time */
	uint64_t preempted; /* slow senders cut because others waited */
	unsigned parked, queued, busy; /* now */
};

void http_server_stats(struct http_server *s, struct http_stats *ret_stats);

/*
 * A server's TLS: 1.2 and 1.3, ECDHE with AEAD, resumption, no
 * renegotiation. chain is PEM: the server's certificate, then what leads to
 * its root. key may live in a provider. With ask_client_cert every
 * certificate is taken and none is judged. CONFIG when chain and key do not
 * fit. The caller frees the result with SSL_CTX_free().
 */
enum q_err http_tls_ctx_new(struct bytes chain, struct evp_pkey_st *key,
    bool ask_client_cert, struct ssl_ctx_st **ret_ctx,
    struct fault *f) Q_CHECKED;

#endif
