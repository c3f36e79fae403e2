// SPDX-License-Identifier: Apache-2.0
/*
 * records-client CONF [many N]: the log and devices as the command line and the
 * web show and change them, asked of a quoin-recordd that runs; prints TAP. With many:
 * how long pages of a batch take beside N devices in 200 others.
 */
#include "config.h"

#include <inttypes.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/own.h"
#include "records/fleet_list.h"
#include "records/logs.h"
#include "records/policies.h"
#include "tests/integration/records-client.h"

static void
make_batch(const char *name)
{
	struct rec_batch b = { .policy = "p" };

	snprintf(b.key, sizeof(b.key), "%s", name);
	need(rec_batch_insert(client, &b, &f), name);
}

static void
make_device(unsigned n, const char *batch, int64_t state, const char *load)
{
	struct rec_device d = { .state = state };

	snprintf(d.key, sizeof(d.key), "%s", id(n));
	snprintf(d.batch, sizeof(d.batch), "%s", batch);
	snprintf(d.load, sizeof(d.load), "%s", load);
	need(rec_device_insert(client, &d, &f), d.key);
}

/* --- the log --- */

static void
make_note(int64_t t, unsigned n, const char *who, const char *what,
    const char *object)
{
	struct rec_activity a = { .at = t };

	rec_activity_key_at(t, a.key);
	snprintf(a.key + REC_ACTIVITY_KEY_AT, 10, "-%08x", n);
	snprintf(a.who, sizeof(a.who), "%s", who);
	snprintf(a.what, sizeof(a.what), "%s", what);
	snprintf(a.object, sizeof(a.object), "%s", object);
	snprintf(a.detail, sizeof(a.detail), "Number %u", n);
	need(rec_activity_insert(client, &a, &f), "note");
}

struct seen {
	size_t n, pages;
	char first[REC_KEY_MAX + 1], last[REC_KEY_MAX + 1];
	bool descends, ascends;
};

static void
see(struct seen *s, const char *key)
{
	if (s->n++ == 0)
		snprintf(s->first, sizeof(s->first), "%s", key);
	else if (strcmp(key, s->last) < 0)
		s->ascends = false;
	else
		s->descends = false;
	snprintf(s->last, sizeof(s->last), "%s", key);
}

static enum q_err
see_note(void *arg, const struct rec_activity *a)
{
	see(arg, a->key);
	return Q_OK;
}

/* All pages of so many found, so many looked at. */
static size_t
log_pages(const struct rec_log_filter *filter, size_t limit, size_t most,
    struct seen *s)
{
	char after[REC_KEY_MAX + 1] = "";
	struct rec_scan scan = { .client = client, .after = after,
		.limit = limit, .most = most };

	*s = (struct seen){ .descends = true, .ascends = true };
	do {
		if (rec_log_page(&scan, filter, see_note, s, &f) != Q_OK ||
		    scan.found > limit || scan.seen > most ||
		    s->pages++ > 1000)
			return 9999;
		memcpy(after, scan.next, sizeof(after));
	} while (after[0] != '\0');
	return s->n;
}

static void
test_log(void)
{
	struct seen s;
	const int64_t t = 1500000000;

	for (unsigned i = 0; i < 40; i++)
		make_note(t + i / 2, i, i % 4 == 0 ? "ann" : i % 4 == 1 ?
		    "bob" : "", i % 2 ? "device enrol" : "batch edit",
		    i % 5 ? "b1" : "b2");
	is_int(log_pages(&(struct rec_log_filter){ .from = t }, 7, 100, &s),
	    40, "log: all of it");
	ok(s.descends && s.pages == 6, "log: newest first, page by page");
	is_int(log_pages(&(struct rec_log_filter){ .from = t + 5,
	    .to = t + 9 }, 7, 100, &s), 10, "log: between two moments");
	is_int(log_pages(&(struct rec_log_filter){ .from = t,
	    .who = "ann" }, 3, 100, &s), 10, "log: of a user");
	ok(s.descends, "log: of a user, newest first");
	is_int(log_pages(&(struct rec_log_filter){ .from = t, .to = t + 9,
	    .who = "ann" }, 3, 100, &s), 5, "log: of a user until then");
	is_int(log_pages(&(struct rec_log_filter){ .object = "b2" }, 3, 100,
	    &s), 8, "log: of an object");
	is_int(log_pages(&(struct rec_log_filter){ .object = "b2",
	    .who = "ann" }, 3, 2, &s), 2, "log: of an object, by a user");
	is_int(log_pages(&(struct rec_log_filter){ .from = t,
	    .what = "device" }, 50, 100, &s), 20, "log: of a kind");
	is_int(log_pages(&(struct rec_log_filter){ .from = t,
	    .what = "device enrol" }, 50, 100, &s), 20, "log: of one");
	is_int(log_pages(&(struct rec_log_filter){ .from = t,
	    .what = "dev" }, 50, 100, &s), 0, "log: a kind is a word");
	is_int(log_pages(&(struct rec_log_filter){ .text = "nUMBER 3" }, 50,
	    6, &s), 11, "log: that says so, over pages that find nothing");
	ok(s.pages >= 6, "log: each of which looks at a few only");
	is_int(log_pages(&(struct rec_log_filter){ .to = 1000 }, 50, 100, &s),
	    0, "log: before anything happened");
	is_int(log_pages(&(struct rec_log_filter){ .from = INT64_MAX }, 50,
	    100, &s), 0, "log: after the end of time");
}

