// SPDX-License-Identifier: Apache-2.0
/*
 * What is done for a CMP message. Called by OpenSSL's server when the message
 * is protected by who is in talk->fr->peer, or by a token's value.
 */
#include "config.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "enrold/cmp.h"
#include "x509/der_write.h"

#define WAIT_SECONDS 60
#define CA_CERTS_MAX 16384 /* the newest: an answer must be signed whole */
#define CA_CERTS "1.3.6.1.5.5.7.4.17" /* id-it-caCerts, RFC 9810 5.3.19.14 */

/* PKIFailureInfo's bit for what cannot be done (RFC 9810 5.2.3). */
static int
fail_info(enum q_err r)
{
	switch (r) {
	case Q_SIGNATURE:
		return OSSL_CMP_CTX_FAILINFO_badPOP;
	case Q_DENIED:
	case Q_UNAUTH:
		return OSSL_CMP_CTX_FAILINFO_notAuthorized;
	case Q_NOTFOUND:
		return OSSL_CMP_CTX_FAILINFO_badCertId;
	case Q_INVALID:
	case Q_TOOBIG:
		return OSSL_CMP_CTX_FAILINFO_badCertTemplate;
	case Q_PROTO:
		return OSSL_CMP_CTX_FAILINFO_badDataFormat;
	default:
		return OSSL_CMP_CTX_FAILINFO_systemUnavail;
	}
}

/* The answer's status, from how it went. */
static OSSL_CMP_PKISI *
status(const struct talk *k)
{
	if (k->result == Q_OK)
		return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_accepted, 0,
		    NULL);
	if (k->result == Q_WAIT)
		return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_waiting, 0,
		    fault_text(&k->fault, k->result));
	return OSSL_CMP_STATUSINFO_new(OSSL_CMP_PKISTATUS_rejection,
	    fail_info(k->result), fault_text(&k->fault, k->result));
}

static struct talk *
talk_of(const OSSL_CMP_SRV_CTX *srv)
{
	const struct cmp_trans *t = OSSL_CMP_SRV_CTX_get0_custom_ctx(srv);

	return t->talk;
}

static X509 *
x509_of(struct bytes der)
{
	const uint8_t *p = der.p;

	return d2i_X509(NULL, &p, (long)der.len);
}

/* Append to a list, which is made when there is none yet. */
static bool
push(STACK_OF(X509) **list, struct bytes der)
{
	X509 *x = x509_of(der);

	if (*list == NULL)
		*list = sk_X509_new_null();
	if (x != NULL && *list != NULL && sk_X509_push(*list, x) > 0)
		return true;
	X509_free(x);
	return false;
}

/* The core's answer to the request that began the transaction. */
static void
enrol(struct talk *k)
{
	struct cmp_trans *t = k->t;
	struct cmp_msg asked;
	struct enrol_ask ask = { .from = k->rq->remote, .replayable = !k->live };

	k->done = true;
	/* Who polls without having to has an answer already. */
	buf_free(&t->answer.cert);
	t->given = false;
	k->result = cmp_msg_parse(buf_bytes(&t->asked), &asked, &k->fault);
	if (k->result != Q_OK)
		return;
	ask.csr = asked.request;
	ask.form = asked.type == CMP_P10CR ? CSR_PKCS10 : CSR_CRMF;
	ask.label = t->label[0] != '\0' ? t->label : NULL;
	ask.reenrol = asked.type == CMP_KUR;
	ask.token_name = t->token[0] != '\0' ? t->token : NULL;
	k->result = core_enrol(k->core, &k->fr->peer, &ask, &t->answer,
	    &k->fault);
	/* No batch of that name: there is no better word in CMP. */
	if (k->result == Q_NOTFOUND)
		k->result = k->fault.code = Q_DENIED;
	t->given = k->result == Q_OK;
}

/* kur is for the certificate that protects it (RFC 9483 4.1.3). */
static enum q_err
check_update(const struct talk *k, const OSSL_CRMF_MSG *crm, struct fault *f)
{
	const OSSL_CRMF_CERTID *old =
	    OSSL_CRMF_MSG_get0_regCtrl_oldCertID(crm);
	X509 *own;
	bool same;

	if (k->fr->peer.kind != PEER_OURS || k->t->sender.len == 0)
		return fault_set(f, Q_DENIED, "kur must be signed with the "
		    "certificate that is to be renewed");
	if (old == NULL)
		return Q_OK;
	own = x509_of(buf_bytes(&k->t->sender));
	same = own != NULL &&
	    X509_NAME_cmp(OSSL_CRMF_CERTID_get0_issuer(old),
		X509_get_issuer_name(own)) == 0 &&
	    ASN1_INTEGER_cmp(OSSL_CRMF_CERTID_get0_serialNumber(old),
		X509_get0_serialNumber(own)) == 0;
	X509_free(own);
	return same ? Q_OK : fault_set(f, Q_NOTFOUND,
	    "oldCertId is not the certificate that the request is signed "
	    "with");
}

