// SPDX-License-Identifier: Apache-2.0
/*
 * What every store must do. The store is named by QUOIN_TEST_STORE, or is a
 * SQLite file in a folder that goes away.
 */
#include "config.h"

#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "recordd/store.h"
#include "tap.h"

static struct store *st;
static char uri[256], own[64];

/* DeviceID number n, in order of n; good for 16 calls. */
static const char *
id(unsigned n)
{
	static char space[16][REC_KEY_MAX + 1];
	static unsigned at;
	char *key = space[at++ % 16];

	snprintf(key, REC_KEY_MAX + 1, "%064x", n);
	return key;
}

struct one {
	struct store_write w;
	struct buf doc;
	union rec_any rec;
};

static void
one_init(struct one *o, enum store_verb verb, enum rec_type type,
    const char *key, uint64_t rev, const void *rec)
{
	const struct rec_desc *d = rec_desc(type);

	memset(o, 0, sizeof(*o));
	o->doc = (struct buf)BUF_INIT(REC_DOC_MAX);
	o->w = (struct store_write){ .verb = verb, .d = d, .key = key,
		.rev = rev };
	if (rec != NULL) {
		memcpy(&o->rec, rec, d->size);
		if (rec_encode(d, rec, &o->doc) != Q_OK)
			abort();
		o->w.doc = buf_bytes(&o->doc);
		o->w.rec = &o->rec;
	}
}

static enum q_err
write_one(enum store_verb verb, enum rec_type type, const char *key,
    uint64_t rev, const void *rec, uint64_t *new_rev)
{
	struct one o;
	struct store_write *w = &o.w;

	one_init(&o, verb, type, key, rev, rec);
	st->ops->write(st, &w, 1);
	buf_free(&o.doc);
	if (new_rev != NULL)
		*new_rev = o.w.new_rev;
	return o.w.result;
}

static enum q_err
read_device(const char *key, struct rec_device *dev, uint64_t *rev)
{
	AUTO_BUF struct buf doc = BUF_INIT(REC_DOC_MAX);
	enum q_err r = st->ops->get(st, rec_desc(REC_DEVICE), key, &doc, rev,
	    NULL);

	return r != Q_OK ? r : rec_decode(rec_desc(REC_DEVICE),
	    buf_bytes(&doc), dev, NULL);
}

struct counts {
	int64_t all, enrolled, not_enrolled, renewed;
};

static void
count(void *ctx, const char *name, int64_t value)
{
	struct counts *c = ctx;

	if (strcmp(name, "all") == 0)
		c->all = value;
	if (strcmp(name, "enrolled") == 0)
		c->enrolled = value;
	if (strcmp(name, "not_enrolled") == 0)
		c->not_enrolled = value;
	if (strcmp(name, "renewed") == 0)
		c->renewed = value;
}

static struct counts
counters(const char *group)
{
	struct counts c = { 0 };

	if (st->ops->counters(st, rec_desc(REC_DEVICE), group, count, &c,
	    NULL) != Q_OK)
		c.all = -1;
	return c;
}

