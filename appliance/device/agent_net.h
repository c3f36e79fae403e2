// SPDX-License-Identifier: Apache-2.0
#ifndef DEVICE_AGENT_NET_H
#define DEVICE_AGENT_NET_H

#include <openssl/ssl.h>
#include <stdbool.h>

#include "base/err.h"

/* TLS to the device port, with blocking sockets that give up in time. */

/* A server and what its certificate must chain to; may be shared by
 * threads. Release with agent_tls_free. */
struct agent_tls {
	SSL_CTX *ctx;
	char host[256];
	char port[8];
	char host_field[280];	/* for the Host field: host:port */
	bool numeric;		/* host is an address, not a name */
};

/* server: HOST, HOST:PORT, ADDRESS, [ADDRESS]:PORT; the port is 6000 unless
 * given. root: PEM file of the OEM Root. INVALID, NOTFOUND, PROTO; f says
 * more. */
enum q_err agent_tls_init(struct agent_tls *t, const char *server,
    const char *root, struct fault *f) Q_CHECKED;
void agent_tls_free(struct agent_tls *t);

/* One connection; start as AGENT_CONN_INIT. */
struct agent_conn {
	int fd;
	SSL *ssl;
};

#define AGENT_CONN_INIT { .fd = -1 }

/* Connect and shake hands as the owner of cert and key (both NULL: nobody),
 * trying every address of the host; resume (may be NULL) is an earlier
 * session. UNAVAIL, TIMEOUT, UNAUTH when the server is not the right one;
 * f says more. On failure c is closed. */
enum q_err agent_conn_open(struct agent_conn *c, const struct agent_tls *t,
    X509 *cert, EVP_PKEY *key, SSL_SESSION *resume, struct fault *f)
    Q_CHECKED;

/* All of it, or IO or TIMEOUT. */
enum q_err agent_conn_send(struct agent_conn *c, const void *p, size_t len,
    struct fault *f) Q_CHECKED;

/* What is there, at least one byte; *ret_len 0 at the peer's end. */
enum q_err agent_conn_recv(struct agent_conn *c, void *p, size_t cap,
    size_t *ret_len, struct fault *f) Q_CHECKED;

/* Say goodbye and close; may be called again. */
void agent_conn_close(struct agent_conn *c);

#endif
