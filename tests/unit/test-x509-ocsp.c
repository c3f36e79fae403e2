// SPDX-License-Identifier: Apache-2.0
/* OCSP: requests that OpenSSL makes are read, responses are believed by
 * OpenSSL; what is not as expected is not signed. */
#include "config.h"

#include <openssl/ocsp.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "tap.h"
#include "x509-make.h"
#include "x509/der_write.h"
#include "x509/ocsp.h"

static struct party root, ca, other, device, responder;
static struct ocsp_issuer issuer_ids, other_ids, responder_ids;
static X509 *x_ca, *x_device, *x_responder, *x_root;

static X509 *
x509_of(const struct party *p)
{
	const uint8_t *at = p->cert.p;
	X509 *x = d2i_X509(NULL, &at, (long)p->cert.len);

	if (x == NULL)
		die("no certificate");
	return x;
}

/* A delegated responder (RFC 6960 4.2.2.2), made by OpenSSL. */
static X509 *
responder_make(void)
{
	X509 *x = X509_new();
	X509_EXTENSION *eku = X509V3_EXT_nconf_nid(NULL, NULL,
	    NID_ext_key_usage, "OCSPSigning");
	uint8_t *der = NULL;
	int len;

	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(x), 4711);
	X509_set_issuer_name(x, X509_get_subject_name(x_ca));
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN",
	    MBSTRING_ASC, (const uint8_t *)"responder", -1, -1, 0);
	ASN1_TIME_set(X509_getm_notBefore(x), NOW - 3600);
	ASN1_TIME_set(X509_getm_notAfter(x), NOW + 30 * DAY);
	X509_set_pubkey(x, responder.key);
	X509_add_ext(x, eku, -1);
	X509_EXTENSION_free(eku);
	if (X509_sign(x, ca.key, EVP_sha256()) == 0)
		die("responder is not signed");
	len = i2d_X509(x, &der);
	buf_put(&responder.cert, der, (size_t)len);
	OPENSSL_free(der);
	return x;
}

static void
ids_of(const struct party *p, struct ocsp_issuer *ret_ids)
{
	struct pubkey key;

	if (pubkey_parse(buf_bytes(&p->spki), &key, NULL) != Q_OK)
		die("key");
	ocsp_issuer_of(buf_bytes(&p->name), &key, ret_ids);
}

static void
pki_make(void)
{
	party_make(&root, "P-256", "Root");
	party_make(&ca, "P-256", "Issuing");
	party_make(&other, "P-256", "Other");
	party_make(&device, "P-256", NULL);
	party_make(&responder, "P-256", "responder");
	issue(CERT_ROOT, &root, &root);
	issue(CERT_ISSUING, &ca, &root);
	issue(CERT_DEVICE, &device, &ca);
	x_root = x509_of(&root);
	x_ca = x509_of(&ca);
	x_device = x509_of(&device);
	x_responder = responder_make();
	ids_of(&ca, &issuer_ids);
	ids_of(&other, &other_ids);
	ids_of(&responder, &responder_ids);
}

static struct bytes
serial_of_device(void)
{
	static uint8_t serial[CERT_SERIAL_LEN];

	make_serial(CERT_DEVICE, serial);
	return (struct bytes){ serial, sizeof(serial) };
}

/* --- requests ----------------------------------------------------------- */

static OCSP_REQUEST *
openssl_request(const EVP_MD *md, int n, int nonce)
{
	OCSP_REQUEST *rq = OCSP_REQUEST_new();

	for (int i = 0; i < n; i++)
		if (OCSP_request_add0_id(rq, OCSP_cert_to_id(md, x_device,
		    x_ca)) == NULL)
			die("no CertID");
	if (nonce > 0 && OCSP_request_add1_nonce(rq, NULL, nonce) != 1)
		die("no nonce");
	return rq;
}

static enum q_err
parse(OCSP_REQUEST *rq, struct ocsp_request *ret, uint8_t **ret_der)
{
	int len;

	*ret_der = NULL;
	len = i2d_OCSP_REQUEST(rq, ret_der);
	OCSP_REQUEST_free(rq);
	return ocsp_request_parse((struct bytes){ *ret_der, (size_t)len },
	    ret, NULL);
}

