// SPDX-License-Identifier: Apache-2.0
/* Who agrees to the use of keys, and how. */
#include "config.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "base/fsio.h"
#include "base/own.h"
#include "quoinctl/ctl.h"
#include "quoinctl/out.h"
#include "signer/named.h"
#include "x509/pem.h"

#define FILE_MAX 65536

static enum q_err
load(const char *path, struct buf *out, struct fault *f)
{
	enum q_err r = strcmp(path, "-") == 0 ? fd_read_all(0, out) :
	    file_read(path, out);

	return r == Q_OK ? r : fault_set(f, r, "%.150s: %s", path,
	    q_err_text(r));
}

/* --- what a browser gives ----------------------------------------------- */

/* Bytes of a member, base64url without padding; absent: none. */
static enum q_err
take_bytes(struct json_object *o, const char *name, struct buf *out,
    struct fault *f)
{
	const char *text = json_object_get_string(
	    json_object_object_get(o, name));
	enum q_err r;

	if (text == NULL)
		return fault_set(f, Q_INVALID, "JSON: no %s", name);
	r = b64url_decode(out, text);
	return r == Q_OK ? r : fault_set(f, Q_INVALID,
	    "JSON: %s is no base64url", name);
}

/* A PublicKeyCredential as its toJSON() writes it. */
static enum q_err
credential_load(const char *path, struct json_object **ret, struct fault *f)
{
	AUTO_BUF struct buf text = BUF_INIT(FILE_MAX);
	enum q_err r = load(path, &text, f);
	struct json_object *o;

	if (r != Q_OK)
		return r;
	o = json_tokener_parse((const char *)text.p);
	if (!json_object_is_type(json_object_object_get(o, "response"),
	    json_type_object)) {
		json_object_put(o);
		return fault_set(f, Q_INVALID, "%.150s: no credential in "
		    "JSON, with a response", path);
	}
	*ret = o;
	return Q_OK;
}

static const char *
text_of(struct json_object *o, const char *name)
{
	const char *text = json_object_get_string(
	    json_object_object_get(o, name));

	return text != NULL ? text : "";
}

/* --- approvers ---------------------------------------------------------- */

static enum q_err
add_key(struct ctl *c, struct signd_approver_set_req *req, struct buf *spki,
    struct fault *f)
{
	AUTO_BUF struct buf text = BUF_INIT(FILE_MAX);
	enum q_err r = load(c->argv[1], &text, f);

	if (r == Q_OK)
		r = pem_decode(buf_bytes(&text), PEM_PUBLIC_KEY, spki, NULL,
		    f);
	req->kind = "p256";
	req->spki = buf_bytes(spki);
	return r;
}

static enum q_err
approver_send(struct ctl *c, struct signd_approver_set_req *req,
    struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_approver_set_rsp rsp;
	struct json_object *o;
	enum q_err r = ctl_signd(c, f);

	if (r == Q_OK)
		r = signd_approver_set(c->signd, req, &rsp, &hold, f);
	if (r != Q_OK)
		return r;
	o = out_object();
	out_str(o, "name", req->name);
	out_str(o, "kind", req->kind);
	out_done(c, o, "%s can agree to the use of keys whose rules name "
	    "%s.", req->name, req->name);
	return Q_OK;
}

static enum q_err
add_webauthn(struct ctl *c, struct signd_approver_set_req *req,
    struct fault *f)
{
	AUTO_BUF struct buf spki = BUF_INIT(FILE_MAX);
	AUTO_BUF struct buf id = BUF_INIT(FILE_MAX);
	struct json_object *o;
	enum q_err r = credential_load(c->opt[CTL_OPT_webauthn], &o, f);

	if (r != Q_OK)
		return r;
	r = take_bytes(o, "id", &id, f);
	if (r == Q_OK)
		r = take_bytes(json_object_object_get(o, "response"),
		    "publicKey", &spki, f);
	req->kind = "webauthn";
	req->spki = buf_bytes(&spki);
	req->credential = buf_bytes(&id);
	req->rp_id = text_of(o, "rpId");
	req->origin = text_of(o, "origin");
	if (r == Q_OK)
		r = approver_send(c, req, f);
	json_object_put(o);
	return r;
}

enum q_err
cmd_approver_add(struct ctl *c, struct fault *f)
{
	AUTO_BUF struct buf spki = BUF_INIT(FILE_MAX);
	struct signd_approver_set_req req = { .name = c->argv[0],
		.user = c->who };
	enum q_err r;

	if ((c->argc == 2) == (c->opt[CTL_OPT_webauthn] != NULL))
		return fault_set(f, Q_USAGE,
		    "either a key's FILE or --webauthn FILE");
	if (c->argc == 1)
		return add_webauthn(c, &req, f);
	r = add_key(c, &req, &spki, f);
	return r == Q_OK ? approver_send(c, &req, f) : r;
}

