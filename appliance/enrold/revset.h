// SPDX-License-Identifier: Apache-2.0
#ifndef ENROLD_REVSET_H
#define ENROLD_REVSET_H

/*
 * The revoked certificates of every issuing CA, in memory, 32 bytes each:
 * what CRLs are made from and OCSP asks. Filled by one listing of the
 * `revoked` records, then by what this process publishes and by hints of
 * what others do; listed again when hints may have been lost. Any thread may
 * call any of it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "records/client.h"
#include "x509/crl.h"

struct revset;

struct revset_entry {
	uint8_t serial[CERT_SERIAL_LEN];
	int64_t not_after;	/* when the certificate ends */
	uint32_t revoked_at;	/* seconds since 1970, until 2106 */
	uint32_t reason : 4;	/* enum crl_reason */
	uint32_t seq : 28;	/* later ones of an issuer have a higher */
};

enum q_err revset_new(struct wire_client *recordd,
    struct revset **ret_set) Q_CHECKED;
void revset_free(struct revset *set);

/* Whether all that recordd has was seen once. */
bool revset_ready(struct revset *set);

/* Whether the certificate is revoked; ret_entry may be NULL. */
bool revset_find(struct revset *set, const char *issuer,
    const uint8_t serial[CERT_SERIAL_LEN], struct revset_entry *ret_entry);

/* EXISTS when it was there; INVALID when the record is damaged; NOMEM. */
enum q_err revset_add(struct revset *set,
    const struct rec_revoked *rv) Q_CHECKED;

/* Read the record of that key and add it. EXISTS; NOTFOUND. */
enum q_err revset_fetch(struct revset *set, const char *key,
    struct fault *f) Q_CHECKED;

/* Add all that recordd has. *ret_added counts what was new. */
enum q_err revset_load(struct revset *set, uint64_t *ret_added,
    struct fault *f) Q_CHECKED;

/* How many an issuer has. */
size_t revset_count(struct revset *set, const char *issuer);

/*
 * Walk an issuer's entries in order of serial, those behind `after` (0: all).
 * Nobody can add to them between begin and end. *ret_mark is the `after` of
 * a later walk that wants what has been added since. NOMEM: it did not begin.
 */
struct revset_walk {
	struct revset *set;
	const struct revset_entry *at, *end;
	uint32_t after;
};
enum q_err revset_walk_begin(struct revset *set, const char *issuer,
    uint32_t after, struct revset_walk *ret_walk,
    uint32_t *ret_mark) Q_CHECKED;
const struct revset_entry *revset_walk_next(struct revset_walk *walk);
void revset_walk_end(struct revset_walk *walk);

/* Forget what ended before that moment, or (INT64_MAX) all of an issuer. */
void revset_drop(struct revset *set, const char *issuer, int64_t before);

#endif
