// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "signer/provider.h"

#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "signer/signer.h"

#define PROVIDER "quoin-token"
#define PROPERTY "provider=" PROVIDER
#define PARAM_KEY_ID "quoin-key-id"
#define PARAM_KEY_CMP "quoin-key-cmp"
#define SIG_MAX 512

/* TLS's SignatureScheme (RFC 8446 4.2.3) of what signd can do. */
enum { ECDSA_P256 = 0x0403, RSA_PKCS1 = 0x0401, RSA_PSS = 0x0804 };

/* OpenSSL hands a built-in provider's init function nothing of ours, so who
 * signs is said here, once, by signer_provider_load. */
static struct {
	pthread_mutex_t lock;
	bool loaded;
	signer_sign_fn *sign;
	void *ctx;
	OSSL_PROVIDER *standard, *own; /* loaded as long as we live */
} the = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* A key: the public half lives in the default provider, which answers every
 * question about it. Without an id it is a public key. */
struct token_key {
	EVP_PKEY *pub;
	char id[SIGND_ID_LEN + 1];
	int cmp; /* signs CMP messages, not TLS */
};

struct sig_ctx {
	const struct token_key *key; /* OpenSSL keeps it alive */
	bool rsa;
	bool pss;
};

/* Key management */

static void *
key_new(void *provctx)
{
	(void)provctx;
	return calloc(1, sizeof(struct token_key));
}

static void
key_free(void *p)
{
	struct token_key *k = p;

	if (k == NULL)
		return;
	EVP_PKEY_free(k->pub);
	free(k);
}

static int
key_import(struct token_key *k, const char *type, const OSSL_PARAM params[])
{
	const OSSL_PARAM *id = OSSL_PARAM_locate_const(params, PARAM_KEY_ID);
	const OSSL_PARAM *cmp = OSSL_PARAM_locate_const(params,
	    PARAM_KEY_CMP);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type,
	    "provider=default");
	char *at = k->id;
	int done = ctx != NULL && EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, &k->pub, EVP_PKEY_PUBLIC_KEY,
		(OSSL_PARAM *)(uintptr_t)params) == 1;

	EVP_PKEY_CTX_free(ctx);
	if (!done || (cmp != NULL && OSSL_PARAM_get_int(cmp, &k->cmp) != 1))
		return 0;
	return id == NULL ||
	    OSSL_PARAM_get_utf8_string(id, &at, sizeof(k->id)) == 1;
}

static int
rsa_import(void *k, int selection, const OSSL_PARAM params[])
{
	(void)selection;
	return key_import(k, "RSA", params);
}

static int
ec_import(void *k, int selection, const OSSL_PARAM params[])
{
	(void)selection;
	return key_import(k, "EC", params);
}

/* What OpenSSL may want to copy into or out of this provider. */
static const OSSL_PARAM *
key_types(int selection)
{
	static const OSSL_PARAM types[] = {
		OSSL_PARAM_utf8_string(PARAM_KEY_ID, NULL, 0),
		OSSL_PARAM_int(PARAM_KEY_CMP, NULL),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0),
		OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
		OSSL_PARAM_END
	};

	(void)selection;
	return types;
}

static int
key_export(void *p, int selection, OSSL_CALLBACK *cb, void *arg)
{
	struct token_key *k = p;

	/* Refusing here is also what sends OpenSSL back to this provider when
	 * it tries to sign with the default one. */
	if ((selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) != 0)
		return 0;
	return EVP_PKEY_export(k->pub, selection, cb, arg);
}

static int
key_has(const void *p, int selection)
{
	const struct token_key *k = p;

	if (k == NULL || k->pub == NULL)
		return 0;
	return (selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) == 0 ||
	    k->id[0] != '\0';
}

static int
key_match(const void *a, const void *b, int selection)
{
	const struct token_key *x = a, *y = b;

	if ((selection & OSSL_KEYMGMT_SELECT_KEYPAIR) != 0)
		return EVP_PKEY_eq(x->pub, y->pub) == 1;
	return EVP_PKEY_parameters_eq(x->pub, y->pub) == 1;
}

static int
key_get_params(void *p, OSSL_PARAM params[])
{
	struct token_key *k = p;

	return EVP_PKEY_get_params(k->pub, params);
}

static const OSSL_PARAM *
key_gettable(void *provctx)
{
	static const OSSL_PARAM list[] = {
		OSSL_PARAM_int(OSSL_PKEY_PARAM_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_SECURITY_BITS, NULL),
		OSSL_PARAM_int(OSSL_PKEY_PARAM_MAX_SIZE, NULL),
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_END
	};

	(void)provctx;
	return list;
}

/* ECDSA is the name of the operation where the key is called EC. */
static const char *
ec_operation(int operation)
{
	(void)operation;
	return "ECDSA";
}

