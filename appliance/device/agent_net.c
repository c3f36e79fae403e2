// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "device/agent_net.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/own.h"

#define DEFAULT_PORT "6000"
#define TIMEOUT_S 30

/* Split "host:port" and the like. */
static enum q_err
split_server(const char *server, struct agent_tls *t)
{
	const char *host = server, *colon = strrchr(server, ':');
	const char *port = DEFAULT_PORT;
	size_t len = strlen(server);
	char *end;
	long n;

	if (*server == '[') {
		const char *close = strchr(server, ']');

		if (close == NULL || (close[1] != ':' && close[1] != '\0'))
			return Q_INVALID;
		host++;
		len = (size_t)(close - host);
		if (close[1] == ':')
			port = close + 2;
	} else if (colon != NULL && strchr(server, ':') == colon) {
		len = (size_t)(colon - server);
		port = colon + 1;
	}
	n = strtol(port, &end, 10);
	if (len == 0 || len >= sizeof(t->host) || *end != '\0' || n < 1 ||
	    n > 65535)
		return Q_INVALID;
	memcpy(t->host, host, len);
	t->host[len] = '\0';
	snprintf(t->port, sizeof(t->port), "%ld", n);
	return Q_OK;
}

/* The server's certificate must chain to the root in this file and carry
 * the name or address that was dialled in its SAN. */
static enum q_err
trust(struct agent_tls *t, const char *root, struct fault *f)
{
	X509_VERIFY_PARAM *param = SSL_CTX_get0_param(t->ctx);
	int ok;

	if (access(root, R_OK) < 0)
		return fault_set(f, Q_NOTFOUND, "%s: %s", root,
		    strerror(errno));
	if (SSL_CTX_load_verify_file(t->ctx, root) != 1)
		return fault_set(f, Q_PROTO, "%s: no PEM certificate in it",
		    root);
	SSL_CTX_set_verify(t->ctx, SSL_VERIFY_PEER, NULL);
	X509_VERIFY_PARAM_set_hostflags(param,
	    X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
	ok = t->numeric ? X509_VERIFY_PARAM_set1_ip_asc(param, t->host) :
	    X509_VERIFY_PARAM_set1_host(param, t->host, 0);
	return ok == 1 ? Q_OK : Q_INTERNAL;
}

enum q_err
agent_tls_init(struct agent_tls *t, const char *server, const char *root,
    struct fault *f)
{
	struct in6_addr addr;
	bool v6;
	enum q_err e;

	memset(t, 0, sizeof(*t));
	if (split_server(server, t) != Q_OK)
		return fault_set(f, Q_INVALID, "%s: not HOST[:PORT]", server);
	v6 = inet_pton(AF_INET6, t->host, &addr) == 1;
	t->numeric = v6 || inet_pton(AF_INET, t->host, &addr) == 1;
	snprintf(t->host_field, sizeof(t->host_field),
	    v6 ? "[%s]:%s" : "%s:%s", t->host, t->port);
	t->ctx = SSL_CTX_new(TLS_client_method());
	if (t->ctx == NULL ||
	    SSL_CTX_set_min_proto_version(t->ctx, TLS1_2_VERSION) != 1)
		e = Q_INTERNAL;
	else
		e = trust(t, root, f);
	if (e != Q_OK)
		agent_tls_free(t);
	return e;
}

void
agent_tls_free(struct agent_tls *t)
{
	SSL_CTX_free(t->ctx);
	t->ctx = NULL;
}

static int
dial_one(const struct addrinfo *a)
{
	struct timeval limit = { .tv_sec = TIMEOUT_S };
	AUTO_FD int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1, done;

	if (fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) ||
	    connect(fd, a->ai_addr, a->ai_addrlen) < 0)
		return -1;
	done = fd;
	fd = -1;
	return done;
}

