// SPDX-License-Identifier: Apache-2.0
/* Log-ins: codes of the second factor, passwords, limits, mail. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tap.h"

#include "base/clock.h"
#include "base/own.h"
#include "webd/gate.h"
#include "webd/mail.h"
#include "webd/parts.h"
#include "webd/password.h"
#include "webd/totp.h"
#include "webd/users.h"

/* RFC 6238, appendix B: its codes have 8 digits, of which these are the last
 * six. */
static const uint8_t seed[] = "12345678901234567890";

static void
test_totp_rfc(void)
{
	static const struct {
		int64_t time;
		uint32_t code;
	} rows[] = {
		{ 59, 287082 }, { 1111111109, 81804 }, { 1111111111, 50471 },
		{ 1234567890, 5924 }, { 2000000000, 279037 },
		{ 20000000000, 353130 },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		is_int(totp_code(seed, rows[i].time / 30), rows[i].code,
		    "code of %lld", (long long)rows[i].time);
}

static void
test_totp_match(void)
{
	const int64_t now = 1111111111, step = now / 30;
	static const char *const wrong[] = { "", "05047", "0504710", "05o471",
		" 50471", "-50471", "050472" };
	char code[7], secret[TOTP_SECRET + 1];

	for (int d = -2; d <= 2; d++) {
		snprintf(code, sizeof(code), "%06u",
		    totp_code(seed, step + d));
		is_int(totp_match(seed, now, 0, code),
		    d >= -1 && d <= 1 ? step + d : 0, "%+d steps", d);
		is_int(totp_match(seed, now, step + d, code), 0,
		    "%+d steps, used before", d);
	}
	snprintf(code, sizeof(code), "%06u", totp_code(seed, step - 1));
	is_int(totp_match(seed, now, step, code), 0,
	    "older than the one that was used");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		is_int(totp_match(seed, now, 0, wrong[i]), 0, "no code: `%s'",
		    wrong[i]);
	totp_secret(seed, secret);
	is_str(secret, "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", "base32");
}

static void
test_recovery(void)
{
	struct rec_user user = { .key = "ann" };
	struct json_object *codes = NULL;
	bool apart = true;

	ok(totp_recovery(&user, &codes) == Q_OK, "recovery codes");
	is_int(json_object_array_length(codes), TOTP_RECOVERY_CODES, "ten");
	for (size_t i = 0; i < TOTP_RECOVERY_CODES; i++)
		for (size_t j = 0; j < i; j++)
			apart &= strcmp(json_object_get_string(
			    json_object_array_get_idx(codes, i)),
			    json_object_get_string(
			    json_object_array_get_idx(codes, j))) != 0;
	ok(apart, "all different");
	ok(memmem(user.recovery.p, user.recovery.len, json_object_get_string(
	    json_object_array_get_idx(codes, 0)), 5) == NULL,
	    "the user has their digests only");
	json_object_put(codes);
}

static void
test_password(void)
{
	char edge[PASSWORD_MAX + 2];

	ok(password_fits("ann", "twelve bytes", NULL) == Q_OK, "12 bytes");
	ok(password_fits("ann", "eleven byte", NULL) == Q_INVALID, "11 bytes");
	memset(edge, 'x', sizeof(edge));
	edge[PASSWORD_MAX] = '\0';
	ok(password_fits("ann", edge, NULL) == Q_OK, "256 bytes");
	edge[PASSWORD_MAX] = 'x';
	edge[PASSWORD_MAX + 1] = '\0';
	ok(password_fits("ann", edge, NULL) == Q_INVALID, "257 bytes");
	ok(password_fits("annabelle-smith", "AnnaBelle-Smith", NULL) ==
	    Q_INVALID, "the user name");
	ok(password_fits("ann", "Password12345", NULL) == Q_INVALID,
	    "one that everybody has");
}

/* --- limits ---------------------------------------------------------------- */

extern const struct web_part gate_part;

#define HOME "192.0.2.1"
#define AWAY "198.51.100.7"

static int
wait_of(struct web *w, const char *account, const char *from, bool known)
{
	struct fault f = { 0 };

	return gate_ask(w, account, from, known, &f) == Q_OK ? 0
	    : (int)f.retry_after;
}

static void
fail(struct web *w, int n, const char *account, const char *from, bool known)
{
	while (n-- > 0)
		gate_failed(w, account, from, known);
}

static void
test_account(struct web *w)
{
	char from[32];

	fail(w, 4, "ann", AWAY, false);
	is_int(wait_of(w, "ann", AWAY, false), 0, "four failures are free");
	fail(w, 1, "ann", AWAY, false);
	is_int(wait_of(w, "ann", AWAY, false), 1, "the fifth costs a second");
	is_int(wait_of(w, "ANN", AWAY, false), 1, "whatever the case");
	is_int(wait_of(w, "ann", HOME, false), 1, "from everywhere");
	is_int(wait_of(w, "ann", HOME, true), 0,
	    "but from where ann has logged in before");
	is_int(wait_of(w, "bob", HOME, false), 0, "bob does not wait");
	for (int i = 0; i < 40; i++) {
		snprintf(from, sizeof(from), "203.0.113.%d", i);
		gate_failed(w, "ann", from, false);
	}
	ok(wait_of(w, "ann", HOME, false) <= 31 &&
	    wait_of(w, "ann", HOME, false) >= 29, "never more than 30 s");
	is_int(wait_of(w, "ann", HOME, true), 0, "and still not at home");
	gate_passed(w, "ann", HOME);
	is_int(wait_of(w, "ann", HOME, false), 0, "forgotten by a log-in");
}

static void
test_known(struct web *w)
{
	fail(w, 5, "kim", HOME, true);
	is_int(wait_of(w, "kim", HOME, true), 1,
	    "failures where one is known count there");
	is_int(wait_of(w, "kim", AWAY, false), 0, "and not elsewhere");
	gate_passed(w, "kim", HOME);
	is_int(wait_of(w, "kim", HOME, true), 0, "until a log-in");
}

static void
test_address(struct web *w)
{
	static const char *const same[] = { "2001:db8:1:2::1",
		"2001:db8:1:2:ffff::9" };
	char who[16];

	for (int i = 0; i < 10; i++) {
		snprintf(who, sizeof(who), "spray%d", i);
		gate_failed(w, who, "192.0.2.77", false);
		gate_failed(w, who, same[i % 2], false);
	}
	is_int(wait_of(w, "new", "192.0.2.77", false), 1,
	    "ten failures from an address");
	is_int(wait_of(w, "new", "::ffff:192.0.2.77", false), 1,
	    "however it is written");
	gate_passed(w, "spray1", "192.0.2.77");
	is_int(wait_of(w, "new", "192.0.2.77", false), 1,
	    "a log-in does not wipe them out");
	is_int(wait_of(w, "new", "192.0.2.78", false), 0, "others do not wait");
	is_int(wait_of(w, "new", "2001:db8:1:2::5", false), 1,
	    "an IPv6 /64 is one address");
	is_int(wait_of(w, "new", "2001:db8:1:3::1", false), 0,
	    "the next is another");
}

static void
test_code(struct web *w)
{
	struct fault f = { 0 };

	for (int i = 0; i < 5; i++)
		gate_code_failed(w, "ann");
	ok(gate_code_ask(w, "ann", &f) == Q_BUSY && f.retry_after == 1,
	    "codes wait after five");
	for (int i = 0; i < 30; i++)
		gate_code_failed(w, "ann");
	ok(gate_code_ask(w, "ann", &f) == Q_BUSY && f.retry_after > 590,
	    "up to ten minutes");
	gate_code_passed(w, "ann");
	ok(gate_code_ask(w, "ann", &f) == Q_OK, "until one is right");
}

static void
test_rest(struct web *w)
{
	static const uint8_t id[] = "once";
	int64_t begun = clock_mono_ms();
	int good = 0;

	for (int i = 0; i < 9; i++)
		good += gate_spend(w, "mail", i % 2 ? "A@x.example"
		    : "a@x.example", 3, NULL) == Q_OK;
	is_int(good, 3, "three mails an hour, whatever the case");
	ok(gate_once(w, "captcha", id, 4, 60), "good once");
	ok(!gate_once(w, "captcha", id, 4, 60), "not twice");
	ok(gate_once(w, "other", id, 4, 60), "but for something else");
	gate_even(begun);
	ok(clock_mono_ms() - begun >= 249, "answers take their time");
}

/* However many names are tried, who is waited for is not forgotten. */
static void
test_flood(struct web *w)
{
	char who[32];

	fail(w, 20, "target", AWAY, false);
	for (int i = 0; i < 50000; i++) {
		snprintf(who, sizeof(who), "flood%d", i);
		if (gate_ask(w, who, AWAY, false, NULL) == Q_INTERNAL)
			break;
	}
	/* Nearly half a minute at first; slow machines take some of it. */
	ok(wait_of(w, "target", HOME, false) >= 1,
	    "asking makes nobody forgotten");
}

/* --- mail ------------------------------------------------------------------ */

static void
test_addresses(void)
{
	static const char *const good[] = { "a@b", "a.b+c@d-e.example",
		"o'neil@x.example" };
	static const char *const bad[] = { "", "a", "@b", "a@", "a@b@c",
		"a b@c", "a@b>", "<a@b", "a@b\r\nBcc:c@d", "a@b,c@d", "-a@b",
		"a@.b", "a@b.", "a@b;c", "\"a\"@b" };

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		ok(email_looks_good(good[i]), "an address: %s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(!email_looks_good(bad[i]), "none, number %zu", i);
}

static void
message(const char *subject, const char *text, struct buf *out)
{
	struct rec_mail m = { .key = "0001", .to = "ann@x.example" };

	snprintf(m.subject, sizeof(m.subject), "%s", subject);
	buf_reset(out);
	mail_message(out, "quoin@x.example", &m, (struct bytes){
	    (const uint8_t *)text, strlen(text) });
	buf_put(out, "", 1);
}

static void
test_mail(void)
{
	AUTO_BUF struct buf m = BUF_INIT(65536);
	const char *text, *body;
	bool crlf = true;

	message("Hello", "\r\n.\r\nRCPT TO:<x@y>\r\nthe whole of it, which is "
	    "longer than a line of base64 may be, as RFC 2045 6.8 says\n", &m);
	text = (const char *)m.p;
	ok(strstr(text, "\r\nSubject: Hello\r\n") != NULL, "a subject");
	ok(strstr(text, "From: <quoin@x.example>\r\nTo: <ann@x.example>\r\n")
	    != NULL, "from whom, to whom");
	body = strstr(text, "\r\n\r\n");
	ok(body != NULL && strchr(body, '.') == NULL,
	    "the text is base64, without a dot that would end it");
	for (const char *s = text; *s != '\0'; s++)
		crlf &= *s != '\n' || s[-1] == '\r';
	ok(crlf, "lines end as RFC 5322 says");
	message("Gr\xc3\xbc\xc3\x9f" "e", "x", &m);
	ok(strstr((const char *)m.p,
	    "\r\nSubject: =?UTF-8?B?R3LDvMOfZQ==?=\r\n") != NULL,
	    "a subject beyond ASCII is an encoded word");
}

int
main(void)
{
	static struct web w;

	test_totp_rfc();
	test_totp_match();
	test_recovery();
	test_password();
	ok(gate_part.prepare(&w, NULL) == Q_OK, "limits");
	test_account(&w);
	test_known(&w);
	test_address(&w);
	test_code(&w);
	test_rest(&w);
	test_flood(&w);
	gate_part.stop(&w);
	test_addresses();
	test_mail();
	return done();
}
