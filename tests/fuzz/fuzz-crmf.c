// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a CRMF request: parsed, and verified when they are one. What is
 * parsed must lie inside the input, the key in the struct. */
#include "config.h"

#include <stdlib.h>

#include "x509/csr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
inside(struct bytes b, const uint8_t *data, size_t size)
{
	if (b.len != 0 && (b.p < data || b.p + b.len > data + size))
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes der = { data, size };
	struct csr csr;
	struct fault f = { 0 };

	if (csr_parse_crmf(der, &csr, &f) != Q_OK) {
		if (f.msg[0] == '\0')
			abort();
		return 0;
	}
	inside(csr.subject, data, size);
	inside(csr.cn, data, size);
	inside(csr.san, data, size);
	inside(csr.sig, data, size);
	if (csr.key.spki.p != csr.spki)
		abort();
	if (csr_verify(&csr, &f) != Q_OK && f.msg[0] == '\0')
		abort();
	return 0;
}
