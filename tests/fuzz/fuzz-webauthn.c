// SPDX-License-Identifier: Apache-2.0
/* The first byte chooses: client data, or authenticator data. What is taken
 * says what it must, and cut short it says nothing. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "signd/webauthn.h"

#define CHALLENGE "-_8AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

static const struct webauthn_expect want = { .rp_id = "quoin.example",
	.origin = "https://quoin.example", .challenge = { 0xfb, 0xff } };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool
has_brace_last(const uint8_t *p, size_t n)
{
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '\t' ||
	    p[n - 1] == '\n' || p[n - 1] == '\r'))
		n--;
	return n > 0 && p[n - 1] == '}';
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes b;

	if (size == 0)
		return 0;
	b = (struct bytes){ data + 1, size - 1 };
	if ((data[0] & 1) != 0) {
		if (webauthn_auth_data(b, want.rp_id, NULL) == Q_OK &&
		    (b.len < 37 || (b.p[32] & 5) != 5))
			abort();
		return 0;
	}
	if (webauthn_client_data(b, &want, NULL) != Q_OK)
		return 0;
	if (b.len < strlen(CHALLENGE) || !has_brace_last(b.p, b.len))
		abort();
	while (b.len > 0 && b.p[b.len - 1] != '}')
		b.len--;
	b.len--;
	if (webauthn_client_data(b, &want, NULL) == Q_OK)
		abort();
	return 0;
}
