// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "tests/integration/abuse.h"

#include <dirent.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/own.h"

char abuse_socket[CONF_SOCKET_MAX];

/* This thread alone, so that its next socket is that user's. */
static void
abuse_become(uid_t uid)
{
	if (syscall(SYS_setresuid, -1, uid, -1) != 0)
		abort();
}

int
abuse_connect(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", abuse_socket);
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) == 0)
		return fd;
	close(fd);
	return -1;
}

int
abuse_open(uid_t uid)
{
	int fd;

	abuse_become(uid);
	fd = abuse_connect();
	abuse_become(0);
	return fd;
}

bool
abuse_send_raw(int sock, struct bytes raw, const int *fds, size_t n)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(ABUSE_FDS_MAX * sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)raw.p, raw.len };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (n != 0) {
		m.msg_control = control.space;
		m.msg_controllen = CMSG_SPACE(n * sizeof(int));
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(&control.head), fds, n * sizeof(int));
	}
	return sendmsg(sock, &m, MSG_NOSIGNAL) >= 0;
}

bool
abuse_send(int sock, uint16_t op, struct bytes body, const int *fds, size_t n)
{
	AUTO_BUF struct buf frame = BUF_INIT(1 << 20);
	uint8_t raw[WIRE_HEAD];
	struct wire_head h = { .op = op, .id = 7,
		.length = (uint32_t)body.len };

	wire_head_put(&h, raw);
	buf_put(&frame, raw, sizeof(raw));
	buf_put(&frame, body.p, body.len);
	return abuse_send_raw(sock, buf_bytes(&frame), fds, n);
}

void
abuse_answer(int sock, int wait_ms, struct abuse_answer *ret_answer)
{
	static uint8_t raw[WIRE_HEAD + WIRE_BODY_MAX];
	struct abuse_answer a = { .late = true };
	struct pollfd p = { sock, POLLIN, 0 };
	ssize_t n;
	size_t len;

	if (poll(&p, 1, wait_ms) > 0) {
		n = recv(sock, raw, sizeof(raw), 0);
		a.late = false;
		a.gone = n <= 0 || wire_head_get((struct bytes){ raw,
		    (size_t)n }, &a.head) != Q_OK;
		len = a.gone || a.head.status == Q_OK ? 0 : a.head.length;
		snprintf(a.text, sizeof(a.text), "%.*s", (int)len,
		    (const char *)raw + WIRE_HEAD);
	}
	*ret_answer = a;
}

void
abuse_ask(uid_t uid, uint16_t op, struct bytes body, int fd,
    struct abuse_answer *ret_answer)
{
	AUTO_FD int sock = abuse_open(uid);

	*ret_answer = (struct abuse_answer){ .gone = true };
	if (sock >= 0 && abuse_send(sock, op, body, &fd, fd >= 0))
		abuse_answer(sock, 20000, ret_answer);
}

size_t
abuse_fds_of(pid_t pid)
{
	char path[40];
	DIR *d;
	size_t n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	while (d != NULL && readdir(d) != NULL)
		n++;
	if (d != NULL)
		closedir(d);
	return n;
}

bool
abuse_result(bool good, const char *fmt, ...)
{
	va_list ap;

	printf(good ? "ok " : "not ok ");
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	printf("\n");
	fflush(stdout);
	return good;
}
