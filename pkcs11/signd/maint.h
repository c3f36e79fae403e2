// SPDX-License-Identifier: Apache-2.0
#ifndef SIGND_MAINT_H
#define SIGND_MAINT_H

#include "signd/keyring.h"

/* When a certificate is to be renewed, seconds since 1970: at two thirds of
 * its life, an issuing CA's also while a device certificate of full length
 * still fits. INT64_MAX: never. */
int64_t maint_due(const struct key *k, int64_t root_end);

#endif
