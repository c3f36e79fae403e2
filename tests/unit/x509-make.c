// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "x509-make.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "x509/assemble.h"
#include "x509/name.h"
#include "x509/pem.h"

#define URL "http://quoin.example:6080/"

static const char *const tls_names[] = { "quoin.example", "192.0.2.7",
	"2001:db8::7" };
static const struct cert_urls urls = { URL "ca.crl", URL "ca.cer", NULL };

void
die(const char *what)
{
	printf("Bail out! %s\n", what);
	exit(1);
}

EVP_PKEY *
make_key(const char *kind)
{
	EVP_PKEY *key = strncmp(kind, "RSA-", 4) == 0 ?
	    EVP_RSA_gen((unsigned)strtoul(kind + 4, NULL, 10)) :
	    EVP_EC_gen(kind);

	if (key == NULL)
		die("no key");
	return key;
}

void
party_make(struct party *p, const char *kind, const char *cn)
{
	struct name name = { .organization = "Quoin", .common = cn };
	uint8_t *der = NULL;
	struct pubkey key;
	int len;

	memset(p, 0, sizeof(*p));
	p->spki.max = p->name.max = p->cert.max = CERT_DER_MAX;
	p->key = make_key(kind);
	len = i2d_PUBKEY(p->key, &der);
	if (len <= 0)
		die("no SPKI");
	buf_put(&p->spki, der, (size_t)len);
	OPENSSL_free(der);
	device_id_of(buf_bytes(&p->spki), p->device_id);
	if (pubkey_parse(buf_bytes(&p->spki), &key, NULL) == Q_OK) {
		pubkey_ski(&key, p->ski);
		p->alg = sig_alg_for(key.kind);
	}
	if (cn != NULL && name_build(&name, &p->name, NULL) != Q_OK)
		die("no name");
}

void
party_free(struct party *p)
{
	EVP_PKEY_free(p->key);
	buf_free(&p->spki);
	buf_free(&p->name);
	buf_free(&p->cert);
}

void
make_serial(unsigned n, uint8_t serial[CERT_SERIAL_LEN])
{
	memset(serial, 0xa5, CERT_SERIAL_LEN);
	for (int i = 0; i < 4; i++)
		serial[1 + i] = (uint8_t)(n >> (24 - 8 * i));
	cert_serial_fix(serial);
}

struct bytes
ski_of(struct party *p)
{
	return (struct bytes){ p->ski, SKI_LEN };
}

void
sign_tbs(const struct party *issuer, struct bytes tbs, struct buf *out)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[1024], raw[64];
	size_t len = sizeof(sig);
	struct bytes token = { sig, 0 };
	const uint8_t *at = sig;
	struct fault f = { 0 };

	if (ctx == NULL ||
	    !EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, issuer->key) ||
	    EVP_DigestSign(ctx, sig, &len, tbs.p, tbs.len) != 1)
		die("no signature");
	EVP_MD_CTX_free(ctx);
	token.len = len;
	if (issuer->alg == SIG_ECDSA_SHA256) {
		ECDSA_SIG *rs = d2i_ECDSA_SIG(NULL, &at, (long)len);

		if (rs == NULL ||
		    BN_bn2binpad(ECDSA_SIG_get0_r(rs), raw, 32) != 32 ||
		    BN_bn2binpad(ECDSA_SIG_get0_s(rs), raw + 32, 32) != 32)
			die("no raw signature");
		ECDSA_SIG_free(rs);
		token = (struct bytes){ raw, sizeof(raw) };
	}
	if (x509_assemble(tbs, issuer->alg, token, out, &f) != Q_OK)
		die(f.msg);
}

struct cert_spec
spec_for(enum cert_kind kind, struct party *subject, struct party *issuer)
{
	struct cert_spec s = {
		.alg = issuer->alg,
		.issuer = buf_bytes(&issuer->name),
		.subject = buf_bytes(&subject->name),
		.spki = buf_bytes(&subject->spki),
		.not_before = NOW - 3600,
		.not_after = NOW + 365 * DAY,
	};

	make_serial(kind, s.serial);
	if (kind == CERT_ROOT) {
		s.not_after = NOW + 30 * 365 * DAY; /* GeneralizedTime */
	} else {
		s.issuer_ski = ski_of(issuer);
		s.urls = urls;
	}
	if (kind == CERT_ISSUING)
		s.not_after = NOW + 5 * 365 * DAY;
	if (kind == CERT_TLS) {
		s.names = tls_names;
		s.n_names = 3;
	}
	return s;
}

struct cert_expect
expect_for(enum cert_kind kind, struct party *subject, struct party *issuer)
{
	static uint8_t serial[CERT_SERIAL_LEN];
	struct cert_spec s = spec_for(kind, subject, issuer);
	struct cert_expect want = {
		.kind = kind,
		.alg = s.alg,
		.serial = serial,
		.issuer = s.issuer,
		.issuer_ski = s.issuer_ski,
		.issuer_not_before = s.not_before,
		.issuer_not_after = s.not_after,
		.subject = s.subject,
		.device_id = subject->device_id,
		.spki = s.spki,
		.rsa_min_bits = 3072,
		.now = NOW,
		.max_backdate = 3600,
		.max_lifetime = s.not_after - s.not_before,
		.urls = s.urls,
		.names = s.names,
		.n_names = s.n_names,
	};

	memcpy(serial, s.serial, sizeof(serial));
	return want;
}

void
device_tbs(struct party *subject, struct party *issuer, struct buf *out)
{
	struct cert_spec s = spec_for(CERT_DEVICE, subject, issuer);
	struct cert_template_spec ts = { s.alg, s.issuer, s.issuer_ski,
		s.urls };
	struct cert_device device = { .not_before = s.not_before,
		.not_after = s.not_after, .device_id = subject->device_id };
	struct cert_template *t;
	struct pubkey key;
	struct fault f = { 0 };

	memcpy(device.serial, s.serial, sizeof(device.serial));
	device.key = &key;
	if (pubkey_parse(s.spki, &key, &f) != Q_OK ||
	    cert_template_new(&ts, &t, &f) != Q_OK)
		die(f.msg);
	if (cert_template_fill(t, &device, out, &f) != Q_OK)
		die(f.msg);
	cert_template_free(t);
}

void
issue(enum cert_kind kind, struct party *subject, struct party *issuer)
{
	AUTO_BUF struct buf tbs = BUF_INIT(CERT_DER_MAX);
	struct cert_spec s = spec_for(kind, subject, issuer);
	struct cert_expect want = expect_for(kind, subject, issuer);
	struct fault f = { 0 };

	if (kind == CERT_DEVICE)
		device_tbs(subject, issuer, &tbs);
	else if (cert_build(kind, &s, &tbs, &f) != Q_OK)
		die(f.msg);
	if (cert_check_tbs(buf_bytes(&tbs), &want, &f) != Q_OK)
		die(f.msg);
	sign_tbs(issuer, buf_bytes(&tbs), &subject->cert);
}

void
leave_pem(const char *dir, const char *name, const char *label,
    struct bytes der)
{
	AUTO_BUF struct buf pem = BUF_INIT(PEM_TEXT_MAX);
	char path[512];
	FILE *file;

	pem_encode(&pem, label, der);
	snprintf(path, sizeof(path), "%s/%s.pem", dir, name);
	file = fopen(path, "w");
	if (file == NULL || fwrite(pem.p, 1, pem.len, file) != pem.len ||
	    fclose(file) != 0)
		die(path);
}
