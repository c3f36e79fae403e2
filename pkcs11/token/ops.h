// SPDX-License-Identifier: Apache-2.0
#ifndef TOKEN_OPS_H
#define TOKEN_OPS_H

#include "token/p11.h"
#include "wire/server.h"

/* Handlers of the worker's ops; ctx is a struct p11. */
#define X(name, num, roles, cap, text) wire_handler token_do_##name;
TOKEN_OPS(X)
#undef X

/* CKA_ID from its 16 hex digits. */
enum q_err token_id(const char *hex, uint8_t ret_id[P11_ID_BYTES],
    struct fault *f) Q_CHECKED;

#endif
