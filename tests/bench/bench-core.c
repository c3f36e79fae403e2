// SPDX-License-Identifier: Apache-2.0
/*
 * What the signing core does for others, by each of its ways in. Prints one
 * line of JSON.
 *	bench-core local CONF SECONDS THREADS
 *	bench-core provider CONF SECONDS THREADS
 *		TLS 1.3 handshakes in memory, both sides in this process, the
 *		server's P-256 key here, or in the token
 *	bench-core tls CONF SECONDS THREADS
 *		signatures of handshakes, each thread a client of its own
 *	bench-core code|rsa CONF SECONDS THREADS PREFIX
 *		code_sign, ECDSA or RSA PKCS #1, with the keys whose names begin so, one after the
 *		other
 *	bench-core make CONF N FROM PREFIX
 *		N codesign keys for this user, numbered from FROM
 *	bench-core store CONF SECONDS THREADS BATCH IDS
 *		certificates issued for devices of the batch and recorded with
 *		them, as enrold does; first with "ids" for SECONDS: write the
 *		list of the devices to IDS
 * `failed` counts requests that were not answered with what was asked for.
 */
#include "config.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/own.h"
#include "records/client.h"
#include "signer/provider.h"
#include "signer/signer.h"

#define SAMPLES_MAX 2000000
#define DEVICES 4096
#define KEYS_MAX 8192
#define CALL_MS 10000

struct runner;
typedef bool one_fn(struct runner *r);

struct runner {
	pthread_t thread;
	one_fn *one;
	unsigned number;
	int64_t until_ns;
	uint64_t turn;
	size_t n, failed, cap;
	uint32_t *ns;
	struct wire_client *own; /* of mode tls */
};

struct device {
	char id[65];
	uint8_t csr[512];
	size_t csr_len;
};

static struct conf conf;
static struct wire_client *signd, *recordd;
static SSL_CTX *server_ctx, *client_ctx;
static char tls_id[SIGND_ID_LEN + 1];
static char (*key_ids)[SIGND_ID_LEN + 1];
static size_t n_keys;
static struct device *devices;
static unsigned n_threads;
static bool rsa;
static struct fault last_fault;
static pthread_mutex_t fault_lock = PTHREAD_MUTEX_INITIALIZER;

static void
die(const char *what)
{
	fprintf(stderr, "bench-core: %s\n", what);
	exit(1);
}

static bool
went(enum q_err r, const struct fault *f)
{
	if (r == Q_OK)
		return true;
	pthread_mutex_lock(&fault_lock);
	last_fault = *f;
	pthread_mutex_unlock(&fault_lock);
	return false;
}

/* --- handshakes in memory */

static bool
handshake(struct runner *r)
{
	SSL *c = SSL_new(client_ctx), *s = SSL_new(server_ctx);
	BIO *a = NULL, *b = NULL;
	int done = 0;

	(void)r;
	if (c == NULL || s == NULL || BIO_new_bio_pair(&a, 0, &b, 0) != 1)
		die("TLS");
	SSL_set_bio(c, a, a);
	SSL_set_bio(s, b, b);
	SSL_set_connect_state(c);
	SSL_set_accept_state(s);
	for (int i = 0; i < 20 && done != 3; i++) {
		done = (SSL_do_handshake(c) == 1 ? 1 : 0);
		done |= (SSL_do_handshake(s) == 1 ? 2 : 0);
	}
	SSL_free(c);
	SSL_free(s);
	return done == 3;
}

static void
use_local(X509 *cert, EVP_PKEY *key)
{
	if (SSL_CTX_use_certificate(server_ctx, cert) != 1 ||
	    SSL_CTX_use_PrivateKey(server_ctx, key) != 1)
		die("key");
}

/* The token's certificate, or one of its size with a key that is here. */
static enum q_err
server_cert(void *arg, const struct signd_cert *c)
{
	const uint8_t *p = c->cert.p;
	EVP_PKEY *key = NULL;
	X509 *cert;

	if (strcmp(c->purpose, "tls-device") != 0 ||
	    strcmp(c->state, "active") != 0)
		return Q_OK;
	snprintf(tls_id, sizeof(tls_id), "%s", c->id);
	if (server_ctx == NULL)
		return Q_OK;
	cert = d2i_X509(NULL, &p, (long)c->cert.len);
	if (arg == NULL) {
		key = EVP_EC_gen("P-256");
		if (cert == NULL || key == NULL ||
		    X509_set_pubkey(cert, key) != 1 ||
		    X509_sign(cert, key, EVP_sha256()) == 0)
			die("certificate");
	} else if (signer_provider_key(c->cert.p, c->cert.len, c->id, &key) !=
	    Q_OK) {
		die("key of the token");
	}
	use_local(cert, key);
	X509_free(cert);
	EVP_PKEY_free(key);
	return Q_OK;
}

