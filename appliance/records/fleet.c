// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "records/fleet.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/own.h"
#include "records/fleet_csv.h"

#define ID_DIGITS 64
#define READ_CHUNK 65536

/* Where in {"devices":["...", ...]} the scanner is. */
enum scan_state {
	SCAN_OPEN,
	SCAN_NAME,
	SCAN_IN_NAME,
	SCAN_COLON,
	SCAN_ARRAY,
	SCAN_FIRST, /* an entry, or the end of an empty array */
	SCAN_ENTRY,
	SCAN_IN_ENTRY,
	SCAN_COMMA,
	SCAN_CLOSE,
	SCAN_DONE
};

struct fleet_scan {
	enum scan_state state;
	uint64_t offset;
	bool escaped; /* behind a backslash in a string */
	size_t len; /* of the string so far, kept or not */
	char text[FLEET_SHOWN];
};

void
fleet_free(struct fleet *fl)
{
	for (size_t i = 0; i < fl->n_bad; i++)
		free(fl->bad[i].text);
	free(fl->bad);
	free(fl->ids);
	free(fl->scan);
	*fl = (struct fleet){ 0 };
}

/* Room for one more in an array that doubles. */
static enum q_err
grow(void *array, size_t n, size_t *cap, size_t size)
{
	void **at = array, *p;
	size_t want = *cap != 0 ? *cap * 2 : 64;

	if (n < *cap)
		return Q_OK;
	p = reallocarray(*at, want, size);
	if (p == NULL)
		return Q_NOMEM;
	*at = p;
	*cap = want;
	return Q_OK;
}

static enum q_err
bad_add(struct fleet *fl, const struct fleet_bad *bad, const char *text,
    size_t len)
{
	struct fleet_bad b = *bad;
	enum q_err r = fl->n_bad == FLEET_BAD_MAX ? Q_INVALID
	    : grow(&fl->bad, fl->n_bad, &fl->cap_bad, sizeof(b));

	if (r != Q_OK)
		return r;
	b.line = fl->line != 0;
	if (text != NULL) {
		b.text = strndup(text, len);
		if (b.text == NULL)
			return Q_NOMEM;
	}
	fl->bad[fl->n_bad++] = b;
	return Q_OK;
}

enum q_err
fleet_add(struct fleet *fl, const char *text, size_t len, struct fault *f)
{
	uint32_t pos = fl->line != 0 ? fl->line : fl->seen + 1;
	struct fleet_bad bad = { .pos = pos, .other = (uint32_t)len };
	struct fleet_id id = { .pos = pos };
	char digits[ID_DIGITS + 1];
	enum q_err r;

	if (fl->seen == FLEET_MAX)
		return fault_set(f, Q_TOOBIG, "more than %d devices",
		    FLEET_MAX);
	fl->seen++;
	bad.why = len == ID_DIGITS ? FLEET_DIGIT : FLEET_LENGTH;
	if (len == ID_DIGITS) {
		memcpy(digits, text, len);
		digits[len] = '\0';
	}
	if (len != ID_DIGITS || !hex_decode(digits, id.id, sizeof(id.id))) {
		r = bad_add(fl, &bad, text,
		    len < FLEET_SHOWN ? len : FLEET_SHOWN);
		return r == Q_INVALID ? fleet_fault(fl, r, f) : r;
	}
	r = grow(&fl->ids, fl->n, &fl->cap, sizeof(id));
	if (r == Q_OK)
		fl->ids[fl->n++] = id;
	return r;
}

enum q_err
fleet_note_taken(struct fleet *fl, const struct fleet_id *id,
    const char *batch)
{
	struct fleet_bad bad = { .why = FLEET_TAKEN, .pos = id->pos };

	memcpy(bad.id, id->id, sizeof(bad.id));
	return bad_add(fl, &bad, batch, strlen(batch));
}

static int
by_id(const void *a, const void *b)
{
	const struct fleet_id *x = a, *y = b;
	int c = memcmp(x->id, y->id, sizeof(x->id));

	return c != 0 ? c : (x->pos > y->pos) - (x->pos < y->pos);
}

