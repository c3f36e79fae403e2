// SPDX-License-Identifier: Apache-2.0
/* Which messages signd takes for a TLS handshake. */
#include "config.h"

#include "signd/tls_shape.h"
#include "tap.h"

#define CV "TLS 1.3, server CertificateVerify"

static uint8_t m[512];

/* head: RANDOMS of one byte, then text, then n bytes more. */
static struct bytes
message(int fill, const char *text, size_t len, size_t n)
{
	memset(m, 'x', sizeof(m));
	memset(m, fill, 64);
	memcpy(m + 64, text, len);
	return (struct bytes){ m, 64 + len + n };
}

static const struct {
	const char *name;
	int fill;
	const char *text;
	size_t len, n;
	bool good;
} rows[] = {
	{ "1.3 with SHA-256", ' ', CV, sizeof(CV), 32, true },
	{ "1.3 with SHA-384", ' ', CV, sizeof(CV), 48, true },
	{ "1.3 one byte short", ' ', CV, sizeof(CV), 31, false },
	{ "1.3 one byte more", ' ', CV, sizeof(CV), 33, false },
	{ "1.3 without a hash", ' ', CV, sizeof(CV), 0, false },
	{ "1.3 with SHA-512", ' ', CV, sizeof(CV), 64, false },
	{ "1.3 without blanks", '!', CV, sizeof(CV), 32, false },
	{ "1.3 of a client", ' ', "TLS 1.3, client CertificateVerify", 34, 32,
	    false },
	{ "1.3 without the NUL", ' ', CV, sizeof(CV) - 1, 33, false },
	{ "1.2 x25519", 'r', "\3\0\x1d\x20", 4, 32, true },
	{ "1.2 x448", 'r', "\3\0\x1e\x38", 4, 56, true },
	{ "1.2 secp256r1", 'r', "\3\0\x17\x41\4", 5, 64, true },
	{ "1.2 secp384r1", 'r', "\3\0\x18\x61\4", 5, 96, true },
	{ "1.2 secp521r1", 'r', "\3\0\x19\x85\4", 5, 132, true },
	{ "1.2 compressed point", 'r', "\3\0\x17\x41\2", 5, 64, false },
	{ "1.2 wrong point length", 'r', "\3\0\x17\x40\4", 5, 63, false },
	{ "1.2 length is another curve's", 'r', "\3\0\x1d\x38", 4, 56, false },
	{ "1.2 one byte short", 'r', "\3\0\x1d\x20", 4, 31, false },
	{ "1.2 one byte more", 'r', "\3\0\x1d\x20", 4, 33, false },
	{ "1.2 unknown curve", 'r', "\3\0\x16\x20", 4, 32, false },
	{ "1.2 explicit curve", 'r', "\1\0\x1d\x20", 4, 32, false },
	{ "1.2 only randoms", 'r', "", 0, 0, false },
	{ "1.2 cut in its head", 'r', "\3\0\x1d", 3, 0, false },
};

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		is_int(tls_shape_good(message(rows[i].fill, rows[i].text,
		    rows[i].len, rows[i].n)), rows[i].good, "%s",
		    rows[i].name);
	ok(!tls_shape_good((struct bytes){ m, 0 }), "nothing");
	return done();
}
