// SPDX-License-Identifier: Apache-2.0
/* Signatures by signd; verification, digests and random bytes by OpenSSL. */
#include "config.h"

#include <errno.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <string.h>
#include <sys/random.h>

#include "base/own.h"
#include "module/module.h"

#define P256_BYTES 32

/* --- digests */

CK_RV
C_DigestInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism)
{
	struct session *s;
	CK_RV rv = session_get(session, &s);

	if (rv != CKR_OK)
		return rv;
	if (mechanism == NULL)
		rv = CKR_ARGUMENTS_BAD;
	else if (s->digest.mech != NULL)
		rv = CKR_OPERATION_ACTIVE;
	else
		rv = operation_begin(&s->digest, mechanism, NULL);
	session_put(s);
	return rv;
}

/* Into a buffer of the caller's: asked for the length, or with too little
 * room, the operation stays (PKCS #11 2.40 5.2). */
static CK_RV
room(CK_BYTE *out, CK_ULONG *len, CK_ULONG need, bool *ret_stay)
{
	CK_ULONG have;

	*ret_stay = false;
	if (len == NULL)
		return CKR_ARGUMENTS_BAD;
	have = *len;
	*len = need;
	*ret_stay = out == NULL || have < need;
	return out != NULL && have < need ? CKR_BUFFER_TOO_SMALL : CKR_OK;
}

static CK_RV
digest_out(struct operation *op, CK_BYTE *out, CK_ULONG *len, bool *ret_stay)
{
	CK_RV rv = room(out, len, (CK_ULONG)EVP_MD_CTX_get_size(op->md),
	    ret_stay);

	if (rv == CKR_OK && !*ret_stay &&
	    EVP_DigestFinal_ex(op->md, out, NULL) != 1)
		rv = CKR_FUNCTION_FAILED;
	return rv;
}

CK_RV
C_Digest(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len,
    CK_BYTE *digest, CK_ULONG *digest_len)
{
	bool stay = false;
	struct session *s;
	CK_RV rv = session_get(session, &s);

	if (rv != CKR_OK)
		return rv;
	if (s->digest.mech == NULL)
		rv = CKR_OPERATION_NOT_INITIALIZED;
	else if (data == NULL && data_len != 0)
		rv = CKR_ARGUMENTS_BAD;
	else if (s->digest.parts)
		rv = CKR_OPERATION_ACTIVE;
	else
		rv = room(digest, digest_len,
		    (CK_ULONG)EVP_MD_CTX_get_size(s->digest.md), &stay);
	if (rv == CKR_OK && !stay && (EVP_DigestUpdate(s->digest.md, data,
	    data_len) != 1 || EVP_DigestFinal_ex(s->digest.md, digest,
	    NULL) != 1))
		rv = CKR_FUNCTION_FAILED;
	if (!stay)
		operation_end(&s->digest);
	session_put(s);
	return rv;
}

/* Update of any operation with a hash; raw mechanisms have one part. */
static CK_RV
update(CK_SESSION_HANDLE session, size_t offset, const CK_BYTE *part,
    CK_ULONG len)
{
	struct operation *op;
	struct session *s;
	CK_RV rv = session_get(session, &s);

	if (rv != CKR_OK)
		return rv;
	op = (struct operation *)(void *)((char *)s + offset);
	if (op->mech == NULL)
		rv = CKR_OPERATION_NOT_INITIALIZED;
	else if (part == NULL && len != 0)
		rv = CKR_ARGUMENTS_BAD;
	else if (op->mech->hash == NULL)
		rv = CKR_FUNCTION_NOT_SUPPORTED;
	else if (EVP_DigestUpdate(op->md, part, len) != 1)
		rv = CKR_FUNCTION_FAILED;
	else
		op->parts = true;
	if (rv != CKR_OK)
		operation_end(op);
	session_put(s);
	return rv;
}

CK_RV
C_DigestUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG len)
{
	return update(session, offsetof(struct session, digest), part, len);
}

CK_RV
C_DigestFinal(CK_SESSION_HANDLE session, CK_BYTE *digest,
    CK_ULONG *digest_len)
{
	bool stay = false;
	struct session *s;
	CK_RV rv = session_get(session, &s);

	if (rv != CKR_OK)
		return rv;
	if (s->digest.mech == NULL)
		rv = CKR_OPERATION_NOT_INITIALIZED;
	else
		rv = digest_out(&s->digest, digest, digest_len, &stay);
	if (!stay)
		operation_end(&s->digest);
	session_put(s);
	return rv;
}

/* --- signatures */

