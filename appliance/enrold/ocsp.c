// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "enrold/ocsp.h"

#include <openssl/sha.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/log.h"
#include "base/own.h"
#include "enrold/ocsp_fill.h"
#include "enrold/ocsp_front.h"
#include "enrold/revset.h"

#define RECORDS_MS 2000	/* who asks has not more time than that */
#define UNKNOWN_SPAN 60	/* seconds that "unknown" holds */
#define UNKNOWN_KEPT 5	/* and that it is answered out of memory */

struct ocsp {
	struct core *core;
	struct wire_client *recordd;
	struct ocsp_table *table;
	struct ocsp_front *front;
	struct ocsp_signer *signer;
	struct ocsp_fill *fill;
	_Atomic unsigned waiting;
	atomic_bool complained;
};

/* A request on its way to an answer. */
struct question {
	struct ocsp *o;
	struct pki *pki;
	const struct pki_cert *ca;
	struct ocsp_request rq;
	struct ocsp_single singles[OCSP_CERTS_MAX];
	/* Of a request for one certificate without a nonce, whose answer
	 * may be kept. */
	bool plain;
	struct ocsp_key key;
	int64_t not_after;	/* of the certificate that is good */
};

enum q_err
ocsp_new(struct core *core, struct ocsp **ret_ocsp)
{
	struct ocsp *o = calloc(1, sizeof(*o));
	char path[CONF_SOCKET_MAX], file[sizeof(core->conf->state) + 32];
	enum q_err r;

	if (o == NULL)
		return Q_NOMEM;
	o->core = core;
	snprintf(file, sizeof(file), "%s/enrold/ocsp.answers",
	    core->conf->state);
	r = conf_socket(core->conf, "recordd", path);
	if (r == Q_OK)
		r = wire_client_new(path, RECORDS_MS, &o->recordd);
	if (r == Q_OK)
		r = ocsp_signer_new(core->conf, &o->signer);
	if (r == Q_OK)
		r = ocsp_front_new(&o->front);
	if (r == Q_OK)
		r = ocsp_table_open(file, &o->table);
	if (r == Q_OK)
		*ret_ocsp = o;
	else
		ocsp_free(o);
	return r;
}

void
ocsp_free(struct ocsp *o)
{
	if (o == NULL)
		return;
	ocsp_fill_stop(o->fill);
	ocsp_table_close(o->table);
	ocsp_front_free(o->front);
	ocsp_signer_free(o->signer);
	wire_client_free(o->recordd);
	free(o);
}

enum q_err
ocsp_start(struct ocsp *o)
{
	if (o->core->conf->ocsp_rate == 0)
		return Q_OK;
	return ocsp_fill_start(o->core, o->table, o->signer, &o->fill);
}

/* --- status ------------------------------------------------------------- */

static void
set_revoked(struct ocsp_single *s, int64_t at, enum crl_reason reason)
{
	int64_t now = clock_wall();

	s->status = OCSP_REVOKED;
	s->revoked_at = at != 0 && at < now ? at : now;
	s->reason = reason;
}

/* Whether it is revoked as far as the lists go. */
static bool
listed(const struct question *q, struct ocsp_single *s)
{
	struct revset_entry entry;

	if (s->serial.len != CERT_SERIAL_LEN || !revset_find(
	    q->o->core->revset, q->ca->id, s->serial.p, &entry))
		return false;
	set_revoked(s, entry.revoked_at, entry.reason);
	return true;
}

/* As the device's record has it: also what is revoked there and not on its
 * way to the list yet. */
static void
recorded(struct question *q, const struct rec_device *dev,
    const char *serial, struct ocsp_single *s)
{
	for (size_t i = 0; i < dev->certs.n; i++) {
		const struct rec_cert *rc = &dev->certs.c[i];

		if (strcmp(rc->serial, serial) != 0 ||
		    strcmp(rc->issuer, q->ca->id) != 0)
			continue;
		s->status = OCSP_GOOD;
		q->not_after = rc->not_after;
		if (rc->revoked_at != 0)
			set_revoked(s, rc->revoked_at, rc->reason);
		else if (dev->state == DEVICE_REVOKED)
			set_revoked(s, dev->revoked_at, CRL_UNSPECIFIED);
		q->plain = q->plain && s->status == OCSP_GOOD;
		return;
	}
}

