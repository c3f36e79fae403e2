// SPDX-License-Identifier: Apache-2.0
#ifndef SIGND_TLS_SHAPE_H
#define SIGND_TLS_SHAPE_H

#include <stdbool.h>

#include "base/buf.h"

/*
 * Whether these bytes are what a TLS server signs, and nothing else: the
 * content of a TLS 1.3 server CertificateVerify (RFC 8446 4.4.3) or of a
 * TLS 1.2 ServerKeyExchange with a named curve (RFC 8422 5.4).
 */
bool tls_shape_good(struct bytes message);

#endif
