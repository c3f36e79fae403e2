// SPDX-License-Identifier: Apache-2.0
#ifndef RECORDS_FLEET_CSV_H
#define RECORDS_FLEET_CSV_H

/*
 * DeviceIDs out of a table (RFC 4180, and what spreadsheets make of it:
 * commas, semicolons or tabs; any line end; a byte order mark). They are in
 * the column that the first line calls "device_id" or "id", else in the
 * first one. Empty lines are passed over.
 */
#include <stdbool.h>

#include "records/fleet.h"

#define FLEET_CSV_CELL 128 /* bytes of a cell that are looked at */

struct fleet_csv {
	char cell[FLEET_CSV_CELL + 1];
	size_t len; /* of the cell, also beyond what is kept */
	unsigned column; /* of the cell, from 0 */
	unsigned wanted; /* that has the IDs */
	/* The first cell of all, until its line has turned out to be no
	 * heading. */
	char first[FLEET_CSV_CELL];
	size_t first_len;
	bool quoted, quote; /* inside of quotes; a quote was the last */
	bool any; /* the line has something in it */
	bool skip; /* the line is the heading */
	bool begun; /* behind the byte order mark */
	uint64_t line; /* from 1, of the cell */
	uint32_t heading; /* lines before the first ID */
};
#define FLEET_CSV_INIT { .line = 1 }

/* The next piece, then the end: INVALID for quotes that do not end, TOOBIG. */
enum q_err fleet_csv_feed(struct fleet_csv *csv, struct fleet *fl,
    const void *p, size_t len, struct fault *f) Q_CHECKED;
enum q_err fleet_csv_end(struct fleet_csv *csv, struct fleet *fl,
    struct fault *f) Q_CHECKED;

#endif
