// SPDX-License-Identifier: Apache-2.0
#ifndef SIGND_STATEMENT_H
#define SIGND_STATEMENT_H

/*
 * What approvers sign, a text that people can read:
 *
 *	quoin approval 1
 *	action: sign
 *	key: <id> <name>	(of approver actions: "- <approver>")
 *	mechanism: <text>	(or "-")
 *	digest: <hex>		(or "-")
 *	meaning: <text>
 *	expires: <seconds since 1970>
 *	id: <16 hex digits>
 */

#include "signd/approve.h"

struct statement {
	enum approve_action action;
	char key[SIGND_ID_LEN + 1];	/* or "" */
	char name[SIGND_NAME_MAX + 1];	/* of the key or approver */
	int64_t expires;
	char id[SIGND_ID_LEN + 1];
	size_t what_len;	/* up to the meaning */
	size_t body_len;	/* up to the expiry */
};

/* Append the whole text. INVALID: a meaning that is not printable ASCII. */
enum q_err statement_make(const struct approve_ask *ask, int64_t expires,
    const char *id, struct buf *out, struct fault *f) Q_CHECKED;

/* Of a text that was made here. INVALID. */
enum q_err statement_parse(const char *text,
    struct statement *ret_statement) Q_CHECKED;

#endif
