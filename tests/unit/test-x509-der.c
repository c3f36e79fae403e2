// SPDX-License-Identifier: Apache-2.0
/* DER, PEM, names, keys, certs-only PKCS #7. */
#include "config.h"

#include <openssl/pkcs7.h>
#include <openssl/x509.h>

#include "base/own.h"
#include "tap.h"
#include "x509-make.h"
#include "x509/der_write.h"
#include "x509/name.h"
#include "x509/pem.h"
#include "x509/pkcs7.h"

#define B(s) ((struct bytes){ (const uint8_t *)(s), sizeof(s) - 1 })

static void
test_valid(void)
{
	static const struct {
		struct bytes der;
		bool good;
		const char *what;
	} rows[] = {
#define ROW(s, good, what) { { (const uint8_t *)s, sizeof(s) - 1 }, good, what }
		ROW("", false, "nothing"),
		ROW("\x30", false, "tag alone"),
		ROW("\x30\x00", true, "empty SEQUENCE"),
		ROW("\x30\x00\x00", false, "a byte behind it"),
		ROW("\x30\x80\x00\x00", false, "indefinite length"),
		ROW("\x04\x81\x01x", false, "length in two octets for one"),
		ROW("\x30\x82\x00\x02\x05\x00", false, "leading zero"),
		ROW("\x30\x85\x00\x00\x00\x00\x00", false, "five octets"),
		ROW("\x30\x84\xff\xff\xff\xff", false, "4 GiB"),
		ROW("\x1f\x01\x00", false, "long tag"),
		ROW("\x00\x00", false, "end of contents"),
		ROW("\x05\x00", true, "NULL"),
		ROW("\x05\x01\x00", false, "NULL with contents"),
		ROW("\x01\x01\xff", true, "TRUE"),
		ROW("\x01\x01\x01", false, "BER TRUE"),
		ROW("\x02\x00", false, "empty INTEGER"),
		ROW("\x02\x01\x00", true, "0"),
		ROW("\x02\x01\x80", true, "-128"),
		ROW("\x02\x02\x00\x7f", false, "127 in two octets"),
		ROW("\x02\x02\x00\x80", true, "128"),
		ROW("\x02\x02\xff\x80", false, "-128 in two octets"),
		ROW("\x03\x01\x00", true, "no bits"),
		ROW("\x03\x02\x01\x01", false, "bit set in the padding"),
		ROW("\x03\x02\x08\x00", false, "8 bits of padding"),
		ROW("\x06\x00", false, "empty OID"),
		ROW("\x06\x02\x55\x84", false, "OID cut short"),
		ROW("\x06\x03\x55\x80\x01", false, "padded OID"),
		ROW("\x24\x03\x04\x01x", false, "constructed string"),
		ROW("\x10\x00", false, "primitive SEQUENCE"),
		ROW("\x30\x03\x04\x02x", false, "child past its parent"),
		ROW("\x30\x06\x30\x00\x31\x00\x05\x00", true, "nested"),
	};
	uint8_t deep[2 * (DER_DEPTH_MAX + 1)];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		is_int(der_valid(rows[i].der), rows[i].good, "%s",
		    rows[i].what);
	for (size_t n = DER_DEPTH_MAX - 1; n <= DER_DEPTH_MAX; n++) {
		for (size_t i = 0; i < n; i++) {
			deep[2 * i] = 0x30;
			deep[2 * i + 1] = (uint8_t)(2 * (n - 1 - i));
		}
		is_int(der_valid((struct bytes){ deep, 2 * n }),
		    n < DER_DEPTH_MAX, "%zu deep", n);
	}
}

