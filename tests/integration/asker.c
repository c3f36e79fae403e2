// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "tests/integration/asker.h"

#include <fcntl.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "x509/cert_parse.h"
#include "x509/crl.h"
#include "x509/ocsp.h"

#define SECRET "what is sealed"

const char *
ask_name(enum ask what)
{
	static const char *const names[] = { "tls", "issue", "crl", "ocsp",
		"seal", "unseal", "code", "ca", "pair", "aes", "import" };

	return names[what];
}

/* This thread alone: a socket belongs to who connects it. */
static void
become(uid_t uid)
{
	if (syscall(SYS_setresuid, -1, uid, -1) != 0)
		abort();
}

static bool
verifies(EVP_PKEY *key, int pad, struct bytes msg, struct bytes sig)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;
	bool good = EVP_DigestVerifyInit(ctx, &pctx, EVP_sha256(), NULL,
	    key) == 1 &&
	    (pad == 0 || EVP_PKEY_CTX_set_rsa_padding(pctx, pad) == 1) &&
	    EVP_DigestVerify(ctx, sig.p, sig.len, msg.p, msg.len) == 1;

	EVP_MD_CTX_free(ctx);
	return good;
}

void
asker_wrong(struct asked *o, const char *text)
{
	o->wrong = true;
	snprintf(o->text, sizeof(o->text), "%s", text);
}

/* --- TLS */

static void
ask_tls(struct asker *a, struct asked *o, struct wire_reply *hold,
    struct fault *f)
{
	static const char context[] = "TLS 1.3, server CertificateVerify";
	uint8_t msg[64 + sizeof(context) + 32];
	bool rsa = EVP_PKEY_is_a(a->tls_key, "RSA");
	struct signd_sign_tls_req req = { .key = a->tls_id,
		.scheme = !rsa ? 0x0403 : a->asked[ASK_TLS] % 2 != 0 ? 0x0804 :
		    0x0401,
		.message = { msg, sizeof(msg) } };
	struct signd_sign_tls_rsp r;

	memset(msg, ' ', 64);
	memcpy(msg + 64, context, sizeof(context));
	if (RAND_bytes(msg + sizeof(msg) - 32, 32) != 1)
		abort();
	become(ASKER_ENROL);
	o->code = signd_sign_tls(a->enrol, &req, &r, hold, f);
	become(0);
	if (o->code == Q_OK && !verifies(a->tls_key, !rsa ? 0 :
	    req.scheme == 0x0804 ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING,
	    req.message, r.signature))
		asker_wrong(o, "the handshake's signature is wrong");
}

/* --- certificates */

/* Remember what left for this request; it must be the same each time. */
static void
issue_left(struct asker *a, struct asked *o, struct bytes der)
{
	struct asker_issue *i;
	uint8_t digest[32];

	SHA256(der.p, der.len, digest);
	pthread_mutex_lock(&a->lock);
	i = &a->issues[o->number - 1];
	if (i->left && memcmp(i->digest, digest, 32) != 0)
		asker_wrong(o, "another certificate for the same request");
	i->left = true;
	memcpy(i->digest, digest, 32);
	pthread_mutex_unlock(&a->lock);
}

static uint64_t
issue_number(struct asker *a)
{
	uint64_t n;

	pthread_mutex_lock(&a->lock);
	a->issues = realloc(a->issues, (a->n_issues + 1) * sizeof(*a->issues));
	if (a->issues == NULL)
		abort();
	a->issues[a->n_issues++] = (struct asker_issue){ 0 };
	n = a->n_issues;
	pthread_mutex_unlock(&a->lock);
	return n;
}

static void
ask_issue(struct asker *a, struct asked *o, struct wire_reply *hold,
    struct fault *f)
{
	struct signd_issue_req req = { .policy = ASKER_POLICY,
		.csr = buf_bytes(&a->csr), .device_id = "" };
	struct signd_issue_rsp r;
	const unsigned char *p;
	X509 *x;

