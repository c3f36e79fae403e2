// SPDX-License-Identifier: Apache-2.0
#ifndef SIGND_CMP_SHAPE_H
#define SIGND_CMP_SHAPE_H

#include <stdbool.h>

#include "base/buf.h"

/*
 * Whether these bytes are what a CMP server signs, and nothing else: a
 * ProtectedPart (RFC 9810 5.1.3), its sender the directoryName sender (a
 * Name, DER), its body of a kind that servers send.
 */
bool cmp_shape_good(struct bytes message, struct bytes sender);

#endif
