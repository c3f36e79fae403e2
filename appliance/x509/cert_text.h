// SPDX-License-Identifier: Apache-2.0
#ifndef X509_CERT_TEXT_H
#define X509_CERT_TEXT_H

/* Certificates as people read them: one line each, of printable characters
 * whatever is inside. */

#include "base/buf.h"

struct cert;

#define CERT_FINGERPRINT 96 /* 32 octets with colons between, and NUL */
#define CERT_NAME_TEXT 512

/* SHA-256 over the DER: "0A:1B:..." */
void cert_fingerprint(struct bytes der, char ret[CERT_FINGERPRINT]);

/* A Name (DER) as RFC 4514 writes it, UTF-8, cut where it is too long; "" for
 * what is none. */
void cert_name_text(struct bytes name, char ret[CERT_NAME_TEXT]);

/* The DNS names and IP addresses of subjectAltName, a blank between. Others
 * and odd ones are left out. */
void cert_names_text(const struct cert *cert, struct buf *out);

#endif
