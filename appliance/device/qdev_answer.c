// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "device/qdev_answer.h"

#include <string.h>

/* The longest pause that a server can ask for: a week. */
#define POLL_MAX 604800

static const char *const state_names[] = {
#define X(name, text) [QDEV_##name] = text,
	QDEV_STATE_TABLE(X)
#undef X
};

#define STATES (sizeof(state_names) / sizeof(state_names[0]))

const char *
qdev_state_text(enum qdev_state state)
{
	return state_names[state];
}

/* Two digits, or -1. */
static int
two(const char *p)
{
	if (p[0] < '0' || p[0] > '9' || p[1] < '0' || p[1] > '9')
		return -1;
	return (p[0] - '0') * 10 + (p[1] - '0');
}

enum q_err
qdev_time_parse(const char *text, int64_t *ret_time)
{
	static const char shape[] = "0000-00-00T00:00:00Z";
	static const int at[] = { 0, 2, 5, 8, 11, 14, 17 };
	static const int before[] = { 0, 31, 59, 90, 120, 151, 181, 212, 243,
		273, 304, 334, 365 };
	int v[7], y, leap;
	int64_t days;

	if (strlen(text) != sizeof(shape) - 1)
		return Q_PROTO;
	for (size_t i = 0; shape[i] != '\0'; i++)
		if (shape[i] != '0' && shape[i] != text[i])
			return Q_PROTO;
	for (int i = 0; i < 7; i++) {
		v[i] = two(text + at[i]);
		if (v[i] < 0)
			return Q_PROTO;
	}
	y = v[0] * 100 + v[1];
	leap = y % 4 == 0 && (y % 100 != 0 || y % 400 == 0);
	if (y < 1970 || v[2] < 1 || v[2] > 12 || v[3] < 1 ||
	    v[3] > before[v[2]] - before[v[2] - 1] + (v[2] == 2 && leap) ||
	    v[4] > 23 || v[5] > 59 || v[6] > 59)
		return Q_PROTO;
	days = (int64_t)(y - 1970) * 365 + (y - 1969) / 4 - (y - 1901) / 100 +
	    (y - 1601) / 400 + before[v[2] - 1] + v[3] - 1;
	if (v[2] > 2 && leap)
		days++;
	*ret_time = days * 86400 + v[4] * 3600 + v[5] * 60 + v[6];
	return Q_OK;
}

/* A member that must be a string of less than cap bytes. */
static enum q_err
get_string(struct qdev_json obj, const char *name, char *out, size_t cap)
{
	struct qdev_json v;

	if (qdev_json_member(obj, name, &v) != Q_OK)
		return Q_PROTO;
	return qdev_json_string(v, out, cap) == Q_OK ? Q_OK : Q_PROTO;
}

static enum q_err
get_uint(struct qdev_json obj, const char *name, uint32_t max,
    uint32_t *ret_number)
{
	struct qdev_json v;

	if (qdev_json_member(obj, name, &v) != Q_OK)
		return Q_PROTO;
	return qdev_json_uint(v, max, ret_number);
}

static enum q_err
get_time(struct qdev_json obj, const char *name, int64_t *ret_time)
{
	char text[32];

	if (get_string(obj, name, text, sizeof(text)) != Q_OK)
		return Q_PROTO;
	return qdev_time_parse(text, ret_time);
}

/* A string of any length, left where it is. */
static enum q_err
get_text(struct qdev_json obj, const char *name, struct qdev_json *ret_text)
{
	if (qdev_json_member(obj, name, ret_text) != Q_OK ||
	    *ret_text->p != '"')
		return Q_PROTO;
	return Q_OK;
}

/* The hub: an object, null, or not there. */
static enum q_err
get_hub(struct qdev_json obj, struct qdev_json *ret_hub)
{
	struct qdev_json hub = { NULL, 0 };
	enum q_err e = qdev_json_member(obj, "hub", &hub);

	if (e == Q_OK && qdev_json_is_null(hub))
		hub.len = 0;
	else if (e == Q_OK && *hub.p != '{')
		return Q_PROTO;
	else if (e != Q_OK && e != Q_NOTFOUND)
		return e;
	*ret_hub = hub;
	return Q_OK;
}

