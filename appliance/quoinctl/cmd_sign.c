// SPDX-License-Identifier: Apache-2.0
/* Signatures by firmware, update and codesign keys. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/own.h"
#include "quoinctl/ctl.h"
#include "quoinctl/out.h"
#include "signer/named.h"
#include "x509/pubkey.h"

#define CHUNK 65536
#define IMAGE_MAX ((size_t)256 << 20)

static const struct {
	const char *text;
	uint32_t bit;
} mechs[] = { { "ecdsa", SIGND_ECDSA }, { "rsa-pss", SIGND_RSA_PSS },
	{ "rsa-pkcs1", SIGND_RSA_PKCS1 } };

/* A key, a file, and how it is to be signed. */
struct job {
	const char *name;
	bool found, codesign;
	char id[SIGND_ID_LEN + 1];
	uint32_t mechs, mech, hash;
	const char *meaning;
	int image;
	uint8_t digest[EVP_MAX_MD_SIZE];
	uint8_t nonce[EVP_MAX_MD_SIZE];
};

static enum q_err
each_key(void *arg, const struct signd_key *k)
{
	struct job *j = arg;

	if (k->name[0] == '\0' || (strcmp(k->name, j->name) != 0 &&
	    strcmp(k->id, j->name) != 0))
		return Q_OK;
	j->found = true;
	j->codesign = strcmp(k->purpose, "codesign") == 0;
	snprintf(j->id, sizeof(j->id), "%s", k->id);
	j->mechs = signer_key_mechs(k);
	return Q_OK;
}

static enum q_err
mech_take(struct ctl *c, struct job *j, struct fault *f)
{
	const char *want = c->opt[CTL_OPT_mech];

	for (size_t i = ARRAY_LEN(mechs); i-- > 0;)
		if ((want == NULL && (j->mechs & mechs[i].bit) != 0) ||
		    (want != NULL && strcmp(mechs[i].text, want) == 0))
			j->mech = mechs[i].bit;
	return j->mech != 0 ? Q_OK : fault_set(f, Q_USAGE,
	    "--mech: ecdsa, rsa-pkcs1 or rsa-pss, not %.32s", want);
}

static enum q_err
key_take(struct ctl *c, struct job *j, struct fault *f)
{
	enum q_err r = ctl_signd(c, f);

	j->name = c->argv[0];
	if (strncmp(j->name, "nohsm:", 6) == 0)
		j->name += 6;
	if (r == Q_OK)
		r = signer_keys(c->signd, each_key, j, f);
	if (r == Q_OK && !j->found)
		r = fault_set(f, Q_NOTFOUND, "there is no key %.72s: quoinctl "
		    "hsm key list tells them", j->name);
	return r == Q_OK ? mech_take(c, j, f) : r;
}

static const EVP_MD *
md_of(uint32_t hash)
{
	return hash == 256 ? EVP_sha256() : hash == 384 ? EVP_sha384() :
	    hash == 512 ? EVP_sha512() : NULL;
}

