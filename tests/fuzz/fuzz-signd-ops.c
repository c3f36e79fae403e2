// SPDX-License-Identifier: Apache-2.0
/*
 * quoin-signd's operations as they are, from any role, over a keyring with a
 * PKI, a policy, a firmware and a codesign key. The token is software, and
 * may fail or give what is wrong; the journal is memory. A record that does
 * not fit its type, or an answer that does not, ends the run, and so does a
 * signature that does not verify.
 *
 * Input: a byte that names the role, one that says what the token does, a
 * frame; what is left is the file that comes along, as a sealed memfd.
 */
#include "config.h"

#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/fsio.h"
#include "base/own.h"
#include "signd/approve.h"
#include "signd/signd.h"
#include "x509/pubkey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
enum q_err __wrap_file_replace(const char *path, const void *p, size_t len,
    mode_t mode);
uid_t __wrap_wire_req_uid(const struct wire_req *q);
enum q_err __wrap_journal_append(struct journal *j,
    const struct journal_entry *e, struct journal_pos *ret_pos,
    struct fault *f);
enum q_err __wrap_journal_append_locked(struct journal *j,
    const struct journal_entry *e);
enum q_err __wrap_journal_put(struct journal *j,
    const struct journal_entry *e, struct fault *f);
enum q_err __wrap_journal_wait(struct journal *j, uint64_t seq,
    struct fault *f);
enum q_err __wrap_journal_get(struct journal *j, uint64_t segment,
    uint64_t offset, struct buf *out, struct journal_record *ret_record);
uint64_t __wrap_journal_head(struct journal *j,
    uint8_t ret_hash[JOURNAL_HASH]);

#define USER 5 /* everybody, and who may use the codesign key */
#define EC_KEYS 16
#define RECORDS 64

/* What the token does: bits of the second byte. */
#define TOKEN_AWAY 1
#define TOKEN_SHORT 2	/* gives too few bytes */
#define TOKEN_WRONG 4	/* gives wrong ones */

static uint8_t mood;
static EVP_PKEY *ec[EC_KEYS], *rsa;

/* --- the peer, the disk and the journal */

uid_t
__wrap_wire_req_uid(const struct wire_req *q)
{
	(void)q;
	return USER;
}

enum q_err
__wrap_file_replace(const char *path, const void *p, size_t len, mode_t mode)
{
	(void)path, (void)p, (void)len, (void)mode;
	return Q_OK;
}

static struct memory {
	struct buf body;
	uint64_t seq;
	uint32_t type;
} records[RECORDS];
static uint64_t last_seq;

enum q_err
__wrap_journal_append(struct journal *j, const struct journal_entry *e,
    struct journal_pos *ret_pos, struct fault *f)
{
	struct memory *m = &records[++last_seq % RECORDS];
	const struct wire_type *t = journal_type_of(e->type);

	(void)j, (void)f;
	buf_free(&m->body);
	*m = (struct memory){ .body = BUF_INIT(JOURNAL_RECORD_MAX),
		.seq = last_seq, .type = e->type };
	if (t == NULL)
		abort();
	wire_encode(t, e->body, &m->body);
	if (m->body.bad)
		abort();
	if (ret_pos != NULL)
		*ret_pos = (struct journal_pos){ last_seq, 1, last_seq, 0 };
	return Q_OK;
}

enum q_err
__wrap_journal_append_locked(struct journal *j, const struct journal_entry *e)
{
	return __wrap_journal_append(j, e, NULL, NULL);
}

enum q_err
__wrap_journal_put(struct journal *j, const struct journal_entry *e,
    struct fault *f)
{
	return __wrap_journal_append(j, e, NULL, f);
}

enum q_err
__wrap_journal_wait(struct journal *j, uint64_t seq, struct fault *f)
{
	(void)j, (void)seq, (void)f;
	return Q_OK;
}

enum q_err
__wrap_journal_get(struct journal *j, uint64_t segment, uint64_t offset,
    struct buf *out, struct journal_record *ret_record)
{
	const struct memory *m = &records[offset % RECORDS];

	(void)j, (void)segment;
	if (m->seq != offset)
		return Q_NOTFOUND;
	buf_put(out, m->body.p, m->body.len);
	*ret_record = (struct journal_record){ .type = m->type,
		.seq = m->seq, .body = buf_bytes(out) };
	return Q_OK;
}

