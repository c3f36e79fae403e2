// SPDX-License-Identifier: Apache-2.0
#ifndef SIGNER_JOURNAL_READ_H
#define SIGNER_JOURNAL_READ_H

/*
 * The signing daemon's journal of key use, to read and to verify. A folder
 * of segments journal-<number of the first record, 20 digits>.qj, each a row
 * of records, all integers little-endian:
 *
 *	0  u32 length of the whole record
 *	4  u32 type, of JOURNAL_TYPES
 *	8  u64 number, one more than that of the record before
 *	16 u64 wall time, seconds since 1970
 *	24 u64 time since boot, ns
 *	32 u32 user id of the peer; 2^32-1: signd itself
 *	36 16 bytes id of the key; zeros: none
 *	52 32 bytes chain hash of the record before; zeros in the very first
 *	84 body, fields as on the wire
 *	.. 32 bytes SHA-256 of everything before it: the chain hash
 */

#include "base/err.h"
#include "wire/fields.h"

#define JOURNAL_HEAD 84
#define JOURNAL_HASH 32
#define JOURNAL_RECORD_MAX 16384
#define JOURNAL_NO_UID 0xffffffffu

/* X(name, number, text): bodies are struct journal_<name>. */
#define JOURNAL_TYPES(X)                                                     \
	X(start, 1, "the signing daemon started")                            \
	X(key, 2, "a key is about to be made or destroyed")                  \
	X(cert, 3, "a CA or TLS certificate, or a request for one, was signed") \
	X(keyring, 4, "keys, certificates or the name change")               \
	X(intent, 5, "a device certificate is about to be signed")           \
	X(issued, 6, "it was signed")                                        \
	X(crl, 7, "a revocation list is about to be signed")                 \
	X(use, 8, "how often a key was used")                                \
	X(head, 9, "the journal key signed the chain up to here")            \
	X(sign, 10, "firmware or code was signed")                           \
	X(rule, 11, "a key's rules are about to be set, or to end with it")  \
	X(import, 12, "a key is about to be imported")                       \
	X(approver, 13, "an approver is about to be set or removed")         \
	X(approval, 14, "an approval was wanted, given, used up or withdrawn") \
	X(refuse, 15, "uses that were refused")                              \
	X(count, 16, "how often a limited key was used, in all")

enum journal_type {
#define X(name, num, text) JOURNAL_##name = (num),
	JOURNAL_TYPES(X)
#undef X
};

#define JOURNAL_START(F, T)                                                  \
	F(T, STR, version, 32, "")                                           \
	F(T, U32, pid, 0, "")
#define JOURNAL_KEY(F, T)                                                    \
	F(T, BOOL, destroy, 0, "else make")                                  \
	F(T, STR, purpose, 15, "")                                           \
	F(T, STR, policy, 64, "")
#define JOURNAL_CERT(F, T)                                                   \
	F(T, STR, subject, 16, "id of the certificate")                      \
	F(T, STR, purpose, 15, "")                                           \
	F(T, STR, policy, 64, "")                                            \
	F(T, BIN, serial, 16, "")                                            \
	F(T, BIN, digest, 32, "SHA-256 of its DER")
#define JOURNAL_KEYRING(F, T)                                                \
	F(T, U64, generation, 0, "")                                         \
	F(T, BIN, digest, 32, "SHA-256 of the keyring file")                 \
	F(T, BOOL, done, 0, "the file is in place; else: about to be")
/* named: 0 by the request's own key, 1 by a proof of the identity key, 2 on
 * enrold's word, 3 on its word for a key that it made. */
#define JOURNAL_INTENT(F, T)                                                 \
	F(T, BIN, request, 32, "SHA-256 over what makes the request the same") \
	F(T, STR, policy, 64, "")                                            \
	F(T, STR, device_id, 64, "")                                         \
	F(T, BIN, csr, 32, "SHA-256 of the CSR")                             \
	F(T, U64, seq, 0, "certificates recorded before, says enrold")       \
	F(T, BIN, serial, 16, "")                                            \
	F(T, U64, not_before, 0, "")                                         \
	F(T, U64, not_after, 0, "")                                          \
	F(T, U32, named, 3, "0 own key, 1 proof, 2 word, 3 server key")
