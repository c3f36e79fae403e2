// SPDX-License-Identifier: Apache-2.0
#ifndef SIGND_APPROVE_PRIV_H
#define SIGND_APPROVE_PRIV_H

/* Of approvals.c, which keeps them, and approve.c, which knows what they
 * mean. */

#include <openssl/sha.h>
#include <pthread.h>

#include "signd/statement.h"

/* Somebody's proof, an encoded signd_approval_put_req, and the approver that
 * it was verified for. */
struct given {
	char name[SIGND_NAME_MAX + 1];
	uint8_t *proof;
	size_t len;
	uint8_t verified[SHA256_DIGEST_LENGTH]; /* zeros: not yet */
};

struct approval {
	struct statement st;
	char *text;
	uint32_t uid; /* who asked first */
	bool taken;   /* it is being used */
	size_t n;
	struct given given[APPROVAL_GIVEN_MAX];
};

/* The journal calls approvals_head, which takes the lock, while it is locked:
 * nothing is journalled with the lock held. */
struct approvals {
	pthread_mutex_t change; /* one new approval or proof at a time */
	pthread_mutex_t lock;	/* of everything below */
	int64_t (*wall)(void);
	size_t n;
	struct approval *row[APPROVALS_MAX]; /* by id */
};

/* The rest is called with the lock held. */

void approvals_expire(struct approvals *a);
struct approval *approval_find(const struct approvals *a, const char *id);
void approval_forget(struct approvals *a, const char *id);

/* A statement of ours, if there is room and time for it. SIGNATURE: it is
 * none. */
enum q_err approval_insert(struct approvals *a, const char *text,
    uint32_t uid) Q_CHECKED;

/* A proof, in the place of one of the same name; verified may be NULL. BUSY:
 * too many. */
enum q_err approval_add(struct approval *w, const char *name,
    struct bytes proof, const uint8_t verified[SHA256_DIGEST_LENGTH]) Q_CHECKED;

#endif
