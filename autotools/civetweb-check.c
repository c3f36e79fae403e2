// SPDX-License-Identifier: Apache-2.0
/*
 * configure runs this: can this civetweb finish a TLS handshake with this
 * OpenSSL? Some builds cannot, say nothing, and crash at the first client.
 */
#include "civetweb.c"

#include <openssl/evp.h>
#include <openssl/x509.h>

/* Give the server a certificate that lasts as long as the check. */
static int
give_certificate(void *ssl_ctx, void *user)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);

	(void)user;
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
				   (const unsigned char *)"check", -1, -1, 0);
	X509_set_issuer_name(cert, name);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	if (X509_sign(cert, key, EVP_sha256()) == 0 ||
	    SSL_CTX_use_certificate(ssl_ctx, cert) != 1 ||
	    SSL_CTX_use_PrivateKey(ssl_ctx, key) != 1)
		return -1;
	X509_free(cert);
	EVP_PKEY_free(key);
	return 0;
}

/* One request as a client; 0 if an HTTP answer came back over TLS. */
static int
ask(int port)
{
	static const char get[] = "GET / HTTP/1.0\r\n\r\n";
	struct sockaddr_in sa = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	char head[5] = "";
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 ||
	    SSL_set_fd(ssl, fd) != 1 || SSL_connect(ssl) != 1 ||
	    SSL_write(ssl, get, sizeof(get) - 1) <= 0 ||
	    SSL_read(ssl, head, sizeof(head)) != (int)sizeof(head))
		return 1;
	return memcmp(head, "HTTP/", sizeof(head)) != 0;
}

int
main(void)
{
	const char *options[] = { "listening_ports", "127.0.0.1:0s",
				  "num_threads", "1", NULL };
	struct mg_callbacks callbacks = { .init_ssl = give_certificate };
	unsigned features = MG_FEATURES_TLS | MG_FEATURES_IPV6;
	struct mg_server_port port;
	struct mg_context *mg;

	/* A handshake that hangs is as bad as one that crashes. */
	alarm(20);
	if ((mg_init_library(features) & features) != features)
		return 1;
	mg = mg_start(&callbacks, NULL, options);
	if (mg == NULL || mg_get_server_ports(mg, 1, &port) != 1)
		return 1;
	return ask(port.port);
}
