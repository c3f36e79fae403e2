// SPDX-License-Identifier: Apache-2.0
/* What module, slot and token are, and the ways to their functions. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "module/module.h"

/* Every function of PKCS #11 2.40. */
#define FUNCTIONS(X) \
	X(C_Initialize) X(C_Finalize) X(C_GetInfo) X(C_GetFunctionList) \
	X(C_GetSlotList) X(C_GetSlotInfo) X(C_GetTokenInfo) \
	X(C_WaitForSlotEvent) X(C_GetMechanismList) X(C_GetMechanismInfo) \
	X(C_InitToken) X(C_InitPIN) X(C_SetPIN) X(C_OpenSession) \
	X(C_CloseSession) X(C_CloseAllSessions) X(C_GetSessionInfo) \
	X(C_GetOperationState) X(C_SetOperationState) X(C_Login) \
	X(C_Logout) X(C_CreateObject) X(C_CopyObject) X(C_DestroyObject) \
	X(C_GetObjectSize) X(C_GetAttributeValue) X(C_SetAttributeValue) \
	X(C_FindObjectsInit) X(C_FindObjects) X(C_FindObjectsFinal) \
	X(C_EncryptInit) X(C_Encrypt) X(C_EncryptUpdate) X(C_EncryptFinal) \
	X(C_DecryptInit) X(C_Decrypt) X(C_DecryptUpdate) X(C_DecryptFinal) \
	X(C_DigestInit) X(C_Digest) X(C_DigestUpdate) X(C_DigestKey) \
	X(C_DigestFinal) X(C_SignInit) X(C_Sign) X(C_SignUpdate) \
	X(C_SignFinal) X(C_SignRecoverInit) X(C_SignRecover) \
	X(C_VerifyInit) X(C_Verify) X(C_VerifyUpdate) X(C_VerifyFinal) \
	X(C_VerifyRecoverInit) X(C_VerifyRecover) X(C_DigestEncryptUpdate) \
	X(C_DecryptDigestUpdate) X(C_SignEncryptUpdate) \
	X(C_DecryptVerifyUpdate) X(C_GenerateKey) X(C_GenerateKeyPair) \
	X(C_WrapKey) X(C_UnwrapKey) X(C_DeriveKey) X(C_SeedRandom) \
	X(C_GenerateRandom) X(C_GetFunctionStatus) X(C_CancelFunction)

static CK_FUNCTION_LIST functions = {
	.version = { 2, 40 },
#define X(name) .name = name,
	FUNCTIONS(X)
#undef X
};

/* PKCS #11 3.0 3.1: how programs ask for a version of the interface. */
struct ck_interface {
	char *name;
	void *functions;
	CK_FLAGS flags;
};

CK_RV C_GetInterfaceList(struct ck_interface *list, CK_ULONG *count);
CK_RV C_GetInterface(const char *name, const CK_VERSION *version,
    struct ck_interface **interface, CK_FLAGS flags);

static char interface_name[] = "PKCS 11";
static struct ck_interface interfaces[] = {
	{ interface_name, &functions, 0 },
};

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST **list)
{
	if (list == NULL)
		return CKR_ARGUMENTS_BAD;
	*list = &functions;
	return CKR_OK;
}

CK_RV
C_GetInterfaceList(struct ck_interface *list, CK_ULONG *count)
{
	CK_ULONG have;

	if (count == NULL)
		return CKR_ARGUMENTS_BAD;
	have = *count;
	*count = ARRAY_LEN(interfaces);
	if (list == NULL)
		return CKR_OK;
	if (have < ARRAY_LEN(interfaces))
		return CKR_BUFFER_TOO_SMALL;
	memcpy(list, interfaces, sizeof(interfaces));
	return CKR_OK;
}

CK_RV
C_GetInterface(const char *name, const CK_VERSION *version,
    struct ck_interface **interface, CK_FLAGS flags)
{
	if (interface == NULL)
		return CKR_ARGUMENTS_BAD;
	if ((name != NULL && strcmp(name, interface_name) != 0) ||
	    (version != NULL && (version->major != functions.version.major ||
	    version->minor != functions.version.minor)) ||
	    (flags & ~interfaces[0].flags) != 0)
		return CKR_FUNCTION_FAILED;
	*interface = &interfaces[0];
	return CKR_OK;
}

/* Texts here are padded with blanks, without a NUL. */
static void
text_put(CK_UTF8CHAR *out, size_t size, const char *text)
{
	size_t n = strlen(text);

	memset(out, ' ', size);
	memcpy(out, text, n < size ? n : size);
}
#define TEXT_PUT(field, text) text_put(field, sizeof(field), text)

CK_RV
C_GetInfo(CK_INFO *info)
{
	CK_RV rv = module_ready();

	if (rv != CKR_OK)
		return rv;
	if (info == NULL)
		return CKR_ARGUMENTS_BAD;
	*info = (CK_INFO){ .cryptokiVersion = { 2, 40 },
		.libraryVersion = { MODULE_FIRMWARE_MAJOR, 0 } };
	TEXT_PUT(info->manufacturerID, "Quoin");
	TEXT_PUT(info->libraryDescription, "Quoin's codesign keys");
	return CKR_OK;
}

