// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "signer/signer.h"

#include <stdio.h>
#include <string.h>

#define X(name, fields) WIRE_DEFINE(name, fields)
SIGND_MESSAGES(X)
#undef X

#define X(name, num, roles, cap, text) WIRE_CLIENT_DEFINE(signd, name, num)
SIGND_OPS(X)
#undef X

enum q_err
signer_open(const struct conf *conf, int deadline_ms,
    struct wire_client **ret_client)
{
	char path[CONF_SOCKET_MAX];
	enum q_err r = conf_socket(conf, "signd", path);

	return r != Q_OK ? r : wire_client_new(path, deadline_ms, ret_client);
}

enum q_err
signer_certs(struct wire_client *c, signer_cert_each each, void *arg,
    struct fault *f)
{
	char after[SIGND_ID_LEN + 1] = "";
	bool more = true;

	while (more) {
		AUTO_REPLY struct wire_reply hold = { NULL, 0 };
		struct signd_certs_req req = { .after = after };
		struct signd_certs_rsp rsp;
		struct signd_cert item;
		enum q_err r = signd_certs(c, &req, &rsp, &hold, f);

		if (r != Q_OK)
			return r;
		more = rsp.more && rsp.items.len > 0;
		while ((r = wire_list_next(&rsp.items, &signd_cert_type,
		    &item)) == Q_OK) {
			snprintf(after, sizeof(after), "%s", item.id);
			r = each(arg, &item);
			if (r != Q_OK)
				return r;
		}
		if (r != Q_NOTFOUND)
			return fault_set(f, r, "signd's list is malformed");
	}
	return Q_OK;
}

enum q_err
signer_keys(struct wire_client *c, signer_key_each each, void *arg,
    struct fault *f)
{
	char after[SIGND_ID_LEN + 1] = "";
	bool more = true;

	while (more) {
		AUTO_REPLY struct wire_reply hold = { NULL, 0 };
		struct signd_keys_req req = { .after = after };
		struct signd_keys_rsp rsp;
		struct signd_key item;
		enum q_err r = signd_keys(c, &req, &rsp, &hold, f);

		if (r != Q_OK)
			return r;
		more = rsp.more && rsp.items.len > 0;
		while ((r = wire_list_next(&rsp.items, &signd_key_type,
		    &item)) == Q_OK) {
			snprintf(after, sizeof(after), "%s", item.id);
			r = each(arg, &item);
			if (r != Q_OK)
				return r;
		}
		if (r != Q_NOTFOUND)
			return fault_set(f, r, "signd's list is malformed");
	}
	return Q_OK;
}

static enum q_err
url_put(const char *host, unsigned port, const char *path, char *out,
    size_t cap)
{
	const char *open = strchr(host, ':') != NULL ? "[" : "";
	const char *shut = *open != 0 ? "]" : "";
	char at[16] = "";
	int n;

	if (port != 80)
		snprintf(at, sizeof(at), ":%u", port);
	n = snprintf(out, cap, "http://%s%s%s%s%s", open, host, shut, at,
	    path);
	return n < 0 || (size_t)n >= cap ? Q_TOOBIG : Q_OK;
}

enum q_err
signer_crl_url(const char *host, unsigned port, const char *id, char *out,
    size_t cap)
{
	char path[SIGND_ID_LEN + 16];

	snprintf(path, sizeof(path), "/crl/%.16s.crl", id);
	return url_put(host, port, path, out, cap);
}

enum q_err
signer_delta_url(const char *host, unsigned port, const char *id, char *out,
    size_t cap)
{
	char path[SIGND_ID_LEN + 24];

	snprintf(path, sizeof(path), "/crl/%.16s-delta.crl", id);
	return url_put(host, port, path, out, cap);
}

enum q_err
signer_ca_url(const char *host, unsigned port, const char *id, char *out,
    size_t cap)
{
	char path[SIGND_ID_LEN + 16];

	snprintf(path, sizeof(path), "/ca/%.16s.cer", id);
	return url_put(host, port, path, out, cap);
}

enum q_err
signer_ocsp_url(const char *host, unsigned port, char *out, size_t cap)
{
	return url_put(host, port, "/ocsp", out, cap);
}
