// SPDX-License-Identifier: Apache-2.0
/* The web server over TLS: certificates, resumption, bindings, another key. */
#include "config.h"

#include "http/http.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/own.h"
#include "http-tools.h"
#include "tap.h"

#define REQUEST_MS 1500
#define H "Host: x\r\n"

static char text[1 << 20];
static const char get_hello[] = "GET /hello HTTP/1.1\r\n" H "\r\n";
static const char get_big[] = "GET /big HTTP/1.1\r\n" H "\r\n";

static enum q_err
on_hello(void *ctx, const struct http_request *rq, struct http_response *rs,
    struct fault *f)
{
	(void)ctx;
	(void)rq;
	(void)f;
	buf_puts(&rs->body, "hello");
	return Q_OK;
}

/* SHA-256 of the peer's certificate and both channel bindings, in hex. */
static enum q_err
on_tls(void *ctx, const struct http_request *rq, struct http_response *rs,
    struct fault *f)
{
	uint8_t b[HTTP_BINDING_MAX], md[32];
	char hex[2 * HTTP_BINDING_MAX + 1] = "none";
	size_t n;

	(void)ctx;
	(void)f;
	if (rq->peer_cert != NULL) {
		X509_digest(rq->peer_cert, EVP_sha256(), md, NULL);
		hex_encode(md, sizeof(md), hex);
	}
	buf_puts(&rs->body, hex);
	for (int kind = HTTP_TLS_UNIQUE; kind <= HTTP_TLS_EXPORTER; kind++) {
		snprintf(hex, sizeof(hex), "none");
		if (http_channel_binding(rq, (enum http_binding)kind, b, &n)
		    == Q_OK)
			hex_encode(b, n, hex);
		buf_printf(&rs->body, " %s", hex);
	}
	buf_printf(&rs->body, " sent %d more", sk_X509_num(
	    SSL_get_peer_cert_chain(rq->ssl)));
	return Q_OK;
}

static enum q_err
on_big(void *ctx, const struct http_request *rq, struct http_response *rs,
    struct fault *f)
{
	(void)ctx;
	(void)rq;
	(void)f;
	for (int i = 0; i < 50000; i++)
		buf_puts(&rs->body, "0123456789");
	return Q_OK;
}

static const struct http_route routes[] = {
	{ "GET", "/hello", on_hello, 0, 0, 0 },
	{ "GET", "/tls", on_tls, 0, 0, 0 },
	{ "GET", "/big", on_big, 0, 0, 0 },
};

static struct http_server *
serve(SSL_CTX *tls)
{
	struct http_config cfg = { .tls = tls, .workers = 8,
		.request_ms = REQUEST_MS, .hello_ms = REQUEST_MS };
	struct http_server *s = NULL;
	struct fault f = { .code = Q_OK };

	if (http_server_start(&cfg, routes, ARRAY_LEN(routes), NULL, &s,
		&f) != Q_OK) {
		printf("Bail out! %s\n", f.msg);
		exit(1);
	}
	return s;
}

static void
test_tls_version(struct http_server *s, int version,
    const struct identity *id)
{
	const char *name = version == TLS1_3_VERSION ? "TLS 1.3" : "TLS 1.2";
	static const char rq[] = "GET /tls HTTP/1.1\r\n" H "\r\n";
	uint16_t port = http_server_port(s);
	struct tls_client c;
	struct http_stats st;
	uint64_t resumed;
	char hex[2 * HTTP_BINDING_MAX + 1];
	uint8_t b[HTTP_BINDING_MAX];
	SSL *ssl;

	tls_client_init(&c, version, id);
	for (int again = 0; again < 2; again++) {
		http_server_stats(s, &st);
		resumed = st.resumed;
		ssl = tls_open(&c, port);
		if (!ok(ssl != NULL, "%s: handshake", name))
			continue;
		SSL_write(ssl, rq, sizeof(rq) - 1);
		is_int(tls_answer(ssl, true, text, sizeof(text)), 200,
		    "%s: request", name);
		http_server_stats(s, &st);
		is_int(st.resumed - resumed, again, "%s: resumed", name);
		ok(strstr(text, id->sha256) != NULL,
		    "%s: the client's certificate is seen", name);
		SSL_export_keying_material(ssl, b, 32,
		    "EXPORTER-Channel-Binding", 24, NULL, 0, 1);
		hex_encode(b, 32, hex);
		ok(strstr(text, hex) != NULL, "%s: tls-exporter", name);
		if (version == TLS1_2_VERSION)
			hex_encode(b, again ? SSL_get_peer_finished(ssl, b, 64)
			    : SSL_get_finished(ssl, b, 64), hex);
		ok(strstr(text, version == TLS1_2_VERSION ? hex : " none ") !=
		    NULL, "%s: tls-unique", name);
		tls_close(ssl);
	}
	tls_client_free(&c);
}

