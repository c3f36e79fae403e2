// SPDX-License-Identifier: Apache-2.0
/* The web server among crowds: parking, caps, fairness, stopping. */
#include "config.h"

#include "http/http.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "http-tools.h"
#include "tap.h"

#define CROWD 10000
#define FINISHED 400 /* of the crowd: those that complete the handshake */
#define SERVED_MS 2000

static const char ask[] = "GET /hello HTTP/1.1\r\nHost: x\r\n\r\n";
static const char half[] = "POST /hello HTTP/1.1\r\nHost: x\r\n"
    "Content-Length: 100\r\n\r\nhalf of the body";
static const char half_open[] = "POST /take HTTP/1.1\r\nHost: x\r\n"
    "Content-Length: 100\r\n\r\nhalf of the body";
static char text[65536];

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

static enum q_err
on_take(void *ctx, const struct http_request *rq, struct http_response *rs,
    struct fault *f)
{
	char piece[64];
	size_t n = 1;
	enum q_err r = Q_OK;

	(void)ctx;
	(void)rs;
	while (r == Q_OK && n != 0)
		r = http_body_read(rq, piece, sizeof(piece), &n, f);
	return r;
}

static const struct http_route routes[] = {
	{ "POST", "/take", on_take, .flags = HTTP_STREAM },
	{ "GET", "/hello", on_hello, 0, 0, 0 },
	{ "POST", "/hello", on_hello, 0, 0, 0 },
};

static struct http_server *
serve(const struct http_config *cfg)
{
	struct http_server *s = NULL;
	struct fault f = { .code = Q_OK };

	if (http_server_start(cfg, routes, ARRAY_LEN(routes), NULL, &s, &f) !=
	    Q_OK) {
		printf("Bail out! %s\n", f.msg);
		exit(1);
	}
	return s;
}

static struct http_stats
stats(struct http_server *s)
{
	struct http_stats st;

	http_server_stats(s, &st);
	return st;
}

/* Wait until `what` of the counters is at least want; false after 60 s. */
#define WAIT_FOR(s, what, want)                                       \
	({                                                            \
		int64_t until_ = clock_mono_ms() + 60000;             \
		while (stats(s).what < (want) && clock_mono_ms() < until_) \
			usleep(5000);                                 \
		stats(s).what >= (want);                              \
	})

static unsigned
open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static unsigned
crowd_size(void)
{
	struct rlimit rl;

	getrlimit(RLIMIT_NOFILE, &rl);
	rl.rlim_cur = rl.rlim_max;
	setrlimit(RLIMIT_NOFILE, &rl);
	return rl.rlim_cur > CROWD + 1000 ? CROWD
	    : (unsigned)rl.rlim_cur - 1000;
}

/* In a process of its own, since each end takes a descriptor: from four
 * addresses, silent ones, half and whole ClientHellos, and some that finish
 * the handshake. Says so with a byte, and stays until it is killed. */
static void
crowd(uint16_t port, unsigned n, int say)
{
	struct tls_client c;
	uint8_t hello[4096];
	size_t len = tls_hello(hello, sizeof(hello));

	crowd_size();
	tls_client_init(&c, TLS1_3_VERSION, NULL);
	for (unsigned i = 0; i < n; i++) {
		size_t part = i % 3 == 0 ? 0 : i % 3 == 1 ? len / 2 : len;
		int fd;

		c.from = 2 + (int)(i % 4);
		if (i < FINISHED) {
			if (tls_open(&c, port) == NULL)
				_exit(1);
			continue;
		}
		fd = tcp_open(port, c.from);
		if (fd < 0 || (part > 0 &&
		    send(fd, hello, part, MSG_NOSIGNAL) < 0))
			_exit(1);
	}
	if (write(say, "x", 1) == 1)
		pause();
	_exit(0);
}

