// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "quoinctl/ctl.h"
#include "quoinctl/out.h"
#include "records/policies.h"

#define TRIES 20

static const struct col cols[] = {
	{ "Name", "name" },
	{ "Device lifetime", "device_lifetime", COL_SPAN },
	{ "Issuing lifetime", "issuing_lifetime", COL_SPAN },
	{ "Autorenew", "autorenew" },
	{ "Issuing autorenew", "issuing_autorenew" },
	{ "Rekey", "allow_rekey" },
	{ "RSA-2048", "allow_rsa2048" },
	{ "Server keys", "allow_serverkey" },
	{ "Approval", "approve" },
};

enum q_err
cmd_policy_list(struct ctl *c, struct fault *f)
{
	struct rec_policy policy;
	struct out_list list;
	enum q_err r = ctl_records(c, f);
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(c->records, REC_POLICY, NULL, NULL);

	if (r != Q_OK)
		return r;
	out_list_begin(&list, c, "policies", cols, ARRAY_LEN(cols));
	while ((r = rec_list_next(&it, &policy, f)) == Q_OK)
		out_list_add(&list, out_record(REC_POLICY, &policy));
	return out_list_end(&list, r, "no policies: quoinctl policy create "
	    "NAME makes one");
}

static enum q_err
policy_read(struct ctl *c, struct rec_policy *ret_policy, struct fault *f)
{
	enum q_err r = ctl_records(c, f);

	if (r == Q_OK)
		r = rec_policy_get(c->records, c->argv[0], ret_policy, f);
	return r == Q_NOTFOUND ? fault_set(f, r, "no policy %.64s: quoinctl "
	    "policy list shows what there is", c->argv[0]) : r;
}

enum q_err
cmd_policy_show(struct ctl *c, struct fault *f)
{
	struct rec_policy policy;
	enum q_err r = policy_read(c, &policy, f);

	if (r == Q_OK)
		out_show(c, cols, ARRAY_LEN(cols),
		    out_record(REC_POLICY, &policy));
	return r;
}

static enum q_err
take_span(struct ctl *c, enum ctl_opt o, int64_t *span, struct fault *f)
{
	if (c->opt[o] == NULL)
		return Q_OK;
	if (span_parse(c->opt[o], span) == Q_OK && *span > 0)
		return Q_OK;
	return fault_set(f, Q_USAGE, "--%s wants a time like 12h, 30d or 5y, "
	    "not %.32s", ctl_options[o].name, c->opt[o]);
}

/* What the options say, into the policy. */
static enum q_err
take_options(struct ctl *c, struct rec_policy *p, struct fault *f)
{
	const struct {
		enum ctl_opt yes, no;
		bool *flag;
	} flags[] = {
		{ CTL_OPT_autorenew, CTL_OPT_no_autorenew, &p->autorenew },
		{ CTL_OPT_issuing_autorenew, CTL_OPT_no_issuing_autorenew,
		    &p->issuing_autorenew },
		{ CTL_OPT_allow_rekey, CTL_OPT_no_allow_rekey,
		    &p->allow_rekey },
		{ CTL_OPT_allow_rsa2048, CTL_OPT_no_allow_rsa2048,
		    &p->allow_rsa2048 },
		{ CTL_OPT_allow_serverkey, CTL_OPT_no_allow_serverkey,
		    &p->allow_serverkey },
		{ CTL_OPT_approve, CTL_OPT_no_approve, &p->approve },
	};
	enum q_err r = take_span(c, CTL_OPT_device_lifetime,
	    &p->device_lifetime, f);

	if (r == Q_OK)
		r = take_span(c, CTL_OPT_issuing_lifetime,
		    &p->issuing_lifetime, f);
	for (size_t i = 0; r == Q_OK && i < ARRAY_LEN(flags); i++)
		r = ctl_flag(c, flags[i].yes, flags[i].no, flags[i].flag, f);
	return r;
}