static void
test_single(void)
{
	struct rec_device dev = { .batch = "one" }, got;
	uint64_t rev = 0, rev2 = 0, seen = 0;

	is_int(read_device(id(1), &got, &seen), Q_NOTFOUND, "get: not there");
	is_int(write_one(STORE_PUT, REC_DEVICE, id(1), 1, &dev, NULL),
	    Q_NOTFOUND, "put: not there");
	is_int(write_one(STORE_DELETE, REC_DEVICE, id(1), 1, NULL, NULL),
	    Q_NOTFOUND, "delete: not there");
	is_int(write_one(STORE_INSERT, REC_DEVICE, id(1), 0, &dev, &rev),
	    Q_OK, "insert");
	is_int(write_one(STORE_INSERT, REC_DEVICE, id(1), 0, &dev, NULL),
	    Q_EXISTS, "insert again");
	is_int(read_device(id(1), &got, &seen), Q_OK, "get");
	ok(seen == rev && strcmp(got.batch, "one") == 0, "same document");
	dev.state = DEVICE_ENROLLED;
	is_int(write_one(STORE_PUT, REC_DEVICE, id(1), rev, &dev, &rev2),
	    Q_OK, "put");
	ok(rev2 != rev, "a new revision");
	is_int(write_one(STORE_PUT, REC_DEVICE, id(1), rev, &dev, NULL),
	    Q_CONFLICT, "put by an old revision");
	is_int(write_one(STORE_DELETE, REC_DEVICE, id(1), rev, NULL, NULL),
	    Q_CONFLICT, "delete by an old revision");
	is_int(read_device(id(1), &got, &seen), Q_OK, "get again");
	ok(seen == rev2 && got.state == DEVICE_ENROLLED &&
	    strcmp(got.batch, "one") == 0, "as it was put");
	is_int(counters("one").enrolled, 1, "counted as enrolled");
	is_int(write_one(STORE_DELETE, REC_DEVICE, id(1), rev2, NULL, NULL),
	    Q_OK, "delete");
	is_int(read_device(id(1), &got, &seen), Q_NOTFOUND, "gone");
	is_int(counters("one").all, 0, "and not counted");
	is_int(write_one(STORE_INSERT, REC_DEVICE, id(1), 0, &dev, &rev2),
	    Q_OK, "insert anew");
	ok(rev2 != rev, "with another first revision");
	is_int(write_one(STORE_DELETE, REC_DEVICE, id(1), rev2, NULL, NULL),
	    Q_OK, "delete anew");
}

static void
test_fixed(void)
{
	struct rec_batch batch = { .policy = "p", .created_at = 1 };
	uint64_t rev = 0;

	is_int(write_one(STORE_INSERT, REC_BATCH, "fixed", 0, &batch, &rev),
	    Q_OK, "fixed: insert");
	batch.created_at = 2;
	is_int(write_one(STORE_PUT, REC_BATCH, "fixed", rev, &batch, NULL),
	    Q_INVALID, "fixed: a fixed field stays");
	is_int(write_one(STORE_DELETE, REC_BATCH, "fixed", rev, NULL, NULL),
	    Q_OK, "fixed: by the same revision as before");
}

static void
test_group(void)
{
	struct rec_device dev = { .batch = "group" };
	struct one o[4];
	struct store_write *w[4];
	struct rec_device got;
	uint64_t rev;

	one_init(&o[0], STORE_INSERT, REC_DEVICE, id(10), 0, &dev);
	one_init(&o[1], STORE_INSERT, REC_DEVICE, id(10), 0, &dev);
	one_init(&o[2], STORE_PUT, REC_DEVICE, id(11), 5, &dev);
	one_init(&o[3], STORE_INSERT, REC_DEVICE, id(12), 0, &dev);
	for (size_t i = 0; i < 4; i++)
		w[i] = &o[i].w;
	st->ops->write(st, w, 4);
	is_int(o[0].w.result, Q_OK, "group: first insert");
	is_int(o[1].w.result, Q_EXISTS, "group: the same again");
	is_int(o[2].w.result, Q_NOTFOUND, "group: put of what is not there");
	is_int(o[3].w.result, Q_OK, "group: unharmed by its neighbours");
	is_int(read_device(id(12), &got, &rev), Q_OK, "group: stored");
	is_int(counters("group").all, 2, "group: counted");
	for (size_t i = 0; i < 4; i++)
		buf_free(&o[i].doc);
}

static void
keys_put(struct buf *b, unsigned from, unsigned n, unsigned step)
{
	for (unsigned i = 0; i < n; i++) {
		struct recordd_key k = { id(from + i * step) };

		wire_list_put(b, &recordd_key_type, &k);
	}
}

