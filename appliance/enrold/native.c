// SPDX-License-Identifier: Apache-2.0
/*
 * The appliance's own protocol, PROTOCOL-DEVICE.md: one request gives a
 * device its certificate and where to connect.
 */
#include "config.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "enrold/front.h"
#include "http/json.h"
#include "x509/pem.h"

#define TEXT_MAX 65536 /* of a member: the body is no longer */

/* An optional base64 member of at most out->max bytes. */
static enum q_err
member_bytes(struct json_object *j, const char *name, struct buf *out,
    struct fault *f)
{
	const char *text;
	enum q_err r = http_json_text(j, name, TEXT_MAX, &text, f);

	if (r != Q_OK)
		return r == Q_NOTFOUND ? Q_OK : r;
	r = b64_decode(out, text, strlen(text));
	return r == Q_OK ? r : fault_set(f, Q_INVALID,
	    "%s is not proper base64, or too long", name);
}

static enum q_err
member_csr(struct json_object *j, struct buf *out, struct fault *f)
{
	const char *text;
	enum q_err r = http_json_text(j, "csr", TEXT_MAX, &text, f);

	if (r == Q_NOTFOUND)
		return fault_set(f, Q_INVALID, "csr is missing");
	return r == Q_OK ? csr_text_decode((struct bytes){
	    (const uint8_t *)text, strlen(text) }, out, f) : r;
}

static void
put_text(struct json_object *j, const char *name, const char *value)
{
	json_object_object_add(j, name, json_object_new_string(value));
}

static void
put_number(struct json_object *j, const char *name, int64_t value)
{
	json_object_object_add(j, name, json_object_new_int64(value));
}

static void
put_time(struct json_object *j, const char *name, int64_t wall)
{
	char text[24];

	time_format(wall, text);
	put_text(j, name, text);
}

static void
put_hub(struct json_object *j, struct core *core, const struct pki *pki,
    const char *device_id)
{
	struct json_object *hub = json_object_new_object();
	char topic[sizeof("topic/") + DEVICE_ID_LEN];

	snprintf(topic, sizeof(topic), "topic/%s", device_id);
	put_text(hub, "type", "local");
	put_text(hub, "host", pki->host);
	put_number(hub, "port", core->conf->hub_port);
	put_text(hub, "root", (const char *)pki->root_pem.p);
	put_text(hub, "client_id", device_id);
	put_text(hub, "topic", topic);
	json_object_object_add(j, "hub", hub);
}

/* The refusal that a device shows to people by its state: problem details
 * with the member "state" (RFC 9457 3.2). */
static enum q_err
answer_revoked(const struct fault *f, struct http_response *rs)
{
	AUTO_JSON struct json_object *j = json_object_new_object();
	enum q_err r;

	put_text(j, "title", "Forbidden");
	put_number(j, "status", 403);
	put_text(j, "detail", f->msg);
	put_text(j, "state", device_state_text(DEVICE_REVOKED));
	r = http_json_reply(rs, 403, j);
	rs->content_type = "application/problem+json";
	return r;
}

static enum q_err
native_status(void *ctx, const struct http_request *rq,
    struct http_response *rs, struct fault *f)
{
	struct core *core = ctx;
	AUTO_FRONT struct front fr = { 0 };
	AUTO_JSON struct json_object *in = NULL, *out = NULL;
	struct status_answer a = { 0 };
	enum q_err r = http_json_body(rq, &in, f);

	if (r == Q_OK)
		r = front_begin(core, rq, true, &fr, f);
	if (r == Q_OK)
		r = core_status(core, &fr.peer, &a, f);
	if (r == Q_DENIED && a.state == DEVICE_REVOKED)
		return answer_revoked(f, rs);
	if (r != Q_OK)
		return r;
	out = json_object_new_object();
	put_text(out, "device_id", a.device_id);
	put_text(out, "batch", a.batch);
	put_text(out, "state", device_state_text(a.state));
	json_object_object_add(out, "renew", json_object_new_boolean(a.renew));
	if (a.not_after != 0)
		put_time(out, "not_after", a.not_after);
	put_number(out, "poll_after", a.poll_after);
	put_hub(out, core, fr.pki, a.device_id);
	return http_json_reply(rs, 200, out);
}

static void
put_certificate(struct json_object *j, const struct pki *pki,
    const struct enrol_answer *a)
{
	AUTO_BUF struct buf leaf = BUF_INIT(3 * SIGND_CERT_MAX);
	AUTO_BUF struct buf chain = BUF_INIT(3 * SIGND_CERT_MAX +
	    pki->path_pem.len);
	const struct pki_cert *ca = pki_find(pki, a->issuer);

	pem_encode(&leaf, PEM_CERTIFICATE, buf_bytes(&a->cert));
	if (ca != NULL)
		pem_encode(&chain, PEM_CERTIFICATE, buf_bytes(&ca->der));
	buf_put(&chain, pki->path_pem.p, pki->path_pem.len);
	put_text(j, "certificate", (const char *)leaf.p);
	put_text(j, "chain", (const char *)chain.p);
}

