// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "x509/crl.h"

#include <stdlib.h>
#include <string.h>

#include "x509/der_write.h"
#include "x509/ext.h"

static int
compare_serials(const void *a, const void *b)
{
	const struct crl_entry *x = a, *y = b;

	return memcmp(x->serial, y->serial, CERT_SERIAL_LEN);
}

void
crl_sort(struct crl_entry *entries, size_t n)
{
	if (n > 1)
		qsort(entries, n, sizeof(*entries), compare_serials);
}

static enum q_err
check_spec(const struct crl_spec *s, struct fault *f)
{
	if (sig_alg_der(s->alg).len == 0 || s->issuer.len == 0 ||
	    s->issuer_ski.len == 0)
		return fault_set(f, Q_INVALID,
		    "CRL needs an algorithm, a name and an identifier");
	if (s->number == 0)
		return fault_set(f, Q_INVALID, "CRL number is 0");
	if (s->next_update <= s->this_update)
		return fault_set(f, Q_INVALID,
		    "CRL would end before it begins");
	if (s->idp_url != NULL && !ext_url_good(s->idp_url))
		return fault_set(f, Q_INVALID,
		    "not a http or https URL: %.100s", s->idp_url);
	if (s->freshest_url != NULL && !ext_url_good(s->freshest_url))
		return fault_set(f, Q_INVALID,
		    "not a http or https URL: %.100s", s->freshest_url);
	if (s->base != 0 && (s->base >= s->number || s->freshest_url != NULL))
		return fault_set(f, Q_INVALID,
		    "a delta CRL follows its base, and has no delta");
	return Q_OK;
}

static void
put_entry(struct buf *b, const struct crl_entry *entry)
{
	/* Extensions { reasonCode, not critical, ENUMERATED (last octet) } */
	static const uint8_t reason[] = { 0x30, 0x0c, 0x30, 0x0a, 0x06, 0x03,
		0x55, 0x1d, 0x15, 0x04, 0x03, DER_ENUMERATED, 0x01 };
	const uint8_t code = (uint8_t)entry->reason;
	size_t seq = der_begin(b, DER_SEQUENCE);

	der_put_uint(b, entry->serial, CERT_SERIAL_LEN);
	der_put_time(b, entry->revoked_at);
	if (entry->reason != CRL_UNSPECIFIED) {
		buf_put(b, reason, sizeof(reason));
		buf_put(b, &code, 1);
	}
	der_end(b, seq);
}

/* revokedCertificates is left out when there are none (RFC 5280 5.1.2.6). */
static enum q_err
put_entries(struct buf *b, crl_next next, void *arg, struct fault *f)
{
	struct crl_entry entry, last = { .serial = { 0 } };
	size_t list = 0;
	enum q_err e;

	while (memset(&entry, 0, sizeof(entry)),
	    (e = next(arg, &entry)) == Q_OK) {
		if (entry.serial[0] == 0 || entry.serial[0] >= 0x80 ||
		    memcmp(entry.serial, last.serial, CERT_SERIAL_LEN) <= 0)
			return fault_set(f, Q_INVALID, "CRL entries are not "
			    "in strictly ascending order of 16-octet serials");
		if (list == 0)
			list = der_begin(b, DER_SEQUENCE);
		put_entry(b, &entry);
		if (b->bad)
			return fault_set(f, Q_TOOBIG,
			    "CRL is too large, or an entry has a wrong date");
		last = entry;
	}
	if (e != Q_NOTFOUND)
		return fault_set(f, e, "entries of the CRL cannot be read");
	if (list != 0)
		der_end(b, list);
	return Q_OK;
}

static void
put_extensions(struct buf *b, const struct crl_spec *spec)
{
	size_t wrap = der_begin(b, DER_CTX_CONS(0));
	size_t list = der_begin(b, DER_SEQUENCE);
	struct ext_mark m;

	ext_put_aki(b, spec->issuer_ski);
	m = ext_begin(b, OID_CRL_NUMBER, false);
	der_put_u64(b, spec->number);
	ext_end(b, m);
	if (spec->base != 0) {
		m = ext_begin(b, OID_DELTA_CRL, true);
		der_put_u64(b, spec->base);
		ext_end(b, m);
	}
	if (spec->idp_url != NULL || spec->only_users)
		ext_put_idp(b, spec->idp_url, spec->only_users);
	if (spec->freshest_url != NULL)
		ext_put_point(b, OID_FRESHEST_CRL, spec->freshest_url);
	der_end(b, list);
	der_end(b, wrap);
}

enum q_err
crl_build(const struct crl_spec *spec, crl_next next, void *arg,
    struct buf *out, struct fault *f)
{
	struct bytes alg = sig_alg_der(spec->alg);
	size_t start = out->len, tbs;
	enum q_err e = check_spec(spec, f);

	if (e != Q_OK)
		return e;
	tbs = der_begin(out, DER_SEQUENCE);
	der_put_u64(out, 1);			/* v2 */
	buf_put(out, alg.p, alg.len);
	buf_put(out, spec->issuer.p, spec->issuer.len);
	der_put_time(out, spec->this_update);
	der_put_time(out, spec->next_update);
	e = put_entries(out, next, arg, f);
	if (e != Q_OK) {
		out->len = start;
		return e;
	}
	put_extensions(out, spec);
	der_end(out, tbs);
	return out->bad ? fault_set(f, Q_TOOBIG,
	    "CRL is too large, or its dates are not from 1950 to 9999") : Q_OK;
}
