// SPDX-License-Identifier: Apache-2.0
/*
 * Load for the device port: many devices at once, each operation a whole new
 * TLS connection unless asked otherwise. Keys, certificates and requests are
 * made before the clock starts. Prints one line of JSON; exits with 0 when
 * there was no error.
 */
#include "config.h"

#include <getopt.h>
#include <openssl/pem.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/own.h"
#include "device/agent_fleet.h"
#include "device/qdev_http.h"

#define ANSWER_MAX 32768
#define REQUEST_MAX 8192

struct options {
	const char *mode, *server, *root, *fleet;
	unsigned long generate, parallel, count, seconds;
	int keep_alive, resume, tls12, rsa, enrolled;
};

/* A device that is ready to speak. */
struct client {
	char id[QDEV_ID_LEN + 1];
	EVP_PKEY *key;
	X509 *cert;
	char *request;
	size_t request_len;
};

/* What is done with each connection. */
struct mode {
	const char *name;
	const char *path;	/* NULL: no request */
	bool once;		/* each device at most once */
};

struct load {
	struct options o;
	const struct mode *mode;
	struct agent_tls tls;
	struct client *clients;
	size_t count;
	int64_t end_ns;
	atomic_ulong next;
	atomic_flag told;
};

struct worker {
	struct load *load;
	pthread_t thread;
	struct agent_conn conn;
	SSL_SESSION *session;
	uint32_t *micros;	/* of each operation that went well */
	size_t done, cap, errors;
	char answer[ANSWER_MAX];
};

static const struct mode modes[] = {
	{ "handshake", NULL, false },
	{ "status", "/v1/status", false },
	{ "enrol", "/v1/enrol", true },
};

/* Read one answer and see that it is what it should be. */
static enum q_err
read_answer(struct worker *w, const struct client *c, bool *ret_keep,
    struct fault *f)
{
	struct qdev_http h;
	struct qdev_grant g;
	struct qdev_status s;
	enum qdev_state state;
	char part[8192], detail[160] = "";
	size_t n;
	enum q_err e = Q_OK;

	qdev_http_start(&h, w->answer, sizeof(w->answer));
	while (e == Q_OK && !h.done) {
		e = agent_conn_recv(&w->conn, part, sizeof(part), &n, f);
		if (e == Q_OK && n == 0)
			return fault_set(f, Q_IO, "answer cut short");
		if (e == Q_OK)
			e = qdev_http_feed(&h, part, n);
	}
	if (e != Q_OK)
		return e;
	*ret_keep = h.keep_alive;
	if (h.status != 200) {
		qdev_problem_parse(h.body, h.body_len, detail,
		    sizeof(detail), &state);
		return fault_set(f, qdev_http_err(h.status), "%d %s",
		    h.status, detail);
	}
	return w->load->mode->once ?
	    qdev_grant_parse(h.body, h.body_len, c->id, &g) :
	    qdev_status_parse(h.body, h.body_len, c->id, &s);
}

/* Without a request: say goodbye and wait for the server's, so that its half
 * of the handshake is counted too. */
static enum q_err
goodbye(struct worker *w)
{
	char rest[256];
	size_t n = 1;

	SSL_shutdown(w->conn.ssl);
	while (n > 0 && agent_conn_recv(&w->conn, rest, sizeof(rest), &n,
	    NULL) == Q_OK)
		continue;
	return Q_OK;
}

static void
keep_session(struct worker *w)
{
	SSL_SESSION *s = SSL_get1_session(w->conn.ssl);

	if (s != NULL && SSL_SESSION_is_resumable(s)) {
		SSL_SESSION_free(w->session);
		w->session = s;
	} else {
		SSL_SESSION_free(s);
	}
}

static enum q_err
operate(struct worker *w, const struct client *c, struct fault *f)
{
	const struct load *l = w->load;
	bool keep = false;
	enum q_err e = Q_OK;

	if (w->conn.ssl == NULL)
		e = agent_conn_open(&w->conn, &l->tls, c->cert, c->key,
		    w->session, f);
	if (e == Q_OK && l->mode->path == NULL) {
		e = goodbye(w);
	} else if (e == Q_OK) {
		e = agent_conn_send(&w->conn, c->request, c->request_len, f);
		if (e == Q_OK)
			e = read_answer(w, c, &keep, f);
	}
	if (e == Q_OK && l->o.resume)
		keep_session(w);
	if (e != Q_OK || !keep || !l->o.keep_alive)
		agent_conn_close(&w->conn);
	return e;
}

static void
note_time(struct worker *w, int64_t ns)
{
	if (w->done == w->cap) {
		w->cap = w->cap == 0 ? 1024 : w->cap * 2;
		w->micros = reallocarray(w->micros, w->cap,
		    sizeof(*w->micros));
		if (w->micros == NULL)
			abort();
	}
	w->micros[w->done++] = (uint32_t)(ns / 1000);
}

