// SPDX-License-Identifier: Apache-2.0
/*
 * libquoin-pkcs11 against a signd of ours: states and errors that tools do not
 * try.
 */
#include "config.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "module-peer.h"
#include "tap.h"

#define RO CKF_SERIAL_SESSION
#define RW (CKF_SERIAL_SESSION | CKF_RW_SESSION)

/* --- the module */

static CK_FUNCTION_LIST *c;
static char path[64];

#define rv_is(call, want, ...) is_int((call), (want), __VA_ARGS__)

static CK_SESSION_HANDLE
open_session(CK_FLAGS flags)
{
	CK_SESSION_HANDLE s = 0;

	if (c->C_OpenSession(1, flags, NULL, NULL, &s) != CKR_OK)
		printf("# no session\n");
	return s;
}

static CK_OBJECT_HANDLE
find(CK_SESSION_HANDLE s, CK_OBJECT_CLASS class, const char *label)
{
	char name[8];
	CK_ATTRIBUTE t[] = { { CKA_CLASS, &class, sizeof(class) },
		{ CKA_LABEL, name, strlen(label) } };
	CK_OBJECT_HANDLE h[2] = { 0, 0 };
	CK_ULONG n = 0;

	snprintf(name, sizeof(name), "%s", label);
	if (c->C_FindObjectsInit(s, t, 2) != CKR_OK)
		return 0;
	if (c->C_FindObjects(s, h, 2, &n) != CKR_OK ||
	    c->C_FindObjectsFinal(s) != CKR_OK || n != 1)
		return 0;
	return h[0];
}

static CK_MECHANISM ecdsa = { CKM_ECDSA, NULL, 0 };
static CK_MECHANISM ecdsa_hash = { CKM_ECDSA_SHA256, NULL, 0 };
static CK_MECHANISM sha256 = { CKM_SHA256, NULL, 0 };
static CK_BYTE digest[32] = { 1, 2, 3 };

static void
before(void)
{
	CK_INFO info;
	CK_SLOT_ID slot;
	CK_ULONG n = 1;
	CK_SESSION_HANDLE s;
	CK_C_INITIALIZE_ARGS some = { .CreateMutex = NULL, .pReserved = &n };

	rv_is(c->C_GetInfo(&info), CKR_CRYPTOKI_NOT_INITIALIZED, "GetInfo");
	rv_is(c->C_GetSlotList(1, &slot, &n), CKR_CRYPTOKI_NOT_INITIALIZED,
	    "GetSlotList");
	rv_is(c->C_OpenSession(1, RO, NULL, NULL, &s),
	    CKR_CRYPTOKI_NOT_INITIALIZED, "OpenSession");
	rv_is(c->C_Sign(1, digest, 32, digest, &n),
	    CKR_CRYPTOKI_NOT_INITIALIZED, "Sign");
	rv_is(c->C_Finalize(NULL), CKR_CRYPTOKI_NOT_INITIALIZED, "Finalize");
	rv_is(c->C_GenerateKey(1, &ecdsa, NULL, 0, &s),
	    CKR_CRYPTOKI_NOT_INITIALIZED, "GenerateKey");
	rv_is(c->C_Initialize(&some), CKR_ARGUMENTS_BAD, "pReserved");
	rv_is(c->C_Initialize(NULL), CKR_OK, "Initialize");
	rv_is(c->C_Initialize(NULL), CKR_CRYPTOKI_ALREADY_INITIALIZED, "twice");
	rv_is(c->C_Finalize(&n), CKR_ARGUMENTS_BAD, "Finalize's pReserved");
}

static CK_RV
mutex_make(void **mutex)
{
	*mutex = NULL;
	return CKR_OK;
}

static CK_RV
mutex_use(void *mutex)
{
	(void)mutex;
	return CKR_OK;
}

