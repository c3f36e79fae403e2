// SPDX-License-Identifier: Apache-2.0
/*
 * What a signing daemon that is not ours might answer: any datagrams to every
 * call of the client's, and to those that walk lists.
 *
 * Input: a byte that says which call; then datagrams, each a byte of flags,
 * a status, the length (u16) and the body.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/own.h"
#include "signer/signer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ANSWERS 6
#define RAW 1	  /* the body is the whole datagram */
#define WRONG_ID 2

static struct bytes input;
static int far_end = -1;

static const struct wire_op_desc ops[] = {
#define X(name, num, roles, cap, text) { num, &signd_##name##_req_type, \
	&signd_##name##_rsp_type },
	SIGND_OPS(X)
#undef X
};

static struct bytes
take(size_t n)
{
	struct bytes b = { input.p, n < input.len ? n : input.len };

	input.p += b.len;
	input.len -= b.len;
	return b;
}

static void
answer_put(int sock, uint32_t number)
{
	struct bytes head = take(4), body;
	uint8_t raw[WIRE_HEAD], flags;
	struct wire_head h = { .retry_after = 1 };

	if (head.len < 4)
		return;
	flags = head.p[0];
	body = take((size_t)head.p[2] | (size_t)head.p[3] << 8);
	h.status = head.p[1];
	h.id = flags & WRONG_ID ? number + 1 : number;
	h.length = (uint32_t)body.len;
	wire_head_put(&h, raw);
	/* The other side may have all that fits. */
	if (wire_send(sock, (struct bytes){ raw, flags & RAW ? 0 : WIRE_HEAD },
	    body, flags >> 7 ? sock : -1, 0) != Q_OK)
		return;
}

/* A connection in which the answers wait already; there is but one. */
static int
server(void *ctx)
{
	int pair[2];

	(void)ctx;
	if (far_end >= 0 || socketpair(AF_UNIX,
	    SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	for (uint32_t i = 0; i < ANSWERS; i++)
		answer_put(pair[1], 2 * i + 1);
	shutdown(pair[1], SHUT_WR);
	far_end = pair[1];
	return pair[0];
}

/* Every field of an answer is within its caps, and is there to be read. */
static void
look(const struct wire_type *t, const void *msg)
{
	AUTO_BUF struct buf out = BUF_INIT(WIRE_BODY_MAX);

	wire_encode(t, msg, &out);
	if (out.bad)
		abort();
}

static enum q_err
cert_each(void *arg, const struct signd_cert *c)
{
	(void)arg;
	look(&signd_cert_type, c);
	return Q_OK;
}

static enum q_err
key_each(void *arg, const struct signd_key *k)
{
	(void)arg;
	look(&signd_key_type, k);
	return Q_OK;
}

static enum q_err
call_one(struct wire_client *c, const struct wire_op_desc *op,
    struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	union {
		max_align_t align;
		uint8_t space[WIRE_STRUCT_MAX];
	} req, rsp;
	int *fd;
	enum q_err r;

	memset(req.space, 0, sizeof(req.space));
	fd = wire_fd_of(op->req, req.space);
	if (fd != NULL)
		*fd = -1;
	r = wire_call(c, op, req.space, rsp.space, &hold, f);
	if (r != Q_OK)
		return r;
	look(op->rsp, rsp.space);
	fd = wire_fd_of(op->rsp, rsp.space);
	if (fd != NULL && *fd >= 0)
		close(*fd);
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wire_client *c;
	struct fault f = { 0 };
	size_t which;
	enum q_err r;

	if (size == 0)
		return 0;
	input = (struct bytes){ data + 1, size - 1 };
	if (wire_client_new_fn(server, NULL, 100, &c) != Q_OK)
		abort();
	which = data[0] % (ARRAY_LEN(ops) + 2);
	if (which < ARRAY_LEN(ops))
		r = call_one(c, &ops[which], &f);
	else if (which == ARRAY_LEN(ops))
		r = signer_certs(c, cert_each, NULL, &f);
	else
		r = signer_keys(c, key_each, NULL, &f);
	if (r != Q_OK && fault_text(&f, r)[0] == '\0')
		abort();
	wire_client_free(c);
	if (far_end >= 0)
		close(far_end);
	far_end = -1;
	return 0;
}
