// SPDX-License-Identifier: Apache-2.0
/* When certificates are renewed. */
#include "config.h"

#include "signd/maint.h"
#include "tap.h"

#define DAY 86400
#define NEVER INT64_MAX

/* Times in days; the certificate begins, and was made, on day 0. */
static const struct {
	const char *name;
	enum key_purpose purpose;
	bool autorenew;
	int life, device, root_end;
	int due; /* -1: never */
} rows[] = {
	{ "TLS at two thirds", PURPOSE_TLS_DEVICE, false, 300, 0, 9999, 200 },
	{ "the admin page's too", PURPOSE_TLS_ADMIN, false, 30, 0, 9999, 20 },
	{ "issuing at two thirds", PURPOSE_ISSUING, true, 300, 30, 9999,
	    200 },
	{ "issuing while a device's still fits", PURPOSE_ISSUING, true, 300,
	    200, 9999, 80 },
	{ "issuing as long as its devices'", PURPOSE_ISSUING, true, 300, 300,
	    9999, 30 },
	{ "not renewed by itself", PURPOSE_ISSUING, false, 300, 30, 9999,
	    -1 },
	{ "ends with the root: nothing to gain", PURPOSE_ISSUING, true, 300,
	    30, 300, -1 },
};

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const int64_t begin = 1800000000;
		struct key k = { .purpose = rows[i].purpose,
			.created = (uint64_t)begin,
			.issuing = { .autorenew = rows[i].autorenew,
			    .device_lifetime =
			    (uint64_t)rows[i].device * DAY },
			.cert = { .not_before = begin, .not_after = begin +
			    (int64_t)rows[i].life * DAY } };

		is_int(maint_due(&k, begin + (int64_t)rows[i].root_end * DAY),
		    rows[i].due < 0 ? NEVER :
		    begin + (int64_t)rows[i].due * DAY, "%s", rows[i].name);
	}
	for (int day = 239; day < 242; day++) {
		const struct key root = { .purpose = PURPOSE_ROOT,
			.cert = { .not_after = (int64_t)300 * DAY } };

		ok(maint_root_late(&root, (int64_t)day * DAY) == (day > 240),
		    "day %d of 300 of a root", day);
	}
	return done();
}