static void
locking(void)
{
	CK_C_INITIALIZE_ARGS a = { .CreateMutex = mutex_make,
		.DestroyMutex = mutex_use, .LockMutex = mutex_use };

	rv_is(c->C_Finalize(NULL), CKR_OK, "Finalize");
	rv_is(c->C_Initialize(&a), CKR_ARGUMENTS_BAD, "three of four mutexes");
	a.UnlockMutex = mutex_use;
	rv_is(c->C_Initialize(&a), CKR_CANT_LOCK, "the program's mutexes");
	a.flags = CKF_OS_LOCKING_OK;
	rv_is(c->C_Initialize(&a), CKR_OK, "or those of the system");
}

static void
slots(void)
{
	CK_SLOT_ID slot = 0;
	CK_ULONG n = 0;
	CK_TOKEN_INFO t;
	CK_MECHANISM_INFO m;

	rv_is(c->C_GetSlotList(1, &slot, &n), CKR_BUFFER_TOO_SMALL, "no room");
	is_int(n, 1, "for one slot");
	rv_is(c->C_GetSlotList(1, &slot, &n), CKR_OK, "slots");
	is_int(slot, 1, "the slot");
	rv_is(c->C_GetTokenInfo(2, &t), CKR_SLOT_ID_INVALID, "no other");
	rv_is(c->C_GetTokenInfo(1, NULL), CKR_ARGUMENTS_BAD, "into nothing");
	rv_is(c->C_GetTokenInfo(1, &t), CKR_OK, "the token");
	ok(memcmp(t.serialNumber, "0123456789abcdef", 16) == 0, "its number");
	is_int(t.flags & (CKF_LOGIN_REQUIRED |
	    CKF_PROTECTED_AUTHENTICATION_PATH),
	    CKF_PROTECTED_AUTHENTICATION_PATH, "it wants no PIN");
	rv_is(c->C_GetMechanismInfo(1, CKM_SHA_1, &m), CKR_MECHANISM_INVALID,
	    "no SHA-1");
	n = 1;
	rv_is(c->C_GetMechanismList(1, &slot, &n), CKR_BUFFER_TOO_SMALL,
	    "mechanisms");
	rv_is(c->C_WaitForSlotEvent(CKF_DONT_BLOCK, &slot, NULL),
	    CKR_NO_EVENT, "nothing happens");
}

static CK_STATE
state_of(CK_SESSION_HANDLE s)
{
	CK_SESSION_INFO i = { .state = 99 };

	return c->C_GetSessionInfo(s, &i) == CKR_OK ? i.state : 98;
}

static void
sessions(void)
{
	CK_SESSION_HANDLE a, b;
	CK_SESSION_INFO i;

	rv_is(c->C_OpenSession(1, 0, NULL, NULL, &a),
	    CKR_SESSION_PARALLEL_NOT_SUPPORTED, "a parallel session");
	rv_is(c->C_OpenSession(3, RO, NULL, NULL, &a), CKR_SLOT_ID_INVALID,
	    "a session of another slot");
	a = open_session(RO);
	b = open_session(RW);
	is_int(state_of(a), CKS_RO_PUBLIC_SESSION, "R/O");
	is_int(state_of(b), CKS_RW_PUBLIC_SESSION, "R/W");
	rv_is(c->C_Login(a, CKU_SO, digest, 4), CKR_USER_TYPE_INVALID, "SO");
	rv_is(c->C_Login(a, CKU_CONTEXT_SPECIFIC, digest, 4),
	    CKR_OPERATION_NOT_INITIALIZED, "in no context");
	rv_is(c->C_Logout(a), CKR_USER_NOT_LOGGED_IN, "logout before login");
	rv_is(c->C_Login(a, CKU_USER, NULL, 0), CKR_OK, "login without a PIN");
	rv_is(c->C_Login(b, CKU_USER, digest, 4), CKR_USER_ALREADY_LOGGED_IN,
	    "again");
	is_int(state_of(a), CKS_RO_USER_FUNCTIONS, "R/O, the user's");
	is_int(state_of(b), CKS_RW_USER_FUNCTIONS, "R/W, the user's");
	rv_is(c->C_Logout(b), CKR_OK, "logout");
	is_int(state_of(a), CKS_RO_PUBLIC_SESSION, "of all sessions");
	rv_is(c->C_Login(b, CKU_USER, digest, 4), CKR_OK, "login");
	rv_is(c->C_CloseSession(a), CKR_OK, "close");
	rv_is(c->C_CloseSession(a), CKR_SESSION_HANDLE_INVALID, "twice");
	rv_is(c->C_GetSessionInfo(a, &i), CKR_SESSION_HANDLE_INVALID, "gone");
	rv_is(c->C_CloseAllSessions(1), CKR_OK, "close all");
	a = open_session(RO);
	ok(a != b, "a new handle");
	is_int(state_of(a), CKS_RO_PUBLIC_SESSION,
	    "the last session's end was a logout");
	c->C_CloseAllSessions(1);
}