	if (o->number == 0)
		o->number = issue_number(a);
	req.seq = o->number;
	become(ASKER_ENROL);
	o->code = signd_issue(a->enrol, &req, &r, hold, f);
	become(0);
	if (o->code != Q_OK)
		return;
	p = r.cert.p;
	x = d2i_X509(NULL, &p, (long)r.cert.len);
	if (x == NULL || X509_verify(x, a->ca_key) != 1)
		asker_wrong(o, "the certificate's signature is wrong");
	X509_free(x);
	issue_left(a, o, r.cert);
}

/* --- lists and status */

int
asker_sig_der(struct bytes raw, unsigned char **ret_der)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	int n = 0;

	if (raw.len == 64 && sig != NULL && ECDSA_SIG_set0(sig,
	    BN_bin2bn(raw.p, 32, NULL), BN_bin2bn(raw.p + 32, 32, NULL)) == 1)
		n = i2d_ECDSA_SIG(sig, ret_der);
	ECDSA_SIG_free(sig);
	return n;
}

static bool
raw_verifies(EVP_PKEY *key, struct bytes msg, struct bytes raw)
{
	unsigned char *der = NULL;
	int n = asker_sig_der(raw, &der);
	bool good = n > 0 && verifies(key, 0, msg, (struct bytes){ der,
		(size_t)n });

	OPENSSL_free(der);
	return good;
}

static enum q_err
no_entry(void *arg, struct crl_entry *ret_entry)
{
	(void)arg;
	(void)ret_entry;
	return Q_NOTFOUND;
}

static void
crl_left(struct asker *a, uint64_t number, struct bytes tbs)
{
	pthread_mutex_lock(&a->lock);
	a->crls = realloc(a->crls, (a->n_crls + 1) * sizeof(*a->crls));
	if (a->crls == NULL)
		abort();
	a->crls[a->n_crls].number = number;
	SHA256(tbs.p, tbs.len, a->crls[a->n_crls++].digest);
	pthread_mutex_unlock(&a->lock);
}

static void
ask_crl(struct asker *a, struct asked *o, struct wire_reply *hold,
    struct fault *f)
{
	AUTO_BUF struct buf tbs = BUF_INIT(16384);
	AUTO_FD int fd = memfd_create("crl", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	struct signd_sign_crl_req req = { .issuing_id = a->ca_id, .list = fd };
	struct crl_spec spec = { .alg = SIG_ECDSA_SHA256, .only_users = true,
		.this_update = clock_wall(), .next_update = clock_wall() + 86400 };
	struct signd_sign_crl_rsp r;
	struct cert ca;

	pthread_mutex_lock(&a->crl);
	spec.number = ++a->crl_number;
	o->code = cert_parse(buf_bytes(&a->ca), &ca, f);
	spec.issuer = ca.subject;
	spec.issuer_ski = ca.ski;
	if (o->code == Q_OK)
		o->code = crl_build(&spec, no_entry, NULL, &tbs, f);
	if (o->code != Q_OK || write(fd, tbs.p, tbs.len) != (ssize_t)tbs.len ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK |
	    F_SEAL_GROW) != 0)
		abort();
	become(ASKER_ENROL);
	o->code = signd_sign_crl(a->enrol, &req, &r, hold, f);
	become(0);
	pthread_mutex_unlock(&a->crl);
	if (o->code != Q_OK)
		return;
	if (!raw_verifies(a->ca_key, buf_bytes(&tbs), r.signature))
		asker_wrong(o, "the list's signature is wrong");
	crl_left(a, spec.number, buf_bytes(&tbs));
}

