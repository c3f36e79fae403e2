// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "quoinctl/out.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"

#define HELD_ROWS 1000
#define HELD_BYTES (8u << 20)
#define GAP 2

static void *
need(void *p)
{
	if (p != NULL)
		return p;
	fputs("quoinctl: out of memory\n", stderr);
	exit(q_err_exit(Q_NOMEM));
}

struct json_object *
out_object(void)
{
	return need(json_object_new_object());
}

void
out_take(struct json_object *o, const char *key, struct json_object *take)
{
	need(json_object_object_add(o, key, need(take)) == 0 ? o : NULL);
}

void
out_str(struct json_object *o, const char *key, const char *value)
{
	out_take(o, key, json_object_new_string(value));
}

void
out_int(struct json_object *o, const char *key, uint64_t value)
{
	out_take(o, key, json_object_new_uint64(value));
}

void
out_bool(struct json_object *o, const char *key, bool value)
{
	out_take(o, key, json_object_new_boolean(value));
}

void
out_time(struct json_object *o, const char *key, int64_t value)
{
	char text[24];

	if (value == 0)
		return;
	time_format(value, text);
	out_str(o, key, text);
}

void
out_hex(struct json_object *o, const char *key, struct bytes value)
{
	char *text = need(malloc(2 * value.len + 1));

	hex_encode(value.p, value.len, text);
	out_str(o, key, text);
	free(text);
}

struct json_object *
out_record(enum rec_type type, const void *rec)
{
	return need(rec_to_json(rec_desc(type), rec));
}

static const char *
json_text(struct json_object *o)
{
	return need((void *)(uintptr_t)json_object_to_json_string_ext(o,
	    JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
}

/* A cell's text, good until the next call or the object's end. */
static const char *
cell_text(const struct col *col, struct json_object *row)
{
	static char span[24];
	struct json_object *v = json_object_object_get(row, col->key);
	const char *text;

	if (col->kind == COL_SPAN && v != NULL) {
		span_format(json_object_get_int64(v), span);
		return span;
	}
	if (json_object_is_type(v, json_type_boolean))
		return json_object_get_boolean(v) ? "yes" : "no";
	text = v != NULL ? json_object_get_string(v) : "";
	if (col->kind == COL_STATE && strcmp(text, "not_enrolled") == 0)
		return "not enrolled";
	return text[0] != '\0' ? text : "-";
}

/* Columns on the screen: code points, as good as it gets. */
static size_t
text_width(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++)
		n += (*s & 0xc0) != 0x80;
	return n;
}

static void
put_padded(const char *text, size_t width, bool last)
{
	size_t have = text_width(text);

	fputs(text, stdout);
	for (; !last && have < width + GAP; have++)
		putchar(' ');
}

/* Print the rows that are held. Widths stay, so that a list of many such
 * portions is as straight as can be. */
static void
list_flush(struct out_list *l)
{
	const char *p = (const char *)l->cells.p;

	for (size_t i = 0; !l->headed && i < l->n_cols; i++)
		put_padded(l->cols[i].head, l->width[i], i + 1 == l->n_cols);
	if (!l->headed)
		putchar('\n');
	l->headed = true;
	for (size_t row = 0; row < l->held; row++) {
		for (size_t i = 0; i < l->n_cols; i++) {
			put_padded(p, l->width[i], i + 1 == l->n_cols);
			p += strlen(p) + 1;
		}
		putchar('\n');
	}
	l->held = 0;
	buf_reset(&l->cells);
}

void
out_list_begin(struct out_list *l, struct ctl *c, const char *name,
    const struct col *cols, size_t n_cols)
{
	*l = (struct out_list){ .ctl = c, .cols = cols, .n_cols = n_cols,
		.cells = BUF_INIT(HELD_BYTES) };
	for (size_t i = 0; i < n_cols; i++)
		l->width[i] = text_width(cols[i].head);
	if (c->json)
		printf("{\"%s\":[", name);
}

void
out_list_add(struct out_list *l, struct json_object *take)
{
	need(take);
	if (l->ctl->json) {
		printf("%s\n%s", l->rows > 0 ? "," : "", json_text(take));
	} else {
		for (size_t i = 0; i < l->n_cols; i++) {
			const char *text = cell_text(&l->cols[i], take);
			size_t width = text_width(text);

			if (width > l->width[i])
				l->width[i] = width;
			buf_put(&l->cells, text, strlen(text) + 1);
		}
		l->held++;
		need(l->cells.bad ? NULL : l);
	}
	l->rows++;
	json_object_put(take);
	if (l->held == HELD_ROWS)
		list_flush(l);
}

enum q_err
out_list_end(struct out_list *l, enum q_err r, const char *none)
{
	bool whole = r == Q_OK || r == Q_NOTFOUND;

	if (l->ctl->json)
		puts("\n]}");
	else if (l->rows == 0 && whole)
		fprintf(stderr, "%s\n", none);
	else if (l->held > 0)
		list_flush(l);
	buf_free(&l->cells);
	return whole ? Q_OK : r;
}

void
out_show(struct ctl *c, const struct col *cols, size_t n_cols,
    struct json_object *take)
{
	size_t width = 0;

	need(take);
	if (c->json)
		puts(json_text(take));
	for (size_t i = 0; i < n_cols; i++)
		if (strlen(cols[i].head) > width)
			width = strlen(cols[i].head);
	for (size_t i = 0; !c->json && i < n_cols; i++)
		printf("%-*s  %s\n", (int)width, cols[i].head,
		    cell_text(&cols[i], take));
	json_object_put(take);
}

void
out_done(struct ctl *c, struct json_object *take, const char *fmt, ...)
{
	va_list ap;

	need(take);
	if (c->json) {
		puts(json_text(take));
	} else {
		va_start(ap, fmt);
		vprintf(fmt, ap);
		va_end(ap);
		putchar('\n');
	}
	json_object_put(take);
}
