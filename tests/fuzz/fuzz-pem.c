// SPDX-License-Identifier: Apache-2.0
/* Any text as PEM; what is found in it, encoded, is found again. */
#include "config.h"

#include <stdlib.h>

#include "x509/der.h"
#include "x509/pem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = { data, size };

	for (size_t left = size + 1; rest.len < left;) {
		AUTO_BUF struct buf der = BUF_INIT(65536);
		AUTO_BUF struct buf text = BUF_INIT(131072);
		AUTO_BUF struct buf again = BUF_INIT(65536);
		struct fault f = { 0 };

		left = rest.len;
		if (pem_decode(rest, PEM_CSR, &der, &rest, &f) != Q_OK) {
			if (f.msg[0] == '\0')
				abort();
			return 0;
		}
		pem_encode(&text, PEM_CSR, buf_bytes(&der));
		if (pem_decode(buf_bytes(&text), PEM_CSR, &again, NULL,
		    NULL) != Q_OK || !bytes_equal(buf_bytes(&der),
		    buf_bytes(&again)))
			abort();
	}
	return 0;
}
