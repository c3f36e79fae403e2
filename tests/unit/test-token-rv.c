// SPDX-License-Identifier: Apache-2.0
/* What the worker does about results of PKCS #11 calls. */
#include "config.h"

#include <p11-kit/pkcs11.h>

#include <string.h>

#include "tap.h"
#include "token/rv.h"

/* Every CKR_ of p11-kit's header, made from it by the build. */
static const struct {
	unsigned long rv;
	const char *name;
} all[] = {
#define X(name, value) { value, #name },
#include "tests/fakes/ckr-list.h"
#undef X
};

/* Those of PKCS #11 3.0 with the numbers of OASIS, which that lacks. */
static const unsigned long oasis[] = { 0x42, 0x1b5, 0x1b6, 0x1b7, 0x1b8,
	0x1b9, 0x201, 0x202, 0x203 };

static const struct {
	unsigned long rv;
	enum rv_action action;
	enum q_err code;
} rows[] = {
	/* a second try could lock the token */
	{ CKR_PIN_INCORRECT, RV_GIVE_UP, Q_UNAUTH },
	{ CKR_PIN_LOCKED, RV_GIVE_UP, Q_UNAUTH },
	{ CKR_PIN_LEN_RANGE, RV_GIVE_UP, Q_UNAUTH },
	/* how SoftHSM says that a key or the token is gone */
	{ CKR_OBJECT_HANDLE_INVALID, RV_FIND, Q_UNAVAIL },
	{ CKR_GENERAL_ERROR, RV_FIND, Q_UNAVAIL },
	{ CKR_KEY_HANDLE_INVALID, RV_FIND, Q_UNAVAIL },
	/* what a handle says that has become another key's */
	{ CKR_KEY_FUNCTION_NOT_PERMITTED, RV_FIND, Q_DENIED },
	{ CKR_KEY_TYPE_INCONSISTENT, RV_FIND, Q_INVALID },
	/* how hardware does */
	{ CKR_DEVICE_REMOVED, RV_RESTART, Q_UNAVAIL },
	{ CKR_TOKEN_NOT_PRESENT, RV_RESTART, Q_UNAVAIL },
	{ CKR_SESSION_HANDLE_INVALID, RV_SESSION, Q_UNAVAIL },
	{ CKR_SESSION_CLOSED, RV_SESSION, Q_UNAVAIL },
	{ CKR_USER_NOT_LOGGED_IN, RV_LOGIN, Q_UNAVAIL },
	{ CKR_OPERATION_ACTIVE, RV_SESSION, Q_UNAVAIL },
	{ CKR_FUNCTION_FAILED, RV_RETRY, Q_UNAVAIL },
	{ CKR_CRYPTOKI_NOT_INITIALIZED, RV_RESTART, Q_UNAVAIL },
	/* no other try would end otherwise */
	{ CKR_MECHANISM_INVALID, RV_GIVE_UP, Q_CONFIG },
	{ CKR_DATA_LEN_RANGE, RV_GIVE_UP, Q_INVALID },
	{ CKR_ENCRYPTED_DATA_INVALID, RV_GIVE_UP, Q_SIGNATURE },
	/* vendor's and unknown */
	{ CKR_VENDOR_DEFINED | 7, RV_SESSION, Q_UNAVAIL },
	{ 0x7fffffff, RV_SESSION, Q_UNAVAIL },
	/* the token is full, which another process of ours does not change */
	{ CKR_SESSION_COUNT, RV_RETRY, Q_BUSY },
	{ CKR_DEVICE_MEMORY, RV_RETRY, Q_BUSY },
};

static void
test_all(void)
{
	size_t n = sizeof(all) / sizeof(all[0]);

	ok(n > 90, "%zu in the header", n);
	for (size_t i = 0; i < n; i++) {
		const struct rv_row *row = rv_row(all[i].rv);

		ok(row->rv == all[i].rv && strcmp(row->name, all[i].name) ==
		    0, "%s has a row", all[i].name);
	}
	for (size_t i = 0; i < sizeof(oasis) / sizeof(oasis[0]); i++)
		is_int(rv_row(oasis[i])->rv, oasis[i], "0x%lx has a row",
		    oasis[i]);
}

int
main(void)
{
	test_all();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct rv_row *row = rv_row(rows[i].rv);

		is_int(row->action, rows[i].action, "0x%lx: action",
		    rows[i].rv);
		is_int(row->code, rows[i].code, "0x%lx: %s", rows[i].rv,
		    row->name);
	}
	return done();
}
