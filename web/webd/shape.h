// SPDX-License-Identifier: Apache-2.0
#ifndef WEBD_SHAPE_H
#define WEBD_SHAPE_H

/*
 * What JSON a route takes and gives, written once: bodies are held to it
 * before a handler sees them, and openapi.yaml is made from it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "records/records.h"

struct json_object;
struct shape;

enum shape_kind {
	SHAPE_STR, /* low..high bytes of UTF-8 without control characters */
	SHAPE_TEXT, /* the same with line ends and tabs: PEM, descriptions */
	SHAPE_SECRET, /* STR that is never answered nor logged */
	SHAPE_INT, /* low..high */
	SHAPE_BOOL,
	SHAPE_TIME, /* RFC 3339 in UTC; may be "" for none */
	SHAPE_ENUM, /* one of names */
	SHAPE_HEX, /* low..high lower-case hex digits */
	SHAPE_STRS, /* list of STR, each up to `high` bytes; at most `many` */
	SHAPE_ENUMS, /* list of names, each at most once */
	SHAPE_OBJ, /* sub */
	SHAPE_OBJS, /* list of sub; at most `many` */
};

enum shape_flag {
	SHAPE_NEED = 1, /* must be there */
};

struct shape_field {
	const char *name;
	enum shape_kind kind;
	int64_t low, high;
	unsigned flags;
	const char *text;
	const char *const *names; /* NULL at the end */
	const struct shape *sub;
	uint32_t many;
};

/*
 * Fields of a record's table come in by rec; those named in hide (blanks
 * between) do not. open: answers may have more members than are named.
 */
struct shape {
	const char *name; /* in openapi.yaml: "Batch" */
	const struct shape_field *fields;
	size_t n;
	enum rec_type rec; /* 0: none */
	const char *hide;
	bool open;
};

#define SHAPE(id, title, ...)                                              \
	const struct shape id = { .name = (title),                         \
		.fields = (const struct shape_field[]){ __VA_ARGS__ },     \
		.n = sizeof((const struct shape_field[]){ __VA_ARGS__ }) / \
		    sizeof(struct shape_field) }

/* A page of a list: {"items": [item], "next": cursor}. */
#define SHAPE_PAGE(id, title, item)                                        \
	const struct shape id = { .name = (title),                         \
		.fields = (const struct shape_field[]){                    \
			{ "items", SHAPE_OBJS, 0, 0, SHAPE_NEED,           \
			    "one page of them", NULL, &(item), 10000 },    \
			{ "next", SHAPE_STR, 0, 256, 0,                    \
			    "cursor of the page behind; absent: the end" } }, \
		.n = 2 }

/* Hold obj to the shape: INVALID, naming the member in f and, unless it is
 * NULL, in pointer[SHAPE_POINTER] (RFC 6901). */
#define SHAPE_POINTER 96
enum q_err shape_check(const struct shape *s, struct json_object *obj,
    char pointer[SHAPE_POINTER], struct fault *f) Q_CHECKED;

/* One value of a query, as text. */
enum q_err shape_check_text(const struct shape_field *fd, const char *value,
    struct fault *f) Q_CHECKED;

const struct shape_field *shape_field(const struct shape *s,
    const char *name);

#endif
