// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "signd/sign_once.h"
#include "signd/signd.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)
#define IMAGE_MAX ((off_t)256 << 20)
#define CHUNK 65536

static const EVP_MD *
md_of(uint32_t hash)
{
	return hash == 256 ? EVP_sha256() : hash == 384 ? EVP_sha384() :
	    hash == 512 ? EVP_sha512() : NULL;
}

/* Nobody can change it any more. */
static enum q_err
image_check(int fd, off_t *ret_size, struct fault *f)
{
	struct stat st;
	int seals = fd < 0 ? -1 : fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & SEALS) != SEALS)
		return fault_set(f, Q_INVALID, "image: not a sealed memfd");
	if (fstat(fd, &st) != 0 || st.st_size <= 0 || st.st_size > IMAGE_MAX)
		return fault_set(f, Q_TOOBIG, "image: empty or larger than "
		    "%d MiB", (int)(IMAGE_MAX >> 20));
	*ret_size = st.st_size;
	return Q_OK;
}

static enum q_err
image_hash(EVP_MD_CTX *ctx, int fd, off_t size, struct fault *f)
{
	uint8_t chunk[CHUNK];

	for (off_t at = 0; at < size;) {
		ssize_t n = pread(fd, chunk, sizeof(chunk), at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || EVP_DigestUpdate(ctx, chunk, (size_t)n) != 1)
			return fault_set(f, Q_IO, "image: cannot be read");
		at += n;
	}
	return Q_OK;
}

static enum q_err
image_digest(int fd, uint32_t hash, uint8_t out[EVP_MAX_MD_SIZE],
    struct fault *f)
{
	const EVP_MD *md = md_of(hash);
	EVP_MD_CTX *ctx;
	off_t size = 0;
	enum q_err r = md == NULL ? fault_set(f, Q_INVALID,
	    "hash: 256, 384 or 512") : image_check(fd, &size, f);

	if (r != Q_OK)
		return r;
	ctx = EVP_MD_CTX_new();
	if (ctx == NULL || EVP_DigestInit_ex(ctx, md, NULL) != 1)
		r = Q_NOMEM;
	if (r == Q_OK)
		r = image_hash(ctx, fd, size, f);
	if (r == Q_OK && EVP_DigestFinal_ex(ctx, out, NULL) != 1)
		r = Q_INTERNAL;
	EVP_MD_CTX_free(ctx);
	return r;
}

enum q_err
signd_do_sign_firmware(void *ctx, struct wire_req *q, const void *req,
    void *rsp, struct fault *f)
{
	const struct signd_sign_firmware_req *in = req;
	struct signd_sign_firmware_rsp *out = rsp;
	AUTO_RING struct keyring *ring = NULL;
	struct buf *space = wire_req_space(q);
	uint8_t digest[EVP_MAX_MD_SIZE];
	struct sign_shape shape;
	struct sign_ask ask = { .op = SIGND_OP_sign_firmware,
		.shape = &shape,
		.use = { .what = "sign_firmware", .mech = in->mech,
			.purposes = 1u << PURPOSE_FIRMWARE |
			    1u << PURPOSE_UPDATE,
			.role = wire_req_role(q), .uid = wire_req_uid(q) },
		.nonce = in->nonce, .user = in->user,
		.meaning = in->meaning };
	enum q_err r = signd_ring(ctx, false, &ring, f);

	if (r == Q_OK && (ask.key = keyring_find(ring, in->key)) == NULL)
		r = fault_set(f, Q_NOTFOUND, "no key %.16s", in->key);
	if (r == Q_OK)
		r = image_digest(in->image, in->hash, digest, f);
	if (r == Q_OK)
		r = sign_shape_make(in->mech, (struct bytes){ digest,
		    in->hash / 8 }, &shape, f);
	if (r == Q_OK)
		r = sign_once(ctx, ring, &ask, space, f);
	if (r != Q_OK)
		return r;
	out->signature = buf_bytes(space);
	buf_put(space, digest, in->hash / 8);
	if (space->bad)
		return Q_NOMEM;
	out->signature.p = space->p;
	out->digest = (struct bytes){ space->p + out->signature.len,
		in->hash / 8 };
	return Q_OK;
}
