// SPDX-License-Identifier: Apache-2.0
/* quoin-webd: the web administration. */
#include "config.h"

#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/own.h"
#include "base/sandbox.h"
#include "base/secret.h"
#include "signer/provider.h"
#include "webd/admintls.h"
#include "webd/dispatch.h"
#include "webd/mail.h"
#include "webd/parts.h"
#include "webd/ui.h"

#define CALL_MS 10000
#define LOOK_MS 2000 /* between looks at the port's certificate */
#define START_LOOK_MS 200
#define BODY_MAX 131072

/* Scripts and styles of this port alone, nothing inline, no frames. */
#define ALWAYS                                                              \
	"Content-Security-Policy: default-src 'none'; script-src 'self'; "  \
	"style-src 'self'; img-src 'self' data:; connect-src 'self'; "      \
	"font-src 'self'; worker-src 'self'; base-uri 'none'; "             \
	"form-action 'none'; frame-ancestors 'none'\r\n"                    \
	"X-Content-Type-Options: nosniff\r\n"                               \
	"X-Frame-Options: DENY\r\n"                                         \
	"Referrer-Policy: no-referrer\r\n"                                  \
	"Cross-Origin-Opener-Policy: same-origin\r\n"                       \
	"Cross-Origin-Resource-Policy: same-origin\r\n"                     \
	"Strict-Transport-Security: max-age=63072000\r\n"

struct webd {
	struct conf conf;
	struct web web;
	struct http_server *server;
	struct buf shown; /* the chain that the port shows */
};

static void
must(enum q_err r, const struct fault *f, const char *what)
{
	if (r == Q_OK)
		return;
	log_error("%s: %s", what, fault_text(f, r));
	exit(q_err_exit(r));
}

/* Whether SIGTERM or SIGINT came within ms. They are blocked in every
 * thread. */
static bool
stop_wait(int ms)
{
	struct timespec limit = { ms / 1000, ms % 1000 * 1000000L };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	return sigtimedwait(&set, NULL, &limit) > 0;
}

/* A context for what the port shall show; NULL when it shows that. */
static enum q_err
tls_make(struct webd *d, SSL_CTX **ret_ctx, struct fault *f)
{
	struct admintls t;
	EVP_PKEY *key = NULL;
	SSL_CTX *ctx = NULL;
	enum q_err r = admintls_current(&d->web, &t, f);

	if (r != Q_OK)
		return r;
	if (t.chain.len == d->shown.len && t.chain.len != 0 &&
	    memcmp(t.chain.p, d->shown.p, t.chain.len) == 0)
		goto out;
	r = signer_provider_key(t.leaf.p, t.leaf.len, t.key, &key);
	if (r == Q_OK)
		r = http_tls_ctx_new(buf_bytes(&t.chain), key, false, &ctx, f);
	if (r == Q_OK && SSL_CTX_set1_sigalgs_list(ctx,
	    SIGNER_PROVIDER_SIGALGS) != 1)
		r = fault_set(f, Q_INTERNAL,
		    "OpenSSL refuses the signature algorithms");
	if (r == Q_OK) {
		buf_reset(&d->shown);
		buf_put(&d->shown, t.chain.p, t.chain.len);
		*ret_ctx = ctx;
		ctx = NULL;
	}
out:
	SSL_CTX_free(ctx);
	EVP_PKEY_free(key);
	admintls_free(&t);
	return r;
}

static void
tls_look(struct webd *d)
{
	struct fault f = { 0 };
	SSL_CTX *ctx = NULL;
	enum q_err r = tls_make(d, &ctx, &f);

	/* signd away for a moment is no news. */
	if (r != Q_OK && r != Q_UNAVAIL && r != Q_TIMEOUT)
		log_warn("the port keeps its certificate: %s",
		    fault_text(&f, r));
	if (ctx == NULL)
		return;
	http_server_set_tls(d->server, ctx);
	SSL_CTX_free(ctx);
	log_note("the port has a new certificate");
}

static void
clients_open(struct webd *d)
{
	char path[CONF_SOCKET_MAX];
	struct fault f = { 0 };

	must(signer_open(&d->conf, CALL_MS, &d->web.signd), NULL,
	    "client of signd");
	must(conf_socket(&d->conf, "recordd", path), NULL,
	    "path of recordd's socket");
	must(wire_client_new(path, CALL_MS, &d->web.recordd), NULL,
	    "client of recordd");
	must(signer_provider_load(d->web.signd), NULL,
	    "provider of TLS keys");
	must(ui_load(d->conf.admin_ui, &d->web.ui, &f), &f, "pages");
	must(web_routes_make(&d->web), NULL, "routes");
}

/* The sockets of the others, the names and roots that mail needs. */
static void
lock_in(const struct webd *d)
{
	const char *const read[] = { d->conf.run, "/etc/ssl", "/etc/hosts",
		"/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/host.conf",
		"/etc/gai.conf", "/usr/share/ca-certificates",
		"/usr/lib/ssl", "/run/systemd/resolve", NULL };
	struct sandbox box = { .read = read, .inet = true };
	struct fault f = { 0 };

	must(sandbox_enter(&box, &f), &f, "sandbox");
}

/* The port opens when signd has a certificate for it; false when the process
 * shall end before. */
static bool
serve(struct webd *d)
{
	struct http_config cfg = { .address = d->conf.admin_address,
		.port = (uint16_t)d->conf.admin_port,
		.workers = (unsigned)d->conf.admin_workers,
		.body_max = BODY_MAX, .problem = true, .always = ALWAYS,
		.idle_ms = 60000 };
	struct fault f = { 0 };
	SSL_CTX *ctx = NULL;
	bool said = false;
	enum q_err r;

	while ((r = tls_make(d, &ctx, &f)) != Q_OK) {
		if (!said)
			log_note("the port waits: %s", fault_text(&f, r));
		said = true;
		if (stop_wait(START_LOOK_MS))
			return false;
	}
	cfg.tls = ctx;
	must(http_server_start(&cfg, d->web.routes, d->web.n_routes, &d->web,
	    &d->server, &f), &f, "administration port");
	SSL_CTX_free(ctx);
	log_note("administration port %u", http_server_port(d->server));
	return true;
}

int
main(int argc, char **argv)
{
	static struct webd d = { .shown = BUF_INIT(64 * SIGND_CERT_MAX) };
	struct fault f = { 0 };
	sigset_t set;

	conf_main(argc, argv, "quoin-webd", &d.conf);
	/* Passwords are in its memory for a moment. */
	secret_process_harden();
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	d.web.conf = &d.conf;
	clients_open(&d);
	must(parts_prepare(&d.web, &f), &f, "start");
	lock_in(&d);
	must(parts_start(&d.web, &f), &f, "start");
	if (serve(&d))
		while (!stop_wait(LOOK_MS))
			tls_look(&d);
	mail_send_stop();
	http_server_stop(d.server);
	parts_stop(&d.web);
	ui_free(d.web.ui);
	free(d.web.routes);
	free(d.web.rows);
	buf_free(&d.shown);
	wire_client_free(d.web.recordd);
	wire_client_free(d.web.signd);
	return 0;
}
