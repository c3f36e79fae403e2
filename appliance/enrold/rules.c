// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "enrold/rules.h"

#include <openssl/crypto.h>
#include <string.h>

#include "base/codec.h"
#include "base/own.h"
#include "x509/der.h"

/* One certificate in this part of a lifetime, once the list is full. */
#define PACE 24
#define BARE_RETRY 3600
#define SERVER_KEY 'k' /* no hex digit */

static enum q_err
rule_binding(const struct enrol_ask *ask, const struct csr *csr,
    struct fault *f)
{
	if (csr->challenge.p == NULL)
		return Q_OK;
	if (ask->binding != NULL &&
	    csr->challenge.len == strlen(ask->binding) &&
	    CRYPTO_memcmp(csr->challenge.p, ask->binding,
		csr->challenge.len) == 0)
		return Q_OK;
	return fault_set(f, Q_INVALID,
	    "challengePassword is not this connection's channel binding");
}

enum q_err
rule_request(const struct enrol_ask *ask, const struct csr *csr,
    struct fault *f)
{
	if (csr->asks_ca)
		return fault_set(f, Q_INVALID,
		    "certificate request asks for a CA certificate");
	if (csr->key.kind == KEY_RSA && csr->key.bits != 3072 &&
	    csr->key.bits != 2048)
		return fault_set(f, Q_INVALID,
		    "device key must be P-256 or RSA-3072, not RSA-%u",
		    csr->key.bits);
	if ((ask->identity.len != 0) != (ask->proof.len != 0))
		return fault_set(f, Q_INVALID,
		    "proof and identity must come together");
	return rule_binding(ask, csr, f);
}

enum q_err
rule_identity(const struct enrol_ask *ask, const struct csr *csr,
    const struct peer *peer, char ret_id[DEVICE_ID_LEN + 1], struct fault *f)
{
	char proved[DEVICE_ID_LEN + 1] = "";
	const char *id = peer->device_id;

	if (ask->identity.len != 0)
		device_id_of(ask->identity, proved);
	if (ask->reenrol && peer->kind != PEER_OURS)
		return fault_set(f, Q_DENIED, "simplereenroll needs the "
		    "certificate to be renewed as TLS client certificate");
	if (ask->reenrol && !bytes_equal(csr->subject, peer->subject))
		return fault_set(f, Q_DENIED, "subject of the request is not "
		    "that of the certificate to be renewed");
	if (peer->kind == PEER_NONE)
		id = proved[0] != '\0' ? proved : csr->device_id;
	else if (proved[0] != '\0' && strcmp(proved, id) != 0)
		return fault_set(f, Q_DENIED, "proof is by another identity "
		    "key than the TLS client certificate's");
	memcpy(ret_id, id, DEVICE_ID_LEN + 1);
	return Q_OK;
}

bool
token_required(const struct enrol_case *c)
{
	return c->auth != NULL && c->auth->requires_token;
}

bool
token_wanted(const struct enrol_case *c)
{
	return token_required(c) ||
	    (c->dev == NULL && c->peer->kind != PEER_AUTH);
}

enum q_err
rule_token(const struct enrol_case *c, struct fault *f)
{
	const struct rec_token *t = c->token;

	if (c->ask->token == NULL && c->ask->token_name == NULL)
		return fault_set(f, Q_UNAUTH, "a token is needed");
	if (t == NULL)
		return fault_set(f, Q_DENIED, "there is no such token");
	if (c->now < t->not_before)
		return fault_set(f, Q_DENIED, "the token is not valid yet");
	if (c->now >= t->not_after)
		return fault_set(f, Q_DENIED, "the token has expired");
	if (c->auth != NULL && strcmp(t->batch, c->auth->batch) != 0)
		return fault_set(f, Q_DENIED,
		    "the token is not for the batch of the Auth Cert");
	return Q_OK;
}

static enum q_err
in_no_batch(const struct enrol_case *c, enum q_err code, struct fault *f)
{
	return fault_set(f, code, "DeviceID %s is in no batch", c->device_id);
}

