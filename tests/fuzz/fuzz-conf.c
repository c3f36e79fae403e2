// SPDX-License-Identifier: Apache-2.0
/* quoin.conf(5) from memory: what is accepted is within its limits. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct conf *c = malloc(sizeof(*c));
	struct fault f = { 0 };
	enum q_err r;

	if (c == NULL)
		return 0;
	r = conf_parse((const char *)data, size, c, &f);
	if (r == Q_OK && (c->device_port < 1 || c->device_port > 65535 ||
	    strlen(c->state) >= sizeof(c->state)))
		abort();
	if (r != Q_OK && r != Q_NOMEM && f.msg[0] == '\0')
		abort();
	free(c);
	return 0;
}
