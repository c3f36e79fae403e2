// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Borrowed bytes: never freed by who receives them. */
struct bytes {
	const uint8_t *p;
	size_t len;
};

/*
 * Growing output buffer with a hard maximum and a sticky failure: callers
 * put as much as they like and check `bad` once at the end. Always
 * NUL-terminated behind `len`, so a text buffer is a C string.
 * Start with BUF_INIT(max); release with buf_free, which wipes.
 */
struct buf {
	uint8_t *p;
	size_t len;
	size_t cap;
	size_t max;
	bool bad;
};

#define BUF_INIT(limit) { .max = (limit) }
#define AUTO_BUF __attribute__((cleanup(buf_free)))

void buf_free(struct buf *b);

/* Forget the contents, keep the memory. */
void buf_reset(struct buf *b);

void buf_put(struct buf *b, const void *p, size_t len);
void buf_puts(struct buf *b, const char *s);
void buf_printf(struct buf *b, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Room for len bytes, not yet counted; NULL when over the maximum. Add
 * what was really written to b->len. */
uint8_t *buf_reserve(struct buf *b, size_t len);

static inline struct bytes
buf_bytes(const struct buf *b)
{
	return (struct bytes){ b->p, b->len };
}

#endif
