// SPDX-License-Identifier: Apache-2.0
#ifndef ENROLD_CACHE_H
#define ENROLD_CACHE_H

/*
 * Batches and policies, read through. Hints of recordd drop what changed; as
 * a hint may be lost, nothing is believed for longer than CACHE_MS. Who is
 * about to refuse somebody on the word of the cache asks again with fresh.
 */

#include <stdbool.h>

#include "records/client.h"

#define CACHE_MS 5000

struct cache;

enum q_err cache_new(struct wire_client *recordd,
    struct cache **ret_cache) Q_CHECKED;
void cache_free(struct cache *c);

/* NOTFOUND and errors of recordd. fresh: read it now. */
enum q_err cache_batch(struct cache *c, const char *name, bool fresh,
    struct rec_batch *ret_batch, struct fault *f) Q_CHECKED;
enum q_err cache_policy(struct cache *c, const char *name, bool fresh,
    struct rec_policy *ret_policy, struct fault *f) Q_CHECKED;

/* Forget one entry (of any type), or everything. */
void cache_forget(struct cache *c, const char *key);
void cache_forget_all(struct cache *c);

#endif
