// SPDX-License-Identifier: Apache-2.0
#ifndef SIGND_APPROVE_H
#define SIGND_APPROVE_H

/*
 * Approvals: k of n people agree to one use of a key whose rules want it, or
 * to a change of such a key or of somebody who agrees to its uses. What they
 * agree to is a text that is made here; their proofs, signatures over it, are
 * verified here and again when they count. Who serves a request, and what
 * happens to the page that people look at, changes neither.
 *
 * The journal has all of it, and is where it is read from at the start. An
 * approval ends by being used or withdrawn, or after a week.
 */

#include "signd/keyring.h"
#include "signd/sign_shape.h"

struct signd;
struct journal;
struct journal_record;

#define APPROVALS_MAX 256	/* at a time */
#define APPROVALS_PEER 64	/* of them for one user of the machine */
#define APPROVAL_GIVEN_MAX 16
#define APPROVAL_LIFE (7 * 86400)
#define APPROVAL_TEXT_MAX 1500

/* X(name, text in the statement) */
#define APPROVE_ACTIONS(X)                                                   \
	X(SIGN, "sign")			/* digest: what the token signs */   \
	X(CHANGE_KEY, "change-key")	/* SHA-256 of the new rules */       \
	X(DELETE_KEY, "delete-key")	/* none */                           \
	X(SET_APPROVER, "set-approver")	/* SHA-256 of a signd_approver */

enum approve_action {
#define X(name, text) APPROVE_##name,
	APPROVE_ACTIONS(X)
#undef X
	APPROVE_ACTION_COUNT
};

/* What is to be agreed to. */
struct approve_ask {
	enum approve_action action;
	const struct key *key;		/* of the first three */
	const char *approver;		/* of the last: name */
	const struct sign_shape *shape;	/* of SIGN, else NULL */
	struct bytes digest;
	const char *meaning;		/* printable ASCII; NULL for SIGN: as
					   people agreed, whatever it says */
	const char *user;		/* for whom, as a front end says */
	uint32_t uid;			/* the peer's */
};

/* The daemon's approvals; approve.c's own. */
struct approvals;
enum q_err approvals_new(int64_t (*wall)(void),
    struct approvals **ret_approvals) Q_CHECKED;
void approvals_free(struct approvals *a);

/* A record of the past. NOMEM. */
enum q_err approvals_replay(struct approvals *a,
    const struct journal_record *r) Q_CHECKED;

/* Repeat those that are open, at the head of a segment: the journal is
 * locked. */
enum q_err approvals_head(struct approvals *a, struct journal *j) Q_CHECKED;

/*
 * Whether the rules in force want approvals and have them: then they are
 * taken (ret_id: which; "": none wanted), and the caller gives them back or
 * says that they are done, once the journal tells what they were used for.
 * WAIT: they are missing; the approval that is wanted is recorded, and its id
 * is in f. BUSY: too many wait.
 */
enum q_err approve_take(struct signd *s, const struct keyring *ring,
    const struct approve_ask *ask, char ret_id[SIGND_ID_LEN + 1],
    struct fault *f) Q_CHECKED;
void approve_back(struct signd *s, const char *id);
void approve_done(struct signd *s, const char *id);

/* The same for what has no record of its own to name them: they are used up
 * before the change that they allow. */
enum q_err approve_need(struct signd *s, const struct keyring *ring,
    const struct approve_ask *ask, struct fault *f) Q_CHECKED;

/* Ask before; the one that waits already, if it is the same. INVALID: none
 * are wanted. Out: signd_approval_want_rsp. */
enum q_err approve_want(struct signd *s, const struct keyring *ring,
    const struct approve_ask *ask, struct buf *space,
    struct signd_approval_want_rsp *out, struct fault *f) Q_CHECKED;

/* A proof. NOTFOUND, DENIED: not his to give, SIGNATURE. */
enum q_err approve_put(struct signd *s, const struct keyring *ring,
    const struct signd_approval_put_req *in, uint32_t uid,
    struct signd_approval_put_rsp *out, struct fault *f) Q_CHECKED;

/* End one that is open, with the proofs that were given. NOTFOUND; BUSY: it
 * is being used. */
enum q_err approve_withdraw(struct signd *s,
    const struct signd_approval_withdraw_req *in, uint32_t uid,
    struct fault *f) Q_CHECKED;

/* Append a signd_approval for each id behind `after` while out has less than
 * `enough` bytes; returns whether there are more. */
bool approve_list(struct signd *s, const struct keyring *ring,
    const char *after, size_t enough, struct buf *out);

/* What is signed and compared of an approver: signd_approver, with created
 * 0. */
void approver_encode(const struct approver *a, struct buf *out);

/* The key that wants approvals and names him, NULL: none. */
const struct key *approver_needed(const struct keyring *ring,
    const char *name);

#endif
