// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "signer/provider.h"

#include <openssl/cmp.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/own.h"
#include "tests/unit/tap.h"

/* Stands for signd: keys in software, by id, and what it was asked. */
static struct {
	EVP_PKEY *ec, *rsa;
	atomic_int calls;
	atomic_uint scheme;
	enum q_err fail;
	bool garbage;
} fake;

static enum q_err
fake_sign(void *ctx, const char *key_id, uint32_t scheme,
    struct bytes message, struct buf *ret_sig, struct fault *f)
{
	EVP_PKEY *key = strcmp(key_id, "rsa") == 0 ? fake.rsa : fake.ec;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;
	uint8_t sig[512];
	size_t len = sizeof(sig);
	bool good = ctx == &fake;

	fake.calls++;
	fake.scheme = scheme;
	good = good && EVP_DigestSignInit(md, &pctx, EVP_sha256(), NULL,
	    key) == 1;
	if (scheme == 0x0804)
		good = good && EVP_PKEY_CTX_set_rsa_padding(pctx,
			RSA_PKCS1_PSS_PADDING) == 1 &&
		    EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, -1) == 1;
	good = good && EVP_DigestSign(md, sig, &len, message.p,
	    message.len) == 1;
	EVP_MD_CTX_free(md);
	if (fake.fail != Q_OK)
		return fault_retry(f, fake.fail, 2, "the token is away");
	if (fake.garbage)
		len = sizeof(sig);
	buf_put(ret_sig, sig, len);
	return good ? Q_OK : Q_INTERNAL;
}

static X509 *
self_signed(EVP_PKEY *key)
{
	X509 *x = X509_new();
	X509_NAME *name = X509_get_subject_name(x);

	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)"localhost", -1, -1, 0);
	X509_set_issuer_name(x, name);
	X509_gmtime_adj(X509_getm_notBefore(x), 0);
	X509_gmtime_adj(X509_getm_notAfter(x), 3600);
	X509_set_pubkey(x, key);
	X509_sign(x, key, EVP_sha256());
	return x;
}

/* The token's key of a certificate; q tells what the provider said. */
static EVP_PKEY *
token_key(X509 *x, const char *id, enum q_err *ret_q)
{
	unsigned char *der = NULL;
	EVP_PKEY *key = NULL;
	int len = i2d_X509(x, &der);

	*ret_q = signer_provider_key(der, (size_t)len, id, &key);
	OPENSSL_free(der);
	return key;
}

struct pair {
	SSL_CTX *server, *client;
};

static int
any_peer(int verdict, X509_STORE_CTX *ctx)
{
	(void)verdict;
	(void)ctx;
	return 1;
}

static struct pair
pair_new(X509 *x, EVP_PKEY *key, EVP_PKEY *client_key, X509 *client_cert)
{
	struct pair p = { SSL_CTX_new(TLS_server_method()),
		SSL_CTX_new(TLS_client_method()) };

	SSL_CTX_use_certificate(p.server, x);
	is_int(SSL_CTX_use_PrivateKey(p.server, key), 1,
	    "SSL_CTX_use_PrivateKey");
	is_int(SSL_CTX_check_private_key(p.server), 1,
	    "SSL_CTX_check_private_key");
	SSL_CTX_set1_sigalgs_list(p.server, SIGNER_PROVIDER_SIGALGS);
	SSL_CTX_set_verify(p.server, SSL_VERIFY_PEER, any_peer);
	SSL_CTX_set_session_cache_mode(p.server, SSL_SESS_CACHE_OFF);
	SSL_CTX_use_certificate(p.client, client_cert);
	SSL_CTX_use_PrivateKey(p.client, client_key);
	X509_STORE_add_cert(SSL_CTX_get_cert_store(p.client), x);
	SSL_CTX_set_verify(p.client, SSL_VERIFY_PEER, NULL);
	return p;
}

static void
pair_free(struct pair *p)
{
	SSL_CTX_free(p->server);
	SSL_CTX_free(p->client);
}

