// SPDX-License-Identifier: Apache-2.0
#ifndef WEBD_BATCHES_H
#define WEBD_BATCHES_H

#include "webd/web.h"

/* A batch that is there: NOTFOUND, also for what cannot be a name. */
enum q_err batch_read(struct web_call *c, const char *name,
    struct rec_batch *ret_batch, struct fault *f) Q_CHECKED;

struct fleet;

/* What is known of a load under way: false when there is none here. */
bool upload_progress(const char *batch, size_t *ret_done, size_t *ret_all);

/* Tell the entries of a list that are wrong, as members of the problem. */
void upload_wrong(struct web_call *c, const struct fleet *fl);

#endif
