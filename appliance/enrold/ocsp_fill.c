// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "enrold/ocsp_fill.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/own.h"
#include "enrold/revset.h"

#define PAGE 256
#define ITEMS 256	/* answers gathered, then signed by CA */
#define TBS_MAX 256	/* one certificate, no nonce */
#define LOOKS 20	/* devices looked at for each signature allowed */
#define PASSES 8	/* over all devices while an answer holds */
#define FIRST_MS 2000	/* what starts has other work first */
#define RETRY_MS 5000

struct item {
	struct ocsp_answer a;
	struct ocsp_sig sig;
	uint8_t tbs[TBS_MAX];
};

struct ocsp_fill {
	struct core *core;
	struct ocsp_table *table;
	struct ocsp_signer *signer;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop;
	bool complained;
	struct item items[ITEMS];
	size_t n;
};

int64_t
ocsp_next_update(const struct conf *conf, const struct pki_cert *responder,
    int64_t now)
{
	int64_t until = now + conf->ocsp_hours * 3600;

	return until < responder->cert.not_after ? until :
	    responder->cert.not_after;
}

/* Whether to stop, after that time. */
static bool
fill_wait(struct ocsp_fill *w, int64_t ms)
{
	struct timespec until;
	bool stop;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&w->lock);
	while (!w->stop && ms > 0 &&
	    pthread_cond_timedwait(&w->wake, &w->lock, &until) == 0)
		;
	stop = w->stop;
	pthread_mutex_unlock(&w->lock);
	return stop;
}

static enum q_err
item_build(struct item *it, const struct pki_cert *ca,
    const struct pki_cert *responder, struct fault *f)
{
	AUTO_BUF struct buf tbs = BUF_INIT(TBS_MAX);
	struct ocsp_single one = { .form = it->a.form,
		.serial = { it->a.serial, CERT_SERIAL_LEN },
		.status = OCSP_GOOD };
	struct ocsp_spec spec = { .issuer = &ca->ids,
		.responder = responder->ids.key[0],
		.this_update = it->a.this_update,
		.next_update = it->a.next_update, .singles = &one, .n = 1 };
	enum q_err r = ocsp_build(&spec, &tbs, f);

	if (r != Q_OK)
		return r;
	memcpy(it->tbs, tbs.p, tbs.len);
	it->sig.tbs = (struct bytes){ it->tbs, tbs.len };
	memcpy(it->sig.issuer, ca->id, sizeof(it->sig.issuer));
	return Q_OK;
}

/* A run of one CA's items, and the time it may take. */
static enum q_err
run_sign(struct ocsp_fill *w, struct item *items, size_t n, struct fault *f)
{
	struct ocsp_sig *sigs[SIGND_OCSP_ITEMS] = { NULL };
	enum q_err r;

	for (size_t i = 0; i < n; i++)
		sigs[i] = &items[i].sig;
	r = ocsp_sign_batch(w->signer, sigs, n, f);
	for (size_t i = 0; i < n && r == Q_OK; i++) {
		struct item *it = &items[i];

		it->a.sig_len = it->sig.len;
		memcpy(it->a.sig, it->sig.sig, it->sig.len);
		ocsp_table_put(w->table, &it->a);
	}
	(void)fill_wait(w, (int64_t)n * 1000 / w->core->conf->ocsp_rate);
	return r;
}

static int
compare_items(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return strcmp(x->a.issuer, y->a.issuer);
}

static enum q_err
items_sign(struct ocsp_fill *w, struct fault *f)
{
	enum q_err r = Q_OK;
	size_t from = 0, to;

	qsort(w->items, w->n, sizeof(w->items[0]), compare_items);
	for (size_t i = 0; i < w->n; i++) /* they have moved */
		w->items[i].sig.tbs.p = w->items[i].tbs;
	for (; from < w->n && r == Q_OK; from = to) {
		for (to = from + 1; to < w->n && to - from < SIGND_OCSP_ITEMS &&
		    strcmp(w->items[to].a.issuer,
		    w->items[from].a.issuer) == 0;)
			to++;
		r = run_sign(w, w->items + from, to - from, f);
	}
	w->n = 0;
	return r == Q_OK ? ocsp_table_tend(w->table) : r;
}

/* Whether this certificate's answer in this form is to be signed now: the
 * usual form always, others once somebody has asked. */
static bool
answer_due(struct ocsp_fill *w, const struct pki *pki,
    const struct pki_cert *ca, const struct ocsp_answer *want)
{
	int64_t now = want->this_update;
	struct ocsp_answer a;

	if (!ocsp_table_get(w->table, want->issuer, want->serial, want->form,
	    &a))
		return want->form == OCSP_SHA1;
	return now >= a.this_update + (a.next_update - a.this_update) / 2 ||
	    now < a.this_update ||
	    pki_responder(pki, ca, a.responder) == NULL;
}

