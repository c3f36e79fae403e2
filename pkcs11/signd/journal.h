// SPDX-License-Identifier: Apache-2.0
#ifndef SIGND_JOURNAL_H
#define SIGND_JOURNAL_H

#include "signer/journal_read.h"

/*
 * Writing the journal. Appending is a write(2) and never waits for the disk;
 * journal_wait does, and one fdatasync serves all that wait at a time. A
 * failed write leaves nothing behind, and a failed sync is tried again from
 * memory, so both recover by themselves when the disk does.
 */
struct journal;

struct journal_conf {
	const char *dir;
	size_t segment_bytes;	/* a new segment is begun behind that */
	unsigned replay;	/* segments to read at the start */
	journal_each each;	/* sees their records */
	/* Appends what must be found within the last segments, at the
	 * beginning of each; called with the journal locked, so it uses
	 * journal_append_locked. May be NULL. */
	enum q_err (*head)(void *ctx, struct journal *j);
	void *ctx;		/* of both */
};

#define JOURNAL_SEGMENT_BYTES ((size_t)64 << 20)

struct journal_pos {
	uint64_t seq;
	uint64_t segment;
	uint64_t offset;
	uint64_t wall;
};

/* Make the folder if need be, verify and replay the last segments, cut off a
 * record that a crash left half written. EXISTS: another process has it;
 * SIGNATURE: it is damaged, and a person must look. */
enum q_err journal_open(const struct journal_conf *conf,
    struct journal **ret_journal, struct fault *f) Q_CHECKED;

/* Sync and close; accepts NULL. */
void journal_close(struct journal *j);

struct journal_entry {
	enum journal_type type;
	uint32_t uid;		/* the peer's, or JOURNAL_NO_UID */
	const char *key;	/* 16 hex digits or "" */
	const void *body;	/* struct journal_<type> */
};

/* Append a record. ret_pos may be NULL. UNAVAIL: cannot be written. */
enum q_err journal_append(struct journal *j, const struct journal_entry *e,
    struct journal_pos *ret_pos, struct fault *f) Q_CHECKED;
enum q_err journal_append_locked(struct journal *j,
    const struct journal_entry *e) Q_CHECKED;

/* Until the record of this number is on the disk. UNAVAIL. */
enum q_err journal_wait(struct journal *j, uint64_t seq,
    struct fault *f) Q_CHECKED;

/* Until a record of this number is appended, or so many ms are over; whether
 * it is. For one thread. */
bool journal_watch(struct journal *j, uint64_t seq, int64_t ms);

/* Append and wait. */
enum q_err journal_put(struct journal *j, const struct journal_entry *e,
    struct fault *f) Q_CHECKED;

/* The record at a place that an append or the replay told: its bytes into
 * out, and parsed. */
enum q_err journal_get(struct journal *j, uint64_t segment, uint64_t offset,
    struct buf *out, struct journal_record *ret_record) Q_CHECKED;

/* Last record's number and chain hash. */
uint64_t journal_head(struct journal *j, uint8_t ret_hash[JOURNAL_HASH]);

#endif
