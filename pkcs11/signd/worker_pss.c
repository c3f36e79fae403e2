// SPDX-License-Identifier: Apache-2.0
/*
 * RSASSA-PSS for a token that has the bare RSA operation alone: the block is
 * made here (RFC 8017 9.1.1) and signed raw.
 */
#include "config.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "signd/worker_priv.h"
#include "x509/pubkey.h"

static const EVP_MD *
hash_of(size_t len)
{
	return len == 32 ? EVP_sha256() : len == 48 ? EVP_sha384() :
	    len == 64 ? EVP_sha512() : NULL;
}

/* MGF1 (RFC 8017 B.2.1) of seed, into out by exclusive or. */
static bool
mgf1_xor(const EVP_MD *md, struct bytes seed, uint8_t *out, size_t len)
{
	uint8_t in[EVP_MAX_MD_SIZE + 4], mask[EVP_MAX_MD_SIZE];
	size_t step = (size_t)EVP_MD_get_size(md);

	memcpy(in, seed.p, seed.len);
	for (uint32_t i = 0; (size_t)i * step < len; i++) {
		size_t at = (size_t)i * step;

		in[seed.len] = in[seed.len + 1] = 0;
		in[seed.len + 2] = (uint8_t)(i >> 8);
		in[seed.len + 3] = (uint8_t)i;
		if (EVP_Digest(in, seed.len + 4, mask, NULL, md, NULL) != 1)
			return false;
		for (size_t k = 0; k < step && at + k < len; k++)
			out[at + k] ^= mask[k];
	}
	return true;
}

enum q_err
worker_pss_encode(struct bytes digest, size_t salt, unsigned bits,
    uint8_t *out, struct fault *f)
{
	static const uint8_t zeros[8];
	size_t em = (bits - 1 + 7) / 8, h = digest.len;
	size_t db = em - h - 1;
	const EVP_MD *md = hash_of(h);
	uint8_t in[8 + EVP_MAX_MD_SIZE + TOKEN_SIG_MAX];

	if (md == NULL || em > TOKEN_SIG_MAX || em < h + salt + 2)
		return fault_set(f, Q_INVALID, "digest or salt: wrong length");
	memset(out, 0, db);
	out[db - salt - 1] = 1;
	out[em - 1] = 0xbc;
	if (RAND_bytes(out + db - salt, (int)salt) != 1)
		return fault_set(f, Q_INTERNAL, "no random bytes");
	memcpy(in, zeros, sizeof(zeros));
	memcpy(in + 8, digest.p, h);
	memcpy(in + 8 + h, out + db - salt, salt);
	if (EVP_Digest(in, 8 + h + salt, out + db, NULL, md, NULL) != 1 ||
	    !mgf1_xor(md, (struct bytes){ out + db, h }, out, db))
		return fault_set(f, Q_INTERNAL, "hash");
	out[0] &= (uint8_t)(0xff >> (8 * em - (bits - 1)));
	return Q_OK;
}

enum q_err
worker_pss_sign(struct worker *w, const char *id, struct bytes digest,
    uint32_t salt, struct buf *out, struct fault *f)
{
	AUTO_BUF struct buf spki = BUF_INIT(PUBKEY_SPKI_MAX);
	uint8_t block[TOKEN_SIG_MAX];
	struct pubkey key;
	enum q_err r = worker_public(w, id, &spki, f);

	if (r == Q_OK)
		r = pubkey_parse(buf_bytes(&spki), &key, f);
	if (r == Q_OK && (key.kind != KEY_RSA || key.bits % 8 != 0))
		r = fault_set(f, Q_INVALID, "not an RSA key");
	if (r == Q_OK)
		r = worker_pss_encode(digest, salt, key.bits, block, f);
	return r == Q_OK ? worker_sign(w, id, TOKEN_RSA_RAW,
	    (struct bytes){ block, key.bits / 8 }, out, f) : r;
}
