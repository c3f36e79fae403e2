// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "signd/maint.h"
#include "signd/signd.h"

#define TICK_MS 1000
#define RETRY_MS 15000
#define DAY 86400

int64_t
maint_due(const struct key *k, int64_t ca_end)
{
	int64_t from = k->cert.not_before, life = k->cert.not_after - from;
	int64_t due = from + life / 3 * 2, early;

	if (k->cert.not_after >= ca_end)
		return INT64_MAX;
	if (k->purpose != PURPOSE_ISSUING)
		return due;
	/* A device certificate of full length, and a tenth, must fit. But a
	 * CA is used for a tenth of its own life at least, or one as short
	 * as its device certificates would be replaced all the time. */
	early = k->cert.not_after - (int64_t)k->issuing.device_lifetime / 10 *
	    11;
	if (early < due)
		due = early;
	if (due < (int64_t)k->created + life / 10)
		due = (int64_t)k->created + life / 10;
	return k->issuing.autorenew ? due : INT64_MAX;
}

bool
maint_root_late(const struct key *root, int64_t now)
{
	return (root->cert.not_after - now) * 5 <
	    root->cert.not_after - root->cert.not_before;
}

static void
root_warn(const struct keyring *ring, int64_t *warned)
{
	const struct key *root = keyring_active(ring, PURPOSE_ROOT, "");
	int64_t now = clock_wall();

	if (root == NULL || now < *warned + DAY || !maint_root_late(root, now))
		return;
	*warned = now;
	log_warn("the OEM Root ends in %lld days: quoinctl hsm root renew",
	    (long long)(root->cert.not_after - now) / DAY);
}

/* Whose uses have no records of their own. */
static bool
is_counted(enum key_purpose p)
{
	return p != PURPOSE_ISSUING && p != PURPOSE_ROOT &&
	    p != PURPOSE_JOURNAL && !purpose_row(p)->approvals;
}

/* Journal how often each key was used since the last time. */
static void
uses_note(struct signd *s, const struct keyring *ring)
{
	uint64_t last = 0;

	for (size_t i = 0; i < ring->n; i++) {
		const struct key *k = ring->keys[i];
		unsigned long long now = atomic_load(&k->use->count);
		struct journal_use rec = { .what = purpose_text(k->purpose),
			.count = now - k->use->noted, .total = now };
		struct journal_pos pos;

		if (rec.count == 0 || !is_counted(k->purpose))
			continue;
		if (journal_append(s->journal, &(struct journal_entry){
		    JOURNAL_use, JOURNAL_NO_UID, k->id, &rec }, &pos, NULL) !=
		    Q_OK)
			return;
		k->use->noted = now;
		last = pos.seq;
	}
	if (last != 0 && journal_wait(s->journal, last, NULL) != Q_OK)
		log_warn("the journal cannot be written");
}

/* Which token it was meant for is not known any more. UNAVAIL. */
static enum q_err
everywhere_destroy(struct signd *s, const char *id)
{
	enum q_err r = Q_OK;

	for (size_t i = 0; r == Q_OK && i < ARRAY_LEN(s->workers); i++)
		if (s->workers[i] != NULL)
			r = worker_destroy(s->workers[i], id, NULL);
	return r;
}

/* Keys that were announced and never came into the keyring, or left it. */
static void
announced_destroy(struct signd *s, const struct keyring *ring)
{
	char id[SIGND_ID_LEN + 1] = "";

	for (;;) {
		bool more;

		pthread_mutex_lock(&s->lock);
		more = s->n_announced != 0;
		if (more)
			memcpy(id, s->announced_keys[s->n_announced - 1],
			    sizeof(id));
		pthread_mutex_unlock(&s->lock);
		if (!more)
			return;
		if (keyring_find(ring, id) == NULL &&
		    everywhere_destroy(s, id) != Q_OK)
			return;
		pthread_mutex_lock(&s->lock);
		s->n_announced--;
		s->count_orphans = true;
		pthread_mutex_unlock(&s->lock);
	}
}

struct orphans {
	const struct keyring *ring;
	uint32_t n;
};

static enum q_err
orphan_each(void *arg, const struct token_key *k)
{
	struct orphans *o = arg;

	o->n += keyring_find(o->ring, k->id) == NULL;
	return Q_OK;
}

static enum q_err
all_keys(struct signd *s, struct orphans *o)
{
	enum q_err r = Q_OK;

	for (size_t i = 0; r == Q_OK && i < ARRAY_LEN(s->workers); i++)
		if (s->workers[i] != NULL)
			r = worker_keys(s->workers[i], orphan_each, o, NULL);
	return r;
}

static void
orphans_count(struct signd *s, const struct keyring *ring)
{
	struct orphans o = { .ring = ring };
	bool wanted;

	pthread_mutex_lock(&s->lock);
	wanted = s->count_orphans;
	pthread_mutex_unlock(&s->lock);
	if (!wanted || all_keys(s, &o) != Q_OK)
		return;
	pthread_mutex_lock(&s->lock);
	s->orphans = o.n;
	s->count_orphans = false;
	pthread_mutex_unlock(&s->lock);
	if (o.n != 0)
		log_warn("%u keys in the token are in no keyring", o.n);
}

/* Nobody needs it any more: an old key or a root link, whose certificate has
 * ended, and an OCSP responder that is to be replaced, since its answers hold
 * as long as they say. */
static bool
is_over(const struct keyring *ring, const struct key *k, int64_t now)
{
	const struct key *ca;

	if (k->purpose != PURPOSE_OCSP)
		return (k->old || k->purpose == PURPOSE_ROOT_LINK) &&
		    now > k->cert.not_after;
	ca = keyring_issuer(ring, k);
	return ca == NULL || now > k->cert.not_after ||
	    now >= maint_due(k, ca->cert.not_after);
}

