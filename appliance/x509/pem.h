// SPDX-License-Identifier: Apache-2.0
#ifndef X509_PEM_H
#define X509_PEM_H

/* Textual encoding (RFC 7468). */

#include "base/buf.h"
#include "base/err.h"

#define PEM_CERTIFICATE "CERTIFICATE"
#define PEM_CSR "CERTIFICATE REQUEST"
#define PEM_CRL "X509 CRL"
#define PEM_PUBLIC_KEY "PUBLIC KEY"
#define PEM_TEXT_MAX (1024 * 1024)

/* Append one block, 64 columns. */
void pem_encode(struct buf *out, const char *label, struct bytes der);

/* Append the DER of the first block with this label; other text around it
 * and blocks of other labels are passed over, header lines inside it are an
 * error. ret_rest (may be NULL) is the text behind the block, for the next
 * one. NOTFOUND without such a block, PROTO for a broken one, TOOBIG. */
enum q_err pem_decode(struct bytes text, const char *label, struct buf *out,
    struct bytes *ret_rest, struct fault *f) Q_CHECKED;

#endif
