// SPDX-License-Identifier: Apache-2.0
#ifndef HTTP_CW_H
#define HTTP_CW_H

#include <stddef.h>
#include <sys/socket.h>

#include "base/err.h"

struct ssl_st;

/*
 * The only door to civetweb: its worker threads, its view of a request and
 * (for who needs one) its WebSockets. It listens on nothing, accepts nothing
 * and closes nothing: connections come from cw_give() and stay ours.
 */
struct cw;

/* Called on a worker thread; w is what thread_start gave. */
struct cw_ops {
	void *(*thread_start)(void *ctx);
	void (*thread_stop)(void *w);
	/*
	 * The worker has got fd. Bring up TLS and read a request head into
	 * buf; return how many bytes are there, or 0 when there is nothing
	 * to do now.
	 */
	size_t (*take)(void *w, int fd, char *buf, size_t cap,
	    struct ssl_st **ret_ssl);
	/* civetweb has parsed the head, or refuses it with this status. */
	void (*request)(void *w);
	void (*refused)(void *w, int status);
	/* The worker is about to be free again; called once per take. */
	void (*done)(void *w);
};

/* ops and ctx must outlive the result. NOMEM. */
enum q_err cw_start(const struct cw_ops *ops, void *ctx, unsigned workers,
    size_t buf_size, struct cw **ret_cw) Q_CHECKED;

/* Hand a connection to a worker. Never more at a time than there are
 * workers. */
void cw_give(struct cw *cw, int fd, const struct sockaddr_storage *peer);

/* Wait for the workers to finish and free everything. What was given and
 * not yet taken is dropped, unclosed. NULL is accepted. */
void cw_stop(struct cw *cw);

#endif
