// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "module-peer.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "signer/signer.h"

#define EC_ID "00000000000000e1"
#define RSA_ID "00000000000000a2"

static EVP_PKEY *ec, *rsa;
static uint8_t *spki[2];
static int spki_len[2];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of: */
static uint8_t last_nonce[SIGND_NONCE_LEN];
struct peer peer;

void
peer_keys_make(void)
{
	ec = EVP_EC_gen("P-256");
	rsa = EVP_RSA_gen(3072);
	spki_len[0] = i2d_PUBKEY(rsa, &spki[0]);
	spki_len[1] = i2d_PUBKEY(ec, &spki[1]);
}

void
peer_keys_free(void)
{
	EVP_PKEY_free(ec);
	EVP_PKEY_free(rsa);
	OPENSSL_free(spki[0]);
	OPENSSL_free(spki[1]);
}

static enum q_err
on_info(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	struct signd_code_info_rsp *out = rsp;

	(void)ctx, (void)q, (void)req, (void)f;
	out->label = "Quoin";
	out->serial = "0123456789abcdef";
	out->ready = true;
	return Q_OK;
}

/* A page has one key. */
static enum q_err
on_keys(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	static const uint8_t bad[8] = "no cert";
	const struct signd_code_keys_req *in = req;
	struct signd_code_keys_rsp *out = rsp;
	int i = in->after[0] == '\0' ? 0 : 1;
	struct signd_code_key k = { .id = i == 0 ? RSA_ID : EC_ID,
		.name = i == 0 ? "rsa" : "ec",
		.kind = i == 0 ? "RSA-3072" : "P-256",
		.mechs = i == 0 ? SIGND_RSA_PSS : SIGND_ECDSA,
		.imported = i != 0, .not_after = i == 0 ? 0 : 4102444800,
		.spki = { spki[i], (size_t)spki_len[i] },
		.cert = { bad, i == 0 ? 0 :
		    (size_t)atomic_load(&peer.bad_cert) } };

	(void)ctx, (void)f;
	if (i == 0 || !atomic_load(&peer.no_ec))
		wire_list_put(wire_req_space(q), &signd_code_key_type, &k);
	out->items = buf_bytes(wire_req_space(q));
	out->more = i == 0;
	return Q_OK;
}

/* A request that is not the one before, asked again. */
static void
count(struct bytes nonce)
{
	pthread_mutex_lock(&lock);
	if (nonce.len != SIGND_NONCE_LEN ||
	    memcmp(last_nonce, nonce.p, SIGND_NONCE_LEN) != 0)
		atomic_fetch_add(&peer.signs, 1);
	if (nonce.len == SIGND_NONCE_LEN)
		memcpy(last_nonce, nonce.p, SIGND_NONCE_LEN);
	pthread_mutex_unlock(&lock);
}

static enum q_err
on_sign(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct signd_code_sign_req *in = req;
	struct signd_code_sign_rsp *out = rsp;
	bool is_rsa = strcmp(in->key, RSA_ID) == 0;
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new(is_rsa ? rsa : ec, NULL);
	uint8_t sig[SIGND_SIG_MAX], raw[64];
	const uint8_t *p = sig;
	ECDSA_SIG *rs = NULL;
	size_t n = sizeof(sig);
	enum q_err fault = (enum q_err)atomic_exchange(&peer.fault, Q_OK);

	(void)ctx;
	count(in->nonce);
	usleep((unsigned)atomic_load(&peer.slow_ms) * 1000);
	if (fault == Q_OK && (EVP_PKEY_sign_init(c) != 1 || (is_rsa &&
	    (EVP_PKEY_CTX_set_rsa_padding(c, RSA_PKCS1_PSS_PADDING) != 1 ||
	    EVP_PKEY_CTX_set_signature_md(c, EVP_sha256()) != 1 ||
	    EVP_PKEY_CTX_set_rsa_pss_saltlen(c, (int)in->salt) != 1)) ||
	    EVP_PKEY_sign(c, sig, &n, in->data.p, in->data.len) != 1))
		fault = Q_INTERNAL;
	EVP_PKEY_CTX_free(c);
	if (fault != Q_OK)
		return fault_set(f, fault, "the fault that was asked for");
	if (!is_rsa) {
		rs = d2i_ECDSA_SIG(NULL, &p, (long)n);
		BN_bn2binpad(ECDSA_SIG_get0_r(rs), raw, 32);
		BN_bn2binpad(ECDSA_SIG_get0_s(rs), raw + 32, 32);
		ECDSA_SIG_free(rs);
	}
	buf_put(wire_req_space(q), is_rsa ? sig : raw, is_rsa ? n : sizeof(raw));
	out->signature = buf_bytes(wire_req_space(q));
	atomic_fetch_add(&peer.answers, 1);
	return Q_OK;
}

static const struct wire_op ops[] = {
#define ROW(name, handler) { SIGND_OP_##name, #name, ROLE_TOOL, 512, \
	&signd_##name##_req_type, &signd_##name##_rsp_type, handler, "" }
	ROW(code_info, on_info),
	ROW(code_keys, on_keys),
	ROW(code_sign, on_sign),
};
static const struct role_map nobody;

struct wire_server *
peer_start(const char *path)
{
	struct wire_server_conf conf = { .ops = ops, .n_ops = ARRAY_LEN(ops),
		.roles = &nobody, .default_role = ROLE_TOOL, .threads = 4 };
	struct wire_server *s = NULL;

	return wire_server_start(&conf, path, &s, NULL) == Q_OK ? s : NULL;
}
