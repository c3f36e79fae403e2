// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "wire/frame.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/codec.h"

void
wire_head_put(const struct wire_head *h, uint8_t out[WIRE_HEAD])
{
	le32_put(out, WIRE_MAGIC);
	le32_put(out + 4, (uint32_t)h->op | (uint32_t)h->status << 16);
	le32_put(out + 8, h->id);
	le32_put(out + 12, h->retry_after);
	le32_put(out + 16, h->length);
}

enum q_err
wire_head_get(struct bytes frame, struct wire_head *ret_head)
{
	const uint8_t *p = frame.p;
	uint32_t v;

	if (frame.len < WIRE_HEAD || le32_get(p) != WIRE_MAGIC ||
	    le32_get(p + 16) != frame.len - WIRE_HEAD)
		return Q_PROTO;
	v = le32_get(p + 4);
	*ret_head = (struct wire_head){ (uint16_t)v, (uint16_t)(v >> 16),
		le32_get(p + 8), le32_get(p + 12), le32_get(p + 16) };
	return Q_OK;
}

union fd_control {
	struct cmsghdr head;
	char space[CMSG_SPACE(sizeof(int))];
};

static enum q_err
wait_for(int sock, short events, int wait_ms)
{
	struct pollfd pfd = { sock, events, 0 };
	int n;

	do
		n = poll(&pfd, 1, wait_ms);
	while (n < 0 && errno == EINTR);
	return n > 0 ? Q_OK : n == 0 ? Q_TIMEOUT : Q_IO;
}

enum q_err
wire_send(int sock, struct bytes head, struct bytes body, int fd, int wait_ms)
{
	struct iovec iov[2] = {
		{ (void *)(uintptr_t)head.p, head.len },
		{ (void *)(uintptr_t)body.p, body.len },
	};
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	union fd_control control = { 0 };

	if (fd >= 0) {
		m.msg_control = control.space;
		m.msg_controllen = sizeof(control.space);
		control.head.cmsg_level = SOL_SOCKET;
		control.head.cmsg_type = SCM_RIGHTS;
		control.head.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	}
	for (;;) {
		enum q_err r;

		if (sendmsg(sock, &m, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return Q_OK;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN && errno != ENOBUFS)
			return Q_UNAVAIL;
		r = wait_for(sock, POLLOUT, wait_ms);
		if (r != Q_OK)
			return r;
	}
}

/* The one descriptor of a message; closes all when there are several. */
static enum q_err
control_fd(struct msghdr *m, int *ret_fd)
{
	int fd = -1;
	enum q_err r = m->msg_flags & MSG_CTRUNC ? Q_PROTO : Q_OK;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL;
	    c = CMSG_NXTHDR(m, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			if (fd >= 0) {
				close(fd);
				r = Q_PROTO;
			}
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int),
			    sizeof(fd));
		}
	}
	if (r != Q_OK && fd >= 0)
		close(fd);
	*ret_fd = r == Q_OK ? fd : -1;
	return r;
}

enum q_err
wire_recv(int sock, uint8_t *p, size_t cap, int wait_ms, size_t *ret_len,
    int *ret_fd)
{
	struct iovec iov = { p, cap };
	union fd_control control = { 0 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space) };
	ssize_t n;
	enum q_err r;

	if (wait_ms > 0) {
		r = wait_for(sock, POLLIN, wait_ms);
		if (r != Q_OK)
			return r;
	}
	do
		n = recvmsg(sock, &m, MSG_CMSG_CLOEXEC |
		    (wait_ms < 0 ? 0 : MSG_DONTWAIT));
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return Q_TIMEOUT;
	if (n <= 0)
		return Q_UNAVAIL;
	r = control_fd(&m, ret_fd);
	if (r == Q_OK && m.msg_flags & MSG_TRUNC) {
		if (*ret_fd >= 0)
			close(*ret_fd);
		*ret_fd = -1;
		r = Q_PROTO;
	}
	*ret_len = (size_t)n;
	return r;
}