static void
session_limit(void)
{
	CK_SESSION_HANDLE s;
	CK_TOKEN_INFO t;
	CK_ULONG n = 0;
	CK_RV rv;

	c->C_GetTokenInfo(1, &t);
	while ((rv = c->C_OpenSession(1, RO, NULL, NULL, &s)) == CKR_OK)
		n++;
	rv_is(rv, CKR_SESSION_COUNT, "too many sessions");
	is_int(n, t.ulMaxSessionCount, "as many as the token says");
	c->C_CloseAllSessions(1);
}

static void
attributes(void)
{
	CK_SESSION_HANDLE s = open_session(RO);
	CK_OBJECT_HANDLE h = find(s, CKO_PRIVATE_KEY, "ec");
	CK_BYTE value[256];
	CK_BBOOL yes = CK_TRUE, b = 9;
	CK_ATTRIBUTE point = { CKA_EC_POINT, NULL, 0 };
	CK_ATTRIBUTE two[] = { { CKA_VALUE, value, sizeof(value) },
		{ CKA_LOCAL, &b, sizeof(b) } };
	CK_ATTRIBUTE odd = { CKA_MODULUS, value, sizeof(value) };
	CK_ATTRIBUTE set = { CKA_SIGN, &yes, sizeof(yes) };
	CK_OBJECT_HANDLE got;
	CK_ULONG n;

	ok(h != 0, "the private key");
	rv_is(c->C_GetAttributeValue(s, h, &point, 1), CKR_OK, "length");
	is_int(point.ulValueLen, 67, "of a point in an OCTET STRING");
	point.pValue = value;
	point.ulValueLen = 66;
	rv_is(c->C_GetAttributeValue(s, h, &point, 1), CKR_BUFFER_TOO_SMALL,
	    "into less");
	ok(point.ulValueLen == CK_UNAVAILABLE_INFORMATION, "no length then");
	rv_is(c->C_GetAttributeValue(s, h, two, 2), CKR_ATTRIBUTE_SENSITIVE,
	    "the private value");
	ok(two[0].ulValueLen == CK_UNAVAILABLE_INFORMATION, "is not told");
	is_int(b, CK_FALSE, "but what comes after it: an imported key");
	rv_is(c->C_GetAttributeValue(s, h, &odd, 1),
	    CKR_ATTRIBUTE_TYPE_INVALID, "an EC key has no modulus");
	rv_is(c->C_GetAttributeValue(s, 999, &odd, 1),
	    CKR_OBJECT_HANDLE_INVALID, "no such object");
	rv_is(c->C_SetAttributeValue(s, h, &set, 1), CKR_ATTRIBUTE_READ_ONLY,
	    "nothing is changed");
	rv_is(c->C_DestroyObject(s, h), CKR_TOKEN_WRITE_PROTECTED,
	    "nor destroyed");
	rv_is(c->C_FindObjects(s, &got, 1, &n), CKR_OPERATION_NOT_INITIALIZED,
	    "find before its begin");
	rv_is(c->C_FindObjectsInit(s, NULL, 0), CKR_OK, "find all");
	rv_is(c->C_FindObjectsInit(s, NULL, 0), CKR_OPERATION_ACTIVE, "twice");
	for (n = 1, h = 0; n == 1; h += n)
		c->C_FindObjects(s, &got, 1, &n);
	is_int(h, 4, "two pairs, over two pages");
	rv_is(c->C_FindObjectsFinal(s), CKR_OK, "found");
	rv_is(c->C_FindObjectsFinal(s), CKR_OPERATION_NOT_INITIALIZED, "twice");
	c->C_CloseSession(s);
}

