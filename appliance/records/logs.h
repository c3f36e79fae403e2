// SPDX-License-Identifier: Apache-2.0
#ifndef RECORDS_LOGS_H
#define RECORDS_LOGS_H

/* The activity log as people read it: newest first, and what they look for
 * in it. */

#include "records/actions.h"

/* What to show; 0 and NULL or "": any. */
struct rec_log_filter {
	int64_t from, to; /* seconds since 1970, both included */
	const char *who, *object;
	const char *what; /* "device enrol", or "device" for all of its kind */
	const char *text; /* somewhere in it, whatever its case */
};

typedef enum q_err rec_log_each(void *arg, const struct rec_activity *a);

/*
 * A page of the log, each record by each(arg), whose error ends the page and
 * is returned. The cursor of a page is the key of a record: it holds while
 * records join, and whatever the filter. Errors of recordd.
 */
enum q_err rec_log_page(struct rec_scan *s,
    const struct rec_log_filter *filter, rec_log_each *each, void *arg,
    struct fault *f) Q_CHECKED;

/* Note that the actor has edited a record, and what became of it. Errors as
 * of rec_actor_note(). */
enum q_err rec_actor_edited(struct wire_client *c, const struct rec_actor *by,
    const struct rec_desc *d, const void *was, const void *now,
    struct fault *f) Q_CHECKED;

#endif
