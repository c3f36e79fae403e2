// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "token/p11.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "token/rv.h"

#define SOFTHSM "SoftHSM"	/* CK_INFO.manufacturerID, padded */
#define SOFTHSM_TRIES 5
#define LOGIN_PAUSE_US 20000
#define AWAY_SECONDS 1
#define FAILURES_MAX 3
#define FRESH_MS 1000

/* How often a request does each thing before it fails, and the first of the
 * growing pauses before it is tried again. */
static const struct {
	unsigned times, pause_us;
} budgets[RV_ACTIONS] = {
	[RV_GIVE_UP] = { 0, 0 },
	[RV_RETRY] = { 3, 5000 },
	[RV_SESSION] = { 2, 0 },
	[RV_FIND] = { 1, 0 },
	[RV_LOGIN] = { 1, 0 },
	[RV_RESTART] = { 0, 0 },
};

static _Thread_local CK_SESSION_HANDLE my_session;

/* What C_Login alone may say says nothing about the PIN when another call
 * does. */
static CK_RV
other(CK_RV rv)
{
	return rv_row(rv)->code == Q_UNAUTH ? CKR_FUNCTION_FAILED : rv;
}

static enum q_err
rv_fault(struct fault *f, const char *what, CK_RV rv)
{
	const struct rv_row *row = rv_row(rv);

	if (rv == P11_NEAR_LOCKOUT)
		return fault_set(f, Q_WAIT, "the token has refused PINs and "
		    "may be locked, or by the next one; a person decides");
	return fault_retry(f, row->code,
	    row->code == Q_UNAVAIL || row->code == Q_BUSY ? AWAY_SECONDS : 0,
	    "%s: %s (0x%lx)", what, row->name, rv);
}

/* --- the start */

/* NSS's softokn takes text in the place of pReserved, and wants a NULL
 * behind the structure. */
static CK_RV
initialize(struct p11 *p, const char *init)
{
	struct {
		CK_C_INITIALIZE_ARGS args;
		void *end;
	} a = { { .flags = CKF_OS_LOCKING_OK,
		.pReserved = *init != '\0' ? (void *)(uintptr_t)init : NULL },
		NULL };

	return p->f->C_Initialize(&a);
}

static bool
is_softhsm(const struct p11 *p)
{
	CK_INFO info;

	return p->f->C_GetInfo(&info) == CKR_OK &&
	    strncmp((const char *)info.manufacturerID, SOFTHSM,
	    strlen(SOFTHSM)) == 0;
}