#define JOURNAL_ISSUED(F, T)                                                 \
	F(T, BIN, request, 32, "as in the intent")                           \
	F(T, BIN, cert, 4096, "DER")
#define JOURNAL_CRL(F, T)                                                    \
	F(T, U64, number, 0, "")                                             \
	F(T, U64, entries, 0, "")                                            \
	F(T, U64, this_update, 0, "")                                        \
	F(T, U64, next_update, 0, "")                                        \
	F(T, BIN, digest, 32, "SHA-256 of the TBSCertList")
#define JOURNAL_USE(F, T)                                                    \
	F(T, STR, what, 15, "tls, seal, unseal")                             \
	F(T, U64, count, 0, "since the last such record")                    \
	F(T, U64, total, 0, "since the start")
/* user: the person for whom a front end asked, as it said. */
#define JOURNAL_HEAD_(F, T)                                                  \
	F(T, U64, seq, 0, "of the last record that it covers")               \
	F(T, BIN, hash, 32, "its chain hash")                                \
	F(T, U64, wall, 0, "when it was signed")                             \
	F(T, BIN, spki, 512, "public half of the journal key")               \
	F(T, BIN, next, 32, "SHA-256 of that of the one to follow it")       \
	F(T, BIN, signature, 128, "Ecdsa-Sig-Value, DER")
#define JOURNAL_SIGN(F, T)                                                   \
	F(T, STR, purpose, 15, "firmware, codesign")                         \
	F(T, U32, mech, 0, "enum signd_mech")                                \
	F(T, U32, hash, 0, "bits")                                           \
	F(T, U32, salt, 0, "bytes")                                          \
	F(T, BIN, digest, 128, "what was signed")                            \
	F(T, STR, meaning, 200, "what it is")                                \
	F(T, STR, user, 64, "for whom")                                      \
	F(T, BIN, request, 32, "SHA-256 over what makes the request the same") \
	F(T, U64, total, 0, "signatures of a key with a limit, with this")   \
	F(T, STR, approval, 16, "that it used up")                           \
	F(T, BIN, signature, 512, "")
#define JOURNAL_RULE(F, T)                                                   \
	F(T, STR, name, 64, "of the key")                                    \
	F(T, STR, purpose, 15, "")                                           \
	F(T, STR, user, 64, "for whom")                                      \
	F(T, BIN, digest, 32, "SHA-256 of the rules")                        \
	F(T, STR, rules, 4000, "in words; empty: the key is to go")
#define JOURNAL_IMPORT(F, T)                                                 \
	F(T, STR, name, 64, "of the key")                                    \
	F(T, STR, purpose, 15, "")                                           \
	F(T, STR, user, 64, "for whom")                                      \
	F(T, BIN, spki, 32, "SHA-256 of its SubjectPublicKeyInfo")
#define JOURNAL_APPROVER(F, T)                                               \
	F(T, BOOL, remove, 0, "else set")                                    \
	F(T, STR, name, 64, "")                                              \
	F(T, STR, kind, 15, "p256, webauthn")                                \
	F(T, BIN, spki, 32, "SHA-256 of its SubjectPublicKeyInfo")           \
	F(T, STR, user, 64, "for whom")
enum journal_approval_step {
	APPROVAL_WANTED,
	APPROVAL_GIVEN,
	APPROVAL_USED,
	APPROVAL_WITHDRAWN,
};

#define JOURNAL_APPROVAL(F, T)                                               \
	F(T, U32, step, 3, "0 wanted, 1 given, 2 used up, 3 withdrawn")      \
	F(T, STR, id, 16, "")                                                \
	F(T, STR, statement, 1500, "of wanted")                              \
	F(T, STR, approver, 64, "of given")                                  \
	F(T, BIN, proof, 4096, "of given: what was verified")                \
	F(T, STR, user, 64, "for whom")
#define JOURNAL_REFUSE(F, T)                                                 \
	F(T, STR, what, 31, "the operation")                                 \
	F(T, STR, purpose, 15, "")                                           \
	F(T, STR, reason, 200, "of the last")                                \
	F(T, U64, count, 0, "since the last such record")