/* The file into the memfd, and its digest. */
static enum q_err
copy(int from, struct job *j, EVP_MD_CTX *ctx, struct fault *f)
{
	uint8_t chunk[CHUNK];
	size_t all = 0;
	ssize_t n;

	while ((n = read(from, chunk, sizeof(chunk))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fault_set(f, Q_IO, "%s", strerror(errno));
		all += (size_t)n;
		if (all > IMAGE_MAX)
			return fault_set(f, Q_TOOBIG, "larger than %zu MiB",
			    IMAGE_MAX >> 20);
		if (EVP_DigestUpdate(ctx, chunk, (size_t)n) != 1 ||
		    fd_write_all(j->image, chunk, (size_t)n) != Q_OK)
			return fault_set(f, Q_IO, "no room for a copy");
	}
	return EVP_DigestFinal_ex(ctx, j->digest, NULL) == 1 ? Q_OK :
	    Q_INTERNAL;
}

static enum q_err
image_take(const char *path, struct job *j, struct fault *f)
{
	AUTO_FD int fd = strcmp(path, "-") == 0 ? dup(0) :
	    open(path, O_RDONLY | O_CLOEXEC);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	enum q_err r = Q_OK;

	if (fd < 0)
		r = fault_set(f, errno == ENOENT ? Q_NOTFOUND : Q_IO,
		    "%.150s: %s", path, strerror(errno));
	j->image = memfd_create("image", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (r == Q_OK && (j->image < 0 || ctx == NULL ||
	    EVP_DigestInit_ex(ctx, md_of(j->hash), NULL) != 1))
		r = Q_NOMEM;
	if (r == Q_OK)
		r = copy(fd, j, ctx, f);
	if (r == Q_OK && fcntl(j->image, F_ADD_SEALS, F_SEAL_WRITE |
	    F_SEAL_SHRINK | F_SEAL_GROW) != 0)
		r = fault_set(f, Q_IO, "memfd cannot be sealed");
	EVP_MD_CTX_free(ctx);
	return r;
}

/* Asked again for the same, signd gives the same: the nonce says nothing
 * but what the file is. */
static enum q_err
job_take(struct ctl *c, struct job *j, struct fault *f)
{
	const char *slash = strrchr(c->argv[1], '/');
	size_t hash;
	enum q_err r = ctl_number(c, CTL_OPT_hash, 256, &hash, f);

	j->image = -1;
	j->hash = (uint32_t)hash;
	j->meaning = c->opt[CTL_OPT_meaning] != NULL ?
	    c->opt[CTL_OPT_meaning] : slash != NULL ? slash + 1 : c->argv[1];
	if (r == Q_OK && md_of(j->hash) == NULL)
		r = fault_set(f, Q_USAGE, "--hash: 256, 384 or 512");
	if (r == Q_OK)
		r = key_take(c, j, f);
	if (r == Q_OK)
		r = image_take(c->argv[1], j, f);
	if (r == Q_OK && EVP_Digest(j->meaning, strlen(j->meaning), j->nonce,
	    NULL, EVP_sha256(), NULL) != 1)
		r = Q_INTERNAL;
	return r;
}

static void
job_free(struct job *j)
{
	if (j->image >= 0)
		close(j->image);
}

/* DigestInfo (RFC 8017 9.2). */
static enum q_err
digest_info(const struct job *j, struct buf *out)
{
	X509_SIG *sig = X509_SIG_new();
	X509_ALGOR *alg;
	ASN1_OCTET_STRING *digest;
	uint8_t *der = NULL;
	int len = -1;

	if (sig == NULL)
		return Q_NOMEM;
	X509_SIG_getm(sig, &alg, &digest);
	if (X509_ALGOR_set0(alg, OBJ_nid2obj(EVP_MD_get_type(
	    md_of(j->hash))), V_ASN1_NULL, NULL) == 1 &&
	    ASN1_OCTET_STRING_set(digest, j->digest, (int)j->hash / 8) == 1)
		len = i2d_X509_SIG(sig, &der);
	if (len > 0)
		buf_put(out, der, (size_t)len);
	OPENSSL_free(der);
	X509_SIG_free(sig);
	return len > 0 && !out->bad ? Q_OK : Q_NOMEM;
}

static enum q_err
code_sign(struct ctl *c, struct job *j, struct buf *out, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	AUTO_BUF struct buf data = BUF_INIT(256);
	bool pss = j->mech == SIGND_RSA_PSS;
	struct signd_code_sign_req req = { .key = j->id, .mech = j->mech,
		.hash = pss ? j->hash : 0, .salt = pss ? j->hash / 8 : 0,
		.nonce = { j->nonce, SIGND_NONCE_LEN } };
	struct signd_code_sign_rsp rsp;
	enum q_err r = Q_OK;

	if (j->mech == SIGND_RSA_PKCS1)
		r = digest_info(j, &data);
	else
		buf_put(&data, j->digest, j->hash / 8);
	req.data = buf_bytes(&data);
	if (r == Q_OK)
		r = signd_code_sign(c->signd, &req, &rsp, &hold, f);
	if (r == Q_OK)
		buf_put(out, rsp.signature.p, rsp.signature.len);
	return r;
}

static enum q_err
firmware_sign(struct ctl *c, struct job *j, struct buf *out, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_sign_firmware_req req = { .key = j->id,
		.mech = j->mech, .hash = j->hash, .user = c->who,
		.nonce = { j->nonce, SIGND_NONCE_LEN },
		.meaning = j->meaning, .image = j->image };
	struct signd_sign_firmware_rsp rsp;
	enum q_err r = signd_sign_firmware(c->signd, &req, &rsp, &hold, f);

	if (r == Q_OK)
		buf_put(out, rsp.signature.p, rsp.signature.len);
	return r;
}

/* As other programs verify it: ECDSA's in DER. */
static enum q_err
signature_give(struct ctl *c, const struct job *j, const struct buf *raw,
    struct fault *f)
{
	const char *path = c->opt[CTL_OPT_out];
	AUTO_BUF struct buf der = BUF_INIT(SIGND_SIG_MAX);
	const struct buf *b = raw;
	struct json_object *o;
	enum q_err r = Q_OK;

	if (j->mech == SIGND_ECDSA && raw->len == 64) {
		ecdsa_sig_put(&der, raw->p);
		b = &der;
	}
	if (path != NULL)
		r = file_replace(path, b->p, b->len, 0644);
	if (r != Q_OK)
		return fault_set(f, r, "%.150s: %s", path, q_err_text(r));
	if (path == NULL && !c->json) {
		fwrite(b->p, 1, b->len, stdout);
		return Q_OK;
	}
	o = out_object();
	out_str(o, "key", j->id);
	out_hex(o, "digest", (struct bytes){ j->digest, j->hash / 8 });
	out_hex(o, "signature", buf_bytes(b));
	out_done(c, o, "Signed: %s", path);
	return Q_OK;
}

enum q_err
cmd_hsm_sign(struct ctl *c, struct fault *f)
{
	AUTO_BUF struct buf raw = BUF_INIT(SIGND_SIG_MAX);
	struct job j = { 0 };
	enum q_err r = job_take(c, &j, f);

	if (r == Q_OK)
		r = (j.codesign ? code_sign : firmware_sign)(c, &j, &raw, f);
	if (r == Q_OK)
		r = signature_give(c, &j, &raw, f);
	job_free(&j);
	return r;
}

enum q_err
cmd_approval_request(struct ctl *c, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_approval_want_req req = { .action = "sign",
		.user = c->who };
	struct signd_approval_want_rsp rsp;
	struct json_object *o;
	struct job j = { 0 };
	enum q_err r = job_take(c, &j, f);

	req.key = j.id;
	req.mech = j.mech;
	req.hash = j.hash;
	req.digest = (struct bytes){ j.digest, j.hash / 8 };
	req.meaning = j.meaning;
	if (r == Q_OK)
		r = signd_approval_want(c->signd, &req, &rsp, &hold, f);
	job_free(&j);
	if (r != Q_OK)
		return r;
	o = out_object();
	out_str(o, "id", rsp.id);
	out_str(o, "statement", rsp.statement);
	out_done(c, o, "Approval %s is open:\n%s", rsp.id, rsp.statement);
	return Q_OK;
}
