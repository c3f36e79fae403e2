// SPDX-License-Identifier: Apache-2.0
/*
 * Certificates: every kind is built, checked, signed, parsed and accepted by
 * OpenSSL in its strict mode; then each thing in it is changed, and the check
 * must name the rule. With a directory as argument it leaves the
 * certificates there as PEM, for linters.
 */
#include "config.h"

#include <openssl/x509v3.h>
#include <stdlib.h>

#include "base/own.h"
#include "tap.h"
#include "x509-make.h"
#include "x509/cert_parse.h"
#include "x509/crl.h"
#include "x509/der.h"
#include "x509/pem.h"

static struct party root, ca, tls, tls_rsa, device, device_rsa, rsa_root,
    responder, cmp, link_cert, stranger;

static X509 *
openssl_cert(const struct party *p)
{
	const uint8_t *at = p->cert.p;
	X509 *x = d2i_X509(NULL, &at, (long)p->cert.len);

	if (x == NULL || at != p->cert.p + p->cert.len)
		die("OpenSSL cannot read the certificate");
	return x;
}

/* X509_verify_cert with every strictness there is; its error code. */
static int
openssl_verdict(const struct party *leaf, const struct party *middle,
    const struct party *anchor, int purpose, time_t when)
{
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	STACK_OF(X509) *chain = sk_X509_new_null();
	X509 *x = openssl_cert(leaf), *a = openssl_cert(anchor);
	int verdict;

	X509_STORE_add_cert(store, a);
	if (middle != NULL)
		sk_X509_push(chain, openssl_cert(middle));
	if (!X509_STORE_CTX_init(ctx, store, x, chain))
		die("X509_STORE_CTX_init");
	X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(ctx);
	X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_X509_STRICT |
	    X509_V_FLAG_CHECK_SS_SIGNATURE);
	X509_VERIFY_PARAM_set_time(param, when);
	X509_STORE_CTX_set_purpose(ctx, purpose);
	verdict = X509_verify_cert(ctx) == 1 ? X509_V_OK :
	    X509_STORE_CTX_get_error(ctx);
	X509_free(x);
	X509_free(a);
	sk_X509_pop_free(chain, X509_free);
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	return verdict;
}

static void
test_openssl_accepts(void)
{
	X509 *x = openssl_cert(&tls);

	is_int(openssl_verdict(&root, NULL, &root, X509_PURPOSE_ANY, NOW),
	    X509_V_OK, "root");
	is_int(openssl_verdict(&ca, NULL, &root, X509_PURPOSE_ANY, NOW),
	    X509_V_OK, "issuing CA");
	is_int(openssl_verdict(&device, &ca, &root, X509_PURPOSE_SSL_CLIENT,
	    NOW), X509_V_OK, "device as TLS client");
	is_int(openssl_verdict(&device_rsa, &ca, &root,
	    X509_PURPOSE_SSL_CLIENT, NOW), X509_V_OK, "RSA device");
	is_int(openssl_verdict(&tls, NULL, &root, X509_PURPOSE_SSL_SERVER,
	    NOW), X509_V_OK, "TLS server");
	is_int(openssl_verdict(&tls_rsa, NULL, &rsa_root,
	    X509_PURPOSE_SSL_SERVER, NOW), X509_V_OK, "RSA server, RSA root");
	is_int(openssl_verdict(&responder, &ca, &root,
	    X509_PURPOSE_OCSP_HELPER, NOW), X509_V_OK, "OCSP responder");
	is_int(openssl_verdict(&cmp, NULL, &root, X509_PURPOSE_ANY, NOW),
	    X509_V_OK, "CMP server");
	is_int(openssl_verdict(&link_cert, NULL, &root, X509_PURPOSE_ANY,
	    NOW), X509_V_OK, "another root of the same Name");
	is_int(openssl_verdict(&device, &ca, &root, X509_PURPOSE_SSL_SERVER,
	    NOW), X509_V_ERR_INVALID_PURPOSE, "device as server");
	is_int(openssl_verdict(&device, &ca, &root, X509_PURPOSE_SSL_CLIENT,
	    NOW + 366 * DAY), X509_V_ERR_CERT_HAS_EXPIRED, "a year later");
	is_int(openssl_verdict(&stranger, &device, &root,
	    X509_PURPOSE_SSL_CLIENT, NOW),
	    X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "no chain");
	ok(X509_check_host(x, "quoin.example", 0, 0, NULL) == 1 &&
	    X509_check_ip_asc(x, "192.0.2.7", 0) == 1 &&
	    X509_check_ip_asc(x, "2001:db8::7", 0) == 1 &&
	    X509_check_host(x, "other.example", 0, 0, NULL) == 0,
	    "names of the TLS certificate");
	X509_free(x);
}

