// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "signd/statement.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/own.h"

static const char *const actions[] = {
#define X(name, text) text,
	APPROVE_ACTIONS(X)
#undef X
};

/* So that nobody reads another text than the one that is signed: no line can
 * be added, and none is shown from right to left. */
static bool
is_plain(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

enum q_err
statement_make(const struct approve_ask *ask, int64_t expires,
    const char *id, struct buf *out, struct fault *f)
{
	char mech[40] = "-", digest[2 * SIGN_DATA_MAX + 1] = "-";

	if (ask->meaning != NULL && !is_plain(ask->meaning))
		return fault_set(f, Q_INVALID,
		    "meaning: only printable ASCII is agreed to");
	if (ask->shape != NULL)
		sign_shape_text(ask->shape, mech);
	if (ask->digest.len != 0)
		hex_encode(ask->digest.p, ask->digest.len, digest);
	buf_printf(out, "quoin approval 1\naction: %s\nkey: %s %s\n"
	    "mechanism: %s\ndigest: %s\n", actions[ask->action],
	    ask->key != NULL ? ask->key->id : "-",
	    ask->key != NULL ? ask->key->name : ask->approver, mech, digest);
	if (ask->meaning != NULL)
		buf_printf(out, "meaning: %s\n", ask->meaning);
	else
		buf_printf(out, "meaning: asked by user %" PRIu32 "\n",
		    ask->uid);
	buf_printf(out, "expires: %" PRIi64 "\nid: %s\n", expires, id);
	return out->bad ? Q_TOOBIG : Q_OK;
}

/* The next line, which begins so, into to, which *text is moved behind. */
static bool
line(const char **text, const char *begin, char *to, size_t cap)
{
	size_t n = strlen(begin), len;

	if (strncmp(*text, begin, n) != 0)
		return false;
	*text += n;
	len = strcspn(*text, "\n");
	if ((*text)[len] != '\n' || len >= cap)
		return false;
	memcpy(to, *text, len);
	to[len] = '\0';
	*text += len + 1;
	return true;
}

static enum approve_action
action_of(const char *text)
{
	size_t i = 0;

	while (i < ARRAY_LEN(actions) && strcmp(actions[i], text) != 0)
		i++;
	return (enum approve_action)i;
}

enum q_err
statement_parse(const char *text, struct statement *ret_statement)
{
	struct statement *s = ret_statement;
	char word[APPROVAL_TEXT_MAX], number[24], *blank;
	const char *at = text;

	if (!line(&at, "quoin approval 1", word, 1) ||
	    !line(&at, "action: ", word, sizeof(word)))
		return Q_INVALID;
	s->action = action_of(word);
	if (s->action == APPROVE_ACTION_COUNT ||
	    !line(&at, "key: ", word, sizeof(word)))
		return Q_INVALID;
	blank = strchr(word, ' ');
	if (blank == NULL || blank - word > SIGND_ID_LEN)
		return Q_INVALID;
	*blank++ = '\0';
	snprintf(s->key, sizeof(s->key), "%.16s", word[0] == '-' ? "" : word);
	snprintf(s->name, sizeof(s->name), "%.64s", blank);
	if (!line(&at, "mechanism: ", word, sizeof(word)) ||
	    !line(&at, "digest: ", word, sizeof(word)))
		return Q_INVALID;
	s->what_len = (size_t)(at - text);
	if (!line(&at, "meaning: ", word, sizeof(word)))
		return Q_INVALID;
	s->body_len = (size_t)(at - text);
	if (!line(&at, "expires: ", number, sizeof(number)) ||
	    !line(&at, "id: ", s->id, sizeof(s->id)) || *at != '\0' ||
	    !hex_is_lower(s->id, SIGND_ID_LEN))
		return Q_INVALID;
	s->expires = strtoll(number, NULL, 10);
	return Q_OK;
}
