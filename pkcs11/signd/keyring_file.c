// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/own.h"
#include "signd/keyring.h"

/*
 * The file: "QUOINKR1", 16 bytes id of the sealing key, u64 generation, u32
 * bytes of plain text; then chunks: u32 length, and what worker_seal gives,
 * over at most CHUNK bytes. What a chunk is bound to: the file's head and
 * the chunk's number. The plain text: keyring_head, then a list of
 * keyring_key.
 */
#define MAGIC "QUOINKR1"
#define HEAD 36
#define CHUNK 61440u
#define AAD (HEAD + 4)
#define FILE_VERSION 4

#define KEYRING_HEAD(F, T)                                                   \
	F(T, U32, version, 0, "")                                            \
	F(T, U64, generation, 0, "")                                         \
	F(T, STR, host, SIGND_HOST_MAX, "")                                  \
	F(T, STR, ips, SIGND_IPS_MAX, "")                                    \
	F(T, BOOL, tls_rsa, 0, "")                                           \
	F(T, BIN, keys, KEYRING_FILE_MAX, "list of keyring_key")             \
	F(T, BIN, approvers, KEYRING_FILE_MAX, "list of signd_approver")
#define KEYRING_KEY(F, T)                                                    \
	F(T, STR, id, SIGND_ID_LEN, "")                                      \
	F(T, U32, purpose, PURPOSES - 1, "")                                 \
	F(T, U32, kind, TOKEN_HMAC256, "")                                    \
	F(T, STR, policy, SIGND_POLICY_MAX, "")                              \
	F(T, BOOL, old, 0, "")                                               \
	F(T, U32, generation, 0, "")                                         \
	F(T, U64, created, 0, "")                                            \
	F(T, U64, issuing_lifetime, SIGND_SPAN_MAX, "")                      \
	F(T, U64, device_lifetime, SIGND_SPAN_MAX, "")                       \
	F(T, BOOL, autorenew, 0, "")                                         \
	F(T, BOOL, allow_rekey, 0, "")                                       \
	F(T, BOOL, allow_rsa2048, 0, "")                                     \
	F(T, BIN, cert, SIGND_CERT_MAX, "")                                  \
	F(T, BOOL, allow_serverkey, 0, "")                                   \
	F(T, STR, name, SIGND_NAME_MAX, "")                                  \
	F(T, BOOL, imported, 0, "")                                          \
	F(T, U32, token, SIGND_TOKENS - 1, "")                               \
	F(T, BIN, rules, SIGND_RULES_MAX, "signd_rules")                     \
	F(T, BIN, spki, SIGND_SPKI_MAX, "")                                  \
	F(T, BOOL, fresh, 0, "")

/* Fields of keyring_head and keyring_key in the file's versions. */
static const struct {
	size_t head, key;
} versions[] = { { 6, 13 }, { 6, 14 }, { 7, 19 }, { 7, 20 } };

WIRE_DECLARE(keyring_head, KEYRING_HEAD)
WIRE_DECLARE(keyring_key, KEYRING_KEY)
WIRE_DEFINE(keyring_head, KEYRING_HEAD)
WIRE_DEFINE(keyring_key, KEYRING_KEY)

struct signd_approver
approver_item(const struct approver *a)
{
	return (struct signd_approver){ .name = a->name,
		.kind = a->webauthn ? "webauthn" : "p256",
		.spki = { a->spki, a->spki_len },
		.credential = { a->credential, a->credential_len },
		.rp_id = a->rp_id, .origin = a->origin,
		.created = a->created };
}

