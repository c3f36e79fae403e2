// SPDX-License-Identifier: Apache-2.0
/*
 * What only the MongoDB store does: a commit takes several commands, and the
 * connection, or the process, may end between any two of them. A proxy of
 * ours stands before the server that QUOIN_TEST_STORE names and goes away at
 * the n-th write, before or after the server had it; then the store is opened
 * anew, as after a kill, and its counters must be those of its documents.
 */
#include "config.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "recordd/store_mongo.h"
#include "tap.h"

#define FRAME_MAX (1U << 20)
#define CONNS 64

static char dir[] = "/tmp/test-store-mongo.XXXXXX";
static char own[64], direct[256], proxied[320];
static struct sockaddr_in server;

/* -- the proxy -- */

static struct {
	int listener;
	_Atomic int cut_at; /* the write at which it goes away; 0: it stays */
	atomic_bool after; /* once the server has it */
	atomic_bool gone;
	pthread_mutex_t lock;
	size_t n;
	int fd[CONNS];
} proxy = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool
read_all(int fd, uint8_t *p, size_t len)
{
	while (len > 0) {
		ssize_t n = recv(fd, p, len, 0);

		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

static bool
pass_frame(int from, int to, uint8_t *frame, bool (*pass)(const uint8_t *))
{
	uint32_t len;

	if (!read_all(from, frame, 4))
		return false;
	memcpy(&len, frame, 4);
	if (len < 27 || len > FRAME_MAX || !read_all(from, frame + 4, len - 4))
		return false;
	if (pass != NULL && !pass(frame))
		return false;
	return send(to, frame, len, MSG_NOSIGNAL) == (ssize_t)len;
}

/* Hang up on everybody, and take nobody any more. */
static void
go_away(void)
{
	proxy.gone = true;
	pthread_mutex_lock(&proxy.lock);
	for (size_t i = 0; i < proxy.n; i++)
		shutdown(proxy.fd[i], SHUT_RDWR);
	pthread_mutex_unlock(&proxy.lock);
}

/* OP_MSG: the name of the command is that of its first element. */
static bool
is_write(const uint8_t *frame)
{
	const char *name = (const char *)frame + 26;

	return strcmp(name, "insert") == 0 || strcmp(name, "update") == 0 ||
	    strcmp(name, "delete") == 0;
}

static bool
may_pass(const uint8_t *frame)
{
	if (is_write(frame) && proxy.cut_at > 0 && --proxy.cut_at == 0) {
		if (!proxy.after) {
			go_away();
			return false;
		}
		proxy.cut_at = -1; /* the answer will not pass */
	}
	return !proxy.gone;
}

static bool
may_answer(const uint8_t *frame)
{
	(void)frame;
	if (proxy.cut_at < 0)
		go_away();
	return !proxy.gone;
}

static void *
serve(void *ctx)
{
	int c = (int)(intptr_t)ctx;
	int up = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint8_t *frame = malloc(FRAME_MAX);

	if (frame != NULL && connect(up, (const void *)&server,
	    sizeof(server)) == 0)
		while (!proxy.gone && pass_frame(c, up, frame, may_pass) &&
		    pass_frame(up, c, frame, may_answer))
			;
	free(frame);
	close(up);
	pthread_mutex_lock(&proxy.lock);
	for (size_t i = 0; i < proxy.n; i++)
		if (proxy.fd[i] == c)
			proxy.fd[i] = proxy.fd[--proxy.n];
	pthread_mutex_unlock(&proxy.lock);
	close(c);
	return NULL;
}

static void *
proxy_run(void *ctx)
{
	pthread_t t;
	int c;

	(void)ctx;
	while ((c = accept(proxy.listener, NULL, NULL)) >= 0) {
		pthread_mutex_lock(&proxy.lock);
		if (proxy.gone || proxy.n == CONNS) {
			close(c);
			c = -1;
		} else {
			proxy.fd[proxy.n++] = c;
		}
		pthread_mutex_unlock(&proxy.lock);
		if (c >= 0 && pthread_create(&t, NULL, serve,
		    (void *)(intptr_t)c) == 0)
			pthread_detach(t);
	}
	return NULL;
}

/* Before the server of a plain URI, mongodb://ADDRESS:PORT/NAME. */
static bool
proxy_start(const char *uri)
{
	struct sockaddr_in own_addr = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(own_addr);
	char host[64], name[128];
	unsigned port;
	pthread_t t;

	if (sscanf(uri, "mongodb://%63[0-9.]:%u/%127[^?]", host, &port,
	    name) != 3 || inet_pton(AF_INET, host, &server.sin_addr) != 1)
		return false;
	server.sin_family = AF_INET;
	server.sin_port = htons((uint16_t)port);
	proxy.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(proxy.listener, (const void *)&own_addr,
	    sizeof(own_addr)) != 0 || listen(proxy.listener, 16) != 0 ||
	    getsockname(proxy.listener, (void *)&own_addr, &len) != 0 ||
	    pthread_create(&t, NULL, proxy_run, NULL) != 0)
		return false;
	snprintf(direct, sizeof(direct), "mongodb://%s:%u/%s_cut", host, port,
	    name);
	snprintf(proxied, sizeof(proxied), "mongodb://127.0.0.1:%u/%s_cut"
	    "?serverSelectionTimeoutMS=300", ntohs(own_addr.sin_port), name);
	return true;
}

/* -- the commit that is cut -- */

enum { FRESH, MOVED, DELETED, SAME, ELSEWHERE, TAKEN, N_DEVICES };

struct step {
	struct store_write w;
	struct rec_device dev;
	struct buf doc;
};

static struct store *st;
static unsigned part; /* which part of the test: its own keys and batch */

static const char *
id(unsigned n)
{
	static char space[16][REC_KEY_MAX + 1];
	static unsigned at;
	char *key = space[at++ % 16];

	snprintf(key, REC_KEY_MAX + 1, "%032x%032x", part, n);
	return key;
}

/* The batch of this part, or the other one. */
static const char *
batch(bool other)
{
	static char name[2][24];

	snprintf(name[other], sizeof(name[0]), "b%u%s", part,
	    other ? "-other" : "");
	return name[other];
}

static void
step_init(struct step *s, enum store_verb verb, const char *key,
    uint64_t rev, int64_t state)
{
	memset(s, 0, sizeof(*s));
	s->doc = (struct buf)BUF_INIT(REC_DOC_MAX);
	snprintf(s->dev.batch, sizeof(s->dev.batch), "%s",
	    batch(strcmp(key, id(ELSEWHERE)) == 0 && verb == STORE_PUT));
	s->dev.state = state;
	s->dev.issued = (int64_t)rev & 0xff;
	if (rec_encode(rec_desc(REC_DEVICE), &s->dev, &s->doc) != Q_OK)
		abort();
	s->w = (struct store_write){ .verb = verb, .key = key, .rev = rev,
		.d = rec_desc(REC_DEVICE), .doc = buf_bytes(&s->doc),
		.rec = &s->dev };
}

static void
write_steps(struct step *s, size_t n)
{
	struct store_write *w[N_DEVICES];

	for (size_t i = 0; i < n; i++)
		w[i] = &s[i].w;
	st->ops->write(st, w, n);
	for (size_t i = 0; i < n; i++)
		buf_free(&s[i].doc);
}

static bool
open_store(const char *uri)
{
	struct store_info info;
	struct fault f = { 0 };

	if (!ok(store_open(uri, own, &st, &f) == Q_OK, "open %s", f.msg))
		return false;
	st->ops->info(st, &info);
	return ok(info.ok, "ready %s", info.text);
}

/* All but FRESH are there already. */
static bool
seed(uint64_t rev[N_DEVICES])
{
	struct step s[N_DEVICES];

	for (unsigned i = MOVED; i < N_DEVICES; i++)
		step_init(&s[i], STORE_INSERT, id(i), 0, DEVICE_NOT_ENROLLED);
	write_steps(s + MOVED, N_DEVICES - MOVED);
	for (unsigned i = MOVED; i < N_DEVICES; i++) {
		rev[i] = s[i].w.new_rev;
		if (s[i].w.result != Q_OK)
			return false;
	}
	return true;
}

struct tally {
	int64_t all, enrolled;
};

static void
counter(void *ctx, const char *name, int64_t value)
{
	struct tally *t = ctx;

	if (strcmp(name, "all") == 0)
		t->all = value;
	if (strcmp(name, "enrolled") == 0)
		t->enrolled = value;
}

static bool
listed(void *ctx, const char *key, uint64_t rev, struct bytes doc)
{
	struct tally *t = ctx;
	struct rec_device dev;

	(void)key;
	(void)rev;
	if (rec_decode(rec_desc(REC_DEVICE), doc, &dev, NULL) == Q_OK) {
		t->all++;
		t->enrolled += dev.state == DEVICE_ENROLLED;
	}
	return true;
}

/* Whether the counters of each batch are those of its documents. */
static bool
counters_right(void)
{
	struct tally a, b;
	char next[RECORDD_CURSOR_MAX + 1];
	struct store_query q = { .d = rec_desc(REC_DEVICE), .after = "",
		.limit = 1000 };
	bool right = true;

	q.index = rec_field(q.d, "batch");
	for (int i = 0; i < 2; i++) {
		a = b = (struct tally){ 0 };
		q.match = batch(i);
		right &= st->ops->counters(st, q.d, q.match, counter, &a,
		    NULL) == Q_OK &&
		    st->ops->list(st, &q, listed, &b, next, NULL) == Q_OK &&
		    a.all == b.all && a.enrolled == b.enrolled;
	}
	return right;
}

/* What a write said must be so; UNAVAIL says nothing. */
static bool
outcome_true(const struct step *s, unsigned i)
{
	AUTO_BUF struct buf doc = BUF_INIT(REC_DOC_MAX);
	uint64_t rev = 0;
	enum q_err r = st->ops->get(st, s->w.d, id(i), &doc, &rev, NULL);

	if (s->w.result == Q_UNAVAIL)
		return true;
	if (s->w.verb == STORE_DELETE)
		return s->w.result == Q_OK && r == Q_NOTFOUND;
	if (i == TAKEN)
		return s->w.result == Q_EXISTS && r == Q_OK;
	return s->w.result == Q_OK && r == Q_OK && rev == s->w.new_rev;
}

static void
commit_cut(int at, bool after)
{
	uint64_t rev[N_DEVICES];
	struct step s[N_DEVICES];
	unsigned done = 0;
	bool said = true;
	int64_t start;

	part++;
	if (!open_store(direct) || !ok(seed(rev), "seed"))
		return;
	st->ops->close(st);
	proxy.gone = false;
	proxy.cut_at = 0;
	if (!open_store(proxied))
		return;
	step_init(&s[FRESH], STORE_INSERT, id(FRESH), 0, DEVICE_ENROLLED);
	step_init(&s[MOVED], STORE_PUT, id(MOVED), rev[MOVED],
	    DEVICE_ENROLLED);
	step_init(&s[DELETED], STORE_DELETE, id(DELETED), rev[DELETED], 0);
	step_init(&s[SAME], STORE_PUT, id(SAME), rev[SAME], 0);
	step_init(&s[ELSEWHERE], STORE_PUT, id(ELSEWHERE), rev[ELSEWHERE],
	    DEVICE_ENROLLED);
	step_init(&s[TAKEN], STORE_INSERT, id(TAKEN), 0, DEVICE_ENROLLED);
	proxy.after = after;
	proxy.cut_at = at;
	start = clock_mono_ms();
	write_steps(s, N_DEVICES);
	start = clock_mono_ms() - start;
	st->ops->close(st);
	proxy.gone = true;
	if (!open_store(direct))
		return;
	for (unsigned i = 0; i < N_DEVICES; i++) {
		said &= outcome_true(&s[i], i);
		done += s[i].w.result == Q_OK;
	}
	ok(said, "cut %s write %d: what was said is so (%u of 5 said done, "
	    "%lld ms)", after ? "after" : "before", at, done,
	    (long long)start);
	ok(counters_right(), "cut %s write %d: counters are right",
	    after ? "after" : "before", at);
	ok(start < 8000, "cut %s write %d: in a bounded time",
	    after ? "after" : "before", at);
	st->ops->close(st);
}

/* A command past the store. */
static void
damage(const char *json)
{
	bson_error_t e;
	bson_t *cmd = bson_new_from_json((const uint8_t *)json, -1, &e), reply;
	struct mongo_link *l;
	int code;

	if (cmd == NULL || mongo_link_open(direct + 8, &l, NULL) != Q_OK) {
		ok(0, "%s", json);
		return;
	}
	ok(mongo_link_run(l, cmd, &reply, &code, NULL) == Q_OK, "%s", json);
	bson_destroy(&reply);
	bson_destroy(cmd);
	mongo_link_close(l);
}

static enum q_err
recount(uint64_t *wrong)
{
	struct store_write w = { .verb = STORE_RECOUNT,
		.d = rec_desc(REC_DEVICE) }, *p = &w;

	w.query = (struct store_query){ .d = w.d, .match = batch(false),
		.index = rec_group(w.d), .after = "" };
	st->ops->write(st, &p, 1);
	*wrong = w.changed;
	return w.result;
}

/* Wrong counters are set right, unless another node is in the middle. */
static void
test_recount(void)
{
	char json[300];
	uint64_t rev[N_DEVICES], wrong = 0;

	part++;
	if (!open_store(direct) || !ok(seed(rev), "recount: seed"))
		return;
	snprintf(json, sizeof(json), "{\"insert\":\"counter\",\"documents\":"
	    "[{\"_id\":\"device/b%u/x\",\"type\":\"device\",\"group\":"
	    "\"b%u\",\"seq\":{\"$numberLong\":\"3\"},\"v\":{\"all\":"
	    "{\"$numberLong\":\"5\"}}}]}", part, part);
	damage(json);
	ok(!counters_right(), "recount: counters are wrong");
	snprintf(json, sizeof(json), "{\"update\":\"node\",\"updates\":[{"
	    "\"q\":{\"_id\":\"x\"},\"u\":{\"seq\":{\"$numberLong\":"
	    "\"4\"},\"ops\":[{\"g\":\"b%u\"}]},\"upsert\":true}]}", part);
	damage(json);
	is_int(recount(&wrong), Q_CONFLICT,
	    "recount: not while another node is in the middle");
	snprintf(json, sizeof(json), "{\"update\":\"counter\",\"updates\":[{"
	    "\"q\":{\"_id\":\"device/b%u/x\"},\"u\":{\"$set\":{\"seq\":"
	    "{\"$numberLong\":\"4\"}}}}]}", part);
	damage(json);
	ok(recount(&wrong) == Q_OK && wrong == 1, "recount: one was wrong");
	ok(counters_right(), "recount: counters are right");
	ok(recount(&wrong) == Q_OK && wrong == 0, "recount: for good");
	st->ops->close(st);
}

/* Two that write as one node: the first notices, and stops. */
static void
test_usurped(void)
{
	struct store *first;
	struct store_info info;
	struct step s;
	char other[96], from[128], to[128];
	struct fault f = { 0 };

	part++;
	snprintf(other, sizeof(other), "%s/clone", dir);
	snprintf(from, sizeof(from), "%s/node", own);
	snprintf(to, sizeof(to), "%s/node", other);
	if (!open_store(direct))
		return;
	first = st;
	mkdir(other, 0700);
	if (!ok(link(from, to) == 0, "a copy of the node's state"))
		return;
	if (!ok(store_open(direct, other, &st, &f) == Q_OK, "opens %s", f.msg))
		return;
	step_init(&s, STORE_INSERT, id(1), 0, 0);
	write_steps(&s, 1);
	is_int(s.w.result, Q_OK, "the copy writes");
	st->ops->close(st);
	st = first;
	step_init(&s, STORE_INSERT, id(2), 0, 0);
	write_steps(&s, 1);
	is_int(s.w.result, Q_UNAVAIL, "the first must not: %s",
	    s.w.fault.msg);
	st->ops->info(st, &info);
	ok(!info.ok && info.text[0] != '\0', "and says so: %s", info.text);
	st->ops->close(st);
	if (open_store(direct)) {
		ok(counters_right(), "and nothing is counted twice");
		st->ops->close(st);
	}
}

static void
test_uri(void)
{
	static const char *const wrong[] = { "mongodb:quoin",
		"mongodb://u:se%cret@h/db", "mongodb://u:secret@h:x/db" };
	struct fault f = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
		is_int(store_open(wrong[i], own, &st, &f), Q_CONFIG, "%s",
		    f.msg);
		ok(strstr(f.msg, "cret") == NULL, "without the password");
	}
}