typedef void (*any_fn)(void);

#define KEY_FUNCTIONS(import)                                       \
	{ OSSL_FUNC_KEYMGMT_NEW, (any_fn)key_new },                 \
	{ OSSL_FUNC_KEYMGMT_FREE, (any_fn)key_free },               \
	{ OSSL_FUNC_KEYMGMT_IMPORT, (any_fn)(import) },             \
	{ OSSL_FUNC_KEYMGMT_IMPORT_TYPES, (any_fn)key_types },      \
	{ OSSL_FUNC_KEYMGMT_EXPORT, (any_fn)key_export },           \
	{ OSSL_FUNC_KEYMGMT_EXPORT_TYPES, (any_fn)key_types },      \
	{ OSSL_FUNC_KEYMGMT_HAS, (any_fn)key_has },                 \
	{ OSSL_FUNC_KEYMGMT_MATCH, (any_fn)key_match },             \
	{ OSSL_FUNC_KEYMGMT_GET_PARAMS, (any_fn)key_get_params },   \
	{ OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, (any_fn)key_gettable }

static const OSSL_DISPATCH rsa_key_functions[] = {
	KEY_FUNCTIONS(rsa_import), { 0, NULL }
};
static const OSSL_DISPATCH ec_key_functions[] = {
	KEY_FUNCTIONS(ec_import),
	{ OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, (any_fn)ec_operation },
	{ 0, NULL }
};
static const OSSL_ALGORITHM key_algorithms[] = {
	{ "RSA:rsaEncryption", PROPERTY, rsa_key_functions, NULL },
	{ "EC:id-ecPublicKey", PROPERTY, ec_key_functions, NULL },
	{ NULL, NULL, NULL, NULL }
};

/* Signatures */

static void *
sig_new(void *provctx, const char *propq)
{
	(void)provctx;
	(void)propq;
	return calloc(1, sizeof(struct sig_ctx));
}

static void
sig_free(void *p)
{
	free(p);
}

/* Padding and salt as libssl sets them: PKCS #1, or PSS with a salt as long
 * as the digest. As numbers or as text. */
static int
sig_set_params(void *p, const OSSL_PARAM params[])
{
	struct sig_ctx *s = p;
	const OSSL_PARAM *pad, *salt;
	int number;

	if (params == NULL)
		return 1;
	pad = OSSL_PARAM_locate_const(params, OSSL_SIGNATURE_PARAM_PAD_MODE);
	if (pad != NULL && pad->data_type == OSSL_PARAM_UTF8_STRING) {
		s->pss = strcmp(pad->data, OSSL_PKEY_RSA_PAD_MODE_PSS) == 0;
		if (!s->pss && strcmp(pad->data,
		    OSSL_PKEY_RSA_PAD_MODE_PKCSV15) != 0)
			return 0;
	} else if (pad != NULL) {
		if (!OSSL_PARAM_get_int(pad, &number) ||
		    (number != RSA_PKCS1_PADDING &&
			number != RSA_PKCS1_PSS_PADDING))
			return 0;
		s->pss = number == RSA_PKCS1_PSS_PADDING;
	}
	salt = OSSL_PARAM_locate_const(params,
	    OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
	if (salt != NULL && salt->data_type == OSSL_PARAM_UTF8_STRING)
		return strcmp(salt->data,
		    OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST) == 0;
	return salt == NULL || (OSSL_PARAM_get_int(salt, &number) &&
	    number == RSA_PSS_SALTLEN_DIGEST);
}

static const OSSL_PARAM *
sig_settable(void *ctx, void *provctx)
{
	static const OSSL_PARAM list[] = {
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PAD_MODE, NULL, 0),
		OSSL_PARAM_utf8_string(OSSL_SIGNATURE_PARAM_PSS_SALTLEN, NULL,
		    0),
		OSSL_PARAM_END
	};

	(void)ctx;
	(void)provctx;
	return list;
}

static int
sig_init(void *p, const char *digest, void *key, const OSSL_PARAM params[])
{
	struct sig_ctx *s = p;

	if (key != NULL)
		s->key = key;
	if (s->key == NULL || s->key->id[0] == '\0' || digest == NULL ||
	    (strcasecmp(digest, "SHA256") != 0 &&
		strcasecmp(digest, "SHA2-256") != 0)) {
		ERR_raise_data(ERR_LIB_USER, ERR_R_PASSED_INVALID_ARGUMENT,
		    "keys in the token sign with SHA-256 only");
		return 0;
	}
	s->rsa = EVP_PKEY_is_a(s->key->pub, "RSA");
	s->pss = false;
	return sig_set_params(s, params);
}

/* What stands in the signed thing, for those who build that by OpenSSL: CMP,
 * so ECDSA. */
