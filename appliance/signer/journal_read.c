// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "signer/journal_read.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/codec.h"
#include "base/own.h"

#define X(name, fields) WIRE_DEFINE(name, fields)
JOURNAL_MESSAGES(X)
#undef X

static const struct {
	uint32_t num;
	const char *name;
	const struct wire_type *type;
} types[] = {
#define X(name, num, text) { num, #name, &journal_##name##_type },
	JOURNAL_TYPES(X)
#undef X
};

const char *
journal_type_name(uint32_t type)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].num == type)
			return types[i].name;
	return NULL;
}

const struct wire_type *
journal_type_of(uint32_t type)
{
	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (types[i].num == type)
			return types[i].type;
	return NULL;
}

void
journal_segment_name(uint64_t first, char out[40])
{
	snprintf(out, 40, "journal-%020" PRIu64 ".qj", first);
}

void
journal_note(const struct journal_end *end, char out[JOURNAL_NOTE_LEN])
{
	int n = snprintf(out, JOURNAL_NOTE_LEN, "%" PRIu64 " ", end->seq);

	hex_encode(end->hash, JOURNAL_HASH, out + n);
}

static bool
all_zero(struct bytes b)
{
	for (size_t i = 0; i < b.len; i++)
		if (b.p[i] != 0)
			return false;
	return true;
}

enum q_err
journal_record_parse(struct bytes b, struct journal_record *ret_record)
{
	struct journal_record r = { 0 };
	uint8_t hash[JOURNAL_HASH];

	if (b.len == 0)
		return Q_NOTFOUND;
	if (b.len < 4)
		return Q_TOOBIG;
	r.length = le32_get(b.p);
	if (r.length == 0 && all_zero(b))
		return Q_TOOBIG;
	if (r.length < JOURNAL_HEAD + JOURNAL_HASH ||
	    r.length > JOURNAL_RECORD_MAX)
		return Q_PROTO;
	if (r.length > b.len)
		return Q_TOOBIG;
	r.type = le32_get(b.p + 4);
	r.seq = le64_get(b.p + 8);
	r.wall = le64_get(b.p + 16);
	r.mono_ns = le64_get(b.p + 24);
	r.uid = le32_get(b.p + 32);
	memcpy(r.key, b.p + 36, 16);
	r.prev = (struct bytes){ b.p + 52, JOURNAL_HASH };
	r.body = (struct bytes){ b.p + JOURNAL_HEAD,
		r.length - JOURNAL_HEAD - JOURNAL_HASH };
	r.hash = (struct bytes){ b.p + r.length - JOURNAL_HASH, JOURNAL_HASH };
	SHA256(b.p, r.length - JOURNAL_HASH, hash);
	if (memcmp(hash, r.hash.p, JOURNAL_HASH) != 0) {
		/* Blocks of the last write that never reached the disk. */
		return all_zero(r.hash) && all_zero((struct bytes){
			b.p + r.length, b.len - r.length }) ? Q_TOOBIG :
		    Q_SIGNATURE;
	}
	*ret_record = r;
	return Q_OK;
}

struct segment {
	uint64_t first;
	const char *dir;
};

struct segments {
	struct segment *all;
	size_t n;
};