static void
test_many(void)
{
	AUTO_BUF struct buf keys = BUF_INIT(WIRE_BODY_MAX);
	AUTO_BUF struct buf taken = BUF_INIT(WIRE_BODY_MAX);
	struct rec_device dev = { .batch = "many", .load = "0123" };
	struct recordd_taken t = { 0 };
	struct store_write *w;
	struct one o;
	struct bytes rest;

	keys_put(&keys, 100, 50, 2);
	one_init(&o, STORE_MANY, REC_DEVICE, NULL, 0, &dev);
	o.w.keys = buf_bytes(&keys);
	o.w.taken = &taken;
	w = &o.w;
	st->ops->write(st, &w, 1);
	is_int(o.w.result, Q_OK, "many");
	ok(o.w.changed == 50 && taken.len == 0, "all were new");
	is_int(counters("many").all, 50, "all are counted");
	buf_reset(&keys);
	keys_put(&keys, 101, 2, 2);
	keys_put(&keys, 102, 1, 1);
	buf_free(&o.doc);
	snprintf(dev.batch, sizeof(dev.batch), "many2");
	one_init(&o, STORE_MANY, REC_DEVICE, NULL, 0, &dev);
	o.w.keys = buf_bytes(&keys);
	o.w.taken = &taken;
	st->ops->write(st, &w, 1);
	ok(o.w.result == Q_OK && o.w.changed == 2, "two of three are new");
	rest = buf_bytes(&taken);
	ok(wire_list_next(&rest, &recordd_taken_type, &t) == Q_OK &&
	    t.pos == 2 && strcmp(t.group, "many") == 0 && rest.len == 0,
	    "the third is told, and where it is");
	is_int(counters("many2").all, 2, "two are counted");
	is_int(counters("many").all, 50, "and fifty stay");
	buf_free(&o.doc);
}

struct seen {
	unsigned n, limit;
	bool sorted, desc;
	char first[REC_KEY_MAX + 1], last[REC_KEY_MAX + 1];
};

static bool
see(void *ctx, const char *key, uint64_t rev, struct bytes doc)
{
	struct seen *s = ctx;
	struct rec_device dev;

	if (s->limit != 0 && s->n == s->limit)
		return false;
	if (rec_decode(rec_desc(REC_DEVICE), doc, &dev, NULL) != Q_OK ||
	    rev == 0)
		s->sorted = false;
	if (s->n++ == 0)
		snprintf(s->first, sizeof(s->first), "%s", key);
	else if (s->desc ? strcmp(s->last, key) <= 0
			 : strcmp(s->last, key) >= 0)
		s->sorted = false;
	snprintf(s->last, sizeof(s->last), "%s", key);
	return true;
}

static enum q_err
list(struct seen *s, const char *index, const char *match, const char *after,
    uint32_t limit, char next[RECORDD_CURSOR_MAX + 1])
{
	struct store_query q = { .d = rec_desc(REC_DEVICE), .match = match,
		.after = after, .limit = limit, .desc = s->desc };

	if (index != NULL)
		q.index = rec_field(q.d, index);
	*s = (struct seen){ .sorted = true, .limit = s->limit,
		.desc = s->desc };
	return st->ops->list(st, &q, see, s, next, NULL);
}

static void
test_list(void)
{
	char next[RECORDD_CURSOR_MAX + 1], after[RECORDD_CURSOR_MAX + 1] = "";
	struct seen s = { 0 };
	struct rec_device dev = { .batch = "many" };
	unsigned pages = 0, all = 0;

	is_int(list(&s, "batch", "many", "", 1000, next), Q_OK, "by index");
	ok(s.n == 50 && s.sorted && next[0] == '\0', "all of the batch");
	list(&s, "batch", "nothing", "", 10, next);
	ok(s.n == 0 && next[0] == '\0', "an index value nobody has");
	do {
		list(&s, "batch", "many", after, 7, next);
		all += s.n;
		if (pages == 2)
			/* before and behind where we are */
			for (unsigned i = 0; i < 2; i++)
				write_one(STORE_INSERT, REC_DEVICE,
				    id(i ? 2000 : 50), 0, &dev, NULL);
		snprintf(after, sizeof(after), "%s", next);
		pages++;
	} while (next[0] != '\0' && pages < 20);
	ok(all == 51 && pages == 8, "pages hold while keys join: %u in %u",
	    all, pages);
	s.limit = 3;
	list(&s, "batch", "many", "", 7, next);
	is_str(next, s.last, "a reader that has enough goes on there");
	s.limit = 0;
	list(&s, NULL, "", "", 1000, next);
	ok(s.n >= 54 && s.sorted, "in order of keys");
	all = s.n;
	snprintf(after, sizeof(after), "%s", s.first);
	list(&s, NULL, "", after, 1000, next);
	is_int(s.n, all - 1, "after a key");
	list(&s, NULL, id(100), "", 10, next);
	is_int(s.n, 1, "by the beginning of the key, here all of it");
	list(&s, NULL, "f", "", 10, next);
	is_int(s.n, 0, "no key begins so");
}

