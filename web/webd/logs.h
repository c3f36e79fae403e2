// SPDX-License-Identifier: Apache-2.0
#ifndef WEBD_LOGS_H
#define WEBD_LOGS_H

#include "records/logs.h"
#include "webd/web.h"

/* An activity record as answers have it, with a sentence for people. */
extern const struct shape log_shape, logs_shape, logs_window_shape;
struct json_object *log_json(const struct rec_activity *a);

/* The sentence: "Batch b1 created by admin". */
void log_message(const struct rec_activity *a, struct buf *out);

/* A page of what the filter lets through, by the call's window. */
enum q_err logs_answer(struct web_call *c, const struct rec_log_filter *filter,
    struct http_response *rs, struct fault *f) Q_CHECKED;

/* The newest ones. */
enum q_err logs_newest(struct web *w, size_t n, struct json_object **ret_items,
    struct fault *f) Q_CHECKED;

/* One more cell of a table (RFC 4180), behind a comma. What a spreadsheet
 * would take for a formula gets an apostrophe. */
void csv_cell(struct buf *out, const char *text);

#endif
