// SPDX-License-Identifier: Apache-2.0
#ifndef HTTP_REPLY_H
#define HTTP_REPLY_H

#include "http/http.h"

/* The standard words for a status. */
const char *http_reason(int status);

/* Turn a refusal into a response: one line, as text or as a problem
 * document. */
void http_reply_error(struct http_response *rs, int status, const char *text,
    bool problem);

/* The status line and header fields for rs, with the empty line; always:
 * further lines, or NULL. */
void http_reply_head(struct buf *out, const struct http_response *rs,
    int status, bool keep_alive, const char *always);

/* The same of an answer whose length is not known yet: chunked, or up to the
 * end of the connection. */
void http_reply_head_open(struct buf *out, const struct http_response *rs,
    int status, bool chunked, bool keep_alive, const char *always);

#endif