/* Whose certificate needs others beside it: they are there each time. */
static void
test_chain(struct http_server *s, int version, const struct identity *id,
    const struct identity *more)
{
	struct tls_client c;
	struct http_stats before, after;

	tls_client_init(&c, version, id);
	SSL_CTX_add1_chain_cert(c.ctx, more->cert);
	http_server_stats(s, &before);
	for (int i = 0; i < 3; i++)
		ok(tls_ask(&c, http_server_port(s), "GET /tls HTTP/1.1\r\n" H
		    "\r\n", text, sizeof(text)) == 200 &&
		    strstr(text, " sent 1 more") != NULL &&
		    strstr(text, id->sha256) != NULL,
		    "%x: a chain of two is seen", (unsigned)version);
	http_server_stats(s, &after);
	ok(c.session != NULL, "there is a ticket");
	is_int(after.resumed - before.resumed, 0, "but it resumes nothing");
	tls_client_free(&c);
}

static void
test_tls(struct http_server *s, const struct identity *id)
{
	uint8_t hello[4096];
	size_t n = tls_hello(hello, sizeof(hello));
	uint16_t port = http_server_port(s);
	struct tls_client c;
	int64_t began;
	int fd;

	test_tls_version(s, TLS1_2_VERSION, id);
	test_tls_version(s, TLS1_3_VERSION, id);
	tls_client_init(&c, TLS1_3_VERSION, NULL);
	is_int(tls_ask(&c, port, "GET /tls HTTP/1.1\r\n" H "\r\n", text,
	    sizeof(text)), 200, "no client certificate is fine");
	ok(strstr(text, "\r\n\r\nnone ") != NULL, "and there is none");
	is_int(tls_ask(&c, port, get_big, text, sizeof(text)), 200, "a large response over TLS");
	is_int(strlen(strstr(text, "\r\n\r\n")), 500004, "comes whole");
	is_int(tls_ask(&c, port, "GET /a HTTP/1.1\r\n\r\n", text,
	    sizeof(text)), 400, "an error over TLS");
	tls_client_free(&c);

	began = clock_mono_ms();
	is_int(tcp_ask(port, get_hello, sizeof(get_hello) - 1, text,
	    sizeof(text)), 0, "plain HTTP on the TLS port is closed");
	ok(clock_mono_ms() - began < REQUEST_MS, "at once");
	fd = tcp_open(port, 1);
	for (size_t i = 0; i + 1 < n; i += 100) {
		send(fd, hello + i, n - i > 100 ? 100 : n - i, MSG_NOSIGNAL);
		usleep(2000);
	}
	ok(recv(fd, text, 5, MSG_WAITALL) == 5 && text[0] == 22,
	    "a ClientHello in pieces is answered");
	began = clock_mono_ms();
	while (recv(fd, text, sizeof(text), 0) > 0)
		continue;
	began = clock_mono_ms() - began;
	ok(began > REQUEST_MS - 400 && began < REQUEST_MS + 2000,
	    "a handshake that stops is closed after %lld ms",
	    (long long)began);
	close(fd);
}

/* Another certificate at run time: new connections get it, an open one goes
 * on. */
static void
test_swap(struct http_server *s, SSL_CTX *other)
{
	struct tls_client c;
	SSL *open_one;
	X509 *x;
	char cn[32] = "";

	tls_client_init(&c, TLS1_3_VERSION, NULL);
	open_one = tls_open(&c, http_server_port(s));
	SSL_write(open_one, get_hello, sizeof(get_hello) - 1);
	tls_answer(open_one, true, text, sizeof(text));
	http_server_set_tls(s, other);
	SSL_write(open_one, get_hello, sizeof(get_hello) - 1);
	is_int(tls_answer(open_one, true, text, sizeof(text)), 200,
	    "an open connection goes on after the swap");
	tls_close(open_one);
	open_one = tls_open(&c, http_server_port(s));
	if (ok(open_one != NULL, "an old session does no harm")) {
		x = SSL_get0_peer_certificate(open_one);
		X509_NAME_get_text_by_NID(X509_get_subject_name(x),
		    NID_commonName, cn, sizeof(cn));
		is_str(cn, "second", "a new connection sees the new one");
		tls_close(open_one);
	}
	tls_client_free(&c);
}

static SSL_CTX *
server_ctx(const struct identity *id)
{
	struct bytes chain = { (const uint8_t *)id->pem, strlen(id->pem) };
	SSL_CTX *ctx = NULL;
	struct fault f;

	if (http_tls_ctx_new(chain, id->key, true, &ctx, &f) != Q_OK) {
		printf("Bail out! %s\n", f.msg);
		exit(1);
	}
	return ctx;
}

int
main(void)
{
	struct identity first, second, device;
	struct http_server *s;
	struct fault f = { .code = Q_OK };
	SSL_CTX *a, *b;

	signal(SIGPIPE, SIG_IGN);
	identity_make(&first, "first");
	identity_make(&second, "second");
	identity_make(&device, "device");
	a = server_ctx(&first);
	b = server_ctx(&second);
	is_int(http_tls_ctx_new((struct bytes){ (uint8_t *)first.pem,
	    strlen(first.pem) }, second.key, true, &a, &f), Q_CONFIG,
	    "a key that does not fit is refused");
	s = serve(a);
	test_tls(s, &device);
	test_chain(s, TLS1_2_VERSION, &device, &first);
	test_chain(s, TLS1_3_VERSION, &device, &first);
	test_swap(s, b);
	http_server_stop(s);
	SSL_CTX_free(a);
	SSL_CTX_free(b);
	identity_free(&first);
	identity_free(&second);
	identity_free(&device);
	return done();
}
