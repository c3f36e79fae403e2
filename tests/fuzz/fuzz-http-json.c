// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "http/json.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What was taken once, is taken again as we write it. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	AUTO_JSON struct json_object *o = NULL;
	AUTO_JSON struct json_object *again = NULL;
	struct fault f;
	const char *text;

	if (http_json_parse((struct bytes){ data, len }, &o, &f) != Q_OK)
		return 0;
	text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN |
	    JSON_C_TO_STRING_NOSLASHESCAPE);
	/* json-c escapes control characters in names; we refuse those. */
	if (http_json_parse((struct bytes){ (const uint8_t *)text,
		strlen(text) }, &again, &f) != Q_OK &&
	    strstr(f.msg, "escape") == NULL)
		abort();
	return 0;
}
