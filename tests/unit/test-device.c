// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "device/qdev.h"

#include <stdlib.h>

#include "tap.h"

/* A device in memory. The server is a list of answers. */
#define ID "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define OTHER "ff112233445566778899aabbccddeeff" \
	"00112233445566778899aabbccddeeff"

struct rig {
	const char *answer[8];	/* raw HTTP, NULL ends */
	size_t cut;		/* of every answer, SIZE_MAX: none */
	size_t piece;		/* bytes per recv */
	int asked;
	enum q_err dial, save_error;
	char sent[16][8192];	/* requests, as they were */
	enum qdev_face faces[16];
	size_t at;
	bool open;

	uint8_t slot[2][8192];
	size_t slot_len[2];
	int csrs, hubs;
	bool foreign;
	int64_t now;
	uint32_t random;
	char work[QDEV_WORK_MIN];
};

static enum q_err
rig_connect(void *ctx, enum qdev_face face)
{
	struct rig *r = ctx;

	r->faces[r->asked] = face;
	r->open = true;
	r->at = 0;
	return r->dial;
}

static enum q_err
rig_send(void *ctx, const void *p, size_t len)
{
	struct rig *r = ctx;

	memcpy(r->sent[r->asked], p, len);
	r->sent[r->asked][len] = '\0';
	return Q_OK;
}

static enum q_err
rig_recv(void *ctx, void *p, size_t cap, size_t *ret_len)
{
	struct rig *r = ctx;
	const char *text = r->answer[r->asked];
	size_t len = text != NULL ? strlen(text) : 0;
	size_t n;

	if (len > r->cut)
		len = r->cut;
	n = len - r->at;
	if (n > cap)
		n = cap;
	if (n > r->piece)
		n = r->piece;
	if (n > 0)
		memcpy(p, text + r->at, n);
	r->at += n;
	*ret_len = n;
	return Q_OK;
}

static void
rig_close(void *ctx)
{
	struct rig *r = ctx;

	r->open = false;
	r->asked++;
}

static enum q_err
rig_load(void *ctx, enum qdev_slot slot, void *p, size_t cap, size_t *ret_len)
{
	struct rig *r = ctx;

	if (r->slot_len[slot] == 0)
		return Q_NOTFOUND;
	if (r->slot_len[slot] > cap)
		return Q_TOOBIG;
	memcpy(p, r->slot[slot], r->slot_len[slot]);
	*ret_len = r->slot_len[slot];
	return Q_OK;
}

static enum q_err
rig_save(void *ctx, enum qdev_slot slot, const void *p, size_t len)
{
	struct rig *r = ctx;

	if (slot == QDEV_GRANT && r->save_error != Q_OK)
		return r->save_error;
	if (len > 0)
		memcpy(r->slot[slot], p, len);
	r->slot_len[slot] = len;
	if (slot == QDEV_GRANT)
		r->slot_len[QDEV_REQUEST] = 0;
	return Q_OK;
}

static enum q_err
rig_hub(void *ctx, struct qdev_json hub)
{
	struct rig *r = ctx;
	struct qdev_hub h;

	r->hubs += qdev_hub_parse(hub, &h) == Q_OK && h.port == 8883;
	return Q_OK;
}

static enum q_err
rig_id(void *ctx, char out[QDEV_ID_LEN + 1])
{
	(void)ctx;
	memcpy(out, ID, QDEV_ID_LEN + 1);
	return Q_OK;
}

static enum q_err
rig_csr(void *ctx, bool new_key, uint8_t *out, size_t cap, size_t *ret_len)
{
	struct rig *r = ctx;

	r->foreign = new_key;
	*ret_len = (size_t)snprintf((char *)out, cap, "%s %d",
	    new_key ? "new" : "csr", ++r->csrs);
	return Q_OK;
}

static enum q_err
rig_prove(void *ctx, const uint8_t *csr, size_t len, uint8_t *out, size_t cap,
    size_t ret_len[2])
{
	struct rig *r = ctx;

	(void)csr;
	(void)len;
	ret_len[0] = r->foreign ? 3 : 0;
	ret_len[1] = r->foreign ? 4 : 0;
	if (r->foreign)
		snprintf((char *)out, cap, "sigspki");
	return Q_OK;
}

static int64_t
rig_now(void *ctx)
{
	return ((struct rig *)ctx)->now;
}

static uint32_t
rig_random(void *ctx)
{
	return ((struct rig *)ctx)->random;
}