/* A certificate is asked, or what was asked before is now to be answered. */
static OSSL_CMP_PKISI *
on_request(OSSL_CMP_SRV_CTX *srv, const OSSL_CMP_MSG *req, int id,
    const OSSL_CRMF_MSG *crm, const X509_REQ *p10, X509 **ret_cert,
    STACK_OF(X509) **ret_chain, STACK_OF(X509) **ret_roots)
{
	struct talk *k = talk_of(srv);
	const struct enrol_answer *a = &k->t->answer;
	const struct pki_cert *ca;

	(void)id;
	(void)p10;
	if (!k->done && OSSL_CMP_MSG_get_bodytype(req) == CMP_KUR) {
		k->result = check_update(k, crm, &k->fault);
		k->done = k->result != Q_OK;
	}
	if (!k->done)
		enrol(k);
	/* OpenSSL 3.0 takes a transaction that has to wait for one that ends
	 * when the client wants no certConf. */
	if (OSSL_CMP_SRV_CTX_set_grant_implicit_confirm(srv,
	    k->result != Q_WAIT) != 1)
		return NULL;
	if (k->result != Q_OK)
		return status(k);
	*ret_cert = x509_of(buf_bytes(&a->cert));
	ca = pki_find(k->fr->pki, a->issuer);
	if (ca != NULL && !push(ret_chain, buf_bytes(&ca->der)))
		return NULL;
	/* Who proved the token's value may believe us our root, too. */
	if (k->t->token[0] != '\0' &&
	    !push(ret_roots, buf_bytes(&k->fr->pki->root->der)))
		return NULL;
	return *ret_cert != NULL ? status(k) : NULL;
}

/* The client asks again while an operator thinks. */
static int
on_poll(OSSL_CMP_SRV_CTX *srv, const OSSL_CMP_MSG *req, int id,
    OSSL_CMP_MSG **ret_asked, int64_t *ret_after)
{
	struct talk *k = talk_of(srv);
	BIO *bio;

	(void)req;
	(void)id;
	enrol(k);
	*ret_asked = NULL;
	*ret_after = k->fault.retry_after != 0 ? k->fault.retry_after :
	    WAIT_SECONDS;
	if (k->result == Q_WAIT)
		return 1;
	bio = BIO_new_mem_buf(k->t->asked.p, (int)k->t->asked.len);
	if (bio != NULL)
		*ret_asked = d2i_OSSL_CMP_MSG_bio(bio, NULL);
	BIO_free(bio);
	return *ret_asked != NULL;
}

/* The hash is that of the certificate's own signature (RFC 9810 5.3.18):
 * SHA-256 for all of ours. */
static int
on_confirm(OSSL_CMP_SRV_CTX *srv, const OSSL_CMP_MSG *req, int id,
    const ASN1_OCTET_STRING *hash, const OSSL_CMP_PKISI *info)
{
	struct talk *k = talk_of(srv);
	const struct buf *cert = &k->t->answer.cert;
	uint8_t own[EVP_MAX_MD_SIZE];
	unsigned n = sizeof(own);

	(void)req;
	(void)id;
	(void)info;
	return EVP_Digest(cert->p, cert->len, own, &n, EVP_sha256(),
	    NULL) == 1 && ASN1_STRING_length(hash) == (int)n &&
	    memcmp(ASN1_STRING_get0_data(hash), own, n) == 0;
}

static enum q_err
target_of(const struct cmp_trans *t, struct bytes der, const char *from,
    uint64_t reason, struct cmp_target *ret_target,
    char ret_serial[33])
{
	struct cert cert;
	enum q_err r = cert_parse(der, &cert, NULL);

	if (r != Q_OK || cert.serial.len > 16)
		return Q_INTERNAL;
	hex_encode(cert.serial.p, cert.serial.len, ret_serial);
	*ret_target = (struct cmp_target){ .device_id = t->answer.device_id,
		.issuer = t->answer.issuer, .serial = ret_serial,
		.from = from, .reason = reason };
	return Q_OK;
}

enum q_err
cmp_do_rejected(struct talk *k, struct fault *f)
{
	struct cmp_target target;
	char serial[33];
	enum q_err r = target_of(k->t, buf_bytes(&k->t->answer.cert),
	    k->rq->remote, 0, &target, serial);

	return r == Q_OK ? cmp_revoke(k->core, &target, f) : r;
}

/*
 * A device may revoke what is its own. When it says that a key is known to
 * others and that may be the key of its identity, nobody can tell it from
 * them any more: the device itself is revoked.
 */