static void
encode(const struct keyring *r, struct buf *out)
{
	AUTO_BUF struct buf keys = BUF_INIT(KEYRING_FILE_MAX);
	AUTO_BUF struct buf approvers = BUF_INIT(KEYRING_FILE_MAX);
	AUTO_BUF struct buf rules = BUF_INIT(SIGND_RULES_MAX);
	struct keyring_head head = { .version = FILE_VERSION,
		.generation = r->generation, .host = r->host, .ips = r->ips,
		.tls_rsa = r->tls_rsa };

	for (size_t i = 0; i < r->n; i++) {
		const struct key *k = r->keys[i];
		struct keyring_key item = { .id = k->id,
			.purpose = k->purpose, .kind = k->kind,
			.policy = k->policy, .old = k->old,
			.generation = k->generation, .created = k->created,
			.issuing_lifetime = k->issuing.issuing_lifetime,
			.device_lifetime = k->issuing.device_lifetime,
			.autorenew = k->issuing.autorenew,
			.allow_rekey = k->issuing.allow_rekey,
			.allow_rsa2048 = k->issuing.allow_rsa2048,
			.allow_serverkey = k->issuing.allow_serverkey,
			.cert = { k->der, k->der_len }, .name = k->name,
			.imported = k->imported, .token = k->token,
			.spki = { k->spki, k->spki_len }, .fresh = k->fresh };

		buf_reset(&rules);
		key_rules_encode(&k->rules, &rules);
		item.rules = buf_bytes(&rules);
		wire_list_put(&keys, &keyring_key_type, &item);
	}
	for (size_t i = 0; i < r->n_approvers; i++) {
		struct signd_approver item = approver_item(&r->approvers[i]);

		wire_list_put(&approvers, &signd_approver_type, &item);
	}
	out->bad |= keys.bad || approvers.bad || rules.bad;
	head.keys = buf_bytes(&keys);
	head.approvers = buf_bytes(&approvers);
	wire_encode(&keyring_head_type, &head, out);
}

static void
aad_make(const uint8_t *head, uint32_t number, uint8_t out[AAD])
{
	memcpy(out, head, HEAD);
	le32_put(out + HEAD, number);
}

enum q_err
keyring_seal(const struct keyring *r, struct worker *w, struct buf *out,
    struct fault *f)
{
	AUTO_BUF struct buf plain = BUF_INIT(KEYRING_FILE_MAX);
	const struct key *seal = keyring_active(r, PURPOSE_SEAL, "");
	uint8_t head[HEAD] = MAGIC, aad[AAD];
	uint32_t number = 0;

	encode(r, &plain);
	if (seal == NULL || plain.bad)
		return fault_set(f, Q_INTERNAL, "keyring cannot be sealed");
	memcpy(head + 8, seal->id, SIGND_ID_LEN);
	le64_put(head + 24, r->generation);
	le32_put(head + 32, (uint32_t)plain.len);
	buf_put(out, head, HEAD);
	for (size_t at = 0; at < plain.len; at += CHUNK) {
		AUTO_BUF struct buf sealed = BUF_INIT(CHUNK + 64);
		size_t left = plain.len - at;
		uint8_t len[4];
		enum q_err e;

		aad_make(head, number++, aad);
		e = worker_seal(w, seal->id, (struct bytes){ aad, AAD },
		    (struct bytes){ plain.p + at, left < CHUNK ? left :
		    CHUNK }, &sealed, f);
		if (e != Q_OK)
			return e;
		le32_put(len, (uint32_t)sealed.len);
		buf_put(out, len, sizeof(len));
		buf_put(out, sealed.p, sealed.len);
	}
	return out->bad ? fault_set(f, Q_TOOBIG, "keyring too large") : Q_OK;
}

static enum q_err
key_decode(const struct keyring_key *item, const char *host, uint16_t port,
    struct keyring *r, struct fault *f)
{
	struct key *k = key_new((enum key_purpose)item->purpose,
	    (enum token_kind)item->kind, item->policy);
	enum q_err e = Q_OK;

	if (k == NULL)
		return Q_NOMEM;
	snprintf(k->id, sizeof(k->id), "%s", item->id);
	k->old = item->old;
	k->generation = item->generation;
	k->created = item->created;
	k->issuing = (struct issuing){ item->issuing_lifetime,
		item->device_lifetime, item->autorenew, item->allow_rekey,
		item->allow_rsa2048, item->allow_serverkey };
	snprintf(k->name, sizeof(k->name), "%s", item->name);
	k->imported = item->imported;
	k->token = item->token;
	k->fresh = item->fresh;
	if (item->rules.len != 0)
		e = key_rules_decode(item->rules, &k->rules, f);
	if (e == Q_OK && item->spki.len != 0)
		e = key_publish(k, item->spki, f);
	if (e == Q_OK && item->cert.len != 0)
		e = key_certify(k, item->cert, host, port, f);
	if (e != Q_OK) {
		key_unref(k);
		return e;
	}
	return keyring_put(r, k);
}

