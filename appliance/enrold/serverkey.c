// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "enrold/serverkey.h"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <string.h>

#include "base/own.h"
#include "x509/der.h"

static enum q_err
key_take(EVP_PKEY *key, struct secret *ret_key)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(key);
	unsigned char *der = NULL;
	int len = info != NULL ? i2d_PKCS8_PRIV_KEY_INFO(info, &der) : -1;
	enum q_err r = Q_NOMEM;

	PKCS8_PRIV_KEY_INFO_free(info);
	if (len > 0)
		r = secret_new(der, (size_t)len, ret_key);
	if (len > 0)
		OPENSSL_clear_free(der, (size_t)len);
	return r;
}

/* Its subject means nothing: the certificate is for the DeviceID. */
static enum q_err
request_make(EVP_PKEY *key, struct buf *out)
{
	X509_REQ *req = X509_REQ_new();
	unsigned char *der = NULL;
	bool good = req != NULL && X509_REQ_set_version(req, 0) == 1 &&
	    X509_REQ_set_pubkey(req, key) == 1 &&
	    X509_REQ_sign(req, key, EVP_sha256()) > 0;
	int len = good ? i2d_X509_REQ(req, &der) : -1;

	if (len > 0)
		buf_put(out, der, (size_t)len);
	OPENSSL_free(der);
	X509_REQ_free(req);
	return len > 0 && !out->bad ? Q_OK : Q_NOMEM;
}

enum q_err
serverkey_make(const struct csr *like, struct secret *ret_key,
    struct buf *csr, struct fault *f)
{
	EVP_PKEY *key = like->key.kind == KEY_RSA ?
	    EVP_RSA_gen(like->key.bits) : EVP_EC_gen("P-256");
	enum q_err r = Q_NOMEM;

	if (key != NULL)
		r = request_make(key, csr);
	if (r == Q_OK)
		r = key_take(key, ret_key);
	EVP_PKEY_free(key);
	return r == Q_OK ? r : fault_set(f, Q_INTERNAL,
	    "no key could be made");
}

/* PKCS #9: smimeCapabilities, id-aa-decryptKeyID, id-aa-asymmDecryptKeyID. */
static bool
wants_wrapped(struct bytes oid)
{
	static const char *const oids[] = {
		"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x0f",
		"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x25",
		"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x36",
	};

	for (size_t i = 0; i < ARRAY_LEN(oids); i++)
		if (oid.len == strlen(oids[i]) &&
		    memcmp(oid.p, oids[i], oid.len) == 0)
			return true;
	return false;
}

enum q_err
serverkey_plain(const struct csr *csr, struct fault *f)
{
	struct der outer = der_over(csr->info);
	struct der info = der_enter(&outer, DER_SEQUENCE);
	struct der set;

	der_get_uint(&info);
	der_get(&info, DER_SEQUENCE);
	der_get(&info, DER_SEQUENCE);
	set = der_enter(&info, DER_CTX_CONS(0));
	while (set.left != 0 && !set.bad) {
		struct der attr = der_enter(&set, DER_SEQUENCE);

		if (wants_wrapped(der_get(&attr, DER_OID)))
			return fault_set(f, Q_INVALID, "the private key is "
			    "not encrypted for the device beyond TLS");
	}
	return Q_OK;
}
