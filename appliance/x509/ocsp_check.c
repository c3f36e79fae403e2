// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <openssl/sha.h>
#include <string.h>

#include "base/own.h"
#include "x509/der.h"
#include "x509/ocsp.h"
#include "x509/oid.h"

struct check {
	const struct ocsp_expect *want;
	int64_t produced;
	struct fault *f;
};

static enum q_err
broken(const struct check *c, const char *rule)
{
	return fault_set(c->f, Q_INVALID, "OCSP response refused: %s", rule);
}

static bool
bytes_are(struct bytes b, const void *p, size_t len)
{
	return bytes_equal(b, (struct bytes){ p, len });
}

/* Of a CertID; which of the issuer's hashes it means, or -1. */
static int
hash_of(struct der *id)
{
	static const char sha1[] = "\x2b\x0e\x03\x02\x1a";
	static const char sha256[] = "\x60\x86\x48\x01\x65\x03\x04\x02\x01";
	struct der alg = der_enter(id, DER_SEQUENCE);
	struct bytes oid = der_get(&alg, DER_OID);

	if (alg.left != 0 && der_get(&alg, DER_NULL).len != 0)
		return -1;
	if (!der_done(&alg))
		return -1;
	if (bytes_are(oid, sha1, sizeof(sha1) - 1))
		return 0;
	return bytes_are(oid, sha256, sizeof(sha256) - 1) ? 1 : -1;
}

static enum q_err
check_id(const struct check *c, struct der *single)
{
	static const size_t lens[] = { SHA_DIGEST_LENGTH,
		SHA256_DIGEST_LENGTH };
	const struct ocsp_issuer *issuer = c->want->issuer;
	struct der id = der_enter(single, DER_SEQUENCE);
	int hash = hash_of(&id);
	struct bytes name = der_get(&id, DER_OCTET_STRING);
	struct bytes key = der_get(&id, DER_OCTET_STRING);
	struct bytes serial = der_get(&id, DER_INTEGER);

	if (!der_done(&id) || serial.len == 0 || serial.len > OCSP_SERIAL_MAX)
		return broken(c, "CertID is malformed");
	if (hash < 0)
		return broken(c, "CertID has another hash algorithm");
	if (!bytes_are(name, issuer->name[hash], lens[hash]) ||
	    !bytes_are(key, issuer->key[hash], lens[hash]))
		return broken(c, "certificate is another issuer's");
	return Q_OK;
}

static bool
reason_known(struct bytes code)
{
	return code.len == 1 && ((code.p[0] >= CRL_KEY_COMPROMISE &&
	    code.p[0] <= CRL_CESSATION) ||
	    code.p[0] == CRL_PRIVILEGE_WITHDRAWN);
}

static enum q_err
check_status(const struct check *c, struct der *single)
{
	struct der info, wrap;

	if (der_next_is(single, DER_CTX(OCSP_GOOD)) ||
	    der_next_is(single, DER_CTX(OCSP_UNKNOWN))) {
		uint8_t tag;

		return der_any(single, &tag).len == 2 ? Q_OK :
		    broken(c, "status is malformed");
	}
	info = der_enter(single, DER_CTX_CONS(OCSP_REVOKED));
	if (der_get_generalized(&info) > c->produced)
		return broken(c, "revoked in the future");
	if (info.left != 0) {
		wrap = der_enter(&info, DER_CTX_CONS(0));
		if (!reason_known(der_get(&wrap, DER_ENUMERATED)) ||
		    !der_done(&wrap))
			return broken(c, "reason is not a known one");
	}
	return der_done(&info) ? Q_OK : broken(c, "status is malformed");
}

static enum q_err
check_single(const struct check *c, struct der *list)
{
	struct der single = der_enter(list, DER_SEQUENCE), wrap;
	enum q_err r = check_id(c, &single);
	int64_t from, to;

	if (r == Q_OK)
		r = check_status(c, &single);
	if (r != Q_OK)
		return r;
	from = der_get_generalized(&single);
	wrap = der_enter(&single, DER_CTX_CONS(0));
	to = der_get_generalized(&wrap);
	if (!der_done(&wrap) || !der_done(&single))
		return broken(c, "it has no dates, or more than that");
	if (from != c->produced)
		return broken(c, "thisUpdate is not producedAt");
	if (to <= c->want->now || to <= from)
		return broken(c, "nextUpdate is in the past");
	if (to - from > OCSP_SPAN_MAX)
		return broken(c, "it is valid for longer than the cap");
	if (to > c->want->responder_not_after)
		return broken(c, "nextUpdate is after the responder's end");
	return Q_OK;
}

static enum q_err
check_singles(const struct check *c, struct der *tbs)
{
	struct der list = der_enter(tbs, DER_SEQUENCE);
	enum q_err r = Q_OK;
	size_t n = 0;

	while (r == Q_OK && list.left != 0) {
		if (n++ == OCSP_CERTS_MAX)
			return broken(c, "it has too many certificates");
		r = check_single(c, &list);
	}
	if (r == Q_OK && n == 0)
		return broken(c, "it has no certificates");
	return r;
}

/* A nonce, and nothing else. */
static enum q_err
check_extensions(const struct check *c, struct der *tbs)
{
	struct der wrap = der_enter(tbs, DER_CTX_CONS(1));
	struct der list = der_enter(&wrap, DER_SEQUENCE);
	struct der ext = der_enter(&list, DER_SEQUENCE);
	struct bytes oid = der_get(&ext, DER_OID);
	struct der value = der_over(der_get(&ext, DER_OCTET_STRING));
	struct bytes nonce = der_get(&value, DER_OCTET_STRING);

	if (!der_done(&value) || !der_done(&ext) || !der_done(&list) ||
	    !der_done(&wrap) || !der_done(tbs) ||
	    !oid_is(oid, OID_OCSP_NONCE) || nonce.len == 0 ||
	    nonce.len > OCSP_NONCE_MAX)
		return broken(c, "extensions are not a nonce alone");
	return Q_OK;
}

enum q_err
ocsp_check_tbs(struct bytes tbs, const struct ocsp_expect *want,
    struct fault *f)
{
	struct check c = { .want = want, .f = f };
	struct der outer = der_over(tbs), seq, id;
	enum q_err r;

	if (tbs.len > OCSP_TBS_MAX || !der_valid(tbs))
		return fault_set(f, Q_PROTO,
		    "OCSP response refused: it is not DER");
	seq = der_enter(&outer, DER_SEQUENCE);
	id = der_enter(&seq, DER_CTX_CONS(2));
	if (!bytes_are(der_get(&id, DER_OCTET_STRING), want->responder,
	    OCSP_SHA1_LEN) || !der_done(&id))
		return broken(&c, "responder is not this one by its key");
	c.produced = der_get_generalized(&seq);
	if (seq.bad || c.produced > want->now + OCSP_SKEW ||
	    c.produced < want->now - OCSP_SKEW)
		return broken(&c, "producedAt is far from now");
	r = check_singles(&c, &seq);
	if (r != Q_OK || der_done(&seq))
		return r;
	return check_extensions(&c, &seq);
}
