// SPDX-License-Identifier: Apache-2.0
/* Lists of DeviceIDs: the guide's file, and everything that can be wrong. */
#include "config.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "records/fleet.h"
#include "records/fleet_csv.h"
#include "tap.h"

#define A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define UPPER_A \
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static void
test_guide(void)
{
	char path[512], line[FLEET_LINE];
	const char *src = getenv("top_srcdir");
	struct fault f = { 0 };
	AUTO_FLEET struct fleet fl = { 0 };
	AUTO_FLEET struct fleet mended = { 0 };

	snprintf(path, sizeof(path), "%s/tests/fixtures/fleet-guide.json",
	    src != NULL ? src : ".");
	is_int(fleet_load(&fl, path, &f), Q_OK, "the guide's file reads %s",
	    f.msg);
	is_int(fl.seen, 9, "nine entries");
	is_int(fleet_check(&fl, &f), Q_INVALID, "and is refused");
	is_int(fl.n_bad, 1, "for one of them");
	is_int(fl.bad[0].pos, 8, "the eighth");
	fleet_bad_text(&fl.bad[0], line);
	is_str(line, "device 8, 28bf78524d2b76b251e2925c896320e3ca9eb5d4d792"
	    "fb5af92bd653ad58eb4: has 63 characters, wants 64 hex digits",
	    "which is named");
	ok(strstr(f.msg, "device 8, 28bf78524d") != NULL, "also here: %s",
	    f.msg);
	snprintf(path, sizeof(path), "%s/tests/fixtures/fleet-mended.json",
	    src != NULL ? src : ".");
	ok(fleet_load(&mended, path, &f) == Q_OK &&
	    fleet_check(&mended, &f) == Q_OK && mended.n == 9,
	    "mended it is taken");
	is_int(fleet_load(&mended, "/nonexistent", &f), Q_NOTFOUND, "%s",
	    f.msg);
}

/* Feed in pieces of `step` bytes, end, check. */
static enum q_err
feed(struct fleet *fl, const char *text, size_t step, struct fault *f)
{
	size_t len = strlen(text);
	enum q_err r = Q_OK;

	for (size_t i = 0; r == Q_OK && i < len; i += step)
		r = fleet_feed(fl, text + i, step < len - i ? step : len - i,
		    f);
	if (r == Q_OK)
		r = fleet_end(fl, f);
	return r == Q_OK ? fleet_check(fl, f) : r;
}

