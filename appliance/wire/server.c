// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "wire/server.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/own.h"

#define CONNS_PER_USER 1024
#define FDS_WANTED 16384
#define FDS_SHARES 8 /* one user never gets more than one of them */
#define LISTEN_BACKLOG 512
#define REPLY_WAIT_MS 2000

/* A connection lives until the last of: its socket's end, and the requests
 * of it that still wait for an answer. */
struct conn {
	struct wire_server *server;
	int fd;
	uint32_t role;
	uid_t uid;
	uint64_t id;
	atomic_uint refs;
	atomic_bool dead;
	pthread_mutex_t lock; /* of inflight and armed */
	unsigned inflight;
	bool armed;
	struct conn *next, **at;
};

struct wire_req {
	struct conn *conn; /* NULL: driven by wire_dispatch_frame */
	struct buf *out_frame;
	const struct wire_op *op;
	uint32_t id;
	uint32_t role;
	int fd;
	struct buf space;
	size_t body_len;
	uint8_t body[];
};

struct wire_server {
	struct wire_server_conf conf;
	struct role_map roles;
	int epoll;
	int listen;
	int stop;
	char path[108];
	unsigned inflight_max;
	unsigned conns_max; /* of one user */
	atomic_uint waiting; /* threads, for peers to read their answers */
	pthread_mutex_t lock; /* of the list and the ids */
	struct conn *conns;
	uint64_t next_id;
	unsigned n_threads;
	pthread_t threads[];
};

uint32_t
wire_req_role(const struct wire_req *q)
{
	return q->role;
}

uid_t
wire_req_uid(const struct wire_req *q)
{
	return q->conn != NULL ? q->conn->uid : (uid_t)-1;
}

uint64_t
wire_req_conn(const struct wire_req *q)
{
	return q->conn != NULL ? q->conn->id : 0;
}

struct buf *
wire_req_space(struct wire_req *q)
{
	return &q->space;
}

