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

static int
by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* First numbers of all segments, ascending. */
static enum q_err
segments_list(const char *dir, uint64_t **ret, size_t *ret_n)
{
	DIR *d = opendir(dir);
	uint64_t *all = NULL;
	size_t n = 0;
	enum q_err r = Q_OK;

	if (d == NULL)
		return errno == ENOENT ? Q_NOTFOUND : Q_IO;
	for (struct dirent *e; r == Q_OK && (e = readdir(d)) != NULL;) {
		uint64_t first, *grown;
		char name[40];

		if (sscanf(e->d_name, "journal-%20" SCNu64 ".qj", &first) != 1)
			continue;
		journal_segment_name(first, name);
		if (strcmp(name, e->d_name) != 0)
			continue;
		grown = realloc(all, (n + 1) * sizeof(*all));
		if (grown == NULL) {
			r = Q_NOMEM;
			continue;
		}
		all = grown;
		all[n++] = first;
	}
	closedir(d);
	if (n != 0)
		qsort(all, n, sizeof(*all), by_number);
	if (r != Q_OK) {
		free(all);
		return r;
	}
	*ret = all;
	*ret_n = n;
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
journal_read(const char *dir, unsigned n, journal_each each, void *arg,
    struct journal_end *ret_end, struct fault *f)
{
	AUTO_FREE uint64_t *all = NULL;
	struct walk w = { .each = each, .arg = arg, .f = f };
	size_t have, from;
	enum q_err r = segments_list(dir, &all, &have);

	if (r != Q_OK)
		return fault_set(f, r, "%.150s: %s", dir, q_err_text(r));
	from = n != 0 && have > n ? have - n : 0;
	w.whole = from == 0;
	w.end.segments = (unsigned)have;
	for (size_t i = from; i < have; i++) {
		w.last = i + 1 == have;
		w.end.segment = all[i];
		w.end.offset = 0;
		r = segment_read(dir, &w);
		if (r != Q_OK)
			return r;
	}
	*ret_end = w.end;
	return Q_OK;
}

struct noted {
	uint64_t seq;
	uint8_t hash[JOURNAL_HASH];
	bool seen;
};

static enum q_err
noted_each(void *arg, const struct journal_record *r)
{
	struct noted *n = arg;

	if (r->seq == n->seq &&
	    memcmp(r->hash.p, n->hash, JOURNAL_HASH) == 0)
		n->seen = true;
	return Q_OK;
}

enum q_err
journal_verify(const char *dir, const char *noted,
    struct journal_end *ret_end, struct fault *f)
{
	struct noted n = { 0 };
	struct journal_end end;
	char *rest;
	enum q_err r;

	if (noted != NULL) {
		n.seq = strtoull(noted, &rest, 10);
		if (n.seq == 0 || *rest != ' ' ||
		    !hex_decode(rest + 1, n.hash, JOURNAL_HASH))
			return fault_set(f, Q_USAGE,
			    "a noted head is a number and 64 hex digits");
	}
	r = journal_read(dir, 0, noted_each, &n, &end, f);
	if (r == Q_OK && noted != NULL && !n.seen)
		r = fault_set(f, Q_SIGNATURE, "the journal does not hold "
		    "record %" PRIu64 " as it was noted: it was cut off or "
		    "written anew", n.seq);
	if (r == Q_OK)
		*ret_end = end;
	return r;
}
