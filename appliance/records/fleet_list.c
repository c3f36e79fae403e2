// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "records/fleet_list.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"

/* By the index that leaves out most: few wait for approval. */
static struct rec_list
list_of(const struct rec_scan *s, const struct rec_device_filter *filter)
{
	if (filter->waiting)
		return (struct rec_list)REC_LIST(s->client, REC_DEVICE,
		    "approval", "1");
	if (filter->batch != NULL)
		return (struct rec_list)REC_LIST(s->client, REC_DEVICE,
		    "batch", filter->batch);
	return (struct rec_list)REC_LIST(s->client, REC_DEVICE, NULL,
	    filter->prefix);
}

/* An index does not know how keys begin: go to right before the first that
 * may. A whole DeviceID is not before itself. */
static void
to_prefix(struct rec_list *it, const char *prefix)
{
	if (it->index != NULL && strcmp(it->next, prefix) < 0)
		snprintf(it->next, sizeof(it->next), "%.63s", prefix);
}

/* Whether the device counts; *batch is the last one that was looked at. */
static enum q_err
counts(struct rec_scan *s, const struct rec_device *dev,
    struct rec_batch *batch, bool *ret_counts, struct fault *f)
{
	enum q_err r = Q_OK;

	*ret_counts = true;
	if (dev->load[0] == '\0')
		return Q_OK;
	if (strcmp(batch->key, dev->batch) != 0)
		r = rec_batch_get(s->client, dev->batch, batch, f);
	if (r == Q_OK)
		*ret_counts = rec_device_valid(batch, dev);
	return r == Q_NOTFOUND ? Q_OK : r;
}

static bool
fits(const struct rec_device *dev, const struct rec_device_filter *filter)
{
	return (filter->prefix == NULL || strncmp(dev->key, filter->prefix,
	    strlen(filter->prefix)) == 0) && (filter->batch == NULL ||
	    strcmp(dev->batch, filter->batch) == 0) &&
	    (filter->state < 0 || dev->state == filter->state) &&
	    (!filter->waiting || dev->approval == DEVICE_APPROVAL_WAITING);
}

enum q_err
rec_device_page(struct rec_scan *s, const struct rec_device_filter *filter,
    rec_device_each *each, void *arg, struct fault *f)
{
	const char *prefix = filter->prefix != NULL ? filter->prefix : "";
	AUTO_REC_LIST struct rec_list it = list_of(s, filter);
	struct rec_batch batch = { 0 };
	struct rec_device dev;
	enum q_err r;

	rec_scan_begin(s, &it);
	to_prefix(&it, prefix);
	while ((r = rec_scan_next(s, &it, &dev, f)) == Q_OK &&
	    strncmp(dev.key, prefix, strlen(prefix)) <= 0) {
		bool valid = fits(&dev, filter);

		if (valid)
			r = counts(s, &dev, &batch, &valid, f);
		s->found += valid;
		if (r == Q_OK && valid)
			r = each(arg, &dev);
		if (r != Q_OK)
			return r;
	}
	return rec_scan_end(s, r);
}