/* A whole handshake in memory: 1, or 0 when either side gave up. Ends by
 * itself, since each turn must make progress. */
static int
handshake(const struct pair *p, int version)
{
	SSL *s = SSL_new(p->server), *c = SSL_new(p->client);
	BIO *a, *b;
	int sr = -1, cr = -1;
	bool failed = false;

	BIO_new_bio_pair(&a, 65536, &b, 65536);
	SSL_set_bio(s, a, a);
	SSL_set_bio(c, b, b);
	SSL_set_accept_state(s);
	SSL_set_connect_state(c);
	SSL_set_min_proto_version(c, version);
	SSL_set_max_proto_version(c, version);
	for (int turn = 0; turn < 20 && !failed && (sr != 1 || cr != 1);
	     turn++) {
		if (cr != 1)
			cr = SSL_do_handshake(c);
		failed = cr != 1 && SSL_get_error(c, cr) != SSL_ERROR_WANT_READ;
		if (sr != 1)
			sr = SSL_do_handshake(s);
		failed |= sr != 1 &&
		    SSL_get_error(s, sr) != SSL_ERROR_WANT_READ;
	}
	SSL_free(s);
	SSL_free(c);
	return sr == 1 && cr == 1;
}

static const struct {
	const char *name, *id;
	int version;
	unsigned scheme;
} cases[] = {
	{ "EC, TLS 1.2", "ec", TLS1_2_VERSION, 0x0403 },
	{ "EC, TLS 1.3", "ec", TLS1_3_VERSION, 0x0403 },
	{ "RSA, TLS 1.2", "rsa", TLS1_2_VERSION, 0x0804 },
	{ "RSA, TLS 1.3", "rsa", TLS1_3_VERSION, 0x0804 },
};

static void
try_handshakes(X509 *ec_cert, X509 *rsa_cert)
{
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		bool rsa = strcmp(cases[i].id, "rsa") == 0;
		X509 *x = rsa ? rsa_cert : ec_cert;
		enum q_err q;
		EVP_PKEY *key = token_key(x, cases[i].id, &q);
		struct pair p = pair_new(x, key, fake.ec, ec_cert);

		fake.calls = 0;
		ok(handshake(&p, cases[i].version), "%s", cases[i].name);
		is_int(fake.calls, 1, "one signature was asked for");
		is_int(fake.scheme, cases[i].scheme, "with its scheme");

		fake.fail = Q_UNAVAIL;
		ok(!handshake(&p, cases[i].version),
		    "%s: fails without the signer", cases[i].name);
		fake.fail = Q_OK;
		fake.garbage = true;
		ok(!handshake(&p, cases[i].version),
		    "%s: fails with a signature too long", cases[i].name);
		fake.garbage = false;
		ok(handshake(&p, cases[i].version),
		    "%s: works again", cases[i].name);
		ERR_clear_error();
		pair_free(&p);
		EVP_PKEY_free(key);
	}
}

static void
try_pkcs1(X509 *rsa_cert, X509 *ec_cert)
{
	enum q_err q;
	EVP_PKEY *key = token_key(rsa_cert, "rsa", &q);
	struct pair p = pair_new(rsa_cert, key, fake.ec, ec_cert);

	SSL_CTX_set1_sigalgs_list(p.client, "RSA+SHA256");
	ok(handshake(&p, TLS1_2_VERSION), "RSA PKCS #1, TLS 1.2");
	is_int(fake.scheme, 0x0401, "with its scheme");
	SSL_CTX_set1_sigalgs_list(p.client, "RSA+SHA512");
	fake.calls = 0;
	ok(!handshake(&p, TLS1_2_VERSION), "SHA-512 alone is not agreed on");
	is_int(fake.calls, 0, "and nobody was asked");
	SSL_CTX_set1_sigalgs_list(p.client,
	    "RSA-PSS+SHA512:RSA+SHA512:RSA-PSS+SHA256");
	ok(handshake(&p, TLS1_2_VERSION), "a client that prefers SHA-512");
	pair_free(&p);
	EVP_PKEY_free(key);
}