static void
test_due(void)
{
	char next[RECORDD_CURSOR_MAX + 1], after[RECORDD_CURSOR_MAX + 1] = "";
	struct rec_device dev = { .batch = "due" };
	struct seen s = { 0 };
	uint64_t rev[3];

	for (unsigned i = 0; i < 3; i++) {
		dev.due = 3000000000 - i * 10;
		write_one(STORE_INSERT, REC_DEVICE, id(300 + i), 0, &dev,
		    &rev[i]);
	}
	is_int(list(&s, "due", "2999999985", "", 10, next), Q_OK, "due");
	ok(s.n == 1 && strcmp(s.first, id(302)) == 0, "those up to a time");
	list(&s, "due", "3000000000", "", 10, next);
	ok(s.n == 3 && strcmp(s.first, id(302)) == 0 &&
	    strcmp(s.last, id(300)) == 0, "in order of time");
	list(&s, "due", "3000000000", "", 2, after);
	ok(s.n == 2 && after[0] != '\0', "a page of it");
	list(&s, "due", "3000000000", after, 2, next);
	ok(s.n == 1 && next[0] == '\0' && strcmp(s.first, id(300)) == 0,
	    "and the next");
	is_int(list(&s, "due", "3000000000", "rubbish", 2, next), Q_INVALID,
	    "a cursor from elsewhere");
	is_int(list(&s, "due", "soon", "", 2, next), Q_INVALID,
	    "a time that is none");
	dev.due = 0;
	write_one(STORE_PUT, REC_DEVICE, id(300), rev[0], &dev, NULL);
	list(&s, "due", "9000000000", "", 10, next);
	is_int(s.n, 2, "no longer due");
	dev.due = 5;
	write_one(STORE_PUT, REC_DEVICE, id(301), rev[1], &dev, NULL);
	list(&s, "due", "6", "", 10, next);
	is_int(s.n, 1, "due earlier");
}

/* Page by page; *s is of the last. */
static unsigned
list_all(struct seen *s, const char *index, const char *match, uint32_t limit)
{
	char next[RECORDD_CURSOR_MAX + 1], after[RECORDD_CURSOR_MAX + 1] = "";
	char before[REC_KEY_MAX + 1] = "";
	unsigned n = 0, pages = 0;

	do {
		if (list(s, index, match, after, limit, next) != Q_OK ||
		    !s->sorted || (before[0] != '\0' && index == NULL &&
		    strcmp(s->first, before) >= 0))
			return 9999;
		n += s->n;
		snprintf(after, sizeof(after), "%s", next);
		snprintf(before, sizeof(before), "%s", s->last);
	} while (next[0] != '\0' && ++pages < 100);
	return n;
}

