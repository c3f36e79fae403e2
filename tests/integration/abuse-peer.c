// SPDX-License-Identifier: Apache-2.0
/*
 * abuse-peer CONF PID: peers of quoin-signd (process PID) that do what no
 * client does: send without reading, stall, send what is no frame, open
 * thousands of connections, pass descriptors, and play with user ids. All
 * that time somebody else is served.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/own.h"
#include "signer/signer.h"
#include "tests/integration/abuse.h"

#define CONNECTIONS 10000
#define CAP 1024 /* connections of one user: server.c */
#define THREADS 32 /* signd.threads: each may hold one that it refuses */
#define OWN 8
#define FLOODERS 48
#define FLOOD_MS 4000
#define SERVED_MS 1500 /* a request of somebody else, with two busy cores */

static pid_t signd;
static uid_t enrol;
static const struct bytes nothing = { NULL, 0 };
/* What code_keys and certs begin with: an empty `after`. */
static const struct bytes first_page = { (const uint8_t *)"\0\0\0\0", 5 };

/* The slowest of some requests of enrold's and the administrator's, in
 * milliseconds; -1: one failed. */
static int64_t
served(int64_t for_ms)
{
	int64_t begin = clock_mono_ms(), worst = 0;

	do {
		int64_t at = clock_mono_ms();
		struct abuse_answer a;

		abuse_ask(enrol, SIGND_OP_certs, first_page, -1, &a);
		if (a.gone || a.late || a.head.status != Q_OK)
			return -1;
		abuse_ask(0, SIGND_OP_status, nothing, -1, &a);
		if (a.gone || a.late || a.head.status != Q_OK)
			return -1;
		if (clock_mono_ms() - at > worst)
			worst = clock_mono_ms() - at;
	} while (clock_mono_ms() - begin < for_ms);
	return worst;
}

static void
others(const char *what, int64_t for_ms)
{
	int64_t worst = served(for_ms);

	abuse_result(worst >= 0 && worst < SERVED_MS,
	    "%s: others are served (slowest %lld ms)", what,
	    (long long)worst);
}

/* Until signd has as many descriptors as before, or some of its own to the
 * worker more, where it was sent a thousand; some seconds. */
static void
none_left(const char *what, size_t before)
{
	int64_t until = clock_mono_ms() + 10000;
	size_t now = abuse_fds_of(signd);

	while (now > before + OWN && clock_mono_ms() < until) {
		usleep(10000);
		now = abuse_fds_of(signd);
	}
	abuse_result(now <= before + OWN, "%s: no descriptor stays (%zu, %zu)",
	    what, before, now);
}

/* --- floods */

static atomic_bool flooding;

static void *
flood(void *arg)
{
	uint16_t op = *(const uint16_t *)arg;

	while (atomic_load(&flooding)) {
		int sock = abuse_open(ABUSE_STRANGER);
		struct pollfd p = { sock, POLLOUT, 0 };

		if (sock < 0)
			continue;
		/* Until the connection ends; answers are never read. */
		fcntl(sock, F_SETFL, O_NONBLOCK);
		while (atomic_load(&flooding) && (abuse_send(sock, op,
		    first_page, NULL, 0) || errno == EAGAIN))
			if (errno == EAGAIN)
				poll(&p, 1, 10);
		close(sock);
	}
	return NULL;
}

static void
floods(void)
{
	/* Answered, refused, unknown. */
	static const struct {
		uint16_t op;
		const char *text;
	} kinds[] = { { SIGND_OP_code_keys, "a flood of requests" },
		{ SIGND_OP_keys, "of requests that are denied" },
		{ 9999, "of unknown ones" } };
	pthread_t threads[FLOODERS];
	size_t before = abuse_fds_of(signd);

	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		atomic_store(&flooding, true);
		for (size_t i = 0; i < FLOODERS; i++)
			if (pthread_create(&threads[i], NULL, flood,
			    (void *)(uintptr_t)&kinds[k].op) != 0)
				abort();
		others(kinds[k].text, FLOOD_MS);
		atomic_store(&flooding, false);
		for (size_t i = 0; i < FLOODERS; i++)
			pthread_join(threads[i], NULL);
	}
	none_left("the floods", before);
}

/* --- what is no frame */