/* A CA made a moment ago issued it: the chain is in the next snapshot. */
static enum q_err
pki_with(struct core *core, const char *issuer, struct front *fr,
    struct fault *f)
{
	enum q_err r;

	if (pki_find(fr->pki, issuer) != NULL)
		return Q_OK;
	r = pki_refresh(core->pki, 0, f);
	if (r != Q_OK)
		return r;
	pki_drop(&fr->pki);
	return pki_hold(core->pki, &fr->pki, f);
}

static enum q_err
enrol_answer_put(struct core *core, struct front *fr,
    const struct enrol_answer *a, struct http_response *rs, struct fault *f)
{
	AUTO_JSON struct json_object *out = NULL;
	int64_t renew = renew_time(a->not_before, a->not_after);
	enum q_err r = pki_with(core, a->issuer, fr, f);

	if (r != Q_OK)
		return r;
	out = json_object_new_object();
	put_text(out, "device_id", a->device_id);
	put_certificate(out, fr->pki, a);
	put_time(out, "not_after", a->not_after);
	put_time(out, "renew_after", renew);
	put_number(out, "poll_after", core_poll_after(core, renew));
	put_hub(out, core, fr->pki, a->device_id);
	return http_json_reply(rs, 200, out);
}

/* The member of the body, or else the header. */
static enum q_err
member_token(struct json_object *j, const struct http_request *rq,
    char text[FRONT_TOKEN_SIZE], const char **ret_token, struct fault *f)
{
	enum q_err r = http_json_text(j, "token", FRONT_TOKEN_SIZE - 1,
	    ret_token, f);

	return r == Q_NOTFOUND ? front_token(rq, text, ret_token, f) : r;
}

/* It is not refused: it is to come again. */
static enum q_err
answer_wait(const struct fault *f, struct http_response *rs)
{
	AUTO_JSON struct json_object *j = json_object_new_object();
	char seconds[24];

	put_text(j, "state", "waiting");
	put_text(j, "detail", f->msg);
	put_number(j, "retry_after", f->retry_after);
	snprintf(seconds, sizeof(seconds), "%u", f->retry_after);
	http_response_header(rs, "Retry-After", seconds);
	return http_json_reply(rs, 202, j);
}

static enum q_err
native_enrol(void *ctx, const struct http_request *rq,
    struct http_response *rs, struct fault *f)
{
	struct core *core = ctx;
	AUTO_FRONT struct front fr = { 0 };
	AUTO_JSON struct json_object *in = NULL;
	AUTO_BUF struct buf csr = BUF_INIT(CSR_DER_MAX);
	AUTO_BUF struct buf proof = BUF_INIT(1024);
	AUTO_BUF struct buf identity = BUF_INIT(PUBKEY_SPKI_MAX);
	struct enrol_ask ask = { .from = rq->remote };
	struct enrol_answer a = { 0 };
	char token[FRONT_TOKEN_SIZE];
	enum q_err r = http_json_body(rq, &in, f);

	if (r == Q_OK)
		r = member_csr(in, &csr, f);
	if (r == Q_OK)
		r = member_bytes(in, "proof", &proof, f);
	if (r == Q_OK)
		r = member_bytes(in, "identity", &identity, f);
	if (r == Q_OK)
		r = member_token(in, rq, token, &ask.token, f);
	if (r == Q_OK)
		r = front_begin(core, rq, true, &fr, f);
	if (r != Q_OK)
		return r;
	ask.csr = buf_bytes(&csr);
	ask.proof = buf_bytes(&proof);
	ask.identity = buf_bytes(&identity);
	ask.binding = front_binding(rq, &fr);
	r = core_enrol(core, &fr.peer, &ask, &a, f);
	OPENSSL_cleanse(token, sizeof(token));
	if (r == Q_WAIT)
		return answer_wait(f, rs);
	if (r == Q_DENIED && a.state == DEVICE_REVOKED)
		return answer_revoked(f, rs);
	if (r != Q_OK)
		return r;
	r = enrol_answer_put(core, &fr, &a, rs, f);
	buf_free(&a.cert);
	return r;
}

const struct http_route native_routes[NATIVE_ROUTES] = {
	{ "POST", "/v1/status", native_status, 0, HTTP_PROBLEM, 0 },
	{ "POST", "/v1/enrol", native_enrol, 0, HTTP_PROBLEM, 0 },
};
