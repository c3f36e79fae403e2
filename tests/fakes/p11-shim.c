// SPDX-License-Identifier: Apache-2.0
/* A PKCS #11 module that hands every call on to another module, and makes
 * faults on the way: p11-shim.h. Without $QUOIN_SHIM there are none. */
#include "config.h"

#include "tests/fakes/p11-shim.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#define KEYS_SEEN 8

static CK_FUNCTION_LIST list;
static CK_FUNCTION_LIST *real;
static struct shim_map *map;
static CK_SLOT_ID last_slot;

/* Keys that were signed with: what swap takes another from. */
static pthread_mutex_t seen_lock = PTHREAD_MUTEX_INITIALIZER;
static CK_OBJECT_HANDLE seen[KEYS_SEEN];
static size_t n_seen;

static void
seen_add(CK_OBJECT_HANDLE key)
{
	bool known = false;

	pthread_mutex_lock(&seen_lock);
	for (size_t i = 0; i < n_seen; i++)
		known |= seen[i] == key;
	if (!known && n_seen < KEYS_SEEN)
		seen[n_seen++] = key;
	pthread_mutex_unlock(&seen_lock);
}

static CK_OBJECT_HANDLE
seen_other(CK_OBJECT_HANDLE key)
{
	CK_OBJECT_HANDLE other = key;

	pthread_mutex_lock(&seen_lock);
	for (size_t i = 0; i < n_seen; i++)
		if (seen[i] != key)
			other = seen[i];
	pthread_mutex_unlock(&seen_lock);
	return other;
}

/* One use of a fault, unless it is used up. */
static bool
take(struct shim_fault *f)
{
	int left = atomic_load(&f->left);

	while (left > 0)
		if (atomic_compare_exchange_weak(&f->left, &left, left - 1))
			return true;
	return left == SHIM_FOR_EVER;
}

/* Whether a fault of this kind can be had in this call. */
static bool
fits(const struct shim_fault *f, enum shim_call call)
{
	if (f->kind == SHIM_KIND_swap)
		return n_seen > 1;
	if (f->kind == SHIM_KIND_maker)
		return call == SHIM_C_GetInfo;
	return f->kind != SHIM_KIND_flags || call == SHIM_C_GetTokenInfo;
}

/* What a call meets before it is made: zeros, or a copy of its fault. */
struct met {
	enum shim_kind kind;
	CK_ULONG arg;
};

static void
sleep_ms(CK_ULONG ms)
{
	struct timespec ts = { (time_t)(ms / 1000),
		(long)(ms % 1000) * 1000000 };

	nanosleep(&ts, NULL);
}

static struct met
find(enum shim_call call)
{
	if (map == NULL)
		return (struct met){ SHIM_KIND_none, 0 };
	atomic_fetch_add(&map->calls[call], 1);
	for (size_t i = 0; i < SHIM_FAULTS; i++) {
		struct shim_fault *f = &map->faults[i];

		if (atomic_load(&f->left) == 0 ||
		    (f->call != call && f->call != SHIM_ANY) ||
		    !fits(f, call) || !take(f))
			continue;
		atomic_fetch_add(&f->hits, 1);
		atomic_fetch_add(&map->hits[call], 1);
		return (struct met){ (enum shim_kind)f->kind,
			(CK_ULONG)f->arg };
	}
	return (struct met){ SHIM_KIND_none, 0 };
}

/* Kinds that come before the call, whatever it is. */
static struct met
before(enum shim_call call, CK_SESSION_HANDLE session)
{
	struct met m = find(call);

	switch (m.kind) {
	case SHIM_KIND_delay:
		sleep_ms(m.arg);
		break;
	case SHIM_KIND_hang:
		for (;;)
			pause();
	case SHIM_KIND_crash:
		abort();
	case SHIM_KIND_exit:
		_exit((int)m.arg);
	case SHIM_KIND_reset:
		real->C_CloseAllSessions(last_slot);
		break;
	case SHIM_KIND_logout:
		real->C_Logout(session);
		break;
	case SHIM_KIND_unload:
		real->C_Finalize(NULL);
		break;
	default:
		break;
	}
	return m;
}

