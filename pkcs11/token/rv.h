// SPDX-License-Identifier: Apache-2.0
#ifndef TOKEN_RV_H
#define TOKEN_RV_H

#include "base/err.h"

/* What the worker does about a CK_RV, a bounded number of times for a
 * request (p11.c); then the request fails. */
enum rv_action {
	RV_GIVE_UP,	/* another try would end the same way */
	RV_RETRY,	/* the same call again, after a pause */
	RV_SESSION,	/* a new session, then again */
	RV_FIND,	/* look the key up again, then again */
	RV_LOGIN,	/* log in again, then again */
	RV_RESTART,	/* only a new process can help */
};
#define RV_ACTIONS 6

struct rv_row {
	unsigned long rv;	/* CK_RV */
	const char *name;
	enum rv_action action;
	/* What the caller gets when it stays. UNAVAIL counts as a failure of
	 * the token: several in a row, and a new process is tried. */
	enum q_err code;
};

/* The row of a CK_RV; one for all unknown and vendor codes is last. */
const struct rv_row *rv_row(unsigned long rv);

#endif
