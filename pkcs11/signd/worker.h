// SPDX-License-Identifier: Apache-2.0
#ifndef SIGND_WORKER_H
#define SIGND_WORKER_H

#include "base/buf.h"
#include "base/conf.h"
#include "token/token_ops.h"

/*
 * A token's worker as seen from signd: started, watched, killed when a call
 * takes longer than the configured deadline or nothing answers a heartbeat,
 * started again. What a worker left unanswered when it died is asked again
 * of the next: every op may be, because ids of keys are used once and no
 * signature that was lost has been released. When a start fails, the token
 * is away: every call returns UNAVAIL at once, and starts go on.
 */
struct worker;

struct worker_state {
	bool up;
	uint32_t restarts;
	uint32_t can;	/* TOKEN_CAN_ bits; of a worker that was up */
	char reason[200]; /* why it is not up */
};

struct worker_conf {
	const struct conf *conf; /* must outlive the worker */
	unsigned token;		/* 0 or 1: token.* or token2.* */
	const char *refused;	/* file that remembers a refused PIN; kept */
	int launcher;		/* of launcher_start */
	/* Called from the watching thread each time a worker has logged in,
	 * before other threads may use it; an error of it counts as a failed
	 * start. */
	enum q_err (*up)(void *ctx, struct worker *w, struct fault *f);
	void *ctx;
};

/* Start watching. */
enum q_err worker_start(const struct worker_conf *conf,
    struct worker **ret_worker, struct fault *f) Q_CHECKED;

/* Kill the process and end the thread. */
void worker_stop(struct worker *w);

/* A refused PIN, or a token near its lock-out, stops the login until somebody
 * says that it is right now: one try. */
void worker_pin_again(struct worker *w);

void worker_state(struct worker *w, struct worker_state *ret_state);

/* End this process and start another: what it says is wrong. */
void worker_restart(struct worker *w, const char *reason);

/* What a token cannot do, in words for people, appended: "seal (CKM_AES_GCM
 * is missing), ..."; nothing when it can do everything. */
void worker_cannot(uint32_t can, struct buf *out);

/* One function per op of the worker; outputs are appended to the buf. NOTFOUND
 * for a key that is not in the token. */
enum q_err worker_keygen(struct worker *w, const char *id, const char *label,
    enum token_kind kind, struct fault *f) Q_CHECKED;
enum q_err worker_destroy(struct worker *w, const char *id,
    struct fault *f) Q_CHECKED;

/* A private key made elsewhere; the fields of its kind alone are set. Like
 * keygen, what has the id already goes first. CONFIG: the token takes none.
 * The caller wipes its own copy. */
struct worker_import {
	enum token_kind kind;	/* TOKEN_P256 or TOKEN_RSA3072 */
	struct bytes d;		/* P-256: 32 bytes; RSA: private exponent */
	struct bytes point;	/* P-256: uncompressed, 65 bytes */
	struct bytes n, e, p, q, dp, dq, qi; /* RSA, big-endian */
};
enum q_err worker_import(struct worker *w, const char *id, const char *label,
    const struct worker_import *key, struct fault *f) Q_CHECKED;

/* SubjectPublicKeyInfo, DER. */
enum q_err worker_public(struct worker *w, const char *id, struct buf *out,
    struct fault *f) Q_CHECKED;

/* TOKEN_RSA_PSS with a salt as long as the digest; worker_sign_pss with one
 * of any length. */
enum q_err worker_sign(struct worker *w, const char *id, enum token_mech mech,
    struct bytes data, struct buf *out, struct fault *f) Q_CHECKED;
enum q_err worker_sign_pss(struct worker *w, const char *id,
    struct bytes digest, uint32_t salt, struct buf *out,
    struct fault *f) Q_CHECKED;

/* ECDSA over SHA-256 digests, one behind the other, at most TOKEN_MANY_MAX:
 * as many times r || s. */
enum q_err worker_sign_many(struct worker *w, const char *id,
    struct bytes digests, struct buf *out, struct fault *f) Q_CHECKED;

/* The key's signature was wrong: look it up again before the next. */
enum q_err worker_forget(struct worker *w, const char *id,
    struct fault *f) Q_CHECKED;

/* A signature by a key that the token makes for it and throws away, verified
 * in software. CONFIG: the token cannot do such a thing. */
enum q_err worker_trial(struct worker *w, struct fault *f) Q_CHECKED;

/* iv || ciphertext || tag, and back. */
enum q_err worker_seal(struct worker *w, const char *id, struct bytes aad,
    struct bytes data, struct buf *out, struct fault *f) Q_CHECKED;
enum q_err worker_unseal(struct worker *w, const char *id, struct bytes aad,
    struct bytes sealed, struct buf *out, struct fault *f) Q_CHECKED;

/* Every key whose label begins with "quoin". */
typedef enum q_err (*worker_key_each)(void *arg, const struct token_key *k);
enum q_err worker_keys(struct worker *w, worker_key_each each, void *arg,
    struct fault *f) Q_CHECKED;

#endif