static void
test_parse(void)
{
	struct cert c;
	struct bytes rest;
	struct fault f = { 0 };
	bool critical;
	uint8_t eku[] = { 0x55, 0x1d, 0x25 };
	char id[65] = "";

	is_int(cert_parse(buf_bytes(&device.cert), &c, &f), Q_OK, "%s",
	    "device certificate parses");
	memcpy(id, c.cn.p, c.cn.len < 65 ? c.cn.len : 64);
	is_str(id, device.device_id, "CN is the DeviceID");
	ok(c.not_before == NOW - 3600 && c.not_after == NOW + 365 * DAY,
	    "dates");
	ok(!c.is_ca && c.key_usage == CERT_KU_DIGITAL_SIGNATURE &&
	    c.version == 3 && !c.self_issued && c.serial.len == 16, "leaf");
	ok(bytes_equal(c.aki, ski_of(&ca)) &&
	    bytes_equal(c.ski, ski_of(&device)), "key identifiers");
	ok(cert_extension(&c, (struct bytes){ eku, 3 }, &critical, &rest) &&
	    !critical && rest.len == 12, "an extension by its OID");
	is_int(cert_verify_signature(&c, buf_bytes(&ca.spki), &f), Q_OK,
	    "signed by the CA");
	is_int(cert_verify_signature(&c, buf_bytes(&root.spki), &f),
	    Q_SIGNATURE, "not signed by the root");
	is_str(f.msg, "certificate is not signed by its issuer's key",
	    "and so it says");
	is_int(cert_parse(buf_bytes(&root.cert), &c, &f), Q_OK, "root");
	ok(c.is_ca && c.path_len == -1 && c.self_issued &&
	    c.not_after == NOW + 30 * 365 * DAY, "root's facts");
	is_int(cert_parse(buf_bytes(&ca.cert), &c, &f), Q_OK, "issuing CA");
	ok(c.is_ca && c.path_len == 0 && c.key_usage ==
	    (CERT_KU_KEY_CERT_SIGN | CERT_KU_CRL_SIGN), "issuing CA's facts");
	for (size_t n = 0; n < device.cert.len; n++)
		if (cert_parse((struct bytes){ device.cert.p, n }, &c, NULL) !=
		    Q_PROTO) {
			ok(0, "cut to %zu bytes", n);
			return;
		}
	ok(1, "cut anywhere it is no certificate");
}

/* Changes that OpenSSL makes in a certificate of ours. */
static void
swap_ext(X509 *x, int nid, const char *value)
{
	int at = X509_get_ext_by_NID(x, nid, -1);
	X509_EXTENSION *ext;

	if (at >= 0)
		X509_EXTENSION_free(X509_delete_ext(x, at));
	if (value == NULL)
		return;
	ext = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	if (ext == NULL || !X509_add_ext(x, ext, -1))
		die(value);
	X509_EXTENSION_free(ext);
}

static void
set_critical(X509 *x, int nid, int critical)
{
	int at = X509_get_ext_by_NID(x, nid, -1);

	X509_EXTENSION_set_critical(X509_get_ext(x, at), critical);
	X509_add_ext(x, X509_get_ext(x, at), -1);
	X509_EXTENSION_free(X509_delete_ext(x, at));
}

