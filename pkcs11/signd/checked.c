// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "signd/checked.h"

#include "base/own.h"

#define TRIES 2

/* One way to have signatures made, and to look at them. */
struct job {
	const struct key *key;
	const struct sign_shape *shape;	/* or: */
	struct bytes digests;
};

static enum q_err
make(struct worker *w, const struct job *j, struct buf *raw, struct fault *f)
{
	if (j->shape == NULL)
		return worker_sign_many(w, j->key->id, j->digests, raw, f);
	return worker_sign(w, j->key->id, j->shape->token,
	    (struct bytes){ j->shape->data, j->shape->len }, raw, f);
}

static enum q_err
check(const struct job *j, const struct buf *raw)
{
	struct sign_shape shape;
	enum q_err r = Q_OK;

	if (j->shape != NULL)
		return sign_shape_verify(j->shape, j->key->pkey,
		    buf_bytes(raw));
	for (size_t i = 0; r == Q_OK && i < raw->len / TOKEN_ECDSA_LEN; i++) {
		r = sign_shape_make(SIGND_ECDSA, (struct bytes){
			j->digests.p + i * TOKEN_DIGEST_LEN,
			TOKEN_DIGEST_LEN }, &shape, NULL);
		if (r == Q_OK)
			r = sign_shape_verify(&shape, j->key->pkey,
			    (struct bytes){ raw->p + i * TOKEN_ECDSA_LEN,
			    TOKEN_ECDSA_LEN });
	}
	return r;
}

/* A wrong handle is looked up again; whatever else makes a token sign wrongly
 * is the module's, and may end with its process. */
static enum q_err
run(struct signd *s, const struct job *j, struct buf *out, struct fault *f)
{
	struct worker *w = signd_worker(s, j->key);

	for (int i = 0; i < TRIES; i++) {
		AUTO_BUF struct buf raw = BUF_INIT(TOKEN_MANY_MAX *
		    TOKEN_SIG_MAX);
		enum q_err r = make(w, j, &raw, f);

		if (r == Q_NOTFOUND)
			return fault_retry(f, Q_UNAVAIL, 5,
			    "key %s is not in the token", j->key->id);
		if (r != Q_OK)
			return r;
		if (check(j, &raw) == Q_OK) {
			buf_put(out, raw.p, raw.len);
			return out->bad ? Q_NOMEM : Q_OK;
		}
		r = worker_forget(w, j->key->id, f);
		if (r != Q_OK)
			return r;
	}
	worker_restart(w, "gives wrong signatures");
	return fault_retry(f, Q_UNAVAIL, 1,
	    "the token's signature does not verify");
}

enum q_err
checked_sign(struct signd *s, const struct key *k,
    const struct sign_shape *shape, struct buf *out, struct fault *f)
{
	return run(s, &(struct job){ k, shape, { NULL, 0 } }, out, f);
}

enum q_err
checked_sign_many(struct signd *s, const struct key *k,
    struct bytes digests, struct buf *out, struct fault *f)
{
	return run(s, &(struct job){ k, NULL, digests }, out, f);
}
