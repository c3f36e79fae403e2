// SPDX-License-Identifier: Apache-2.0
/*
 * The token worker's operations, with a module that returns anything: any
 * CK_RV from any call, lengths that are not so, handles and bytes of any
 * value.
 *
 * Input: the length (u8) and bytes of what the module does, one for each
 * decision; then a frame.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "token/ops.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int usleep(useconds_t us);

static struct bytes script;

/* In place of libc's: pauses before a retry. */
int
usleep(useconds_t us)
{
	(void)us;
	return 0;
}

static uint8_t
next(void)
{
	uint8_t b = script.len != 0 ? script.p[0] : 0;

	script.p += script.len != 0;
	script.len -= script.len != 0;
	return b;
}

/* Mostly success. */
static CK_RV
result(void)
{
	static const CK_RV other[] = { CKR_GENERAL_ERROR, CKR_DEVICE_REMOVED,
		CKR_SESSION_HANDLE_INVALID, CKR_OBJECT_HANDLE_INVALID,
		CKR_KEY_HANDLE_INVALID, CKR_USER_NOT_LOGGED_IN,
		CKR_BUFFER_TOO_SMALL, CKR_HOST_MEMORY, CKR_PIN_INCORRECT,
		CKR_ATTRIBUTE_TYPE_INVALID, CKR_OPERATION_ACTIVE,
		CKR_SESSION_COUNT, CKR_MECHANISM_INVALID,
		CKR_TEMPLATE_INCONSISTENT, CKR_VENDOR_DEFINED | 7 };
	uint8_t b = next();

	return b < 0xc0 ? CKR_OK : other[b % ARRAY_LEN(other)];
}

/* Bytes, and a length that may be more than there was room for. */
static void
fill(CK_BYTE *p, CK_ULONG *len)
{
	uint8_t b = next();
	CK_ULONG room = *len;

	if (b >= 0xf8)
		*len = b == 0xff ? CK_UNAVAILABLE_INFORMATION : room + b;
	else if (b >= 0x40)
		*len = b - 0x40U < room ? b - 0x40U : room;
	if (p != NULL)
		memset(p, next(), *len < room ? *len : room);
}

static CK_RV
get_token_info(CK_SLOT_ID slot, CK_TOKEN_INFO_PTR info)
{
	(void)slot;
	memset(info, next(), sizeof(*info));
	return result();
}

static CK_RV
get_mechanism_info(CK_SLOT_ID slot, CK_MECHANISM_TYPE type,
    CK_MECHANISM_INFO_PTR info)
{
	(void)slot, (void)type;
	memset(info, next(), sizeof(*info));
	return result();
}

static CK_RV
get_session_info(CK_SESSION_HANDLE s, CK_SESSION_INFO_PTR info)
{
	(void)s;
	memset(info, 0, sizeof(*info));
	info->state = next() % 6;
	return result();
}

static CK_RV
open_session(CK_SLOT_ID slot, CK_FLAGS flags, CK_VOID_PTR app,
    CK_NOTIFY notify, CK_SESSION_HANDLE_PTR ret)
{
	(void)slot, (void)flags, (void)app, (void)notify;
	*ret = next();
	return result();
}

static CK_RV
one_handle(CK_SESSION_HANDLE s)
{
	(void)s;
	return result();
}

static CK_RV
login(CK_SESSION_HANDLE s, CK_USER_TYPE user, CK_UTF8CHAR_PTR pin,
    CK_ULONG len)
{
	(void)s, (void)user, (void)pin, (void)len;
	return result();
}

static CK_RV
find_init(CK_SESSION_HANDLE s, CK_ATTRIBUTE_PTR t, CK_ULONG n)
{
	(void)s, (void)t, (void)n;
	return result();
}

static CK_RV
find(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE_PTR h, CK_ULONG max,
    CK_ULONG_PTR ret_n)
{
	uint8_t n = next();

	(void)s;
	for (CK_ULONG i = 0; i < max && i < n; i++)
		h[i] = i + 1;
	*ret_n = n >= 0xf0 ? max + n : n < max ? n : max;
	return result();
}

static CK_RV
get_attribute(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE h, CK_ATTRIBUTE_PTR t,
    CK_ULONG n)
{
	(void)s, (void)h;
	for (CK_ULONG i = 0; i < n; i++)
		fill(t[i].pValue, &t[i].ulValueLen);
	return result();
}

static CK_RV
operation_init(CK_SESSION_HANDLE s, CK_MECHANISM_PTR m, CK_OBJECT_HANDLE h)
{
	(void)s, (void)m, (void)h;
	return result();
}