/* Of one that is in both folders, the journal's own comes first. */
static int
by_number(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static bool
segment_known(const struct segments *s, uint64_t first)
{
	for (size_t i = 0; i < s->n; i++)
		if (s->all[i].first == first)
			return true;
	return false;
}

static enum q_err
segments_add(struct segments *s, const char *dir)
{
	DIR *d = opendir(dir);
	size_t own = s->n;
	enum q_err r = Q_OK;

	if (d == NULL)
		return errno == ENOENT ? Q_NOTFOUND : Q_IO;
	for (struct dirent *e; r == Q_OK && (e = readdir(d)) != NULL;) {
		struct segment *grown;
		uint64_t first;
		char name[40];

		if (sscanf(e->d_name, "journal-%20" SCNu64 ".qj", &first) != 1)
			continue;
		journal_segment_name(first, name);
		if (strcmp(name, e->d_name) != 0 || (own != 0 &&
		    segment_known(&(struct segments){ s->all, own }, first)))
			continue;
		grown = realloc(s->all, (s->n + 1) * sizeof(*grown));
		if (grown == NULL) {
			r = Q_NOMEM;
			continue;
		}
		s->all = grown;
		grown[s->n++] = (struct segment){ first, dir };
	}
	closedir(d);
	return r;
}

/* Those of the range, ascending. */
static enum q_err
segments_list(const struct journal_range *range, struct segments *s,
    size_t *ret_from, struct fault *f)
{
	const char *dir = range->dir;
	size_t from = 0;
	enum q_err r = segments_add(s, dir);

	if (r == Q_OK && range->archive != NULL) {
		dir = range->archive;
		r = segments_add(s, dir);
	}
	if (r != Q_OK)
		return fault_set(f, r, "%.150s: %s", dir, q_err_text(r));
	if (s->n != 0)
		qsort(s->all, s->n, sizeof(*s->all), by_number);
	if (range->last != 0 && s->n > range->last)
		from = s->n - range->last;
	while (from + 1 < s->n && s->all[from + 1].first <= range->from)
		from++;
	*ret_from = from;
	return Q_OK;
}

struct walk {
	journal_each each;
	void *arg;
	struct journal_end end;
	bool whole;	/* from the very first record */
	bool begun;
	bool last;	/* in the last segment */
	struct fault *f;
};

static enum q_err
broken(struct walk *w, const char *why)
{
	char name[40];

	journal_segment_name(w->end.segment, name);
	return fault_set(w->f, Q_SIGNATURE, "%s at byte %" PRIu64
	    " (after record %" PRIu64 "): %s", name, w->end.offset,
	    w->end.seq, why);
}

/* A record follows the one before it, or begins what we look at. */
static enum q_err
link_check(struct walk *w, const struct journal_record *r)
{
	if (w->begun || w->whole) {
		if (r->seq != w->end.seq + 1)
			return broken(w, "a record is missing or misplaced");
		if (memcmp(r->prev.p, w->end.hash, JOURNAL_HASH) != 0)
			return broken(w, "the chain is broken");
	}
	if (w->end.offset == 0 && r->seq != w->end.segment)
		return broken(w, "the segment begins with another record");
	if (w->end.first == 0)
		w->end.first = r->seq;
	w->begun = true;
	w->end.seq = r->seq;
	memcpy(w->end.hash, r->hash.p, JOURNAL_HASH);
	return Q_OK;
}

static enum q_err
segment_walk(struct walk *w, struct bytes all)
{
	enum q_err e;

	for (w->end.offset = 0;;) {
		struct journal_record r;
		struct bytes rest = { all.p + w->end.offset,
			all.len - w->end.offset };

		e = journal_record_parse(rest, &r);
		if (e == Q_NOTFOUND)
			return Q_OK;
		if (e == Q_TOOBIG && w->last) {
			w->end.torn = rest.len;
			return Q_OK;
		}
		if (e != Q_OK)
			return broken(w, e == Q_SIGNATURE ?
			    "the record was changed" : "no whole record");
		r.segment = w->end.segment;
		r.offset = w->end.offset;
		e = link_check(w, &r);
		if (e == Q_OK && w->each != NULL)
			e = w->each(w->arg, &r);
		if (e != Q_OK)
			return e;
		w->end.offset += r.length;
	}
}

static enum q_err
segment_read(const char *dir, struct walk *w)
{
	char name[40], path[4096];
	struct stat st;
	AUTO_FD int fd = -1;
	void *map;
	enum q_err r;

	journal_segment_name(w->end.segment, name);
	if (snprintf(path, sizeof(path), "%s/%s", dir, name) >=
	    (int)sizeof(path))
		return Q_TOOBIG;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fstat(fd, &st) != 0)
		return fault_set(w->f, Q_IO, "%s: %s", name, strerror(errno));
	if (st.st_size == 0) {
		w->end.offset = 0;
		return w->last ? Q_OK : broken(w, "an empty segment");
	}
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return fault_set(w->f, Q_IO, "%s: %s", name, strerror(errno));
	(void)madvise(map, (size_t)st.st_size, MADV_SEQUENTIAL);
	r = segment_walk(w, (struct bytes){ map, (size_t)st.st_size });
	munmap(map, (size_t)st.st_size);
	return r;
}

enum q_err
journal_walk(const struct journal_range *range, journal_each each, void *arg,
    struct journal_end *ret_end, struct fault *f)
{
	struct walk w = { .each = each, .arg = arg, .f = f };
	struct segments s = { 0 };
	size_t from = 0;
	enum q_err r = segments_list(range, &s, &from, f);

	w.whole = !range->open && from == 0;
	w.end.segments = (unsigned)s.n;
	for (size_t i = from; r == Q_OK && i < s.n; i++) {
		w.last = i + 1 == s.n;
		w.end.segment = s.all[i].first;
		w.end.offset = 0;
		r = segment_read(s.all[i].dir, &w);
	}
	free(s.all);
	if (r == Q_OK)
		*ret_end = w.end;
	return r;
}

enum q_err
journal_read(const char *dir, unsigned n, journal_each each, void *arg,
    struct journal_end *ret_end, struct fault *f)
{
	return journal_walk(&(struct journal_range){ .dir = dir, .last = n,
		.open = n != 0 }, each, arg, ret_end, f);
}
