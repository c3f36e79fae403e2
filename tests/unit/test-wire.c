// SPDX-License-Identifier: Apache-2.0
/* Messages, frames, and a real server with real clients over a socket. */
#include "config.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "tap.h"
#include "wire/client.h"
#include "wire/server.h"

#define GREET_REQ(F, T)                    \
	F(T, STR, name, 16, "whom")        \
	F(T, U32, times, 10, "how often")  \
	F(T, U64, big, 0, "any number")    \
	F(T, BOOL, loud, 0, "shout")       \
	F(T, BIN, blob, 8, "some bytes")
#define GREET_RSP(F, T)                    \
	F(T, STR, text, 100, "greeting")   \
	F(T, U64, big, 0, "the number")
#define FILE_REQ(F, T) F(T, FD, file, 0, "a file")
#define FILE_RSP(F, T) F(T, U32, first, 0, "its first byte") \
	F(T, FD, back, 0, "the same file")

WIRE_DECLARE(t_greet_req, GREET_REQ)
WIRE_DECLARE(t_greet_rsp, GREET_RSP)
WIRE_DECLARE(t_file_req, FILE_REQ)
WIRE_DECLARE(t_file_rsp, FILE_RSP)
WIRE_DEFINE(t_greet_req, GREET_REQ)
WIRE_DEFINE(t_greet_rsp, GREET_RSP)
WIRE_DEFINE(t_file_req, FILE_REQ)
WIRE_DEFINE(t_file_rsp, FILE_RSP)
WIRE_CLIENT_DECLARE(t, greet)
WIRE_CLIENT_DECLARE(t, file)
WIRE_CLIENT_DEFINE(t, greet, 1)
WIRE_CLIENT_DEFINE(t, file, 2)

static _Atomic(struct wire_req *) parked;

static enum q_err
on_greet(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct t_greet_req *in = req;
	struct t_greet_rsp *out = rsp;

	(void)ctx;
	if (in->times == 3)
		return fault_retry(f, Q_BUSY, 9, "three is too many");
	if (in->times == 4) {
		parked = q;
		return Q_PENDING;
	}
	if (in->times == 5)
		sleep(2);
	buf_printf(wire_req_space(q), "hello %s%s", in->name,
	    in->loud ? "!" : "");
	out->text = (const char *)wire_req_space(q)->p;
	out->big = in->big;
	return Q_OK;
}

static enum q_err
on_file(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct t_file_req *in = req;
	struct t_file_rsp *out = rsp;
	uint8_t b;

	(void)ctx;
	(void)q;
	if (in->file < 0 || pread(in->file, &b, 1, 0) != 1)
		return fault_set(f, Q_INVALID, "no file");
	out->first = b;
	out->back = in->file;
	return Q_OK;
}

static const struct wire_op ops[] = {
	{ 1, "greet", ROLE_ADMIN, 200, &t_greet_req_type, &t_greet_rsp_type,
	    on_greet, "" },
	{ 2, "file", ROLE_ADMIN | ROLE_WEB, 20, &t_file_req_type,
	    &t_file_rsp_type, on_file, "" },
	{ 3, "webonly", ROLE_WEB, 200, &t_greet_req_type, &t_greet_rsp_type,
	    on_greet, "" },
};

static void
test_fields(void)
{
	const struct t_greet_req in = { .name = "bob", .times = 7,
		.big = UINT64_MAX, .loud = true,
		.blob = { (const uint8_t *)"\0\1", 2 } };
	struct t_greet_req out;
	AUTO_BUF struct buf b = BUF_INIT(1000);
	AUTO_BUF struct buf list = BUF_INIT(1000);
	struct bytes rest;
	int n = 0;

	wire_encode(&t_greet_req_type, &in, &b);
	is_int(b.len, 4 + 3 + 1 + 4 + 8 + 4 + 4 + 2, "encoded size");
	is_int(wire_decode(&t_greet_req_type, buf_bytes(&b), &out, NULL),
	    Q_OK, "decodes");
	ok(strcmp(out.name, "bob") == 0 && out.times == 7 && out.loud &&
		out.big == UINT64_MAX && out.blob.len == 2, "the same");
	for (size_t len = 0; len < b.len; len++)
		if (wire_decode(&t_greet_req_type,
		    (struct bytes){ b.p, len }, &out, NULL) == Q_OK)
			n++;
	is_int(n, 0, "cut short at any byte: refused");
	b.p[5] = 0;
	is_int(wire_decode(&t_greet_req_type, buf_bytes(&b), &out, NULL),
	    Q_PROTO, "NUL inside a string");
	b.p[5] = 'o';
	buf_put(&b, "", 1);
	is_int(wire_decode(&t_greet_req_type, buf_bytes(&b), &out, NULL),
	    Q_PROTO, "trailing byte");
	for (int i = 0; i < 3; i++)
		wire_list_put(&list, &t_greet_req_type, &in);
	rest = buf_bytes(&list);
	for (n = 0; wire_list_next(&rest, &t_greet_req_type, &out) == Q_OK;)
		n++;
	is_int(n, 3, "a list of three");
	rest = (struct bytes){ list.p, list.len - 1 };
	for (n = 0; wire_list_next(&rest, &t_greet_req_type, &out) == Q_OK;)
		n++;
	is_int(wire_list_next(&rest, &t_greet_req_type, &out), Q_PROTO,
	    "a list cut short");
}

