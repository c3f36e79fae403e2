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

/* CKA_EC_PARAMS of P-256: its object identifier, DER. */
static const uint8_t token_p256[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
	0x3d, 0x03, 0x01, 0x07 };

/* The point in a CKA_EC_POINT of P-256: TOKEN_POINT_LEN bytes; NULL when it
 * is something else. */
#define TOKEN_POINT_LEN 65
const uint8_t *token_point(const uint8_t *attribute, size_t len);

/* A p11_work: destroys all objects that have the id in arg. The caller holds
 * `manage` for writing. */
CK_RV token_destroy_work(struct p11 *p, CK_SESSION_HANDLE s, void *arg);

#endif