static CK_RV
begin(CK_SESSION_HANDLE session, size_t offset, CK_MECHANISM *m,
    CK_OBJECT_HANDLE handle, CK_OBJECT_CLASS class)
{
	struct code_key *key = NULL;
	const struct object *o;
	struct operation *op;
	struct session *s;
	CK_RV rv = session_get(session, &s);

	if (rv != CKR_OK)
		return rv;
	op = (struct operation *)(void *)((char *)s + offset);
	o = object_get(handle, &key);
	if (m == NULL)
		rv = CKR_ARGUMENTS_BAD;
	else if (op->mech != NULL)
		rv = CKR_OPERATION_ACTIVE;
	else if (o == NULL)
		rv = CKR_KEY_HANDLE_INVALID;
	else if (o->class != class)
		rv = o->class == CKO_CERTIFICATE ? CKR_KEY_HANDLE_INVALID :
		    CKR_KEY_FUNCTION_NOT_PERMITTED;
	else
		rv = operation_begin(op, m, key);
	if (rv == CKR_OK && class == CKO_PRIVATE_KEY &&
	    (op->mech->sign & key->mechs) == 0) {
		operation_end(op);
		rv = CKR_KEY_FUNCTION_NOT_PERMITTED;
	}
	session_put(s);
	return rv;
}

CK_RV
C_SignInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
    CK_OBJECT_HANDLE key)
{
	return begin(session, offsetof(struct session, sign), mechanism, key,
	    CKO_PRIVATE_KEY);
}

/* What signd, or the verification, gets: the data of a raw mechanism, or the
 * digest, for PKCS #1 in a DigestInfo. work holds it. */
static CK_RV
input_of(struct operation *op, const CK_BYTE *data, CK_ULONG len,
    uint8_t work[DIGEST_INFO_MAX], struct bytes *ret_input)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	if (op->mech->hash == NULL) {
		if (op->mech->sign == SIGND_RSA_PSS && len * 8 != op->hash)
			return CKR_DATA_LEN_RANGE;
		*ret_input = (struct bytes){ data, len };
		return len > DIGEST_INFO_MAX || len == 0 ?
		    CKR_DATA_LEN_RANGE : CKR_OK;
	}
	if ((len != 0 && EVP_DigestUpdate(op->md, data, len) != 1) ||
	    EVP_DigestFinal_ex(op->md, digest, &n) != 1)
		return CKR_FUNCTION_FAILED;
	if (op->mech->sign == SIGND_RSA_PKCS1) {
		*ret_input = (struct bytes){ work, digest_info(op->mech->hash,
		    (struct bytes){ digest, n }, work) };
		return CKR_OK;
	}
	memcpy(work, digest, n);
	*ret_input = (struct bytes){ work, n };
	return CKR_OK;
}

/* Nothing is signed before there is room for it. */
static CK_RV
sign_end(struct operation *op, const CK_BYTE *data, CK_ULONG len,
    CK_BYTE *sig, CK_ULONG *sig_len, bool *ret_stay)
{
	uint8_t work[DIGEST_INFO_MAX];
	struct bytes input;
	CK_RV rv = room(sig, sig_len, op->key->sig_len, ret_stay);

	if (rv != CKR_OK || *ret_stay)
		return rv;
	rv = input_of(op, data, len, work, &input);
	return rv == CKR_OK ? remote_sign(op, input, sig) : rv;
}

CK_RV
C_Sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len,
    CK_BYTE *signature, CK_ULONG *signature_len)
{
	bool stay = false;
	struct session *s;
	CK_RV rv = session_get(session, &s);

	if (rv != CKR_OK)
		return rv;
	if (s->sign.mech == NULL)
		rv = CKR_OPERATION_NOT_INITIALIZED;
	else if (data == NULL && data_len != 0)
		rv = CKR_ARGUMENTS_BAD;
	else if (s->sign.parts)
		rv = CKR_OPERATION_ACTIVE;
	else
		rv = sign_end(&s->sign, data, data_len, signature,
		    signature_len, &stay);
	if (!stay)
		operation_end(&s->sign);
	session_put(s);
	return rv;
}

CK_RV
C_SignUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG len)
{
	return update(session, offsetof(struct session, sign), part, len);
}

CK_RV
C_SignFinal(CK_SESSION_HANDLE session, CK_BYTE *signature,
    CK_ULONG *signature_len)
{
	bool stay = false;
	struct session *s;
	CK_RV rv = session_get(session, &s);

	if (rv != CKR_OK)
		return rv;
	if (s->sign.mech == NULL || s->sign.mech->hash == NULL)
		rv = CKR_OPERATION_NOT_INITIALIZED;
	else
		rv = sign_end(&s->sign, NULL, 0, signature, signature_len,
		    &stay);
	if (!stay)
		operation_end(&s->sign);
	session_put(s);
	return rv;
}

/* --- verification */

CK_RV
C_VerifyInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism,
    CK_OBJECT_HANDLE key)
{
	return begin(session, offsetof(struct session, verify), mechanism, key,
	    CKO_PUBLIC_KEY);
}

