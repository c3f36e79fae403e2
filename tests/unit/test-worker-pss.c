// SPDX-License-Identifier: Apache-2.0
/* PSS made in software for a raw RSA operation, as OpenSSL verifies it. */
#include "config.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>

#include "signd/worker_priv.h"
#include "tap.h"

/* What a token does with CKM_RSA_X_509. */
static bool
raw_sign(EVP_PKEY *key, const uint8_t *block, size_t len, uint8_t *sig)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
	size_t n = len;
	bool good = EVP_PKEY_sign_init(c) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(c, RSA_NO_PADDING) == 1 &&
	    EVP_PKEY_sign(c, sig, &n, block, len) == 1 && n == len;

	EVP_PKEY_CTX_free(c);
	return good;
}

static bool
pss_verify(EVP_PKEY *key, const EVP_MD *md, int salt, struct bytes digest,
    struct bytes sig)
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(key, NULL);
	bool good = EVP_PKEY_verify_init(c) == 1 &&
	    EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(c, salt) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(c, md) == 1 &&
	    EVP_PKEY_verify(c, sig.p, sig.len, digest.p, digest.len) == 1;

	EVP_PKEY_CTX_free(c);
	return good;
}

int
main(void)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	const struct { const EVP_MD *md; size_t len, salt; } rows[] = {
		{ EVP_sha256(), 32, 32 }, { EVP_sha256(), 32, 0 },
		{ EVP_sha384(), 48, 48 }, { EVP_sha512(), 64, 64 },
		{ EVP_sha512(), 64, 190 },
	};
	uint8_t digest[64], block[256], sig[256];

	memset(digest, 0xa5, sizeof(digest));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct bytes d = { digest, rows[i].len };

		ok(worker_pss_encode(d, rows[i].salt, 2048, block, NULL) ==
		    Q_OK && raw_sign(key, block, 256, sig),
		    "digest of %zu, salt of %zu", rows[i].len, rows[i].salt);
		ok(pss_verify(key, rows[i].md, (int)rows[i].salt, d,
		    (struct bytes){ sig, 256 }), "which verifies");
		digest[0] ^= 1;
		ok(!pss_verify(key, rows[i].md, (int)rows[i].salt, d,
		    (struct bytes){ sig, 256 }), "but of no other digest");
	}
	is_int(worker_pss_encode((struct bytes){ digest, 64 }, 191, 2048,
	    block, NULL), Q_INVALID, "too much salt");
	is_int(worker_pss_encode((struct bytes){ digest, 20 }, 20, 2048,
	    block, NULL), Q_INVALID, "no such hash");
	EVP_PKEY_free(key);
	return done();
}
