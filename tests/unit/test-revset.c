// SPDX-License-Identifier: Apache-2.0
/* The set of revoked certificates: what is added in any order is found, and
 * walked in order of serial. */
#include "config.h"

#include "enrold/revset.h"

#include <stdio.h>
#include <string.h>

#include "tap.h"

#define MANY 20000

static struct revset *set;

/* Serial i of an issuer, spread over the range by a fixed odd factor. */
static void
serial_of(uint32_t i, uint8_t serial[CERT_SERIAL_LEN])
{
	uint32_t spread = i * UINT32_C(2654435761);

	memset(serial, 0, CERT_SERIAL_LEN);
	serial[0] = 1;
	for (int k = 0; k < 4; k++)
		serial[1 + k] = (uint8_t)(spread >> (24 - 8 * k));
}

static enum q_err
add(const char *issuer, uint32_t i, int64_t not_after)
{
	struct rec_revoked rv = { .revoked_at = 1000 + i,
		.not_after = not_after };
	uint8_t serial[CERT_SERIAL_LEN];
	int n;

	serial_of(i, serial);
	snprintf(rv.issuer, sizeof(rv.issuer), "%s", issuer);
	snprintf(rv.reason, sizeof(rv.reason), "superseded");
	n = snprintf(rv.key, sizeof(rv.key), "%s/", issuer);
	for (int k = 0; k < CERT_SERIAL_LEN; k++)
		n += snprintf(rv.key + n, sizeof(rv.key) - (size_t)n, "%02x",
		    serial[k]);
	return revset_add(set, &rv);
}

static bool
there(const char *issuer, uint32_t i, struct revset_entry *ret)
{
	uint8_t serial[CERT_SERIAL_LEN];

	serial_of(i, serial);
	return revset_find(set, issuer, serial, ret);
}

/* How many a walk gives; -1 when they are not in strict order. */
static int
walk(const char *issuer, uint32_t after, uint32_t *ret_mark)
{
	uint8_t last[CERT_SERIAL_LEN] = { 0 };
	const struct revset_entry *e;
	struct revset_walk w;
	int n = 0;

	if (revset_walk_begin(set, issuer, after, &w, ret_mark) != Q_OK)
		return -1;
	while ((e = revset_walk_next(&w)) != NULL && n >= 0) {
		n = memcmp(e->serial, last, sizeof(last)) > 0 ? n + 1 : -1;
		memcpy(last, e->serial, sizeof(last));
	}
	revset_walk_end(&w);
	return n;
}

static void
test_order(void)
{
	struct revset_entry e = { .not_after = 0 };
	int added = 0, found = 0;
	uint32_t mark, later;

	for (uint32_t i = 0; i < MANY; i++)
		added += add("a", i, i % 2 != 0 ? 2000 : 3000) == Q_OK;
	is_int(added, MANY, "all are new");
	for (uint32_t i = 0; i < MANY; i++)
		found += there("a", i, NULL);
	is_int(found, MANY, "all are found");
	is_int(add("a", 7, 2000), Q_EXISTS, "one that is there");
	ok(!there("a", MANY, NULL), "one that is not");
	ok(!there("b", 7, NULL), "another issuer has none");
	ok(there("a", 7, &e) && e.revoked_at == 1007 &&
	    e.not_after == 2000 && e.reason == CRL_SUPERSEDED,
	    "an entry has what was recorded");
	is_int(walk("a", 0, &mark), MANY, "a walk: all, in order");
	is_int(walk("a", mark, &later), 0, "nothing behind its mark");
	is_int(add("a", MANY, 3000), Q_OK, "one more");
	is_int(walk("a", mark, &later), 1, "is behind the mark");
	is_int(walk("none", 0, &later), 0, "no issuer: nothing to walk");
	is_int(later, 0, "and no mark");
}

static void
test_drop(void)
{
	uint32_t mark;

	is_int(add("b", 1, 2000), Q_OK, "a second issuer");
	revset_drop(set, "a", 2500);
	is_int(revset_count(set, "a"), MANY / 2 + 1, "the ended are dropped");
	ok(!there("a", 7, NULL) && there("a", 8, NULL), "no others");
	is_int(walk("a", 0, &mark), MANY / 2 + 1, "the rest is in order");
	is_int(add("a", 7, 2000), Q_OK, "and can be added to");
	revset_drop(set, "a", INT64_MAX);
	is_int(revset_count(set, "a"), 0, "an issuer is dropped");
	is_int(revset_count(set, "b"), 1, "the other is there");
	ok(there("b", 1, NULL), "with its own");
	is_int(add("a", 9, 2000), Q_OK, "the first may come again");
	is_int(walk("a", 0, &mark), 1, "from the start");
}

static void
test_bad(void)
{
	struct rec_revoked rv = { .issuer = "a", .key = "a" };

	is_int(revset_add(set, &rv), Q_INVALID, "a key without serial");
	snprintf(rv.key, sizeof(rv.key), "a/1234");
	is_int(revset_add(set, &rv), Q_INVALID, "a short serial");
	is_int(revset_fetch(set, "", NULL), Q_INVALID, "no key");
	ok(!revset_ready(set), "not ready: nobody listed the records");
}

int
main(void)
{
	if (!ok(revset_new(NULL, &set) == Q_OK, "a set"))
		return done();
	test_order();
	test_drop();
	test_bad();
	revset_free(set);
	return done();
}