/* One ticket less and no session kept, so that the key is what differs. */
static void
tls_setup(bool provider)
{
	struct fault f = { 0 };

	if (provider && signer_provider_load(signd) != Q_OK)
		die("provider");
	server_ctx = SSL_CTX_new(TLS_server_method());
	client_ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set1_sigalgs_list(server_ctx, SIGNER_PROVIDER_SIGALGS);
	SSL_CTX_set_num_tickets(server_ctx, 0);
	SSL_CTX_set_verify(client_ctx, SSL_VERIFY_NONE, NULL);
	if (signer_certs(signd, server_cert, provider ? &f : NULL, &f) != Q_OK)
		die(f.msg);
}

/* --- signatures */

static bool
tls_one(struct runner *r)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	uint8_t m[64 + 34 + 32];
	struct signd_sign_tls_req req = { .key = tls_id, .scheme = 0x0403,
		.message = { m, sizeof(m) } };
	struct signd_sign_tls_rsp rsp;
	struct fault f = { 0 };

	if (r->own == NULL && signer_open(&conf, CALL_MS, &r->own) != Q_OK)
		die("signd");
	memset(m, ' ', sizeof(m));
	memcpy(m + 64, "TLS 1.3, server CertificateVerify", 34);
	memcpy(m + 98, &r->turn, sizeof(r->turn));
	return went(signd_sign_tls(r->own, &req, &rsp, &hold, &f), &f);
}

/* DigestInfo of SHA-256 (RFC 8017 9.2). */
static const uint8_t digest_info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09,
	0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
	0x04, 0x20 };

static bool
code_one(struct runner *r)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	uint8_t data[sizeof(digest_info) + 32], nonce[SIGND_NONCE_LEN];
	uint8_t *digest = data + sizeof(digest_info);
	struct signd_code_sign_req req = {
		.key = key_ids[(r->turn * n_threads + r->number) % n_keys],
		.mech = SIGND_ECDSA, .data = { digest, 32 },
		.nonce = { nonce, sizeof(nonce) } };
	struct signd_code_sign_rsp rsp;
	struct fault f = { 0 };

	memcpy(data, digest_info, sizeof(digest_info));
	RAND_bytes(digest, 32);
	RAND_bytes(nonce, sizeof(nonce));
	if (rsa) {
		req.mech = SIGND_RSA_PKCS1;
		req.data = (struct bytes){ data, sizeof(data) };
	}
	return went(signd_code_sign(signd, &req, &rsp, &hold, &f), &f);
}

static void
keys_find(const char *prefix)
{
	char after[SIGND_ID_LEN + 1] = "";
	bool more = true;

	key_ids = calloc(KEYS_MAX, sizeof(*key_ids));
	while (more && n_keys < KEYS_MAX) {
		AUTO_REPLY struct wire_reply hold = { NULL, 0 };
		struct signd_code_keys_req req = { .after = after };
		struct signd_code_keys_rsp rsp;
		struct signd_code_key k;
		struct fault f = { 0 };

		if (signd_code_keys(signd, &req, &rsp, &hold, &f) != Q_OK)
			die(f.msg);
		more = rsp.more;
		while (n_keys < KEYS_MAX && wire_list_next(&rsp.items,
		    &signd_code_key_type, &k) == Q_OK) {
			snprintf(after, sizeof(after), "%s", k.id);
			if (strncmp(k.name, prefix, strlen(prefix)) == 0)
				snprintf(key_ids[n_keys++],
				    sizeof(*key_ids), "%s", k.id);
		}
	}
	if (n_keys == 0)
		die("no such keys");
}

