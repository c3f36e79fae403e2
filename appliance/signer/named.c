// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "signer/named.h"

#include <stdio.h>
#include <string.h>

void
signer_key_shown(const struct signd_key *k, char ret[SIGNER_SHOWN])
{
	snprintf(ret, SIGNER_SHOWN, "%s%s", k->imported ? SIGNER_IMPORTED : "",
	    k->name);
}

const char *
signer_key_name(const char *name)
{
	size_t n = strlen(SIGNER_IMPORTED);

	return strncmp(name, SIGNER_IMPORTED, n) == 0 ? name + n : name;
}

bool
signer_key_called(const struct signd_key *k, const char *name)
{
	const char *plain = signer_key_name(name);

	if (plain[0] == '\0' || (plain != name && !k->imported))
		return false;
	return strcmp(k->name, plain) == 0 || strcmp(k->id, plain) == 0;
}

uint32_t
signer_key_mechs(const struct signd_key *k)
{
	struct signd_rules rules;

	if (wire_decode(&signd_rules_type, k->rules, &rules, NULL) == Q_OK &&
	    rules.mechs != 0)
		return rules.mechs;
	return strcmp(k->kind, "P-256") == 0 ? SIGND_ECDSA :
	    SIGND_RSA_PSS | SIGND_RSA_PKCS1;
}

static enum q_err
approvers_page(struct wire_client *c, char after[SIGND_NAME_MAX + 1], bool *more,
    signer_approver_each each, void *arg, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct signd_approvers_req req = { .after = after };
	struct signd_approvers_rsp rsp;
	struct signd_approver item;
	enum q_err r = signd_approvers(c, &req, &rsp, &hold, f);

	if (r != Q_OK)
		return r;
	*more = rsp.more && rsp.items.len > 0;
	while ((r = wire_list_next(&rsp.items, &signd_approver_type,
	    &item)) == Q_OK) {
		snprintf(after, SIGND_NAME_MAX + 1, "%s", item.name);
		r = each(arg, &item);
		if (r != Q_OK)
			return r;
	}
	return r == Q_NOTFOUND ? Q_OK : fault_set(f, r,
	    "signd's list is malformed");
}

enum q_err
signer_approvers(struct wire_client *c, signer_approver_each each, void *arg,
    struct fault *f)
{
	char after[SIGND_NAME_MAX + 1] = "";
	bool more = true;
	enum q_err r = Q_OK;

	while (r == Q_OK && more)
		r = approvers_page(c, after, &more, each, arg, f);
	return r;
}

static enum q_err
approvals_page(struct wire_client *c, char after[SIGND_ID_LEN + 1], bool *more,
    signer_approval_each each, void *arg, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { NULL, 0 };
	struct signd_approval_list_req req = { .after = after };
	struct signd_approval_list_rsp rsp;
	struct signd_approval item;
	enum q_err r = signd_approval_list(c, &req, &rsp, &hold, f);

	if (r != Q_OK)
		return r;
	*more = rsp.more && rsp.items.len > 0;
	while ((r = wire_list_next(&rsp.items, &signd_approval_type,
	    &item)) == Q_OK) {
		snprintf(after, SIGND_ID_LEN + 1, "%s", item.id);
		r = each(arg, &item);
		if (r != Q_OK)
			return r;
	}
	return r == Q_NOTFOUND ? Q_OK : fault_set(f, r,
	    "signd's list is malformed");
}

enum q_err
signer_approvals(struct wire_client *c, signer_approval_each each, void *arg,
    struct fault *f)
{
	char after[SIGND_ID_LEN + 1] = "";
	bool more = true;
	enum q_err r = Q_OK;

	while (r == Q_OK && more)
		r = approvals_page(c, after, &more, each, arg, f);
	return r;
}

bool
signer_statement_line(const char *statement, const char *name, char *out,
    size_t cap)
{
	size_t n = strlen(name), len;
	const char *at = statement;

	out[0] = '\0';
	for (; *at != '\0'; at += len + (at[len] != '\0')) {
		len = strcspn(at, "\n");
		if (len < n + 2 || strncmp(at, name, n) != 0 ||
		    strncmp(at + n, ": ", 2) != 0)
			continue;
		if (len - n - 2 >= cap)
			return false;
		memcpy(out, at + n + 2, len - n - 2);
		out[len - n - 2] = '\0';
		return true;
	}
	return false;
}
