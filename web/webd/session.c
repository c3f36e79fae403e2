// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "webd/session.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/own.h"
#include "webd/apitoken.h"
#include "webd/settings.h"

#define SEEN_SECONDS 60 /* how coarse seen_at is, at most */
#define TRIES 3

static enum q_err
text_of(const uint8_t in[32], char out[SESSION_SECRET + 1])
{
	AUTO_BUF struct buf b = BUF_INIT(64);

	b64url_encode(&b, in, 32);
	if (b.bad)
		return Q_NOMEM;
	memcpy(out, b.p, SESSION_SECRET + 1);
	return Q_OK;
}

static bool
digest(const char *label, const char *text, uint8_t out[32])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool good = md != NULL &&
	    EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
	    EVP_DigestUpdate(md, label, strlen(label)) == 1 &&
	    EVP_DigestUpdate(md, text, strlen(text)) == 1 &&
	    EVP_DigestFinal_ex(md, out, NULL) == 1;

	EVP_MD_CTX_free(md);
	return good;
}

/* The session's key, and the CSRF token that goes with it. */
static enum q_err
names_of(const char *secret, char key[65], char csrf[SESSION_SECRET + 1])
{
	uint8_t d[32];

	if (!digest("", secret, d))
		return Q_INTERNAL;
	hex_encode(d, sizeof(d), key);
	if (!digest("csrf", secret, d))
		return Q_INTERNAL;
	return text_of(d, csrf);
}

static bool
safe_method(const struct http_request *rq)
{
	return strcmp(rq->method, "GET") == 0;
}

/* Browsers say where a request comes from: by Sec-Fetch-Site, old ones by
 * Origin (RFC 6454 7). Others say nothing. */
static bool
same_site(const struct http_request *rq)
{
	const char *site = http_header(rq, "Sec-Fetch-Site");
	const char *origin = http_header(rq, "Origin");
	const char *host = http_header(rq, "Host");

	if (site != NULL)
		return strcmp(site, "same-origin") == 0 ||
		    strcmp(site, "none") == 0;
	return origin == NULL || (host != NULL &&
	    strncmp(origin, "https://", 8) == 0 &&
	    strcasecmp(origin + 8, host) == 0);
}

enum q_err
session_origin(const struct http_request *rq, struct fault *f)
{
	return safe_method(rq) || same_site(rq) ? Q_OK
	    : fault_set(f, Q_DENIED, "comes from another site");
}

/* What a page of another site can neither read nor set. */
static enum q_err
csrf_check(const struct web_call *c, const char *csrf, struct fault *f)
{
	const char *sent = http_header(c->rq, "X-Quoin-CSRF");

	if (safe_method(c->rq))
		return Q_OK;
	if (sent == NULL || strlen(sent) != SESSION_SECRET ||
	    CRYPTO_memcmp(sent, csrf, SESSION_SECRET) != 0)
		return fault_set(f, Q_DENIED, "wants the session's "
		    "X-Quoin-CSRF");
	return Q_OK;
}

static int64_t
idle_end(const struct web *w, const struct rec_session *s, int64_t now)
{
	int64_t idle = now + 60 * settings_int(w, "idle_minutes");
	int64_t last = s->created_at + 3600 *
	    settings_int(w, "session_hours");

	return idle < last ? idle : last;
}

/* Write down now and then that it lives; who comes second need not. */
static void
touch(struct web *w, struct rec_session *s, int64_t now)
{
	int64_t step = 60 * settings_int(w, "idle_minutes") / 4;

	if (now - s->seen_at < (step < SEEN_SECONDS ? step : SEEN_SECONDS))
		return;
	s->seen_at = now;
	s->until = idle_end(w, s, now);
	(void)!rec_session_put(w->recordd, s, NULL);
}

static enum q_err
user_take(struct web_call *c, const char *name, struct fault *f)
{
	struct rec_user user;
	enum q_err r = rec_user_get(c->web->recordd, name, &user, f);

	if (r == Q_NOTFOUND || (r == Q_OK && user.disabled))
		return fault_set(f, Q_UNAUTH, "log in");
	if (r != Q_OK)
		return r;
	snprintf(c->user.name, sizeof(c->user.name), "%s", user.key);
	c->user.admin = user.role == USER_ADMINISTRATOR;
	c->by.who = c->user.name;
	return Q_OK;
}

