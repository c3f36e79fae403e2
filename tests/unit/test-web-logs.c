// SPDX-License-Identifier: Apache-2.0
/* What people read of the log, and cells of tables. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "tap.h"

#include "base/own.h"
#include "webd/logs.h"

static void
test_cells(void)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "", ",\"\"" },
		{ "plain, with; all", ",\"plain, with; all\"" },
		{ "a \"b\"\nc", ",\"a \"\"b\"\"\nc\"" },
		{ "=2+3", ",\"'=2+3\"" },
		{ "+1", ",\"'+1\"" },
		{ "-1", ",\"'-1\"" },
		{ "@SUM(A1)", ",\"'@SUM(A1)\"" },
		{ "\t=1", ",\"'\t=1\"" },
		{ "\r=1", ",\"'\r=1\"" },
		{ "\n=1", ",\"'\n=1\"" },
		{ " =1", ",\"' =1\"" },
		{ " 1", ",\" 1\"" },
		{ "1=1", ",\"1=1\"" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO_BUF struct buf out = BUF_INIT(1000);

		csv_cell(&out, rows[i].text);
		is_str((const char *)out.p, rows[i].want, "cell %zu", i);
	}
}

static void
test_messages(void)
{
	static const struct {
		struct rec_activity a;
		const char *want;
	} rows[] = {
		{ { .what = "batch create", .object = "b1", .who = "admin" },
		    "Batch b1 created by admin" },
		{ { .what = "batch edit", .object = "b1", .who = "admin",
		    .detail = "policy p" },
		    "Batch b1 changed: policy p by admin" },
		{ { .what = "device enrol", .object = "28bf",
		    .detail = "batch b" },
		    "Device 28bf enrolled successfully: batch b" },
		{ { .what = "user login", .object = "ann", .who = "ann" },
		    "User ann logged in" },
		{ { .what = "tls csr", .object = "x", .who = "ann" },
		    "Request for a certificate of the administration made "
		    "by ann" },
		{ { .what = "something new", .object = "@ %s", .who = "ann" },
		    "something new @ %s by ann" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO_BUF struct buf out = BUF_INIT(1000);

		log_message(&rows[i].a, &out);
		is_str((const char *)out.p, rows[i].want, "%s",
		    rows[i].a.what);
	}
}

int
main(void)
{
	test_cells();
	test_messages();
	return done();
}
