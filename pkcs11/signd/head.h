// SPDX-License-Identifier: Apache-2.0
#ifndef SIGND_HEAD_H
#define SIGND_HEAD_H

#include <pthread.h>

#include "signer/journal_check.h"
#include "signer/signd_ops.h"

struct signd;

/* A head of the journal, signed by the journal key. */
struct head {
	uint64_t seq, wall;
	uint64_t record; /* its own number in the journal; 0: there is none */
	uint8_t hash[JOURNAL_HASH];
	char key[SIGND_ID_LEN + 1];
	uint8_t spki[SIGND_SPKI_MAX];
	size_t spki_len;
	uint8_t next[JOURNAL_HASH];
	size_t next_len;
	uint8_t signature[128];
	size_t signature_len;
};

/* The latest, and one is made at a time. */
struct heads {
	pthread_mutex_t lock;
	struct head last;
};

/* The same for the journal and for text; borrows from h. */
struct journal_head head_body(const struct head *h);

/*
 * A head that covers everything up to now: what it covers is on the disk
 * before it is signed, and it is itself, before it is told the log. The last
 * one once more when there was nothing since. next: what introduces the next
 * journal key, its SPKI's SHA-256, or no bytes. NOTFOUND: no journal key yet;
 * UNAVAIL: token or disk.
 */
enum q_err head_make(struct signd *s, struct bytes next,
    struct head *ret_head, struct fault *f) Q_CHECKED;

/* The thread that makes one every journal.head_records records or
 * journal.head_seconds seconds; ends when signd stops. */
void *head_keep(void *arg);

#endif