/* Out of the keyring, then out of the token. */
static enum q_err
over_remove(struct signd *s, struct keyring *next, const struct key *k,
    struct fault *f)
{
	struct journal_key rec = { .destroy = true,
		.purpose = purpose_text(k->purpose), .policy = k->policy };
	enum q_err r = Q_OK;

	if (k->purpose == PURPOSE_ROOT_LINK) {
		keyring_remove(next, k->id);
		return Q_OK;
	}
	r = journal_put(s->journal, &(struct journal_entry){
		JOURNAL_key, JOURNAL_NO_UID, k->id, &rec }, f);
	if (r == Q_OK)
		r = signd_announce(s, k->id);
	if (r == Q_OK)
		keyring_remove(next, k->id);
	return r;
}

static enum q_err
renew(struct signd *s, struct keyring *next, const struct key *k,
    struct fault *f)
{
	log_note("renewing the certificate of %s %s", purpose_text(k->purpose),
	    k->policy);
	if (k->purpose == PURPOSE_ISSUING)
		return pki_issuing(s, next, k->policy, &k->issuing,
		    JOURNAL_NO_UID, f);
	return pki_own(s, next, k->purpose, JOURNAL_NO_UID, f);
}

/* What every PKI has: a CMP key, a journal key, and an OCSP responder for
 * each issuing CA that has not ended. */
static enum q_err
missing_make(struct signd *s, struct keyring *next, bool *changed,
    struct fault *f)
{
	int64_t now = clock_wall();
	enum q_err r = Q_OK;

	if (keyring_active(next, PURPOSE_CMP, "") == NULL) {
		*changed = true;
		r = pki_own(s, next, PURPOSE_CMP, JOURNAL_NO_UID, f);
	}
	if (r == Q_OK && keyring_active(next, PURPOSE_JOURNAL, "") == NULL) {
		*changed = true;
		r = pki_journal(s, next, JOURNAL_NO_UID, f);
	}
	for (size_t i = 0; r == Q_OK && i < next->n; i++) {
		const struct key *k = next->keys[i];

		if (k->purpose != PURPOSE_ISSUING ||
		    now >= k->cert.not_after || keyring_ocsp(next, k) != NULL)
			continue;
		*changed = true;
		r = pki_ocsp(s, next, k, JOURNAL_NO_UID, f);
	}
	return r;
}

/* Responders are replaced by being over. */
static bool
renews(enum key_purpose p)
{
	return purpose_row(p)->renewed;
}

/* The old keyring's keys are looked at, since the new one's change
 * meanwhile. */
static enum q_err
due_renew(struct signd *s, const struct keyring *ring, struct keyring *next,
    bool *changed, struct fault *f)
{
	const struct key *root = keyring_active(ring, PURPOSE_ROOT, "");
	int64_t now = clock_wall();
	enum q_err r = Q_OK;

	for (size_t i = 0; r == Q_OK && i < ring->n; i++) {
		const struct key *k = ring->keys[i];
		bool over = is_over(ring, k, now);

		if (!over && (k->old || !renews(k->purpose) ||
		    now < maint_due(k, root->cert.not_after)))
			continue;
		*changed = true;
		r = over ? over_remove(s, next, k, f) : renew(s, next, k, f);
	}
	return r;
}

/* Everything that is due, in one new keyring. */
static enum q_err
due_do(struct signd *s, const struct keyring *ring, struct fault *f)
{
	struct keyring *next;
	bool changed = false;
	enum q_err r;

	if (keyring_active(ring, PURPOSE_ROOT, "") == NULL)
		return Q_OK;
	next = keyring_new(ring);
	if (next == NULL)
		return Q_NOMEM;
	r = due_renew(s, ring, next, &changed, f);
	if (r == Q_OK)
		r = missing_make(s, next, &changed, f);
	if (r == Q_OK && changed)
		return signd_install(s, next, JOURNAL_NO_UID, f);
	keyring_unref(next);
	return r;
}

void
signd_count(struct signd *s)
{
	AUTO_RING struct keyring *ring = NULL;

	if (signd_ring(s, false, &ring, NULL) == Q_OK)
		uses_note(s, ring);
	signd_refusals_note(s);
}

void *
signd_count_keep(void *arg)
{
	struct signd *s = arg;

	while (!atomic_load(&s->stopping)) {
		signd_count(s);
		usleep(TICK_MS * 1000);
	}
	return NULL;
}

static void
tick(struct signd *s, int64_t *retry, int64_t *warned)
{
	AUTO_RING struct keyring *ring = NULL;
	struct fault f = { 0 };
	enum q_err r;

	if (signd_ring(s, false, &ring, NULL) != Q_OK)
		return;
	root_warn(ring, warned);
	if (clock_mono_ms() < *retry ||
	    pthread_mutex_trylock(&s->change) != 0)
		return;
	keyring_unref(ring);
	ring = NULL;
	r = signd_ring(s, false, &ring, &f);
	if (r == Q_OK)
		r = due_do(s, ring, &f);
	if (r == Q_OK) {
		keyring_unref(ring);
		ring = NULL;
		r = signd_ring(s, false, &ring, &f);
	}
	if (r == Q_OK) {
		announced_destroy(s, ring);
		orphans_count(s, ring);
	}
	pthread_mutex_unlock(&s->change);
	if (r != Q_OK) {
		log_warn("maintenance: %s", fault_text(&f, r));
		*retry = clock_mono_ms() + RETRY_MS;
	}
}

void *
signd_maintain(void *arg)
{
	struct signd *s = arg;
	int64_t retry = 0, warned = 0;

	while (!atomic_load(&s->stopping)) {
		tick(s, &retry, &warned);
		usleep(TICK_MS * 1000);
	}
	return NULL;
}
