// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "x509/pubkey.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include "base/own.h"
#include "x509/der_write.h"

#define ECDSA_WITH(n)                                                     \
	"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03" n
#define RSA_WITH(n)                                                       \
	"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01" n "\x05\x00"
/* RFC 4055 2.1: a receiver must accept absent parameters, too. */
#define RSA_WITH_BARE(n)                                                  \
	"\x30\x0b\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01" n
#define HASH(n) "\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02" n "\x05\x00"
#define PSS_WITH(n, salt)                                                 \
	"\x30\x41\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0a\x30\x34"    \
	"\xa0\x0f" HASH(n)                                                \
	"\xa1\x1c\x30\x1a\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x08"    \
	HASH(n) "\xa2\x03\x02\x01" salt

/* AlgorithmIdentifiers: RFC 5758 3.2, RFC 4055 3 and 5. The first row of an
 * algorithm is how we write it. */
static const struct sig_alg_row {
	enum sig_alg alg;
	int type;		/* of the key */
	int padding;		/* RSA */
	const EVP_MD *(*md)(void);
	const char *der;
	size_t len;
} rows[] = {
#define ROW(alg, type, padding, md, der)                                  \
	{ SIG_##alg, type, padding, md, der, sizeof(der) - 1 }
	ROW(ECDSA_SHA256, EVP_PKEY_EC, 0, EVP_sha256, ECDSA_WITH("\x02")),
	ROW(ECDSA_SHA384, EVP_PKEY_EC, 0, EVP_sha384, ECDSA_WITH("\x03")),
	ROW(ECDSA_SHA512, EVP_PKEY_EC, 0, EVP_sha512, ECDSA_WITH("\x04")),
	ROW(RSA_PKCS1_SHA256, EVP_PKEY_RSA, RSA_PKCS1_PADDING, EVP_sha256,
	    RSA_WITH("\x0b")),
	ROW(RSA_PKCS1_SHA384, EVP_PKEY_RSA, RSA_PKCS1_PADDING, EVP_sha384,
	    RSA_WITH("\x0c")),
	ROW(RSA_PKCS1_SHA512, EVP_PKEY_RSA, RSA_PKCS1_PADDING, EVP_sha512,
	    RSA_WITH("\x0d")),
	ROW(RSA_PKCS1_SHA256, EVP_PKEY_RSA, RSA_PKCS1_PADDING, EVP_sha256,
	    RSA_WITH_BARE("\x0b")),
	ROW(RSA_PSS_SHA256, EVP_PKEY_RSA, RSA_PKCS1_PSS_PADDING, EVP_sha256,
	    PSS_WITH("\x01", "\x20")),
	ROW(RSA_PSS_SHA384, EVP_PKEY_RSA, RSA_PKCS1_PSS_PADDING, EVP_sha384,
	    PSS_WITH("\x02", "\x30")),
	ROW(RSA_PSS_SHA512, EVP_PKEY_RSA, RSA_PKCS1_PSS_PADDING, EVP_sha512,
	    PSS_WITH("\x03", "\x40")),
};

static const struct sig_alg_row *
row_of(enum sig_alg alg)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].alg == alg)
			return &rows[i];
	return NULL;
}

static struct bytes
row_bytes(const struct sig_alg_row *row)
{
	return (struct bytes){ (const uint8_t *)row->der, row->len };
}

enum sig_alg
sig_alg_parse(struct bytes der)
{
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (bytes_equal(der, row_bytes(&rows[i])))
			return rows[i].alg;
	return SIG_NONE;
}

struct bytes
sig_alg_der(enum sig_alg alg)
{
	const struct sig_alg_row *row = row_of(alg);

	return row != NULL ? row_bytes(row) : (struct bytes){ NULL, 0 };
}

enum sig_alg
sig_alg_for(enum key_kind kind)
{
	return kind == KEY_P256 ? SIG_ECDSA_SHA256 : SIG_RSA_PKCS1_SHA256;
}

void
ecdsa_sig_put(struct buf *out, const uint8_t raw[64])
{
	size_t seq = der_begin(out, DER_SEQUENCE);

	der_put_uint(out, raw, 32);
	der_put_uint(out, raw + 32, 32);
	der_end(out, seq);
}

static bool
verify_digest(EVP_PKEY_CTX *ctx, const struct sig_alg_row *row,
    struct bytes msg, struct bytes sig)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned len;

	if (ctx == NULL || EVP_PKEY_verify_init(ctx) <= 0 ||
	    !EVP_Digest(msg.p, msg.len, digest, &len, row->md(), NULL))
		return false;
	if (row->type == EVP_PKEY_RSA && (EVP_PKEY_CTX_set_rsa_padding(ctx,
	    row->padding) <= 0 ||
	    EVP_PKEY_CTX_set_signature_md(ctx, row->md()) <= 0))
		return false;
	if (row->padding == RSA_PKCS1_PSS_PADDING &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, RSA_PSS_SALTLEN_DIGEST) <= 0)
		return false;
	return EVP_PKEY_verify(ctx, sig.p, sig.len, digest, len) == 1;
}

enum q_err
pubkey_verify_with(EVP_PKEY *pkey, enum sig_alg alg, struct bytes msg,
    struct bytes sig, struct fault *f)
{
	const struct sig_alg_row *row = row_of(alg);
	EVP_PKEY_CTX *ctx;
	bool good;

	if (row == NULL || EVP_PKEY_get_base_id(pkey) != row->type)
		return fault_set(f, Q_SIGNATURE,
		    "signature algorithm does not fit the key");
	/* a bad signature must not be taken for an error of the caller's TLS */
	ERR_set_mark();
	ctx = EVP_PKEY_CTX_new(pkey, NULL);
	good = verify_digest(ctx, row, msg, sig);
	ERR_pop_to_mark();
	EVP_PKEY_CTX_free(ctx);
	return good ? Q_OK :
	    fault_set(f, Q_SIGNATURE, "signature does not verify");
}