static enum q_err
dial(const struct agent_tls *t, int *ret_fd, struct fault *f)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list, *a;
	int r, fd = -1;

	hints.ai_flags = t->numeric ? AI_NUMERICHOST | AI_NUMERICSERV : 0;
	r = getaddrinfo(t->host, t->port, &hints, &list);
	if (r != 0)
		return fault_set(f, Q_UNAVAIL, "%s: %s", t->host,
		    gai_strerror(r));
	for (a = list; a != NULL && fd < 0; a = a->ai_next)
		fd = dial_one(a);
	r = errno;
	freeaddrinfo(list);
	if (fd < 0)
		return fault_set(f, r == EINPROGRESS ? Q_TIMEOUT : Q_UNAVAIL,
		    "%s: %s", t->host_field,
		    r == EINPROGRESS ? "no answer" : strerror(r));
	*ret_fd = fd;
	return Q_OK;
}

/* Why TLS failed, in one line. */
static enum q_err
tls_fault(const struct agent_conn *c, int ret, struct fault *f)
{
	int saved = errno, kind = SSL_get_error(c->ssl, ret);
	long verdict = SSL_get_verify_result(c->ssl);
	unsigned long code = ERR_peek_error();
	const char *text = code != 0 ? ERR_reason_error_string(code) : NULL;

	ERR_clear_error();
	if (verdict != X509_V_OK)
		return fault_set(f, Q_UNAUTH, "server not trusted: %s",
		    X509_verify_cert_error_string(verdict));
	if (kind == SSL_ERROR_WANT_READ || kind == SSL_ERROR_WANT_WRITE ||
	    (kind == SSL_ERROR_SYSCALL && saved == EAGAIN))
		return fault_set(f, Q_TIMEOUT, "server is silent");
	if (kind == SSL_ERROR_SYSCALL && saved != 0)
		return fault_set(f, Q_IO, "connection: %s", strerror(saved));
	return fault_set(f, Q_IO, "TLS: %s",
	    text != NULL ? text : "connection ended early");
}

/* Server name indication: for names only (RFC 6066 section 3). */
static bool
set_name(SSL *ssl, const struct agent_tls *t)
{
	char name[sizeof(t->host)];	/* the macro casts const away */

	memcpy(name, t->host, sizeof(name));
	return t->numeric || SSL_set_tlsext_host_name(ssl, name) == 1;
}

enum q_err
agent_conn_open(struct agent_conn *c, const struct agent_tls *t, X509 *cert,
    EVP_PKEY *key, SSL_SESSION *resume, struct fault *f)
{
	enum q_err e;
	int r = 0;

	c->ssl = NULL;
	c->fd = -1;
	ERR_clear_error();	/* what others left would be taken for ours */
	e = dial(t, &c->fd, f);
	if (e != Q_OK)
		return e;
	c->ssl = SSL_new(t->ctx);
	if (c->ssl == NULL || SSL_set_fd(c->ssl, c->fd) != 1 ||
	    !set_name(c->ssl, t) ||
	    (cert != NULL && (SSL_use_certificate(c->ssl, cert) != 1 ||
	    SSL_use_PrivateKey(c->ssl, key) != 1)) ||
	    (resume != NULL && SSL_set_session(c->ssl, resume) != 1)) {
		agent_conn_close(c);
		return fault_set(f, Q_INTERNAL, "TLS: cannot set up");
	}
	errno = 0;
	r = SSL_connect(c->ssl);
	if (r != 1) {
		e = tls_fault(c, r, f);
		agent_conn_close(c);
	}
	return e;
}

enum q_err
agent_conn_send(struct agent_conn *c, const void *p, size_t len,
    struct fault *f)
{
	size_t n;
	int r;

	errno = 0;
	r = SSL_write_ex(c->ssl, p, len, &n);
	return r == 1 ? Q_OK : tls_fault(c, r, f);
}

enum q_err
agent_conn_recv(struct agent_conn *c, void *p, size_t cap, size_t *ret_len,
    struct fault *f)
{
	size_t n = 0;
	int r;

	errno = 0;
	r = SSL_read_ex(c->ssl, p, cap, &n);
	if (r != 1 && SSL_get_error(c->ssl, r) != SSL_ERROR_ZERO_RETURN)
		return tls_fault(c, r, f);
	*ret_len = n;
	return Q_OK;
}

void
agent_conn_close(struct agent_conn *c)
{
	if (c->ssl != NULL && SSL_is_init_finished(c->ssl))
		SSL_shutdown(c->ssl);
	SSL_free(c->ssl);
	c->ssl = NULL;
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	ERR_clear_error();
}