static void
broken_frames(void)
{
	static const struct {
		const char *text;
		uint32_t magic, length;
		size_t size;
	} rows[] = {
		{ "nothing", WIRE_MAGIC, 0, 0 },
		{ "one byte", WIRE_MAGIC, 0, 1 },
		{ "half a header", WIRE_MAGIC, 0, 10 },
		{ "a header less a byte", WIRE_MAGIC, 0, 19 },
		{ "another magic", 0x0a324e51, 0, 20 },
		{ "half a frame", WIRE_MAGIC, 100, 70 },
		{ "more than its length", WIRE_MAGIC, 5, 26 },
		{ "a length of 2^32-1", WIRE_MAGIC, UINT32_MAX, 25 },
		{ "a frame over the largest", WIRE_MAGIC, WIRE_BODY_MAX + 1,
			WIRE_HEAD + WIRE_BODY_MAX + 1 },
	};
	static uint8_t raw[WIRE_HEAD + WIRE_BODY_MAX + 1];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_FD int sock = abuse_open(ABUSE_STRANGER);
		struct abuse_answer a;

		memset(raw, 0, sizeof(raw));
		le32_put(raw, rows[i].magic);
		le32_put(raw + 4, SIGND_OP_code_keys);
		le32_put(raw + 16, rows[i].length);
		abuse_send_raw(sock, (struct bytes){ raw, rows[i].size },
		    NULL, 0);
		abuse_answer(sock, 5000, &a);
		abuse_result(a.gone, "%s ends the connection", rows[i].text);
	}
}

/* --- those who stall, and those who are many */

static size_t
alive(const int *socks, size_t n)
{
	size_t ret = 0;

	for (size_t i = 0; i < n; i++) {
		struct pollfd p = { socks[i], POLLIN, 0 };

		ret += socks[i] >= 0 && poll(&p, 1, 0) == 0;
	}
	return ret;
}

static void
crowd(void)
{
	static int socks[CONNECTIONS];
	size_t before = abuse_fds_of(signd), most = 0, left, tried = 0;
	struct abuse_answer a;

	for (size_t i = 0; i < CONNECTIONS; i++) {
		socks[i] = abuse_open(ABUSE_STRANGER);
		tried += socks[i] >= 0;
		if (i % 500 == 0 && abuse_fds_of(signd) > most)
			most = abuse_fds_of(signd);
	}
	others("10,000 connections that say nothing", 1000);
	left = alive(socks, CONNECTIONS);
	abuse_result(tried == CONNECTIONS && left <= CAP && left > 0,
	    "of %zu connections of one user %zu stay", tried, left);
	abuse_result(most <= before + CAP + THREADS,
	    "signd never has more than the cap allows: %zu", most - before);
	abuse_ask(ABUSE_STRANGER + 1, SIGND_OP_code_keys, first_page, -1, &a);
	abuse_result(!a.gone && !a.late && a.head.status == Q_OK,
	    "another user without a role is served, too");
	for (size_t i = 0; i < CONNECTIONS; i++)
		if (socks[i] >= 0)
			close(socks[i]);
	none_left("the crowd", before);
	abuse_ask(ABUSE_STRANGER, SIGND_OP_code_keys, first_page, -1, &a);
	abuse_result(!a.gone && a.head.status == Q_OK,
	    "who was too many is served again");
}

/* --- descriptors */

static void
descriptors(void)
{
	static const size_t counts[] = { 1, 2, 3, 16, ABUSE_FDS_MAX };
	size_t before = abuse_fds_of(signd);
	int fds[ABUSE_FDS_MAX], pair[2];
	struct abuse_answer a;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) != 0)
		abort();
	for (size_t i = 0; i < ARRAY_LEN(fds); i++)
		fds[i] = pair[0];
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		AUTO_FD int sock = abuse_open(ABUSE_STRANGER);

		abuse_send(sock, SIGND_OP_code_keys, first_page, fds,
		    counts[i]);
		abuse_answer(sock, 5000, &a);
		abuse_result(counts[i] == 1 ? !a.gone && !a.late : a.gone,
		    "%zu descriptors that nobody wants: %s", counts[i],
		    counts[i] == 1 ? "an answer" : "the end");
	}
	/* The connection's own end, in a message on it, a thousand times. */
	for (size_t i = 0; i < 1000; i++) {
		AUTO_FD int sock = abuse_open(ABUSE_STRANGER);

		abuse_send(sock, SIGND_OP_code_keys, first_page, &sock, 1);
		abuse_send_raw(sock, (struct bytes){ first_page.p, 3 }, fds,
		    16);
	}
	others("a thousand connections in themselves", 500);
	none_left("descriptors", before);
	close(pair[0]);
	close(pair[1]);
}

/* --- user ids */

static enum q_err
status_on(int sock)
{
	struct abuse_answer a;

	if (!abuse_send(sock, SIGND_OP_status, nothing, NULL, 0))
		return Q_UNAVAIL;
	abuse_answer(sock, 5000, &a);
	return a.gone || a.late ? Q_UNAVAIL : (enum q_err)a.head.status;
}

