// SPDX-License-Identifier: Apache-2.0
/* C_Initialize to C_Finalize, sessions, login. */
#include "config.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/own.h"
#include "module/module.h"

/*
 * A forked child has the parent's memory but may share neither its
 * connections nor, if another thread held one, its locks: it begins anew
 * (PKCS #11 2.40 5.1.1, C_Initialize). It is known by its process id, since a
 * handler for fork could not be taken back when the module is unloaded.
 */
static struct {
	_Atomic pid_t owner;	/* the process that all this is of */
	atomic_bool up;		/* between C_Initialize and C_Finalize */
	pthread_mutex_t lock;	/* of the rest */
	pthread_cond_t idle;	/* calls became 0, or C_Finalize has ended */
	unsigned calls;		/* that C_Finalize has to wait for */
	bool ending;
	struct wire_client *client;
	OSSL_LIB_CTX *openssl;
	CK_SESSION_HANDLE last;
	size_t n;
	struct session **sessions;
	bool logged_in;
} state = { .lock = PTHREAD_MUTEX_INITIALIZER,
	.idle = PTHREAD_COND_INITIALIZER };

CK_RV
module_ready(void)
{
	return atomic_load(&state.owner) == getpid() &&
	    atomic_load(&state.up) ? CKR_OK : CKR_CRYPTOKI_NOT_INITIALIZED;
}

/* Locks, too, if it is OK. */
static CK_RV
lock_ready(void)
{
	CK_RV rv = module_ready();

	if (rv != CKR_OK)
		return rv;
	pthread_mutex_lock(&state.lock);
	rv = module_ready();
	if (rv != CKR_OK)
		pthread_mutex_unlock(&state.lock);
	return rv;
}

CK_RV
call_begin(void)
{
	CK_RV rv = lock_ready();

	if (rv != CKR_OK)
		return rv;
	state.calls++;
	pthread_mutex_unlock(&state.lock);
	return CKR_OK;
}

/* The lock is held. */
static void
call_ends(void)
{
	if (--state.calls == 0)
		pthread_cond_broadcast(&state.idle);
}

void
call_end(void)
{
	pthread_mutex_lock(&state.lock);
	call_ends();
	pthread_mutex_unlock(&state.lock);
}

struct wire_client *
module_client(void)
{
	return state.client;
}

OSSL_LIB_CTX *
module_openssl(void)
{
	return state.openssl;
}

void
operation_end(struct operation *op)
{
	EVP_MD_CTX_free(op->md);
	*op = (struct operation){ 0 };
}