static void
try_secrets(X509 *x, const char *id, EVP_PKEY *soft)
{
	enum q_err q;
	EVP_PKEY *key = token_key(x, id, &q);
	BIO *mem = BIO_new(BIO_s_mem());
	OSSL_PARAM *params = NULL;
	unsigned char *der = NULL;

	is_int(q, Q_OK, "%s: a key from a certificate", id);
	ok(EVP_PKEY_todata(key, EVP_PKEY_KEYPAIR, &params) != 1,
	    "%s: private export is refused", id);
	ok(PEM_write_bio_PrivateKey(mem, key, NULL, NULL, 0, NULL, NULL) != 1,
	    "%s: so is PEM", id);
	ok(i2d_PrivateKey(key, &der) <= 0, "%s: and DER", id);
	is_int(EVP_PKEY_todata(key, EVP_PKEY_PUBLIC_KEY, &params), 1,
	    "%s: the public half is exported", id);
	is_int(EVP_PKEY_eq(key, soft), 1, "%s: and is the certificate's", id);
	is_int(EVP_PKEY_get_size(key), EVP_PKEY_get_size(soft),
	    "%s: size of a signature", id);
	ERR_clear_error();
	OSSL_PARAM_free(params);
	BIO_free(mem);
	EVP_PKEY_free(key);
}

static void
try_refusals(X509 *ec_cert, X509 *rsa_cert, X509 *p384_cert)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY *key, *none = NULL;
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	uint8_t junk[100] = { 0x30, 0x62 };
	enum q_err q;

	key = token_key(ec_cert, "ec", &q);
	fake.calls = 0;
	ok(EVP_DigestSignInit(md, NULL, EVP_sha512(), NULL, key) != 1,
	    "SHA-512 is refused before signing");
	is_int(fake.calls, 0, "nobody was asked");
	SSL_CTX_use_certificate(ctx, rsa_cert);
	ok(SSL_CTX_use_PrivateKey(ctx, key) != 1 ||
	    SSL_CTX_check_private_key(ctx) != 1,
	    "a key of another certificate does not fit");
	EVP_PKEY_free(key);

	token_key(ec_cert, "", &q);
	is_int(q, Q_INVALID, "no key id");
	token_key(ec_cert, "0123456789abcdef0", &q);
	is_int(q, Q_INVALID, "a key id too long");
	token_key(p384_cert, "ec", &q);
	is_int(q, Q_INVALID, "P-384 is refused");
	is_int(signer_provider_key(junk, sizeof(junk), "ec", &none),
	    Q_INVALID, "what is no certificate is refused");
	ok(none == NULL, "and the output is untouched");
	is_int(signer_provider_load_fn(fake_sign, &fake), Q_EXISTS,
	    "loading twice is refused");
	EVP_MD_CTX_free(md);
	SSL_CTX_free(ctx);
	ERR_clear_error();
}

/* Everything that is not ours must still go to the default provider. */
static void
try_default(void)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	uint8_t sig[256];
	size_t len = sizeof(sig);

	fake.calls = 0;
	is_int(EVP_DigestSignInit(md, NULL, EVP_sha512(), NULL, key), 1,
	    "an ordinary key signs");
	is_int(EVP_DigestSign(md, sig, &len, sig, 10), 1,
	    "by the default provider");
	is_int(fake.calls, 0, "and not by ours");
	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
}

/* OpenSSL asks its server for an answer: the request must verify. */
static OSSL_CMP_MSG *
judge(OSSL_CMP_CTX *ctx, const OSSL_CMP_MSG *req)
{
	OSSL_CMP_CTX *own = OSSL_CMP_CTX_new(NULL, NULL);

	OSSL_CMP_CTX_set1_srvCert(own, OSSL_CMP_CTX_get_transfer_cb_arg(ctx));
	is_int(OSSL_CMP_validate_msg(own, req), 1, "a CMP message verifies");
	OSSL_CMP_CTX_free(own);
	return NULL;
}

