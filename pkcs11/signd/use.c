// SPDX-License-Identifier: Apache-2.0
/* Whether a key may be used, by whom, for what, and how often. */
#include "config.h"

#include "signd/use.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "signd/signd.h"

#define NS 1000000000
#define MINUTE_NS ((int64_t)60 * NS)

static enum q_err
peer_check(const struct key *k, const struct key_use_ask *ask,
    struct fault *f)
{
	uint32_t roles = k->rules.roles != 0 ? k->rules.roles :
	    purpose_row(k->purpose)->roles;

	if ((ask->purposes & 1u << k->purpose) == 0)
		return fault_set(f, Q_DENIED, "key %s is for %s, not for %s",
		    k->id, purpose_text(k->purpose), ask->what);
	if ((roles & ask->role) == 0)
		return fault_set(f, Q_DENIED, "key %s, for %s, is not for "
		    "role %s", k->id, purpose_text(k->purpose),
		    role_name(ask->role));
	if (k->purpose == PURPOSE_CODESIGN &&
	    !key_rules_user(&k->rules, ask->uid))
		return fault_set(f, Q_DENIED, "key %s is not for user %" PRIu32,
		    k->id, ask->uid);
	if (ask->mech != 0 && (key_mechs(k) & ask->mech) == 0)
		return fault_set(f, Q_DENIED,
		    "key %s is not for this mechanism", k->id);
	return Q_OK;
}

static enum q_err
dates_check(const struct key *k, int64_t wall, struct fault *f)
{
	char when[24];

	if (k->rules.not_before != 0 &&
	    wall < (int64_t)k->rules.not_before) {
		time_format((int64_t)k->rules.not_before, when);
		return fault_set(f, Q_DENIED,
		    "key %s is not to be used before %s", k->id, when);
	}
	if (k->rules.not_after != 0 && wall >= (int64_t)k->rules.not_after) {
		time_format((int64_t)k->rules.not_after, when);
		return fault_set(f, Q_DENIED,
		    "key %s was to be used until %s", k->id, when);
	}
	return Q_OK;
}

/*
 * A bucket that holds a minute's signatures and fills steadily, as the time
 * at which it would be full again: with the use's lock held.
 */
static enum q_err
bucket_take(const struct key *k, int64_t now, struct fault *f)
{
	int64_t each = MINUTE_NS / k->rules.rate, full = k->use->full_ns;
	int64_t wait;

	if (full < now)
		full = now;
	wait = full + each - MINUTE_NS - now;
	if (wait > 0)
		return fault_retry(f, Q_BUSY, (uint32_t)((wait + NS - 1) / NS),
		    "key %s: more than %" PRIu32 " signatures in a minute",
		    k->id, k->rules.rate);
	k->use->full_ns = full + each;
	return Q_OK;
}

enum q_err
key_use_take(const struct key *k, const struct key_use_ask *ask,
    struct use_time now, struct fault *f)
{
	struct key_use *u = k->use;
	enum q_err r = peer_check(k, ask, f);

	if (r == Q_OK)
		r = dates_check(k, now.wall, f);
	if (r != Q_OK || k->name[0] == '\0')
		return r;
	pthread_mutex_lock(&u->lock);
	if (k->rules.uses != 0 && u->total >= k->rules.uses)
		r = fault_set(f, Q_DENIED, "key %s has made the %" PRIu64
		    " signatures that it may", k->id, k->rules.uses);
	if (r == Q_OK && k->rules.rate != 0)
		r = bucket_take(k, now.mono_ns, f);
	if (r == Q_OK)
		u->total++;
	pthread_mutex_unlock(&u->lock);
	return r;
}

void
signd_refused(struct signd *s, const struct key *k,
    const struct key_use_ask *ask, const char *reason)
{
	struct refusals *all = &s->refusals;
	struct refusal *at = all->row;

	pthread_mutex_lock(&s->lock);
	while (at < &all->row[all->n] && (strcmp(at->key, k->id) != 0 ||
	    at->uid != ask->uid || strcmp(at->what, ask->what) != 0))
		at++;
	if (at == &all->row[all->n] && all->n < REFUSALS) {
		*at = (struct refusal){ .purpose = k->purpose,
			.uid = ask->uid, .what = ask->what };
		snprintf(at->key, sizeof(at->key), "%s", k->id);
		all->n++;
	} else if (at == &all->row[REFUSALS]) {
		at--;
		*at = (struct refusal){ .purpose = PURPOSES,
			.uid = JOURNAL_NO_UID, .what = "several",
			.count = at->count };
	}
	snprintf(at->reason, sizeof(at->reason), "%s", reason);
	at->count++;
	pthread_mutex_unlock(&s->lock);
}

