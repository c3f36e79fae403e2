// SPDX-License-Identifier: Apache-2.0
#ifndef RECORDS_FLEET_H
#define RECORDS_FLEET_H

/*
 * A list of DeviceIDs to be loaded into a batch, as it comes from a file,
 *
 *	{"devices":["<64 hex digits>", ...]}
 *
 * or a table (fleet_csv.h), or one by one, and what is wrong with it. 36
 * bytes of memory for each ID, and 16 more while they are sorted.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define FLEET_MAX 10000000 /* IDs in one list */
#define FLEET_BAD_MAX 100000 /* wrong ones, then nobody looks further */
#define FLEET_SHOWN 80 /* bytes that are kept of a wrong ID */

struct fleet_id {
	uint8_t id[32];
	uint32_t pos; /* in the list, or its line in a table; from 1 */
};

enum fleet_why { FLEET_LENGTH, FLEET_DIGIT, FLEET_DOUBLED, FLEET_TAKEN };

struct fleet_bad {
	enum fleet_why why;
	bool line; /* positions are lines of a table */
	uint32_t pos;
	uint32_t other; /* LENGTH: bytes it has; DOUBLED: first position */
	uint8_t id[32]; /* DOUBLED, TAKEN */
	char *text; /* LENGTH, DIGIT: the ID; TAKEN: its batch */
};

struct fleet_scan;

struct fleet {
	struct fleet_id *ids;
	size_t n, cap;
	uint32_t seen; /* entries so far, good and bad */
	uint32_t line; /* of the next entry in a table; 0: there are none */
	struct fleet_bad *bad;
	size_t n_bad, cap_bad;
	struct fleet_scan *scan;
};

#define AUTO_FLEET __attribute__((cleanup(fleet_free)))
void fleet_free(struct fleet *fl);

/* One more ID in text form: 64 hex digits of either case; a wrong one goes
 * to the bad. TOOBIG over FLEET_MAX, INVALID at FLEET_BAD_MAX, NOMEM. text
 * has FLEET_SHOWN bytes at least, or len. */
enum q_err fleet_add(struct fleet *fl, const char *text, size_t len,
    struct fault *f) Q_CHECKED;

/* The next piece of a file, then its end: INVALID when it is no such JSON,
 * with the position. Wrong IDs do not stop the reading. */
enum q_err fleet_feed(struct fleet *fl, const void *p, size_t len,
    struct fault *f) Q_CHECKED;
enum q_err fleet_end(struct fleet *fl, struct fault *f) Q_CHECKED;

/* A whole file by its path: JSON when it begins with a bracket, else a table.
 * NOTFOUND, IO, and the above. */
enum q_err fleet_load(struct fleet *fl, const char *path,
    struct fault *f) Q_CHECKED;

/* Sort by ID and find the doubled ones. INVALID, with the first of the bad
 * and their number in f, when anything is wrong; the bad are then in order
 * of position. */
enum q_err fleet_check(struct fleet *fl, struct fault *f) Q_CHECKED;

/* An ID that is in a batch already. INVALID at FLEET_BAD_MAX, NOMEM. */
enum q_err fleet_note_taken(struct fleet *fl, const struct fleet_id *id,
    const char *batch) Q_CHECKED;

/* Put the bad in order and summarise them in f, returning code. */
enum q_err fleet_fault(struct fleet *fl, enum q_err code, struct fault *f);

/* One line for people: "device 8, 28bf...db4: 63 characters, wants 64 hex
 * digits". out holds FLEET_LINE bytes. */
#define FLEET_LINE 320
void fleet_bad_text(const struct fleet_bad *bad, char out[FLEET_LINE]);

#endif
