// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a certificate, and its inside as something to be signed, of
 * each kind, expected to be just what it says of itself. */
#include "config.h"

#include <stdlib.h>

#include "x509/cert_check.h"
#include "x509/cert_parse.h"
#include "x509/cert_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One line of printable characters. */
static void
text_check(const char *text)
{
	for (; *text != '\0'; text++)
		if ((uint8_t)*text < ' ' || *text == 0x7f)
			abort();
}

static void
text_try(const struct cert *cert)
{
	AUTO_BUF struct buf names = BUF_INIT(65536);
	char text[CERT_NAME_TEXT];

	cert_name_text(cert->subject, text);
	text_check(text);
	cert_names_text(cert, &names);
	text_check(names.p != NULL ? (const char *)names.p : "");
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "quoin.example", "192.0.2.7",
		"2001:db8::7" };
	struct cert cert;
	struct fault f = { 0 };

	if (cert_parse((struct bytes){ data, size }, &cert, &f) != Q_OK) {
		if (f.msg[0] == '\0')
			abort();
		return 0;
	}
	if (cert_verify_signature(&cert, cert.spki, &f) != Q_OK &&
	    f.msg[0] == '\0')
		abort();
	text_try(&cert);
	for (unsigned kind = CERT_ROOT; kind <= CERT_LINK; kind++) {
		struct cert_expect want = {
			.kind = kind, .alg = cert.alg,
			.issuer = cert.issuer, .issuer_ski = cert.aki,
			.subject = cert.subject, .spki = cert.spki,
			.device_id = "", .rsa_min_bits = 2048,
			.issuer_not_before = cert.not_before,
			.issuer_not_after = cert.not_after,
			.now = cert.not_before,
			.max_lifetime = cert.not_after - cert.not_before,
			.urls = { "http://quoin.example:6080/ca.crl",
			    "http://quoin.example:6080/ca.cer", NULL },
			.names = names,
			.n_names = kind == CERT_TLS ? 3 : 0,
		};

		if (kind == CERT_ROOT)
			want.urls = (struct cert_urls){ NULL, NULL, NULL };
		/* what the check lets pass as a leaf is no CA */
		if (cert_check_tbs(cert.tbs, &want, &f) == Q_OK &&
		    cert.is_ca != (kind <= CERT_ISSUING ||
		    kind == CERT_LINK))
			abort();
	}
	return 0;
}
