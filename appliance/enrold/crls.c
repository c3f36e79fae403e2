// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "enrold/crls.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/fsio.h"
#include "base/log.h"
#include "base/own.h"
#include "enrold/crl_make.h"
#include "enrold/revset.h"
#include "x509/crl_check.h"

#define CRL_PATH_MAX 700
#define RETRY_MS 2000
#define EVER INT64_C(253402300799) /* the year 9999 */
#define ENTRY_SIZE 46 /* of an entry with a reason, about */
#define DELTA_PART 10 /* deltas up to this part of the list */
#define DELTA_LEAST 1000
/* A part of the time at most goes into a kind of work. */
#define FULL_PAUSE 9
#define FULL_PAUSE_DELTA 99 /* when deltas tell the news */
#define FULL_PAUSE_DELTA_MS 60000
#define LOAD_PAUSE 19
#define LOAD_PAUSE_MS 500
#define LOAD_SHARED_MS 5000

/* One issuer's lists. */
struct crl_slot {
	char issuer[SIGND_ID_LEN + 1];
	bool dirty;		/* more has been revoked */
	bool full_stale, delta_stale;
	int64_t wait_ms, full_wait_ms; /* not before */
	uint64_t number;	/* last one used */
	struct crl_list full, delta;
	uint32_t mark;		/* of the full list, for revset_walk_begin */
	/* The full list that deltas are on: it is kept while later full ones
	 * come, as who has any of them can use the delta. 0: no deltas. */
	uint64_t base;
	uint32_t base_mark;
	int64_t base_end;
};

struct crls {
	struct core *core;
	pthread_mutex_t lock;	/* of slots; work is done by one thread */
	struct crl_slot *slots;
	size_t n;
	bool begun;		/* every CA has its slot */
	bool load;		/* list the records again */
	int64_t load_wait_ms;
};

enum q_err
crls_new(struct core *core, struct crls **ret_crls)
{
	struct crls *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return Q_NOMEM;
	c->core = core;
	c->load = true;
	pthread_mutex_init(&c->lock, NULL);
	*ret_crls = c;
	return Q_OK;
}

static void
slot_free(struct crl_slot *slot)
{
	buf_free(&slot->full.der);
	buf_free(&slot->delta.der);
}

void
crls_free(struct crls *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < c->n; i++)
		slot_free(&c->slots[i]);
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

void
crls_hint(struct crls *c, const char *key)
{
	char issuer[SIGND_ID_LEN + 1] = "";
	const char *slash = strchr(key, '/');
	enum q_err r = slash == NULL || slash - key > SIGND_ID_LEN ?
	    Q_INVALID : revset_fetch(c->core->revset, key, NULL);

	if (r == Q_OK) {
		memcpy(issuer, key, (size_t)(slash - key));
		crls_dirty(c, issuer);
		return;
	}
	if (r == Q_EXISTS || r == Q_NOTFOUND)
		return;
	pthread_mutex_lock(&c->lock);
	c->load = true;
	pthread_mutex_unlock(&c->lock);
}

static enum q_err
crl_path(const struct crls *c, const char *issuer, const char *suffix,
    char out[CRL_PATH_MAX])
{
	int n = snprintf(out, CRL_PATH_MAX, "%s/enrold/%s%s.crl",
	    c->core->conf->state, issuer, suffix);

	return n < 0 || n >= CRL_PATH_MAX ? Q_TOOBIG : Q_OK;
}

static enum q_err
delta_url(const struct crls *c, const struct pki *pki,
    const struct pki_cert *ca, char out[SIGNER_URL_MAX])
{
	return signer_delta_url(pki->host, (unsigned)c->core->conf->crl_port,
	    ca->id, out, SIGNER_URL_MAX);
}

/* What an earlier run of ours left, if it is whole and this CA's. */
static void
list_load(const struct crls *c, const struct pki *pki,
    const struct pki_cert *ca, const char *suffix, struct crl_list *list)
{
	char path[CRL_PATH_MAX], url[SIGNER_URL_MAX];
	struct crl_expect any = { .alg = sig_alg_for(ca->key.kind),
		.issuer = ca->cert.subject, .issuer_ski = ca->cert.ski,
		.now = clock_wall(), .max_backdate = EVER,
		.max_validity = EVER, .issuer_not_after = EVER,
		.only_users = true, .delta = *suffix != '\0',
		.freshest_url = url };
	struct buf der = BUF_INIT(CRL_DER_MAX);
	struct crl_info info;
	struct bytes tbs;

	if (*suffix != '\0')
		any.last_number = ca->crl_number;
	if (delta_url(c, pki, ca, url) == Q_OK &&
	    crl_path(c, ca->id, suffix, path) == Q_OK &&
	    file_read(path, &der) == Q_OK &&
	    crl_open(buf_bytes(&der), ca->cert.spki, &tbs, NULL) == Q_OK &&
	    crl_check_tbs(tbs, &any, NULL, NULL, &info, NULL) == Q_OK) {
		*list = (struct crl_list){ der, info.number,
			info.this_update, info.next_update };
		return;
	}
	buf_free(&der);
}