static enum q_err
revoke_own(struct talk *k, struct fault *f)
{
	const struct peer *peer = &k->fr->peer;
	const struct cmp_revocation *rr = &k->m->rr;
	struct cmp_target target = { .device_id = peer->device_id,
		.peer = peer, .from = k->rq->remote, .reason = rr->reason };
	char serial[33], signer[DEVICE_ID_LEN + 1] = "";
	struct cert own;
	enum q_err r = Q_NOTFOUND;

	if (peer->kind == PEER_NONE || k->t->sender.len == 0)
		return fault_set(f, Q_DENIED, "rr must be signed by the "
		    "device whose certificate it is");
	if (rr->serial.len > 16)
		return fault_set(f, r, "no such certificate");
	hex_encode(rr->serial.p, rr->serial.len, serial);
	target.serial = serial;
	if (cert_parse(buf_bytes(&k->t->sender), &own, NULL) == Q_OK)
		device_id_of(own.spki, signer);
	target.whole = rr->reason == 1 && (peer->kind != PEER_OURS ||
	    strcmp(peer->serial, serial) != 0 ||
	    strcmp(signer, peer->device_id) == 0);
	for (size_t i = 0; i < k->fr->pki->n && r == Q_NOTFOUND; i++) {
		const struct pki_cert *ca = &k->fr->pki->certs[i];

		target.issuer = ca->id;
		if (ca->pkey != NULL &&
		    bytes_equal(ca->cert.subject, rr->issuer))
			r = cmp_revoke(k->core, &target, f);
	}
	return r == Q_NOTFOUND ? fault_set(f, r,
	    "certificate %s is none of the device's", serial) : r;
}

static OSSL_CMP_PKISI *
on_rr(OSSL_CMP_SRV_CTX *srv, const OSSL_CMP_MSG *req, const X509_NAME *issuer,
    const ASN1_INTEGER *serial)
{
	struct talk *k = talk_of(srv);

	(void)req;
	(void)issuer;
	(void)serial;
	k->result = revoke_own(k, &k->fault);
	return status(k);
}

/* SEQUENCE OF CMPCertificate: the CAs that issue or issued, without roots
 * (RFC 9483 4.3.1). */
static ASN1_TYPE *
ca_certs(const struct pki *pki)
{
	AUTO_BUF struct buf der = BUF_INIT(CA_CERTS_MAX);
	size_t list = der_begin(&der, DER_SEQUENCE);
	const uint8_t *p;

	for (size_t i = pki->n; i-- > 0;)
		if (pki->certs[i].pkey != NULL &&
		    pki->certs[i].cert.not_after >= clock_wall() &&
		    der.len + pki->certs[i].der.len < CA_CERTS_MAX - 8)
			buf_put(&der, pki->certs[i].der.p,
			    pki->certs[i].der.len);
	der_end(&der, list);
	p = der.p;
	return der.bad ? NULL : d2i_ASN1_TYPE(NULL, &p, (long)der.len);
}

/* What we know of what is asked; the rest is left out. */
static int
on_genm(OSSL_CMP_SRV_CTX *srv, const OSSL_CMP_MSG *req,
    const STACK_OF(OSSL_CMP_ITAV) *in, STACK_OF(OSSL_CMP_ITAV) **ret_out)
{
	struct talk *k = talk_of(srv);
	STACK_OF(OSSL_CMP_ITAV) *out = sk_OSSL_CMP_ITAV_new_null();

	(void)req;
	for (int i = 0; i < sk_OSSL_CMP_ITAV_num(in) && out != NULL; i++) {
		const OSSL_CMP_ITAV *one = sk_OSSL_CMP_ITAV_value(in, i);
		char oid[sizeof(CA_CERTS) + 1];
		OSSL_CMP_ITAV *made;

		OBJ_obj2txt(oid, sizeof(oid), OSSL_CMP_ITAV_get0_type(one), 1);
		if (strcmp(oid, CA_CERTS) != 0)
			continue;
		made = OSSL_CMP_ITAV_create(OBJ_txt2obj(CA_CERTS, 1),
		    ca_certs(k->fr->pki));
		if (made == NULL || sk_OSSL_CMP_ITAV_push(out, made) <= 0)
			OSSL_CMP_ITAV_free(made);
		break;
	}
	*ret_out = out;
	return out != NULL;
}

/* The client gives up: nothing was lost. */
static void
on_error(OSSL_CMP_SRV_CTX *srv, const OSSL_CMP_MSG *req,
    const OSSL_CMP_PKISI *info, const ASN1_INTEGER *code,
    const OSSL_CMP_PKIFREETEXT *details)
{
	(void)srv;
	(void)req;
	(void)info;
	(void)code;
	(void)details;
}

enum q_err
cmp_do_init(OSSL_CMP_SRV_CTX *srv, struct cmp_trans *t)
{
	return OSSL_CMP_SRV_CTX_init(srv, t, on_request, on_rr, on_genm,
	    on_error, on_confirm, on_poll) == 1 ? Q_OK : Q_NOMEM;
}
