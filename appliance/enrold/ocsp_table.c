// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "enrold/ocsp_table.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/own.h"

/*
 * The file: a head as large as a slot, then a power of two of slots. A slot,
 * integers little-endian:
 *	0	checksum of the rest
 *	4	form; length of the signature; two zero octets
 *	8	serial
 *	24	issuer
 *	32	responder
 *	40	thisUpdate in 40 bits, seconds to nextUpdate in 24
 *	48	end of the certificate
 *	56	signature
 * One that is all zero was never used, and ends a search.
 */
#define SLOT 128
#define AT_FORM 4
#define AT_SERIAL 8
#define AT_ISSUER 24
#define AT_RESPONDER 32
#define AT_TIMES 40
#define AT_END 48
#define AT_SIG 56
#define ID_BYTES (SIGND_ID_LEN / 2)

#define MAGIC "quoin ocsp 1\n"
#define AT_USED 16		/* in the head: slots in use, about */
#define SLOTS_MIN ((uint64_t)4096)
#define SLOTS_MAX ((uint64_t)1 << 32)
#define COUNT_EVERY 1024	/* new slots, then the head is written */
#define CHUNK 512		/* slots read at a time by a copy */

_Static_assert(AT_SIG + OCSP_SIG_MAX == SLOT, "slot");

struct ocsp_table {
	char path[700];
	pthread_rwlock_t swap;	/* of fd and slots: written by a new file */
	pthread_mutex_t write;
	int fd;
	uint64_t slots;
	_Atomic uint64_t used;
	atomic_bool complained;
};

/* FNV-1a, folded: tells torn slots, not forged ones. */
static uint32_t
checksum(const uint8_t slot[SLOT])
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (size_t i = AT_FORM; i < SLOT; i++)
		h = (h ^ slot[i]) * UINT64_C(1099511628211);
	return (uint32_t)(h ^ h >> 32);
}

static bool
slot_encode(const struct ocsp_answer *a, uint8_t slot[SLOT])
{
	uint64_t span = (uint64_t)(a->next_update - a->this_update);

	memset(slot, 0, SLOT);
	if (a->sig_len == 0 || a->sig_len > OCSP_SIG_MAX || span >> 24 != 0 ||
	    (uint64_t)a->this_update >> 40 != 0 ||
	    !hex_decode(a->issuer, slot + AT_ISSUER, ID_BYTES) ||
	    !hex_decode(a->responder, slot + AT_RESPONDER, ID_BYTES))
		return false;
	slot[AT_FORM] = (uint8_t)a->form;
	slot[AT_FORM + 1] = (uint8_t)a->sig_len;
	memcpy(slot + AT_SERIAL, a->serial, CERT_SERIAL_LEN);
	le64_put(slot + AT_TIMES, (uint64_t)a->this_update | span << 40);
	le64_put(slot + AT_END, (uint64_t)a->not_after);
	memcpy(slot + AT_SIG, a->sig, a->sig_len);
	le32_put(slot, checksum(slot));
	return true;
}

static void
slot_decode(const uint8_t slot[SLOT], struct ocsp_answer *a)
{
	uint64_t times = le64_get(slot + AT_TIMES);

	hex_encode(slot + AT_ISSUER, ID_BYTES, a->issuer);
	hex_encode(slot + AT_RESPONDER, ID_BYTES, a->responder);
	memcpy(a->serial, slot + AT_SERIAL, CERT_SERIAL_LEN);
	a->form = (enum ocsp_form)slot[AT_FORM];
	a->this_update = (int64_t)(times & ((UINT64_C(1) << 40) - 1));
	a->next_update = a->this_update + (int64_t)(times >> 40);
	a->not_after = (int64_t)le64_get(slot + AT_END);
	a->sig_len = slot[AT_FORM + 1];
	memcpy(a->sig, slot + AT_SIG, OCSP_SIG_MAX);
}

static bool
slot_empty(const uint8_t slot[SLOT])
{
	static const uint8_t zero[SLOT];

	return memcmp(slot, zero, SLOT) == 0;
}

static bool
slot_whole(const uint8_t slot[SLOT])
{
	return le32_get(slot) == checksum(slot) &&
	    slot[AT_FORM] < OCSP_FORMS && slot[AT_FORM + 1] != 0 &&
	    slot[AT_FORM + 1] <= OCSP_SIG_MAX;
}

/* Whether its place may be taken: broken, or of no use any more. */
static bool
slot_over(const uint8_t slot[SLOT], int64_t now)
{
	return !slot_whole(slot) || (int64_t)le64_get(slot + AT_END) < now;
}

static bool
slot_read(int fd, uint64_t at, uint8_t slot[SLOT])
{
	return pread(fd, slot, SLOT, (off_t)((at + 1) * SLOT)) == SLOT;
}

