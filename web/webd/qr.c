// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "webd/qr.h"

#include <qrencode.h>
#include <string.h>

#include "webd/web.h"

#define WIDTH_MAX 177 /* of version 40 */

struct json_object *
qr_rows(const char *text)
{
	QRcode *code = QRcode_encodeString8bit(text, 0, QR_ECLEVEL_M);
	struct json_object *rows = web_array();
	char row[WIDTH_MAX + 1];

	for (int y = 0; code != NULL && y < code->width; y++) {
		for (int x = 0; x < code->width; x++)
			row[x] = code->data[y * code->width + x] & 1 ? '1'
								     : '0';
		row[code->width] = '\0';
		web_push(rows, json_object_new_string(row));
	}
	QRcode_free(code);
	return rows;
}
