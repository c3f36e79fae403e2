// SPDX-License-Identifier: Apache-2.0
/* Requests: what OpenSSL makes is read, and what must be refused is, with
 * the reason. */
#include "config.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/codec.h"
#include "base/own.h"
#include "tap.h"
#include "x509-make.h"
#include "x509/csr.h"
#include "x509/der.h"
#include "x509/pem.h"

/* A request as `openssl req` makes it; ext and challenge may be NULL. */
static void
make_csr(EVP_PKEY *key, const EVP_MD *md, const char *bc, const char *challenge,
    struct buf *out)
{
	X509_REQ *req = X509_REQ_new();
	X509_NAME *name = X509_REQ_get_subject_name(req);
	STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();
	uint8_t *der = NULL;
	int len;

	X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
	    (const uint8_t *)"Maker", -1, -1, 0);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
	    (const uint8_t *)"dev77", -1, -1, 0);
	X509_REQ_set_pubkey(req, key);
	if (bc != NULL) {
		sk_X509_EXTENSION_push(exts, X509V3_EXT_conf_nid(NULL, NULL,
		    NID_basic_constraints, bc));
		sk_X509_EXTENSION_push(exts, X509V3_EXT_conf_nid(NULL, NULL,
		    NID_subject_alt_name, "DNS:a.example"));
		X509_REQ_add_extensions(req, exts);
	}
	if (challenge != NULL)
		X509_REQ_add1_attr_by_NID(req, NID_pkcs9_challengePassword,
		    MBSTRING_ASC, (const uint8_t *)challenge, -1);
	if (!X509_REQ_sign(req, key, md))
		die("X509_REQ_sign");
	len = i2d_X509_REQ(req, &der);
	if (len <= 0)
		die("i2d_X509_REQ");
	buf_reset(out);
	buf_put(out, der, (size_t)len);
	OPENSSL_free(der);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	X509_REQ_free(req);
}

static enum q_err
parse_and_verify(struct bytes der, struct fault *f)
{
	struct csr csr;
	enum q_err e = csr_parse(der, &csr, f);

	return e == Q_OK ? csr_verify(&csr, f) : e;
}

/* Whether the request is refused with this error and these words. */
static void
refused(struct bytes der, enum q_err want, const char *words, const char *what)
{
	struct fault f = { 0 };
	enum q_err e = parse_and_verify(der, &f);

	ok(e == want && strstr(f.msg, words) != NULL &&
	    strchr(f.msg, '\n') == NULL && ERR_peek_error() == 0, "%s: %s (%s)", what, q_err_name(e), f.msg);
}

static void
test_good(const char *kind, const EVP_MD *md, enum sig_alg alg)
{
	EVP_PKEY *key = make_key(kind);
	AUTO_BUF struct buf der = BUF_INIT(CSR_DER_MAX);
	uint8_t *spki = NULL, digest[32];
	char id[65];
	struct csr csr;
	struct fault f = { 0 };
	int len = i2d_PUBKEY(key, &spki);

	SHA256(spki, (size_t)len, digest);
	hex_encode(digest, 32, id);
	make_csr(key, md, "CA:FALSE", "Y4sD0sseEuDh1zKI", &der);
	is_int(csr_parse(buf_bytes(&der), &csr, &f), Q_OK, "%s parses", kind);
	is_int(csr_verify(&csr, &f), Q_OK, "%s verifies", kind);
	is_str(csr.device_id, id, "%s: DeviceID", kind);
	ok(csr.alg == alg && csr.cn.len == 5 && !csr.asks_ca &&
	    memcmp(csr.cn.p, "dev77", 5) == 0 && csr.san.len == 13 &&
	    csr.san.p[0] == DER_SEQUENCE && csr.challenge.len == 16 &&
	    memcmp(csr.challenge.p, "Y4sD", 4) == 0, "%s: contents", kind);
	SHA256(der.p, der.len, digest);
	ok(memcmp(csr.sha256, digest, 32) == 0, "%s: digest", kind);
	make_csr(key, md, NULL, NULL, &der);
	is_int(csr_parse(buf_bytes(&der), &csr, &f), Q_OK, "%s, bare", kind);
	ok(csr.challenge.p == NULL && csr.san.len == 0, "nothing asked");
	make_csr(key, md, "critical,CA:TRUE,pathlen:3", NULL, &der);
	is_int(csr_parse(buf_bytes(&der), &csr, &f), Q_OK, "%s, CA", kind);
	ok(csr.asks_ca, "%s: asks to be a CA", kind);
	OPENSSL_free(spki);
	EVP_PKEY_free(key);
}