enum q_err
signd_use(struct signd *s, const struct key *k,
    const struct key_use_ask *ask, struct fault *f)
{
	struct use_time now = { clock_wall(), clock_mono_ns() };
	struct fault why = { 0 };
	enum q_err r;

	if (signd_worker(s, k) == NULL)
		return fault_set(f, Q_UNAVAIL, "key %s is in the second "
		    "token, which is not configured any more", k->id);
	r = key_use_take(k, ask, now, &why);
	if (r == Q_OK)
		return Q_OK;
	signd_refused(s, k, ask, fault_text(&why, r));
	if (f != NULL)
		*f = why;
	return r;
}

void
signd_use_back(const struct key *k)
{
	if (k->name[0] == '\0')
		return;
	pthread_mutex_lock(&k->use->lock);
	k->use->total--;
	pthread_mutex_unlock(&k->use->lock);
}

void
signd_used(const struct key *k, uint64_t n)
{
	atomic_fetch_add(&k->use->count, n);
}

uint64_t
signd_use_total(const struct key *k)
{
	uint64_t total;

	pthread_mutex_lock(&k->use->lock);
	total = k->use->total;
	pthread_mutex_unlock(&k->use->lock);
	return total;
}

static enum q_err
refusal_journal(struct signd *s, const struct refusal *a)
{
	struct journal_refuse rec = { .what = a->what, .reason = a->reason,
		.purpose = a->purpose == PURPOSES ? "" :
		    purpose_text(a->purpose), .count = a->count };

	return journal_append(s->journal, &(struct journal_entry){
		JOURNAL_refuse, a->uid, a->key, &rec }, NULL, NULL);
}

/* The first of them is in the journal; it goes, or to the end with what came
 * meanwhile. */
static void
refusal_done(struct refusals *all, uint64_t count)
{
	struct refusal first = all->row[0];

	all->n--;
	memmove(all->row, all->row + 1, all->n * sizeof(*all->row));
	first.count -= count;
	if (first.count != 0)
		all->row[all->n++] = first;
}

void
signd_refusals_note(struct signd *s)
{
	struct refusals *all = &s->refusals;
	struct refusal first;

	/* New ones may come as fast as they are written. */
	for (unsigned i = 0; i < REFUSALS; i++) {
		bool any;

		pthread_mutex_lock(&s->lock);
		any = all->n != 0;
		if (any)
			first = all->row[0];
		pthread_mutex_unlock(&s->lock);
		if (!any || refusal_journal(s, &first) != Q_OK)
			return;
		pthread_mutex_lock(&s->lock);
		refusal_done(all, first.count);
		pthread_mutex_unlock(&s->lock);
	}
}

static int
total_compare(const void *key, const void *row)
{
	return strcmp(key, ((const struct use_total *)row)->key);
}

static struct use_total *
total_find(const struct use_totals *t, const char *key)
{
	return t->n == 0 ? NULL :
	    bsearch(key, t->row, t->n, sizeof(*t->row), total_compare);
}

enum q_err
use_totals_put(struct use_totals *t, const char *key, uint64_t total)
{
	struct use_total *at = total_find(t, key), *grown;
	size_t i = t->n;

	if (at != NULL) {
		if (at->total < total)
			at->total = total;
		return Q_OK;
	}
	grown = realloc(t->row, (t->n + 1) * sizeof(*grown));
	if (grown == NULL)
		return Q_NOMEM;
	t->row = grown;
	for (; i > 0 && strcmp(grown[i - 1].key, key) > 0; i--)
		grown[i] = grown[i - 1];
	snprintf(grown[i].key, sizeof(grown[i].key), "%s", key);
	grown[i].total = total;
	t->n++;
	return Q_OK;
}

void
use_totals_take(const struct use_totals *t, const struct keyring *ring)
{
	for (size_t i = 0; i < ring->n; i++) {
		const struct use_total *at = total_find(t, ring->keys[i]->id);

		if (at != NULL)
			ring->keys[i]->use->total = at->total;
	}
}
