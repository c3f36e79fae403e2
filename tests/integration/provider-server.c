// SPDX-License-Identifier: Apache-2.0
/* A TLS server whose key is in the token: one connection after the other,
 * until it is killed. usage: provider-server CONF PORT */
#include "config.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "signer/provider.h"
#include "signer/signer.h"

#define DEADLINE_MS 2000

static void
must(enum q_err r, const char *what)
{
	if (r == Q_OK)
		return;
	fprintf(stderr, "%s: %s\n", what, q_err_text(r));
	exit(q_err_exit(r));
}

static enum q_err
take_cert(void *arg, const struct signd_cert *c)
{
	SSL_CTX *ctx = arg;
	EVP_PKEY *key = NULL;

	if (strcmp(c->purpose, "tls-device") != 0 ||
	    strcmp(c->state, "active") != 0)
		return Q_OK;
	must(signer_provider_key(c->cert.p, c->cert.len, c->id, &key), "key");
	if (SSL_CTX_use_certificate_ASN1(ctx, (int)c->cert.len,
	    c->cert.p) != 1 || SSL_CTX_use_PrivateKey(ctx, key) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1)
		must(Q_INVALID, "certificate and key");
	EVP_PKEY_free(key);
	return Q_OK;
}

static int
listen_on(int port)
{
	struct sockaddr_in sin = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) != 0 ||
	    listen(fd, 16) != 0)
		must(Q_IO, "listen");
	return fd;
}

static void
serve(SSL_CTX *ctx, int fd)
{
	static const char hello[] = "hello from the token\n";
	SSL *ssl = SSL_new(ctx);

	SSL_set_fd(ssl, fd);
	if (SSL_accept(ssl) == 1) {
		SSL_write(ssl, hello, sizeof(hello) - 1);
		SSL_shutdown(ssl);
	} else {
		ERR_print_errors_fp(stderr);
	}
	SSL_free(ssl);
	close(fd);
}

int
main(int argc, char **argv)
{
	struct wire_client *signd = NULL;
	struct conf conf;
	struct fault f = { 0 };
	SSL_CTX *ctx;
	int listener;

	if (argc != 3)
		return 64;
	signal(SIGPIPE, SIG_IGN);
	must(conf_load(argv[1], &conf, &f), "configuration");
	must(signer_open(&conf, DEADLINE_MS, &signd), "signd");
	must(signer_provider_load(signd), "provider");
	ctx = SSL_CTX_new(TLS_server_method());
	SSL_CTX_set1_sigalgs_list(ctx, SIGNER_PROVIDER_SIGALGS);
	must(signer_certs(signd, take_cert, ctx, &f), "certificates");
	listener = listen_on((int)strtol(argv[2], NULL, 10));
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0)
			serve(ctx, fd);
	}
}
