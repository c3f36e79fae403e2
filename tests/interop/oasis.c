// SPDX-License-Identifier: Apache-2.0
/*
 * The steps of the mandatory cases of OASIS's PKCS #11 Profiles 3.1, baseline
 * provider (BL-M-1), authentication token (AUTH-M-1) and public certificates
 * token (CERT-M-1), against any module. Values that the cases have from their
 * own token are compared where the standard fixes them.
 *	oasis MODULE bl
 *	oasis MODULE auth PIN LABEL DATA-FILE	the signature on stdout
 *	oasis MODULE cert			the first certificate on stdout
 * Ends with 0, or says which call returned what.
 */
#include "config.h"

#include <dlfcn.h>
#include <p11-kit/pkcs11.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"

static CK_FUNCTION_LIST *f;

static void
must(CK_RV rv, const char *what)
{
	if (rv == CKR_OK)
		return;
	fprintf(stderr, "oasis: %s: 0x%lx\n", what, rv);
	exit(1);
}

static void
need(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "oasis: %s\n", what);
	exit(1);
}

/* By the interface of 3.0, which must be the list of 2.40. */
static void
load(const char *path)
{
	struct {
		char *name;
		CK_FUNCTION_LIST *list;
		CK_FLAGS flags;
	} *interface;
	CK_RV (*get)(const char *, void *, void *, CK_FLAGS);
	CK_C_GetFunctionList list;
	void *so = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	need(so != NULL, path);
	*(void **)&list = dlsym(so, "C_GetFunctionList");
	*(void **)&get = dlsym(so, "C_GetInterface");
	need(list != NULL && get != NULL, "functions");
	must(list(&f), "C_GetFunctionList");
	must(get(NULL, NULL, &interface, 0), "C_GetInterface");
	need(interface->list == f && strcmp(interface->name, "PKCS 11") == 0,
	    "interface");
}

static CK_SLOT_ID
begin(void)
{
	CK_SLOT_ID slots[16];
	CK_ULONG n = 0;
	CK_INFO info;

	must(f->C_Initialize(NULL), "C_Initialize");
	must(f->C_GetInfo(&info), "C_GetInfo");
	need(info.cryptokiVersion.major == 2 && info.flags == 0, "CK_INFO");
	must(f->C_GetSlotList(CK_TRUE, NULL, &n), "C_GetSlotList, length");
	need(n > 0 && n <= ARRAY_LEN(slots), "slots");
	must(f->C_GetSlotList(CK_TRUE, slots, &n), "C_GetSlotList");
	return slots[0];
}

static CK_SESSION_HANDLE
session(CK_SLOT_ID slot, CK_FLAGS flags)
{
	CK_SESSION_HANDLE s;

	must(f->C_OpenSession(slot, flags, NULL, NULL, &s), "C_OpenSession");
	return s;
}

static CK_OBJECT_HANDLE
find(CK_SESSION_HANDLE s, CK_OBJECT_CLASS class, const char *label)
{
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE t[] = {
		{ CKA_TOKEN, &yes, sizeof(yes) },
		{ CKA_CLASS, &class, sizeof(class) },
		{ CKA_LABEL, (void *)(uintptr_t)label,
			label != NULL ? strlen(label) : 0 },
	};
	CK_OBJECT_HANDLE h = CK_INVALID_HANDLE;
	CK_ULONG n = 0;

	must(f->C_FindObjectsInit(s, t, label != NULL ? 3 : 2),
	    "C_FindObjectsInit");
	must(f->C_FindObjects(s, &h, 1, &n), "C_FindObjects");
	need(n == 1, "no such object");
	must(f->C_FindObjectsFinal(s), "C_FindObjectsFinal");
	return h;
}

static void
end(CK_SLOT_ID slot, CK_SESSION_HANDLE s)
{
	must(f->C_CloseSession(s), "C_CloseSession");
	must(f->C_CloseAllSessions(slot), "C_CloseAllSessions");
	must(f->C_Finalize(NULL), "C_Finalize");
}

