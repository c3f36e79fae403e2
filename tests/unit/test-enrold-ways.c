// SPDX-License-Identifier: Apache-2.0
/* Ways in beyond a list of DeviceIDs: Auth Certs, tokens, approval, keys made
 * by the appliance; and the limits on wrong tokens. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "enrold/rules.h"
#include "enrold/throttle.h"
#include "enrold/token.h"
#include "tap.h"

#define ID "1111111111111111111111111111111111111111111111111111111111111111"
#define OTHER \
	"2222222222222222222222222222222222222222222222222222222222222222"
#define NOW 1000000

enum sent { NONE, WRONG, ENDED, EARLY, OF_OTHER, RIGHT, SENT };

static const char *const sent_names[SENT] = { "no token", "a wrong token",
	"one that has expired", "one that is not valid yet",
	"one of another batch", "the right token" };

/* What comes out for each token that is sent: o enrols, m enrols with a new
 * record, u is asked for a token, d is denied. */
static const struct {
	bool must_preregister, requires_token;
	const char *known, *unknown, *revoked;
} kinds[] = {
	{ false, false, "oooooo", "mmmmmm", "dddddd" },
	{ true, false, "oooooo", "dddddd", "dddddd" },
	{ false, true, "uddddo", "uddddm", "uddddd" },
	{ true, true, "uddddo", "uddddm", "uddddd" },
};

struct way {
	struct enrol_ask ask;
	struct csr csr;
	struct peer peer;
	struct rec_device dev;
	struct rec_batch batch;
	struct rec_policy policy;
	struct rec_auth_cert auth;
	struct rec_token token;
	struct enrol_case c;
};

static void
way_begin(struct way *w, enum peer_kind kind, enum sent sent)
{
	*w = (struct way){ .csr = { .key = { .kind = KEY_P256, .bits = 256 },
		.device_id = ID }, .peer = { kind, ID, .serial = "" },
		.dev = { .key = ID, .batch = "b", .reason = "lost" },
		.batch = { .key = "b", .policy = "p" },
		.policy = { .key = "p" },
		.auth = { .name = "maker", .batch = "b" },
		.token = { .key = "t", .batch = "b",
		    .not_before = NOW, .not_after = NOW + 1 } };
	if (sent != NONE)
		w->ask.token = "sent";
	if (sent == ENDED)
		w->token.not_after = NOW;
	if (sent == EARLY)
		w->token.not_before = NOW + 1;
	if (sent == OF_OTHER)
		w->token.batch[0] = 'c';
	w->c = (struct enrol_case){ .ask = &w->ask, .csr = &w->csr,
		.peer = &w->peer, .device_id = ID, .batch = &w->batch,
		.policy = &w->policy, .now = NOW,
		.token = sent > WRONG ? &w->token : NULL };
}

/* The letter of what comes out. */
static char
way_out(struct way *w)
{
	struct enrol_verdict v = { 0 };
	enum q_err r = rule_enrol(&w->c, &v, NULL);

	if (r == Q_UNAUTH)
		return 'u';
	if (r == Q_DENIED)
		return 'd';
	if (r != Q_OK)
		return '?';
	return v.wait ? 'w' : v.make ? 'm' : 'o';
}

static void
check_kind(size_t kind, const char *device, const char *want)
{
	for (enum sent sent = NONE; sent < SENT; sent++) {
		struct way w;

		way_begin(&w, PEER_AUTH, sent);
		w.auth.must_preregister = kinds[kind].must_preregister;
		w.auth.requires_token = kinds[kind].requires_token;
		w.c.auth = &w.auth;
		if (want != kinds[kind].unknown)
			w.c.dev = &w.dev;
		if (want == kinds[kind].revoked)
			w.dev.state = DEVICE_REVOKED;
		is_int(way_out(&w), want[sent], "Auth Cert%s%s, %s, %s",
		    w.auth.must_preregister ? ", must pre-register" : "",
		    w.auth.requires_token ? ", requires token" : "",
		    device, sent_names[sent]);
	}
}