static void *
work(void *arg)
{
	struct worker *w = arg;
	struct load *l = w->load;
	/* A connection or a session belongs to one device. */
	bool fixed = l->o.keep_alive || l->o.resume;
	size_t mine = atomic_fetch_add(&l->next, 1);

	for (size_t i = mine; i < l->o.count && clock_mono_ns() < l->end_ns;
	    i = atomic_fetch_add(&l->next, 1)) {
		const struct client *c =
		    &l->clients[(fixed ? mine : i) % l->count];
		int64_t start = clock_mono_ns();
		struct fault f = { .code = Q_OK };
		enum q_err e = operate(w, c, &f);

		if (e == Q_OK) {
			note_time(w, clock_mono_ns() - start);
			continue;
		}
		w->errors++;
		if (!atomic_flag_test_and_set(&l->told))
			fprintf(stderr, "loadgen: first error: %s\n",
			    fault_text(&f, e));
	}
	agent_conn_close(&w->conn);
	SSL_SESSION_free(w->session);
	return NULL;
}

/* A prepared request, as libquoin-device would send it. */
static enum q_err
prepare_request(struct load *l, struct client *c)
{
	uint8_t csr[2048];
	char text[REQUEST_MAX];
	struct qdev_out body = { .p = text + QDEV_HTTP_HEAD,
		.cap = sizeof(text) - QDEV_HTTP_HEAD };
	const char *request;
	size_t len;
	enum q_err e = Q_OK;

	if (l->mode->once) {
		e = agent_key_csr(c->key, c->id, csr, sizeof(csr), &len);
		if (e != Q_OK)
			return e;
		qdev_out_text(&body, "{\"csr\":\"");
		qdev_out_base64(&body, csr, len);
		qdev_out_text(&body, "\"}");
	} else {
		qdev_out_text(&body, "{}");
	}
	if (body.bad)
		return Q_TOOBIG;
	e = qdev_http_request(text, l->tls.host_field, l->mode->path,
	    body.len, &request, &c->request_len);
	if (e != Q_OK)
		return e;
	c->request = malloc(c->request_len);
	if (c->request == NULL)
		return Q_NOMEM;
	memcpy(c->request, request, c->request_len);
	return Q_OK;
}

/* The certificate in use of a device that is enrolled, and its key. */
static enum q_err
read_enrolled(const struct load *l, struct client *c)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s/current/certificate.pem",
	    l->o.fleet, c->id);
	file = fopen(path, "re");
	if (file == NULL)
		return Q_NOTFOUND;
	c->cert = PEM_read_X509(file, NULL, NULL, NULL);
	fclose(file);
	snprintf(path, sizeof(path), "%s/%s/current/key.pem", l->o.fleet,
	    c->id);
	return c->cert == NULL ? Q_PROTO : agent_key_read(path, &c->key);
}

static enum q_err
prepare_client(struct load *l, struct client *c, const char *id)
{
	char path[PATH_MAX];
	enum q_err e;

	if (id != NULL && l->o.enrolled) {
		snprintf(c->id, sizeof(c->id), "%s", id);
		e = read_enrolled(l, c);
		return e == Q_OK && l->mode->path != NULL ?
		    prepare_request(l, c) : e;
	}
	if (id != NULL) {
		snprintf(path, sizeof(path), "%s/%s/identity.pem", l->o.fleet,
		    id);
		e = agent_key_read(path, &c->key);
	} else {
		e = agent_key_make(l->o.rsa ? AGENT_KEY_RSA3072 :
		    AGENT_KEY_P256, &c->key);
	}
	if (e == Q_OK)
		e = agent_key_id(c->key, c->id);
	if (e == Q_OK)
		e = agent_key_face(c->key, c->id, &c->cert);
	if (e == Q_OK && l->mode->path != NULL)
		e = prepare_request(l, c);
	return e;
}

