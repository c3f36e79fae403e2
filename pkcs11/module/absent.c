// SPDX-License-Identifier: Apache-2.0
/* What this token does not do: keys are made by the appliance's
 * administrators, and sign. */
#include "config.h"

#include "module/module.h"

/* They are all of no interest. */
#pragma GCC diagnostic ignored "-Wunused-parameter"

#define NO { return module_ready() == CKR_OK ? CKR_FUNCTION_NOT_SUPPORTED : \
	CKR_CRYPTOKI_NOT_INITIALIZED; }

/* The two of PKCS #11 1.0 say the same for ever. */
#define LEGACY { return module_ready() == CKR_OK ? \
	CKR_FUNCTION_NOT_PARALLEL : CKR_CRYPTOKI_NOT_INITIALIZED; }

#define ARGS1 (CK_SLOT_ID a, CK_BYTE *b, CK_ULONG c, CK_BYTE *d)
#define ARGS2 (CK_SESSION_HANDLE a, CK_BYTE *b, CK_ULONG c)
#define ARGS3 (CK_SESSION_HANDLE a, CK_BYTE *b, CK_ULONG c, CK_BYTE *d, \
	CK_ULONG e)
#define ARGS4 (CK_SESSION_HANDLE a, CK_BYTE *b, CK_ULONG *c)
#define ARGS5 (CK_SESSION_HANDLE a, CK_BYTE *b, CK_ULONG c, \
	CK_OBJECT_HANDLE d, CK_OBJECT_HANDLE e)
#define ARGS6 (CK_SESSION_HANDLE a, CK_MECHANISM *b, CK_OBJECT_HANDLE c)
#define ARGS7 (CK_SESSION_HANDLE a, CK_BYTE *b, CK_ULONG c, CK_BYTE *d, \
	CK_ULONG *e)
#define ARGS8 (CK_SESSION_HANDLE a, CK_OBJECT_HANDLE b)
#define ARGS9 (CK_SESSION_HANDLE a, CK_MECHANISM *b, CK_ATTRIBUTE *c, \
	CK_ULONG d, CK_OBJECT_HANDLE *e)
#define ARGS10 (CK_SESSION_HANDLE a, CK_MECHANISM *b, CK_ATTRIBUTE *c, \
	CK_ULONG d, CK_ATTRIBUTE *e, CK_ULONG f, CK_OBJECT_HANDLE *g, \
	CK_OBJECT_HANDLE *h)
#define ARGS11 (CK_SESSION_HANDLE a, CK_MECHANISM *b, CK_OBJECT_HANDLE c, \
	CK_OBJECT_HANDLE d, CK_BYTE *e, CK_ULONG *f)
#define ARGS12 (CK_SESSION_HANDLE a, CK_MECHANISM *b, CK_OBJECT_HANDLE c, \
	CK_BYTE *d, CK_ULONG e, CK_ATTRIBUTE *f, CK_ULONG g, \
	CK_OBJECT_HANDLE *h)
#define ARGS13 (CK_SESSION_HANDLE a, CK_MECHANISM *b, CK_OBJECT_HANDLE c, \
	CK_ATTRIBUTE *d, CK_ULONG e, CK_OBJECT_HANDLE *f)
#define ARGS14 (CK_SESSION_HANDLE a)

CK_RV C_InitToken ARGS1 NO
CK_RV C_InitPIN ARGS2 NO
CK_RV C_SetPIN ARGS3 NO
CK_RV C_GetOperationState ARGS4 NO
CK_RV C_EncryptFinal ARGS4 NO
CK_RV C_DecryptFinal ARGS4 NO
CK_RV C_SetOperationState ARGS5 NO
CK_RV C_EncryptInit ARGS6 NO
CK_RV C_DecryptInit ARGS6 NO
CK_RV C_SignRecoverInit ARGS6 NO
CK_RV C_VerifyRecoverInit ARGS6 NO
CK_RV C_Encrypt ARGS7 NO
CK_RV C_EncryptUpdate ARGS7 NO
CK_RV C_Decrypt ARGS7 NO
CK_RV C_DecryptUpdate ARGS7 NO
CK_RV C_SignRecover ARGS7 NO
CK_RV C_VerifyRecover ARGS7 NO
CK_RV C_DigestEncryptUpdate ARGS7 NO
CK_RV C_DecryptDigestUpdate ARGS7 NO
CK_RV C_SignEncryptUpdate ARGS7 NO
CK_RV C_DecryptVerifyUpdate ARGS7 NO
CK_RV C_DigestKey ARGS8 NO
CK_RV C_GenerateKey ARGS9 NO
CK_RV C_GenerateKeyPair ARGS10 NO
CK_RV C_WrapKey ARGS11 NO
CK_RV C_UnwrapKey ARGS12 NO
CK_RV C_DeriveKey ARGS13 NO
CK_RV C_GetFunctionStatus ARGS14 LEGACY
CK_RV C_CancelFunction ARGS14 LEGACY
