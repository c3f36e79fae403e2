// SPDX-License-Identifier: Apache-2.0
/* What was issued lately is found again, whatever else is asked meanwhile. */
#include "config.h"

#include <stdlib.h>

#include "base/codec.h"
#include "signd/issued.h"
#include "tests/unit/tap.h"

#define MAX 4

static struct issued *issued;

/* Begin the request of this number: its state, or 100 for an error. */
static int
begin(uint64_t number, uint64_t *ret_seq)
{
	uint8_t request[32] = { 0 };
	enum issued_state state = ISSUED_NEW;
	struct issued_at at = { 0 };

	le64_put(request, number);
	if (issued_begin(issued, request, &state, &at) != Q_OK)
		return 100;
	*ret_seq = at.seq;
	return state;
}

static void
end(uint64_t number, enum issued_state state)
{
	uint8_t request[32] = { 0 };
	const struct issued_at at = { number + 1000, 1, 1 };

	le64_put(request, number);
	if (state != ISSUED_NEW)
		issued_set(issued, request, state, &at);
	issued_end(issued, request);
}

static void
test_refused(void)
{
	uint64_t seq;
	int bad = 0;

	is_int(begin(1, &seq), ISSUED_NEW, "a request");
	end(1, ISSUED_DONE);
	is_int(begin(2, &seq), ISSUED_NEW, "another");
	end(2, ISSUED_INTENT);
	for (uint64_t i = 100; i < 100 + 10 * MAX; i++) {
		bad += begin(i, &seq) != ISSUED_NEW;
		end(i, ISSUED_NEW);
	}
	is_int(bad, 0, "many that come to nothing");
	is_int(begin(1, &seq), ISSUED_DONE, "the first is still known");
	is_int(seq, 1001, "and where it is");
	is_int(begin(2, &seq), ISSUED_INTENT, "the other is still begun");
	end(2, ISSUED_DONE);
	is_int(begin(100, &seq), ISSUED_NEW, "what came to nothing is new");
	end(100, ISSUED_NEW);
}

/* With as many at a time as there is room for. */
static void
test_full(void)
{
	uint64_t seq;
	int bad = 0;

	for (uint64_t i = 200; i < 200 + MAX; i++)
		bad += begin(i, &seq) != ISSUED_NEW;
	is_int(bad, 0, "as many as there is room for");
	is_int(begin(300, &seq), 100, "one more is not taken");
	for (uint64_t i = 200; i < 200 + MAX; i++)
		end(i, ISSUED_NEW);
	for (uint64_t i = 400; i < 400 + 2 * MAX; i++) {
		bad += begin(i, &seq) != ISSUED_NEW;
		end(i, ISSUED_DONE);
	}
	is_int(bad, 0, "twice as many, one by one");
	for (uint64_t i = 400 + MAX; i < 400 + 2 * MAX; i++)
		bad += begin(i, &seq) != ISSUED_DONE;
	is_int(bad, 0, "the last of them are known");
	is_int(begin(400, &seq), ISSUED_NEW, "the first was driven out");
	end(400, ISSUED_NEW);
}

int
main(void)
{
	if (issued_new(MAX, &issued) != Q_OK)
		return 99;
	test_refused();
	test_full();
	issued_free(issued);
	return done();
}
