// SPDX-License-Identifier: Apache-2.0
#ifndef ENROLD_TOKEN_H
#define ENROLD_TOKEN_H

/*
 * Tokens (guide 9.2): a secret that all devices of a batch carry in their
 * firmware. Its value is never logged, and no error repeats it.
 */

#include "base/secret.h"
#include "enrold/core.h"

#define TOKEN_LEN 32		/* letters and digits */
#define TOKEN_TEXT_MAX 256	/* as it may be sent */
#define TOKEN_DIGEST 64

/* The token in an Authorization header: the password of Basic (RFC 7617), or
 * what Bearer carries (RFC 6750). NOTFOUND without a header (NULL) and for
 * other schemes, INVALID for a broken one. The caller wipes ret_text. */
enum q_err token_of_header(const char *authorization,
    char ret_text[TOKEN_TEXT_MAX + 1], struct fault *f) Q_CHECKED;

/* What a token is found by: the SHA-256 in hex of its value, sent as it is or
 * in base64. What is neither has a digest, too, of no token. */
void token_digest(const char *sent, char ret_hex[TOKEN_DIGEST + 1]);

/* The record of a token that was sent: NOTFOUND; BUSY for who sent wrong
 * ones too often; errors of recordd. */
enum q_err token_find(struct core *core, const char *sent, const char *from,
    struct rec_token *ret_token, struct fault *f) Q_CHECKED;

/*
 * The value of a token by its name, for a MAC that is made with it: DENIED
 * for one that there is not or that is not in its dates, BUSY for who failed
 * too often, errors of recordd and signd. When the MAC is wrong, say so with
 * core_token_failed; when it is right, pass the name on as token_name.
 */
enum q_err core_token_secret(struct core *core, const char *name,
    const char *from, struct secret *ret_secret, struct fault *f) Q_CHECKED;
void core_token_failed(struct core *core, const char *name,
    const char *from);

#endif