static void
test_roles(void)
{
	struct role_map m;
	struct fault f;

	is_int(role_map_parse("0=admin 4242=web", &m, &f), Q_OK, "roles");
	is_int(role_of_uid(&m, 4242), ROLE_WEB, "role of a number");
	is_int(role_of_uid(&m, 17), ROLE_NONE, "nobody else has one");
	is_int(role_map_parse("0=admin root=web", &m, &f), Q_CONFIG,
	    "two roles for one user");
	is_int(role_map_parse("0=king", &m, &f), Q_CONFIG, "unknown role");
	is_int(role_map_parse("0", &m, &f), Q_CONFIG, "no role");
	is_int(role_map_parse("no-such-user=web", &m, &f), Q_OK,
	    "a user this machine has not");
}

static void
test_calls(struct wire_client *c)
{
	static const struct wire_op_desc webonly = { 3, &t_greet_req_type,
		&t_greet_rsp_type };
	static const struct wire_op_desc unknown = { 77, &t_greet_req_type,
		&t_greet_rsp_type };
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct t_greet_req req = { .name = "bob", .big = 5 };
	struct t_greet_rsp rsp;
	struct fault f = { 0 };

	is_int(t_greet(c, &req, &rsp, &hold, &f), Q_OK, "a call");
	is_str(rsp.text, "hello bob", "its answer");
	req.times = 3;
	is_int(t_greet(c, &req, &rsp, &hold, &f), Q_BUSY, "an error");
	is_str(f.msg, "three is too many", "its text");
	is_int(f.retry_after, 9, "its advice");
	req.times = 11;
	is_int(t_greet(c, &req, &rsp, &hold, &f), Q_PROTO, "over a cap");
	req.times = 1;
	is_int(wire_call(c, &webonly, &req, &rsp, &hold, &f), Q_DENIED,
	    "an op of another role");
	is_int(wire_call(c, &unknown, &req, &rsp, &hold, &f), Q_PROTO,
	    "an unknown op");
	req.name = "a name far longer than sixteen";
	is_int(t_greet(c, &req, &rsp, &hold, &f), Q_TOOBIG,
	    "our own message over a cap is not sent");
	req.name = "x";
	req.times = 5;
	is_int(t_greet(c, &req, &rsp, &hold, &f), Q_TIMEOUT,
	    "a slow answer is not waited for");
	req.times = 1;
	is_int(t_greet(c, &req, &rsp, &hold, &f), Q_OK,
	    "and does not disturb the next call");
}

static void
test_files(struct wire_client *c)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct t_file_req req = { .file = memfd_create("t", MFD_CLOEXEC) };
	struct t_file_rsp rsp = { .back = -1 };
	char b = 0;

	is_int(write(req.file, "Q", 1), 1, "a file");
	is_int(t_file(c, &req, &rsp, &hold, NULL), Q_OK, "sent along");
	is_int(rsp.first, 'Q', "was read there");
	is_int(pread(rsp.back, &b, 1, 0), 1, "and came back");
	close(rsp.back);
	close(req.file);
	req.file = -1;
	is_int(t_file(c, &req, &rsp, &hold, NULL), Q_INVALID, "without one");
}

static void
test_pending(struct wire_client *c)
{
	static const struct wire_op_desc greet = { 1, &t_greet_req_type,
		&t_greet_rsp_type };
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct t_greet_req req = { .name = "late", .times = 4 };
	struct t_greet_rsp rsp, push = { .text = "hint" };
	AUTO_FD int sock = wire_client_open(c);

	is_int(wire_stream_send(sock, &greet, 70, &req), Q_OK, "sent");
	req.times = 1;
	is_int(wire_stream_send(sock, &greet, 71, &req), Q_OK, "another");
	is_int(wire_stream_recv(sock, greet.rsp, 1000, &rsp, &hold,
	    NULL), Q_OK, "answered");
	is_int(hold.id, 71, "the later one first");
	/* Another thread has it, which may be slower. */
	while (parked == NULL)
		usleep(1000);
	is_int(wire_push(parked, &push), Q_OK, "a push");
	wire_answer(parked, Q_DENIED, NULL, NULL);
	is_int(wire_stream_recv(sock, greet.rsp, 1000, &rsp, &hold,
	    NULL), Q_OK, "the push comes");
	is_str(rsp.text, "hint", "whole");
	is_int(wire_stream_recv(sock, greet.rsp, 1000, &rsp, &hold,
	    NULL), Q_DENIED, "then the answer");
	is_int(write(sock, "garbage", 7), 7, "bytes that are no frame");
	is_int(wire_stream_recv(sock, greet.rsp, 1000, &rsp, &hold,
	    NULL), Q_UNAVAIL, "end that connection");
}

