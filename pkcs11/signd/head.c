// SPDX-License-Identifier: Apache-2.0
/* Signed heads of the journal: what makes it hard to write it anew. */
#include "config.h"

#include "signd/head.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "signd/signd.h"

#define LOOK_MS 200
#define RETRY_MS 1000
#define TELL 30 /* failures */

struct journal_head
head_body(const struct head *h)
{
	return (struct journal_head){ .seq = h->seq, .wall = h->wall,
		.hash = { h->hash, sizeof(h->hash) },
		.spki = { h->spki, h->spki_len },
		.next = { h->next, h->next_len },
		.signature = { h->signature, h->signature_len } };
}

/* By the journal key, which is to be one of P-256. */
static enum q_err
head_sign(struct signd *s, const struct key *k, struct head *h,
    struct fault *f)
{
	AUTO_BUF struct buf text = BUF_INIT(512);
	AUTO_BUF struct buf raw = BUF_INIT(TOKEN_SIG_MAX);
	AUTO_BUF struct buf der = BUF_INIT(sizeof(h->signature));
	struct journal_head body;
	enum q_err r;

	if (k->spki_len == 0 || k->spki_len > sizeof(h->spki))
		return fault_set(f, Q_INTERNAL, "journal key %s has no "
		    "public half", k->id);
	memcpy(h->key, k->id, sizeof(h->key));
	memcpy(h->spki, k->spki, k->spki_len);
	h->spki_len = k->spki_len;
	h->wall = (uint64_t)clock_wall();
	body = head_body(h);
	journal_head_statement(&body, h->key, &text);
	r = text.bad ? Q_NOMEM : pki_sign(s, k, buf_bytes(&text), &raw, f);
	if (r != Q_OK)
		return r;
	ecdsa_sig_put(&der, raw.p);
	if (der.bad)
		return Q_NOMEM;
	memcpy(h->signature, der.p, der.len);
	h->signature_len = der.len;
	return Q_OK;
}

/* Nobody may hear of a head that a crash takes back. */
static enum q_err
head_record(struct signd *s, struct head *h, struct fault *f)
{
	struct journal_head body = head_body(h);
	struct journal_pos pos;
	enum q_err r = journal_append(s->journal, &(struct journal_entry){
		JOURNAL_head, JOURNAL_NO_UID, h->key, &body }, &pos, f);

	if (r == Q_OK)
		r = journal_wait(s->journal, pos.seq, f);
	if (r == Q_OK)
		h->record = pos.seq;
	return r;
}

static void
head_log(const struct head *h)
{
	AUTO_BUF struct buf line = BUF_INIT(JOURNAL_LINE_MAX);
	struct journal_head body = head_body(h);

	journal_head_line(&body, h->key, &line);
	if (!line.bad)
		log_note("%.*s", (int)line.len, (const char *)line.p);
}

static enum q_err
head_new(struct signd *s, struct bytes next, struct head *ret_head,
    struct fault *f)
{
	AUTO_RING struct keyring *ring = NULL;
	struct head h = { .next_len = next.len };
	const struct key *k;
	enum q_err r = signd_ring(s, true, &ring, f);

	if (r != Q_OK)
		return r;
	k = keyring_active(ring, PURPOSE_JOURNAL, "");
	if (k == NULL)
		return fault_set(f, Q_NOTFOUND, "there is no journal key yet");
	if (next.len != 0)
		memcpy(h.next, next.p, sizeof(h.next));
	h.seq = journal_head(s->journal, h.hash);
	r = journal_wait(s->journal, h.seq, f);
	if (r == Q_OK)
		r = head_sign(s, k, &h, f);
	if (r == Q_OK)
		r = head_record(s, &h, f);
	if (r != Q_OK)
		return r;
	head_log(&h);
	*ret_head = h;
	return Q_OK;
}

/* Records that are not covered yet, without that of the last head. */
static uint64_t
news(struct signd *s, const struct head *last)
{
	uint8_t hash[JOURNAL_HASH];
	uint64_t seq = journal_head(s->journal, hash);

	return seq - last->seq - (last->record != 0);
}

enum q_err
head_make(struct signd *s, struct bytes next, struct head *ret_head,
    struct fault *f)
{
	struct head *last = &s->heads.last;
	enum q_err r = Q_OK;

	pthread_mutex_lock(&s->heads.lock);
	if (last->record == 0 || next.len != 0 || news(s, last) != 0)
		r = head_new(s, next, last, f);
	if (r == Q_OK)
		*ret_head = *last;
	pthread_mutex_unlock(&s->heads.lock);
	return r;
}

/* Heads wait with the token; it is said once when they wait for long, and
 * when they go on. */
static void
tell(enum q_err r, const struct fault *f, unsigned *failed)
{
	if (r == Q_NOTFOUND)
		return;
	if (r == Q_OK && *failed >= TELL)
		log_note("journal: heads are signed again");
	*failed = r == Q_OK ? 0 : *failed + 1;
	if (*failed == TELL)
		log_warn("journal: no head can be signed: %s",
		    fault_text(f, r));
}

void *
head_keep(void *arg)
{
	struct signd *s = arg;
	uint64_t many = (uint64_t)s->conf->journal_head_records;
	int64_t due = 0, retry = 0;
	unsigned failed = 0;

	while (!atomic_load(&s->stopping)) {
		struct fault f = { 0 };
		struct head last;
		enum q_err r;

		pthread_mutex_lock(&s->heads.lock);
		last = s->heads.last;
		pthread_mutex_unlock(&s->heads.lock);
		if (clock_mono_ms() < retry) {
			usleep(LOOK_MS * 1000);
			continue;
		}
		if (!journal_watch(s->journal, last.seq + many +
		    (last.record != 0), LOOK_MS) &&
		    (clock_mono_ms() < due || news(s, &last) == 0))
			continue;
		r = head_make(s, (struct bytes){ NULL, 0 }, &last, &f);
		tell(r, &f, &failed);
		due = clock_mono_ms() + s->conf->journal_head_seconds * 1000;
		if (r != Q_OK) {
			retry = clock_mono_ms() + RETRY_MS;
			due = 0;
		}
	}
	return NULL;
}