static void
keys_make(unsigned n, unsigned from, const char *prefix)
{
	AUTO_BUF struct buf rules = BUF_INIT(SIGND_RULES_MAX);
	char users[16], name[SIGND_NAME_MAX + 1];

	snprintf(users, sizeof(users), "%u", (unsigned)geteuid());
	wire_encode(&signd_rules_type, &(struct signd_rules){
		.users = users }, &rules);
	for (unsigned i = from; i < from + n; i++) {
		AUTO_REPLY struct wire_reply hold = { NULL, 0 };
		struct signd_key_make_req req = { .name = name,
			.purpose = "codesign", .kind = "P-256",
			.rules = buf_bytes(&rules) };
		struct signd_key_make_rsp rsp;
		struct fault f = { 0 };

		snprintf(name, sizeof(name), "%.40s%u", prefix, i);
		if (signd_key_make(signd, &req, &rsp, &hold, &f) != Q_OK)
			die(f.msg);
	}
}

/* --- certificates that are recorded */

static void
device_make(struct device *d)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");
	X509_REQ *req = X509_REQ_new();
	uint8_t spki[256], *p = spki, *q = d->csr, md[32];
	int n;

	if (k == NULL || req == NULL || X509_REQ_set_pubkey(req, k) != 1 ||
	    X509_REQ_sign(req, k, EVP_sha256()) == 0)
		die("request");
	n = i2d_X509_REQ(req, NULL);
	if (n <= 0 || (size_t)n > sizeof(d->csr))
		die("request");
	d->csr_len = (size_t)i2d_X509_REQ(req, &q);
	n = i2d_PUBKEY(k, &p);
	SHA256(spki, (size_t)n, md);
	hex_encode(md, sizeof(md), d->id);
	X509_REQ_free(req);
	EVP_PKEY_free(k);
}

/* As many bytes for each, one behind the other. */
static void
devices_write(const char *list)
{
	char keep[600];
	FILE *ids = fopen(list, "w"), *all;

	snprintf(keep, sizeof(keep), "%.590s.csrs", list);
	all = fopen(keep, "w");
	if (ids == NULL || all == NULL)
		die(list);
	fputs("{\"devices\":[", ids);
	for (size_t i = 0; i < DEVICES; i++) {
		struct device d = { 0 };

		device_make(&d);
		fprintf(ids, "%s\"%s\"", i != 0 ? "," : "", d.id);
		fwrite(&d, sizeof(d), 1, all);
	}
	fputs("]}\n", ids);
	if (fclose(ids) != 0 || fclose(all) != 0)
		die(list);
}

static void
devices_read(const char *list)
{
	char keep[600];
	FILE *all;

	snprintf(keep, sizeof(keep), "%.590s.csrs", list);
	all = fopen(keep, "r");
	devices = calloc(DEVICES, sizeof(*devices));
	if (all == NULL || devices == NULL ||
	    fread(devices, sizeof(*devices), DEVICES, all) != DEVICES)
		die(keep);
	fclose(all);
}

static bool
store_one(struct runner *r)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	const struct device *d = &devices[(r->turn * n_threads + r->number) %
	    DEVICES];
	struct signd_issue_req req = { .policy = "bench", .device_id = "",
		.csr = { d->csr, d->csr_len } };
	struct signd_issue_rsp rsp;
	struct fault f = { 0 };
	struct rec_device dev;
	struct rec_cert *c = &dev.certs.c[0];

	if (!went(rec_device_get(recordd, d->id, &dev, &f), &f))
		return false;
	req.seq = strtoull(dev.load, NULL, 16) + (uint64_t)dev.issued;
	if (!went(signd_issue(signd, &req, &rsp, &hold, &f), &f))
		return false;
	*c = (struct rec_cert){ .not_before = (int64_t)rsp.not_before,
		.not_after = (int64_t)rsp.not_after };
	snprintf(c->serial, sizeof(c->serial), "%s", rsp.serial);
	snprintf(c->issuer, sizeof(c->issuer), "%s", rsp.issuing_id);
	dev.certs.n = 1;
	dev.state = DEVICE_ENROLLED;
	dev.enrolled_at = dev.last_seen = clock_wall();
	dev.due = c->not_after;
	dev.issued++;
	return went(rec_device_put(recordd, &dev, &f), &f);
}

static void
store_setup(const char *list)
{
	char path[CONF_SOCKET_MAX];

	devices_read(list);
	if (conf_socket(&conf, "recordd", path) != Q_OK ||
	    wire_client_new(path, CALL_MS, &recordd) != Q_OK)
		die("recordd");
}

/* --- all */

