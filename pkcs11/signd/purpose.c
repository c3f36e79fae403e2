// SPDX-License-Identifier: Apache-2.0
#include "config.h"

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
	[PURPOSE_PEPPER] = { "pepper", "quoin-pepper",
		.roles = ROLE_WEB | ROLE_ADMIN },
	[PURPOSE_TLS_COMPANY] = { "tls-company", "quoin-tls-company",
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

static const char *const kinds[] = { [TOKEN_P256] = "P-256",
	[TOKEN_RSA3072] = "RSA-3072", [TOKEN_AES256] = "AES-256",
	[TOKEN_HMAC256] = "HMAC-256" };

const char *
kind_text(enum token_kind kind)
{
	return kinds[kind];
}

enum token_kind
kind_by_text(const char *text)
{
	for (size_t i = TOKEN_P256; i < ARRAY_LEN(kinds); i++)
		if (strcmp(kinds[i], text) == 0)
			return (enum token_kind)i;
	return 0;
}
