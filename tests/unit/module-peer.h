// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_UNIT_MODULE_PEER_H
#define TESTS_UNIT_MODULE_PEER_H

/* A signd for libquoin-pkcs11, with codesign keys `rsa' (RSA-3072, PSS only)
 * and `ec' (P-256, imported) of OpenSSL, one to a page. */

#include <stdatomic.h>

#include "wire/server.h"

extern struct peer {
	atomic_int signs;	/* requests with another nonce */
	atomic_int answers;	/* to them, good ones */
	atomic_int fault;	/* enum q_err of the next signature */
	atomic_int slow_ms;	/* that a signature takes */
	atomic_bool no_ec;	/* the list lacks that key */
	atomic_int bad_cert;	/* bytes of what its certificate is, no DER */
} peer;

void peer_keys_make(void);
void peer_keys_free(void);

/* On a socket; NULL: it could not. */
struct wire_server *peer_start(const char *path);

#endif