#define NO_SPACE 99

/* root of a name space of its own, whose user 0 is this one outside. */
static bool
is_root_inside(uid_t uid)
{
	char map[40];
	/* After a change of user, /proc/self is root's until then. */
	AUTO_FD int fd = prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) != 0 ||
	    unshare(CLONE_NEWUSER) != 0 ? -1 :
	    open("/proc/self/uid_map", O_WRONLY);
	int len = snprintf(map, sizeof(map), "0 %u 1", (unsigned)uid);

	return fd >= 0 && write(fd, map, (size_t)len) == len && getuid() == 0;
}

/* In a child of that user's: the status over this socket, or (-1) over one of
 * its own as root of a name space. */
static int
as_user(uid_t uid, int sock)
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		if (setresuid(uid, uid, uid) != 0 ||
		    (sock < 0 && !is_root_inside(uid)))
			_exit(NO_SPACE);
		if (sock < 0)
			sock = abuse_connect();
		_exit((int)status_on(sock));
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Says with each message that it comes from root. */
static void
liar(void)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(struct ucred))];
	} control = { 0 };
	struct ucred root = { getpid(), 0, 0 };
	uint8_t raw[WIRE_HEAD];
	struct wire_head h = { .op = SIGND_OP_status, .id = 7 };
	struct iovec iov = { raw, sizeof(raw) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space) };
	AUTO_FD int sock = abuse_open(ABUSE_STRANGER);
	struct abuse_answer a;

	wire_head_put(&h, raw);
	control.head.cmsg_level = SOL_SOCKET;
	control.head.cmsg_type = SCM_CREDENTIALS;
	control.head.cmsg_len = CMSG_LEN(sizeof(root));
	memcpy(CMSG_DATA(&control.head), &root, sizeof(root));
	if (sendmsg(sock, &m, MSG_NOSIGNAL) < 0)
		abort();
	abuse_answer(sock, 5000, &a);
	abuse_result(a.head.status == Q_DENIED,
	    "credentials of root in a message are nobody's");
}

static void
users(void)
{
	static const uid_t strangers[] = { ABUSE_STRANGER, 65534, 1,
		UINT32_MAX - 1 };
	struct abuse_answer a;
	int inside;
	AUTO_FD int of_root = abuse_open(0);
	AUTO_FD int of_stranger = abuse_open(ABUSE_STRANGER);

	abuse_result(as_user(ABUSE_STRANGER, of_root) == Q_OK,
	    "a connection is its opener's: root's, used by another");
	abuse_result(as_user(0, of_stranger) == Q_DENIED,
	    "and a stranger's, used by root, is denied");
	inside = as_user(ABUSE_STRANGER, -1);
	/* Where the machine has none, there is nothing to be fenced. */
	if (inside == NO_SPACE)
		printf("# no user name spaces here\n");
	else
		abuse_result(inside == Q_DENIED,
		    "root of a user name space is who made it");
	liar();
	for (size_t i = 0; i < ARRAY_LEN(strangers); i++) {
		abuse_ask(strangers[i], SIGND_OP_status, nothing, -1, &a);
		abuse_result(a.head.status == Q_DENIED,
		    "user %u has no role: denied", (unsigned)strangers[i]);
		abuse_ask(strangers[i], SIGND_OP_code_keys, first_page, -1,
		    &a);
		abuse_result(!a.gone && a.head.status == Q_OK,
		    "and may ask for codesign keys");
	}
}

int
main(int argc, char **argv)
{
	const struct rlimit many = { CONNECTIONS + 100, CONNECTIONS + 100 };
	static struct conf conf;
	struct role_map roles;
	struct fault f = { 0 };

	if (argc != 3 || conf_load(argv[1], &conf, &f) != Q_OK ||
	    conf_socket(&conf, "signd", abuse_socket) != Q_OK ||
	    role_map_parse(conf.roles, &roles, &f) != Q_OK ||
	    setrlimit(RLIMIT_NOFILE, &many) != 0) {
		fprintf(stderr, "abuse-peer: %s\n", f.msg);
		return 1;
	}
	signd = (pid_t)strtol(argv[2], NULL, 10);
	for (size_t i = 0; i < roles.n; i++)
		if (roles.row[i].role == ROLE_ENROL)
			enrol = roles.row[i].uid;
	others("before", 100);
	broken_frames();
	descriptors();
	users();
	crowd();
	floods();
	others("after", 100);
	return 0;
}
