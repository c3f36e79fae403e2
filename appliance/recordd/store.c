// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "recordd/store.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"

/* The kind of store, and what is behind its colon; NULL: no such kind. */
static const struct store_ops *
kind_of(const char *uri, const char **ret_place)
{
	static const struct store_ops *const kinds[] = { &store_sqlite,
		&store_mongo };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		size_t n = strlen(kinds[i]->scheme);

		*ret_place = uri + n + 1;
		if (strncmp(uri, kinds[i]->scheme, n) == 0 && uri[n] == ':')
			return kinds[i];
	}
	return NULL;
}

enum q_err
store_open(const char *uri, const char *dir, struct store **ret_store,
    struct fault *f)
{
	const char *place;
	const struct store_ops *ops = kind_of(uri, &place);

	if (ops == NULL)
		return fault_set(f, Q_CONFIG,
		    "store: wants sqlite:PATH or mongodb://...");
	return ops->open(place, dir, ret_store, f);
}

void
store_needs(const char *uri, struct store_needs *ret_needs)
{
	const char *place;
	const struct store_ops *ops = kind_of(uri, &place);

	memset(ret_needs, 0, sizeof(*ret_needs));
	if (ops != NULL)
		ops->needs(place, ret_needs);
}

enum q_err
store_folder(const char *dir, int *ret_lock_fd, struct fault *f)
{
	struct stat st;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return fault_set(f, Q_IO, "%.120s: %s", dir, strerror(errno));
	*ret_lock_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_lock_fd < 0 || fstat(*ret_lock_fd, &st) != 0)
		return fault_set(f, Q_IO, "%.120s: %s", dir, strerror(errno));
	if (st.st_uid != geteuid() || (st.st_mode & 077) != 0)
		return fault_set(f, Q_CONFIG, "%.120s: wants mode 0700 and to "
		    "belong to the user of recordd", dir);
	if (flock(*ret_lock_fd, LOCK_EX | LOCK_NB) != 0)
		return fault_set(f, Q_EXISTS,
		    "%.120s: another process uses it", dir);
	return Q_OK;
}

enum q_err
store_may_replace(const struct store_write *w, const void *old,
    uint64_t old_rev, struct fault *f)
{
	if (w->rev != old_rev)
		return fault_set(f, Q_CONFLICT,
		    "%s %s: changed by somebody else meanwhile", w->d->name,
		    w->key);
	for (size_t i = 0; w->verb == STORE_PUT && i < w->d->n; i++) {
		const struct rec_field *fd = &w->d->fields[i];

		if (fd->flags & REC_FIXED && !rec_same(fd, old, w->rec))
			return fault_set(f, Q_INVALID, "%s.%s: never changes",
			    w->d->name, fd->name);
	}
	return Q_OK;
}

const struct rec_field *
store_cert_index(const struct rec_desc *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->fields[i].kind == REC_CERTS &&
		    d->fields[i].flags & REC_INDEX)
			return &d->fields[i];
	return NULL;
}

void
store_cert_name(const struct rec_cert *c, char ret_name[STORE_CERT_MAX + 1])
{
	snprintf(ret_name, STORE_CERT_MAX + 1, "%s/%s", c->issuer, c->serial);
}

bool
store_cert_in(const struct rec_certs *certs, const struct rec_cert *c)
{
	for (size_t i = 0; i < certs->n; i++)
		if (strcmp(certs->c[i].serial, c->serial) == 0 &&
		    strcmp(certs->c[i].issuer, c->issuer) == 0)
			return true;
	return false;
}

uint64_t
store_first_rev(void)
{
	static atomic_uint count;

	return (uint64_t)clock_wall() << 24 |
	    (atomic_fetch_add(&count, 1) & 0xffffff);
}

void
store_cursor_put(int64_t value, const char *key,
    char ret_next[RECORDD_CURSOR_MAX + 1])
{
	snprintf(ret_next, RECORDD_CURSOR_MAX + 1, "%" PRId64 ":%s", value,
	    key);
}