static int
sig_get_params(void *p, OSSL_PARAM params[])
{
	/* AlgorithmIdentifier ecdsa-with-SHA256 (RFC 5758 3.2) */
	static const uint8_t ecdsa[] = { 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
		0x48, 0xce, 0x3d, 0x04, 0x03, 0x02 };
	const struct sig_ctx *s = p;
	OSSL_PARAM *alg = OSSL_PARAM_locate(params,
	    OSSL_SIGNATURE_PARAM_ALGORITHM_ID);

	return alg == NULL || (!s->rsa &&
	    OSSL_PARAM_set_octet_string(alg, ecdsa, sizeof(ecdsa)));
}

static const OSSL_PARAM *
sig_gettable(void *ctx, void *provctx)
{
	static const OSSL_PARAM list[] = {
		OSSL_PARAM_octet_string(OSSL_SIGNATURE_PARAM_ALGORITHM_ID,
		    NULL, 0),
		OSSL_PARAM_END
	};

	(void)ctx;
	(void)provctx;
	return list;
}

static int
sig_sign(void *p, unsigned char *sig, size_t *ret_len, size_t cap,
    const unsigned char *message, size_t len)
{
	struct sig_ctx *s = p;
	AUTO_BUF struct buf out = BUF_INIT(SIG_MAX);
	struct fault f = { 0 };
	uint32_t scheme = s->key->cmp ? SIGNER_PROVIDER_CMP :
	    !s->rsa ? ECDSA_P256 : s->pss ? RSA_PSS : RSA_PKCS1;
	enum q_err r;

	/* libssl asks for the size first: that is no reason to sign. */
	if (sig == NULL) {
		*ret_len = (size_t)EVP_PKEY_get_size(s->key->pub);
		return 1;
	}
	r = the.sign(the.ctx, s->key->id, scheme,
	    (struct bytes){ message, len }, &out, &f);
	if (r == Q_OK && (out.bad || out.len == 0 || out.len > cap))
		r = fault_set(&f, Q_PROTO, "a signature of the wrong size");
	if (r != Q_OK) {
		ERR_raise_data(ERR_LIB_USER, ERR_R_INTERNAL_ERROR,
		    "signing daemon: %s", fault_text(&f, r));
		return 0;
	}
	memcpy(sig, out.p, out.len);
	*ret_len = out.len;
	return 1;
}

static const OSSL_DISPATCH sig_functions[] = {
	{ OSSL_FUNC_SIGNATURE_NEWCTX, (any_fn)sig_new },
	{ OSSL_FUNC_SIGNATURE_FREECTX, (any_fn)sig_free },
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, (any_fn)sig_init },
	{ OSSL_FUNC_SIGNATURE_DIGEST_SIGN, (any_fn)sig_sign },
	{ OSSL_FUNC_SIGNATURE_GET_CTX_PARAMS, (any_fn)sig_get_params },
	{ OSSL_FUNC_SIGNATURE_GETTABLE_CTX_PARAMS, (any_fn)sig_gettable },
	{ OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, (any_fn)sig_set_params },
	{ OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, (any_fn)sig_settable },
	{ 0, NULL }
};
static const OSSL_ALGORITHM sig_algorithms[] = {
	{ "RSA", PROPERTY, sig_functions, NULL },
	{ "ECDSA", PROPERTY, sig_functions, NULL },
	{ NULL, NULL, NULL, NULL }
};

/* The provider itself */

static const OSSL_ALGORITHM *
provider_query(void *provctx, int operation, int *no_cache)
{
	(void)provctx;
	*no_cache = 0;
	if (operation == OSSL_OP_KEYMGMT)
		return key_algorithms;
	return operation == OSSL_OP_SIGNATURE ? sig_algorithms : NULL;
}

static int
provider_init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
    const OSSL_DISPATCH **out, void **ret_provctx)
{
	static const OSSL_DISPATCH functions[] = {
		{ OSSL_FUNC_PROVIDER_QUERY_OPERATION,
		    (any_fn)provider_query },
		{ 0, NULL }
	};

	(void)in;
	*ret_provctx = (void *)(uintptr_t)handle;
	*out = functions;
	return 1;
}

enum q_err
signer_provider_load_fn(signer_sign_fn *sign, void *ctx)
{
	enum q_err r = Q_OK;

	pthread_mutex_lock(&the.lock);
	if (the.loaded) {
		r = Q_EXISTS;
	} else {
		the.loaded = true;
		the.sign = sign;
		the.ctx = ctx;
		/* A provider loaded by hand stops OpenSSL from loading the
		 * default one by itself. */
		the.standard = OSSL_PROVIDER_load(NULL, "default");
		if (OSSL_PROVIDER_add_builtin(NULL, PROVIDER,
			provider_init) == 1)
			the.own = OSSL_PROVIDER_load(NULL, PROVIDER);
		if (the.standard == NULL || the.own == NULL ||
		    EVP_set_default_properties(NULL,
			"?provider=default") != 1)
			r = Q_INTERNAL;
	}
	pthread_mutex_unlock(&the.lock);
	return r;
}

