// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "x509/cert_parse.h"

#include "base/own.h"
#include "x509/der.h"
#include "x509/name.h"
#include "x509/oid.h"

#define SERIAL_OCTETS_MAX 20	/* RFC 5280 4.1.2.2 */
#define PATH_LEN_MAX 255

/* Extension ::= SEQUENCE { OID, critical DEFAULT FALSE, OCTET STRING } */
static bool
next_extension(struct der *list, struct bytes *oid, bool *critical,
    struct bytes *value)
{
	struct der ext = der_enter(list, DER_SEQUENCE);

	*oid = der_get(&ext, DER_OID);
	*critical = der_next_is(&ext, DER_BOOLEAN) && der_get_bool(&ext);
	*value = der_get(&ext, DER_OCTET_STRING);
	return der_done(&ext);
}

static bool
parse_basic_constraints(struct cert *cert, struct der *value)
{
	struct der seq = der_enter(value, DER_SEQUENCE);
	uint64_t limit;

	cert->is_ca = der_next_is(&seq, DER_BOOLEAN) && der_get_bool(&seq);
	if (der_next_is(&seq, DER_INTEGER)) {
		limit = der_get_u64(&seq);
		cert->path_len = limit < PATH_LEN_MAX ? (int)limit :
		    PATH_LEN_MAX;
	}
	return der_done(&seq);
}

static bool
parse_key_usage(struct cert *cert, struct der *value)
{
	cert->has_key_usage = true;
	cert->key_usage = der_get_flags(value);
	return true;
}

static bool
parse_ski(struct cert *cert, struct der *value)
{
	cert->ski = der_get(value, DER_OCTET_STRING);
	return true;
}

static bool
parse_aki(struct cert *cert, struct der *value)
{
	struct der seq = der_enter(value, DER_SEQUENCE);
	uint8_t tag;

	if (der_next_is(&seq, DER_CTX(0)))
		cert->aki = der_get(&seq, DER_CTX(0));
	while (!seq.bad && seq.left != 0)
		der_any(&seq, &tag);
	return !seq.bad;
}

static const struct {
	enum oid oid;
	bool (*parse)(struct cert *, struct der *);
} known[] = {
	{ OID_BASIC_CONSTRAINTS, parse_basic_constraints },
	{ OID_KEY_USAGE, parse_key_usage },
	{ OID_SKI, parse_ski },
	{ OID_AKI, parse_aki },
};

static bool
parse_known(struct cert *cert, struct bytes oid, struct bytes octets,
    unsigned *seen)
{
	for (size_t i = 0; i < ARRAY_LEN(known); i++) {
		struct der value = der_over(octets);

		if (!oid_is(oid, known[i].oid))
			continue;
		if ((*seen & 1u << i) != 0)
			return false;
		*seen |= 1u << i;
		return known[i].parse(cert, &value) && der_done(&value);
	}
	return true;
}

static bool
parse_extensions(struct cert *cert, struct der *tbs)
{
	struct der wrap = der_enter(tbs, DER_CTX_CONS(3));
	struct der list;
	unsigned seen = 0, count = 0;

	cert->extensions = der_get(&wrap, DER_SEQUENCE);
	if (!der_done(&wrap) || cert->version != 3)
		return false;
	list = der_over(cert->extensions);
	do {
		struct bytes oid, value;
		bool critical;

		if (++count > CERT_EXTENSIONS_MAX ||
		    !next_extension(&list, &oid, &critical, &value) ||
		    !parse_known(cert, oid, value, &seen))
			return false;
	} while (list.left != 0);
	return true;
}

