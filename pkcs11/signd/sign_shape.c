// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "signd/sign_shape.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "x509/pubkey.h"

/* DigestInfo in front of the digest (RFC 8017 9.2 note 1). */
static const struct info {
	uint32_t hash;
	uint8_t len;
	uint8_t der[19];
} infos[] = {
	{ 160, 15, { 0x30, 0x21, 0x30, 0x09, 0x06, 0x05, 0x2b, 0x0e, 0x03,
		0x02, 0x1a, 0x05, 0x00, 0x04, 0x14 } },
	{ 256, 19, { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,
		0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04,
		0x20 } },
	{ 384, 19, { 0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,
		0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0x05, 0x00, 0x04,
		0x30 } },
	{ 512, 19, { 0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48,
		0x01, 0x65, 0x03, 0x04, 0x02, 0x03, 0x05, 0x00, 0x04,
		0x40 } },
};

static const struct mech {
	uint32_t mech;
	enum token_mech token;
	const char *text;
} mechs[] = {
	{ SIGND_ECDSA, TOKEN_ECDSA, "ecdsa" },
	{ SIGND_RSA_PKCS1, TOKEN_RSA_PKCS1, "rsa-pkcs1" },
	{ SIGND_RSA_PSS, TOKEN_RSA_PSS, "rsa-pss" },
};

static const struct mech *
mech_find(uint32_t mech)
{
	for (size_t i = 0; i < ARRAY_LEN(mechs); i++)
		if (mechs[i].mech == mech)
			return &mechs[i];
	return NULL;
}

static enum q_err
begin(struct sign_shape *s, uint32_t mech, struct bytes data, struct fault *f)
{
	const struct mech *m = mech_find(mech);

	if (m == NULL)
		return fault_set(f, Q_INVALID, "mech: not one that is known");
	if (data.len == 0 || data.len > sizeof(s->data))
		return fault_set(f, Q_INVALID, "data: of a length that no "
		    "digest has");
	*s = (struct sign_shape){ .mech = mech, .token = m->token,
		.len = data.len, .digest_len = data.len };
	memcpy(s->data, data.p, data.len);
	return Q_OK;
}

static enum q_err
pkcs1_parse(struct sign_shape *s, struct fault *f)
{
	for (size_t i = 0; i < ARRAY_LEN(infos); i++) {
		const struct info *n = &infos[i];

		if (s->len != n->len + n->hash / 8 ||
		    memcmp(s->data, n->der, n->len) != 0)
			continue;
		s->hash = n->hash;
		s->digest_len = n->hash / 8;
		return Q_OK;
	}
	return fault_set(f, Q_INVALID, "data: not the DigestInfo of SHA-1, "
	    "SHA-256, SHA-384 or SHA-512");
}

static enum q_err
pss_parse(struct sign_shape *s, uint32_t hash, uint32_t salt,
    struct fault *f)
{
	if (hash != 256 && hash != 384 && hash != 512)
		return fault_set(f, Q_INVALID, "hash: of PSS 256, 384 or 512");
	if (s->len != hash / 8)
		return fault_set(f, Q_INVALID,
		    "data: not a digest of %u bits", (unsigned)hash);
	if (salt != hash / 8)
		return fault_set(f, Q_INVALID,
		    "salt: of PSS as long as the hash, %u bytes",
		    (unsigned)hash / 8);
	s->hash = hash;
	s->salt = salt;
	return Q_OK;
}

enum q_err
sign_shape_parse(const struct signd_code_sign_req *in,
    struct sign_shape *ret_shape, struct fault *f)
{
	enum q_err r = begin(ret_shape, in->mech, in->data, f);

	if (r != Q_OK)
		return r;
	if (in->mech == SIGND_RSA_PSS)
		return pss_parse(ret_shape, in->hash, in->salt, f);
	if (in->hash != 0 || in->salt != 0)
		return fault_set(f, Q_INVALID, "hash and salt: of PSS only");
	if (in->mech == SIGND_RSA_PKCS1)
		return pkcs1_parse(ret_shape, f);
	return in->data.len >= 20 && in->data.len <= 64 ? Q_OK :
	    fault_set(f, Q_INVALID, "data: not a digest of 20 to 64 bytes");
}

enum q_err
sign_shape_make(uint32_t mech, struct bytes digest,
    struct sign_shape *ret_shape, struct fault *f)
{
	uint8_t data[SIGN_DATA_MAX];
	uint32_t hash = (uint32_t)digest.len * 8;
	enum q_err r;

	if (hash != 256 && hash != 384 && hash != 512)
		return fault_set(f, Q_INVALID, "hash: 256, 384 or 512");
	if (mech == SIGND_RSA_PKCS1) {
		const struct info *n = &infos[hash == 256 ? 1 :
		    hash == 384 ? 2 : 3];

		memcpy(data, n->der, n->len);
		memcpy(data + n->len, digest.p, digest.len);
		digest = (struct bytes){ data, n->len + digest.len };
	}
	r = begin(ret_shape, mech, digest, f);
	if (r == Q_OK && mech == SIGND_RSA_PSS)
		r = pss_parse(ret_shape, hash, hash / 8, f);
	if (r == Q_OK && mech == SIGND_RSA_PKCS1)
		r = pkcs1_parse(ret_shape, f);
	if (r == Q_OK)
		ret_shape->hash = hash;
	return r;
}

static const EVP_MD *
md_of(uint32_t hash)
{
	return hash == 256 ? EVP_sha256() : hash == 384 ? EVP_sha384() :
	    EVP_sha512();
}

static bool
padding_set(const struct sign_shape *s, EVP_PKEY_CTX *ctx)
{
	if (s->mech == SIGND_ECDSA)
		return true;
	if (s->mech == SIGND_RSA_PKCS1)
		return EVP_PKEY_CTX_set_rsa_padding(ctx,
		    RSA_PKCS1_PADDING) == 1;
	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) ==
	    1 && EVP_PKEY_CTX_set_signature_md(ctx, md_of(s->hash)) == 1 &&
	    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md_of(s->hash)) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, (int)s->salt) == 1;
}

enum q_err
sign_shape_verify(const struct sign_shape *shape, struct evp_pkey_st *pkey,
    struct bytes signature)
{
	AUTO_BUF struct buf der = BUF_INIT(TOKEN_SIG_MAX);
	EVP_PKEY_CTX *ctx;
	bool good;

	if (shape->mech == SIGND_ECDSA) {
		if (signature.len != 64)
			return Q_SIGNATURE;
		ecdsa_sig_put(&der, signature.p);
		signature = buf_bytes(&der);
	}
	ctx = EVP_PKEY_CTX_new(pkey, NULL);
	if (ctx == NULL)
		return Q_NOMEM;
	good = EVP_PKEY_verify_init(ctx) == 1 && padding_set(shape, ctx) &&
	    EVP_PKEY_verify(ctx, signature.p, signature.len, shape->data,
	    shape->len) == 1;
	EVP_PKEY_CTX_free(ctx);
	return good ? Q_OK : Q_SIGNATURE;
}

void
sign_shape_text(const struct sign_shape *shape, char out[40])
{
	const char *text = mech_find(shape->mech)->text;

	if (shape->hash == 0)
		snprintf(out, 40, "%s", text);
	else if (shape->mech == SIGND_RSA_PSS)
		snprintf(out, 40, "%s sha-%u salt %u", text,
		    (unsigned)shape->hash, (unsigned)shape->salt);
	else
		snprintf(out, 40, "%s sha-%u", text, shape->hash == 160 ? 1 :
		    (unsigned)shape->hash);
}
