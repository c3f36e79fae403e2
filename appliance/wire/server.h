// SPDX-License-Identifier: Apache-2.0
#ifndef WIRE_SERVER_H
#define WIRE_SERVER_H

#include <sys/types.h>

#include "wire/fields.h"
#include "wire/frame.h"
#include "wire/role.h"

/*
 * The server's half of a daemon: a pool of threads takes datagrams from all
 * connections, each thread works on one request from beginning to end, so
 * handlers are straight-line code that may block. A request's role, size
 * and whole structure are checked against the op's row before its handler
 * runs. A peer's bad input gets an error reply.
 */
struct wire_req;

/* Fill rsp (zeroed; its pointers must live until the handler's thread sends
 * the reply: use wire_req_space). Return PENDING to answer later from any
 * thread with wire_answer. */
typedef enum q_err wire_handler(void *ctx, struct wire_req *q,
    const void *req, void *rsp, struct fault *f);

struct wire_op {
	uint16_t num;
	const char *name;
	uint32_t roles;
	size_t cap; /* of the request's body, bytes */
	const struct wire_type *req;
	const struct wire_type *rsp;
	wire_handler *handler;
	const char *text;
};

struct wire_server_conf {
	const struct wire_op *ops;
	size_t n_ops;
	const struct role_map *roles; /* copied */
	uint32_t default_role; /* of users that roles does not have */
	unsigned threads;
	/* Of one user; 0: 1024, or 1/8 of the process's descriptors, whose
	 * limit is raised for it. */
	unsigned max_conns;
	void *ctx;
	/* Called in each thread before its first request; may be NULL. */
	void (*thread_start)(void *ctx);
	/* Called once when a connection is gone; may be NULL. */
	void (*closed)(void *ctx, uint64_t conn_id);
};

struct wire_server;

/* Start the threads. path: the socket to make, mode 0666 in a folder whose
 * mode says who gets there (roles say who may); NULL: none. */
enum q_err wire_server_start(const struct wire_server_conf *conf,
    const char *path, struct wire_server **ret_server,
    struct fault *f) Q_CHECKED;

/* Take over a connected socket whose peer has this role. */
enum q_err wire_server_adopt(struct wire_server *s, int fd,
    uint32_t role) Q_CHECKED;

/* Stop taking requests, end the threads, close everything. */
void wire_server_stop(struct wire_server *s);

/* Who asks. */
uint32_t wire_req_role(const struct wire_req *q);
uid_t wire_req_uid(const struct wire_req *q);
uint64_t wire_req_conn(const struct wire_req *q);

/* Scratch output buffer of this request, freed after the reply. */
struct buf *wire_req_space(struct wire_req *q);

/* Answer a request whose handler returned PENDING, and free it. */
void wire_answer(struct wire_req *q, enum q_err code, const struct fault *f,
    const void *rsp);

/* Further replies to the request's id, for streams of hints: the request
 * must stay PENDING. UNAVAIL when the peer is gone, TIMEOUT when it does not
 * read. */
enum q_err wire_push(struct wire_req *q, const void *rsp) Q_CHECKED;

/* One frame through the table without a socket, the reply into out: what
 * the fuzzers drive. fd (or -1) came along, and is closed. */
void wire_dispatch_frame(const struct wire_server_conf *conf, uint32_t role,
    struct bytes frame, int fd, struct buf *out);

#endif
