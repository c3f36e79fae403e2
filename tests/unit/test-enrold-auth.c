// SPDX-License-Identifier: Apache-2.0
/* Which certificates of devices count under which Auth Certs: chains of the
 * shape that makers of secure elements ship, and what is wrong with others. */
#include "config.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "enrold/authcert.h"
#include "tap.h"

#define NOW INT64_C(1795000000)
#define YEAR INT64_C(31536000)
#define CERTS 10

/* One certificate to make; those of a list stand behind their issuers. */
struct spec {
	const char *cn;
	int issuer;		/* index; its own: self-signed */
	const char *key;	/* NULL: P-256; a curve; "rsa" and its bits */
	const char *bc;		/* basicConstraints; NULL: none */
	const char *ku, *eku;	/* NULL: none */
	int64_t from, to;	/* against NOW; 0: a year either way */
	const char *md;		/* NULL: SHA-256 */
	bool forged;		/* not signed by the issuer */
};

struct made {
	EVP_PKEY *key;
	X509 *x;
	uint8_t *der;
	struct bytes bytes;
};

static EVP_PKEY *
key_make(const char *kind)
{
	if (kind == NULL)
		return EVP_EC_gen("P-256");
	if (strncmp(kind, "rsa", 3) == 0)
		return EVP_RSA_gen((unsigned)strtoul(kind + 3, NULL, 10));
	return EVP_EC_gen(kind);
}

static void
ext_put(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;

	if (value == NULL)
		return;
	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok(ext != NULL && X509_add_ext(x, ext, -1) == 1, "extension %s",
	    value);
	X509_EXTENSION_free(ext);
}

static void
time_put(ASN1_TIME *t, int64_t at)
{
	if (at >= INT64_C(253402300799))
		ok(ASN1_TIME_set_string(t, "99991231235959Z") == 1, "9999");
	else
		ASN1_TIME_set(t, (time_t)at);
}

static void
cert_make(const struct spec *s, struct made *all, size_t i)
{
	struct made *m = &all[i], *ca = &all[s->issuer];
	X509 *x = X509_new();
	X509_NAME *name;
	EVP_PKEY *signer;

	m->key = key_make(s->key);
	m->x = x;
	name = X509_get_subject_name(x);
	X509_set_version(x, X509_VERSION_3);
	ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), 0x7000 + i);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const unsigned char *)s->cn, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(ca->x));
	time_put(X509_getm_notBefore(x), NOW + (s->from ? s->from : -YEAR));
	time_put(X509_getm_notAfter(x), s->to == INT64_MAX ? s->to :
	    NOW + (s->to ? s->to : YEAR));
	X509_set_pubkey(x, m->key);
	ext_put(x, ca->x, NID_subject_key_identifier, "hash");
	if (ca != m)
		ext_put(x, ca->x, NID_authority_key_identifier, "keyid");
	ext_put(x, ca->x, NID_basic_constraints, s->bc);
	ext_put(x, ca->x, NID_key_usage, s->ku);
	ext_put(x, ca->x, NID_ext_key_usage, s->eku);
	signer = s->forged ? EVP_EC_gen("P-256") : ca->key;
	ok(X509_sign(x, signer, EVP_get_digestbyname(s->md ? s->md :
	    "SHA256")) > 0, "made %s", s->cn);
	if (s->forged)
		EVP_PKEY_free(signer);
	m->bytes.len = (size_t)i2d_X509(x, &m->der);
	m->bytes.p = m->der;
}

#define CA "critical,CA:TRUE"
#define SIGNS "critical,keyCertSign,cRLSign"
#define ROOT { "Root", 0, .bc = CA, .ku = SIGNS }
#define SIGNER { "Signer F600", 0, .bc = "critical,CA:TRUE,pathlen:0", \
	.ku = SIGNS }
#define NAME "sn0123030405060708EE01"
#define LEAF { NAME, 1, .bc = "critical,CA:FALSE", \
	.ku = "critical,digitalSignature,keyAgreement", .to = INT64_MAX }

/* imported, sent: digits, indexes of the list; the first sent is the
 * device's. want: index of the Auth Cert, or -1 with text. */
