// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "x509/ext.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#include "x509/der_write.h"

#define GN_DNS DER_CTX(2)
#define GN_URI DER_CTX(6)
#define GN_IP DER_CTX(7)
#define DNS_NAME_MAX 253
#define DNS_LABEL_MAX 63

struct ext_mark
ext_begin(struct buf *b, enum oid oid, bool critical)
{
	struct ext_mark m;

	m.ext = der_begin(b, DER_SEQUENCE);
	der_put_bytes(b, DER_OID, oid_bytes(oid));
	if (critical)
		der_put_bool(b, true);
	m.value = der_begin(b, DER_OCTET_STRING);
	return m;
}

void
ext_end(struct buf *b, struct ext_mark m)
{
	der_end(b, m.value);
	der_end(b, m.ext);
}

void
ext_put_ski(struct buf *b, const struct pubkey *key)
{
	struct ext_mark m = ext_begin(b, OID_SKI, false);
	uint8_t ski[SKI_LEN];

	pubkey_ski(key, ski);
	der_put(b, DER_OCTET_STRING, ski, sizeof(ski));
	ext_end(b, m);
}

void
ext_put_aki(struct buf *b, struct bytes ski)
{
	struct ext_mark m = ext_begin(b, OID_AKI, false);
	size_t seq = der_begin(b, DER_SEQUENCE);

	der_put_bytes(b, DER_CTX(0), ski);
	der_end(b, seq);
	ext_end(b, m);
}

void
ext_put_key_usage(struct buf *b, uint16_t flags)
{
	struct ext_mark m = ext_begin(b, OID_KEY_USAGE, true);

	der_put_flags(b, flags);
	ext_end(b, m);
}

void
ext_put_ca(struct buf *b, bool ca, int path_len)
{
	struct ext_mark m = ext_begin(b, OID_BASIC_CONSTRAINTS, true);
	size_t seq = der_begin(b, DER_SEQUENCE);

	if (ca)
		der_put_bool(b, true);
	if (path_len >= 0)
		der_put_u64(b, (uint64_t)path_len);
	der_end(b, seq);
	ext_end(b, m);
}

void
ext_put_eku(struct buf *b, enum oid purpose)
{
	struct ext_mark m = ext_begin(b, OID_EKU, false);
	size_t seq = der_begin(b, DER_SEQUENCE);

	der_put_bytes(b, DER_OID, oid_bytes(purpose));
	der_end(b, seq);
	ext_end(b, m);
}

void
ext_put_no_check(struct buf *b)
{
	struct ext_mark m = ext_begin(b, OID_OCSP_NO_CHECK, false);

	der_put(b, DER_NULL, NULL, 0);
	ext_end(b, m);
}

/* The octets of an IPv4 or IPv6 address; 0 when it is none. */
static size_t
ip_octets(const char *name, uint8_t out[16])
{
	if (inet_pton(AF_INET, name, out) == 1)
		return 4;
	return inet_pton(AF_INET6, name, out) == 1 ? 16 : 0;
}

void
ext_put_names(struct buf *b, const char *const *names, size_t n)
{
	struct ext_mark m = ext_begin(b, OID_SAN, false);
	size_t seq = der_begin(b, DER_SEQUENCE);

	for (size_t i = 0; i < n; i++) {
		uint8_t ip[16];
		size_t len = ip_octets(names[i], ip);

		if (len != 0)
			der_put(b, GN_IP, ip, len);
		else
			der_put_str(b, GN_DNS, names[i]);
	}
	der_end(b, seq);
	ext_end(b, m);
}

/* DistributionPointName { fullName { URI } } */
static void
put_point_name(struct buf *b, const char *url)
{
	size_t point = der_begin(b, DER_CTX_CONS(0));
	size_t full = der_begin(b, DER_CTX_CONS(0));

	der_put_str(b, GN_URI, url);
	der_end(b, full);
	der_end(b, point);
}

static void
put_access(struct buf *b, enum oid method, const char *url)
{
	size_t seq;

	if (url == NULL)
		return;
	seq = der_begin(b, DER_SEQUENCE);
	der_put_bytes(b, DER_OID, oid_bytes(method));
	der_put_str(b, GN_URI, url);
	der_end(b, seq);
}

void
ext_put_point(struct buf *b, enum oid oid, const char *url)
{
	struct ext_mark m = ext_begin(b, oid, false);
	size_t seq = der_begin(b, DER_SEQUENCE);
	size_t point = der_begin(b, DER_SEQUENCE);

	put_point_name(b, url);
	der_end(b, point);
	der_end(b, seq);
	ext_end(b, m);
}

void
ext_put_urls(struct buf *b, const struct cert_urls *urls)
{
	struct ext_mark m;
	size_t seq;

	if (urls->crl != NULL)
		ext_put_point(b, OID_CRLDP, urls->crl);
	if (urls->issuer != NULL || urls->ocsp != NULL) {
		m = ext_begin(b, OID_AIA, false);
		seq = der_begin(b, DER_SEQUENCE);
		put_access(b, OID_AD_OCSP, urls->ocsp);
		put_access(b, OID_AD_ISSUERS, urls->issuer);
		der_end(b, seq);
		ext_end(b, m);
	}
}

void
ext_put_idp(struct buf *b, const char *url, bool only_users)
{
	static const uint8_t yes = 0xff;
	struct ext_mark m = ext_begin(b, OID_IDP, true);
	size_t seq = der_begin(b, DER_SEQUENCE);

	if (url != NULL)
		put_point_name(b, url);
	if (only_users)
		der_put(b, DER_CTX(1), &yes, 1);
	der_end(b, seq);
	ext_end(b, m);
}

/* Letters, digits and hyphens in dotted labels (RFC 1034 3.5, RFC 1123). */
bool
ext_name_good(const char *name)
{
	size_t label = 0, len = 0;
	uint8_t ip[16];
	bool letter = false;

	if (ip_octets(name, ip) != 0)
		return true;
	for (; name[len] != '\0'; len++) {
		char c = name[len];
		bool alpha = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		bool digit = c >= '0' && c <= '9';

		if (c == '.' && label != 0 && name[len - 1] != '-') {
			label = 0;
			letter = false;
			continue;
		}
		if (!(alpha || digit || (c == '-' && label != 0)) ||
		    ++label > DNS_LABEL_MAX)
			return false;
		letter = letter || alpha;
	}
	/* a last label of digits only would be a broken IPv4 address */
	return len != 0 && len <= DNS_NAME_MAX && label != 0 && letter &&
	    name[len - 1] != '-';
}

bool
ext_url_good(const char *url)
{
	size_t len = strlen(url);

	if (len > CERT_URL_MAX || (strncasecmp(url, "http://", 7) != 0 &&
	    strncasecmp(url, "https://", 8) != 0))
		return false;
	for (size_t i = 0; i < len; i++)
		if (url[i] <= ' ' || url[i] >= 0x7f ||
		    strchr("\"<>\\^`{|}", url[i]) != NULL)
			return false;
	return true;
}
