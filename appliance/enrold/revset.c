// SPDX-License-Identifier: Apache-2.0
/*
 * Each issuer has two sorted arrays: a long one, and a short one of what came
 * lately, which is merged into the long one when it is full. So an addition
 * moves little, and a search is two binary searches.
 */
#include "config.h"

#include "enrold/revset.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/own.h"
#include "signer/signd_ops.h"

#define RECENT_MAX 1024
#define RECENT_PART 64 /* of the long array */

struct run {
	struct revset_entry *e;
	size_t n, cap;
};

struct issuer {
	char id[SIGND_ID_LEN + 1];
	uint32_t seq; /* of the latest */
	struct run all, recent;
};

struct revset {
	struct wire_client *recordd;
	pthread_rwlock_t lock;
	struct issuer *issuers;
	size_t n;
	bool ready;
};

enum q_err
revset_new(struct wire_client *recordd, struct revset **ret_set)
{
	struct revset *set = calloc(1, sizeof(*set));
	pthread_rwlockattr_t attr;

	if (set == NULL)
		return Q_NOMEM;
	set->recordd = recordd;
	/* Readers come all the time; a writer must get its turn. */
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr,
	    PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&set->lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	*ret_set = set;
	return Q_OK;
}

void
revset_free(struct revset *set)
{
	if (set == NULL)
		return;
	for (size_t i = 0; i < set->n; i++) {
		free(set->issuers[i].all.e);
		free(set->issuers[i].recent.e);
	}
	free(set->issuers);
	pthread_rwlock_destroy(&set->lock);
	free(set);
}

static struct issuer *
issuer_find(const struct revset *set, const char *id)
{
	for (size_t i = 0; i < set->n; i++)
		if (strcmp(set->issuers[i].id, id) == 0)
			return &set->issuers[i];
	return NULL;
}

static struct issuer *
issuer_make(struct revset *set, const char *id)
{
	struct issuer *is = issuer_find(set, id), *grown;

	if (is != NULL)
		return is;
	grown = reallocarray(set->issuers, set->n + 1, sizeof(*grown));
	if (grown == NULL)
		return NULL;
	set->issuers = grown;
	is = &grown[set->n++];
	*is = (struct issuer){ .seq = 0 };
	snprintf(is->id, sizeof(is->id), "%s", id);
	return is;
}

