// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "token/token_ops.h"

#define X(name, fields) WIRE_DEFINE(name, fields)
TOKEN_MESSAGES(X)
#undef X