/* The issuing CA as the policy wants it; made, if there is none. */
static enum q_err
issuing_make(void *ctx, const struct rec_policy *p, struct fault *f)
{
	struct ctl *c = ctx;
	AUTO_REPLY struct wire_reply hold = { 0 };
	const struct signd_issuing_make_req make = {
		.policy = p->key,
		.issuing_lifetime = (uint64_t)p->issuing_lifetime,
		.device_lifetime = (uint64_t)p->device_lifetime,
		.autorenew = p->issuing_autorenew,
		.allow_rekey = p->allow_rekey,
		.allow_rsa2048 = p->allow_rsa2048,
		.allow_serverkey = p->allow_serverkey,
	};
	struct signd_issuing_make_rsp rsp;
	enum q_err r = ctl_signd(c, f);

	return r == Q_OK
	    ? signd_issuing_make(c->signd, &make, &rsp, &hold, f) : r;
}

static enum q_err
issuing_set(void *ctx, const struct rec_policy *p, struct fault *f)
{
	struct ctl *c = ctx;
	AUTO_REPLY struct wire_reply hold = { 0 };
	const struct signd_issuing_set_req set = {
		.policy = p->key,
		.issuing_lifetime = (uint64_t)p->issuing_lifetime,
		.device_lifetime = (uint64_t)p->device_lifetime,
		.autorenew = p->issuing_autorenew,
		.allow_rekey = p->allow_rekey,
		.allow_rsa2048 = p->allow_rsa2048,
		.allow_serverkey = p->allow_serverkey,
	};
	struct signd_issuing_set_rsp rsp;
	enum q_err r = ctl_signd(c, f);

	return r == Q_OK
	    ? signd_issuing_set(c->signd, &set, &rsp, &hold, f) : r;
}

static struct rec_issuing
issuing_of(struct ctl *c)
{
	return (struct rec_issuing){ issuing_make, issuing_set, c };
}

enum q_err
cmd_policy_create(struct ctl *c, struct fault *f)
{
	struct rec_policy p = {
		.issuing_autorenew = true, .created_at = clock_wall()
	};
	const struct rec_issuing ca = issuing_of(c);
	enum q_err r = ctl_need(c, CTL_OPT_device_lifetime, f);

	if (r == Q_OK)
		r = ctl_need(c, CTL_OPT_issuing_lifetime, f);
	if (r == Q_OK && strlen(c->argv[0]) > REC_NAME_MAX)
		r = fault_set(f, Q_USAGE, "the name is longer than %d bytes",
		    REC_NAME_MAX);
	if (r == Q_OK)
		r = take_options(c, &p, f);
	if (r != Q_OK)
		return r;
	snprintf(p.key, sizeof(p.key), "%s", c->argv[0]);
	r = rec_key_check(rec_desc(REC_POLICY), p.key, f);
	if (r == Q_OK)
		r = ctl_records(c, f);
	if (r == Q_OK)
		r = rec_policy_make(c->records, &p, &ca, &c->by, f);
	if (r == Q_OK)
		out_done(c, out_record(REC_POLICY, &p),
		    "Policy %s and its issuing CA are made.", p.key);
	return r;
}

enum q_err
cmd_policy_edit(struct ctl *c, struct fault *f)
{
	const struct rec_issuing ca = issuing_of(c);
	struct rec_policy p, old;
	enum q_err r = Q_CONFLICT;

	for (int i = 0; i < TRIES && r == Q_CONFLICT; i++) {
		r = policy_read(c, &old, f);
		if (r != Q_OK)
			return r;
		p = old;
		r = take_options(c, &p, f);
		if (r == Q_OK)
			r = rec_policy_change(c->records, &p, &old, &ca,
			    &c->by, f);
	}
	if (r == Q_OK)
		out_show(c, cols, ARRAY_LEN(cols), out_record(REC_POLICY, &p));
	return r;
}

enum q_err
cmd_policy_delete(struct ctl *c, struct fault *f)
{
	struct json_object *o;
	enum q_err r = ctl_records(c, f);

	if (r == Q_OK)
		r = rec_policy_remove(c->records, c->argv[0], &c->by, f);
	if (r != Q_OK)
		return r;
	o = out_object();
	out_str(o, "deleted", c->argv[0]);
	out_done(c, o, "Policy %s is deleted. Its issuing CA stays in the "
	    "token until it ends.", c->argv[0]);
	return Q_OK;
}