static enum q_err
module_load(const struct p11_conf *conf, struct p11 *p, struct fault *f)
{
	CK_RV (*get)(CK_FUNCTION_LIST **);
	void *so = dlopen(conf->module, RTLD_NOW | RTLD_LOCAL);
	CK_RV rv;

	if (so == NULL)
		return fault_set(f, Q_CONFIG, "module: %.180s", dlerror());
	*(void **)&get = dlsym(so, "C_GetFunctionList");
	if (get == NULL || get(&p->f) != CKR_OK)
		return fault_set(f, Q_CONFIG, "%.150s: no PKCS #11 module",
		    conf->module);
	rv = initialize(p, conf->init);
	if (rv != CKR_OK)
		return rv_fault(f, "C_Initialize", other(rv));
	p->login_tries = is_softhsm(p) ? SOFTHSM_TRIES : 1;
	return Q_OK;
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
		return rv_fault(f, "C_GetSlotList", other(rv));
	for (CK_ULONG i = 0; i < n; i++) {
		CK_TOKEN_INFO info;

		if (p->f->C_GetTokenInfo(slots[i], &info) != CKR_OK ||
		    !label_is(info.label, p->label))
			continue;
		p->slot = slots[i];
		p->flags = info.flags;
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

/* --- the login */

/* Whether the token says that PINs were refused lately. One that this daemon
 * remembers is no reason to wait, unless the next would be the last. */
static bool
near_lockout(const struct p11 *p, CK_FLAGS flags)
{
	CK_FLAGS bad = CKF_USER_PIN_FINAL_TRY | CKF_USER_PIN_LOCKED;

	if (p->try == TOKEN_TRY_CAREFUL)
		bad |= CKF_USER_PIN_COUNT_LOW;
	return p->try != TOKEN_TRY_DECIDED && (flags & bad) != 0;
}

/* Without an answer it is taken for logged in: the calls tell. */
static bool
logged_in(struct p11 *p, CK_SESSION_HANDLE session)
{
	CK_SESSION_INFO info;

	return p->f->C_GetSessionInfo(session, &info) != CKR_OK ||
	    info.state == CKS_RW_USER_FUNCTIONS ||
	    info.state == CKS_RO_USER_FUNCTIONS;
}

/* SoftHSM rewrites its token's file at every login, and another process that
 * starts meanwhile sees it half written: GENERAL_ERROR or
 * USER_PIN_NOT_INITIALIZED pass. Another module may have counted the PIN by
 * then, and is asked once. A wrong PIN is never tried again. */
static CK_RV
login(struct p11 *p, CK_SESSION_HANDLE session)
{
	CK_TOKEN_INFO info;
	CK_RV rv = CKR_OK;

	for (int i = 0; i < p->login_tries; i++) {
		if (i > 0)
			usleep(LOGIN_PAUSE_US << (i - 1));
		rv = other(p->f->C_GetTokenInfo(p->slot, &info));
		if (rv != CKR_OK)
			return rv;
		if ((info.flags & CKF_LOGIN_REQUIRED) == 0)
			return CKR_OK;
		if (near_lockout(p, info.flags))
			return P11_NEAR_LOCKOUT;
		if (p->trying != NULL)
			p->trying();
		rv = p->f->C_Login(session, CKU_USER, p->pin.p, p->pin.len);
		if (rv == CKR_USER_ALREADY_LOGGED_IN)
			return CKR_OK;
		if (rv != CKR_GENERAL_ERROR &&
		    rv != CKR_USER_PIN_NOT_INITIALIZED)
			return rv;
	}
	return rv;
}

/* Whoever comes first logs in again, for all sessions. The anchor may have
 * ended with them. Where it has not, its state tells whether there is need,
 * unless the token said so. */
static CK_RV
login_again(struct p11 *p, bool told)
{
	CK_SESSION_INFO info;
	CK_RV rv;
	bool gone;

	pthread_mutex_lock(&p->lock);
	rv = p->f->C_GetSessionInfo(p->anchor, &info);
	gone = rv != CKR_OK;
	if (gone)
		rv = other(session_open(p, &p->anchor));
	if (rv == CKR_OK &&
	    (gone || told || info.state != CKS_RW_USER_FUNCTIONS))
		rv = login(p, p->anchor);
	/* A PIN that the token takes no more must not be tried again. */
	if (rv == P11_NEAR_LOCKOUT || rv_row(rv)->code == Q_UNAUTH) {
		struct fault f = { 0 };
		enum q_err code = rv_fault(&f, "C_Login", rv);

		if (p->lost != NULL)
			p->lost(code, &f);
	}
	pthread_mutex_unlock(&p->lock);
	return rv;
}

enum q_err
p11_open(const struct p11_conf *conf, struct secret *pin,
    struct p11 *ret_p11, struct fault *f)
{
	struct p11 *p = ret_p11;
	enum q_err r;
	CK_RV rv;

	*p = (struct p11){ .pin = *pin, .try = conf->try,
		.trying = conf->trying,
		.since = clock_mono_ms() };
	*pin = (struct secret){ 0 };
	if (strlen(conf->label) > TOKEN_LABEL_MAX)
		return fault_set(f, Q_CONFIG, "token label too long");
	memcpy(p->label, conf->label, strlen(conf->label));
	pthread_rwlock_init(&p->manage, NULL);
	pthread_mutex_init(&p->lock, NULL);
	pthread_mutex_init(&p->shared, NULL);
	pthread_mutex_init(&p->handles.lock, NULL);
	r = module_load(conf, p, f);
	if (r == Q_OK)
		r = slot_find(p, f);
	if (r != Q_OK)
		return r;
	rv = session_open(p, &p->anchor);
	if (rv != CKR_OK)
		return rv_fault(f, "C_OpenSession", other(rv));
	rv = login(p, p->anchor);
	if (rv != CKR_OK)
		return rv_fault(f, "C_Login", rv);
	/* A person's decision counts once. */
	p->try = TOKEN_TRY_CAREFUL;
	p->trying = NULL;
	return Q_OK;
}

void
p11_close(struct p11 *p)
{
	if (p->f != NULL)
		p->f->C_Finalize(NULL);
	secret_free(&p->pin);
}

/* --- requests */

/* Call with this thread's session, or, where the token has no more, with the
 * one that is everybody's. */
static CK_RV
attempt(struct p11 *p, p11_work work, void *arg)
{
	CK_RV rv = CKR_OK;

	if (my_session == CK_INVALID_HANDLE)
		rv = session_open(p, &my_session);
	if (rv == CKR_OK)
		return work(p, my_session, arg);
	my_session = CK_INVALID_HANDLE;
	if (rv != CKR_SESSION_COUNT)
		return rv;
	pthread_mutex_lock(&p->shared);
	rv = work(p, p->anchor, arg);
	pthread_mutex_unlock(&p->shared);
	return rv;
}

/* Not found, by somebody who may not see it: all sessions ended, and the
 * login with them. */
static bool
is_blind(struct p11 *p)
{
	return !logged_in(p, my_session != CK_INVALID_HANDLE ? my_session :
	    p->anchor) && (p->flags & CKF_LOGIN_REQUIRED) != 0;
}

static CK_RV
act(struct p11 *p, enum rv_action action)
{
	if (action == RV_FIND)
		p11_forget_last(p);
	if (action == RV_LOGIN)
		return login_again(p, true);
	if (action == RV_SESSION) {
		/* An operation that was left active must not meet the next
		 * request, so the old session goes. */
		if (my_session != CK_INVALID_HANDLE)
			p->f->C_CloseSession(my_session);
		my_session = CK_INVALID_HANDLE;
		return login_again(p, false);
	}
	return CKR_OK;
}

/* Try, act, try again, each within its budget. */
static CK_RV
persist(struct p11 *p, p11_work work, void *arg)
{
	unsigned done[RV_ACTIONS] = { 0 };

	for (;;) {
		CK_RV rv = other(attempt(p, work, arg)), acted;
		enum rv_action action;

		if (rv == P11_NO_SUCH_KEY && is_blind(p))
			rv = CKR_USER_NOT_LOGGED_IN;
		if (rv == CKR_OK || rv == P11_NO_SUCH_KEY)
			return rv;
		action = rv_row(rv)->action;
		if (done[action] == budgets[action].times)
			return rv;
		usleep(budgets[action].pause_us << 2 * done[action]);
		done[action]++;
		acted = act(p, action);
		if (acted != CKR_OK)
			return acted;
	}
}

/* Whether the token is there at all: SoftHSM finds no key in a token whose
 * folder is gone. */
static bool
token_there(struct p11 *p)
{
	CK_TOKEN_INFO info;

	return p->f->C_GetTokenInfo(p->slot, &info) == CKR_OK;
}

/* Only another process can help: SoftHSM's token stays lost to one that
 * missed it. */
static enum q_err
give_up(struct p11 *p, enum q_err code, struct fault *f)
{
	if (p->lost != NULL)
		p->lost(code, f);
	return code;
}

/* A call's time in p->busy, by a slot that is the thread's for good. */
static atomic_llong *
busy_slot(struct p11 *p)
{
	static atomic_uint next;
	static _Thread_local unsigned mine;

	if (mine == 0)
		mine = 1 + atomic_fetch_add(&next, 1) % P11_THREADS_MAX;
	return &p->busy[mine - 1];
}

/* Whether what is wrong may be this process, and not the token: some have a
 * connection that does not come back (a TPM's), or keys that stay loaded until
 * there is room for no other. A new one is no worse for a second. */
static bool
is_stale(struct p11 *p)
{
	return clock_mono_ms() - p->since > FRESH_MS ||
	    atomic_fetch_add(&p->failures, 1) + 1 >= FAILURES_MAX;
}

/* What the caller gets, after a request that failed. */
static enum q_err
failed(struct p11 *p, CK_RV rv, struct fault *f)
{
	struct fault own = { 0 };

	if (f == NULL)
		f = &own;
	if (!token_there(p))
		return give_up(p, fault_retry(f, Q_UNAVAIL, AWAY_SECONDS,
		    "the token is away"), f);
	if (rv == P11_NO_SUCH_KEY)
		return fault_set(f, Q_NOTFOUND, "no such key in the token");
	rv_fault(f, "token", rv);
	if (rv_row(rv)->action == RV_RESTART ||
	    (f->code == Q_UNAVAIL && is_stale(p)))
		return give_up(p, f->code, f);
	return f->code;
}

enum q_err
p11_run_slow(struct p11 *p, p11_work work, void *arg, struct fault *f)
{
	CK_RV rv = persist(p, work, arg);

	if (rv != CKR_OK)
		return failed(p, rv, f);
	atomic_store_explicit(&p->failures, 0, memory_order_relaxed);
	return Q_OK;
}

enum q_err
p11_run(struct p11 *p, p11_work work, void *arg, struct fault *f)
{
	atomic_llong *busy = busy_slot(p);
	enum q_err r;

	atomic_store_explicit(busy, clock_mono_ms(), memory_order_relaxed);
	r = p11_run_slow(p, work, arg, f);
	atomic_store_explicit(busy, 0, memory_order_relaxed);
	return r;
}

/* The token's random numbers do not come from the module's memory. */
static CK_RV
ping_work(struct p11 *p, CK_SESSION_HANDLE session, void *arg)
{
	CK_BYTE byte;
	CK_TOKEN_INFO info;
	CK_RV rv = p->f->C_GetTokenInfo(p->slot, &info);

	(void)arg;
	if (rv == CKR_OK && !logged_in(p, session) &&
	    (info.flags & CKF_LOGIN_REQUIRED) != 0)
		return CKR_USER_NOT_LOGGED_IN;
	if (rv == CKR_OK && (info.flags & CKF_RNG) != 0)
		rv = p->f->C_GenerateRandom(session, &byte, 1);
	return rv;
}

static uint32_t
since(const atomic_llong *begin, int64_t now)
{
	int64_t at = atomic_load_explicit(begin, memory_order_relaxed);

	return at == 0 || at > now ? 0 : (uint32_t)(now - at);
}

enum q_err
p11_ping(struct p11 *p, uint32_t *ret_oldest, uint32_t *ret_slow,
    struct fault *f)
{
	CK_RV rv = persist(p, ping_work, NULL);
	int64_t now = clock_mono_ms();

	if (rv != CKR_OK && (!token_there(p) ||
	    rv_row(rv)->action == RV_RESTART ||
	    (rv_row(rv)->code == Q_UNAVAIL && is_stale(p))))
		return give_up(p, rv_fault(f, "heartbeat", rv), f);
	if (rv != CKR_OK)
		return rv_fault(f, "heartbeat", rv);
	*ret_slow = since(&p->slow, now);
	*ret_oldest = 0;
	for (size_t i = 0; i < P11_THREADS_MAX; i++)
		if (since(&p->busy[i], now) > *ret_oldest)
			*ret_oldest = since(&p->busy[i], now);
	return Q_OK;
}