static void
test_desc(void)
{
	char next[RECORDD_CURSOR_MAX + 1], after[RECORDD_CURSOR_MAX + 1] = "";
	struct rec_device dev = { .batch = "desc" };
	struct seen s = { .desc = true };

	for (unsigned i = 0; i < 12; i++) {
		dev.due = 4000000000 + i / 3;
		dev.intent = i % 2 ? DEVICE_INTENT_PUBLISH : 0;
		write_one(STORE_INSERT, REC_DEVICE, id(0xabc0 + i), 0, &dev,
		    NULL);
	}
	is_int(list_all(&s, NULL, "", 7), counters("").all, "descending: all");
	is_int(list_all(&s, "batch", "desc", 5), 12, "descending: by an STR");
	is_str(s.last, id(0xabc0), "descending: the first comes last");
	is_int(list_all(&s, "intent", "1", 4), 6, "descending: by an ENUM");
	is_str(s.last, id(0xabc1), "descending: down to the first of it");
	list(&s, NULL, "", id(0xabc4), 2, next);
	ok(s.n == 2 && strcmp(s.first, id(0xabc3)) == 0,
	    "descending: from a key on");
	snprintf(after, sizeof(after), "%.63s", id(0xabc4));
	list(&s, NULL, after, id(0xffff), 100, next);
	ok(s.n == 12 && strcmp(s.first, id(0xabcb)) == 0 &&
	    strcmp(s.last, id(0xabc0)) == 0,
	    "descending: what begins so, from behind it");
	list(&s, NULL, after, id(0xabc5), 100, next);
	is_int(s.n, 5, "descending: what begins so, from the middle");
	s.desc = false;
	list(&s, NULL, after, id(1), 100, next);
	is_int(s.n, 12, "ascending: what begins so, from before it");
	s.desc = true;
	list(&s, "due", "4000000002", "", 4, after);
	ok(s.n == 4 && strcmp(s.first, id(0xabc8)) == 0 &&
	    strcmp(s.last, id(0xabc5)) == 0, "descending: up to a time");
	list(&s, "due", "4000000002", after, 6, next);
	ok(s.n == 6 && strcmp(s.first, id(0xabc4)) == 0 &&
	    strcmp(s.last, id(302)) == 0, "descending: then earlier ones");
	list(&s, "due", "4000000001", "9000000000:f", 2, next);
	ok(s.n == 2 && strcmp(s.first, id(0xabc5)) == 0,
	    "descending: not from later than the match");
}

static void
add_cert(struct rec_device *dev, unsigned n)
{
	struct rec_cert *c = &dev->certs.c[dev->certs.n++];

	memset(c, 0, sizeof(*c));
	snprintf(c->issuer, sizeof(c->issuer), "%016x", 7);
	snprintf(c->serial, sizeof(c->serial), "%032x", n);
	c->not_before = 1000;
	c->not_after = 2000;
}

/* Devices that hold the certificate; the first of them in s. */
static unsigned
holders(struct seen *s, unsigned n)
{
	char name[64], next[RECORDD_CURSOR_MAX + 1];

	snprintf(name, sizeof(name), "%016x/%032x", 7, n);
	return list(s, "certs", name, "", 10, next) == Q_OK ? s->n : 99;
}

static void
test_certs(void)
{
	struct rec_device dev = { .batch = "certs" }, other = dev;
	char next[RECORDD_CURSOR_MAX + 1];
	struct seen s = { 0 };
	uint64_t rev = 0, rev2 = 0;

	is_int(holders(&s, 1), 0, "certificate: unknown");
	add_cert(&dev, 1);
	add_cert(&dev, 2);
	write_one(STORE_INSERT, REC_DEVICE, id(350), 0, &dev, &rev);
	ok(holders(&s, 1) == 1 && strcmp(s.first, id(350)) == 0,
	    "certificate: found by issuer and serial");
	is_int(holders(&s, 2), 1, "certificate: and another of the device");
	dev.certs.n = 0;
	add_cert(&dev, 3);
	add_cert(&dev, 2);
	is_int(write_one(STORE_PUT, REC_DEVICE, id(350), rev, &dev, &rev),
	    Q_OK, "certificate: renewed");
	ok(holders(&s, 1) == 0 && holders(&s, 2) == 1 && holders(&s, 3) == 1,
	    "certificate: one went, one stayed, one came");
	is_int(list(&s, "certs", "0000000000000007/", "", 10, next), Q_OK,
	    "certificate: by its issuer alone");
	is_int(s.n, 0, "certificate: is not found");
	add_cert(&other, 2);
	is_int(write_one(STORE_PUT, REC_DEVICE, id(350), 1, &other, NULL),
	    Q_CONFLICT, "certificate: a put that fails");
	is_int(holders(&s, 3), 1, "certificate: leaves it");
	write_one(STORE_INSERT, REC_DEVICE, id(351), 0, &other, &rev2);
	ok(holders(&s, 2) == 2 && s.sorted, "certificate: of two devices");
	write_one(STORE_DELETE, REC_DEVICE, id(350), rev, NULL, NULL);
	ok(holders(&s, 3) == 0 && holders(&s, 2) == 1 &&
	    strcmp(s.first, id(351)) == 0, "certificate: deleted with one");
	write_one(STORE_DELETE, REC_DEVICE, id(351), rev2, NULL, NULL);
	is_int(holders(&s, 2), 0, "certificate: and with the other");
}

