// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "enrold/cmp_trans.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

TAILQ_HEAD(cmp_list, cmp_trans);

struct cmp_table {
	pthread_mutex_t lock;
	struct cmp_list list; /* in the order of arrival */
	size_t n;
};

enum q_err
cmp_table_new(struct cmp_table **ret_table)
{
	struct cmp_table *table = calloc(1, sizeof(*table));

	if (table == NULL)
		return Q_NOMEM;
	pthread_mutex_init(&table->lock, NULL);
	TAILQ_INIT(&table->list);
	*ret_table = table;
	return Q_OK;
}

/* With the lock held. */
static void
take(struct cmp_table *table, struct cmp_trans *t)
{
	TAILQ_REMOVE(&table->list, t, link);
	table->n--;
}

void
cmp_table_free(struct cmp_table *table)
{
	struct cmp_trans *t;

	if (table == NULL)
		return;
	while ((t = TAILQ_FIRST(&table->list)) != NULL) {
		take(table, t);
		cmp_trans_free(t);
	}
	pthread_mutex_destroy(&table->lock);
	free(table);
}

enum q_err
cmp_trans_new(const struct cmp_msg *m, struct cmp_trans **ret_trans)
{
	struct cmp_trans *t = calloc(1, sizeof(*t));

	if (t == NULL)
		return Q_NOMEM;
	memcpy(t->id, m->id.p, m->id.len);
	t->id_len = m->id.len;
	t->sender.max = t->asked.max = CMP_MESSAGE_MAX;
	*ret_trans = t;
	return Q_OK;
}

void
cmp_trans_free(struct cmp_trans *t)
{
	if (t == NULL)
		return;
	OSSL_CMP_SRV_CTX_free(t->srv);
	buf_free(&t->sender);
	buf_free(&t->asked);
	buf_free(&t->answer.cert);
	free(t);
}

/* With the lock held: the one of that id, while those whose time is over go
 * to dead. */
static struct cmp_trans *
find(struct cmp_table *table, struct bytes id, struct cmp_list *dead)
{
	struct cmp_trans *t = TAILQ_FIRST(&table->list), *next, *found = NULL;
	int64_t now = clock_mono_ms();

	for (; t != NULL; t = next) {
		next = TAILQ_NEXT(t, link);
		if (t->until_ms <= now) {
			take(table, t);
			TAILQ_INSERT_TAIL(dead, t, link);
		} else if (t->id_len == id.len &&
		    memcmp(t->id, id.p, id.len) == 0) {
			found = t;
		}
	}
	return found;
}

static void
bury(struct cmp_list *dead)
{
	struct cmp_trans *t;

	while ((t = TAILQ_FIRST(dead)) != NULL) {
		TAILQ_REMOVE(dead, t, link);
		cmp_trans_free(t);
	}
}

struct cmp_trans *
cmp_trans_take(struct cmp_table *table, struct bytes id)
{
	struct cmp_list dead = TAILQ_HEAD_INITIALIZER(dead);
	struct cmp_trans *t;

	pthread_mutex_lock(&table->lock);
	t = find(table, id, &dead);
	if (t != NULL)
		take(table, t);
	pthread_mutex_unlock(&table->lock);
	bury(&dead);
	return t;
}

void
cmp_trans_keep(struct cmp_table *table, struct cmp_trans *t, unsigned seconds)
{
	struct cmp_list dead = TAILQ_HEAD_INITIALIZER(dead);
	struct bytes id = { t->id, t->id_len };
	struct cmp_trans *old;

	if (seconds != 0)
		t->until_ms = clock_mono_ms() + (int64_t)seconds * 1000;
	pthread_mutex_lock(&table->lock);
	old = find(table, id, &dead);
	if (old == NULL && table->n == CMP_TRANS_MAX)
		old = TAILQ_FIRST(&table->list);
	if (old != NULL) {
		take(table, old);
		TAILQ_INSERT_TAIL(&dead, old, link);
	}
	TAILQ_INSERT_TAIL(&table->list, t, link);
	table->n++;
	pthread_mutex_unlock(&table->lock);
	bury(&dead);
}
