// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "signd/keyring.h"

#define PAIRS (1u << TOKEN_P256 | 1u << TOKEN_RSA3072)
#define EC (1u << TOKEN_P256)
#define AES (1u << TOKEN_AES256)

static const struct purpose_row rows[PURPOSES] = {
	[PURPOSE_SEAL] = { "seal", "quoin-seal", .roles = ROLE_ALL },
	[PURPOSE_ROOT] = { "root", "quoin-root", CERT_ROOT, "Quoin OEM Root" },
	[PURPOSE_TLS_DEVICE] = { "tls-device", "quoin-tls-device", CERT_TLS,
		.roles = ROLE_ENROL | ROLE_BROKER, .renewed = true },
	[PURPOSE_TLS_ADMIN] = { "tls-admin", "quoin-tls-admin", CERT_TLS,
		.roles = ROLE_WEB | ROLE_DATA, .renewed = true },
	[PURPOSE_ISSUING] = { "issuing", "quoin-issuing", CERT_ISSUING,
		"Quoin Issuing CA", .roles = ROLE_ENROL, .renewed = true },
	[PURPOSE_OCSP] = { "ocsp", "quoin-ocsp", CERT_OCSP, "Quoin OCSP",
		.roles = ROLE_ENROL },
	[PURPOSE_CMP] = { "cmp", "quoin-cmp", CERT_CMP, "Quoin CMP",
		.roles = ROLE_ENROL, .renewed = true },
	[PURPOSE_ROOT_LINK] = { "root-link", NULL, CERT_LINK },
	[PURPOSE_FIRMWARE] = { "firmware", "quoin-firmware", .kinds = PAIRS,
		.roles = ROLE_FIRMWARE | ROLE_ADMIN, .approvals = true },
	[PURPOSE_CODESIGN] = { "codesign", "quoin-codesign", .kinds = PAIRS,
		.roles = ROLE_TOOL | ROLE_ADMIN, .approvals = true },
	[PURPOSE_JWT] = { "jwt", "quoin-jwt", .kinds = PAIRS,
		.roles = ROLE_WEB | ROLE_PUSH },
	[PURPOSE_PEPPER] = { "pepper", "quoin-pepper", .kinds = AES,
		.roles = ROLE_WEB },
	[PURPOSE_JOURNAL] = { "journal", "quoin-journal" },
	[PURPOSE_PROVISION] = { "provision", "quoin-provision", .kinds = PAIRS,
		.roles = ROLE_PROVISION },
	[PURPOSE_UPDATE] = { "update", "quoin-update", .kinds = PAIRS,
		.roles = ROLE_FIRMWARE | ROLE_ADMIN, .approvals = true },
	[PURPOSE_BACKUP] = { "backup", "quoin-backup", .kinds = EC | AES,
		.roles = ROLE_ADMIN },
};

const struct purpose_row *
purpose_row(enum key_purpose p)
{
	return &rows[p];
}

const char *
purpose_text(enum key_purpose p)
{
	return rows[p].text;
}

enum key_purpose
purpose_by_text(const char *text)
{
	for (size_t i = 0; i < PURPOSES; i++)
		if (strcmp(rows[i].text, text) == 0)
			return (enum key_purpose)i;
	return PURPOSES;
}

void
key_rules_encode(const struct key_rules *r, struct buf *out)
{
	struct signd_rules m = { .mechs = r->mechs, .roles = r->roles,
		.users = r->users, .not_before = r->not_before,
		.not_after = r->not_after, .uses = r->uses, .rate = r->rate,
		.approvals = r->approvals, .approvers = r->approvers };

	wire_encode(&signd_rules_type, &m, out);
}

enum q_err
key_rules_decode(struct bytes in, struct key_rules *ret_rules,
    struct fault *f)
{
	struct key_rules *r = ret_rules;
	struct signd_rules m;
	enum q_err e = wire_decode(&signd_rules_type, in, &m, f);

	if (e != Q_OK)
		return Q_INVALID;
	*r = (struct key_rules){ .mechs = m.mechs, .roles = m.roles,
		.not_before = m.not_before, .not_after = m.not_after,
		.uses = m.uses, .rate = m.rate, .approvals = m.approvals };
	snprintf(r->users, sizeof(r->users), "%s", m.users);
	snprintf(r->approvers, sizeof(r->approvers), "%s", m.approvers);
	return Q_OK;
}
