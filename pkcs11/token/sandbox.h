// SPDX-License-Identifier: Apache-2.0
#ifndef TOKEN_SANDBOX_H
#define TOKEN_SANDBOX_H

#include "base/err.h"

/* Give up what no PKCS #11 module needs. A list of the forbidden, other than
 * that of the daemons: what a vendor's module calls is not ours to know.
 * INTERNAL. */
enum q_err token_sandbox(struct fault *f) Q_CHECKED;

#endif
