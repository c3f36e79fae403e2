// SPDX-License-Identifier: Apache-2.0
/* What decodes encodes back to the same digits. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
url_try(const uint8_t *data, size_t size)
{
	AUTO_BUF struct buf in = BUF_INIT(65536);
	AUTO_BUF struct buf raw = BUF_INIT(65536);
	AUTO_BUF struct buf text = BUF_INIT(131072);

	buf_put(&in, data, size);
	if (in.bad || in.len == 0 || memchr(data, 0, size) != NULL ||
	    b64url_decode(&raw, (const char *)in.p) != Q_OK)
		return;
	b64url_encode(&text, raw.p, raw.len);
	if (text.len != size || memcmp(text.p, data, size) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO_BUF struct buf raw = BUF_INIT(65536);
	AUTO_BUF struct buf text = BUF_INIT(131072);
	size_t at = 0;

	url_try(data, size);
	if (b64_decode(&raw, (const char *)data, size) != Q_OK)
		return 0;
	b64_encode(&text, raw.p, raw.len, 0);
	for (size_t i = 0; i < size; i++) {
		if (strchr("\r\n \t", data[i]) != NULL && data[i] != '\0')
			continue;
		if (at >= text.len || text.p[at++] != data[i])
			abort();
	}
	if (at != text.len)
		abort();
	return 0;
}
