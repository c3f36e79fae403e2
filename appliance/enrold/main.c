// SPDX-License-Identifier: Apache-2.0
/*
 * quoin-enrold: the device port (TLS) and the plain port for CRLs and CA
 * certificates.
 */
#include "config.h"

#include <errno.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/own.h"
#include "base/sandbox.h"
#include "base/secret.h"
#include "enrold/authcert.h"
#include "enrold/cmp.h"
#include "enrold/front.h"
#include "enrold/house.h"
#include "enrold/notes.h"
#include "enrold/ocsp.h"
#include "enrold/revset.h"
#include "enrold/throttle.h"
#include "signer/provider.h"
#include "x509/pem.h"

#define CALL_MS 10000
#define START_PAUSE_MS 200

/* What a device's certificate or proof may be signed with; signd's own list
 * is shorter. */
#define CLIENT_SIGALGS "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512:" \
	"RSA-PSS+SHA256:RSA-PSS+SHA384:RSA-PSS+SHA512:" \
	"RSA+SHA256:RSA+SHA384:RSA+SHA512"

struct enrold {
	struct conf conf;
	struct core core;
	struct house *house;
	struct http_server *device, *public;
	struct http_route device_routes[EST_ROUTES + NATIVE_ROUTES +
	    CMP_ROUTES];
	struct http_route public_routes[PUBLIC_ROUTES + CMP_ROUTES +
	    OCSP_ROUTES];
	char tls_id[SIGND_ID_LEN + 1]; /* what the device port shows */
};

/* Whether SIGTERM or SIGINT came, waiting for it up to ms (-1: for ever).
 * They are blocked in every thread. */
static bool
stop_wait(int ms)
{
	struct timespec limit = { ms / 1000, ms % 1000 * 1000000L };
	sigset_t set;
	int sig;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	do
		sig = ms < 0 ? sigwaitinfo(&set, NULL) :
		    sigtimedwait(&set, NULL, &limit);
	while (sig < 0 && errno == EINTR);
	return sig > 0;
}

static void
must(enum q_err r, const struct fault *f, const char *what)
{
	if (r == Q_OK)
		return;
	log_error("%s: %s", what, fault_text(f, r));
	exit(q_err_exit(r));
}

/* The device port's certificate, and what leads those to its root who know
 * an earlier one only. */
static enum q_err
tls_chain(const struct pki *pki, struct buf *chain)
{
	pem_encode(chain, PEM_CERTIFICATE, buf_bytes(&pki->tls->der));
	for (size_t i = 0; i < pki->n_path; i++)
		if (pki->path[i]->purpose == PKI_LINK &&
		    pki_link_is_new(pki, pki->path[i]))
			pem_encode(chain, PEM_CERTIFICATE,
			    buf_bytes(&pki->path[i]->der));
	return chain->bad ? Q_TOOBIG : Q_OK;
}

/* A server context with the certificate that signd says is current; NULL when
 * that is in use already. */
static enum q_err
tls_make(struct enrold *e, SSL_CTX **ret_ctx, struct fault *f)
{
	AUTO_PKI struct pki *pki = NULL;
	AUTO_BUF struct buf chain = BUF_INIT(2 * PKI_PATH_MAX * SIGND_CERT_MAX);
	EVP_PKEY *key = NULL;
	SSL_CTX *ctx = NULL;
	enum q_err r = pki_hold(e->core.pki, &pki, f);

	if (r != Q_OK)
		return r;
	if (pki->tls == NULL)
		return fault_retry(f, Q_UNAVAIL, 1,
		    "the device port has no certificate yet");
	if (strcmp(e->tls_id, pki->tls->id) == 0)
		return Q_OK;
	r = tls_chain(pki, &chain);
	if (r == Q_OK)
		r = signer_provider_key(pki->tls->der.p,
		    pki->tls->der.len, pki->tls->id, &key);
	if (r == Q_OK)
		r = http_tls_ctx_new(buf_bytes(&chain), key, true, &ctx, f);
	EVP_PKEY_free(key);
	if (r == Q_OK && (SSL_CTX_set1_sigalgs_list(ctx,
	    SIGNER_PROVIDER_SIGALGS) != 1 ||
	    SSL_CTX_set1_client_sigalgs_list(ctx, CLIENT_SIGALGS) != 1)) {
		SSL_CTX_free(ctx);
		return fault_set(f, Q_INTERNAL,
		    "OpenSSL refuses the signature algorithms");
	}
	if (r != Q_OK)
		return r;
	snprintf(e->tls_id, sizeof(e->tls_id), "%s", pki->tls->id);
	*ret_ctx = ctx;
	return r;
}

/* On the housekeeping thread. */
static void
tls_look(void *arg)
{
	struct enrold *e = arg;
	struct fault f = { 0 };
	SSL_CTX *ctx = NULL;
	enum q_err r = tls_make(e, &ctx, &f);

	if (r != Q_OK) {
		log_warn("device port keeps its certificate: %s",
		    fault_text(&f, r));
		return;
	}
	if (ctx == NULL)
		return;
	http_server_set_tls(e->device, ctx);
	SSL_CTX_free(ctx);
	log_note("device port has a new certificate");
}

