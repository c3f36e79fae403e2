// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "signd/tls_shape.h"

#include <string.h>

#include "base/own.h"

#define RANDOMS 64
#define NAMED_CURVE 3

/* Named groups (RFC 8446 4.2.7) and the length of their public values. */
static const struct {
	uint16_t group;
	uint8_t len;
	bool point; /* begins with 04, uncompressed */
} groups[] = {
	{ 0x0017, 65, true },	/* secp256r1 */
	{ 0x0018, 97, true },	/* secp384r1 */
	{ 0x0019, 133, true },	/* secp521r1 */
	{ 0x001d, 32, false },	/* x25519 */
	{ 0x001e, 56, false },	/* x448 */
};

/* 64 blanks, the text with its NUL, a SHA-256 or SHA-384 hash. */
static bool
certificate_verify(struct bytes m)
{
	static const char text[] = "TLS 1.3, server CertificateVerify";
	const size_t head = RANDOMS + sizeof(text);

	if (m.len != head + 32 && m.len != head + 48)
		return false;
	for (size_t i = 0; i < RANDOMS; i++)
		if (m.p[i] != 0x20)
			return false;
	return memcmp(m.p + RANDOMS, text, sizeof(text)) == 0;
}

static bool
server_key_exchange(struct bytes m)
{
	const uint8_t *p = m.p + RANDOMS;

	if (m.len < RANDOMS + 5 || p[0] != NAMED_CURVE)
		return false;
	for (size_t i = 0; i < ARRAY_LEN(groups); i++) {
		if (groups[i].group != (p[1] << 8 | p[2]))
			continue;
		return p[3] == groups[i].len &&
		    m.len == RANDOMS + 4u + groups[i].len &&
		    (!groups[i].point || p[4] == 0x04);
	}
	return false;
}

bool
tls_shape_good(struct bytes message)
{
	return certificate_verify(message) || server_key_exchange(message);
}