static void m_none(X509 *x) { (void)x; }
static void m_version(X509 *x) { X509_set_version(x, 0); }
static void
m_serial(X509 *x)
{
	ASN1_INTEGER_set(X509_get_serialNumber(x), 7);
}
static void
m_serial_negative(X509 *x)
{
	X509_get_serialNumber(x)->type = V_ASN1_NEG_INTEGER;
}
static void
m_serial_other(X509 *x)
{
	X509_get_serialNumber(x)->data[9] ^= 1;
}
static void
m_issuer(X509 *x)
{
	X509_NAME_add_entry_by_txt(X509_get_issuer_name(x), "CN", MBSTRING_ASC,
	    (const uint8_t *)"x", 1, -1, 0);
}
static void
m_subject(X509 *x)
{
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "O", MBSTRING_ASC,
	    (const uint8_t *)"x", 1, -1, 0);
}
static void
m_subject_other(X509 *x)
{
	X509_NAME *n = X509_NAME_new();

	X509_NAME_add_entry_by_NID(n, NID_commonName, V_ASN1_UTF8STRING,
	    (const uint8_t *)stranger.device_id, 64, -1, 0);
	X509_set_subject_name(x, n);
	X509_NAME_free(n);
}
static void
m_key(X509 *x)
{
	X509_set_pubkey(x, stranger.key);
}
static void
m_future(X509 *x)
{
	ASN1_TIME_set(X509_getm_notBefore(x), NOW + 60);
}
static void
m_old(X509 *x)
{
	ASN1_TIME_set(X509_getm_notBefore(x), NOW - 3601);
}
static void
m_late(X509 *x)
{
	ASN1_TIME_set(X509_getm_notAfter(x), NOW + 365 * DAY + 1);
}
static void
m_over(X509 *x)
{
	ASN1_TIME_set(X509_getm_notAfter(x), NOW - 1);
}
static void
m_ca(X509 *x)
{
	swap_ext(x, NID_basic_constraints, "critical,CA:TRUE");
}
static void
m_leaf(X509 *x)
{
	swap_ext(x, NID_basic_constraints, "critical,CA:FALSE");
}
static void m_no_bc(X509 *x) { swap_ext(x, NID_basic_constraints, NULL); }
static void m_bc_soft(X509 *x) { set_critical(x, NID_basic_constraints, 0); }
static void
m_path(X509 *x)
{
	swap_ext(x, NID_basic_constraints, "critical,CA:TRUE,pathlen:1");
}
static void
m_ku(X509 *x)
{
	swap_ext(x, NID_key_usage, "critical,digitalSignature,keyCertSign");
}
static void m_no_ku(X509 *x) { swap_ext(x, NID_key_usage, NULL); }
static void
m_eku(X509 *x)
{
	swap_ext(x, NID_ext_key_usage, "clientAuth,serverAuth");
}
static void
m_eku_any(X509 *x)
{
	swap_ext(x, NID_ext_key_usage, "anyExtendedKeyUsage");
}
static void m_eku_crit(X509 *x) { set_critical(x, NID_ext_key_usage, 1); }
static void
m_ski(X509 *x)
{
	swap_ext(x, NID_subject_key_identifier, "00:01:02");
}
static void
m_aki(X509 *x)
{
	int at = X509_get_ext_by_NID(x, NID_authority_key_identifier, -1);

	ASN1_STRING_get0_data(X509_EXTENSION_get_data(X509_get_ext(x, at)));
	X509_EXTENSION_get_data(X509_get_ext(x, at))->data[8] ^= 1;
	X509_add_ext(x, X509_get_ext(x, at), -1);
	X509_EXTENSION_free(X509_delete_ext(x, at));
}
static void
m_crldp(X509 *x)
{
	swap_ext(x, NID_crl_distribution_points, "URI:http://evil.example/");
}
static void m_no_crldp(X509 *x)
{
	swap_ext(x, NID_crl_distribution_points, NULL);
}
static void
m_aia(X509 *x)
{
	swap_ext(x, NID_info_access, "OCSP;URI:http://evil.example/");
}
static void
m_san(X509 *x)
{
	swap_ext(x, NID_subject_alt_name, "DNS:evil.example");
}
static void
m_san_more(X509 *x)
{
	swap_ext(x, NID_subject_alt_name, "DNS:quoin.example,IP:192.0.2.7,"
	    "IP:2001:db8::7,DNS:evil.example");
}
static void
m_unknown(X509 *x)
{
	swap_ext(x, NID_netscape_comment, "hello");
}
static void
m_twice(X509 *x)
{
	X509_add_ext(x, X509_get_ext(x, 0), -1);
}

static void
m_no_check(X509 *x)
{
	swap_ext(x, NID_id_pkix_OCSP_noCheck, "DER:05:01:00");
}
static void
m_no_no_check(X509 *x)
{
	swap_ext(x, NID_id_pkix_OCSP_noCheck, NULL);
}

#define K_ROOT CERT_ROOT, &root, &root
#define K_CA CERT_ISSUING, &ca, &root
#define K_TLS CERT_TLS, &tls, &root
#define K_DEVICE CERT_DEVICE, &device, &ca
#define K_OCSP CERT_OCSP, &responder, &ca
#define K_CMP CERT_CMP, &cmp, &root
#define K_LINK CERT_LINK, &link_cert, &root

