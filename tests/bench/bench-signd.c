// SPDX-License-Identifier: Apache-2.0
/*
 * Token signatures per second: by the token worker's own code in this
 * process, and through quoin-signd. Prints one line of JSON for each case.
 *	bench-signd direct CONF SECONDS THREADS
 *	bench-signd tls CONF SECONDS CONNECTIONS DEPTH
 *	bench-signd issue CONF SECONDS CONNECTIONS DEPTH
 *	bench-signd ocsp CONF SECONDS CONNECTIONS DEPTH BATCH
 * direct logs in to the configured token itself, so signd must not run then
 * (SoftHSM bears one process that logs in at a time), and makes a key of its
 * own. The others are called as enrold, issue and ocsp want an issuing CA
 * `bench`; ocsp has BATCH answers signed by each call, and counts them.
 */
#include "config.h"

#include <errno.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "signer/signer.h"
#include "token/ops.h"
#include "x509/cert_parse.h"
#include "x509/ocsp.h"

#define SAMPLES_MAX 4000000
#define DEPTH_MAX 64

struct worker {
	pthread_t thread;
	const struct conf *conf;
	struct p11 *p11;
	int64_t until_ns;
	unsigned depth;
	unsigned number;
	enum { TLS, ISSUE, OCSP } op;
	uint32_t *ns; /* of each answer */
	size_t n, cap;
};

static char key_id[SIGND_ID_LEN + 1];
static unsigned batch = 1;
static struct buf items = BUF_INIT(65000); /* what one ocsp call asks for */

static void
die(const char *what)
{
	fprintf(stderr, "bench-signd: %s\n", what);
	exit(1);
}

static void
sample(struct worker *w, int64_t begin)
{
	int64_t ns = clock_mono_ns() - begin;

	if (w->n < w->cap)
		w->ns[w->n] = ns > UINT32_MAX ? UINT32_MAX : (uint32_t)ns;
	w->n++;
}

static int
by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void
report(const char *name, struct worker *all, unsigned n, unsigned depth,
    double seconds)
{
	size_t total = 0, kept = 0;
	uint32_t *ns;

	for (unsigned i = 0; i < n; i++)
		total += all[i].n;
	ns = calloc(total + 1, sizeof(*ns));
	if (ns == NULL || total == 0)
		die("nothing was answered");
	for (unsigned i = 0; i < n; i++)
		for (size_t k = 0; k < all[i].n && k < all[i].cap; k++)
			ns[kept++] = all[i].ns[k];
	qsort(ns, kept, sizeof(*ns), by_size);
	printf("{\"bench\":\"%s\",\"connections\":%u,\"depth\":%u,"
	    "\"batch\":%u,\"per_second\":%.0f,\"p50_us\":%.1f,"
	    "\"p99_us\":%.1f}\n", name, n, depth, batch,
	    (double)total * batch / seconds, ns[kept / 2] / 1000.0,
	    ns[kept * 99 / 100] / 1000.0);
	free(ns);
}

/* --- direct: the worker's handlers, without a socket */

static const struct wire_op direct_ops[] = {
#define X(name, num, roles, cap, text) { num, #name, roles, cap, \
	&token_##name##_req_type, &token_##name##_rsp_type, \
	token_do_##name, text },
	TOKEN_OPS(X)
#undef X
};

struct direct {
	uint8_t id[P11_ID_BYTES];
	uint8_t digest[32];
};

static CK_RV
direct_sign(struct p11 *p, CK_SESSION_HANDLE s, void *arg)
{
	struct direct *d = arg;
	CK_MECHANISM m = { CKM_ECDSA, NULL, 0 };
	CK_BYTE sig[64];
	CK_ULONG len = sizeof(sig);
	CK_OBJECT_HANDLE h;
	CK_RV rv = p11_find(p, s, d->id, CKO_PRIVATE_KEY, &h);

	if (rv == CKR_OK)
		rv = p->f->C_SignInit(s, &m, h);
	return rv == CKR_OK ? p->f->C_Sign(s, d->digest, sizeof(d->digest),
	    sig, &len) : rv;
}

static void *
direct_run(void *arg)
{
	struct worker *w = arg;
	struct direct d = { .digest = { 1 } };

	if (token_id(key_id, d.id, NULL) != Q_OK)
		die("key");
	for (int64_t now; (now = clock_mono_ns()) < w->until_ns;) {
		d.digest[0]++;
		if (p11_run(w->p11, direct_sign, &d, NULL) != Q_OK)
			die("signature");
		sample(w, now);
	}
	return NULL;
}

