// SPDX-License-Identifier: Apache-2.0
/*
 * Load for OCSP: connections that are kept alive, each with one request at a
 * time, driven by one thread. Requests are made before the clock starts.
 * Every answer is looked at as far as its status. Prints one line of JSON;
 * exits with 0 when all answers were successful.
 */
#include "config.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/tcp.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/own.h"

#define REQUEST_MAX 1024
#define ANSWER_MAX 16384
#define NONCE_LEN 16
#define SERIAL_MAX 64
#define WAIT_MS 1000

struct options {
	const char *server, *issuer, *serials;
	unsigned long parallel, seconds;
	int get, nonce, sha256;
};

/* What is sent for one certificate. */
struct request {
	char text[REQUEST_MAX];
	size_t len;
	size_t nonce_at;	/* 0: none */
};

struct conn {
	int fd;
	int64_t sent_ns;
	size_t len;
	char answer[ANSWER_MAX + 1];
};

struct gen {
	struct options o;
	struct sockaddr_in to;
	X509 *issuer;
	struct request *requests;
	size_t n, next;
	uint64_t nonce;
	struct conn *conns;
	uint32_t *micros;
	size_t done, cap;
	size_t later, failed;	/* tryLater; anything else but successful */
};

static void
die(const char *what)
{
	fprintf(stderr, "ocspgen: %s\n", what);
	exit(1);
}

/* --- requests ----------------------------------------------------------- */

static int
request_der(const struct gen *g, const char *serial, uint8_t **ret_der)
{
	OCSP_REQUEST *rq = OCSP_REQUEST_new();
	uint8_t nonce[NONCE_LEN];
	BIGNUM *bn = NULL;
	ASN1_INTEGER *number;
	OCSP_CERTID *id;
	int len;

	if (rq == NULL || BN_hex2bn(&bn, serial) == 0)
		die("a serial is not hex");
	memset(nonce, 'N', sizeof(nonce));
	number = BN_to_ASN1_INTEGER(bn, NULL);
	id = OCSP_cert_id_new(g->o.sha256 ? EVP_sha256() : EVP_sha1(),
	    X509_get_subject_name(g->issuer),
	    X509_get0_pubkey_bitstr(g->issuer), number);
	if (OCSP_request_add0_id(rq, id) == NULL || (g->o.nonce &&
	    OCSP_request_add1_nonce(rq, nonce, sizeof(nonce)) != 1))
		die("no request");
	len = i2d_OCSP_REQUEST(rq, ret_der);
	ASN1_INTEGER_free(number);
	BN_free(bn);
	OCSP_REQUEST_free(rq);
	return len;
}

static void
request_get(struct buf *text, const uint8_t *der, size_t len)
{
	AUTO_BUF struct buf b64 = BUF_INIT(REQUEST_MAX);

	b64_encode(&b64, der, len, 0);
	buf_puts(text, "GET /ocsp/");
	for (size_t i = 0; i < b64.len; i++)
		if (strchr("+/=", b64.p[i]) != NULL)
			buf_printf(text, "%%%02X", b64.p[i]);
		else
			buf_put(text, b64.p + i, 1);
	buf_puts(text, " HTTP/1.1\r\nHost: quoin\r\n\r\n");
}

static void
request_make(const struct gen *g, const char *serial, struct request *r)
{
	AUTO_BUF struct buf text = BUF_INIT(REQUEST_MAX);
	uint8_t *der = NULL;
	size_t len = (size_t)request_der(g, serial, &der);

	if (g->o.get) {
		request_get(&text, der, len);
	} else {
		buf_printf(&text, "POST /ocsp HTTP/1.1\r\nHost: quoin\r\n"
		    "Content-Type: application/ocsp-request\r\n"
		    "Content-Length: %zu\r\n\r\n", len);
		buf_put(&text, der, len);
	}
	OPENSSL_free(der);
	if (text.bad)
		die("request is too large");
	memcpy(r->text, text.p, text.len);
	r->len = text.len;
	if (g->o.nonce) /* it is the request's end */
		r->nonce_at = text.len - NONCE_LEN;
}