void
approver_take(const struct signd_approver *item, struct approver *ret)
{
	*ret = (struct approver){ .webauthn = strcmp(item->kind, "webauthn") == 0,
		.spki_len = item->spki.len,
		.credential_len = item->credential.len,
		.created = item->created };

	snprintf(ret->name, sizeof(ret->name), "%s", item->name);
	snprintf(ret->rp_id, sizeof(ret->rp_id), "%s", item->rp_id);
	snprintf(ret->origin, sizeof(ret->origin), "%s", item->origin);
	memcpy(ret->spki, item->spki.p, item->spki.len);
	if (item->credential.len != 0)
		memcpy(ret->credential, item->credential.p,
		    item->credential.len);
}

static enum q_err
lists_decode(struct keyring_head *head, const struct wire_type *key_type,
    uint16_t port, struct keyring *r, struct fault *f)
{
	struct keyring_key key;
	struct signd_approver item;
	struct approver a;
	enum q_err e;

	while ((e = wire_list_next(&head->keys, key_type, &key)) == Q_OK) {
		e = key_decode(&key, r->host, port, r, f);
		if (e != Q_OK)
			return e;
	}
	while (e == Q_NOTFOUND && (e = wire_list_next(&head->approvers,
	    &signd_approver_type, &item)) == Q_OK) {
		approver_take(&item, &a);
		e = keyring_approver_put(r, &a) ? Q_NOTFOUND : Q_NOMEM;
	}
	return e == Q_NOTFOUND ? Q_OK : e;
}

static enum q_err
decode(struct bytes plain, uint16_t port, struct keyring *r, struct fault *f)
{
	struct wire_type key_type = keyring_key_type;
	struct wire_type head_type = keyring_head_type;
	uint32_t version = plain.len >= 4 ? le32_get(plain.p) : 0;
	struct keyring_head head = { 0 };
	enum q_err e;

	if (version == 0 || version > FILE_VERSION)
		return fault_set(f, Q_CONFIG, "keyring of another version");
	head_type.n = versions[version - 1].head;
	key_type.n = versions[version - 1].key;
	e = wire_decode(&head_type, plain, &head, f);
	if (e != Q_OK)
		return e;
	r->generation = head.generation;
	r->tls_rsa = head.tls_rsa;
	snprintf(r->host, sizeof(r->host), "%s", head.host);
	snprintf(r->ips, sizeof(r->ips), "%s", head.ips);
	return lists_decode(&head, &key_type, port, r, f);
}

/* The plain text of the file. */
static enum q_err
open_file(struct bytes file, struct worker *w, struct buf *plain,
    struct fault *f)
{
	char id[SIGND_ID_LEN + 1] = "";
	uint8_t aad[AAD];
	uint32_t number = 0;
	size_t at = HEAD;

	if (file.len < HEAD || memcmp(file.p, MAGIC, 8) != 0)
		return fault_set(f, Q_SIGNATURE, "keyring: not such a file");
	memcpy(id, file.p + 8, SIGND_ID_LEN);
	while (at < file.len) {
		size_t len = file.len - at < 4 ? SIZE_MAX :
		    le32_get(file.p + at);
		enum q_err e;

		if (len > file.len - at - 4)
			return fault_set(f, Q_SIGNATURE,
			    "keyring: cut short");
		aad_make(file.p, number++, aad);
		e = worker_unseal(w, id, (struct bytes){ aad, AAD },
		    (struct bytes){ file.p + at + 4, len }, plain, f);
		if (e == Q_UNAVAIL)
			return e;
		if (e != Q_OK)
			return fault_set(f, Q_SIGNATURE, "keyring: was "
			    "changed, or is of another token");
		at += 4 + len;
	}
	return plain->len == le32_get(file.p + 32) ? Q_OK :
	    fault_set(f, Q_SIGNATURE, "keyring: cut short");
}

enum q_err
keyring_unseal(struct bytes file, struct worker *w, uint16_t crl_port,
    struct keyring **ret_ring, struct fault *f)
{
	AUTO_BUF struct buf plain = BUF_INIT(KEYRING_FILE_MAX);
	struct keyring *r = keyring_new(NULL);
	enum q_err e;

	if (r == NULL)
		return Q_NOMEM;
	e = open_file(file, w, &plain, f);
	if (e == Q_OK)
		e = decode(buf_bytes(&plain), crl_port, r, f);
	if (e == Q_OK)
		*ret_ring = r;
	else
		keyring_unref(r);
	return e;
}