static bool
pss_set(EVP_PKEY_CTX *ctx, const struct operation *op)
{
	const EVP_MD *md = op->hash == 256 ? EVP_sha256() :
	    op->hash == 384 ? EVP_sha384() : EVP_sha512();

	return EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PSS_PADDING) == 1 &&
	    EVP_PKEY_CTX_set_signature_md(ctx, md) == 1 &&
	    EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, md) == 1 &&
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(ctx, (int)op->salt) == 1;
}

/* Ecdsa-Sig-Value of r || s. */
static int
ecdsa_der(const CK_BYTE *raw, uint8_t **ret_der)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(raw, P256_BYTES, NULL);
	BIGNUM *s = BN_bin2bn(raw + P256_BYTES, P256_BYTES, NULL);
	int n = -1;

	if (sig != NULL && r != NULL && s != NULL &&
	    ECDSA_SIG_set0(sig, r, s) == 1) {
		r = s = NULL;
		n = i2d_ECDSA_SIG(sig, ret_der);
	}
	BN_free(r);
	BN_free(s);
	ECDSA_SIG_free(sig);
	return n;
}

static CK_RV
verify_input(const struct operation *op, struct bytes input,
    const CK_BYTE *sig, CK_ULONG sig_len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(module_openssl(),
	    op->key->public, NULL);
	uint8_t *der = NULL;
	int n = (int)sig_len, good = 0;

	if (!op->key->rsa)
		n = ecdsa_der(sig, &der);
	if (ctx != NULL && n > 0 && EVP_PKEY_verify_init(ctx) == 1 &&
	    (op->mech->sign != SIGND_RSA_PSS || pss_set(ctx, op)))
		good = EVP_PKEY_verify(ctx, der != NULL ? der : sig, (size_t)n,
		    input.p, input.len);
	OPENSSL_free(der);
	EVP_PKEY_CTX_free(ctx);
	return good == 1 ? CKR_OK : CKR_SIGNATURE_INVALID;
}

static CK_RV
verify_end(struct operation *op, const CK_BYTE *data, CK_ULONG len,
    const CK_BYTE *sig, CK_ULONG sig_len)
{
	uint8_t work[DIGEST_INFO_MAX];
	struct bytes input;
	CK_RV rv;

	if (sig == NULL)
		return CKR_ARGUMENTS_BAD;
	if (sig_len != op->key->sig_len)
		return CKR_SIGNATURE_LEN_RANGE;
	rv = input_of(op, data, len, work, &input);
	return rv == CKR_OK ? verify_input(op, input, sig, sig_len) : rv;
}

CK_RV
C_Verify(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG data_len,
    CK_BYTE *signature, CK_ULONG signature_len)
{
	struct session *s;
	CK_RV rv = session_get(session, &s);

	if (rv != CKR_OK)
		return rv;
	if (s->verify.mech == NULL)
		rv = CKR_OPERATION_NOT_INITIALIZED;
	else if (data == NULL && data_len != 0)
		rv = CKR_ARGUMENTS_BAD;
	else if (s->verify.parts)
		rv = CKR_OPERATION_ACTIVE;
	else
		rv = verify_end(&s->verify, data, data_len, signature,
		    signature_len);
	operation_end(&s->verify);
	session_put(s);
	return rv;
}

CK_RV
C_VerifyUpdate(CK_SESSION_HANDLE session, CK_BYTE *part, CK_ULONG len)
{
	return update(session, offsetof(struct session, verify), part, len);
}

CK_RV
C_VerifyFinal(CK_SESSION_HANDLE session, CK_BYTE *signature,
    CK_ULONG signature_len)
{
	struct session *s;
	CK_RV rv = session_get(session, &s);

	if (rv != CKR_OK)
		return rv;
	if (s->verify.mech == NULL || s->verify.mech->hash == NULL)
		rv = CKR_OPERATION_NOT_INITIALIZED;
	else
		rv = verify_end(&s->verify, NULL, 0, signature,
		    signature_len);
	operation_end(&s->verify);
	session_put(s);
	return rv;
}

/* --- random bytes: of the kernel, as the program's OpenSSL may have them
 * from an engine that is built on this very module */

CK_RV
C_GenerateRandom(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG len)
{
	size_t at = 0;
	ssize_t n;
	struct session *s;
	CK_RV rv = session_get(session, &s);

	if (rv != CKR_OK)
		return rv;
	if (data == NULL && len != 0)
		rv = CKR_ARGUMENTS_BAD;
	while (rv == CKR_OK && at < len) {
		n = getrandom(data + at, len - at, 0);
		if (n < 0 && errno != EINTR)
			rv = CKR_FUNCTION_FAILED;
		at += n > 0 ? (size_t)n : 0;
	}
	session_put(s);
	return rv;
}

CK_RV
C_SeedRandom(CK_SESSION_HANDLE session, CK_BYTE *seed, CK_ULONG len)
{
	struct session *s;
	CK_RV rv = session_get(session, &s);

	(void)seed;
	(void)len;
	if (rv != CKR_OK)
		return rv;
	session_put(s);
	return CKR_RANDOM_SEED_NOT_SUPPORTED;
}
