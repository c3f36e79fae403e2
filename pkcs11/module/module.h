// SPDX-License-Identifier: Apache-2.0
#ifndef MODULE_MODULE_H
#define MODULE_MODULE_H

/*
 * libquoin-pkcs11: the appliance as a token for other programs (PKCS #11
 * 2.40). Holds no key: every signature is one code_sign of quoin-signd, which
 * knows the program by its user. One slot, one token; the keys that signd has
 * for that user are its objects, others do not exist.
 */

#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdbool.h>

#include "signer/signer.h"

#define MODULE_SLOT 1
#define MODULE_SESSIONS 4096
#define MODULE_ID_BYTES (SIGND_ID_LEN / 2)
#define MODULE_FIRMWARE_MAJOR 1

/* An object's attributes, made when its key is first seen. */
struct attr {
	CK_ATTRIBUTE_TYPE type;
	CK_ULONG len;
	void *value;
};

struct object {
	CK_OBJECT_CLASS class;
	bool bad;		/* there was no memory for all of it */
	size_t n;
	struct attr *attrs;
};

enum { OBJECT_PRIVATE, OBJECT_PUBLIC, OBJECT_CERT, OBJECTS };

/* A key and its objects. Never freed before C_Finalize, so that handles hold;
 * gone: signd does not list it any more. */
struct code_key {
	char id[SIGND_ID_LEN + 1];
	bool gone, rsa, has_cert;
	uint32_t mechs;		/* set of enum signd_mech */
	uint64_t not_before, not_after;
	CK_ULONG sig_len;	/* bytes of a signature */
	struct evp_pkey_st *public;
	uint8_t *cert;		/* as signd has it, which may be no X.509 */
	size_t cert_len;
	struct object objects[OBJECTS];
};

/* A mechanism, and what it is for signd: X(CKM, kind, enum signd_mech, bits
 * of the hash that is made here, ...). */
struct mech {
	CK_MECHANISM_TYPE type;
	bool rsa;
	uint32_t sign;		/* enum signd_mech; 0: a digest */
	const char *hash;	/* OpenSSL's name; NULL: data is hashed */
};

/* A signature, verification or digest under way. */
struct operation {
	const struct mech *mech;	/* NULL: none */
	struct code_key *key;
	uint32_t hash, salt;		/* of PSS */
	struct evp_md_ctx_st *md;	/* of mechanisms with a hash */
	bool parts;			/* Update was called */
};

struct session {
	CK_SESSION_HANDLE handle;
	CK_FLAGS flags;
	unsigned users;		/* calls that are in it; under the state's lock */
	bool closed;
	pthread_mutex_t lock;	/* of the rest: a call at a time */
	struct operation sign, verify, digest;
	bool finding;
	CK_OBJECT_HANDLE *found;
	size_t n_found, at;
};

/* state.c */

/* CRYPTOKI_NOT_INITIALIZED, also in a process that was forked since. */
CK_RV module_ready(void);

/* Around a call that is in no session: C_Finalize waits for it. */
CK_RV call_begin(void);
void call_end(void);

/* A session for this call, to be given back by session_put. */
CK_RV session_get(CK_SESSION_HANDLE handle, struct session **ret_session);
void session_put(struct session *s);
void operation_end(struct operation *op);

/* keys.c */

/* Ask signd what there is. */
CK_RV keys_refresh(void);
void keys_free(void);

/* In a forked child: what the parent had stays where it is. */
void keys_forget(void);

/* By handle; NULL: none. */
const struct object *object_get(CK_OBJECT_HANDLE handle,
    struct code_key **ret_key);

/* Handles of all that match, malloc'd. */
CK_RV objects_match(const CK_ATTRIBUTE *match, CK_ULONG n,
    CK_OBJECT_HANDLE **ret_found, size_t *ret_n);

/* remote.c: signd's errors as return values of PKCS #11. */
CK_RV remote_open(struct wire_client **ret_client);
CK_RV remote_rv(enum q_err r, const struct fault *f);
#define REMOTE_SIGN_MS 20000	/* as long is asked again */
#define REMOTE_LIST_MS 1500
bool remote_again(enum q_err r, int64_t until_ms, const struct fault *f);
CK_RV remote_sign(const struct operation *op, struct bytes data,
    CK_BYTE *out);

/* The client of signd; NULL before C_Initialize. */
struct wire_client *module_client(void);

/* OpenSSL apart from the program's: in its own context an engine that is
 * built on this very module would be asked for what is computed here. */
struct ossl_lib_ctx_st *module_openssl(void);

/* mech.c */
const struct mech *mech_find(CK_MECHANISM_TYPE type);
extern const struct mech mechs[];
extern const size_t n_mechs;

/* Begin a signature or verification. */
CK_RV operation_begin(struct operation *op, const CK_MECHANISM *m,
    struct code_key *key);

/* DigestInfo of a digest (RFC 8017 9.2) into out, its length. */
#define DIGEST_INFO_MAX 128
size_t digest_info(const char *hash, struct bytes digest,
    uint8_t out[DIGEST_INFO_MAX]);

#endif
