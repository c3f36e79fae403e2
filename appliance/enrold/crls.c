// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "enrold/crls.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/fsio.h"
#include "base/log.h"
#include "base/own.h"
#include "x509/assemble.h"
#include "x509/crl.h"
#include "x509/crl_check.h"

#define CRL_DAYS_MAX 34 /* signd signs for 35 at most */
#define CRL_PATH_MAX 700
#define RETRY_MS 2000
#define EVER INT64_C(253402300799) /* the year 9999 */

/* One issuer's list. */
struct crl_slot {
	char issuer[SIGND_ID_LEN + 1];
	bool dirty;
	int64_t not_before_ms;	/* wait after a failure, or a long work */
	struct buf der;		/* len 0: none yet */
	uint64_t number;
	int64_t this_update, next_update;
};

struct crls {
	struct core *core;
	pthread_mutex_t lock;	/* of slots; work is done by one thread */
	struct crl_slot *slots;
	size_t n;
};

enum q_err
crls_new(struct core *core, struct crls **ret_crls)
{
	struct crls *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return Q_NOMEM;
	c->core = core;
	pthread_mutex_init(&c->lock, NULL);
	*ret_crls = c;
	return Q_OK;
}

void
crls_free(struct crls *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n; i++)
		buf_free(&c->slots[i].der);
	free(c->slots);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

void
crls_dirty(struct crls *c, const char *issuer)
{
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->n; i++)
		if (*issuer == '\0' ||
		    strcmp(c->slots[i].issuer, issuer) == 0)
			c->slots[i].dirty = true;
	pthread_mutex_unlock(&c->lock);
}

static enum q_err
crl_path(const struct crls *c, const char *issuer, char out[CRL_PATH_MAX])
{
	int n = snprintf(out, CRL_PATH_MAX, "%s/enrold/%s.crl",
	    c->core->conf->state, issuer);

	return n < 0 || n >= CRL_PATH_MAX ? Q_TOOBIG : Q_OK;
}

/* What an earlier run of ours left, if it is whole and this CA's. */
static void
slot_load(const struct crls *c, const struct pki_cert *ca,
    struct crl_slot *slot)
{
	struct crl_expect any = { .alg = sig_alg_for(ca->key.kind),
		.issuer = ca->cert.subject, .issuer_ski = ca->cert.ski,
		.now = EVER, .max_backdate = EVER, .max_validity = EVER,
		.issuer_not_after = EVER, .only_users = true };
	struct buf der = BUF_INIT(CRL_DER_MAX);
	char path[CRL_PATH_MAX];
	struct crl_info info;
	struct bytes tbs;

	if (crl_path(c, ca->id, path) == Q_OK &&
	    file_read(path, &der) == Q_OK &&
	    crl_open(buf_bytes(&der), ca->cert.spki, &tbs, NULL) == Q_OK &&
	    crl_check_tbs(tbs, &any, NULL, NULL, &info, NULL) == Q_OK) {
		slot->der = der;
		slot->number = info.number;
		slot->this_update = info.this_update;
		slot->next_update = info.next_update;
		return;
	}
	buf_free(&der);
}

/* The slot of a CA, made when it is new; NULL without memory. Only the
 * working thread adds slots. */
static struct crl_slot *
slot_of(struct crls *c, const struct pki_cert *ca)
{
	struct crl_slot slot = { .dirty = true, .number = ca->crl_number,
		.der = BUF_INIT(CRL_DER_MAX) }, *grown;

	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->slots[i].issuer, ca->id) == 0)
			return &c->slots[i];
	snprintf(slot.issuer, sizeof(slot.issuer), "%s", ca->id);
	slot_load(c, ca, &slot);
	if (slot.number < ca->crl_number)
		slot.number = ca->crl_number;
	pthread_mutex_lock(&c->lock);
	grown = reallocarray(c->slots, c->n + 1, sizeof(*grown));
	if (grown != NULL) {
		c->slots = grown;
		c->slots[c->n++] = slot;
	}
	pthread_mutex_unlock(&c->lock);
	return grown != NULL ? &c->slots[c->n - 1] : NULL;
}

/* The CRL's entries, straight from the records: their keys are
 * ISSUER/SERIAL, so they come in order of serial. */
struct walk {
	struct core *core;
	struct rec_list it;
	int64_t last_update;	/* of the list before */
	int64_t this_update;
	uint64_t entries;
	struct fault *f;
};

