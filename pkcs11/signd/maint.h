// SPDX-License-Identifier: Apache-2.0
#ifndef SIGND_MAINT_H
#define SIGND_MAINT_H

#include "signd/keyring.h"

/* When a certificate is to be renewed, seconds since 1970: at two thirds of
 * its life, an issuing CA's also while a device certificate of full length
 * still fits. INT64_MAX: never, because it may not be, or because ca_end, when
 * the CA ends that would issue the next, allows no longer one. */
int64_t maint_due(const struct key *k, int64_t ca_end);

/* Whether a root has less than a fifth of its life left, so that a person
 * should replace it. */
bool maint_root_late(const struct key *root, int64_t now);

#endif
