// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "x509/name.h"

#include <string.h>

#include "base/own.h"
#include "x509/der_write.h"
#include "x509/oid.h"

#define NAME_CHARS_MAX 64	/* X.520 ub-common-name and its like */

/* UTF-8 of up to NAME_CHARS_MAX characters without control characters;
 * overlong forms and surrogates are the reader's, not ours, to allow. */
static bool
name_text_good(const char *s)
{
	size_t chars = 0, more = 0;

	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;

		if (more != 0) {
			if ((c & 0xc0) != 0x80)
				return false;
			more--;
			continue;
		}
		if (c < 0x20 || c == 0x7f || (c >= 0x80 && c < 0xc2) ||
		    c > 0xf4)
			return false;
		more = c < 0x80 ? 0 : c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
		chars++;
	}
	return more == 0 && chars != 0 && chars <= NAME_CHARS_MAX;
}

static bool
country_good(const char *s)
{
	return strlen(s) == 2 && s[0] >= 'A' && s[0] <= 'Z' && s[1] >= 'A' &&
	    s[1] <= 'Z';
}

enum q_err
name_build(const struct name *name, struct buf *out, struct fault *f)
{
	const struct {
		const char *value, *what;
		enum oid oid;
	} parts[] = {
		{ name->country, "country", OID_COUNTRY },
		{ name->organization, "organization", OID_ORGANIZATION },
		{ name->unit, "organizational unit", OID_UNIT },
		{ name->common, "common name", OID_COMMON_NAME },
	};
	size_t seq;

	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		if (parts[i].value != NULL && !(parts[i].oid == OID_COUNTRY ?
		    country_good : name_text_good)(parts[i].value))
			return fault_set(f, Q_INVALID,
			    "%s does not fit in a certificate's name",
			    parts[i].what);
	seq = der_begin(out, DER_SEQUENCE);
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		size_t set, pair;

		if (parts[i].value == NULL)
			continue;
		set = der_begin(out, DER_SET);
		pair = der_begin(out, DER_SEQUENCE);
		der_put_bytes(out, DER_OID, oid_bytes(parts[i].oid));
		der_put_str(out, parts[i].oid == OID_COUNTRY ?
		    DER_PRINTABLE_STRING : DER_UTF8_STRING, parts[i].value);
		der_end(out, pair);
		der_end(out, set);
	}
	der_end(out, seq);
	return out->bad ? fault_set(f, Q_TOOBIG, "name is too long") : Q_OK;
}

/* One AttributeTypeAndValue. */
static bool
name_pair(struct der *set, struct bytes *oid, struct bytes *value,
    uint8_t *tag)
{
	struct der pair = der_enter(set, DER_SEQUENCE);
	struct der inner;

	*oid = der_get(&pair, DER_OID);
	*value = der_any(&pair, tag);
	if (!der_done(&pair))
		return false;
	inner = der_over(*value);
	*value = der_get(&inner, *tag);
	return true;
}

enum q_err
name_common(struct bytes name, struct bytes *ret_cn, struct fault *f)
{
	struct der outer = der_over(name);
	struct der rdns = der_enter(&outer, DER_SEQUENCE);
	struct bytes cn = { NULL, 0 };
	uint8_t cn_tag = DER_UTF8_STRING;

	while (!rdns.bad && rdns.left != 0) {
		struct der set = der_enter(&rdns, DER_SET);

		do {
			struct bytes oid, value;
			uint8_t tag = 0;

			if (!name_pair(&set, &oid, &value, &tag))
				return fault_set(f, Q_PROTO,
				    "name is malformed");
			if (cn.p == NULL && oid_is(oid, OID_COMMON_NAME)) {
				cn = value;
				cn_tag = tag;
			}
		} while (set.left != 0);
	}
	if (!der_done(&rdns) || !der_done(&outer))
		return fault_set(f, Q_PROTO, "name is malformed");
	if (cn_tag != DER_UTF8_STRING && cn_tag != DER_PRINTABLE_STRING &&
	    cn_tag != DER_IA5_STRING && cn_tag != DER_T61_STRING)
		return fault_set(f, Q_INVALID,
		    "common name is of a string type that is not supported");
	*ret_cn = cn;
	return Q_OK;
}
