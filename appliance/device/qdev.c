// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "device/qdev.h"

#include <string.h>

#include "device/qdev_http.h"

#define BACK_OFF_FIRST	2	/* seconds, doubled with each failure */
#define BACK_OFF_MAX	3600
#define WAIT_MAX	86400	/* whatever a server asks for */

/* A random number from 0 to max, both included. */
static uint32_t
spread(struct qdev *d, uint32_t max)
{
	uint64_t r = d->config.seam->random(d->config.ctx);

	return (uint32_t)(r * ((uint64_t)max + 1) >> 32);
}

/* Take over a grant's times. Renewals of a fleet that was enrolled at once
 * are spread over a tenth of what is left after the renewal time. */
static void
adopt(struct qdev *d, const struct qdev_grant *g)
{
	int64_t rest = g->not_after - g->renew_after;

	if (rest < 0)
		rest = 0;
	if (rest > INT32_MAX)
		rest = INT32_MAX;
	d->state = QDEV_ENROLLED;
	d->next = QDEV_DO_STATUS;
	d->have_certificate = true;
	d->not_after = g->not_after;
	d->renew_at = g->renew_after + spread(d, (uint32_t)(rest / 10));
	d->poll_after = g->poll_after;
	d->by_identity = false;
	d->ask_first = false;
	d->new_key = false;
}

enum q_err
qdev_init(struct qdev *d, const struct qdev_config *config)
{
	struct qdev_grant g;
	size_t len;
	enum q_err e;

	memset(d, 0, sizeof(*d));
	d->config = *config;
	d->next = QDEV_DO_ENROL;
	if (config->work_len < QDEV_WORK_MIN)
		return Q_INVALID;
	e = config->seam->id(config->ctx, d->id);
	if (e != Q_OK)
		return e;
	e = config->seam->load(config->ctx, QDEV_GRANT, config->work,
	    config->work_len, &len);
	if (e == Q_NOTFOUND)
		return Q_OK;
	if (e == Q_OK && qdev_grant_parse(config->work, len, d->id, &g) == Q_OK)
		adopt(d, &g);
	return e;
}

void
qdev_rekey(struct qdev *d)
{
	d->new_key = true;
	d->next = d->have_certificate ? QDEV_DO_RENEW : QDEV_DO_ENROL;
}

/* The certificate is shown while it is good; otherwise, or when the server
 * or TLS keeps refusing it, the identity key speaks for itself. */
static enum qdev_face
face(const struct qdev *d)
{
	bool good = d->have_certificate && d->state == QDEV_ENROLLED &&
	    !d->by_identity;

	return good ? QDEV_BY_CERTIFICATE : QDEV_BY_IDENTITY;
}

static enum q_err
receive(struct qdev *d, struct qdev_http *h)
{
	const struct qdev_config *c = &d->config;
	enum q_err e = Q_OK;

	qdev_http_start(h, c->work, c->work_len);
	while (e == Q_OK && !h->done) {
		char part[512];
		size_t n = 0;

		e = c->seam->recv(c->ctx, part, sizeof(part), &n);
		if (e == Q_OK && n == 0)
			e = Q_IO;
		if (e == Q_OK)
			e = qdev_http_feed(h, part, n);
	}
	return e;
}

/* Post the body of body_len bytes that stands in the work buffer behind the
 * room for the head, and leave the answer's body in the work buffer. */
static enum q_err
ask(struct qdev *d, const char *path, size_t body_len, size_t *ret_len)
{
	const struct qdev_config *c = &d->config;
	struct qdev_http h;
	const char *request;
	size_t len;
	enum q_err e = qdev_http_request(c->work, c->host, path, body_len,
	    &request, &len);

	if (e != Q_OK)
		return e;
	e = c->seam->connect(c->ctx, face(d));
	if (e == Q_OK)
		e = c->seam->send(c->ctx, request, len);
	if (e == Q_OK)
		e = receive(d, &h);
	c->seam->close(c->ctx);
	if (e != Q_OK)
		return e;
	d->http_status = h.status;
	d->retry_after = h.retry_after;
	e = qdev_http_err(h.status);
	if (e != Q_OK)
		qdev_problem_parse(c->work, h.body_len, d->detail,
		    sizeof(d->detail), &d->state);
	else
		*ret_len = h.body_len;
	return e;
}