static void
session_free(struct session *s)
{
	operation_end(&s->sign);
	operation_end(&s->verify);
	operation_end(&s->digest);
	free(s->found);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

CK_RV
session_get(CK_SESSION_HANDLE handle, struct session **ret_session)
{
	struct session *s = NULL;
	CK_RV rv = lock_ready();

	if (rv != CKR_OK)
		return rv;
	for (size_t i = 0; i < state.n; i++)
		if (state.sessions[i]->handle == handle)
			s = state.sessions[i];
	if (s != NULL) {
		s->users++;
		state.calls++;
	}
	pthread_mutex_unlock(&state.lock);
	if (s == NULL)
		return CKR_SESSION_HANDLE_INVALID;
	pthread_mutex_lock(&s->lock);
	*ret_session = s;
	return CKR_OK;
}

void
session_put(struct session *s)
{
	pthread_mutex_unlock(&s->lock);
	pthread_mutex_lock(&state.lock);
	if (--s->users == 0 && s->closed)
		session_free(s);
	call_ends();
	pthread_mutex_unlock(&state.lock);
}

/* Out of the table; who is in it frees it. The lock is held. */
static void
session_close(size_t i)
{
	struct session *s = state.sessions[i];

	state.sessions[i] = state.sessions[--state.n];
	if (state.n == 0)
		state.logged_in = false;
	s->closed = true;
	if (s->users == 0)
		session_free(s);
}

static CK_RV
arguments_check(const CK_C_INITIALIZE_ARGS *a)
{
	unsigned given;

	if (a == NULL)
		return CKR_OK;
	given = (a->CreateMutex != NULL) + (a->DestroyMutex != NULL) +
	    (a->LockMutex != NULL) + (a->UnlockMutex != NULL);
	if (a->pReserved != NULL || (given != 0 && given != 4))
		return CKR_ARGUMENTS_BAD;
	/* There are no other locks here than the system's. */
	return given == 4 && (a->flags & CKF_OS_LOCKING_OK) == 0 ?
	    CKR_CANT_LOCK : CKR_OK;
}

/* What the parent left is not ours to free: its locks may be held by threads
 * that are not here. Its connections are closed on this side. */
static void
forget(void)
{
	pthread_mutex_init(&state.lock, NULL);
	pthread_cond_init(&state.idle, NULL);
	atomic_store(&state.up, false);
	state.calls = 0;
	state.ending = false;
	wire_client_free(state.client);
	state.client = NULL;
	state.openssl = NULL;
	state.sessions = NULL;
	state.n = 0;
	state.logged_in = false;
	keys_forget();
}

/* Everything but what sessions are; the lock is held. */
static void
tear_down(void)
{
	wire_client_free(state.client);
	state.client = NULL;
	keys_free();
	OSSL_LIB_CTX_free(state.openssl);
	state.openssl = NULL;
}

CK_RV
C_Initialize(void *args)
{
	CK_RV rv = arguments_check(args);
	pid_t me = getpid(), was = atomic_load(&state.owner);

	if (rv != CKR_OK)
		return rv;
	if (was != 0 && was != me)
		forget();
	atomic_store(&state.owner, me);
	pthread_mutex_lock(&state.lock);
	while (state.ending)
		pthread_cond_wait(&state.idle, &state.lock);
	if (atomic_load(&state.up)) {
		rv = CKR_CRYPTOKI_ALREADY_INITIALIZED;
	} else {
		state.openssl = OSSL_LIB_CTX_new();
		rv = state.openssl == NULL ? CKR_HOST_MEMORY :
		    remote_open(&state.client);
		if (rv == CKR_OK)
			atomic_store(&state.up, true);
		else
			tear_down();
	}
	pthread_mutex_unlock(&state.lock);
	return rv;
}

/* Calls that other threads are in end first; no new one begins. */
CK_RV
C_Finalize(void *reserved)
{
	CK_RV rv = module_ready();

	if (rv != CKR_OK)
		return rv;
	if (reserved != NULL)
		return CKR_ARGUMENTS_BAD;
	rv = lock_ready();
	if (rv != CKR_OK)
		return rv;
	atomic_store(&state.up, false);
	state.ending = true;
	while (state.n != 0)
		session_close(state.n - 1);
	free(state.sessions);
	state.sessions = NULL;
	while (state.calls != 0)
		pthread_cond_wait(&state.idle, &state.lock);
	tear_down();
	state.ending = false;
	pthread_cond_broadcast(&state.idle);
	pthread_mutex_unlock(&state.lock);
	return CKR_OK;
}

static CK_RV
session_add(CK_FLAGS flags, CK_SESSION_HANDLE *ret_handle)
{
	struct session *s = calloc(1, sizeof(*s)), **grown = NULL;
	CK_RV rv;

	if (s == NULL)
		return CKR_HOST_MEMORY;
	pthread_mutex_init(&s->lock, NULL);
	s->flags = flags;
	rv = lock_ready();
	if (rv != CKR_OK) {
		session_free(s);
		return rv;
	}
	if (state.n < MODULE_SESSIONS)
		grown = realloc(state.sessions, (state.n + 1) *
		    sizeof(*grown));
	else
		rv = CKR_SESSION_COUNT;
	if (grown != NULL) {
		state.sessions = grown;
		grown[state.n++] = s;
		*ret_handle = s->handle = ++state.last;
	}
	pthread_mutex_unlock(&state.lock);
	if (grown != NULL)
		return CKR_OK;
	session_free(s);
	return rv != CKR_OK ? rv : CKR_HOST_MEMORY;
}

CK_RV
C_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, void *application,
    CK_NOTIFY notify, CK_SESSION_HANDLE *session)
{
	CK_RV rv = module_ready();

	(void)application;
	(void)notify;
	if (rv != CKR_OK)
		return rv;
	if (session == NULL)
		return CKR_ARGUMENTS_BAD;
	if (slot != MODULE_SLOT)
		return CKR_SLOT_ID_INVALID;
	if ((flags & CKF_SERIAL_SESSION) == 0)
		return CKR_SESSION_PARALLEL_NOT_SUPPORTED;
	return session_add(flags, session);
}

