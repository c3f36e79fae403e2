// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "x509/cert_check.h"

#include <arpa/inet.h>
#include <openssl/sha.h>
#include <string.h>

#include "base/own.h"
#include "x509/der.h"
#include "x509/oid.h"

/* Sets of kinds, and keyUsage as the octets of its BIT STRING: not taken
 * from the builder's table. */
#define ON(kind) (1u << (kind))
#define ON_CA (ON(CERT_ROOT) | ON(CERT_ISSUING) | ON(CERT_LINK))
#define ON_ALL (ON_CA | ON(CERT_TLS) | ON(CERT_DEVICE) | ON(CERT_OCSP) |   \
	ON(CERT_CMP))

struct check {
	const struct cert_expect *want;
	struct pubkey key;
	struct fault *f;
};

static enum q_err
broken(const struct check *c, const char *rule)
{
	return fault_set(c->f, Q_INVALID, "certificate refused: %s", rule);
}

static bool
text_is(struct bytes b, const char *text)
{
	return bytes_equal(b, (struct bytes){ (const uint8_t *)text,
	    strlen(text) });
}

static bool
check_ski(const struct check *c, struct der *value)
{
	struct bytes ski = der_get(value, DER_OCTET_STRING);
	uint8_t digest[SHA256_DIGEST_LENGTH];

	SHA256(c->key.key.p, c->key.key.len, digest);
	return bytes_equal(ski, (struct bytes){ digest, SKI_LEN });
}

static bool
check_aki(const struct check *c, struct der *value)
{
	struct der seq = der_enter(value, DER_SEQUENCE);
	struct bytes id = der_get(&seq, DER_CTX(0));

	return der_done(&seq) && bytes_equal(id, c->want->issuer_ski);
}

static bool
check_basic_constraints(const struct check *c, struct der *value)
{
	struct der seq = der_enter(value, DER_SEQUENCE);

	if ((ON(c->want->kind) & ON_CA) != 0 && !der_get_bool(&seq))
		return false;
	if (c->want->kind == CERT_ISSUING && der_get_u64(&seq) != 0)
		return false;
	return der_done(&seq);
}

static bool
check_key_usage(const struct check *c, struct der *value)
{
	uint16_t flags = der_get_flags(value);

	/* keyCertSign and cRLSign are bits 5 and 6, digitalSignature is 0 */
	return flags == ((ON(c->want->kind) & ON_CA) != 0 ? 0x60 : 0x01);
}

static bool
check_eku(const struct check *c, struct der *value)
{
	static const enum oid purposes[] = {
		[CERT_TLS] = OID_SERVER_AUTH, [CERT_DEVICE] = OID_CLIENT_AUTH,
		[CERT_OCSP] = OID_OCSP_SIGNING, [CERT_CMP] = OID_CMC_RA,
	};
	struct der seq = der_enter(value, DER_SEQUENCE);
	struct bytes purpose = der_get(&seq, DER_OID);

	return der_done(&seq) && oid_is(purpose, purposes[c->want->kind]);
}

static bool
check_no_check(const struct check *c, struct der *value)
{
	(void)c;
	return der_get(value, DER_NULL).len == 0;
}

static bool
check_san(const struct check *c, struct der *value)
{
	struct der seq = der_enter(value, DER_SEQUENCE);

	for (size_t i = 0; i < c->want->n_names; i++) {
		const char *name = c->want->names[i];
		uint8_t ip[16];
		struct bytes got;

		if (inet_pton(AF_INET, name, ip) == 1) {
			got = der_get(&seq, DER_CTX(7));
			if (!bytes_equal(got, (struct bytes){ ip, 4 }))
				return false;
		} else if (inet_pton(AF_INET6, name, ip) == 1) {
			got = der_get(&seq, DER_CTX(7));
			if (!bytes_equal(got, (struct bytes){ ip, 16 }))
				return false;
		} else if (!text_is(der_get(&seq, DER_CTX(2)), name)) {
			return false;
		}
	}
	return der_done(&seq);
}

/* One DistributionPoint { distributionPoint { fullName { URI } } } */
static bool
check_crldp(const struct check *c, struct der *value)
{
	struct der seq = der_enter(value, DER_SEQUENCE);
	struct der point = der_enter(&seq, DER_SEQUENCE);
	struct der name = der_enter(&point, DER_CTX_CONS(0));
	struct der full = der_enter(&name, DER_CTX_CONS(0));
	struct bytes url = der_get(&full, DER_CTX(6));

	return der_done(&full) && der_done(&name) && der_done(&point) &&
	    der_done(&seq) && text_is(url, c->want->urls.crl);
}