static const struct mutation {
	enum cert_kind kind;
	struct party *subject, *issuer;
	const char *name;
	void (*change)(X509 *);
	const char *rule;	/* "": accepted */
} mutations[] = {
	{ K_ROOT, "root as it is", m_none, "" },
	{ K_CA, "CA as it is", m_none, "" },
	{ K_TLS, "TLS as it is", m_none, "" },
	{ K_DEVICE, "device as it is", m_none, "" },
	{ K_OCSP, "responder as it is", m_none, "" },
	{ K_CMP, "CMP as it is", m_none, "" },
	{ K_LINK, "link as it is", m_none, "" },
	{ K_DEVICE, "version", m_version, "version is not 3" },
	{ K_DEVICE, "short serial", m_serial, "serial number is not a pos" },
	{ K_DEVICE, "negative serial", m_serial_negative,
	    "serial number is not a pos" },
	{ K_DEVICE, "other serial", m_serial_other,
	    "serial number is not the expected" },
	{ K_DEVICE, "issuer", m_issuer, "issuer is not" },
	{ K_DEVICE, "subject with more", m_subject, "not a DeviceID alone" },
	{ K_DEVICE, "other DeviceID", m_subject_other, "another DeviceID" },
	{ K_DEVICE, "other key", m_key, "public key is not the expected" },
	{ K_DEVICE, "from the future", m_future, "notBefore is in the fut" },
	{ K_DEVICE, "backdated", m_old, "notBefore is too long ago" },
	{ K_DEVICE, "too long", m_late, "lifetime is over the cap" },
	{ K_DEVICE, "over", m_over, "notAfter is in the past" },
	{ K_DEVICE, "made a CA", m_ca, "basicConstraints is not what" },
	{ K_DEVICE, "no constraints", m_no_bc, "basicConstraints is missing" },
	{ K_DEVICE, "soft constraints", m_bc_soft,
	    "basicConstraints is not critical" },
	{ K_DEVICE, "key usage", m_ku, "keyUsage is not what" },
	{ K_DEVICE, "no key usage", m_no_ku, "keyUsage is missing" },
	{ K_DEVICE, "two purposes", m_eku, "extKeyUsage is not what" },
	{ K_DEVICE, "any purpose", m_eku_any, "extKeyUsage is not what" },
	{ K_DEVICE, "critical purpose", m_eku_crit, "extKeyUsage is critic" },
	{ K_DEVICE, "SKI", m_ski, "subjectKeyIdentifier is not what" },
	{ K_DEVICE, "AKI", m_aki, "authorityKeyIdentifier is not what" },
	{ K_DEVICE, "CRLDP", m_crldp, "cRLDistributionPoints is not what" },
	{ K_DEVICE, "no CRLDP", m_no_crldp, "cRLDistributionPoints is miss" },
	{ K_DEVICE, "AIA", m_aia, "authorityInfoAccess is not what" },
	{ K_DEVICE, "with SAN", m_san, "subjectAltName is there twice or" },
	{ K_DEVICE, "unknown extension", m_unknown, "does not know" },
	{ K_DEVICE, "doubled extension", m_twice, "is there twice or" },
	{ K_TLS, "other name", m_san, "subjectAltName is not what" },
	{ K_TLS, "one name more", m_san_more, "subjectAltName is not what" },
	{ K_TLS, "subject", m_subject, "subject is not the expected" },
	{ K_TLS, "made a CA", m_ca, "basicConstraints is not what" },
	{ K_TLS, "client purpose", m_eku, "extKeyUsage is not what" },
	{ K_CA, "longer path", m_path, "basicConstraints is not what" },
	{ K_CA, "no path limit", m_ca, "basicConstraints is not what" },
	{ K_CA, "made a leaf", m_leaf, "basicConstraints is not what" },
	{ K_CA, "key usage", m_ku, "keyUsage is not what" },
	{ K_CA, "with a purpose", m_eku, "extKeyUsage is there twice or" },
	{ K_CA, "AKI", m_aki, "authorityKeyIdentifier is not what" },
	{ K_OCSP, "without nocheck", m_no_no_check, "ocsp-nocheck is missing" },
	{ K_OCSP, "nocheck that says more", m_no_check, "ocsp-nocheck is not" },
	{ K_OCSP, "client purpose", m_eku, "extKeyUsage is not what" },
	{ K_OCSP, "key usage", m_ku, "keyUsage is not what" },
	{ K_OCSP, "made a CA", m_ca, "basicConstraints is not what" },
	{ K_CMP, "client purpose", m_eku, "extKeyUsage is not what" },
	{ K_CMP, "with nocheck", m_no_check, "ocsp-nocheck is there twice" },
	{ K_CMP, "made a CA", m_ca, "basicConstraints is not what" },
	{ K_LINK, "AKI", m_aki, "authorityKeyIdentifier is not what" },
	{ K_LINK, "made a leaf", m_leaf, "basicConstraints is not what" },
	{ K_LINK, "with a purpose", m_eku, "extKeyUsage is there twice or" },
	{ K_LINK, "key", m_key, "public key is not the expected" },
	{ K_LINK, "subject", m_subject, "subject is not the expected" },
	{ K_ROOT, "other issuer", m_issuer, "issuer is not" },
	{ K_ROOT, "made a leaf", m_leaf, "basicConstraints is not what" },
	{ K_ROOT, "with CRLDP", m_crldp, "is there twice or must not" },
	{ K_ROOT, "key", m_key, "public key is not the expected" },
};