static struct json_object *
approver_json(const struct signd_approver *a)
{
	AUTO_BUF struct buf pem = BUF_INIT(PEM_TEXT_MAX);
	struct json_object *o = out_object();

	pem_encode(&pem, PEM_PUBLIC_KEY, a->spki);
	out_str(o, "name", a->name);
	out_str(o, "kind", a->kind);
	out_time(o, "created", (int64_t)a->created);
	out_str(o, "rp_id", a->rp_id);
	out_str(o, "origin", a->origin);
	out_str(o, "pem", pem.bad ? "" : (const char *)pem.p);
	return o;
}

static enum q_err
each_approver(void *arg, const struct signd_approver *a)
{
	out_list_add(arg, approver_json(a));
	return Q_OK;
}

enum q_err
cmd_approver_list(struct ctl *c, struct fault *f)
{
	static const struct col cols[] = { { "Name", "name" },
		{ "Kind", "kind" }, { "Since", "created" },
		{ "Origin", "origin" } };
	struct out_list list;
	enum q_err r = ctl_signd(c, f);

	if (r != Q_OK)
		return r;
	out_list_begin(&list, c, "approvers", cols, ARRAY_LEN(cols));
	r = signer_approvers(c->signd, each_approver, &list, f);
	return out_list_end(&list, r, "no approvers: quoinctl hsm approver "
	    "add NAME FILE makes one");
}

enum q_err
cmd_approver_delete(struct ctl *c, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_approver_delete_req req = { .name = c->argv[0],
		.user = c->who };
	struct signd_approver_delete_rsp rsp;
	struct json_object *o;
	enum q_err r = ctl_signd(c, f);

	if (r == Q_OK)
		r = signd_approver_delete(c->signd, &req, &rsp, &hold, f);
	if (r != Q_OK)
		return r;
	o = out_object();
	out_str(o, "name", req.name);
	out_done(c, o, "%s is no approver any more.", req.name);
	return Q_OK;
}

/* --- approvals ---------------------------------------------------------- */

/* "action: sign" of a statement, and the like. */
static void
out_line(struct json_object *o, const char *statement, const char *name)
{
	char text[SIGND_LIST_MAX];

	if (signer_statement_line(statement, name, text, sizeof(text)))
		out_str(o, name, text);
}

static enum q_err
each_list(void *arg, const struct signd_approval *a)
{
	struct json_object *o = out_object();
	char count[32];

	snprintf(count, sizeof(count), "%u", (unsigned)a->want);
	out_str(o, "id", a->id);
	out_str(o, "state", a->state);
	out_str(o, "have", a->have);
	out_str(o, "want", count);
	out_time(o, "created", (int64_t)a->created);
	out_time(o, "expires", (int64_t)a->expires);
	out_line(o, a->statement, "action");
	out_line(o, a->statement, "key");
	out_line(o, a->statement, "digest");
	out_line(o, a->statement, "meaning");
	out_str(o, "statement", a->statement);
	out_list_add(arg, o);
	return Q_OK;
}

enum q_err
cmd_approval_list(struct ctl *c, struct fault *f)
{
	static const struct col cols[] = { { "ID", "id" },
		{ "State", "state" }, { "Action", "action" },
		{ "Key", "key" }, { "Meaning", "meaning" },
		{ "Have", "have" }, { "Want", "want" },
		{ "Expires", "expires" } };
	struct out_list list;
	enum q_err r = ctl_signd(c, f);

	if (r != Q_OK)
		return r;
	out_list_begin(&list, c, "approvals", cols, ARRAY_LEN(cols));
	r = signer_approvals(c->signd, each_list, &list, f);
	return out_list_end(&list, r, "nothing waits for approval");
}

struct search {
	const char *id;
	struct buf text;
};

static enum q_err
each_search(void *arg, const struct signd_approval *a)
{
	struct search *s = arg;

	if (strcmp(a->id, s->id) == 0)
		buf_puts(&s->text, a->statement);
	return Q_OK;
}

static enum q_err
statement_find(struct ctl *c, struct search *s, struct fault *f)
{
	enum q_err r = ctl_signd(c, f);

	if (r == Q_OK)
		r = signer_approvals(c->signd, each_search, s, f);
	return r != Q_OK || s->text.len != 0 ? r : fault_set(f, Q_NOTFOUND,
	    "no approval %.32s is open", s->id);
}

enum q_err
cmd_approval_statement(struct ctl *c, struct fault *f)
{
	struct search s = { .id = c->argv[0], .text = BUF_INIT(FILE_MAX) };
	enum q_err r = statement_find(c, &s, f);
	struct json_object *o;

	if (r == Q_OK && c->json) {
		o = out_object();
		out_str(o, "statement", (const char *)s.text.p);
		out_done(c, o, " ");
	} else if (r == Q_OK) {
		fwrite(s.text.p, 1, s.text.len, stdout);
	}
	buf_free(&s.text);
	return r;
}