/* What is written is read back, over every form of length. */
static void
test_round_trip(void)
{
	static const uint64_t ints[] = { 0, 1, 127, 128, 255, 256, 65535,
		UINT64_MAX };
	static const size_t lens[] = { 0, 1, 127, 128, 255, 256, 65535, 65536 };
	static uint8_t zeros[65536];
	AUTO_BUF struct buf b = BUF_INIT(1 << 20);
	struct der d, in;

	for (size_t i = 0; i < ARRAY_LEN(ints); i++) {
		buf_reset(&b);
		der_put_u64(&b, ints[i]);
		d = der_over(buf_bytes(&b));
		ok(der_valid(buf_bytes(&b)) && der_get_u64(&d) == ints[i] &&
		    der_done(&d), "integer %zu", i);
	}
	for (size_t i = 0; i < ARRAY_LEN(lens); i++) {
		size_t seq;

		buf_reset(&b);
		seq = der_begin(&b, DER_SEQUENCE);
		der_put(&b, DER_OCTET_STRING, zeros, lens[i]);
		der_end(&b, seq);
		d = der_over(buf_bytes(&b));
		in = der_enter(&d, DER_SEQUENCE);
		ok(der_get(&in, DER_OCTET_STRING).len == lens[i] &&
		    der_done(&in) && der_done(&d) &&
		    der_valid(buf_bytes(&b)), "length %zu", lens[i]);
	}
	for (uint16_t flags = 0; flags < 0x200; flags += 7) {
		buf_reset(&b);
		der_put_flags(&b, flags);
		d = der_over(buf_bytes(&b));
		if (der_get_flags(&d) != flags || !der_done(&d))
			ok(0, "flags %x", flags);
	}
	d = der_over(B("\x03\x02\x06\x80"));
	ok(der_get_flags(&d) == 0 && d.bad, "trailing zero bit");
}

static void
test_times(void)
{
	static const struct {
		int64_t t;
		const char *text;
	} rows[] = {
		{ -631152000, "\x17\x0d" "500101000000Z" },
		{ -1, "\x17\x0d" "691231235959Z" },
		{ 0, "\x17\x0d" "700101000000Z" },
		{ 951782400, "\x17\x0d" "000229000000Z" },
		{ 1800000000, "\x17\x0d" "270115080000Z" },
		{ 2524607999, "\x17\x0d" "491231235959Z" },
		{ 2524608000, "\x18\x0f" "20500101000000Z" },
		{ 4107542399, "\x18\x0f" "21000228235959Z" },
		{ 253402300799, "\x18\x0f" "99991231235959Z" },
	};
	static const char *const bad[] = { "\x17\x0d" "700230000000Z",
		"\x17\x0d" "701301000000Z", "\x17\x0d" "700100000000Z",
		"\x17\x0d" "700101240000Z", "\x17\x0d" "700101006000Z",
		"\x17\x0d" "700101000060Z", "\x17\x0b" "7001010000Z",
		"\x17\x0d" "7001010000 0Z", "\x17\x0d" "700101000000z",
		"\x17\x11" "700101000000+0000", "\x18\x0f" "20270115080000Z",
		"\x18\x0f" "21000229000000Z", "\x18\x11" "20500101000000.5Z" };
	AUTO_BUF struct buf b = BUF_INIT(64);
	struct der d;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		buf_reset(&b);
		der_put_time(&b, rows[i].t);
		is_str((char *)b.p, rows[i].text, "written %s",
		    rows[i].text + 2);
		d = der_over(buf_bytes(&b));
		is_int(der_get_time(&d), rows[i].t, "and read");
		ok(der_done(&d), "to its end");
	}
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		d = der_over((struct bytes){ (const uint8_t *)bad[i],
		    strlen(bad[i]) });
		der_get_time(&d);
		ok(d.bad, "refused %s", bad[i] + 2);
	}
	buf_reset(&b);
	der_put_time(&b, INT64_C(253402300800));
	ok(b.bad, "year 10000");
}