/* Room for a request's body, with `tail` bytes kept free behind it. */
static struct qdev_out
body_start(struct qdev *d, size_t tail)
{
	return (struct qdev_out){
		.p = d->config.work + QDEV_HTTP_HEAD,
		.cap = d->config.work_len - QDEV_HTTP_HEAD - tail,
	};
}

/* What a status answer makes of us. */
static void
heed(struct qdev *d, const struct qdev_status *s)
{
	bool lost = !d->have_certificate && s->state != QDEV_REVOKED;

	d->state = s->state;
	d->poll_after = s->poll_after;
	if (s->not_after != 0)
		d->not_after = s->not_after;
	d->next = QDEV_DO_STATUS;
	if (s->state == QDEV_NOT_ENROLLED || lost)
		d->next = QDEV_DO_ENROL;
	else if (s->renew)
		d->next = QDEV_DO_RENEW;
	/* While the server refuses to enrol what it asks to, failures go on
	 * counting, or the two would chase each other. */
	if (d->next == QDEV_DO_STATUS)
		d->failures = 0;
}

static enum q_err
do_status(struct qdev *d)
{
	const struct qdev_config *c = &d->config;
	struct qdev_out body = body_start(d, 0);
	struct qdev_status s;
	size_t len;
	enum q_err e;

	qdev_out_text(&body, "{");
	if (c->agent != NULL) {
		qdev_out_text(&body, "\"agent\":");
		qdev_out_json(&body, c->agent);
	}
	qdev_out_text(&body, "}");
	if (body.bad)
		return Q_TOOBIG;
	e = ask(d, "/v1/status", body.len, &len);
	if (e == Q_OK)
		e = qdev_status_parse(c->work, len, d->id, &s);
	if (e != Q_OK)
		return e;
	heed(d, &s);
	if (s.hub.len != 0 && c->seam->hub != NULL)
		e = c->seam->hub(c->ctx, s.hub);
	return e;
}

/* The request to send: the one still unanswered, so that the server can give
 * the same certificate again, or else a new one, stored before it is sent. */
static enum q_err
get_csr(struct qdev *d, uint8_t *der, size_t cap, size_t *ret_len)
{
	const struct qdev_config *c = &d->config;
	enum q_err e = c->seam->load(c->ctx, QDEV_REQUEST, der, cap, ret_len);

	if (e != Q_NOTFOUND)
		return e;
	e = c->seam->csr(c->ctx, d->new_key, der, cap, ret_len);
	if (e == Q_OK)
		e = c->seam->save(c->ctx, QDEV_REQUEST, der, *ret_len);
	return e;
}

static void
put_base64_member(struct qdev_out *o, const char *name, const uint8_t *p,
    size_t len)
{
	qdev_out_text(o, name);
	qdev_out_base64(o, p, len);
	qdev_out_text(o, "\"");
}

/* Write the enrolment request; the DER parts stand in the tail meanwhile. */
static enum q_err
put_enrol(struct qdev *d, size_t *ret_len)
{
	const struct qdev_config *c = &d->config;
	size_t tail = c->work_len * 3 / 8, csr_len, proof_len[2] = { 0, 0 };
	uint8_t *der = (uint8_t *)c->work + c->work_len - tail;
	struct qdev_out body = body_start(d, tail);
	enum q_err e = get_csr(d, der, tail, &csr_len);

	if (e == Q_OK)
		e = c->seam->prove(c->ctx, der, csr_len, der + csr_len,
		    tail - csr_len, proof_len);
	if (e != Q_OK)
		return e;
	put_base64_member(&body, "{\"csr\":\"", der, csr_len);
	if (proof_len[0] != 0) {
		der += csr_len;
		put_base64_member(&body, ",\"proof\":\"", der, proof_len[0]);
		put_base64_member(&body, ",\"identity\":\"",
		    der + proof_len[0], proof_len[1]);
	}
	if (c->token != NULL) {
		qdev_out_text(&body, ",\"token\":");
		qdev_out_json(&body, c->token);
	}
	qdev_out_text(&body, "}");
	*ret_len = body.len;
	return body.bad ? Q_TOOBIG : Q_OK;
}