static void
test_purge(void)
{
	struct store_write *w;
	struct one o;
	uint64_t deleted = 0;
	unsigned calls = 0;
	char after[RECORDD_CURSOR_MAX + 1] = "";

	do {
		one_init(&o, STORE_PURGE, REC_DEVICE, NULL, 0, NULL);
		o.w.query = (struct store_query){ .d = o.w.d,
			.index = rec_field(o.w.d, "batch"), .match = "many",
			.after = after };
		o.w.field = rec_field(o.w.d, "load");
		o.w.value = "0123";
		w = &o.w;
		st->ops->write(st, &w, 1);
		deleted += o.w.changed;
		snprintf(after, sizeof(after), "%s", o.w.next);
	} while (o.w.result == Q_OK && after[0] != '\0' && ++calls < 10);
	is_int(deleted, 50, "purge: those of the load");
	is_int(counters("many").all, 2, "purge: and no others");
}

/* A page of a recount; where to go on in after. */
static enum q_err
recount(const char *group, char after[RECORDD_CURSOR_MAX + 1],
    uint64_t *wrong)
{
	struct store_write *w;
	struct one o;

	one_init(&o, STORE_RECOUNT, REC_DEVICE, NULL, 0, NULL);
	o.w.query = (struct store_query){ .d = o.w.d,
		.index = rec_group(o.w.d), .match = group, .after = after };
	w = &o.w;
	st->ops->write(st, &w, 1);
	snprintf(after, RECORDD_CURSOR_MAX + 1, "%s", o.w.next);
	*wrong = o.w.changed;
	return o.w.result;
}

static void
load_many(const char *batch, unsigned from, unsigned n)
{
	AUTO_BUF struct buf keys = BUF_INIT(WIRE_BODY_MAX);
	AUTO_BUF struct buf taken = BUF_INIT(WIRE_BODY_MAX);
	struct rec_device dev = { 0 };
	struct store_write *w;
	struct one o;

	snprintf(dev.batch, sizeof(dev.batch), "%s", batch);
	keys_put(&keys, from, n, 1);
	one_init(&o, STORE_MANY, REC_DEVICE, NULL, 0, &dev);
	o.w.keys = buf_bytes(&keys);
	o.w.taken = &taken;
	w = &o.w;
	st->ops->write(st, &w, 1);
	is_int(o.w.changed, n, "recount: %u devices", n);
	buf_free(&o.doc);
}