static enum q_err
look_up(struct question *q, struct ocsp_single *s, struct fault *f)
{
	char serial[2 * CERT_SERIAL_LEN + 1], match[REC_KEY_MAX + 1];
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(q->o->recordd, REC_DEVICE, "certs", match);
	struct rec_device dev;
	enum q_err r;

	hex_encode(s->serial.p, CERT_SERIAL_LEN, serial);
	snprintf(match, sizeof(match), "%s/%s", q->ca->id, serial);
	it.page = 1;
	r = rec_list_next(&it, &dev, f);
	if (r == Q_OK)
		recorded(q, &dev, serial, s);
	return r == Q_NOTFOUND ? Q_OK : r;
}

/* What was good when its answer was signed is good until it is listed. */
static bool
known_good(struct question *q, const struct ocsp_single *s)
{
	struct ocsp_answer a;
	int64_t now = clock_wall();

	if (!ocsp_table_get(q->o->table, q->ca->id, s->serial.p, OCSP_SHA1,
	    &a) || a.next_update < now || a.not_after < now)
		return false;
	q->not_after = a.not_after;
	return true;
}

static enum q_err
status_find(struct question *q, struct ocsp_single *s, struct fault *f)
{
	s->status = OCSP_UNKNOWN;
	if (s->serial.len != CERT_SERIAL_LEN || listed(q, s))
		return Q_OK;
	if (!known_good(q, s))
		return look_up(q, s, f);
	s->status = OCSP_GOOD;
	return Q_OK;
}

/* --- answers ------------------------------------------------------------ */

/* The whole response: of given times and, for one that was kept, with its
 * signature. */
static enum q_err
response_make(const struct question *q, const struct pki_cert *responder,
    struct ocsp_answer *a, struct buf *body, struct fault *f)
{
	AUTO_BUF struct buf tbs = BUF_INIT(OCSP_TBS_MAX);
	struct ocsp_spec spec = { .issuer = &q->ca->ids,
		.responder = responder->ids.key[0],
		.this_update = a->this_update,
		.next_update = a->next_update, .nonce = q->rq.nonce,
		.singles = q->singles, .n = q->rq.n };
	struct ocsp_sig sig = { .len = 0 };
	enum q_err r = ocsp_build(&spec, &tbs, f);

	if (r == Q_OK && a->sig_len == 0) {
		memcpy(sig.issuer, q->ca->id, sizeof(sig.issuer));
		sig.tbs = buf_bytes(&tbs);
		r = ocsp_sign(q->o->signer, &sig, f);
		if (r != Q_OK)
			return r;
		memcpy(a->sig, sig.sig, sig.len);
		a->sig_len = sig.len;
	}
	if (r == Q_OK)
		r = ocsp_assemble(buf_bytes(&tbs),
		    (struct bytes){ a->sig, a->sig_len },
		    buf_bytes(&responder->der), body);
	return r;
}

static void
ready_make(struct ocsp_ready *ready, const struct ocsp_answer *a,
    enum ocsp_status status, const struct buf *body)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	int64_t span = a->next_update - a->this_update;

	ready->status = status;
	ready->this_update = a->this_update;
	ready->next_update = a->next_update;
	ready->until = status == OCSP_UNKNOWN ?
	    a->this_update + UNKNOWN_KEPT : a->next_update - span / 8;
	ready->der = buf_bytes(body);
	SHA256(body->p, body->len, digest);
	ready->etag[0] = '"';
	hex_encode(digest, 16, ready->etag + 1);
	memcpy(ready->etag + OCSP_ETAG_LEN - 1, "\"", 2);
}