/* The key does without, and is the same key as long as it is the same. */
static void
bad_certificate(void)
{
	CK_SESSION_HANDLE s = open_session(RO);
	CK_OBJECT_HANDLE without = find(s, CKO_PRIVATE_KEY, "ec"), key;
	CK_ULONG n;

	atomic_store(&peer.bad_cert, 7);
	key = find(s, CKO_PRIVATE_KEY, "ec");
	ok(key != 0 && key != without, "a certificate makes another object");
	is_int(find(s, CKO_CERTIFICATE, "ec"), 0, "it is none");
	is_int(find(s, CKO_PRIVATE_KEY, "ec"), key, "asked again, the same");
	rv_is(c->C_GetObjectSize(s, key, &n), CKR_OK, "it is not stale");
	atomic_store(&peer.bad_cert, 6);
	ok(find(s, CKO_PRIVATE_KEY, "ec") != key, "another is another");
	atomic_store(&peer.bad_cert, 0);
	c->C_CloseSession(s);
}

static void
signatures(void)
{
	CK_SESSION_HANDLE s = open_session(RO);
	CK_OBJECT_HANDLE key = find(s, CKO_PRIVATE_KEY, "ec"),
	    pub = find(s, CKO_PUBLIC_KEY, "ec");
	CK_BYTE sig[64];
	CK_ULONG n = 0;
	int had = atomic_load(&peer.signs);

	rv_is(c->C_Sign(s, digest, 32, sig, &n), CKR_OPERATION_NOT_INITIALIZED,
	    "sign before SignInit");
	rv_is(c->C_SignInit(s, &ecdsa, 999), CKR_KEY_HANDLE_INVALID, "no key");
	rv_is(c->C_SignInit(s, &ecdsa, pub), CKR_KEY_FUNCTION_NOT_PERMITTED,
	    "with a public key");
	rv_is(c->C_SignInit(s, &sha256, key), CKR_MECHANISM_INVALID,
	    "by a digest's mechanism");
	rv_is(c->C_SignInit(s, &ecdsa, key), CKR_OK, "SignInit");
	rv_is(c->C_SignInit(s, &ecdsa, key), CKR_OPERATION_ACTIVE, "twice");
	rv_is(c->C_Sign(s, digest, 32, NULL, &n), CKR_OK, "length");
	is_int(n, 64, "of a signature");
	n = 63;
	rv_is(c->C_Sign(s, digest, 32, sig, &n), CKR_BUFFER_TOO_SMALL, "less");
	is_int(atomic_load(&peer.signs), had, "nothing is signed yet");
	rv_is(c->C_Sign(s, digest, 32, sig, &n), CKR_OK, "sign");
	is_int(atomic_load(&peer.signs), had + 1, "once");
	rv_is(c->C_Sign(s, digest, 32, sig, &n), CKR_OPERATION_NOT_INITIALIZED,
	    "and no more");
	c->C_VerifyInit(s, &ecdsa, pub);
	rv_is(c->C_Verify(s, digest, 32, sig, 63), CKR_SIGNATURE_LEN_RANGE,
	    "a short signature");
	c->C_VerifyInit(s, &ecdsa, pub);
	rv_is(c->C_Verify(s, digest, 32, sig, 64), CKR_OK, "verify");
	digest[0] ^= 1;
	c->C_VerifyInit(s, &ecdsa, pub);
	rv_is(c->C_Verify(s, digest, 32, sig, 64), CKR_SIGNATURE_INVALID,
	    "other data");
	c->C_CloseSession(s);
}

