// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "x509/pem.h"

#include <stdio.h>
#include <string.h>

#include "base/codec.h"

void
pem_encode(struct buf *out, const char *label, struct bytes der)
{
	buf_printf(out, "-----BEGIN %s-----\n", label);
	b64_encode(out, der.p, der.len, 64);
	buf_printf(out, "-----END %s-----\n", label);
}

/* Where the line `mark` (exactly, but for white space behind it) begins in
 * text; *ret_after is the start of the next line. */
static const char *
find_line(const char *text, size_t len, const char *mark,
    const char **ret_after)
{
	const char *end = text + len, *line = text;
	size_t mark_len = strlen(mark);

	while (line < end) {
		const char *nl = memchr(line, '\n', (size_t)(end - line));
		const char *stop = nl != NULL ? nl : end;
		const char *last = stop;

		while (last > line && (last[-1] == '\r' || last[-1] == ' ' ||
		    last[-1] == '\t'))
			last--;
		if ((size_t)(last - line) == mark_len &&
		    memcmp(line, mark, mark_len) == 0) {
			*ret_after = nl != NULL ? nl + 1 : end;
			return line;
		}
		line = nl != NULL ? nl + 1 : end;
	}
	return NULL;
}

enum q_err
pem_decode(struct bytes text, const char *label, struct buf *out,
    struct bytes *ret_rest, struct fault *f)
{
	const char *start = (const char *)text.p, *body, *stop, *rest;
	const char *end;
	char mark[80];
	enum q_err e;

	if (text.len == 0)
		return fault_set(f, Q_NOTFOUND, "no %s in the text", label);
	if (text.len > PEM_TEXT_MAX)
		return fault_set(f, Q_TOOBIG, "PEM text is over %d bytes",
		    PEM_TEXT_MAX);
	end = start + text.len;
	snprintf(mark, sizeof(mark), "-----BEGIN %s-----", label);
	if (find_line(start, text.len, mark, &body) == NULL)
		return fault_set(f, Q_NOTFOUND, "no %s in the text", label);
	snprintf(mark, sizeof(mark), "-----END %s-----", label);
	stop = find_line(body, (size_t)(end - body), mark, &rest);
	if (stop == NULL)
		return fault_set(f, Q_PROTO, "%s has no end line", label);
	e = b64_decode(out, body, (size_t)(stop - body));
	if (e != Q_OK)
		return fault_set(f, e, "%s is not proper base64", label);
	if (ret_rest != NULL)
		*ret_rest = (struct bytes){ (const uint8_t *)rest,
			(size_t)(end - rest) };
	return Q_OK;
}
