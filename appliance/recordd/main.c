// SPDX-License-Identifier: Apache-2.0
/*
 * quoin-recordd: the only process that opens the store. It holds no secret:
 * what must be one was sealed before it gets here. Who may read or write
 * which type is in REC_ACCESS.
 */
#include "config.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/conf.h"
#include "base/log.h"
#include "base/own.h"
#include "base/sandbox.h"
#include "base/secret.h"
#include "recordd/ops.h"

/* Leave with the documented exit code. */
static void __attribute__((noreturn))
leave(const char *what, enum q_err r, const struct fault *f)
{
	log_error("%s: %s", what, fault_text(f, r));
	exit(q_err_exit(r));
}

static void
signals_block(sigset_t *ret_set)
{
	sigemptyset(ret_set);
	sigaddset(ret_set, SIGTERM);
	sigaddset(ret_set, SIGINT);
	pthread_sigmask(SIG_BLOCK, ret_set, NULL);
}

/* Nothing but the folders of the store and of the sockets; for a store on
 * the network also that, and what names and certificates are looked up in.
 * Before the store is opened: its threads are to be confined, too. */
static void
confine(const struct conf *c, const char *own)
{
	struct store_needs needs;
	const char *write[] = { own, c->run, NULL, NULL };
	const char *read[] = { "/etc/ssl/openssl.cnf", NULL, NULL, NULL,
		"/etc/ssl", "/usr/lib/ssl", "/usr/share/ca-certificates",
		"/usr/local/share/ca-certificates", "/etc/resolv.conf",
		"/etc/hosts", "/etc/nsswitch.conf", "/etc/host.conf",
		"/etc/gai.conf", "/etc/services", "/run/systemd/resolve",
		"/usr/lib", "/lib", "/etc/ld.so.cache", NULL };
	struct sandbox box = { .read = read, .write = write };
	struct fault f = { 0 };
	enum q_err r;

	store_needs(c->store, &needs);
	/* A rule is for what exists; whether all is well, the store tells. */
	if (needs.folder[0] != '\0') {
		(void)!mkdir(needs.folder, 0700);
		write[2] = needs.folder;
	}
	(void)!mkdir(own, 0700);
	for (size_t i = 0; i < ARRAY_LEN(needs.file); i++)
		read[1 + i] = needs.file[i];
	if (!needs.inet)
		read[0] = NULL;
	box.inet = needs.inet;
	r = sandbox_enter(&box, &f);
	if (r != Q_OK)
		leave("sandbox", r, &f);
}

static void
start(struct recordd *rd, const struct conf *c,
    struct wire_server **ret_server)
{
	static struct role_map roles;
	char path[CONF_SOCKET_MAX], own[sizeof(c->state) + 16];
	struct wire_server_conf sc = { .ops = recordd_ops,
		.n_ops = recordd_n_ops, .roles = &roles,
		.threads = (unsigned)c->recordd_threads, .ctx = rd };
	struct fault f = { 0 };
	enum q_err r = role_map_parse(c->roles, &roles, &f);

	if (r != Q_OK)
		leave("configuration", r, &f);
	umask(077);
	snprintf(own, sizeof(own), "%s/records", c->state);
	confine(c, own);
	r = store_open(c->store, own, &rd->store, &f);
	if (r != Q_OK)
		leave("store", r, &f);
	r = hints_start(&rd->hints);
	if (r == Q_OK)
		r = writer_start(rd->store, rd->hints, &rd->writer);
	if (r != Q_OK)
		leave("start", r, NULL);
	r = conf_socket(c, "recordd", path);
	if (r == Q_OK)
		r = wire_server_start(&sc, path, ret_server, &f);
	if (r != Q_OK)
		leave("socket", r, &f);
	log_info("serving %s", path);
}

int
main(int argc, char **argv)
{
	struct conf conf;
	struct recordd rd;
	struct wire_server *server;
	sigset_t set;
	int sig;

	conf_main(argc, argv, "quoin-recordd", &conf);
	secret_process_harden();
	signals_block(&set);
	start(&rd, &conf, &server);
	sigwait(&set, &sig);
	log_info("ending on signal %d", sig);
	/* What was taken is answered before the connections go. */
	writer_stop(rd.writer);
	hints_stop(rd.hints);
	wire_server_stop(server);
	writer_free(rd.writer);
	hints_free(rd.hints);
	rd.store->ops->close(rd.store);
	return 0;
}