static const struct row {
	const char *name;
	struct spec specs[CERTS];
	const char *imported, *sent;
	int want;
	const char *text;
} rows[] = {
	{ "secure element, root imported", { ROOT, SIGNER, LEAF }, "0", "21",
	    0 },
	{ "the root is sent, too", { ROOT, SIGNER, LEAF }, "0", "210", 0 },
	{ "intermediate imported", { ROOT, SIGNER, LEAF }, "1", "2", 1 },
	{ "intermediate imported and sent", { ROOT, SIGNER, LEAF }, "1",
	    "21", 1 },
	{ "both imported: the nearest", { ROOT, SIGNER, LEAF }, "01", "21",
	    1 },
	{ "root imported, intermediate not sent", { ROOT, SIGNER, LEAF }, "0",
	    "2", -1, "unable to get local issuer certificate" },
	{ "nothing imported", { ROOT, SIGNER, LEAF }, "", "210", -1,
	    "self-signed certificate in certificate chain" },
	{ "root signs the device itself", { ROOT, { NAME, 0 } }, "0", "1",
	    0 },
	{ "no extensions but identifiers", { { "Root", 0, .bc = CA },
	    { NAME, 0 } }, "0", "1", 0 },
	{ "RSA all over", { { "Root", 0, "rsa3072", .bc = CA, .ku = SIGNS },
	    { "Inter", 0, "rsa2048", .bc = CA, .ku = SIGNS },
	    { NAME, 1, "rsa2048", .eku = "clientAuth" } }, "0", "21", 0 },
	{ "P-384 and SHA-384 above", { { "Root", 0, "P-384", .bc = CA,
	    .md = "SHA384" }, { "Inter", 0, "P-521", .bc = CA,
	    .md = "SHA384" }, { NAME, 1, .md = "SHA512" } }, "0", "21", 0 },
	{ "four intermediates", { ROOT, { "A", 0, .bc = CA },
	    { "B", 1, .bc = CA }, { "C", 2, .bc = CA }, { "D", 3, .bc = CA },
	    { NAME, 4 } }, "0", "54321", 0 },
	{ "five intermediates", { ROOT, { "A", 0, .bc = CA },
	    { "B", 1, .bc = CA }, { "C", 2, .bc = CA }, { "D", 3, .bc = CA },
	    { "E", 4, .bc = CA }, { NAME, 5 } }, "0", "654321", -1,
	    "certificate chain too long" },
	{ "path length exceeded", { ROOT, SIGNER, { "More", 1, .bc = CA },
	    { NAME, 2 } }, "0", "321", -1, "path length constraint exceeded" },
	{ "intermediate is no CA", { ROOT, { "Dev", 0, .bc = "CA:FALSE" },
	    { NAME, 1 } }, "0", "21", -1, "invalid CA certificate" },
	{ "another device as intermediate", { ROOT, { "Dev", 0,
	    .ku = "digitalSignature" }, { NAME, 1 } }, "0", "21", -1,
	    "invalid CA certificate" },
	{ "forged device", { ROOT, SIGNER, { NAME, 1, .forged = true } }, "0",
	    "21", -1, "certificate signature failure" },
	{ "forged intermediate", { ROOT, { "Signer F600", 0, .bc = CA,
	    .forged = true }, { NAME, 1 } }, "0", "21", -1,
	    "certificate signature failure" },
	{ "another root of the same name", { ROOT, ROOT, SIGNER,
	    { NAME, 2 } }, "1", "32", -1,
	    "unable to get local issuer certificate" },
	{ "device has expired", { ROOT, SIGNER, { NAME, 1, .to = -1 } }, "0",
	    "21", -1, "certificate has expired" },
	{ "device is not valid yet", { ROOT, SIGNER, { NAME, 1, .from = 60 } },
	    "0", "21", -1, "certificate is not yet valid" },
	{ "intermediate has expired", { ROOT, { "I", 0, .bc = CA, .to = -1 },
	    { NAME, 1 } }, "0", "21", -1, "certificate has expired" },
	{ "Auth Cert has expired", { { "Root", 0, .bc = CA, .to = -1 },
	    SIGNER, LEAF }, "0", "21", -1, "Auth Cert cert 0 has expired" },
	{ "Auth Cert is not valid yet", { { "Root", 0, .bc = CA, .from = 9 },
	    SIGNER, LEAF }, "0", "21", -1,
	    "Auth Cert cert 0 is not valid yet" },
	{ "expired root over a good imported one", { { "Root", 0, .bc = CA,
	    .to = -1 }, SIGNER, LEAF }, "01", "21", 1 },
	{ "RSA-1024 above", { { "Root", 0, "rsa1024", .bc = CA },
	    { NAME, 0 } }, "0", "1", -1, "CA certificate key too weak" },
	{ "SHA-1", { ROOT, { NAME, 0, .md = "SHA1" } }, "0", "1", -1,
	    "CA signature digest algorithm too weak" },
	{ "P-224 above", { { "Root", 0, "P-224", .bc = CA }, { NAME, 0 } },
	    "0", "1", -1, "a key of its chain is of a kind not accepted" },
	{ "secp256k1 above", { { "Root", 0, "secp256k1", .bc = CA },
	    { NAME, 0 } }, "0", "1", -1,
	    "a key of its chain is of a kind not accepted" },
	{ "P-384 device", { ROOT, { NAME, 0, "P-384" } }, "0", "1", -1,
	    "public key is neither on the named curve P-256 nor a plain RSA "
	    "key" },
	{ "EKU: any", { ROOT, { NAME, 0, .eku = "anyExtendedKeyUsage" } },
	    "0", "1", 0 },
	{ "EKU: server", { ROOT, { NAME, 0, .eku = "serverAuth" } }, "0", "1",
	    -1, "its extendedKeyUsage is not for TLS clients" },
	{ "KU: signs certificates", { ROOT, { NAME, 0, .ku = "keyCertSign" } },
	    "0", "1", -1, "its keyUsage is not for TLS clients" },
	{ "KU: key agreement", { ROOT, { NAME, 0, .ku = "keyAgreement" } },
	    "0", "1", 0 },
	{ "device is a CA", { ROOT, SIGNER }, "0", "1", -1,
	    "it is a CA certificate" },
	{ "device is what was imported", { ROOT, { NAME, 0 } }, "1", "1", -1,
	    "it is itself the imported certificate" },
	{ "self-signed by its own name", { { NAME, 0 }, ROOT }, "1", "0", -1,
	    "self-signed certificate" },
};

