// SPDX-License-Identifier: Apache-2.0
#ifndef X509_EXT_H
#define X509_EXT_H

/* Writing extensions (RFC 5280 4.2 and 5.2); for cert.c and crl.c only. */

#include "base/buf.h"
#include "x509/cert.h"
#include "x509/oid.h"

struct ext_mark {
	size_t ext, value;
};

/* Open an extension; what is put until ext_end is its value. */
struct ext_mark ext_begin(struct buf *b, enum oid oid, bool critical);
void ext_end(struct buf *b, struct ext_mark m);

void ext_put_ski(struct buf *b, const struct pubkey *key);
void ext_put_aki(struct buf *b, struct bytes ski);
void ext_put_key_usage(struct buf *b, uint16_t flags);
void ext_put_ca(struct buf *b, bool ca, int path_len);
void ext_put_eku(struct buf *b, enum oid purpose);
/* id-pkix-ocsp-nocheck (RFC 6960 4.2.2.2.1) */
void ext_put_no_check(struct buf *b);
/* SAN; the caller has checked that each is a DNS name or an IP address. */
void ext_put_names(struct buf *b, const char *const *names, size_t n);
/* CRLDP and AIA, as far as they are given. */
void ext_put_urls(struct buf *b, const struct cert_urls *urls);
/* A CRLDistributionPoints with one URL: of CRLDP, or freshestCRL. */
void ext_put_point(struct buf *b, enum oid oid, const char *url);
void ext_put_idp(struct buf *b, const char *url, bool only_users);

/* Whether text may stand as a name in SAN, and as a URL. */
bool ext_name_good(const char *name);
bool ext_url_good(const char *url);

#endif