/* The slot of a CA, made when it is new; NULL without memory. Only the
 * working thread adds slots. */
static struct crl_slot *
slot_of(struct crls *c, const struct pki *pki, const struct pki_cert *ca)
{
	struct crl_slot slot = { .dirty = true, .number = ca->crl_number,
		.full.der = BUF_INIT(CRL_DER_MAX),
		.delta.der = BUF_INIT(CRL_DER_MAX) }, *grown;

	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->slots[i].issuer, ca->id) == 0)
			return &c->slots[i];
	snprintf(slot.issuer, sizeof(slot.issuer), "%s", ca->id);
	list_load(c, pki, ca, "", &slot.full);
	list_load(c, pki, ca, "-delta", &slot.delta);
	if (slot.number < slot.full.number)
		slot.number = slot.full.number;
	if (slot.number < slot.delta.number)
		slot.number = slot.delta.number;
	pthread_mutex_lock(&c->lock);
	grown = reallocarray(c->slots, c->n + 1, sizeof(*grown));
	if (grown != NULL) {
		c->slots = grown;
		c->slots[c->n++] = slot;
	}
	pthread_mutex_unlock(&c->lock);
	if (grown == NULL)
		slot_free(&slot);
	return grown != NULL ? &c->slots[c->n - 1] : NULL;
}

static void
list_install(struct crls *c, const char *issuer, const char *suffix,
    struct crl_list *at, const struct crl_list *made)
{
	char path[CRL_PATH_MAX];
	enum q_err r = crl_path(c, issuer, suffix, path);

	if (r == Q_OK)
		r = file_replace(path, made->der.p, made->der.len, 0644);
	if (r != Q_OK)
		log_warn("CRL of %s was not written to its file: %s", issuer,
		    q_err_text(r));
	pthread_mutex_lock(&c->lock);
	buf_free(&at->der);
	*at = *made;
	pthread_mutex_unlock(&c->lock);
}

/* Make a list and put it in the place of the one before. */
static enum q_err
list_renew(struct crls *c, struct crl_slot *slot, struct crl_wish *wish,
    uint32_t *ret_mark, struct fault *f)
{
	bool delta = wish->base != 0;
	struct crl_list made, *at = delta ? &slot->delta : &slot->full;
	int64_t began = clock_mono_ms();
	enum q_err r;

	/* Used up also when the answer is lost: signd may have signed it. */
	wish->number = ++slot->number;
	wish->last_update = slot->full.this_update;
	r = crl_make(c->core, wish, &made, ret_mark, f);
	if (r != Q_OK)
		return r;
	list_install(c, slot->issuer, delta ? "-delta" : "", at, &made);
	log_info("%s %llu of %s (policy %s) is out: %zu octets, %lld ms",
	    delta ? "delta CRL" : "CRL", (unsigned long long)wish->number,
	    slot->issuer, wish->ca->policy, at->der.len,
	    (long long)(clock_mono_ms() - began));
	return Q_OK;
}

/* Whether a list is missing, or past half of its time. */
static bool
list_due(const struct crl_list *l)
{
	int64_t now = clock_wall();

	return l->der.len == 0 || now < l->this_update ||
	    now >= l->this_update + (l->next_update - l->this_update) / 2;
}

static enum q_err
full_make(struct crls *c, const struct pki *pki, const struct pki_cert *ca,
    struct crl_slot *slot, struct fault *f)
{
	struct crl_wish wish = { .ca = ca };
	size_t entries = revset_count(c->core->revset, ca->id);
	int64_t began = clock_mono_ms(), took, pause;
	int64_t before = slot->full.this_update;
	char url[SIGNER_URL_MAX];
	enum q_err r = Q_OK;
	bool deltas = slot->base != 0 || entries * ENTRY_SIZE >
	    (size_t)c->core->conf->crl_delta_bytes;