static void
test_requests(void)
{
	static const struct {
		const char *what;
		int n, nonce;
		size_t got; /* of the nonce */
		enum q_err want;
	} rows[] = {
		{ "one certificate", 1, 0, 0, Q_OK },
		{ "as many as may be", OCSP_CERTS_MAX, 0, 0, Q_OK },
		{ "one more", OCSP_CERTS_MAX + 1, 0, 0, Q_PROTO },
		{ "none", 0, 0, 0, Q_PROTO },
		{ "a nonce", 1, 16, 16, Q_OK },
		{ "the shortest nonce", 1, 1, 1, Q_OK },
		{ "a longer nonce", 1, 32, 32, Q_OK },
		{ "a nonce that is ignored", 1, 128, 0, Q_OK },
		{ "a nonce that is too long", 1, 129, 0, Q_PROTO },
	};
	const EVP_MD *mds[] = { EVP_sha1(), EVP_sha256(), EVP_sha512() };

	for (size_t m = 0; m < ARRAY_LEN(mds); m++) {
		for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
			struct ocsp_request rq;
			uint8_t *der;
			enum q_err r = parse(openssl_request(mds[m], rows[i].n,
			    rows[i].nonce), &rq, &der);

			is_int(r, rows[i].want, "%s, %s", rows[i].what,
			    EVP_MD_get0_name(mds[m]));
			ok(r != Q_OK || (rq.n == (size_t)rows[i].n &&
			    rq.nonce.len == rows[i].got &&
			    bytes_equal(rq.ids[0].serial, serial_of_device()) &&
			    ocsp_issuer_is(&issuer_ids, &rq.ids[0]) ==
			    (m < 2) && !ocsp_issuer_is(&other_ids,
			    &rq.ids[0])), "as asked");
			OPENSSL_free(der);
		}
	}
}

/* No beginning of a request is one. */
static void
test_request_damage(void)
{
	struct ocsp_request rq;
	uint8_t *der = NULL;
	OCSP_REQUEST *good = openssl_request(EVP_sha256(), 2, 16);
	int len, accepted = 0;

	len = i2d_OCSP_REQUEST(good, &der);
	OCSP_REQUEST_free(good);
	for (int i = 0; i < len; i++)
		accepted += ocsp_request_parse((struct bytes){ der, (size_t)i },
		    &rq, NULL) == Q_OK;
	is_int(accepted, 0, "no beginning of a request is one");
	OPENSSL_free(der);
}

/* Signed, and with the name of who asks. */
static void
test_request_signed(void)
{
	OCSP_REQUEST *rq = openssl_request(EVP_sha1(), 1, 0);
	struct ocsp_request got;
	uint8_t *der;

	if (OCSP_request_set1_name(rq, X509_get_subject_name(x_device)) != 1 ||
	    OCSP_request_sign(rq, x_device, device.key, EVP_sha256(), NULL,
	    0) != 1)
		die("request is not signed");
	is_int(parse(rq, &got, &der), Q_OK, "signature is passed over");
	OPENSSL_free(der);
	rq = openssl_request(EVP_sha1(), 1, 0);
	X509_EXTENSION *ext = X509V3_EXT_nconf_nid(NULL, NULL,
	    NID_basic_constraints, "critical,CA:TRUE");
	OCSP_REQUEST_add_ext(rq, ext, -1);
	is_int(parse(rq, &got, &der), Q_PROTO, "critical, and not known");
	OPENSSL_free(der);
	rq = openssl_request(EVP_sha1(), 1, 0);
	OCSP_ONEREQ *one = OCSP_request_onereq_get0(rq, 0);
	OCSP_ONEREQ_add_ext(one, ext, -1);
	is_int(parse(rq, &got, &der), Q_PROTO, "of a certificate, critical");
	OPENSSL_free(der);
	X509_EXTENSION_set_critical(ext, 0);
	rq = openssl_request(EVP_sha1(), 1, 0);
	OCSP_REQUEST_add_ext(rq, ext, -1);
	OCSP_ONEREQ_add_ext(OCSP_request_onereq_get0(rq, 0), ext, -1);
	is_int(parse(rq, &got, &der), Q_OK, "not critical, passed over");
	OPENSSL_free(der);
	X509_EXTENSION_free(ext);
}

/* --- responses ---------------------------------------------------------- */

static struct ocsp_spec
spec_good(const struct ocsp_single *singles, size_t n)
{
	return (struct ocsp_spec){ .issuer = &issuer_ids,
		.responder = responder_ids.key[0], .this_update = NOW,
		.next_update = NOW + DAY, .singles = singles, .n = n };
}

