// SPDX-License-Identifier: Apache-2.0
#ifndef SIGNER_JOURNAL_CHECK_H
#define SIGNER_JOURNAL_CHECK_H

/*
 * Signed heads of the journal, and holding a journal against them.
 *
 * A chain of hashes alone can be made anew by who can write the files. So
 * the journal key, in the token, signs what the chain's hash is every now
 * and then. What it signs (ECDSA, SHA-256) is text,
 *
 *	quoin journal head 1
 *	number: <of the last record that it covers>
 *	hash: <its chain hash, 64 hex digits>
 *	wall: <when it was signed, seconds since 1970>
 *	key: <id of the journal key>
 *	next: <SHA-256 of the next journal key's SubjectPublicKeyInfo, or ->
 *
 * each line ended by a newline. The signature is a record of the journal, and
 * a line in the log and in the files of `quoinctl journal export`, both for
 * places where who writes the journal cannot change them:
 *
 *	journal head <number> <hash> <wall> <key> <next or -> <spki> <signature>
 *
 * spki and signature in base64. The first journal key is believed by such a
 * line from outside, or because there is no other; each next one because a
 * head of the one before names it.
 */

#include "base/buf.h"
#include "signer/journal_read.h"

/* A head record covers one of so many records before it. */
#define JOURNAL_HEAD_REACH 65536

/* Append what is signed. */
void journal_head_statement(const struct journal_head *h, const char *key,
    struct buf *out);

/* Append the line, without a newline. */
#define JOURNAL_LINE_MAX 1200
void journal_head_line(const struct journal_head *h, const char *key,
    struct buf *out);

/* SIGNATURE: malformed, or not by its key. */
enum q_err journal_head_verify(const struct journal_head *h, const char *key,
    struct fault *f) Q_CHECKED;

/* A head that was kept outside; spki is the SHA-256 of its key's. */
struct journal_outside {
	uint64_t seq;
	uint8_t hash[JOURNAL_HASH];
	bool has_key;
	uint8_t spki[32];
};

struct journal_outsides {
	struct journal_outside *all;
	size_t n, cap;
};
#define AUTO_OUTSIDES __attribute__((cleanup(journal_outsides_free)))
void journal_outsides_free(struct journal_outsides *o);

/* A line's head, when there is one in it: whatever is before it, like what a
 * log puts there, is passed over. SIGNATURE: a malformed one, or a forgery.
 * NOMEM. */
enum q_err journal_outside_line(struct journal_outsides *o, const char *line,
    size_t len, struct fault *f) Q_CHECKED;

/* "<number> <64 hex digits>". USAGE. */
enum q_err journal_outside_note(struct journal_outsides *o, const char *note,
    struct fault *f) Q_CHECKED;

struct journal_checked {
	struct journal_end end;
	uint64_t heads;		/* signed heads in the journal */
	uint64_t covered;	/* the last record that they cover */
	uint64_t outside;	/* heads from outside that it agrees with */
	uint64_t earlier;	/* of those, of records before its first one */
	bool has_key;
	uint8_t spki[32];	/* SHA-256 of the journal key's, at the end */
};

/*
 * Walk all of the range, verify every signed head, and hold it against those
 * from outside (sorted here). A journal whose beginning is missing is right
 * when a head from outside lies in it, which covers what was before.
 * SIGNATURE: changed, cut off or written anew, and where.
 */
enum q_err journal_check(const struct journal_range *range,
    struct journal_outsides *outside, struct journal_checked *ret,
    struct fault *f) Q_CHECKED;

/* Of a folder, with at most one note (NULL: none). */
enum q_err journal_verify(const char *dir, const char *note,
    struct journal_end *ret_end, struct fault *f) Q_CHECKED;

#endif
