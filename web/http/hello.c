// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "http/hello.h"

#include <stdbool.h>

#define RECORD_HANDSHAKE 22
#define RECORD_HEADER 5
#define RECORD_MAX 16384
#define CLIENT_HELLO 1

/* version, random, and the shortest possible lists behind them */
#define HELLO_MIN 40

/* The bytes of one record's fragment, seen as the handshake message's next;
 * at is the offset of the first in the message. */
static bool
message_scan(const uint8_t *p, size_t n, size_t at, size_t *want)
{
	for (size_t i = 0; i < n && at + i < 4; i++) {
		if (at + i == 0 && p[i] != CLIENT_HELLO)
			return false;
		if (at + i > 0)
			*want = *want << 8 | p[i];
	}
	return true;
}

enum hello
hello_check(const uint8_t *p, size_t len)
{
	size_t off = 0, seen = 0, want = 0;

	for (;;) {
		const uint8_t *h = p + off;
		size_t left = len - off, body, n;

		if ((left > 0 && h[0] != RECORD_HANDSHAKE) ||
		    (left > 1 && h[1] != 3) || (left > 2 && h[2] > 4))
			return HELLO_BAD;
		if (left < RECORD_HEADER)
			return HELLO_MORE;
		body = (size_t)h[3] << 8 | h[4];
		if (body == 0 || body > RECORD_MAX ||
		    off + RECORD_HEADER + body > HELLO_MAX)
			return HELLO_BAD;
		n = left - RECORD_HEADER < body ? left - RECORD_HEADER : body;
		if (!message_scan(h + RECORD_HEADER, n, seen, &want))
			return HELLO_BAD;
		seen += n;
		if (seen >= 4 && (want < HELLO_MIN ||
		    want + 4 > HELLO_MAX - RECORD_HEADER))
			return HELLO_BAD;
		if (seen >= 4 && seen >= want + 4)
			return HELLO_WHOLE;
		if (n < body)
			return HELLO_MORE;
		off += RECORD_HEADER + body;
	}
}