/* ECDSA-SHA256 with the private key of a PEM file, whose passphrase is asked
 * for. */
static enum q_err
key_sign(const char *path, const struct buf *text, struct buf *out,
    struct fault *f)
{
	FILE *file = fopen(path, "re");
	EVP_PKEY *key = file != NULL ? PEM_read_PrivateKey(file, NULL, NULL,
	    NULL) : NULL;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t *to = buf_reserve(out, 512);
	size_t len = 512;
	bool good = key != NULL && ctx != NULL && to != NULL &&
	    EVP_PKEY_get_base_id(key) == EVP_PKEY_EC &&
	    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestSign(ctx, to, &len, text->p, text->len) == 1;

	if (good)
		out->len += len;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	if (file != NULL)
		fclose(file);
	return good ? Q_OK : fault_set(f, Q_INVALID, "%.150s: no private key "
	    "of P-256, PEM", path);
}

static enum q_err
proof_send(struct ctl *c, struct signd_approval_put_req *req,
    struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_approval_put_rsp rsp;
	struct json_object *o;
	enum q_err r;

	req->id = c->argv[0];
	req->approver = c->argv[1];
	req->user = c->who;
	r = ctl_signd(c, f);
	if (r == Q_OK)
		r = signd_approval_put(c->signd, req, &rsp, &hold, f);
	if (r != Q_OK)
		return r;
	o = out_object();
	out_str(o, "id", req->id);
	out_int(o, "have", rsp.have);
	out_int(o, "want", rsp.want);
	out_done(c, o, "%u of %u have agreed.", (unsigned)rsp.have,
	    (unsigned)rsp.want);
	return Q_OK;
}

static enum q_err
give_webauthn(struct ctl *c, struct fault *f)
{
	AUTO_BUF struct buf auth = BUF_INIT(FILE_MAX);
	AUTO_BUF struct buf client = BUF_INIT(FILE_MAX);
	AUTO_BUF struct buf signature = BUF_INIT(FILE_MAX);
	struct signd_approval_put_req req = { 0 };
	struct json_object *o, *response;
	enum q_err r = credential_load(c->opt[CTL_OPT_webauthn], &o, f);

	if (r != Q_OK)
		return r;
	response = json_object_object_get(o, "response");
	r = take_bytes(response, "authenticatorData", &auth, f);
	if (r == Q_OK)
		r = take_bytes(response, "clientDataJSON", &client, f);
	if (r == Q_OK)
		r = take_bytes(response, "signature", &signature, f);
	json_object_put(o);
	req.auth_data = buf_bytes(&auth);
	req.client_data = buf_bytes(&client);
	req.signature = buf_bytes(&signature);
	return r == Q_OK ? proof_send(c, &req, f) : r;
}

enum q_err
cmd_approval_give(struct ctl *c, struct fault *f)
{
	struct search s = { .id = c->argv[0], .text = BUF_INIT(FILE_MAX) };
	AUTO_BUF struct buf signature = BUF_INIT(FILE_MAX);
	struct signd_approval_put_req req = { 0 };
	const char *key = c->opt[CTL_OPT_key];
	const char *file = c->opt[CTL_OPT_signature];
	enum q_err r = Q_OK;

	if ((key != NULL) + (file != NULL) +
	    (c->opt[CTL_OPT_webauthn] != NULL) != 1)
		return fault_set(f, Q_USAGE,
		    "one of --key, --signature and --webauthn");
	if (c->opt[CTL_OPT_webauthn] != NULL)
		return give_webauthn(c, f);
	if (key != NULL) {
		r = statement_find(c, &s, f);
		if (r == Q_OK)
			r = key_sign(key, &s.text, &signature, f);
		buf_free(&s.text);
	} else {
		r = load(file, &signature, f);
	}
	req.signature = buf_bytes(&signature);
	return r == Q_OK ? proof_send(c, &req, f) : r;
}

enum q_err
cmd_approval_withdraw(struct ctl *c, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_approval_withdraw_req req = { .id = c->argv[0],
		.user = c->who };
	struct signd_approval_withdraw_rsp rsp;
	struct json_object *o;
	enum q_err r = ctl_signd(c, f);

	if (r == Q_OK)
		r = signd_approval_withdraw(c->signd, &req, &rsp, &hold, f);
	if (r != Q_OK)
		return r;
	o = out_object();
	out_str(o, "id", req.id);
	out_done(c, o, "Approval %s is withdrawn.", req.id);
	return Q_OK;
}
