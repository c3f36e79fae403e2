// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "records/people.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/own.h"

#define LEASE "last-administrator"
#define LEASE_SECONDS 30 /* a call of recordd takes ten at most */
#define LEASE_TRIES 100
#define LEASE_PAUSE_MS 20
#define SWEEP_MAX 1000
#define DROP_TRIES 10 /* a session is touched once a minute */

enum q_err
rec_user_name_check(const char *text, struct fault *f)
{
	static const char good[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t n = strspn(text, good);

	/* The key of a record wants a letter or digit at both ends. */
	if (n >= 1 && n <= REC_NAME_MAX && text[n] == '\0' &&
	    strchr("-_", text[0]) == NULL && strchr("-_", text[n - 1]) == NULL)
		return Q_OK;
	return fault_set(f, Q_INVALID, "a user name is 1 to 64 letters, "
	    "digits, hyphens and underscores, a letter or digit at both ends");
}

/* --- links ----------------------------------------------------------------- */

static enum q_err
link_key(const char *token, char key[65])
{
	uint8_t d[32];

	if (EVP_Digest(token, strlen(token), d, NULL, EVP_sha256(), NULL) != 1)
		return Q_INTERNAL;
	hex_encode(d, sizeof(d), key);
	return Q_OK;
}

static enum q_err
token_make(char token[REC_LINK_TOKEN + 1])
{
	AUTO_BUF struct buf b = BUF_INIT(64);
	uint8_t raw[32];

	if (RAND_bytes(raw, sizeof(raw)) != 1)
		return Q_INTERNAL;
	b64url_encode(&b, raw, sizeof(raw));
	OPENSSL_cleanse(raw, sizeof(raw));
	if (b.bad)
		return Q_NOMEM;
	memcpy(token, b.p, REC_LINK_TOKEN + 1);
	return Q_OK;
}

enum q_err
rec_link_make(struct wire_client *c, struct rec_link *l, int64_t ttl,
    const struct rec_actor *by, char ret_token[REC_LINK_TOKEN + 1],
    struct fault *f)
{
	static const char *const what[] = { "first link", "user invite",
		"user signup", "user reset" };
	const char *whom = l->user[0] != '\0' ? l->user
	    : l->email[0] != '\0' || l->kind != LINK_INVITE ? l->email
	    : l->role == USER_ADMINISTRATOR ? "an administrator"
					    : "a contributor";
	enum q_err r = token_make(ret_token);

	if (r == Q_OK)
		r = link_key(ret_token, l->key);
	l->created_at = clock_wall();
	l->until = l->created_at + ttl;
	snprintf(l->by, sizeof(l->by), "%s", by->who);
	if (r == Q_OK)
		r = rec_link_insert(c, l, f);
	return r == Q_OK ? rec_actor_note(c, by, what[l->kind], whom, f) : r;
}

void
rec_link_url(const char *host, unsigned port, const char *token,
    char *out, size_t cap)
{
	bool v6 = strchr(host, ':') != NULL;

	snprintf(out, cap, "https://%s%s%s:%u/#/link/%s", v6 ? "[" : "", host,
	    v6 ? "]" : "", port, token);
}

enum q_err
rec_link_look(struct wire_client *c, const char *token, unsigned kinds,
    struct rec_link *ret_link, struct fault *f)
{
	char key[65];
	enum q_err r = link_key(token, key);

	if (r == Q_OK)
		r = rec_link_get(c, key, ret_link, f);
	if (r == Q_OK && (ret_link->until <= clock_wall() ||
	    (kinds & REC_LINK_BIT(ret_link->kind)) == 0))
		r = Q_NOTFOUND;
	return r == Q_NOTFOUND ? fault_set(f, r, "this link has been used, "
	    "or its time is over: ask for another one") : r;
}

enum q_err
rec_link_take(struct wire_client *c, const struct rec_link *l,
    struct fault *f)
{
	enum q_err r = rec_link_delete(c, l->key, l->rev, f);

	return r == Q_CONFLICT ? Q_NOTFOUND : r;
}

/* --- sessions -------------------------------------------------------------- */

/* Somebody else's delete is as good. */
static enum q_err
drop(struct wire_client *c, enum rec_type type, const char *key,
    uint64_t rev, struct fault *f)
{
	enum q_err r = rec_delete(c, type, key, rev, f);
	union rec_any again;

	for (int i = 0; r == Q_CONFLICT && i < DROP_TRIES; i++) {
		r = rec_get(c, type, key, &again, f);
		if (r == Q_OK)
			r = rec_delete(c, type, key, again.head.rev, f);
	}
	return r == Q_NOTFOUND ? Q_OK : r;
}

enum q_err
rec_sessions_end(struct wire_client *c, const char *user, const char *except,
    struct fault *f)
{
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(c, REC_SESSION, "user", user);
	struct rec_session s;
	enum q_err r;

	while ((r = rec_list_next(&it, &s, f)) == Q_OK) {
		if (except != NULL && strcmp(s.key, except) == 0)
			continue;
		r = drop(c, REC_SESSION, s.key, s.rev, f);
		if (r != Q_OK)
			return r;
	}
	return r == Q_NOTFOUND ? Q_OK : r;
}

/* --- users ----------------------------------------------------------------- */

enum q_err
rec_users_any(struct wire_client *c, bool *ret_any, struct fault *f)
{
	AUTO_REC_LIST struct rec_list it = REC_LIST(c, REC_USER, NULL, NULL);
	struct rec_user user;
	enum q_err r;

	it.page = 1;
	it.keys_only = true;
	r = rec_list_next(&it, &user, f);
	if (r != Q_OK && r != Q_NOTFOUND)
		return r;
	*ret_any = r == Q_OK;
	return Q_OK;
}

enum q_err
rec_user_by_email(struct wire_client *c, const char *email,
    struct rec_user *ret_user, struct fault *f)
{
	AUTO_REC_LIST struct rec_list it = REC_LIST(c, REC_USER, NULL, NULL);
	struct rec_user user, hit;
	size_t found = 0;
	enum q_err r;

	while ((r = rec_list_next(&it, &user, f)) == Q_OK)
		if (strcasecmp(user.email, email) == 0 && found++ == 0)
			hit = user;
	if (r != Q_NOTFOUND)
		return r;
	if (found > 1)
		return fault_set(f, Q_CONFLICT, "two users have this address");
	if (found == 0)
		return fault_set(f, Q_NOTFOUND, "no user has this address");
	*ret_user = hit;
	return Q_OK;
}

static bool
in_charge(const struct rec_user *u)
{
	return u->role == USER_ADMINISTRATOR && !u->disabled;
}

/* CONFLICT when nobody but `name` is in charge. */
static enum q_err
others_in_charge(struct wire_client *c, const char *name, struct fault *f)
{
	AUTO_REC_LIST struct rec_list it = REC_LIST(c, REC_USER, NULL, NULL);
	struct rec_user user;
	enum q_err r;

	while ((r = rec_list_next(&it, &user, f)) == Q_OK)
		if (in_charge(&user) && strcmp(user.key, name) != 0)
			return Q_OK;
	return r != Q_NOTFOUND ? r : fault_set(f, Q_CONFLICT,
	    "%s is the last administrator who may log in", name);
}

/* Links by who is no administrator any more are no good: those that set
 * another's password let in, too. */
static bool
made_by(const struct rec_link *l, const char *name)
{
	return strcmp(l->by, name) == 0;
}

static bool
is_for(const struct rec_link *l, const char *name)
{
	return strcmp(l->user, name) == 0;
}

static enum q_err
links_end(struct wire_client *c, bool (*which)(const struct rec_link *,
    const char *), const char *name, struct fault *f)
{
	AUTO_REC_LIST struct rec_list it = REC_LIST(c, REC_LINK, NULL, NULL);
	struct rec_link l;
	enum q_err r;

	while ((r = rec_list_next(&it, &l, f)) == Q_OK) {
		if (!which(&l, name))
			continue;
		r = drop(c, REC_LINK, l.key, l.rev, f);
		if (r != Q_OK)
			return r;
	}
	return r == Q_NOTFOUND ? Q_OK : r;
}

/* Whose lease it is: this thread's, on whatever machine. */
static void
owner_name(char out[65])
{
	uint8_t raw[16] = { 0 };

	if (RAND_bytes(raw, sizeof(raw)) == 1)
		hex_encode(raw, sizeof(raw), out);
	else
		snprintf(out, 65, "%d", (int)getpid());
}

static enum q_err
lease_try(struct wire_client *c, struct rec_lease *l, const char *owner,
    struct fault *f)
{
	int64_t now = clock_wall();
	enum q_err r = rec_lease_get(c, LEASE, l, f);

	if (r == Q_OK && l->until > now && strcmp(l->owner, owner) != 0)
		return Q_BUSY;
	if (r != Q_OK && r != Q_NOTFOUND)
		return r;
	if (r == Q_NOTFOUND)
		*l = (struct rec_lease){ .key = LEASE };
	snprintf(l->owner, sizeof(l->owner), "%s", owner);
	l->until = now + LEASE_SECONDS;
	r = l->rev == 0 ? rec_lease_insert(c, l, f) : rec_lease_put(c, l, f);
	return r == Q_EXISTS || r == Q_CONFLICT || r == Q_NOTFOUND ? Q_BUSY
	    : r;
}

static enum q_err
lease_take(struct wire_client *c, struct rec_lease *l, struct fault *f)
{
	struct timespec pause = { 0, LEASE_PAUSE_MS * 1000000L };
	char owner[65];
	enum q_err r = Q_BUSY;

	owner_name(owner);
	for (int i = 0; r == Q_BUSY && i < LEASE_TRIES; i++) {
		r = lease_try(c, l, owner, f);
		if (r == Q_BUSY)
			nanosleep(&pause, NULL);
	}
	return r == Q_BUSY ? fault_retry(f, r, 2,
	    "users are being changed: try again") : r;
}

/* What was found out under the lease is true while one more call is made. */
static enum q_err
lease_holds(const struct rec_lease *l, struct fault *f)
{
	return l->until - clock_wall() > LEASE_SECONDS / 2 ? Q_OK
	    : fault_retry(f, Q_BUSY, 2, "that took too long: try again");
}

static void
lease_leave(struct wire_client *c, const struct rec_lease *l)
{
	(void)!rec_lease_delete(c, l->key, l->rev, NULL);
}

static enum q_err
put(struct wire_client *c, struct rec_user *user, struct fault *f)
{
	enum q_err r = rec_user_put(c, user, f);

	return r == Q_CONFLICT ? fault_set(f, Q_STALE, "somebody has changed "
	    "the user meanwhile: look at it again") : r;
}

enum q_err
rec_user_save(struct wire_client *c, struct rec_user *user, struct fault *f)
{
	struct rec_lease lease;
	struct rec_user was;
	enum q_err r = rec_user_get(c, user->key, &was, f);

	if (r == Q_OK && (!in_charge(&was) || in_charge(user)))
		return put(c, user, f);
	if (r == Q_OK)
		r = lease_take(c, &lease, f);
	if (r != Q_OK)
		return r;
	r = others_in_charge(c, user->key, f);
	if (r == Q_OK)
		r = lease_holds(&lease, f);
	if (r == Q_OK)
		r = put(c, user, f);
	lease_leave(c, &lease);
	return r == Q_OK ? links_end(c, made_by, user->key, f) : r;
}

/* All that lets a user in without the password. */
static enum q_err
user_out(struct wire_client *c, const char *name, struct fault *f)
{
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(c, REC_API_KEY, "user", name);
	struct rec_api_key key;
	enum q_err r = rec_sessions_end(c, name, NULL, f);

	while (r == Q_OK && (r = rec_list_next(&it, &key, f)) == Q_OK)
		r = drop(c, REC_API_KEY, key.key, key.rev, f);
	return r == Q_NOTFOUND ? links_end(c, is_for, name, f) : r;
}

/* With the lease. What lets the user in goes before, lest it outlive a removal
 * that ends halfway. */
static enum q_err
user_drop(struct wire_client *c, const char *name,
    const struct rec_lease *lease, struct fault *f)
{
	struct rec_user user;
	enum q_err r = Q_CONFLICT;

	for (int i = 0; r == Q_CONFLICT && i < DROP_TRIES; i++) {
		r = rec_user_get(c, name, &user, f);
		if (r == Q_OK && in_charge(&user))
			r = others_in_charge(c, name, f);
		if (r == Q_OK)
			r = user_out(c, name, f);
		if (r == Q_OK)
			r = lease_holds(lease, f);
		if (r != Q_OK)
			return r;
		r = rec_user_delete(c, name, user.rev, f);
	}
	return r;
}

enum q_err
rec_user_remove(struct wire_client *c, const char *name,
    const struct rec_actor *by, struct fault *f)
{
	struct rec_lease lease;
	enum q_err r = lease_take(c, &lease, f);

	if (r != Q_OK)
		return r;
	r = user_drop(c, name, &lease, f);
	lease_leave(c, &lease);
	/* There may have been new ones meanwhile. */
	if (r == Q_OK)
		r = user_out(c, name, f);
	if (r == Q_OK)
		r = links_end(c, made_by, name, f);
	return r == Q_OK ? rec_actor_note(c, by, "user delete", name, f) : r;
}

/* --- what has ended -------------------------------------------------------- */

enum q_err
rec_people_sweep(struct wire_client *c, int64_t now, struct fault *f)
{
	static const enum rec_type types[] = { REC_SESSION, REC_LINK };
	char match[24];

	snprintf(match, sizeof(match), "%lld", (long long)now);
	for (size_t i = 0; i < ARRAY_LEN(types); i++) {
		AUTO_REC_LIST struct rec_list it =
		    REC_LIST(c, types[i], "until", match);
		union rec_any rec;
		enum q_err r = Q_OK;

		it.keys_only = true;
		for (int n = 0; r == Q_OK && n < SWEEP_MAX; n++) {
			r = rec_list_next(&it, &rec, f);
			if (r == Q_OK && rec_delete(c, types[i], rec.head.key,
			    rec.head.rev, f) == Q_UNAVAIL)
				return Q_UNAVAIL;
		}
		if (r != Q_OK && r != Q_NOTFOUND)
			return r;
	}
	return Q_OK;
}
