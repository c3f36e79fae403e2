// SPDX-License-Identifier: Apache-2.0
#ifndef X509_OID_H
#define X509_OID_H

/* The object identifiers that we know, once: name and contents octets. */

#include "base/buf.h"

#define OID_TABLE(X)                                                       \
	X(COMMON_NAME, "\x55\x04\x03")                  /* 2.5.4.3 */      \
	X(COUNTRY, "\x55\x04\x06")                      /* 2.5.4.6 */      \
	X(ORGANIZATION, "\x55\x04\x0a")                 /* 2.5.4.10 */     \
	X(UNIT, "\x55\x04\x0b")                         /* 2.5.4.11 */     \
	X(SKI, "\x55\x1d\x0e")                          /* 2.5.29.14 */    \
	X(KEY_USAGE, "\x55\x1d\x0f")                    /* 2.5.29.15 */    \
	X(SAN, "\x55\x1d\x11")                          /* 2.5.29.17 */    \
	X(BASIC_CONSTRAINTS, "\x55\x1d\x13")            /* 2.5.29.19 */    \
	X(CRL_NUMBER, "\x55\x1d\x14")                   /* 2.5.29.20 */    \
	X(CRL_REASON, "\x55\x1d\x15")                   /* 2.5.29.21 */    \
	X(DELTA_CRL, "\x55\x1d\x1b")                    /* 2.5.29.27 */    \
	X(IDP, "\x55\x1d\x1c")                          /* 2.5.29.28 */    \
	X(CRLDP, "\x55\x1d\x1f")                        /* 2.5.29.31 */    \
	X(AKI, "\x55\x1d\x23")                          /* 2.5.29.35 */    \
	X(EKU, "\x55\x1d\x25")                          /* 2.5.29.37 */    \
	X(FRESHEST_CRL, "\x55\x1d\x2e")                 /* 2.5.29.46 */    \
	X(AIA, "\x2b\x06\x01\x05\x05\x07\x01\x01")      /* id-pe 1 */      \
	X(SERVER_AUTH, "\x2b\x06\x01\x05\x05\x07\x03\x01") /* id-kp 1 */   \
	X(CLIENT_AUTH, "\x2b\x06\x01\x05\x05\x07\x03\x02") /* id-kp 2 */   \
	X(OCSP_SIGNING, "\x2b\x06\x01\x05\x05\x07\x03\x09") /* id-kp 9 */  \
	X(CMC_RA, "\x2b\x06\x01\x05\x05\x07\x03\x1c")   /* id-kp 28 */    \
	X(AD_OCSP, "\x2b\x06\x01\x05\x05\x07\x30\x01")  /* id-ad 1 */      \
	X(AD_ISSUERS, "\x2b\x06\x01\x05\x05\x07\x30\x02") /* id-ad 2 */    \
	X(OCSP_BASIC, "\x2b\x06\x01\x05\x05\x07\x30\x01\x01")              \
	X(OCSP_NONCE, "\x2b\x06\x01\x05\x05\x07\x30\x01\x02")              \
	X(OCSP_NO_CHECK, "\x2b\x06\x01\x05\x05\x07\x30\x01\x05")           \
	X(ARCHIVE_OPTIONS, "\x2b\x06\x01\x05\x05\x07\x05\x01\x04")         \
	X(EC_PUBLIC_KEY, "\x2a\x86\x48\xce\x3d\x02\x01")                   \
	X(PRIME256V1, "\x2a\x86\x48\xce\x3d\x03\x01\x07")                  \
	X(RSA_ENCRYPTION, "\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01")          \
	X(PASSWORD_BASED_MAC, "\x2a\x86\x48\x86\xf6\x7d\x07\x42\x0d")      \
	X(PKCS7_DATA, "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01")              \
	X(PKCS7_SIGNED_DATA, "\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02")       \
	X(CHALLENGE_PASSWORD, "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x07")      \
	X(EXTENSION_REQUEST, "\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0e")

enum oid {
#define X(name, octets) OID_##name,
	OID_TABLE(X)
#undef X
	OID_COUNT
};

/* Contents octets, without tag and length. */
struct bytes oid_bytes(enum oid id);

/* Whether these contents octets are that OID. */
bool oid_is(struct bytes octets, enum oid id);

#endif
