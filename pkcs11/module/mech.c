// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/own.h"
#include "module/module.h"

const struct mech mechs[] = {
	{ CKM_ECDSA, false, SIGND_ECDSA, NULL },
	{ CKM_ECDSA_SHA256, false, SIGND_ECDSA, "SHA256" },
	{ CKM_ECDSA_SHA384, false, SIGND_ECDSA, "SHA384" },
	{ CKM_ECDSA_SHA512, false, SIGND_ECDSA, "SHA512" },
	{ CKM_RSA_PKCS, true, SIGND_RSA_PKCS1, NULL },
	{ CKM_SHA256_RSA_PKCS, true, SIGND_RSA_PKCS1, "SHA256" },
	{ CKM_SHA384_RSA_PKCS, true, SIGND_RSA_PKCS1, "SHA384" },
	{ CKM_SHA512_RSA_PKCS, true, SIGND_RSA_PKCS1, "SHA512" },
	{ CKM_RSA_PKCS_PSS, true, SIGND_RSA_PSS, NULL },
	{ CKM_SHA256_RSA_PKCS_PSS, true, SIGND_RSA_PSS, "SHA256" },
	{ CKM_SHA384_RSA_PKCS_PSS, true, SIGND_RSA_PSS, "SHA384" },
	{ CKM_SHA512_RSA_PKCS_PSS, true, SIGND_RSA_PSS, "SHA512" },
	{ CKM_SHA256, false, 0, "SHA256" },
	{ CKM_SHA384, false, 0, "SHA384" },
	{ CKM_SHA512, false, 0, "SHA512" },
};
const size_t n_mechs = ARRAY_LEN(mechs);

static const struct {
	const char *name;
	uint32_t bits;
	CK_MECHANISM_TYPE type;
	CK_RSA_PKCS_MGF_TYPE mgf;
	/* DigestInfo but for the digest (RFC 8017 9.2, note 1). */
	uint8_t head[19];
} hashes[] = {
	{ "SHA256", 256, CKM_SHA256, CKG_MGF1_SHA256, { 0x30, 0x31, 0x30, 0x0d,
	    6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0, 4, 0x20 } },
	{ "SHA384", 384, CKM_SHA384, CKG_MGF1_SHA384, { 0x30, 0x41, 0x30, 0x0d,
	    6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2, 5, 0, 4, 0x30 } },
	{ "SHA512", 512, CKM_SHA512, CKG_MGF1_SHA512, { 0x30, 0x51, 0x30, 0x0d,
	    6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3, 5, 0, 4, 0x40 } },
};

const struct mech *
mech_find(CK_MECHANISM_TYPE type)
{
	for (size_t i = 0; i < n_mechs; i++)
		if (mechs[i].type == type)
			return &mechs[i];
	return NULL;
}

size_t
digest_info(const char *hash, struct bytes digest,
    uint8_t out[DIGEST_INFO_MAX])
{
	size_t i = 0;

	while (strcmp(hashes[i].name, hash) != 0)
		i++;
	memcpy(out, hashes[i].head, sizeof(hashes[i].head));
	memcpy(out + sizeof(hashes[i].head), digest.p, digest.len);
	return sizeof(hashes[i].head) + digest.len;
}

/* The hash of PSS and of its MGF1 must be the same, and that which is made
 * here, if any. */
static CK_RV
pss_begin(struct operation *op, const CK_MECHANISM *m)
{
	const CK_RSA_PKCS_PSS_PARAMS *pss = m->pParameter;

	if (pss == NULL || m->ulParameterLen != sizeof(*pss))
		return CKR_MECHANISM_PARAM_INVALID;
	for (size_t i = 0; i < ARRAY_LEN(hashes); i++) {
		if (hashes[i].type != pss->hashAlg ||
		    hashes[i].mgf != pss->mgf || pss->sLen > 64 ||
		    (op->mech->hash != NULL &&
		    strcmp(op->mech->hash, hashes[i].name) != 0))
			continue;
		op->hash = hashes[i].bits;
		op->salt = (uint32_t)pss->sLen;
		return CKR_OK;
	}
	return CKR_MECHANISM_PARAM_INVALID;
}

static CK_RV
md_begin(struct operation *op)
{
	EVP_MD *md = EVP_MD_fetch(module_openssl(), op->mech->hash, NULL);
	int good;

	op->md = EVP_MD_CTX_new();
	good = md != NULL && op->md != NULL &&
	    EVP_DigestInit_ex2(op->md, md, NULL) == 1;
	EVP_MD_free(md);
	return good ? CKR_OK : CKR_HOST_MEMORY;
}

CK_RV
operation_begin(struct operation *op, const CK_MECHANISM *m,
    struct code_key *key)
{
	const struct mech *mech = mech_find(m->mechanism);
	CK_RV rv = CKR_OK;

	if (mech == NULL || (mech->sign == 0) != (key == NULL))
		return CKR_MECHANISM_INVALID;
	if (key != NULL && key->rsa != mech->rsa)
		return CKR_KEY_TYPE_INCONSISTENT;
	*op = (struct operation){ .mech = mech, .key = key };
	if (mech->sign == SIGND_RSA_PSS)
		rv = pss_begin(op, m);
	else if (m->ulParameterLen != 0)
		rv = CKR_MECHANISM_PARAM_INVALID;
	if (rv == CKR_OK && mech->hash != NULL)
		rv = md_begin(op);
	if (rv != CKR_OK)
		operation_end(op);
	return rv;
}
