// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "http/cw.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

/*
 * civetweb gives a thread to a connection for its whole life, and its
 * produce_socket() is static, so it is compiled into this file. Where it
 * would listen it gets an event counter, which is never readable before
 * cw_stop(): no port, no file.
 */
static int cw_poll(struct pollfd *p, nfds_t n, int ms);
static int cw_socket(int family);
static int cw_name(struct sockaddr *sa);

#define poll(p, n, ms) cw_poll((p), (n), (ms))
#define socket(family, type, protocol) cw_socket(family)
#define bind(fd, sa, len) 0
#define listen(fd, backlog) 0
#define getsockname(fd, sa, len) cw_name(sa)
#include "civetweb.c"
#undef poll
#undef socket
#undef bind
#undef listen
#undef getsockname
/* civetweb poisons these names for itself */
#undef calloc
#undef free
#undef snprintf

struct cw {
	struct mg_context *mg;
	const struct cw_ops *ops;
	void *ctx;
};

/* A connection that `take` has kept from civetweb reads as closed at once. */
static int
cw_poll(struct pollfd *p, nfds_t n, int ms)
{
	if (n == 1 && p->fd < 0) {
		errno = EBADF;
		return -1;
	}
	return poll(p, n, ms);
}

static int
cw_socket(int family)
{
	(void)family;
	return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
}

static int
cw_name(struct sockaddr *sa)
{
	sa->sa_family = AF_INET;
	return 0;
}

static struct cw *
cw_of(const struct mg_connection *conn)
{
	return conn->phys_ctx->user_data;
}

/* Callbacks see their connection as const; its worker owns it all the same. */
static struct mg_connection *
cw_own(const struct mg_connection *conn)
{
	struct mg_connection *all = conn->phys_ctx->worker_connections;

	return &all[conn - all];
}

/* From here on civetweb has nothing left to read, write or close. */
static void
cw_let_go(struct mg_connection *conn)
{
	conn->client.sock = INVALID_SOCKET;
	conn->ssl = NULL;
	conn->must_close = 1;
}

static void *
cw_init_thread(const struct mg_context *mg, int type)
{
	struct cw *cw = mg->user_data;

	return type == 1 ? cw->ops->thread_start(cw->ctx) : NULL;
}

static void
cw_exit_thread(const struct mg_context *mg, int type, void *w)
{
	struct cw *cw = mg->user_data;

	if (type == 1)
		cw->ops->thread_stop(w);
}

static int
cw_init_connection(const struct mg_connection *cconn, void **conn_data)
{
	struct mg_connection *conn = cw_own(cconn);
	struct ssl_st *ssl = NULL;
	size_t n = cw_of(conn)->ops->take(conn->tls_user_ptr,
	    conn->client.sock, conn->buf, (size_t)conn->buf_size, &ssl);

	(void)conn_data;
	if (n == 0) {
		cw_let_go(conn);
		return 0;
	}
	conn->data_len = (int)n;
	conn->ssl = ssl;
	return 0;
}

static int
cw_begin_request(struct mg_connection *conn)
{
	cw_of(conn)->ops->request(conn->tls_user_ptr);
	cw_let_go(conn);
	return 200;
}

static int
cw_http_error(struct mg_connection *conn, int status, const char *text)
{
	(void)text;
	cw_of(conn)->ops->refused(conn->tls_user_ptr, status);
	cw_let_go(conn);
	return 0;
}

static void
cw_close(const struct mg_connection *conn)
{
	cw_of(conn)->ops->done(conn->tls_user_ptr);
	cw_let_go(cw_own(conn));
}

static int
cw_log_message(const struct mg_connection *conn, const char *text)
{
	(void)conn;
	(void)text;
	return 1; /* a library does not log */
}

static const struct mg_callbacks cw_callbacks = {
	.begin_request = cw_begin_request,
	.log_message = cw_log_message,
	.connection_close = cw_close,
	.http_error = cw_http_error,
	.init_thread = cw_init_thread,
	.exit_thread = cw_exit_thread,
	.init_connection = cw_init_connection,
};

enum q_err
cw_start(const struct cw_ops *ops, void *ctx, unsigned workers,
    size_t buf_size, struct cw **ret_cw)
{
	char threads[16], queue[16], size[16];
	const char *options[] = { "num_threads", threads, "connection_queue",
		queue, "max_request_size", size, "listening_ports", "1",
		"decode_url", "no", "enable_keep_alive", "no", NULL };
	struct mg_init_data init = { .callbacks = &cw_callbacks,
		.configuration_options = options };
	struct cw *cw = calloc(1, sizeof(*cw));

	if (cw == NULL)
		return Q_NOMEM;
	snprintf(threads, sizeof(threads), "%u", workers);
	snprintf(queue, sizeof(queue), "%u", workers + 1);
	snprintf(size, sizeof(size), "%zu", buf_size);
	cw->ops = ops;
	cw->ctx = ctx;
	init.user_data = cw;
	mg_init_library(MG_FEATURES_DEFAULT);
	cw->mg = mg_start2(&init, NULL);
	if (cw->mg == NULL) {
		mg_exit_library();
		free(cw);
		return Q_NOMEM;
	}
	*ret_cw = cw;
	return Q_OK;
}

void
cw_give(struct cw *cw, int fd, const struct sockaddr_storage *peer)
{
	struct socket so = { .sock = fd };

	memcpy(&so.rsa, peer, sizeof(so.rsa));
	produce_socket(cw->mg, &so);
}

void
cw_stop(struct cw *cw)
{
	if (cw == NULL)
		return;
	/* Ends the acceptor's poll, which else takes up to two seconds; it
	 * goes round until mg_stop() has told it why. */
	eventfd_write(cw->mg->listening_sockets[0].sock, 1);
	mg_stop(cw->mg);
	mg_exit_library();
	free(cw);
}