static void
test_broken(void)
{
	EVP_PKEY *key = make_key("P-256");
	AUTO_BUF struct buf der = BUF_INIT(65536), bad = BUF_INIT(65536);
	struct csr csr;
	size_t accepted = 0, spki;

	make_csr(key, EVP_sha256(), NULL, NULL, &der);
	if (csr_parse(buf_bytes(&der), &csr, NULL) != Q_OK)
		die("own request");
	refused(buf_bytes(&bad), Q_PROTO, "not DER", "empty");
	refused((struct bytes){ der.p, der.len - 1 }, Q_PROTO, "cut short",
	    "one byte less");
	for (size_t n = 0; n < der.len; n++)
		accepted += parse_and_verify((struct bytes){ der.p, n },
		    NULL) == Q_OK;
	is_int((long long)accepted, 0, "cut anywhere");
	buf_put(&der, "", 1);
	refused(buf_bytes(&der), Q_PROTO, "trailing bytes", "a byte more");
	der.len--;
	for (size_t n = 0; n < 8 * der.len; n++) {
		der.p[n / 8] ^= (uint8_t)(1u << n % 8);
		accepted += parse_and_verify(buf_bytes(&der), NULL) == Q_OK;
		der.p[n / 8] ^= (uint8_t)(1u << n % 8);
	}
	is_int((long long)accepted, 0, "any bit changed");
	buf_put(&bad, der.p, der.len);
	bad.p[csr.cn.p - der.p] ^= 1;
	refused(buf_bytes(&bad), Q_SIGNATURE, "does not verify", "other name");
	buf_reset(&bad);
	buf_put(&bad, der.p, der.len);
	bad.p[csr.info.p - der.p + 5] = 0x01;
	refused(buf_bytes(&bad), Q_PROTO, "version", "version 1");
	bad.p[csr.info.p - der.p + 5] = 0xff;
	refused(buf_bytes(&bad), Q_PROTO, "version", "version -1");
	buf_reset(&bad);
	buf_put(&bad, der.p, der.len);
	spki = (size_t)(csr.key.point.p - der.p);
	bad.p[spki + 64] ^= 1;
	refused(buf_bytes(&bad), Q_INVALID, "not a point on P-256",
	    "off the curve");
	bad.p[spki] = 6;
	refused(buf_bytes(&bad), Q_INVALID, "uncompressed", "hybrid point");
	buf_reset(&bad);
	buf_puts(&bad, "0\x84\xff\xff\xff\xff");
	refused(buf_bytes(&bad), Q_PROTO, "not DER", "length of 4 GiB");
	buf_reset(&bad);
	while (bad.len < CSR_DER_MAX + 1)
		buf_put(&bad, "0", 1);
	refused(buf_bytes(&bad), Q_TOOBIG, "8193 bytes, at most 8192", "big");
	bad.len--;
	refused(buf_bytes(&bad), Q_PROTO, "not DER", "deep");
	EVP_PKEY_free(key);
}

static void
test_keys(void)
{
	static const struct {
		const char *kind;
		enum q_err want;
		const char *words;
	} rows[] = {
		{ "P-384", Q_INVALID, "neither on the named curve P-256" },
		{ "RSA-1024", Q_INVALID, "has 1024 bits, must have 2048" },
		{ "RSA-2048", Q_OK, "" },
		{ "RSA-3072", Q_OK, "" },
	};
	AUTO_BUF struct buf der = BUF_INIT(65536);
	EVP_PKEY *key = make_key("P-256");

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		EVP_PKEY *other = make_key(rows[i].kind);

		make_csr(other, EVP_sha256(), NULL, NULL, &der);
		refused(buf_bytes(&der), rows[i].want, rows[i].words,
		    rows[i].kind);
		EVP_PKEY_free(other);
	}
	EVP_PKEY_set_utf8_string_param(key, "point-format", "compressed");
	make_csr(key, EVP_sha256(), NULL, NULL, &der);
	refused(buf_bytes(&der), Q_INVALID, "compressed", "compressed point");
	EVP_PKEY_set_utf8_string_param(key, "point-format", "uncompressed");
	make_csr(key, EVP_sha1(), NULL, NULL, &der);
	refused(buf_bytes(&der), Q_INVALID, "algorithm", "SHA-1");
	EVP_PKEY_free(key);
}

