// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <openssl/sha.h>

#include "base/own.h"
#include "signd/signd.h"
#include "x509/assemble.h"
#include "x509/csr.h"

/* Written down like a certificate of ours: it is the only other thing that
 * says whose key this is. */
static enum q_err
csr_journal(struct signd *s, const struct key *k, struct bytes der,
    uint32_t uid, struct fault *f)
{
	static const uint8_t none[1];
	uint8_t digest[32];
	struct journal_cert rec = { .subject = k->id,
		.purpose = purpose_text(k->purpose), .policy = "",
		.serial = { none, 0 }, .digest = { digest, sizeof(digest) } };

	SHA256(der.p, der.len, digest);
	return journal_put(s->journal, &(struct journal_entry){ JOURNAL_cert,
		uid, k->id, &rec }, f);
}

static enum q_err
csr_make(struct signd *s, const struct key *k, const char *host,
    const char *ips, struct buf *der, struct fault *f)
{
	AUTO_BUF struct buf info = BUF_INIT(4096);
	AUTO_BUF struct buf raw = BUF_INIT(TOKEN_SIG_MAX);
	char work[SIGND_IPS_MAX + 1];
	const char *names[PKI_NAMES_MAX];
	size_t n;
	enum q_err r = pki_names(host, ips, work, names, &n, f);

	if (r == Q_OK)
		r = csr_build((struct bytes){ k->spki, k->spki_len }, names, n,
		    &info, f);
	if (r == Q_OK)
		r = pki_sign(s, k, buf_bytes(&info), &raw, f);
	return r == Q_OK ? x509_assemble(buf_bytes(&info), SIG_ECDSA_SHA256,
	    buf_bytes(&raw), der, f) : r;
}

/* No key is made for what is no name. */
static enum q_err
want_check(struct signd *s, const struct signd_tls_csr_req *in,
    struct fault *f)
{
	AUTO_RING struct keyring *ring = NULL;
	enum q_err r = signd_ring(s, true, &ring, f);

	return r == Q_OK ? pki_names_check(in->host[0] == '\0' ? ring->host :
	    in->host, in->ips, f) : r;
}

enum q_err
signd_do_tls_csr(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct signd_tls_csr_req *in = req;
	struct signd_tls_csr_rsp *out = rsp;
	AUTO_BUF struct buf der = BUF_INIT(4096);
	AUTO_RING struct keyring *ring = NULL;
	struct buf *space = wire_req_space(q);
	struct signd *s = ctx;
	const struct key *k;
	bool own = in->host[0] == '\0';
	enum q_err r = want_check(s, in, f);

	if (r == Q_OK)
		r = signd_own_key(s, PURPOSE_TLS_COMPANY, TOKEN_P256,
		    wire_req_uid(q), &ring, f);
	if (r != Q_OK)
		return r;
	k = keyring_own_key(ring, PURPOSE_TLS_COMPANY, TOKEN_P256);
	r = csr_make(s, k, own ? ring->host : in->host,
	    own && in->ips[0] == '\0' ? ring->ips : in->ips, &der, f);
	if (r == Q_OK)
		r = csr_journal(s, k, buf_bytes(&der), wire_req_uid(q), f);
	if (r != Q_OK)
		return r;
	buf_put(space, k->id, sizeof(k->id));
	buf_put(space, der.p, der.len);
	if (space->bad)
		return Q_NOMEM;
	out->key = (const char *)space->p;
	out->csr = (struct bytes){ space->p + sizeof(k->id), der.len };
	return Q_OK;
}
