// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "x509/cert.h"

#include <stdlib.h>

#include "base/codec.h"
#include "base/own.h"
#include "x509/cert_parse.h"
#include "x509/der_write.h"
#include "x509/ext.h"

#define TBS_MAX (CERT_DER_MAX - 1024)

/* What the kinds differ in. */
static const struct profile {
	bool ca;
	int path_len;		/* -1: not said */
	uint16_t key_usage;
	enum oid purpose;	/* OID_COUNT: none */
} profiles[] = {
	[CERT_ROOT] = { true, -1, CERT_KU_KEY_CERT_SIGN | CERT_KU_CRL_SIGN,
	    OID_COUNT },
	[CERT_ISSUING] = { true, 0, CERT_KU_KEY_CERT_SIGN | CERT_KU_CRL_SIGN,
	    OID_COUNT },
	[CERT_TLS] = { false, -1, CERT_KU_DIGITAL_SIGNATURE, OID_SERVER_AUTH },
	[CERT_DEVICE] = { false, -1, CERT_KU_DIGITAL_SIGNATURE,
	    OID_CLIENT_AUTH },
	[CERT_OCSP] = { false, -1, CERT_KU_DIGITAL_SIGNATURE,
	    OID_OCSP_SIGNING },
	[CERT_CMP] = { false, -1, CERT_KU_DIGITAL_SIGNATURE, OID_CMC_RA },
	[CERT_LINK] = { true, -1, CERT_KU_KEY_CERT_SIGN | CERT_KU_CRL_SIGN,
	    OID_COUNT },
};

struct cert_template {
	struct buf head;	/* algorithm and issuer */
	struct buf extensions;	/* all but SKI */
};

void
cert_serial_fix(uint8_t serial[CERT_SERIAL_LEN])
{
	serial[0] = (uint8_t)((serial[0] & 0x7f) | 0x40);
}

static enum q_err
check_common(const uint8_t *serial, int64_t not_before, int64_t not_after,
    struct fault *f)
{
	if (serial[0] == 0 || serial[0] >= 0x80)
		return fault_set(f, Q_INVALID,
		    "serial number is not a positive one of 16 octets");
	if (not_after <= not_before)
		return fault_set(f, Q_INVALID,
		    "certificate would end before it begins");
	return Q_OK;
}

static enum q_err
check_urls(const struct cert_urls *urls, struct fault *f)
{
	const char *const all[] = { urls->crl, urls->issuer, urls->ocsp };

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (all[i] != NULL && !ext_url_good(all[i]))
			return fault_set(f, Q_INVALID,
			    "not a http or https URL: %.100s", all[i]);
	return Q_OK;
}

static enum q_err
check_spec(enum cert_kind kind, const struct cert_spec *s, struct fault *f)
{
	enum q_err e = check_common(s->serial, s->not_before, s->not_after, f);

	if (e == Q_OK)
		e = check_urls(&s->urls, f);
	if (e != Q_OK)
		return e;
	if (sig_alg_der(s->alg).len == 0 || s->issuer.len == 0 ||
	    s->subject.len == 0)
		return fault_set(f, Q_INVALID,
		    "certificate needs names and an algorithm");
	if ((kind == CERT_ROOT) != (s->issuer_ski.len == 0))
		return fault_set(f, Q_INVALID,
		    "issuer's key identifier is missing or too many");
	if ((kind == CERT_TLS) != (s->n_names != 0) ||
	    s->n_names > CERT_NAMES_MAX)
		return fault_set(f, Q_INVALID,
		    "a TLS certificate needs 1 to %d names", CERT_NAMES_MAX);
	for (size_t i = 0; i < s->n_names; i++)
		if (!ext_name_good(s->names[i]))
			return fault_set(f, Q_INVALID, "neither a host name "
			    "nor an IP address: %.100s", s->names[i]);
	return Q_OK;
}

/* version and serial number */
static void
put_head(struct buf *b, const uint8_t *serial)
{
	static const uint8_t v3[] = { DER_CTX_CONS(0), 3, DER_INTEGER, 1, 2 };

	buf_put(b, v3, sizeof(v3));
	der_put_uint(b, serial, CERT_SERIAL_LEN);
}

static void
put_validity(struct buf *b, int64_t not_before, int64_t not_after)
{
	size_t seq = der_begin(b, DER_SEQUENCE);

	der_put_time(b, not_before);
	der_put_time(b, not_after);
	der_end(b, seq);
}

/* Every extension that does not depend on the subject's key. */
static void
put_constant_extensions(struct buf *b, enum cert_kind kind,
    struct bytes issuer_ski, const struct cert_urls *urls)
{
	const struct profile *p = &profiles[kind];

	if (issuer_ski.len != 0)
		ext_put_aki(b, issuer_ski);
	ext_put_ca(b, p->ca, p->path_len);
	ext_put_key_usage(b, p->key_usage);
	if (p->purpose != OID_COUNT)
		ext_put_eku(b, p->purpose);
	if (kind == CERT_OCSP)
		ext_put_no_check(b);
	ext_put_urls(b, urls);
}