static const struct qdev_seam seam = {
	.connect = rig_connect, .send = rig_send, .recv = rig_recv,
	.close = rig_close, .load = rig_load, .save = rig_save,
	.hub = rig_hub, .id = rig_id, .csr = rig_csr, .prove = rig_prove,
	.now = rig_now, .random = rig_random,
};

#define HUB "{\"type\":\"local\",\"host\":\"h\",\"port\":8883," \
	"\"root\":\"R\",\"client_id\":\"c\",\"topic\":\"t\"}"

static char *
answer(const char *status, const char *fields, const char *body)
{
	char *text;

	if (asprintf(&text, "HTTP/1.1 %s\r\nContent-Length: %zu\r\n%s\r\n%s",
	    status, strlen(body), fields, body) < 0)
		abort();
	return text;
}

#define GRANT "{\"device_id\":\"" ID "\",\"certificate\":\"C\"," \
	"\"chain\":\"H\",\"not_after\":\"1970-01-01T00:50:00Z\"," \
	"\"renew_after\":\"1970-01-01T00:33:20Z\",\"poll_after\":100," \
	"\"hub\":" HUB "}"
#define STATUS(state, renew, hub) "{\"device_id\":\"" ID "\",\"batch\":" \
	"\"b\",\"state\":\"" state "\",\"renew\":" renew ",\"poll_after\":" \
	"100,\"hub\":" hub "}"
#define PROBLEM "{\"title\":\"t\",\"status\":403,\"detail\":\"in no batch\"}"

static struct qdev dev;
static struct rig rig;
static char *answers[8];

/* A fresh rig with these answers (status line, fields, body). */
static void
start(size_t n, const char *const list[][3])
{
	struct qdev_config config = { .seam = &seam, .ctx = &rig,
		.host = "h:6000", .agent = "test \"1\"", .work = rig.work,
		.work_len = sizeof(rig.work) };

	memset(&rig, 0, sizeof(rig));
	rig.cut = SIZE_MAX;
	rig.piece = SIZE_MAX;
	rig.now = 1000;
	for (size_t i = 0; i < 8; i++) {
		free(answers[i]);
		answers[i] = i < n ? answer(list[i][0], list[i][1],
		    list[i][2]) : NULL;
		rig.answer[i] = answers[i];
	}
	is_int(qdev_init(&dev, &config), Q_OK, "init");
}

/* Restart the device with what it has stored. */
static void
restart(void)
{
	struct qdev_config config = dev.config;

	is_int(qdev_init(&dev, &config), Q_OK, "restart");
}

static bool
sent(int i, const char *text)
{
	return strstr(rig.sent[i], text) != NULL;
}

static void
test_life(void)
{
	static const char *const list[][3] = {
		{ "200 OK", "", GRANT },
		{ "200 OK", "", STATUS("enrolled", "false", HUB) },
		{ "200 OK", "", STATUS("enrolled", "true", "null") },
		{ "200 OK", "", GRANT },
	};
	uint32_t wait = 7;

	start(4, list);
	is_int(dev.state, QDEV_NOT_ENROLLED, "starts not enrolled");
	is_int(qdev_step(&dev, &wait), Q_OK, "enrols");
	ok(sent(0, "POST /v1/enrol HTTP/1.1\r\nHost: h:6000\r\n"),
	    "asks to enrol");
	ok(sent(0, "\r\n\r\n{\"csr\":\"Y3NyIDE=\"}"), "with the request");
	is_int(rig.faces[0], QDEV_BY_IDENTITY, "by its identity");
	is_int(dev.state, QDEV_ENROLLED, "is enrolled");
	is_int(dev.not_after, 3000, "until then");
	is_int(wait, 90, "pause: least jitter");
	is_int(rig.slot_len[QDEV_GRANT], strlen(GRANT), "grant stored");
	is_int(rig.slot_len[QDEV_REQUEST], 0, "request forgotten");

	rig.random = UINT32_MAX;
	is_int(qdev_step(&dev, &wait), Q_OK, "asks for its status");
	ok(sent(1, "/v1/status") && sent(1, "{\"agent\":\"test \\\"1\\\"\"}"),
	    "and says who it is");
	is_int(rig.faces[1], QDEV_BY_CERTIFICATE, "by its certificate");
	is_int(wait, 110, "pause: most jitter");
	is_int(rig.hubs, 1, "hears of its hub");

	is_int(qdev_step(&dev, &wait), Q_OK, "asks again");
	is_int(wait, 0, "and is told to renew, at once");
	is_int(dev.next, QDEV_DO_RENEW, "which is next");
	is_int(qdev_step(&dev, &wait), Q_OK, "renews");
	ok(sent(3, "\"Y3NyIDI=\"}"), "with a new request");
	is_int(rig.faces[3], QDEV_BY_CERTIFICATE, "by its certificate");
	ok(!rig.open, "no connection is left open");
}

