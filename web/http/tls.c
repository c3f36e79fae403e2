// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "http/http.h"

#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

/* ECDHE with AEAD only (RFC 9325 4.2). */
#define CIPHERS_1_2 "ECDHE+AESGCM:ECDHE+CHACHA20"
#define GROUPS "X25519:P-256:P-384"
#define SESSION_SECONDS 7200

/* Who the peer is, is judged by the daemon, which can say why not. */
static int
accept_any(X509_STORE_CTX *store, void *arg)
{
	(void)arg;
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

/*
 * A session at the client has room for its own certificate, not for those
 * that it sent along: it comes back without them. Who needs them to be judged
 * makes a whole handshake each time; his tickets say so.
 */
static int
ticket_mark(SSL *ssl, void *arg)
{
	static const char mark[] = "chain";
	STACK_OF(X509) *more = SSL_get_peer_cert_chain(ssl);

	(void)arg;
	return sk_X509_num(more) <= 0 || SSL_SESSION_set1_ticket_appdata(
	    SSL_get_session(ssl), mark, sizeof(mark)) == 1;
}

static SSL_TICKET_RETURN
ticket_judge(SSL *ssl, SSL_SESSION *session, const unsigned char *name,
    size_t name_len, SSL_TICKET_STATUS status, void *arg)
{
	void *mark = NULL;
	size_t len = 0;

	(void)ssl;
	(void)name;
	(void)name_len;
	(void)arg;
	if (status != SSL_TICKET_SUCCESS && status != SSL_TICKET_SUCCESS_RENEW)
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	if (SSL_SESSION_get0_ticket_appdata(session, &mark, &len) != 1 ||
	    len != 0)
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	return status == SSL_TICKET_SUCCESS ? SSL_TICKET_RETURN_USE :
	    SSL_TICKET_RETURN_USE_RENEW;
}

static bool
ctx_load(SSL_CTX *ctx, struct bytes chain, EVP_PKEY *key)
{
	BIO *bio = BIO_new_mem_buf(chain.p, (int)chain.len);
	X509 *x = NULL;
	int n = 0;
	bool good = bio != NULL;

	for (; good && (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL;
	    n++) {
		good = n == 0 ? SSL_CTX_use_certificate(ctx, x) == 1
			      : SSL_CTX_add1_chain_cert(ctx, x) == 1;
		X509_free(x);
	}
	BIO_free(bio);
	return good && n > 0 && SSL_CTX_use_PrivateKey(ctx, key) == 1 &&
	    SSL_CTX_check_private_key(ctx) == 1;
}

static bool
ctx_tune(SSL_CTX *ctx, bool ask)
{
	static const unsigned char id[] = "quoin";

	SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION |
	    SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
	    SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_CLEANSE_PLAINTEXT);
	/* Thousands of idle connections: no buffers for them. */
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS |
	    SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	/* A record's head and body in one read. */
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_timeout(ctx, SESSION_SECONDS);
	/* Sessions live in tickets at the client, never here. */
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	if (ask) {
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
		SSL_CTX_set_cert_verify_callback(ctx, accept_any, NULL);
	}
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	    SSL_CTX_set_cipher_list(ctx, CIPHERS_1_2) == 1 &&
	    SSL_CTX_set1_groups_list(ctx, GROUPS) == 1 &&
	    SSL_CTX_set_num_tickets(ctx, 1) == 1 &&
	    SSL_CTX_set_session_ticket_cb(ctx, ticket_mark, ticket_judge,
		NULL) == 1 &&
	    SSL_CTX_set_session_id_context(ctx, id, sizeof(id) - 1) == 1;
}

enum q_err
http_tls_ctx_new(struct bytes chain, struct evp_pkey_st *key,
    bool ask_client_cert, struct ssl_ctx_st **ret_ctx, struct fault *f)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	enum q_err e = Q_OK;

	if (ctx == NULL)
		return Q_NOMEM;
	SSL_CTX_set_security_level(ctx, 2);
	if (!ctx_tune(ctx, ask_client_cert))
		e = fault_set(f, Q_CONFIG, "TLS cannot be set up");
	else if (!ctx_load(ctx, chain, key))
		e = fault_set(f, Q_CONFIG,
		    "TLS certificate and key do not fit together");
	ERR_clear_error();
	if (e != Q_OK) {
		SSL_CTX_free(ctx);
		return e;
	}
	*ret_ctx = ctx;
	return Q_OK;
}

/* RFC 5929 3.1: the first Finished message of the handshake, which is the
 * client's, or the server's when a session was resumed. */
static size_t
tls_unique(SSL *ssl, uint8_t *out)
{
	if (SSL_version(ssl) > TLS1_2_VERSION)
		return 0;
	return SSL_session_reused(ssl)
	    ? SSL_get_finished(ssl, out, HTTP_BINDING_MAX)
	    : SSL_get_peer_finished(ssl, out, HTTP_BINDING_MAX);
}

enum q_err
http_channel_binding(const struct http_request *rq, enum http_binding kind,
    uint8_t out[HTTP_BINDING_MAX], size_t *ret_len)
{
	static const char label[] = "EXPORTER-Channel-Binding";
	size_t n = 0;

	if (rq->ssl == NULL)
		return Q_INVALID;
	if (kind == HTTP_TLS_UNIQUE)
		n = tls_unique(rq->ssl, out);
	else if (SSL_export_keying_material(rq->ssl, out, 32, label,
		     sizeof(label) - 1, NULL, 0, 1) == 1)
		n = 32;
	if (n == 0 || n > HTTP_BINDING_MAX)
		return Q_INVALID;
	*ret_len = n;
	return Q_OK;
}
