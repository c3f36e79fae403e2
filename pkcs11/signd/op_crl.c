// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/sha.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "signd/signd.h"
#include "signer/signer.h"
#include "x509/crl_check.h"

#define SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW)
#define CRL_BACKDATE 600
#define CRL_VALIDITY (35 * 86400)
/* How far a number may be above the last one: who took the highest there is
 * would have made the CA's last list. */
#define CRL_AHEAD (UINT64_C(1) << 32)

/* The list, which nobody can change any more. */
static enum q_err
list_map(int fd, struct bytes *ret, struct fault *f)
{
	struct stat st;
	void *p;
	int seals = fd < 0 ? -1 : fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (seals & SEALS) != SEALS)
		return fault_set(f, Q_INVALID, "list: not a sealed memfd");
	if (fstat(fd, &st) != 0 || st.st_size <= 0 ||
	    (uint64_t)st.st_size > CRL_DER_MAX)
		return fault_set(f, Q_TOOBIG, "list: empty or too large");
	p = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		return fault_set(f, Q_NOMEM, "list: cannot be mapped");
	*ret = (struct bytes){ p, (size_t)st.st_size };
	return Q_OK;
}

struct list {
	const struct key *ca;
	char delta[SIGNER_URL_MAX]; /* what freshestCRL may say */
	struct bytes tbs;
	uint32_t uid; /* who wants it signed */
};

/* With `crl` held, so that a number is given once. */
static enum q_err
check_and_record(struct signd *s, const struct list *l,
    struct crl_info *ret_info, struct fault *f)
{
	const struct key *ca = l->ca;
	uint8_t digest[32];
	struct crl_expect want = { .alg = SIG_ECDSA_SHA256,
		.issuer = ca->cert.subject, .issuer_ski = ca->cert.ski,
		.last_number = signd_crl_last(s, ca->id),
		.now = clock_wall(), .max_backdate = CRL_BACKDATE,
		.max_validity = CRL_VALIDITY,
		.issuer_not_after = ca->cert.not_after, .only_users = true,
		.delta = true, .freshest_url = l->delta };
	struct journal_crl rec = { .digest = { digest, sizeof(digest) } };
	enum q_err r = crl_check_tbs(l->tbs, &want, NULL, NULL, ret_info, f);

	if (r == Q_OK && ret_info->number - want.last_number > CRL_AHEAD)
		r = fault_set(f, Q_INVALID, "CRL refused: its number is too "
		    "far above the last one");
	if (r != Q_OK)
		return r;
	SHA256(l->tbs.p, l->tbs.len, digest);
	rec.number = ret_info->number;
	rec.entries = ret_info->entries;
	rec.this_update = (uint64_t)ret_info->this_update;
	rec.next_update = (uint64_t)ret_info->next_update;
	r = journal_put(s->journal, &(struct journal_entry){ JOURNAL_crl, l->uid,
		ca->id, &rec }, f);
	return r == Q_OK ? signd_crl_set(s, ca->id, ret_info->number) : r;
}

enum q_err
signd_do_sign_crl(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct signd_sign_crl_req *in = req;
	struct signd_sign_crl_rsp *out = rsp;
	AUTO_RING struct keyring *ring = NULL;
	const struct key_use_ask ask = { .what = "sign_crl",
		.purposes = 1u << PURPOSE_ISSUING, .role = wire_req_role(q),
		.uid = wire_req_uid(q) };
	struct buf *space = wire_req_space(q);
	struct crl_info info = { 0 };
	struct list l = { .uid = wire_req_uid(q) };
	struct signd *s = ctx;
	enum q_err r = signd_ring(s, true, &ring, f);

	if (r != Q_OK)
		return r;
	l.ca = keyring_find(ring, in->issuing_id);
	if (l.ca == NULL || l.ca->purpose != PURPOSE_ISSUING)
		return fault_set(f, Q_NOTFOUND, "no issuing CA %.16s",
		    in->issuing_id);
	r = signd_use(s, l.ca, &ask, f);
	if (r == Q_OK)
		r = signer_delta_url(ring->host,
		    (unsigned)s->conf->crl_port, l.ca->id, l.delta,
		    sizeof(l.delta));
	if (r == Q_OK)
		r = list_map(in->list, &l.tbs, f);
	if (r != Q_OK)
		return r;
	pthread_mutex_lock(&s->crl);
	r = check_and_record(s, &l, &info, f);
	pthread_mutex_unlock(&s->crl);
	if (r == Q_OK)
		r = pki_sign(s, l.ca, l.tbs, space, f);
	munmap((void *)(uintptr_t)l.tbs.p, l.tbs.len);
	out->signature = buf_bytes(space);
	out->number = info.number;
	return r;
}
