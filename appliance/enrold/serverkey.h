// SPDX-License-Identifier: Apache-2.0
#ifndef ENROLD_SERVERKEY_H
#define ENROLD_SERVERKEY_H

/* A key made here for a device that cannot make its own (RFC 7030 4.4). It
 * exists in memory only, and once. */

#include "base/secret.h"
#include "x509/csr.h"

/* A key of the kind and size of the device's request, and a request of ours
 * with it: the PKCS #8, DER, and the PKCS #10, DER, appended. */
enum q_err serverkey_make(const struct csr *like, struct secret *ret_key,
    struct buf *csr, struct fault *f) Q_CHECKED;

/* INVALID for a request that wants the key encrypted for the device (RFC
 * 7030 4.4.1.1, 4.4.1.2), which is not done. */
enum q_err serverkey_plain(const struct csr *csr, struct fault *f) Q_CHECKED;

#endif
