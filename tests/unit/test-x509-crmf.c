// SPDX-License-Identifier: Apache-2.0
/* CRMF requests: what OpenSSL's client makes is read, and what must be
 * refused is, with the reason. */
#include "config.h"

#include <openssl/cmp.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/own.h"
#include "tap.h"
#include "x509-make.h"
#include "x509/csr.h"
#include "x509/der_write.h"
#include "x509/name.h"
#include "x509/oid.h"

/* A CertReqMsg as `openssl cmp -cmd ir` makes it; bc may be NULL. */
static void
make_crmf(EVP_PKEY *key, int method, const EVP_MD *md, const char *bc,
    struct buf *out)
{
	OSSL_CMP_CTX *ctx = OSSL_CMP_CTX_new(NULL, NULL);
	X509_NAME *name = X509_NAME_new();
	X509_EXTENSIONS *exts = sk_X509_EXTENSION_new_null();
	OSSL_CRMF_MSG *msg;
	uint8_t *der = NULL;
	int len;

	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
	    (const uint8_t *)"dev77", -1, -1, 0);
	EVP_PKEY_up_ref(key);
	OSSL_CMP_CTX_set0_newPkey(ctx, 1, key);
	OSSL_CMP_CTX_set1_subjectName(ctx, name);
	OSSL_CMP_CTX_set1_issuer(ctx, name);
	OSSL_CMP_CTX_set_option(ctx, OSSL_CMP_OPT_VALIDITY_DAYS, 3);
	if (bc != NULL) {
		sk_X509_EXTENSION_push(exts, X509V3_EXT_conf_nid(NULL, NULL,
		    NID_basic_constraints, bc));
		sk_X509_EXTENSION_push(exts, X509V3_EXT_conf_nid(NULL, NULL,
		    NID_subject_alt_name, "DNS:a.example"));
		OSSL_CMP_CTX_set0_reqExtensions(ctx, exts);
	} else {
		sk_X509_EXTENSION_free(exts);
	}
	msg = OSSL_CMP_CTX_setup_CRM(ctx, 0, 0);
	if (msg == NULL || (method != OSSL_CRMF_POPO_NONE &&
	    !OSSL_CRMF_MSG_create_popo(method, msg, key, md, NULL, NULL)))
		die("OSSL_CMP_CTX_setup_CRM");
	len = i2d_OSSL_CRMF_MSG(msg, &der);
	if (len <= 0)
		die("i2d_OSSL_CRMF_MSG");
	buf_reset(out);
	buf_put(out, der, (size_t)len);
	OPENSSL_free(der);
	OSSL_CRMF_MSG_free(msg);
	X509_NAME_free(name);
	OSSL_CMP_CTX_free(ctx);
}

static enum q_err
parse_and_verify(struct bytes der, struct fault *f)
{
	struct csr csr;
	enum q_err e = csr_parse_crmf(der, &csr, f);

	return e == Q_OK ? csr_verify(&csr, f) : e;
}

static void
refused(struct bytes der, enum q_err want, const char *words, const char *what)
{
	struct fault f = { 0 };
	enum q_err e = parse_and_verify(der, &f);

	ok(e == want && strstr(f.msg, words) != NULL &&
	    strchr(f.msg, '\n') == NULL && ERR_peek_error() == 0,
	    "%s: %s (%s)", what, q_err_name(e), f.msg);
}