static int
by_pos(const void *a, const void *b)
{
	const struct fleet_bad *x = a, *y = b;

	return (x->pos > y->pos) - (x->pos < y->pos);
}

enum q_err
fleet_fault(struct fleet *fl, enum q_err code, struct fault *f)
{
	char line[FLEET_LINE];

	qsort(fl->bad, fl->n_bad, sizeof(fl->bad[0]), by_pos);
	fleet_bad_text(&fl->bad[0], line);
	if (fl->n_bad == 1)
		return fault_set(f, code, "nothing was loaded: %.170s", line);
	return fault_set(f, code, "nothing was loaded: %s%zu entries are "
	    "wrong, first %.130s", fl->n_bad == FLEET_BAD_MAX ? "at least "
	    : "", fl->n_bad, line);
}

enum q_err
fleet_check(struct fleet *fl, struct fault *f)
{
	size_t first = 0;
	enum q_err r = Q_OK;

	if (fl->n != 0)
		qsort(fl->ids, fl->n, sizeof(fl->ids[0]), by_id);
	for (size_t i = 1; r == Q_OK && i < fl->n; i++) {
		struct fleet_bad bad = { .why = FLEET_DOUBLED,
			.pos = fl->ids[i].pos, .other = fl->ids[first].pos };

		if (memcmp(fl->ids[i].id, fl->ids[first].id,
		    sizeof(bad.id)) != 0) {
			first = i;
			continue;
		}
		memcpy(bad.id, fl->ids[i].id, sizeof(bad.id));
		r = bad_add(fl, &bad, NULL, 0);
	}
	return (r == Q_OK || r == Q_INVALID) && fl->n_bad != 0
	    ? fleet_fault(fl, Q_INVALID, f) : r;
}

