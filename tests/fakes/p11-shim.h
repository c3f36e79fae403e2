// SPDX-License-Identifier: Apache-2.0
#ifndef FAKES_P11_SHIM_H
#define FAKES_P11_SHIM_H

/*
 * Faults for a PKCS #11 module. The shim is the module that the worker loads
 * (token.module); the real one is named by $QUOIN_SHIM_MODULE. Faults come
 * from a file, $QUOIN_SHIM, that is a struct shim_map, shared by whoever maps
 * it: they can be set and counted while the worker runs, and a fault that was
 * used up stays so when the worker is started again.
 */

#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Calls that the shim stands before, in the order of a worker's life. */
#define SHIM_CALLS(X)                                                        \
	X(C_Initialize) X(C_Finalize) X(C_GetInfo) X(C_GetSlotList)          \
	X(C_GetSlotInfo) X(C_GetTokenInfo) X(C_GetMechanismList)             \
	X(C_GetMechanismInfo) X(C_OpenSession) X(C_CloseSession)             \
	X(C_CloseAllSessions) X(C_GetSessionInfo) X(C_Login) X(C_Logout)     \
	X(C_FindObjectsInit) X(C_FindObjects) X(C_FindObjectsFinal)          \
	X(C_GetAttributeValue) X(C_SignInit) X(C_Sign) X(C_EncryptInit)      \
	X(C_Encrypt) X(C_DecryptInit) X(C_Decrypt) X(C_GenerateKeyPair)      \
	X(C_GenerateKey) X(C_CreateObject) X(C_DestroyObject)                \
	X(C_GenerateRandom)

enum shim_call {
	SHIM_ANY, /* of a fault: every call */
#define X(name) SHIM_##name,
	SHIM_CALLS(X)
#undef X
	SHIM_N_CALLS
};

/* X(name, text) */
#define SHIM_KINDS(X)                                                        \
	X(none, "")                                                          \
	X(rv, "the call is not made and returns CK_RV arg")                  \
	X(late, "the call is made, and then returns CK_RV arg")              \
	X(delay, "the call is made arg ms later")                            \
	X(hang, "the call never returns")                                    \
	X(crash, "the process aborts")                                       \
	X(exit, "the process exits with status arg")                         \
	X(wrong, "a bit of what comes out is another")                       \
	X(swap, "another key's handle")                                      \
	X(flags, "C_GetTokenInfo: these CKF_ flags are set too")             \
	X(maker, "C_GetInfo: another manufacturer")                          \
	X(reset, "all sessions are closed first, as a reset of the HSM does") \
	X(logout, "the user is logged out first")                            \
	X(unload, "C_Finalize is called first")

enum shim_kind {
#define X(name, text) SHIM_KIND_##name,
	SHIM_KINDS(X)
#undef X
	SHIM_N_KINDS
};

#define SHIM_MAGIC 0x5051494dU
#define SHIM_FAULTS 8
#define SHIM_FOR_EVER (-1)

struct shim_fault {
	atomic_int left; /* how often; written last */
	uint32_t call, kind;
	uint64_t arg;
	atomic_uint hits;
};

struct shim_map {
	uint32_t magic;
	struct shim_fault faults[SHIM_FAULTS];
	atomic_uint calls[SHIM_N_CALLS];
	atomic_uint hits[SHIM_N_CALLS];
};

/* NULL when there is none. */
static inline struct shim_map *
shim_map_open(const char *path, int flags)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | flags, 0600);
	void *p = MAP_FAILED;

	if (fd >= 0 && ((flags & O_CREAT) == 0 ||
	    ftruncate(fd, sizeof(struct shim_map)) == 0))
		p = mmap(NULL, sizeof(struct shim_map),
		    PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd >= 0)
		close(fd);
	return p == MAP_FAILED ? NULL : p;
}

#endif
