// SPDX-License-Identifier: Apache-2.0
#ifndef QUOINCTL_OUT_H
#define QUOINCTL_OUT_H

/*
 * Output: commands make JSON objects, which are printed as they are with
 * --json, and else as an aligned table by a list of columns.
 */

#include "base/buf.h"
#include "quoinctl/ctl.h"

enum col_kind {
	COL_PLAIN, /* "-" for what is absent or empty; true is "yes" */
	COL_SPAN, /* seconds, as 30d */
	COL_STATE, /* not_enrolled as "not enrolled" */
};

struct col {
	const char *head, *key;
	enum col_kind kind;
};

#define OUT_COLS 12

struct out_list {
	struct ctl *ctl;
	const struct col *cols;
	size_t n_cols;
	size_t rows; /* all so far */
	size_t held; /* in cells, not printed */
	size_t width[OUT_COLS];
	struct buf cells; /* texts, each with its NUL */
	bool headed;
};

/* A list under this name in JSON. Add objects, which are taken over (NULL:
 * out of memory, which ends the program); end it to have it printed. */
void out_list_begin(struct out_list *l, struct ctl *c, const char *name,
    const struct col *cols, size_t n_cols);
void out_list_add(struct out_list *l, struct json_object *take);
/* r: what the walk ended with; NOTFOUND, its end, becomes OK. none: what to
 * say to people when there was nothing. */
enum q_err out_list_end(struct out_list *l, enum q_err r, const char *none);

/* One object, taken over: one line for each column. */
void out_show(struct ctl *c, const struct col *cols, size_t n_cols,
    struct json_object *take);

/* What was done: the sentence for people, the object (taken over) else. */
void out_done(struct ctl *c, struct json_object *take, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Objects: the value is copied; out of memory ends the program. */
struct json_object *out_object(void);
void out_str(struct json_object *o, const char *key, const char *value);
void out_int(struct json_object *o, const char *key, uint64_t value);
void out_bool(struct json_object *o, const char *key, bool value);
/* RFC 3339; 0 is left out. */
void out_time(struct json_object *o, const char *key, int64_t value);
void out_hex(struct json_object *o, const char *key, struct bytes value);
void out_take(struct json_object *o, const char *key,
    struct json_object *take);

/* A record as its table tells it. */
struct json_object *out_record(enum rec_type type, const void *rec);

#endif
