// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "enrold/crl_make.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/fsio.h"
#include "base/own.h"
#include "enrold/revset.h"
#include "x509/assemble.h"

#define CRL_DAYS_MAX 34 /* signd signs for 35 at most */

/* The CRL's entries, in order of serial. */
struct walk {
	struct revset_walk set;
	int64_t last_update;	/* of the list before */
	int64_t this_update;
};

static enum q_err
walk_next(void *arg, struct crl_entry *ret_entry)
{
	const struct revset_entry *e;
	struct walk *w = arg;

	/* What stood on a list that was made after its end has no place on
	 * later ones (RFC 5280 3.3). */
	do
		e = revset_walk_next(&w->set);
	while (e != NULL && e->not_after < w->last_update &&
	    e->not_after < w->this_update);
	if (e == NULL)
		return Q_NOTFOUND;
	memcpy(ret_entry->serial, e->serial, CERT_SERIAL_LEN);
	/* Recorded since the list was begun, or by a clock that was ahead: no
	 * entry may be later than the list, or it would not be signed. */
	ret_entry->revoked_at = (int64_t)e->revoked_at < w->this_update ?
	    (int64_t)e->revoked_at : w->this_update;
	ret_entry->reason = e->reason;
	return Q_OK;
}

/* signd reads what nobody can change any more. */
static enum q_err
list_sign(struct core *core, const struct pki_cert *ca, const struct buf *tbs,
    struct signd_sign_crl_rsp *rsp, struct wire_reply *hold, struct fault *f)
{
	struct signd_sign_crl_req req = { .issuing_id = ca->id };
	AUTO_FD int fd = memfd_create("crl", MFD_CLOEXEC |
	    MFD_ALLOW_SEALING);
	enum q_err r;

	if (fd < 0)
		return fault_set(f, Q_IO, "memfd_create failed");
	r = fd_write_all(fd, tbs->p, tbs->len);
	if (r != Q_OK)
		return r;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK |
	    F_SEAL_GROW | F_SEAL_SEAL) != 0)
		return fault_set(f, Q_IO, "memfd cannot be sealed");
	req.list = fd;
	return signd_sign_crl(core->signd, &req, rsp, hold, f);
}

static enum q_err
list_build(struct core *core, const struct crl_wish *wish,
    struct crl_spec *spec, struct buf *tbs, uint32_t *ret_mark,
    struct fault *f)
{
	const struct pki_cert *ca = wish->ca;
	struct walk w = { .last_update = wish->last_update,
		.this_update = clock_wall() };
	int64_t hours = core->conf->crl_hours;
	enum q_err r;

	if (hours > CRL_DAYS_MAX * 24)
		hours = CRL_DAYS_MAX * 24;
	*spec = (struct crl_spec){ .alg = sig_alg_for(ca->key.kind),
		.issuer = ca->cert.subject, .issuer_ski = ca->cert.ski,
		.number = wish->number, .this_update = w.this_update,
		.next_update = w.this_update + hours * 3600,
		.only_users = true, .base = wish->base,
		.freshest_url = wish->freshest_url };
	if (spec->next_update > ca->cert.not_after)
		spec->next_update = ca->cert.not_after;
	r = revset_walk_begin(core->revset, ca->id, wish->after, &w.set,
	    ret_mark);
	if (r != Q_OK)
		return r;
	r = crl_build(spec, walk_next, &w, tbs, f);
	revset_walk_end(&w.set);
	return r;
}

enum q_err
crl_make(struct core *core, const struct crl_wish *wish,
    struct crl_list *ret_list, uint32_t *ret_mark, struct fault *f)
{
	AUTO_BUF struct buf tbs = BUF_INIT(CRL_DER_MAX);
	AUTO_BUF struct buf der = BUF_INIT(CRL_DER_MAX);
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct signd_sign_crl_rsp rsp;
	struct crl_spec spec;
	uint32_t mark;
	enum q_err r = list_build(core, wish, &spec, &tbs, &mark, f);

	if (r == Q_OK)
		r = list_sign(core, wish->ca, &tbs, &rsp, &hold, f);
	if (r == Q_OK)
		r = x509_assemble(buf_bytes(&tbs), spec.alg, rsp.signature,
		    &der, f);
	if (r != Q_OK)
		return r;
	*ret_list = (struct crl_list){ der, spec.number, spec.this_update,
		spec.next_update };
	*ret_mark = mark;
	der = (struct buf)BUF_INIT(CRL_DER_MAX);
	return Q_OK;
}