/* What stands in front of the names. */
static bool
parse_head(struct cert *cert, struct der *tbs, struct bytes *alg)
{
	cert->version = 1;
	if (der_next_is(tbs, DER_CTX_CONS(0))) {
		struct der wrap = der_enter(tbs, DER_CTX_CONS(0));
		uint64_t version = der_get_u64(&wrap);

		if (!der_done(&wrap) || version < 1 || version > 2)
			return false;
		cert->version = 1 + (unsigned)version;
	}
	cert->serial = der_get_uint(tbs);
	*alg = der_get_whole(tbs, DER_SEQUENCE);
	return cert->serial.len <= SERIAL_OCTETS_MAX;
}

static bool
parse_tbs(struct cert *cert, struct bytes *alg)
{
	struct der outer = der_over(cert->tbs);
	struct der tbs = der_enter(&outer, DER_SEQUENCE);
	struct der validity;

	if (!parse_head(cert, &tbs, alg))
		return false;
	cert->issuer = der_get_whole(&tbs, DER_SEQUENCE);
	validity = der_enter(&tbs, DER_SEQUENCE);
	cert->not_before = der_get_time(&validity);
	cert->not_after = der_get_time(&validity);
	cert->subject = der_get_whole(&tbs, DER_SEQUENCE);
	cert->spki = der_get_whole(&tbs, DER_SEQUENCE);
	if (!der_done(&validity))
		return false;
	for (uint8_t n = 1; n <= 2; n++)	/* unique identifiers */
		if (der_next_is(&tbs, DER_CTX(n)))
			der_get(&tbs, DER_CTX(n));
	if (der_next_is(&tbs, DER_CTX_CONS(3)) && !parse_extensions(cert, &tbs))
		return false;
	return der_done(&tbs);
}

enum q_err
cert_parse(struct bytes der, struct cert *ret_cert, struct fault *f)
{
	struct cert cert = { .der = der, .path_len = -1 };
	struct der outer = der_over(der), seq;
	struct bytes alg, inner_alg, issuer_cn;

	if (der.len > CERT_PARSE_MAX)
		return fault_set(f, Q_TOOBIG, "certificate has %zu bytes, at "
		    "most %d are accepted", der.len, CERT_PARSE_MAX);
	if (!der_valid(der))
		return fault_set(f, Q_PROTO, "certificate is not DER");
	seq = der_enter(&outer, DER_SEQUENCE);
	cert.tbs = der_get_whole(&seq, DER_SEQUENCE);
	alg = der_get_whole(&seq, DER_SEQUENCE);
	cert.sig = der_get_bits(&seq);
	if (!der_done(&seq) || !parse_tbs(&cert, &inner_alg))
		return fault_set(f, Q_PROTO, "certificate is malformed");
	if (!bytes_equal(alg, inner_alg))
		return fault_set(f, Q_PROTO, "certificate names two different "
		    "signature algorithms");
	/* a commonName of a strange type counts as none */
	if (name_common(cert.subject, &cert.cn, f) == Q_PROTO ||
	    name_common(cert.issuer, &issuer_cn, f) == Q_PROTO)
		return Q_PROTO;
	cert.alg = sig_alg_parse(alg);
	cert.self_issued = bytes_equal(cert.subject, cert.issuer);
	*ret_cert = cert;
	return Q_OK;
}

bool
cert_extension(const struct cert *cert, struct bytes oid, bool *ret_critical,
    struct bytes *ret_value)
{
	struct der list = der_over(cert->extensions);

	while (list.left != 0) {
		struct bytes id, value;
		bool critical;

		if (!next_extension(&list, &id, &critical, &value))
			return false;
		if (!bytes_equal(id, oid))
			continue;
		*ret_critical = critical;
		*ret_value = value;
		return true;
	}
	return false;
}

enum q_err
cert_verify_signature(const struct cert *cert, struct bytes issuer_spki,
    struct fault *f)
{
	struct pubkey key;
	enum q_err e = pubkey_parse(issuer_spki, &key, f);

	if (e == Q_OK)
		e = pubkey_verify(&key, cert->alg, cert->tbs, cert->sig, NULL);
	return e == Q_OK ? e : fault_set(f, e,
	    "certificate is not signed by its issuer's key");
}