static void
test_clock(void)
{
	static const char *const list[][3] = {
		{ "200 OK", "", GRANT },
		{ "200 OK", "", GRANT },
		{ "403 No", "", PROBLEM },
		{ "200 OK", "", STATUS("enrolled", "false", "null") },
		{ "200 OK", "", STATUS("enrolled", "false", "null") },
		{ "200 OK", "", STATUS("expired", "false", "null") },
		{ "200 OK", "", STATUS("expired", "true", "null") },
		{ "200 OK", "", GRANT },
	};
	uint32_t wait;

	start(8, list);
	rig.now = 1950;
	(void)qdev_step(&dev, &wait);
	is_int(wait, 50, "the pause ends when it is time to renew");
	rig.now = 2000;
	(void)qdev_step(&dev, &wait);
	ok(sent(1, "/v1/enrol"), "renews by the clock");
	rig.now = 2200;
	is_int(qdev_step(&dev, &wait), Q_DENIED, "is refused");
	is_str(dev.detail, "in no batch", "and told why");
	is_int(dev.next, QDEV_DO_STATUS, "so asks for its status");
	(void)qdev_step(&dev, &wait);
	(void)qdev_step(&dev, &wait);
	ok(sent(3, "/v1/status") && sent(4, "/v1/status"),
	    "and does not renew until it may");
	rig.now = 3000;
	(void)qdev_step(&dev, &wait);
	is_int(dev.state, QDEV_EXPIRED, "expires by the clock");
	is_int(rig.faces[5], QDEV_BY_IDENTITY, "then speaks by its identity");
	(void)qdev_step(&dev, &wait);
	rig.now = 1000;
	is_int(qdev_step(&dev, &wait), Q_OK, "may enrol again");
	is_int(dev.state, QDEV_ENROLLED, "and is enrolled");
}

static void
test_retry(void)
{
	static const char *const list[][3] = {
		{ "503 Away", "Retry-After: 30\r\n", "{}" },
		{ "429 Slow", "Retry-After: 4000000000\r\n", "" },
		{ "200 OK", "", GRANT },
	};
	uint32_t wait;

	start(3, list);
	rig.random = UINT32_MAX;
	is_int(qdev_step(&dev, &wait), Q_UNAVAIL, "the server is away");
	is_int(wait, 32, "waits as told, and a bit");
	is_int(rig.slot_len[QDEV_REQUEST], 5, "keeps its request");
	restart();
	is_int(qdev_step(&dev, &wait), Q_BUSY, "too fast");
	is_int(wait, 86402, "but does not wait for ever");
	restart();
	is_int(qdev_step(&dev, &wait), Q_OK, "enrols");
	is_int(rig.csrs, 1, "one request was made");
	is_str(rig.sent[0], rig.sent[2], "and sent three times");
}

static void
test_bad_request(void)
{
	static const char *const list[][3] = {
		{ "400 Bad", "", PROBLEM },
		{ "200 OK", "", GRANT },
	};
	uint32_t wait;

	start(2, list);
	is_int(qdev_step(&dev, &wait), Q_INVALID, "a request it cannot use");
	is_int(qdev_step(&dev, &wait), Q_OK, "enrols with another");
	is_int(rig.csrs, 2, "two requests were made");
}

static void
test_back_off(void)
{
	static const uint32_t most[] = { 2, 4, 8, 16, 32, 64, 128, 256, 512,
		1024, 2048, 3600, 3600 };
	uint32_t wait;

	start(0, NULL);
	rig.dial = Q_UNAVAIL;
	for (size_t i = 0; i < sizeof(most) / sizeof(*most); i++) {
		rig.random = UINT32_MAX;
		rig.asked = 0;
		is_int(qdev_step(&dev, &wait), Q_UNAVAIL, "no connection");
		is_int(wait, most[i], "longest pause %zu", i);
	}
	rig.random = 0;
	rig.asked = 0;
	(void)qdev_step(&dev, &wait);
	is_int(wait, 1, "shortest pause");
	dev.config.back_off_max = 8;
	rig.random = UINT32_MAX;
	(void)qdev_step(&dev, &wait);
	is_int(wait, 8, "longest pause as configured");
}

