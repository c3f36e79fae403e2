// SPDX-License-Identifier: Apache-2.0
#ifndef X509_OCSP_H
#define X509_OCSP_H

/*
 * Certificate status (RFC 6960): reading requests, building ResponseData to
 * be signed by a delegated responder, and (ocsp_check.c, which shares the DER
 * reader and nothing else with what builds) the look at it before that.
 */

#include "base/buf.h"
#include "base/err.h"
#include "x509/crl.h"
#include "x509/pubkey.h"

#define OCSP_CERTS_MAX 16	/* in one request */
#define OCSP_SERIAL_MAX 20
#define OCSP_NONCE_MAX 32	/* longer ones, up to the next, are ignored */
#define OCSP_NONCE_LIMIT 128	/* RFC 9654 2.1 */
#define OCSP_TBS_MAX 4096
#define OCSP_REQUEST_MAX 8192
#define OCSP_RESPONSE_MAX (OCSP_TBS_MAX + CERT_DER_MAX + 1024)
#define OCSP_SHA1_LEN 20
#define OCSP_SIG_MAX 72		/* Ecdsa-Sig-Value of P-256 */
#define OCSP_HASH_MAX 32

/* What a response may say when it is signed: how far its time is from the
 * clock, and how long it holds. */
#define OCSP_SKEW 600
#define OCSP_SPAN_MAX ((int64_t)8 * 86400)

/* How a CertID writes its hash algorithm: with NULL parameters or (bare)
 * without. Numbers are kept in files. */
enum ocsp_form {
	OCSP_SHA1 = 0,
	OCSP_SHA256 = 1,
	OCSP_SHA1_BARE = 2,
	OCSP_SHA256_BARE = 3,
	OCSP_FORMS = 4,		/* any other algorithm */
};

/* Hashes by which CertIDs name an issuer: of its Name's DER and of its key's
 * BIT STRING octets, SHA-1 and SHA-256. */
struct ocsp_issuer {
	uint8_t name[2][OCSP_HASH_MAX];
	uint8_t key[2][OCSP_HASH_MAX];
};

/* Its key[0] is also the KeyHash by which a responder names itself. */
void ocsp_issuer_of(struct bytes name, const struct pubkey *key,
    struct ocsp_issuer *ret_issuer);

/* Borrowed from the request. */
struct ocsp_cert_id {
	enum ocsp_form form;
	struct bytes name_hash, key_hash;
	struct bytes serial;	/* contents octets of the INTEGER */
};

bool ocsp_issuer_is(const struct ocsp_issuer *issuer,
    const struct ocsp_cert_id *id);

struct ocsp_request {
	struct ocsp_cert_id ids[OCSP_CERTS_MAX];
	size_t n;		/* at least 1 */
	struct bytes nonce;	/* len 0: none, or one that is too long */
};

/* An OCSPRequest. The requestor's name and signature are passed over. PROTO
 * for whatever is to be answered with malformedRequest. */
enum q_err ocsp_request_parse(struct bytes der,
    struct ocsp_request *ret_request, struct fault *f) Q_CHECKED;

/* certStatus, by its tag. */
enum ocsp_status {
	OCSP_GOOD = 0,
	OCSP_REVOKED = 1,
	OCSP_UNKNOWN = 2,
};

struct ocsp_single {
	enum ocsp_form form;
	struct bytes serial;	/* contents octets of the INTEGER */
	enum ocsp_status status;
	int64_t revoked_at;	/* of OCSP_REVOKED */
	enum crl_reason reason;
};

/* A response about certificates of one issuer. All borrowed. */
struct ocsp_spec {
	const struct ocsp_issuer *issuer;
	const uint8_t *responder; /* OCSP_SHA1_LEN: KeyHash */
	int64_t this_update;	/* and producedAt */
	int64_t next_update;
	struct bytes nonce;	/* len 0: none */
	const struct ocsp_single *singles;
	size_t n;
};

/* Append the ResponseData: the same bytes for the same spec. */
enum q_err ocsp_build(const struct ocsp_spec *spec, struct buf *out,
    struct fault *f) Q_CHECKED;

/* Append the successful OCSPResponse: sig is a DER Ecdsa-Sig-Value over tbs
 * with SHA-256 by the key of responder, a certificate. */
enum q_err ocsp_assemble(struct bytes tbs, struct bytes sig,
    struct bytes responder, struct buf *out) Q_CHECKED;

/* OCSPResponseStatus of what is not signed. */
enum ocsp_error {
	OCSP_MALFORMED = 1,
	OCSP_INTERNAL = 2,
	OCSP_TRY_LATER = 3,
	OCSP_UNAUTHORIZED = 6,
};

#define OCSP_ERROR_LEN 5
void ocsp_error_make(enum ocsp_error status, uint8_t out[OCSP_ERROR_LEN]);

/* What a ResponseData must be before the responder's key signs it. */
struct ocsp_expect {
	const struct ocsp_issuer *issuer;	/* of all its certificates */
	const uint8_t *responder;	/* OCSP_SHA1_LEN: its KeyHash */
	int64_t responder_not_after;
	int64_t now;
};

/* One responder by its key, one time within OCSP_SKEW of the clock, one to
 * OCSP_CERTS_MAX certificates of the issuer that hold until nextUpdate, at
 * most OCSP_SPAN_MAX later and not behind the responder's end; perhaps a
 * nonce, and nothing else. INVALID with the rule that is broken; PROTO when
 * it is not such DER. */
enum q_err ocsp_check_tbs(struct bytes tbs, const struct ocsp_expect *want,
    struct fault *f) Q_CHECKED;

#endif
