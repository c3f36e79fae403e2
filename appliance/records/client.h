// SPDX-License-Identifier: Apache-2.0
#ifndef RECORDS_CLIENT_H
#define RECORDS_CLIENT_H

/*
 * Records by type, through recordd: what the other daemons and quoinctl use.
 * The client is a wire_client_new of ${run}/recordd.sock. Errors of recordd
 * come back as they are: NOTFOUND, EXISTS, CONFLICT, DENIED, INVALID and,
 * while the store cannot be written, UNAVAIL with retry_after. After
 * UNAVAIL and TIMEOUT a write may or may not have been done: read again.
 */

#include "records/records.h"
#include "records/records_ops.h"
#include "wire/client.h"

/* For one type there is, from the table:
 *	rec_<type>_get(c, key, &rec, f)		sets key and rev
 *	rec_<type>_insert(c, &rec, f)		by rec.key; sets rev
 *	rec_<type>_put(c, &rec, f)		if rec.rev is current; sets rev
 *	rec_<type>_delete(c, key, rev, f)
 * over these, which take any type. */
enum q_err rec_get(struct wire_client *c, enum rec_type type, const char *key,
    void *ret_rec, struct fault *f) Q_CHECKED;
enum q_err rec_insert(struct wire_client *c, enum rec_type type, void *rec,
    struct fault *f) Q_CHECKED;
enum q_err rec_put(struct wire_client *c, enum rec_type type, void *rec,
    struct fault *f) Q_CHECKED;
enum q_err rec_delete(struct wire_client *c, enum rec_type type,
    const char *key, uint64_t rev, struct fault *f) Q_CHECKED;

#define X(name, NAME, num, FIELDS, keykind, json, text)                      \
	static inline Q_CHECKED enum q_err                                   \
	rec_##name##_get(struct wire_client *c, const char *key,             \
	    struct rec_##name *ret_rec, struct fault *f)                     \
	{                                                                    \
		return rec_get(c, REC_##NAME, key, ret_rec, f);              \
	}                                                                    \
	static inline Q_CHECKED enum q_err                                   \
	rec_##name##_insert(struct wire_client *c, struct rec_##name *rec,   \
	    struct fault *f)                                                 \
	{                                                                    \
		return rec_insert(c, REC_##NAME, rec, f);                    \
	}                                                                    \
	static inline Q_CHECKED enum q_err                                   \
	rec_##name##_put(struct wire_client *c, struct rec_##name *rec,      \
	    struct fault *f)                                                 \
	{                                                                    \
		return rec_put(c, REC_##NAME, rec, f);                       \
	}                                                                    \
	static inline Q_CHECKED enum q_err                                   \
	rec_##name##_delete(struct wire_client *c, const char *key,          \
	    uint64_t rev, struct fault *f)                                   \
	{                                                                    \
		return rec_delete(c, REC_##NAME, key, rev, f);               \
	}
REC_TYPES(X)
#undef X

/*
 * Every document of a type, or of an index, page by page:
 *
 *	AUTO_REC_LIST struct rec_list it =
 *	    REC_LIST(c, REC_DEVICE, "batch", "spring");
 *	while ((r = rec_list_next(&it, &dev, f)) == Q_OK)
 *		...
 *	if (r != Q_NOTFOUND)	an error, else the end
 *
 * index NULL: in order of keys, those that begin with match (NULL: all). Of
 * an index on a TIME: all up to match, a decimal number, in order of it.
 * What is inserted or deleted meanwhile may or may not be seen; everything
 * else is seen once. Set before the first call: page to get smaller pages;
 * desc for the opposite order; next to begin behind a key (of an index on a
 * TIME, behind the next of another list).
 */
struct rec_list {
	struct wire_client *client;
	enum rec_type type;
	const char *index;
	const char *match;
	uint32_t page;
	bool keys_only; /* only key and rev of each are wanted */
	bool desc;
	bool last;
	char next[RECORDD_CURSOR_MAX + 1];
	struct bytes rest;
	struct wire_reply hold;
};
#define REC_LIST(c, rec_type, by, value) \
	{ .client = (c), .type = (rec_type), .index = (by), .match = (value) }
#define AUTO_REC_LIST __attribute__((cleanup(rec_list_end)))
enum q_err rec_list_next(struct rec_list *it, void *ret_rec,
    struct fault *f) Q_CHECKED;
void rec_list_end(struct rec_list *it);

/*
 * A page of what somebody picks out of a list in order of keys: he sets
 * client, after, limit and most, and gets next. For each record found he
 * adds one to found.
 */
struct rec_scan {
	struct wire_client *client;
	const char *after; /* next of the page before, or "" */
	size_t limit; /* so many are found at most, one at least */
	size_t most; /* and so many looked at, found or not; one at least */
	char next[REC_KEY_MAX + 1]; /* where to go on; empty: the end */

	size_t found, seen;
	bool more;
	char last[REC_KEY_MAX + 1]; /* that was looked at */
};
void rec_scan_begin(struct rec_scan *s, struct rec_list *it);

/* NOTFOUND: the page, or the list, is over. */
enum q_err rec_scan_next(struct rec_scan *s, struct rec_list *it,
    void *ret_rec, struct fault *f) Q_CHECKED;

/* Sets next. r: OK when the rest of the list is not wanted, NOTFOUND of
 * rec_scan_next; both become OK. */
enum q_err rec_scan_end(struct rec_scan *s, enum q_err r) Q_CHECKED;

/* Counters of devices, of one batch or (NULL) of all. */
struct rec_device_counts {
	uint64_t devices, not_enrolled, enrolled, expired, revoked, renewed;
};
enum q_err rec_device_counters(struct wire_client *c, const char *batch,
    struct rec_device_counts *ret_counts, struct fault *f) Q_CHECKED;

/* The same of n batches, without waiting for each; ret_counts[i] is that of
 * batches[i]. */
enum q_err rec_device_counters_of(struct wire_client *c,
    const char *const *batches, size_t n,
    struct rec_device_counts *ret_counts, struct fault *f) Q_CHECKED;

/* Count a batch's devices anew and set its counters right; *ret_wrong of
 * them were not. CONFLICT: others write all the time. */
enum q_err rec_device_recount(struct wire_client *c, const char *batch,
    uint64_t *ret_wrong, struct fault *f) Q_CHECKED;

/* Hints that records changed: a socket of one's own. mask: REC_BIT(type) for
 * each type wanted. rec_watch_next waits up to wait_ms: TIMEOUT when nothing
 * came; *ret_type is 0 for a sign of life, every 10 s; key[0] is NUL when
 * several changed. UNAVAIL: open it again, and look at everything once. */
#define REC_BIT(type) (UINT64_C(1) << (type))
enum q_err rec_watch_open(struct wire_client *c, uint64_t mask, int *ret_sock,
    struct fault *f) Q_CHECKED;
enum q_err rec_watch_next(int sock, int wait_ms, uint32_t *ret_type,
    char ret_key[REC_KEY_MAX + 1], struct fault *f) Q_CHECKED;

/* Write down who did what. Sets key and time. */
enum q_err rec_activity_note(struct wire_client *c, struct rec_activity *a,
    struct fault *f) Q_CHECKED;

/* What keys of activity records begin with from this second on; those of
 * earlier ones are less. */
#define REC_ACTIVITY_KEY_AT 16
void rec_activity_key_at(int64_t t, char ret_key[REC_ACTIVITY_KEY_AT + 1]);

#endif
