// SPDX-License-Identifier: Apache-2.0
/* CMP messages as OpenSSL's client sent them (they are the fuzzer's seeds),
 * and what must be refused, with the reason. */
#include "config.h"

#include <stdlib.h>

#include "base/own.h"
#include "enrold/cmp_msg.h"
#include "tap.h"
#include "x509/csr.h"
#include "x509/der_write.h"
#include "x509/oid.h"

static void
read_seed(const char *name, struct buf *out)
{
	const char *dir = getenv("top_srcdir");
	char path[4096];
	FILE *in;

	snprintf(path, sizeof(path), "%s/tests/fuzz/corpus-cmp/%s",
	    dir != NULL ? dir : ".", name);
	in = fopen(path, "rb");
	if (in == NULL) {
		printf("Bail out! no %s\n", path);
		exit(1);
	}
	buf_reset(out);
	out->len = fread(buf_reserve(out, 4096), 1, 4096, in);
	fclose(in);
}

static const struct {
	const char *name;
	enum cmp_type type;
	enum cmp_protection protection;
	size_t kid, certs;
	bool crmf, rejects;
} seeds[] = {
	{ "ir-mac", CMP_IR, CMP_MAC, 3, 0, true, false },
	{ "cr-signed", CMP_CR, CMP_SIGNATURE, 20, 1, true, false },
	{ "cr-chain", CMP_CR, CMP_SIGNATURE, 0, 1, true, false },
	{ "kur", CMP_KUR, CMP_SIGNATURE, 0, 1, true, false },
	{ "p10cr", CMP_P10CR, CMP_MAC, 3, 0, false, false },
	{ "rr", CMP_RR, CMP_SIGNATURE, 0, 1, false, false },
	{ "genm", CMP_GENM, CMP_SIGNATURE, 0, 1, false, false },
	{ "certconf", CMP_CERTCONF, CMP_MAC, 1, 0, false, false },
	{ "certconf-reject", CMP_CERTCONF, CMP_MAC, 1, 0, false, true },
	{ "pollreq", CMP_POLLREQ, CMP_MAC, 1, 0, false, false },
	{ "unprotected", CMP_IR, CMP_UNPROTECTED, 0, 0, true, false },
};

static void
test_seeds(void)
{
	AUTO_BUF struct buf der = BUF_INIT(65536);

	for (size_t i = 0; i < ARRAY_LEN(seeds); i++) {
		struct cmp_msg m;
		struct csr csr;
		struct fault f = { 0 };
		size_t cut = 0;

		read_seed(seeds[i].name, &der);
		is_int(cmp_msg_parse(buf_bytes(&der), &m, &f), Q_OK,
		    "%s %s", seeds[i].name, f.msg);
		is_int(m.type, seeds[i].type, "its type");
		is_int(m.protection, seeds[i].protection, "its protection");
		is_int(m.kid.len, seeds[i].kid, "its senderKID");
		is_int(m.n_certs, seeds[i].certs, "its certificates");
		is_int(m.id.len, 16, "its transactionID");
		is_int(m.rejects, seeds[i].rejects, "whether it says no");
		if (seeds[i].crmf)
			is_int(csr_parse_crmf(m.request, &csr, &f), Q_OK,
			    "its request %s", f.msg);
		for (size_t n = 0; n < der.len; n++)
			cut += cmp_msg_parse((struct bytes){ der.p, n }, &m,
			    NULL) == Q_OK;
		is_int(cut, 0, "cut anywhere it is none");
	}
}

static void
test_rr(void)
{
	AUTO_BUF struct buf der = BUF_INIT(65536);
	struct cmp_msg m;

	read_seed("rr", &der);
	is_int(cmp_msg_parse(buf_bytes(&der), &m, NULL), Q_OK, "rr");
	is_int(m.rr.reason, 1, "keyCompromise");
	is_int(m.rr.serial.len, 20, "serial");
	ok(m.rr.issuer.len == 15 && m.rr.issuer.p[0] == DER_SEQUENCE,
	    "issuer");
}