	if (deltas) {
		r = delta_url(c, pki, ca, url);
		wish.freshest_url = url;
	}
	if (r == Q_OK)
		r = list_renew(c, slot, &wish, &slot->mark, f);
	if (r != Q_OK)
		return r;
	slot->full_stale = false;
	if (deltas && slot->base == 0) {
		slot->base = slot->full.number;
		slot->base_mark = slot->mark;
		slot->base_end = slot->full.next_update;
		slot->delta_stale = true;
	}
	revset_drop(c->core->revset, ca->id,
	    before < slot->full.this_update ? before :
	    slot->full.this_update);
	took = clock_mono_ms() - began;
	pause = deltas ? FULL_PAUSE_DELTA * took : FULL_PAUSE * took;
	if (deltas && pause < FULL_PAUSE_DELTA_MS)
		pause = FULL_PAUSE_DELTA_MS;
	slot->full_wait_ms = began + took + pause;
	return Q_OK;
}

/* Later deltas are on the newest full list, when those on the old one become
 * long or its time is over. */
static void
base_move(struct crls *c, struct crl_slot *slot)
{
	size_t entries = revset_count(c->core->revset, slot->issuer);
	size_t most = entries / DELTA_PART * ENTRY_SIZE;

	if (most < DELTA_LEAST * ENTRY_SIZE)
		most = DELTA_LEAST * ENTRY_SIZE;
	if (slot->base == slot->full.number ||
	    (slot->delta.der.len < most && clock_wall() < slot->base_end))
		return;
	slot->base = slot->full.number;
	slot->base_mark = slot->mark;
	slot->base_end = slot->full.next_update;
}

static enum q_err
delta_make(struct crls *c, const struct pki_cert *ca, struct crl_slot *slot,
    struct fault *f)
{
	struct crl_wish wish = { .ca = ca };
	uint32_t mark;
	enum q_err r;

	base_move(c, slot);
	wish.base = slot->base;
	wish.after = slot->base_mark;
	r = list_renew(c, slot, &wish, &mark, f);
	if (r == Q_OK)
		slot->delta_stale = false;
	return r;
}

/* Takes the mark off, so that what is revoked while a list is built marks it
 * again. */
static void
slot_look(struct crls *c, struct crl_slot *slot)
{
	pthread_mutex_lock(&c->lock);
	if (slot->dirty)
		slot->full_stale = slot->delta_stale = true;
	slot->dirty = false;
	pthread_mutex_unlock(&c->lock);
}

static void
slot_work(struct crls *c, const struct pki *pki, const struct pki_cert *ca)
{
	struct crl_slot *slot = slot_of(c, pki, ca);
	struct fault f = { 0 };
	enum q_err r = Q_OK;

	if (slot == NULL || clock_mono_ms() < slot->wait_ms)
		return;
	slot_look(c, slot);
	if (list_due(&slot->full) || (slot->full_stale &&
	    clock_mono_ms() >= slot->full_wait_ms))
		r = full_make(c, pki, ca, slot, &f);
	if (r == Q_OK && slot->base != 0 &&
	    (slot->delta_stale || list_due(&slot->delta)))
		r = delta_make(c, ca, slot, &f);
	if (r == Q_OK)
		return;
	log_warn("CRL of %s (policy %s): %s", ca->id, ca->policy,
	    fault_text(&f, r));
	slot->wait_ms = clock_mono_ms() + RETRY_MS;
}

/* All records, when hints of them may have been lost: at the start, after
 * the stream broke, and now and then where other appliances share the store,
 * whose hints do not come here. */
static enum q_err
revoked_load(struct crls *c, struct fault *f)
{
	bool shared = strncmp(c->core->conf->store, "mongodb", 7) == 0;
	int64_t began = clock_mono_ms();
	uint64_t added;
	bool load;
	enum q_err r;

	pthread_mutex_lock(&c->lock);
	load = began >= c->load_wait_ms && (c->load ||
	    (shared && began >= c->load_wait_ms + LOAD_SHARED_MS));
	if (load)
		c->load = false;
	pthread_mutex_unlock(&c->lock);
	if (!load)
		return revset_ready(c->core->revset) ? Q_OK : Q_UNAVAIL;
	r = revset_load(c->core->revset, &added, f);
	c->load_wait_ms = clock_mono_ms() + LOAD_PAUSE_MS +
	    LOAD_PAUSE * (clock_mono_ms() - began);
	if (added != 0)
		crls_dirty(c, "");
	if (r == Q_OK)
		return r;
	pthread_mutex_lock(&c->lock);
	c->load = true;
	pthread_mutex_unlock(&c->lock);
	return revset_ready(c->core->revset) ? Q_OK : r;
}