static void
ask_ocsp(struct asker *a, struct asked *o, struct wire_reply *hold,
    struct fault *f)
{
	AUTO_BUF struct buf tbs = BUF_INIT(OCSP_TBS_MAX);
	AUTO_BUF struct buf items = BUF_INIT(65536);
	struct buf *const der[] = { &a->ca, &a->ocsp };
	struct signd_sign_ocsp_req req = { .issuing_id = a->ca_id };
	struct ocsp_issuer id[2];
	struct ocsp_single single = { .serial = { (const uint8_t *)"\1", 1 } };
	uint8_t nonce[16];
	struct ocsp_spec spec = { .issuer = &id[0], .responder = id[1].key[0],
		.this_update = clock_wall(),
		.next_update = clock_wall() + 3600, .singles = &single,
		.n = 1, .nonce = { nonce, sizeof(nonce) } };
	struct signd_sign_ocsp_rsp r;
	struct signd_ocsp_sig sig;
	struct signd_ocsp_tbs item;

	for (int i = 0; i < 2; i++) {
		struct pubkey key;
		struct cert c;

		if (cert_parse(buf_bytes(der[i]), &c, NULL) != Q_OK ||
		    pubkey_parse(c.spki, &key, NULL) != Q_OK)
			abort();
		ocsp_issuer_of(c.subject, &key, &id[i]);
	}
	if (RAND_bytes(nonce, sizeof(nonce)) != 1 ||
	    ocsp_build(&spec, &tbs, f) != Q_OK)
		abort();
	item.tbs = buf_bytes(&tbs);
	wire_list_put(&items, &signd_ocsp_tbs_type, &item);
	req.items = buf_bytes(&items);
	become(ASKER_ENROL);
	o->code = signd_sign_ocsp(a->enrol, &req, &r, hold, f);
	become(0);
	if (o->code == Q_OK && (wire_list_next(&r.signatures,
	    &signd_ocsp_sig_type, &sig) != Q_OK ||
	    !verifies(a->ocsp_key, 0, item.tbs, sig.sig)))
		asker_wrong(o, "the status' signature is wrong");
}

/* --- secrets */

static void
ask_seal(struct asker *a, struct asked *o, struct wire_reply *hold,
    struct fault *f)
{
	struct signd_seal_req req = { .purpose = "token", .context = "t",
		.secret = { (const uint8_t *)SECRET, sizeof(SECRET) } };
	struct signd_seal_rsp r;

	become(ASKER_WEB);
	o->code = signd_seal(a->web, &req, &r, hold, f);
	become(0);
	if (o->code == Q_OK && memmem(r.sealed.p, r.sealed.len, SECRET,
	    sizeof(SECRET)) != NULL)
		asker_wrong(o, "the secret is not sealed");
	pthread_mutex_lock(&a->lock);
	if (o->code == Q_OK && a->sealed.len == 0)
		buf_put(&a->sealed, r.sealed.p, r.sealed.len);
	pthread_mutex_unlock(&a->lock);
}

static void
ask_unseal(struct asker *a, struct asked *o, struct wire_reply *hold,
    struct fault *f)
{
	struct signd_unseal_req req = { .purpose = "token", .context = "t",
		.sealed = buf_bytes(&a->sealed) };
	struct signd_unseal_rsp r;

	become(ASKER_WEB);
	o->code = signd_unseal(a->web, &req, &r, hold, f);
	become(0);
	if (o->code == Q_OK && (r.secret.len != sizeof(SECRET) ||
	    memcmp(r.secret.p, SECRET, sizeof(SECRET)) != 0))
		asker_wrong(o, "another secret came out");
}

void
ask(struct asker *a, enum ask what, struct asked *o)
{
	static ask_fn *const run[] = { ask_tls, ask_issue,
		ask_crl, ask_ocsp, ask_seal, ask_unseal, ask_code, ask_ca,
		ask_pair, ask_aes, ask_import };
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct fault f = { 0 };
	int64_t begin = clock_mono_ms();

	o->what = what;
	o->wrong = false;
	o->text[0] = '\0';
	run[what](a, o, &hold, &f);
	o->ms = clock_mono_ms() - begin;
	if (o->code != Q_OK)
		snprintf(o->text, sizeof(o->text), "%s: %s",
		    q_err_name(o->code), fault_text(&f, o->code));
	pthread_mutex_lock(&a->lock);
	a->asked[what]++;
	a->left[what] += o->code == Q_OK;
	pthread_mutex_unlock(&a->lock);
}

