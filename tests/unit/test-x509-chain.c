// SPDX-License-Identifier: Apache-2.0
/* Chains that a company's CA gives for a server's key of ours. */
#include "config.h"

#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#include "tap.h"

#include "x509-make.h"
#include "x509/cert_parse.h"
#include "x509/pem.h"
#include "x509/server_chain.h"

static struct party root, ca, tls, device;

/* Some of them, in this order. */
static void
pem_of(struct buf *out, struct party *const *who)
{
	for (buf_reset(out); *who != NULL; who++)
		pem_encode(out, PEM_CERTIFICATE, buf_bytes(&(*who)->cert));
}

static void
refused(struct party *const *who, const struct server_chain_want *want,
    const char *words)
{
	AUTO_BUF struct buf pem = BUF_INIT(65536), ders = BUF_INIT(65536);
	struct fault f = { 0 };

	pem_of(&pem, who);
	is_int(server_chain_take(buf_bytes(&pem), want, &ders, &f), Q_INVALID,
	    "refused");
	ok(strstr(f.msg, words) != NULL, "... %s: %s", words, f.msg);
}

#define ALL(...) ((struct party *const[]){ __VA_ARGS__, NULL })

static void
test_taken(const struct server_chain_want *want)
{
	AUTO_BUF struct buf pem = BUF_INIT(65536), ders = BUF_INIT(65536);
	AUTO_BUF struct buf alone = BUF_INIT(65536);
	struct bytes rest, one;
	struct fault f = { 0 };
	size_t n = 0;

	pem_of(&pem, ALL(&tls, &ca, &root));
	is_int(server_chain_take(buf_bytes(&pem), want, &ders, &f), Q_OK,
	    "with CA and root");
	rest = buf_bytes(&ders);
	while (server_chain_next(&rest, &one))
		n++;
	is_int(n, 2, "the root is left out");
	is_int(rest.len, 0, "and nothing else is");
	is_int(server_chain_end(buf_bytes(&ders)), NOW + 365 * DAY,
	    "when the first of them ends");
	pem_of(&pem, ALL(&tls));
	is_int(server_chain_take(buf_bytes(&pem), want, &alone, &f), Q_OK,
	    "the certificate alone");
	ok(alone.len == tls.cert.len &&
	    memcmp(alone.p, tls.cert.p, alone.len) == 0, "is itself");
	is_int(server_chain_end((struct bytes){ NULL, 0 }), 0, "no chain");
}

static void
test_refused(const struct server_chain_want *want)
{
	struct server_chain_want w = *want;

	refused(ALL(&ca, &root), &w, "another key");
	refused(ALL(&tls, &root), &w, "certificate 1 was not signed");
	refused(ALL(&tls, &device), &w, "certificate 2 is none of a CA");
	refused(ALL(&tls, &tls, &tls, &tls, &tls, &tls, &tls), &w,
	    "more than 6");
	w.host = "www.example";
	refused(ALL(&tls, &ca), &w, "does not name www.example");
	w.host = "192.0.2.8";
	refused(ALL(&tls, &ca), &w, "does not name 192.0.2.8");
	w = *want;
	w.now = NOW + 366 * DAY;
	refused(ALL(&tls, &ca), &w, "certificate 1 has ended");
	w.now = NOW - DAY;
	refused(ALL(&tls, &ca), &w, "certificate 1 is not valid yet");
	w = *want;
	w.spki = buf_bytes(&device.spki);
	refused(ALL(&device, &ca), &w, "not for TLS servers");
	w.spki = buf_bytes(&ca.spki);
	refused(ALL(&ca, &root), &w, "one of a CA");
	refused(ALL(NULL), &w, "no certificate");
}

static void
test_odd(const struct server_chain_want *want)
{
	static const char broken[] = "-----BEGIN CERTIFICATE-----\nAAAA\n"
	    "-----END CERTIFICATE-----\n";
	AUTO_BUF struct buf ders = BUF_INIT(65536);
	struct fault f = { 0 };

	is_int(server_chain_take((struct bytes){ (const uint8_t *)broken,
	    sizeof(broken) - 1 }, want, &ders, &f), Q_INVALID, "no DER");
	is_str(f.msg, "number 1 is not an X.509 certificate", "so it says");
	is_int(server_chain_take((struct bytes){ (const uint8_t *)broken, 30 },
	    want, &ders, &f), Q_INVALID, "cut");
	is_str(f.msg, "number 1: its PEM is damaged", "so it says");
	is_int(ders.len, 0, "nothing is taken");
}

int
main(void)
{
	struct server_chain_want want = { .host = "quoin.example",
		.now = NOW + DAY };

	party_make(&root, "P-256", "Company Root");
	party_make(&ca, "RSA-3072", "Company CA");
	party_make(&tls, "P-256", "quoin.example");
	party_make(&device, "P-256", NULL);
	issue(CERT_ROOT, &root, &root);
	issue(CERT_ISSUING, &ca, &root);
	issue(CERT_TLS, &tls, &ca);
	issue(CERT_DEVICE, &device, &ca);
	want.spki = buf_bytes(&tls.spki);
	test_taken(&want);
	want.host = "2001:db8::7";
	test_taken(&want);
	want.host = "quoin.example";
	test_refused(&want);
	test_odd(&want);
	party_free(&root);
	party_free(&ca);
	party_free(&tls);
	party_free(&device);
	return done();
}