static void
check_row(const struct row *t)
{
	struct made made[CERTS] = { { 0 } };
	struct bytes chain[CERTS];
	struct trust *trust = NULL;
	struct fault f = { 0 };
	char key[DEVICE_ID_LEN + 1] = "", name[16], want[8];
	size_t n = strlen(t->sent);

	is_int(trust_new(&trust), Q_OK, "%s", t->name);
	for (size_t i = 0; i < CERTS && t->specs[i].cn != NULL; i++)
		cert_make(&t->specs[i], made, i);
	for (const char *c = t->imported; *c != '\0'; c++) {
		snprintf(name, sizeof(name), "cert %c", *c);
		is_int(trust_add(trust, (char[]){ *c, '\0' }, name,
		    made[*c - '0'].bytes, NULL), Q_OK, "import %c", *c);
	}
	for (size_t i = 0; i < n; i++)
		chain[i] = made[t->sent[i] - '0'].bytes;
	is_int(trust_check(trust, chain, n, NOW, key, &f),
	    t->want < 0 ? Q_DENIED : Q_OK, "%s: comes out", t->name);
	snprintf(want, sizeof(want), "%d", t->want);
	is_str(t->want < 0 ? f.msg : key, t->want < 0 ? t->text : want,
	    "%s: so", t->name);
	for (size_t cut = 0; t->want >= 0 && cut < chain[0].len; cut += 7) {
		struct bytes half = { chain[0].p, cut };

		if (trust_check(trust, &half, 1, NOW, key, NULL) != Q_DENIED)
			ok(0, "%s: cut at %zu passes", t->name, cut);
	}
	trust_free(trust);
	for (size_t i = 0; i < CERTS; i++) {
		EVP_PKEY_free(made[i].key);
		X509_free(made[i].x);
		OPENSSL_free(made[i].der);
	}
}

int
main(void)
{
	struct trust *trust = NULL;
	struct bytes junk = { (const uint8_t *)"\x30\x00", 2 };

	is_int(trust_new(&trust), Q_OK, "no Auth Certs");
	is_int(trust_add(trust, "k", "n", junk, NULL), Q_PROTO,
	    "what is no certificate");
	trust_free(trust);
	trust_free(NULL);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check_row(&rows[i]);
	return done();
}