static void
test_crowd(SSL_CTX *tls)
{
	struct http_config cfg = { .tls = tls, .workers = 8,
		.parked_per_address = CROWD, .hello_ms = 300000,
		.request_ms = 300000 };
	struct http_server *s = serve(&cfg);
	unsigned n = crowd_size();
	struct tls_client c;
	int pipes[2];
	int64_t worst = 0;
	char byte;
	pid_t pid;

	if (pipe(pipes) != 0 || (pid = fork()) < 0) {
		ok(0, "a process for the crowd");
		return;
	}
	if (pid == 0)
		crowd(http_server_port(s), n, pipes[1]);
	close(pipes[1]);
	is_int(read(pipes[0], &byte, 1), 1, "%u connections are open", n);
	close(pipes[0]);
	ok(WAIT_FOR(s, parked, n), "and parked");
	tls_client_init(&c, TLS1_3_VERSION, NULL);
	for (int i = 0; i < 10; i++) {
		int64_t began = clock_mono_ms();
		int status = tls_ask(&c, http_server_port(s), ask, text,
		    sizeof(text));

		began = clock_mono_ms() - began;
		worst = began > worst ? began : worst;
		if (status != 200)
			worst = INT64_MAX;
	}
	ok(worst < SERVED_MS, "another address is served in %lld ms",
	    (long long)worst);
	is_int(stats(s).dropped, 0, "nobody had to go for that");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	tls_client_free(&c);
	http_server_stop(s);
}

static bool
is_open(int fd)
{
	char byte;

	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	    errno == EAGAIN;
}

static void
test_caps(void)
{
	struct http_config cfg = { .workers = 2, .parked_per_address = 10,
		.parked_max = 20, .hello_ms = 60000 };
	struct http_server *s = serve(&cfg);
	uint16_t port = http_server_port(s);
	int fd[26], open_a = 0, open_rest = 0;

	for (int i = 0; i < 15; i++)
		fd[i] = tcp_open(port, 2);
	ok(WAIT_FOR(s, dropped, 5), "over an address's cap");
	for (int i = 5; i < 15; i++)
		open_a += is_open(fd[i]);
	ok(!is_open(fd[0]) && !is_open(fd[4]) && open_a == 10,
	    "its oldest go");
	for (int i = 15; i < 26; i++)
		fd[i] = tcp_open(port, i < 24 ? 3 : 4);
	ok(WAIT_FOR(s, dropped, 6), "over the total");
	for (int i = 15; i < 26; i++)
		open_rest += is_open(fd[i]);
	ok(!is_open(fd[5]) && is_open(fd[6]) && open_rest == 11,
	    "the oldest of the address with most goes");
	is_int(tcp_ask(port, ask, sizeof(ask) - 1, text, sizeof(text)), 200,
	    "and others are served");
	for (int i = 0; i < 26; i++)
		close(fd[i]);
	http_server_stop(s);
}

/* Senders that stop half way through a body hold all workers: the server's
 * own reading, or a handler's. */
static void
test_fair(const char *sent)
{
	struct http_config cfg = { .workers = 6, .request_ms = 60000 };
	struct http_server *s = serve(&cfg);
	uint16_t port = http_server_port(s);
	int fd[24];
	int64_t began;

	for (int i = 0; i < 24; i++) {
		fd[i] = tcp_open(port, 2 + i % 3);
		send(fd[i], sent, strlen(sent), MSG_NOSIGNAL);
	}
	ok(WAIT_FOR(s, busy, 6) && WAIT_FOR(s, queued, 18),
	    "all workers are held, 18 wait");
	began = clock_mono_ms();
	is_int(tcp_ask(port, ask, sizeof(ask) - 1, text, sizeof(text)), 200,
	    "another address is served");
	began = clock_mono_ms() - began;
	ok(began < SERVED_MS, "in %lld ms", (long long)began);
	ok(stats(s).preempted > 0, "because %d of the slow were cut",
	    (int)stats(s).preempted);
	began = clock_mono_ms();
	http_server_stop(s);
	ok(clock_mono_ms() - began < SERVED_MS,
	    "stopping does not wait for slow senders");
	for (int i = 0; i < 24; i++)
		close(fd[i]);
}