static void
conn_unref(struct conn *c)
{
	struct wire_server *s = c->server;

	if (atomic_fetch_sub(&c->refs, 1) != 1)
		return;
	pthread_mutex_lock(&s->lock);
	*c->at = c->next;
	if (c->next != NULL)
		c->next->at = c->at;
	pthread_mutex_unlock(&s->lock);
	if (s->conf.closed != NULL)
		s->conf.closed(s->conf.ctx, c->id);
	close(c->fd);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* The socket is of no more use. Its end comes as an event like any other, so
 * that only the thread that holds the event drops the epoll's reference. */
static void
conn_kill(struct conn *c)
{
	atomic_store(&c->dead, true);
	shutdown(c->fd, SHUT_RDWR);
}

static void
conn_arm(struct conn *c)
{
	struct epoll_event ev = { EPOLLIN | EPOLLONESHOT, { .ptr = c } };

	epoll_ctl(c->server->epoll, EPOLL_CTL_MOD, c->fd, &ev);
}

/* Count a request in or out and let the next datagram come when there is
 * room: one connection never occupies every thread. */
static void
conn_count(struct conn *c, int delta)
{
	bool arm;

	pthread_mutex_lock(&c->lock);
	c->inflight = (unsigned)((int)c->inflight + delta);
	if (delta > 0)
		c->armed = false;
	arm = !c->armed && c->inflight < c->server->inflight_max;
	if (arm)
		c->armed = true;
	pthread_mutex_unlock(&c->lock);
	if (arm)
		conn_arm(c);
}

static void
req_free(struct wire_req *q)
{
	struct conn *c = q->conn;

	if (q->fd >= 0)
		close(q->fd);
	buf_free(&q->space);
	/* Some requests have secrets; the server does not know which. */
	explicit_bzero(q->body, q->body_len);
	free(q);
	if (c == NULL)
		return;
	conn_count(c, -1);
	conn_unref(c);
}

/* A thread that waits for a peer to read is lost to all others meanwhile, so
 * no more than a quarter of them do. */
static enum q_err
reply_send(struct conn *c, struct bytes head, struct bytes body, int fd)
{
	struct wire_server *s = c->server;
	enum q_err r = wire_send(c->fd, head, body, fd, 0);

	if (r != Q_TIMEOUT)
		return r;
	if (atomic_fetch_add(&s->waiting, 1) < (s->conf.threads + 3) / 4)
		r = wire_send(c->fd, head, body, fd, REPLY_WAIT_MS);
	atomic_fetch_sub(&s->waiting, 1);
	return r;
}

static enum q_err
req_send(struct wire_req *q, enum q_err code, const struct fault *f,
    const void *rsp)
{
	AUTO_BUF struct buf body = BUF_INIT(WIRE_BODY_MAX);
	uint8_t raw[WIRE_HEAD];
	struct wire_head h = { .id = q->id, .op = q->op ? q->op->num : 0 };
	int *fd = NULL;

	if (code == Q_OK && rsp != NULL) {
		wire_encode(q->op->rsp, rsp, &body);
		fd = wire_fd_of(q->op->rsp, (void *)(uintptr_t)rsp);
	}
	if (body.bad) {
		buf_reset(&body);
		code = Q_TOOBIG;
		f = NULL;
	}
	if (code != Q_OK)
		buf_puts(&body, fault_text(f, code));
	h.status = (uint16_t)code;
	h.retry_after = code != Q_OK && f != NULL ? f->retry_after : 0;
	h.length = (uint32_t)body.len;
	wire_head_put(&h, raw);
	if (q->conn == NULL) {
		buf_put(q->out_frame, raw, sizeof(raw));
		buf_put(q->out_frame, body.p, body.len);
		return Q_OK;
	}
	return reply_send(q->conn, (struct bytes){ raw, sizeof(raw) },
	    buf_bytes(&body), fd != NULL ? *fd : -1);
}

void
wire_answer(struct wire_req *q, enum q_err code, const struct fault *f,
    const void *rsp)
{
	/* A peer that does not read its answers has lost its connection. */
	if (req_send(q, code, f, rsp) != Q_OK && q->conn != NULL)
		conn_kill(q->conn);
	req_free(q);
}

enum q_err
wire_push(struct wire_req *q, const void *rsp)
{
	if (q->conn != NULL && atomic_load(&q->conn->dead))
		return Q_UNAVAIL;
	return req_send(q, Q_OK, NULL, rsp);
}

static const struct wire_op *
op_find(const struct wire_server_conf *conf, uint16_t num)
{
	for (size_t i = 0; i < conf->n_ops; i++)
		if (conf->ops[i].num == num)
			return &conf->ops[i];
	return NULL;
}

/* Every check that needs only the table, then the handler. Frees q, or
 * leaves it to the handler that answered PENDING. */
static void
dispatch(const struct wire_server_conf *conf, struct wire_req *q,
    const struct wire_head *h)
{
	union {
		max_align_t align;
		uint8_t space[WIRE_STRUCT_MAX];
	} req, rsp;
	struct fault f = { 0 };
	const struct wire_op *op = op_find(conf, h->op);
	int *fd;
	enum q_err r;

	q->op = op;
	q->id = h->id;
	q->space = (struct buf)BUF_INIT(WIRE_BODY_MAX);
	if (op == NULL)
		r = fault_set(&f, Q_PROTO, "unknown operation %u", h->op);
	else if ((op->roles & q->role) == 0)
		r = fault_set(&f, Q_DENIED, "%s is not for role %s", op->name,
		    role_name(q->role));
	else if (h->length > op->cap)
		r = fault_set(&f, Q_TOOBIG, "%s: over %zu bytes", op->name,
		    op->cap);
	else
		r = wire_decode(op->req,
		    (struct bytes){ q->body, h->length }, req.space, &f);
	if (r == Q_OK) {
		fd = wire_fd_of(op->req, req.space);
		if (fd != NULL)
			*fd = q->fd;
		memset(rsp.space, 0, op->rsp->size);
		fd = wire_fd_of(op->rsp, rsp.space);
		if (fd != NULL)
			*fd = -1;
		r = op->handler(conf->ctx, q, req.space, rsp.space, &f);
	}
	if (r != Q_PENDING)
		wire_answer(q, r, &f, rsp.space);
}

static struct wire_req *
req_new(struct conn *c, struct bytes body, int fd, uint32_t role)
{
	struct wire_req *q = malloc(sizeof(*q) + body.len + 1);

	if (q == NULL)
		return NULL;
	*q = (struct wire_req){ .conn = c, .fd = fd, .role = role,
		.body_len = body.len };
	if (body.len != 0)
		memcpy(q->body, body.p, body.len);
	return q;
}

void
wire_dispatch_frame(const struct wire_server_conf *conf, uint32_t role,
    struct bytes frame, int fd, struct buf *out)
{
	AUTO_FD int given = fd;
	struct wire_head h;
	struct wire_req *q;

	if (frame.len > WIRE_HEAD + WIRE_BODY_MAX ||
	    wire_head_get(frame, &h) != Q_OK)
		return;
	q = req_new(NULL, (struct bytes){ frame.p + WIRE_HEAD, h.length }, fd,
	    role);
	if (q == NULL)
		return;
	given = -1;
	q->out_frame = out;
	dispatch(conf, q, &h);
}

static enum q_err
conn_add(struct wire_server *s, int fd, uint32_t role, uid_t uid)
{
	struct conn *c = calloc(1, sizeof(*c));
	struct epoll_event ev = { EPOLLIN | EPOLLONESHOT, { .ptr = c } };
	unsigned have = 0;

	if (c == NULL)
		return Q_NOMEM;
	*c = (struct conn){ .server = s, .fd = fd, .role = role, .uid = uid,
		.refs = 1, .armed = true };
	pthread_mutex_init(&c->lock, NULL);
	pthread_mutex_lock(&s->lock);
	for (const struct conn *o = s->conns; o != NULL; o = o->next)
		have += o->uid == uid;
	if (have >= s->conns_max) {
		pthread_mutex_unlock(&s->lock);
		pthread_mutex_destroy(&c->lock);
		free(c);
		return Q_BUSY;
	}
	c->id = ++s->next_id;
	c->next = s->conns;
	c->at = &s->conns;
	if (c->next != NULL)
		c->next->at = &c->next;
	s->conns = c;
	pthread_mutex_unlock(&s->lock);
	if (epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev) == 0)
		return Q_OK;
	/* The caller keeps the descriptor of a failed call. */
	c->fd = -1;
	conn_unref(c);
	return Q_IO;
}