static void
direct_op(struct p11 *p, uint16_t num, const struct wire_type *t,
    const void *req)
{
	struct wire_server_conf wc = { .ops = direct_ops,
		.n_ops = ARRAY_LEN(direct_ops), .ctx = p };
	AUTO_BUF struct buf frame = BUF_INIT(4096), body = BUF_INIT(4096),
		out = BUF_INIT(4096);
	uint8_t raw[WIRE_HEAD];
	struct wire_head h = { .op = num };

	wire_encode(t, req, &body);
	h.length = (uint32_t)body.len;
	wire_head_put(&h, raw);
	buf_put(&frame, raw, sizeof(raw));
	buf_put(&frame, body.p, body.len);
	wire_dispatch_frame(&wc, ROLE_ADMIN, buf_bytes(&frame), -1, &out);
	if (out.len < WIRE_HEAD ||
	    wire_head_get(buf_bytes(&out), &h) != Q_OK || h.status != Q_OK)
		die("the token refuses");
}

static struct p11 *
direct_open(const struct conf *c)
{
	static struct p11 p;
	struct token_keygen_req req = { .id = key_id, .label = "bench",
		.kind = TOKEN_P256 };
	struct p11_conf open = { c->token_module, c->token_label,
		c->token_init, TOKEN_TRY_CAREFUL };
	struct secret pin = { 0 };
	struct fault f = { 0 };
	char env[sizeof(c->token_env)];

	snprintf(key_id, sizeof(key_id), "be%014" PRIx64,
	    (uint64_t)clock_mono_ns() & 0xffffffffffffff);
	snprintf(env, sizeof(env), "%s", c->token_env);
	if ((env[0] != '\0' && putenv(strdup(env)) != 0) ||
	    secret_load(c->token_pin, &pin) != Q_OK)
		die("PIN or environment");
	if (p11_open(&open, &pin, &p, &f) != Q_OK)
		die(f.msg);
	direct_op(&p, 2, &token_keygen_req_type, &req);
	return &p;
}

static void
direct_close(struct p11 *p)
{
	struct token_destroy_req req = { .id = key_id };

	direct_op(p, 8, &token_destroy_req_type, &req);
	p11_close(p);
}

/* --- through signd */

static void
csr_make(struct buf *out)
{
	EVP_PKEY *k = EVP_EC_gen("P-256");
	X509_REQ *r = X509_REQ_new();
	uint8_t *der = NULL;
	int n;

	X509_REQ_set_pubkey(r, k);
	X509_REQ_sign(r, k, EVP_sha256());
	n = i2d_X509_REQ(r, &der);
	if (n <= 0)
		die("CSR");
	buf_put(out, der, (size_t)n);
	OPENSSL_free(der);
	X509_REQ_free(r);
	EVP_PKEY_free(k);
}

static void
send_one(struct worker *w, int sock, uint32_t id, struct bytes csr,
    uint64_t *seq)
{
	static const struct wire_op_desc issue = { SIGND_OP_issue,
		&signd_issue_req_type, &signd_issue_rsp_type };
	static const struct wire_op_desc tls = { SIGND_OP_sign_tls,
		&signd_sign_tls_req_type, &signd_sign_tls_rsp_type };
	static const struct wire_op_desc ocsp = { SIGND_OP_sign_ocsp,
		&signd_sign_ocsp_req_type, &signd_sign_ocsp_rsp_type };
	struct signd_sign_ocsp_req o = { .issuing_id = key_id,
		.items = buf_bytes(&items) };
	uint8_t m[64 + 34 + 32];
	struct signd_sign_tls_req t = { .key = key_id, .scheme = 0x0403,
		.message = { m, sizeof(m) } };
	struct signd_issue_req i = { .policy = "bench", .csr = csr };
	enum q_err r;

	memset(m, ' ', sizeof(m));
	memcpy(m + 64, "TLS 1.3, server CertificateVerify", 34);
	memcpy(m + 98, seq, sizeof(*seq));
	i.seq = ++*seq;
	if (w->op == OCSP)
		r = wire_stream_send(sock, &ocsp, id, &o);
	else if (w->op == ISSUE)
		r = wire_stream_send(sock, &issue, id, &i);
	else
		r = wire_stream_send(sock, &tls, id, &t);
	if (r != Q_OK)
		die("send");
}

static void *
signd_run(void *arg)
{
	static const struct wire_type *const types[] = {
		&signd_sign_tls_rsp_type, &signd_issue_rsp_type,
		&signd_sign_ocsp_rsp_type };
	struct worker *w = arg;
	AUTO_BUF struct buf csr = BUF_INIT(4096);
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct wire_client *c;
	int64_t begun[DEPTH_MAX];
	uint64_t seq = (uint64_t)clock_mono_ns();
	union {
		struct signd_issue_rsp issue;
		struct signd_sign_tls_rsp tls;
		struct signd_sign_ocsp_rsp ocsp;
	} rsp;
	uint32_t id;
	unsigned flying = 0;
	int sock;

	csr_make(&csr);
	if (signer_open(w->conf, 5000, &c) != Q_OK)
		die("signd");
	sock = wire_client_open(c);
	for (; flying < w->depth; flying++) {
		begun[flying] = clock_mono_ns();
		send_one(w, sock, flying, buf_bytes(&csr), &seq);
	}
	while (flying != 0) {
		struct fault f = { 0 };

		if (wire_stream_recv(sock, types[w->op], 5000, &rsp, &hold,
		    &f) != Q_OK ||
		    hold.id >= w->depth)
			die(f.msg);
		id = hold.id;
		sample(w, begun[id]);
		flying--;
		begun[id] = clock_mono_ns();
		if (begun[id] >= w->until_ns)
			continue;
		send_one(w, sock, id, buf_bytes(&csr), &seq);
		flying++;
	}
	close(sock);
	wire_client_free(c);
	return NULL;
}

