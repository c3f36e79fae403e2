// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "x509/crl_check.h"

#include <string.h>

#include "base/own.h"
#include "x509/der.h"
#include "x509/oid.h"

struct walk {
	const struct crl_expect *want;
	crl_each each;
	void *arg;
	struct crl_info info;
	struct fault *f;
};

static enum q_err
broken(const struct walk *w, const char *rule)
{
	return fault_set(w->f, Q_INVALID, "CRL refused: %s", rule);
}

static enum q_err
bad_entry(const struct walk *w, const char *rule)
{
	return fault_set(w->f, Q_INVALID, "CRL refused: entry %llu %s",
	    (unsigned long long)w->info.entries + 1, rule);
}

static bool
reason_known(uint8_t code)
{
	return (code >= CRL_KEY_COMPROMISE && code <= CRL_CESSATION) ||
	    code == CRL_PRIVILEGE_WITHDRAWN;
}

/* crlEntryExtensions with the reasonCode and nothing else */
static bool
get_reason(struct der *entry, enum crl_reason *ret_reason)
{
	struct der list = der_enter(entry, DER_SEQUENCE);
	struct der ext = der_enter(&list, DER_SEQUENCE);
	struct bytes oid = der_get(&ext, DER_OID);
	struct der value = der_over(der_get(&ext, DER_OCTET_STRING));
	struct bytes code = der_get(&value, DER_ENUMERATED);

	if (!der_done(&list) || !der_done(&ext) || !der_done(&value) ||
	    !oid_is(oid, OID_CRL_REASON) || code.len != 1 ||
	    !reason_known(code.p[0]))
		return false;
	*ret_reason = code.p[0];
	return true;
}

static enum q_err
walk_entry(struct walk *w, struct der *list, uint8_t *last)
{
	struct der seq = der_enter(list, DER_SEQUENCE);
	struct bytes serial = der_get(&seq, DER_INTEGER);
	struct crl_entry entry = { .reason = CRL_UNSPECIFIED };
	enum q_err e = Q_OK;

	if (serial.len != CERT_SERIAL_LEN || serial.p[0] == 0 ||
	    serial.p[0] >= 0x80)
		return bad_entry(w, "has no positive serial of 16 octets");
	if (memcmp(serial.p, last, CERT_SERIAL_LEN) <= 0)
		return bad_entry(w, "is out of order or doubled");
	memcpy(last, serial.p, CERT_SERIAL_LEN);
	memcpy(entry.serial, serial.p, CERT_SERIAL_LEN);
	entry.revoked_at = der_get_time(&seq);
	if (seq.bad || entry.revoked_at > w->info.this_update)
		return bad_entry(w, "has no date up to thisUpdate");
	if (seq.left != 0 && !get_reason(&seq, &entry.reason))
		return bad_entry(w, "has more than a known reason");
	if (!der_done(&seq))
		return bad_entry(w, "is malformed");
	if (w->each != NULL)
		e = w->each(w->arg, &entry);
	w->info.entries++;
	return e;
}

static enum q_err
walk_entries(struct walk *w, struct der *tbs)
{
	uint8_t last[CERT_SERIAL_LEN] = { 0 };
	struct der list;

	if (!der_next_is(tbs, DER_SEQUENCE))
		return Q_OK;
	list = der_enter(tbs, DER_SEQUENCE);
	do {
		enum q_err e = walk_entry(w, &list, last);

		if (e != Q_OK)
			return e;
	} while (list.left != 0);
	return Q_OK;
}

static bool
check_aki(struct walk *w, struct der *value)
{
	struct der seq = der_enter(value, DER_SEQUENCE);
	struct bytes id = der_get(&seq, DER_CTX(0));

	return der_done(&seq) && bytes_equal(id, w->want->issuer_ski);
}

static bool
check_number(struct walk *w, struct der *value)
{
	w->info.number = der_get_u64(value);
	return w->info.number > w->want->last_number;
}

static bool
check_idp(struct walk *w, struct der *value)
{
	const char *want = w->want->idp_url;
	struct der seq = der_enter(value, DER_SEQUENCE);
	struct der name, full;
	struct bytes url, users;

	if (want != NULL) {
		name = der_enter(&seq, DER_CTX_CONS(0));
		full = der_enter(&name, DER_CTX_CONS(0));
		url = der_get(&full, DER_CTX(6));
		if (!der_done(&full) || !der_done(&name) || !bytes_equal(url,
		    (struct bytes){ (const uint8_t *)want, strlen(want) }))
			return false;
	}
	if (w->want->only_users) {
		users = der_get(&seq, DER_CTX(1));
		if (users.len != 1 || users.p[0] != 0xff)
			return false;
	}
	return der_done(&seq);
}

/* Its base is a list that has been signed. */
static bool
check_delta(struct walk *w, struct der *value)
{
	w->info.base = der_get_u64(value);
	return w->info.base > 0 && w->info.base <= w->want->last_number &&
	    w->info.base < w->info.number;
}

static bool
check_freshest(struct walk *w, struct der *value)
{
	const char *want = w->want->freshest_url;
	struct der points = der_enter(value, DER_SEQUENCE);
	struct der point = der_enter(&points, DER_SEQUENCE);
	struct der name = der_enter(&point, DER_CTX_CONS(0));
	struct der full = der_enter(&name, DER_CTX_CONS(0));
	struct bytes url = der_get(&full, DER_CTX(6));

	return der_done(&full) && der_done(&name) && der_done(&point) &&
	    der_done(&points) && w->info.base == 0 &&
	    bytes_equal(url, (struct bytes){ (const uint8_t *)want,
		strlen(want) });
}

enum presence { NEVER, MAY, MUST };

static enum presence
always(const struct crl_expect *want)
{
	(void)want;
	return MUST;
}