static void
requests_read(struct gen *g)
{
	FILE *file = fopen(g->o.serials, "r");
	char line[SERIAL_MAX + 2];

	if (file == NULL)
		die("no serials");
	while (fgets(line, sizeof(line), file) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if ((g->n & (g->n + 1)) == 0) {
			g->requests = reallocarray(g->requests,
			    2 * g->n + 2, sizeof(*g->requests));
			if (g->requests == NULL)
				die("out of memory");
		}
		memset(&g->requests[g->n], 0, sizeof(*g->requests));
		request_make(g, line, &g->requests[g->n++]);
	}
	fclose(file);
	if (g->n == 0)
		die("no serials");
}

/* --- connections -------------------------------------------------------- */

static void
conn_send(struct gen *g, struct conn *c)
{
	struct request *r = &g->requests[g->next++ % g->n];

	if (r->nonce_at != 0) {
		g->nonce++;
		memcpy(r->text + r->nonce_at, &g->nonce, sizeof(g->nonce));
	}
	c->len = 0;
	c->sent_ns = clock_mono_ns();
	if (send(c->fd, r->text, r->len, MSG_NOSIGNAL) != (ssize_t)r->len)
		die("connection does not take a request");
}

static void
conn_open(struct gen *g, int poll, struct conn *c)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = c };
	int on = 1;

	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (c->fd < 0 || connect(c->fd, (struct sockaddr *)&g->to,
	    sizeof(g->to)) != 0)
		die("cannot connect");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (epoll_ctl(poll, EPOLL_CTL_ADD, c->fd, &ev) != 0)
		die("epoll");
}

/* Whether the answer is there; *ret_body is its DER. */
static bool
answer_whole(struct conn *c, struct bytes *ret_body)
{
	char *end, *length;
	size_t head, want;

	c->answer[c->len] = '\0';
	end = strstr(c->answer, "\r\n\r\n");
	if (end == NULL)
		return false;
	head = (size_t)(end - c->answer) + 4;
	length = strcasestr(c->answer, "\r\nContent-Length: ");
	if (strncmp(c->answer, "HTTP/1.1 200 ", 13) != 0 || length == NULL ||
	    length > end)
		die("not an answer of HTTP that is 200");
	want = strtoul(length + 18, NULL, 10);
	if (c->len < head + want)
		return false;
	*ret_body = (struct bytes){ (uint8_t *)c->answer + head, want };
	return true;
}

static void
answer_count(struct gen *g, const struct conn *c, struct bytes body)
{
	/* OCSPResponse { responseStatus ENUMERATED, ... } */
	size_t at = body.len > 2 && body.p[1] >= 0x80 ?
	    2 + (body.p[1] & 0x7fu) : 2;
	int status = body.len > at + 2 && body.p[at] == 0x0a ?
	    body.p[at + 2] : -1;

	if (status == OCSP_RESPONSE_STATUS_TRYLATER)
		g->later++;
	else if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
		g->failed++;
	if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL)
		return;
	if (g->done == g->cap) {
		g->cap = 2 * g->cap + 65536;
		g->micros = reallocarray(g->micros, g->cap,
		    sizeof(*g->micros));
		if (g->micros == NULL)
			die("out of memory");
	}
	g->micros[g->done++] =
	    (uint32_t)((clock_mono_ns() - c->sent_ns) / 1000);
}