static void
flip(const struct met *m, CK_BYTE *p, CK_ULONG *len)
{
	if (m->kind == SHIM_KIND_wrong && p != NULL && *len > 0)
		p[*len / 2] ^= 1;
}

/* The calls. PRE is done first, POST after a call that went well. */
#define WRAP(name, session, params, args, PRE, POST)                         \
	static CK_RV shim_##name params                                      \
	{                                                                    \
		struct met m = before(SHIM_##name, session);                 \
		CK_RV rv;                                                    \
		if (m.kind == SHIM_KIND_rv)                                  \
			return m.arg;                                        \
		PRE;                                                         \
		rv = real->name args;                                        \
		if (rv == CKR_OK) {                                          \
			POST;                                                \
		}                                                            \
		return m.kind == SHIM_KIND_late ? m.arg : rv;                \
	}
#define PLAIN(name, session, params, args) \
	WRAP(name, session, params, args, , )
#define NO_SESSION CK_INVALID_HANDLE

PLAIN(C_Initialize, NO_SESSION, (void *init), (init))
PLAIN(C_Finalize, NO_SESSION, (void *reserved), (reserved))
WRAP(C_GetInfo, NO_SESSION, (CK_INFO *info), (info), ,
    if (m.kind == SHIM_KIND_maker) info->manufacturerID[0] = 'X')
PLAIN(C_GetSlotList, NO_SESSION,
    (CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *n), (present, slots, n))
PLAIN(C_GetSlotInfo, NO_SESSION, (CK_SLOT_ID slot, CK_SLOT_INFO *info),
    (slot, info))
WRAP(C_GetTokenInfo, NO_SESSION, (CK_SLOT_ID slot, CK_TOKEN_INFO *info),
    (slot, info), ,
    if (m.kind == SHIM_KIND_flags) info->flags |= m.arg)
PLAIN(C_GetMechanismList, NO_SESSION,
    (CK_SLOT_ID slot, CK_MECHANISM_TYPE *mechs, CK_ULONG *n),
    (slot, mechs, n))
PLAIN(C_GetMechanismInfo, NO_SESSION,
    (CK_SLOT_ID slot, CK_MECHANISM_TYPE type, CK_MECHANISM_INFO *info),
    (slot, type, info))
WRAP(C_OpenSession, NO_SESSION,
    (CK_SLOT_ID slot, CK_FLAGS flags, void *app, CK_NOTIFY notify,
    CK_SESSION_HANDLE *s), (slot, flags, app, notify, s),
    last_slot = slot, )
PLAIN(C_CloseSession, s, (CK_SESSION_HANDLE s), (s))
PLAIN(C_CloseAllSessions, NO_SESSION, (CK_SLOT_ID slot), (slot))
PLAIN(C_GetSessionInfo, s, (CK_SESSION_HANDLE s, CK_SESSION_INFO *info),
    (s, info))
PLAIN(C_Login, s, (CK_SESSION_HANDLE s, CK_USER_TYPE who, CK_BYTE *pin,
    CK_ULONG len), (s, who, pin, len))
PLAIN(C_Logout, s, (CK_SESSION_HANDLE s), (s))
PLAIN(C_FindObjectsInit, s, (CK_SESSION_HANDLE s, CK_ATTRIBUTE *t,
    CK_ULONG n), (s, t, n))
WRAP(C_FindObjects, s, (CK_SESSION_HANDLE s, CK_OBJECT_HANDLE *h,
    CK_ULONG cap, CK_ULONG *n), (s, h, cap, n), ,
    if (m.kind == SHIM_KIND_swap && *n == 1) *h = seen_other(*h))
PLAIN(C_FindObjectsFinal, s, (CK_SESSION_HANDLE s), (s))
PLAIN(C_GetAttributeValue, s, (CK_SESSION_HANDLE s, CK_OBJECT_HANDLE h,
    CK_ATTRIBUTE *t, CK_ULONG n), (s, h, t, n))
WRAP(C_SignInit, s, (CK_SESSION_HANDLE s, CK_MECHANISM *mech,
    CK_OBJECT_HANDLE key), (s, mech, key),
    if (m.kind == SHIM_KIND_swap) key = seen_other(key),
    if (mech->mechanism == CKM_ECDSA) seen_add(key))
WRAP(C_Sign, s, (CK_SESSION_HANDLE s, CK_BYTE *data, CK_ULONG data_len,
    CK_BYTE *sig, CK_ULONG *len), (s, data, data_len, sig, len), ,
    flip(&m, sig, len))
PLAIN(C_EncryptInit, s, (CK_SESSION_HANDLE s, CK_MECHANISM *mech,
    CK_OBJECT_HANDLE key), (s, mech, key))
WRAP(C_Encrypt, s, (CK_SESSION_HANDLE s, CK_BYTE *in, CK_ULONG in_len,
    CK_BYTE *out, CK_ULONG *len), (s, in, in_len, out, len), ,
    flip(&m, out, len))
PLAIN(C_DecryptInit, s, (CK_SESSION_HANDLE s, CK_MECHANISM *mech,
    CK_OBJECT_HANDLE key), (s, mech, key))
WRAP(C_Decrypt, s, (CK_SESSION_HANDLE s, CK_BYTE *in, CK_ULONG in_len,
    CK_BYTE *out, CK_ULONG *len), (s, in, in_len, out, len), ,
    flip(&m, out, len))
PLAIN(C_GenerateKeyPair, s, (CK_SESSION_HANDLE s, CK_MECHANISM *mech,
    CK_ATTRIBUTE *pub, CK_ULONG n_pub, CK_ATTRIBUTE *priv, CK_ULONG n_priv,
    CK_OBJECT_HANDLE *h1, CK_OBJECT_HANDLE *h2),
    (s, mech, pub, n_pub, priv, n_priv, h1, h2))
PLAIN(C_GenerateKey, s, (CK_SESSION_HANDLE s, CK_MECHANISM *mech,
    CK_ATTRIBUTE *t, CK_ULONG n, CK_OBJECT_HANDLE *h), (s, mech, t, n, h))
PLAIN(C_CreateObject, s, (CK_SESSION_HANDLE s, CK_ATTRIBUTE *t, CK_ULONG n,
    CK_OBJECT_HANDLE *h), (s, t, n, h))
PLAIN(C_DestroyObject, s, (CK_SESSION_HANDLE s, CK_OBJECT_HANDLE h), (s, h))
PLAIN(C_GenerateRandom, s, (CK_SESSION_HANDLE s, CK_BYTE *out, CK_ULONG len),
    (s, out, len))

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **ret)
{
	CK_C_GetFunctionList get = NULL;
	const char *module = getenv("QUOIN_SHIM_MODULE");
	const char *path = getenv("QUOIN_SHIM");
	void *so = module != NULL ? dlopen(module, RTLD_NOW | RTLD_LOCAL) :
	    NULL;

	if (so != NULL)
		*(void **)&get = dlsym(so, "C_GetFunctionList");
	if (get == NULL || get(&real) != CKR_OK)
		return CKR_GENERAL_ERROR;
	if (path != NULL)
		map = shim_map_open(path, 0);
	if (map != NULL && map->magic != SHIM_MAGIC)
		return CKR_GENERAL_ERROR;
	list = *real;
#define X(name) list.name = shim_##name;
	SHIM_CALLS(X)
#undef X
	*ret = &list;
	return CKR_OK;
}
