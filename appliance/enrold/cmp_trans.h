// SPDX-License-Identifier: Apache-2.0
#ifndef ENROLD_CMP_TRANS_H
#define ENROLD_CMP_TRANS_H

/*
 * CMP transactions that wait for the client's next message: certConf or
 * pollReq. Only memory: one that is lost costs the client another request,
 * which gets the same certificate.
 */

#include <openssl/cmp.h>
#include <sys/queue.h>

#include "enrold/cmp_msg.h"
#include "enrold/core.h"

#define CMP_TRANS_MAX 1024	/* the oldest goes */
#define CMP_TRANS_SECONDS 120

struct talk;

struct cmp_trans {
	uint8_t id[CMP_ID_MAX];
	size_t id_len;
	OSSL_CMP_SRV_CTX *srv;	/* its custom_ctx is this struct */
	struct talk *talk;	/* the message being worked on */
	/* Who began it: by certificate, or the name of a token. */
	struct buf sender;
	char token[REC_NAME_MAX + 1];
	/* The whole message that asked for a certificate: also while the
	 * client polls. */
	struct buf asked;
	char label[REC_NAME_MAX + 1]; /* of that message; "": none */
	/* What was given. */
	bool given;
	struct enrol_answer answer;
	TAILQ_ENTRY(cmp_trans) link;
	int64_t until_ms;
};

struct cmp_table;

/* NOMEM. */
enum q_err cmp_table_new(struct cmp_table **ret_table) Q_CHECKED;
/* NULL is accepted. */
void cmp_table_free(struct cmp_table *table);

/* A new transaction, in no table, without srv. NOMEM. */
enum q_err cmp_trans_new(const struct cmp_msg *m,
    struct cmp_trans **ret_trans) Q_CHECKED;
/* NULL is accepted. */
void cmp_trans_free(struct cmp_trans *t);

/* The transaction of that id, the caller's until it keeps or frees it: no two
 * messages of one are worked on at a time. NULL when there is none. */
struct cmp_trans *cmp_trans_take(struct cmp_table *table, struct bytes id);

/* Put it in the table for so long (0: as long as it was to stay anyway), in
 * place of one of the same id. */
void cmp_trans_keep(struct cmp_table *table, struct cmp_trans *t,
    unsigned seconds);

#endif