static void
check_auth(void)
{
	struct way w;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		check_kind(i, "known", kinds[i].known);
		check_kind(i, "unknown", kinds[i].unknown);
		check_kind(i, "revoked", kinds[i].revoked);
	}
	way_begin(&w, PEER_AUTH, RIGHT);
	w.c.dev = &w.dev;
	is_int(way_out(&w), 'd', "the Auth Cert was removed");
	w.c.auth = &w.auth;
	w.c.dev = NULL;
	w.c.batch = NULL;
	is_int(way_out(&w), 'd', "its batch is gone");
	w.c.batch = &w.batch;
	w.batch.deleting = true;
	is_int(way_out(&w), 'd', "its batch is being deleted");
	w.batch.deleting = false;
	w.ask.label = "c";
	is_int(way_out(&w), 'd', "label of another batch");
	w.ask.label = "b";
	is_int(way_out(&w), 'm', "label of its batch");
}

/* Without an Auth Cert: by peer and by whether the batch lets a token alone
 * be enough. */
static void
check_alone(void)
{
	static const struct {
		enum peer_kind peer;
		bool alone, label;
		const char *unknown, *known;
	} ways[] = {
		{ PEER_NONE, false, false, "uddddd", "oooooo" },
		{ PEER_SELF, false, false, "dddddd", "oooooo" },
		{ PEER_NONE, true, false, "udddmm", "oooooo" },
		{ PEER_SELF, true, false, "ddddmm", "oooooo" },
		{ PEER_SELF, true, true, "udddmm", "oooooo" },
	};

	for (size_t i = 0; i < ARRAY_LEN(ways); i++)
		for (enum sent sent = NONE; sent < SENT; sent++) {
			struct way w;

			/* There is one batch only, that of the token. */
			way_begin(&w, ways[i].peer, sent);
			w.batch.token_alone = ways[i].alone;
			if (ways[i].label)
				w.c.labelled = &w.batch;
			if (sent < ENDED)
				w.c.batch = NULL;
			is_int(way_out(&w), ways[i].unknown[sent],
			    "%s, token alone %s, unknown%s, %s",
			    ways[i].peer == PEER_NONE ? "no certificate" :
			    "self-signed", ways[i].alone ? "allowed" :
			    "not allowed", ways[i].label ? ", label" : "",
			    sent_names[sent]);
			w.c.dev = &w.dev;
			w.c.batch = &w.batch;
			is_int(way_out(&w), ways[i].known[sent],
			    "the same, known");
		}
}

static void
check_approval(void)
{
	struct way w;

	way_begin(&w, PEER_SELF, NONE);
	w.c.dev = &w.dev;
	w.policy.approve = true;
	is_int(way_out(&w), 'w', "the first enrolment waits");
	w.dev.approval = DEVICE_APPROVAL_WAITING;
	is_int(way_out(&w), 'w', "and waits");
	w.dev.approval = DEVICE_APPROVAL_APPROVED;
	is_int(way_out(&w), 'o', "until it is approved");
	w.dev.approval = DEVICE_APPROVAL_NONE;
	w.dev.enrolled_at = 1;
	is_int(way_out(&w), 'o', "once allowed again it does not wait");
	w.dev.enrolled_at = 0;
	w.dev.state = DEVICE_REVOKED;
	w.dev.approval = DEVICE_APPROVAL_APPROVED;
	is_int(way_out(&w), 'd', "a revoked one is not let in by approval");
	way_begin(&w, PEER_AUTH, RIGHT);
	w.c.auth = &w.auth;
	w.policy.approve = true;
	is_int(way_out(&w), 'w', "an unknown one waits, too");
	w.auth.must_preregister = true;
	is_int(way_out(&w), 'd', "if it may come in");
}

