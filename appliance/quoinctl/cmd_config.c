// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "quoinctl/ctl.h"
#include "quoinctl/out.h"

#define ACTIVITY_DEFAULT 20
#define ACTIVITY_MAX 10000

/* The name that signd has, if it can be asked; the file's otherwise. */
static void
put_name(struct ctl *c, struct json_object *o)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_status_req req = { 0 };
	struct signd_status_rsp s;

	if (ctl_signd(c, NULL) != Q_OK ||
	    signd_status(c->signd, &req, &s, &hold, NULL) != Q_OK ||
	    s.host[0] == '\0')
		return;
	out_str(o, "name", s.host);
	out_str(o, "addresses", s.ips);
}

#define PUT_STR(o, key, value) out_str(o, key, value)
#define PUT_INT(o, key, value) out_int(o, key, (uint64_t)(value))
#define PUT_BOOL(o, key, value) out_bool(o, key, (value) != 0)

enum q_err
cmd_config_show(struct ctl *c, struct fault *f)
{
	static const struct col cols[] = {
#define X(field, key, kind, low, high, dflt, text) { key, key, COL_PLAIN },
		CONF_TABLE(X)
#undef X
		{ "addresses", "addresses", COL_PLAIN },
	};
	struct json_object *o = out_object();

	(void)f;
#define X(field, key, kind, low, high, dflt, text) \
	PUT_##kind(o, key, c->conf.field);
	CONF_TABLE(X)
#undef X
	put_name(c, o);
	out_show(c, cols, ARRAY_LEN(cols), o);
	return Q_OK;
}

enum q_err
cmd_config_name(struct ctl *c, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	char host[SIGND_HOST_MAX + 1];
	struct signd_name_set_req req = { .host = host };
	struct signd_name_set_rsp rsp;
	struct json_object *o;
	enum q_err r = ctl_name_split(c->argv[0], host, &req.ips, f);

	if (r == Q_OK)
		r = ctl_signd(c, f);
	if (r == Q_OK)
		r = ctl_records(c, f);
	if (r == Q_OK)
		r = signd_name_set(c->signd, &req, &rsp, &hold, f);
	/* The setting is what tells enrold; signd holds the truth. */
	if (r == Q_OK)
		r = rec_setting_set(c->records, "name", c->argv[0], f);
	if (r == Q_OK)
		r = rec_actor_note(c->records, &c->by, "config name",
		    host, f);
	if (r != Q_OK)
		return r;
	o = out_object();
	out_str(o, "host", host);
	out_str(o, "ips", req.ips);
	out_int(o, "generation", rsp.generation);
	out_done(c, o, "The appliance's name is %s%s%s; its TLS certificates "
	    "are reissued.", host, req.ips[0] != '\0' ? ", " : "", req.ips);
	return Q_OK;
}

enum q_err
cmd_activity_list(struct ctl *c, struct fault *f)
{
	static const struct col cols[] = {
		{ "Time", "at" }, { "Who", "who" }, { "From", "from" },
		{ "What", "what" }, { "Object", "object" },
		{ "Detail", "detail" },
	};
	AUTO_FREE struct rec_activity *latest = NULL;
	struct out_list list;
	size_t n, found = 0;
	enum q_err r = ctl_number(c, CTL_OPT_limit, ACTIVITY_DEFAULT, &n, f);

	if (r == Q_OK && n > ACTIVITY_MAX)
		r = fault_set(f, Q_USAGE, "--limit: at most %d",
		    ACTIVITY_MAX);
	if (r == Q_OK)
		r = ctl_records(c, f);
	if (r != Q_OK)
		return r;
	latest = calloc(n, sizeof(*latest));
	if (latest == NULL)
		return Q_NOMEM;
	{
		AUTO_REC_LIST struct rec_list it =
		    REC_LIST(c->records, REC_ACTIVITY, NULL, NULL);

		it.desc = true;
		it.page = n < RECORDD_LIST_MAX ? (uint32_t)n
					       : RECORDD_LIST_MAX;
		while (found < n &&
		    (r = rec_list_next(&it, &latest[found], f)) == Q_OK)
			found++;
	}
	out_list_begin(&list, c, "activity", cols, ARRAY_LEN(cols));
	while (found > 0)
		out_list_add(&list, out_record(REC_ACTIVITY,
		    &latest[--found]));
	return out_list_end(&list, r, "nothing was done yet");
}
