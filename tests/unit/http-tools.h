// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_UNIT_HTTP_TOOLS_H
#define TESTS_UNIT_HTTP_TOOLS_H

/* A client that can misbehave, for the tests of web/http. */
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* A P-256 key, and a certificate signed by itself, in PEM too. */
struct identity {
	EVP_PKEY *key;
	X509 *cert;
	char pem[2048];
	char sha256[65]; /* of the certificate's DER */
};

void identity_make(struct identity *id, const char *name);
void identity_free(struct identity *id);

/* Connect to 127.0.0.1:port from 127.0.0.`from`, reads limited to 20 s; -1
 * when that fails. */
int tcp_open(uint16_t port, int from);

/* Everything until the peer closes or, with `whole`, until one response is
 * complete; returns its status, 0 for none. text is NUL-terminated. */
int tcp_answer(int fd, bool whole, char *text, size_t cap);

/* tcp_open, send, tcp_answer, close. */
int tcp_ask(uint16_t port, const void *rq, size_t len, char *text,
    size_t cap);

/* The same over TLS. session: offered when not NULL, and replaced by the
 * one that the server gives. */
struct tls_client {
	SSL_CTX *ctx;
	int version; /* TLS1_2_VERSION or TLS1_3_VERSION */
	int from;
	SSL_SESSION *session;
};

void tls_client_init(struct tls_client *c, int version,
    const struct identity *id);
void tls_client_free(struct tls_client *c);
SSL *tls_open(struct tls_client *c, uint16_t port);
int tls_answer(SSL *ssl, bool whole, char *text, size_t cap);
int tls_ask(struct tls_client *c, uint16_t port, const char *rq, char *text,
    size_t cap);
void tls_close(SSL *ssl);

/* A ClientHello as it goes over the wire; its length. */
size_t tls_hello(uint8_t *out, size_t cap);

#endif
