// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "x509/csr.h"

#include <openssl/sha.h>

#include "x509/der.h"
#include "x509/name.h"
#include "x509/oid.h"

/* One requested extension (RFC 5280 4.1) that we look at. */
static bool
parse_extension(struct csr *csr, struct der *list)
{
	struct der ext = der_enter(list, DER_SEQUENCE);
	struct bytes oid = der_get(&ext, DER_OID), value;
	struct der inner, seq;

	if (der_next_is(&ext, DER_BOOLEAN))
		der_get_bool(&ext);
	value = der_get(&ext, DER_OCTET_STRING);
	if (!der_done(&ext))
		return false;
	inner = der_over(value);
	if (oid_is(oid, OID_SAN)) {
		if (csr->san.len != 0)
			return false;
		csr->san = der_get_whole(&inner, DER_SEQUENCE);
		return der_done(&inner) && der_valid(csr->san);
	}
	if (!oid_is(oid, OID_BASIC_CONSTRAINTS))
		return true;
	seq = der_enter(&inner, DER_SEQUENCE);
	if (der_next_is(&seq, DER_BOOLEAN) && der_get_bool(&seq))
		csr->asks_ca = true;
	if (der_next_is(&seq, DER_INTEGER))
		der_get_uint(&seq);
	return der_done(&seq) && der_done(&inner);
}

bool
csr_extensions(struct csr *csr, struct der *list)
{
	do {
		if (!parse_extension(csr, list))
			return false;
	} while (list->left != 0);
	return true;
}

static bool
parse_extensions(struct csr *csr, struct der *values)
{
	struct der list = der_enter(values, DER_SEQUENCE);

	return csr_extensions(csr, &list) && der_done(values);
}

static bool
parse_challenge(struct csr *csr, struct der *values)
{
	uint8_t tag = 0;
	struct bytes whole = der_any(values, &tag);
	struct der inner = der_over(whole);

	csr->challenge = der_get(&inner, tag);
	return der_done(values) && (tag == DER_PRINTABLE_STRING ||
	    tag == DER_UTF8_STRING || tag == DER_IA5_STRING ||
	    tag == DER_T61_STRING);
}

/* RFC 2986 4.1: attributes [0] IMPLICIT SET OF, never left out. */
static enum q_err
parse_attributes(struct csr *csr, struct der *info, struct fault *f)
{
	struct der set = der_enter(info, DER_CTX_CONS(0));
	bool seen_request = false;

	if (set.bad)
		return fault_set(f, Q_PROTO,
		    "certificate request has no attributes field");
	while (set.left != 0) {
		struct der attr = der_enter(&set, DER_SEQUENCE);
		struct bytes oid = der_get(&attr, DER_OID);
		struct der values = der_enter(&attr, DER_SET);

		if (!der_done(&attr) || values.left == 0)
			return fault_set(f, Q_PROTO, "attribute of the "
			    "certificate request is malformed");
		if (oid_is(oid, OID_CHALLENGE_PASSWORD)) {
			if (csr->challenge.p != NULL ||
			    !parse_challenge(csr, &values))
				return fault_set(f, Q_PROTO,
				    "challengePassword is malformed");
		} else if (oid_is(oid, OID_EXTENSION_REQUEST)) {
			if (seen_request || !parse_extensions(csr, &values))
				return fault_set(f, Q_PROTO,
				    "requested extensions are malformed");
			seen_request = true;
		}
	}
	return set.bad ? fault_set(f, Q_PROTO,
	    "attributes of the certificate request are malformed") : Q_OK;
}

static enum q_err
parse_info(struct csr *csr, struct fault *f)
{
	struct der outer = der_over(csr->info);
	struct der info = der_enter(&outer, DER_SEQUENCE);
	uint64_t version = der_get_u64(&info);
	struct bytes spki;
	enum q_err e;

	if (info.bad || version != 0)
		return fault_set(f, Q_PROTO,
		    "version of the certificate request is not 0");
	csr->subject = der_get_whole(&info, DER_SEQUENCE);
	spki = der_get_whole(&info, DER_SEQUENCE);
	if (info.bad)
		return fault_set(f, Q_PROTO,
		    "certificate request is malformed");
	e = name_common(csr->subject, &csr->cn, f);
	if (e == Q_OK)
		e = pubkey_parse(spki, &csr->key, f);
	if (e == Q_OK)
		e = parse_attributes(csr, &info, f);
	if (e == Q_OK && !der_done(&info))
		e = fault_set(f, Q_PROTO,
		    "certificate request has bytes behind its attributes");
	return e;
}

enum q_err
csr_parse(struct bytes der, struct csr *ret_csr, struct fault *f)
{
	struct csr csr = { .der = der };
	struct der outer, seq;
	struct bytes alg;
	enum q_err e;

	if (der.len > CSR_DER_MAX)
		return fault_set(f, Q_TOOBIG, "certificate request has %zu "
		    "bytes, at most %d are accepted", der.len, CSR_DER_MAX);
	if (!der_valid(der))
		return fault_set(f, Q_PROTO, "certificate request is not DER "
		    "(cut short, trailing bytes, or not ASN.1)");
	outer = der_over(der);
	seq = der_enter(&outer, DER_SEQUENCE);
	csr.info = der_get_whole(&seq, DER_SEQUENCE);
	alg = der_get_whole(&seq, DER_SEQUENCE);
	csr.sig = der_get_bits(&seq);
	if (!der_done(&seq) || !der_done(&outer))
		return fault_set(f, Q_PROTO,
		    "not a PKCS #10 certificate request");
	e = parse_info(&csr, f);
	if (e != Q_OK)
		return e;
	csr.alg = sig_alg_parse(alg);
	if (csr.alg == SIG_NONE)
		return fault_set(f, Q_INVALID, "signature algorithm of the "
		    "certificate request is not supported");
	device_id_of(csr.key.spki, csr.device_id);
	SHA256(der.p, der.len, csr.sha256);
	*ret_csr = csr;
	return Q_OK;
}

enum q_err
csr_verify(const struct csr *csr, struct fault *f)
{
	enum q_err e = pubkey_verify(&csr->key, csr->alg, csr->info, csr->sig,
	    NULL);

	if (e == Q_INVALID)
		return fault_set(f, e, "public key of the certificate request "
		    "is not a point on P-256");
	return e == Q_OK ? e : fault_set(f, e, "signature of the certificate "
	    "request does not verify with its own key");
}

struct bytes
csr_attrs(bool bind)
{
	/* SEQUENCE { [challengePassword,] Attribute { id-ecPublicKey,
	 * { prime256v1 } }, ecdsa-with-SHA256 } */
	static const uint8_t attrs[] = { 0x30, 0x2c, 0x06, 0x09, 0x2a, 0x86,
		0x48, 0x86, 0xf7, 0x0d, 0x01, 0x09, 0x07, 0x30, 0x15, 0x06,
		0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x31, 0x0a,
		0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07,
		0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
	static const uint8_t plain[] = { 0x30, 0x21, 0x30, 0x15, 0x06, 0x07,
		0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x31, 0x0a, 0x06,
		0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x06,
		0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };

	return bind ? (struct bytes){ attrs, sizeof(attrs) } :
	    (struct bytes){ plain, sizeof(plain) };
}
