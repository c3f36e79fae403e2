// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "device/agent_grant.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "base/own.h"

#define TEXT_MAX 65536
#define CHAIN_MAX 34 /* an issuing CA, roots and what links them */

/* The parts of a generation, as files are made of them. */
struct parts {
	struct buf key, certificate, chain, grant, roots, hub, hub_root;
};

static void
own_parts_(struct parts *p)
{
	buf_free(&p->key);
	buf_free(&p->certificate);
	buf_free(&p->chain);
	buf_free(&p->grant);
	buf_free(&p->roots);
	buf_free(&p->hub);
	buf_free(&p->hub_root);
}

#define AUTO_PARTS __attribute__((cleanup(own_parts_)))
#define PARTS_INIT { BUF_INIT(TEXT_MAX), BUF_INIT(TEXT_MAX), \
	BUF_INIT(TEXT_MAX), BUF_INIT(TEXT_MAX), BUF_INIT(TEXT_MAX), \
	BUF_INIT(TEXT_MAX), BUF_INIT(TEXT_MAX) }

static enum q_err
commit(struct agent *a, const struct parts *p, bool keep_request)
{
	struct agent_file files[] = {
		{ "key.pem", buf_bytes(&p->key), 0600 },
		{ "certificate.pem", buf_bytes(&p->certificate), 0644 },
		{ "chain.pem", buf_bytes(&p->chain), 0644 },
		{ AGENT_GRANT_FILE, buf_bytes(&p->grant), 0644 },
		{ "roots.pem", buf_bytes(&p->roots), 0644 },
		{ "hub.json", buf_bytes(&p->hub), 0644 },
		{ "hub-root.pem", buf_bytes(&p->hub_root), 0644 },
	};
	size_t n = p->hub.len == 0 ? 5 : p->hub_root.len == 0 ? 6 : 7;

	return agent_store_commit(&a->store, files, n, keep_request);
}

/* The text of a JSON string. */
static enum q_err
put_string(struct buf *out, struct qdev_json v)
{
	char *p = (char *)buf_reserve(out, v.len + 1);
	enum q_err e;

	if (p == NULL)
		return Q_TOOBIG;
	e = qdev_json_string(v, p, v.len + 1);
	if (e == Q_OK)
		out->len += strlen(p);
	return e;
}

static enum q_err
put_hub(struct parts *p, struct qdev_json hub)
{
	struct qdev_json root;
	enum q_err e = Q_OK;

	if (hub.len == 0)
		return Q_OK;
	buf_put(&p->hub, hub.p, hub.len);
	if (qdev_json_member(hub, "root", &root) == Q_OK &&
	    !qdev_json_is_null(root))
		e = put_string(&p->hub_root, root);
	return e;
}

/* The key that the certificate was made for: the new one that waits, the
 * one in use, or the identity key. */
static enum q_err
put_key(struct agent *a, X509 *cert, struct buf *out)
{
	char path[PATH_MAX];
	EVP_PKEY *next = NULL, *keys[3];
	enum q_err e;

	agent_store_next_key(&a->store, path);
	e = agent_key_read(path, &next);
	if (e != Q_OK && e != Q_NOTFOUND)
		return e;
	keys[0] = next;
	keys[1] = a->key;
	keys[2] = a->identity;
	e = Q_UNAUTH;
	for (int i = 0; i < 3 && e == Q_UNAUTH; i++)
		if (keys[i] != NULL && EVP_PKEY_eq(X509_get0_pubkey(cert),
		    keys[i]) == 1)
			e = agent_key_pem(keys[i], out);
	EVP_PKEY_free(next);
	if (e == Q_UNAUTH)
		return fault_set(&a->why, e, "certificate for a foreign key");
	return e;
}

static STACK_OF(X509) *
read_chain(const struct buf *text)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	BIO *bio = BIO_new_mem_buf(text->p, (int)text->len);
	X509 *x;

	while (bio != NULL && sk_X509_num(chain) < CHAIN_MAX &&
	    (x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL)
		sk_X509_push(chain, x);
	BIO_free(bio);
	return chain;
}

static enum q_err
read_current(const struct agent *a, const char *name, struct buf *out)
{
	char path[PATH_MAX];

	agent_store_current(&a->store, name, path);
	return file_read(path, out);
}

/* What stands in the way of x chaining to a root that is trusted; X509_V_OK:
 * nothing. The time is left out: a slow clock must not keep a gateway from
 * enrolling. */
static int
obstacle(const struct agent *a, X509 *x, STACK_OF(X509) *chain,
    const char *purpose)
{
	X509_STORE_CTX *v = X509_STORE_CTX_new();
	int why = X509_V_ERR_OUT_OF_MEM;

	if (v != NULL && X509_STORE_CTX_init(v,
	    SSL_CTX_get_cert_store(a->tls->ctx), x, chain) == 1) {
		X509_STORE_CTX_set_default(v, purpose);
		X509_STORE_CTX_set_flags(v, X509_V_FLAG_NO_CHECK_TIME);
		X509_verify_cert(v);
		why = X509_STORE_CTX_get_error(v);
	}
	X509_STORE_CTX_free(v);
	return why;
}

/* Whether a trusted root has issued a certificate for this root's key and
 * Name (NewWithOld, RFC 9810 4.4). */
static bool
linked(const struct agent *a, X509 *root, STACK_OF(X509) *chain)
{
	for (int i = 0; i < sk_X509_num(chain); i++) {
		X509 *x = sk_X509_value(chain, i);

		if (X509_check_ca(x) == 1 &&
		    X509_NAME_cmp(X509_get_subject_name(x),
		    X509_get_subject_name(root)) == 0 &&
		    EVP_PKEY_eq(X509_get0_pubkey(x),
		    X509_get0_pubkey(root)) == 1 &&
		    obstacle(a, x, chain, "default") == X509_V_OK)
			return true;
	}
	return false;
}