enum q_err
cert_build(enum cert_kind kind, const struct cert_spec *spec, struct buf *out,
    struct fault *f)
{
	struct bytes alg = sig_alg_der(spec->alg);
	AUTO_BUF struct buf b = BUF_INIT(TBS_MAX);
	size_t tbs, wrap, list;
	struct pubkey key;
	enum q_err e = check_spec(kind, spec, f);

	if (e == Q_OK)
		e = pubkey_parse(spec->spki, &key, f);
	if (e != Q_OK)
		return e;
	tbs = der_begin(&b, DER_SEQUENCE);
	put_head(&b, spec->serial);
	buf_put(&b, alg.p, alg.len);
	buf_put(&b, spec->issuer.p, spec->issuer.len);
	put_validity(&b, spec->not_before, spec->not_after);
	buf_put(&b, spec->subject.p, spec->subject.len);
	buf_put(&b, spec->spki.p, spec->spki.len);
	wrap = der_begin(&b, DER_CTX_CONS(3));
	list = der_begin(&b, DER_SEQUENCE);
	ext_put_ski(&b, &key);
	put_constant_extensions(&b, kind, spec->issuer_ski, &spec->urls);
	if (spec->n_names != 0)
		ext_put_names(&b, spec->names, spec->n_names);
	der_end(&b, list);
	der_end(&b, wrap);
	der_end(&b, tbs);
	if (!b.bad)
		buf_put(out, b.p, b.len);
	return b.bad || out->bad ? fault_set(f, Q_INVALID,
	    "certificate is too large, or its dates are not from 1950 to "
	    "9999") : Q_OK;
}

enum q_err
cert_template_new(const struct cert_template_spec *spec,
    struct cert_template **ret_template, struct fault *f)
{
	struct bytes alg = sig_alg_der(spec->alg);
	struct cert_template *t;
	enum q_err e = check_urls(&spec->urls, f);

	if (e != Q_OK)
		return e;
	if (alg.len == 0 || spec->issuer.len == 0 || spec->issuer_ski.len == 0)
		return fault_set(f, Q_INVALID,
		    "template needs an algorithm, a name and an identifier");
	t = calloc(1, sizeof(*t));
	if (t == NULL)
		return fault_set(f, Q_NOMEM, "out of memory");
	t->head.max = t->extensions.max = TBS_MAX;
	buf_put(&t->head, alg.p, alg.len);
	buf_put(&t->head, spec->issuer.p, spec->issuer.len);
	put_constant_extensions(&t->extensions, CERT_DEVICE, spec->issuer_ski,
	    &spec->urls);
	if (t->head.bad || t->extensions.bad) {
		cert_template_free(t);
		return fault_set(f, Q_TOOBIG, "certificate is too large");
	}
	*ret_template = t;
	return Q_OK;
}

void
cert_template_free(struct cert_template *t)
{
	if (t == NULL)
		return;
	buf_free(&t->head);
	buf_free(&t->extensions);
	free(t);
}

/* Name { CN = DeviceID }: 64 octets, so every length is known. */
static void
put_device_name(struct buf *b, const char *device_id)
{
	static const uint8_t head[] = { 0x30, 75, 0x31, 73, 0x30, 71, 0x06, 3,
		0x55, 0x04, 0x03, DER_UTF8_STRING, DEVICE_ID_LEN };

	buf_put(b, head, sizeof(head));
	buf_put(b, device_id, DEVICE_ID_LEN);
}

enum q_err
cert_template_fill(const struct cert_template *t,
    const struct cert_device *device, struct buf *out, struct fault *f)
{
	size_t tbs, wrap, list;
	enum q_err e = check_common(device->serial, device->not_before,
	    device->not_after, f);

	if (e != Q_OK)
		return e;
	if (!hex_is_lower(device->device_id, DEVICE_ID_LEN))
		return fault_set(f, Q_INVALID,
		    "DeviceID is not 64 lower-case hex digits");
	tbs = der_begin(out, DER_SEQUENCE);
	put_head(out, device->serial);
	buf_put(out, t->head.p, t->head.len);
	put_validity(out, device->not_before, device->not_after);
	put_device_name(out, device->device_id);
	buf_put(out, device->key->spki.p, device->key->spki.len);
	wrap = der_begin(out, DER_CTX_CONS(3));
	list = der_begin(out, DER_SEQUENCE);
	ext_put_ski(out, device->key);
	buf_put(out, t->extensions.p, t->extensions.len);
	der_end(out, list);
	der_end(out, wrap);
	der_end(out, tbs);
	return out->bad ? fault_set(f, Q_INVALID, "certificate is too large, "
	    "or its dates are not from 1950 to 9999") : Q_OK;
}
