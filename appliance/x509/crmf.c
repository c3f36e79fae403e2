// SPDX-License-Identifier: Apache-2.0
/*
 * CertReqMsg of CRMF (RFC 4211), into the same struct as a PKCS #10 request.
 */
#include "config.h"

#include <openssl/sha.h>
#include <string.h>

#include "x509/csr.h"
#include "x509/der.h"
#include "x509/name.h"
#include "x509/oid.h"

#define VERSION_3 2

static enum q_err
malformed(const char *what, struct fault *f)
{
	return fault_set(f, Q_PROTO,
	    "%s of the certificate request is malformed", what);
}

/* OptionalValidity: what the requester would like does not matter, but it
 * must be that. */
static bool
skip_validity(struct der *tmpl)
{
	struct der v = der_enter(tmpl, DER_CTX_CONS(4));

	for (unsigned i = 0; i < 2; i++) {
		struct der t;

		if (!der_next_is(&v, (uint8_t)DER_CTX_CONS(i)))
			continue;
		t = der_enter(&v, (uint8_t)DER_CTX_CONS(i));
		der_get_time(&t);
		if (!der_done(&t))
			return false;
	}
	return der_done(&v);
}

/* A Name is a CHOICE, so its context tag is an explicit one. */
static bool
get_name(struct der *tmpl, unsigned tag, struct bytes *ret_name)
{
	struct der d = der_enter(tmpl, (uint8_t)DER_CTX_CONS(tag));

	*ret_name = der_get_whole(&d, DER_SEQUENCE);
	return der_done(&d);
}

/* The SubjectPublicKeyInfo is implicitly tagged: in its own form, which the
 * DeviceID is over, it is not in the request and so kept in csr. */
static enum q_err
parse_key(struct csr *csr, struct der *tmpl, struct fault *f)
{
	struct bytes spki = der_get_whole(tmpl, DER_CTX_CONS(6));

	if (spki.len == 0)
		return fault_set(f, Q_PROTO,
		    "certificate request has no public key");
	if (spki.len > sizeof(csr->spki))
		return fault_set(f, Q_INVALID, "public key has %zu bytes, at "
		    "most %zu are accepted", spki.len, sizeof(csr->spki));
	memcpy(csr->spki, spki.p, spki.len);
	csr->spki[0] = DER_SEQUENCE;
	return pubkey_parse((struct bytes){ csr->spki, spki.len }, &csr->key,
	    f);
}

/* CertTemplate. serialNumber, signingAlg and the UIDs MUST be left out
 * (RFC 4211 5); issuer and validity are wishes. */
static enum q_err
parse_template(struct csr *csr, struct der *req, struct fault *f)
{
	struct der tmpl = der_enter(req, DER_SEQUENCE), version, list;
	struct bytes issuer, cn;
	enum q_err e;

	if (tmpl.bad)
		return malformed("template", f);
	if (der_next_is(&tmpl, DER_CTX(0))) {
		version = der_over(der_get(&tmpl, DER_CTX(0)));
		if (version.left != 1 || version.p[0] != VERSION_3)
			return malformed("version", f);
	}
	if (der_next_is(&tmpl, DER_CTX_CONS(3)) &&
	    (!get_name(&tmpl, 3, &issuer) ||
		name_common(issuer, &cn, NULL) == Q_PROTO))
		return malformed("issuer", f);
	if (der_next_is(&tmpl, DER_CTX_CONS(4)) && !skip_validity(&tmpl))
		return malformed("validity", f);
	if (!get_name(&tmpl, 5, &csr->subject))
		return fault_set(f, Q_PROTO, "certificate request has no "
		    "subject, or fields in front of it that none may have");
	e = name_common(csr->subject, &csr->cn, f);
	if (e == Q_OK)
		e = parse_key(csr, &tmpl, f);
	if (e != Q_OK)
		return e;
	if (der_next_is(&tmpl, DER_CTX_CONS(9))) {
		list = der_enter(&tmpl, DER_CTX_CONS(9));
		if (!csr_extensions(csr, &list))
			return malformed("list of extensions", f);
	}
	return der_done(&tmpl) ? Q_OK : malformed("template", f);
}

