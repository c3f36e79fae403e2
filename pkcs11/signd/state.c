// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "base/log.h"
#include "base/own.h"
#include "signd/signd.h"

enum q_err
signd_ring(struct signd *s, bool need_pki, struct keyring **ret_ring,
    struct fault *f)
{
	struct worker_state st;
	struct keyring *r;

	pthread_mutex_lock(&s->lock);
	r = keyring_ref(s->ring);
	pthread_mutex_unlock(&s->lock);
	if (r == NULL) {
		worker_state(s->workers[0], &st);
		return fault_retry(f, Q_UNAVAIL, 1, "token: %.180s",
		    st.reason);
	}
	if (need_pki && keyring_active(r, PURPOSE_ROOT, "") == NULL) {
		keyring_unref(r);
		return fault_set(f, Q_NOTFOUND,
		    "there is no PKI yet: quoinctl hsm init makes it");
	}
	*ret_ring = r;
	return Q_OK;
}

struct worker *
signd_worker(struct signd *s, const struct key *k)
{
	return s->workers[k->token];
}

uint64_t
signd_crl_last(struct signd *s, const char *id)
{
	uint64_t number = 0;

	pthread_mutex_lock(&s->lock);
	for (size_t i = 0; i < s->n_crls; i++)
		if (strcmp(s->crls[i].id, id) == 0)
			number = s->crls[i].number;
	pthread_mutex_unlock(&s->lock);
	return number;
}

static enum q_err
crl_set_locked(struct signd *s, const char *id, uint64_t number)
{
	struct crl_last *grown;

	for (size_t i = 0; i < s->n_crls; i++) {
		if (strcmp(s->crls[i].id, id) == 0) {
			/* A segment's head may repeat an earlier one. */
			if (s->crls[i].number < number)
				s->crls[i].number = number;
			return Q_OK;
		}
	}
	grown = realloc(s->crls, (s->n_crls + 1) * sizeof(*grown));
	if (grown == NULL)
		return Q_NOMEM;
	s->crls = grown;
	snprintf(grown[s->n_crls].id, sizeof(grown->id), "%s", id);
	grown[s->n_crls++].number = number;
	return Q_OK;
}

enum q_err
signd_crl_set(struct signd *s, const char *id, uint64_t number)
{
	enum q_err r;

	pthread_mutex_lock(&s->lock);
	r = crl_set_locked(s, id, number);
	pthread_mutex_unlock(&s->lock);
	return r;
}

static enum q_err
announce_locked(struct signd *s, const char *id)
{
	char (*grown)[SIGND_ID_LEN + 1] = realloc(s->announced_keys,
	    (s->n_announced + 1) * sizeof(*grown));

	if (grown == NULL)
		return Q_NOMEM;
	s->announced_keys = grown;
	snprintf(grown[s->n_announced++], sizeof(*grown), "%s", id);
	return Q_OK;
}

enum q_err
signd_announce(struct signd *s, const char *id)
{
	enum q_err r;

	pthread_mutex_lock(&s->lock);
	r = announce_locked(s, id);
	pthread_mutex_unlock(&s->lock);
	return r;
}

static void
mark_set(struct signd *s, const struct journal_keyring *k)
{
	struct keyring_mark *m = k->done ? &s->done : &s->announced;

	m->generation = k->generation;
	if (k->digest.len == 32)
		memcpy(m->digest, k->digest.p, 32);
	if (k->done)
		s->announced.generation = 0;
}

/* Records of the past; nothing runs yet, so no lock. */

static enum q_err
replay_keyring(struct signd *s, const char *key, const void *body)
{
	(void)key;
	mark_set(s, body);
	return Q_OK;
}

static enum q_err
replay_crl(struct signd *s, const char *key, const void *body)
{
	const struct journal_crl *b = body;

	return crl_set_locked(s, key, b->number);
}

static enum q_err
replay_key(struct signd *s, const char *key, const void *body)
{
	(void)body;
	return announce_locked(s, key);
}

static enum q_err
replay_sign(struct signd *s, const char *key, const void *body)
{
	const struct journal_sign *b = body;

	return use_totals_put(&s->totals, key, b->total);
}

