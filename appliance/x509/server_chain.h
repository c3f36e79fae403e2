// SPDX-License-Identifier: Apache-2.0
#ifndef X509_SERVER_CHAIN_H
#define X509_SERVER_CHAIN_H

/* A TLS server's certificate with those of the CAs above it, as somebody
 * else's CA gives it for a key of ours. */

#include "base/buf.h"
#include "base/err.h"

#define SERVER_CHAIN_MAX 8192 /* of DER */
#define SERVER_CHAIN_CERTS 6

struct server_chain_want {
	struct bytes spki; /* of our key, DER */
	const char *host; /* name or IP address in subjectAltName */
	int64_t now;
};

/*
 * From PEM, the server's own first, each signed by the next; a root at the
 * end is left out. The certificates' DER, one behind the other, goes into
 * out. INVALID with the reason in plain words: another key, not valid now,
 * another name, not for servers, no chain; TOOBIG.
 */
enum q_err server_chain_take(struct bytes pem,
    const struct server_chain_want *want, struct buf *out,
    struct fault *f) Q_CHECKED;

/* The next certificate of such DER, which *rest is moved behind; false at the
 * end. */
bool server_chain_next(struct bytes *rest, struct bytes *ret_cert);

/* When the first of them ends, seconds since 1970; 0 for no chain. */
int64_t server_chain_end(struct bytes ders);

#endif
