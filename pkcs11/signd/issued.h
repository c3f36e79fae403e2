// SPDX-License-Identifier: Apache-2.0
#ifndef SIGND_ISSUED_H
#define SIGND_ISSUED_H

#include "signd/journal.h"

/*
 * What was issued lately, so that a request asked again gets the very same
 * certificate, or signature of a key of people. Rebuilt from the journal at
 * the start; holds places in it, not certificates.
 */
#define ISSUED_MAX 262144

struct issued;

enum issued_state {
	ISSUED_NEW,	/* never asked: the caller issues it */
	ISSUED_INTENT,	/* begun before; the caller signs what is at `at` */
	ISSUED_DONE,	/* the certificate or signature is at `at` */
};

struct issued_at {
	uint64_t seq;	/* of the record; 0: unknown, an old one */
	uint64_t segment;
	uint64_t offset;
};

enum q_err issued_new(size_t max, struct issued **ret_issued) Q_CHECKED;
void issued_free(struct issued *m);

/* Replay: an intent, issued or sign record. */
void issued_replay(struct issued *m, const struct journal_record *r);

/* Begin a request: waits while another thread works on the same one. After
 * NEW or INTENT the caller owns it until issued_end. BUSY: too many at once
 * (nothing is owned). */
enum q_err issued_begin(struct issued *m, const uint8_t request[32],
    enum issued_state *ret_state, struct issued_at *ret_at) Q_CHECKED;

/* The intent, or what was issued, is in the journal there. */
void issued_set(struct issued *m, const uint8_t request[32],
    enum issued_state state, const struct issued_at *at);

/* Let go, whatever came of it: others of the same request go on. */
void issued_end(struct issued *m, const uint8_t request[32]);

#endif