/* Between two pages the group changes before and behind the first. */
static void
test_recount(void)
{
	struct rec_device dev = { .batch = "recount" };
	char after[RECORDD_CURSOR_MAX + 1] = "";
	uint64_t wrong = 9, rev;

	is_int(recount("many", after, &wrong), Q_OK, "recount: a small group");
	ok(wrong == 0 && after[0] == '\0', "recount: nothing was wrong");
	load_many("recount", 5000, 1300);
	is_int(recount("recount", after, &wrong), Q_OK, "recount: a page");
	ok(after[0] != '\0', "recount: there is more");
	dev.state = DEVICE_ENROLLED;
	for (unsigned n = 5001; n <= 6299; n += 1298) {
		struct rec_device old;

		read_device(id(n), &old, &rev);
		write_one(STORE_PUT, REC_DEVICE, id(n), rev, &dev, NULL);
		read_device(id(n - 1), &old, &rev);
		write_one(STORE_DELETE, REC_DEVICE, id(n - 1), rev, NULL,
		    NULL);
	}
	write_one(STORE_INSERT, REC_DEVICE, id(4999), 0, &dev, NULL);
	write_one(STORE_INSERT, REC_DEVICE, id(6400), 0, &dev, NULL);
	is_int(recount("recount", after, &wrong), Q_OK, "recount: the rest");
	ok(wrong == 0 && after[0] == '\0',
	    "recount: what changed meanwhile is counted once");
	ok(counters("recount").all == 1300 &&
	    counters("recount").enrolled == 4, "recount: so many");
	snprintf(after, sizeof(after), "%s", id(5500));
	is_int(recount("recount", after, &wrong), Q_CONFLICT,
	    "recount: from where none has come to");
}

/* Devices of two groups, one of which has another state. */
static void
test_move(void)
{
	struct rec_device dev = { .batch = "from", .state = DEVICE_ENROLLED };
	struct seen s = { 0 };
	char next[RECORDD_CURSOR_MAX + 1], after[RECORDD_CURSOR_MAX + 1] = "";
	uint64_t rev[3], wrong;

	for (unsigned i = 0; i < 3; i++)
		write_one(STORE_INSERT, REC_DEVICE, id(7000 + i), 0, &dev,
		    &rev[i]);
	snprintf(dev.batch, sizeof(dev.batch), "to");
	dev.renewed = true;
	is_int(write_one(STORE_PUT, REC_DEVICE, id(7001), rev[1], &dev,
	    &rev[1]), Q_OK, "move");
	ok(counters("from").all == 2 && counters("from").enrolled == 2,
	    "move: one less where it was");
	ok(counters("to").all == 1 && counters("to").renewed == 1,
	    "move: one more where it is, as it is now");
	list(&s, "batch", "from", "", 10, next);
	is_int(s.n, 2, "move: the list of the one");
	list(&s, "batch", "to", "", 10, next);
	ok(s.n == 1 && strcmp(s.first, id(7001)) == 0,
	    "move: the list of the other");
	is_int(write_one(STORE_PUT, REC_DEVICE, id(7000), rev[1], &dev, NULL),
	    Q_CONFLICT, "move: by an old revision");
	ok(counters("from").all == 2 && counters("to").all == 1,
	    "move: which counts nothing");
	is_int(write_one(STORE_DELETE, REC_DEVICE, id(7001), rev[1], NULL,
	    NULL), Q_OK, "move: and delete");
	is_int(counters("to").all, 0, "move: from where it went");
	for (unsigned i = 0; i < 2; i++) {
		is_int(recount(i ? "from" : "to", after, &wrong), Q_OK,
		    "move: recount");
		is_int(wrong, 0, "move: was right");
	}
}

/* Into a group and out of it while it is counted. */
static void
test_move_recount(void)
{
	struct rec_device dev = { .batch = "move" }, old;
	char after[RECORDD_CURSOR_MAX + 1] = "";
	uint64_t wrong, rev;

	load_many("move", 20000, 1200);
	is_int(recount("move", after, &wrong), Q_OK, "move: a page");
	for (unsigned i = 0; i < 2; i++) {
		/* behind where it has come to, and before */
		unsigned n = i ? 21100 : 20100;

		snprintf(dev.batch, sizeof(dev.batch), "away");
		read_device(id(n), &old, &rev);
		write_one(STORE_PUT, REC_DEVICE, id(n), rev, &dev, NULL);
		snprintf(dev.batch, sizeof(dev.batch), "move");
		read_device(id(i ? 21300 : 5200), &old, &rev);
		if (i)
			write_one(STORE_INSERT, REC_DEVICE, id(21300), 0,
			    &dev, NULL);
		else
			write_one(STORE_PUT, REC_DEVICE, id(5200), rev, &dev,
			    NULL);
	}
	is_int(recount("move", after, &wrong), Q_OK, "move: the rest");
	ok(wrong == 0 && after[0] == '\0',
	    "move: what moved meanwhile is counted once");
	is_int(counters("move").all, 1200, "move: so many");
}

