// SPDX-License-Identifier: Apache-2.0
/* What the worker does about results of PKCS #11 calls. */
#include "config.h"

#include <p11-kit/pkcs11.h>

#include "tap.h"
#include "token/rv.h"

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
	{ CKR_KEY_FUNCTION_NOT_PERMITTED, RV_GIVE_UP, Q_DENIED },
	{ CKR_DATA_LEN_RANGE, RV_GIVE_UP, Q_INVALID },
	{ CKR_ENCRYPTED_DATA_INVALID, RV_GIVE_UP, Q_SIGNATURE },
	/* vendor's and unknown */
	{ CKR_VENDOR_DEFINED | 7, RV_RESTART, Q_UNAVAIL },
	{ 0x7fffffff, RV_RESTART, Q_UNAVAIL },
};

int
main(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct rv_row *row = rv_row(rows[i].rv);

		is_int(row->action, rows[i].action, "0x%lx: action",
		    rows[i].rv);
		is_int(row->code, rows[i].code, "0x%lx: %s", rows[i].rv,
		    row->name);
	}
	return done();
}