static void *
run(void *arg)
{
	struct runner *r = arg;

	for (int64_t now; (now = clock_mono_ns()) < r->until_ns; r->turn++) {
		bool good = r->one(r);
		int64_t ns = clock_mono_ns() - now;

		r->failed += !good;
		if (good && r->n < r->cap)
			r->ns[r->n] = ns > UINT32_MAX ? UINT32_MAX :
			    (uint32_t)ns;
		r->n += good;
	}
	return NULL;
}

static int
by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

/* slowest: the client that got least, of what each would get. */
static void
report(const char *name, const struct runner *all, double seconds)
{
	size_t total = 0, failed = 0, kept = 0, least = SIZE_MAX;
	uint32_t *ns;

	for (unsigned i = 0; i < n_threads; i++) {
		total += all[i].n;
		failed += all[i].failed;
		least = all[i].n < least ? all[i].n : least;
	}
	ns = calloc(total + 1, sizeof(*ns));
	if (ns == NULL || total == 0)
		die(last_fault.msg[0] != '\0' ? last_fault.msg : "nothing");
	for (unsigned i = 0; i < n_threads; i++)
		for (size_t k = 0; k < all[i].n && k < all[i].cap; k++)
			ns[kept++] = all[i].ns[k];
	qsort(ns, kept, sizeof(*ns), by_size);
	if (failed != 0)
		fprintf(stderr, "bench-core: %zu failed: %s\n", failed,
		    last_fault.msg);
	printf("{\"bench\":\"%s\",\"threads\":%u,\"per_second\":%.0f,"
	    "\"p50_us\":%.1f,\"p99_us\":%.1f,\"slowest\":%.3f,"
	    "\"failed\":%zu}\n", name, n_threads, (double)total / seconds,
	    ns[kept / 2] / 1000.0, ns[kept * 99 / 100] / 1000.0,
	    (double)least * n_threads / (double)total, failed);
	free(ns);
}

static one_fn *
setup(int argc, char **argv)
{
	const char *mode = argv[1];
	struct fault f = { 0 };

	if (strcmp(mode, "local") == 0 || strcmp(mode, "provider") == 0) {
		tls_setup(mode[0] == 'p');
		return handshake;
	}
	if (strcmp(mode, "tls") == 0) {
		if (signer_certs(signd, server_cert, NULL, &f) != Q_OK)
			die(f.msg);
		return tls_one;
	}
	rsa = strcmp(mode, "rsa") == 0;
	if ((rsa || strcmp(mode, "code") == 0) && argc == 6) {
		keys_find(argv[5]);
		return code_one;
	}
	if (strcmp(mode, "store") == 0 && argc == 7) {
		store_setup(argv[6]);
		return store_one;
	}
	die("usage");
	return NULL;
}

int
main(int argc, char **argv)
{
	struct fault f = { 0 };
	struct runner *all;
	one_fn *one;
	int64_t begin;

	if (argc < 5 || conf_load(argv[2], &conf, &f) != Q_OK)
		die("usage: bench-core MODE CONF SECONDS THREADS ...");
	if (strcmp(argv[3], "ids") == 0) {
		devices_write(argv[argc - 1]);
		return 0;
	}
	if (signer_open(&conf, CALL_MS, &signd) != Q_OK)
		die("signd");
	n_threads = (unsigned)strtoul(argv[4], NULL, 10);
	if (strcmp(argv[1], "make") == 0 && argc == 6) {
		keys_make((unsigned)strtoul(argv[3], NULL, 10), n_threads,
		    argv[5]);
		return 0;
	}
	all = calloc(n_threads, sizeof(*all));
	if (all == NULL || n_threads == 0)
		die("THREADS");
	one = setup(argc, argv);
	begin = clock_mono_ns();
	for (unsigned i = 0; i < n_threads; i++) {
		all[i] = (struct runner){ .one = one, .number = i,
			.cap = SAMPLES_MAX / n_threads, .until_ns = begin +
			    (int64_t)(strtod(argv[3], NULL) * 1e9) };
		all[i].ns = calloc(all[i].cap, sizeof(uint32_t));
		if (all[i].ns == NULL || pthread_create(&all[i].thread, NULL,
		    run, &all[i]) != 0)
			die("threads");
	}
	for (unsigned i = 0; i < n_threads; i++)
		pthread_join(all[i].thread, NULL);
	report(argv[1], all, (double)(clock_mono_ns() - begin) / 1e9);
	fflush(stdout);
	_exit(0);
}
