// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "x509/cert_text.h"

#include <arpa/inet.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "x509/cert_parse.h"
#include "x509/der.h"
#include "x509/oid.h"

#define SAN_DNS DER_CTX(2)
#define SAN_IP DER_CTX(7)

void
cert_fingerprint(struct bytes der, char ret[CERT_FINGERPRINT])
{
	uint8_t md[SHA256_DIGEST_LENGTH];

	SHA256(der.p, der.len, md);
	for (size_t i = 0; i < sizeof(md); i++)
		snprintf(ret + 3 * i, 4, "%02X%s", md[i],
		    i + 1 < sizeof(md) ? ":" : "");
}

/* As much of UTF-8 as fits, whole characters only. */
static void
text_cut(const char *text, size_t len, char *out, size_t cap)
{
	size_t n = len < cap ? len : cap - 1;

	while (n < len && n > 0 && ((uint8_t)text[n] & 0xc0) == 0x80)
		n--;
	memcpy(out, text, n);
	out[n] = '\0';
}

void
cert_name_text(struct bytes name, char ret[CERT_NAME_TEXT])
{
	const uint8_t *p = name.p;
	X509_NAME *x = d2i_X509_NAME(NULL, &p, (long)name.len);
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long n;

	ret[0] = '\0';
	if (x != NULL && bio != NULL && p == name.p + name.len &&
	    X509_NAME_print_ex(bio, x, 0, XN_FLAG_RFC2253 &
	    ~ASN1_STRFLGS_ESC_MSB) >= 0) {
		n = BIO_get_mem_data(bio, &text);
		text_cut(text, n > 0 ? (size_t)n : 0, ret, CERT_NAME_TEXT);
	}
	BIO_free(bio);
	X509_NAME_free(x);
	ERR_clear_error();
}

/* Letters of host names, and the star: what people can read as one. */
static bool
is_dns(struct bytes b)
{
	for (size_t i = 0; i < b.len; i++)
		if (memchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVW"
		    "XYZ0123456789-_.*", b.p[i], 66) == NULL)
			return false;
	return b.len != 0;
}

static void
name_put(struct buf *out, struct bytes dns, struct bytes ip)
{
	char text[INET6_ADDRSTRLEN] = "";
	const char *gap = out->len != 0 ? " " : "";

	if (is_dns(dns))
		buf_printf(out, "%s%.*s", gap, (int)dns.len,
		    (const char *)dns.p);
	if (ip.len == 4 || ip.len == 16)
		buf_printf(out, "%s%s", gap, inet_ntop(ip.len == 4 ? AF_INET :
		    AF_INET6, ip.p, text, sizeof(text)));
}

void
cert_names_text(const struct cert *cert, struct buf *out)
{
	const struct bytes none = { NULL, 0 };
	struct bytes value;
	struct der all, list;
	bool critical;
	uint8_t tag;

	if (!cert_extension(cert, oid_bytes(OID_SAN), &critical, &value))
		return;
	all = der_over(value);
	list = der_enter(&all, DER_SEQUENCE);
	while (!list.bad && list.left > 0) {
		if (der_next_is(&list, SAN_DNS))
			name_put(out, der_get(&list, SAN_DNS), none);
		else if (der_next_is(&list, SAN_IP))
			name_put(out, none, der_get(&list, SAN_IP));
		else
			der_any(&list, &tag);
	}
}
