// SPDX-License-Identifier: Apache-2.0
/* The approvals that are open, in memory and in the journal. */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "signd/approve_priv.h"
#include "signd/journal.h"

enum q_err
approvals_new(int64_t (*wall)(void), struct approvals **ret_approvals)
{
	struct approvals *a = calloc(1, sizeof(*a));

	if (a == NULL)
		return Q_NOMEM;
	pthread_mutex_init(&a->change, NULL);
	pthread_mutex_init(&a->lock, NULL);
	a->wall = wall;
	*ret_approvals = a;
	return Q_OK;
}

static void
drop(struct approvals *a, size_t i)
{
	struct approval *w = a->row[i];

	for (size_t g = 0; g < w->n; g++)
		free(w->given[g].proof);
	free(w->text);
	free(w);
	a->n--;
	memmove(&a->row[i], &a->row[i + 1], (a->n - i) * sizeof(a->row[0]));
}

void
approvals_free(struct approvals *a)
{
	if (a == NULL)
		return;
	while (a->n > 0)
		drop(a, a->n - 1);
	pthread_mutex_destroy(&a->change);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

void
approvals_expire(struct approvals *a)
{
	for (size_t i = a->n; i-- > 0;)
		if (!a->row[i]->taken &&
		    a->row[i]->st.expires <= a->wall())
			drop(a, i);
}

/* Place of the first whose id is not before this one. */
static size_t
place_of(const struct approvals *a, const char *id)
{
	size_t i = 0;

	while (i < a->n && strcmp(a->row[i]->st.id, id) < 0)
		i++;
	return i;
}

struct approval *
approval_find(const struct approvals *a, const char *id)
{
	size_t i = place_of(a, id);

	return i < a->n && strcmp(a->row[i]->st.id, id) == 0 ? a->row[i] :
	    NULL;
}

void
approval_forget(struct approvals *a, const char *id)
{
	size_t i = place_of(a, id);

	if (i < a->n && strcmp(a->row[i]->st.id, id) == 0)
		drop(a, i);
}

enum q_err
approval_insert(struct approvals *a, const char *text, uint32_t uid)
{
	struct statement st;
	struct approval *w;
	size_t i;

	if (statement_parse(text, &st) != Q_OK)
		return Q_SIGNATURE;
	if (approval_find(a, st.id) != NULL || a->n == APPROVALS_MAX ||
	    st.expires <= a->wall())
		return Q_OK;
	w = calloc(1, sizeof(*w));
	if (w == NULL || (w->text = strdup(text)) == NULL) {
		free(w);
		return Q_NOMEM;
	}
	w->st = st;
	w->uid = uid;
	i = place_of(a, st.id);
	memmove(&a->row[i + 1], &a->row[i], (a->n - i) * sizeof(a->row[0]));
	a->row[i] = w;
	a->n++;
	return Q_OK;
}

enum q_err
approval_add(struct approval *w, const char *name, struct bytes proof,
    const uint8_t verified[SHA256_DIGEST_LENGTH])
{
	uint8_t *copy = malloc(proof.len + 1);
	size_t i = 0;

	if (copy == NULL)
		return Q_NOMEM;
	memcpy(copy, proof.p, proof.len);
	while (i < w->n && strcmp(w->given[i].name, name) != 0)
		i++;
	if (i == APPROVAL_GIVEN_MAX) {
		free(copy);
		return Q_BUSY;
	}
	if (i == w->n)
		w->n++;
	free(w->given[i].proof);
	w->given[i] = (struct given){ .proof = copy, .len = proof.len };
	snprintf(w->given[i].name, sizeof(w->given[i].name), "%s", name);
	if (verified != NULL)
		memcpy(w->given[i].verified, verified,
		    SHA256_DIGEST_LENGTH);
	return Q_OK;
}

/* --- the journal -------------------------------------------------------- */

static enum q_err
replay(struct approvals *a, const struct journal_approval *b, uint32_t uid)
{
	struct approval *w = approval_find(a, b->id);

	if (b->step == APPROVAL_WANTED)
		return approval_insert(a, b->statement, uid);
	if (b->step == APPROVAL_USED || b->step == APPROVAL_WITHDRAWN)
		approval_forget(a, b->id);
	else if (w != NULL)
		return approval_add(w, b->approver, b->proof, NULL);
	return Q_OK;
}

enum q_err
approvals_replay(struct approvals *a, const struct journal_record *r)
{
	struct journal_approval approval;
	struct journal_sign sign;

	if (r->type == JOURNAL_sign) {
		if (wire_decode(&journal_sign_type, r->body, &sign, NULL) !=
		    Q_OK)
			return Q_SIGNATURE;
		approval_forget(a, sign.approval);
	}
	if (r->type != JOURNAL_approval)
		return Q_OK;
	if (wire_decode(&journal_approval_type, r->body, &approval, NULL) !=
	    Q_OK)
		return Q_SIGNATURE;
	return replay(a, &approval, r->uid);
}

static enum q_err
head_put(const struct approval *w, struct journal *j)
{
	struct journal_approval rec = { .step = APPROVAL_WANTED,
		.id = w->st.id, .statement = w->text };
	enum q_err r = journal_append_locked(j, &(struct journal_entry){
		JOURNAL_approval, w->uid, w->st.key, &rec });

	for (size_t i = 0; r == Q_OK && i < w->n; i++) {
		const struct given *g = &w->given[i];

		rec = (struct journal_approval){ .step = APPROVAL_GIVEN,
			.id = w->st.id, .approver = g->name,
			.proof = { g->proof, g->len } };
		r = journal_append_locked(j, &(struct journal_entry){
			JOURNAL_approval, JOURNAL_NO_UID, w->st.key, &rec });
	}
	return r;
}

enum q_err
approvals_head(struct approvals *a, struct journal *j)
{
	enum q_err r = Q_OK;

	pthread_mutex_lock(&a->lock);
	/* What is being used may be used up by now. */
	for (size_t i = 0; r == Q_OK && i < a->n; i++)
		if (!a->row[i]->taken)
			r = head_put(a->row[i], j);
	pthread_mutex_unlock(&a->lock);
	return r;
}
