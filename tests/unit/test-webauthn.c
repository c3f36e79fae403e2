// SPDX-License-Identifier: Apache-2.0
/* What an assertion must say, and how it may say it. */
#include "config.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdlib.h>

#include "base/own.h"
#include "signd/webauthn.h"
#include "tap.h"

#define ORIGIN "https://quoin.example"
/* base64url of 32 bytes, of which two need its own letters. */
#define CHALLENGE "-_8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
#define TYPE "\"type\":\"webauthn.get\""
#define CHAL "\"challenge\":\"" CHALLENGE "\""
#define ORIG "\"origin\":\"" ORIGIN "\""
#define ALL TYPE "," CHAL "," ORIG

static const struct webauthn_expect want = { .rp_id = "quoin.example",
	.origin = ORIGIN, .challenge = { 0xfb, 0xff } };

static const struct {
	const char *json, *name;
	enum q_err result;
} rows[] = {
	{ "{" ALL "}", "the least", Q_OK },
	{ "{" ALL ",\"crossOrigin\":false}", "not cross-origin", Q_OK },
	{ " {\n" ORIG " ,\t" CHAL ", " TYPE " } \r\n", "order and blanks",
	    Q_OK },
	{ "{" ALL ",\"x\":{\"a\":[1,-2.5e+3,\"}\",null,true,{}],\"b\":[]}}",
	    "members that nobody knows", Q_OK },
	{ "{\"typ\\u0065\":\"webauthn\\u002eget\"," CHAL "," ORIG "}",
	    "escapes", Q_OK },
	{ "{" TYPE "," CHAL ",\"origin\":\"https:\\/\\/quoin.example\"}",
	    "an escaped slash", Q_OK },
	{ "{\"type\":\"webauthn.create\"," CHAL "," ORIG "}",
	    "a registration", Q_DENIED },
	{ "{" TYPE ",\"challenge\":\"" CHALLENGE "=\"," ORIG "}",
	    "a padded challenge", Q_DENIED },
	{ "{" TYPE ",\"challenge\":\"AAAA\"," ORIG "}", "another challenge",
	    Q_DENIED },
	{ "{" TYPE "," CHAL ",\"origin\":\"https://quoin.example.evil\"}",
	    "a longer origin", Q_DENIED },
	{ "{" TYPE "," CHAL ",\"origin\":\"https://quoin.exampl\"}",
	    "a shorter one", Q_DENIED },
	{ "{" TYPE "," CHAL ",\"origin\":\"http://quoin.example\"}",
	    "another scheme", Q_DENIED },
	{ "{" TYPE "," CHAL ",\"origin\":\"" ORIGIN "\\u0000\"}", "a NUL",
	    Q_DENIED },
	{ "{" ALL ",\"crossOrigin\":true}", "cross-origin", Q_DENIED },
	{ "{" ALL ",\"crossOrigin\":\"false\"}", "a text for false",
	    Q_DENIED },
	{ "{" ALL "," ORIG "}", "an origin twice", Q_INVALID },
	{ "{" ALL ",\"origin\":\"https://evil\"}", "two origins", Q_INVALID },
	{ "{" TYPE "," CHAL "}", "no origin", Q_INVALID },
	{ "{" TYPE "," ORIG "}", "no challenge", Q_INVALID },
	{ "{" CHAL "," ORIG "}", "no type", Q_INVALID },
	{ "{\"x\":{" ALL "}}", "it is inside", Q_INVALID },
	{ "{" TYPE "," CHAL ",\"origin\":[\"" ORIGIN "\"]}", "a list",
	    Q_INVALID },
	{ "{" ALL "}x", "something behind it", Q_INVALID },
	{ "{" ALL "}{" ALL "}", "two objects", Q_INVALID },
	{ "[" ALL "]", "no object", Q_INVALID },
	{ "{" ALL ",}", "a comma too many", Q_INVALID },
	{ "{" ALL, "cut short", Q_INVALID },
	{ "{" ALL ",\"x\":\"\\x\"}", "an escape that is none", Q_INVALID },
	{ "{" ALL ",\"x\":\"\\u12\"}", "a short one", Q_INVALID },
	{ "{" ALL ",\"x\":\"\n\"}", "a control character", Q_INVALID },
	{ "{" ALL ",\"x\":01}", "a number with a zero", Q_INVALID },
	{ "{" ALL ",\"x\":1.}", "a number that ends", Q_INVALID },
	{ "{" ALL ",\"x\":nul}", "a word that is none", Q_INVALID },
	{ "{" ALL ",\"x\":[[[[[[[[[[]]]]]]]]]]}", "too deep", Q_INVALID },
	{ "{'type':'webauthn.get'}", "other quotes", Q_INVALID },
	{ "{}", "empty", Q_INVALID },
	{ "", "nothing", Q_INVALID },
};