static enum q_err
prepare(struct load *l, struct fault *f)
{
	struct fleet_ids ids = { NULL, l->o.generate };
	enum q_err e = l->o.fleet == NULL ? Q_OK :
	    fleet_read(l->o.fleet, &ids, f);

	if (e == Q_OK && ids.count == 0)
		e = fault_set(f, Q_NOTFOUND, "no devices");
	if (e != Q_OK)
		return e;
	/* Each device at most once: more than count are of no use. */
	l->count = ids.count < l->o.count ? ids.count : l->o.count;
	if (l->mode->once)
		l->o.count = l->count;
	l->clients = calloc(l->count, sizeof(*l->clients));
	if (l->clients == NULL)
		e = Q_NOMEM;
	for (size_t i = 0; i < l->count && e == Q_OK; i++)
		e = prepare_client(l, &l->clients[i],
		    ids.id != NULL ? ids.id[i] : NULL);
	fleet_free(&ids);
	return e;
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

/* Put all times into one sorted list; gives the number of errors. */
static size_t
gather(const struct worker *w, unsigned long n, uint32_t **ret_all,
    size_t *ret_count)
{
	size_t count = 0, errors = 0, at = 0;
	uint32_t *all;

	for (unsigned long i = 0; i < n; i++) {
		count += w[i].done;
		errors += w[i].errors;
	}
	all = calloc(count + 1, sizeof(*all));
	if (all == NULL)
		abort();
	for (unsigned long i = 0; i < n; i++) {
		if (w[i].done > 0)
			memcpy(all + at, w[i].micros,
			    w[i].done * sizeof(*all));
		at += w[i].done;
		free(w[i].micros);
	}
	qsort(all, count, sizeof(*all), by_value);
	*ret_all = all;
	*ret_count = count;
	return errors;
}

static int
run(struct load *l)
{
	unsigned long n = l->o.parallel;
	AUTO_FREE struct worker *w = calloc(n, sizeof(*w));
	AUTO_FREE uint32_t *all = NULL;
	int64_t start = clock_mono_ns();
	double cpu = cpu_seconds(), seconds;
	size_t count, errors;

	if (w == NULL)
		return 1;
	l->end_ns = start + (int64_t)l->o.seconds * 1000000000;
	for (unsigned long i = 0; i < n; i++) {
		w[i].load = l;
		w[i].conn.fd = -1;
		if (pthread_create(&w[i].thread, NULL, work, &w[i]) != 0)
			abort();
	}
	for (unsigned long i = 0; i < n; i++)
		pthread_join(w[i].thread, NULL);
	seconds = (double)(clock_mono_ns() - start) / 1e9;
	cpu = cpu_seconds() - cpu;
	errors = gather(w, n, &all, &count);
	printf("{\"mode\":\"%s\",\"parallel\":%lu,\"count\":%zu,"
	    "\"errors\":%zu,\"seconds\":%.3f,\"rate\":%.1f,"
	    "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"cpu_seconds\":%.3f}\n",
	    l->mode->name, n, count, errors, seconds, (double)count / seconds,
	    all[count / 2] / 1e3, all[count * 99 / 100] / 1e3, cpu);
	return errors != 0 || count == 0;
}

static void
usage(void)
{
	fputs("usage: loadgen --mode handshake|status|enrol --server "
	    "HOST:PORT --root FILE\n"
	    "               --fleet DIR [--enrolled] | --generate N [--rsa]\n"
	    "               [--parallel 32] [--count 1000] [--seconds 60]\n"
	    "               [--keep-alive] [--resume] [--tls12]\n", stderr);
	exit(64);
}

static const struct mode *
find_mode(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (name != NULL && strcmp(name, modes[i].name) == 0)
			return &modes[i];
	return NULL;
}

static void
parse(int argc, char **argv, struct options *o)
{
	const char *number[128] = { NULL };
	struct option names[] = {
		{ "mode", 1, NULL, 'm' }, { "server", 1, NULL, 's' },
		{ "root", 1, NULL, 'r' }, { "fleet", 1, NULL, 'f' },
		{ "generate", 1, NULL, 'g' }, { "parallel", 1, NULL, 'p' },
		{ "count", 1, NULL, 'c' }, { "seconds", 1, NULL, 't' },
		{ "keep-alive", 0, &o->keep_alive, 1 },
		{ "resume", 0, &o->resume, 1 },
		{ "enrolled", 0, &o->enrolled, 1 },
		{ "tls12", 0, &o->tls12, 1 }, { "rsa", 0, &o->rsa, 1 },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (c == '?')
			usage();
		number[c] = optarg;
	}
	o->mode = number['m'];
	o->server = number['s'];
	o->root = number['r'];
	o->fleet = number['f'];
	o->generate = strtoul(number['g'] ? number['g'] : "0", NULL, 10);
	o->parallel = strtoul(number['p'] ? number['p'] : "32", NULL, 10);
	o->count = strtoul(number['c'] ? number['c'] : "1000", NULL, 10);
	o->seconds = strtoul(number['t'] ? number['t'] : "60", NULL, 10);
	if (o->server == NULL || o->root == NULL || o->parallel == 0 ||
	    o->parallel > 4096 || o->count == 0 || o->seconds > 86400 ||
	    (o->fleet != NULL) == (o->generate != 0) || optind != argc)
		usage();
}

int
main(int argc, char **argv)
{
	struct load l = { .told = ATOMIC_FLAG_INIT };
	struct fault f = { .code = Q_OK };
	enum q_err e;
	int status = 1;

	parse(argc, argv, &l.o);
	l.mode = find_mode(l.o.mode);
	if (l.mode == NULL)
		usage();
	signal(SIGPIPE, SIG_IGN);
	e = agent_tls_init(&l.tls, l.o.server, l.o.root, &f);
	if (e == Q_OK && l.o.tls12)
		SSL_CTX_set_max_proto_version(l.tls.ctx, TLS1_2_VERSION);
	if (e == Q_OK)
		e = prepare(&l, &f);
	if (e == Q_OK)
		status = run(&l);
	else
		fprintf(stderr, "loadgen: %s\n", fault_text(&f, e));
	for (size_t i = 0; i < l.count && l.clients != NULL; i++) {
		EVP_PKEY_free(l.clients[i].key);
		X509_free(l.clients[i].cert);
		free(l.clients[i].request);
	}
	free(l.clients);
	agent_tls_free(&l.tls);
	return status;
}
