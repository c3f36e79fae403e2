// SPDX-License-Identifier: Apache-2.0
#ifndef WEBD_PROFILE_H
#define WEBD_PROFILE_H

#include "webd/web.h"

/* Where a user is logged in. */
extern const struct shape sessions_shape;
enum q_err sessions_answer(struct web_call *c, const char *user,
    struct http_response *rs, struct fault *f) Q_CHECKED;

#endif