/* Signed ahead, and to be had from the table. */
static bool
answer_stored(struct question *q, struct ocsp_ready *ret_ready,
    struct buf *body)
{
	const struct ocsp_single *s = &q->singles[0];
	const struct pki_cert *responder;
	struct ocsp_answer a;
	int64_t now = clock_wall();

	if (s->serial.len != CERT_SERIAL_LEN || s->status != OCSP_GOOD ||
	    !ocsp_table_get(q->o->table, q->ca->id, s->serial.p, s->form,
	    &a) || a.not_after < now || a.this_update > now ||
	    a.next_update - (a.next_update - a.this_update) / 8 <= now)
		return false;
	responder = pki_responder(q->pki, q->ca, a.responder);
	if (responder == NULL || response_make(q, responder, &a, body,
	    NULL) != Q_OK) {
		buf_reset(body);
		return false;
	}
	ready_make(ret_ready, &a, OCSP_GOOD, body);
	ocsp_front_put(q->o->front, &q->key, ret_ready);
	return true;
}

/* Out of memory or the table; never against the lists. */
static bool
answer_kept(struct question *q, struct ocsp_ready *ret_ready,
    struct buf *body)
{
	struct ocsp_single *s = &q->singles[0];

	if (!q->plain)
		return false;
	s->status = OCSP_GOOD;
	listed(q, s);
	if (ocsp_front_get(q->o->front, &q->key, ret_ready, body)) {
		if ((ret_ready->status == OCSP_REVOKED) ==
		    (s->status == OCSP_REVOKED))
			return true;
		buf_reset(body);
	}
	return answer_stored(q, ret_ready, body);
}

static void
answer_keep(struct question *q, const struct ocsp_answer *a,
    const struct ocsp_ready *ready)
{
	ocsp_front_put(q->o->front, &q->key, ready);
	if (ready->status == OCSP_GOOD)
		ocsp_table_put(q->o->table, a);
}

static enum q_err
answer_sign(struct question *q, struct ocsp_ready *ret_ready,
    struct buf *body, struct fault *f)
{
	const struct pki_cert *responder = q->ca->ocsp;
	struct ocsp_answer a = { .this_update = clock_wall() };
	bool unknown = false;
	enum q_err r = Q_OK;

	if (responder == NULL || responder->cert.not_after <= a.this_update)
		return fault_retry(f, Q_UNAVAIL, 1,
		    "CA %s has no responder", q->ca->id);
	for (size_t i = 0; i < q->rq.n && r == Q_OK; i++) {
		r = status_find(q, &q->singles[i], f);
		unknown |= q->singles[i].status == OCSP_UNKNOWN;
	}
	if (r != Q_OK)
		return r;
	a.next_update = ocsp_next_update(q->o->core->conf, responder,
	    a.this_update);
	if (unknown && a.next_update > a.this_update + UNKNOWN_SPAN)
		a.next_update = a.this_update + UNKNOWN_SPAN;
	r = response_make(q, responder, &a, body, f);
	if (r != Q_OK)
		return r;
	memcpy(a.issuer, q->ca->id, sizeof(a.issuer));
	memcpy(a.responder, responder->id, sizeof(a.responder));
	a.form = q->singles[0].form;
	a.not_after = q->not_after;
	if (q->singles[0].serial.len == CERT_SERIAL_LEN)
		memcpy(a.serial, q->singles[0].serial.p, CERT_SERIAL_LEN);
	if (q->plain) {
		ready_make(ret_ready, &a, q->singles[0].status, body);
		answer_keep(q, &a, ret_ready);
	}
	return Q_OK;
}

static enum q_err
pki_again(struct question *q, struct fault *f)
{
	char id[SIGND_ID_LEN + 1];
	enum q_err r = pki_refresh(q->o->core->pki, 0, f);

	memcpy(id, q->ca->id, sizeof(id));
	pki_drop(&q->pki);
	if (r == Q_OK)
		r = pki_hold(q->o->core->pki, &q->pki, f);
	if (r != Q_OK)
		return r;
	q->ca = pki_find(q->pki, id);
	return q->ca != NULL ? Q_OK : Q_NOTFOUND;
}