static int
crl_reason_of(const char *text)
{
	static const struct {
		const char *name;
		int code;
	} reasons[] = {
		{ "keyCompromise", CRL_KEY_COMPROMISE },
		{ "affiliationChanged", CRL_AFFILIATION_CHANGED },
		{ "superseded", CRL_SUPERSEDED },
		{ "cessationOfOperation", CRL_CESSATION },
		{ "privilegeWithdrawn", CRL_PRIVILEGE_WITHDRAWN },
	};

	for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
		if (strcmp(reasons[i].name, text) == 0)
			return reasons[i].code;
	return CRL_UNSPECIFIED;
}

static enum q_err
walk_next(void *arg, struct crl_entry *ret_entry)
{
	struct walk *w = arg;
	struct rec_revoked rv;
	const char *serial;
	enum q_err r;

	while ((r = rec_list_next(&w->it, &rv, w->f)) == Q_OK) {
		if (rv.not_after >= w->last_update ||
		    rv.not_after >= w->this_update)
			break;
		/* It stood on a list that was made after its end: it has no
		 * place on later ones (RFC 5280 3.3). What cannot be deleted
		 * now is passed over again next time. */
		(void)!rec_revoked_delete(w->core->recordd, rv.key, rv.rev,
		    NULL);
	}
	if (r != Q_OK)
		return r;
	serial = strchr(rv.key, '/');
	if (serial == NULL ||
	    !hex_decode(serial + 1, ret_entry->serial, CERT_SERIAL_LEN))
		return fault_set(w->f, Q_INTERNAL,
		    "record revoked %.80s is damaged", rv.key);
	/* Recorded since the list was begun, or by a clock that was ahead: no
	 * entry may be later than the list, or it would not be signed. */
	ret_entry->revoked_at = rv.revoked_at < w->this_update ?
	    rv.revoked_at : w->this_update;
	ret_entry->reason = (enum crl_reason)crl_reason_of(rv.reason);
	w->entries++;
	return Q_OK;
}

static enum q_err
list_build(struct crls *c, const struct pki_cert *ca,
    const struct crl_slot *slot, struct crl_spec *spec, struct buf *tbs,
    struct fault *f)
{
	char prefix[SIGND_ID_LEN + 2];
	struct walk w = { .core = c->core,
		.it = REC_LIST(c->core->recordd, REC_REVOKED, NULL, prefix),
		.last_update = slot->this_update,
		.this_update = clock_wall(), .f = f };
	int64_t hours = c->core->conf->crl_hours;
	enum q_err r;

	if (hours > CRL_DAYS_MAX * 24)
		hours = CRL_DAYS_MAX * 24;
	snprintf(prefix, sizeof(prefix), "%s/", ca->id);
	*spec = (struct crl_spec){ .alg = sig_alg_for(ca->key.kind),
		.issuer = ca->cert.subject, .issuer_ski = ca->cert.ski,
		.number = slot->number + 1, .this_update = w.this_update,
		.only_users = true };
	spec->next_update = spec->this_update + hours * 3600;
	if (spec->next_update > ca->cert.not_after)
		spec->next_update = ca->cert.not_after;
	r = crl_build(spec, walk_next, &w, tbs, f);
	rec_list_end(&w.it);
	return r;
}

/* signd reads what nobody can change any more. */
static enum q_err
list_sign(struct crls *c, const struct pki_cert *ca, const struct buf *tbs,
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
	return signd_sign_crl(c->core->signd, &req, rsp, hold, f);
}

static void
list_install(struct crls *c, struct crl_slot *slot, struct buf *der,
    const struct crl_spec *spec)
{
	char path[CRL_PATH_MAX];
	enum q_err r = crl_path(c, slot->issuer, path);

	if (r == Q_OK)
		r = file_replace(path, der->p, der->len, 0644);
	if (r != Q_OK)
		log_warn("CRL of %s was not written to its file: %s",
		    slot->issuer, q_err_text(r));
	pthread_mutex_lock(&c->lock);
	buf_free(&slot->der);
	slot->der = *der;
	slot->this_update = spec->this_update;
	slot->next_update = spec->next_update;
	pthread_mutex_unlock(&c->lock);
	*der = (struct buf)BUF_INIT(CRL_DER_MAX);
}

static enum q_err
crl_make(struct crls *c, const struct pki_cert *ca, struct crl_slot *slot,
    struct fault *f)
{
	AUTO_BUF struct buf tbs = BUF_INIT(CRL_DER_MAX);
	AUTO_BUF struct buf der = BUF_INIT(CRL_DER_MAX);
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct signd_sign_crl_rsp rsp;
	struct crl_spec spec;
	enum q_err r = list_build(c, ca, slot, &spec, &tbs, f);