uint64_t
__wrap_journal_head(struct journal *j, uint8_t ret_hash[JOURNAL_HASH])
{
	(void)j;
	memset(ret_hash, 0, JOURNAL_HASH);
	return last_seq;
}

/* --- the token */

static enum q_err
token_fails(struct fault *f)
{
	return mood & TOKEN_AWAY ? fault_retry(f, Q_UNAVAIL, 1, "away") : Q_OK;
}

static bool rsa_ids[256];

static unsigned
number(const char *id)
{
	uint8_t raw[8] = { 0 };

	return hex_decode(id, raw, sizeof(raw)) ? raw[0] : 0;
}

static EVP_PKEY *
key_of(const char *id)
{
	unsigned n = number(id);

	return rsa_ids[n] ? rsa : ec[n % EC_KEYS];
}

/* As the mood is. */
static void
give(struct buf *out, const void *p, size_t len)
{
	size_t at = out->len;

	buf_put(out, p, mood & TOKEN_SHORT ? len / 2 : len);
	if (mood & TOKEN_WRONG && out->len > at)
		out->p[at] ^= 1;
}

enum q_err
worker_keygen(struct worker *w, const char *id, const char *label,
    enum token_kind kind, struct fault *f)
{
	(void)w, (void)label;
	rsa_ids[number(id)] = kind == TOKEN_RSA3072;
	return token_fails(f);
}

enum q_err
worker_import(struct worker *w, const char *id, const char *label,
    const struct worker_import *key, struct fault *f)
{
	return worker_keygen(w, id, label, key->kind, f);
}

enum q_err
worker_destroy(struct worker *w, const char *id, struct fault *f)
{
	(void)w, (void)id;
	return token_fails(f);
}

enum q_err
worker_forget(struct worker *w, const char *id, struct fault *f)
{
	return worker_destroy(w, id, f);
}

enum q_err
worker_public(struct worker *w, const char *id, struct buf *out,
    struct fault *f)
{
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(key_of(id), &der);

	(void)w;
	if (len > 0)
		give(out, der, (size_t)len);
	OPENSSL_free(der);
	return token_fails(f);
}

/* r || s of a digest. */
static void
ec_sign(EVP_PKEY *key, struct bytes digest, uint8_t raw[TOKEN_ECDSA_LEN])
{
	uint8_t der[80];
	const uint8_t *p = der;
	size_t len = sizeof(der);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	ECDSA_SIG *sig;

	if (EVP_PKEY_sign_init(ctx) != 1 ||
	    EVP_PKEY_sign(ctx, der, &len, digest.p, digest.len) != 1)
		abort();
	EVP_PKEY_CTX_free(ctx);
	sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + 32, 32);
	ECDSA_SIG_free(sig);
}

enum q_err
worker_sign(struct worker *w, const char *id, enum token_mech mech,
    struct bytes data, struct buf *out, struct fault *f)
{
	uint8_t sig[TOKEN_SIG_MAX] = { 0 };
	EVP_PKEY *key = key_of(id);

	(void)w;
	/* RSA is too slow to be made; it counts as what is wrong. */
	if (mech == TOKEN_ECDSA && EVP_PKEY_is_a(key, "EC"))
		ec_sign(key, data, sig);
	give(out, sig, mech == TOKEN_ECDSA ? TOKEN_ECDSA_LEN :
	    mech == TOKEN_HMAC ? 32 : 384);
	return token_fails(f);
}

enum q_err
worker_sign_pss(struct worker *w, const char *id, struct bytes digest,
    uint32_t salt, struct buf *out, struct fault *f)
{
	(void)salt;
	return worker_sign(w, id, TOKEN_RSA_PSS, digest, out, f);
}

enum q_err
worker_sign_many(struct worker *w, const char *id, struct bytes digests,
    struct buf *out, struct fault *f)
{
	uint8_t sig[TOKEN_ECDSA_LEN];

	(void)w;
	for (size_t i = 0; i < digests.len / TOKEN_DIGEST_LEN; i++) {
		ec_sign(key_of(id), (struct bytes){ digests.p +
		    i * TOKEN_DIGEST_LEN, TOKEN_DIGEST_LEN }, sig);
		buf_put(out, sig, sizeof(sig));
		if (mood & TOKEN_WRONG)
			out->p[out->len - 1] ^= 1;
	}
	return token_fails(f);
}