static void
test_mutations(void)
{
	for (size_t i = 0; i < ARRAY_LEN(mutations); i++) {
		const struct mutation *m = &mutations[i];
		struct cert_expect want = expect_for(m->kind, m->subject,
		    m->issuer);
		X509 *x = openssl_cert(m->subject);
		struct fault f = { 0 };
		uint8_t *der = NULL;
		enum q_err e;
		int len;

		m->change(x);
		len = i2d_re_X509_tbs(x, &der);
		e = cert_check_tbs((struct bytes){ der, (size_t)len }, &want,
		    &f);
		ok((e == Q_OK) == (m->rule[0] == '\0') &&
		    strstr(f.msg, m->rule) != NULL, "%s %u: %s (%s)",
		    "kind", m->kind, m->name, f.msg);
		OPENSSL_free(der);
		X509_free(x);
	}
}

/* Expectations that a good device certificate does not meet. */
static void
test_expectations(void)
{
	AUTO_BUF struct buf tbs = BUF_INIT(CERT_DER_MAX);
	AUTO_BUF struct buf rsa = BUF_INIT(CERT_DER_MAX);
	struct cert_expect good = expect_for(CERT_DEVICE, &device, &ca), w;
	struct fault f;
	struct cert c;
	size_t date;

	device_tbs(&device, &ca, &tbs);
	device_tbs(&device_rsa, &ca, &rsa);
	w = good;
	w.issuer_not_after = NOW + 365 * DAY - 1;
	is_int(cert_check_tbs(buf_bytes(&tbs), &w, &f), Q_INVALID, "outlives");
	is_str(f.msg, "certificate refused: notAfter is after the issuer's",
	    "never outlives its issuer");
	w = good;
	w.issuer_not_before = NOW;
	is_int(cert_check_tbs(buf_bytes(&tbs), &w, &f), Q_INVALID, "older");
	w = good;
	w.alg = SIG_RSA_PKCS1_SHA256;
	is_int(cert_check_tbs(buf_bytes(&tbs), &w, &f), Q_INVALID, "alg");
	w = good;
	w.urls.ocsp = "http://quoin.example:6080/ocsp";
	is_int(cert_check_tbs(buf_bytes(&tbs), &w, &f), Q_INVALID, "no OCSP");
	w = expect_for(CERT_DEVICE, &device_rsa, &ca);
	is_int(cert_check_tbs(buf_bytes(&rsa), &w, &f), Q_OK, "RSA-3072");
	w.rsa_min_bits = 4096;
	is_int(cert_check_tbs(buf_bytes(&rsa), &w, &f), Q_INVALID, "short");
	is_str(f.msg, "certificate refused: RSA key is too short", "says so");
	w.rsa_min_bits = 0;
	is_int(cert_check_tbs(buf_bytes(&rsa), &w, &f), Q_INVALID, "no RSA");
	for (size_t n = 0; n < tbs.len; n++)
		if (cert_check_tbs((struct bytes){ tbs.p, n }, &good, NULL) !=
		    Q_PROTO) {
			ok(0, "cut to %zu bytes", n);
			return;
		}
	ok(1, "cut anywhere it is refused");
	/* the dates (32 octets behind the issuer) may become others that fit
	 * as well; nothing else may change at all */
	if (cert_parse(buf_bytes(&device.cert), &c, NULL) != Q_OK)
		die("device certificate does not parse");
	date = (size_t)(c.issuer.p + c.issuer.len - c.tbs.p);
	for (size_t n = 0; n < 8 * tbs.len; n++) {
		enum q_err e;

		tbs.p[n / 8] ^= (uint8_t)(1u << n % 8);
		e = cert_check_tbs(buf_bytes(&tbs), &good, NULL);
		tbs.p[n / 8] ^= (uint8_t)(1u << n % 8);
		if (e == Q_OK && (n / 8 < date || n / 8 >= date + 32)) {
			ok(0, "bit %zu changed", n);
			return;
		}
	}
	ok(1, "not one bit can be changed");
}

