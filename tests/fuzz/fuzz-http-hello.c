// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "http/hello.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What is whole or bad stays so, whatever comes behind it. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	enum hello all = hello_check(data, len);

	for (size_t n = 0; n < len && n < 600; n++) {
		enum hello part = hello_check(data, n);

		if (part != HELLO_MORE && part != all)
			abort();
	}
	if (all == HELLO_MORE && len >= 2 * HELLO_MAX)
		abort();
	return 0;
}
