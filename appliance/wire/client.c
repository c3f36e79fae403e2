// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "wire/client.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/own.h"

#define POOL_MAX 256

struct wire_client {
	int (*connect)(void *ctx);
	void *connect_ctx;
	int deadline_ms;
	char path[108];
	atomic_uint next_id;
	pthread_mutex_t lock;
	size_t n_idle;
	int idle[POOL_MAX];
};

void
wire_reply_free(struct wire_reply *r)
{
	if (r->p != NULL)
		explicit_bzero(r->p, r->len);
	free(r->p);
	*r = (struct wire_reply){ 0 };
}

static int
connect_path(void *ctx)
{
	const struct wire_client *c = ctx;
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	AUTO_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int keep;

	if (fd < 0)
		return -1;
	memcpy(sun.sun_path, c->path, sizeof(sun.sun_path));
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) != 0)
		return -1;
	keep = fd;
	fd = -1;
	return keep;
}

enum q_err
wire_client_new_fn(int (*connect_fn)(void *ctx), void *ctx, int deadline_ms,
    struct wire_client **ret_client)
{
	struct wire_client *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return Q_NOMEM;
	c->connect = connect_fn;
	c->connect_ctx = ctx;
	c->deadline_ms = deadline_ms;
	pthread_mutex_init(&c->lock, NULL);
	*ret_client = c;
	return Q_OK;
}

enum q_err
wire_client_new(const char *path, int deadline_ms,
    struct wire_client **ret_client)
{
	struct wire_client *c;
	enum q_err r;

	if (strlen(path) >= sizeof(c->path))
		return Q_TOOBIG;
	r = wire_client_new_fn(connect_path, NULL, deadline_ms, &c);
	if (r != Q_OK)
		return r;
	c->connect_ctx = c;
	snprintf(c->path, sizeof(c->path), "%s", path);
	*ret_client = c;
	return Q_OK;
}

void
wire_client_free(struct wire_client *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n_idle; i++)
		close(c->idle[i]);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

int
wire_client_open(struct wire_client *c)
{
	return c->connect(c->connect_ctx);
}

static int
pool_take(struct wire_client *c)
{
	int fd = -1;

	pthread_mutex_lock(&c->lock);
	if (c->n_idle != 0)
		fd = c->idle[--c->n_idle];
	pthread_mutex_unlock(&c->lock);
	return fd;
}

static void
pool_give(struct wire_client *c, int fd)
{
	pthread_mutex_lock(&c->lock);
	if (c->n_idle < POOL_MAX) {
		c->idle[c->n_idle++] = fd;
		fd = -1;
	}
	pthread_mutex_unlock(&c->lock);
	if (fd >= 0)
		close(fd);
}

enum q_err
wire_stream_send(int sock, const struct wire_op_desc *op, uint32_t id,
    const void *req)
{
	AUTO_BUF struct buf body = BUF_INIT(WIRE_BODY_MAX);
	uint8_t raw[WIRE_HEAD];
	struct wire_head head = { .op = op->num, .id = id };
	int *fd = wire_fd_of(op->req, (void *)(uintptr_t)req);

	wire_encode(op->req, req, &body);
	if (body.bad)
		return Q_TOOBIG;
	head.length = (uint32_t)body.len;
	wire_head_put(&head, raw);
	return wire_send(sock, (struct bytes){ raw, sizeof(raw) },
	    buf_bytes(&body), fd != NULL ? *fd : -1, 5000);
}

/* Status and text of an error reply, into the caller's fault. */
static enum q_err
reply_fault(const struct wire_head *h, const uint8_t *body, struct fault *f)
{
	char text[sizeof(f->msg)];
	size_t n = h->length < sizeof(text) - 1 ? h->length : sizeof(text) - 1;

	memcpy(text, body, n);
	text[n] = '\0';
	return fault_retry(f, q_err_of(h->status), h->retry_after, "%s",
	    text);
}

