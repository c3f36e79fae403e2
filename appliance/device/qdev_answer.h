// SPDX-License-Identifier: Apache-2.0
#ifndef DEVICE_QDEV_ANSWER_H
#define DEVICE_QDEV_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "device/qdev_json.h"

/* What the device port answers (PROTOCOL-DEVICE.md), decoded. */

/* A device's states, in the words that people read everywhere. */
#define QDEV_STATE_TABLE(X)                      \
	X(NOT_ENROLLED, "not enrolled")          \
	X(ENROLLED, "enrolled")                  \
	X(EXPIRED, "expired")                    \
	X(REVOKED, "revoked")

enum qdev_state {
#define X(name, text) QDEV_##name,
	QDEV_STATE_TABLE(X)
#undef X
};

const char *qdev_state_text(enum qdev_state state);

/* Answer to status. Times are seconds since 1970 UTC, 0 when absent; hub
 * has len 0 when there is none. Spans borrow the text that was parsed. */
struct qdev_status {
	enum qdev_state state;
	bool renew;
	uint32_t poll_after;
	int64_t not_after;
	struct qdev_json hub;
};

/* Answer to enrol: the JSON strings and the hub object as they stand. */
struct qdev_grant {
	int64_t not_after;
	int64_t renew_after;
	uint32_t poll_after;
	struct qdev_json certificate;
	struct qdev_json chain;
	struct qdev_json hub;
};

/* Where and as whom the device shall connect. */
struct qdev_hub {
	char type[32];
	char host[256];
	uint32_t port;
	char client_id[129];
	char topic[257];
};

/* Decode the answer to a question by the device `id`. PROTO when a field is
 * missing or wrong, or it is meant for another device. */
enum q_err qdev_status_parse(const char *text, size_t len, const char *id,
    struct qdev_status *ret_status) Q_CHECKED;
enum q_err qdev_grant_parse(const char *text, size_t len, const char *id,
    struct qdev_grant *ret_grant) Q_CHECKED;

/* Decode a hub object, except its root certificate: that is the JSON string
 * member "root", as long as it likes to be. */
enum q_err qdev_hub_parse(struct qdev_json hub, struct qdev_hub *ret_hub)
    Q_CHECKED;

/* The "detail" of an error answer (RFC 9457), printable ASCII only; an empty
 * string when there is none. A device that is revoked is told its state here
 * as well; *ret_state stays as it is otherwise. */
void qdev_problem_parse(const char *text, size_t len, char *detail,
    size_t cap, enum qdev_state *ret_state);

/* "2026-11-22T17:00:00Z" (RFC 3339, UTC only) to seconds since 1970. PROTO */
enum q_err qdev_time_parse(const char *text, int64_t *ret_time) Q_CHECKED;

#endif
