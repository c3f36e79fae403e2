// SPDX-License-Identifier: Apache-2.0
/*
 * Records on a MongoDB server, alone or a replica set, which several
 * appliances may share. One thread looks after the server: while it is away
 * it is asked once a second, everybody else is answered at once, and what
 * was in doubt is settled before it counts as back.
 */
#include "config.h"

#include "recordd/store_mongo.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/fsio.h"
#include "base/log.h"
#include "base/own.h"

#define PROBE_SECONDS 1
#define IDLE_MS 2000 /* heard of so long ago, it is asked */
#define START_MS 3000 /* how long an open waits for it */

#define READ_MS 4000 /* the server gives up on a read */
#define WRITE_MS 4000 /* and on the copies of a write */

static struct mongo *
self(struct store *s)
{
	return (struct mongo *)(void *)s;
}

void
mongo_reads(bson_t *cmd)
{
	bson_t level;

	BSON_APPEND_DOCUMENT_BEGIN(cmd, "readConcern", &level);
	BSON_APPEND_UTF8(&level, "level", "majority");
	bson_append_document_end(cmd, &level);
	BSON_APPEND_INT32(cmd, "maxTimeMS", READ_MS);
}

void
mongo_writes(bson_t *cmd)
{
	bson_t concern;

	BSON_APPEND_DOCUMENT_BEGIN(cmd, "writeConcern", &concern);
	BSON_APPEND_UTF8(&concern, "w", "majority");
	BSON_APPEND_BOOL(&concern, "j", true);
	BSON_APPEND_INT32(&concern, "wtimeout", WRITE_MS);
	bson_append_document_end(cmd, &concern);
}

void
mongo_fails(struct mongo *m, enum mongo_state state, const struct fault *f)
{
	bool was_ready;

	pthread_mutex_lock(&m->lock);
	was_ready = m->state == MONGO_READY;
	if (m->state > state)
		m->state = state;
	m->lost |= state == MONGO_AWAY;
	m->suspect = true;
	snprintf(m->why, sizeof(m->why), "%s", fault_text(f, Q_UNAVAIL));
	pthread_cond_broadcast(&m->wake);
	pthread_mutex_unlock(&m->lock);
	if (was_ready)
		log_warn("the store fails: %s", fault_text(f, Q_UNAVAIL));
}

enum q_err
mongo_gate(struct mongo *m, enum mongo_state wants, struct fault *f)
{
	enum q_err r = Q_OK;

	pthread_mutex_lock(&m->lock);
	if (m->state < wants)
		r = fault_retry(f, Q_UNAVAIL, MONGO_RETRY_SECONDS, "%s",
		    m->why);
	pthread_mutex_unlock(&m->lock);
	return r;
}

/* Errors of a server that is there, but is not, or not now, the primary. */
static bool
is_away(int code)
{
	static const int codes[] = { 0, 6, 7, 89, 91, 189, 262, 9001, 10107,
		11600, 11602, 13435, 13436 };

	for (size_t i = 0; i < ARRAY_LEN(codes); i++)
		if (codes[i] == code)
			return true;
	return false;
}

/* One connection that breaks does not mean that the server is gone: the
 * prober finds out. */
static void
note_end(struct mongo *m, enum q_err r, int code, const struct fault *f)
{
	if (r != Q_OK && !is_away(code)) {
		if (code != MONGO_NO_NAMESPACE && code != MONGO_TIME_UP)
			mongo_fails(m, MONGO_READS, f);
		return;
	}
	pthread_mutex_lock(&m->lock);
	if (r == Q_OK) {
		m->heard = clock_mono_ms();
	} else {
		m->lost = true;
		m->suspect = true;
		pthread_cond_broadcast(&m->wake);
	}
	pthread_mutex_unlock(&m->lock);
}

enum q_err
mongo_run(struct mongo *m, const bson_t *cmd, bson_t *ret_reply,
    int *ret_code, struct fault *f)
{
	struct fault own = { 0 };
	enum q_err r = mongo_link_run(m->link, cmd, ret_reply, ret_code,
	    &own);

	note_end(m, r, *ret_code, &own);
	if (r != Q_OK && f != NULL)
		*f = own;
	return r;
}

enum q_err
mongo_ask(struct mongo *m, const bson_t *cmd, bson_t *ret_reply,
    struct fault *f)
{
	int64_t start = clock_mono_ms();
	int code;
	enum q_err r = mongo_run(m, cmd, ret_reply, &code, f);

	if (r == Q_OK || !is_away(code) ||
	    clock_mono_ms() - start >= MONGO_PATIENCE_MS)
		return r;
	bson_destroy(ret_reply);
	return mongo_run(m, cmd, ret_reply, &code, f);
}

static void
set_state(struct mongo *m, enum mongo_state state)
{
	bool was_ready;

	pthread_mutex_lock(&m->lock);
	was_ready = m->state == MONGO_READY;
	m->state = state;
	if (state == MONGO_READY)
		m->why[0] = '\0';
	m->heard = clock_mono_ms();
	pthread_cond_broadcast(&m->wake);
	pthread_mutex_unlock(&m->lock);
	if (state == MONGO_READY && !was_ready)
		log_note("the store takes reads and writes");
}

/* It answers: bring it back, or as much of it as works. */
static void
revive(struct mongo *m)
{
	struct fault f = { 0 };
	bool lost;
	enum q_err r;

	pthread_mutex_lock(&m->lock);
	m->lost = false;
	pthread_mutex_unlock(&m->lock);
	r = mongo_indexes(m, &f);
	if (r == Q_OK)
		r = mongo_settle(m, &f);
	if (r == Q_OK) {
		set_state(m, MONGO_READY);
		return;
	}
	mongo_fails(m, MONGO_READS, &f);
	pthread_mutex_lock(&m->lock);
	lost = m->lost;
	pthread_mutex_unlock(&m->lock);
	if (!lost)
		set_state(m, MONGO_READS);
}

