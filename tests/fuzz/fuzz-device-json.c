// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "device/qdev_answer.h"
#include "device/qdev_http.h"

#define ID "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

/* What a hostile server may send: an HTTP answer, or its body alone. */
static void
parse_body(const char *text, size_t len)
{
	struct qdev_status s;
	struct qdev_grant g;
	struct qdev_hub hub;
	enum qdev_state state;
	char detail[64], *string;

	qdev_problem_parse(text, len, detail, sizeof(detail), &state);
	if (qdev_status_parse(text, len, ID, &s) == Q_OK && s.hub.len != 0)
		(void)!qdev_hub_parse(s.hub, &hub);
	if (qdev_grant_parse(text, len, ID, &g) != Q_OK)
		return;
	/* A string's escapes are never shorter than what they stand for. */
	string = malloc(g.certificate.len);
	if (string == NULL || qdev_json_string(g.certificate, string,
	    g.certificate.len) == Q_TOOBIG)
		abort();
	free(string);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct qdev_http h;
	char *body = malloc(256), *text = malloc(size + 1);

	if (body == NULL || text == NULL)
		abort();
	memcpy(text, data, size);
	parse_body(text, size);
	qdev_http_start(&h, body, 256);
	if (qdev_http_feed(&h, text, size) == Q_OK && h.done)
		parse_body(h.body, h.body_len);
	free(body);
	free(text);
	return 0;
}