/* --- devices --- */

static enum q_err
see_device(void *arg, const struct rec_device *dev)
{
	see(arg, dev->key);
	return Q_OK;
}

static size_t
device_pages(const struct rec_device_filter *filter, size_t limit,
    size_t most, struct seen *s)
{
	char after[REC_KEY_MAX + 1] = "";
	struct rec_scan scan = { .client = client, .after = after,
		.limit = limit, .most = most };

	*s = (struct seen){ .descends = true, .ascends = true };
	do {
		if (rec_device_page(&scan, filter, see_device, s, &f) !=
		    Q_OK || scan.found > limit || scan.seen > most ||
		    s->pages++ > 1000)
			return 9999;
		memcpy(after, scan.next, sizeof(after));
	} while (after[0] != '\0');
	return s->n;
}

static void
test_devices(void)
{
	struct rec_batch b;
	struct rec_device d;
	struct seen s;
	char prefix[65];

	make_batch("list");
	make_batch("more");
	for (unsigned i = 0; i < 60; i++)
		make_device(0x1000 + i, i % 2 ? "list" : "more", i % 3 == 0 ?
		    DEVICE_ENROLLED : DEVICE_NOT_ENROLLED,
		    i == 1 ? "77" : "");
	is_int(device_pages(&(struct rec_device_filter){ .batch = "list",
	    .state = -1 }, 7, 100, &s), 30, "devices: of a batch");
	ok(s.ascends && s.pages == 5, "devices: in order");
	is_int(device_pages(&(struct rec_device_filter){ .batch = "list",
	    .state = DEVICE_ENROLLED }, 7, 4, &s), 10,
	    "devices: in a state, a few looked at at once");
	snprintf(prefix, sizeof(prefix), "%.63s", id(0x1010));
	is_int(device_pages(&(struct rec_device_filter){ .batch = "list",
	    .state = -1, .prefix = prefix }, 3, 100, &s), 8,
	    "devices: of a batch that begin so");
	is_str(s.first, id(0x1011), "devices: from the first of these");
	is_int(device_pages(&(struct rec_device_filter){ .state = -1,
	    .prefix = prefix }, 3, 100, &s), 16, "devices: of all batches");
	is_int(device_pages(&(struct rec_device_filter){ .batch = "list",
	    .state = -1, .prefix = id(0x1011) }, 3, 100, &s), 1,
	    "devices: by the whole DeviceID");
	is_int(device_pages(&(struct rec_device_filter){ .batch = "list",
	    .state = -1, .prefix = "f" }, 3, 100, &s), 0,
	    "devices: none begins so");
	is_int(device_pages(&(struct rec_device_filter){ .batch = "nobody",
	    .state = -1 }, 3, 100, &s), 0, "devices: no such batch");
	need(rec_device_get(client, id(0x1021), &d, &f), "get");
	d.approval = DEVICE_APPROVAL_WAITING;
	need(rec_device_put(client, &d, &f), "put");
	is_int(device_pages(&(struct rec_device_filter){ .batch = "list",
	    .state = -1, .waiting = true }, 3, 100, &s), 1,
	    "devices: that wait");
	is_int(device_pages(&(struct rec_device_filter){ .batch = "more",
	    .state = -1, .waiting = true }, 3, 100, &s), 0,
	    "devices: in another batch none does");
	need(rec_batch_get(client, "list", &b, &f), "batch");
	snprintf(b.load_id, sizeof(b.load_id), "77");
	need(rec_batch_put(client, &b, &f), "batch");
	is_int(device_pages(&(struct rec_device_filter){ .batch = "list",
	    .state = -1 }, 7, 100, &s), 29,
	    "devices: without those of a load under way");
}

