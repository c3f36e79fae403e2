// SPDX-License-Identifier: Apache-2.0
/*
 * quoin-token: holds the PIN and the PKCS #11 module, and nothing else. It
 * may hang or die at any time; quoin-signd, which started it, then kills it
 * and starts another. It must never open a socket of its own, start a
 * program or write a file other than what the module does.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/log.h"
#include "base/own.h"
#include "token/ops.h"
#include "token/sandbox.h"
#include "token/softhsm.h"

#define CHANNELS_MAX 4096
#define PIN_WAIT_MS 5000

static const struct wire_op ops[] = {
#define X(name, num, roles, cap, text) { num, #name, roles, cap, \
	&token_##name##_req_type, &token_##name##_rsp_type, \
	token_do_##name, text },
	TOKEN_OPS(X)
#undef X
};

/* One byte enum token_try, and the PIN. */
static enum q_err
pin_receive(struct p11_conf *c, struct secret *ret_pin)
{
	uint8_t raw[1 + 256];
	size_t len = 0;
	int fd = -1;
	enum q_err r = wire_recv(TOKEN_CONTROL_FD, raw, sizeof(raw),
	    PIN_WAIT_MS, &len, &fd);

	if (r == Q_OK && (len == 0 || raw[0] > TOKEN_TRY_DECIDED))
		r = Q_PROTO;
	if (r == Q_OK) {
		c->try = (enum token_try)raw[0];
		r = secret_new(raw + 1, len - 1, ret_pin);
	}
	explicit_bzero(raw, sizeof(raw));
	if (fd >= 0)
		close(fd);
	return r;
}

/* How the start went, or why this process ends, to signd. */
static void
report(enum q_err code, const struct fault *f)
{
	uint8_t raw[4 + sizeof(f->msg)];
	const char *text = code == Q_OK ? "" : fault_text(f, code);
	size_t len = 4 + strlen(text);

	le32_put(raw, code);
	memcpy(raw + 4, text, strlen(text));
	if (wire_send(TOKEN_CONTROL_FD, (struct bytes){ raw, len },
	    (struct bytes){ NULL, 0 }, -1, 1000) != Q_OK)
		_exit(q_err_exit(Q_UNAVAIL));
}

static void
trying(void)
{
	report(Q_PENDING, NULL);
}

/* A result says that only another process can help. Callers whose answers do
 * not come ask that one. */
static void
lost(enum q_err code, const struct fault *f)
{
	report(code, f);
	_exit(q_err_exit(code));
}

static enum q_err
lanes_start(struct p11 *p, unsigned threads,
    struct wire_server *lanes[TOKEN_LANES], struct fault *f)
{
	static const bool many[TOKEN_LANES] = {
		[TOKEN_LANE_QUICK] = true,
		[TOKEN_LANE_RSA] = true,
	};
	enum q_err r = Q_OK;

	for (size_t i = 0; r == Q_OK && i < TOKEN_LANES; i++) {
		struct wire_server_conf conf = { .ops = ops,
			.n_ops = ARRAY_LEN(ops), .max_conns = CHANNELS_MAX,
			.threads = many[i] ? threads : 1, .ctx = p };

		r = wire_server_start(&conf, NULL, &lanes[i], f);
	}
	return r;
}

/* Channels come in until the control socket ends. */
static void
serve(struct wire_server *lanes[TOKEN_LANES])
{
	for (;;) {
		uint8_t lane;
		size_t len;
		int fd = -1;

		if (wire_recv(TOKEN_CONTROL_FD, &lane, 1, -1, &len, &fd) !=
		    Q_OK)
			return;
		if (fd >= 0 && (len != 1 || lane >= TOKEN_LANES ||
		    wire_server_adopt(lanes[lane], fd, ROLE_ADMIN) != Q_OK))
			close(fd);
	}
}

int
main(int argc, char **argv)
{
	static struct p11 p;
	struct wire_server *lanes[TOKEN_LANES];
	struct p11_conf conf = { 0 };
	struct secret pin = { 0 };
	struct fault f = { 0 };
	enum q_err r;

	secret_process_harden();
	if (argc != 5)
		return q_err_exit(Q_USAGE);
	log_open("quoin-token", LOG_INFO);
	signal(SIGPIPE, SIG_IGN);
	conf.module = argv[1];
	conf.label = argv[2];
	conf.init = argv[4];
	conf.trying = trying;
	r = token_sandbox(&f);
	if (r == Q_OK)
		r = pin_receive(&conf, &pin);
	if (r == Q_OK) {
		softhsm_mend();
		r = p11_open(&conf, &pin, &p, &f);
	}
	if (r == Q_OK)
		softhsm_keep();
	/* Not earlier: see softhsm.h. */
	if (r == Q_OK && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		r = Q_INTERNAL;
	p.lost = lost;
	if (r == Q_OK)
		r = lanes_start(&p, (unsigned)strtoul(argv[3], NULL, 10),
		    lanes, &f);
	report(r, &f);
	if (r == Q_OK)
		serve(lanes);
	p11_close(&p);
	_exit(q_err_exit(r));
}