static struct ocsp_expect
expect_good(void)
{
	return (struct ocsp_expect){ .issuer = &issuer_ids,
		.responder = responder_ids.key[0],
		.responder_not_after = NOW + 30 * DAY, .now = NOW };
}

static struct ocsp_single
single_good(enum ocsp_form form, enum ocsp_status status)
{
	return (struct ocsp_single){ .form = form,
		.serial = serial_of_device(), .status = status,
		.revoked_at = NOW - 100, .reason = CRL_KEY_COMPROMISE };
}

static void
sign_response(const struct buf *tbs, struct buf *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[128];
	size_t len = sizeof(sig);

	if (!EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL,
	    responder.key) || EVP_DigestSign(ctx, sig, &len, tbs->p,
	    tbs->len) != 1 || ocsp_assemble(buf_bytes(tbs),
	    (struct bytes){ sig, len }, buf_bytes(&responder.cert), out) !=
	    Q_OK)
		die("response is not signed");
	EVP_MD_CTX_free(ctx);
}

/* What OpenSSL makes of it: the status, or -1 when it does not believe. */
static int
openssl_status(const struct buf *der, const EVP_MD *md, int *ret_reason)
{
	const uint8_t *at = der->p;
	OCSP_RESPONSE *rs = d2i_OCSP_RESPONSE(NULL, &at, (long)der->len);
	OCSP_BASICRESP *basic = OCSP_response_get1_basic(rs);
	OCSP_CERTID *id = OCSP_cert_to_id(md, x_device, x_ca);
	X509_STORE *store = X509_STORE_new();
	STACK_OF(X509) *chain = sk_X509_new_null();
	X509_VERIFY_PARAM *param = X509_VERIFY_PARAM_new();
	int status = -1;

	X509_VERIFY_PARAM_set_time(param, NOW);
	X509_STORE_set1_param(store, param);
	X509_STORE_add_cert(store, x_root);
	sk_X509_push(chain, x_ca);
	if (OCSP_basic_verify(basic, chain, store, 0) == 1 &&
	    OCSP_resp_find_status(basic, id, &status, ret_reason, NULL, NULL,
	    NULL) != 1)
		status = -1;
	X509_VERIFY_PARAM_free(param);
	sk_X509_free(chain);
	X509_STORE_free(store);
	OCSP_CERTID_free(id);
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(rs);
	return status;
}

static void
test_believed(void)
{
	const EVP_MD *mds[] = { EVP_sha1(), EVP_sha256() };
	struct ocsp_expect want = expect_good();

	for (unsigned form = 0; form < OCSP_FORMS; form++) {
		for (unsigned st = OCSP_GOOD; st <= OCSP_UNKNOWN; st++) {
			AUTO_BUF struct buf tbs = BUF_INIT(OCSP_TBS_MAX);
			AUTO_BUF struct buf der = BUF_INIT(OCSP_RESPONSE_MAX);
			struct ocsp_single one = single_good(form, st);
			struct ocsp_spec spec = spec_good(&one, 1);
			int reason = -1;

			is_int(ocsp_build(&spec, &tbs, NULL), Q_OK, "built");
			is_int(ocsp_check_tbs(buf_bytes(&tbs), &want, NULL),
			    Q_OK, "would be signed");
			sign_response(&tbs, &der);
			is_int(openssl_status(&der, mds[form % 2], &reason),
			    (int)st, "OpenSSL says the same");
			is_int(reason, st == OCSP_REVOKED ?
			    OCSP_REVOKED_STATUS_KEYCOMPROMISE : -1, "reason");
		}
	}
}

static void
test_many(void)
{
	AUTO_BUF struct buf tbs = BUF_INIT(OCSP_TBS_MAX);
	static const uint8_t nonce[OCSP_NONCE_MAX] = { 1 };
	struct ocsp_single many[OCSP_CERTS_MAX + 1];
	struct ocsp_spec spec = spec_good(many, OCSP_CERTS_MAX);
	struct ocsp_expect want = expect_good();

	for (size_t i = 0; i < ARRAY_LEN(many); i++)
		many[i] = single_good(OCSP_SHA256, OCSP_REVOKED);
	spec.nonce = (struct bytes){ nonce, sizeof(nonce) };
	is_int(ocsp_build(&spec, &tbs, NULL), Q_OK, "the most, built");
	is_int(ocsp_check_tbs(buf_bytes(&tbs), &want, NULL), Q_OK,
	    "the most, fits");
	spec.n++;
	is_int(ocsp_build(&spec, &tbs, NULL), Q_INVALID, "one more is not");
}

