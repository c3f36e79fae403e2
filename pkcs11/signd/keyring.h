// SPDX-License-Identifier: Apache-2.0
#ifndef SIGND_KEYRING_H
#define SIGND_KEYRING_H

/*
 * What signd knows about the keys in its token: which there are, what each
 * is for, their certificates, and the appliance's name. A keyring never
 * changes: a change makes another one, with the unchanged keys shared.
 */

#include <stdatomic.h>

#include "signd/worker.h"
#include "signer/signd_ops.h"
#include "x509/cert.h"
#include "x509/cert_parse.h"

/* X(name, text); their order is that of numbers in the keyring's file. */
#define KEY_PURPOSES(X)                                                      \
	X(SEAL, "seal")                                                      \
	X(ROOT, "root")                                                      \
	X(TLS_DEVICE, "tls-device")                                          \
	X(TLS_ADMIN, "tls-admin")                                            \
	X(ISSUING, "issuing")                                                \
	X(OCSP, "ocsp")                                                      \
	X(CMP, "cmp")                                                        \
	X(ROOT_LINK, "root-link")

enum key_purpose {
#define X(name, text) PURPOSE_##name,
	KEY_PURPOSES(X)
#undef X
	PURPOSES
};

const char *purpose_text(enum key_purpose p);

/* What a policy says about its issuing CA. */
struct issuing {
	uint64_t issuing_lifetime;
	uint64_t device_lifetime;
	bool autorenew, allow_rekey, allow_rsa2048, allow_serverkey;
};

/* Counts uses; shared by the versions of a key. */
struct key_use {
	atomic_uint refs;
	atomic_ullong count;
	unsigned long long noted; /* in the journal; maintenance's own */
};

/* A key and its certificate; of a root link the certificate alone. */
struct key {
	atomic_uint refs;
	struct key_use *use;
	char id[SIGND_ID_LEN + 1];
	enum key_purpose purpose;
	enum token_kind kind;
	char policy[SIGND_POLICY_MAX + 1];
	bool old;
	uint32_t generation;
	uint64_t created;
	struct issuing issuing;
	uint8_t *der;		/* certificate */
	size_t der_len;
	/* Made from the certificate by key_certify. */
	struct cert cert;
	struct pubkey pub;
	struct evp_pkey_st *pkey;
	struct cert_template *template; /* issuing */
};

struct keyring {
	atomic_uint refs;
	uint64_t generation;
	char host[SIGND_HOST_MAX + 1];
	char ips[SIGND_IPS_MAX + 1];
	bool tls_rsa;
	size_t n;
	struct key **keys; /* oldest first */
};

/* An empty one, generation 0; or a copy with the next generation, sharing
 * the keys. NULL: out of memory. */
struct keyring *keyring_new(const struct keyring *from);
struct keyring *keyring_ref(struct keyring *r);
void keyring_unref(struct keyring *r);

/* Append (the reference goes over), or put in the place of one with the same
 * id. On failure the key is released. */
enum q_err keyring_put(struct keyring *r, struct key *k) Q_CHECKED;
void keyring_remove(struct keyring *r, const char *id);

/* By id; the active one of a purpose and policy ("" but for issuing); NULL:
 * none. Borrowed from the keyring. */
struct key *keyring_find(const struct keyring *r, const char *id);
struct key *keyring_active(const struct keyring *r, enum key_purpose purpose,
    const char *policy);

/* The CA that issued a key's certificate, NULL for what has none but itself;
 * a CA's OCSP responder, NULL: none yet. */
struct key *keyring_issuer(const struct keyring *r, const struct key *k);
struct key *keyring_ocsp(const struct keyring *r, const struct key *ca);

/* A new key with a random id; a copy to change; both with one reference.
 * NULL: out of memory or of random bytes. */
struct key *key_new(enum key_purpose purpose, enum token_kind kind,
    const char *policy);
struct key *key_copy(const struct key *k, uint16_t crl_port,
    const struct keyring *ring);
void key_unref(struct key *k);

/* Give it its certificate (copied) and make what depends on it; an issuing
 * CA's template takes URLs from host and port. */
enum q_err key_certify(struct key *k, struct bytes der, const char *host,
    uint16_t crl_port, struct fault *f) Q_CHECKED;

/*
 * The keyring's file: sealed in the token by the key whose id it begins
 * with, in chunks, each bound to its place and to the generation.
 */
#define KEYRING_FILE_MAX ((size_t)64 << 20)

/* Append the file's bytes. */
enum q_err keyring_seal(const struct keyring *r, struct worker *w,
    struct buf *out, struct fault *f) Q_CHECKED;

/* SIGNATURE: not made by this token, or changed. */
enum q_err keyring_unseal(struct bytes file, struct worker *w,
    uint16_t crl_port, struct keyring **ret_ring, struct fault *f) Q_CHECKED;

#endif
