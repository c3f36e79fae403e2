// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "enrold/cmp_msg.h"

#include <string.h>

#include "base/own.h"
#include "x509/der.h"
#include "x509/name.h"
#include "x509/oid.h"

#define PVNO_LOW 2
#define PVNO_HIGH 3

static enum q_err
malformed(const char *what, struct fault *f)
{
	return fault_set(f, Q_PROTO, "%s of the CMP message is malformed",
	    what);
}

/* An optional field of the header, explicitly tagged; a failed reader when
 * there is none. */
static bool
field(struct der *hdr, unsigned tag, struct der *ret_field)
{
	if (!der_next_is(hdr, (uint8_t)DER_CTX_CONS(tag)))
		return false;
	*ret_field = der_enter(hdr, (uint8_t)DER_CTX_CONS(tag));
	return true;
}

/* PBMParameter (RFC 9810 5.1.3.1): how much work is asked of us. */
static enum q_err
parse_mac(struct der *alg, struct fault *f)
{
	struct der pbm = der_enter(alg, DER_SEQUENCE);
	uint64_t rounds;

	der_get(&pbm, DER_OCTET_STRING);
	der_get(&pbm, DER_SEQUENCE);
	rounds = der_get_u64(&pbm);
	der_get(&pbm, DER_SEQUENCE);
	if (!der_done(&pbm) || !der_done(alg))
		return malformed("protection", f);
	return rounds <= CMP_ROUNDS_MAX ? Q_OK : fault_set(f, Q_INVALID,
	    "password based MAC of %llu rounds, at most %d are accepted",
	    (unsigned long long)rounds, CMP_ROUNDS_MAX);
}

static enum q_err
parse_protection(struct der *d, struct cmp_msg *m, struct fault *f)
{
	struct bytes whole = der_get_whole(d, DER_SEQUENCE);
	struct der outer = der_over(whole), alg;

	if (!der_done(d))
		return malformed("protection", f);
	alg = der_enter(&outer, DER_SEQUENCE);
	if (oid_is(der_get(&alg, DER_OID), OID_PASSWORD_BASED_MAC)) {
		m->protection = CMP_MAC;
		return parse_mac(&alg, f);
	}
	m->protection = CMP_SIGNATURE;
	return sig_alg_parse(whole) != SIG_NONE ? Q_OK : fault_set(f,
	    Q_INVALID, "protection of the CMP message is by an algorithm "
	    "that is not supported");
}

/* GeneralName of the kind directoryName. */
static bool
skip_name(struct der *hdr)
{
	struct der d = der_enter(hdr, DER_CTX_CONS(4));
	struct bytes cn;

	return name_common(der_get_whole(&d, DER_SEQUENCE), &cn, NULL) !=
	    Q_PROTO && der_done(&d);
}

static enum q_err
parse_ids(struct der *hdr, struct cmp_msg *m, struct fault *f)
{
	struct der d;

	if (field(hdr, 2, &d)) {
		m->kid = der_get(&d, DER_OCTET_STRING);
		if (!der_done(&d) || m->kid.len > CMP_KID_MAX)
			return malformed("senderKID", f);
	}
	if (field(hdr, 3, &d)) {
		der_get(&d, DER_OCTET_STRING);
		if (!der_done(&d))
			return malformed("recipKID", f);
	}
	if (!field(hdr, 4, &d))
		return fault_set(f, Q_PROTO,
		    "CMP message has no transactionID");
	m->id = der_get(&d, DER_OCTET_STRING);
	if (!der_done(&d) || m->id.len < CMP_ID_MIN || m->id.len > CMP_ID_MAX)
		return fault_set(f, Q_PROTO, "transactionID of the CMP message "
		    "must have %d to %d octets", CMP_ID_MIN, CMP_ID_MAX);
	return Q_OK;
}

/* PKIHeader. Nonces, times and generalInfo are OpenSSL's. */
static enum q_err
parse_header(struct der *msg, struct cmp_msg *m, struct fault *f)
{
	struct der hdr = der_enter(msg, DER_SEQUENCE), d;
	uint64_t pvno = der_get_u64(&hdr);
	enum q_err r = Q_OK;

	if (hdr.bad)
		return malformed("header", f);
	if (pvno < PVNO_LOW || pvno > PVNO_HIGH)
		return fault_set(f, Q_INVALID,
		    "CMP version %llu is not spoken here",
		    (unsigned long long)pvno);
	if (!skip_name(&hdr))
		return fault_set(f, Q_PROTO, "sender of the CMP message must "
		    "be a directory name");
	if (!skip_name(&hdr))
		return fault_set(f, Q_PROTO, "recipient of the CMP message "
		    "must be a directory name");
	if (field(&hdr, 0, &d)) {
		der_get(&d, DER_GENERALIZED_TIME);
		if (!der_done(&d))
			return malformed("messageTime", f);
	}
	if (field(&hdr, 1, &d))
		r = parse_protection(&d, m, f);
	if (r == Q_OK)
		r = parse_ids(&hdr, m, f);
	for (unsigned tag = 5; tag <= 8 && r == Q_OK; tag++)
		field(&hdr, tag, &d);
	return r != Q_OK || der_done(&hdr) ? r : malformed("header", f);
}