static void
tag_of(struct bytes aad, struct bytes data, uint8_t tag[TOKEN_TAG_LEN])
{
	uint8_t hash[2 * SHA256_DIGEST_LENGTH];

	SHA256(aad.p, aad.len, hash);
	SHA256(data.p, data.len, hash + SHA256_DIGEST_LENGTH);
	SHA256(hash, sizeof(hash), hash);
	memcpy(tag, hash, TOKEN_TAG_LEN);
}

enum q_err
worker_seal(struct worker *w, const char *id, struct bytes aad,
    struct bytes data, struct buf *out, struct fault *f)
{
	uint8_t tag[TOKEN_TAG_LEN], iv[TOKEN_IV_LEN] = { 0 };

	(void)w, (void)id;
	tag_of(aad, data, tag);
	buf_put(out, iv, sizeof(iv));
	give(out, data.p, data.len);
	buf_put(out, tag, sizeof(tag));
	return token_fails(f);
}

enum q_err
worker_unseal(struct worker *w, const char *id, struct bytes aad,
    struct bytes sealed, struct buf *out, struct fault *f)
{
	uint8_t tag[TOKEN_TAG_LEN];
	struct bytes data;

	(void)w, (void)id;
	if (sealed.len < TOKEN_SEAL_EXTRA)
		return Q_SIGNATURE;
	data = (struct bytes){ sealed.p + TOKEN_IV_LEN,
		sealed.len - TOKEN_SEAL_EXTRA };
	tag_of(aad, data, tag);
	if (memcmp(tag, data.p + data.len, sizeof(tag)) != 0)
		return Q_SIGNATURE;
	give(out, data.p, data.len);
	return token_fails(f);
}

enum q_err
worker_keys(struct worker *w, worker_key_each each, void *arg,
    struct fault *f)
{
	(void)w, (void)each, (void)arg;
	return token_fails(f);
}

void
worker_state(struct worker *w, struct worker_state *ret_state)
{
	(void)w;
	*ret_state = (struct worker_state){ .up = !(mood & TOKEN_AWAY),
		.can = UINT32_MAX };
}

void
worker_restart(struct worker *w, const char *reason)
{
	(void)w, (void)reason;
}

void
worker_cannot(uint32_t can, struct buf *out)
{
	(void)can, (void)out;
}

/* --- signd */

static const struct wire_op ops[] = {
#define X(name, num, roles, cap, text) { num, #name, roles, cap, \
	&signd_##name##_req_type, &signd_##name##_rsp_type, \
	signd_do_##name, text },
	SIGND_OPS(X)
#undef X
};

static struct conf conf;
static struct signd signd = { .conf = &conf };
static struct keyring *base; /* what every run begins with */
static const struct wire_server_conf server = { .ops = ops,
	.n_ops = ARRAY_LEN(ops), .ctx = &signd };

static void
must(uint16_t op, uint32_t role, const struct wire_type *t, const void *req)
{
	AUTO_BUF struct buf body = BUF_INIT(WIRE_BODY_MAX);
	AUTO_BUF struct buf frame = BUF_INIT(2 * WIRE_BODY_MAX);
	AUTO_BUF struct buf out = BUF_INIT(2 * WIRE_BODY_MAX);
	uint8_t raw[WIRE_HEAD];
	struct wire_head h = { .op = op, .id = 1 };

	wire_encode(t, req, &body);
	h.length = (uint32_t)body.len;
	wire_head_put(&h, raw);
	buf_put(&frame, raw, sizeof(raw));
	buf_put(&frame, body.p, body.len);
	wire_dispatch_frame(&server, role, buf_bytes(&frame), -1, &out);
	if (wire_head_get(buf_bytes(&out), &h) == Q_OK && h.status == Q_OK)
		return;
	fprintf(stderr, "op %u: %.*s\n", op, (int)(out.len - WIRE_HEAD),
	    (const char *)out.p + WIRE_HEAD);
	abort();
}