static bool
check_aia(const struct check *c, struct der *value)
{
	struct der seq = der_enter(value, DER_SEQUENCE);
	const struct {
		enum oid method;
		const char *url;
	} points[] = {
		{ OID_AD_OCSP, c->want->urls.ocsp },
		{ OID_AD_ISSUERS, c->want->urls.issuer },
	};

	for (size_t i = 0; i < ARRAY_LEN(points); i++) {
		struct der access;

		if (points[i].url == NULL)
			continue;
		access = der_enter(&seq, DER_SEQUENCE);
		if (!oid_is(der_get(&access, DER_OID), points[i].method) ||
		    !text_is(der_get(&access, DER_CTX(6)), points[i].url) ||
		    !der_done(&access))
			return false;
	}
	return der_done(&seq);
}

static const struct rule {
	enum oid oid;
	unsigned on;		/* kinds that must have it */
	bool critical;
	bool (*check)(const struct check *, struct der *);
	const char *name;
} rules[] = {
	{ OID_SKI, ON_ALL, false, check_ski, "subjectKeyIdentifier" },
	{ OID_AKI, ON_ALL & ~ON(CERT_ROOT), false, check_aki,
	    "authorityKeyIdentifier" },
	{ OID_BASIC_CONSTRAINTS, ON_ALL, true, check_basic_constraints,
	    "basicConstraints" },
	{ OID_KEY_USAGE, ON_ALL, true, check_key_usage, "keyUsage" },
	{ OID_EKU, ON_ALL & ~ON_CA, false, check_eku, "extKeyUsage" },
	{ OID_OCSP_NO_CHECK, ON(CERT_OCSP), false, check_no_check,
	    "ocsp-nocheck" },
	{ OID_SAN, ON(CERT_TLS), false, check_san, "subjectAltName" },
	{ OID_CRLDP, 0, false, check_crldp, "cRLDistributionPoints" },
	{ OID_AIA, 0, false, check_aia, "authorityInfoAccess" },
};

/* The extensions that there must be, as bits by their row; no others may. */
static unsigned
wanted_rules(const struct cert_expect *want)
{
	unsigned wanted = 0;

	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		bool on = (rules[i].on & ON(want->kind)) != 0;

		if (rules[i].oid == OID_CRLDP)
			on = want->urls.crl != NULL;
		if (rules[i].oid == OID_AIA)
			on = want->urls.issuer != NULL ||
			    want->urls.ocsp != NULL;
		wanted |= on ? 1u << i : 0;
	}
	return wanted;
}

static enum q_err
check_extension(const struct check *c, struct der *list, unsigned *left)
{
	struct der ext = der_enter(list, DER_SEQUENCE), value;
	struct bytes oid = der_get(&ext, DER_OID);
	bool critical = der_next_is(&ext, DER_BOOLEAN);
	size_t i = 0;

	if (critical && !der_get_bool(&ext))
		return broken(c, "an extension says critical FALSE");
	value = der_over(der_get(&ext, DER_OCTET_STRING));
	if (!der_done(&ext))
		return broken(c, "an extension is malformed");
	while (i < ARRAY_LEN(rules) && !oid_is(oid, rules[i].oid))
		i++;
	if (i == ARRAY_LEN(rules))
		return broken(c, "an extension that the profile does not know");
	if ((*left & 1u << i) == 0)
		return fault_set(c->f, Q_INVALID, "certificate refused: %s is "
		    "there twice or must not be there", rules[i].name);
	*left &= ~(1u << i);
	if (critical != rules[i].critical)
		return fault_set(c->f, Q_INVALID,
		    "certificate refused: %s is %scritical", rules[i].name,
		    critical ? "" : "not ");
	if (!rules[i].check(c, &value) || !der_done(&value))
		return fault_set(c->f, Q_INVALID, "certificate refused: %s is "
		    "not what the profile says", rules[i].name);
	return Q_OK;
}

static enum q_err
check_extensions(const struct check *c, struct der *tbs)
{
	struct der wrap = der_enter(tbs, DER_CTX_CONS(3));
	struct der list = der_enter(&wrap, DER_SEQUENCE);
	unsigned left = wanted_rules(c->want);

	if (list.bad || !der_done(&wrap))
		return broken(c, "it has no extensions");
	while (list.left != 0) {
		enum q_err e = check_extension(c, &list, &left);

		if (e != Q_OK)
			return e;
	}
	for (size_t i = 0; i < ARRAY_LEN(rules); i++)
		if ((left & 1u << i) != 0)
			return fault_set(c->f, Q_INVALID,
			    "certificate refused: %s is missing",
			    rules[i].name);
	return der_done(tbs) ? Q_OK : broken(c, "bytes behind the extensions");
}

