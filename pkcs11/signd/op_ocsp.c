// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <openssl/sha.h>

#include "base/clock.h"
#include "base/own.h"
#include "signd/checked.h"
#include "x509/ocsp.h"

_Static_assert(SIGND_OCSP_ITEMS <= TOKEN_MANY_MAX, "one call of the worker");

/* Look at each response, and hash it. */
static enum q_err
items_check(const struct key *ca, const struct key *responder,
    struct bytes items, struct buf *digests, struct fault *f)
{
	struct ocsp_issuer issuer, own;
	struct ocsp_expect want = { .issuer = &issuer,
		.responder = own.key[0],
		.responder_not_after = responder->cert.not_after,
		.now = clock_wall() };
	struct signd_ocsp_tbs item;
	uint8_t digest[TOKEN_DIGEST_LEN];
	enum q_err r;

	ocsp_issuer_of(ca->cert.subject, &ca->pub, &issuer);
	ocsp_issuer_of(responder->cert.subject, &responder->pub, &own);
	while ((r = wire_list_next(&items, &signd_ocsp_tbs_type, &item)) ==
	    Q_OK) {
		r = ocsp_check_tbs(item.tbs, &want, f);
		if (r != Q_OK)
			return r;
		SHA256(item.tbs.p, item.tbs.len, digest);
		buf_put(digests, digest, sizeof(digest));
	}
	if (r != Q_NOTFOUND)
		return fault_set(f, r, "items: malformed");
	return digests->len == 0 || digests->bad ? fault_set(f, Q_INVALID,
	    "items: not 1 to %d", SIGND_OCSP_ITEMS) : Q_OK;
}

enum q_err
signd_do_sign_ocsp(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct signd_sign_ocsp_req *in = req;
	struct signd_sign_ocsp_rsp *out = rsp;
	AUTO_BUF struct buf digests =
	    BUF_INIT(SIGND_OCSP_ITEMS * TOKEN_DIGEST_LEN);
	AUTO_BUF struct buf raw = BUF_INIT(SIGND_OCSP_ITEMS * TOKEN_ECDSA_LEN);
	AUTO_RING struct keyring *ring = NULL;
	const struct key_use_ask ask = { .what = "sign_ocsp",
		.purposes = 1u << PURPOSE_OCSP, .role = wire_req_role(q),
		.uid = wire_req_uid(q) };
	struct buf *space = wire_req_space(q);
	const struct key *ca, *k;
	struct signd *s = ctx;
	enum q_err r = signd_ring(s, true, &ring, f);

	if (r != Q_OK)
		return r;
	ca = keyring_find(ring, in->issuing_id);
	if (ca == NULL || ca->purpose != PURPOSE_ISSUING)
		return fault_set(f, Q_NOTFOUND, "no issuing CA %.16s",
		    in->issuing_id);
	k = keyring_ocsp(ring, ca);
	if (k == NULL)
		return fault_retry(f, Q_UNAVAIL, 2,
		    "the CA has no OCSP responder yet");
	r = signd_use(s, k, &ask, f);
	if (r == Q_OK)
		r = items_check(ca, k, in->items, &digests, f);
	if (r == Q_OK)
		r = checked_sign_many(s, k, buf_bytes(&digests), &raw, f);
	if (r != Q_OK)
		return r;
	signd_used(k, raw.len / TOKEN_ECDSA_LEN);
	for (size_t i = 0; i < raw.len; i += TOKEN_ECDSA_LEN) {
		AUTO_BUF struct buf der = BUF_INIT(TOKEN_SIG_MAX);
		struct signd_ocsp_sig sig;

		ecdsa_sig_put(&der, raw.p + i);
		sig.sig = buf_bytes(&der);
		wire_list_put(space, &signd_ocsp_sig_type, &sig);
	}
	out->signatures = buf_bytes(space);
	return Q_OK;
}