/* Messages put together by hand, of the parts that the row names. */
enum part {
	OLD = 1 << 0, SENDER_DNS = 1 << 1, NO_ID = 1 << 2, SHORT_ID = 1 << 3,
	LONG_ID = 1 << 4, LONG_KID = 1 << 5, MD5 = 1 << 6, MANY_ROUNDS = 1 << 7,
	NO_BITS = 1 << 8, NO_ALG = 1 << 9, TWO = 1 << 10, NONE = 1 << 11,
	CERTS = 1 << 12, TAIL = 1 << 13, RESPONSE = 1 << 14, RR = 1 << 15,
	RR_NO_SERIAL = 1 << 16, RR_NEGATIVE = 1 << 17, RR_REASON = 1 << 18,
	CONFIRM_NONE = 1 << 19, CONFIRM_TWO = 1 << 20, LATE = 1 << 21,
};

static void
put_explicit(struct buf *b, unsigned tag, uint8_t inner, size_t len)
{
	static const uint8_t zeros[100];
	size_t m = der_begin(b, (uint8_t)DER_CTX_CONS(tag));

	der_put(b, inner, zeros, len);
	der_end(b, m);
}

static void
put_name(struct buf *b, bool dns)
{
	size_t m = der_begin(b, DER_CTX_CONS(4));

	if (!dns)
		der_put(b, DER_SEQUENCE, "", 0);
	der_end(b, m);
}

static void
put_alg(struct buf *b, unsigned with)
{
	/* md5WithRSAEncryption; ecdsa-with-SHA256 */
	static const uint8_t md5[] = { 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d,
		1, 1, 4 };
	static const uint8_t ecdsa[] = { 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3,
		2 };
	size_t m = der_begin(b, DER_CTX_CONS(1));
	size_t alg = der_begin(b, DER_SEQUENCE), pbm;

	if ((with & MANY_ROUNDS) != 0) {
		der_put_bytes(b, DER_OID, oid_bytes(OID_PASSWORD_BASED_MAC));
		pbm = der_begin(b, DER_SEQUENCE);
		der_put(b, DER_OCTET_STRING, "salt", 4);
		der_put(b, DER_SEQUENCE, "", 0);
		der_put_u64(b, CMP_ROUNDS_MAX + 1);
		der_put(b, DER_SEQUENCE, "", 0);
		der_end(b, pbm);
	} else if ((with & MD5) != 0) {
		der_put(b, DER_OID, md5, sizeof(md5));
	} else {
		der_put(b, DER_OID, ecdsa, sizeof(ecdsa));
	}
	der_end(b, alg);
	der_end(b, m);
}

static void
put_header(struct buf *b, unsigned with)
{
	size_t hdr = der_begin(b, DER_SEQUENCE);

	der_put_u64(b, with & OLD ? 1 : 2);
	put_name(b, (with & SENDER_DNS) != 0);
	put_name(b, false);
	if ((with & NO_ALG) == 0)
		put_alg(b, with);
	if ((with & LONG_KID) != 0)
		put_explicit(b, 2, DER_OCTET_STRING, CMP_KID_MAX + 1);
	if ((with & NO_ID) == 0)
		put_explicit(b, 4, DER_OCTET_STRING, with & SHORT_ID ? 7 :
		    with & LONG_ID ? 33 : 16);
	put_explicit(b, 5, DER_OCTET_STRING, 16);
	if ((with & LATE) != 0)
		put_explicit(b, 2, DER_OCTET_STRING, 4);
	der_end(b, hdr);
}

static void
put_rr(struct buf *b, unsigned with)
{
	size_t rev = der_begin(b, DER_SEQUENCE), tmpl, issuer;

	tmpl = der_begin(b, DER_SEQUENCE);
	if ((with & RR_NO_SERIAL) == 0)
		der_put(b, DER_CTX(1), with & RR_NEGATIVE ? "\xff" : "\7", 1);
	issuer = der_begin(b, DER_CTX_CONS(3));
	der_put(b, DER_SEQUENCE, "", 0);
	der_end(b, issuer);
	der_end(b, tmpl);
	if ((with & RR_REASON) != 0)
		der_put(b, DER_SEQUENCE,
		    "\x30\x0b\x06\x03\x55\x1d\x15\x04\x04\x0a\x02\x01\x00", 13);
	der_end(b, rev);
}