/* --- moving --- */

static bool
counted(const char *batch, uint64_t all, uint64_t enrolled)
{
	struct rec_device_counts n;
	uint64_t wrong = 9;

	return rec_device_counters(client, batch, &n, &f) == Q_OK &&
	    n.devices == all && n.enrolled == enrolled &&
	    rec_device_recount(client, batch, &wrong, &f) == Q_OK &&
	    wrong == 0;
}

static void
set_deleting(const char *name, bool deleting)
{
	struct rec_batch b;

	need(rec_batch_get(client, name, &b, &f), name);
	b.deleting = deleting;
	need(rec_batch_put(client, &b, &f), name);
}

static void
test_move(void)
{
	struct rec_device d;
	struct seen s;

	make_batch("from");
	make_batch("to");
	for (unsigned i = 0; i < 3; i++)
		make_device(0x2000 + i, "from", DEVICE_ENROLLED, "");
	is_int(rec_device_move(client, id(0x2000), "to", &us, &f), Q_OK,
	    "move");
	need(rec_device_get(client, id(0x2000), &d, &f), "get");
	is_str(d.batch, "to", "move: it is there");
	ok(counted("from", 2, 2) && counted("to", 1, 1),
	    "move: and counted there");
	is_int(rec_device_move(client, id(0x2000), "to", &us, &f), Q_OK,
	    "move: again");
	is_int(log_pages(&(struct rec_log_filter){ .object = id(0x2000) },
	    50, 100, &s), 1, "move: one note of it");
	is_int(rec_device_move(client, id(0x2000), "nowhere", &us, &f),
	    Q_NOTFOUND, "move: no such batch: %s", f.msg);
	is_int(rec_device_move(client, id(0x2fff), "to", &us, &f), Q_NOTFOUND,
	    "move: no such device: %s", f.msg);
	set_deleting("to", true);
	is_int(rec_device_move(client, id(0x2001), "to", &us, &f), Q_CONFLICT,
	    "move: %s", f.msg);
	is_int(rec_device_move(client, id(0x2000), "from", &us, &f),
	    Q_CONFLICT, "move: nor out of it");
	set_deleting("to", false);
	need(rec_device_remove(client, id(0x2001), &us, &f), "remove");
	is_int(rec_device_move(client, id(0x2001), "to", &us, &f), Q_CONFLICT,
	    "move: %s", f.msg);
	ok(counted("from", 2, 2) && counted("to", 1, 1),
	    "move: refusals count nothing");
}

/* Two hands move each device to and fro, a third changes its state. */
#define RACERS 4
#define RACES 40

static void *
race_move(void *arg)
{
	struct rec_actor by = { "racer", "" };
	unsigned me = (unsigned)(uintptr_t)arg;

	for (unsigned i = 0; i < RACES; i++) {
		struct fault mine = { 0 };

		if (rec_device_move(client, id(0x3000 + i % 3), (i + me) % 2 ?
		    "race-a" : "race-b", &by, &mine) != Q_OK)
			return "move";
		if (i % 8 == me && rec_device_revoke(client,
		    id(0x3000 + i % 3), &by, "", &mine) != Q_OK)
			return "revoke";
	}
	return NULL;
}

static void
test_move_race(void)
{
	pthread_t t[RACERS];
	struct rec_device_counts a, b;
	uint64_t wrong[2] = { 9, 9 };
	void *why;

	make_batch("race-a");
	make_batch("race-b");
	for (unsigned i = 0; i < 3; i++)
		make_device(0x3000 + i, "race-a", DEVICE_ENROLLED, "");
	for (unsigned i = 0; i < RACERS; i++)
		pthread_create(&t[i], NULL, race_move, (void *)(uintptr_t)i);
	for (unsigned i = 0; i < RACERS; i++) {
		pthread_join(t[i], &why);
		ok(why == NULL, "race: %s", why != NULL ? (char *)why : "ok");
	}
	need(rec_device_recount(client, "race-a", &wrong[0], &f), "recount");
	need(rec_device_recount(client, "race-b", &wrong[1], &f), "recount");
	need(rec_device_counters(client, "race-a", &a, &f), "counters");
	need(rec_device_counters(client, "race-b", &b, &f), "counters");
	ok(wrong[0] == 0 && wrong[1] == 0, "race: counters were right");
	ok(a.devices + b.devices == 3 && a.revoked + b.revoked == 3,
	    "race: of all devices");
}