static bool
slot_write(int fd, uint64_t at, const uint8_t slot[SLOT])
{
	return pwrite(fd, slot, SLOT, (off_t)((at + 1) * SLOT)) == SLOT;
}

/* Serials are random, and only those of our certificates are in here. */
static uint64_t
slot_first(const uint8_t *serial, uint64_t slots)
{
	return le64_get(serial + CERT_SERIAL_LEN - 8) & (slots - 1);
}

static bool
slot_same(const uint8_t a[SLOT], const uint8_t b[SLOT])
{
	return a[AT_FORM] == b[AT_FORM] && memcmp(a + AT_SERIAL,
	    b + AT_SERIAL, AT_RESPONDER - AT_SERIAL) == 0;
}

/* Where a slot like want is (*ret_found), or may be put: at the first place
 * that can be taken, else at the end of the search. */
static enum q_err
slot_search(int fd, uint64_t slots, const uint8_t want[SLOT],
    uint8_t found[SLOT], uint64_t *ret_at)
{
	uint64_t at = slot_first(want + AT_SERIAL, slots), free_at = slots;
	int64_t now = clock_wall();

	for (uint64_t i = 0; i < slots; i++, at = (at + 1) & (slots - 1)) {
		if (!slot_read(fd, at, found))
			return Q_IO;
		if (slot_empty(found)) {
			*ret_at = free_at != slots ? free_at : at;
			return Q_NOTFOUND;
		}
		if (slot_same(found, want) && slot_whole(found)) {
			*ret_at = at;
			return Q_OK;
		}
		if (free_at == slots && slot_over(found, now))
			free_at = at;
	}
	return Q_TOOBIG;
}

static enum q_err
head_write(int fd, uint64_t used)
{
	uint8_t head[SLOT] = MAGIC;

	le64_put(head + AT_USED, used);
	return pwrite(fd, head, sizeof(head), 0) == (ssize_t)sizeof(head) ?
	    Q_OK : Q_IO;
}

static enum q_err
file_new(const char *path, uint64_t slots, int *ret_fd)
{
	AUTO_FD int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC |
	    O_NOFOLLOW, 0600);

	if (fd < 0 || ftruncate(fd, (off_t)((slots + 1) * SLOT)) != 0 ||
	    head_write(fd, 0) != Q_OK)
		return Q_IO;
	*ret_fd = fd;
	fd = -1;
	return Q_OK;
}

/* The file of an earlier run, if it is a table. */
static enum q_err
file_open(const char *path, int *ret_fd, uint64_t *ret_slots,
    uint64_t *ret_used)
{
	AUTO_FD int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	uint8_t head[SLOT];
	struct stat st;
	uint64_t slots;

	if (fd < 0 || fstat(fd, &st) != 0 ||
	    pread(fd, head, sizeof(head), 0) != (ssize_t)sizeof(head))
		return Q_NOTFOUND;
	slots = (uint64_t)st.st_size / SLOT - 1;
	if (memcmp(head, MAGIC, sizeof(MAGIC)) != 0 ||
	    st.st_size % SLOT != 0 || slots < SLOTS_MIN ||
	    slots > SLOTS_MAX || (slots & (slots - 1)) != 0)
		return Q_NOTFOUND;
	*ret_fd = fd;
	*ret_slots = slots;
	*ret_used = le64_get(head + AT_USED);
	fd = -1;
	return Q_OK;
}

enum q_err
ocsp_table_open(const char *path, struct ocsp_table **ret_table)
{
	struct ocsp_table *t = calloc(1, sizeof(*t));
	uint64_t used = 0;
	enum q_err r;

	if (t == NULL)
		return Q_NOMEM;
	snprintf(t->path, sizeof(t->path), "%s", path);
	t->fd = -1;
	r = file_open(path, &t->fd, &t->slots, &used);
	if (r != Q_OK) {
		t->slots = SLOTS_MIN;
		r = file_new(path, t->slots, &t->fd);
	}
	if (r != Q_OK) {
		free(t);
		return r;
	}
	t->used = used;
	pthread_rwlock_init(&t->swap, NULL);
	pthread_mutex_init(&t->write, NULL);
	*ret_table = t;
	return Q_OK;
}

void
ocsp_table_close(struct ocsp_table *t)
{
	if (t == NULL)
		return;
	(void)!head_write(t->fd, t->used);
	close(t->fd);
	pthread_rwlock_destroy(&t->swap);
	pthread_mutex_destroy(&t->write);
	free(t);
}

bool
ocsp_table_get(struct ocsp_table *t, const char *issuer,
    const uint8_t serial[CERT_SERIAL_LEN], enum ocsp_form form,
    struct ocsp_answer *ret_answer)
{
	uint8_t want[SLOT] = { 0 }, found[SLOT];
	uint64_t at;
	enum q_err r;

