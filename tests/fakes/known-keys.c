// SPDX-License-Identifier: Apache-2.0
/*
 * A PKCS#11 module in front of SoftHSM that makes keys outside and imports
 * them, so that a test knows every private value of the token it then
 * searches the rest of the appliance for. Each value is appended, in hex, to
 * the file ${SOFTHSM2_CONF}.keys, which belongs to the token.
 */
#include "config.h"

#include <dlfcn.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <p11-kit-1/p11-kit/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SOFTHSM "/usr/lib/softhsm/libsofthsm2.so"
#define TEMPLATE_MAX 32

static CK_FUNCTION_LIST list;
static CK_FUNCTION_LIST *real;

CK_RV C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR ret_list);

static void
note(const char *kind, const unsigned char *p, size_t len)
{
	char path[512];
	const char *conf = getenv("SOFTHSM2_CONF");
	FILE *f;

	snprintf(path, sizeof(path), "%s.keys", conf != NULL ? conf : "");
	f = fopen(path, "a");
	if (f == NULL)
		abort(); /* a search that knows no key would prove nothing */
	fprintf(f, "%s ", kind);
	for (size_t i = 0; i < len; i++)
		fprintf(f, "%02x", p[i]);
	fputc('\n', f);
	fclose(f);
}

struct template {
	CK_ATTRIBUTE a[TEMPLATE_MAX];
	CK_ULONG n;
};

static void
add(struct template *t, CK_ATTRIBUTE_TYPE type, void *p, size_t len)
{
	for (CK_ULONG i = 0; i < t->n; i++)
		if (t->a[i].type == type)
			return;
	if (t->n == TEMPLATE_MAX)
		abort();
	t->a[t->n++] = (CK_ATTRIBUTE){ type, p, len };
}

/* What of a generation template an import may say as well. */
static struct template
copy(const CK_ATTRIBUTE *a, CK_ULONG n)
{
	struct template t = { .n = 0 };

	for (CK_ULONG i = 0; i < n; i++)
		if (a[i].type != CKA_VALUE_LEN)
			add(&t, a[i].type, a[i].pValue, a[i].ulValueLen);
	return t;
}

static CK_RV
generate_pair(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mech,
    CK_ATTRIBUTE_PTR pub, CK_ULONG n_pub, CK_ATTRIBUTE_PTR priv,
    CK_ULONG n_priv, CK_OBJECT_HANDLE_PTR ret_pub,
    CK_OBJECT_HANDLE_PTR ret_priv)
{
	static unsigned char params[] = { 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce,
		0x3d, 0x03, 0x01, 0x07 };
	CK_OBJECT_CLASS pub_class = CKO_PUBLIC_KEY;
	CK_OBJECT_CLASS priv_class = CKO_PRIVATE_KEY;
	CK_KEY_TYPE ec = CKK_EC;
	struct template tp = copy(pub, n_pub), ts = copy(priv, n_priv);
	unsigned char point[67] = { 0x04, 65 }, scalar[32];
	size_t len = 0;
	BIGNUM *d = NULL;
	EVP_PKEY *key;
	CK_RV rv;

	if (mech->mechanism != CKM_EC_KEY_PAIR_GEN)
		return CKR_MECHANISM_INVALID;
	key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
	if (key == NULL ||
	    !EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_PUB_KEY,
	    point + 2, 65, &len) || len != 65 ||
	    !EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_PRIV_KEY, &d) ||
	    BN_bn2binpad(d, scalar, sizeof(scalar)) != sizeof(scalar))
		abort();
	note("EC", scalar, sizeof(scalar));
	add(&tp, CKA_CLASS, &pub_class, sizeof(pub_class));
	add(&tp, CKA_KEY_TYPE, &ec, sizeof(ec));
	add(&tp, CKA_EC_PARAMS, params, sizeof(params));
	add(&tp, CKA_EC_POINT, point, sizeof(point));
	add(&ts, CKA_CLASS, &priv_class, sizeof(priv_class));
	add(&ts, CKA_KEY_TYPE, &ec, sizeof(ec));
	add(&ts, CKA_EC_PARAMS, params, sizeof(params));
	add(&ts, CKA_VALUE, scalar, sizeof(scalar));
	rv = real->C_CreateObject(session, tp.a, tp.n, ret_pub);
	if (rv == CKR_OK)
		rv = real->C_CreateObject(session, ts.a, ts.n, ret_priv);
	OPENSSL_cleanse(scalar, sizeof(scalar));
	BN_clear_free(d);
	EVP_PKEY_free(key);
	return rv;
}

static CK_RV
generate(CK_SESSION_HANDLE session, CK_MECHANISM_PTR mech,
    CK_ATTRIBUTE_PTR a, CK_ULONG n, CK_OBJECT_HANDLE_PTR ret_key)
{
	CK_OBJECT_CLASS class = CKO_SECRET_KEY;
	CK_KEY_TYPE aes = CKK_AES;
	struct template t = copy(a, n);
	unsigned char value[32];

	if (mech->mechanism != CKM_AES_KEY_GEN)
		return CKR_MECHANISM_INVALID;
	if (RAND_bytes(value, sizeof(value)) != 1)
		abort();
	note("AES", value, sizeof(value));
	add(&t, CKA_CLASS, &class, sizeof(class));
	add(&t, CKA_KEY_TYPE, &aes, sizeof(aes));
	add(&t, CKA_VALUE, value, sizeof(value));
	return real->C_CreateObject(session, t.a, t.n, ret_key);
}

CK_RV
C_GetFunctionList(CK_FUNCTION_LIST_PTR_PTR ret_list)
{
	void *module;
	CK_C_GetFunctionList get;
	CK_RV rv;

	module = dlopen(SOFTHSM, RTLD_NOW | RTLD_LOCAL);
	if (module == NULL)
		return CKR_GENERAL_ERROR;
	*(void **)(&get) = dlsym(module, "C_GetFunctionList");
	if (get == NULL)
		return CKR_GENERAL_ERROR;
	rv = get(&real);
	if (rv != CKR_OK)
		return rv;
	list = *real;
	list.C_GenerateKeyPair = generate_pair;
	list.C_GenerateKey = generate;
	*ret_list = &list;
	return CKR_OK;
}