	if (r != Q_OK)
		return r;
	/* Used up also when the answer is lost: signd may have signed it. */
	slot->number++;
	r = list_sign(c, ca, &tbs, &rsp, &hold, f);
	if (r == Q_OK)
		r = x509_assemble(buf_bytes(&tbs), spec.alg, rsp.signature,
		    &der, f);
	if (r != Q_OK)
		return r;
	list_install(c, slot, &der, &spec);
	log_info("CRL %llu of %s (policy %s) is out",
	    (unsigned long long)spec.number, ca->id, ca->policy);
	return Q_OK;
}

/* Whether it is time; takes the mark off, so that what is revoked while the
 * list is built marks it again. */
static bool
slot_due(struct crls *c, struct crl_slot *slot)
{
	bool due;

	pthread_mutex_lock(&c->lock);
	due = clock_mono_ms() >= slot->not_before_ms && (slot->dirty ||
	    clock_wall() < slot->this_update ||
	    clock_wall() >= slot->this_update +
	    (slot->next_update - slot->this_update) / 2);
	if (due)
		slot->dirty = false;
	pthread_mutex_unlock(&c->lock);
	return due;
}

static void
crl_work_one(struct crls *c, const struct pki_cert *ca)
{
	struct crl_slot *slot = slot_of(c, ca);
	int64_t began = clock_mono_ms();
	struct fault f = { 0 };
	enum q_err r;

	if (slot == NULL || !slot_due(c, slot))
		return;
	r = crl_make(c, ca, slot, &f);
	if (r == Q_OK) {
		/* A list that takes long is not made all the time. */
		slot->not_before_ms = clock_mono_ms() +
		    9 * (clock_mono_ms() - began);
		return;
	}
	log_warn("CRL of %s (policy %s): %s", ca->id, ca->policy,
	    fault_text(&f, r));
	slot->not_before_ms = clock_mono_ms() + RETRY_MS;
	crls_dirty(c, ca->id);
}

void
crls_work(struct crls *c)
{
	AUTO_PKI struct pki *pki = NULL;

	if (pki_hold(c->core->pki, &pki, NULL) != Q_OK)
		return;
	for (size_t i = 0; i < pki->n; i++)
		if (pki->certs[i].pkey != NULL &&
		    pki->certs[i].cert.not_after > clock_wall())
			crl_work_one(c, &pki->certs[i]);
}

/* "ID.suffix" -> ID. */
static bool
file_id(const char *file, const char *suffix, char id[SIGND_ID_LEN + 1])
{
	const char *dot = strrchr(file, '.');

	if (dot == NULL || strcmp(dot, suffix) != 0 ||
	    dot - file > SIGND_ID_LEN)
		return false;
	memcpy(id, file, (size_t)(dot - file));
	id[dot - file] = '\0';
	return true;
}

static enum q_err
get_crl(void *ctx, const struct http_request *rq, struct http_response *rs,
    struct fault *f)
{
	struct core *core = ctx;
	struct crls *c = core->crls;
	char id[SIGND_ID_LEN + 1];
	bool there = false, got = false;

	if (!file_id(rq->param[0], ".crl", id))
		return fault_set(f, Q_NOTFOUND, "no such list");
	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->n; i++) {
		if (strcmp(c->slots[i].issuer, id) != 0)
			continue;
		there = true;
		got = c->slots[i].der.len != 0;
		buf_put(&rs->body, c->slots[i].der.p, c->slots[i].der.len);
	}
	pthread_mutex_unlock(&c->lock);
	if (there && !got)
		return fault_retry(f, Q_UNAVAIL, 2,
		    "the list is being made");
	if (!there)
		return fault_set(f, Q_NOTFOUND, "no such list");
	rs->content_type = "application/pkix-crl";
	return Q_OK;
}

static enum q_err
get_ca(void *ctx, const struct http_request *rq, struct http_response *rs,
    struct fault *f)
{
	struct core *core = ctx;
	AUTO_PKI struct pki *pki = NULL;
	const struct pki_cert *cert = NULL;
	char id[SIGND_ID_LEN + 1];
	enum q_err r = pki_hold(core->pki, &pki, f);

	if (r != Q_OK)
		return r;
	if (file_id(rq->param[0], ".cer", id))
		cert = strcmp(id, "root") == 0 ? pki->root :
		    pki_find(pki, id);
	if (cert == NULL || cert->purpose > PKI_LINK)
		return fault_set(f, Q_NOTFOUND, "no such CA");
	buf_put(&rs->body, cert->der.p, cert->der.len);
	rs->content_type = "application/pkix-cert";
	return Q_OK;
}

const struct http_route public_routes[PUBLIC_ROUTES] = {
	{ "GET", "/crl/{file}", get_crl, 0, 0, 0 },
	{ "GET", "/ca/{file}", get_ca, 0, 0, 0 },
};