#define JOURNAL_COUNT(F, T)                                                  \
	F(T, U64, total, 0, "")

#define JOURNAL_MESSAGES(X)                                                  \
	X(journal_start, JOURNAL_START)                                      \
	X(journal_key, JOURNAL_KEY)                                          \
	X(journal_cert, JOURNAL_CERT)                                        \
	X(journal_keyring, JOURNAL_KEYRING)                                  \
	X(journal_intent, JOURNAL_INTENT)                                    \
	X(journal_issued, JOURNAL_ISSUED)                                    \
	X(journal_crl, JOURNAL_CRL)                                          \
	X(journal_use, JOURNAL_USE)                                          \
	X(journal_head, JOURNAL_HEAD_)                                       \
	X(journal_sign, JOURNAL_SIGN)                                        \
	X(journal_rule, JOURNAL_RULE)                                        \
	X(journal_import, JOURNAL_IMPORT)                                    \
	X(journal_approver, JOURNAL_APPROVER)                                \
	X(journal_approval, JOURNAL_APPROVAL)                                \
	X(journal_refuse, JOURNAL_REFUSE)                                    \
	X(journal_count, JOURNAL_COUNT)

#define X(name, fields) WIRE_DECLARE(name, fields)
JOURNAL_MESSAGES(X)
#undef X

/* A parsed record; body borrows. */
struct journal_record {
	uint32_t length;
	uint32_t type;
	uint64_t seq;
	uint64_t wall;
	uint64_t mono_ns;
	uint32_t uid;
	char key[17];
	struct bytes prev;
	struct bytes body;
	struct bytes hash;
	uint64_t segment; /* first number of its segment */
	uint64_t offset;  /* in the segment */
};

/* Name and message type of a record's type; NULL for an unknown one. */
const char *journal_type_name(uint32_t type);
const struct wire_type *journal_type_of(uint32_t type);

/* The record at the beginning of b. NOTFOUND: b is empty; TOOBIG: it ends
 * behind b (or b is zeros: never written); PROTO: no record; SIGNATURE: its
 * hash is wrong. */
enum q_err journal_record_parse(struct bytes b,
    struct journal_record *ret_record) Q_CHECKED;

/* Where the journal ends. */
struct journal_end {
	uint64_t seq;		/* of the last record; 0: there is none */
	uint8_t hash[JOURNAL_HASH];
	uint64_t segment;	/* first number of the last segment */
	uint64_t offset;	/* end of its last whole record */
	uint64_t torn;		/* bytes behind that: a record cut short */
	uint64_t first;		/* number of the first record seen; 0: none */
	unsigned segments;
};

/* Sees every record in order; an error ends the walk with it. */
typedef enum q_err (*journal_each)(void *arg, const struct journal_record *r);

/* Which part of a journal. */
struct journal_range {
	const char *dir;
	const char *archive;	/* folder of earlier segments; NULL: none */
	unsigned last;		/* segments from the end; 0: all */
	uint64_t from;		/* without segments that end before it */
	bool open;		/* the very first record may be missing */
};

/*
 * Walk and verify that part. SIGNATURE, with segment and place in f, for a
 * changed, dropped or swapped record. A record cut short at the end of the
 * last segment is no error, but told in ret_end. each may be NULL.
 * NOTFOUND: no such folder; IO.
 */
enum q_err journal_walk(const struct journal_range *range, journal_each each,
    void *arg, struct journal_end *ret_end, struct fault *f) Q_CHECKED;

/* The folder's last n segments, from wherever those begin; 0: all of them,
 * and the first record must be the very first. */
enum q_err journal_read(const char *dir, unsigned n, journal_each each,
    void *arg, struct journal_end *ret_end, struct fault *f) Q_CHECKED;

/* "<number> <64 hex digits>" of an end: what to note. out: 88 bytes. */
#define JOURNAL_NOTE_LEN 88
void journal_note(const struct journal_end *end, char out[JOURNAL_NOTE_LEN]);

/* Name of a segment's file. out: 40 bytes. */
void journal_segment_name(uint64_t first, char out[40]);

#endif