/* RSA-PSS by a plain RSA key, as X509_REQ_sign_ctx makes it. */
static void
test_pss(void)
{
	EVP_PKEY *key = make_key("RSA-2048");
	X509_REQ *req = X509_REQ_new();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	EVP_PKEY_CTX *pctx;
	uint8_t *der = NULL;
	int len;

	X509_REQ_set_pubkey(req, key);
	EVP_DigestSignInit(ctx, &pctx, EVP_sha256(), NULL, key);
	EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING);
	EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST);
	X509_REQ_sign_ctx(req, ctx);
	len = i2d_X509_REQ(req, &der);
	refused((struct bytes){ der, (size_t)len }, Q_OK, "", "RSA-PSS");
	OPENSSL_free(der);
	EVP_MD_CTX_free(ctx);
	X509_REQ_free(req);
	EVP_PKEY_free(key);
}

/* A request captured from libest, base64; and the DeviceID of a key whose
 * sha256sum of `openssl pkey -pubout -outform DER` is known. */
static void
test_captured(void)
{
	static const char libest[] =
	    "MIHJMHICAQAwEDEOMAwGA1UEAxMFZGV2NzcwWTATBgcqhkjOPQIBBggqhkjOPQMB\n"
	    "BwNCAAT4bqnKMOsPnWXXdD84gL2JVlzQZoBLslZ287/yWAmej4U94COioHqy08Sy\n"
	    "M+POR34k+ynpM7SZkmgFSBCj882EoAAwCgYIKoZIzj0EAwIDRwAwRAIgC2mBBEoo\n"
	    "bF9DJdhiBMjKR50VuOU2W4aJktJ8mJQiZE0CIEvD2DpsLpz/Cf6aunuGLKaMxf9S\n"
	    "NYKEdT4QOtOyKGwA\n";
	AUTO_BUF struct buf der = BUF_INIT(CSR_DER_MAX);
	struct csr csr;

	if (b64_decode(&der, libest, sizeof(libest) - 1) != Q_OK)
		die("base64");
	is_int(csr_parse(buf_bytes(&der), &csr, NULL), Q_OK, "libest's");
	is_int(csr_verify(&csr, NULL), Q_OK, "libest's verifies");
	is_str(csr.device_id, "188504332afbaf4897d60ba48a102457"
	    "eee44c523c9d5c86b613a4eef7288658", "its DeviceID");
}

static void
test_attrs(void)
{
	AUTO_BUF struct buf text = BUF_INIT(256);

	b64_encode(&text, csr_attrs(false).p, csr_attrs(false).len, 0);
	is_str((char *)text.p,
	    "MCEwFQYHKoZIzj0CATEKBggqhkjOPQMBBwYIKoZIzj0EAwI=", "csrattrs");
	buf_reset(&text);
	b64_encode(&text, csr_attrs(true).p, csr_attrs(true).len, 0);
	is_str((char *)text.p, "MCwGCSqGSIb3DQEJBzAVBgcqhkjOPQIBMQoGCCqGSM49"
	    "AwEHBggqhkjOPQQDAg==", "csrattrs that asks to bind");
}

int
main(void)
{
	test_good("P-256", EVP_sha256(), SIG_ECDSA_SHA256);
	test_good("RSA-3072", EVP_sha256(), SIG_RSA_PKCS1_SHA256);
	test_good("RSA-2048", EVP_sha512(), SIG_RSA_PKCS1_SHA512);
	test_broken();
	test_keys();
	test_pss();
	test_captured();
	test_attrs();
	return done();
}