/* The document, when it is an answer to the device `id`. */
static enum q_err
open_answer(const char *text, size_t len, const char *id,
    struct qdev_json *ret_doc)
{
	struct qdev_json doc;
	char whose[65];

	if (qdev_json_check(text, len, &doc) != Q_OK ||
	    get_string(doc, "device_id", whose, sizeof(whose)) != Q_OK ||
	    strcmp(whose, id) != 0)
		return Q_PROTO;
	*ret_doc = doc;
	return Q_OK;
}

static enum q_err
get_state(struct qdev_json obj, enum qdev_state *ret_state)
{
	char word[16];

	if (get_string(obj, "state", word, sizeof(word)) != Q_OK)
		return Q_PROTO;
	for (size_t i = 0; i < STATES; i++) {
		if (strcmp(state_names[i], word) == 0) {
			*ret_state = (enum qdev_state)i;
			return Q_OK;
		}
	}
	return Q_PROTO;
}

enum q_err
qdev_status_parse(const char *text, size_t len, const char *id,
    struct qdev_status *ret_status)
{
	struct qdev_status s = { .not_after = 0 };
	struct qdev_json doc, v;

	if (open_answer(text, len, id, &doc) != Q_OK ||
	    get_state(doc, &s.state) != Q_OK ||
	    get_uint(doc, "poll_after", POLL_MAX, &s.poll_after) != Q_OK ||
	    qdev_json_member(doc, "renew", &v) != Q_OK ||
	    qdev_json_bool(v, &s.renew) != Q_OK ||
	    get_hub(doc, &s.hub) != Q_OK)
		return Q_PROTO;
	if (qdev_json_member(doc, "not_after", &v) != Q_NOTFOUND &&
	    get_time(doc, "not_after", &s.not_after) != Q_OK)
		return Q_PROTO;
	*ret_status = s;
	return Q_OK;
}

enum q_err
qdev_grant_parse(const char *text, size_t len, const char *id,
    struct qdev_grant *ret_grant)
{
	struct qdev_grant g;
	struct qdev_json doc;

	if (open_answer(text, len, id, &doc) != Q_OK ||
	    get_text(doc, "certificate", &g.certificate) != Q_OK ||
	    get_text(doc, "chain", &g.chain) != Q_OK ||
	    get_time(doc, "not_after", &g.not_after) != Q_OK ||
	    get_time(doc, "renew_after", &g.renew_after) != Q_OK ||
	    get_uint(doc, "poll_after", POLL_MAX, &g.poll_after) != Q_OK ||
	    get_hub(doc, &g.hub) != Q_OK)
		return Q_PROTO;
	*ret_grant = g;
	return Q_OK;
}

enum q_err
qdev_hub_parse(struct qdev_json hub, struct qdev_hub *ret_hub)
{
	struct qdev_hub h;

	if (get_string(hub, "type", h.type, sizeof(h.type)) != Q_OK ||
	    get_string(hub, "host", h.host, sizeof(h.host)) != Q_OK ||
	    get_uint(hub, "port", 65535, &h.port) != Q_OK || h.port == 0 ||
	    get_string(hub, "client_id", h.client_id,
	    sizeof(h.client_id)) != Q_OK ||
	    get_string(hub, "topic", h.topic, sizeof(h.topic)) != Q_OK)
		return Q_PROTO;
	*ret_hub = h;
	return Q_OK;
}

void
qdev_problem_parse(const char *text, size_t len, char *detail, size_t cap,
    enum qdev_state *ret_state)
{
	struct qdev_json doc;

	detail[0] = '\0';
	if (qdev_json_check(text, len, &doc) != Q_OK)
		return;
	if (get_string(doc, "detail", detail, cap) != Q_OK)
		detail[0] = '\0';
	for (char *p = detail; *p != '\0'; p++)
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	(void)!get_state(doc, ret_state);
}