static void
test_refused(void)
{
	static const char *const list[][3] = {
		{ "403 No", "", PROBLEM },
		{ "200 OK", "", STATUS("not enrolled", "false", "null") },
		{ "403 No", "", PROBLEM },
		{ "200 OK", "", STATUS("revoked", "false", "null") },
		{ "200 OK", "", STATUS("not enrolled", "false", "null") },
		{ "200 OK", "", GRANT },
		{ "403 No", "", PROBLEM },
		{ "200 OK", "", STATUS("revoked", "false", "null") },
	};
	uint32_t wait;

	start(8, list);
	rig.random = UINT32_MAX;
	is_int(qdev_step(&dev, &wait), Q_DENIED, "refused");
	is_int(qdev_step(&dev, &wait), Q_OK, "asks why");
	is_int(wait, 2, "does not run in circles");
	(void)qdev_step(&dev, &wait);
	is_int(wait, 4, "and gets slower");
	(void)qdev_step(&dev, &wait);
	is_int(dev.state, QDEV_REVOKED, "revoked");
	is_int(dev.next, QDEV_DO_STATUS, "asks until it is allowed again");
	(void)qdev_step(&dev, &wait);
	is_int(qdev_step(&dev, &wait), Q_OK, "then enrols");
	is_int(dev.failures, 0, "all is forgiven");
	is_int(qdev_step(&dev, &wait), Q_DENIED, "certificate not liked");
	(void)qdev_step(&dev, &wait);
	is_int(rig.faces[6], QDEV_BY_CERTIFICATE, "was by certificate");
	is_int(rig.faces[7], QDEV_BY_IDENTITY, "then by identity");
}

static void
test_revoked(void)
{
	static const char revoked[] = "{\"title\":\"Forbidden\","
	    "\"status\":403,\"detail\":\"revoked: lost\","
	    "\"state\":\"revoked\"}";
	static const char *const list[][3] = {
		{ "200 OK", "", GRANT },
		{ "403 No", "", revoked },
		{ "403 No", "", revoked },
		{ "200 OK", "", STATUS("not enrolled", "false", "null") },
		{ "200 OK", "", GRANT },
	};
	uint32_t wait;

	start(5, list);
	(void)qdev_step(&dev, &wait);
	is_int(qdev_step(&dev, &wait), Q_DENIED, "status is refused");
	is_int(dev.state, QDEV_REVOKED, "for it is revoked");
	is_str(dev.detail, "revoked: lost", "and told why");
	(void)qdev_step(&dev, &wait);
	ok(sent(2, "/v1/status"), "asks, but does not enrol");
	(void)qdev_step(&dev, &wait);
	is_int(qdev_step(&dev, &wait), Q_OK, "until it is allowed again");
	ok(sent(4, "/v1/enrol") && dev.state == QDEV_ENROLLED, "enrolled");
}

static void
test_rekey(void)
{
	static const char *const list[][3] = {
		{ "200 OK", "", GRANT },
		{ "503 Away", "", "" },
		{ "200 OK", "", GRANT },
		{ "200 OK", "", STATUS("enrolled", "true", "null") },
		{ "200 OK", "", GRANT },
	};
	uint32_t wait;

	start(5, list);
	(void)qdev_step(&dev, &wait);
	qdev_rekey(&dev);
	is_int(qdev_step(&dev, &wait), Q_UNAVAIL, "rekey meets a failure");
	is_int(qdev_step(&dev, &wait), Q_OK, "rekeys");
	is_str(rig.sent[1], rig.sent[2], "with the same request");
	ok(sent(2, "{\"csr\":\"bmV3IDI=\",\"proof\":\"c2ln\","
	    "\"identity\":\"c3BraQ==\"}"), "and the identity key's proof");
	(void)qdev_step(&dev, &wait);
	(void)qdev_step(&dev, &wait);
	ok(sent(4, "\"Y3NyIDM=\""), "the next renewal keeps the key");
}

/* Answers to enrol that must not be believed. */
static const char *const lies[] = {
	"", "{}", "null", "[]", "{\"device_id\":1}",
	"{\"device_id\":\"" OTHER "\",\"certificate\":\"C\",\"chain\":\"H\","
	"\"not_after\":\"2026-01-01T00:00:00Z\",\"renew_after\":"
	"\"2026-01-01T00:00:00Z\",\"poll_after\":1,\"hub\":null}",
	"{\"device_id\":\"" ID "\",\"certificate\":7,\"chain\":\"H\","
	"\"not_after\":\"2026-01-01T00:00:00Z\",\"renew_after\":"
	"\"2026-01-01T00:00:00Z\",\"poll_after\":1,\"hub\":null}",
	"{\"device_id\":\"" ID "\",\"certificate\":\"C\",\"chain\":\"H\","
	"\"not_after\":\"tomorrow\",\"renew_after\":"
	"\"2026-01-01T00:00:00Z\",\"poll_after\":1,\"hub\":null}",
	"{\"device_id\":\"" ID "\",\"certificate\":\"C\",\"chain\":\"H\","
	"\"not_after\":\"2026-01-01T00:00:00Z\",\"renew_after\":"
	"\"2026-01-01T00:00:00Z\",\"poll_after\":604801,\"hub\":null}",
	"{\"device_id\":\"" ID "\",\"certificate\":\"C\",\"chain\":\"H\","
	"\"not_after\":\"2026-01-01T00:00:00Z\",\"renew_after\":"
	"\"2026-01-01T00:00:00Z\",\"poll_after\":1,\"hub\":\"x\"}",
	GRANT "x", "{" GRANT,
};

