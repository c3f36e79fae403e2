// SPDX-License-Identifier: Apache-2.0
#ifndef TOKEN_TOKEN_OPS_H
#define TOKEN_TOKEN_OPS_H

/*
 * What the token worker does for quoin-signd, its only caller. The worker
 * knows keys and mechanisms, and nothing of what is signed.
 *
 * It is started with descriptor 3 one end of a SOCK_SEQPACKET pair, the
 * control socket. signd's first datagram is one byte enum token_try and the
 * PIN. The worker answers with datagrams: u32 enum q_err, little-endian, and
 * text. PENDING: now the PIN is tried; OK: it is ready; else it ends. After that every datagram from
 * signd is one byte enum token_lane and carries one descriptor: a channel, on
 * which the worker serves the ops below. One more datagram from the worker
 * says why it ends. The end of the control socket ends the worker.
 */

#include "wire/fields.h"
#include "wire/role.h"

#define TOKEN_CONTROL_FD 3
#define TOKEN_ID_LEN 16		/* hex digits of an 8 byte CKA_ID */
#define TOKEN_LABEL_MAX 32
#define TOKEN_SIG_MAX 512
#define TOKEN_AAD_MAX 512
#define TOKEN_PLAIN_MAX 66048
#define TOKEN_IV_LEN 12
#define TOKEN_TAG_LEN 16
#define TOKEN_KEYS_PAGE 512
#define TOKEN_MANY_MAX 64
#define TOKEN_DIGEST_LEN 32
#define TOKEN_ECDSA_LEN 64	/* r || s of P-256 */
/* When the token says that PINs were refused: */
enum token_try {
	TOKEN_TRY_CAREFUL = 0,	/* none is tried */
	TOKEN_TRY_OTHER = 1,	/* another one than the one refused */
	TOKEN_TRY_DECIDED = 2,	/* a person has decided */
};

/* Each has threads and sessions of its own, so that an RSA signature or the
 * making of a key never keeps a P-256 signature waiting. */
enum token_lane {
	TOKEN_LANE_QUICK,	/* P-256, sealing, HMAC */
	TOKEN_LANE_RSA,		/* RSA signatures */
	TOKEN_LANE_MANAGE,	/* making, finding, destroying keys */
	TOKEN_LANE_WATCH,	/* the heartbeat */
};
#define TOKEN_LANES 4

/* What a token may be able to do. */
#define TOKEN_CAN(X)                                                         \
	X(ECDSA, 0, CKM_ECDSA, CKF_SIGN, "sign with P-256")                  \
	X(EC_GEN, 1, CKM_EC_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR,             \
	    "make P-256 keys")                                               \
	X(RSA_PKCS1, 2, CKM_RSA_PKCS, CKF_SIGN, "sign with RSA PKCS #1")     \
	X(RSA_PSS, 3, CKM_RSA_PKCS_PSS, CKF_SIGN, "sign with RSA-PSS")       \
	X(RSA_RAW, 4, CKM_RSA_X_509, CKF_SIGN, "sign raw RSA blocks")        \
	X(RSA_GEN, 5, CKM_RSA_PKCS_KEY_PAIR_GEN, CKF_GENERATE_KEY_PAIR,      \
	    "make RSA-3072 keys")                                            \
	X(GCM, 6, CKM_AES_GCM, CKF_ENCRYPT | CKF_DECRYPT, "seal")            \
	X(AES_GEN, 7, CKM_AES_KEY_GEN, CKF_GENERATE, "make AES keys")        \
	X(HMAC, 8, CKM_SHA256_HMAC, CKF_SIGN, "authenticate by HMAC")        \
	X(HMAC_GEN, 9, CKM_GENERIC_SECRET_KEY_GEN, CKF_GENERATE,             \
	    "make HMAC keys")

enum {
#define X(name, bit, mech, flags, text) TOKEN_CAN_##name = 1u << (bit),
	TOKEN_CAN(X)
#undef X
};