static void
test_table(void)
{
	static const struct {
		const char *text;
		enum q_err want;
		const char *says;
	} rows[] = {
		{ "{\"devices\":[]}", Q_OK, NULL },
		{ " {\n\"devices\" :\t[ \"" A "\" ,\r\n\"" B "\" ] } \n",
		    Q_OK, NULL },
		{ "", Q_INVALID, "wants '{'" },
		{ "[]", Q_INVALID, "at byte 1, behind 0 devices, wants '{'" },
		{ "{\"device\":[]}", Q_INVALID, "wants \"devices\"" },
		{ "{\"devices\":{}}", Q_INVALID, "wants '['" },
		{ "{\"devices\":[\"" A "\",]}", Q_INVALID,
		    "behind 1 devices, wants a DeviceID" },
		{ "{\"devices\":[\"" A "\" \"" B "\"]}", Q_INVALID,
		    "wants ',' or ']'" },
		{ "{\"devices\":[12]}", Q_INVALID, "wants a DeviceID" },
		{ "{\"devices\":[\"" A "\"", Q_INVALID, "wants ',' or ']'" },
		{ "{\"devices\":[\"" A, Q_INVALID, "a closing quote" },
		{ "{\"devices\":[],\"x\":1}", Q_INVALID, "wants '}'" },
		{ "{\"devices\":[]}x", Q_INVALID, "wants nothing more" },
		{ "{\"devices\":[\"" A "\",\"" A "\"]}", Q_INVALID,
		    "is also device 1" },
		{ "{\"devices\":[\"" A "\",\"" UPPER_A "\"]}", Q_INVALID,
		    "device 2, aaaa" },
		{ "{\"devices\":[\"\"]}", Q_INVALID, "has 0 characters" },
		{ "{\"devices\":[\"g" A "\"]}", Q_INVALID,
		    "has 65 characters" },
		{ "{\"devices\":[\"\\\"\"]}", Q_INVALID,
		    "has 2 characters" },
		{ "{\"devices\":[\"" A A A "\"]}", Q_INVALID,
		    "has 192 characters" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (size_t step = 1; step < 200; step += 66) {
			AUTO_FLEET struct fleet fl = { 0 };
			struct fault f = { 0 };
			enum q_err r = feed(&fl, rows[i].text, step, &f);

			ok(r == rows[i].want && (rows[i].says == NULL ||
			    strstr(f.msg, rows[i].says) != NULL),
			    "row %zu by %zu: %s", i, step, f.msg);
		}
}

static void
test_all_named(void)
{
	AUTO_FLEET struct fleet fl = { 0 };
	struct fault f = { 0 };
	char line[FLEET_LINE];
	static const char *const ids[] = { A, "short", B, A, ("zz" A), B };
	static const unsigned pos[] = { 2, 4, 5, 6 };

	for (size_t i = 0; i < 6; i++)
		if (fleet_add(&fl, ids[i], strlen(ids[i]), NULL) != Q_OK)
			ok(0, "add %zu", i);
	is_int(fleet_check(&fl, &f), Q_INVALID, "%s", f.msg);
	is_int(fl.n_bad, 4, "four are wrong");
	for (size_t i = 0; i < fl.n_bad && i < 4; i++) {
		fleet_bad_text(&fl.bad[i], line);
		is_int(fl.bad[i].pos, pos[i], "%s", line);
	}
}

static void
test_digits(void)
{
	char id[65];

	for (int c = 1; c < 256; c++) {
		AUTO_FLEET struct fleet fl = { 0 };
		bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
		    (c >= 'A' && c <= 'F');

		memset(id, '0', 64);
		id[64] = '\0';
		id[63] = (char)c;
		if (fleet_add(&fl, id, 64, NULL) != Q_OK ||
		    (fl.n_bad == 0) != hex) {
			ok(0, "character %d is taken wrongly", c);
			return;
		}
	}
	ok(1, "every character but hex digits is refused");
}

#define AA "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
/* How tables read, in pieces of every size: devices, and what is said of a
 * wrong one. */
static const struct {
	const char *text;
	unsigned n;
	enum q_err r;
	const char *says, *what;
} tables[] = {
	{ A "\n" B "\n", 2, Q_OK, "", "no heading" },
	{ "\xef\xbb\xbf" "Device_ID\r\n" A "\r\n\r\n" B, 2, Q_OK, "",
	    "a heading, byte order mark, empty line, no last line end" },
	{ A "\r" B "\r", 2, Q_OK, "", "carriage returns alone" },
	{ "name;device_id\nx;" A "\ny;" B "\n", 2, Q_OK, "",
	    "the IDs in another column" },
	{ "id,name\n" A ",\"one, \"\"two\"\"\n three\"\n", 1, Q_OK, "",
	    "quotes in another column" },
	{ " " A "\t\"x\"\n\"" B "\" \n", 2, Q_OK, "",
	    "blanks, tabs and quotes around IDs" },
	{ A "\n\n" AA AA "\n" B, 3, Q_INVALID, "line 3, " A
	    ": is also line 1 of the list", "one twice, an empty line" },
	{ "x,id\n\"1\n2\"," A "\n3,abc", 2, Q_INVALID,
	    "line 4, abc: has 3 characters", "lines inside of quotes" },
	{ "name,batch\n" A ",x\n", 2, Q_INVALID,
	    "line 1, name: has 4 characters",
	    "a first line that is no heading" },
	{ A A A "\n", 1, Q_INVALID, "has 192 characters", "a long cell" },
	{ A "\n" B ",\"x\n", 2, Q_INVALID, "line 2: a quote",
	    "a quote that does not end" },
	{ "id,id\n", 0, Q_OK, "", "headings alone" },
	{ "", 0, Q_OK, "", "nothing" },
};

static enum q_err
table_read(struct fleet *fl, const char *text, size_t step, struct fault *f)
{
	struct fleet_csv csv = FLEET_CSV_INIT;
	size_t len = strlen(text);
	enum q_err r = Q_OK;

	for (size_t i = 0; r == Q_OK && i < len; i += step)
		r = fleet_csv_feed(&csv, fl, text + i,
		    step < len - i ? step : len - i, f);
	if (r == Q_OK)
		r = fleet_csv_end(&csv, fl, f);
	return r == Q_OK ? fleet_check(fl, f) : r;
}

static void
test_csv(void)
{
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		for (size_t step = 1; step < 300; step += 149) {
			AUTO_FLEET struct fleet fl = { 0 };
			struct fault f = { 0 };

			is_int(table_read(&fl, tables[i].text, step, &f),
			    tables[i].r, "%s", tables[i].what);
			is_int(fl.seen, tables[i].n, "%s: devices",
			    tables[i].what);
			ok(strstr(f.msg, tables[i].says) != NULL, "%s: %s",
			    tables[i].what, f.msg);
		}
}

/* However many are wrong, no more are kept than people want to read. */
static void
test_bad_max(void)
{
	AUTO_FLEET struct fleet fl = { 0 };
	struct fault f = { 0 };
	enum q_err r = Q_OK;

	while (r == Q_OK && fl.seen < 2 * FLEET_BAD_MAX)
		r = fleet_add(&fl, "x", 1, &f);
	is_int(r, Q_INVALID, "%s", f.msg);
	is_int(fl.n_bad, FLEET_BAD_MAX, "so many are told");
	ok(strstr(f.msg, "at least 100000 entries are wrong, first device 1,")
	    != NULL, "which says so");
}

/* The same IDs by either kind of file, whatever it is called. */
static void
test_load(void)
{
	static const struct {
		const char *text;
		unsigned n;
	} files[] = {
		{ "{\"devices\":[\"" A "\"]}", 1 },
		{ " \n{\"devices\":[\"" A "\",\"" B "\"]}\n", 2 },
		{ "device_id\n" A "\n" B "\n", 2 },
		{ A "\n", 1 },
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		AUTO_FLEET struct fleet fl = { 0 };
		char path[] = "/tmp/test-fleet-XXXXXX";
		struct fault f = { 0 };
		AUTO_FD int fd = mkstemp(path);
		size_t len = strlen(files[i].text);

		if (fd < 0 || write(fd, files[i].text, len) != (ssize_t)len) {
			ok(0, "a file");
			return;
		}
		is_int(fleet_load(&fl, path, &f), Q_OK, "file %zu: %s", i,
		    f.msg);
		is_int(fl.n, files[i].n, "its devices");
		unlink(path);
	}
}

int
main(void)
{
	test_csv();
	test_bad_max();
	test_load();
	test_guide();
	test_table();
	test_all_named();
	test_digits();
	return done();
}