static void
test_good(const char *kind, const EVP_MD *md, enum sig_alg alg)
{
	AUTO_BUF struct buf der = BUF_INIT(CSR_DER_MAX);
	EVP_PKEY *key = make_key(kind);
	uint8_t *spki = NULL;
	char id[DEVICE_ID_LEN + 1];
	struct csr csr;
	struct fault f = { 0 };
	int len = i2d_PUBKEY(key, &spki);
	struct bytes own = { spki, (size_t)len };

	device_id_of(own, id);
	make_crmf(key, OSSL_CRMF_POPO_SIGNATURE, md, "CA:FALSE", &der);
	is_int(csr_parse_crmf(buf_bytes(&der), &csr, &f), Q_OK, "%s parses",
	    kind);
	is_int(csr_verify(&csr, &f), Q_OK, "%s verifies", kind);
	is_str(csr.device_id, id, "%s: DeviceID", kind);
	ok(csr.alg == alg && csr.cn.len == 5 && !csr.asks_ca &&
	    memcmp(csr.cn.p, "dev77", 5) == 0 && csr.san.len == 13 &&
	    csr.challenge.p == NULL && csr.subject.p[0] == DER_SEQUENCE &&
	    bytes_equal(csr.key.spki, own), "%s: contents", kind);
	make_crmf(key, OSSL_CRMF_POPO_SIGNATURE, md, NULL, &der);
	is_int(csr_parse_crmf(buf_bytes(&der), &csr, &f), Q_OK, "%s, bare",
	    kind);
	ok(csr.san.len == 0, "%s: nothing asked", kind);
	make_crmf(key, OSSL_CRMF_POPO_SIGNATURE, md, "critical,CA:TRUE",
	    &der);
	is_int(csr_parse_crmf(buf_bytes(&der), &csr, &f), Q_OK, "%s, CA",
	    kind);
	ok(csr.asks_ca, "%s: asks to be a CA", kind);
	OPENSSL_free(spki);
	EVP_PKEY_free(key);
}

static void
test_keys(void)
{
	static const struct {
		const char *kind;
		int method;
		enum q_err want;
		const char *words;
	} rows[] = {
		{ "P-384", OSSL_CRMF_POPO_SIGNATURE, Q_INVALID,
		    "neither on the named curve P-256" },
		{ "RSA-1024", OSSL_CRMF_POPO_SIGNATURE, Q_INVALID,
		    "has 1024 bits, must have 2048" },
		{ "P-256", OSSL_CRMF_POPO_RAVERIFIED, Q_INVALID,
		    "must be a signature by its key" },
		{ "P-256", OSSL_CRMF_POPO_NONE, Q_INVALID,
		    "must be a signature by its key" },
		{ "RSA-2048", OSSL_CRMF_POPO_KEYENC, Q_INVALID,
		    "must be a signature by its key" },
	};
	AUTO_BUF struct buf der = BUF_INIT(65536);

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		EVP_PKEY *key = make_key(rows[i].kind);

		make_crmf(key, rows[i].method, EVP_sha256(), NULL, &der);
		refused(buf_bytes(&der), rows[i].want, rows[i].words,
		    rows[i].kind);
		EVP_PKEY_free(key);
	}
}