static enum q_err
replay_count(struct signd *s, const char *key, const void *body)
{
	const struct journal_count *b = body;

	return use_totals_put(&s->totals, key, b->total);
}

static const struct {
	enum journal_type type;
	enum q_err (*take)(struct signd *s, const char *key,
	    const void *body);
} replayers[] = {
	{ JOURNAL_keyring, replay_keyring },
	{ JOURNAL_crl, replay_crl },
	{ JOURNAL_key, replay_key },
	{ JOURNAL_import, replay_key },
	{ JOURNAL_sign, replay_sign },
	{ JOURNAL_count, replay_count },
};

enum q_err
signd_replay(void *ctx, const struct journal_record *r)
{
	struct signd *s = ctx;
	union {
		max_align_t align;
		uint8_t space[WIRE_STRUCT_MAX];
	} body;

	if (r->type == JOURNAL_intent || r->type == JOURNAL_issued ||
	    r->type == JOURNAL_sign)
		issued_replay(s->issued, r);
	if (r->type == JOURNAL_sign || r->type == JOURNAL_approval) {
		enum q_err e = approvals_replay(s->approvals, r);

		if (e != Q_OK)
			return e;
	}
	for (size_t i = 0; i < ARRAY_LEN(replayers); i++) {
		if (replayers[i].type != r->type)
			continue;
		if (wire_decode(journal_type_of(r->type), r->body,
		    body.space, NULL) != Q_OK)
			return Q_SIGNATURE;
		return replayers[i].take(s, r->key, body.space);
	}
	return Q_OK;
}

static enum q_err
mark_put(struct journal *j, const struct keyring_mark *m, bool done)
{
	struct journal_keyring k = { .generation = m->generation,
		.digest = { m->digest, 32 }, .done = done };

	return m->generation == 0 ? Q_OK : journal_append_locked(j,
	    &(struct journal_entry){ JOURNAL_keyring, JOURNAL_NO_UID, "",
	    &k });
}

static enum q_err
total_put(struct journal *j, const char *key, uint64_t total)
{
	struct journal_count c = { .total = total };

	return total == 0 ? Q_OK : journal_append_locked(j,
	    &(struct journal_entry){ JOURNAL_count, JOURNAL_NO_UID, key,
	    &c });
}

/* Before there is a keyring, what the journal told is all. */
static enum q_err
totals_put(struct signd *s, struct journal *j)
{
	enum q_err r = Q_OK;

	for (size_t i = 0; s->ring == NULL && r == Q_OK &&
	    i < s->totals.n; i++)
		r = total_put(j, s->totals.row[i].key,
		    s->totals.row[i].total);
	for (size_t i = 0; s->ring != NULL && r == Q_OK && i < s->ring->n;
	    i++)
		r = total_put(j, s->ring->keys[i]->id,
		    signd_use_total(s->ring->keys[i]));
	return r;
}

/* The journal is locked here, and takes no lock of ours. */
enum q_err
signd_segment_head(void *ctx, struct journal *j)
{
	struct signd *s = ctx;
	enum q_err r = approvals_head(s->approvals, j);

	if (r != Q_OK)
		return r;
	pthread_mutex_lock(&s->lock);
	r = mark_put(j, &s->done, true);
	if (r == Q_OK)
		r = mark_put(j, &s->announced, false);
	for (size_t i = 0; r == Q_OK && i < s->n_crls; i++) {
		struct journal_crl c = { .number = s->crls[i].number };

		r = journal_append_locked(j, &(struct journal_entry){
			JOURNAL_crl, JOURNAL_NO_UID, s->crls[i].id, &c });
	}
	if (r == Q_OK)
		r = totals_put(s, j);
	pthread_mutex_unlock(&s->lock);
	return r;
}

static enum q_err
mark_journal(struct signd *s, const struct keyring_mark *m, bool done,
    uint32_t uid, struct fault *f)
{
	struct journal_keyring k = { .generation = m->generation,
		.digest = { m->digest, 32 }, .done = done };
	enum q_err r = journal_put(s->journal, &(struct journal_entry){
		JOURNAL_keyring, uid, "", &k }, f);

	if (r != Q_OK)
		return r;
	pthread_mutex_lock(&s->lock);
	mark_set(s, &k);
	pthread_mutex_unlock(&s->lock);
	return Q_OK;
}