static void
test_pem(void)
{
	static const char text[] = "Hello\n-----BEGIN OTHER-----\nAAAA\n"
	    "-----END OTHER-----\r\n-----BEGIN CERTIFICATE-----\r\n"
	    "AQID\r\nBA==\r\n-----END CERTIFICATE-----\r\n"
	    "-----BEGIN CERTIFICATE-----\nBQ==\n-----END CERTIFICATE-----";
	static const struct {
		const char *text;
		enum q_err want;
	} bad[] = {
		{ "", Q_NOTFOUND }, { "AQID", Q_NOTFOUND },
		{ " -----BEGIN CERTIFICATE-----\nAQ==\n"
		  "-----END CERTIFICATE-----\n", Q_NOTFOUND },
		{ "-----BEGIN CERTIFICATE-----\nAQ==\n", Q_PROTO },
		{ "-----BEGIN CERTIFICATE-----\nAQ=\n"
		  "-----END CERTIFICATE-----\n", Q_PROTO },
		{ "-----BEGIN CERTIFICATE-----\nProc-Type: 4\n\nAQ==\n"
		  "-----END CERTIFICATE-----\n", Q_PROTO },
		{ "-----BEGIN CERTIFICATE-----\nAQ==\n"
		  "-----END CERTIFICATE REQUEST-----\n", Q_PROTO },
	};
	AUTO_BUF struct buf b = BUF_INIT(4096);
	struct bytes rest;

	is_int(pem_decode(B(text), PEM_CERTIFICATE, &b, &rest, NULL), Q_OK,
	    "first block");
	ok(bytes_equal(buf_bytes(&b), B("\1\2\3\4")), "its bytes");
	buf_reset(&b);
	is_int(pem_decode(rest, PEM_CERTIFICATE, &b, &rest, NULL), Q_OK,
	    "second block");
	ok(bytes_equal(buf_bytes(&b), B("\5")) && rest.len == 0, "the last");
	is_int(pem_decode(rest, PEM_CERTIFICATE, &b, &rest, NULL), Q_NOTFOUND,
	    "no third");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		buf_reset(&b);
		is_int(pem_decode((struct bytes){ (const uint8_t *)bad[i].text,
		    strlen(bad[i].text) }, PEM_CERTIFICATE, &b, NULL, NULL),
		    bad[i].want, "broken %zu", i);
	}
	buf_reset(&b);
	pem_encode(&b, PEM_CSR, B("\1\2\3\4"));
	is_str((char *)b.p, "-----BEGIN CERTIFICATE REQUEST-----\nAQIDBA==\n"
	    "-----END CERTIFICATE REQUEST-----\n", "encoded");
}

static void
test_names(void)
{
	AUTO_BUF struct buf b = BUF_INIT(1024);
	char long_name[66];
	struct name n = { "DE", "M\xc3\xbcller", "Werk 1", "Root" };
	struct bytes cn;
	const uint8_t *at;
	X509_NAME *x;
	struct fault f;

	is_int(name_build(&n, &b, NULL), Q_OK, "name");
	at = b.p;
	x = d2i_X509_NAME(NULL, &at, (long)b.len);
	ok(x != NULL && X509_NAME_entry_count(x) == 4, "OpenSSL reads it");
	X509_NAME_free(x);
	is_int(name_common(buf_bytes(&b), &cn, NULL), Q_OK, "shape");
	ok(bytes_equal(cn, B("Root")), "common name");
	memset(long_name, 'a', 65);
	long_name[65] = '\0';
	n.common = long_name;
	is_int(name_build(&n, &b, &f), Q_INVALID, "65 characters");
	is_str(f.msg, "common name does not fit in a certificate's name",
	    "says which");
	n.common = "\xc3";
	is_int(name_build(&n, &b, NULL), Q_INVALID, "broken UTF-8");
	n.common = "a\nb";
	is_int(name_build(&n, &b, NULL), Q_INVALID, "control character");
	n.common = "";
	is_int(name_build(&n, &b, NULL), Q_INVALID, "empty");
	n.country = "de";
	is_int(name_build(&n, &b, NULL), Q_INVALID, "country");
	is_int(name_common(B("\x30\x02\x31\x00"), &cn, NULL), Q_PROTO,
	    "empty RDN");
	is_int(name_common(B("\x30\x00"), &cn, NULL), Q_OK, "no RDN");
	ok(cn.len == 0, "so no common name");
	is_int(name_common(B("\x30\x0d\x31\x0b\x30\x09\x06\x03\x55\x04\x03"
	    "\x1e\x02\x00x"), &cn, NULL), Q_INVALID, "BMPString");
}

