// SPDX-License-Identifier: Apache-2.0
/* A document of the type that the first byte names: what decodes also
 * encodes, to a document that is the same record. */
#include "config.h"

#include <json-c/json.h>
#include <stdlib.h>

#include "records/records.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	AUTO_BUF struct buf doc = BUF_INIT(REC_DOC_MAX);
	const struct rec_desc *d;
	struct json_object *json;
	union rec_any rec, again;
	struct fault f;

	if (len == 0)
		return 0;
	d = &rec_descs[p[0] % rec_n_descs];
	if (rec_decode(d, (struct bytes){ p + 1, len - 1 }, &rec, &f) != Q_OK)
		return 0;
	if (rec_encode(d, &rec, &doc) != Q_OK ||
	    rec_decode(d, buf_bytes(&doc), &again, &f) != Q_OK)
		abort();
	for (size_t i = 0; i < d->n; i++)
		if (!rec_same(&d->fields[i], &rec, &again))
			abort();
	json = rec_to_json(d, &rec);
	if (json == NULL)
		abort();
	json_object_put(json);
	return 0;
}