#define TOKEN_SEAL_EXTRA (TOKEN_IV_LEN + TOKEN_TAG_LEN)

enum token_kind {
	TOKEN_P256 = 1,
	TOKEN_RSA3072 = 2,
	TOKEN_AES256 = 3,
	TOKEN_HMAC256 = 4,
};

enum token_mech {
	TOKEN_ECDSA = 1,	/* data: digest; signature: r || s */
	TOKEN_RSA_PKCS1 = 2,	/* data: DigestInfo */
	TOKEN_RSA_PSS = 3,	/* data: digest, whose length says the hash;
				   MGF1 of the same */
	TOKEN_RSA_RAW = 4,	/* data: as long as the modulus */
	TOKEN_HMAC = 5,		/* data: anything; HMAC-SHA256 */
};

/* X(name, number, roles, largest request body, text) */
#define TOKEN_OPS(X)                                                         \
	X(status, 1, ROLE_ALL, 64, "the token itself")                       \
	X(keygen, 2, ROLE_ALL, 256, "make a key or key pair")                \
	X(keys, 3, ROLE_ALL, 64, "list the keys whose label begins with quoin") \
	X(public, 4, ROLE_ALL, 64, "the public half of a key pair")          \
	X(sign, 5, ROLE_ALL, 1024, "one signature")                          \
	X(seal, 6, ROLE_ALL, 70000, "AES-GCM encryption")                    \
	X(unseal, 7, ROLE_ALL, 70000, "AES-GCM decryption")                  \
	X(destroy, 8, ROLE_ALL, 64, "destroy a key; absent: success")        \
	X(sign_many, 9, ROLE_ALL, 4096, "many ECDSA signatures by one key")  \
	X(ping, 10, ROLE_ALL, 64, "the heartbeat")                           \
	X(forget, 11, ROLE_ALL, 64, "look a key up again")                   \
	X(trial, 12, ROLE_ALL, 64, "a signature by a key that is thrown away") \
	X(import, 13, ROLE_ALL, 4096, "store a private key made elsewhere")  \
	X(sign_set, 20, ROLE_ALL, 8192, "ECDSA signatures, each by a key of its own")

#define TOKEN_STATUS_REQ(F, T)
#define TOKEN_STATUS_RSP(F, T)                                               \
	F(T, STR, label, TOKEN_LABEL_MAX, "")                                \
	F(T, STR, model, 16, "")                                             \
	F(T, STR, serial, 16, "")                                            \
	F(T, U32, can, 0, "TOKEN_CAN_ bits")
#define TOKEN_PING_REQ(F, T)
#define TOKEN_PING_RSP(F, T)                                                 \
	F(T, U32, oldest, 0, "milliseconds that a call takes already")       \
	F(T, U32, slow, 0, "the same of an RSA key that is being made")
#define TOKEN_FORGET_REQ(F, T)                                               \
	F(T, STR, id, TOKEN_ID_LEN, "")
#define TOKEN_FORGET_RSP(F, T)
#define TOKEN_TRIAL_REQ(F, T)                                                \
	F(T, BIN, digest, TOKEN_DIGEST_LEN, "")
#define TOKEN_TRIAL_RSP(F, T)                                                \
	F(T, BIN, point, 65, "of the key")                                   \
	F(T, BIN, signature, TOKEN_ECDSA_LEN, "r || s")
#define TOKEN_IMPORT_REQ(F, T)                                               \
	F(T, STR, id, TOKEN_ID_LEN, "of the new key")                        \
	F(T, STR, label, TOKEN_LABEL_MAX, "")                                \
	F(T, U32, kind, TOKEN_RSA3072, "TOKEN_P256 or TOKEN_RSA3072")        \
	F(T, BIN, d, 512, "private value or exponent, big-endian")           \
	F(T, BIN, point, 65, "P-256: uncompressed point")                    \
	F(T, BIN, n, 512, "RSA: modulus")                                    \
	F(T, BIN, e, 16, "RSA: public exponent")                             \
	F(T, BIN, p, 256, "RSA: first prime")                                \
	F(T, BIN, q, 256, "RSA: second prime")                               \
	F(T, BIN, dp, 256, "RSA: d mod p-1")                                 \
	F(T, BIN, dq, 256, "RSA: d mod q-1")                                 \
	F(T, BIN, qi, 256, "RSA: inverse of q mod p")