static void
test_broken(void)
{
	EVP_PKEY *key = make_key("P-256"), *other = make_key("P-256");
	AUTO_BUF struct buf der = BUF_INIT(65536), bad = BUF_INIT(65536);
	struct csr csr;
	size_t accepted = 0;

	make_crmf(key, OSSL_CRMF_POPO_SIGNATURE, EVP_sha256(), "CA:FALSE",
	    &der);
	if (csr_parse_crmf(buf_bytes(&der), &csr, NULL) != Q_OK)
		die("own request");
	refused(buf_bytes(&bad), Q_PROTO, "not DER", "empty");
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
	while (bad.len < CSR_DER_MAX + 1)
		buf_put(&bad, "0", 1);
	refused(buf_bytes(&bad), Q_TOOBIG, "8193 bytes, at most 8192", "big");
	make_crmf(other, OSSL_CRMF_POPO_SIGNATURE, EVP_sha1(), NULL, &bad);
	refused(buf_bytes(&bad), Q_INVALID, "algorithm", "SHA-1");
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

/* Requests put together by hand, of the parts that the row names. */
enum part {
	VERSION_3 = 1, SERIAL = 2, ALG = 4, NO_SUBJECT = 8, NO_KEY = 16,
	UID = 32, LATE_ISSUER = 64, INPUT = 128, CONTROL = 256,
	ARCHIVE = 512, REG_INFO = 1024, EMPTY_EXTS = 2048, TWICE = 4096,
	OLD_VERSION = 8192, TAIL = 16384, EMPTY_CONTROLS = 32768,
	SHARED_KEY_TAG = 65536, BIG_ID = 131072, BAD_VALIDITY = 262144,
};

static void
put_names(struct buf *b, unsigned with, struct party *p)
{
	size_t m;

	if ((with & NO_SUBJECT) == 0) {
		m = der_begin(b, DER_CTX_CONS(5));
		buf_put(b, p->name.p, p->name.len);
		der_end(b, m);
	}
	if ((with & LATE_ISSUER) != 0) {
		m = der_begin(b, DER_CTX_CONS(3));
		buf_put(b, p->name.p, p->name.len);
		der_end(b, m);
	}
	if ((with & NO_KEY) == 0) {
		buf_put(b, p->spki.p, p->spki.len);
		if ((with & SHARED_KEY_TAG) == 0)
			b->p[b->len - p->spki.len] = DER_CTX_CONS(6);
	}
	if ((with & TWICE) != 0) {
		buf_put(b, p->spki.p, p->spki.len);
		b->p[b->len - p->spki.len] = DER_CTX_CONS(6);
	}
}

static void
put_template(struct buf *b, unsigned with, struct party *p)
{
	size_t tmpl = der_begin(b, DER_SEQUENCE), m;

	if ((with & (VERSION_3 | OLD_VERSION)) != 0)
		der_put(b, DER_CTX(0), with & VERSION_3 ? "\2" : "\0", 1);
	if ((with & SERIAL) != 0)
		der_put(b, DER_CTX(1), "\7", 1);
	if ((with & ALG) != 0) {
		m = der_begin(b, DER_CTX_CONS(2));
		der_put_bytes(b, DER_OID, oid_bytes(OID_RSA_ENCRYPTION));
		der_end(b, m);
	}
	if ((with & BAD_VALIDITY) != 0)
		der_put(b, DER_CTX_CONS(4), "\xa1\2\4\0", 4);
	put_names(b, with, p);
	if ((with & UID) != 0)
		der_put(b, DER_CTX(8), "\0x", 2);
	if ((with & EMPTY_EXTS) != 0)
		der_put(b, DER_CTX_CONS(9), "", 0);
	der_end(b, tmpl);
}

static void
put_attributes(struct buf *b, enum oid id)
{
	size_t seq = der_begin(b, DER_SEQUENCE), one;

	one = der_begin(b, DER_SEQUENCE);
	der_put_bytes(b, DER_OID, oid_bytes(id));
	der_put_str(b, DER_UTF8_STRING, "x");
	der_end(b, one);
	der_end(b, seq);
}

static void
put_popo(struct buf *b, unsigned with, struct party *p, struct bytes info)
{
	size_t m = der_begin(b, DER_CTX_CONS(1));
	uint8_t sig[80];
	size_t len = sizeof(sig);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, p->key) != 1 ||
	    EVP_DigestSign(ctx, sig, &len, info.p, info.len) != 1)
		die("EVP_DigestSign");
	EVP_MD_CTX_free(ctx);
	if ((with & INPUT) != 0)
		der_put(b, DER_CTX_CONS(0), "\5\0", 2);
	buf_put(b, sig_alg_der(p->alg).p, sig_alg_der(p->alg).len);
	der_put_bits(b, (struct bytes){ sig, len });
	der_end(b, m);
}

