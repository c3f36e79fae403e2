// SPDX-License-Identifier: Apache-2.0
/* Any text as a server's chain, for the key of whatever comes first in it. */
#include "config.h"

#include <stdlib.h>

#include "x509/cert_parse.h"
#include "x509/pem.h"
#include "x509/server_chain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_BUF struct buf der = BUF_INIT(CERT_PARSE_MAX);
	AUTO_BUF struct buf ders = BUF_INIT(65536);
	struct bytes text = { data, size }, rest, one;
	struct server_chain_want want = { .host = "quoin.example" };
	struct fault f = { 0 };
	struct cert cert;

	rest = text;
	while (server_chain_next(&rest, &one))
		if (one.len == 0 || one.len > size)
			abort();
	if (pem_decode(text, PEM_CERTIFICATE, &der, NULL, NULL) == Q_OK &&
	    cert_parse(buf_bytes(&der), &cert, NULL) == Q_OK) {
		want.spki = cert.spki;
		want.now = cert.not_before;
	}
	if (server_chain_take(text, &want, &ders, &f) != Q_OK) {
		if (f.msg[0] == '\0')
			abort();
		return 0;
	}
	/* What was taken is what was meant. */
	rest = buf_bytes(&ders);
	if (!server_chain_next(&rest, &one) || one.len != der.len ||
	    server_chain_end(buf_bytes(&ders)) < want.now)
		abort();
	return 0;
}
