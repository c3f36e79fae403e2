// SPDX-License-Identifier: Apache-2.0
/* What a MongoDB server answers: rows, the outcome of writes, the intent of a
 * node, a cursor's text. What is taken is within its limits. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "recordd/store_mongo.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static void
rows(const bson_t *reply)
{
	struct mongo_row row;
	struct fault f;
	bson_iter_t each;

	if (mongo_rows(reply, &each) != Q_OK)
		return;
	while (mongo_row_next(&each, &row, &f) == Q_OK)
		if (strlen(row.key) > REC_KEY_MAX || row.rev == 0)
			abort();
}

static void
note(void *ctx, uint32_t at)
{
	*(uint32_t *)ctx = at;
}

static void
written(const bson_t *reply)
{
	uint32_t n, at;
	struct fault f;

	if (mongo_written(reply, &n, note, &at, &f) == Q_OK && n > INT32_MAX)
		abort();
}

static void
intent(const bson_t *reply)
{
	struct mongo_batch *b;
	bson_t node;

	if (!mongo_first(reply, &node) ||
	    mongo_intent_parse(&node, &b) != Q_OK)
		return;
	for (size_t i = 0; i < b->n; i++) {
		struct mongo_op *op = &b->op[i];

		if (mongo_batch_find(b, op->d, op->key) != op ||
		    (op->counts[1].group[0] != '\0' && strcmp(
		    op->counts[0].group, op->counts[1].group) == 0))
			abort();
	}
	mongo_batch_free(b);
}

static void
cursor(const uint8_t *p, size_t len)
{
	char after[RECORDD_CURSOR_MAX + 1], next[RECORDD_CURSOR_MAX + 1];
	struct store_query q = { .after = after, .desc = len % 2 };
	const char *key;
	int64_t value;

	if (len >= sizeof(after))
		return;
	memcpy(after, p, len);
	after[len] = '\0';
	if (store_cursor_get(&q, 1900000000, &value, &key, NULL) == Q_OK)
		store_cursor_put(value, key, next);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static void (*const parsers[])(const bson_t *) = { rows, written,
		intent };
	bson_t reply;

	if (len == 0)
		return 0;
	if (p[0] % 4 == 3)
		cursor(p + 1, len - 1);
	else if (bson_init_static(&reply, p + 1, len - 1))
		parsers[p[0] % 4](&reply);
	return 0;
}
