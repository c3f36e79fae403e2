// SPDX-License-Identifier: Apache-2.0
/* What passes as an answer of a CMP server names the server at its place,
 * and nothing of it can be left out. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "signd/cmp_shape.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* CN=x */
	static const uint8_t name[] = { 0x30, 12, 0x31, 10, 0x30, 8, 0x06, 3,
		0x55, 4, 3, 0x0c, 1, 'x' };
	struct bytes b = { data, size }, sender = { name, sizeof(name) };

	if (!cmp_shape_good(b, sender))
		return 0;
	if (memmem(data, size, name, sizeof(name)) == NULL)
		abort();
	sender.len--;
	if (cmp_shape_good(b, sender))
		abort();
	sender.len++;
	b.len--;
	if (cmp_shape_good(b, sender))
		abort();
	return 0;
}