static void
key_make(const char *name, const char *purpose, const char *kind)
{
	AUTO_BUF struct buf enc = BUF_INIT(SIGND_RULES_MAX);
	struct key_rules rules = { .users = "5" };
	struct signd_key_make_req req = { .name = name, .purpose = purpose,
		.kind = kind, .user = "u" };

	if (strcmp(purpose, "codesign") != 0)
		rules.users[0] = '\0';
	key_rules_encode(&rules, &enc);
	req.rules = buf_bytes(&enc);
	must(SIGND_OP_key_make, ROLE_ADMIN, &signd_key_make_req_type, &req);
}

static void
set_up(void)
{
	static const struct signd_pki_make_req pki = { "localhost",
		"127.0.0.1", false, 0 };
	static const struct signd_issuing_make_req ca = { .policy = "p",
		.issuing_lifetime = 86400 * 30, .device_lifetime = 86400,
		.allow_rekey = true };

	for (size_t i = 0; i < EC_KEYS; i++)
		ec[i] = EVP_EC_gen("P-256");
	rsa = EVP_RSA_gen(3072);
	if (rsa == NULL || conf_parse("", 0, &conf, NULL) != Q_OK ||
	    issued_new(4096, &signd.issued) != Q_OK)
		abort();
	pthread_mutex_init(&signd.change, NULL);
	pthread_mutex_init(&signd.crl, NULL);
	pthread_mutex_init(&signd.lock, NULL);
	if (approvals_new(clock_wall, &signd.approvals) != Q_OK)
		abort();
	signd.ring = keyring_new(NULL);
	signd.workers[0] = (struct worker *)(void *)&signd; /* not NULL */
	must(SIGND_OP_pki_make, ROLE_ADMIN, &signd_pki_make_req_type, &pki);
	must(SIGND_OP_issuing_make, ROLE_ADMIN, &signd_issuing_make_req_type,
	    &ca);
	key_make("fw", "firmware", "P-256");
	key_make("cs", "codesign", "P-256");
	base = keyring_ref(signd.ring);
}

/* Changes of the keyring do not add up. */
static void
reset(void)
{
	if (signd.ring != base) {
		keyring_unref(signd.ring);
		signd.ring = keyring_ref(base);
	}
	signd.done.generation = signd.announced.generation = 0;
	signd.n_announced = signd.n_crls = 0;
	signd.refusals.n = 0;
}

static int
file_of(struct bytes b)
{
	int fd;

	if (b.len == 0)
		return -1;
	fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0 || fd_write_all(fd, b.p, b.len) != Q_OK ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK |
	    F_SEAL_GROW) != 0)
		abort();
	return fd;
}

static void
look(struct bytes out)
{
	union {
		max_align_t align;
		uint8_t space[WIRE_STRUCT_MAX];
	} rsp;
	struct wire_head h;

	if (out.len == 0)
		return;
	if (wire_head_get(out, &h) != Q_OK)
		abort();
	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		if (ops[i].num == h.op && h.status == Q_OK &&
		    wire_decode(ops[i].rsp, (struct bytes){ out.p + WIRE_HEAD,
		    h.length }, rsp.space, NULL) != Q_OK)
			abort();
}

/* Ids and keys differ with every run, so the input has places in the
 * keyring: "key:" and a letter, at the places where ids may be. */
static void
ids_put(uint8_t *p, size_t len)
{
	for (size_t i = 0; i + SIGND_ID_LEN <= len; i++)
		if (memcmp(p + i, "key:", 4) == 0)
			memcpy(p + i, base->keys[p[i + 4] % base->n]->id,
			    SIGND_ID_LEN);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_BUF struct buf out = BUF_INIT(2 * WIRE_BODY_MAX);
	AUTO_FREE uint8_t *copy = NULL;
	size_t frame, body;

	if (base == NULL)
		set_up();
	if (size < 2 + WIRE_HEAD)
		return 0;
	body = le32_get(data + 2 + 16);
	frame = WIRE_HEAD + (body < size - 2 - WIRE_HEAD ? body :
	    size - 2 - WIRE_HEAD);
	copy = malloc(frame);
	memcpy(copy, data + 2, frame);
	ids_put(copy + WIRE_HEAD, frame - WIRE_HEAD);
	mood = data[1];
	wire_dispatch_frame(&server, 1U << data[0] % 9,
	    (struct bytes){ copy, frame }, file_of((struct bytes){
	    data + 2 + frame, size - 2 - frame }), &out);
	mood = 0;
	look(buf_bytes(&out));
	reset();
	return 0;
}