/* Trust this root, and remember it with those that came before. */
static enum q_err
root_take(const struct agent *a, X509 *root, struct buf *roots)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	long len;
	enum q_err e = Q_NOMEM;

	if (bio != NULL && PEM_write_bio_X509(bio, root) == 1 &&
	    X509_STORE_add_cert(SSL_CTX_get_cert_store(a->tls->ctx), root) ==
	    1) {
		len = BIO_get_mem_data(bio, &text);
		buf_put(roots, text, (size_t)len);
		e = roots->bad ? Q_TOOBIG : Q_OK;
	}
	BIO_free(bio);
	return e;
}

/* The OEM Root was replaced: take the next one, if the chain links it with
 * one that is trusted. */
static enum q_err
roots_take(const struct agent *a, const struct buf *chain_text,
    struct buf *roots)
{
	STACK_OF(X509) *chain = read_chain(chain_text);
	enum q_err e = read_current(a, "roots.pem", roots);

	if (e == Q_NOTFOUND)
		e = Q_OK;
	for (int i = 0; e == Q_OK && i < sk_X509_num(chain); i++) {
		X509 *x = sk_X509_value(chain, i);

		if (X509_self_signed(x, 1) == 1 &&
		    obstacle(a, x, NULL, "default") != X509_V_OK &&
		    linked(a, x, chain))
			e = root_take(a, x, roots);
	}
	sk_X509_pop_free(chain, X509_free);
	return e;
}

enum q_err
agent_roots_load(const struct agent *a)
{
	AUTO_BUF struct buf text = BUF_INIT(TEXT_MAX);
	STACK_OF(X509) *roots;
	enum q_err e = read_current(a, "roots.pem", &text);

	if (e != Q_OK || text.len == 0)
		return e == Q_NOTFOUND ? Q_OK : e;
	roots = read_chain(&text);
	for (int i = 0; e == Q_OK && i < sk_X509_num(roots); i++)
		if (X509_STORE_add_cert(SSL_CTX_get_cert_store(a->tls->ctx),
		    sk_X509_value(roots, i)) != 1)
			e = Q_NOMEM;
	sk_X509_pop_free(roots, X509_free);
	return e;
}

/* The certificate must chain to the OEM Root and name this device. */
static enum q_err
judge(struct agent *a, X509 *cert, const struct buf *chain_text)
{
	STACK_OF(X509) *chain = read_chain(chain_text);
	char cn[QDEV_ID_LEN + 1] = "";
	enum q_err e = Q_OK;
	int why;

	X509_NAME_get_text_by_NID(X509_get_subject_name(cert),
	    NID_commonName, cn, sizeof(cn));
	if (strcmp(cn, a->id) != 0) {
		e = fault_set(&a->why, Q_UNAUTH, "certificate names %s", cn);
	} else {
		why = obstacle(a, cert, chain, "ssl_client");
		if (why != X509_V_OK)
			e = fault_set(&a->why, Q_UNAUTH, "certificate: %s",
			    X509_verify_cert_error_string(why));
	}
	sk_X509_pop_free(chain, X509_free);
	return e;
}

enum q_err
agent_grant_commit(struct agent *a, const char *text, size_t len)
{
	AUTO_PARTS struct parts p = PARTS_INIT;
	struct qdev_grant g;
	BIO *bio;
	X509 *cert;
	enum q_err e = qdev_grant_parse(text, len, a->id, &g);

	buf_put(&p.grant, text, len);
	if (e == Q_OK)
		e = put_string(&p.certificate, g.certificate);
	if (e == Q_OK)
		e = put_string(&p.chain, g.chain);
	if (e == Q_OK)
		e = put_hub(&p, g.hub);
	if (e != Q_OK)
		return e;
	bio = BIO_new_mem_buf(p.certificate.p, (int)p.certificate.len);
	cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (cert == NULL)
		return fault_set(&a->why, Q_PROTO, "certificate is not PEM");
	e = judge(a, cert, &p.chain);
	if (e == Q_OK)
		e = roots_take(a, &p.chain, &p.roots);
	if (e == Q_OK)
		e = put_key(a, cert, &p.key);
	X509_free(cert);
	if (e == Q_OK)
		e = commit(a, &p, false);
	return e;
}

enum q_err
agent_hub_commit(struct agent *a, struct qdev_json hub)
{
	AUTO_PARTS struct parts p = PARTS_INIT;
	AUTO_BUF struct buf old = BUF_INIT(TEXT_MAX);
	enum q_err e;

	if (a->store.generation == 0)
		return Q_OK;
	e = read_current(a, "hub.json", &old);
	if (e == Q_OK && old.len == hub.len &&
	    memcmp(old.p, hub.p, hub.len) == 0)
		return Q_OK;
	if (e == Q_OK || e == Q_NOTFOUND)
		e = put_hub(&p, hub);
	if (e == Q_OK)
		e = read_current(a, "key.pem", &p.key);
	if (e == Q_OK)
		e = read_current(a, "certificate.pem", &p.certificate);
	if (e == Q_OK)
		e = read_current(a, "chain.pem", &p.chain);
	if (e == Q_OK)
		e = read_current(a, AGENT_GRANT_FILE, &p.grant);
	if (e != Q_OK)
		return e;
	/* Agents of before had none. */
	e = read_current(a, "roots.pem", &p.roots);
	if (e == Q_NOTFOUND)
		e = Q_OK;
	return e == Q_OK ? commit(a, &p, true) : e;
}
