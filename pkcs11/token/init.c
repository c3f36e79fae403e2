// SPDX-License-Identifier: Apache-2.0
/*
 * quoin-token-init MODULE LABEL: initialise a free token, with the security
 * officer's PIN and the user's PIN as two lines of standard input, where no
 * other user of the machine can see them. For SoftHSM; a real HSM is set up
 * by its maker's tools. A token that already has the label is left alone.
 */
#include "config.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/fsio.h"
#include "base/own.h"
#include "base/secret.h"

#define SLOTS_MAX 64
#define LABEL_BYTES 32

static CK_FUNCTION_LIST *f;

static bool
fails(const char *what, CK_RV rv)
{
	if (rv != CKR_OK)
		fprintf(stderr, "quoin-token-init: %s: CK_RV 0x%lx\n", what,
		    (unsigned long)rv);
	return rv != CKR_OK;
}

static CK_RV
load(const char *module)
{
	CK_C_INITIALIZE_ARGS args = { .flags = CKF_OS_LOCKING_OK };
	CK_C_GetFunctionList get = NULL;
	void *so = dlopen(module, RTLD_NOW | RTLD_LOCAL);
	CK_RV rv;

	if (so != NULL)
		*(void **)&get = dlsym(so, "C_GetFunctionList");
	if (get == NULL)
		return CKR_GENERAL_ERROR;
	rv = get(&f);
	return rv == CKR_OK ? f->C_Initialize(&args) : rv;
}

/* The first free token, unless one has the label. */
static CK_RV
choose(const unsigned char *label, CK_SLOT_ID *ret_slot, bool *ret_there)
{
	CK_SLOT_ID slots[SLOTS_MAX];
	CK_ULONG n = SLOTS_MAX;
	CK_TOKEN_INFO info;
	CK_RV rv = f->C_GetSlotList(CK_TRUE, slots, &n);
	CK_RV found = CKR_TOKEN_NOT_PRESENT;

	*ret_there = false;
	for (CK_ULONG i = n; rv == CKR_OK && i-- > 0;) {
		if (f->C_GetTokenInfo(slots[i], &info) != CKR_OK)
			continue;
		if ((info.flags & CKF_TOKEN_INITIALIZED) == 0) {
			*ret_slot = slots[i];
			found = CKR_OK;
		} else if (memcmp(info.label, label, LABEL_BYTES) == 0) {
			*ret_there = true;
		}
	}
	return rv == CKR_OK && !*ret_there ? found : rv;
}

/* Both PINs of the input, in place. */
static bool
pins_split(struct buf *in, char **ret_so, char **ret_pin)
{
	char *next = (char *)in->p;

	*ret_so = strsep(&next, "\n");
	*ret_pin = next != NULL ? strsep(&next, "\n") : NULL;
	return *ret_pin != NULL && **ret_so != '\0' && **ret_pin != '\0';
}

static bool
initialise(unsigned char *label, char *so, char *pin)
{
	CK_SESSION_HANDLE session;
	CK_SLOT_ID slot = 0;
	bool there;

	if (fails("no free token", choose(label, &slot, &there)))
		return false;
	if (there)
		return true;
	if (fails("C_InitToken", f->C_InitToken(slot, (unsigned char *)so,
	    strlen(so), label)))
		return false;
	/* SoftHSM renumbers its slots with their tokens' serials. */
	return !fails("C_OpenSession", f->C_OpenSession(slot,
	    CKF_SERIAL_SESSION | CKF_RW_SESSION, NULL, NULL, &session)) &&
	    !fails("C_Login", f->C_Login(session, CKU_SO,
	    (unsigned char *)so, strlen(so))) &&
	    !fails("C_InitPIN", f->C_InitPIN(session, (unsigned char *)pin,
	    strlen(pin)));
}

int
main(int argc, char **argv)
{
	AUTO_BUF struct buf in = BUF_INIT(1024);
	unsigned char label[LABEL_BYTES];
	char *so, *pin;
	bool good;

	secret_process_harden();
	if (argc != 3 || strlen(argv[2]) > LABEL_BYTES) {
		fprintf(stderr, "usage: quoin-token-init MODULE LABEL\n");
		return q_err_exit(Q_USAGE);
	}
	memset(label, ' ', sizeof(label));
	memcpy(label, argv[2], strlen(argv[2]));
	if (fd_read_all(STDIN_FILENO, &in) != Q_OK ||
	    !pins_split(&in, &so, &pin)) {
		fprintf(stderr, "quoin-token-init: wants the security "
		    "officer's PIN and the PIN as two lines of input\n");
		return q_err_exit(Q_INVALID);
	}
	if (fails(argv[1], load(argv[1])))
		return q_err_exit(Q_UNAVAIL);
	good = initialise(label, so, pin);
	f->C_Finalize(NULL);
	buf_free(&in);
	/* No destructors: they crash in SoftHSM. */
	_exit(good ? 0 : q_err_exit(Q_UNAVAIL));
}
