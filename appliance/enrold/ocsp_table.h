// SPDX-License-Identifier: Apache-2.0
#ifndef ENROLD_OCSP_TABLE_H
#define ENROLD_OCSP_TABLE_H

/*
 * Answers signed ahead for certificates that are good, in a file: slots of
 * 128 bytes, found by serial with open addressing, each with a checksum, so
 * that neither a crash nor a full disk leaves more than slots that do not
 * count. Of an answer only what cannot be told from the rest is kept: whose
 * it is, its times and its signature. Read with pread: the memory is the
 * page cache's, not the process's.
 */

#include "signer/signer.h"
#include "x509/ocsp.h"

struct ocsp_answer {
	char issuer[SIGND_ID_LEN + 1];
	char responder[SIGND_ID_LEN + 1]; /* id of its certificate */
	uint8_t serial[CERT_SERIAL_LEN];
	enum ocsp_form form;
	int64_t this_update, next_update;
	int64_t not_after;	/* of the certificate it is about */
	size_t sig_len;
	uint8_t sig[OCSP_SIG_MAX];
};

struct ocsp_table;

/* Open or make the file. What is no table is replaced by an empty one. */
enum q_err ocsp_table_open(const char *path,
    struct ocsp_table **ret_table) Q_CHECKED;
void ocsp_table_close(struct ocsp_table *t);

/* The answer about a certificate in this form, whatever its times. */
bool ocsp_table_get(struct ocsp_table *t, const char *issuer,
    const uint8_t serial[CERT_SERIAL_LEN], enum ocsp_form form,
    struct ocsp_answer *ret_answer);

/* Keep an answer in place of an older one. What cannot be kept now, since
 * the disk or the table is full, is not: the answer will be asked for
 * again. */
void ocsp_table_put(struct ocsp_table *t, const struct ocsp_answer *a);

/* Make a larger table when this one fills up, without what has ended. One
 * thread; others read meanwhile. */
enum q_err ocsp_table_tend(struct ocsp_table *t) Q_CHECKED;

#endif