static void
ring_set(struct signd *s, struct keyring *next)
{
	struct keyring *before;
	size_t kept = 0;

	pthread_mutex_lock(&s->lock);
	before = s->ring;
	s->ring = next;
	for (size_t i = 0; i < s->n_announced; i++)
		if (keyring_find(next, s->announced_keys[i]) == NULL)
			memmove(s->announced_keys[kept++],
			    s->announced_keys[i], SIGND_ID_LEN + 1);
	s->n_announced = kept;
	s->count_orphans = true;
	pthread_mutex_unlock(&s->lock);
	keyring_unref(before);
}

/*
 * The file must be the one that the journal names last; the one before it is
 * taken only when the last never got into place. So nobody undoes a change
 * by putting an older file back.
 */
static enum q_err
mark_check(struct signd *s, struct bytes file, struct fault *f)
{
	uint8_t digest[32];
	struct keyring_mark *a = &s->announced, *d = &s->done;

	SHA256(file.p, file.len, digest);
	memcpy(s->current.digest, digest, 32);
	if (a->generation != 0 && memcmp(a->digest, digest, 32) == 0)
		return mark_journal(s, a, true, JOURNAL_NO_UID, f);
	if (d->generation != 0 && memcmp(d->digest, digest, 32) == 0)
		return a->generation == 0 ? Q_OK :
		    mark_journal(s, d, true, JOURNAL_NO_UID, f);
	return fault_set(f, Q_SIGNATURE, "keyring: not the file that the "
	    "journal names; was an older state put back?");
}

enum q_err
signd_load(struct signd *s, struct fault *f)
{
	AUTO_BUF struct buf file = BUF_INIT(KEYRING_FILE_MAX);
	struct keyring *ring;
	enum q_err r = file_read(s->keyring_path, &file);

	if (r == Q_NOTFOUND) {
		if (s->done.generation != 0)
			return fault_set(f, Q_SIGNATURE, "%.150s is missing",
			    s->keyring_path);
		ring = keyring_new(NULL);
		if (ring == NULL)
			return Q_NOMEM;
		ring_set(s, ring);
		return Q_OK;
	}
	if (r != Q_OK)
		return fault_set(f, r, "%.150s: %s", s->keyring_path,
		    q_err_text(r));
	r = mark_check(s, buf_bytes(&file), f);
	if (r == Q_OK)
		r = keyring_unseal(buf_bytes(&file), s->workers[0],
		    (uint16_t)s->conf->crl_port, &ring, f);
	if (r == Q_OK) {
		s->current.generation = ring->generation;
		use_totals_take(&s->totals, ring);
		ring_set(s, ring);
	}
	return r;
}

enum q_err
signd_install(struct signd *s, struct keyring *next, uint32_t uid,
    struct fault *f)
{
	AUTO_BUF struct buf file = BUF_INIT(KEYRING_FILE_MAX);
	struct keyring_mark m = { .generation = next->generation };
	enum q_err r = keyring_seal(next, s->workers[0], &file, f);

	/* An earlier change whose end was never noted would be forgotten. */
	if (r == Q_OK && s->announced.generation != 0 &&
	    s->current.generation != 0)
		r = mark_journal(s, &s->current, true, uid, f);
	if (r == Q_OK) {
		SHA256(file.p, file.len, m.digest);
		r = mark_journal(s, &m, false, uid, f);
	}
	if (r == Q_OK) {
		r = file_replace(s->keyring_path, file.p, file.len, 0600);
		if (r != Q_OK)
			fault_retry(f, r, 5, "keyring: %s", q_err_text(r));
	}
	if (r != Q_OK) {
		keyring_unref(next);
		return r;
	}
	/* From here on it counts, whatever becomes of the journal's note. */
	s->current = m;
	ring_set(s, next);
	r = mark_journal(s, &m, true, uid, NULL);
	if (r != Q_OK)
		log_warn("keyring %llu: the journal's note waits",
		    (unsigned long long)m.generation);
	return Q_OK;
}