static void
probe(struct mongo *m, enum mongo_state state)
{
	struct fault f = { 0 };

	if (mongo_link_ping(m->link, &f) != Q_OK) {
		mongo_fails(m, MONGO_AWAY, &f);
	} else if (state != MONGO_READY) {
		revive(m);
	} else {
		pthread_mutex_lock(&m->lock);
		m->heard = clock_mono_ms();
		pthread_mutex_unlock(&m->lock);
	}
}

static void *
prober(void *ctx)
{
	struct mongo *m = ctx;
	struct timespec until;
	enum mongo_state state;

	pthread_mutex_lock(&m->lock);
	while (!m->stop) {
		state = m->state;
		if (state != MONGO_READY || m->suspect ||
		    clock_mono_ms() - m->heard >= IDLE_MS) {
			pthread_mutex_unlock(&m->lock);
			probe(m, state);
			pthread_mutex_lock(&m->lock);
			m->suspect = false;
		}
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += PROBE_SECONDS;
		while (!m->stop && !m->suspect && pthread_cond_timedwait(
		    &m->wake, &m->lock, &until) != ETIMEDOUT)
			;
	}
	pthread_mutex_unlock(&m->lock);
	return NULL;
}

static void
mongo_info(struct store *base, struct store_info *ret_info)
{
	struct mongo *m = self(base);

	memset(ret_info, 0, sizeof(*ret_info));
	pthread_mutex_lock(&m->lock);
	ret_info->ok = m->state == MONGO_READY;
	snprintf(ret_info->text, sizeof(ret_info->text), "%s", m->why);
	pthread_mutex_unlock(&m->lock);
}

static void
mongo_close(struct store *base)
{
	struct mongo *m = self(base);

	pthread_mutex_lock(&m->lock);
	m->stop = true;
	pthread_cond_broadcast(&m->wake);
	pthread_mutex_unlock(&m->lock);
	if (m->prober_runs)
		pthread_join(m->prober, NULL);
	mongo_batch_free(m->doubt);
	mongo_link_close(m->link);
	pthread_cond_destroy(&m->wake);
	pthread_mutex_destroy(&m->write_lock);
	pthread_mutex_destroy(&m->lock);
	if (m->lock_fd >= 0)
		close(m->lock_fd);
	free(m);
}

/* The name of this appliance among those that share the database: made once,
 * and kept beside its other state. */
static enum q_err
node_name(struct mongo *m, const char *dir, struct fault *f)
{
	AUTO_BUF struct buf b = BUF_INIT(MONGO_NODE_MAX + 1);
	uint8_t bytes[MONGO_NODE_MAX / 2];
	char path[512];
	enum q_err r = path_join(path, sizeof(path), dir, "node");

	if (r == Q_OK)
		r = file_read(path, &b);
	if (r == Q_NOTFOUND) {
		if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
			return Q_INTERNAL;
		hex_encode(bytes, sizeof(bytes), m->node);
		r = file_replace(path, m->node, MONGO_NODE_MAX, 0600);
	} else if (r == Q_OK) {
		if (b.len != MONGO_NODE_MAX)
			return fault_set(f, Q_CONFIG, "%.150s: damaged", path);
		memcpy(m->node, b.p, MONGO_NODE_MAX);
		if (!hex_is_lower(m->node, MONGO_NODE_MAX))
			return fault_set(f, Q_CONFIG, "%.150s: damaged", path);
	}
	return r == Q_OK ? r : fault_set(f, r, "%.150s: %s", path,
	    q_err_text(r));
}

/* Some seconds for a server that is there; one that is not may come. */
static void
wait_ready(struct mongo *m)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += START_MS / 1000;
	pthread_mutex_lock(&m->lock);
	while (m->state != MONGO_READY && pthread_cond_timedwait(&m->wake,
	    &m->lock, &until) != ETIMEDOUT)
		;
	pthread_mutex_unlock(&m->lock);
}

static void
locks_init(struct mongo *m)
{
	pthread_condattr_t monotonic;

	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&m->wake, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pthread_mutex_init(&m->lock, NULL);
	pthread_mutex_init(&m->write_lock, NULL);
}

static enum q_err
mongo_open(const char *place, const char *dir, struct store **ret_store,
    struct fault *f)
{
	struct mongo *m = calloc(1, sizeof(*m));
	enum q_err r;

	if (m == NULL)
		return Q_NOMEM;
	m->base.ops = &store_mongo;
	m->lock_fd = -1;
	snprintf(m->why, sizeof(m->why), "store: not yet asked");
	locks_init(m);
	r = store_folder(dir, &m->lock_fd, f);
	if (r == Q_OK)
		r = node_name(m, dir, f);
	if (r == Q_OK)
		r = mongo_link_open(place, &m->link, f);
	if (r == Q_OK && pthread_create(&m->prober, NULL, prober, m) != 0)
		r = Q_NOMEM;
	if (r != Q_OK) {
		mongo_close(&m->base);
		return r;
	}
	m->prober_runs = true;
	wait_ready(m);
	*ret_store = &m->base;
	return Q_OK;
}

const struct store_ops store_mongo = {
	.scheme = "mongodb",
	.needs = mongo_link_needs,
	.open = mongo_open,
	.close = mongo_close,
	.get = mongo_get,
	.list = mongo_list,
	.counters = mongo_counters,
	.write = mongo_write,
	.info = mongo_info,
};
