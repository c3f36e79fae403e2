// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "x509/ocsp.h"

#include <openssl/sha.h>
#include <string.h>

#include "base/own.h"
#include "x509/der_write.h"
#include "x509/ext.h"

#define SHA1_ID "\x06\x05\x2b\x0e\x03\x02\x1a"
#define SHA256_ID "\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01"

/* AlgorithmIdentifiers (RFC 3279 2.2.1, RFC 5754 2) and hash lengths, by
 * enum ocsp_form. */
static const struct form {
	const char *alg;
	size_t alg_len;
	unsigned hash;		/* index in struct ocsp_issuer */
	size_t len;
} forms[OCSP_FORMS] = {
#define FORM(der, hash, len) { der, sizeof(der) - 1, hash, len }
	FORM("\x30\x09" SHA1_ID "\x05\x00", 0, SHA_DIGEST_LENGTH),
	FORM("\x30\x0d" SHA256_ID "\x05\x00", 1, SHA256_DIGEST_LENGTH),
	FORM("\x30\x07" SHA1_ID, 0, SHA_DIGEST_LENGTH),
	FORM("\x30\x0b" SHA256_ID, 1, SHA256_DIGEST_LENGTH),
};

void
ocsp_issuer_of(struct bytes name, const struct pubkey *key,
    struct ocsp_issuer *ret_issuer)
{
	SHA1(name.p, name.len, ret_issuer->name[0]);
	SHA256(name.p, name.len, ret_issuer->name[1]);
	SHA1(key->key.p, key->key.len, ret_issuer->key[0]);
	SHA256(key->key.p, key->key.len, ret_issuer->key[1]);
}

bool
ocsp_issuer_is(const struct ocsp_issuer *issuer, const struct ocsp_cert_id *id)
{
	const struct form *form;

	if (id->form >= OCSP_FORMS)
		return false;
	form = &forms[id->form];
	return id->key_hash.len == form->len &&
	    id->name_hash.len == form->len &&
	    memcmp(id->key_hash.p, issuer->key[form->hash], form->len) == 0 &&
	    memcmp(id->name_hash.p, issuer->name[form->hash], form->len) == 0;
}

/* --- requests ----------------------------------------------------------- */

static enum q_err
malformed(struct fault *f, const char *what)
{
	return fault_set(f, Q_PROTO, "OCSP request is malformed: %s", what);
}

static enum ocsp_form
form_of(struct bytes alg)
{
	unsigned i = 0;

	while (i < OCSP_FORMS && (alg.len != forms[i].alg_len ||
	    memcmp(alg.p, forms[i].alg, alg.len) != 0))
		i++;
	return (enum ocsp_form)i;
}

/* Nonce ::= OCTET STRING (SIZE(1..128)) */
static bool
take_nonce(struct der *value, struct ocsp_request *rq)
{
	struct bytes nonce = der_get(value, DER_OCTET_STRING);

	if (!der_done(value) || nonce.len == 0 ||
	    nonce.len > OCSP_NONCE_LIMIT || rq->nonce.p != NULL)
		return false;
	if (nonce.len <= OCSP_NONCE_MAX)
		rq->nonce = nonce;
	return true;
}

/* What is not known is passed over, unless it is critical (RFC 6960 4.4). */
static bool
take_extensions(struct der *wrap, struct ocsp_request *rq)
{
	struct der list = der_enter(wrap, DER_SEQUENCE);

	while (list.left != 0) {
		struct der ext = der_enter(&list, DER_SEQUENCE);
		struct bytes oid = der_get(&ext, DER_OID);
		bool critical = der_next_is(&ext, DER_BOOLEAN) &&
		    der_get_bool(&ext);
		struct der value = der_over(der_get(&ext, DER_OCTET_STRING));
		bool nonce = rq != NULL && oid_is(oid, OID_OCSP_NONCE);

		if (!der_done(&ext) || (critical && !nonce) ||
		    (nonce && !take_nonce(&value, rq)))
			return false;
	}
	return !list.bad && der_done(wrap);
}