/* An unknown device without an Auth Cert: a token may be enough. */
static enum q_err
rule_token_alone(const struct enrol_case *c, struct fault *f)
{
	enum q_err r;

	if (c->ask->token == NULL && c->ask->token_name == NULL)
		return in_no_batch(c, c->peer->kind == PEER_NONE ||
		    (c->labelled != NULL && c->labelled->token_alone)
		    ? Q_UNAUTH : Q_DENIED, f);
	r = rule_token(c, f);
	if (r == Q_OK && (c->batch == NULL || !c->batch->token_alone))
		return fault_set(f, Q_DENIED, "DeviceID %s is in no batch, "
		    "and a token alone is not enough", c->device_id);
	return r;
}

enum q_err
rule_entry(const struct enrol_case *c, bool *ret_make, struct fault *f)
{
	enum q_err r = Q_OK;

	if (c->peer->kind == PEER_AUTH && c->auth == NULL)
		return fault_set(f, Q_DENIED, "the Auth Cert of the client "
		    "certificate has been removed");
	if (token_required(c))
		r = rule_token(c, f);
	else if (c->dev == NULL && c->auth == NULL)
		r = rule_token_alone(c, f);
	else if (c->dev == NULL && c->auth->must_preregister)
		r = in_no_batch(c, Q_DENIED, f);
	if (r == Q_OK && c->dev == NULL && c->batch == NULL)
		return fault_set(f, Q_DENIED,
		    "the batch for new devices does not exist");
	if (r == Q_OK)
		*ret_make = c->dev == NULL;
	return r;
}

enum q_err
rule_known(const struct enrol_case *c, struct fault *f)
{
	if (c->dev == NULL || c->batch == NULL ||
	    !rec_device_valid(c->batch, c->dev) ||
	    c->dev->intent == DEVICE_INTENT_DELETE)
		return in_no_batch(c, Q_DENIED, f);
	if (c->batch->deleting)
		return fault_set(f, Q_DENIED, "batch %s is being deleted",
		    c->batch->key);
	if (c->policy == NULL)
		return fault_retry(f, Q_UNAVAIL, 5,
		    "policy %s of batch %s does not exist",
		    c->batch->policy, c->batch->key);
	if (c->dev->state == DEVICE_REVOKED)
		return fault_set(f, Q_DENIED, "device is revoked%s%s",
		    c->dev->reason[0] != '\0' ? ": " : "", c->dev->reason);
	return Q_OK;
}

static const struct rec_cert *
cert_of_peer(const struct enrol_case *c)
{
	for (size_t i = 0; i < c->dev->certs.n; i++) {
		const struct rec_cert *rc = &c->dev->certs.c[i];

		if (strcmp(rc->serial, c->peer->serial) == 0 &&
		    strcmp(rc->issuer, c->peer->issuer) == 0)
			return rc;
	}
	return NULL;
}

static bool
may_renew(const struct enrol_case *c)
{
	return c->policy->autorenew || c->dev->allow_renew;
}

enum q_err
rule_certificate(const struct enrol_case *c, struct fault *f)
{
	const struct rec_cert *rc;

	if (c->peer->kind != PEER_OURS)
		return Q_OK;
	rc = cert_of_peer(c);
	if (rc != NULL && rc->revoked_at != 0)
		return fault_set(f, Q_DENIED,
		    "client certificate has been revoked");
	if (c->now > c->peer->not_after && !may_renew(c))
		return fault_set(f, Q_DENIED, "client certificate has expired "
		    "and renewal needs an operator's permission");
	if (rc == NULL)
		return fault_set(f, Q_DENIED, "client certificate %s is not, "
		    "or no longer, one of the device", c->peer->serial);
	return Q_OK;
}

static enum q_err
rule_label(const struct enrol_case *c, struct fault *f)
{
	if (c->ask->label == NULL ||
	    strcmp(c->ask->label, c->batch->key) == 0)
		return Q_OK;
	return fault_set(f, Q_DENIED, "device is not in batch %s",
	    c->ask->label);
}

static enum q_err
rule_key(const struct enrol_case *c, struct fault *f)
{
	if (c->ask->server_key && !c->policy->allow_serverkey)
		return fault_set(f, Q_DENIED, "policy %s does not allow keys "
		    "to be made by the appliance", c->policy->key);
	if (c->csr->key.kind != KEY_RSA || c->csr->key.bits != 2048 ||
	    c->policy->allow_rsa2048)
		return Q_OK;
	return fault_set(f, Q_DENIED,
	    "policy %s does not allow RSA-2048 device keys", c->policy->key);
}

