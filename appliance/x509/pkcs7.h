// SPDX-License-Identifier: Apache-2.0
#ifndef X509_PKCS7_H
#define X509_PKCS7_H

/* Degenerate SignedData, "certs-only" (RFC 2315 9.1, RFC 5652 5.1), as EST
 * answers with. */

#include "base/buf.h"

/* Append it, with the certificates in the order given. */
void pkcs7_certs_only(const struct bytes *certs, size_t n, struct buf *out);

#endif
