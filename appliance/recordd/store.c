// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "recordd/store.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"

enum q_err
store_open(const char *uri, struct store **ret_store, struct fault *f)
{
	static const struct store_ops *const kinds[] = { &store_sqlite };

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		size_t n = strlen(kinds[i]->scheme);

		if (strncmp(uri, kinds[i]->scheme, n) == 0 && uri[n] == ':')
			return kinds[i]->open(uri + n + 1, ret_store, f);
	}
	return fault_set(f, Q_CONFIG, "store: wants sqlite:PATH");
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
store_cursor_get(const char *after, int64_t *ret_value, const char **ret_key,
    struct fault *f)
{
	char *end;
	long long v;

	if (*after == '\0') {
		*ret_value = 0;
		*ret_key = "";
		return Q_OK;
	}
	v = strtoll(after, &end, 10);
	if (end == after || *end != ':')
		return fault_set(f, Q_INVALID, "after: not from this list");
	*ret_value = v;
	*ret_key = end + 1;
	return Q_OK;
}

static struct store_sum *
sum_row(struct store_sums *sums, const struct rec_desc *d, const char *group)
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
	row = sum_row(sums, d, rec_str(group, rec));
	if (row == NULL)
		return Q_NOMEM;
	rec_counter_add(d, rec, times, row->add);
	return Q_OK;
}

void
store_sums_free(struct store_sums *sums)
{
	free(sums->row);
	*sums = (struct store_sums){ 0 };
}
