// SPDX-License-Identifier: Apache-2.0
/* The web server's readers, without a network: ClientHello, JSON, turns. */
#include "config.h"

#include "http/hello.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "base/own.h"
#include "http-tools.h"
#include "http/json.h"
#include "http/peers.h"
#include "tap.h"

/* The message of a one-record hello in records of `size` bytes. */
static size_t
fragment(const uint8_t *hello, size_t len, size_t size, uint8_t *out)
{
	size_t n = 0;

	for (size_t at = 5; at < len; at += size) {
		size_t part = len - at < size ? len - at : size;

		memcpy(out + n, hello, 3);
		out[n + 3] = (uint8_t)(part >> 8);
		out[n + 4] = (uint8_t)part;
		memcpy(out + n + 5, hello + at, part);
		n += 5 + part;
	}
	return n;
}

static void
test_hello(void)
{
	static const uint8_t http[] = "GET / HTTP/1.1\r\n";
	static const uint8_t alert[] = { 21, 3, 3, 0, 2, 2, 40 };
	static const uint8_t empty[] = { 22, 3, 1, 0, 0 };
	static const uint8_t server[] = { 22, 3, 3, 0, 80, 2, 0, 0, 76 };
	static const uint8_t huge[] = { 22, 3, 1, 64, 0, 1, 0, 64, 0 };
	uint8_t hello[4096], cut[HELLO_MAX];
	size_t len = tls_hello(hello, sizeof(hello)), n, more = 0;

	is_int(hello_check(hello, len), HELLO_WHOLE, "a whole ClientHello");
	for (size_t i = 0; i < len; i++)
		more += hello_check(hello, i) == HELLO_MORE;
	is_int(more, len, "every shorter piece wants more");
	n = fragment(hello, len, 3, cut);
	is_int(hello_check(cut, n), HELLO_WHOLE, "in records of 3 bytes");
	is_int(hello_check(cut, n - 1), HELLO_MORE, "cut short");
	memcpy(cut + n, http, sizeof(http));
	is_int(hello_check(cut, n + 5), HELLO_WHOLE, "with bytes behind it");
	is_int(hello_check(http, sizeof(http)), HELLO_BAD, "HTTP is not TLS");
	is_int(hello_check(alert, sizeof(alert)), HELLO_BAD, "an alert");
	is_int(hello_check(empty, sizeof(empty)), HELLO_BAD, "empty record");
	is_int(hello_check(server, sizeof(server)), HELLO_BAD, "ServerHello");
	is_int(hello_check(huge, sizeof(huge)), HELLO_BAD, "16 KiB and more");
}

static const struct {
	enum q_err e;
	const char *text;
	const char *why;
} json_cases[] = {
	{ Q_OK, "{}", NULL },
	{ Q_OK, " {\"a\":[1,{\"b\":null}],\"b\":\"}\\\"{\"} \r\n", NULL },
	{ Q_OK, "{\"a\":{\"x\":1},\"b\":{\"x\":1}}", NULL },
	{ Q_OK, "{\"a\":\"a\",\"b\":[\"b\",\"b\"]}", NULL },
	{ Q_OK, "{\"a\":\"\\u00e9\xc3\xa9\"}", NULL },
	{ Q_INVALID, "", "no JSON" },
	{ Q_INVALID, "[]", "no JSON" },
	{ Q_INVALID, "\"a\"", "no JSON" },
	{ Q_INVALID, "{", "too early" },
	{ Q_INVALID, "{\"a\":1", "too early" },
	{ Q_INVALID, "{}x", "behind" },
	{ Q_INVALID, "{}{}", "behind" },
	{ Q_INVALID, "{'a':1}", "bad JSON" },
	{ Q_INVALID, "{\"a\":1,}", "bad JSON" },
	{ Q_INVALID, "{\"a\":NaN}", "bad JSON" },
	{ Q_INVALID, "{\"a\":-Infinity}", "bad JSON" },
	{ Q_INVALID, "{\"a\":\"b\nc\"}", "bad JSON" },
	{ Q_INVALID, "{\"a\":01}", "bad JSON" },
	{ Q_INVALID, "{/**/}", "bad JSON" },
	{ Q_INVALID, "{\"a\":\"\xff\"}", "bad JSON" },
	{ Q_OK, "{\"a\":\"\\ud83d\\uDE00\\ud83d\\ude00\\n\"}", "" },
	{ Q_OK, "{\"a\":\"\\\\ud83d\\\\u0000\"}", "" },
	{ Q_INVALID, "{\"a\":\"\\\\\\u0000\"}", "NUL" },
	{ Q_INVALID, "{\"a\":\"\\ud83d\"}", "surrogate" },
	{ Q_INVALID, "{\"a\":\"\\ud83dx\\ude00\"}", "surrogate" },
	{ Q_INVALID, "{\"a\":\"\\ud83d\\ud83d\"}", "surrogate" },
	{ Q_INVALID, "{\"a\":\"\\ud83d\\\\de00\"}", "surrogate" },
	{ Q_INVALID, "{\"a\":\"\\uDE00\\ud83d\"}", "surrogate" },
	{ Q_INVALID, "{\"a\":\"\\u0000\"}", "NUL" },
	{ Q_INVALID, "{\"a\":1,\"a\":2}", "twice: a" },
	{ Q_INVALID, "{\"x\":[{\"a\":1,\"b\":2,\"a\":3}]}", "twice: a" },
	{ Q_INVALID, "{\"a\":1,\"\\u0061\":2}", "escape" },
	{ Q_INVALID, "{\"a\":[[[[[[[[[1]]]]]]]]]}", "bad JSON" },
};