static void
conn_read(struct gen *g, struct conn *c)
{
	struct bytes body;
	ssize_t n = recv(c->fd, c->answer + c->len, ANSWER_MAX - c->len,
	    MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		die("connection was closed");
	c->len += (size_t)n;
	if (!answer_whole(c, &body))
		return;
	answer_count(g, c, body);
	conn_send(g, c);
}

/* --- the whole ---------------------------------------------------------- */

static int
by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static double
cpu_seconds(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	    (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static int
run(struct gen *g)
{
	int poll = epoll_create1(EPOLL_CLOEXEC);
	int64_t start, end;
	struct epoll_event ev[256];
	double cpu, seconds;

	for (size_t i = 0; i < g->o.parallel; i++)
		conn_open(g, poll, &g->conns[i]);
	cpu = cpu_seconds();
	start = clock_mono_ns();
	end = start + (int64_t)g->o.seconds * 1000000000;
	for (size_t i = 0; i < g->o.parallel; i++)
		conn_send(g, &g->conns[i]);
	while (clock_mono_ns() < end) {
		int n = epoll_wait(poll, ev, ARRAY_LEN(ev), WAIT_MS);

		for (int i = 0; i < n; i++)
			conn_read(g, ev[i].data.ptr);
	}
	seconds = (double)(clock_mono_ns() - start) / 1e9;
	cpu = cpu_seconds() - cpu;
	if (g->done != 0)
		qsort(g->micros, g->done, sizeof(*g->micros), by_value);
	printf("{\"parallel\":%lu,\"count\":%zu,\"later\":%zu,"
	    "\"failed\":%zu,\"seconds\":%.3f,\"rate\":%.1f,"
	    "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"cpu_seconds\":%.3f}\n",
	    g->o.parallel, g->done, g->later, g->failed, seconds,
	    (double)g->done / seconds,
	    g->done != 0 ? g->micros[g->done / 2] / 1e3 : 0,
	    g->done != 0 ? g->micros[g->done * 99 / 100] / 1e3 : 0, cpu);
	for (size_t i = 0; i < g->o.parallel; i++)
		close(g->conns[i].fd);
	close(poll);
	return g->later != 0 || g->failed != 0 || g->done == 0;
}

static void
usage(void)
{
	fputs("usage: ocspgen --server ADDRESS:PORT --issuer FILE --serials "
	    "FILE\n"
	    "               [--get] [--nonce] [--sha256] [--parallel 32]\n"
	    "               [--seconds 5]\n"
	    "serials: hex, one a line. A nonce goes with POST only.\n",
	    stderr);
	exit(64);
}

static void
parse(int argc, char **argv, struct options *o)
{
	const char *value[128] = { NULL };
	struct option names[] = {
		{ "server", 1, NULL, 's' }, { "issuer", 1, NULL, 'i' },
		{ "serials", 1, NULL, 'n' }, { "parallel", 1, NULL, 'p' },
		{ "seconds", 1, NULL, 't' }, { "get", 0, &o->get, 1 },
		{ "nonce", 0, &o->nonce, 1 }, { "sha256", 0, &o->sha256, 1 },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (c == '?')
			usage();
		value[c] = optarg;
	}
	o->server = value['s'];
	o->issuer = value['i'];
	o->serials = value['n'];
	o->parallel = strtoul(value['p'] ? value['p'] : "32", NULL, 10);
	o->seconds = strtoul(value['t'] ? value['t'] : "5", NULL, 10);
	if (o->server == NULL || o->issuer == NULL || o->serials == NULL ||
	    o->parallel == 0 || o->parallel > 4096 || o->seconds > 86400 ||
	    (o->get && o->nonce) || optind != argc)
		usage();
}

static void
target(struct gen *g)
{
	char host[64];
	const char *colon = strrchr(g->o.server, ':');
	FILE *file = fopen(g->o.issuer, "r");

	if (colon == NULL || (size_t)(colon - g->o.server) >= sizeof(host))
		usage();
	memcpy(host, g->o.server, (size_t)(colon - g->o.server));
	host[colon - g->o.server] = '\0';
	g->to.sin_family = AF_INET;
	g->to.sin_port = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	if (inet_pton(AF_INET, host, &g->to.sin_addr) != 1)
		usage();
	g->issuer = file != NULL ? PEM_read_X509(file, NULL, NULL, NULL) :
	    NULL;
	if (g->issuer == NULL)
		die("no certificate of the issuer");
	fclose(file);
}

int
main(int argc, char **argv)
{
	struct gen g = { .n = 0 };
	int status;

	parse(argc, argv, &g.o);
	target(&g);
	requests_read(&g);
	g.conns = calloc(g.o.parallel, sizeof(*g.conns));
	if (g.conns == NULL)
		die("out of memory");
	status = run(&g);
	free(g.conns);
	free(g.requests);
	free(g.micros);
	X509_free(g.issuer);
	return status;
}