static void
check_server_key(void)
{
	struct way w;
	struct enrol_verdict v = { 0 };
	char digest[REQUEST_DIGEST + 1];

	way_begin(&w, PEER_SELF, NONE);
	w.c.dev = &w.dev;
	w.ask.server_key = true;
	is_int(way_out(&w), 'd', "no key is made unless the policy says so");
	w.policy.allow_serverkey = true;
	is_int(rule_enrol(&w.c, &v, NULL), Q_OK, "then it is");
	is_int(v.right, RIGHT_SERVER, "by that right");
	snprintf(w.csr.device_id, sizeof(w.csr.device_id), "%s", OTHER);
	is_int(rule_enrol(&w.c, &v, NULL), Q_OK,
	    "whatever the key of the request is");
	w.peer.kind = PEER_NONE;
	is_int(way_out(&w), 'u', "not for who sends no more than a request");
	w.csr.challenge = (struct bytes){ (const uint8_t *)"b", 1 };
	is_int(way_out(&w), 'o', "unless it is bound to the connection");
	way_begin(&w, PEER_NONE, RIGHT);
	w.batch.token_alone = true;
	w.policy.allow_serverkey = w.ask.server_key = true;
	is_int(way_out(&w), 'm', "nor asked of an unknown one with a token");
	way_begin(&w, PEER_SELF, NONE);
	w.c.dev = &w.dev;
	w.policy.allow_serverkey = w.ask.server_key = true;

	/* Its answer was lost. */
	request_digest(&w.csr, true, digest);
	memcpy(w.dev.request, digest, sizeof(digest));
	w.dev.state = DEVICE_ENROLLED;
	w.dev.certs.n = 1;
	w.dev.certs.c[0] = (struct rec_cert){ .serial = "0c",
		.issuer = "ca", .not_before = NOW, .not_after = NOW + 1000 };
	is_int(way_out(&w), 'd', "again: it is a renewal");
	w.policy.autorenew = true;
	is_int(rule_enrol(&w.c, &v, NULL), Q_OK, "which may be allowed");
	ok(v.renewal && !v.again, "but never the same certificate");
	ok(device_lost_key(&w.dev, &w.peer) == &w.dev.certs.c[0],
	    "the first one goes");
	w.peer = (struct peer){ PEER_OURS, ID, .serial = "0c",
		.issuer = "ca", .not_after = NOW };
	ok(device_lost_key(&w.dev, &w.peer) == NULL,
	    "unless the device has shown it");
	w.peer.kind = PEER_SELF;
	request_digest(&w.csr, false, digest);
	memcpy(w.dev.request, digest, sizeof(digest));
	ok(device_lost_key(&w.dev, &w.peer) == NULL,
	    "or the key was its own");
}

/* --- what is sent ------------------------------------------------------- */

#define VALUE "Nm20tyFbsnXTWCWv5aJTv06XNKx86AT1"
#define VALUE_B64 "Tm0yMHR5RmJzblhUV0NXdjVhSlR2MDZYTkt4ODZBVDE="
#define USER_B64 "dXNlcjpObTIwdHlGYnNuWFRXQ1d2NWFKVHYwNlhOS3g4NkFUMQ=="

static void
check_header(void)
{
	static const struct {
		const char *header;
		enum q_err want;
		const char *text;
	} rows[] = {
		{ NULL, Q_NOTFOUND, NULL },
		{ "Bearer " VALUE, Q_OK, VALUE },
		{ "bearer  " VALUE, Q_OK, VALUE },
		{ "Bearer " VALUE_B64, Q_OK, VALUE_B64 },
		{ "Basic " USER_B64, Q_OK, VALUE },
		{ "BASIC " USER_B64, Q_OK, VALUE },
		{ "Basic OnB3", Q_OK, "pw" },
		{ "Basic dTphOmI=", Q_OK, "a:b" },
		{ "Basic dTo=", Q_OK, "" },
		{ "Basic dXNlcg==", Q_INVALID, NULL },
		{ "Basic dTpwAHc=", Q_INVALID, NULL },
		{ "Basic ", Q_INVALID, NULL },
		{ "Basic *", Q_INVALID, NULL },
		{ "Bearer ", Q_INVALID, NULL },
		{ "Basic", Q_NOTFOUND, NULL },
		{ "Basica " USER_B64, Q_NOTFOUND, NULL },
		{ "Digest username=\"u\"", Q_NOTFOUND, NULL },
		{ "", Q_NOTFOUND, NULL },
	};
	char text[TOKEN_TEXT_MAX + 1], big[2 * TOKEN_TEXT_MAX] = "Bearer ";

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		is_int(token_of_header(rows[i].header, text, NULL),
		    rows[i].want, "Authorization: %s",
		    rows[i].header ? rows[i].header : "none");
		if (rows[i].want == Q_OK)
			is_str(text, rows[i].text, "is that token");
	}
	memset(big + 7, 'x', sizeof(big) - 8);
	is_int(token_of_header(big, text, NULL), Q_INVALID, "too long");
}

