// SPDX-License-Identifier: Apache-2.0
#ifndef TOKEN_TOKEN_OPS_H
#define TOKEN_TOKEN_OPS_H

/*
 * What the token worker does for quoin-signd, its only caller. The worker
 * knows keys and mechanisms, and nothing of what is signed.
 *
 * It is started with descriptor 3 one end of a SOCK_SEQPACKET pair, the
 * control socket. signd's first datagram is the PIN. The worker answers with
 * one datagram: u32 enum q_err, little-endian, and text; OK: it is ready;
 * else it ends. After that every datagram from signd carries one
 * descriptor: a channel, on which the worker serves the ops below. The end
 * of the control socket ends the worker.
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
#define TOKEN_SEAL_EXTRA (TOKEN_IV_LEN + TOKEN_TAG_LEN)

enum token_kind {
	TOKEN_P256 = 1,
	TOKEN_RSA3072 = 2,
	TOKEN_AES256 = 3,
};

enum token_mech {
	TOKEN_ECDSA = 1,	/* data: digest; signature: r || s */
	TOKEN_RSA_PKCS1 = 2,	/* data: DigestInfo */
	TOKEN_RSA_PSS = 3,	/* data: digest, whose length says the hash;
				   MGF1 and salt of the same */
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
	X(sign_set, 20, ROLE_ALL, 8192, "ECDSA signatures, each by a key of its own")

#define TOKEN_STATUS_REQ(F, T)
#define TOKEN_STATUS_RSP(F, T)                                               \
	F(T, STR, label, TOKEN_LABEL_MAX, "")                                \
	F(T, STR, model, 16, "")                                             \
	F(T, STR, serial, 16, "")
#define TOKEN_KEYGEN_REQ(F, T)                                               \
	F(T, STR, id, TOKEN_ID_LEN, "of the new key")                        \
	F(T, STR, label, TOKEN_LABEL_MAX, "")                                \
	F(T, U32, kind, TOKEN_AES256, "enum token_kind")
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
	F(T, U32, mech, TOKEN_RSA_PSS, "enum token_mech")                    \
	F(T, BIN, data, 256, "")
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
