// SPDX-License-Identifier: Apache-2.0
#ifndef SIGND_WORKER_H
#define SIGND_WORKER_H

#include "base/buf.h"
#include "base/conf.h"
#include "token/token_ops.h"

/*
 * The token worker as seen from signd: started, watched, killed when a call
 * takes longer than the configured deadline, started again with growing
 * pauses. While it is away every call returns UNAVAIL at once.
 */
struct worker;

struct worker_state {
	bool up;
	uint32_t restarts;
	char reason[200]; /* why it is not up */
};

/* Start watching. `up` is called from the watching thread each time a worker
 * has logged in, before other threads may use it; an error of it counts as a
 * failed start. conf must outlive the worker; launcher is that of
 * launcher_start. */
enum q_err worker_start(const struct conf *conf, int launcher,
    enum q_err (*up)(void *ctx, struct fault *f), void *ctx,
    struct worker **ret_worker, struct fault *f) Q_CHECKED;

/* Kill the process and end the thread. */
void worker_stop(struct worker *w);

/* A wrong PIN stops all starting until somebody says that it is right now. */
void worker_pin_again(struct worker *w);

void worker_state(struct worker *w, struct worker_state *ret_state);

/* One function per op of the worker; outputs are appended to the buf. NOTFOUND
 * for a key that is not in the token. */
enum q_err worker_status(struct worker *w, struct fault *f) Q_CHECKED;
enum q_err worker_keygen(struct worker *w, const char *id, const char *label,
    enum token_kind kind, struct fault *f) Q_CHECKED;
enum q_err worker_destroy(struct worker *w, const char *id,
    struct fault *f) Q_CHECKED;

/* SubjectPublicKeyInfo, DER. */
enum q_err worker_public(struct worker *w, const char *id, struct buf *out,
    struct fault *f) Q_CHECKED;
enum q_err worker_sign(struct worker *w, const char *id, enum token_mech mech,
    struct bytes data, struct buf *out, struct fault *f) Q_CHECKED;

/* ECDSA over SHA-256 digests, one behind the other, at most TOKEN_MANY_MAX:
 * as many times r || s. */
enum q_err worker_sign_many(struct worker *w, const char *id,
    struct bytes digests, struct buf *out, struct fault *f) Q_CHECKED;

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
