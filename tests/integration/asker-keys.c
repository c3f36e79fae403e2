// SPDX-License-Identifier: Apache-2.0
/* Keys that people make, and what codesign keys sign. */
#include "config.h"

#include "tests/integration/asker.h"

#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"

#define CODE_NAME "faults-code"

/* Another run's requests are others. */
void
asker_code_digest(uint64_t n, uint8_t ret_digest[32])
{
	char text[64];

	snprintf(text, sizeof(text), "code %d %llu", (int)getpid(),
	    (unsigned long long)n);
	SHA256((const uint8_t *)text, strlen(text), ret_digest);
}

bool
asker_code_verifies(struct asker *a, const uint8_t digest[32],
    struct bytes sig)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(a->code_key, NULL);
	unsigned char *der = NULL;
	int n = asker_sig_der(sig, &der);
	bool good = n > 0 && EVP_PKEY_verify_init(ctx) == 1 &&
	    EVP_PKEY_verify(ctx, der, (size_t)n, digest, 32) == 1;

	OPENSSL_free(der);
	EVP_PKEY_CTX_free(ctx);
	return good;
}

static uint64_t
code_number(struct asker *a)
{
	uint64_t n;

	pthread_mutex_lock(&a->lock);
	a->codes = realloc(a->codes, (a->n_codes + 1) * sizeof(*a->codes));
	if (a->codes == NULL)
		abort();
	a->codes[a->n_codes++] = (struct asker_code){ 0 };
	n = a->n_codes;
	pthread_mutex_unlock(&a->lock);
	return n;
}

void
ask_code(struct asker *a, struct asked *o, struct wire_reply *hold,
    struct fault *f)
{
	uint8_t digest[32];
	struct signd_code_sign_req req = { .key = a->code_id,
		.mech = SIGND_ECDSA, .data = { digest, sizeof(digest) },
		.nonce = { digest, SIGND_NONCE_LEN } };
	struct signd_code_sign_rsp r;
	struct asker_code *c;

	if (o->number == 0)
		o->number = code_number(a);
	asker_code_digest(o->number, digest);
	o->code = signd_code_sign(a->admin, &req, &r, hold, f);
	if (o->code != Q_OK)
		return;
	if (!asker_code_verifies(a, digest, r.signature)) {
		asker_wrong(o, "the code's signature is wrong");
		return;
	}
	pthread_mutex_lock(&a->lock);
	c = &a->codes[o->number - 1];
	if (c->left && memcmp(c->sig, r.signature.p, 64) != 0)
		asker_wrong(o, "another signature for the same request");
	c->left = true;
	memcpy(c->sig, r.signature.p, 64);
	pthread_mutex_unlock(&a->lock);
}

/* --- keys */

/* A name that is this request's. */
static void
key_name(struct asker *a, struct asked *o, char name[48])
{
	pthread_mutex_lock(&a->lock);
	if (o->number == 0)
		o->number = ++a->keys;
	pthread_mutex_unlock(&a->lock);
	snprintf(name, 48, "k-%d-%llu", (int)getpid(),
	    (unsigned long long)o->number);
}

void
ask_ca(struct asker *a, struct asked *o, struct wire_reply *hold,
    struct fault *f)
{
	char name[48];
	struct signd_issuing_make_req req = { .policy = name,
		.issuing_lifetime = 86400, .device_lifetime = 3600 };
	struct signd_issuing_make_rsp r;

	key_name(a, o, name);
	o->code = signd_issuing_make(a->admin, &req, &r, hold, f);
}

static void
key_delete(struct asker *a, struct asked *o, const char *id,
    struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct signd_key_delete_req req = { .key = id, .user = "" };
	struct signd_key_delete_rsp r;

	if (o->code == Q_OK)
		o->code = signd_key_delete(a->admin, &req, &r, &hold, f);
}

/* Rules that limit nothing, for these users. */
static void
rules_put(const char *users, struct buf *out)
{
	struct signd_rules rules = { .users = users, .approvers = "" };

	wire_encode(&signd_rules_type, &rules, out);
}

static void
make_and_delete(struct asker *a, struct asked *o, const char *purpose,
    const char *kind, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	AUTO_BUF struct buf rules = BUF_INIT(SIGND_RULES_MAX);
	char name[48];
	struct signd_key_make_req req = { .name = name, .purpose = purpose,
		.kind = kind, .user = "" };
	struct signd_key_make_rsp r;

	key_name(a, o, name);
	rules_put("", &rules);
	req.rules = buf_bytes(&rules);
	o->code = signd_key_make(a->admin, &req, &r, &hold, f);
	key_delete(a, o, r.id, f);
}

void
ask_pair(struct asker *a, struct asked *o, struct wire_reply *hold,
    struct fault *f)
{
	(void)hold;
	make_and_delete(a, o, "provision", "P-256", f);
}

void
ask_aes(struct asker *a, struct asked *o, struct wire_reply *hold,
    struct fault *f)
{
	(void)hold;
	make_and_delete(a, o, "backup", "AES-256", f);
}

void
ask_import(struct asker *a, struct asked *o, struct wire_reply *hold,
    struct fault *f)
{
	AUTO_BUF struct buf rules = BUF_INIT(SIGND_RULES_MAX);
	char name[48];
	struct signd_key_import_req req = { .name = name,
		.purpose = "provision", .user = "",
		.pkcs8 = buf_bytes(&a->pkcs8) };
	struct signd_key_import_rsp r;

	key_name(a, o, name);
	rules_put("", &rules);
	req.rules = buf_bytes(&rules);
	o->code = signd_key_import(a->admin, &req, &r, hold, f);
	key_delete(a, o, r.id, f);
}

enum q_err
asker_code_learn(struct asker *a, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	AUTO_BUF struct buf rules = BUF_INIT(SIGND_RULES_MAX);
	struct signd_key_make_req make = { .name = CODE_NAME,
		.purpose = "codesign", .kind = "P-256", .user = "" };
	struct signd_code_keys_req req = { .after = "" };
	struct signd_code_keys_rsp keys;
	struct signd_key_make_rsp r;
	struct signd_code_key k;
	const unsigned char *p;
	struct bytes spki;
	enum q_err e = signd_code_keys(a->admin, &req, &keys, &hold, f);

	if (e == Q_OK && wire_list_next(&keys.items, &signd_code_key_type,
	    &k) == Q_OK) {
		r.id = k.id;
		spki = k.spki;
	} else {
		rules_put("0", &rules);
		make.rules = buf_bytes(&rules);
		e = signd_key_make(a->admin, &make, &r, &hold, f);
		spki = r.spki;
	}
	if (e != Q_OK)
		return e;
	snprintf(a->code_id, sizeof(a->code_id), "%s", r.id);
	p = spki.p;
	a->code_key = d2i_PUBKEY(NULL, &p, (long)spki.len);
	return a->code_key != NULL ? Q_OK : Q_PROTO;
}

void
asker_pkcs8_make(struct buf *out)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	PKCS8_PRIV_KEY_INFO *info = key != NULL ? EVP_PKEY2PKCS8(key) : NULL;
	unsigned char *der = NULL;
	int n = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : 0;

	*out = (struct buf)BUF_INIT(4096);
	buf_put(out, der, n > 0 ? (size_t)n : 0);
	OPENSSL_free(der);
	PKCS8_PRIV_KEY_INFO_free(info);
	EVP_PKEY_free(key);
}