static bool
take_id(struct der *list, struct ocsp_cert_id *id)
{
	struct der rq = der_enter(list, DER_SEQUENCE), seq, wrap;

	seq = der_enter(&rq, DER_SEQUENCE);
	id->form = form_of(der_get_whole(&seq, DER_SEQUENCE));
	id->name_hash = der_get(&seq, DER_OCTET_STRING);
	id->key_hash = der_get(&seq, DER_OCTET_STRING);
	id->serial = der_get(&seq, DER_INTEGER);
	if (!der_done(&seq) || id->serial.len == 0 ||
	    id->serial.len > OCSP_SERIAL_MAX)
		return false;
	if (rq.left != 0) {
		wrap = der_enter(&rq, DER_CTX_CONS(0));
		if (!take_extensions(&wrap, NULL))
			return false;
	}
	return der_done(&rq);
}

static enum q_err
take_tbs(struct der *tbs, struct ocsp_request *rq, struct fault *f)
{
	struct der wrap, list;

	if (der_next_is(tbs, DER_CTX_CONS(0))) {
		wrap = der_enter(tbs, DER_CTX_CONS(0));
		if (der_get_u64(&wrap) != 0 || !der_done(&wrap))
			return malformed(f, "version is not 1");
	}
	if (der_next_is(tbs, DER_CTX_CONS(1)))
		der_get(tbs, DER_CTX_CONS(1));
	list = der_enter(tbs, DER_SEQUENCE);
	if (list.left == 0)
		return malformed(f, "it asks for nothing");
	while (list.left != 0) {
		if (rq->n == OCSP_CERTS_MAX)
			return malformed(f, "it asks for too many");
		if (!take_id(&list, &rq->ids[rq->n++]))
			return malformed(f, "a CertID");
	}
	if (tbs->left != 0) {
		wrap = der_enter(tbs, DER_CTX_CONS(2));
		if (!take_extensions(&wrap, rq))
			return malformed(f, "an extension");
	}
	return der_done(tbs) ? Q_OK : malformed(f, "there is more");
}

enum q_err
ocsp_request_parse(struct bytes der, struct ocsp_request *ret_request,
    struct fault *f)
{
	struct ocsp_request rq = { .n = 0 };
	struct der outer = der_over(der), seq, tbs;
	enum q_err r;

	if (der.len > OCSP_REQUEST_MAX || !der_valid(der))
		return malformed(f, "it is not DER");
	seq = der_enter(&outer, DER_SEQUENCE);
	tbs = der_enter(&seq, DER_SEQUENCE);
	r = take_tbs(&tbs, &rq, f);
	if (r != Q_OK)
		return r;
	if (seq.left != 0)
		der_get(&seq, DER_CTX_CONS(0));
	if (!der_done(&seq))
		return malformed(f, "there is more");
	*ret_request = rq;
	return Q_OK;
}

/* --- responses ---------------------------------------------------------- */

static void
put_cert_id(struct buf *b, const struct ocsp_issuer *issuer,
    const struct ocsp_single *s)
{
	const struct form *form = &forms[s->form];
	size_t seq = der_begin(b, DER_SEQUENCE);

	buf_put(b, form->alg, form->alg_len);
	der_put(b, DER_OCTET_STRING, issuer->name[form->hash], form->len);
	der_put(b, DER_OCTET_STRING, issuer->key[form->hash], form->len);
	der_put_bytes(b, DER_INTEGER, s->serial);
	der_end(b, seq);
}

static void
put_status(struct buf *b, const struct ocsp_single *s)
{
	const uint8_t reason = (uint8_t)s->reason;
	size_t info, wrap;

	if (s->status != OCSP_REVOKED) {
		der_put(b, DER_CTX(s->status), NULL, 0);
		return;
	}
	info = der_begin(b, DER_CTX_CONS(OCSP_REVOKED));
	der_put_generalized(b, s->revoked_at);
	if (s->reason != CRL_UNSPECIFIED) {
		wrap = der_begin(b, DER_CTX_CONS(0));
		der_put(b, DER_ENUMERATED, &reason, 1);
		der_end(b, wrap);
	}
	der_end(b, info);
}