/* Looked up and signed now, if not too many wait for that. */
static enum q_err
answer_now(struct question *q, struct ocsp_ready *ret_ready,
    struct buf *body, struct fault *f)
{
	struct ocsp *o = q->o;
	enum q_err r;

	if (o->waiting++ >= OCSP_WAIT_MAX) {
		o->waiting--;
		return Q_BUSY;
	}
	r = answer_sign(q, ret_ready, body, f);
	if (r == Q_INVALID) { /* the responder is another by now */
		buf_reset(body);
		r = pki_again(q, f);
		if (r == Q_OK)
			r = answer_sign(q, ret_ready, body, f);
	}
	o->waiting--;
	return r;
}

/* --- requests ----------------------------------------------------------- */

/* The CA that all the certificates are of: NOTFOUND when that is none of
 * ours, or several. */
static enum q_err
question_issuer(struct question *q, struct fault *f)
{
	for (size_t i = 0; i < q->pki->n && q->ca == NULL; i++)
		if (q->pki->certs[i].purpose == PKI_ISSUING &&
		    ocsp_issuer_is(&q->pki->certs[i].ids, &q->rq.ids[0]))
			q->ca = &q->pki->certs[i];
	if (q->ca == NULL)
		return fault_set(f, Q_NOTFOUND, "not an issuer of ours");
	for (size_t i = 1; i < q->rq.n; i++)
		if (!ocsp_issuer_is(&q->ca->ids, &q->rq.ids[i]))
			return fault_set(f, Q_NOTFOUND, "several issuers");
	return Q_OK;
}

static enum q_err
question_take(struct question *q, struct bytes der, struct fault *f)
{
	enum q_err r = ocsp_request_parse(der, &q->rq, f);

	if (r == Q_OK && !revset_ready(q->o->core->revset))
		r = fault_retry(f, Q_UNAVAIL, 1, "records are being read");
	if (r == Q_OK)
		r = pki_hold(q->o->core->pki, &q->pki, f);
	if (r == Q_OK)
		r = question_issuer(q, f);
	if (r != Q_OK)
		return r;
	for (size_t i = 0; i < q->rq.n; i++)
		q->singles[i] = (struct ocsp_single){
			.form = q->rq.ids[i].form,
			.serial = q->rq.ids[i].serial };
	q->plain = q->rq.n == 1 && q->rq.nonce.len == 0;
	memcpy(q->key.issuer, q->ca->id, sizeof(q->key.issuer));
	q->key.form = (uint8_t)q->rq.ids[0].form;
	q->key.serial_len = (uint8_t)q->rq.ids[0].serial.len;
	memcpy(q->key.serial, q->rq.ids[0].serial.p, q->key.serial_len);
	return Q_OK;
}

/* --- HTTP --------------------------------------------------------------- */

static void
date_header(struct http_response *rs, const char *name, int64_t at)
{
	time_t when = (time_t)at;
	struct tm tm;
	char text[40];

	gmtime_r(&when, &tm);
	strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm);
	http_response_header(rs, name, text);
}

/* RFC 5019 section 6.2. */
static void
cache_headers(const struct question *q, const struct http_request *rq,
    const struct ocsp_ready *ready, struct http_response *rs)
{
	int64_t age = ready->next_update - clock_wall();
	const char *have = http_header(rq, "if-none-match");
	char text[96];

	if (!q->plain || ready->status == OCSP_UNKNOWN || age <= 0) {
		http_response_header(rs, "Cache-Control", "no-store");
		return;
	}
	if (age > q->o->core->conf->ocsp_max_age)
		age = q->o->core->conf->ocsp_max_age;
	snprintf(text, sizeof(text),
	    "max-age=%lld, public, no-transform, must-revalidate",
	    (long long)age);
	http_response_header(rs, "Cache-Control", text);
	date_header(rs, "Last-Modified", ready->this_update);
	date_header(rs, "Expires", ready->next_update);
	http_response_header(rs, "ETag", ready->etag);
	if (have != NULL && strcmp(have, ready->etag) == 0) {
		rs->status = 304;
		buf_reset(&rs->body);
	}
}

