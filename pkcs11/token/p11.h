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
#define P11_THREADS_MAX 256

struct p11 {
	CK_FUNCTION_LIST *f;
	CK_SLOT_ID slot;
	CK_FLAGS flags;		/* of the token's info, at the start */
	CK_SESSION_HANDLE anchor;
	int login_tries;	/* of one login */
	struct secret pin;
	enum token_try try;
	void (*trying)(void);
	char label[TOKEN_LABEL_MAX + 1];
	/* Searching and making or destroying objects shut each other out
	 * (SoftHSM reads what it writes half way); signatures go on. */
	pthread_rwlock_t manage;
	pthread_mutex_t lock;	/* of the login */
	pthread_mutex_t shared;	/* of the anchor, where sessions are few */
	struct p11_handles {
		pthread_mutex_t lock; /* of the rest */
		struct p11_handle *slots;
		size_t n, cap;
	} handles;
	int64_t since;		/* when this began, in milliseconds */
	atomic_uint failures;	/* in a row */
	/* When each thread's call began, in milliseconds; 0: there is none. */
	atomic_llong busy[P11_THREADS_MAX], slow;
	/* Called when only a new process can help, and does not return. NULL:
	 * the request fails like any other. */
	void (*lost)(enum q_err code, const struct fault *f);
};

struct p11_handle {
	uint8_t id[P11_ID_BYTES];
	CK_OBJECT_CLASS class;
	CK_OBJECT_HANDLE handle; /* CK_INVALID_HANDLE: forgotten */
};

struct p11_conf {
	const char *module, *label;
	const char *init;	/* for C_Initialize; empty: nothing */
	enum token_try try;
	void (*trying)(void);	/* called before the PIN is; may be NULL */
};

/* Load the module, find the token by its label, log in. UNAUTH: the PIN is
 * wrong, never to be tried again with the same; WAIT: it was not tried,
 * because the token is near its lock-out. pin is moved. */
enum q_err p11_open(const struct p11_conf *conf, struct secret *pin,
    struct p11 *ret_p11, struct fault *f) Q_CHECKED;

/* C_Finalize. The process ends with _exit afterwards: destructors of
 * modules and atexit handlers of libcrypto crash in the wrong order. */
void p11_close(struct p11 *p);

/* One request's work: called with a session, and again after what rv_row
 * says about its result. */
typedef CK_RV (*p11_work)(struct p11 *p, CK_SESSION_HANDLE session,
    void *arg);

/* Do it; the error of the final CK_RV, with its name in f. UNAVAIL with an
 * advice when the token is away. p11_run_slow is for what may take long: an
 * RSA key is being made, and the caller has noted in p->slow since when. */
typedef enum q_err p11_runner(struct p11 *p, p11_work work, void *arg,
    struct fault *f) Q_CHECKED;
p11_runner p11_run, p11_run_slow;

/* A cheap call that the token itself must answer, and the milliseconds that
 * the oldest other call has taken so far, slow ones apart. */
enum q_err p11_ping(struct p11 *p, uint32_t *ret_oldest, uint32_t *ret_slow,
    struct fault *f) Q_CHECKED;

/* handles.c */

/* The object of this class with that id, remembered. */
CK_RV p11_find(struct p11 *p, CK_SESSION_HANDLE session,
    const uint8_t id[P11_ID_BYTES], CK_OBJECT_CLASS class,
    CK_OBJECT_HANDLE *ret_handle);

/* All objects that match, at most cap. The second is for those who hold
 * `manage` already. */
struct p11_found {
	CK_OBJECT_HANDLE *h;
	CK_ULONG cap, n;
};
CK_RV p11_search(struct p11 *p, CK_SESSION_HANDLE session,
    CK_ATTRIBUTE *match, CK_ULONG n_match, struct p11_found *found);
CK_RV p11_search_alone(struct p11 *p, CK_SESSION_HANDLE session,
    CK_ATTRIBUTE *match, CK_ULONG n_match, struct p11_found *found);

/* Remember a handle; forget what this thread found last, one id, or (NULL)
 * everything. */
void p11_keep(struct p11 *p, const uint8_t id[P11_ID_BYTES],
    CK_OBJECT_CLASS class, CK_OBJECT_HANDLE handle);
void p11_forget_last(struct p11 *p);
void p11_forget(struct p11 *p, const uint8_t *id);

/* OBJECT_HANDLE_INVALID for a handle that has become another object's. */
CK_RV p11_same(struct p11 *p, CK_SESSION_HANDLE session,
    CK_OBJECT_HANDLE handle, const uint8_t id[P11_ID_BYTES]);

/* What a search that found nothing returns; and a login that was not tried
 * because the token is near its lock-out. */
#define P11_NO_SUCH_KEY (CKR_VENDOR_DEFINED | 0x514e0001UL)
#define P11_NEAR_LOCKOUT (CKR_VENDOR_DEFINED | 0x514e0002UL)

#endif
