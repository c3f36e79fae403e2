// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "token/p11.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/own.h"
#include "token/rv.h"

#define LOGIN_TRIES 5
#define LOGIN_PAUSE_US 20000
#define AWAY_SECONDS 2

static _Thread_local CK_SESSION_HANDLE my_session;

static enum q_err
rv_fault(struct fault *f, const char *what, CK_RV rv)
{
	const struct rv_row *row = rv_row(rv);

	return fault_retry(f, row->code,
	    row->code == Q_UNAVAIL ? AWAY_SECONDS : 0, "%s: %s (0x%lx)", what,
	    row->name, rv);
}

static enum q_err
module_load(const char *path, struct p11 *p, struct fault *f)
{
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	CK_RV (*get)(CK_FUNCTION_LIST **);
	void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	CK_RV rv;

	if (so == NULL)
		return fault_set(f, Q_CONFIG, "module: %.180s", dlerror());
	*(void **)&get = dlsym(so, "C_GetFunctionList");
	if (get == NULL || get(&p->f) != CKR_OK)
		return fault_set(f, Q_CONFIG, "%.150s: no PKCS #11 module",
		    path);
	rv = p->f->C_Initialize(&args);
	return rv == CKR_OK ? Q_OK : rv_fault(f, "C_Initialize", rv);
}

/* Token labels are 32 bytes padded with blanks. */
static bool
label_is(const unsigned char have[TOKEN_LABEL_MAX], const char *want)
{
	size_t n = strlen(want);

	if (n > TOKEN_LABEL_MAX || memcmp(have, want, n) != 0)
		return false;
	while (n < TOKEN_LABEL_MAX)
		if (have[n++] != ' ')
			return false;
	return true;
}

static enum q_err
slot_find(struct p11 *p, struct fault *f)
{
	CK_SLOT_ID slots[64];
	CK_ULONG n = ARRAY_LEN(slots);
	CK_RV rv = p->f->C_GetSlotList(CK_TRUE, slots, &n);

	if (rv != CKR_OK)
		return rv_fault(f, "C_GetSlotList", rv);
	for (CK_ULONG i = 0; i < n; i++) {
		CK_TOKEN_INFO info;

		if (p->f->C_GetTokenInfo(slots[i], &info) != CKR_OK ||
		    !label_is(info.label, p->label))
			continue;
		p->slot = slots[i];
		return Q_OK;
	}
	return fault_retry(f, Q_UNAVAIL, AWAY_SECONDS,
	    "no token is labelled %s", p->label);
}

static CK_RV
session_open(struct p11 *p, CK_SESSION_HANDLE *ret_session)
{
	return p->f->C_OpenSession(p->slot,
	    CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, ret_session);
}

/* SoftHSM rewrites its token's file at every login, and another process that
 * starts meanwhile sees it half written: GENERAL_ERROR or
 * USER_PIN_NOT_INITIALIZED pass. A wrong PIN is never tried again. */
static CK_RV
login(struct p11 *p, CK_SESSION_HANDLE session)
{
	CK_RV rv = CKR_OK;

	for (int i = 0; i < LOGIN_TRIES; i++) {
		rv = p->f->C_Login(session, CKU_USER, p->pin.p, p->pin.len);
		if (rv == CKR_USER_ALREADY_LOGGED_IN)
			return CKR_OK;
		if (rv != CKR_GENERAL_ERROR &&
		    rv != CKR_USER_PIN_NOT_INITIALIZED)
			return rv;
		usleep(LOGIN_PAUSE_US << i);
	}
	return rv;
}

enum q_err
p11_open(const char *module, const char *label, struct secret *pin,
    struct p11 *ret_p11, struct fault *f)
{
	struct p11 *p = ret_p11;
	enum q_err r;
	CK_RV rv;

	*p = (struct p11){ .pin = *pin, .restart_event = -1 };
	*pin = (struct secret){ 0 };
	if (strlen(label) > TOKEN_LABEL_MAX)
		return fault_set(f, Q_CONFIG, "token label too long");
	memcpy(p->label, label, strlen(label));
	pthread_rwlock_init(&p->manage, NULL);
	pthread_mutex_init(&p->lock, NULL);
	r = module_load(module, p, f);
	if (r == Q_OK)
		r = slot_find(p, f);
	if (r != Q_OK)
		return r;
	rv = session_open(p, &p->anchor);
	if (rv != CKR_OK)
		return rv_fault(f, "C_OpenSession", rv);
	rv = login(p, p->anchor);
	return rv == CKR_OK ? Q_OK : rv_fault(f, "C_Login", rv);
}

void
p11_close(struct p11 *p)
{
	if (p->f != NULL)
		p->f->C_Finalize(NULL);
	secret_free(&p->pin);
}

void
p11_forget(struct p11 *p)
{
	pthread_mutex_lock(&p->lock);
	p->n_handles = 0;
	pthread_mutex_unlock(&p->lock);
}