static enum q_err
cookie_take(struct web_call *c, const char *secret, struct fault *f)
{
	char csrf[SESSION_SECRET + 1], key[65];
	int64_t now = clock_wall();
	struct rec_session s;
	enum q_err r = names_of(secret, key, csrf);

	if (r == Q_OK)
		r = rec_session_get(c->web->recordd, key, &s, f);
	if (r == Q_NOTFOUND || (r == Q_OK && s.until <= now))
		return fault_set(f, Q_UNAUTH, "log in");
	if (r == Q_OK)
		r = csrf_check(c, csrf, f);
	if (r == Q_OK)
		r = user_take(c, s.user, f);
	if (r != Q_OK)
		return r;
	c->user.scopes = ~0U;
	snprintf(c->user.session, sizeof(c->user.session), "%s", key);
	touch(c->web, &s, now);
	memcpy(c->csrf, csrf, sizeof(csrf));
	c->until = s.until;
	return Q_OK;
}

static enum q_err
bearer_take(struct web_call *c, const char *text, struct fault *f)
{
	struct rec_api_key k;
	enum q_err r = apitoken_find(c->web, text, c->rq->remote, &k, f);

	if (r == Q_OK)
		r = user_take(c, k.user, f);
	if (r != Q_OK)
		return r;
	c->user.scopes = (unsigned)k.scopes;
	snprintf(c->user.token, sizeof(c->user.token), "%s", k.key);
	return Q_OK;
}

enum q_err
session_find(struct web_call *c, struct fault *f)
{
	const char *auth = http_header(c->rq, "Authorization");
	char secret[SESSION_SECRET + 1];
	enum q_err r;

	if (auth != NULL && strncasecmp(auth, "Bearer ", 7) == 0)
		return bearer_take(c, auth + 7, f);
	r = http_cookie(c->rq, SESSION_COOKIE, secret, sizeof(secret));
	if (r != Q_OK || strlen(secret) != SESSION_SECRET)
		return fault_set(f, Q_UNAUTH, "log in");
	r = cookie_take(c, secret, f);
	OPENSSL_cleanse(secret, sizeof(secret));
	return r;
}

static void
cookie_set(struct http_response *rs, const char *value, int64_t age)
{
	char text[160];

	snprintf(text, sizeof(text), SESSION_COOKIE "=%s; Path=/; Secure; "
	    "HttpOnly; SameSite=Strict; Max-Age=%lld", value, (long long)age);
	http_response_header(rs, "Set-Cookie", text);
	OPENSSL_cleanse(text, sizeof(text));
}

enum q_err
session_begin(struct web_call *c, const struct rec_user *user,
    struct http_response *rs, struct fault *f)
{
	const char *agent = http_header(c->rq, "User-Agent");
	char secret[SESSION_SECRET + 1], csrf[SESSION_SECRET + 1];
	int64_t now = clock_wall();
	struct rec_session s = { .created_at = now, .seen_at = now,
		.second = user->totp_on };
	uint8_t raw[32];
	enum q_err r;

	if (RAND_bytes(raw, sizeof(raw)) != 1)
		return Q_INTERNAL;
	r = text_of(raw, secret);
	OPENSSL_cleanse(raw, sizeof(raw));
	if (r == Q_OK)
		r = names_of(secret, s.key, csrf);
	snprintf(s.user, sizeof(s.user), "%.64s", user->key);
	snprintf(s.from, sizeof(s.from), "%s", c->rq->remote);
	for (size_t i = 0; agent != NULL && i + 1 < sizeof(s.agent) &&
	    agent[i] >= ' ' && agent[i] < 0x7f; i++)
		s.agent[i] = agent[i];
	s.until = idle_end(c->web, &s, now);
	if (r == Q_OK)
		r = rec_session_insert(c->web->recordd, &s, f);
	if (r == Q_OK) {
		cookie_set(rs, secret,
		    3600 * settings_int(c->web, "session_hours"));
		snprintf(c->user.name, sizeof(c->user.name), "%s",
		    user->key);
		c->user.admin = user->role == USER_ADMINISTRATOR;
		snprintf(c->user.session, sizeof(c->user.session), "%s",
		    s.key);
		c->by.who = c->user.name;
		memcpy(c->csrf, csrf, sizeof(csrf));
		c->until = s.until;
	}
	OPENSSL_cleanse(secret, sizeof(secret));
	return r;
}

enum q_err
session_end(struct web *w, const char *key, struct fault *f)
{
	struct rec_session s;
	enum q_err r = Q_CONFLICT;

	for (int i = 0; r == Q_CONFLICT && i < TRIES; i++) {
		r = rec_session_get(w->recordd, key, &s, f);
		if (r == Q_OK)
			r = rec_session_delete(w->recordd, key, s.rev, f);
	}
	return r == Q_NOTFOUND ? Q_OK : r;
}

void
session_forget(struct http_response *rs)
{
	cookie_set(rs, "", 0);
}
