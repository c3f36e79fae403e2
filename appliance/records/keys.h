// SPDX-License-Identifier: Apache-2.0
#ifndef RECORDS_KEYS_H
#define RECORDS_KEYS_H

/* What in the records needs keys of people. */

#include "records/client.h"

/* Every batch whose firmware is to be signed with a key, and how the batch
 * names that: an error of each ends the walk with it. Errors of recordd. */
typedef enum q_err rec_signing_each(void *arg, const char *key,
    const char *batch);
enum q_err rec_signing_batches(struct wire_client *c, rec_signing_each *each,
    void *arg, struct fault *f) Q_CHECKED;

#endif
