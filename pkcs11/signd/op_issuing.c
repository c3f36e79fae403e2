// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "signd/signd.h"

static enum q_err
params_check(const struct signd_issuing_make_req *in, struct issuing *ret,
    struct fault *f)
{
	*ret = (struct issuing){ in->issuing_lifetime, in->device_lifetime,
		in->autorenew, in->allow_rekey, in->allow_rsa2048,
		in->allow_serverkey };
	if (in->policy[0] == '\0')
		return fault_set(f, Q_INVALID, "policy: empty");
	if (in->device_lifetime < 60)
		return fault_set(f, Q_INVALID,
		    "device lifetime: less than a minute");
	if (in->issuing_lifetime < in->device_lifetime)
		return fault_set(f, Q_INVALID, "the issuing CA would end "
		    "before the device certificates: issuing lifetime is "
		    "shorter than device lifetime");
	return Q_OK;
}

static bool
params_equal(const struct issuing *a, const struct issuing *b)
{
	return a->issuing_lifetime == b->issuing_lifetime &&
	    a->device_lifetime == b->device_lifetime &&
	    a->autorenew == b->autorenew && a->allow_rekey == b->allow_rekey &&
	    a->allow_rsa2048 == b->allow_rsa2048 &&
	    a->allow_serverkey == b->allow_serverkey;
}

static enum q_err
answer(struct signd *s, struct wire_req *q, const char *policy,
    struct signd_issuing_make_rsp *out, struct fault *f)
{
	AUTO_RING struct keyring *ring = NULL;
	struct buf *space = wire_req_space(q);
	enum q_err r = signd_ring(s, true, &ring, f);
	const struct key *ca = r == Q_OK ? keyring_active(ring,
	    PURPOSE_ISSUING, policy) : NULL;

	if (ca == NULL)
		return r;
	buf_put(space, ca->id, sizeof(ca->id));
	buf_put(space, ca->der, ca->der_len);
	out->issuing_id = (const char *)space->p;
	out->cert = (struct bytes){ space->p + sizeof(ca->id), ca->der_len };
	return Q_OK;
}

static enum q_err
make(struct signd *s, const struct keyring *ring, const char *policy,
    const struct issuing *params, uint32_t uid, struct fault *f)
{
	struct keyring *next = keyring_new(ring);
	enum q_err r;

	if (next == NULL)
		return Q_NOMEM;
	r = pki_issuing(s, next, policy, params, uid, f);
	if (r != Q_OK) {
		keyring_unref(next);
		return r;
	}
	return signd_install(s, next, uid, f);
}

enum q_err
signd_do_issuing_make(void *ctx, struct wire_req *q, const void *req,
    void *rsp, struct fault *f)
{
	const struct signd_issuing_make_req *in = req;
	AUTO_RING struct keyring *ring = NULL;
	struct signd *s = ctx;
	struct issuing params;
	const struct key *ca, *root;
	enum q_err r = params_check(in, &params, f);

	if (r != Q_OK)
		return r;
	pthread_mutex_lock(&s->change);
	r = signd_ring(s, true, &ring, f);
	ca = r == Q_OK ? keyring_active(ring, PURPOSE_ISSUING, in->policy) :
	    NULL;
	root = r == Q_OK ? keyring_active(ring, PURPOSE_ROOT, "") : NULL;
	if (ca != NULL && !params_equal(&ca->issuing, &params))
		r = fault_set(f, Q_EXISTS, "policy %s has an issuing CA with "
		    "other settings", in->policy);
	else if (r == Q_OK && ca == NULL &&
	    clock_wall() + (int64_t)in->issuing_lifetime >
	    root->cert.not_after)
		r = fault_set(f, Q_INVALID, "the issuing CA would outlive "
		    "the OEM Root");
	else if (r == Q_OK && ca == NULL)
		r = make(s, ring, in->policy, &params, wire_req_uid(q), f);
	pthread_mutex_unlock(&s->change);
	return r == Q_OK ? answer(s, q, in->policy, rsp, f) : r;
}

static enum q_err
set(struct signd *s, const struct keyring *ring, const struct key *ca,
    const struct issuing *params, uint32_t uid, struct fault *f)
{
	struct keyring *next = keyring_new(ring);
	struct key *k = next == NULL ? NULL : key_copy(ca,
	    (uint16_t)s->conf->crl_port, next);
	enum q_err r = Q_NOMEM;

	if (k != NULL) {
		k->issuing = *params;
		r = keyring_put(next, k);
	}
	if (r != Q_OK) {
		keyring_unref(next);
		return r;
	}
	return signd_install(s, next, uid, f);
}

enum q_err
signd_do_issuing_set(void *ctx, struct wire_req *q, const void *req,
    void *rsp, struct fault *f)
{
	const struct signd_issuing_set_req *in = req;
	AUTO_RING struct keyring *ring = NULL;
	struct signd *s = ctx;
	struct issuing params;
	const struct key *ca;
	enum q_err r = params_check((const void *)in, &params, f);

	if (r != Q_OK)
		return r;
	pthread_mutex_lock(&s->change);
	r = signd_ring(s, true, &ring, f);
	ca = r == Q_OK ? keyring_active(ring, PURPOSE_ISSUING, in->policy) :
	    NULL;
	if (r == Q_OK && ca == NULL)
		r = fault_set(f, Q_NOTFOUND, "policy %s has no issuing CA",
		    in->policy);
	if (r == Q_OK && !params_equal(&ca->issuing, &params))
		r = set(s, ring, ca, &params, wire_req_uid(q), f);
	pthread_mutex_unlock(&s->change);
	return r == Q_OK ? answer(s, q, in->policy, rsp, f) : r;
}
