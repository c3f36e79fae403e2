// SPDX-License-Identifier: Apache-2.0
#ifndef SIGND_KEYRING_H
#define SIGND_KEYRING_H

/*
 * What signd knows about the keys in its token: which there are, what each
 * is for, their certificates, and the appliance's name. A keyring never
 * changes: a change makes another one, with the unchanged keys shared.
 */

#include <pthread.h>
#include <stdatomic.h>

#include "signd/worker.h"
#include "signer/signd_ops.h"
#include "x509/cert.h"
#include "x509/cert_parse.h"

/* X(name): fixed when a key is made. Their order is that of numbers in
 * the keyring's file. */
#define KEY_PURPOSES(X)                                                      \
	X(SEAL) X(ROOT) X(TLS_DEVICE) X(TLS_ADMIN) X(ISSUING) X(OCSP) \
	X(CMP) X(ROOT_LINK) X(FIRMWARE) X(CODESIGN) X(JWT) X(PEPPER) \
	X(JOURNAL) X(PROVISION) X(UPDATE) X(BACKUP) X(TLS_COMPANY)

enum key_purpose {
#define X(name) PURPOSE_##name,
	KEY_PURPOSES(X)
#undef X
	PURPOSES
};

/* What differs between purposes; purpose.c has the table. */
struct purpose_row {
	const char *text;
	const char *label;	/* in the token; NULL: has no key */
	enum cert_kind cert;	/* 0: no certificate that is issued here */
	const char *common;	/* its CN; NULL: the appliance's name */
	uint32_t kinds;		/* that people may choose, 1 << token_kind;
				   0: signd alone makes them */
	uint32_t roles;		/* that may use it, unless its rules say */
	bool renewed;		/* maintenance makes the next */
	bool approvals;		/* its signatures are in the journal one by
				   one: rules may want approvals, and limit
				   how many there are */
};

const struct purpose_row *purpose_row(enum key_purpose p);
const char *purpose_text(enum key_purpose p);

/* By its text: PURPOSES when there is none. */
enum key_purpose purpose_by_text(const char *text);

/* P-256, RSA-3072, AES-256; 0: none of them. */
const char *kind_text(enum token_kind kind);
enum token_kind kind_by_text(const char *text);

/* SIGND_RULES; zeros and "" do not limit. */
struct key_rules {
	uint32_t mechs, roles;
	char users[SIGND_LIST_MAX + 1];
	uint64_t not_before, not_after, uses;
	uint32_t rate, approvals;
	char approvers[SIGND_LIST_MAX + 1];
};

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
	pthread_mutex_t lock;	  /* of the rest, of keys with a name */
	uint64_t total;		  /* signatures taken in all */
	int64_t full_ns;	  /* when the bucket is full again */
};

/* A key and its certificate; of a root link the certificate alone; of keys
 * that people make the certificate is theirs, of any CA. */
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
	bool fresh;		/* an issuing CA that has issued nothing yet */
	/* Of keys that people make. */
	char name[SIGND_NAME_MAX + 1];
	bool imported;
	uint32_t token;		/* which of them, 0: the main one */
	struct key_rules rules;
	uint8_t *der;		/* certificate */
	size_t der_len;
	uint8_t *spki;		/* of keys without a certificate of ours */
	size_t spki_len;
	/* Made from the certificate by key_certify, or else from the spki by
	 * key_publish. */
	struct cert cert;
	struct pubkey pub;
	struct evp_pkey_st *pkey;
	struct cert_template *template; /* issuing */
};

/* Somebody whose agreement a key's rules can want: SIGND_APPROVER. */
struct approver {
	char name[SIGND_NAME_MAX + 1];
	bool webauthn;
	uint8_t spki[SIGND_SPKI_MAX];
	size_t spki_len;
	uint8_t credential[1024];
	size_t credential_len;
	char rp_id[254];
	char origin[301];
	uint64_t created;
};

struct keyring {
	atomic_uint refs;
	uint64_t generation;
	char host[SIGND_HOST_MAX + 1];
	char ips[SIGND_IPS_MAX + 1];
	bool tls_rsa;
	size_t n;
	struct key **keys;  /* oldest first */
	struct key **by_id; /* the same, sorted */
	size_t n_own;
	struct key **own;   /* those that signd makes, oldest first */
	size_t n_approvers;
	struct approver *approvers; /* by name */
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

/* The same without a certificate: its SubjectPublicKeyInfo (copied). */
enum q_err key_publish(struct key *k, struct bytes spki,
    struct fault *f) Q_CHECKED;

/* Of a key that people made, by its name; NULL: none. */
struct key *keyring_named(const struct keyring *r, const char *name);

/* By name; NULL: none. Put replaces one of the same name; false: no memory. */
struct approver *keyring_approver(const struct keyring *r, const char *name);
bool keyring_approver_put(struct keyring *r, const struct approver *a);
void keyring_approver_remove(struct keyring *r, const char *name);

/* signd_approver and back; the item borrows. */
struct signd_approver approver_item(const struct approver *a);
void approver_take(const struct signd_approver *item,
    struct approver *ret_approver);

/* rules.c: signd_rules and back. INVALID: malformed. */
void key_rules_encode(const struct key_rules *r, struct buf *out);
enum q_err key_rules_decode(struct bytes in, struct key_rules *ret_rules,
    struct fault *f) Q_CHECKED;

/* Whether a key of this purpose and kind can have these rules. INVALID. */
enum q_err key_rules_check(const struct key_rules *r, enum key_purpose p,
    enum token_kind kind, const struct keyring *ring,
    struct fault *f) Q_CHECKED;

/* Whether two are the same; whether the list of users has this one. */
bool key_rules_equal(const struct key_rules *a, const struct key_rules *b);
bool key_rules_user(const struct key_rules *r, uint32_t uid);

/* Whether they name him. */
bool key_rules_approver(const struct key_rules *r, const char *name);

/* The mechanisms that its kind and rules allow. */
uint32_t key_mechs(const struct key *k);

/* In words, for the journal. */
void key_rules_words(const struct key_rules *r, struct buf *out);

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