#define THREADS 4
#define TIMES 200

static struct {
	pthread_mutex_t lock;
	pthread_barrier_t start;
} race;

/* Reads run beside writes; only writes take turns. */
static void *
raise_issued(void *ctx)
{
	char key[REC_KEY_MAX + 1];
	unsigned done = 0, *conflicts = ctx;

	snprintf(key, sizeof(key), "%064x", 400);
	pthread_barrier_wait(&race.start);
	while (done < TIMES) {
		struct rec_device dev;
		uint64_t rev;
		enum q_err r;

		if (read_device(key, &dev, &rev) != Q_OK)
			abort();
		dev.issued++;
		dev.renewed = !dev.renewed;
		pthread_mutex_lock(&race.lock);
		r = write_one(STORE_PUT, REC_DEVICE, key, rev, &dev, NULL);
		pthread_mutex_unlock(&race.lock);
		if (r == Q_OK)
			done++;
		else if (r == Q_CONFLICT)
			++*conflicts;
		else
			abort();
	}
	return NULL;
}

static void
test_race(void)
{
	struct rec_device dev = { .batch = "race" };
	pthread_t t[THREADS];
	unsigned conflicts[THREADS] = { 0 }, sum = 0;
	uint64_t rev;

	pthread_mutex_init(&race.lock, NULL);
	pthread_barrier_init(&race.start, NULL, THREADS);
	write_one(STORE_INSERT, REC_DEVICE, id(400), 0, &dev, NULL);
	for (unsigned i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, raise_issued, &conflicts[i]);
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		sum += conflicts[i];
	}
	is_int(read_device(id(400), &dev, &rev), Q_OK, "race: read");
	is_int(dev.issued, THREADS * TIMES, "race: no update was lost "
	    "(%u conflicts)", sum);
	ok(counters("race").renewed == 0 && counters("race").all == 1,
	    "race: counters are exact");
}

static void
test_reopen(void)
{
	struct counts before = counters(""), after;
	struct seen s = { 0 };
	struct fault f = { 0 };
	char next[RECORDD_CURSOR_MAX + 1];
	struct store *second;

	is_int(store_open(uri, own, &second, &f), Q_EXISTS,
	    "a second user is refused: %s", f.msg);
	st->ops->close(st);
	is_int(store_open(uri, own, &st, &f), Q_OK, "open again %s", f.msg);
	after = counters("");
	ok(before.all > 0 && memcmp(&before, &after, sizeof(after)) == 0,
	    "counters are as they were");
	list(&s, NULL, "", "", 5000, next);
	is_int(s.n, after.all, "and what they count");
}

static int
remove_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
	(void)sb;
	(void)flag;
	(void)ftw;
	return remove(path);
}

int
main(void)
{
	const char *given = getenv("QUOIN_TEST_STORE");
	char dir[] = "/tmp/test-store.XXXXXX";
	struct fault f = { 0 };

	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(own, sizeof(own), "%s/records", dir);
	if (given != NULL)
		snprintf(uri, sizeof(uri), "%s", given);
	else
		snprintf(uri, sizeof(uri), "sqlite:%s/records/quoin.db", dir);
	is_int(store_open("oracle:x", own, &st, &f), Q_CONFIG, "no such kind");
	if (!ok(store_open(uri, own, &st, &f) == Q_OK, "open %s", f.msg))
		return done();
	test_single();
	test_fixed();
	test_group();
	test_many();
	test_list();
	test_due();
	test_desc();
	test_certs();
	test_purge();
	test_race();
	test_recount();
	test_move();
	test_move_recount();
	test_reopen();
	st->ops->close(st);
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return done();
}