/* --- how long it takes --- */

static int
by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* DeviceID number n, in no order. */
static void
scattered(unsigned n, char hex[65])
{
	snprintf(hex, 65, "%08x%056x", n * 2654435769u, n);
}

static void
page_times(const char *what, struct rec_device_filter *filter, size_t most)
{
	static int64_t took[2000];
	char name[32], after[65];
	struct seen s = { 0 };
	size_t n = ARRAY_LEN(took);

	for (size_t i = 0; i < n; i++) {
		struct rec_scan scan = { .client = client, .after = after,
			.limit = 50, .most = most };
		int64_t start = clock_mono_ns();

		snprintf(name, sizeof(name), "batch-%zu", i * 7 % 200);
		scattered((unsigned)i, after);
		filter->batch = filter->batch != NULL ? name : NULL;
		need(rec_device_page(&scan, filter, see_device, &s, &f),
		    what);
		took[i] = clock_mono_ns() - start;
	}
	qsort(took, n, sizeof(took[0]), by_value);
	printf("# %s: p50 %.2f ms, p99 %.2f ms\n", what,
	    (double)took[n / 2] / 1e6, (double)took[n * 99 / 100] / 1e6);
	ok(took[n * 99 / 100] < 50000000, "many: %s in time", what);
}

static void
test_many(size_t n)
{
	char hex[65], name[32];

	for (size_t b = 0; b < 200; b++) {
		AUTO_FLEET struct fleet fl = { 0 };

		snprintf(name, sizeof(name), "batch-%zu", b);
		make_batch(name);
		for (size_t i = 0; i < n / 200; i++) {
			scattered((unsigned)(b * 10000000 + i), hex);
			need(fleet_add(&fl, hex, 64, &f), "fleet");
		}
		need(rec_load_devices(client, name, &fl, NULL, NULL, &f),
		    "load");
	}
	page_times("any", &(struct rec_device_filter){ .batch = "",
	    .state = -1 }, 2000);
	page_times("enrolled, of which there are none",
	    &(struct rec_device_filter){ .batch = "",
	    .state = DEVICE_ENROLLED }, 1000);
	page_times("of all batches", &(struct rec_device_filter){
	    .state = -1, .prefix = "0" }, 2000);
}

/* What the issuing CA was told last; before that somebody else is faster. */
static int64_t ca_lifetime;
static bool overtake;

static enum q_err
ca_told(void *ctx, const struct rec_policy *p, struct fault *why)
{
	struct rec_policy other;
	enum q_err r = Q_OK;

	(void)ctx;
	ca_lifetime = p->device_lifetime;
	if (overtake) {
		overtake = false;
		r = rec_policy_get(client, p->key, &other, why);
		other.device_lifetime = 300;
		if (r == Q_OK)
			r = rec_policy_put(client, &other, why);
	}
	return r;
}

static void
test_policy_race(void)
{
	const struct rec_issuing ca = { ca_told, ca_told, NULL };
	struct rec_policy old, p = { .key = "race", .device_lifetime = 100,
		.issuing_lifetime = 1000 };

	need(rec_policy_make(client, &p, &ca, &us, &f), "policy");
	need(rec_policy_get(client, "race", &p, &f), "policy");
	old = p;
	p.device_lifetime = 200;
	overtake = true;
	is_int(rec_policy_change(client, &p, &old, &ca, &us, &f), Q_CONFLICT,
	    "policy: somebody was faster");
	is_int(ca_lifetime, 300, "policy: his rules are the CA's, too");
}

int
main(int argc, char **argv)
{
	if (argc < 2)
		return 64;
	client_open(argv[1]);
	if (argc > 3) {
		test_many(strtoul(argv[3], NULL, 10));
	} else {
		test_log();
		test_devices();
		test_move();
		test_move_race();
		test_policy_race();
	}
	wire_client_free(client);
	return done();
}
