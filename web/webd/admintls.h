// SPDX-License-Identifier: Apache-2.0
#ifndef WEBD_ADMINTLS_H
#define WEBD_ADMINTLS_H

/* The certificate that the administration's port shows: the appliance's own,
 * or the company's for a key that stays in the token. */
#include "webd/web.h"

struct admintls {
	struct buf chain; /* PEM, the certificate first: buf_free it */
	struct buf leaf; /* that one, DER: buf_free it */
	char key[SIGND_ID_LEN + 1]; /* in the token */
	bool own; /* the appliance's */
};

/* What the port shall show now; who calls it now and then also has it told
 * in log and activity when the company's is about to end. UNAVAIL while signd
 * is away or has none; errors of recordd. */
enum q_err admintls_current(struct web *w, struct admintls *ret_tls,
    struct fault *f) Q_CHECKED;
void admintls_free(struct admintls *t);

/* What is kept about the company's: the record `setting` "web.tls". */
struct company {
	char key[SIGND_ID_LEN + 1]; /* "": nothing was ever asked for */
	char host[SIGND_HOST_MAX + 1]; /* that the request names */
	bool pending; /* requested, and not handed in */
	struct buf spki; /* of the key */
	struct buf ders; /* x509/server_chain.h; empty: none */
	int64_t warned; /* level of the last warning; 0: none */
	uint64_t rev;
};
#define AUTO_COMPANY __attribute__((cleanup(company_free)))
enum q_err company_read(struct web *w, struct company *ret_company,
    struct fault *f) Q_CHECKED;

/* STALE: somebody else has changed it. */
enum q_err company_write(struct web *w, struct company *c,
    struct fault *f) Q_CHECKED;
void company_free(struct company *c);

/* How urgent it is that a certificate ends in so many seconds: from 0, not
 * yet, over three weeks, one week and a day to COMPANY_ENDED. */
#define COMPANY_ENDED 4
int64_t company_urgency(int64_t left);

#endif
