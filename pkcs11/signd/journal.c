// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "signd/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/fsio.h"
#include "base/own.h"

#define RETRY_SECONDS 5
#define UNSYNCED_MAX ((size_t)16 << 20)

struct journal {
	struct journal_conf conf;
	int dir;
	int lock_file;
	pthread_mutex_t lock; /* of everything below */
	pthread_cond_t synced;
	pthread_cond_t grown;
	uint64_t watched; /* a record that somebody waits for; 0: none */
	int fd;
	uint64_t segment, offset;
	uint64_t seq;
	uint8_t hash[JOURNAL_HASH];
	/* What was written since the last good sync, and where it begins. */
	struct buf tail;
	uint64_t tail_offset;
	bool tail_suspect; /* the last sync failed: write it again */
	bool syncing;
	uint64_t durable;
	uint64_t failures;
};

static int
segment_open(struct journal *j, uint64_t first, int flags)
{
	char name[40];

	journal_segment_name(first, name);
	return openat(j->dir, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* The segment to write to, as the replay left it. */
static enum q_err
resume(struct journal *j, const struct journal_end *end, struct fault *f)
{
	j->seq = end->seq;
	j->durable = end->seq;
	memcpy(j->hash, end->hash, JOURNAL_HASH);
	j->segment = end->segments != 0 ? end->segment : 1;
	j->offset = end->offset;
	j->tail_offset = end->offset;
	j->fd = segment_open(j, j->segment, O_RDWR | O_CREAT);
	if (j->fd < 0 || ftruncate(j->fd, (off_t)j->offset) != 0 ||
	    fdatasync(j->fd) != 0 || fsync(j->dir) != 0)
		return fault_set(f, Q_IO, "journal: %s", strerror(errno));
	return Q_OK;
}

static enum q_err
folder_take(struct journal *j, struct fault *f)
{
	const char *dir = j->conf.dir;

	if (mkdir(dir, 0700) != 0 && errno != EEXIST)
		return fault_set(f, Q_IO, "%.150s: %s", dir, strerror(errno));
	j->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (j->dir >= 0)
		j->lock_file = openat(j->dir, "lock",
		    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (j->lock_file < 0)
		return fault_set(f, Q_IO, "%.150s: %s", dir, strerror(errno));
	if (flock(j->lock_file, LOCK_EX | LOCK_NB) != 0)
		return fault_set(f, Q_EXISTS,
		    "%.150s: another process writes this journal", dir);
	return Q_OK;
}

enum q_err
journal_open(const struct journal_conf *conf, struct journal **ret_journal,
    struct fault *f)
{
	struct journal *j = calloc(1, sizeof(*j));
	struct journal_end end = { 0 };
	pthread_condattr_t mono;
	enum q_err r;

	if (j == NULL)
		return Q_NOMEM;
	*j = (struct journal){ .conf = *conf, .dir = -1, .lock_file = -1,
		.fd = -1, .tail = BUF_INIT(UNSYNCED_MAX) };
	pthread_mutex_init(&j->lock, NULL);
	pthread_cond_init(&j->synced, NULL);
	pthread_condattr_init(&mono);
	pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	pthread_cond_init(&j->grown, &mono);
	pthread_condattr_destroy(&mono);
	r = folder_take(j, f);
	if (r == Q_OK)
		r = journal_read(conf->dir, conf->replay, conf->each,
		    conf->ctx, &end, f);
	if (r == Q_OK)
		r = resume(j, &end, f);
	if (r == Q_OK)
		*ret_journal = j;
	else
		journal_close(j);
	return r;
}

void
journal_close(struct journal *j)
{
	if (j == NULL)
		return;
	if (j->fd >= 0) {
		(void)fdatasync(j->fd);
		close(j->fd);
	}
	if (j->lock_file >= 0)
		close(j->lock_file);
	if (j->dir >= 0)
		close(j->dir);
	buf_free(&j->tail);
	pthread_cond_destroy(&j->synced);
	pthread_cond_destroy(&j->grown);
	pthread_mutex_destroy(&j->lock);
	free(j);
}

/* All bytes at an offset; on failure nothing of them stays. */
static enum q_err
write_at(int fd, const uint8_t *p, size_t len, uint64_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pwrite(fd, p + done, len - done,
		    (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			int why = n < 0 ? errno : ENOSPC;

			if (ftruncate(fd, (off_t)offset) != 0)
				why = errno;
			errno = why;
			return Q_IO;
		}
		done += (size_t)n;
	}
	return Q_OK;
}

static enum q_err
write_fault(struct fault *f)
{
	return fault_retry(f, Q_UNAVAIL, RETRY_SECONDS,
	    "the journal cannot be written: %s", strerror(errno));
}

static uint64_t
record_make(const struct journal *j, const struct journal_entry *e,
    struct buf *out)
{
	uint64_t wall = (uint64_t)clock_wall();
	uint8_t head[JOURNAL_HEAD] = { 0 }, hash[JOURNAL_HASH];

	le32_put(head + 4, e->type);
	le64_put(head + 8, j->seq + 1);
	le64_put(head + 16, wall);
	le64_put(head + 24, (uint64_t)clock_mono_ns());
	le32_put(head + 32, e->uid);
	memcpy(head + 36, e->key, strnlen(e->key, 16));
	memcpy(head + 52, j->hash, JOURNAL_HASH);
	buf_put(out, head, sizeof(head));
	wire_encode(journal_type_of(e->type), e->body, out);
	if (out->bad)
		return wall;
	le32_put(out->p, (uint32_t)(out->len + JOURNAL_HASH));
	SHA256(out->p, out->len, hash);
	buf_put(out, hash, sizeof(hash));
	return wall;
}

static enum q_err
append(struct journal *j, const struct journal_entry *e,
    struct journal_pos *ret_pos)
{
	AUTO_BUF struct buf rec = BUF_INIT(JOURNAL_RECORD_MAX);
	uint64_t wall = record_make(j, e, &rec);

	errno = EMSGSIZE;
	if (rec.bad || buf_reserve(&j->tail, rec.len) == NULL) {
		/* Too much waits for a disk that does not take it. */
		j->tail.bad = false;
		return Q_IO;
	}
	if (write_at(j->fd, rec.p, rec.len, j->offset) != Q_OK)
		return Q_IO;
	buf_put(&j->tail, rec.p, rec.len);
	if (ret_pos != NULL)
		*ret_pos = (struct journal_pos){ j->seq + 1, j->segment,
			j->offset, wall };
	j->seq++;
	j->offset += rec.len;
	memcpy(j->hash, rec.p + rec.len - JOURNAL_HASH, JOURNAL_HASH);
	if (j->watched != 0 && j->seq >= j->watched)
		pthread_cond_signal(&j->grown);
	return Q_OK;
}

enum q_err
journal_append_locked(struct journal *j, const struct journal_entry *e)
{
	return append(j, e, NULL);
}

/* What is behind us is durable before the next segment exists, so that only
 * the last one can be torn. */
static enum q_err
roll(struct journal *j)
{
	int fd;

	if (j->tail_suspect && write_at(j->fd, j->tail.p, j->tail.len,
	    j->tail_offset) != Q_OK)
		return Q_IO;
	if (fdatasync(j->fd) != 0)
		return Q_IO;
	fd = segment_open(j, j->seq + 1, O_RDWR | O_CREAT | O_TRUNC);
	if (fd < 0)
		return Q_IO;
	if (fsync(j->dir) != 0) {
		close(fd);
		return Q_IO;
	}
	close(j->fd);
	j->fd = fd;
	j->segment = j->seq + 1;
	j->offset = j->tail_offset = 0;
	j->tail_suspect = false;
	j->durable = j->seq;
	buf_reset(&j->tail);
	return j->conf.head == NULL ? Q_OK : j->conf.head(j->conf.ctx, j);
}

enum q_err
journal_append(struct journal *j, const struct journal_entry *e,
    struct journal_pos *ret_pos, struct fault *f)
{
	enum q_err r = Q_OK;

	pthread_mutex_lock(&j->lock);
	/* Not under a sync that is going on: its file must stay open. */
	if (j->offset >= j->conf.segment_bytes && !j->syncing)
		r = roll(j);
	if (r == Q_OK)
		r = append(j, e, ret_pos);
	if (r != Q_OK)
		r = write_fault(f);
	pthread_mutex_unlock(&j->lock);
	return r;
}

/* One sync for everything written so far; the lock is held on entry and on
 * return, and given up meanwhile. */
static void
sync_once(struct journal *j)
{
	uint64_t upto = j->seq;
	size_t bytes = j->tail.len;
	int bad = 0;

	j->syncing = true;
	if (j->tail_suspect && write_at(j->fd, j->tail.p, j->tail.len,
	    j->tail_offset) != Q_OK)
		bad = errno;
	pthread_mutex_unlock(&j->lock);
	if (bad == 0 && fdatasync(j->fd) != 0)
		bad = errno;
	pthread_mutex_lock(&j->lock);
	j->syncing = false;
	if (bad == 0) {
		j->durable = upto;
		j->tail_suspect = false;
		j->tail_offset += bytes;
		memmove(j->tail.p, j->tail.p + bytes, j->tail.len - bytes);
		j->tail.len -= bytes;
	} else {
		/* The kernel may have forgotten the pages as clean. */
		j->tail_suspect = true;
		j->failures++;
	}
	pthread_cond_broadcast(&j->synced);
	errno = bad;
}

enum q_err
journal_wait(struct journal *j, uint64_t seq, struct fault *f)
{
	uint64_t failures;
	enum q_err r = Q_OK;

	pthread_mutex_lock(&j->lock);
	failures = j->failures;
	while (j->durable < seq) {
		errno = EIO;
		if (j->syncing)
			pthread_cond_wait(&j->synced, &j->lock);
		else
			sync_once(j);
		if (j->failures != failures && j->durable < seq) {
			r = write_fault(f);
			break;
		}
	}
	pthread_mutex_unlock(&j->lock);
	return r;
}

bool
journal_watch(struct journal *j, uint64_t seq, int64_t ms)
{
	int64_t until = clock_mono_ns() + ms * 1000000;
	struct timespec at = { until / 1000000000, until % 1000000000 };
	bool there;

	pthread_mutex_lock(&j->lock);
	j->watched = seq;
	while (j->seq < seq && pthread_cond_timedwait(&j->grown, &j->lock,
	    &at) == 0)
		;
	j->watched = 0;
	there = j->seq >= seq;
	pthread_mutex_unlock(&j->lock);
	return there;
}

enum q_err
journal_put(struct journal *j, const struct journal_entry *e,
    struct fault *f)
{
	struct journal_pos pos;
	enum q_err r = journal_append(j, e, &pos, f);

	return r == Q_OK ? journal_wait(j, pos.seq, f) : r;
}

enum q_err
journal_get(struct journal *j, uint64_t segment, uint64_t offset,
    struct buf *out, struct journal_record *ret_record)
{
	AUTO_FD int fd = segment_open(j, segment, O_RDONLY);
	uint8_t *to = buf_reserve(out, JOURNAL_RECORD_MAX);
	ssize_t n;

	if (fd < 0 || to == NULL)
		return Q_IO;
	n = pread(fd, to, JOURNAL_RECORD_MAX, (off_t)offset);
	if (n <= 0)
		return Q_IO;
	out->len += (size_t)n;
	return journal_record_parse((struct bytes){ to, (size_t)n },
	    ret_record) == Q_OK ? Q_OK : Q_IO;
}

uint64_t
journal_head(struct journal *j, uint8_t ret_hash[JOURNAL_HASH])
{
	uint64_t seq;

	pthread_mutex_lock(&j->lock);
	seq = j->seq;
	memcpy(ret_hash, j->hash, JOURNAL_HASH);
	pthread_mutex_unlock(&j->lock);
	return seq;
}
