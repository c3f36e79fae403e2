// SPDX-License-Identifier: Apache-2.0
#ifndef QUOINCTL_CERTSET_H
#define QUOINCTL_CERTSET_H

/*
 * A set of certificates, each by serial and CA, with the beginning of the
 * DeviceID: 32 bytes each in a table on the disk, mapped, so that a fleet's
 * certificates take the kernel's page cache and no memory of ours.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define CERTSET_SERIAL 16
#define CERTSET_CA 8
#define CERTSET_DEVICE 7

struct certset_item {
	uint8_t serial[CERTSET_SERIAL];
	uint8_t ca[CERTSET_CA];
	uint8_t device[CERTSET_DEVICE];
	uint8_t marks; /* the owner's bits, never 0 in the set */
};

struct certset {
	struct certset_item *slots;
	size_t cap, n; /* cap: a power of two */
};

/* In a file without a name in $TMPDIR or /var/tmp. IO. */
enum q_err certset_new(struct certset *ret_set, struct fault *f) Q_CHECKED;
void certset_free(struct certset *s);

/* The item with this serial and CA; NULL: none. Valid until the next add. */
struct certset_item *certset_find(const struct certset *s,
    const uint8_t serial[CERTSET_SERIAL], const uint8_t ca[CERTSET_CA]);

/* Add one (marks not 0), or find the one that is there. IO. */
enum q_err certset_add(struct certset *s, const struct certset_item *item,
    struct certset_item **ret_item, struct fault *f) Q_CHECKED;

#endif