/* --- setting up */

static void
cert_keep(const struct signd_cert *c, struct buf *der, char *id,
    EVP_PKEY **ret_key)
{
	const unsigned char *p = c->cert.p;
	X509 *x = d2i_X509(NULL, &p, (long)c->cert.len);

	*ret_key = x != NULL ? X509_get_pubkey(x) : NULL;
	X509_free(x);
	*der = (struct buf)BUF_INIT(CERT_PARSE_MAX);
	buf_put(der, c->cert.p, c->cert.len);
	snprintf(id, SIGND_ID_LEN + 1, "%s", c->id);
}

static enum q_err
cert_each(void *arg, const struct signd_cert *c)
{
	struct asker *a = arg;

	if (strcmp(c->state, "active") != 0)
		return Q_OK;
	if (strcmp(c->purpose, "tls-device") == 0)
		cert_keep(c, &a->tls, a->tls_id, &a->tls_key);
	if (strcmp(c->policy, ASKER_POLICY) != 0)
		return Q_OK;
	if (strcmp(c->purpose, "issuing") == 0) {
		cert_keep(c, &a->ca, a->ca_id, &a->ca_key);
		a->crl_number = c->crl_number;
	} else if (strcmp(c->purpose, "ocsp") == 0) {
		cert_keep(c, &a->ocsp, a->ocsp_id, &a->ocsp_key);
	}
	return Q_OK;
}

static void
csr_make(struct buf *out, char *ret_device_id)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509_REQ *req = X509_REQ_new();
	unsigned char *der = NULL;
	int n;

	if (key == NULL || X509_REQ_set_pubkey(req, key) != 1 ||
	    X509_REQ_sign(req, key, EVP_sha256()) <= 0)
		abort();
	n = i2d_X509_REQ(req, &der);
	*out = (struct buf)BUF_INIT(8192);
	buf_put(out, der, n > 0 ? (size_t)n : 0);
	OPENSSL_free(der);
	der = NULL;
	n = i2d_PUBKEY(key, &der);
	device_id_of((struct bytes){ der, n > 0 ? (size_t)n : 0 },
	    ret_device_id);
	OPENSSL_free(der);
	X509_REQ_free(req);
	EVP_PKEY_free(key);
}

enum q_err
asker_open(struct asker *a, const struct conf *conf, int deadline_ms,
    struct fault *f)
{
	struct wire_client **const c[] = { &a->admin, &a->enrol, &a->web };
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct signd_status_req req = { 0 };
	struct signd_status_rsp st;
	struct asked o = { 0 };
	enum q_err r = Q_OK;

	*a = (struct asker){ .conf = conf };
	a->sealed = (struct buf)BUF_INIT(4096);
	pthread_mutex_init(&a->lock, NULL);
	pthread_mutex_init(&a->crl, NULL);
	for (size_t i = 0; i < ARRAY_LEN(c) && r == Q_OK; i++)
		r = signer_open(conf, deadline_ms, c[i]);
	if (r == Q_OK)
		r = signer_certs(a->admin, cert_each, a, f);
	if (r == Q_OK)
		r = signd_status(a->admin, &req, &st, &hold, f);
	if (r != Q_OK)
		return r;
	a->journal_from = st.journal_seq;
	if (a->ca_key == NULL || a->ocsp_key == NULL || a->tls_key == NULL)
		return fault_set(f, Q_NOTFOUND, "no PKI, or no policy "
		    ASKER_POLICY);
	r = asker_code_learn(a, f);
	if (r != Q_OK)
		return r;
	csr_make(&a->csr, a->device_id);
	asker_pkcs8_make(&a->pkcs8);
	ask(a, ASK_SEAL, &o);
	return o.code == Q_OK ? Q_OK : fault_set(f, o.code, "%s", o.text);
}