static void
test_lies(void)
{
	uint32_t wait;

	for (size_t i = 0; i < sizeof(lies) / sizeof(*lies); i++) {
		const char *const list[][3] = { { "200 OK", "", lies[i] } };

		start(1, list);
		is_int(qdev_step(&dev, &wait), Q_PROTO, "lie %zu", i);
		is_int(dev.state, QDEV_NOT_ENROLLED, "changes nothing");
		is_int(rig.slot_len[QDEV_GRANT], 0, "stores nothing");
		ok(rig.slot_len[QDEV_REQUEST] != 0, "forgets nothing");
	}
}

/* An answer of any length cut at any byte, in pieces of any size. */
static void
test_cuts(void)
{
	static const char *const list[][3] = { { "200 OK", "", GRANT } };
	size_t len = strlen(answers[0] = answer("200 OK", "", GRANT));
	int wrong = 0;
	uint32_t wait;

	for (size_t cut = 0; cut < len; cut++) {
		start(1, list);
		rig.cut = cut;
		wrong += qdev_step(&dev, &wait) != Q_IO || rig.open ||
		    rig.slot_len[QDEV_GRANT] != 0 ||
		    dev.state != QDEV_NOT_ENROLLED;
	}
	is_int(wrong, 0, "cut short at every byte: nothing happens");
	for (size_t piece = 1; piece < 40; piece++) {
		start(1, list);
		rig.piece = piece;
		wrong += qdev_step(&dev, &wait) != Q_OK;
	}
	is_int(wrong, 0, "whole in pieces of every size");
}

static void
test_storage(void)
{
	static const char *const list[][3] = {
		{ "200 OK", "", GRANT }, { "200 OK", "", GRANT },
		{ "200 OK", "", STATUS("not enrolled", "false", "null") },
	};
	struct qdev_config config;
	uint32_t wait;

	start(3, list);
	rig.save_error = Q_IO;
	is_int(qdev_step(&dev, &wait), Q_IO, "the disk is full");
	is_int(dev.state, QDEV_NOT_ENROLLED, "not enrolled then");
	rig.save_error = Q_OK;
	is_int(qdev_step(&dev, &wait), Q_OK, "later it works");
	is_str(rig.sent[0], rig.sent[1], "with the same request");
	restart();
	is_int(dev.state, QDEV_ENROLLED, "known after a restart");
	is_int(dev.next, QDEV_DO_STATUS, "and asks for its status first");
	(void)qdev_step(&dev, &wait);
	is_int(dev.next, QDEV_DO_ENROL, "the server forgot us: enrol");
	rig.slot[QDEV_GRANT][0] = 'x';
	restart();
	is_int(dev.next, QDEV_DO_ENROL, "a grant that is spoilt is none");
	config = dev.config;
	config.work_len = QDEV_WORK_MIN - 1;
	is_int(qdev_init(&dev, &config), Q_INVALID, "work buffer too small");
}

static void
test_no_clock(void)
{
	static const char *const list[][3] = {
		{ "200 OK", "", GRANT },
		{ "200 OK", "", STATUS("enrolled", "false", "null") },
	};
	uint32_t wait;

	start(2, list);
	rig.now = 0;
	is_int(qdev_step(&dev, &wait), Q_OK, "enrols without a clock");
	is_int(wait, 90, "and asks when told");
	is_int(qdev_step(&dev, &wait), Q_OK, "for its status");
	ok(sent(1, "/v1/status"), "not to renew");
}

int
main(void)
{
	test_cuts();
	test_life();
	test_clock();
	test_retry();
	test_bad_request();
	test_back_off();
	test_refused();
	test_revoked();
	test_rekey();
	test_lies();
	test_storage();
	test_no_clock();
	for (size_t i = 0; i < 8; i++)
		free(answers[i]);
	return done();
}