static enum presence
delta_wanted(const struct crl_expect *want)
{
	return want->delta ? MAY : NEVER;
}

static enum presence
idp_wanted(const struct crl_expect *want)
{
	return want->idp_url != NULL || want->only_users ? MUST : NEVER;
}

static enum presence
freshest_wanted(const struct crl_expect *want)
{
	return want->freshest_url != NULL ? MAY : NEVER;
}

/* In the order in which they come. */
static const struct rule {
	enum oid oid;
	bool critical;
	enum presence (*wanted)(const struct crl_expect *);
	bool (*check)(struct walk *, struct der *);
	const char *name;
} rules[] = {
	{ OID_AKI, false, always, check_aki, "authorityKeyIdentifier" },
	{ OID_CRL_NUMBER, false, always, check_number, "CRL number" },
	{ OID_DELTA_CRL, true, delta_wanted, check_delta,
	    "deltaCRLIndicator" },
	{ OID_IDP, true, idp_wanted, check_idp, "issuingDistributionPoint" },
	{ OID_FRESHEST_CRL, false, freshest_wanted, check_freshest,
	    "freshestCRL" },
};

/* Take the extension if it is the next; false: it is another, or none. */
static bool
take_extension(struct der *list, const struct rule *rule, struct der *value)
{
	struct der rest = *list, ext = der_enter(&rest, DER_SEQUENCE);
	bool known = oid_is(der_get(&ext, DER_OID), rule->oid);
	bool critical = der_next_is(&ext, DER_BOOLEAN) && der_get_bool(&ext);

	*value = der_over(der_get(&ext, DER_OCTET_STRING));
	if (rest.bad || !der_done(&ext) || !known ||
	    critical != rule->critical)
		return false;
	*list = rest;
	return true;
}

static enum q_err
check_extensions(struct walk *w, struct der *tbs)
{
	struct der wrap = der_enter(tbs, DER_CTX_CONS(0));
	struct der list = der_enter(&wrap, DER_SEQUENCE), value;

	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		enum presence wanted = rules[i].wanted(w->want);

		if (wanted == NEVER)
			continue;
		if (!take_extension(&list, &rules[i], &value)) {
			if (wanted == MAY)
				continue;
			return fault_set(w->f, Q_INVALID,
			    "CRL refused: %s is missing", rules[i].name);
		}
		if (!rules[i].check(w, &value) || !der_done(&value))
			return fault_set(w->f, Q_INVALID, "CRL refused: %s is "
			    "not the expected one", rules[i].name);
	}
	return der_done(&list) && der_done(&wrap) && der_done(tbs) ? Q_OK :
	    broken(w, "there are more extensions than expected");
}

/* version, algorithm, issuer, dates */
static enum q_err
check_head(struct walk *w, struct der *tbs)
{
	const struct crl_expect *want = w->want;

	if (der_get_u64(tbs) != 1 || tbs->bad)
		return broken(w, "version is not 2");
	if (want->alg == SIG_NONE ||
	    sig_alg_parse(der_get_whole(tbs, DER_SEQUENCE)) != want->alg)
		return broken(w, "signature algorithm is not the issuer's");
	if (!bytes_equal(der_get_whole(tbs, DER_SEQUENCE), want->issuer))
		return broken(w, "issuer is not the expected name");
	w->info.this_update = der_get_time(tbs);
	w->info.next_update = der_get_time(tbs);
	if (tbs->bad)
		return broken(w, "dates are malformed");
	if (w->info.this_update > want->now)
		return broken(w, "thisUpdate is in the future");
	if (w->info.this_update < want->now - want->max_backdate)
		return broken(w, "thisUpdate is too long ago");
	if (w->info.next_update <= want->now)
		return broken(w, "nextUpdate is in the past");
	if (w->info.next_update - w->info.this_update > want->max_validity)
		return broken(w, "it is valid for longer than the cap");
	if (w->info.next_update > want->issuer_not_after)
		return broken(w, "nextUpdate is after the issuer's end");
	return Q_OK;
}

enum q_err
crl_check_tbs(struct bytes tbs, const struct crl_expect *want, crl_each each,
    void *arg, struct crl_info *ret_info, struct fault *f)
{
	struct walk w = { .want = want, .each = each, .arg = arg, .f = f };
	struct der outer = der_over(tbs), seq;
	enum q_err e;

	seq = der_enter(&outer, DER_SEQUENCE);
	if (!der_done(&outer) || tbs.len > CRL_DER_MAX)
		return fault_set(f, Q_PROTO, "CRL refused: it is not DER");
	e = check_head(&w, &seq);
	if (e == Q_OK)
		e = walk_entries(&w, &seq);
	if (e == Q_OK)
		e = check_extensions(&w, &seq);
	if (e == Q_OK && ret_info != NULL)
		*ret_info = w.info;
	return e;
}

enum q_err
crl_open(struct bytes der, struct bytes issuer_spki, struct bytes *ret_tbs,
    struct fault *f)
{
	struct der outer = der_over(der);
	struct der seq = der_enter(&outer, DER_SEQUENCE);
	struct bytes tbs = der_get_whole(&seq, DER_SEQUENCE);
	enum sig_alg alg = sig_alg_parse(der_get_whole(&seq, DER_SEQUENCE));
	struct bytes sig = der_get_bits(&seq);
	struct pubkey key;
	enum q_err e;

	if (!der_done(&seq) || !der_done(&outer))
		return fault_set(f, Q_PROTO, "CRL is not DER");
	e = pubkey_parse(issuer_spki, &key, f);
	if (e == Q_OK)
		e = pubkey_verify(&key, alg, tbs, sig, f);
	if (e == Q_OK)
		*ret_tbs = tbs;
	return e;
}
