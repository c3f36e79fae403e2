// SPDX-License-Identifier: Apache-2.0
/*
 * bench-lists ids N: a fleet file of random DeviceIDs.
 *
 * bench-lists SOCKET BATCH SEEDS SECONDS: how long pages of devices at random
 * places take through quoin-recordd, one line of JSON for each way to ask.
 * SEEDS devices with a due time and an intent are put in first, so that there
 * is something in those indexes: no enrold may run, it would do what they say.
 */
#include "config.h"

#include <inttypes.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/own.h"
#include "records/client.h"

#define CALL_MS 60000
#define PAGES_MAX 100000
#define SEEDS_PER_CALL 500 /* so many have the same due time */
#define DUE_FIRST INT64_C(4000000000)

static struct wire_client *client;

static void
need(enum q_err r, const struct fault *f, const char *what)
{
	if (r == Q_OK)
		return;
	fprintf(stderr, "bench-lists: %s: %s\n", what, fault_text(f, r));
	exit(1);
}

static void
random_id(char hex[65])
{
	uint8_t id[32];

	need(RAND_bytes(id, sizeof(id)) == 1 ? Q_OK : Q_INTERNAL, NULL,
	    "random");
	hex_encode(id, sizeof(id), hex);
}

static int
ids(unsigned long n)
{
	char hex[65];

	puts("{\"devices\":[");
	for (unsigned long i = 0; i < n; i++) {
		random_id(hex);
		printf("\"%s\"%s\n", hex, i + 1 < n ? "," : "");
	}
	puts("]}");
	return fflush(stdout) != 0;
}

static void
seed_call(const char *batch, int64_t due)
{
	AUTO_BUF struct buf doc = BUF_INIT(REC_DOC_MAX);
	AUTO_BUF struct buf keys = BUF_INIT(WIRE_BODY_MAX);
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct rec_device dev = { .due = due, .intent = DEVICE_INTENT_PUBLISH };
	struct recordd_insert_many_req req = { .type = REC_DEVICE };
	struct recordd_insert_many_rsp rsp;
	struct fault f = { 0 };
	char hex[65];
	struct recordd_key key = { hex };

	snprintf(dev.batch, sizeof(dev.batch), "%s", batch);
	need(rec_encode(rec_desc(REC_DEVICE), &dev, &doc), NULL, "encode");
	for (int i = 0; i < SEEDS_PER_CALL; i++) {
		random_id(hex);
		wire_list_put(&keys, &recordd_key_type, &key);
	}
	need(keys.bad ? Q_NOMEM : Q_OK, NULL, "keys");
	req.doc = buf_bytes(&doc);
	req.keys = buf_bytes(&keys);
	need(recordd_insert_many(client, &req, &rsp, &hold, &f), &f,
	    "insert_many");
}

/* A way to ask; place() writes the cursor that a page begins behind. */
struct way {
	const char *what, *index, *match;
	bool timed; /* the cursor has a time before the key */
};

static void
place(const struct way *w, unsigned long calls,
    char after[RECORDD_CURSOR_MAX + 1])
{
	uint32_t at;
	char hex[65];

	random_id(hex);
	need(RAND_bytes((uint8_t *)&at, sizeof(at)) == 1 ? Q_OK : Q_INTERNAL,
	    NULL, "random");
	if (w->timed)
		snprintf(after, RECORDD_CURSOR_MAX + 1, "%" PRId64 ":%s",
		    DUE_FIRST + at % (int64_t)calls, hex);
	else
		snprintf(after, RECORDD_CURSOR_MAX + 1, "%s", hex);
}

static int
by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Devices in one page. */
static unsigned
page(const struct way *w, const char *after, uint32_t limit)
{
	struct recordd_list_req req = { .type = REC_DEVICE, .index = w->index,
		.match = w->match, .after = after, .limit = limit };
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct recordd_list_rsp rsp;
	struct recordd_item item;
	struct fault f = { 0 };
	unsigned n = 0;

	need(recordd_list(client, &req, &rsp, &hold, &f), &f, w->what);
	while (wire_list_next(&rsp.items, &recordd_item_type, &item) == Q_OK)
		n++;
	return n;
}

static void
pages(const struct way *w, uint32_t limit, unsigned long calls, double seconds)
{
	static double ms[PAGES_MAX];
	int64_t start = clock_mono_ns();
	uint64_t devices = 0;
	char after[RECORDD_CURSOR_MAX + 1];
	size_t n = 0;

	while (n < PAGES_MAX &&
	    (double)(clock_mono_ns() - start) < seconds * 1e9) {
		int64_t from;

		place(w, calls, after);
		from = clock_mono_ns();
		devices += page(w, after, limit);
		ms[n++] = (double)(clock_mono_ns() - from) / 1e6;
	}
	qsort(ms, n, sizeof(ms[0]), by_value);
	printf("{\"what\":\"%s\",\"limit\":%u,\"pages\":%zu,"
	    "\"of_page\":%.0f,\"p50_ms\":%.3f,\"p99_ms\":%.3f}\n", w->what,
	    limit, n, (double)devices / (double)n, ms[n / 2],
	    ms[n * 99 / 100]);
}

int
main(int argc, char **argv)
{
	static const uint32_t limits[] = { 100, 1000 };
	unsigned long calls;
	double seconds;

	if (argc == 3 && strcmp(argv[1], "ids") == 0)
		return ids(strtoul(argv[2], NULL, 10));
	need(argc == 5 ? Q_OK : Q_INVALID, NULL,
	    "usage: ids N | SOCKET BATCH SEEDS SECONDS");
	calls = strtoul(argv[3], NULL, 10) / SEEDS_PER_CALL;
	seconds = strtod(argv[4], NULL);
	need(calls != 0 ? Q_OK : Q_INVALID, NULL, "SEEDS");
	need(wire_client_new(argv[1], CALL_MS, &client), NULL, argv[1]);
	for (unsigned long i = 0; i < calls; i++)
		seed_call(argv[2], DUE_FIRST + (int64_t)i);
	const struct way ways[] = {
		{ "in order of DeviceIDs", "", "", false },
		{ "of a batch", "batch", argv[2], false },
		{ "in order of due times", "due", "9000000000", true },
		{ "of an intent", "intent", "1", false },
	};
	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		for (size_t k = 0; k < ARRAY_LEN(limits); k++)
			pages(&ways[i], limits[k], calls, seconds);
	wire_client_free(client);
	return 0;
}