static void *
caller(void *arg)
{
	struct wire_client *c = arg;
	intptr_t good = 0;

	for (int i = 0; i < 500; i++) {
		AUTO_REPLY struct wire_reply hold = { 0 };
		struct t_greet_req req = { .name = "t", .big = (uint64_t)i };
		struct t_greet_rsp rsp;

		good += t_greet(c, &req, &rsp, &hold, NULL) == Q_OK &&
		    rsp.big == (uint64_t)i;
	}
	return (void *)good;
}

static void
test_threads(struct wire_client *c)
{
	pthread_t t[8];
	void *good;
	intptr_t sum = 0;

	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		pthread_create(&t[i], NULL, caller, c);
	for (size_t i = 0; i < ARRAY_LEN(t); i++) {
		pthread_join(t[i], &good);
		sum += (intptr_t)good;
	}
	is_int(sum, 4000, "eight threads, each got its own answers");
}

/* A server with few descriptors; whether it has one left when told to end. */
static void
frugal_server(const struct wire_server_conf *conf, const char *path,
    int sock)
{
	const struct rlimit few = { 256, 256 };
	struct wire_server *s;
	char c = 0;

	if (setrlimit(RLIMIT_NOFILE, &few) != 0 ||
	    wire_server_start(conf, path, &s, NULL) != Q_OK ||
	    write(sock, &c, 1) != 1 || read(sock, &c, 1) != 1)
		_exit(2);
	_exit(open("/dev/null", O_RDONLY | O_CLOEXEC) < 0);
}

/* One user connects more often than a server has descriptors. */
static void
test_greedy(const struct wire_server_conf *conf, const char *path)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	const struct timeval limit = { .tv_sec = 3 };
	int pair[2], fd = -1, status = -1, n = 0;
	pid_t pid;
	char c = 0;

	memcpy(sun.sun_path, path, strlen(path));
	if (!ok(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "a pair"))
		return;
	pid = fork();
	if (pid == 0)
		frugal_server(conf, path, pair[1]);
	close(pair[1]);
	is_int(read(pair[0], &c, 1), 1, "a server with few descriptors");
	for (; n < 300; n++) {
		fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
		if (fd < 0 || connect(fd, (struct sockaddr *)&sun,
		    sizeof(sun)) != 0)
			break;
	}
	is_int(n, 300, "one user connects 300 times");
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	is_int(recv(fd, &c, 1, 0), 0, "beyond his share he is refused");
	is_int(write(pair[0], &c, 1), 1, "it may end");
	waitpid(pid, &status, 0);
	is_int(status, 0, "and had descriptors left for others");
	unlink(path);
	close(pair[0]);
}

int
main(void)
{
	char dir[] = "/tmp/test-wire.XXXXXX", path[64];
	struct role_map roles;
	struct wire_server_conf conf = { .ops = ops, .n_ops = ARRAY_LEN(ops),
		.roles = &roles, .threads = 4 };
	struct wire_server *s, *second;
	struct wire_client *c;
	struct t_greet_req req = { .name = "x" };
	struct t_greet_rsp rsp;
	char map[32];
	AUTO_REPLY struct wire_reply hold = { 0 };

	test_fields();
	test_roles();
	if (!ok(mkdtemp(dir) != NULL, "a folder"))
		return done();
	snprintf(path, sizeof(path), "%s/run/s.sock", dir);
	snprintf(map, sizeof(map), "%d=admin", (int)getuid());
	is_int(role_map_parse(map, &roles, NULL), Q_OK, "my role");
	is_int(wire_client_new(path, 1000, &c), Q_OK, "client");
	is_int(t_greet(c, &req, &rsp, &hold, NULL), Q_UNAVAIL, "no server");
	is_int(wire_server_start(&conf, path, &s, NULL), Q_OK, "server");
	is_int(wire_server_start(&conf, path, &second, NULL), Q_EXISTS,
	    "a second one on the same socket");
	test_calls(c);
	test_files(c);
	test_pending(c);
	test_threads(c);
	wire_server_stop(s);
	is_int(t_greet(c, &req, &rsp, &hold, NULL), Q_UNAVAIL, "stopped");
	is_int(wire_server_start(&conf, path, &s, NULL), Q_OK, "again");
	is_int(t_greet(c, &req, &rsp, &hold, NULL), Q_OK,
	    "pooled connections of the dead server do no harm");
	wire_server_stop(s);
	wire_client_free(c);
	test_greedy(&conf, path);
	snprintf(path, sizeof(path), "%s/run", dir);
	rmdir(path);
	is_int(rmdir(dir), 0, "nothing left behind");
	return done();
}