enum q_err
wire_stream_recv(int sock, const struct wire_type *rsp_type, int wait_ms,
    void *ret_rsp, struct wire_reply *hold, struct fault *f)
{
	static _Thread_local uint8_t raw[WIRE_HEAD + WIRE_BODY_MAX];
	struct wire_head h;
	size_t len;
	int fd = -1, *fd_at;
	enum q_err r;

	wire_reply_free(hold);
	r = wire_recv(sock, raw, sizeof(raw), wait_ms, &len, &fd);
	if (r != Q_OK)
		return r;
	r = wire_head_get((struct bytes){ raw, len }, &h);
	if (r == Q_OK)
		hold->id = h.id;
	if (r == Q_OK && h.status != Q_OK)
		r = reply_fault(&h, raw + WIRE_HEAD, f);
	if (r != Q_OK)
		goto out;
	hold->p = malloc(h.length + 1);
	if (hold->p == NULL) {
		r = Q_NOMEM;
		goto out;
	}
	hold->len = h.length;
	memcpy(hold->p, raw + WIRE_HEAD, h.length);
	r = wire_decode(rsp_type, (struct bytes){ hold->p, hold->len },
	    ret_rsp, f);
	fd_at = r == Q_OK ? wire_fd_of(rsp_type, ret_rsp) : NULL;
	if (fd_at != NULL) {
		*fd_at = fd;
		fd = -1;
	}
out:
	if (fd >= 0)
		close(fd);
	return r;
}

/* A connection for calls: a receive that takes too long ends by itself, with
 * no poll before it. */
static int
connect_timed(const struct wire_client *c)
{
	struct timeval limit = { .tv_sec = c->deadline_ms / 1000,
		.tv_usec = c->deadline_ms % 1000 * 1000L };
	int sock = c->connect(c->connect_ctx);

	if (sock >= 0 && setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &limit,
	    sizeof(limit)) != 0) {
		close(sock);
		return -1;
	}
	return sock;
}

/* One call, and what became of it on one connection. */
struct call {
	const struct wire_op_desc *op;
	const void *req;
	void *rsp;
	struct wire_reply *hold;
	struct fault fault;
	bool sent;  /* the server may have got it */
	bool alive; /* the connection is in step and may serve the next */
};

static enum q_err
exchange(struct wire_client *c, int sock, struct call *call)
{
	/* Never 0: that is the id of no reply. */
	uint32_t id = atomic_fetch_add(&c->next_id, 2) | 1;
	enum q_err r = wire_stream_send(sock, call->op, id, call->req);

	call->sent = r != Q_UNAVAIL;
	call->alive = r == Q_TOOBIG;
	if (r != Q_OK)
		return r;
	/* A connection whose answer did not come in time is given up, so
	 * the next datagram can only be the answer to this call. */
	r = wire_stream_recv(sock, call->op->rsp, -1, call->rsp, call->hold,
	    &call->fault);
	call->alive = call->hold->id == id;
	return r;
}

enum q_err
wire_call(struct wire_client *c, const struct wire_op_desc *op,
    const void *req, void *ret_rsp, struct wire_reply *hold, struct fault *f)
{
	struct call call = { .op = op, .req = req, .rsp = ret_rsp,
		.hold = hold };
	enum q_err r;
	bool again;

	do {
		int sock = pool_take(c);

		again = sock >= 0;
		if (sock < 0)
			sock = connect_timed(c);
		if (sock < 0)
			return fault_retry(f, Q_UNAVAIL, 1,
			    "service is not running");
		r = exchange(c, sock, &call);
		if (call.alive)
			pool_give(c, sock);
		else
			close(sock);
		/* A pooled socket may have outlived its server: nothing was
		 * delivered, so another try is safe. */
	} while (again && !call.sent);
	if (r != Q_OK && call.fault.code == r)
		return fault_retry(f, r, call.fault.retry_after, "%s",
		    call.fault.msg);
	if (r == Q_UNAVAIL)
		return fault_retry(f, r, 1, "service went away");
	if (r == Q_TIMEOUT)
		return fault_retry(f, r, 2, "no answer in time");
	return r == Q_OK ? r : fault_set(f, r, "%s", q_err_text(r));
}
