// SPDX-License-Identifier: Apache-2.0
#ifndef HTTP_HELLO_H
#define HTTP_HELLO_H

#include <stddef.h>
#include <stdint.h>

/* The longest run of bytes hello_check looks at. */
#define HELLO_MAX 16384

enum hello { HELLO_MORE, HELLO_WHOLE, HELLO_BAD };

/*
 * Whether the first bytes of a connection hold a whole TLS ClientHello (RFC
 * 8446 4.1.2), in one or more handshake records (5.1). Looks at framing
 * only. More than HELLO_MAX bytes without an end, and anything that is not
 * TLS 1.x, is BAD.
 */
enum hello hello_check(const uint8_t *p, size_t len);

#endif
