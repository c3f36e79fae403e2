// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "device/agent_key.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <string.h>

#include "base/codec.h"
#include "base/fsio.h"

#define KEY_PEM_MAX 16384

static void
own_x509_(X509 **x)
{
	X509_free(*x);
}

static void
own_req_(X509_REQ **r)
{
	X509_REQ_free(*r);
}

static void
own_bio_(BIO **b)
{
	BIO_free_all(*b);
}

static void
own_mdctx_(EVP_MD_CTX **c)
{
	EVP_MD_CTX_free(*c);
}

static void
own_ossl_(unsigned char **p)
{
	OPENSSL_free(*p);
}

#define AUTO(kind) __attribute__((cleanup(own_##kind##_)))

enum q_err
agent_key_type_parse(const char *name, enum agent_key_type *ret_type)
{
	if (strcmp(name, "p256") == 0)
		*ret_type = AGENT_KEY_P256;
	else if (strcmp(name, "rsa3072") == 0)
		*ret_type = AGENT_KEY_RSA3072;
	else
		return Q_INVALID;
	return Q_OK;
}

enum q_err
agent_key_make(enum agent_key_type type, EVP_PKEY **ret_key)
{
	EVP_PKEY *key = type == AGENT_KEY_P256 ? EVP_EC_gen("P-256") :
	    EVP_RSA_gen(3072);

	if (key == NULL)
		return Q_INTERNAL;
	*ret_key = key;
	return Q_OK;
}

enum q_err
agent_key_read(const char *path, EVP_PKEY **ret_key)
{
	AUTO_BUF struct buf text = BUF_INIT(KEY_PEM_MAX);
	AUTO(bio) BIO *bio = NULL;
	enum q_err e = file_read(path, &text);
	EVP_PKEY *key;

	if (e != Q_OK)
		return e;
	bio = BIO_new_mem_buf(text.p, (int)text.len);
	if (bio == NULL)
		return Q_NOMEM;
	/* No password is asked for: there is nobody to ask. */
	key = PEM_read_bio_PrivateKey(bio, NULL, NULL, (char []){ "" });
	if (key == NULL)
		return Q_PROTO;
	*ret_key = key;
	return Q_OK;
}

enum q_err
agent_key_pem(EVP_PKEY *key, struct buf *out)
{
	AUTO(bio) BIO *bio = BIO_new(BIO_s_secmem());
	char *p;
	long len;

	if (bio == NULL || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL,
	    0, NULL, NULL) != 1)
		return Q_INTERNAL;
	len = BIO_get_mem_data(bio, &p);
	buf_put(out, p, (size_t)len);
	return out->bad ? Q_NOMEM : Q_OK;
}

enum q_err
agent_key_write(const char *path, EVP_PKEY *key)
{
	AUTO_BUF struct buf text = BUF_INIT(KEY_PEM_MAX);
	enum q_err e = agent_key_pem(key, &text);

	if (e != Q_OK)
		return e;
	return file_replace(path, text.p, text.len, 0600);
}

enum q_err
agent_key_id(EVP_PKEY *key, char id[QDEV_ID_LEN + 1])
{
	AUTO(ossl) unsigned char *der = NULL;
	uint8_t sum[SHA256_DIGEST_LENGTH];
	int len = i2d_PUBKEY(key, &der);

	if (len <= 0)
		return Q_INTERNAL;
	SHA256(der, (size_t)len, sum);
	hex_encode(sum, sizeof(sum), id);
	return Q_OK;
}

static int
add_name(X509_NAME *name, const char *field, const char *text)
{
	return X509_NAME_add_entry_by_txt(name, field, MBSTRING_ASC,
	    (const unsigned char *)text, -1, -1, 0);
}

enum q_err
agent_key_face(EVP_PKEY *key, const char *id, X509 **ret_cert)
{
	AUTO(x509) X509 *x = X509_new();
	X509_NAME *name;

	if (x == NULL)
		return Q_NOMEM;
	name = X509_get_subject_name(x);
	if (X509_set_version(x, X509_VERSION_3) != 1 ||
	    ASN1_INTEGER_set(X509_get_serialNumber(x), 1) != 1 ||
	    add_name(name, "CN", id) != 1 ||
	    X509_set_issuer_name(x, name) != 1 ||
	    ASN1_TIME_set_string(X509_getm_notBefore(x),
	    "700101000000Z") != 1 ||
	    ASN1_TIME_set_string(X509_getm_notAfter(x),
	    "99991231235959Z") != 1 ||
	    X509_set_pubkey(x, key) != 1 ||
	    X509_sign(x, key, EVP_sha256()) == 0)
		return Q_INTERNAL;
	*ret_cert = x;
	x = NULL;
	return Q_OK;
}

enum q_err
agent_key_csr(EVP_PKEY *key, const char *id, uint8_t *out, size_t cap,
    size_t *ret_len)
{
	AUTO(req) X509_REQ *req = X509_REQ_new();
	X509_NAME *name;
	uint8_t raw[8];
	char nonce[2 * sizeof(raw) + 1];
	int len;

	if (req == NULL || RAND_bytes(raw, sizeof(raw)) != 1)
		return Q_INTERNAL;
	hex_encode(raw, sizeof(raw), nonce);
	name = X509_REQ_get_subject_name(req);
	if (X509_REQ_set_version(req, X509_REQ_VERSION_1) != 1 ||
	    add_name(name, "CN", id) != 1 ||
	    add_name(name, "serialNumber", nonce) != 1 ||
	    X509_REQ_set_pubkey(req, key) != 1 ||
	    X509_REQ_sign(req, key, EVP_sha256()) == 0)
		return Q_INTERNAL;
	len = i2d_X509_REQ(req, NULL);
	if (len <= 0 || (size_t)len > cap)
		return Q_TOOBIG;
	*ret_len = (size_t)i2d_X509_REQ(req, &out);
	return Q_OK;
}

/* Whether the request's key is another one than the identity key. */
static enum q_err
is_foreign(EVP_PKEY *identity, const uint8_t *csr, size_t len,
    bool *ret_foreign)
{
	AUTO(req) X509_REQ *req = d2i_X509_REQ(NULL, &csr, (long)len);
	EVP_PKEY *key = req == NULL ? NULL : X509_REQ_get0_pubkey(req);

	if (key == NULL)
		return Q_PROTO;
	*ret_foreign = EVP_PKEY_eq(key, identity) != 1;
	return Q_OK;
}

enum q_err
agent_key_prove(EVP_PKEY *identity, const uint8_t *csr, size_t len,
    uint8_t *out, size_t cap, size_t ret_len[2])
{
	AUTO(mdctx) EVP_MD_CTX *md = NULL;
	bool foreign;
	size_t sig_len = cap;
	int spki_len;
	enum q_err e = is_foreign(identity, csr, len, &foreign);

	if (e != Q_OK)
		return e;
	ret_len[0] = ret_len[1] = 0;
	if (!foreign)
		return Q_OK;
	md = EVP_MD_CTX_new();
	if (md == NULL || EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL,
	    identity) != 1)
		return Q_INTERNAL;
	if (EVP_DigestSign(md, out, &sig_len, csr, len) != 1)
		return Q_TOOBIG;
	spki_len = i2d_PUBKEY(identity, NULL);
	if (spki_len <= 0 || (size_t)spki_len > cap - sig_len)
		return Q_TOOBIG;
	out += sig_len;
	ret_len[0] = sig_len;
	ret_len[1] = (size_t)i2d_PUBKEY(identity, &out);
	return Q_OK;
}