/* The one element of a SEQUENCE OF. */
static enum q_err
only_one(struct der *body, struct bytes *ret_one, struct fault *f)
{
	struct der list = der_enter(body, DER_SEQUENCE);

	*ret_one = der_get_whole(&list, DER_SEQUENCE);
	if (list.bad)
		return malformed("body", f);
	return list.left == 0 ? Q_OK : fault_set(f, Q_INVALID,
	    "several requests in one CMP message are not supported");
}

static enum q_err
body_request(struct der *body, struct cmp_msg *m, struct fault *f)
{
	return only_one(body, &m->request, f);
}

static enum q_err
body_p10(struct der *body, struct cmp_msg *m, struct fault *f)
{
	m->request = der_get_whole(body, DER_SEQUENCE);
	return body->bad ? malformed("body", f) : Q_OK;
}

/* crlEntryDetails: of all extensions only reasonCode says something to us. */
static bool
parse_reason(struct der *details, struct cmp_revocation *rr)
{
	struct der list = der_enter(details, DER_SEQUENCE);

	do {
		struct der ext = der_enter(&list, DER_SEQUENCE), inner;
		struct bytes oid = der_get(&ext, DER_OID), value, code;

		if (der_next_is(&ext, DER_BOOLEAN))
			der_get_bool(&ext);
		value = der_get(&ext, DER_OCTET_STRING);
		if (!der_done(&ext))
			return false;
		if (!oid_is(oid, OID_CRL_REASON))
			continue;
		inner = der_over(value);
		code = der_get(&inner, DER_ENUMERATED);
		if (code.len != 1 || !der_done(&inner))
			return false;
		rr->reason = code.p[0];
	} while (list.left != 0);
	return true;
}

/* INTEGER > 0 under another tag: its magnitude. */
static bool
get_serial(struct der *tmpl, struct bytes *ret_serial)
{
	struct bytes v = der_get(tmpl, DER_CTX(1));

	if (v.len == 0 || v.p[0] >= 0x80)
		return false;
	if (v.p[0] == 0)
		v = (struct bytes){ v.p + 1, v.len - 1 };
	*ret_serial = v;
	return v.len != 0;
}

/* RevDetails: a CertTemplate (RFC 4211 5) with serial number and issuer; what
 * else it tells of the certificate is not looked at. */
static enum q_err
body_rr(struct der *body, struct cmp_msg *m, struct fault *f)
{
	struct bytes one;
	struct der outer, rev, tmpl, d;
	uint8_t tag;
	enum q_err r = only_one(body, &one, f);

	if (r != Q_OK)
		return r;
	outer = der_over(one);
	rev = der_enter(&outer, DER_SEQUENCE);
	tmpl = der_enter(&rev, DER_SEQUENCE);
	while (tmpl.left != 0 && !tmpl.bad) {
		if (der_next_is(&tmpl, DER_CTX(1))) {
			if (!get_serial(&tmpl, &m->rr.serial))
				return malformed("serial number", f);
		} else if (field(&tmpl, 3, &d)) {
			m->rr.issuer = der_get_whole(&d, DER_SEQUENCE);
			if (!der_done(&d))
				return malformed("issuer", f);
		} else {
			der_any(&tmpl, &tag);
		}
	}
	if (rev.left != 0 && !parse_reason(&rev, &m->rr))
		return malformed("crlEntryDetails", f);
	if (tmpl.bad || !der_done(&rev))
		return malformed("body", f);
	return m->rr.serial.len != 0 && m->rr.issuer.len != 0 ? Q_OK :
	    fault_set(f, Q_INVALID, "certificate to be revoked must be told "
	    "by issuer and serial number");
}

/* CertConfirmContent: none, or a status that is not accepted or
 * grantedWithMods, means no (RFC 9810 5.3.18). */
