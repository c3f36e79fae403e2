// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a segment of the journal: records are taken apart as long as
 * they verify, and their bodies as what their type says. */
#include "config.h"

#include <stdlib.h>

#include "signer/journal_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	union {
		max_align_t align;
		uint8_t space[WIRE_STRUCT_MAX];
	} body;
	struct bytes rest = { data, size };
	struct journal_record r;

	while (journal_record_parse(rest, &r) == Q_OK) {
		const struct wire_type *t = journal_type_of(r.type);

		if (r.length > rest.len || r.body.p < data ||
		    r.body.p + r.body.len > data + size)
			abort();
		if ((t == NULL) != (journal_type_name(r.type) == NULL))
			abort();
		if (t != NULL && wire_decode(t, r.body, body.space, NULL) ==
		    Q_OK && t->n == 0)
			abort();
		rest.p += r.length;
		rest.len -= r.length;
	}
	return 0;
}