static void
parts(void)
{
	CK_SESSION_HANDLE s = open_session(RO);
	CK_OBJECT_HANDLE key = find(s, CKO_PRIVATE_KEY, "ec"),
	    pub = find(s, CKO_PUBLIC_KEY, "ec");
	CK_BYTE sig[64], md[32];
	CK_ULONG n = sizeof(sig);

	c->C_SignInit(s, &ecdsa_hash, key);
	rv_is(c->C_SignUpdate(s, digest, 10), CKR_OK, "a part");
	rv_is(c->C_SignUpdate(s, digest + 10, 22), CKR_OK, "a second one");
	n = 10;
	rv_is(c->C_SignFinal(s, sig, &n), CKR_BUFFER_TOO_SMALL, "no room");
	rv_is(c->C_SignFinal(s, sig, &n), CKR_OK, "SignFinal");
	c->C_VerifyInit(s, &ecdsa_hash, pub);
	rv_is(c->C_Verify(s, digest, 32, sig, 64), CKR_OK, "as one part");
	c->C_SignInit(s, &ecdsa_hash, key);
	c->C_SignUpdate(s, digest, 10);
	rv_is(c->C_Sign(s, digest, 10, sig, &n), CKR_OPERATION_ACTIVE,
	    "Sign after SignUpdate");
	rv_is(c->C_SignFinal(s, sig, &n), CKR_OPERATION_NOT_INITIALIZED,
	    "has ended it");
	c->C_SignInit(s, &ecdsa, key);
	ok(c->C_SignUpdate(s, digest, 10) != CKR_OK, "a raw one has no parts");
	rv_is(c->C_DigestUpdate(s, digest, 1), CKR_OPERATION_NOT_INITIALIZED,
	    "DigestUpdate before DigestInit");
	rv_is(c->C_DigestInit(s, &ecdsa), CKR_MECHANISM_INVALID, "no digest");
	rv_is(c->C_DigestInit(s, &sha256), CKR_OK, "DigestInit");
	rv_is(c->C_DigestInit(s, &sha256), CKR_OPERATION_ACTIVE, "twice");
	c->C_SignInit(s, &ecdsa_hash, key);
	n = 31;
	rv_is(c->C_Digest(s, digest, 32, md, &n), CKR_BUFFER_TOO_SMALL,
	    "beside a signature");
	rv_is(c->C_Digest(s, digest, 32, md, &n), CKR_OK, "a digest");
	c->C_CloseSession(s);
}

static void
rsa(void)
{
	CK_RSA_PKCS_PSS_PARAMS p = { CKM_SHA256, CKG_MGF1_SHA256, 32 };
	CK_MECHANISM pss = { CKM_RSA_PKCS_PSS, &p, sizeof(p) };
	CK_MECHANISM plain = { CKM_SHA256_RSA_PKCS, NULL, 0 };
	CK_SESSION_HANDLE s = open_session(RO);
	CK_OBJECT_HANDLE key = find(s, CKO_PRIVATE_KEY, "rsa");
	CK_BYTE sig[384];
	CK_ULONG n = sizeof(sig);

	rv_is(c->C_SignInit(s, &plain, key), CKR_KEY_FUNCTION_NOT_PERMITTED,
	    "a mechanism that the key's rules lack");
	rv_is(c->C_SignInit(s, &ecdsa, key), CKR_KEY_TYPE_INCONSISTENT,
	    "ECDSA by an RSA key");
	p.mgf = CKG_MGF1_SHA384;
	rv_is(c->C_SignInit(s, &pss, key), CKR_MECHANISM_PARAM_INVALID,
	    "two hashes");
	p.mgf = CKG_MGF1_SHA256;
	pss.ulParameterLen--;
	rv_is(c->C_SignInit(s, &pss, key), CKR_MECHANISM_PARAM_INVALID,
	    "short parameters");
	pss.ulParameterLen++;
	c->C_SignInit(s, &pss, key);
	rv_is(c->C_Sign(s, digest, 31, sig, &n), CKR_DATA_LEN_RANGE,
	    "no digest of that hash");
	c->C_SignInit(s, &pss, key);
	rv_is(c->C_Sign(s, digest, 32, sig, &n), CKR_OK, "PSS");
	c->C_VerifyInit(s, &pss, find(s, CKO_PUBLIC_KEY, "rsa"));
	rv_is(c->C_Verify(s, digest, 32, sig, n), CKR_OK, "verified");
	c->C_CloseSession(s);
}

