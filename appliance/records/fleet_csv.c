// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "records/fleet_csv.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#define COLUMNS_MAX 1000

static bool
is_heading(const char *cell)
{
	return strcasecmp(cell, "device_id") == 0 ||
	    strcasecmp(cell, "deviceid") == 0 || strcasecmp(cell, "id") == 0;
}

/* Blanks around a cell do not count. */
static const char *
trim(struct fleet_csv *csv, size_t *ret_len)
{
	size_t n = csv->len < FLEET_CSV_CELL ? csv->len : FLEET_CSV_CELL;
	char *s = csv->cell;

	while (n > 0 && s[n - 1] == ' ')
		n--;
	s[n] = '\0';
	while (*s == ' ') {
		s++;
		n--;
	}
	*ret_len = n;
	return s;
}

static enum q_err
cell_end(struct fleet_csv *csv, struct fleet *fl, struct fault *f)
{
	size_t len;
	const char *s = trim(csv, &len);
	enum q_err r = Q_OK;

	if (csv->line == 1 && is_heading(s)) {
		csv->wanted = csv->column;
		csv->skip = true;
	} else if (csv->line == 1 && csv->column == 0) {
		memcpy(csv->first, s, len);
		csv->first_len = len;
	} else if (len != 0 && csv->column == csv->wanted && !csv->skip) {
		r = fleet_add(fl, s, len, f);
	}
	csv->any |= len != 0;
	csv->len = 0;
	csv->quote = false;
	if (++csv->column > COLUMNS_MAX)
		return fault_set(f, Q_INVALID, "line %" PRIu64 ": more than "
		    "%d columns", csv->line, COLUMNS_MAX);
	return r;
}

static enum q_err
line_end(struct fleet_csv *csv, struct fleet *fl, struct fault *f)
{
	bool first = csv->line == 1;
	enum q_err r = cell_end(csv, fl, f);

	if (r == Q_OK && first && !csv->skip && csv->first_len != 0)
		r = fleet_add(fl, csv->first, csv->first_len, f);
	csv->heading += csv->skip;
	csv->column = 0;
	csv->any = csv->skip = false;
	csv->line++;
	return r;
}

static void
keep(struct fleet_csv *csv, char c)
{
	if (csv->len < FLEET_CSV_CELL)
		csv->cell[csv->len] = c;
	csv->len++;
}

static enum q_err
take(struct fleet_csv *csv, struct fleet *fl, char c, struct fault *f)
{
	if (csv->quoted && c != '"') {
		keep(csv, c);
		csv->line += c == '\n';
		return Q_OK;
	}
	if (c == '"') {
		/* Doubled inside of quotes it is one of the text. */
		if (!csv->quoted && csv->quote)
			keep(csv, c);
		csv->quote = csv->quoted;
		csv->quoted = !csv->quoted;
		return Q_OK;
	}
	csv->quote = false;
	if (c == ',' || c == ';' || c == '\t')
		return cell_end(csv, fl, f);
	if (c == '\n')
		return line_end(csv, fl, f);
	if (c != '\r')
		keep(csv, c);
	return Q_OK;
}

enum q_err
fleet_csv_feed(struct fleet_csv *csv, struct fleet *fl, const void *p,
    size_t len, struct fault *f)
{
	const char *s = p;
	enum q_err r = Q_OK;

	for (size_t i = 0; r == Q_OK && i < len; i++) {
		/* UTF-8's byte order mark is EF BB BF, and in no ID. */
		if (!csv->begun && (unsigned char)s[i] >= 0xbb &&
		    (unsigned char)s[i] <= 0xef)
			continue;
		csv->begun = true;
		r = take(csv, fl, s[i], f);
	}
	return r;
}

enum q_err
fleet_csv_end(struct fleet_csv *csv, struct fleet *fl, struct fault *f)
{
	if (csv->quoted)
		return fault_set(f, Q_INVALID, "line %" PRIu64 ": a quote "
		    "that does not end", csv->line);
	return csv->len != 0 || csv->column != 0 ? line_end(csv, fl, f)
						 : Q_OK;
}