static CK_RV
operation(CK_SESSION_HANDLE s, CK_BYTE_PTR in, CK_ULONG n, CK_BYTE_PTR out,
    CK_ULONG_PTR len)
{
	volatile CK_BYTE last = n != 0 ? in[n - 1] : 0;

	(void)s, (void)last;
	fill(out, len);
	return result();
}

static CK_RV
generate_key(CK_SESSION_HANDLE s, CK_MECHANISM_PTR m, CK_ATTRIBUTE_PTR t,
    CK_ULONG n, CK_OBJECT_HANDLE_PTR ret)
{
	(void)s, (void)m, (void)t, (void)n;
	*ret = next();
	return result();
}

static CK_RV
generate_pair(CK_SESSION_HANDLE s, CK_MECHANISM_PTR m, CK_ATTRIBUTE_PTR pub,
    CK_ULONG n_pub, CK_ATTRIBUTE_PTR priv, CK_ULONG n_priv,
    CK_OBJECT_HANDLE_PTR ret_pub, CK_OBJECT_HANDLE_PTR ret_priv)
{
	(void)s, (void)m, (void)pub, (void)n_pub, (void)priv, (void)n_priv;
	*ret_pub = *ret_priv = next();
	return result();
}

static CK_RV
create_object(CK_SESSION_HANDLE s, CK_ATTRIBUTE_PTR t, CK_ULONG n,
    CK_OBJECT_HANDLE_PTR ret)
{
	volatile CK_BYTE last;

	(void)s;
	for (CK_ULONG i = 0; i < n; i++)
		if (t[i].ulValueLen != 0)
			last = ((CK_BYTE *)t[i].pValue)[t[i].ulValueLen - 1];
	(void)last;
	*ret = next();
	return result();
}

static CK_RV
destroy_object(CK_SESSION_HANDLE s, CK_OBJECT_HANDLE h)
{
	(void)s, (void)h;
	return result();
}

static CK_RV
generate_random(CK_SESSION_HANDLE s, CK_BYTE_PTR p, CK_ULONG n)
{
	(void)s;
	memset(p, 1, n);
	return result();
}

static CK_FUNCTION_LIST module = {
	.C_GetTokenInfo = get_token_info,
	.C_GetMechanismInfo = get_mechanism_info,
	.C_GetSessionInfo = get_session_info,
	.C_OpenSession = open_session,
	.C_CloseSession = one_handle,
	.C_Login = login,
	.C_FindObjectsInit = find_init,
	.C_FindObjects = find,
	.C_FindObjectsFinal = one_handle,
	.C_GetAttributeValue = get_attribute,
	.C_SignInit = operation_init,
	.C_Sign = operation,
	.C_EncryptInit = operation_init,
	.C_Encrypt = operation,
	.C_DecryptInit = operation_init,
	.C_Decrypt = operation,
	.C_GenerateKey = generate_key,
	.C_GenerateKeyPair = generate_pair,
	.C_CreateObject = create_object,
	.C_DestroyObject = destroy_object,
	.C_GenerateRandom = generate_random,
};

static const struct wire_op ops[] = {
#define X(name, num, roles, cap, text) { num, #name, roles, cap, \
	&token_##name##_req_type, &token_##name##_rsp_type, \
	token_do_##name, text },
	TOKEN_OPS(X)
#undef X
};

static void
set_up(struct p11 *p)
{
	free(p->handles.slots);
	*p = (struct p11){ .f = &module, .anchor = 1 };
	pthread_rwlock_init(&p->manage, NULL);
	pthread_mutex_init(&p->lock, NULL);
	pthread_mutex_init(&p->shared, NULL);
	pthread_mutex_init(&p->handles.lock, NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct p11 p;
	AUTO_BUF struct buf out = BUF_INIT(WIRE_HEAD + WIRE_BODY_MAX);
	struct wire_server_conf conf = { .ops = ops, .n_ops = ARRAY_LEN(ops),
		.ctx = &p };
	struct wire_head h;
	size_t n;

	if (size == 0)
		return 0;
	n = data[0] < size - 1 ? data[0] : size - 1;
	script = (struct bytes){ data + 1, n };
	set_up(&p);
	wire_dispatch_frame(&conf, ROLE_ADMIN,
	    (struct bytes){ data + 1 + n, size - 1 - n }, -1, &out);
	if (out.len != 0 && wire_head_get(buf_bytes(&out), &h) != Q_OK)
		abort();
	return 0;
}