/* One line when answers cannot be made for a reason of our own, one when
 * they can again. */
static void
answer_log(struct ocsp *o, enum ocsp_error e, const struct fault *f,
    enum q_err r)
{
	bool bad = e == OCSP_INTERNAL;

	if (atomic_exchange(&o->complained, bad) == bad)
		return;
	if (bad)
		log_warn("OCSP: %s", fault_text(f, r));
	else
		log_note("OCSP: answers again");
}

static void
error_answer(struct ocsp *o, enum q_err r, const struct fault *f,
    struct http_response *rs)
{
	static const struct {
		enum q_err r;
		enum ocsp_error e;
	} errors[] = {
		{ Q_PROTO, OCSP_MALFORMED }, { Q_NOTFOUND, OCSP_UNAUTHORIZED },
		{ Q_UNAVAIL, OCSP_TRY_LATER }, { Q_TIMEOUT, OCSP_TRY_LATER },
		{ Q_BUSY, OCSP_TRY_LATER },
	};
	enum ocsp_error e = OCSP_INTERNAL;
	uint8_t der[OCSP_ERROR_LEN];

	for (size_t i = 0; i < ARRAY_LEN(errors); i++)
		if (errors[i].r == r)
			e = errors[i].e;
	if (e == OCSP_INTERNAL)
		answer_log(o, e, f, r);
	ocsp_error_make(e, der);
	buf_reset(&rs->body);
	buf_put(&rs->body, der, sizeof(der));
	http_response_header(rs, "Cache-Control", "no-store");
}

static void
respond(struct ocsp *o, struct bytes der, const struct http_request *rq,
    struct http_response *rs)
{
	struct question q = { .o = o };
	struct ocsp_ready ready = { .until = 0 };
	struct fault f = { 0 };
	enum q_err r = question_take(&q, der, &f);

	if (r == Q_OK && !answer_kept(&q, &ready, &rs->body)) {
		r = answer_now(&q, &ready, &rs->body, &f);
		if (r == Q_OK)
			answer_log(o, 0, NULL, r);
	}
	rs->content_type = "application/ocsp-response";
	if (r != Q_OK)
		error_answer(o, r, &f, rs);
	else if (strcmp(rq->method, "GET") == 0)
		cache_headers(&q, rq, &ready, rs);
	pki_drop(&q.pki);
}

static enum q_err
post_ocsp(void *ctx, const struct http_request *rq, struct http_response *rs,
    struct fault *f)
{
	struct core *core = ctx;

	if (strcmp(rq->content_type, "application/ocsp-request") != 0)
		return fault_set(f, Q_TYPE,
		    "application/ocsp-request is wanted");
	respond(core->ocsp, rq->body, rq, rs);
	return Q_OK;
}

static enum q_err
get_ocsp(void *ctx, const struct http_request *rq, struct http_response *rs,
    struct fault *f)
{
	AUTO_BUF struct buf der = BUF_INIT(OCSP_REQUEST_MAX);
	struct core *core = ctx;

	(void)f;
	/* What is no base64 is no request either. */
	if (b64_decode(&der, rq->param[0], strlen(rq->param[0])) != Q_OK)
		buf_reset(&der);
	respond(core->ocsp, buf_bytes(&der), rq, rs);
	return Q_OK;
}

const struct http_route ocsp_routes[OCSP_ROUTES] = {
	{ "POST", "/ocsp", post_ocsp, 0, 0, OCSP_REQUEST_MAX },
	{ "GET", "/ocsp/{*}", get_ocsp, 0, 0, 0 },
};