/* AttributeTypeAndValue, one or more. None changes what is issued; but who
 * sends us a private key to keep must not think that we did. */
static enum q_err
skip_attributes(struct der *in, const char *what, struct fault *f)
{
	struct der list = der_enter(in, DER_SEQUENCE);
	uint8_t tag;

	do {
		struct der attr = der_enter(&list, DER_SEQUENCE);
		struct bytes oid = der_get(&attr, DER_OID);

		der_any(&attr, &tag);
		if (!der_done(&attr))
			return malformed(what, f);
		if (oid_is(oid, OID_ARCHIVE_OPTIONS))
			return fault_set(f, Q_INVALID,
			    "private keys are not archived here");
	} while (list.left != 0);
	return Q_OK;
}

/* CertRequest; what proof of possession is a signature over. */
static enum q_err
parse_request(struct csr *csr, struct fault *f)
{
	struct der outer = der_over(csr->info);
	struct der req = der_enter(&outer, DER_SEQUENCE);
	uint64_t id = der_get_u64(&req);
	enum q_err e;

	if (req.bad || id > INT32_MAX)
		return malformed("certReqId", f);
	e = parse_template(csr, &req, f);
	if (e == Q_OK && req.left != 0)
		e = skip_attributes(&req, "list of controls", f);
	if (e == Q_OK && !der_done(&req))
		e = malformed("end", f);
	return e;
}

/* POPOSigningKey (RFC 4211 4.1), without poposkInput: that is for requests
 * without subject or key. */
static enum q_err
parse_popo(struct csr *csr, struct der *msg, struct fault *f)
{
	struct der popo;
	struct bytes alg;

	if (!der_next_is(msg, DER_CTX_CONS(1)))
		return fault_set(f, Q_INVALID, "proof of possession of the "
		    "certificate request must be a signature by its key");
	popo = der_enter(msg, DER_CTX_CONS(1));
	if (der_next_is(&popo, DER_CTX_CONS(0)))
		return fault_set(f, Q_INVALID, "proof of possession of the "
		    "certificate request must be over the request itself");
	alg = der_get_whole(&popo, DER_SEQUENCE);
	csr->sig = der_get_bits(&popo);
	if (!der_done(&popo))
		return malformed("proof of possession", f);
	csr->alg = sig_alg_parse(alg);
	return csr->alg != SIG_NONE ? Q_OK : fault_set(f, Q_INVALID,
	    "signature algorithm of the certificate request is not "
	    "supported");
}

enum q_err
csr_parse_crmf(struct bytes der, struct csr *ret_csr, struct fault *f)
{
	struct csr csr = { .der = der };
	struct der outer, msg;
	enum q_err e;

	if (der.len > CSR_DER_MAX)
		return fault_set(f, Q_TOOBIG, "certificate request has %zu "
		    "bytes, at most %d are accepted", der.len, CSR_DER_MAX);
	if (!der_valid(der))
		return fault_set(f, Q_PROTO, "certificate request is not DER "
		    "(cut short, trailing bytes, or not ASN.1)");
	outer = der_over(der);
	msg = der_enter(&outer, DER_SEQUENCE);
	csr.info = der_get_whole(&msg, DER_SEQUENCE);
	if (msg.bad)
		return fault_set(f, Q_PROTO, "not a CRMF certificate request");
	e = parse_request(&csr, f);
	if (e == Q_OK)
		e = parse_popo(&csr, &msg, f);
	if (e == Q_OK && msg.left != 0)
		e = skip_attributes(&msg, "regInfo", f);
	if (e == Q_OK && !der_done(&msg))
		e = malformed("end", f);
	if (e != Q_OK)
		return e;
	device_id_of(csr.key.spki, csr.device_id);
	SHA256(der.p, der.len, csr.sha256);
	*ret_csr = csr;
	return pubkey_parse((struct bytes){ ret_csr->spki,
	    csr.key.spki.len }, &ret_csr->key, f);
}
