// SPDX-License-Identifier: Apache-2.0
#ifndef WIRE_CLIENT_H
#define WIRE_CLIENT_H

#include "wire/fields.h"
#include "wire/frame.h"

/*
 * The caller's half. Thread-safe: each call takes a connection of its own
 * from a pool. A call is sent again only when the first try was surely not
 * delivered; otherwise UNAVAIL or TIMEOUT tell the caller, who knows whether
 * asking again is safe.
 */
struct wire_client;

struct wire_op_desc {
	uint16_t num;
	const struct wire_type *req;
	const struct wire_type *rsp;
};

/* Owns the bytes that a response's pointers borrow from. */
struct wire_reply {
	uint8_t *p;
	size_t len;
	uint32_t id; /* of the request it answers */
};
#define AUTO_REPLY __attribute__((cleanup(wire_reply_free)))
void wire_reply_free(struct wire_reply *r);

/* Connections to a socket path, made when first needed. */
enum q_err wire_client_new(const char *path, int deadline_ms,
    struct wire_client **ret_client) Q_CHECKED;

/* Connections made by a function: a connected SEQPACKET socket or -1. */
enum q_err wire_client_new_fn(int (*connect)(void *ctx), void *ctx,
    int deadline_ms, struct wire_client **ret_client) Q_CHECKED;

void wire_client_free(struct wire_client *c);

/* One request, one response. *ret_rsp borrows from *hold. An error of the
 * server comes back as code and text; our own are UNAVAIL (not reached,
 * retry_after 1), TIMEOUT, PROTO. */
enum q_err wire_call(struct wire_client *c, const struct wire_op_desc *op,
    const void *req, void *ret_rsp, struct wire_reply *hold,
    struct fault *f) Q_CHECKED;

/* A connection of one's own, for streams and pipelining: close when done. */
int wire_client_open(struct wire_client *c);

/* On such a connection: send a request; wait for any reply, hold->id tells
 * whose. The reply's status is the result. */
enum q_err wire_stream_send(int sock, const struct wire_op_desc *op,
    uint32_t id, const void *req) Q_CHECKED;
enum q_err wire_stream_recv(int sock, const struct wire_type *rsp_type,
    int wait_ms, void *ret_rsp, struct wire_reply *hold,
    struct fault *f) Q_CHECKED;

/*
 * Client functions from an ops table whose rows are
 *	X(name, num, roles, cap, text)
 * and whose messages are <p>_<name>_req and <p>_<name>_rsp.
 */
#define WIRE_CLIENT_DECLARE(p, name)                                     \
	enum q_err p##_##name(struct wire_client *c,                     \
	    const struct p##_##name##_req *req,                          \
	    struct p##_##name##_rsp *ret_rsp, struct wire_reply *hold,   \
	    struct fault *f) Q_CHECKED;

#define WIRE_CLIENT_DEFINE(p, name, num)                                 \
	enum q_err p##_##name(struct wire_client *c,                     \
	    const struct p##_##name##_req *req,                          \
	    struct p##_##name##_rsp *ret_rsp, struct wire_reply *hold,   \
	    struct fault *f)                                             \
	{                                                                \
		static const struct wire_op_desc d = { (num),            \
			&p##_##name##_req_type, &p##_##name##_rsp_type };\
		return wire_call(c, &d, req, ret_rsp, hold, f);          \
	}

#endif
