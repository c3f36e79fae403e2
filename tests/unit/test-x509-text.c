// SPDX-License-Identifier: Apache-2.0
/* Certificates as people read them. */
#include "config.h"

#include "tap.h"

#include "x509-make.h"
#include "x509/cert_parse.h"
#include "x509/cert_text.h"

static void
test_text(void)
{
	static const uint8_t odd[] = { 0x30, 0x12, 0x31, 0x10, 0x30, 0x0e,
		0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x07, 'a', '\n', 0xc3,
		0xa9, ',', '"', 0x7f };
	AUTO_BUF struct buf names = BUF_INIT(1024);
	char text[CERT_NAME_TEXT], print[CERT_FINGERPRINT];
	struct party root, tls;
	struct cert c;

	party_make(&root, "P-256", "Quoin OEM Root");
	party_make(&tls, "P-256", "quoin.example");
	issue(CERT_ROOT, &root, &root);
	issue(CERT_TLS, &tls, &root);
	is_int(cert_parse(buf_bytes(&tls.cert), &c, NULL), Q_OK, "TLS");
	cert_names_text(&c, &names);
	is_str((char *)names.p, "quoin.example 192.0.2.7 2001:db8::7",
	    "names as text");
	cert_fingerprint((struct bytes){ (const uint8_t *)"abc", 3 }, print);
	is_str(print, "BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:"
	    "61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD", "fingerprint");
	cert_name_text((struct bytes){ odd, sizeof(odd) }, text);
	is_str(text, "CN=a\\0A\xc3\xa9\\,\\\"\\7F", "odd characters");
	cert_name_text((struct bytes){ odd, 9 }, text);
	is_str(text, "", "no Name");
	party_free(&tls);
	party_free(&root);
}

int
main(void)
{
	test_text();
	return done();
}