/* The URI in a file, which is not for everybody's eyes. */
static void
test_uri_file(void)
{
	char uri[96], path[80];
	struct fault f = { 0 };
	FILE *out;

	snprintf(path, sizeof(path), "%s/uri", dir);
	snprintf(uri, sizeof(uri), "mongodb:%s", path);
	is_int(store_open(uri, own, &st, &f), Q_CONFIG, "%s", f.msg);
	out = fopen(path, "w");
	if (out == NULL)
		return;
	fputs("mongodb://u:secret@127.0.0.1:1/db\n", out);
	fclose(out);
	chmod(path, 0640);
	is_int(store_open(uri, own, &st, &f), Q_CONFIG, "%s", f.msg);
	chmod(path, 0600);
	is_int(store_open(uri, own, &st, &f), Q_OK, "a URI in a file");
	st->ops->close(st);
}

/* A server that is not there: the store opens, and says so at once. */
static void
test_absent(void)
{
	struct step s;
	struct store_info info;
	struct fault f = { 0 };
	int64_t start;

	if (!ok(store_open("mongodb://u:secret@127.0.0.1:1/db", own, &st,
	    &f) == Q_OK, "absent: opens"))
		return;
	st->ops->info(st, &info);
	ok(!info.ok && strstr(info.text, "secret") == NULL, "absent: %s",
	    info.text);
	start = clock_mono_ms();
	step_init(&s, STORE_INSERT, id(1), 0, 0);
	write_steps(&s, 1);
	ok(s.w.result == Q_UNAVAIL && s.w.fault.retry_after > 0 &&
	    clock_mono_ms() - start < 500, "absent: told at once, with advice");
	st->ops->close(st);
}

static int
remove_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
	(void)sb;
	(void)flag;
	(void)ftw;
	return remove(path);
}

int
main(void)
{
	const char *uri = getenv("QUOIN_TEST_STORE");

	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(own, sizeof(own), "%s/records", dir);
	test_uri();
	test_uri_file();
	test_absent();
	/* What wants a server, mongo-store.sh gives one. */
	if (uri != NULL && !proxy_start(uri)) {
		ok(false, "QUOIN_TEST_STORE is mongodb://ADDRESS:PORT/NAME");
	} else if (uri != NULL) {
		part = (unsigned)clock_wall() << 8;
		/* intent, insert, update, delete, counters; and none */
		for (int i = 2; i < 14; i++)
			commit_cut(i / 2, i % 2);
		test_recount();
		test_usurped();
	}
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return done();
}
