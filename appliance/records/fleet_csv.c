// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "records/fleet_csv.h"

#include <string.h>
#include <strings.h>

#define COLUMNS_MAX 1000
#define MARK 3

static bool
is_heading(const char *cell)
{
	return strcasecmp(cell, "device_id") == 0 ||
	    strcasecmp(cell, "deviceid") == 0 || strcasecmp(cell, "id") == 0;
}

/* Blanks around a cell do not count. */
static char *
trim(struct fleet_csv *csv, size_t *ret_len)
{
	bool whole = csv->len <= FLEET_CSV_CELL;
	size_t n = whole ? csv->len : FLEET_CSV_CELL;
	char *s = csv->cell;

	while (n > 0 && s[n - 1] == ' ')
		n--;
	s[n] = '\0';
	while (*s == ' ') {
		s++;
		n--;
	}
	*ret_len = whole ? n : csv->len;
	return s;
}

static enum q_err
id_add(struct fleet_csv *csv, struct fleet *fl, const char *s, size_t len,
    struct fault *f)
{
	fl->line = csv->line;
	return len != 0 ? fleet_add(fl, s, len, f) : Q_OK;
}

static enum q_err
cell_end(struct fleet_csv *csv, struct fleet *fl, struct fault *f)
{
	size_t len;
	const char *s = trim(csv, &len);
	enum q_err r = Q_OK;

	if (csv->line == 1 && is_heading(s)) {
		csv->wanted = csv->column;
		csv->heading = true;
	} else if (csv->line == 1 && csv->column == 0) {
		memcpy(csv->first, s, strlen(s) + 1);
		csv->first_len = len;
	} else if (csv->column == csv->wanted && csv->line != 1) {
		r = id_add(csv, fl, s, len, f);
	}
	csv->len = 0;
	csv->quote = false;
	if (r == Q_OK && ++csv->column == COLUMNS_MAX)
		return fault_set(f, Q_INVALID, "line %u: %d columns or more",
		    csv->line, COLUMNS_MAX);
	return r;
}

static enum q_err
line_end(struct fleet_csv *csv, struct fleet *fl, struct fault *f)
{
	enum q_err r = cell_end(csv, fl, f);

	if (r == Q_OK && csv->line == 1 && !csv->heading)
		r = id_add(csv, fl, csv->first, csv->first_len, f);
	csv->column = 0;
	if (++csv->next == UINT32_MAX)
		return fault_set(f, Q_TOOBIG, "too many lines");
	csv->line = csv->next;
	return r;
}

static enum q_err
keep(struct fleet_csv *csv, char c, struct fault *f)
{
	if (csv->len < FLEET_CSV_CELL)
		csv->cell[csv->len] = c;
	csv->len++;
	if (csv->quoted && c == '\n' && ++csv->next == UINT32_MAX)
		return fault_set(f, Q_TOOBIG, "too many lines");
	return Q_OK;
}

/* Doubled inside of quotes it is one of the text. */
static enum q_err
quote(struct fleet_csv *csv, struct fault *f)
{
	enum q_err r = Q_OK;

	if (!csv->quoted && csv->quote)
		r = keep(csv, '"', f);
	csv->quote = csv->quoted;
	csv->quoted = !csv->quoted;
	return r;
}

static enum q_err
take(struct fleet_csv *csv, struct fleet *fl, char c, struct fault *f)
{
	bool cr = csv->cr;

	csv->cr = false;
	if (c == '"')
		return quote(csv, f);
	if (csv->quoted)
		return keep(csv, c, f);
	csv->quote = false;
	if (c == ',' || c == ';' || c == '\t')
		return cell_end(csv, fl, f);
	if (c == '\n' && cr)
		return Q_OK;
	csv->cr = c == '\r';
	return c == '\n' || c == '\r' ? line_end(csv, fl, f)
				      : keep(csv, c, f);
}

enum q_err
fleet_csv_feed(struct fleet_csv *csv, struct fleet *fl, const void *p,
    size_t len, struct fault *f)
{
	static const char mark[] = "\xef\xbb\xbf";
	const char *s = p;
	enum q_err r = Q_OK;

	for (size_t i = 0; r == Q_OK && i < len; i++) {
		if (csv->mark < MARK && s[i] == mark[csv->mark]) {
			csv->mark++;
			continue;
		}
		csv->mark = MARK;
		r = take(csv, fl, s[i], f);
	}
	return r;
}

enum q_err
fleet_csv_end(struct fleet_csv *csv, struct fleet *fl, struct fault *f)
{
	if (csv->quoted)
		return fault_set(f, Q_INVALID, "line %u: a quote that does "
		    "not end", csv->line);
	return csv->len != 0 || csv->column != 0 ? line_end(csv, fl, f)
						 : Q_OK;
}