enum q_err
store_cursor_get(const struct store_query *q, int64_t latest,
    int64_t *ret_value, const char **ret_key, struct fault *f)
{
	char *end;
	long long v;

	*ret_value = q->desc ? latest : 0;
	*ret_key = q->desc ? STORE_KEY_END : "";
	if (*q->after == '\0')
		return Q_OK;
	v = strtoll(q->after, &end, 10);
	if (end == q->after || *end != ':')
		return fault_set(f, Q_INVALID, "after: not from this list");
	/* What is later than a descending list begins is not in it. */
	if (q->desc && v > latest)
		return Q_OK;
	*ret_value = v;
	*ret_key = end + 1;
	return Q_OK;
}

enum q_err
store_match_number(const struct store_query *q, int64_t *ret_value,
    struct fault *f)
{
	char *end;
	long long v = strtoll(q->match, &end, 10);

	if (end == q->match || *end != '\0')
		return fault_set(f, Q_INVALID, "match: wants a number for %s",
		    q->index->name);
	*ret_value = v;
	return Q_OK;
}

void
store_bounds(const struct store_query *q, struct store_bounds *ret)
{
	bool on = *q->after != '\0';

	snprintf(ret->low, sizeof(ret->low), "%s", q->match);
	snprintf(ret->high, sizeof(ret->high), "%s" STORE_KEY_END, q->match);
	if (on && !q->desc && strcmp(q->after, q->match) >= 0)
		snprintf(ret->low, sizeof(ret->low), "%s\x01", q->after);
	if (on && q->desc && strcmp(q->after, ret->high) < 0)
		snprintf(ret->high, sizeof(ret->high), "%s", q->after);
}

struct store_sum *
store_sums_row(struct store_sums *sums, const struct rec_desc *d,
    const char *group)
{
	struct store_sum *row;

	/* Latest first: writes come in runs of one group. */
	for (size_t i = sums->n; i-- > 0;)
		if (sums->row[i].d == d &&
		    strcmp(sums->row[i].group, group) == 0)
			return &sums->row[i];
	if (sums->n == sums->cap) {
		size_t cap = sums->cap ? sums->cap * 2 : 16;

		row = reallocarray(sums->row, cap, sizeof(*row));
		if (row == NULL)
			return NULL;
		sums->row = row;
		sums->cap = cap;
	}
	row = &sums->row[sums->n++];
	*row = (struct store_sum){ .d = d };
	snprintf(row->group, sizeof(row->group), "%s", group);
	return row;
}

enum q_err
store_sums_add(struct store_sums *sums, const struct rec_desc *d,
    const void *rec, int64_t times)
{
	const struct rec_field *group = rec_group(d);
	struct store_sum *row;

	if (group == NULL || times == 0)
		return Q_OK;
	row = store_sums_row(sums, d, rec_str(group, rec));
	if (row == NULL)
		return Q_NOMEM;
	rec_counter_add(d, rec, times, row->add);
	return Q_OK;
}

enum q_err
store_tally_at(struct store_tally *t, const struct store_write *w,
    struct fault *f)
{
	const struct store_query *q = &w->query;

	if (*q->after == '\0') {
		*t = (struct store_tally){ .d = w->d };
		snprintf(t->group, sizeof(t->group), "%s", q->match);
	} else if (t->d != w->d || strcmp(t->group, q->match) != 0 ||
	    strcmp(t->at, q->after) != 0) {
		return fault_set(f, Q_CONFLICT,
		    "recount: interrupted, begin again");
	}
	return Q_OK;
}

bool
store_tally_emit(void *ctx, const char *key, uint64_t rev, struct bytes doc)
{
	struct store_tally *t = ctx;
	union rec_any rec;

	(void)key;
	(void)rev;
	/* One that is damaged cannot be told apart by its state. */
	if (rec_decode(t->d, doc, &rec, NULL) == Q_OK)
		rec_counter_add(t->d, &rec, 1, t->sum);
	return true;
}

void
store_tally_moved(struct store_tally *t, const struct rec_desc *d,
    const char *group, const char *key, const int64_t *add)
{
	if (t->d != d || strcmp(t->group, group) != 0 ||
	    strcmp(key, t->at) > 0)
		return;
	for (size_t i = 0; i < REC_COUNTERS_MAX; i++)
		t->sum[i] += add[i];
}

void
store_sums_free(struct store_sums *sums)
{
	free(sums->row);
	*sums = (struct store_sums){ 0 };
}