/* Where the serial is, or belongs. */
static size_t
run_place(const struct run *run, const uint8_t *serial, bool *ret_there)
{
	size_t low = 0, high = run->n;

	*ret_there = false;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int c = memcmp(run->e[mid].serial, serial, CERT_SERIAL_LEN);

		if (c == 0) {
			*ret_there = true;
			return mid;
		}
		if (c < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool
run_room(struct run *run, size_t n)
{
	size_t cap = run->cap < 64 ? 64 : run->cap;
	struct revset_entry *grown;

	while (cap < n)
		cap += cap / 2;
	if (cap == run->cap)
		return true;
	grown = reallocarray(run->e, cap, sizeof(*grown));
	if (grown == NULL)
		return false;
	run->e = grown;
	run->cap = cap;
	return true;
}

static void
run_put(struct run *run, size_t place, const struct revset_entry *entry)
{
	memmove(&run->e[place + 1], &run->e[place],
	    (run->n - place) * sizeof(*entry));
	run->e[place] = *entry;
	run->n++;
}

/* Merge from the ends, so that no other memory is needed. */
static bool
issuer_merge(struct issuer *is)
{
	size_t i = is->all.n, j = is->recent.n, k = i + j;

	if (!run_room(&is->all, k))
		return false;
	is->all.n = k;
	while (j > 0)
		is->all.e[--k] = i > 0 && memcmp(is->all.e[i - 1].serial,
		    is->recent.e[j - 1].serial, CERT_SERIAL_LEN) > 0 ?
		    is->all.e[--i] : is->recent.e[--j];
	is->recent.n = 0;
	return true;
}

static enum q_err
issuer_add(struct issuer *is, struct revset_entry *entry)
{
	size_t most = RECENT_MAX + is->all.n / RECENT_PART;
	bool there, there_all;
	size_t place = run_place(&is->recent, entry->serial, &there);
	size_t place_all = run_place(&is->all, entry->serial, &there_all);

	if (there || there_all)
		return Q_EXISTS;
	entry->seq = ++is->seq;
	/* A listing comes in order. */
	if (place_all == is->all.n && is->recent.n == 0) {
		if (!run_room(&is->all, is->all.n + 1))
			return Q_NOMEM;
		run_put(&is->all, place_all, entry);
		return Q_OK;
	}
	if (!run_room(&is->recent, is->recent.n + 1))
		return Q_NOMEM;
	run_put(&is->recent, place, entry);
	return is->recent.n >= most && !issuer_merge(is) ? Q_NOMEM : Q_OK;
}

static uint32_t
reason_of(const char *text)
{
	static const struct {
		const char *name;
		enum crl_reason code;
	} reasons[] = {
		{ "keyCompromise", CRL_KEY_COMPROMISE },
		{ "affiliationChanged", CRL_AFFILIATION_CHANGED },
		{ "superseded", CRL_SUPERSEDED },
		{ "cessationOfOperation", CRL_CESSATION },
		{ "privilegeWithdrawn", CRL_PRIVILEGE_WITHDRAWN },
	};

	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (strcmp(reasons[i].name, text) == 0)
			return reasons[i].code;
	return CRL_UNSPECIFIED;
}

enum q_err
revset_add(struct revset *set, const struct rec_revoked *rv)
{
	struct revset_entry entry = { .not_after = rv->not_after,
		.revoked_at = (uint32_t)rv->revoked_at,
		.reason = reason_of(rv->reason) };
	const char *slash = strchr(rv->key, '/');
	struct issuer *is;
	enum q_err r = Q_NOMEM;

	if (slash == NULL ||
	    !hex_decode(slash + 1, entry.serial, CERT_SERIAL_LEN))
		return Q_INVALID;
	pthread_rwlock_wrlock(&set->lock);
	is = issuer_make(set, rv->issuer);
	if (is != NULL)
		r = issuer_add(is, &entry);
	pthread_rwlock_unlock(&set->lock);
	return r;
}

enum q_err
revset_fetch(struct revset *set, const char *key, struct fault *f)
{
	const char *slash = strchr(key, '/');
	uint8_t serial[CERT_SERIAL_LEN];
	char issuer[SIGND_ID_LEN + 1];
	struct rec_revoked rv;
	enum q_err r;

	if (slash == NULL || slash - key > SIGND_ID_LEN ||
	    !hex_decode(slash + 1, serial, CERT_SERIAL_LEN))
		return fault_set(f, Q_INVALID, "no key of a certificate");
	snprintf(issuer, sizeof(issuer), "%.*s", (int)(slash - key), key);
	if (revset_find(set, issuer, serial, NULL))
		return Q_EXISTS;
	r = rec_revoked_get(set->recordd, key, &rv, f);
	return r == Q_OK ? revset_add(set, &rv) : r;
}

enum q_err
revset_load(struct revset *set, uint64_t *ret_added, struct fault *f)
{
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(set->recordd, REC_REVOKED, NULL, NULL);
	struct rec_revoked rv;
	enum q_err r;

	*ret_added = 0;
	while ((r = rec_list_next(&it, &rv, f)) == Q_OK) {
		r = revset_add(set, &rv);
		*ret_added += r == Q_OK;
		if (r == Q_INVALID)
			return fault_set(f, Q_INTERNAL,
			    "record revoked %.80s is damaged", rv.key);
		if (r == Q_NOMEM)
			return r;
	}
	if (r != Q_NOTFOUND)
		return r;
	pthread_rwlock_wrlock(&set->lock);
	set->ready = true;
	pthread_rwlock_unlock(&set->lock);
	return Q_OK;
}

bool
revset_ready(struct revset *set)
{
	bool ready;

	pthread_rwlock_rdlock(&set->lock);
	ready = set->ready;
	pthread_rwlock_unlock(&set->lock);
	return ready;
}

bool
revset_find(struct revset *set, const char *issuer,
    const uint8_t serial[CERT_SERIAL_LEN], struct revset_entry *ret_entry)
{
	const struct issuer *is;
	const struct run *run = NULL;
	bool there = false;
	size_t place = 0;

	pthread_rwlock_rdlock(&set->lock);
	is = issuer_find(set, issuer);
	for (int i = 0; is != NULL && i < 2 && !there; i++) {
		run = i == 0 ? &is->all : &is->recent;
		place = run_place(run, serial, &there);
	}
	if (there && ret_entry != NULL)
		*ret_entry = run->e[place];
	pthread_rwlock_unlock(&set->lock);
	return there;
}

size_t
revset_count(struct revset *set, const char *issuer)
{
	const struct issuer *is;
	size_t n;

	pthread_rwlock_rdlock(&set->lock);
	is = issuer_find(set, issuer);
	n = is != NULL ? is->all.n + is->recent.n : 0;
	pthread_rwlock_unlock(&set->lock);
	return n;
}

enum q_err
revset_walk_begin(struct revset *set, const char *issuer, uint32_t after,
    struct revset_walk *ret_walk, uint32_t *ret_mark)
{
	struct revset_walk walk = { .set = set, .after = after };
	uint32_t mark = 0;
	struct issuer *is;
	bool merged;

	/* Others may add between the two locks. */
	for (;;) {
		pthread_rwlock_wrlock(&set->lock);
		is = issuer_find(set, issuer);
		merged = is == NULL || issuer_merge(is);
		pthread_rwlock_unlock(&set->lock);
		if (!merged)
			return Q_NOMEM;
		pthread_rwlock_rdlock(&set->lock);
		is = issuer_find(set, issuer);
		if (is == NULL || is->recent.n == 0)
			break;
		pthread_rwlock_unlock(&set->lock);
	}
	if (is != NULL && is->all.n != 0) {
		walk.at = is->all.e;
		walk.end = is->all.e + is->all.n;
		mark = is->seq;
	}
	*ret_mark = mark;
	*ret_walk = walk;
	return Q_OK;
}

const struct revset_entry *
revset_walk_next(struct revset_walk *walk)
{
	while (walk->at < walk->end && walk->at->seq <= walk->after)
		walk->at++;
	return walk->at < walk->end ? walk->at++ : NULL;
}

void
revset_walk_end(struct revset_walk *walk)
{
	pthread_rwlock_unlock(&walk->set->lock);
}

static void
run_drop(struct run *run, int64_t before)
{
	size_t kept = 0;

	for (size_t i = 0; i < run->n; i++)
		if (run->e[i].not_after >= before)
			run->e[kept++] = run->e[i];
	run->n = kept;
	if (kept != 0)
		return;
	free(run->e);
	*run = (struct run){ NULL, 0, 0 };
}

void
revset_drop(struct revset *set, const char *issuer, int64_t before)
{
	struct issuer *is;

	pthread_rwlock_wrlock(&set->lock);
	is = issuer_find(set, issuer);
	if (is != NULL) {
		run_drop(&is->all, before);
		run_drop(&is->recent, before);
	}
	if (is != NULL && before == INT64_MAX)
		*is = set->issuers[--set->n];
	pthread_rwlock_unlock(&set->lock);
}