static void
put_body(struct buf *b, unsigned with)
{
	bool rr = (with & RR) != 0;
	bool confirm = (with & (CONFIRM_NONE | CONFIRM_TWO)) != 0;
	unsigned tag = with & RESPONSE ? CMP_IP : rr ? CMP_RR :
	    confirm ? CMP_CERTCONF : CMP_IR;
	size_t body = der_begin(b, (uint8_t)DER_CTX_CONS(tag));
	size_t list = der_begin(b, DER_SEQUENCE);
	int n = with & (NONE | CONFIRM_NONE) ? 0 :
	    with & (TWO | CONFIRM_TWO) ? 2 : 1;

	while (n-- > 0) {
		if (rr)
			put_rr(b, with);
		else
			der_put(b, DER_SEQUENCE, confirm ?
			    "\4\1h\2\1\0" : "\2\1\0", confirm ? 6 : 3);
	}
	der_end(b, list);
	der_end(b, body);
}

static void
put_message(struct buf *b, unsigned with)
{
	size_t msg = der_begin(b, DER_SEQUENCE), m, list;

	put_header(b, with);
	put_body(b, with);
	if ((with & NO_BITS) == 0)
		put_explicit(b, 0, DER_BIT_STRING, 3);
	if ((with & CERTS) != 0) {
		m = der_begin(b, DER_CTX_CONS(1));
		list = der_begin(b, DER_SEQUENCE);
		for (int i = 0; i <= CMP_CERTS_MAX; i++)
			der_put(b, DER_SEQUENCE, "", 0);
		der_end(b, list);
		der_end(b, m);
	}
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
		{ RR, Q_OK, "", "a revocation" },
		{ CONFIRM_NONE, Q_OK, "", "an empty confirmation" },
		{ NO_ALG | NO_BITS, Q_OK, "", "no protection" },
		{ OLD, Q_INVALID, "version 1", "version 1" },
		{ SENDER_DNS, Q_PROTO, "directory name", "no name" },
		{ NO_ID, Q_PROTO, "no transactionID", "no transactionID" },
		{ SHORT_ID, Q_PROTO, "8 to 32", "a short transactionID" },
		{ LONG_ID, Q_PROTO, "8 to 32", "a long transactionID" },
		{ LONG_KID, Q_PROTO, "senderKID", "a long senderKID" },
		{ LATE, Q_PROTO, "header", "wrong order" },
		{ MD5, Q_INVALID, "not supported", "MD5" },
		{ MANY_ROUNDS, Q_INVALID, "10001 rounds", "10001 rounds" },
		{ NO_BITS, Q_PROTO, "protection", "no signature" },
		{ NO_ALG, Q_PROTO, "protection", "no algorithm" },
		{ TWO, Q_INVALID, "several requests", "two requests" },
		{ RR | TWO, Q_INVALID, "several requests", "two revocations" },
		{ CONFIRM_TWO, Q_INVALID, "several certificates",
		    "two confirmations" },
		{ NONE, Q_PROTO, "body", "no request" },
		{ CERTS, Q_INVALID, "more than 8", "9 certificates" },
		{ TAIL, Q_PROTO, "extraCerts", "something behind" },
		{ RESPONSE, Q_INVALID, "not taken", "an answer" },
		{ RR | RR_NO_SERIAL, Q_INVALID, "issuer and serial",
		    "no serial number" },
		{ RR | RR_NEGATIVE, Q_PROTO, "serial", "a negative one" },
		{ RR | RR_REASON, Q_PROTO, "crlEntryDetails",
		    "reason of two octets" },
	};
	AUTO_BUF struct buf der = BUF_INIT(65536);
	struct cmp_msg m;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct fault f = { 0 };
		enum q_err e;

		buf_reset(&der);
		put_message(&der, rows[i].with);
		e = cmp_msg_parse(buf_bytes(&der), &m, &f);
		ok(e == rows[i].want && strstr(f.msg, rows[i].words) != NULL,
		    "%s: %s (%s)", rows[i].what, q_err_name(e), f.msg);
		if (rows[i].with == CONFIRM_NONE)
			ok(e == Q_OK && m.rejects, "it says no");
	}
	buf_reset(&der);
	while (der.len <= CMP_MESSAGE_MAX)
		buf_put(&der, "0", 1);
	is_int(cmp_msg_parse(buf_bytes(&der), &m, NULL), Q_TOOBIG,
	    "20481 bytes");
}

int
main(void)
{
	test_seeds();
	test_rr();
	test_abuse();
	ok(cmp_type_begins(CMP_RR) && !cmp_type_begins(CMP_CERTCONF) &&
	    !cmp_type_begins(CMP_IP), "what begins a transaction");
	return done();
}
