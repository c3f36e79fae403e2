// SPDX-License-Identifier: Apache-2.0
/* Any datagram to signd's and the token worker's tables, as each role: what
 * reaches a handler encodes back to the very bytes that came. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "signer/signd_ops.h"
#include "token/token_ops.h"
#include "wire/server.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum q_err
same(void *ctx, const struct wire_type *type, const void *req)
{
	AUTO_BUF struct buf out = BUF_INIT(WIRE_BODY_MAX);
	const struct bytes *body = ctx;

	wire_encode(type, req, &out);
	if (out.bad || out.len != body->len ||
	    (out.len != 0 && memcmp(out.p, body->p, out.len) != 0))
		abort();
	return Q_UNAVAIL;
}

#define HANDLER(p, name)                                                     \
	static enum q_err p##_##name(void *ctx, struct wire_req *q,          \
	    const void *req, void *rsp, struct fault *f)                     \
	{                                                                    \
		(void)q, (void)rsp, (void)f;                                 \
		return same(ctx, &p##_##name##_req_type, req);               \
	}
#define X(name, num, roles, cap, text) HANDLER(signd, name)
SIGND_OPS(X)
#undef X
#define X(name, num, roles, cap, text) HANDLER(token, name)
TOKEN_OPS(X)
#undef X

#define ROW(p, name, num, roles, cap, text) { num, #name, roles, cap, \
	&p##_##name##_req_type, &p##_##name##_rsp_type, p##_##name, text },

static const struct wire_op signd_ops[] = {
#define X(name, num, roles, cap, text) ROW(signd, name, num, roles, cap, text)
	SIGND_OPS(X)
#undef X
};

static const struct wire_op token_ops[] = {
#define X(name, num, roles, cap, text) ROW(token, name, num, roles, cap, text)
	TOKEN_OPS(X)
#undef X
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t head = size < WIRE_HEAD ? size : WIRE_HEAD;
	struct bytes body = { data + head, size - head };
	struct wire_server_conf signd = { .ops = signd_ops,
		.n_ops = ARRAY_LEN(signd_ops), .ctx = &body };
	struct wire_server_conf token = { .ops = token_ops,
		.n_ops = ARRAY_LEN(token_ops), .ctx = &body };

	for (uint32_t role = 1; role <= ROLE_TOOL; role <<= 1) {
		AUTO_BUF struct buf out = BUF_INIT(2 * WIRE_BODY_MAX);

		wire_dispatch_frame(&signd, role, (struct bytes){ data, size },
		    -1, &out);
		wire_dispatch_frame(&token, role, (struct bytes){ data, size },
		    -1, &out);
		if (out.bad)
			abort();
	}
	return 0;
}