static enum q_err
rule_right(const struct enrol_case *c, enum enrol_right *ret_right,
    struct fault *f)
{
	if (c->ask->server_key)
		*ret_right = RIGHT_SERVER;
	else if (strcmp(c->csr->device_id, c->device_id) == 0)
		*ret_right = RIGHT_KEY;
	else if (c->ask->proof.len != 0)
		*ret_right = RIGHT_PROOF;
	else if (c->peer->kind != PEER_NONE && c->policy->allow_rekey)
		*ret_right = RIGHT_WORD;
	else
		return fault_set(f, Q_DENIED, "key of the request is not the "
		    "device's, and policy %s does not allow another",
		    c->policy->key);
	return Q_OK;
}

void
request_digest(const struct csr *csr, bool server_key,
    char ret_hex[REQUEST_DIGEST + 1])
{
	hex_encode(csr->sha256, REQUEST_DIGEST / 2, ret_hex);
	if (server_key)
		ret_hex[0] = SERVER_KEY;
}

const struct rec_cert *
device_lost_key(const struct rec_device *dev, const struct peer *peer)
{
	const struct rec_cert *rc = &dev->certs.c[0];

	if (dev->certs.n == 0 || dev->request[0] != SERVER_KEY ||
	    rc->revoked_at != 0)
		return NULL;
	return peer->kind == PEER_OURS && strcmp(peer->serial,
	    rc->serial) == 0 ? NULL : rc;
}

/* Whether the device asks for what it was given already: the request of its
 * newest certificate, while that is young, from somebody who does not show
 * that he has it. */
static bool
asked_again(const struct enrol_case *c)
{
	const struct rec_cert *rc = device_newest(c->dev);
	char digest[REQUEST_DIGEST + 1];

	request_digest(c->csr, false, digest);
	return rc != NULL && rc == &c->dev->certs.c[0] && !c->ask->server_key &&
	    strcmp(digest, c->dev->request) == 0 &&
	    c->now < renew_time(rc->not_before, rc->not_after) &&
	    (c->peer->kind != PEER_OURS ||
		strcmp(c->peer->serial, rc->serial) != 0);
}

/* Room in the list is made by sending a valid certificate to the CRL. A device
 * that asks in a loop must not make the CRL grow without end: beyond a full
 * list it gets one certificate in 1/24 of a lifetime. Who shows no client
 * certificate by TLS may be sending somebody's old requests, so half the list
 * is kept for the device. */
static enum q_err
rule_pace(const struct enrol_case *c, struct fault *f)
{
	const struct rec_certs *certs = &c->dev->certs;
	bool bare = c->peer->kind == PEER_NONE || c->ask->replayable;
	size_t room = bare ? REC_CERTS_MAX / 2 : REC_CERTS_MAX, valid = 0;
	int64_t next;

	for (size_t i = 0; i < certs->n; i++)
		valid += certs->c[i].not_after >= c->now;
	if (valid < room || (c->dev->allow_renew && !bare))
		return Q_OK;
	next = certs->c[0].not_before +
	    (certs->c[0].not_after - certs->c[0].not_before) / PACE;
	if (bare)
		return fault_retry(f, Q_BUSY, BARE_RETRY, "the device has %zu "
		    "valid certificates; the next wants its TLS client "
		    "certificate", valid);
	if (next <= c->now)
		return Q_OK;
	return fault_retry(f, Q_BUSY, (uint32_t)(next - c->now),
	    "the device has %zu valid certificates; the next can be had later",
	    valid);
}

/* What an operator has allowed once needs no approval again. */
static bool
rule_wait(const struct enrol_case *c)
{
	return c->policy->approve && c->dev->state == DEVICE_NOT_ENROLLED &&
	    c->dev->enrolled_at == 0 &&
	    c->dev->approval != DEVICE_APPROVAL_APPROVED;
}

/* A request alone may be an old one that somebody has seen: he gets nothing
 * of use by it, unless the key is made here and sent to him. Who comes in by
 * a token is nobody whom that could harm. */
