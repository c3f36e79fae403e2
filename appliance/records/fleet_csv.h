// SPDX-License-Identifier: Apache-2.0
#ifndef RECORDS_FLEET_CSV_H
#define RECORDS_FLEET_CSV_H

/*
 * DeviceIDs out of a table (RFC 4180, and what spreadsheets make of it:
 * commas, semicolons or tabs; any line end; a byte order mark). They are in
 * the column that the first line calls "device_id" or "id", else in the
 * first one. Empty cells there are passed over.
 */
#include "records/fleet.h"

#define FLEET_CSV_CELL 128 /* bytes of a cell that are looked at */

struct fleet_csv {
	char cell[FLEET_CSV_CELL + 1];
	size_t len; /* of the cell, also beyond what is kept */
	unsigned column; /* of the cell, from 0 */
	unsigned wanted; /* that has the IDs */
	/* The first cell of all, until its line has turned out to be no
	 * heading. */
	char first[FLEET_CSV_CELL + 1];
	size_t first_len;
	bool quoted, quote; /* inside of quotes; a quote was the last */
	bool heading; /* the line is one */
	bool cr; /* a carriage return was the last */
	unsigned mark; /* bytes of the byte order mark, or past it */
	uint32_t line, next; /* from 1, where the cell begins, and ends */
};
#define FLEET_CSV_INIT { .line = 1, .next = 1 }

/* The next piece, then the end: INVALID for quotes that do not end, and what
 * fleet_add() says. Positions of the list are lines. */
enum q_err fleet_csv_feed(struct fleet_csv *csv, struct fleet *fl,
    const void *p, size_t len, struct fault *f) Q_CHECKED;
enum q_err fleet_csv_end(struct fleet_csv *csv, struct fleet *fl,
    struct fault *f) Q_CHECKED;

#endif
