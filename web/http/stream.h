// SPDX-License-Identifier: Apache-2.0
#ifndef HTTP_STREAM_H
#define HTTP_STREAM_H

#include "http/http.h"
#include "http/io.h"

/* b, whose first bytes and pace are set, is a request's body, read piece by
 * piece. */
void stream_in_begin(struct body_source *b, const struct http_head *h,
    uint64_t max);

/* What out holds, then the pieces of rs if it has any, to the peer, by out.
 * False when that broke off: then the peer sees it, too. */
bool stream_out(struct pace *pace, struct http_response *rs, struct buf *out,
    bool chunked);

/* The connection is the events' from now on; it is closed when there are too
 * many. */
void events_take(struct http_events *ev, struct conn *c, const char *tag);

#endif
