// SPDX-License-Identifier: Apache-2.0
#ifndef WEBD_LIVE_H
#define WEBD_LIVE_H

#include "webd/web.h"

/* The dashboard as it is now, as one answer: dashboard.c. look_again: ask all
 * daemons, instead of what was found a moment ago. */
enum q_err dashboard_json(struct web *w, bool look_again,
    struct json_object **ret, struct fault *f) Q_CHECKED;

#endif