/* The keys that a token gives, made into the same SPKI as OpenSSL's. */
static void
test_keys(void)
{
	AUTO_BUF struct buf b = BUF_INIT(1024);
	struct party ec, rsa;
	struct pubkey key;
	uint8_t ones[] = { 1, 0, 1 };
	struct bytes e = { ones, 3 };

	party_make(&ec, "P-256", NULL);
	party_make(&rsa, "RSA-2048", NULL);
	is_int(pubkey_parse(buf_bytes(&ec.spki), &key, NULL), Q_OK, "P-256");
	pubkey_put_p256(&b, key.point.p);
	ok(bytes_equal(buf_bytes(&b), buf_bytes(&ec.spki)), "the same again");
	buf_reset(&b);
	is_int(pubkey_parse(buf_bytes(&rsa.spki), &key, NULL), Q_OK, "RSA");
	ok(key.bits == 2048 && key.kind == KEY_RSA, "2048 bits");
	pubkey_put_rsa(&b, key.n, key.e);
	ok(bytes_equal(buf_bytes(&b), buf_bytes(&rsa.spki)), "the same again");
	for (int i = 0; i < 4; i++) {
		static const uint8_t bad[4][3] = { { 1, 0, 0 }, { 3 },
			{ 0, 0xff, 0xff }, { 0, 0, 3 } };

		buf_reset(&b);
		e.p = bad[i];
		e.len = i == 1 ? 1 : 3;
		pubkey_put_rsa(&b, key.n, e);
		is_int(pubkey_parse(buf_bytes(&b), &key, NULL), Q_INVALID,
		    "exponent %d", i);
		if (pubkey_parse(buf_bytes(&rsa.spki), &key, NULL) != Q_OK)
			die("RSA");
	}
	party_free(&ec);
	party_free(&rsa);
}

static void
test_pkcs7(void)
{
	AUTO_BUF struct buf b = BUF_INIT(65536), by_openssl = BUF_INIT(65536);
	struct party root, ca;
	struct bytes certs[2];
	const uint8_t *at;
	uint8_t *der = NULL;
	PKCS7 *p7;

	party_make(&root, "P-256", "Root");
	party_make(&ca, "P-256", "CA");
	issue(CERT_ROOT, &root, &root);
	issue(CERT_ISSUING, &ca, &root);
	certs[0] = buf_bytes(&ca.cert);
	certs[1] = buf_bytes(&root.cert);
	pkcs7_certs_only(certs, 2, &b);
	at = b.p;
	p7 = d2i_PKCS7(NULL, &at, (long)b.len);
	ok(p7 != NULL && at == b.p + b.len && PKCS7_type_is_signed(p7) &&
	    sk_X509_num(p7->d.sign->cert) == 2 &&
	    p7->d.sign->crl == NULL, "OpenSSL reads two certificates");
	is_int(i2d_PKCS7(p7, &der), (long long)b.len, "and writes as many");
	ok(memcmp(der, b.p, b.len) == 0, "of the same bytes");
	PKCS7_free(p7);
	OPENSSL_free(der);

	p7 = PKCS7_new();
	der = NULL;
	at = root.cert.p;
	X509 *x = d2i_X509(NULL, &at, (long)root.cert.len);
	PKCS7_set_type(p7, NID_pkcs7_signed);
	p7->d.sign->contents->type = OBJ_nid2obj(NID_pkcs7_data);
	ASN1_INTEGER_set(p7->d.sign->version, 1);
	PKCS7_add_certificate(p7, x);
	buf_put(&by_openssl, NULL, 0);
	int len = i2d_PKCS7(p7, &der);
	buf_put(&by_openssl, der, (size_t)len);
	buf_reset(&b);
	pkcs7_certs_only(&certs[1], 1, &b);
	ok(bytes_equal(buf_bytes(&b), buf_bytes(&by_openssl)),
	    "one certificate as crl2pkcs7 does it");
	X509_free(x);
	PKCS7_free(p7);
	OPENSSL_free(der);
	party_free(&root);
	party_free(&ca);
}

int
main(void)
{
	test_valid();
	test_round_trip();
	test_times();
	test_pem();
	test_names();
	test_keys();
	test_pkcs7();
	return done();
}