static CK_RV
sign_once(void)
{
	CK_SESSION_HANDLE s = open_session(RO);
	CK_OBJECT_HANDLE key = find(s, CKO_PRIVATE_KEY, "ec");
	CK_BYTE sig[64];
	CK_ULONG n = sizeof(sig);
	CK_RV rv = c->C_SignInit(s, &ecdsa, key);

	if (rv == CKR_OK)
		rv = c->C_Sign(s, digest, 32, sig, &n);
	c->C_CloseSession(s);
	return rv;
}

static void
faults(void)
{
	static const struct {
		enum q_err r;
		CK_RV rv;
	} rows[] = {
		{ Q_DENIED, CKR_KEY_FUNCTION_NOT_PERMITTED },
		{ Q_WAIT, CKR_FUNCTION_REJECTED },
		{ Q_BUSY, CKR_FUNCTION_REJECTED },
		{ Q_NOTFOUND, CKR_KEY_HANDLE_INVALID },
		{ Q_INVALID, CKR_DATA_INVALID },
		{ Q_INTERNAL, CKR_FUNCTION_FAILED },
		{ Q_UNAVAIL, CKR_OK }, /* asked again */
		{ Q_TIMEOUT, CKR_OK },
	};
	CK_SESSION_HANDLE s;
	int had;

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		had = atomic_load(&peer.signs);
		atomic_store(&peer.fault, (int)rows[i].r);
		rv_is(sign_once(), rows[i].rv, "fault %d", (int)rows[i].r);
		is_int(atomic_load(&peer.signs), had + 1, "one request");
	}
	s = open_session(RO);
	atomic_store(&peer.no_ec, true);
	is_int(find(s, CKO_PRIVATE_KEY, "ec"), 0, "a key that was taken away");
	atomic_store(&peer.no_ec, false);
	c->C_CloseSession(s);
}

/* --- other processes and threads */

static void
forks(void)
{
	CK_SESSION_HANDLE s = open_session(RO);
	CK_SESSION_INFO info;
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (c->C_GetSessionInfo(s, &info) !=
		    CKR_CRYPTOKI_NOT_INITIALIZED)
			_exit(1);
		if (c->C_Initialize(NULL) != CKR_OK)
			_exit(2);
		if (c->C_GetSessionInfo(s, &info) !=
		    CKR_SESSION_HANDLE_INVALID)
			_exit(3);
		if (sign_once() != CKR_OK)
			_exit(4);
		_exit(c->C_Finalize(NULL) == CKR_OK ? 0 : 5);
	}
	waitpid(pid, &status, 0);
	is_int(WIFEXITED(status) ? WEXITSTATUS(status) : 99, 0,
	    "a forked child begins anew");
	rv_is(c->C_GetSessionInfo(s, &info), CKR_OK, "the parent goes on");
	rv_is(sign_once(), CKR_OK, "and signs");
	c->C_CloseSession(s);
}

static void *
signer(void *arg)
{
	atomic_int *bad = arg;

	for (int i = 0; i < 50; i++)
		if (sign_once() != CKR_OK)
			atomic_fetch_add(bad, 1);
	return NULL;
}