static enum q_err
rule_present(const struct enrol_case *c, struct fault *f)
{
	if (!c->ask->server_key || c->peer->kind != PEER_NONE ||
	    c->dev == NULL || c->csr->challenge.p != NULL)
		return Q_OK;
	return fault_set(f, Q_UNAUTH, "a key is made for who shows the "
	    "device's certificate in TLS, or whose request has the "
	    "connection's binding as challengePassword");
}

/* The rules for a device that is known, or of which this is the record that
 * would be made. */
static enum q_err
rule_device(const struct enrol_case *c, struct enrol_verdict *ret_verdict,
    struct fault *f)
{
	static enum q_err (*const rules[])(const struct enrol_case *,
	    struct fault *) = { rule_known, rule_label, rule_certificate,
	    rule_key };
	struct enrol_verdict v = { 0 };
	enum q_err r;

	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		r = rules[i](c, f);
		if (r != Q_OK)
			return r;
	}
	r = rule_right(c, &v.right, f);
	if (r != Q_OK)
		return r;
	v.renewal = c->dev->state != DEVICE_NOT_ENROLLED;
	v.again = v.renewal && asked_again(c);
	if (v.renewal && !v.again && !may_renew(c))
		return fault_set(f, Q_DENIED,
		    "renewal needs an operator's permission");
	if (v.renewal && !v.again) {
		r = rule_pace(c, f);
		if (r != Q_OK)
			return r;
	}
	v.wait = rule_wait(c);
	*ret_verdict = v;
	return Q_OK;
}

enum q_err
rule_enrol(const struct enrol_case *c, struct enrol_verdict *ret_verdict,
    struct fault *f)
{
	struct enrol_case with = *c;
	struct rec_device made = { 0 };
	bool make = false;
	enum q_err r = rule_entry(c, &make, f);

	if (r == Q_OK)
		r = rule_present(c, f);
	if (r != Q_OK)
		return r;
	if (make) {
		memcpy(made.batch, c->batch->key, sizeof(made.batch) - 1);
		with.dev = &made;
	}
	r = rule_device(&with, ret_verdict, f);
	if (r == Q_OK)
		ret_verdict->make = make;
	return r;
}

const struct rec_cert *
device_newest(const struct rec_device *dev)
{
	for (size_t i = 0; i < dev->certs.n; i++)
		if (dev->certs.c[i].revoked_at == 0)
			return &dev->certs.c[i];
	return NULL;
}

int64_t
device_due(const struct rec_device *dev)
{
	int64_t last = 0;

	for (size_t i = 0; i < dev->certs.n; i++) {
		const struct rec_cert *rc = &dev->certs.c[i];

		if (rc->revoked_at == 0 && rc->not_after >= last)
			last = rc->not_after + 1;
	}
	return last;
}

int64_t
device_state_now(const struct rec_device *dev, int64_t now)
{
	return dev->state == DEVICE_ENROLLED && now >= device_due(dev) ?
	    DEVICE_EXPIRED : dev->state;
}

int64_t
renew_time(int64_t not_before, int64_t not_after)
{
	return not_before + (not_after - not_before) / 3 * 2;
}

bool
device_should_renew(const struct rec_device *dev,
    const struct rec_policy *policy, int64_t now)
{
	int64_t state = device_state_now(dev, now);
	const struct rec_cert *rc = device_newest(dev);

	if (state != DEVICE_ENROLLED && state != DEVICE_EXPIRED)
		return false;
	if (dev->allow_renew)
		return true;
	return policy->autorenew && (state == DEVICE_EXPIRED || rc == NULL ||
	    now >= renew_time(rc->not_before, rc->not_after));
}

enum q_err
device_add_cert(struct rec_device *dev, const struct rec_cert *add,
    int64_t now)
{
	struct rec_certs kept = { .n = 1 };

	kept.c[0] = *add;
	for (size_t i = 0; i < dev->certs.n; i++) {
		if (dev->certs.c[i].not_after < now)
			continue;
		if (kept.n == REC_CERTS_MAX)
			return Q_INVALID;
		kept.c[kept.n++] = dev->certs.c[i];
	}
	dev->certs = kept;
	return Q_OK;
}