static enum q_err
cmp_by_signd(struct wire_client *signd, const char *key_id,
    struct bytes message, struct buf *ret_sig, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_sign_cmp_req req = { .key = key_id, .message = message };
	struct signd_sign_cmp_rsp rsp;
	enum q_err r = signd_sign_cmp(signd, &req, &rsp, &hold, f);

	if (r == Q_OK)
		buf_put(ret_sig, rsp.signature.p, rsp.signature.len);
	return r;
}

static enum q_err
sign_by_signd(void *ctx, const char *key_id, uint32_t scheme,
    struct bytes message, struct buf *ret_sig, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_sign_tls_req req = {
		.key = key_id, .scheme = scheme, .message = message
	};
	struct signd_sign_tls_rsp rsp;
	enum q_err r;

	if (scheme == SIGNER_PROVIDER_CMP)
		return cmp_by_signd(ctx, key_id, message, ret_sig, f);
	r = signd_sign_tls(ctx, &req, &rsp, &hold, f);
	if (r == Q_OK)
		buf_put(ret_sig, rsp.signature.p, rsp.signature.len);
	return r;
}

enum q_err
signer_provider_load(struct wire_client *client)
{
	return signer_provider_load_fn(sign_by_signd, client);
}

/* The public key's parameters and the id, through key_import above. */
static enum q_err
key_make(EVP_PKEY *pub, const char *key_id, int cmp, EVP_PKEY **ret_pkey)
{
	OSSL_PARAM id[] = {
		OSSL_PARAM_utf8_string(PARAM_KEY_ID, NULL, 0),
		OSSL_PARAM_int(PARAM_KEY_CMP, &cmp), OSSL_PARAM_END
	};
	OSSL_PARAM *pub_params = NULL, *all = NULL;
	EVP_PKEY_CTX *ctx = NULL;
	const char *type = EVP_PKEY_is_a(pub, "RSA") ? "RSA" : "EC";
	enum q_err r = Q_INVALID;

	id[0].data = (void *)(uintptr_t)key_id;
	id[0].data_size = strlen(key_id);
	if (EVP_PKEY_todata(pub, EVP_PKEY_PUBLIC_KEY, &pub_params) != 1)
		goto out;
	all = OSSL_PARAM_merge(pub_params, id);
	ctx = EVP_PKEY_CTX_new_from_name(NULL, type, PROPERTY);
	if (all == NULL || ctx == NULL) {
		r = Q_NOMEM;
		goto out;
	}
	if (EVP_PKEY_fromdata_init(ctx) == 1 &&
	    EVP_PKEY_fromdata(ctx, ret_pkey, EVP_PKEY_KEYPAIR, all) == 1)
		r = Q_OK;
out:
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(all);
	OSSL_PARAM_free(pub_params);
	return r;
}

static bool
key_is_ours(const EVP_PKEY *pub)
{
	char group[32];

	if (EVP_PKEY_is_a(pub, "RSA"))
		return EVP_PKEY_get_size(pub) <= SIG_MAX;
	return EVP_PKEY_is_a(pub, "EC") &&
	    EVP_PKEY_get_group_name(pub, group, sizeof(group), NULL) == 1 &&
	    strcmp(group, SN_X9_62_prime256v1) == 0;
}

static enum q_err
key_of_cert(const uint8_t *cert_der, size_t len, const char *key_id, bool cmp,
    EVP_PKEY **ret_pkey)
{
	const uint8_t *p = cert_der;
	EVP_PKEY *pkey = NULL, *pub;
	X509 *x;
	enum q_err r = Q_INVALID;

	if (len > SIGND_CERT_MAX || key_id[0] == '\0' ||
	    strlen(key_id) > SIGND_ID_LEN)
		return Q_INVALID;
	x = d2i_X509(NULL, &p, (long)len);
	pub = x != NULL ? X509_get0_pubkey(x) : NULL;
	if (pub != NULL && p == cert_der + len && key_is_ours(pub) &&
	    (!cmp || EVP_PKEY_is_a(pub, "EC")))
		r = key_make(pub, key_id, cmp, &pkey);
	X509_free(x);
	if (r == Q_OK)
		*ret_pkey = pkey;
	return r;
}

enum q_err
signer_provider_key(const uint8_t *cert_der, size_t len, const char *key_id,
    EVP_PKEY **ret_pkey)
{
	return key_of_cert(cert_der, len, key_id, false, ret_pkey);
}

enum q_err
signer_provider_cmp_key(const uint8_t *cert_der, size_t len,
    const char *key_id, EVP_PKEY **ret_pkey)
{
	return key_of_cert(cert_der, len, key_id, true, ret_pkey);
}