static void
test_json(void)
{
	struct fault f = { .code = Q_OK };
	struct json_object *o = NULL;
	const char *s = NULL;
	static const char sample[] = "{\"s\":\"text\",\"n\":7}";

	for (size_t i = 0; i < ARRAY_LEN(json_cases); i++) {
		const char *t = json_cases[i].text;
		enum q_err e = http_json_parse((struct bytes){
		    (const uint8_t *)t, strlen(t) }, &o, &f);

		ok(e == json_cases[i].e && (e == Q_OK ||
		    strstr(f.msg, json_cases[i].why) != NULL),
		    "JSON case %zu: %s", i, e == Q_OK ? "fine" : f.msg);
		if (e == Q_OK)
			json_object_put(o);
	}
	is_int(http_json_parse((struct bytes){ (const uint8_t *)sample,
	    sizeof(sample) - 1 }, &o, &f), Q_OK, "a sample");
	is_int(http_json_text(o, "s", 4, &s, &f), Q_OK, "text");
	is_str(s, "text", "is what it is");
	is_int(http_json_text(o, "s", 3, &s, &f), Q_INVALID, "too long");
	is_int(http_json_text(o, "n", 3, &s, &f), Q_INVALID, "not text");
	json_object_put(o);
}

static struct conn *
conn_from(struct peers *t, const char *address)
{
	struct conn *c = calloc(1, sizeof(*c));
	struct sockaddr_in6 *a = (struct sockaddr_in6 *)&c->addr;

	a->sin6_family = AF_INET6;
	inet_pton(AF_INET6, address, &a->sin6_addr);
	if (peers_add(t, c) != Q_OK)
		abort();
	return c;
}

/* Give the next worker; the connection, now busy. */
static struct conn *
turn(struct peers *t)
{
	struct conn *c = peers_next(t);

	if (c != NULL)
		peers_move(t, c, CONN_BUSY);
	return c;
}

static void
test_turns(void)
{
	struct peers *t = NULL;
	struct conn *a[4], *b, *c;

	is_int(peers_new(3, &t), Q_OK, "a table");
	for (int i = 0; i < 4; i++)
		a[i] = conn_from(t, i % 2 ? "2001:db8::1" : "2001:db8::2:1");
	ok(peers_over(t, a[3]) == a[0], "a /64 counts as one address");
	b = conn_from(t, "::ffff:192.0.2.1");
	c = conn_from(t, "::ffff:192.0.2.2");
	ok(peers_over(t, c) == NULL, "two IPv4 addresses are two");
	ok(peers_greediest(t) == a[0], "who holds most");
	ok(peers_next(t) == NULL, "nobody wants a worker");
	for (int i = 0; i < 4; i++)
		peers_move(t, a[i], CONN_READY);
	ok(turn(t) == a[0] && turn(t) == a[1], "in order of arrival");
	peers_move(t, b, CONN_READY);
	peers_move(t, c, CONN_READY);
	ok(turn(t) == b && turn(t) == c, "those without a worker go first");
	ok(turn(t) == a[2], "then the others again");
	ok(peers_slowest(t, 100) == NULL, "nobody is slow");
	atomic_store(&b->slow_since, 10);
	atomic_store(&a[2]->slow_since, 50);
	ok(peers_slowest(t, 100) == a[2], "slow, of those with most workers");
	ok(peers_slowest(t, 20) == b, "slow for long enough");
	is_int(peers_count(t, CONN_BUSY), 5, "busy ones are counted");
	for (int i = 0; i < 4; i++) {
		peers_remove(t, a[i]);
		free(a[i]);
	}
	peers_remove(t, b);
	peers_remove(t, c);
	ok(peers_greediest(t) == NULL, "nobody is left");
	free(b);
	free(c);
	peers_free(t);
}

int
main(void)
{
	test_hello();
	test_json();
	test_turns();
	return done();
}
