// SPDX-License-Identifier: Apache-2.0
/*
 * quoin-token: holds the PIN and the PKCS #11 module, and nothing else. It
 * may hang or die at any time; quoin-signd, which started it, then kills it
 * and starts another. It must never open a socket of its own, start a
 * program or write a file other than what the module does.
 */
#include "config.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
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

static enum q_err
pin_receive(struct secret *ret_pin)
{
	uint8_t raw[256];
	size_t len = 0;
	int fd = -1;
	enum q_err r = wire_recv(TOKEN_CONTROL_FD, raw, sizeof(raw),
	    PIN_WAIT_MS, &len, &fd);

	if (r == Q_OK)
		r = secret_new(raw, len, ret_pin);
	explicit_bzero(raw, sizeof(raw));
	if (fd >= 0)
		close(fd);
	return r;
}

/* How the start went, to signd. */
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

/* Channels come in until the control socket ends, or a call's result says
 * that only another process can help. */
static void
serve(struct wire_server *server, int restart)
{
	struct pollfd fds[] = {
		{ .fd = TOKEN_CONTROL_FD, .events = POLLIN },
		{ .fd = restart, .events = POLLIN },
	};

	for (;;) {
		uint8_t byte;
		size_t len;
		int fd = -1;

		if (poll(fds, ARRAY_LEN(fds), -1) < 0)
			continue;
		if (fds[1].revents != 0)
			return;
		if (wire_recv(TOKEN_CONTROL_FD, &byte, 1, 0, &len, &fd) !=
		    Q_OK)
			return;
		if (fd >= 0 &&
		    wire_server_adopt(server, fd, ROLE_ADMIN) != Q_OK)
			close(fd);
	}
}

int
main(int argc, char **argv)
{
	static struct p11 p;
	struct wire_server_conf conf = { .ops = ops, .n_ops = ARRAY_LEN(ops),
		.max_conns = CHANNELS_MAX, .ctx = &p };
	struct wire_server *server;
	struct secret pin = { 0 };
	struct fault f = { 0 };
	enum q_err r;

	secret_process_harden();
	if (argc != 4)
		return q_err_exit(Q_USAGE);
	log_open("quoin-token", LOG_INFO);
	signal(SIGPIPE, SIG_IGN);
	conf.threads = (unsigned)strtoul(argv[3], NULL, 10);
	r = token_sandbox(&f);
	if (r == Q_OK)
		r = pin_receive(&pin);
	if (r == Q_OK) {
		softhsm_mend();
		r = p11_open(argv[1], argv[2], &pin, &p, &f);
	}
	if (r == Q_OK)
		softhsm_keep();
	p.restart_event = eventfd(0, EFD_CLOEXEC);
	if (r == Q_OK && p.restart_event < 0)
		r = Q_IO;
	/* Not earlier: see softhsm.h. */
	if (r == Q_OK && prctl(PR_SET_PDEATHSIG, SIGKILL) != 0)
		r = Q_INTERNAL;
	if (r == Q_OK)
		r = wire_server_start(&conf, NULL, &server, &f);
	report(r, &f);
	if (r == Q_OK) {
		serve(server, p.restart_event);
		wire_server_stop(server);
	}
	p11_close(&p);
	_exit(q_err_exit(r));
}