static void
threads(void)
{
	pthread_t t[8];
	atomic_int bad = 0;
	int had = atomic_load(&peer.signs);

	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		pthread_create(&t[i], NULL, signer, &bad);
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		pthread_join(t[i], NULL);
	is_int(bad, 0, "8 threads with 50 signatures each");
	is_int(atomic_load(&peer.signs), had + 400, "signd was asked for each");
}

static void *
one_signature(void *arg)
{
	CK_RV *rv = arg;

	*rv = sign_once();
	return NULL;
}

static void
ends_under_load(void)
{
	int64_t until = clock_mono_ms() + 10000;
	int had = atomic_load(&peer.signs), got = atomic_load(&peer.answers);
	CK_RV rv = CKR_GENERAL_ERROR;
	pthread_t t;

	atomic_store(&peer.slow_ms, 200);
	pthread_create(&t, NULL, one_signature, &rv);
	while (atomic_load(&peer.signs) == had && clock_mono_ms() < until)
		usleep(1000);
	rv_is(c->C_Finalize(NULL), CKR_OK, "C_Finalize while one signs");
	is_int(atomic_load(&peer.answers), got + 1, "waits for it");
	pthread_join(t, NULL);
	rv_is(rv, CKR_OK, "who has his signature");
	atomic_store(&peer.slow_ms, 0);
	rv_is(c->C_Initialize(NULL), CKR_OK, "and again");
	rv_is(sign_once(), CKR_OK, "it signs");
}

static void
restarts(struct wire_server **server)
{
	CK_SESSION_HANDLE s = open_session(RO);
	CK_OBJECT_HANDLE key = find(s, CKO_PRIVATE_KEY, "ec");
	int64_t begun = clock_mono_ms();
	CK_BYTE sig[64];
	CK_ULONG n = sizeof(sig);
	CK_TOKEN_INFO info;

	wire_server_stop(*server);
	*server = NULL;
	rv_is(c->C_GetTokenInfo(1, &info), CKR_TOKEN_NOT_PRESENT,
	    "signd is away");
	ok(clock_mono_ms() - begun < 8000, "which is told soon");
	rv_is(c->C_FindObjectsInit(s, NULL, 0), CKR_DEVICE_ERROR, "no list");
	*server = peer_start(path);
	rv_is(c->C_SignInit(s, &ecdsa, key), CKR_OK, "handles stay");
	rv_is(c->C_Sign(s, digest, 32, sig, &n), CKR_OK, "and sign");
	c->C_CloseSession(s);
}

int
main(void)
{
	char dir[] = "/tmp/quoin-module.XXXXXX", so[4096];
	const char *top = getenv("top_builddir");
	CK_C_GetFunctionList list;
	struct wire_server *server;
	void *dl;

	snprintf(so, sizeof(so), "%s/pkcs11/module/libquoin-pkcs11.so",
	    top != NULL ? top : ".");
	peer_keys_make();
	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/sock", dir);
	setenv("QUOIN_SIGND_SOCKET", path, 1);
	server = peer_start(path);
	dl = dlopen(so, RTLD_NOW | RTLD_LOCAL);
	if (dl == NULL)
		printf("Bail out! %s\n", dlerror());
	if (server == NULL || dl == NULL)
		return 1;
	*(void **)&list = dlsym(dl, "C_GetFunctionList");
	ok(dlsym(dl, "wire_call") == NULL, "nothing else is exported");
	rv_is(list(&c), CKR_OK, "functions");
	before();
	locking();
	slots();
	sessions();
	session_limit();
	attributes();
	bad_certificate();
	signatures();
	parts();
	rsa();
	faults();
	forks();
	threads();
	ends_under_load();
	restarts(&server);
	rv_is(c->C_Finalize(NULL), CKR_OK, "the end");
	is_int(dlclose(dl), 0, "closed");
	wire_server_stop(server);
	unlink(path);
	rmdir(dir);
	peer_keys_free();
	return done();
}
