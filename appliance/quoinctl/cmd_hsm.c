// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/own.h"
#include "quoinctl/ctl.h"
#include "quoinctl/out.h"
#include "x509/cert_text.h"
#include "x509/pem.h"

enum q_err
cmd_hsm_status(struct ctl *c, struct fault *f)
{
	static const struct col cols[] = {
		{ "Ready", "ready" }, { "Reason", "reason" },
		{ "Token", "token" }, { "Cannot", "cannot" },
		{ "Second token", "token2" },
		{ "Second token cannot", "cannot2" }, { "PKI made", "pki" },
		{ "Worker restarts", "restarts" }, { "Name", "host" },
		{ "Addresses", "ips" }, { "Issuing CAs", "issuing" },
		{ "Issued since start", "issued" },
		{ "Unknown keys", "orphans" },
		{ "Journal record", "journal_seq" },
	};
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_status_req req = { 0 };
	struct signd_status_rsp s;
	struct json_object *o;
	enum q_err r = ctl_signd(c, f);

	if (r == Q_OK)
		r = signd_status(c->signd, &req, &s, &hold, f);
	if (r != Q_OK)
		return r;
	o = out_object();
	out_bool(o, "ready", s.ready);
	out_str(o, "reason", s.reason);
	out_bool(o, "token", s.token);
	out_str(o, "cannot", s.cannot);
	out_str(o, "token2", s.token2);
	out_str(o, "cannot2", s.cannot2);
	out_bool(o, "pki", s.pki);
	out_int(o, "restarts", s.restarts);
	out_int(o, "generation", s.generation);
	out_str(o, "host", s.host);
	out_str(o, "ips", s.ips);
	out_int(o, "issuing", s.issuing);
	out_int(o, "issued", s.issued);
	out_int(o, "orphans", s.orphans);
	out_int(o, "journal_seq", s.journal_seq);
	out_hex(o, "journal_head", s.journal_head);
	out_show(c, cols, ARRAY_LEN(cols), o);
	/* Before the PKI is made the daemon is well, only unemployed. */
	return s.token ? Q_OK : fault_retry(f, Q_UNAVAIL, 2,
	    "the token is away: %.150s", s.reason);
}

enum q_err
cmd_hsm_init(struct ctl *c, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	const char *name = c->argc > 0 ? c->argv[0] : c->conf.name;
	char host[SIGND_HOST_MAX + 1];
	struct signd_pki_make_req req = {
		.host = host, .tls_rsa = c->opt[CTL_OPT_rsa] != NULL
	};
	struct signd_pki_make_rsp rsp;
	struct json_object *o;
	enum q_err r = ctl_name_split(name, host, &req.ips, f);

	if (r == Q_OK)
		r = ctl_signd(c, f);
	if (r == Q_OK)
		r = signd_pki_make(c->signd, &req, &rsp, &hold, f);
	if (r != Q_OK)
		return r;
	o = out_object();
	out_str(o, "root_id", rsp.root_id);
	out_str(o, "host", host);
	out_str(o, "ips", req.ips);
	out_done(c, o, "The PKI is in the token: OEM Root %s, name %s.\n"
	    "Next: quoinctl policy create NAME --device-lifetime 30d "
	    "--issuing-lifetime 5y --autorenew", rsp.root_id, host);
	/* Only the note is in the records, which need not run yet. */
	if (ctl_records(c, NULL) == Q_OK)
		r = rec_actor_note(c->records, &c->by, "hsm init", host, f);
	return r;
}

static struct json_object *
cert_json(const struct signd_cert *cert)
{
	struct json_object *o = out_object();
	AUTO_BUF struct buf pem = BUF_INIT(PEM_TEXT_MAX);
	char print[CERT_FINGERPRINT];

	out_str(o, "id", cert->id);
	out_str(o, "purpose", cert->purpose);
	out_str(o, "policy", cert->policy);
	out_str(o, "issuer", cert->issuer);
	out_str(o, "state", cert->state);
	out_int(o, "generation", cert->generation);
	out_time(o, "not_before", (int64_t)cert->not_before);
	out_time(o, "not_after", (int64_t)cert->not_after);
	if (strcmp(cert->purpose, "issuing") == 0) {
		out_int(o, "issuing_lifetime", cert->issuing_lifetime);
		out_int(o, "device_lifetime", cert->device_lifetime);
		out_bool(o, "autorenew", cert->autorenew);
		out_bool(o, "allow_rekey", cert->allow_rekey);
		out_bool(o, "allow_rsa2048", cert->allow_rsa2048);
		out_bool(o, "allow_serverkey", cert->allow_serverkey);
		out_int(o, "crl_number", cert->crl_number);
	}
	cert_fingerprint(cert->cert, print);
	out_str(o, "sha256", print);
	pem_encode(&pem, PEM_CERTIFICATE, cert->cert);
	out_str(o, "pem", pem.bad ? "" : (const char *)pem.p);
	return o;
}

static void
print_pem(struct bytes der)
{
	AUTO_BUF struct buf pem = BUF_INIT(PEM_TEXT_MAX);

	pem_encode(&pem, PEM_CERTIFICATE, der);
	fwrite(pem.p, 1, pem.len, stdout);
}

