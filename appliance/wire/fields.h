// SPDX-License-Identifier: Apache-2.0
#ifndef WIRE_FIELDS_H
#define WIRE_FIELDS_H

/*
 * Messages are C structs described by a table of fields, written once as an
 * X-macro; encoder, decoder, documentation and fuzz seeds all come from it:
 *
 *	#define GREET_REQ(F, T) \
 *		F(T, STR, name, 64, "whom to greet") \
 *		F(T, U32, times, 0, "how often")
 *	WIRE_DECLARE(greet_req, GREET_REQ)	in the header
 *	WIRE_DEFINE(greet_req, GREET_REQ)	in one .c file
 *
 * On the wire (all integers little-endian, fields in table order):
 *	U32  4 bytes		U64  8 bytes		BOOL  4 bytes, 0 or 1
 *	STR  u32 length, bytes without NUL, one NUL byte
 *	BIN  u32 length, bytes
 *	FD   nothing in the body: one descriptor by SCM_RIGHTS
 * max caps STR and BIN in bytes and U32, U64 in value (0: no cap).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum wire_kind { WIRE_U32, WIRE_U64, WIRE_BOOL, WIRE_STR, WIRE_BIN, WIRE_FD };

struct wire_field {
	const char *name;
	enum wire_kind kind;
	size_t offset;
	uint64_t max;
	const char *text;
};

struct wire_type {
	const char *name;
	const struct wire_field *fields;
	size_t n;
	size_t size;
};

/* No struct of a message is larger; the server decodes into such a space. */
#define WIRE_STRUCT_MAX 1024

#define WIRE_C_U32(name) uint32_t name;
#define WIRE_C_U64(name) uint64_t name;
#define WIRE_C_BOOL(name) bool name;
#define WIRE_C_STR(name) const char *name;
#define WIRE_C_BIN(name) struct bytes name;
#define WIRE_C_FD(name) int name;

#define WIRE_MEMBER_(T, kind, name, max, text) WIRE_C_##kind(name)
#define WIRE_FIELD_(T, kind, name, max, text) \
	{ #name, WIRE_##kind, offsetof(struct T, name), (max), (text) },

#define WIRE_DECLARE(T, FIELDS)                 \
	struct T {                              \
		FIELDS(WIRE_MEMBER_, T)         \
		char wire_end;                  \
	};                                      \
	extern const struct wire_type T##_type;

#define WIRE_DEFINE(T, FIELDS)                                               \
	static const struct wire_field T##_fields[] = {                      \
		FIELDS(WIRE_FIELD_, T) { NULL, WIRE_U32, 0, 0, NULL }        \
	};                                                                   \
	_Static_assert(sizeof(struct T) <= WIRE_STRUCT_MAX, "struct " #T);   \
	const struct wire_type T##_type = { #T, T##_fields,                  \
		sizeof(T##_fields) / sizeof(T##_fields[0]) - 1,              \
		sizeof(struct T) };

/* Append the body of a message. A NULL string counts as empty; what exceeds
 * a cap makes out->bad. */
void wire_encode(const struct wire_type *t, const void *msg, struct buf *out);

/* Read a whole body into msg, whose pointers borrow from `body`. PROTO with
 * the field in f for: cut short, over a cap, NUL inside a string, trailing
 * bytes. FD fields are set to -1. */
enum q_err wire_decode(const struct wire_type *t, struct bytes body,
    void *msg, struct fault *f) Q_CHECKED;

/* Lists travel in a BIN field, each item a u32 length and a body. */
void wire_list_put(struct buf *out, const struct wire_type *t,
    const void *item);

/* The next item of *rest into item: OK; NOTFOUND at the end; PROTO. */
enum q_err wire_list_next(struct bytes *rest, const struct wire_type *t,
    void *item) Q_CHECKED;

/* Where the FD field of a message is, or NULL when it has none. */
int *wire_fd_of(const struct wire_type *t, void *msg);

#endif
