// SPDX-License-Identifier: Apache-2.0
/* The changes of one commit, each of another document. */
#include "config.h"

#include "recordd/store_mongo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"

struct mongo_batch *
mongo_batch_new(size_t cap)
{
	struct mongo_batch *b = calloc(1, sizeof(*b));

	if (b == NULL)
		return NULL;
	b->cap = cap;
	for (b->n_slots = 16; b->n_slots < 2 * cap;)
		b->n_slots *= 2;
	b->op = calloc(cap, sizeof(*b->op));
	b->slot = calloc(b->n_slots, sizeof(*b->slot));
	if (b->op != NULL && b->slot != NULL)
		return b;
	mongo_batch_free(b);
	return NULL;
}

void
mongo_batch_free(struct mongo_batch *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->n; i++)
		bson_destroy(b->op[i].image);
	free(b->op);
	free(b->slot);
	free(b);
}

/* The slot of the key, or the empty one where it would be (FNV-1a). */
static uint32_t *
slot_of(const struct mongo_batch *b, const struct rec_desc *d,
    const char *key)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ d->type;
	size_t at;

	for (const char *c = key; *c != '\0'; c++)
		h = (h ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
	for (at = h & (b->n_slots - 1); b->slot[at] != 0;
	    at = (at + 1) & (b->n_slots - 1)) {
		const struct mongo_op *op = &b->op[b->slot[at] - 1];

		if (op->d == d && strcmp(op->key, key) == 0)
			break;
	}
	return &b->slot[at];
}

static enum q_err
push(struct mongo_batch *b, const struct rec_desc *d, const char *key,
    struct mongo_op **ret_op)
{
	struct mongo_op *op;

	if (b->n == b->cap)
		return Q_TOOBIG;
	op = &b->op[b->n++];
	op->d = d;
	snprintf(op->key, sizeof(op->key), "%s", key);
	*ret_op = op;
	return Q_OK;
}

enum q_err
mongo_batch_add(struct mongo_batch *b, const struct rec_desc *d,
    const char *key, struct mongo_op **ret_op)
{
	uint32_t *slot = slot_of(b, d, key);
	enum q_err r;

	if (*slot != 0)
		return Q_EXISTS;
	r = push(b, d, key, ret_op);
	if (r == Q_OK)
		*slot = (uint32_t)b->n;
	return r;
}

enum q_err
mongo_batch_extra(struct mongo_batch *b, const struct rec_desc *d,
    const char *key, struct mongo_op **ret_op)
{
	enum q_err r = push(b, d, key, ret_op);

	if (r == Q_OK)
		(*ret_op)->state = MONGO_NOT;
	return r;
}

struct mongo_op *
mongo_batch_find(const struct mongo_batch *b, const struct rec_desc *d,
    const char *key)
{
	uint32_t at = *slot_of(b, d, key);

	return at != 0 ? &b->op[at - 1] : NULL;
}

struct mongo_add *
mongo_op_counts(struct mongo_op *op, const char *group)
{
	for (size_t i = 0; i < ARRAY_LEN(op->counts); i++) {
		struct mongo_add *c = &op->counts[i];

		if (c->group[0] == '\0')
			snprintf(c->group, sizeof(c->group), "%s", group);
		if (strcmp(c->group, group) == 0)
			return c;
	}
	return NULL;
}
