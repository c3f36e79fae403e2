// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a CMP message: what is found must lie inside, and what we take
 * for a message must be one for OpenSSL, too, that it can look through. */
#include "config.h"

#include <openssl/cmp.h>
#include <openssl/err.h>
#include <stdlib.h>

#include "base/own.h"
#include "enrold/cmp_msg.h"
#include "x509/cert_parse.h"
#include "x509/csr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
inside(struct bytes b, struct bytes in)
{
	if (b.len != 0 && (b.p < in.p || b.p + b.len > in.p + in.len))
		abort();
}

static int
no_log(const char *func, const char *file, int line,
    OSSL_CMP_severity level, const char *text)
{
	(void)func;
	(void)file;
	(void)line;
	(void)level;
	(void)text;
	return 1;
}

/* The next steps: OpenSSL's parser, and its look at the protection. */
static void
as_openssl(const struct cmp_msg *m)
{
	BIO *bio = BIO_new_mem_buf(m->der.p, (int)m->der.len);
	OSSL_CMP_MSG *msg = d2i_OSSL_CMP_MSG_bio(bio, NULL);
	OSSL_CMP_CTX *ctx = OSSL_CMP_CTX_new(NULL, NULL);
	const uint8_t *p = m->n_certs != 0 ? m->certs[0].p : NULL;
	X509 *x = p != NULL ? d2i_X509(NULL, &p, (long)m->certs[0].len) :
	    NULL;

	OSSL_CMP_CTX_set_log_cb(ctx, no_log);
	if (x != NULL)
		OSSL_CMP_CTX_set1_srvCert(ctx, x);
	OSSL_CMP_CTX_set1_secretValue(ctx, (const uint8_t *)"x", 1);
	if (msg != NULL && OSSL_CMP_MSG_get_bodytype(msg) != (int)m->type)
		abort();
	if (msg != NULL)
		(void)OSSL_CMP_validate_msg(ctx, msg);
	X509_free(x);
	OSSL_CMP_CTX_free(ctx);
	OSSL_CMP_MSG_free(msg);
	BIO_free(bio);
	ERR_clear_error();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes der = { data, size };
	struct cmp_msg m;
	struct csr csr;
	struct cert cert;
	struct fault f = { 0 };

	if (cmp_msg_parse(der, &m, &f) != Q_OK) {
		if (f.msg[0] == '\0')
			abort();
		return 0;
	}
	inside(m.kid, der);
	inside(m.id, der);
	inside(m.request, der);
	inside(m.rr.issuer, der);
	inside(m.rr.serial, der);
	for (size_t i = 0; i < m.n_certs; i++) {
		inside(m.certs[i], der);
		(void)!cert_parse(m.certs[i], &cert, NULL);
	}
	if (m.request.len != 0)
		(void)!csr_parse_crmf(m.request, &csr, NULL);
	as_openssl(&m);
	return 0;
}