static enum q_err
cert_look(struct ocsp_fill *w, const struct pki *pki,
    const struct rec_cert *rc, struct fault *f)
{
	const struct pki_cert *ca = pki_find(pki, rc->issuer);
	const struct pki_cert *responder = ca != NULL ? ca->ocsp : NULL;
	int64_t now = clock_wall();
	struct ocsp_answer a = { .this_update = now,
		.not_after = rc->not_after };
	struct revset_entry revoked;
	enum q_err r = Q_OK;

	if (responder == NULL || rc->revoked_at != 0 ||
	    rc->not_after < now ||
	    !hex_decode(rc->serial, a.serial, sizeof(a.serial)) ||
	    revset_find(w->core->revset, ca->id, a.serial, &revoked))
		return Q_OK;
	memcpy(a.issuer, ca->id, sizeof(a.issuer));
	memcpy(a.responder, responder->id, sizeof(a.responder));
	a.next_update = ocsp_next_update(w->core->conf, responder, now);
	for (unsigned form = 0; form < OCSP_FORMS && r == Q_OK; form++) {
		a.form = (enum ocsp_form)form;
		if (a.next_update <= now || !answer_due(w, pki, ca, &a))
			continue;
		w->items[w->n].a = a;
		r = item_build(&w->items[w->n++], ca, responder, f);
	}
	return r;
}

static enum q_err
device_look(struct ocsp_fill *w, const struct rec_device *dev,
    struct fault *f)
{
	AUTO_PKI struct pki *pki = NULL;
	enum q_err r = pki_hold(w->core->pki, &pki, f);

	if (r != Q_OK || dev->state == DEVICE_REVOKED)
		return r;
	for (size_t i = 0; i < dev->certs.n && r == Q_OK; i++)
		r = cert_look(w, pki, &dev->certs.c[i], f);
	if (r == Q_OK && w->n + REC_CERTS_MAX * OCSP_FORMS > ITEMS)
		r = items_sign(w, f);
	return r;
}

static enum q_err
pass(struct ocsp_fill *w, struct fault *f)
{
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(w->core->recordd, REC_DEVICE, NULL, NULL);
	struct rec_device dev;
	uint64_t looked = 0;
	enum q_err r;

	it.page = PAGE;
	w->n = 0;
	while ((r = rec_list_next(&it, &dev, f)) == Q_OK) {
		r = device_look(w, &dev, f);
		if (r != Q_OK)
			return r;
		if (++looked % PAGE == 0 && fill_wait(w, PAGE * 1000 /
		    (w->core->conf->ocsp_rate * LOOKS)))
			return Q_OK;
	}
	return r == Q_NOTFOUND ? items_sign(w, f) : r;
}

static void
fill_log(struct ocsp_fill *w, enum q_err r, const struct fault *f)
{
	if (r != Q_OK && !w->complained)
		log_warn("signing OCSP answers ahead waits: %s",
		    fault_text(f, r));
	if (r == Q_OK && w->complained)
		log_note("signing OCSP answers ahead goes on");
	w->complained = r != Q_OK;
}

static void *
fill_thread(void *arg)
{
	struct ocsp_fill *w = arg;
	int64_t ms = FIRST_MS;

	while (!fill_wait(w, ms)) {
		struct fault f = { 0 };
		enum q_err r;

		ms = RETRY_MS;
		if (!revset_ready(w->core->revset))
			continue;
		r = pass(w, &f);
		if (r == Q_INVALID) /* the responder is another by now */
			(void)!pki_refresh(w->core->pki, 0, NULL);
		fill_log(w, r, &f);
		if (r == Q_OK)
			ms = w->core->conf->ocsp_hours * 3600 * 1000 / PASSES;
	}
	return NULL;
}

enum q_err
ocsp_fill_start(struct core *core, struct ocsp_table *table,
    struct ocsp_signer *signer, struct ocsp_fill **ret_fill)
{
	struct ocsp_fill *w = calloc(1, sizeof(*w));
	pthread_condattr_t mono;

	if (w == NULL)
		return Q_NOMEM;
	w->core = core;
	w->table = table;
	w->signer = signer;
	pthread_mutex_init(&w->lock, NULL);
	pthread_condattr_init(&mono);
	pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	pthread_cond_init(&w->wake, &mono);
	pthread_condattr_destroy(&mono);
	if (pthread_create(&w->thread, NULL, fill_thread, w) != 0) {
		free(w);
		return Q_NOMEM;
	}
	*ret_fill = w;
	return Q_OK;
}

void
ocsp_fill_stop(struct ocsp_fill *w)
{
	if (w == NULL)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_broadcast(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	pthread_mutex_destroy(&w->lock);
	pthread_cond_destroy(&w->wake);
	free(w);
}
