// SPDX-License-Identifier: Apache-2.0
#ifndef ENROLD_CMP_H
#define ENROLD_CMP_H

/*
 * CMP (RFC 9810, 9811, 9483) on the enrolment core, by OpenSSL's server: what
 * its files share. cmp.c takes a message and judges who sent it, OpenSSL
 * verifies it and makes the answer, cmp_do.c is what it calls back to do what
 * was asked.
 */

#include "enrold/cmp_trans.h"
#include "enrold/front.h"

/* One message and what becomes of it. */
struct talk {
	struct core *core;
	const struct http_request *rq;
	struct front *fr;	/* with the sender as its peer */
	bool live;		/* TLS has shown that, and it is there now */
	const struct cmp_msg *m;
	struct cmp_trans *t;
	bool done;		/* result is there */
	enum q_err result;	/* of what was asked */
	struct fault fault;
};

/* Have the server call us. NOMEM. */
enum q_err cmp_do_init(OSSL_CMP_SRV_CTX *srv, struct cmp_trans *t) Q_CHECKED;

/* The client does not want the certificate it was given. */
enum q_err cmp_do_rejected(struct talk *k, struct fault *f) Q_CHECKED;

/*
 * Revoke a certificate of a device at its own wish. The device may enrol
 * again, unless whole: then it is revoked itself, as by an operator. Revoked
 * before: OK, and nothing changes. reason as in RFC 5280 5.3.1: INVALID for
 * those that make no sense here. NOTFOUND when it is none of the device's.
 */
struct cmp_target {
	const char *device_id;
	const struct peer *peer; /* who asks; NULL: nobody has to */
	const char *issuer;	/* id of the CA */
	const char *serial;	/* lower-case hex */
	const char *from;	/* address, for the activity record */
	uint64_t reason;
	bool whole;
};
enum q_err cmp_revoke(struct core *core, const struct cmp_target *target,
    struct fault *f) Q_CHECKED;

#endif
