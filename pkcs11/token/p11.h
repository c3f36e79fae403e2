// SPDX-License-Identifier: Apache-2.0
#ifndef TOKEN_P11_H
#define TOKEN_P11_H

/*
 * The PKCS #11 module, one token of it, and what brings it back when a call
 * fails. Log in once, keep one session for each thread and one that nobody
 * uses (the last session to close would log us out), remember handles: a
 * search costs SoftHSM 20 ms at 1,000 keys, a signature 0.05.
 */

#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/err.h"
#include "base/secret.h"
#include "token/token_ops.h"

#define P11_ID_BYTES 8

struct p11 {
	CK_FUNCTION_LIST *f;
	CK_SLOT_ID slot;
	CK_SESSION_HANDLE anchor;
	struct secret pin;
	char label[TOKEN_LABEL_MAX + 1];
	/* Making and destroying keys is for one thread at a time, and nothing
	 * else goes on meanwhile (SoftHSM races there). */
	pthread_rwlock_t manage;
	pthread_mutex_t lock; /* of the login and the handles */
	struct p11_handle *handles;
	size_t n_handles;
	/* Set when only a new process can help. */
	int restart_event;
};

struct p11_handle {
	uint8_t id[P11_ID_BYTES];
	CK_OBJECT_CLASS class;
	CK_OBJECT_HANDLE handle;
};

/* Load the module, find the token by its label, log in. UNAUTH: the PIN is
 * wrong, never to be tried again with the same. pin is moved. */
enum q_err p11_open(const char *module, const char *label,
    struct secret *pin, struct p11 *ret_p11, struct fault *f) Q_CHECKED;

/* C_Finalize. The process ends with _exit afterwards: destructors of
 * modules and atexit handlers of libcrypto crash in the wrong order. */
void p11_close(struct p11 *p);

/* One request's work: called with this thread's session, and again after
 * what rv_row says about its result. */
typedef CK_RV (*p11_work)(struct p11 *p, CK_SESSION_HANDLE session,
    void *arg);

/* Do it; the error of the final CK_RV, with its name in f. UNAVAIL with an
 * advice when the token is away. */
enum q_err p11_run(struct p11 *p, p11_work work, void *arg,
    struct fault *f) Q_CHECKED;

/* The object of this class with that id, remembered. */
CK_RV p11_find(struct p11 *p, CK_SESSION_HANDLE session,
    const uint8_t id[P11_ID_BYTES], CK_OBJECT_CLASS class,
    CK_OBJECT_HANDLE *ret_handle);

/* All objects that match, at most cap. */
struct p11_found {
	CK_OBJECT_HANDLE *h;
	CK_ULONG cap, n;
};
CK_RV p11_search(struct p11 *p, CK_SESSION_HANDLE session,
    CK_ATTRIBUTE *match, CK_ULONG n_match, struct p11_found *found);

/* Forget what p11_find remembers. */
void p11_forget(struct p11 *p);

/* What a search that found nothing returns. */
#define P11_NO_SUCH_KEY (CKR_VENDOR_DEFINED | 0x514e0001UL)

#endif
