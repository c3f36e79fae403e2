// SPDX-License-Identifier: Apache-2.0
/* What the server says. It is believed about what it keeps, not that its
 * answers are well formed. */
#include "config.h"

#include "recordd/store_mongo.h"

#include <string.h>

bool
mongo_sub(const bson_iter_t *it, bson_t *ret_doc)
{
	const uint8_t *p;
	uint32_t len;

	if (BSON_ITER_HOLDS_DOCUMENT(it))
		bson_iter_document(it, &len, &p);
	else if (BSON_ITER_HOLDS_ARRAY(it))
		bson_iter_array(it, &len, &p);
	else
		return false;
	return p != NULL && bson_init_static(ret_doc, p, len);
}

enum q_err
mongo_rows(const bson_t *reply, bson_iter_t *ret_each)
{
	bson_iter_t it, batch;

	if (!bson_iter_init(&it, reply) ||
	    !bson_iter_find_descendant(&it, "cursor.firstBatch", &batch) ||
	    !BSON_ITER_HOLDS_ARRAY(&batch) ||
	    !bson_iter_recurse(&batch, ret_each))
		return Q_INTERNAL;
	return Q_OK;
}

static bool
get_rev(const bson_iter_t *it, uint64_t *ret_rev)
{
	if (!BSON_ITER_HOLDS_INT64(it))
		return false;
	*ret_rev = (uint64_t)bson_iter_int64(it);
	return true;
}

/* A member that is known; others are not ours to judge. */
static bool
get_member(const bson_iter_t *it, struct mongo_row *row)
{
	const char *name = bson_iter_key(it);
	uint32_t len;

	if (strcmp(name, "_id") == 0) {
		if (!BSON_ITER_HOLDS_UTF8(it))
			return false;
		row->key = bson_iter_utf8(it, &len);
		return len > 0 && len <= REC_KEY_MAX &&
		    strlen(row->key) == len;
	}
	if (strcmp(name, "rev") == 0)
		return get_rev(it, &row->rev);
	if (strcmp(name, "prev") == 0)
		return get_rev(it, &row->prev);
	if (strcmp(name, "doc") == 0) {
		if (!BSON_ITER_HOLDS_DOCUMENT(it))
			return false;
		bson_iter_document(it, &len, &row->doc.p);
		row->doc.len = len;
	}
	return true;
}

enum q_err
mongo_row_next(bson_iter_t *each, struct mongo_row *ret_row, struct fault *f)
{
	struct mongo_row row = { 0 };
	bson_iter_t member;
	bool good;

	if (!bson_iter_next(each))
		return each->err_off == 0 ? Q_NOTFOUND
		    : fault_set(f, Q_INTERNAL, "store: malformed answer");
	good = BSON_ITER_HOLDS_DOCUMENT(each) &&
	    bson_iter_recurse(each, &member);
	while (good && bson_iter_next(&member))
		good = get_member(&member, &row);
	if (!good || member.err_off != 0 || row.key == NULL || row.rev == 0)
		return fault_set(f, Q_INTERNAL,
		    "store: a document that is not Quoin's");
	*ret_row = row;
	return Q_OK;
}

/* Text of an error, shortened to what a fault holds. */
static enum q_err
write_fault(const bson_iter_t *it, struct fault *f)
{
	bson_iter_t member;

	if (BSON_ITER_HOLDS_DOCUMENT(it) && bson_iter_recurse(it, &member) &&
	    bson_iter_find(&member, "errmsg") &&
	    BSON_ITER_HOLDS_UTF8(&member))
		return fault_retry(f, Q_UNAVAIL, MONGO_RETRY_SECONDS,
		    "store: %.150s", bson_iter_utf8(&member, NULL));
	return fault_retry(f, Q_UNAVAIL, MONGO_RETRY_SECONDS,
	    "store: write failed");
}

static enum q_err
write_error(const bson_iter_t *it, mongo_duplicate *duplicate, void *ctx,
    struct fault *f)
{
	bson_iter_t error, at, code;

	if (!BSON_ITER_HOLDS_DOCUMENT(it) || !bson_iter_recurse(it, &error))
		return fault_set(f, Q_INTERNAL, "store: malformed answer");
	at = code = error;
	if (!bson_iter_find(&at, "index") || !BSON_ITER_HOLDS_INT(&at) ||
	    bson_iter_as_int64(&at) < 0 ||
	    bson_iter_as_int64(&at) > INT32_MAX)
		return fault_set(f, Q_INTERNAL, "store: malformed answer");
	if (!bson_iter_find(&code, "code") || !BSON_ITER_HOLDS_INT(&code) ||
	    bson_iter_as_int64(&code) != MONGO_DUPLICATE)
		return write_fault(it, f);
	duplicate(ctx, (uint32_t)bson_iter_as_int64(&at));
	return Q_OK;
}

enum q_err
mongo_written(const bson_t *reply, uint32_t *ret_n,
    mongo_duplicate *duplicate, void *ctx, struct fault *f)
{
	bson_iter_t it, each;
	int64_t n = 0;
	enum q_err r = Q_OK;

	if (bson_iter_init_find(&it, reply, "n") && BSON_ITER_HOLDS_INT(&it))
		n = bson_iter_as_int64(&it);
	if (n < 0 || n > INT32_MAX)
		return fault_set(f, Q_INTERNAL, "store: malformed answer");
	if (bson_iter_init_find(&it, reply, "writeConcernError"))
		return write_fault(&it, f);
	if (bson_iter_init_find(&it, reply, "writeErrors")) {
		if (!BSON_ITER_HOLDS_ARRAY(&it) ||
		    !bson_iter_recurse(&it, &each))
			return fault_set(f, Q_INTERNAL,
			    "store: malformed answer");
		while (r == Q_OK && bson_iter_next(&each))
			r = write_error(&each, duplicate, ctx, f);
	}
	*ret_n = (uint32_t)n;
	return r;
}

bool
mongo_first(const bson_t *reply, bson_t *ret_doc)
{
	bson_iter_t each;

	return mongo_rows(reply, &each) == Q_OK && bson_iter_next(&each) &&
	    mongo_sub(&each, ret_doc);
}