/* --- abuse -------------------------------------------------------------- */

/* The good one with something wrong, and what the refusal says. */
struct abuse {
	const char *rule;
	void (*change)(struct ocsp_spec *, struct ocsp_single *,
	    struct ocsp_expect *);
};

#define ABUSE(name, statement)                                           \
	static void                                                      \
	name(struct ocsp_spec *spec, struct ocsp_single *one,            \
	    struct ocsp_expect *want)                                    \
	{                                                                \
		(void)spec, (void)one, (void)want;                       \
		statement;                                               \
	}

ABUSE(by_other, spec->responder = other_ids.key[0])
ABUSE(of_other, spec->issuer = &other_ids)
ABUSE(too_old, spec->this_update -= OCSP_SKEW + 1)
ABUSE(too_new, spec->this_update += OCSP_SKEW + 1)
ABUSE(too_long, spec->next_update = spec->this_update + OCSP_SPAN_MAX + 1)
ABUSE(over_end, want->responder_not_after = NOW + DAY - 1)
ABUSE(is_past, spec->this_update = NOW - 60; spec->next_update = NOW)
ABUSE(later, one->status = OCSP_REVOKED; one->revoked_at = NOW + 1)
ABUSE(odd_reason, one->status = OCSP_REVOKED; one->reason = 7)

static const struct abuse abuses[] = {
	{ "responder", by_other },
	{ "another issuer", of_other },
	{ "far from now", too_old },
	{ "far from now", too_new },
	{ "longer than the cap", too_long },
	{ "after the responder's end", over_end },
	{ "in the past", is_past },
	{ "in the future", later },
	{ "reason", odd_reason },
};

static void
test_abuse(void)
{
	for (size_t i = 0; i < ARRAY_LEN(abuses); i++) {
		AUTO_BUF struct buf tbs = BUF_INIT(OCSP_TBS_MAX);
		struct ocsp_single one = single_good(OCSP_SHA1, OCSP_GOOD);
		struct ocsp_spec spec = spec_good(&one, 1);
		struct ocsp_expect want = expect_good();
		struct fault f = { 0 };

		abuses[i].change(&spec, &one, &want);
		is_int(ocsp_build(&spec, &tbs, NULL), Q_OK, "built");
		is_int(ocsp_check_tbs(buf_bytes(&tbs), &want, &f), Q_INVALID,
		    "refused: %s", abuses[i].rule);
		ok(strstr(f.msg, abuses[i].rule) != NULL, "%s", f.msg);
	}
}

/* The verdict on a good ResponseData with these parts added: a version, an
 * extension of each certificate, extensions; and so many certificates. */
static enum q_err
judge(const char *version, const char *single_ext, const char *ext,
    size_t ext_len, int singles)
{
	AUTO_BUF struct buf tbs = BUF_INIT(2 * OCSP_TBS_MAX);
	AUTO_BUF struct buf good = BUF_INIT(OCSP_TBS_MAX);
	struct ocsp_single one = single_good(OCSP_SHA1, OCSP_GOOD);
	struct ocsp_spec spec = spec_good(&one, 1);
	struct ocsp_expect want = expect_good();
	struct der outer, seq, list;
	struct bytes id, at, single;
	size_t mark, marks, m;

	if (ocsp_build(&spec, &good, NULL) != Q_OK)
		die("not built");
	outer = der_over(buf_bytes(&good));
	seq = der_enter(&outer, DER_SEQUENCE);
	id = der_get_whole(&seq, DER_CTX_CONS(2));
	at = der_get_whole(&seq, DER_GENERALIZED_TIME);
	list = der_enter(&seq, DER_SEQUENCE);
	single = der_get(&list, DER_SEQUENCE);
	mark = der_begin(&tbs, DER_SEQUENCE);
	buf_puts(&tbs, version);
	buf_put(&tbs, id.p, id.len);
	buf_put(&tbs, at.p, at.len);
	marks = der_begin(&tbs, DER_SEQUENCE);
	for (int i = 0; i < singles; i++) {
		m = der_begin(&tbs, DER_SEQUENCE);
		buf_put(&tbs, single.p, single.len);
		buf_puts(&tbs, single_ext);
		der_end(&tbs, m);
	}
	der_end(&tbs, marks);
	buf_put(&tbs, ext, ext_len);
	der_end(&tbs, mark);
	return ocsp_check_tbs(buf_bytes(&tbs), &want, NULL);
}

