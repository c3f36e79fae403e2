// SPDX-License-Identifier: Apache-2.0
#ifndef WEBD_APITOKEN_H
#define WEBD_APITOKEN_H

/* API tokens: "qk_<id>_<secret>"; the id is the record's key, of the secret
 * the record has the SHA-256 only. */
#include "webd/web.h"

/* The token's record, when it is good now; its use is written down, coarsely.
 * UNAUTH. */
enum q_err apitoken_find(struct web *w, const char *text, const char *from,
    struct rec_api_key *ret_key, struct fault *f) Q_CHECKED;

#endif