static void
clients_open(struct enrold *e)
{
	char path[CONF_SOCKET_MAX];
	enum q_err r = signer_open(&e->conf, CALL_MS, &e->core.signd);

	must(r, NULL, "client of signd");
	must(conf_socket(&e->conf, "recordd", path), NULL,
	    "path of recordd's socket");
	must(wire_client_new(path, CALL_MS, &e->core.recordd), NULL,
	    "client of recordd");
	must(signer_provider_load(e->core.signd), NULL,
	    "provider of TLS keys");
	must(pki_box_new(e->core.signd, &e->core.pki), NULL, "certificates");
	must(cache_new(e->core.recordd, &e->core.cache), NULL, "cache");
	must(authcerts_new(e->core.recordd, &e->core.authcerts), NULL,
	    "Auth Certs");
	must(throttle_new(&e->core.throttle), NULL, "limits");
	must(revset_new(e->core.recordd, &e->core.revset), NULL,
	    "revoked certificates");
	must(crls_new(&e->core, &e->core.crls), NULL, "CRLs");
	must(cmp_table_new(&e->core.cmp), NULL, "CMP transactions");
	must(ocsp_new(&e->core, &e->core.ocsp), NULL, "OCSP answers");
}

static void
public_listen(struct enrold *e)
{
	struct http_config cfg = { .port = (uint16_t)e->conf.crl_port,
		.workers = OCSP_WAIT_MAX + 32, .parked_max = 4096, .body_max = 1024 };
	struct fault f = { 0 };

	memcpy(e->public_routes, public_routes, sizeof(public_routes));
	memcpy(e->public_routes + PUBLIC_ROUTES, cmp_routes,
	    sizeof(cmp_routes));
	memcpy(e->public_routes + PUBLIC_ROUTES + CMP_ROUTES, ocsp_routes,
	    sizeof(ocsp_routes));
	must(http_server_start(&cfg, e->public_routes,
	    ARRAY_LEN(e->public_routes), &e->core, &e->public, &f), &f,
	    "CRL port");
}

/* The device port opens when signd has a certificate for it; false when the
 * process shall end before. */
static bool
device_listen(struct enrold *e)
{
	struct http_route *to = e->device_routes;
	struct http_config cfg = { .realm = "Quoin",
		.address = e->conf.device_address,
		.port = (uint16_t)e->conf.device_port,
		.workers = (unsigned)e->conf.device_workers,
		.parked_max = (unsigned)e->conf.device_parked,
		.parked_per_address = (unsigned)e->conf.device_per_address,
		.body_max = (uint32_t)e->conf.device_body };
	struct fault f = { 0 };
	SSL_CTX *ctx = NULL;
	bool said = false;
	enum q_err r;

	while ((r = tls_make(e, &ctx, &f)) != Q_OK) {
		if (!said)
			log_note("device port waits: %s", fault_text(&f, r));
		said = true;
		if (stop_wait(START_PAUSE_MS))
			return false;
		(void)!pki_refresh(e->core.pki, 0, NULL);
	}
	cfg.tls = ctx;
	memcpy(to, est_routes, sizeof(est_routes));
	memcpy(to += EST_ROUTES, native_routes, sizeof(native_routes));
	memcpy(to + NATIVE_ROUTES, cmp_routes, sizeof(cmp_routes));
	must(http_server_start(&cfg, e->device_routes,
	    ARRAY_LEN(e->device_routes), &e->core, &e->device, &f), &f,
	    "device port");
	SSL_CTX_free(ctx);
	return true;
}

/* Its own folder to write CRLs to, the two sockets, nothing else. */
static void
lock_in(const struct enrold *e)
{
	char own[sizeof(e->conf.state) + 16];
	const char *const write[] = { own, NULL };
	const char *const read[] = { e->conf.run, "/etc/ssl/openssl.cnf",
		NULL };
	struct sandbox box = { .read = read, .write = write, .inet = true };
	struct fault f = { 0 };

	snprintf(own, sizeof(own), "%s/enrold", e->conf.state);
	must(sandbox_enter(&box, &f), &f, "sandbox");
}

static void
enrold_run(struct enrold *e)
{
	must(notes_start(e->core.recordd, &e->core.notes), NULL,
	    "activity records");
	public_listen(e);
	if (!device_listen(e))
		return;
	must(house_start(&e->core, e->core.crls, tls_look, e, &e->house), NULL,
	    "housekeeping");
	must(ocsp_start(e->core.ocsp), NULL, "OCSP answers");
	log_note("device port %u, CRL port %u",
	    http_server_port(e->device), http_server_port(e->public));
	stop_wait(-1);
}

int
main(int argc, char **argv)
{
	static struct enrold e;
	sigset_t set;

	conf_main(argc, argv, "quoin-enrold", &e.conf);
	/* Keys that it makes for devices are in its memory for a moment. */
	secret_process_harden();
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	core_init(&e.core);
	e.core.conf = &e.conf;
	clients_open(&e);
	lock_in(&e);
	enrold_run(&e);
	house_stop(e.house);
	http_server_stop(e.device);
	http_server_stop(e.public);
	notes_stop(e.core.notes);
	cmp_table_free(e.core.cmp);
	ocsp_free(e.core.ocsp);
	crls_free(e.core.crls);
	revset_free(e.core.revset);
	cache_free(e.core.cache);
	authcerts_free(e.core.authcerts);
	throttle_free(e.core.throttle);
	pki_box_free(e.core.pki);
	wire_client_free(e.core.recordd);
	wire_client_free(e.core.signd);
	return 0;
}