static void
bl(void)
{
	CK_BBOOL yes = CK_TRUE;
	CK_ATTRIBUTE t = { CKA_TOKEN, &yes, sizeof(yes) };
	CK_SLOT_ID slot = begin();
	CK_OBJECT_HANDLE h;
	CK_SESSION_HANDLE s;
	CK_SLOT_INFO info;
	CK_TOKEN_INFO token;
	CK_ULONG n = 0;

	must(f->C_GetSlotInfo(slot, &info), "C_GetSlotInfo");
	need((info.flags & CKF_TOKEN_PRESENT) != 0, "CKF_TOKEN_PRESENT");
	must(f->C_GetTokenInfo(slot, &token), "C_GetTokenInfo");
	need((token.flags & CKF_TOKEN_INITIALIZED) != 0 &&
	    (token.flags & CKF_RNG) != 0, "CK_TOKEN_INFO");
	s = session(slot, CKF_SERIAL_SESSION);
	must(f->C_FindObjectsInit(s, &t, 1), "C_FindObjectsInit");
	must(f->C_FindObjects(s, &h, 1, &n), "C_FindObjects");
	must(f->C_FindObjectsFinal(s), "C_FindObjectsFinal");
	end(slot, s);
}

static void
auth(char *pin, const char *label, const char *file)
{
	CK_BYTE data[4096], sig[1024], n[1024], e[1024];
	CK_ATTRIBUTE t[] = { { CKA_MODULUS, n, sizeof(n) },
		{ CKA_PUBLIC_EXPONENT, e, sizeof(e) } };
	CK_MECHANISM m = { CKM_SHA256_RSA_PKCS, NULL, 0 };
	CK_SLOT_ID slot = begin();
	CK_ULONG len = sizeof(sig);
	CK_OBJECT_HANDLE key;
	CK_SESSION_HANDLE s;
	size_t got;
	FILE *in = fopen(file, "r");

	need(in != NULL, file);
	got = fread(data, 1, sizeof(data), in);
	fclose(in);
	s = session(slot, CKF_SERIAL_SESSION | CKF_RW_SESSION);
	must(f->C_Login(s, CKU_USER, (CK_BYTE *)pin, strlen(pin)), "C_Login");
	key = find(s, CKO_PUBLIC_KEY, label);
	must(f->C_GetAttributeValue(s, key, t, 2), "C_GetAttributeValue");
	need(t[0].ulValueLen == 384 && t[1].ulValueLen == 3 && e[0] == 1,
	    "modulus and exponent");
	key = find(s, CKO_PRIVATE_KEY, label);
	must(f->C_SignInit(s, &m, key), "C_SignInit");
	must(f->C_Sign(s, data, got, sig, &len), "C_Sign");
	need(len == 384, "length of the signature");
	fwrite(sig, 1, len, stdout);
	must(f->C_Logout(s), "C_Logout");
	end(slot, s);
}

static void
cert(void)
{
	CK_BYTE label[256], value[8192];
	CK_ATTRIBUTE l = { CKA_LABEL, NULL, 0 }, v = { CKA_VALUE, NULL, 0 };
	CK_SLOT_ID slot = begin();
	CK_SESSION_HANDLE s = session(slot, CKF_SERIAL_SESSION);
	CK_OBJECT_HANDLE h = find(s, CKO_CERTIFICATE, NULL);

	must(f->C_GetAttributeValue(s, h, &l, 1), "length of the label");
	need(l.ulValueLen <= sizeof(label), "label");
	l.pValue = label;
	must(f->C_GetAttributeValue(s, h, &l, 1), "the label");
	must(f->C_GetAttributeValue(s, h, &v, 1), "length of the value");
	need(v.ulValueLen <= sizeof(value), "value");
	v.pValue = value;
	must(f->C_GetAttributeValue(s, h, &v, 1), "the value");
	fwrite(value, 1, v.ulValueLen, stdout);
	end(slot, s);
}

int
main(int argc, char **argv)
{
	need(argc >= 3, "usage: oasis MODULE bl|auth|cert ...");
	load(argv[1]);
	if (strcmp(argv[2], "bl") == 0)
		bl();
	else if (strcmp(argv[2], "auth") == 0 && argc == 6)
		auth(argv[3], argv[4], argv[5]);
	else if (strcmp(argv[2], "cert") == 0)
		cert();
	else
		need(0, "usage");
	return 0;
}
