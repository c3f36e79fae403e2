// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "http-tools.h"

#include <arpa/inet.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/codec.h"

void
identity_make(struct identity *id, const char *name)
{
	BIO *bio = BIO_new(BIO_s_mem());
	unsigned char md[32];
	X509_NAME *dn;

	id->key = EVP_EC_gen("P-256");
	id->cert = X509_new();
	dn = X509_get_subject_name(id->cert);
	X509_set_version(id->cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(id->cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(id->cert), -3600);
	X509_gmtime_adj(X509_getm_notAfter(id->cert), 3600);
	X509_NAME_add_entry_by_txt(dn, "CN", MBSTRING_ASC,
	    (const unsigned char *)name, -1, -1, 0);
	X509_set_issuer_name(id->cert, dn);
	X509_set_pubkey(id->cert, id->key);
	X509_sign(id->cert, id->key, EVP_sha256());
	X509_digest(id->cert, EVP_sha256(), md, NULL);
	hex_encode(md, sizeof(md), id->sha256);
	PEM_write_bio_X509(bio, id->cert);
	id->pem[BIO_read(bio, id->pem, sizeof(id->pem) - 1)] = '\0';
	BIO_free(bio);
}

void
identity_free(struct identity *id)
{
	EVP_PKEY_free(id->key);
	X509_free(id->cert);
}

int
tcp_open(uint16_t port, int from)
{
	struct sockaddr_in me = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(0x7f000000U + (unsigned)from) };
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval limit = { .tv_sec = 20 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if (bind(fd, (struct sockaddr *)&me, sizeof(me)) != 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Whether text holds a head and the body that it announces. */
static bool
complete(const char *text, size_t n)
{
	const char *end = strstr(text, "\r\n\r\n");
	const char *cl = strcasestr(text, "\r\nContent-Length: ");

	if (end == NULL)
		return false;
	if (strncmp(text, "HTTP/1.1 100", 12) == 0 || cl == NULL || cl > end)
		return true;
	return n - (size_t)(end + 4 - text) >=
	    strtoul(cl + 18, NULL, 10);
}

static int
answer(int fd, SSL *ssl, bool whole, char *text, size_t cap)
{
	size_t n = 0;

	text[0] = '\0';
	while (n + 1 < cap && !(whole && complete(text, n))) {
		ssize_t got = ssl != NULL
		    ? SSL_read(ssl, text + n, (int)(cap - 1 - n))
		    : recv(fd, text + n, cap - 1 - n, 0);

		if (got <= 0)
			break;
		n += (size_t)got;
		text[n] = '\0';
	}
	if (strncmp(text, "HTTP/1.1 ", 9) != 0)
		return 0;
	return (int)strtol(text + 9, NULL, 10);
}

int
tcp_answer(int fd, bool whole, char *text, size_t cap)
{
	return answer(fd, NULL, whole, text, cap);
}

int
tcp_ask(uint16_t port, const void *rq, size_t len, char *text, size_t cap)
{
	int fd = tcp_open(port, 1), status;

	if (fd < 0)
		return 0;
	if (send(fd, rq, len, MSG_NOSIGNAL) < 0)
		perror("# send");
	status = tcp_answer(fd, true, text, cap);
	close(fd);
	return status;
}

static int
keep_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls_client *c = SSL_get_app_data(ssl);

	SSL_SESSION_free(c->session);
	c->session = session;
	return 1;
}

void
tls_client_init(struct tls_client *c, int version, const struct identity *id)
{
	*c = (struct tls_client){ .ctx = SSL_CTX_new(TLS_client_method()),
		.version = version, .from = 1 };
	SSL_CTX_set_min_proto_version(c->ctx, version);
	SSL_CTX_set_max_proto_version(c->ctx, version);
	SSL_CTX_set_session_cache_mode(c->ctx, SSL_SESS_CACHE_CLIENT |
	    SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(c->ctx, keep_session);
	if (id != NULL) {
		SSL_CTX_use_certificate(c->ctx, id->cert);
		SSL_CTX_use_PrivateKey(c->ctx, id->key);
	}
}

void
tls_client_free(struct tls_client *c)
{
	SSL_SESSION_free(c->session);
	SSL_CTX_free(c->ctx);
}

SSL *
tls_open(struct tls_client *c, uint16_t port)
{
	int fd = tcp_open(port, c->from);
	SSL *ssl = SSL_new(c->ctx);

	SSL_set_fd(ssl, fd);
	SSL_set_app_data(ssl, c);
	if (c->session != NULL)
		SSL_set_session(ssl, c->session);
	if (fd >= 0 && SSL_connect(ssl) == 1)
		return ssl;
	tls_close(ssl);
	return NULL;
}

int
tls_answer(SSL *ssl, bool whole, char *text, size_t cap)
{
	return answer(-1, ssl, whole, text, cap);
}

int
tls_ask(struct tls_client *c, uint16_t port, const char *rq, char *text,
    size_t cap)
{
	SSL *ssl = tls_open(c, port);
	int status;

	text[0] = '\0';
	if (ssl == NULL)
		return 0;
	SSL_write(ssl, rq, (int)strlen(rq));
	status = tls_answer(ssl, true, text, cap);
	tls_close(ssl);
	return status;
}

void
tls_close(SSL *ssl)
{
	int fd = SSL_get_fd(ssl);

	if (SSL_is_init_finished(ssl))
		SSL_shutdown(ssl);
	SSL_free(ssl);
	if (fd >= 0)
		close(fd);
}

size_t
tls_hello(uint8_t *out, size_t cap)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	BIO *wire = BIO_new(BIO_s_mem());
	int n;

	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), wire);
	SSL_connect(ssl);
	n = BIO_read(wire, out, (int)cap);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	return n > 0 ? (size_t)n : 0;
}