#define TOKEN_IMPORT_RSP(F, T)
#define TOKEN_KEYGEN_REQ(F, T)                                               \
	F(T, STR, id, TOKEN_ID_LEN, "of the new key")                        \
	F(T, STR, label, TOKEN_LABEL_MAX, "")                                \
	F(T, U32, kind, TOKEN_HMAC256, "enum token_kind")
#define TOKEN_KEYGEN_RSP(F, T)
#define TOKEN_KEYS_REQ(F, T)                                                 \
	F(T, U32, skip, 0, "items of the pages before")
#define TOKEN_KEYS_RSP(F, T)                                                 \
	F(T, BIN, items, 65536, "list of token_key")                         \
	F(T, BOOL, more, 0, "there are further pages")
#define TOKEN_KEY(F, T)                                                      \
	F(T, STR, id, TOKEN_ID_LEN, "")                                      \
	F(T, STR, label, TOKEN_LABEL_MAX, "")
#define TOKEN_PUBLIC_REQ(F, T)                                               \
	F(T, STR, id, TOKEN_ID_LEN, "")
#define TOKEN_PUBLIC_RSP(F, T)                                               \
	F(T, U32, kind, TOKEN_RSA3072, "enum token_kind")                    \
	F(T, BIN, point, 65, "P-256: uncompressed point")                    \
	F(T, BIN, n, 512, "RSA: modulus, big-endian")                        \
	F(T, BIN, e, 16, "RSA: exponent, big-endian")
#define TOKEN_SIGN_REQ(F, T)                                                 \
	F(T, STR, id, TOKEN_ID_LEN, "")                                      \
	F(T, U32, mech, TOKEN_HMAC, "enum token_mech")                    \
	F(T, BIN, data, TOKEN_SIG_MAX, "")                                   \
	F(T, U32, salt, TOKEN_SIG_MAX, "of TOKEN_RSA_PSS, bytes")
#define TOKEN_SIGN_RSP(F, T)                                                 \
	F(T, BIN, signature, TOKEN_SIG_MAX, "")
#define TOKEN_SEAL_REQ(F, T)                                                 \
	F(T, STR, id, TOKEN_ID_LEN, "")                                      \
	F(T, BIN, iv, TOKEN_IV_LEN, "fresh random bytes")                    \
	F(T, BIN, aad, TOKEN_AAD_MAX, "authenticated, not encrypted")        \
	F(T, BIN, data, TOKEN_PLAIN_MAX, "")
#define TOKEN_SEAL_RSP(F, T)                                                 \
	F(T, BIN, sealed, TOKEN_PLAIN_MAX + TOKEN_TAG_LEN,                   \
	    "ciphertext and tag")
#define TOKEN_UNSEAL_REQ(F, T)                                               \
	F(T, STR, id, TOKEN_ID_LEN, "")                                      \
	F(T, BIN, iv, TOKEN_IV_LEN, "")                                      \
	F(T, BIN, aad, TOKEN_AAD_MAX, "")                                    \
	F(T, BIN, sealed, TOKEN_PLAIN_MAX + TOKEN_TAG_LEN,                   \
	    "ciphertext and tag")
#define TOKEN_UNSEAL_RSP(F, T)                                               \
	F(T, BIN, data, TOKEN_PLAIN_MAX, "")
#define TOKEN_DESTROY_REQ(F, T)                                              \
	F(T, STR, id, TOKEN_ID_LEN, "")