struct cert_walk {
	struct ctl *ctl;
	struct out_list list;
	bool pem;
	struct json_object *root;
};

static enum q_err
each_cert(void *arg, const struct signd_cert *cert)
{
	struct cert_walk *w = arg;

	if (w->pem)
		print_pem(cert->cert);
	else
		out_list_add(&w->list, cert_json(cert));
	return Q_OK;
}

enum q_err
cmd_hsm_certs(struct ctl *c, struct fault *f)
{
	static const struct col cols[] = {
		{ "ID", "id" }, { "Purpose", "purpose" },
		{ "Policy", "policy" }, { "State", "state" },
		{ "Generation", "generation" },
		{ "Not before", "not_before" }, { "Not after", "not_after" },
	};
	struct cert_walk w = {
		.ctl = c, .pem = c->opt[CTL_OPT_pem] != NULL && !c->json
	};
	enum q_err r = ctl_signd(c, f);

	if (r != Q_OK)
		return r;
	if (!w.pem)
		out_list_begin(&w.list, c, "certs", cols, ARRAY_LEN(cols));
	r = signer_certs(c->signd, each_cert, &w, f);
	return w.pem ? r : out_list_end(&w.list, r,
	    "no certificates: quoinctl hsm init makes the PKI");
}

static enum q_err
each_root(void *arg, const struct signd_cert *cert)
{
	struct cert_walk *w = arg;

	if (strcmp(cert->purpose, "root") != 0 ||
	    strcmp(cert->state, "active") != 0)
		return Q_OK;
	w->root = cert_json(cert);
	if (w->pem)
		print_pem(cert->cert);
	return Q_OK;
}

/* Of the root that was there when this began, so that it is never replaced
 * twice. */
static enum q_err
root_renew(struct ctl *c, const char *id, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_root_renew_req req = { .root_id = id };
	struct signd_root_renew_rsp rsp;
	struct json_object *o;
	enum q_err r = ctl_confirm(c, "Replace the OEM Root? New devices are "
	    "to trust the new one.", f);

	if (r == Q_OK)
		r = signd_root_renew(c->signd, &req, &rsp, &hold, f);
	if (r != Q_OK)
		return r;
	o = out_object();
	out_str(o, "root_id", rsp.root_id);
	out_str(o, "before", id);
	out_done(c, o, "The OEM Root is %s now; %s is linked with it.\n"
	    "Next: quoinctl hsm root --pem, for what new devices trust.",
	    rsp.root_id, id);
	if (ctl_records(c, NULL) == Q_OK)
		r = rec_actor_note(c->records, &c->by, "hsm root renew",
		    rsp.root_id, f);
	return r;
}

enum q_err
cmd_hsm_root(struct ctl *c, struct fault *f)
{
	static const struct col cols[] = {
		{ "ID", "id" }, { "Not before", "not_before" },
		{ "Not after", "not_after" }, { "SHA-256", "sha256" },
	};
	bool renew = c->argc > 0;
	struct cert_walk w = { .ctl = c,
		.pem = c->opt[CTL_OPT_pem] != NULL && !c->json && !renew
	};
	enum q_err r = renew && strcmp(c->argv[0], "renew") != 0 ?
	    fault_set(f, Q_USAGE, "hsm root %.32s: renew is what can be done",
	    c->argv[0]) : ctl_signd(c, f);

	if (r == Q_OK)
		r = signer_certs(c->signd, each_root, &w, f);
	if (r == Q_OK && w.root == NULL)
		r = fault_set(f, Q_NOTFOUND, "there is no OEM Root yet: "
		    "quoinctl hsm init makes it");
	if (r == Q_OK && renew) {
		r = root_renew(c, json_object_get_string(
		    json_object_object_get(w.root, "id")), f);
		json_object_put(w.root);
		return r;
	}
	if (r != Q_OK || w.pem)
		json_object_put(w.root);
	else
		out_show(c, cols, ARRAY_LEN(cols), w.root);
	return r;
}

static enum q_err
each_key(void *arg, const struct signd_key *key)
{
	struct json_object *o = out_object();

	out_str(o, "id", key->id);
	out_str(o, "purpose", key->purpose);
	out_str(o, "policy", key->policy);
	out_str(o, "name", key->name);
	out_bool(o, "imported", key->imported);
	out_int(o, "token", key->token + 1);
	out_str(o, "state", key->state);
	out_str(o, "kind", key->kind);
	out_time(o, "created", (int64_t)key->created);
	out_int(o, "used", key->used);
	out_list_add(arg, o);
	return Q_OK;
}

enum q_err
cmd_hsm_keys(struct ctl *c, struct fault *f)
{
	static const struct col cols[] = {
		{ "ID", "id" }, { "Purpose", "purpose" },
		{ "Policy", "policy" }, { "State", "state" },
		{ "Kind", "kind" }, { "Created", "created" },
		{ "Used", "used" }, { "Name", "name" },
	};
	struct out_list list;
	enum q_err r = ctl_signd(c, f);

	if (r != Q_OK)
		return r;
	out_list_begin(&list, c, "keys", cols, ARRAY_LEN(cols));
	r = signer_keys(c->signd, each_key, &list, f);
	return out_list_end(&list, r,
	    "no keys: quoinctl hsm init makes them");
}