static void
put_singles(struct buf *b, const struct ocsp_spec *spec)
{
	size_t list = der_begin(b, DER_SEQUENCE), seq, wrap;

	for (size_t i = 0; i < spec->n; i++) {
		seq = der_begin(b, DER_SEQUENCE);
		put_cert_id(b, spec->issuer, &spec->singles[i]);
		put_status(b, &spec->singles[i]);
		der_put_generalized(b, spec->this_update);
		wrap = der_begin(b, DER_CTX_CONS(0));
		der_put_generalized(b, spec->next_update);
		der_end(b, wrap);
		der_end(b, seq);
	}
	der_end(b, list);
}

static void
put_nonce(struct buf *b, struct bytes nonce)
{
	size_t wrap, list;
	struct ext_mark m;

	if (nonce.len == 0)
		return;
	wrap = der_begin(b, DER_CTX_CONS(1));
	list = der_begin(b, DER_SEQUENCE);
	m = ext_begin(b, OID_OCSP_NONCE, false);
	der_put_bytes(b, DER_OCTET_STRING, nonce);
	ext_end(b, m);
	der_end(b, list);
	der_end(b, wrap);
}

static bool
spec_good(const struct ocsp_spec *spec)
{
	if (spec->n == 0 || spec->n > OCSP_CERTS_MAX ||
	    spec->nonce.len > OCSP_NONCE_MAX ||
	    spec->next_update <= spec->this_update)
		return false;
	for (size_t i = 0; i < spec->n; i++)
		if (spec->singles[i].form >= OCSP_FORMS ||
		    spec->singles[i].serial.len == 0 ||
		    spec->singles[i].serial.len > OCSP_SERIAL_MAX)
			return false;
	return true;
}

enum q_err
ocsp_build(const struct ocsp_spec *spec, struct buf *out, struct fault *f)
{
	size_t seq, id;

	if (!spec_good(spec))
		return fault_set(f, Q_INVALID,
		    "OCSP response is not what can be said");
	seq = der_begin(out, DER_SEQUENCE);
	id = der_begin(out, DER_CTX_CONS(2));	/* byKey */
	der_put(out, DER_OCTET_STRING, spec->responder, OCSP_SHA1_LEN);
	der_end(out, id);
	der_put_generalized(out, spec->this_update);
	put_singles(out, spec);
	put_nonce(out, spec->nonce);
	der_end(out, seq);
	return out->bad ? fault_set(f, Q_TOOBIG, "OCSP response is too large, "
	    "or its dates are not from 1950 to 9999") : Q_OK;
}

enum q_err
ocsp_assemble(struct bytes tbs, struct bytes sig, struct bytes responder,
    struct buf *out)
{
	struct bytes alg = sig_alg_der(SIG_ECDSA_SHA256);
	size_t outer = der_begin(out, DER_SEQUENCE);
	const uint8_t successful = 0;
	size_t wrap, bytes, octets, basic, certs, list;

	der_put(out, DER_ENUMERATED, &successful, 1);
	wrap = der_begin(out, DER_CTX_CONS(0));
	bytes = der_begin(out, DER_SEQUENCE);
	der_put_bytes(out, DER_OID, oid_bytes(OID_OCSP_BASIC));
	octets = der_begin(out, DER_OCTET_STRING);
	basic = der_begin(out, DER_SEQUENCE);
	buf_put(out, tbs.p, tbs.len);
	buf_put(out, alg.p, alg.len);
	der_put_bits(out, sig);
	certs = der_begin(out, DER_CTX_CONS(0));
	list = der_begin(out, DER_SEQUENCE);
	buf_put(out, responder.p, responder.len);
	der_end(out, list);
	der_end(out, certs);
	der_end(out, basic);
	der_end(out, octets);
	der_end(out, bytes);
	der_end(out, wrap);
	der_end(out, outer);
	return out->bad ? Q_TOOBIG : Q_OK;
}

void
ocsp_error_make(enum ocsp_error status, uint8_t out[OCSP_ERROR_LEN])
{
	const uint8_t der[OCSP_ERROR_LEN] = { DER_SEQUENCE, 3, DER_ENUMERATED,
		1, (uint8_t)status };

	memcpy(out, der, sizeof(der));
}