#define TOKEN_DESTROY_RSP(F, T)
#define TOKEN_SIGN_MANY_REQ(F, T)                                            \
	F(T, STR, id, TOKEN_ID_LEN, "")                                      \
	F(T, BIN, digests, TOKEN_MANY_MAX * TOKEN_DIGEST_LEN,                \
	    "SHA-256, one behind the other")
#define TOKEN_SIGN_MANY_RSP(F, T)                                            \
	F(T, BIN, signatures, TOKEN_MANY_MAX * TOKEN_ECDSA_LEN,              \
	    "r || s, one behind the other")

/* Answered for each on its own, in the same order. */
#define TOKEN_SET_MAX 64
#define TOKEN_SIGN_SET_REQ(F, T)                                             \
	F(T, BIN, items, 8000, "list of token_wanted")
#define TOKEN_SIGN_SET_RSP(F, T)                                             \
	F(T, BIN, items, 32768, "list of token_signed")
#define TOKEN_WANTED(F, T)                                                   \
	F(T, STR, id, TOKEN_ID_LEN, "")                                      \
	F(T, BIN, digest, 64, "20 to 64 bytes")
#define TOKEN_SIGNED(F, T)                                                   \
	F(T, U32, code, 0, "enum q_err")                                     \
	F(T, U32, retry_after, 0, "seconds")                                 \
	F(T, STR, text, 199, "what went wrong")                              \
	F(T, BIN, signature, TOKEN_ECDSA_LEN, "r || s")

#define TOKEN_MESSAGES(X)                                                    \
	X(token_key, TOKEN_KEY)                                              \
	X(token_status_req, TOKEN_STATUS_REQ)                                \
	X(token_status_rsp, TOKEN_STATUS_RSP)                                \
	X(token_ping_req, TOKEN_PING_REQ)                                    \
	X(token_ping_rsp, TOKEN_PING_RSP)                                    \
	X(token_forget_req, TOKEN_FORGET_REQ)                                \
	X(token_forget_rsp, TOKEN_FORGET_RSP)                                \
	X(token_trial_req, TOKEN_TRIAL_REQ)                                  \
	X(token_trial_rsp, TOKEN_TRIAL_RSP)                                  \
	X(token_import_req, TOKEN_IMPORT_REQ)                                \
	X(token_import_rsp, TOKEN_IMPORT_RSP)                                \
	X(token_keygen_req, TOKEN_KEYGEN_REQ)                                \
	X(token_keygen_rsp, TOKEN_KEYGEN_RSP)                                \
	X(token_keys_req, TOKEN_KEYS_REQ)                                    \
	X(token_keys_rsp, TOKEN_KEYS_RSP)                                    \
	X(token_public_req, TOKEN_PUBLIC_REQ)                                \
	X(token_public_rsp, TOKEN_PUBLIC_RSP)                                \
	X(token_sign_req, TOKEN_SIGN_REQ)                                    \
	X(token_sign_rsp, TOKEN_SIGN_RSP)                                    \
	X(token_seal_req, TOKEN_SEAL_REQ)                                    \
	X(token_seal_rsp, TOKEN_SEAL_RSP)                                    \
	X(token_unseal_req, TOKEN_UNSEAL_REQ)                                \
	X(token_unseal_rsp, TOKEN_UNSEAL_RSP)                                \
	X(token_destroy_req, TOKEN_DESTROY_REQ)                              \
	X(token_destroy_rsp, TOKEN_DESTROY_RSP)                              \
	X(token_sign_many_req, TOKEN_SIGN_MANY_REQ)                          \
	X(token_sign_many_rsp, TOKEN_SIGN_MANY_RSP)                          \
	X(token_wanted, TOKEN_WANTED)                                        \
	X(token_signed, TOKEN_SIGNED)                                        \
	X(token_sign_set_req, TOKEN_SIGN_SET_REQ)                            \
	X(token_sign_set_rsp, TOKEN_SIGN_SET_RSP)

#define X(name, fields) WIRE_DECLARE(name, fields)
TOKEN_MESSAGES(X)
#undef X

#endif