static void
put_crmf(struct buf *b, unsigned with, struct party *p)
{
	AUTO_BUF struct buf info = BUF_INIT(CSR_DER_MAX);
	size_t req = der_begin(&info, DER_SEQUENCE), msg;

	der_put_u64(&info, with & BIG_ID ? 1ULL << 31 : 0);
	put_template(&info, with, p);
	if ((with & (CONTROL | ARCHIVE)) != 0)
		put_attributes(&info, with & ARCHIVE ? OID_ARCHIVE_OPTIONS :
		    OID_SKI);
	if ((with & EMPTY_CONTROLS) != 0)
		der_put(&info, DER_SEQUENCE, "", 0);
	der_end(&info, req);
	msg = der_begin(b, DER_SEQUENCE);
	buf_put(b, info.p, info.len);
	put_popo(b, with, p, buf_bytes(&info));
	if ((with & REG_INFO) != 0)
		put_attributes(b, OID_SKI);
	if ((with & TAIL) != 0)
		der_put(b, DER_NULL, "", 0);
	der_end(b, msg);
}

static void
test_abuse(void)
{
	static const struct {
		unsigned with;
		enum q_err want;
		const char *words, *what;
	} rows[] = {
		{ 0, Q_OK, "", "nothing" },
		{ VERSION_3, Q_OK, "", "version 3" },
		{ CONTROL | REG_INFO, Q_OK, "", "controls and regInfo" },
		{ OLD_VERSION, Q_PROTO, "version", "version 1" },
		{ SERIAL, Q_PROTO, "no subject, or", "a serial number" },
		{ ALG, Q_PROTO, "no subject, or", "a signature algorithm" },
		{ NO_SUBJECT, Q_PROTO, "no subject, or", "no subject" },
		{ NO_KEY, Q_PROTO, "no public key", "no key" },
		{ SHARED_KEY_TAG, Q_PROTO, "no public key", "untagged key" },
		{ TWICE, Q_PROTO, "template", "two keys" },
		{ UID, Q_PROTO, "template", "a unique identifier" },
		{ LATE_ISSUER, Q_PROTO, "no public key", "wrong order" },
		{ EMPTY_EXTS, Q_PROTO, "extensions", "no extension" },
		{ BAD_VALIDITY, Q_PROTO, "validity", "no time" },
		{ EMPTY_CONTROLS, Q_PROTO, "controls", "no control" },
		{ BIG_ID, Q_PROTO, "certReqId", "certReqId of 2^31" },
		{ TAIL, Q_PROTO, "regInfo", "something behind" },
		{ REG_INFO | TAIL, Q_PROTO, "end", "something more behind" },
		{ INPUT, Q_INVALID, "over the request itself",
		    "poposkInput" },
		{ ARCHIVE, Q_INVALID, "not archived", "a private key" },
	};
	AUTO_BUF struct buf der = BUF_INIT(65536);
	struct party p;

	party_make(&p, "P-256", "dev");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_reset(&der);
		put_crmf(&der, rows[i].with, &p);
		refused(buf_bytes(&der), rows[i].want, rows[i].words,
		    rows[i].what);
	}
	party_free(&p);
}

/* Neither form passes as the other. */
static void
test_kinds(void)
{
	AUTO_BUF struct buf der = BUF_INIT(65536);
	EVP_PKEY *key = make_key("P-256");
	struct csr csr;

	make_crmf(key, OSSL_CRMF_POPO_SIGNATURE, EVP_sha256(), NULL, &der);
	is_int(csr_parse(buf_bytes(&der), &csr, NULL), Q_PROTO,
	    "CRMF is no PKCS #10");
	EVP_PKEY_free(key);
}

int
main(void)
{
	test_good("P-256", EVP_sha256(), SIG_ECDSA_SHA256);
	test_good("RSA-3072", EVP_sha256(), SIG_RSA_PKCS1_SHA256);
	test_good("RSA-2048", EVP_sha512(), SIG_RSA_PKCS1_SHA512);
	test_keys();
	test_broken();
	test_abuse();
	test_kinds();
	return done();
}