/* [1] Extensions { id-pkix-ocsp-nonce, OCTET STRING { v } } */
static void
put_nonce(struct buf *b, size_t len, bool critical, bool twice, uint8_t last)
{
	uint8_t oid[] = { 0x2b, 6, 1, 5, 5, 7, 0x30, 1, last };
	static const uint8_t nonce[64] = { 7 };
	size_t wrap = der_begin(b, DER_CTX_CONS(1));
	size_t list = der_begin(b, DER_SEQUENCE);

	for (int i = 0; i < 1 + twice; i++) {
		size_t ext = der_begin(b, DER_SEQUENCE), value;

		der_put(b, DER_OID, oid, sizeof(oid));
		if (critical)
			der_put_bool(b, true);
		value = der_begin(b, DER_OCTET_STRING);
		der_put(b, DER_OCTET_STRING, nonce, len);
		der_end(b, value);
		der_end(b, ext);
	}
	der_end(b, list);
	der_end(b, wrap);
}

static void
test_shapes(void)
{
	static const struct {
		const char *what;
		size_t len;
		bool critical, twice;
		uint8_t last;
		enum q_err want;
	} rows[] = {
		{ "nonce", 32, false, false, 2, Q_OK },
		{ "nonce of one octet", 1, false, false, 2, Q_OK },
		{ "empty nonce", 0, false, false, 2, Q_INVALID },
		{ "nonce that is too long", 33, false, false, 2, Q_INVALID },
		{ "critical nonce", 16, true, false, 2, Q_INVALID },
		{ "two nonces", 16, false, true, 2, Q_INVALID },
		{ "another extension", 16, false, false, 4, Q_INVALID },
	};

	is_int(judge("", "", "", 0, 1), Q_OK, "the parts are good");
	is_int(judge("", "", "", 0, OCSP_CERTS_MAX), Q_OK, "so many");
	is_int(judge("", "", "", 0, OCSP_CERTS_MAX + 1), Q_INVALID, "more");
	is_int(judge("", "", "", 0, 0), Q_INVALID, "none");
	is_int(judge("", "", "", 0, 60), Q_PROTO, "too large");
	is_int(judge("\xa0\x03\x02\x01\x01", "", "", 0, 1), Q_INVALID,
	    "another version");
	is_int(judge("", "\xa1\x06\x30\x04\x30\x02\x05", "", 0, 1), Q_PROTO,
	    "not DER");
	is_int(judge("", "\xa1\x04\x30\x02\x05\x01", "", 0, 1), Q_PROTO,
	    "not DER inside");
	is_int(judge("", "\xa1\x03\x02\x01\x01", "", 0, 1), Q_INVALID,
	    "an extension of a certificate");
	is_int(judge("", "", "\x05\x00", 2, 1), Q_INVALID, "more behind");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_BUF struct buf ext = BUF_INIT(512);

		put_nonce(&ext, rows[i].len, rows[i].critical, rows[i].twice,
		    rows[i].last);
		is_int(judge("", "", (const char *)ext.p, ext.len, 1),
		    rows[i].want, "%s", rows[i].what);
	}
}

static void
test_errors(void)
{
	uint8_t der[OCSP_ERROR_LEN];
	const uint8_t *at = der;
	OCSP_RESPONSE *rs;

	ocsp_error_make(OCSP_TRY_LATER, der);
	rs = d2i_OCSP_RESPONSE(NULL, &at, sizeof(der));
	is_int(OCSP_response_status(rs), OCSP_RESPONSE_STATUS_TRYLATER,
	    "tryLater");
	OCSP_RESPONSE_free(rs);
}

int
main(void)
{
	pki_make();
	test_requests();
	test_request_damage();
	test_request_signed();
	test_believed();
	test_many();
	test_abuse();
	test_shapes();
	test_errors();
	X509_free(x_root);
	X509_free(x_ca);
	X509_free(x_device);
	X509_free(x_responder);
	party_free(&root);
	party_free(&ca);
	party_free(&other);
	party_free(&device);
	party_free(&responder);
	return done();
}