static enum q_err
check_validity(const struct check *c, struct der *tbs)
{
	const struct cert_expect *w = c->want;
	struct der seq = der_enter(tbs, DER_SEQUENCE);
	int64_t from = der_get_time(&seq), to = der_get_time(&seq);

	if (!der_done(&seq))
		return broken(c, "validity is malformed");
	if (from > w->now)
		return broken(c, "notBefore is in the future");
	if (from < w->now - w->max_backdate)
		return broken(c, "notBefore is too long ago");
	if (to <= w->now)
		return broken(c, "notAfter is in the past");
	if (to - from > w->max_lifetime)
		return broken(c, "lifetime is over the cap");
	if (w->kind == CERT_ROOT)
		return Q_OK;
	if (from < w->issuer_not_before)
		return broken(c, "notBefore is before the issuer's");
	if (to > w->issuer_not_after)
		return broken(c, "notAfter is after the issuer's");
	return Q_OK;
}

static enum q_err
check_subject(const struct check *c, struct der *tbs)
{
	struct bytes subject = der_get_whole(tbs, DER_SEQUENCE);
	struct der outer = der_over(subject), name, set, pair;
	struct bytes oid, cn;

	if (c->want->kind != CERT_DEVICE)
		return bytes_equal(subject, c->want->subject) ? Q_OK :
		    broken(c, "subject is not the expected name");
	name = der_enter(&outer, DER_SEQUENCE);
	set = der_enter(&name, DER_SET);
	pair = der_enter(&set, DER_SEQUENCE);
	oid = der_get(&pair, DER_OID);
	cn = der_get(&pair, DER_UTF8_STRING);
	if (!der_done(&pair) || !der_done(&set) || !der_done(&name) ||
	    !oid_is(oid, OID_COMMON_NAME) || cn.len != DEVICE_ID_LEN)
		return broken(c, "subject is not a DeviceID alone");
	for (size_t i = 0; i < cn.len; i++)
		if (strchr("0123456789abcdef", cn.p[i]) == NULL ||
		    cn.p[i] == '\0')
			return broken(c, "subject is not a DeviceID alone");
	return text_is(cn, c->want->device_id) ? Q_OK :
	    broken(c, "subject is another DeviceID");
}

static enum q_err
check_key(struct check *c, struct der *tbs)
{
	struct bytes spki = der_get_whole(tbs, DER_SEQUENCE);
	enum q_err e;

	if (!bytes_equal(spki, c->want->spki))
		return broken(c, "public key is not the expected one");
	e = pubkey_parse(spki, &c->key, c->f);
	if (e != Q_OK)
		return e;
	if (c->key.kind == KEY_RSA && c->want->rsa_min_bits == 0)
		return broken(c, "RSA keys are not allowed here");
	if (c->key.kind == KEY_RSA && c->key.bits < c->want->rsa_min_bits)
		return broken(c, "RSA key is too short");
	return Q_OK;
}

/* version, serial, algorithm, issuer */
static enum q_err
check_head(const struct check *c, struct der *tbs)
{
	const struct cert_expect *w = c->want;
	struct der version = der_enter(tbs, DER_CTX_CONS(0));
	struct bytes serial;

	if (der_get_u64(&version) != 2 || !der_done(&version))
		return broken(c, "version is not 3");
	serial = der_get(tbs, DER_INTEGER);
	if (serial.len != CERT_SERIAL_LEN || serial.p[0] == 0 ||
	    serial.p[0] >= 0x80)
		return broken(c, "serial number is not a positive one of 16 "
		    "octets");
	if (w->serial != NULL && memcmp(serial.p, w->serial,
	    CERT_SERIAL_LEN) != 0)
		return broken(c, "serial number is not the expected one");
	if (w->alg == SIG_NONE ||
	    sig_alg_parse(der_get_whole(tbs, DER_SEQUENCE)) != w->alg)
		return broken(c, "signature algorithm is not the issuer's");
	if (!bytes_equal(der_get_whole(tbs, DER_SEQUENCE), w->issuer))
		return broken(c, "issuer is not the expected name");
	if (w->kind == CERT_ROOT && !bytes_equal(w->issuer, w->subject))
		return broken(c, "root is not its own issuer");
	return Q_OK;
}

enum q_err
cert_check_tbs(struct bytes tbs, const struct cert_expect *want,
    struct fault *f)
{
	struct check c = { .want = want, .f = f };
	struct der outer = der_over(tbs), seq;
	enum q_err e;

	if (tbs.len > CERT_DER_MAX || !der_valid(tbs))
		return fault_set(f, Q_PROTO,
		    "certificate refused: it is not DER");
	seq = der_enter(&outer, DER_SEQUENCE);
	e = check_head(&c, &seq);
	if (e == Q_OK)
		e = check_validity(&c, &seq);
	if (e == Q_OK)
		e = check_subject(&c, &seq);
	if (e == Q_OK)
		e = check_key(&c, &seq);
	return e == Q_OK ? check_extensions(&c, &seq) : e;
}
