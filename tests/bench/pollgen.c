// SPDX-License-Identifier: Apache-2.0
/*
 * Load on connections that are kept: one thread sends a request on each, takes
 * the answers as they come and asks again, so that it costs little beside the
 * server on the same machine. Status polls of enrolled devices, or GETs of
 * plain HTTP. Prints one line of JSON; exits with 0 when there was no error.
 */
#include "config.h"

#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <openssl/pem.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/own.h"
#include "device/agent_fleet.h"
#include "device/agent_key.h"

#define ANSWER_MAX 16384
#define EVENTS 64

struct options {
	const char *server, *root, *fleet, *path;
	unsigned long plain, connections, seconds;
};

struct link {
	struct agent_conn conn;
	int64_t sent_ns;
	size_t len;
	char answer[ANSWER_MAX];
};

struct load {
	struct options o;
	struct agent_tls tls;
	struct link *links;
	int epoll;
	char request[1024];
	size_t request_len;
	uint32_t *micros; /* of each answer that was good */
	size_t count, cap, errors;
};

static void __attribute__((noreturn))
leave(const char *what)
{
	fprintf(stderr, "pollgen: %s\n", what);
	exit(1);
}

/* As an enrolled device, with the certificate in use. */
static void
open_device(struct load *l, struct link *k, const char *id)
{
	char path[PATH_MAX];
	struct fault f = { .code = Q_OK };
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s/current/certificate.pem",
	    l->o.fleet, id);
	file = fopen(path, "re");
	if (file != NULL) {
		cert = PEM_read_X509(file, NULL, NULL, NULL);
		fclose(file);
	}
	snprintf(path, sizeof(path), "%s/%s/current/key.pem", l->o.fleet, id);
	if (cert == NULL || agent_key_read(path, &key) != Q_OK)
		leave("a device of the fleet is not enrolled");
	if (agent_conn_open(&k->conn, &l->tls, cert, key, NULL, &f) != Q_OK)
		leave(f.msg);
	X509_free(cert);
	EVP_PKEY_free(key);
}

static void
open_plain(const struct load *l, struct link *k)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)l->o.plain),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	k->conn.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(k->conn.fd, (struct sockaddr *)&to, sizeof(to)) != 0)
		leave("no connection");
}

static void
link_send(const struct load *l, struct link *k)
{
	ssize_t n;

	k->len = 0;
	k->sent_ns = clock_mono_ns();
	n = k->conn.ssl == NULL ? send(k->conn.fd, l->request,
	    l->request_len, MSG_NOSIGNAL) : SSL_write(k->conn.ssl,
	    l->request, (int)l->request_len);
	if (n != (ssize_t)l->request_len)
		leave("the server does not take requests");
}

/* Connect all, then send the first request on each. */
static void
links_open(struct load *l)
{
	struct fleet_ids ids = { NULL, 0 };
	struct fault f = { .code = Q_OK };

	if (l->o.plain == 0 && fleet_read(l->o.fleet, &ids, &f) != Q_OK)
		leave(f.msg);
	if (l->o.plain == 0 && ids.count == 0)
		leave("no devices");
	for (size_t i = 0; i < l->o.connections; i++) {
		struct link *k = &l->links[i];
		struct epoll_event ev = { EPOLLIN, { .ptr = k } };

		if (l->o.plain != 0)
			open_plain(l, k);
		else
			open_device(l, k, ids.id[i % ids.count]);
		fcntl(k->conn.fd, F_SETFL, O_NONBLOCK);
		if (epoll_ctl(l->epoll, EPOLL_CTL_ADD, k->conn.fd, &ev) != 0)
			leave("no epoll");
	}
	fleet_free(&ids);
	for (size_t i = 0; i < l->o.connections; i++)
		link_send(l, &l->links[i]);
}

/* Whether the answer is there to its end; one that is no good is an error. */
static bool
answer_whole(struct load *l, const struct link *k)
{
	static const char start[] = "HTTP/1.1 200 ";
	static const char field[] = "\r\nContent-Length: ";
	const char *end = strstr(k->answer, "\r\n\r\n");
	const char *len = strstr(k->answer, field);

	if (end == NULL)
		return false;
	if (len == NULL || strncmp(k->answer, start, sizeof(start) - 1) != 0 ||
	    (l->o.plain == 0 && strstr(end, "\"enrolled\"") == NULL)) {
		if (l->errors++ == 0)
			fprintf(stderr, "pollgen: first error: %s\n",
			    k->answer);
		return true;
	}
	return (size_t)(k->answer + k->len - end) - 4 >=
	    strtoul(len + sizeof(field) - 1, NULL, 10);
}

