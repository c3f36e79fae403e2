// SPDX-License-Identifier: Apache-2.0
/* What passes as a TLS handshake has one of its few lengths, and is never
 * what another kind of signature is made over: DER begins with 30. */
#include "config.h"

#include <stdlib.h>

#include "signd/tls_shape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes b = { data, size };

	if (!tls_shape_good(b))
		return 0;
	if (size != 130 && size != 146 && size != 100 && size != 124 &&
	    size != 133 && size != 165 && size != 201)
		abort();
	b.len--;
	if (tls_shape_good(b))
		abort();
	return 0;
}
