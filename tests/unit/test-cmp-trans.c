// SPDX-License-Identifier: Apache-2.0
/* The table of CMP transactions: by id, of bounded size, for a while. */
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "enrold/cmp_trans.h"
#include "tap.h"

static uint8_t name[16];

static struct cmp_trans *
make(unsigned n)
{
	struct cmp_msg m = { .id = { name, sizeof(name) } };
	struct cmp_trans *t = NULL;

	memcpy(name, &n, sizeof(n));
	if (cmp_trans_new(&m, &t) != Q_OK)
		printf("Bail out! no memory\n");
	return t;
}

static struct cmp_trans *
take(struct cmp_table *table, unsigned n)
{
	memcpy(name, &n, sizeof(n));
	return cmp_trans_take(table, (struct bytes){ name, sizeof(name) });
}

/* Whether the transaction is there; it is not afterwards. */
static bool
there(struct cmp_table *table, unsigned n)
{
	struct cmp_trans *t = take(table, n);

	cmp_trans_free(t);
	return t != NULL;
}

static void
test_ids(struct cmp_table *table)
{
	struct cmp_trans *t = make(1), *again = make(1);

	ok(!there(table, 1), "not kept yet");
	cmp_trans_keep(table, t, 60);
	ok(take(table, 2) == NULL, "another id");
	ok(cmp_trans_take(table, (struct bytes){ name, 8 }) == NULL,
	    "half an id");
	ok(take(table, 1) == t, "taken");
	ok(!there(table, 1), "by one only");
	cmp_trans_keep(table, t, 0);
	cmp_trans_keep(table, again, 60);
	ok(take(table, 1) == again, "one of the same id takes its place");
	ok(!there(table, 1), "and the first is gone");
	cmp_trans_free(again);
}

static void
test_bound(struct cmp_table *table)
{
	unsigned n = 0;

	for (unsigned i = 0; i <= CMP_TRANS_MAX; i++)
		cmp_trans_keep(table, make(i), 60);
	ok(!there(table, 0), "the oldest made room");
	for (unsigned i = 1; i <= CMP_TRANS_MAX; i++)
		n += there(table, i);
	is_int(n, CMP_TRANS_MAX, "the others are there");
}

static void
test_time(struct cmp_table *table)
{
	int64_t end = clock_mono_ms() + 1000;

	cmp_trans_keep(table, make(1), 1);
	cmp_trans_keep(table, make(2), 60);
	while (clock_mono_ms() <= end)
		usleep(20000);
	ok(!there(table, 1), "its time is over");
	ok(there(table, 2), "that of another is not");
}

int
main(void)
{
	struct cmp_table *table;

	if (cmp_table_new(&table) != Q_OK)
		return 1;
	test_ids(table);
	test_bound(table);
	test_time(table);
	cmp_trans_keep(table, make(3), 60);
	cmp_table_free(table);
	return done();
}