static enum q_err
body_confirm(struct der *body, struct cmp_msg *m, struct fault *f)
{
	struct der list = der_enter(body, DER_SEQUENCE), one, info;

	m->rejects = list.left == 0;
	if (list.bad || m->rejects)
		return list.bad ? malformed("body", f) : Q_OK;
	one = der_enter(&list, DER_SEQUENCE);
	der_get(&one, DER_OCTET_STRING);
	der_get(&one, DER_INTEGER);
	if (der_next_is(&one, DER_SEQUENCE)) {
		info = der_enter(&one, DER_SEQUENCE);
		m->rejects = der_get_u64(&info) > 1;
		if (info.bad)
			return malformed("body", f);
	}
	if (list.left != 0)
		return fault_set(f, Q_INVALID, "several certificates in one "
		    "certConf are not supported");
	return one.bad ? malformed("body", f) : Q_OK;
}

static enum q_err
body_any(struct der *body, struct cmp_msg *m, struct fault *f)
{
	(void)m;
	der_get(body, DER_SEQUENCE);
	return body->bad ? malformed("body", f) : Q_OK;
}

static const struct {
	enum cmp_type type;
	bool begins;
	enum q_err (*parse)(struct der *body, struct cmp_msg *m,
	    struct fault *f);
} types[] = {
	{ CMP_IR, true, body_request },
	{ CMP_CR, true, body_request },
	{ CMP_P10CR, true, body_p10 },
	{ CMP_KUR, true, body_request },
	{ CMP_RR, true, body_rr },
	{ CMP_GENM, true, body_any },
	{ CMP_ERROR, false, body_any },
	{ CMP_CERTCONF, false, body_confirm },
	{ CMP_POLLREQ, false, body_any },
};

static enum q_err
parse_body(struct der *msg, struct cmp_msg *m, struct fault *f)
{
	uint8_t tag = 0;
	struct der body = der_over(der_any(msg, &tag)), inner;
	enum q_err r;

	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		if (tag != DER_CTX_CONS((unsigned)types[i].type))
			continue;
		m->type = types[i].type;
		inner = der_enter(&body, tag);
		r = types[i].parse(&inner, m, f);
		return r != Q_OK || der_done(&inner) ? r :
		    malformed("body", f);
	}
	return fault_set(f, Q_INVALID,
	    "CMP messages of this type are not taken here");
}

static enum q_err
parse_certs(struct der *msg, struct cmp_msg *m, struct fault *f)
{
	struct der outer = der_enter(msg, DER_CTX_CONS(1));
	struct der list = der_enter(&outer, DER_SEQUENCE);

	while (list.left != 0) {
		struct bytes one = der_get_whole(&list, DER_SEQUENCE);

		if (list.bad)
			break;
		if (m->n_certs == CMP_CERTS_MAX)
			return fault_set(f, Q_INVALID, "CMP message has more "
			    "than %d extra certificates", CMP_CERTS_MAX);
		m->certs[m->n_certs++] = one;
	}
	return der_done(&list) && der_done(&outer) ? Q_OK :
	    malformed("extraCerts", f);
}

enum q_err
cmp_msg_parse(struct bytes der, struct cmp_msg *ret_msg, struct fault *f)
{
	struct cmp_msg m = { .der = der };
	struct der outer, msg, d;
	bool protected;
	enum q_err r;

	if (der.len > CMP_MESSAGE_MAX)
		return fault_set(f, Q_TOOBIG, "CMP message has %zu bytes, at "
		    "most %d are accepted", der.len, CMP_MESSAGE_MAX);
	if (!der_valid(der))
		return fault_set(f, Q_PROTO, "CMP message is not DER "
		    "(cut short, trailing bytes, or not ASN.1)");
	outer = der_over(der);
	msg = der_enter(&outer, DER_SEQUENCE);
	r = parse_header(&msg, &m, f);
	if (r == Q_OK)
		r = parse_body(&msg, &m, f);
	if (r != Q_OK)
		return r;
	protected = field(&msg, 0, &d);
	if (protected)
		der_get_bits(&d);
	if (protected != (m.protection != CMP_UNPROTECTED) ||
	    (protected && !der_done(&d)))
		return malformed("protection", f);
	if (msg.left != 0)
		r = parse_certs(&msg, &m, f);
	if (r == Q_OK && !der_done(&msg))
		r = malformed("end", f);
	if (r == Q_OK)
		*ret_msg = m;
	return r;
}

bool
cmp_type_begins(enum cmp_type type)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].type == type)
			return types[i].begins;
	return false;
}