CK_RV
C_CloseSession(CK_SESSION_HANDLE session)
{
	CK_RV rv = lock_ready();

	if (rv != CKR_OK)
		return rv;
	rv = CKR_SESSION_HANDLE_INVALID;
	for (size_t i = 0; i < state.n && rv != CKR_OK; i++) {
		if (state.sessions[i]->handle != session)
			continue;
		session_close(i);
		rv = CKR_OK;
	}
	pthread_mutex_unlock(&state.lock);
	return rv;
}

CK_RV
C_CloseAllSessions(CK_SLOT_ID slot)
{
	CK_RV rv = lock_ready();

	if (rv != CKR_OK)
		return rv;
	if (slot != MODULE_SLOT)
		rv = CKR_SLOT_ID_INVALID;
	while (rv == CKR_OK && state.n != 0)
		session_close(state.n - 1);
	pthread_mutex_unlock(&state.lock);
	return rv;
}

static bool
logged_in(bool *set)
{
	bool was;

	pthread_mutex_lock(&state.lock);
	was = state.logged_in;
	if (set != NULL)
		state.logged_in = *set;
	pthread_mutex_unlock(&state.lock);
	return was;
}

CK_RV
C_GetSessionInfo(CK_SESSION_HANDLE session, CK_SESSION_INFO *info)
{
	struct session *s;
	CK_RV rv = session_get(session, &s);
	bool rw;

	if (rv != CKR_OK)
		return rv;
	rv = info == NULL ? CKR_ARGUMENTS_BAD : CKR_OK;
	if (rv == CKR_OK) {
		rw = (s->flags & CKF_RW_SESSION) != 0;
		*info = (CK_SESSION_INFO){ .slotID = MODULE_SLOT,
			.flags = s->flags };
		if (logged_in(NULL))
			info->state = rw ? CKS_RW_USER_FUNCTIONS :
			    CKS_RO_USER_FUNCTIONS;
		else
			info->state = rw ? CKS_RW_PUBLIC_SESSION :
			    CKS_RO_PUBLIC_SESSION;
	}
	session_put(s);
	return rv;
}

/*
 * signd knows the program by its user, which the kernel vouches for, so there
 * is no PIN, and the token says so (CKF_PROTECTED_AUTHENTICATION_PATH, no
 * CKF_LOGIN_REQUIRED). For programs that log in all the same, any PIN is
 * right; it is not looked at. Nothing is hidden from those that do not: keys
 * are not CKA_PRIVATE.
 */
CK_RV
C_Login(CK_SESSION_HANDLE session, CK_USER_TYPE user, CK_BYTE *pin,
    CK_ULONG pin_len)
{
	bool in = true;
	struct session *s;
	CK_RV rv = session_get(session, &s);

	(void)pin;
	(void)pin_len;
	if (rv != CKR_OK)
		return rv;
	if (user == CKU_CONTEXT_SPECIFIC)
		rv = CKR_OPERATION_NOT_INITIALIZED;
	else if (user != CKU_USER) /* there is no security officer here */
		rv = CKR_USER_TYPE_INVALID;
	else if (logged_in(&in))
		rv = CKR_USER_ALREADY_LOGGED_IN;
	session_put(s);
	return rv;
}

CK_RV
C_Logout(CK_SESSION_HANDLE session)
{
	bool out = false;
	struct session *s;
	CK_RV rv = session_get(session, &s);

	if (rv != CKR_OK)
		return rv;
	if (!logged_in(&out))
		rv = CKR_USER_NOT_LOGGED_IN;
	session_put(s);
	return rv;
}
