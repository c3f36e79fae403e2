// SPDX-License-Identifier: Apache-2.0
/* What the pages of the HSM reckon with themselves. */
#include "config.h"

#include <stdio.h>

#include "base/buf.h"

#include "tap.h"

#include "webd/admintls.h"
#include "webd/hsm.h"

#define DAY 86400

static void
test_words(void)
{
	static const char *const rows[][2] = {
		{ "", "[]" }, { "ann", "[\"ann\"]" },
		{ "ann bob", "[\"ann\",\"bob\"]" },
		{ " ann  bob ", "[\"ann\",\"bob\"]" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct json_object *o = hsm_words_json(rows[i][0]);

		is_str(json_object_to_json_string_ext(o,
		    JSON_C_TO_STRING_PLAIN), rows[i][1], "words of `%s'",
		    rows[i][0]);
		json_object_put(o);
	}
}

static struct json_object *
three(void)
{
	struct json_object *items = web_array();

	for (int i = 0; i < 3; i++) {
		struct json_object *o = web_object();
		char id[] = { (char)('a' + i), '\0' };

		web_put(o, "id", id);
		web_push(items, o);
	}
	return items;
}

static void
page(uint32_t limit, const char *after, const char *want)
{
	struct http_response rs = { .body = BUF_INIT(4096) };
	struct web_window win = { .limit = limit };
	struct fault f = { 0 };
	enum q_err r;

	snprintf(win.after, sizeof(win.after), "%s", after);
	r = hsm_window(&rs, three(), "id", &win, &f);
	buf_put(&rs.body, "", 1);
	is_str(r == Q_OK ? (const char *)rs.body.p : q_err_text(r), want,
	    "%u behind `%s'", limit, after);
	buf_free(&rs.body);
}

static void
test_pages(void)
{
	page(10, "", "{\"items\":[{\"id\":\"a\"},{\"id\":\"b\"},"
	    "{\"id\":\"c\"}]}\n");
	page(3, "", "{\"items\":[{\"id\":\"a\"},{\"id\":\"b\"},"
	    "{\"id\":\"c\"}]}\n");
	page(2, "", "{\"items\":[{\"id\":\"a\"},{\"id\":\"b\"}],"
	    "\"next\":\"b\"}\n");
	page(2, "b", "{\"items\":[{\"id\":\"c\"}]}\n");
	page(1, "a", "{\"items\":[{\"id\":\"b\"}],\"next\":\"b\"}\n");
	page(5, "c", "{\"items\":[]}\n");
	page(5, "gone", q_err_text(Q_INVALID));
}

static void
test_urgency(void)
{
	static const struct {
		int64_t left, level;
	} rows[] = {
		{ 300 * DAY, 0 }, { 21 * DAY, 0 }, { 21 * DAY - 1, 1 },
		{ 7 * DAY, 1 }, { 7 * DAY - 1, 2 }, { DAY, 2 },
		{ DAY - 1, 3 }, { 1, 3 }, { 0, COMPANY_ENDED },
		{ -DAY, COMPANY_ENDED },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		is_int(company_urgency(rows[i].left), rows[i].level,
		    "%lld seconds are left", (long long)rows[i].left);
}

/* What is no certificate is shown as far as that goes. */
static void
test_cert(void)
{
	struct json_object *o = web_object();

	hsm_cert_put(o, (struct bytes){ (const uint8_t *)"abc", 3 });
	is_str(json_object_get_string(json_object_object_get(o, "subject")),
	    "", "no subject");
	is_str(json_object_get_string(json_object_object_get(o, "pem")),
	    "-----BEGIN CERTIFICATE-----\nYWJj\n-----END CERTIFICATE-----\n",
	    "its bytes");
	ok(!json_object_object_get_ex(o, "not_after", NULL), "no time");
	json_object_put(o);
}

int
main(void)
{
	test_words();
	test_pages();
	test_urgency();
	test_cert();
	return done();
}