static void
check_digest(void)
{
	char plain[TOKEN_DIGEST + 1], other[TOKEN_DIGEST + 1];

	token_digest(VALUE, plain);
	is_str(plain, "0d3ca73e65efc695f484218a9386e309"
	    "db8c69b3877f5d83ced90c2609f82a4e", "SHA-256 of the value");
	token_digest(VALUE_B64, other);
	is_str(other, plain, "the same of its base64");
	token_digest("Tm0yMHR5RmJzblhUV0NXdjVhSlR2MDZYTkt4ODZBVDI=", other);
	ok(strcmp(other, plain) != 0, "not of another's");
	token_digest("", other);
	ok(strcmp(other, plain) != 0, "nor of none's");
}

/* --- limits ------------------------------------------------------------- */

static int64_t fake_ms = 1000;

static int64_t
fake_now(void)
{
	return fake_ms;
}

static uint32_t
wait_of(struct throttle *t, const char *from, const char *what)
{
	struct fault f = { 0 };
	enum q_err r = throttle_check(t, from, what, &f);

	return r == Q_OK ? 0 : r == Q_BUSY ? f.retry_after : 9999;
}

static void
check_throttle(void)
{
	struct throttle *t = NULL;
	char name[32];

	is_int(throttle_new(&t), Q_OK, "limits");
	throttle_clock(t, fake_now);
	for (int i = 0; i < THROTTLE_FREE; i++) {
		is_int(wait_of(t, "192.0.2.1", "w"), 0, "failure %d", i);
		snprintf(name, sizeof(name), "w%d", i);
		throttle_failed(t, "192.0.2.1", name);
	}
	is_int(wait_of(t, "192.0.2.1", "w"), 1, "then a second to wait");
	is_int(wait_of(t, "192.0.2.2", "w"), 0, "others do not");
	fake_ms += 999;
	is_int(wait_of(t, "192.0.2.1", "w"), 1, "not yet");
	fake_ms += 1;
	is_int(wait_of(t, "192.0.2.1", "w"), 0, "now");
	for (uint32_t want = 2; want <= 600; want *= 2) {
		throttle_failed(t, "192.0.2.1", "w0");
		is_int(wait_of(t, "192.0.2.1", "w"),
		    want > THROTTLE_MAX ? THROTTLE_MAX : want,
		    "and twice as long");
		is_int(wait_of(t, "192.0.2.1", "w"),
		    want > THROTTLE_MAX ? THROTTLE_MAX : want,
		    "asking costs nothing");
		fake_ms += 1000 * (int64_t)want;
	}
	throttle_failed(t, "192.0.2.1", "w1");
	throttle_passed(t, "good");
	is_int(wait_of(t, "192.0.2.1", "good"), 0,
	    "a token that was right passes from there, too");
	throttle_failed(t, "192.0.2.8", NULL);
	is_int(wait_of(t, "192.0.2.1", "good"), 0,
	    "also when it failed elsewhere for another reason");
	throttle_failed(t, "192.0.2.9", "good");
	is_int(wait_of(t, "192.0.2.1", "good"), THROTTLE_MAX,
	    "until it is wrong");
	fake_ms += 1000000;
	is_int(wait_of(t, "192.0.2.1", "w"), 0, "all is forgotten in time");
	throttle_failed(t, "192.0.2.1", "w2");
	is_int(wait_of(t, "192.0.2.1", "w"), 0, "and begins anew");
	throttle_free(t);
}

static void
check_throttle_tables(void)
{
	struct throttle *t = NULL;
	char from[64];

	is_int(throttle_new(&t), Q_OK, "limits");
	throttle_clock(t, fake_now);
	for (int i = 0; i < THROTTLE_FREE; i++) {
		snprintf(from, sizeof(from), "2001:db8::%x", i);
		throttle_failed(t, from, "w");
	}
	is_int(wait_of(t, "2001:db8::ffff:1", "v"), 1, "a /64 is one address");
	is_int(wait_of(t, "2001:db8:0:1::1", "v"), 0, "the next is not");
	is_int(wait_of(t, "198.51.100.1", "w"), 1,
	    "a token that fails everywhere waits everywhere");
	for (int i = 0; i < 100000; i++) {
		snprintf(from, sizeof(from), "10.%d.%d.%d", i >> 16,
		    i >> 8 & 255, i & 255);
		fake_ms++;
		throttle_failed(t, from, from);
	}
	is_int(wait_of(t, from, "v"), 0, "100000 addresses have room");
	throttle_free(t);
	throttle_free(NULL);
}

int
main(void)
{
	check_auth();
	check_alone();
	check_approval();
	check_server_key();
	check_header();
	check_digest();
	check_throttle();
	check_throttle_tables();
	return done();
}
