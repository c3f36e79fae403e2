// SPDX-License-Identifier: Apache-2.0
/* Anything as a private key: what is taken is a whole one. */
#include "config.h"

#include <stdlib.h>

#include "x509/pkcs8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_BUF struct buf der = BUF_INIT(PKCS8_MAX);
	AUTO_BUF struct buf spki = BUF_INIT(PUBKEY_SPKI_MAX);
	struct fault f = { 0 };
	struct pubkey pub;
	struct pkcs8 key;
	enum q_err r = pkcs8_der((struct bytes){ data, size }, &der, &f);

	if (r == Q_OK)
		r = pkcs8_parse((struct bytes){ der.p, der.len }, &key, &f);
	if (r != Q_OK && f.msg[0] == '\0')
		abort();
	/* Primes take too long to look at. */
	if (r != Q_OK || key.kind != KEY_P256)
		return 0;
	if (key.d.len != 32)
		abort();
	if (pkcs8_check(&key, &spki, &f) == Q_OK &&
	    pubkey_parse((struct bytes){ spki.p, spki.len }, &pub, &f) != Q_OK)
		abort();
	return 0;
}