CK_RV
C_GetSlotList(CK_BBOOL present, CK_SLOT_ID *list, CK_ULONG *count)
{
	CK_ULONG have;
	CK_RV rv = module_ready();

	(void)present;
	if (rv != CKR_OK)
		return rv;
	if (count == NULL)
		return CKR_ARGUMENTS_BAD;
	have = *count;
	*count = 1;
	if (list == NULL)
		return CKR_OK;
	if (have < 1)
		return CKR_BUFFER_TOO_SMALL;
	list[0] = MODULE_SLOT;
	return CKR_OK;
}

static CK_RV
slot_check(CK_SLOT_ID slot, const void *out)
{
	CK_RV rv = module_ready();

	if (rv != CKR_OK)
		return rv;
	if (slot != MODULE_SLOT)
		return CKR_SLOT_ID_INVALID;
	return out == NULL ? CKR_ARGUMENTS_BAD : CKR_OK;
}

CK_RV
C_GetSlotInfo(CK_SLOT_ID slot, CK_SLOT_INFO *info)
{
	CK_RV rv = slot_check(slot, info);

	if (rv != CKR_OK)
		return rv;
	*info = (CK_SLOT_INFO){ .flags = CKF_TOKEN_PRESENT };
	TEXT_PUT(info->slotDescription, "Quoin");
	TEXT_PUT(info->manufacturerID, "Quoin");
	return CKR_OK;
}

CK_RV
C_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO *info)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct signd_code_info_req req = { 0 };
	struct signd_code_info_rsp rsp;
	int64_t until = clock_mono_ms() + REMOTE_LIST_MS;
	struct fault f = { 0 };
	CK_RV rv = slot_check(slot, info);
	enum q_err r;

	if (rv == CKR_OK)
		rv = call_begin();
	if (rv != CKR_OK)
		return rv;
	do
		r = signd_code_info(module_client(), &req, &rsp, &hold, &f);
	while (remote_again(r, until, &f));
	call_end();
	if (remote_rv(r, &f) != CKR_OK)
		return CKR_TOKEN_NOT_PRESENT;
	*info = (CK_TOKEN_INFO){ .flags = CKF_RNG | CKF_TOKEN_INITIALIZED |
		CKF_USER_PIN_INITIALIZED | CKF_PROTECTED_AUTHENTICATION_PATH,
		.ulMaxSessionCount = MODULE_SESSIONS,
		.ulMaxRwSessionCount = MODULE_SESSIONS,
		.ulSessionCount = CK_UNAVAILABLE_INFORMATION,
		.ulRwSessionCount = CK_UNAVAILABLE_INFORMATION,
		.ulMaxPinLen = 255,
		.ulTotalPublicMemory = CK_UNAVAILABLE_INFORMATION,
		.ulFreePublicMemory = CK_UNAVAILABLE_INFORMATION,
		.ulTotalPrivateMemory = CK_UNAVAILABLE_INFORMATION,
		.ulFreePrivateMemory = CK_UNAVAILABLE_INFORMATION };
	TEXT_PUT(info->label, rsp.label);
	TEXT_PUT(info->manufacturerID, "Quoin");
	TEXT_PUT(info->model, "Quoin");
	TEXT_PUT(info->serialNumber, rsp.serial);
	memset(info->utcTime, ' ', sizeof(info->utcTime));
	return CKR_OK;
}

/* Nothing ever happens to the slot. */
CK_RV
C_WaitForSlotEvent(CK_FLAGS flags, CK_SLOT_ID *slot, void *reserved)
{
	CK_RV rv = module_ready();

	(void)slot;
	(void)reserved;
	if (rv != CKR_OK)
		return rv;
	return (flags & CKF_DONT_BLOCK) != 0 ? CKR_NO_EVENT :
	    CKR_FUNCTION_NOT_SUPPORTED;
}

CK_RV
C_GetMechanismList(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, CK_ULONG *count)
{
	CK_RV rv = slot_check(slot, count);
	CK_ULONG have;

	if (rv != CKR_OK)
		return rv;
	have = *count;
	*count = n_mechs;
	if (list == NULL)
		return CKR_OK;
	if (have < n_mechs)
		return CKR_BUFFER_TOO_SMALL;
	for (size_t i = 0; i < n_mechs; i++)
		list[i] = mechs[i].type;
	return CKR_OK;
}

CK_RV
C_GetMechanismInfo(CK_SLOT_ID slot, CK_MECHANISM_TYPE type,
    CK_MECHANISM_INFO *info)
{
	const struct mech *m = mech_find(type);
	CK_RV rv = slot_check(slot, info);

	if (rv != CKR_OK)
		return rv;
	if (m == NULL)
		return CKR_MECHANISM_INVALID;
	if (m->sign == 0)
		*info = (CK_MECHANISM_INFO){ .flags = CKF_DIGEST };
	else if (m->rsa)
		*info = (CK_MECHANISM_INFO){ 3072, 3072, CKF_HW | CKF_SIGN |
			CKF_VERIFY };
	else
		*info = (CK_MECHANISM_INFO){ 256, 256, CKF_HW | CKF_SIGN |
			CKF_VERIFY | CKF_EC_F_P | CKF_EC_NAMEDCURVE |
			CKF_EC_UNCOMPRESS };
	return CKR_OK;
}
