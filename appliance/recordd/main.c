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

/* Nothing but the folder of the store and of the sockets. */
static void
confine(const struct conf *c)
{
	char records[sizeof(c->store)];
	const char *write[] = { records, c->run, NULL };
	static const char *const none[] = { NULL };
	struct sandbox box = { .read = none, .write = write };
	struct fault f = { 0 };
	const char *colon = strchr(c->store, ':');
	char *slash;
	enum q_err r;

	snprintf(records, sizeof(records), "%s", colon ? colon + 1 : "");
	slash = strrchr(records, '/');
	if (slash != NULL)
		*slash = '\0';
	r = sandbox_enter(&box, &f);
	if (r != Q_OK)
		leave("sandbox", r, &f);
}

static void
start(struct recordd *rd, const struct conf *c,
    struct wire_server **ret_server)
{
	static struct role_map roles;
	char path[CONF_SOCKET_MAX];
	struct wire_server_conf sc = { .ops = recordd_ops,
		.n_ops = recordd_n_ops, .roles = &roles,
		.threads = (unsigned)c->recordd_threads, .ctx = rd };
	struct fault f = { 0 };
	enum q_err r = role_map_parse(c->roles, &roles, &f);

	if (r != Q_OK)
		leave("configuration", r, &f);
	umask(077);
	r = store_open(c->store, &rd->store, &f);
	if (r != Q_OK)
		leave("store", r, &f);
	confine(c);
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