static enum q_err
tls_key(void *arg, const struct signd_cert *c)
{
	(void)arg;
	if (strcmp(c->purpose, "tls-device") == 0 &&
	    strcmp(c->state, "active") == 0)
		snprintf(key_id, sizeof(key_id), "%s", c->id);
	return Q_OK;
}

/* Keeps the CA `bench` and, as it comes later, makes its responder's items. */
static enum q_err
ocsp_items(void *arg, const struct signd_cert *c)
{
	static struct ocsp_issuer ca;
	static const uint8_t serial[] = { 1, 2, 3, 4, 5, 6, 7, 8 };
	struct ocsp_single single = { .serial = { serial, sizeof(serial) } };
	struct ocsp_issuer own;
	struct ocsp_spec spec = { .issuer = &ca, .responder = own.key[0],
		.this_update = clock_wall(), .singles = &single, .n = 1 };
	AUTO_BUF struct buf tbs = BUF_INIT(OCSP_TBS_MAX);
	struct signd_ocsp_tbs item;
	struct pubkey key;
	struct cert cert;

	(void)arg;
	if (strcmp(c->policy, "bench") != 0 || strcmp(c->state, "active") != 0)
		return Q_OK;
	if (cert_parse(c->cert, &cert, NULL) != Q_OK ||
	    pubkey_parse(cert.spki, &key, NULL) != Q_OK)
		die("certificate");
	ocsp_issuer_of(cert.subject, &key, &own);
	if (strcmp(c->purpose, "issuing") == 0) {
		ca = own;
		snprintf(key_id, sizeof(key_id), "%s", c->id);
		return Q_OK;
	}
	spec.next_update = spec.this_update + 3600;
	if (ocsp_build(&spec, &tbs, NULL) != Q_OK)
		die("response");
	item.tbs = buf_bytes(&tbs);
	for (unsigned i = 0; i < batch; i++)
		wire_list_put(&items, &signd_ocsp_tbs_type, &item);
	return Q_OK;
}

static int
op_of(const char *name)
{
	if (strcmp(name, "ocsp") == 0)
		return OCSP;
	return strcmp(name, "issue") == 0 ? ISSUE : TLS;
}

int
main(int argc, char **argv)
{
	static struct conf conf;
	struct fault f = { 0 };
	struct worker *all;
	struct wire_client *c;
	struct p11 *p11 = NULL;
	unsigned n, depth;
	int64_t begin;
	bool direct;

	if (argc < 5 || conf_load(argv[2], &conf, &f) != Q_OK)
		die("usage: bench-signd direct|tls|issue|ocsp CONF SECONDS "
		    "CONNECTIONS [DEPTH [BATCH]]");
	direct = strcmp(argv[1], "direct") == 0;
	n = (unsigned)strtoul(argv[4], NULL, 10);
	depth = argc > 5 ? (unsigned)strtoul(argv[5], NULL, 10) : 1;
	all = calloc(n, sizeof(*all));
	batch = argc > 6 ? (unsigned)strtoul(argv[6], NULL, 10) : 1;
	if (all == NULL || n == 0 || depth == 0 || depth > DEPTH_MAX)
		die("CONNECTIONS or DEPTH");
	if (direct)
		p11 = direct_open(&conf);
	else if (signer_open(&conf, 5000, &c) != Q_OK ||
	    signer_certs(c, op_of(argv[1]) == OCSP ? ocsp_items : tls_key,
	    NULL, &f) != Q_OK)
		die(f.msg);
	begin = clock_mono_ns();
	for (unsigned i = 0; i < n; i++) {
		all[i] = (struct worker){ .conf = &conf, .p11 = p11,
			.depth = depth, .number = i,
			.op = op_of(argv[1]),
			.cap = SAMPLES_MAX / n,
			.until_ns = begin +
			    (int64_t)(strtod(argv[3], NULL) * 1e9) };
		all[i].ns = calloc(all[i].cap, sizeof(uint32_t));
		if (all[i].ns == NULL || pthread_create(&all[i].thread, NULL,
		    direct ? direct_run : signd_run, &all[i]) != 0)
			die("threads");
	}
	for (unsigned i = 0; i < n; i++)
		pthread_join(all[i].thread, NULL);
	report(argv[1], all, n, depth,
	    (double)(clock_mono_ns() - begin) / 1e9);
	if (direct)
		direct_close(p11);
	fflush(stdout);
	_exit(0);
}