/* More kept connections than workers, all of them always asking. */
static void
test_turns(void)
{
	struct http_config cfg = { .workers = 2 };
	struct http_server *s = serve(&cfg);
	struct pollfd p[16];
	unsigned served[ARRAY_LEN(p)] = { 0 }, least = UINT_MAX, all = 0;

	for (size_t i = 0; i < ARRAY_LEN(p); i++) {
		p[i].fd = tcp_open(http_server_port(s), 2);
		p[i].events = POLLIN;
		send(p[i].fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL);
	}
	while (all < 4000 && poll(p, ARRAY_LEN(p), 5000) > 0)
		for (size_t i = 0; i < ARRAY_LEN(p); i++) {
			if (p[i].revents == 0)
				continue;
			if (tcp_answer(p[i].fd, true, text, sizeof(text)) !=
			    200)
				all = 100000;
			served[i]++;
			all++;
			send(p[i].fd, ask, sizeof(ask) - 1, MSG_NOSIGNAL);
		}
	for (size_t i = 0; i < ARRAY_LEN(p); i++) {
		least = served[i] < least ? served[i] : least;
		close(p[i].fd);
	}
	ok(all >= 4000 && all < 5000, "kept connections are answered");
	ok(least >= 4000 / ARRAY_LEN(p) / 4, "in turns: %u of 4000 at least",
	    least);
	http_server_stop(s);
}

struct hammer {
	pthread_t thread;
	uint16_t port;
	int from;
	int asked;
};

/* Ask and ask until the server is gone. */
static void *
hammer(void *arg)
{
	struct hammer *h = arg;
	struct tls_client c;
	char got[4096];

	tls_client_init(&c, h->from % 2 ? TLS1_2_VERSION : TLS1_3_VERSION,
	    NULL);
	c.from = h->from;
	for (int fails = 0; fails < 3; ) {
		SSL *ssl = tls_open(&c, h->port);

		for (int i = 0; ssl != NULL && i < 3; i++) {
			SSL_write(ssl, ask, sizeof(ask) - 1);
			h->asked += tls_answer(ssl, true, got, sizeof(got)) ==
			    200;
		}
		fails = ssl != NULL ? 0 : fails + 1;
		if (ssl != NULL)
			tls_close(ssl);
	}
	tls_client_free(&c);
	return NULL;
}

static void
test_stop(SSL_CTX *tls, SSL_CTX *other)
{
	struct http_config cfg = { .tls = tls, .workers = 4 };
	unsigned files = open_files();
	int64_t longest = 0;
	int good = 0;

	for (int round = 0; round < 4; round++) {
		struct http_server *s = serve(&cfg);
		struct hammer h[6];
		int64_t began;

		for (int i = 0; i < 6; i++) {
			h[i] = (struct hammer){ .from = 2 + i,
				.port = http_server_port(s) };
			pthread_create(&h[i].thread, NULL, hammer, &h[i]);
		}
		for (unsigned n = 100; n <= 500; n += 100) {
			WAIT_FOR(s, requests, n);
			http_server_set_tls(s, n % 200 ? other : tls);
		}
		began = clock_mono_ms();
		http_server_stop(s);
		began = clock_mono_ms() - began;
		longest = began > longest ? began : longest;
		for (int i = 0; i < 6; i++) {
			pthread_join(h[i].thread, NULL);
			good += h[i].asked > 0;
		}
	}
	is_int(good, 24, "all clients were served before the stop");
	ok(longest < 3000, "stopped in the midst of work, in %lld ms at most",
	    (long long)longest);
	is_int(open_files(), files, "no descriptor is left behind");
}

static SSL_CTX *
server_ctx(const char *name)
{
	struct identity id;
	SSL_CTX *ctx = NULL;
	struct fault f;
	struct bytes chain = { (const uint8_t *)id.pem, 0 };

	identity_make(&id, name);
	chain.len = strlen(id.pem);
	if (http_tls_ctx_new(chain, id.key, true, &ctx, &f) != Q_OK)
		exit(1);
	identity_free(&id);
	return ctx;
}

int
main(void)
{
	SSL_CTX *a = server_ctx("first"), *b = server_ctx("second");

	signal(SIGPIPE, SIG_IGN);
	test_caps();
	test_fair(half);
	test_fair(half_open);
	test_turns();
	test_stop(a, b);
	test_crowd(a);
	SSL_CTX_free(a);
	SSL_CTX_free(b);
	return done();
}