/* What the builder refuses by itself. */
static void
test_builder(void)
{
	AUTO_BUF struct buf out = BUF_INIT(CERT_DER_MAX);
	struct cert_spec s = spec_for(CERT_TLS, &tls, &root), bad;
	static const char *const names[][1] = { { "a b" }, { "-a.example" },
		{ "a..b" }, { "1.2.3.4.5" }, { "300.1.1.1" }, { "" },
		{ "*.example" }, { "a-.example" }, { "ex\nample" } };
	struct fault f;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		bad = s;
		bad.names = names[i];
		bad.n_names = 1;
		is_int(cert_build(CERT_TLS, &bad, &out, &f), Q_INVALID,
		    "name %zu", i);
	}
	bad = s;
	bad.serial[0] = 0x80;
	is_int(cert_build(CERT_TLS, &bad, &out, &f), Q_INVALID, "serial");
	bad = s;
	bad.not_after = bad.not_before;
	is_int(cert_build(CERT_TLS, &bad, &out, &f), Q_INVALID, "dates");
	bad = s;
	bad.urls.crl = "ftp://quoin.example/";
	is_int(cert_build(CERT_TLS, &bad, &out, &f), Q_INVALID, "URL");
	bad = s;
	bad.n_names = 0;
	is_int(cert_build(CERT_TLS, &bad, &out, &f), Q_INVALID, "no names");
	bad = s;
	bad.not_after = INT64_C(300000000000);
	is_int(cert_build(CERT_TLS, &bad, &out, &f), Q_INVALID, "year 11476");
	is_int((long long)out.len, 0, "nothing was put");
}

int
main(int argc, char **argv)
{
	const struct {
		struct party *p;
		const char *key, *cn, *file;
		enum cert_kind kind;
		struct party *issuer;
	} all[] = {
		{ &root, "P-256", "Test OEM Root", "root", CERT_ROOT, &root },
		{ &rsa_root, "RSA-4096", "Test RSA Root", "rsa-root",
		    CERT_ROOT, &rsa_root },
		{ &ca, "P-256", "Issuing CA of a policy", "issuing",
		    CERT_ISSUING, &root },
		{ &tls, "P-256", "quoin.example", "tls", CERT_TLS, &root },
		{ &tls_rsa, "RSA-3072", "quoin.example", "tls-rsa", CERT_TLS,
		    &rsa_root },
		{ &device, "P-256", NULL, "device", CERT_DEVICE, &ca },
		{ &device_rsa, "RSA-3072", NULL, "device-rsa", CERT_DEVICE,
		    &ca },
		{ &responder, "P-256", "Responder", "ocsp", CERT_OCSP, &ca },
		{ &cmp, "P-256", "CMP", "cmp", CERT_CMP, &root },
		/* another key of the root's Name */
		{ &link_cert, "P-256", "Test OEM Root", "link", CERT_LINK,
		    &root },
		{ &stranger, "P-256", "Stranger", "stranger", CERT_ROOT,
		    &stranger },
	};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		party_make(all[i].p, all[i].key, all[i].cn);
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		issue(all[i].kind, all[i].p, all[i].issuer);
		if (argc > 1 && all[i].p != &stranger)
			leave_pem(argv[1], all[i].file, PEM_CERTIFICATE,
			    buf_bytes(&all[i].p->cert));
	}
	/* a leaf under a leaf */
	buf_reset(&stranger.cert);
	issue(CERT_TLS, &stranger, &stranger);
	test_openssl_accepts();
	test_parse();
	test_mutations();
	test_expectations();
	test_builder();
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		party_free(all[i].p);
	return done();
}