/* Enrol and renew are the same question. */
static enum q_err
do_enrol(struct qdev *d)
{
	const struct qdev_config *c = &d->config;
	struct qdev_grant g;
	size_t len;
	enum q_err e = put_enrol(d, &len);

	if (e != Q_OK)
		return e;
	e = ask(d, "/v1/enrol", len, &len);
	if (e == Q_OK)
		e = qdev_grant_parse(c->work, len, d->id, &g);
	if (e == Q_OK)
		e = c->seam->save(c->ctx, QDEV_GRANT, c->work, len);
	if (e == Q_OK) {
		adopt(d, &g);
		d->failures = 0;
	} else if (d->http_status == 400) {
		/* The request itself is no good: make another next time. */
		(void)c->seam->save(c->ctx, QDEV_REQUEST, NULL, 0);
	}
	return e;
}

/* See by the clock whether the certificate has ended or should be renewed. */
static void
look_at_clock(struct qdev *d)
{
	int64_t now = d->config.seam->now(d->config.ctx);

	if (now == 0 || !d->have_certificate || d->state == QDEV_REVOKED)
		return;
	if (d->state == QDEV_ENROLLED && now >= d->not_after)
		d->state = QDEV_EXPIRED;
	if (d->next == QDEV_DO_STATUS && now >= d->renew_at && !d->ask_first)
		d->next = QDEV_DO_RENEW;
}

/* Full jitter (any pause up to the limit is as likely), so that a fleet that
 * failed together does not return together. */
static uint32_t
back_off(struct qdev *d)
{
	uint32_t max = d->config.back_off_max, limit = BACK_OFF_FIRST, wait;

	if (max == 0 || max > BACK_OFF_MAX)
		max = BACK_OFF_MAX;
	for (uint32_t i = 1; i < d->failures && limit < max; i++)
		limit *= 2;
	wait = d->retry_after < WAIT_MAX ? d->retry_after : WAIT_MAX;
	wait += spread(d, limit < max ? limit : max);
	return wait > 0 ? wait : 1;
}

/* The pause after an answer: what it asked for, 10% either way, but not past
 * the time to renew. */
static uint32_t
pause_after(struct qdev *d)
{
	uint32_t wait = d->poll_after - d->poll_after / 10 +
	    spread(d, d->poll_after / 5);
	int64_t now = d->config.seam->now(d->config.ctx);
	int64_t left = d->renew_at - now;

	if (now != 0 && d->have_certificate && !d->ask_first && left > 0 &&
	    left < wait)
		wait = (uint32_t)left;
	return wait > 0 ? wait : 1;
}

/* After a failure: ask for the status when the server said no, so that we
 * learn why, and change face when ours may be the reason. Who is unknown may
 * become known by enrolling only. */
static void
reconsider(struct qdev *d, enum qdev_action did, enum q_err e)
{
	bool refused = (e == Q_DENIED || e == Q_UNAUTH) &&
	    d->http_status >= 400;

	if (d->failures < UINT32_MAX)
		d->failures++;
	if (refused && did != QDEV_DO_STATUS)
		d->next = QDEV_DO_STATUS;
	else if (refused && !d->have_certificate && d->state != QDEV_REVOKED)
		d->next = QDEV_DO_ENROL;
	if (refused && did == QDEV_DO_RENEW)
		d->ask_first = true;
	if ((refused && did == QDEV_DO_STATUS) ||
	    (d->http_status == 0 && d->failures >= 3))
		d->by_identity = true;
}

enum q_err
qdev_step(struct qdev *d, uint32_t *ret_wait)
{
	static enum q_err (*const act[])(struct qdev *) = {
		[QDEV_DO_STATUS] = do_status,
		[QDEV_DO_ENROL] = do_enrol,
		[QDEV_DO_RENEW] = do_enrol,
	};
	enum qdev_action did;
	enum q_err e;

	look_at_clock(d);
	did = d->next;
	d->http_status = 0;
	d->retry_after = 0;
	d->detail[0] = '\0';
	e = act[did](d);
	if (e == Q_WAIT) {
		d->failures = 0;
		*ret_wait = back_off(d);
	} else if (e != Q_OK) {
		reconsider(d, did, e);
		*ret_wait = back_off(d);
	} else if (d->next != QDEV_DO_STATUS) {
		*ret_wait = d->failures > 0 ? back_off(d) : 0;
	} else {
		*ret_wait = pause_after(d);
	}
	return e;
}
