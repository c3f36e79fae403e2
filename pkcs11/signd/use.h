// SPDX-License-Identifier: Apache-2.0
#ifndef SIGND_USE_H
#define SIGND_USE_H

#include "signd/keyring.h"

struct signd;

/* Who wants to use a key, and for what. */
struct key_use_ask {
	const char *what;	/* the operation, for the journal */
	uint32_t purposes;	/* 1 << enum key_purpose: its keys */
	uint32_t role, uid;	/* the peer's */
	uint32_t mech;		/* enum signd_mech; 0: the operation has but
				   one for the key */
};

/*
 * Ask the key's purpose and rules, before every signature and decryption for
 * a peer; of a key with a name one signature is taken. DENIED: not this
 * purpose, role, user or mechanism, not now, or used up; BUSY, with the
 * time to wait: too often. What is refused gets into the journal.
 * UNAVAIL: the key's token is none of ours.
 */
enum q_err signd_use(struct signd *s, const struct key *k,
    const struct key_use_ask *ask, struct fault *f) Q_CHECKED;

/* An operation refused it by rules of its own: for the journal, too. */
void signd_refused(struct signd *s, const struct key *k,
    const struct key_use_ask *ask, const char *reason);

/* What was taken came to nothing: no signature was made of it. */
void signd_use_back(const struct key *k);

/* It was used n times: what keys tells. */
void signd_used(const struct key *k, uint64_t n);

/* Signatures taken in all, for JOURNAL_sign's total. */
uint64_t signd_use_total(const struct key *k);

/* signd_use without the journal, at this time. */
struct use_time {
	int64_t wall;	 /* seconds since 1970 */
	int64_t mono_ns; /* since boot */
};
enum q_err key_use_take(const struct key *k, const struct key_use_ask *ask,
    struct use_time now, struct fault *f) Q_CHECKED;

/*
 * Uses that were refused, until maintenance journals them: one record for a
 * key, peer and operation each time, however many there were. Beyond
 * REFUSALS of them the rest is counted together.
 */
#define REFUSALS 64

struct refusals {
	size_t n;
	struct refusal {
		char key[SIGND_ID_LEN + 1];
		enum key_purpose purpose;
		uint32_t uid;
		const char *what;
		char reason[200];
		uint64_t count;
	} row[REFUSALS];
};

/* Journal them; those that cannot be written wait. */
void signd_refusals_note(struct signd *s);

/*
 * Totals of keys as the journal has them, sorted by the keys' ids: what is
 * known before the keyring is.
 */
struct use_totals {
	size_t n;
	struct use_total {
		char key[SIGND_ID_LEN + 1];
		uint64_t total;
	} *row;
};

/* The journal told of one; the highest counts. NOMEM. */
enum q_err use_totals_put(struct use_totals *t, const char *key,
    uint64_t total) Q_CHECKED;

/* Give the keys of a new keyring what they have used. */
void use_totals_take(const struct use_totals *t, const struct keyring *ring);

#endif
