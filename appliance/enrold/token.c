// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "enrold/token.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/codec.h"
#include "enrold/throttle.h"
#include "records/access.h"

#define NAME_MARK "name:" /* no digest begins so */
#define NAME_MARK_MAX 160

static bool
is_value(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (!((s[i] >= '0' && s[i] <= '9') ||
		    (s[i] >= 'a' && s[i] <= 'z') ||
		    (s[i] >= 'A' && s[i] <= 'Z')))
			return false;
	return len == TOKEN_LEN;
}

/* What follows the scheme, or NULL: RFC 9110 11.4, case does not matter. */
static const char *
behind_scheme(const char *value, const char *scheme)
{
	size_t n = strlen(scheme);

	if (strncasecmp(value, scheme, n) != 0 || value[n] != ' ')
		return NULL;
	return value + n + strspn(value + n, " ");
}

static enum q_err
basic_password(const char *credentials, char *ret_text, struct fault *f)
{
	AUTO_BUF struct buf both = BUF_INIT(2 * TOKEN_TEXT_MAX);
	const char *colon = NULL;

	if (b64_decode(&both, credentials, strlen(credentials)) == Q_OK &&
	    both.len != 0)
		colon = memchr(both.p, ':', both.len);
	if (colon == NULL || memchr(both.p, 0, both.len) != NULL ||
	    strlen(colon + 1) > TOKEN_TEXT_MAX)
		return fault_set(f, Q_INVALID,
		    "Authorization header is malformed");
	snprintf(ret_text, TOKEN_TEXT_MAX + 1, "%s", colon + 1);
	return Q_OK;
}

enum q_err
token_of_header(const char *authorization, char ret_text[TOKEN_TEXT_MAX + 1],
    struct fault *f)
{
	const char *basic, *bearer;

	if (authorization == NULL)
		return Q_NOTFOUND;
	basic = behind_scheme(authorization, "Basic");
	bearer = behind_scheme(authorization, "Bearer");
	if (basic != NULL)
		return basic_password(basic, ret_text, f);
	if (bearer == NULL)
		return Q_NOTFOUND;
	if (*bearer == '\0' || strlen(bearer) > TOKEN_TEXT_MAX)
		return fault_set(f, Q_INVALID,
		    "Authorization header is malformed");
	snprintf(ret_text, TOKEN_TEXT_MAX + 1, "%s", bearer);
	return Q_OK;
}

void
token_digest(const char *sent, char ret_hex[TOKEN_DIGEST + 1])
{
	AUTO_BUF struct buf plain = BUF_INIT(TOKEN_TEXT_MAX);
	size_t len = strlen(sent);
	const void *value = sent;
	uint8_t md[SHA256_DIGEST_LENGTH];

	/* libest sends the base64 of what it was given. */
	if (!is_value(sent, len) &&
	    b64_decode(&plain, sent, len) == Q_OK &&
	    is_value((const char *)plain.p, plain.len)) {
		value = plain.p;
		len = plain.len;
	}
	SHA256(value, len, md);
	hex_encode(md, sizeof(md), ret_hex);
}

enum q_err
token_find(struct core *core, const char *sent, const char *from,
    struct rec_token *ret_token, struct fault *f)
{
	char digest[TOKEN_DIGEST + 1];
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(core->recordd, REC_TOKEN, "digest", digest);
	enum q_err r;

	token_digest(sent, digest);
	r = throttle_check(core->throttle, from, digest, f);
	if (r != Q_OK)
		return r;
	it.page = 1;
	return rec_list_next(&it, ret_token, f);
}

/* With the address: a name is no secret, so nobody may stop those who use it
 * elsewhere. */
static void
name_mark(const char *name, const char *from, char out[NAME_MARK_MAX])
{
	snprintf(out, NAME_MARK_MAX, NAME_MARK "%.64s %.64s", from, name);
}

static enum q_err
token_unseal(struct core *core, const struct rec_token *t,
    struct secret *ret_secret, struct fault *f)
{
	char context[REC_TOKEN_CONTEXT];
	struct signd_unseal_req req = { .purpose = "token",
		.context = context,
		.sealed = { t->sealed.p, t->sealed.len } };
	struct signd_unseal_rsp rsp;
	AUTO_REPLY struct wire_reply hold = { 0 };
	enum q_err r;

	rec_token_context(t->key, context);
	r = signd_unseal(core->signd, &req, &rsp, &hold, f);
	return r == Q_OK ? secret_new(rsp.secret.p, rsp.secret.len,
	    ret_secret) : r;
}

enum q_err
core_token_secret(struct core *core, const char *name, const char *from,
    struct secret *ret_secret, struct fault *f)
{
	char mark[NAME_MARK_MAX];
	struct rec_token t;
	int64_t now = clock_wall();
	enum q_err r;

	name_mark(name, from, mark);
	r = throttle_check(core->throttle, from, mark, f);
	if (r == Q_OK)
		r = rec_token_get(core->recordd, name, &t, f);
	if (r == Q_OK && (now < t.not_before || now >= t.not_after))
		r = Q_NOTFOUND;
	if (r == Q_OK)
		return token_unseal(core, &t, ret_secret, f);
	if (r != Q_NOTFOUND && r != Q_INVALID)
		return r;
	throttle_failed(core->throttle, from, mark);
	return fault_set(f, Q_DENIED,
	    "there is no such token, or it is not valid now");
}

void
core_token_failed(struct core *core, const char *name, const char *from)
{
	char mark[NAME_MARK_MAX];

	name_mark(name, from, mark);
	throttle_failed(core->throttle, from, mark);
}
