// SPDX-License-Identifier: Apache-2.0
#ifndef HTTP_STREAM_H
#define HTTP_STREAM_H

#include "http/http.h"
#include "http/io.h"

/* b, whose first bytes are set, is a request's body, read piece by piece. */
void stream_in_begin(struct body_source *b, const struct http_head *h,
    uint64_t max, unsigned grace_ms);

/* All pieces of rs to the peer, by out: false when that broke off. */
bool stream_out(struct conn *c, struct http_response *rs, struct buf *out,
    bool chunked, unsigned grace_ms);

/* The connection is the events' from now on; it is closed when there are too
 * many. */
void events_take(struct http_events *ev, struct conn *c, const char *tag);

#endif
