// SPDX-License-Identifier: Apache-2.0
/* What people call keys, and the lines of what they agree to. */
#include "config.h"

#include "tap.h"

#include "signer/named.h"

static void
test_names(void)
{
	const struct signd_key made = { .id = "0123456789abcdef",
		.name = "sk123" };
	const struct signd_key brought = { .id = "fedcba9876543210",
		.name = "Test key", .imported = true };
	const struct signd_key own = { .id = "0011223344556677", .name = "" };
	char shown[SIGNER_SHOWN];

	signer_key_shown(&made, shown);
	is_str(shown, "sk123", "a key of the token");
	signer_key_shown(&brought, shown);
	is_str(shown, "nohsm:Test key", "an imported one");
	ok(signer_key_called(&made, "sk123") &&
	    signer_key_called(&made, "0123456789abcdef"), "by name and id");
	ok(!signer_key_called(&made, "nohsm:sk123") &&
	    !signer_key_called(&made, "sk12") &&
	    !signer_key_called(&made, ""), "not by another name");
	ok(signer_key_called(&brought, "Test key") &&
	    signer_key_called(&brought, "nohsm:Test key") &&
	    signer_key_called(&brought, "nohsm:fedcba9876543210"),
	    "an imported one, with and without its prefix");
	ok(!signer_key_called(&own, "") &&
	    !signer_key_called(&own, SIGNER_IMPORTED) &&
	    signer_key_called(&own, "0011223344556677"),
	    "the appliance's own have ids only");
}

static void
test_lines(void)
{
	static const char text[] = "quoin approval 1\naction: sign\n"
	    "key: 0123456789abcdef a key\nmeaning: key: x\nid: 00";
	char out[32];

	ok(signer_statement_line(text, "action", out, sizeof(out)), "a line");
	is_str(out, "sign", "its value");
	signer_statement_line(text, "key", out, sizeof(out));
	is_str(out, "0123456789abcdef a key", "the line that begins so");
	signer_statement_line(text, "id", out, sizeof(out));
	is_str(out, "00", "the last one, without an end");
	ok(!signer_statement_line(text, "quoin", out, sizeof(out)) &&
	    out[0] == '\0', "none");
	ok(!signer_statement_line(text, "key", out, 8) && out[0] == '\0',
	    "one that does not fit");
	ok(!signer_statement_line("", "key", out, sizeof(out)), "no text");
}

int
main(void)
{
	test_names();
	test_lines();
	return done();
}
