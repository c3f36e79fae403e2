// SPDX-License-Identifier: Apache-2.0
/*
 * bench-crypto SECONDS: processor time of the cryptography that client and
 * server need for one mutual TLS handshake and for one enrolment, with keys
 * in this process and no network. One line of JSON.
 */
#include "config.h"

#include <openssl/ssl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "device/agent_key.h"

/* A connection whose ends are both here. */
struct pair {
	SSL_CTX *client, *server;
	EVP_PKEY *ca; /* that signed the server's certificate */
};

static EVP_PKEY *key;
static uint8_t sig[80];
static size_t sig_len;
static struct pair pair;

static void
need(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "bench-crypto: %s\n", what);
	exit(1);
}

static void
sign_once(void)
{
	static const uint8_t text[130] = { 1 };
	EVP_MD_CTX *m = EVP_MD_CTX_new();

	sig_len = sizeof(sig);
	need(EVP_DigestSignInit(m, NULL, EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestSign(m, sig, &sig_len, text, sizeof(text)) == 1,
	    "signature");
	EVP_MD_CTX_free(m);
}

static void
verify_once(void)
{
	static const uint8_t text[130] = { 1 };
	EVP_MD_CTX *m = EVP_MD_CTX_new();

	need(EVP_DigestVerifyInit(m, NULL, EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestVerify(m, sig, sig_len, text, sizeof(text)) == 1,
	    "verification");
	EVP_MD_CTX_free(m);
}

/* A device knows the CA; the appliance judges the device's key alone. */
static int
by_client(X509_STORE_CTX *store, void *arg)
{
	struct pair *p = arg;

	return X509_verify(X509_STORE_CTX_get0_cert(store), p->ca);
}

static int
by_server(X509_STORE_CTX *store, void *arg)
{
	(void)arg;
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

static SSL_CTX *
end_make(const SSL_METHOD *method, EVP_PKEY *ca)
{
	SSL_CTX *ctx = SSL_CTX_new(method);
	EVP_PKEY *k = NULL;
	X509 *cert = NULL;
	char id[QDEV_ID_LEN + 1];

	need(ctx != NULL && agent_key_make(AGENT_KEY_P256, &k) == Q_OK &&
	    agent_key_id(k, id) == Q_OK &&
	    agent_key_face(k, id, &cert) == Q_OK &&
	    X509_sign(cert, ca, EVP_sha256()) > 0 &&
	    SSL_CTX_use_certificate(ctx, cert) == 1 &&
	    SSL_CTX_use_PrivateKey(ctx, k) == 1 &&
	    SSL_CTX_set1_groups_list(ctx, "X25519") == 1 &&
	    SSL_CTX_set_num_tickets(ctx, 1) == 1, "TLS");
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	X509_free(cert);
	EVP_PKEY_free(k);
	return ctx;
}

static void
handshake_once(void)
{
	SSL *c = SSL_new(pair.client), *s = SSL_new(pair.server);
	BIO *to_c = NULL, *to_s = NULL;

	need(c != NULL && s != NULL &&
	    BIO_new_bio_pair(&to_c, 0, &to_s, 0) == 1, "out of memory");
	SSL_set_bio(c, to_c, to_c);
	SSL_set_bio(s, to_s, to_s);
	SSL_set_connect_state(c);
	SSL_set_accept_state(s);
	for (int i = 0; i < 8 && !(SSL_is_init_finished(c) &&
	    SSL_is_init_finished(s)); i++) {
		SSL_do_handshake(c);
		SSL_do_handshake(s);
	}
	need(SSL_is_init_finished(c) && SSL_is_init_finished(s),
	    "handshake");
	SSL_free(c);
	SSL_free(s);
}

static int64_t
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

/* Microseconds of processor time for one. */
static double
measure(void (*once)(void), double seconds)
{
	int64_t start = cpu_ns(), now = start;
	unsigned n = 0;

	for (; n < 20 || (double)(now - start) < seconds * 1e9; n++) {
		once();
		now = cpu_ns();
	}
	return (double)(now - start) / 1e3 / n;
}

int
main(int argc, char **argv)
{
	double each, sign, verify, shake;

	need(argc == 2, "usage: bench-crypto SECONDS");
	each = strtod(argv[1], NULL) / 3;
	need(agent_key_make(AGENT_KEY_P256, &key) == Q_OK &&
	    agent_key_make(AGENT_KEY_P256, &pair.ca) == Q_OK, "keys");
	pair.client = end_make(TLS_client_method(), pair.ca);
	pair.server = end_make(TLS_server_method(), pair.ca);
	SSL_CTX_set_cert_verify_callback(pair.client, by_client, &pair);
	SSL_CTX_set_cert_verify_callback(pair.server, by_server, NULL);
	sign = measure(sign_once, each);
	verify = measure(verify_once, each);
	shake = measure(handshake_once, each);
	/* And the device signs its request, which is verified; the token
	 * signs the certificate, which is verified. */
	printf("{\"sign_us\":%.1f,\"verify_us\":%.1f,\"handshake_us\":%.1f,"
	    "\"enrolment_us\":%.1f}\n", sign, verify, shake,
	    shake + 2 * sign + 2 * verify);
	SSL_CTX_free(pair.client);
	SSL_CTX_free(pair.server);
	EVP_PKEY_free(pair.ca);
	EVP_PKEY_free(key);
	return 0;
}
