// SPDX-License-Identifier: Apache-2.0
/* What a stranger may send to be let in. The first byte chooses: 0 an
 * Authorization header, else certificates, each behind two bytes of length,
 * against an Auth Cert that is one of them. */
#include "config.h"

#include <string.h>

#include "enrold/authcert.h"
#include "enrold/token.h"

#define NOW INT64_C(1795000000)

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static void
one_header(const uint8_t *p, size_t len)
{
	AUTO_BUF struct buf text = BUF_INIT(4096);
	char token[TOKEN_TEXT_MAX + 1], digest[TOKEN_DIGEST + 1];

	buf_put(&text, p, len);
	if (!text.bad && token_of_header((const char *)text.p, token,
	    NULL) == Q_OK)
		token_digest(token, digest);
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	struct bytes chain[AUTHCERT_CHAIN_MAX];
	char key[DEVICE_ID_LEN + 1];
	struct trust *t = NULL;
	size_t n = 0;

	if (len == 0 || p[0] == 0) {
		one_header(p + (len != 0), len - (len != 0));
		return 0;
	}
	for (size_t at = 1; len - at > 2 && n < AUTHCERT_CHAIN_MAX;) {
		size_t size = (size_t)p[at] << 8 | p[at + 1];

		at += 2;
		size = size < len - at ? size : len - at;
		chain[n++] = (struct bytes){ p + at, size };
		at += size;
	}
	if (n == 0 || trust_new(&t) != Q_OK)
		return 0;
	if (trust_add(t, "k", "n", chain[p[0] % n], NULL) == Q_OK)
		(void)!trust_check(t, chain, n, NOW, key, NULL);
	trust_free(t);
	return 0;
}