static void
note_time(struct load *l, int64_t ns)
{
	if (l->count == l->cap) {
		l->cap = l->cap == 0 ? 65536 : l->cap * 2;
		l->micros = reallocarray(l->micros, l->cap,
		    sizeof(*l->micros));
		if (l->micros == NULL)
			abort();
	}
	l->micros[l->count++] = (uint32_t)(ns / 1000);
}

/* What has come; the next request when it was a whole answer. */
static void
link_read(struct load *l, struct link *k)
{
	char *at = k->answer + k->len;
	size_t room = sizeof(k->answer) - 1 - k->len;
	ssize_t n = k->conn.ssl == NULL ? recv(k->conn.fd, at, room, 0) :
	    SSL_read(k->conn.ssl, at, (int)room);

	if (n <= 0 && k->conn.ssl != NULL &&
	    SSL_get_error(k->conn.ssl, (int)n) == SSL_ERROR_WANT_READ)
		return; /* a ticket, or a part */
	if (n <= 0)
		leave("a connection ended");
	k->len += (size_t)n;
	k->answer[k->len] = '\0';
	if (!answer_whole(l, k))
		return;
	note_time(l, clock_mono_ns() - k->sent_ns);
	link_send(l, k);
}

static int
by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
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
run(struct load *l)
{
	struct epoll_event ev[EVENTS];
	double cpu = cpu_seconds(), seconds;
	int64_t start = clock_mono_ns();
	int64_t end = start + (int64_t)l->o.seconds * 1000000000;

	while (clock_mono_ns() < end) {
		int n = epoll_wait(l->epoll, ev, EVENTS, 1000);

		for (int i = 0; i < n; i++)
			link_read(l, ev[i].data.ptr);
	}
	seconds = (double)(clock_mono_ns() - start) / 1e9;
	cpu = cpu_seconds() - cpu;
	if (l->count == 0)
		leave("no answer");
	qsort(l->micros, l->count, sizeof(*l->micros), by_value);
	printf("{\"connections\":%lu,\"count\":%zu,\"errors\":%zu,"
	    "\"seconds\":%.3f,\"rate\":%.1f,\"p50_ms\":%.3f,\"p99_ms\":%.3f,"
	    "\"cpu_seconds\":%.3f}\n", l->o.connections, l->count, l->errors,
	    seconds, (double)l->count / seconds,
	    l->micros[l->count / 2] / 1e3,
	    l->micros[l->count * 99 / 100] / 1e3, cpu);
	return l->errors != 0;
}

static void
parse(int argc, char **argv, struct options *o)
{
	static const struct option names[] = {
		{ "server", 1, NULL, 's' }, { "root", 1, NULL, 'r' },
		{ "fleet", 1, NULL, 'f' }, { "plain", 1, NULL, 'p' },
		{ "path", 1, NULL, 'u' }, { "connections", 1, NULL, 'c' },
		{ "seconds", 1, NULL, 't' }, { NULL, 0, NULL, 0 },
	};
	const char *value[128] = { ['c'] = "32", ['t'] = "5", ['p'] = "0",
		['u'] = "/" };
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1)
		value[c] = optarg;
	*o = (struct options){ .server = value['s'], .root = value['r'],
		.fleet = value['f'], .path = value['u'],
		.plain = strtoul(value['p'], NULL, 10),
		.connections = strtoul(value['c'], NULL, 10),
		.seconds = strtoul(value['t'], NULL, 10) };
	if (optind == argc && value['?'] == NULL && o->connections > 0 &&
	    o->connections <= 4096 && o->seconds <= 86400 &&
	    (o->plain != 0 || (o->server && o->root && o->fleet)))
		return;
	fputs("usage: pollgen --server HOST:PORT --root FILE --fleet DIR |\n"
	    "               --plain PORT --path PATH\n"
	    "               [--connections 32] [--seconds 5]\n", stderr);
	exit(64);
}

int
main(int argc, char **argv)
{
	struct load l = { .epoll = epoll_create1(EPOLL_CLOEXEC) };
	struct fault f = { .code = Q_OK };
	int status;

	parse(argc, argv, &l.o);
	signal(SIGPIPE, SIG_IGN);
	if (l.o.plain == 0 && agent_tls_init(&l.tls, l.o.server, l.o.root,
	    &f) != Q_OK)
		leave(f.msg);
	l.request_len = (size_t)snprintf(l.request, sizeof(l.request),
	    l.o.plain != 0 ? "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n" :
	    "POST /v1/status HTTP/1.1\r\nHost: localhost\r\n"
	    "Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
	    l.o.path);
	l.links = calloc(l.o.connections, sizeof(*l.links));
	if (l.links == NULL || l.request_len >= sizeof(l.request))
		leave("too much");
	links_open(&l);
	status = run(&l);
	for (size_t i = 0; i < l.o.connections; i++)
		agent_conn_close(&l.links[i].conn);
	agent_tls_free(&l.tls);
	free(l.links);
	free(l.micros);
	return status;
}