	want[AT_FORM] = (uint8_t)form;
	memcpy(want + AT_SERIAL, serial, CERT_SERIAL_LEN);
	if (!hex_decode(issuer, want + AT_ISSUER, ID_BYTES))
		return false;
	pthread_rwlock_rdlock(&t->swap);
	r = slot_search(t->fd, t->slots, want, found, &at);
	pthread_rwlock_unlock(&t->swap);
	if (r == Q_OK)
		slot_decode(found, ret_answer);
	return r == Q_OK;
}

/* One line when answers cannot be kept, one when they can again. */
static void
put_log(struct ocsp_table *t, bool good)
{
	if (atomic_exchange(&t->complained, !good) == !good)
		return;
	if (good)
		log_note("OCSP answers are kept again");
	else
		log_warn("OCSP answers cannot be kept in %s", t->path);
}

static bool
put_locked(struct ocsp_table *t, const uint8_t slot[SLOT])
{
	uint8_t found[SLOT];
	uint64_t at;
	enum q_err r;

	if (t->used >= t->slots / 8 * 7)
		return false;
	r = slot_search(t->fd, t->slots, slot, found, &at);
	if ((r != Q_OK && r != Q_NOTFOUND) || !slot_write(t->fd, at, slot))
		return false;
	if (r == Q_NOTFOUND && slot_empty(found) &&
	    ++t->used % COUNT_EVERY == 0)
		return head_write(t->fd, t->used) == Q_OK;
	return true;
}

void
ocsp_table_put(struct ocsp_table *t, const struct ocsp_answer *a)
{
	uint8_t slot[SLOT];

	/* busy: it is being copied, and what is put now would be lost */
	if (!slot_encode(a, slot) || pthread_mutex_trylock(&t->write) != 0)
		return;
	put_log(t, put_locked(t, slot));
	pthread_mutex_unlock(&t->write);
}

/* --- a larger file ------------------------------------------------------ */

struct copy {
	int from, to;
	uint64_t slots, to_slots; /* to_slots 0: only count */
	uint64_t live;
};

static enum q_err
copy_one(struct copy *c, const uint8_t slot[SLOT], int64_t now)
{
	uint8_t found[SLOT];
	uint64_t at;

	if (slot_empty(slot) || slot_over(slot, now))
		return Q_OK;
	c->live++;
	if (c->to_slots == 0)
		return Q_OK;
	if (slot_search(c->to, c->to_slots, slot, found, &at) != Q_NOTFOUND)
		return Q_IO;
	return slot_write(c->to, at, slot) ? Q_OK : Q_IO;
}

static enum q_err
copy_all(struct copy *c)
{
	AUTO_FREE uint8_t *chunk = malloc(CHUNK * SLOT);
	int64_t now = clock_wall();
	enum q_err r = chunk != NULL ? Q_OK : Q_NOMEM;

	c->live = 0;
	for (uint64_t at = 0; at < c->slots && r == Q_OK; at += CHUNK) {
		if (pread(c->from, chunk, CHUNK * SLOT,
		    (off_t)((at + 1) * SLOT)) != CHUNK * SLOT)
			return Q_IO;
		for (size_t i = 0; i < CHUNK && r == Q_OK; i++)
			r = copy_one(c, chunk + i * SLOT, now);
	}
	return r;
}

static enum q_err
tend_locked(struct ocsp_table *t)
{
	struct copy c = { .from = t->fd, .slots = t->slots };
	char path[sizeof(t->path) + 4];
	AUTO_FD int fd = -1;
	enum q_err r = copy_all(&c);
	uint64_t slots = SLOTS_MIN;
	int old;

	while (slots / 5 * 2 < c.live && slots < SLOTS_MAX)
		slots *= 2;
	snprintf(path, sizeof(path), "%s.new", t->path);
	if (r == Q_OK)
		r = file_new(path, slots, &fd);
	if (r != Q_OK)
		return r;
	c.to = fd;
	c.to_slots = slots;
	r = copy_all(&c);
	if (r == Q_OK)
		r = head_write(fd, c.live);
	if (r != Q_OK || rename(path, t->path) != 0) {
		unlink(path);
		return r != Q_OK ? r : Q_IO;
	}
	pthread_rwlock_wrlock(&t->swap);
	old = t->fd;
	t->fd = fd;
	t->slots = slots;
	t->used = c.live;
	pthread_rwlock_unlock(&t->swap);
	fd = old;
	return Q_OK;
}

enum q_err
ocsp_table_tend(struct ocsp_table *t)
{
	enum q_err r;

	if (t->used < t->slots / 8 * 5)
		return Q_OK;
	pthread_mutex_lock(&t->write);
	r = tend_locked(t);
	pthread_mutex_unlock(&t->write);
	return r;
}
