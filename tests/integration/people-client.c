// SPDX-License-Identifier: Apache-2.0
/*
 * people-client CONF: users, their sessions and links, asked of a
 * quoin-recordd that has none yet; prints TAP. It leaves one administrator who
 * may log in, and ann, who may not.
 */
#include "config.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/own.h"
#include "records/people.h"
#include "tests/integration/records-client.h"

static void
make_user(const char *name, int64_t role)
{
	struct rec_user u = { .role = role };

	snprintf(u.key, sizeof(u.key), "%s", name);
	snprintf(u.email, sizeof(u.email), "%s@example.org", name);
	need(rec_user_insert(client, &u, &f), name);
}

static enum q_err
disable(const char *name)
{
	struct rec_user u;
	enum q_err r = rec_user_get(client, name, &u, &f);

	u.disabled = true;
	return r == Q_OK ? rec_user_save(client, &u, &f) : r;
}

static void
test_links(void)
{
	struct rec_link l = { .kind = LINK_INVITE, .role = USER_ADMINISTRATOR,
		.email = "x@example.org" }, got;
	char token[REC_LINK_TOKEN + 1] = "";

	is_int(rec_link_make(client, &l, 60, &us, token, &f), Q_OK,
	    "link: made");
	is_int(strlen(token), REC_LINK_TOKEN, "link: its token");
	ok(strstr(l.key, token) == NULL, "link: is not what is stored");
	is_int(rec_link_look(client, token, REC_LINK_BIT(LINK_RESET), &got,
	    &f), Q_NOTFOUND, "link: of another kind");
	is_int(rec_link_look(client, "x", REC_LINK_BIT(LINK_INVITE), &got,
	    &f), Q_NOTFOUND, "link: of nobody: %s", f.msg);
	is_int(rec_link_look(client, token, REC_LINK_BIT(LINK_INVITE), &got,
	    &f), Q_OK, "link: is good");
	ok(got.role == USER_ADMINISTRATOR && strcmp(got.email,
	    "x@example.org") == 0 && strcmp(got.by, "tester") == 0,
	    "link: says what it is for");
	is_int(rec_link_take(client, &got, &f), Q_OK, "link: taken");
	is_int(rec_link_take(client, &got, &f), Q_NOTFOUND, "link: once");
	is_int(rec_link_look(client, token, REC_LINK_BIT(LINK_INVITE), &got,
	    &f), Q_NOTFOUND, "link: used up");
	l = (struct rec_link){ .kind = LINK_RESET, .user = "ann" };
	need(rec_link_make(client, &l, -1, &us, token, &f), "link");
	is_int(rec_link_look(client, token, REC_LINK_BIT(LINK_RESET), &got,
	    &f), Q_NOTFOUND, "link: too late");
}

static size_t
count_all(enum rec_type type)
{
	AUTO_REC_LIST struct rec_list it = REC_LIST(client, type, NULL, NULL);
	union rec_any rec;
	size_t n = 0;

	while (rec_list_next(&it, &rec, &f) == Q_OK)
		n++;
	return n;
}

/* A session and an API token, so that they must go too. */
static void
let_in(const char *user)
{
	struct rec_session s = { .until = INT64_C(9000000000) };
	struct rec_api_key k = { .key = "k1", .name = "build" };

	snprintf(s.key, sizeof(s.key), "%s", id(1000));
	snprintf(s.user, sizeof(s.user), "%s", user);
	need(rec_session_insert(client, &s, &f), "session");
	snprintf(k.user, sizeof(k.user), "%s", user);
	snprintf(k.digest, sizeof(k.digest), "%s", id(7));
	need(rec_api_key_insert(client, &k, &f), "API token");
}