enum q_err
wire_server_adopt(struct wire_server *s, int fd, uint32_t role)
{
	return conn_add(s, fd, role, (uid_t)-1);
}

static void
accept_one(struct wire_server *s)
{
	struct epoll_event ev = { EPOLLIN | EPOLLONESHOT, { .ptr = s } };
	int fd = accept4(s->listen, NULL, NULL, SOCK_CLOEXEC);
	struct ucred who;
	socklen_t len = sizeof(who);
	uint32_t role;

	epoll_ctl(s->epoll, EPOLL_CTL_MOD, s->listen, &ev);
	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) != 0) {
		close(fd);
		return;
	}
	/* A user without a role may connect: every op then tells him so. */
	role = role_of_uid(&s->roles, who.uid);
	if (role == ROLE_NONE)
		role = s->conf.default_role;
	if (conn_add(s, fd, role, who.uid) != Q_OK)
		close(fd);
}

static void
serve_one(struct wire_server *s, struct conn *c, uint8_t *space)
{
	struct wire_head h;
	struct wire_req *q;
	size_t len;
	int fd = -1;
	enum q_err r;

	r = atomic_load(&c->dead) ? Q_UNAVAIL : wire_recv(c->fd, space,
	    WIRE_HEAD + WIRE_BODY_MAX, 0, &len, &fd);
	if (r == Q_TIMEOUT) {
		conn_arm(c);
		return;
	}
	if (r == Q_OK)
		r = wire_head_get((struct bytes){ space, len }, &h);
	q = r == Q_OK ? req_new(c, (struct bytes){ space + WIRE_HEAD,
	    h.length }, fd, c->role) : NULL;
	if (r == Q_OK)
		explicit_bzero(space, len);
	if (q == NULL) {
		/* Out of step or gone: nothing after this could be trusted. */
		if (fd >= 0)
			close(fd);
		conn_kill(c);
		epoll_ctl(s->epoll, EPOLL_CTL_DEL, c->fd, NULL);
		conn_unref(c);
		return;
	}
	atomic_fetch_add(&c->refs, 1);
	conn_count(c, 1);
	dispatch(&s->conf, q, &h);
}

static void *
server_thread(void *arg)
{
	struct wire_server *s = arg;
	uint8_t *space = malloc(WIRE_HEAD + WIRE_BODY_MAX);

	if (space == NULL)
		abort();
	if (s->conf.thread_start != NULL)
		s->conf.thread_start(s->conf.ctx);
	for (;;) {
		struct epoll_event ev;
		int n = epoll_wait(s->epoll, &ev, 1, -1);

		if (n < 0 && errno != EINTR)
			break;
		if (n <= 0)
			continue;
		if (ev.data.ptr == NULL)
			break;
		if (ev.data.ptr == s)
			accept_one(s);
		else
			serve_one(s, ev.data.ptr, space);
	}
	free(space);
	return NULL;
}