static int
no_log(const char *func, const char *file, int line,
    OSSL_CMP_severity level, const char *msg)
{
	(void)func;
	(void)file;
	(void)line;
	(void)level;
	(void)msg;
	return 1;
}

static void
try_cmp(X509 *ec_cert, X509 *rsa_cert)
{
	OSSL_CMP_CTX *ctx = OSSL_CMP_CTX_new(NULL, NULL);
	EVP_PKEY *key = NULL, *none = NULL;
	unsigned char *der = NULL, *rsa = NULL;
	int len = i2d_X509(ec_cert, &der), rsa_len = i2d_X509(rsa_cert, &rsa);

	is_int(signer_provider_cmp_key(der, (size_t)len, "ec", &key), Q_OK,
	    "a CMP key");
	is_int(signer_provider_cmp_key(rsa, (size_t)rsa_len, "rsa", &none),
	    Q_INVALID, "RSA is none");
	OSSL_CMP_CTX_set_log_cb(ctx, no_log);
	OSSL_CMP_CTX_set1_cert(ctx, ec_cert);
	OSSL_CMP_CTX_set1_pkey(ctx, key);
	OSSL_CMP_CTX_set1_oldCert(ctx, ec_cert);
	OSSL_CMP_CTX_set_transfer_cb(ctx, judge);
	OSSL_CMP_CTX_set_transfer_cb_arg(ctx, ec_cert);
	fake.calls = 0;
	ok(OSSL_CMP_exec_RR_ses(ctx) != 1, "and gets no answer");
	is_int(fake.calls, 1, "one signature was asked for");
	is_int(fake.scheme, SIGNER_PROVIDER_CMP, "for CMP");
	ERR_clear_error();
	OPENSSL_free(der);
	OPENSSL_free(rsa);
	OSSL_CMP_CTX_free(ctx);
	EVP_PKEY_free(key);
}

static atomic_int good;

static void *
many(void *arg)
{
	const struct pair *p = arg;

	for (int i = 0; i < 25; i++)
		good += handshake(p, i & 1 ? TLS1_3_VERSION : TLS1_2_VERSION);
	OPENSSL_thread_stop();
	return NULL;
}

static void
try_threads(X509 *ec_cert)
{
	enum q_err q;
	EVP_PKEY *key = token_key(ec_cert, "ec", &q);
	struct pair p = pair_new(ec_cert, key, fake.ec, ec_cert);
	pthread_t t[4];

	EVP_PKEY_free(key);
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		pthread_create(&t[i], NULL, many, &p);
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		pthread_join(t[i], NULL);
	is_int(good, 100, "100 handshakes in 4 threads");
	pair_free(&p);
}

int
main(void)
{
	X509 *ec_cert, *rsa_cert, *p384_cert;
	EVP_PKEY *p384;

	is_int(signer_provider_load_fn(fake_sign, &fake), Q_OK, "load");
	fake.ec = EVP_EC_gen("P-256");
	fake.rsa = EVP_RSA_gen(2048);
	p384 = EVP_EC_gen("P-384");
	ec_cert = self_signed(fake.ec);
	rsa_cert = self_signed(fake.rsa);
	p384_cert = self_signed(p384);
	try_handshakes(ec_cert, rsa_cert);
	try_pkcs1(rsa_cert, ec_cert);
	try_secrets(ec_cert, "ec", fake.ec);
	try_secrets(rsa_cert, "rsa", fake.rsa);
	try_refusals(ec_cert, rsa_cert, p384_cert);
	try_default();
	try_cmp(ec_cert, rsa_cert);
	try_threads(ec_cert);
	X509_free(ec_cert);
	X509_free(rsa_cert);
	X509_free(p384_cert);
	EVP_PKEY_free(fake.ec);
	EVP_PKEY_free(fake.rsa);
	EVP_PKEY_free(p384);
	return done();
}