static CK_OBJECT_HANDLE
handle_known(struct p11 *p, const uint8_t id[P11_ID_BYTES],
    CK_OBJECT_CLASS class)
{
	CK_OBJECT_HANDLE h = CK_INVALID_HANDLE;

	pthread_mutex_lock(&p->lock);
	for (size_t i = 0; i < p->n_handles; i++)
		if (p->handles[i].class == class &&
		    memcmp(p->handles[i].id, id, P11_ID_BYTES) == 0)
			h = p->handles[i].handle;
	pthread_mutex_unlock(&p->lock);
	return h;
}

static void
handle_keep(struct p11 *p, const uint8_t id[P11_ID_BYTES],
    CK_OBJECT_CLASS class, CK_OBJECT_HANDLE handle)
{
	struct p11_handle *grown;

	pthread_mutex_lock(&p->lock);
	grown = realloc(p->handles, (p->n_handles + 1) * sizeof(*grown));
	if (grown != NULL) {
		p->handles = grown;
		grown[p->n_handles].class = class;
		grown[p->n_handles].handle = handle;
		memcpy(grown[p->n_handles].id, id, P11_ID_BYTES);
		p->n_handles++;
	}
	pthread_mutex_unlock(&p->lock);
}

CK_RV
p11_search(struct p11 *p, CK_SESSION_HANDLE session, CK_ATTRIBUTE *match,
    CK_ULONG n_match, struct p11_found *found)
{
	CK_RV rv = p->f->C_FindObjectsInit(session, match, n_match), end;

	if (rv != CKR_OK)
		return rv;
	rv = p->f->C_FindObjects(session, found->h, found->cap, &found->n);
	end = p->f->C_FindObjectsFinal(session);
	return rv != CKR_OK ? rv : end;
}

CK_RV
p11_find(struct p11 *p, CK_SESSION_HANDLE session,
    const uint8_t id[P11_ID_BYTES], CK_OBJECT_CLASS class,
    CK_OBJECT_HANDLE *ret_handle)
{
	uint8_t copy[P11_ID_BYTES];
	CK_ATTRIBUTE match[] = {
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_ID, copy, sizeof(copy) },
	};
	CK_OBJECT_HANDLE h = handle_known(p, id, class);
	struct p11_found found = { &h, 1, 0 };
	CK_RV rv;

	if (h == CK_INVALID_HANDLE) {
		memcpy(copy, id, sizeof(copy));
		rv = p11_search(p, session, match, ARRAY_LEN(match), &found);
		if (rv != CKR_OK)
			return rv;
		if (found.n == 0)
			return P11_NO_SUCH_KEY;
		handle_keep(p, id, class, h);
	}
	*ret_handle = h;
	return CKR_OK;
}

static CK_RV
act(struct p11 *p, enum rv_action action)
{
	uint64_t one = 1;
	CK_RV rv = CKR_OK;

	switch (action) {
	case RV_GIVE_UP:
	case RV_RETRY:
		return CKR_OK;
	case RV_SESSION:
		/* An operation that was left active must not meet the next
		 * request, so the old session goes. */
		p->f->C_CloseSession(my_session);
		my_session = CK_INVALID_HANDLE;
		return CKR_OK;
	case RV_FIND:
		p11_forget(p);
		return CKR_OK;
	case RV_LOGIN:
		pthread_mutex_lock(&p->lock);
		rv = login(p, p->anchor);
		pthread_mutex_unlock(&p->lock);
		return rv;
	case RV_RESTART:
		if (write(p->restart_event, &one, sizeof(one)) < 0)
			log_fatal("cannot ask for the end");
		return CKR_OK;
	}
	return CKR_OK;
}

/* Whether the token is there at all: SoftHSM finds no key in a token whose
 * folder is gone. */
static bool
token_there(struct p11 *p)
{
	CK_TOKEN_INFO info;

	return p->f->C_GetTokenInfo(p->slot, &info) == CKR_OK;
}

enum q_err
p11_run(struct p11 *p, p11_work work, void *arg, struct fault *f)
{
	unsigned tried = 0;
	CK_RV rv;

	for (;;) {
		const struct rv_row *row;

		rv = my_session != CK_INVALID_HANDLE ? CKR_OK :
		    session_open(p, &my_session);
		if (rv == CKR_OK)
			rv = work(p, my_session, arg);
		if (rv == CKR_OK)
			return Q_OK;
		if (rv == P11_NO_SUCH_KEY)
			break;
		row = rv_row(rv);
		if ((tried & 1u << row->action) != 0 ||
		    row->action == RV_GIVE_UP || act(p, row->action) != CKR_OK ||
		    row->action == RV_RESTART)
			break;
		tried |= 1u << row->action;
	}
	if (!token_there(p)) {
		/* SoftHSM's token stays lost to a process that missed it. */
		(void)act(p, RV_RESTART);
		return fault_retry(f, Q_UNAVAIL, AWAY_SECONDS,
		    "the token is away");
	}
	if (rv == P11_NO_SUCH_KEY)
		return fault_set(f, Q_NOTFOUND, "no such key in the token");
	return rv_fault(f, "token", rv);
}
