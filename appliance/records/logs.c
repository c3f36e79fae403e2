// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "records/logs.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"

static bool
given(const char *text)
{
	return text != NULL && *text != '\0';
}

static bool
is(const char *want, const char *have)
{
	return !given(want) || strcmp(want, have) == 0;
}

/* "device" is the kind of "device enrol". */
static bool
is_kind(const char *want, const char *what)
{
	size_t n = given(want) ? strlen(want) : 0;

	return n == 0 || (strncmp(want, what, n) == 0 &&
	    (what[n] == '\0' || what[n] == ' '));
}

static bool
says(const struct rec_activity *a, const char *text)
{
	return !given(text) || strcasestr(a->what, text) != NULL ||
	    strcasestr(a->object, text) != NULL ||
	    strcasestr(a->detail, text) != NULL ||
	    strcasestr(a->who, text) != NULL ||
	    strcasestr(a->from, text) != NULL;
}

static bool
fits(const struct rec_activity *a, const struct rec_log_filter *filter)
{
	return is(filter->who, a->who) && is(filter->object, a->object) &&
	    is_kind(filter->what, a->what) && says(a, filter->text);
}

/* What has fewest records: an object, then a person. No list can be had by an
 * object that is longer than keys. */
static struct rec_list
list_of(const struct rec_scan *s, const struct rec_log_filter *filter)
{
	const char *index = given(filter->object) &&
	    strlen(filter->object) <= REC_KEY_MAX ? "object"
	    : given(filter->who) ? "who" : NULL;
	struct rec_list it = REC_LIST(s->client, REC_ACTIVITY, index,
	    index == NULL ? NULL : *index == 'o' ? filter->object
						 : filter->who);

	it.desc = true;
	return it;
}

enum q_err
rec_log_page(struct rec_scan *s, const struct rec_log_filter *filter,
    rec_log_each *each, void *arg, struct fault *f)
{
	AUTO_REC_LIST struct rec_list it = list_of(s, filter);
	char earliest[REC_ACTIVITY_KEY_AT + 1];
	char latest[REC_ACTIVITY_KEY_AT + 1];
	struct rec_activity a;
	enum q_err r;

	rec_activity_key_at(filter->from, earliest);
	rec_activity_key_at(filter->to + 1, latest);
	rec_scan_begin(s, &it);
	if (filter->to != 0 &&
	    (it.next[0] == '\0' || strcmp(latest, it.next) < 0))
		snprintf(it.next, sizeof(it.next), "%s", latest);
	while ((r = rec_scan_next(s, &it, &a, f)) == Q_OK &&
	    strcmp(a.key, earliest) >= 0)
		if (fits(&a, filter)) {
			s->found++;
			r = each(arg, &a);
			if (r != Q_OK)
				return r;
		}
	return rec_scan_end(s, r);
}

enum q_err
rec_actor_edited(struct wire_client *c, const struct rec_actor *by,
    const struct rec_desc *d, const void *was, const void *now,
    struct fault *f)
{
	AUTO_BUF struct buf text = BUF_INIT(REC_DOC_MAX);
	const struct rec_head *head = now;
	char what[32];

	snprintf(what, sizeof(what), "%s edit", d->name);
	rec_changes(d, was, now, &text);
	return rec_actor_tell(c, by, what, head->key,
	    text.p != NULL ? (const char *)text.p : "", f);
}