/* A CA has ended: nobody asks for its list any more. */
static void
slot_retire(struct crls *c, size_t i)
{
	char path[CRL_PATH_MAX];

	revset_drop(c->core->revset, c->slots[i].issuer, INT64_MAX);
	if (crl_path(c, c->slots[i].issuer, "", path) == Q_OK)
		(void)unlink(path);
	if (crl_path(c, c->slots[i].issuer, "-delta", path) == Q_OK)
		(void)unlink(path);
	pthread_mutex_lock(&c->lock);
	slot_free(&c->slots[i]);
	c->slots[i] = c->slots[--c->n];
	pthread_mutex_unlock(&c->lock);
}

static bool
living(const struct pki_cert *ca)
{
	return ca != NULL && ca->pkey != NULL &&
	    ca->cert.not_after > clock_wall();
}

void
crls_work(struct crls *c)
{
	AUTO_PKI struct pki *pki = NULL;
	struct fault f = { 0 };
	enum q_err r;

	if (pki_hold(c->core->pki, &pki, NULL) != Q_OK)
		return;
	for (size_t i = c->n; i-- > 0;)
		if (!living(pki_find(pki, c->slots[i].issuer)))
			slot_retire(c, i);
	/* What an earlier run left is served while the records are read. */
	for (size_t i = 0; i < pki->n; i++)
		if (living(&pki->certs[i]))
			(void)slot_of(c, pki, &pki->certs[i]);
	pthread_mutex_lock(&c->lock);
	c->begun = true;
	pthread_mutex_unlock(&c->lock);
	r = revoked_load(c, &f);
	if (r != Q_OK && *f.msg != '\0')
		log_warn("CRLs wait: %s", fault_text(&f, r));
	for (size_t i = 0; r == Q_OK && i < pki->n; i++)
		if (living(&pki->certs[i]))
			slot_work(c, pki, &pki->certs[i]);
}

int64_t
crls_listed(struct crls *c, const char *issuer)
{
	int64_t at = EVER;

	pthread_mutex_lock(&c->lock);
	for (size_t i = 0; i < c->n; i++)
		if (strcmp(c->slots[i].issuer, issuer) == 0)
			at = c->slots[i].full.this_update;
	pthread_mutex_unlock(&c->lock);
	return at;
}

/* "ID.suffix" -> ID. */
static bool
file_id(const char *file, const char *suffix, char id[SIGND_ID_LEN + 1])
{
	size_t len = strlen(file), end = strlen(suffix);

	if (len <= end || len - end > SIGND_ID_LEN ||
	    strcmp(file + len - end, suffix) != 0)
		return false;
	memcpy(id, file, len - end);
	id[len - end] = '\0';
	return true;
}

/* With its number as entity tag: a cache asks whether there is a newer. */
static void
list_put(const struct crl_list *l, const struct http_request *rq,
    struct http_response *rs)
{
	const char *have = http_header(rq, "If-None-Match");
	char tag[32];

	snprintf(tag, sizeof(tag), "\"%llu\"", (unsigned long long)l->number);
	http_response_header(rs, "ETag", tag);
	http_response_header(rs, "Cache-Control", "no-cache");
	rs->content_type = "application/pkix-crl";
	if (have != NULL && strcmp(have, tag) == 0)
		rs->status = 304;
	else
		buf_put(&rs->body, l->der.p, l->der.len);
}

static enum q_err
get_crl(void *ctx, const struct http_request *rq, struct http_response *rs,
    struct fault *f)
{
	struct core *core = ctx;
	struct crls *c = core->crls;
	char id[SIGND_ID_LEN + 1];
	bool delta = file_id(rq->param[0], "-delta.crl", id);
	enum q_err r;

	if (!delta && !file_id(rq->param[0], ".crl", id))
		return fault_set(f, Q_NOTFOUND, "no such list");
	pthread_mutex_lock(&c->lock);
	r = c->begun ? Q_NOTFOUND : Q_UNAVAIL;
	for (size_t i = 0; i < c->n; i++) {
		const struct crl_slot *slot = &c->slots[i];
		const struct crl_list *l = delta ? &slot->delta : &slot->full;

		if (strcmp(slot->issuer, id) != 0 ||
		    (delta && slot->base == 0 && l->der.len == 0))
			continue;
		r = l->der.len != 0 ? Q_OK : Q_UNAVAIL;
		if (r == Q_OK)
			list_put(l, rq, rs);
	}
	pthread_mutex_unlock(&c->lock);
	if (r == Q_UNAVAIL)
		return fault_retry(f, r, 2, "the list is being made");
	return r == Q_OK ? r : fault_set(f, r, "no such list");
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