static uint8_t auth[64];

static struct bytes
auth_make(const char *rp_id, uint8_t flags, size_t len)
{
	memset(auth, 0, sizeof(auth));
	SHA256((const uint8_t *)rp_id, strlen(rp_id), auth);
	auth[32] = flags;
	auth[37] = 0xa0; /* an empty CBOR map */
	return (struct bytes){ auth, len };
}

static void
auth_data(void)
{
	static const struct {
		const char *name;
		uint8_t flags;
		size_t len;
		enum q_err result;
	} cases[] = {
		{ "present and verified", 0x05, 37, Q_OK },
		{ "synchronised", 0x1d, 37, Q_OK },
		{ "extensions", 0x85, 38, Q_OK },
		{ "present only", 0x01, 37, Q_DENIED },
		{ "verified only", 0x04, 37, Q_DENIED },
		{ "neither", 0x00, 37, Q_DENIED },
		{ "short", 0x05, 36, Q_INVALID },
		{ "something behind it", 0x05, 38, Q_INVALID },
		{ "extensions that are not there", 0x85, 37, Q_INVALID },
		{ "a registration's", 0x45, 60, Q_INVALID },
		{ "backed up, not eligible", 0x15, 37, Q_INVALID },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		is_int(webauthn_auth_data(auth_make(want.rp_id,
		    cases[i].flags, cases[i].len), want.rp_id, NULL),
		    cases[i].result, "authenticator data: %s",
		    cases[i].name);
	is_int(webauthn_auth_data(auth_make("evil.example", 5, 37),
	    want.rp_id, NULL), Q_DENIED, "for another relying party");
}

/* Signed here by OpenSSL, over auth || SHA-256(json). */
static void
whole(void)
{
	static const char json[] = "{" ALL "}";
	EVP_PKEY *pkey = EVP_EC_gen("P-256");
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t msg[37 + 32], sig[128], *spki = NULL;
	size_t sig_len = sizeof(sig);
	struct webauthn a = { auth_make(want.rp_id, 5, 37),
		{ (const uint8_t *)json, strlen(json) }, { sig, 0 } };
	struct webauthn_expect other = want;
	struct pubkey key;
	int len = i2d_PUBKEY(pkey, &spki);

	memcpy(msg, auth, 37);
	SHA256((const uint8_t *)json, strlen(json), msg + 37);
	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, pkey) != 1 ||
	    EVP_DigestSign(ctx, sig, &sig_len, msg, sizeof(msg)) != 1 ||
	    pubkey_parse((struct bytes){ spki, (size_t)len }, &key, NULL) !=
	    Q_OK)
		exit(99);
	a.signature.len = sig_len;
	is_int(webauthn_verify(&a, &key, &want, NULL), Q_OK, "all of it");
	other.origin = "https://other";
	is_int(webauthn_verify(&a, &key, &other, NULL), Q_DENIED,
	    "another origin");
	auth[36]++;
	is_int(webauthn_verify(&a, &key, &want, NULL), Q_SIGNATURE,
	    "a counter that was not signed");
	auth[36]--;
	sig[sig_len - 1] ^= 1;
	is_int(webauthn_verify(&a, &key, &want, NULL), Q_SIGNATURE,
	    "a signature with a wrong bit");
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	OPENSSL_free(spki);
}

int
main(void)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		is_int(webauthn_client_data((struct bytes){
		    (const uint8_t *)rows[i].json, strlen(rows[i].json) },
		    &want, NULL), rows[i].result, "client data: %s",
		    rows[i].name);
	auth_data();
	whole();
	return done();
}