static void
test_users(void)
{
	struct rec_user u;
	bool any = true;

	is_int(rec_users_any(client, &any, &f), Q_OK, "users: any?");
	ok(!any, "users: none");
	make_user("ann", USER_ADMINISTRATOR);
	make_user("bob", USER_ADMINISTRATOR);
	make_user("con", USER_CONTRIBUTOR);
	is_int(rec_user_by_email(client, "BOB@example.ORG", &u, &f), Q_OK,
	    "users: by address");
	is_str(u.key, "bob", "users: whatever its case");
	is_int(disable("ann"), Q_OK, "users: one of two administrators");
	is_int(disable("bob"), Q_CONFLICT, "users: %s", f.msg);
	is_int(rec_user_remove(client, "bob", &us, &f), Q_CONFLICT,
	    "users: nor deleted");
	need(rec_user_get(client, "bob", &u, &f), "get");
	u.role = USER_CONTRIBUTOR;
	is_int(rec_user_save(client, &u, &f), Q_CONFLICT,
	    "users: nor a contributor");
	let_in("con");
	is_int(rec_user_remove(client, "con", &us, &f), Q_OK,
	    "users: a contributor goes");
	is_int(count_all(REC_SESSION) + count_all(REC_API_KEY), 0,
	    "users: with sessions and API tokens");
	is_int(rec_user_remove(client, "con", &us, &f), Q_NOTFOUND,
	    "users: once: %s", f.msg);
	need(rec_user_get(client, "bob", &u, &f), "get");
	u.rev++;
	is_int(rec_user_save(client, &u, &f), Q_STALE, "users: %s", f.msg);
	is_int(rec_user_name_check("-x", NULL), Q_INVALID, "users: a name");
	is_int(rec_user_name_check("a_B-9", NULL), Q_OK, "users: a name");
}

/* All administrators go at once: one stays. */
static void *
leave(void *arg)
{
	struct fault mine = { 0 };
	enum q_err r;

	do
		r = rec_user_remove(client, arg, &us, &mine);
	while (r == Q_BUSY);
	return (void *)(uintptr_t)r;
}

static void
test_last(void)
{
	static const char *const names[] = { "a1", "a2", "a3", "a4" };
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(client, REC_USER, NULL, NULL);
	pthread_t t[ARRAY_LEN(names)];
	struct rec_user u;
	unsigned gone = 0, left = 0;
	void *r;

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		make_user(names[i], USER_ADMINISTRATOR);
	need(rec_user_remove(client, "bob", &us, &f), "bob");
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		pthread_create(&t[i], NULL, leave, (void *)(uintptr_t)names[i]);
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		pthread_join(t[i], &r);
		gone += (uintptr_t)r == Q_OK;
	}
	while (rec_list_next(&it, &u, &f) == Q_OK)
		left += u.role == USER_ADMINISTRATOR && !u.disabled;
	ok(gone == 3 && left == 1, "the last administrator stays (%u, %u)",
	    gone, left);
}

static void
test_sessions(void)
{
	const int64_t now = clock_wall();

	for (unsigned i = 0; i < 9; i++) {
		struct rec_session s = { .until = now + (i % 3 ? 100 : -1) };

		snprintf(s.key, sizeof(s.key), "%s", id(i + 1));
		snprintf(s.user, sizeof(s.user), i < 6 ? "ann" : "bob");
		need(rec_session_insert(client, &s, &f), "session");
	}
	is_int(rec_people_sweep(client, now, &f), Q_OK, "sessions: sweep");
	is_int(count_all(REC_SESSION), 6, "sessions: those that ended");
	is_int(count_all(REC_LINK), 0, "sessions: and links");
	is_int(rec_sessions_end(client, "ann", id(2), &f), Q_OK,
	    "sessions: of a user");
	is_int(count_all(REC_SESSION), 3, "sessions: but one");
	is_int(rec_sessions_end(client, "ann", NULL, &f), Q_OK,
	    "sessions: all of them");
	is_int(count_all(REC_SESSION), 2, "sessions: those of others stay");
}

int
main(int argc, char **argv)
{
	if (argc < 2)
		return 64;
	client_open(argv[1]);
	test_users();
	test_last();
	test_links();
	test_sessions();
	wire_client_free(client);
	return done();
}
