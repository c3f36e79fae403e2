// SPDX-License-Identifier: Apache-2.0
#ifndef X509_ASSEMBLE_H
#define X509_ASSEMBLE_H

/* The X.509 SIGNED{} envelope of certificates, CRLs and requests. */

#include "base/buf.h"
#include "base/err.h"
#include "x509/pubkey.h"

/* Append SEQUENCE { tbs, algorithm, signature }. sig is what PKCS #11 gives:
 * r || s (64 bytes) for ECDSA, the block itself for RSA. alg must be the one
 * written inside tbs. Does not verify: pubkey_verify does. INVALID. */
enum q_err x509_assemble(struct bytes tbs, enum sig_alg alg,
    struct bytes sig, struct buf *out, struct fault *f) Q_CHECKED;

#endif
