// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "enrold/lookup.h"

#include "base/clock.h"
#include "enrold/token.h"

/* NOTFOUND becomes a missing row of the case; so does what cannot be the
 * name of anything. */
static enum q_err
found(enum q_err r, bool *ret_there)
{
	*ret_there = r == Q_OK;
	return r == Q_NOTFOUND || r == Q_INVALID ? Q_OK : r;
}

static enum q_err
lookup_device(struct core *core, struct lookup *l, struct enrol_case *c,
    struct fault *f)
{
	bool there;
	enum q_err r = found(rec_device_get(core->recordd, c->device_id,
	    &l->dev, f), &there);

	if (r == Q_OK && there)
		c->dev = &l->dev;
	if (r != Q_OK || c->peer->kind != PEER_AUTH)
		return r;
	r = found(rec_auth_cert_get(core->recordd, c->peer->auth, &l->auth,
	    f), &there);
	if (r == Q_OK && there)
		c->auth = &l->auth;
	return r;
}

static enum q_err
lookup_token(struct core *core, struct lookup *l, struct enrol_case *c,
    struct fault *f)
{
	const struct enrol_ask *ask = c->ask;
	bool there;
	enum q_err r;

	if (!token_wanted(c))
		return Q_OK;
	if (ask->token_name != NULL)
		r = rec_token_get(core->recordd, ask->token_name, &l->token,
		    f);
	else if (ask->token != NULL)
		r = token_find(core, ask->token, ask->from, &l->token, f);
	else
		return Q_OK;
	r = found(r, &there);
	if (r == Q_OK && there)
		c->token = &l->token;
	return r;
}

static enum q_err
lookup_batch(struct core *core, bool fresh, const char *name,
    struct rec_batch *batch, const struct rec_batch **ret_batch,
    struct fault *f)
{
	bool there;
	enum q_err r;

	if (name == NULL || *name == '\0')
		return Q_OK;
	r = found(cache_batch(core->cache, name, fresh, batch, f), &there);
	if (r == Q_OK && there)
		*ret_batch = batch;
	return r;
}

enum q_err
lookup_case(struct core *core, bool fresh, struct lookup *l,
    struct enrol_case *c, struct fault *f)
{
	const char *batch = NULL;
	bool there;
	enum q_err r;

	*c = (struct enrol_case){ .ask = c->ask, .csr = c->csr,
		.peer = c->peer, .device_id = c->device_id,
		.now = clock_wall() };
	r = lookup_device(core, l, c, f);
	if (r == Q_OK)
		r = lookup_token(core, l, c, f);
	if (r == Q_OK)
		r = lookup_batch(core, fresh, c->ask->label, &l->labelled,
		    &c->labelled, f);
	if (c->dev != NULL)
		batch = c->dev->batch;
	else if (c->auth != NULL)
		batch = c->auth->batch;
	else if (c->token != NULL)
		batch = c->token->batch;
	if (r == Q_OK)
		r = lookup_batch(core, fresh, batch, &l->batch, &c->batch, f);
	if (r != Q_OK || c->batch == NULL)
		return r;
	r = found(cache_policy(core->cache, c->batch->policy, fresh,
	    &l->policy, f), &there);
	if (r == Q_OK && there)
		c->policy = &l->policy;
	return r;
}