void
fleet_bad_text(const struct fleet_bad *bad, char out[FLEET_LINE])
{
	char id[ID_DIGITS + 1];
	const char *text = bad->text != NULL ? bad->text : "";
	const char *at = bad->line ? "line" : "device";

	hex_encode(bad->id, sizeof(bad->id), id);
	switch (bad->why) {
	case FLEET_LENGTH:
		snprintf(out, FLEET_LINE, "%s %u, %s: has %u characters, "
		    "wants 64 hex digits", at, bad->pos, text, bad->other);
		return;
	case FLEET_DIGIT:
		snprintf(out, FLEET_LINE, "%s %u, %s: wants 64 hex "
		    "digits and nothing else", at, bad->pos, text);
		return;
	case FLEET_DOUBLED:
		snprintf(out, FLEET_LINE, "%s %u, %s: is also %s %u of the "
		    "list", at, bad->pos, id, at, bad->other);
		return;
	case FLEET_TAKEN:
		snprintf(out, FLEET_LINE, "%s %u, %s: is already in "
		    "batch %s", at, bad->pos, id, text);
		return;
	}
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The next byte of a string; true at its end. Nothing but plain characters
 * can be in an ID, so an escape is kept as it is written. */
static bool
scan_string(struct fleet_scan *sc, char c)
{
	if (c == '"' && !sc->escaped)
		return true;
	sc->escaped = c == '\\' && !sc->escaped;
	if (sc->len < sizeof(sc->text))
		sc->text[sc->len] = c;
	sc->len++;
	return false;
}

/* Outside strings each state waits for one character, or for one of two. */
static const struct {
	char wants;
	enum scan_state next;
	char or;
	enum scan_state or_next;
	const char *text;
} scan_table[] = {
	[SCAN_OPEN] = { '{', SCAN_NAME, 0, 0, "'{'" },
	[SCAN_NAME] = { '"', SCAN_IN_NAME, 0, 0, "\"devices\"" },
	[SCAN_COLON] = { ':', SCAN_ARRAY, 0, 0, "':'" },
	[SCAN_ARRAY] = { '[', SCAN_FIRST, 0, 0, "'['" },
	[SCAN_FIRST] = { '"', SCAN_IN_ENTRY, ']', SCAN_CLOSE,
	    "a DeviceID in quotes" },
	[SCAN_ENTRY] = { '"', SCAN_IN_ENTRY, 0, 0, "a DeviceID in quotes" },
	[SCAN_COMMA] = { ',', SCAN_ENTRY, ']', SCAN_CLOSE, "',' or ']'" },
	[SCAN_CLOSE] = { '}', SCAN_DONE, 0, 0, "'}'" },
	[SCAN_DONE] = { 0, 0, 0, 0, "nothing more" },
};

static enum q_err
scan_fault(const struct fleet *fl, const char *wants, struct fault *f)
{
	return fault_set(f, Q_INVALID, "not {\"devices\":[\"...\", ...]}: "
	    "at byte %llu, behind %u devices, wants %s",
	    (unsigned long long)fl->scan->offset + 1, fl->seen, wants);
}

static enum q_err
scan_byte(struct fleet *fl, char c, struct fault *f)
{
	struct fleet_scan *sc = fl->scan;

	if (sc->state == SCAN_IN_ENTRY) {
		if (!scan_string(sc, c))
			return Q_OK;
		sc->state = SCAN_COMMA;
		return fleet_add(fl, sc->text, sc->len, f);
	}
	if (sc->state == SCAN_IN_NAME) {
		if (!scan_string(sc, c))
			return Q_OK;
		sc->state = SCAN_COLON;
		return sc->len == 7 && memcmp(sc->text, "devices", 7) == 0
		    ? Q_OK : scan_fault(fl, "\"devices\"", f);
	}
	if (is_blank(c))
		return Q_OK;
	if (c == '\0' || (c != scan_table[sc->state].wants &&
	    c != scan_table[sc->state].or))
		return scan_fault(fl, scan_table[sc->state].text, f);
	sc->state = c == scan_table[sc->state].wants
	    ? scan_table[sc->state].next : scan_table[sc->state].or_next;
	sc->len = 0;
	return Q_OK;
}

static enum q_err
scan_begin(struct fleet *fl)
{
	if (fl->scan == NULL)
		fl->scan = calloc(1, sizeof(*fl->scan));
	return fl->scan != NULL ? Q_OK : Q_NOMEM;
}

enum q_err
fleet_feed(struct fleet *fl, const void *p, size_t len, struct fault *f)
{
	const char *at = p;
	enum q_err r = scan_begin(fl);

	for (size_t i = 0; r == Q_OK && i < len; i++) {
		r = scan_byte(fl, at[i], f);
		fl->scan->offset++;
	}
	return r;
}

enum q_err
fleet_end(struct fleet *fl, struct fault *f)
{
	enum q_err r = scan_begin(fl);

	if (r == Q_OK && fl->scan->state != SCAN_DONE)
		r = scan_fault(fl, scan_table[fl->scan->state].text != NULL
		    ? scan_table[fl->scan->state].text : "a closing quote", f);
	free(fl->scan);
	fl->scan = NULL;
	return r;
}

/* Of a list, whatever its name: {"devices": ...} or one ID after the other. */
static bool
is_table(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && is_blank(s[i]))
		i++;
	return i < n && s[i] != '{' && s[i] != '[';
}

enum q_err
fleet_load(struct fleet *fl, const char *path, struct fault *f)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	AUTO_FREE char *chunk = malloc(READ_CHUNK);
	struct fleet_csv csv = FLEET_CSV_INIT;
	bool begun = false, table = false;
	enum q_err r = Q_OK;
	ssize_t n = 1;

	if (fd < 0)
		return fault_set(f, errno == ENOENT ? Q_NOTFOUND : Q_IO,
		    "%.120s: %s", path, strerror(errno));
	if (chunk == NULL)
		return Q_NOMEM;
	while (r == Q_OK && n != 0) {
		n = read(fd, chunk, READ_CHUNK);
		if (n < 0 && errno != EINTR)
			return fault_set(f, Q_IO, "%.120s: %s", path,
			    strerror(errno));
		if (n <= 0)
			continue;
		table = begun ? table : is_table(chunk, (size_t)n);
		begun = true;
		r = table ? fleet_csv_feed(&csv, fl, chunk, (size_t)n, f)
			  : fleet_feed(fl, chunk, (size_t)n, f);
	}
	if (r != Q_OK)
		return r;
	return table ? fleet_csv_end(&csv, fl, f) : fleet_end(fl, f);
}