/* The socket's folder, where nobody made it with stricter rights before. */
static void
folder_make(const char *path)
{
	char dir[108];
	const char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path)
		return;
	memcpy(dir, path, (size_t)(slash - path));
	dir[slash - path] = '\0';
	(void)mkdir(dir, 0755); /* bind reports what is wrong */
}

/* A socket in place of one that a dead process left; a live one stays. */
static enum q_err
listen_at(struct wire_server *s, const char *path, struct fault *f)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	AUTO_FD int probe = -1;
	mode_t old;
	int bound;

	if (strlen(path) >= sizeof(sun.sun_path))
		return fault_set(f, Q_CONFIG, "%.150s: path too long", path);
	memcpy(sun.sun_path, path, strlen(path));
	memcpy(s->path, path, strlen(path));
	probe = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (probe >= 0 &&
	    connect(probe, (struct sockaddr *)&sun, sizeof(sun)) == 0) {
		s->path[0] = '\0'; /* not ours to remove */
		return fault_set(f, Q_EXISTS,
		    "%.150s: another process serves it", path);
	}
	folder_make(path);
	unlink(path);
	s->listen = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, 0);
	if (s->listen < 0)
		return Q_IO;
	old = umask(0111);
	bound = bind(s->listen, (struct sockaddr *)&sun, sizeof(sun));
	umask(old);
	if (bound != 0 || listen(s->listen, LISTEN_BACKLOG) != 0)
		return fault_set(f, Q_IO, "%.120s: %s", path, strerror(errno));
	return Q_OK;
}

/* A user who takes every descriptor of the process would shut out all
 * others, and the process from its own files. */
static unsigned
fds_share(void)
{
	struct rlimit rl, more;

	if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
		return CONNS_PER_USER;
	more = rl;
	more.rlim_cur = rl.rlim_max < FDS_WANTED ? rl.rlim_max : FDS_WANTED;
	if (more.rlim_cur > rl.rlim_cur &&
	    setrlimit(RLIMIT_NOFILE, &more) == 0)
		rl = more;
	return rl.rlim_cur / FDS_SHARES < CONNS_PER_USER ?
	    (unsigned)(rl.rlim_cur / FDS_SHARES) : CONNS_PER_USER;
}

static enum q_err
watch(struct wire_server *s, int fd, void *tag, uint32_t events)
{
	struct epoll_event ev = { events, { .ptr = tag } };

	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev) == 0 ? Q_OK : Q_IO;
}

enum q_err
wire_server_start(const struct wire_server_conf *conf, const char *path,
    struct wire_server **ret_server, struct fault *f)
{
	struct wire_server *s = calloc(1, sizeof(*s) +
	    conf->threads * sizeof(s->threads[0]));
	enum q_err r = Q_OK;

	if (s == NULL)
		return Q_NOMEM;
	s->conf = *conf;
	if (conf->roles != NULL)
		s->roles = *conf->roles;
	s->inflight_max = conf->threads > 2 ? conf->threads / 2 + 1 : 1;
	s->conns_max = conf->max_conns ? conf->max_conns : fds_share();
	s->listen = -1;
	pthread_mutex_init(&s->lock, NULL);
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (s->epoll < 0 || s->stop < 0)
		r = Q_IO;
	if (r == Q_OK && path != NULL)
		r = listen_at(s, path, f);
	if (r == Q_OK)
		r = watch(s, s->stop, NULL, EPOLLIN);
	if (r == Q_OK && s->listen >= 0)
		r = watch(s, s->listen, s, EPOLLIN | EPOLLONESHOT);
	while (r == Q_OK && s->n_threads < conf->threads) {
		if (pthread_create(&s->threads[s->n_threads], NULL,
		    server_thread, s) != 0)
			r = Q_NOMEM;
		else
			s->n_threads++;
	}
	if (r != Q_OK) {
		wire_server_stop(s);
		return r;
	}
	*ret_server = s;
	return Q_OK;
}

void
wire_server_stop(struct wire_server *s)
{
	uint64_t one = 1;

	if (s == NULL)
		return;
	if (s->stop >= 0 && write(s->stop, &one, sizeof(one)) < 0)
		abort();
	for (unsigned i = 0; i < s->n_threads; i++)
		pthread_join(s->threads[i], NULL);
	for (struct conn *c = s->conns, *next; c != NULL; c = next) {
		next = c->next;
		conn_unref(c);
	}
	if (s->listen >= 0)
		close(s->listen);
	if (s->path[0] != '\0')
		unlink(s->path);
	if (s->epoll >= 0)
		close(s->epoll);
	if (s->stop >= 0)
		close(s->stop);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
