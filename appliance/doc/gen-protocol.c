// SPDX-License-Identifier: Apache-2.0
/* Writes PROTOCOL.md, the description of every message between the processes
 * of an appliance, from the tables that the programs are made of. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "records/records_ops.h"
#include "signer/signd_ops.h"
#include "token/token_ops.h"
#include "wire/frame.h"

struct op {
	uint16_t num;
	const char *name;
	uint32_t roles;
	size_t cap;
	const char *text;
	const struct wire_type *req, *rsp;
};

#define ROW(p, name, num, roles, cap, text) { num, #name, roles, cap, text, \
	&p##_##name##_req_type, &p##_##name##_rsp_type },

static const struct op signd_ops[] = {
#define X(name, num, roles, cap, text) ROW(signd, name, num, roles, cap, text)
	SIGND_OPS(X)
#undef X
};

static const struct op recordd_ops[] = {
#define X(name, num, roles, cap, text) ROW(recordd, name, num, roles, cap, text)
	RECORDD_OPS(X)
#undef X
};

static const struct op token_ops[] = {
#define X(name, num, roles, cap, text) ROW(token, name, num, roles, cap, text)
	TOKEN_OPS(X)
#undef X
};

static const struct wire_type *const signd_items[] = { &signd_cert_type,
	&signd_key_type, &signd_ocsp_tbs_type, &signd_ocsp_sig_type,
	&signd_rules_type, &signd_code_key_type, &signd_approver_type,
	&signd_approval_type };
static const struct wire_type *const recordd_items[] = { &recordd_key_type,
	&recordd_taken_type, &recordd_item_type, &recordd_counter_type };
static const struct wire_type *const token_items[] = { &token_key_type };

static const struct service {
	const char *name, *socket;
	const struct op *ops;
	size_t n_ops;
	const struct wire_type *const *items;
	size_t n_items;
} services[] = {
	{ "quoin-signd", "`${run}/signd/signd.sock`", signd_ops,
	    ARRAY_LEN(signd_ops), signd_items, ARRAY_LEN(signd_items) },
	{ "quoin-recordd", "`${run}/recordd/recordd.sock`", recordd_ops,
	    ARRAY_LEN(recordd_ops), recordd_items, ARRAY_LEN(recordd_items) },
	{ "quoin-token", "socket pairs that quoin-signd passes to it",
	    token_ops, ARRAY_LEN(token_ops), token_items,
	    ARRAY_LEN(token_items) },
};

static const char *const kinds[] = { [WIRE_U32] = "u32", [WIRE_U64] = "u64",
	[WIRE_BOOL] = "bool", [WIRE_STR] = "string", [WIRE_BIN] = "bytes",
	[WIRE_FD] = "descriptor" };

static void
print_frame(void)
{
	puts("# Messages between Quoin's processes\n\n"
	    "Generated from the ops tables by `appliance/doc/gen-protocol`: "
	    "change those, not this.\n\n"
	    "## Frame\n\n"
	    "One datagram of an `AF_UNIX` `SOCK_SEQPACKET` socket, integers "
	    "little-endian:\n\n"
	    "| offset | size | what |\n|---|---|---|\n"
	    "| 0 | 4 | `QN1` and a newline |\n"
	    "| 4 | 2 | op |\n"
	    "| 6 | 2 | status: 0 in requests, an error's number in "
	    "replies |\n"
	    "| 8 | 4 | id, chosen by the caller and repeated in the reply; "
	    "replies come in any order |\n"
	    "| 12 | 4 | seconds until another try makes sense (replies) |\n"
	    "| 16 | 4 | length of the body |\n"
	    "| 20 | | body |");
	printf("\nA body has at most %d bytes; that of a reply with a status "
	    "is a line of text.\n\n"
	    "## Fields\n\n"
	    "In the order of the tables below, one after the other: `u32`, "
	    "`u64`; `bool` as u32 0 or 1;\n`string` as u32 length, bytes "
	    "without NUL, one NUL; `bytes` as u32 length and bytes;\n"
	    "`descriptor` nothing in the body, and one by `SCM_RIGHTS`. A list "
	    "is `bytes` that hold items,\neach a u32 length and its "
	    "fields.\n\n", WIRE_BODY_MAX);
}

static void
print_roles(uint32_t roles)
{
	const char *comma = "";

	if ((roles & ROLE_ALL) == ROLE_ALL) {
		printf("all");
		roles &= ~(uint32_t)ROLE_ALL;
		comma = ", ";
	}
	for (uint32_t bit = 1; bit <= ROLE_TOOL; bit <<= 1) {
		if ((roles & bit) == 0)
			continue;
		printf("%s%s", comma, role_name(bit));
		comma = ", ";
	}
}

static void
print_errors(void)
{
	puts("## Errors\n\n| number | name | text |\n|---|---|---|");
#define X(name, num, http, code, text) \
	printf("| %d | %s | %s |\n", num, #name, text);
	Q_ERR_TABLE(X)
#undef X
	puts("\n## Roles\n\nThe peer's user (`SO_PEERCRED`) has one role, by "
	    "`roles` of quoin.conf(5).\n\n| role | who |\n|---|---|");
#define X(name, bit, text, help) printf("| %s | %s |\n", text, help);
	ROLE_TABLE(X)
#undef X
	puts("\n## Purposes of sealed secrets\n\n"
	    "| purpose | seals | unseals | what |\n|---|---|---|---|");
#define X(name, seals, unseals, text) \
	printf("| %s | ", name); \
	print_roles(seals); \
	printf(" | "); \
	print_roles(unseals); \
	printf(" | %s |\n", text);
	SIGND_PURPOSES(X)
#undef X
}

static void
print_type(const char *title, const struct wire_type *t)
{
	printf("%s", title);
	if (t->n == 0) {
		puts(": no fields.\n");
		return;
	}
	puts(":\n\n| field | kind | at most | what |\n|---|---|---|---|");
	for (size_t i = 0; i < t->n; i++) {
		const struct wire_field *f = &t->fields[i];
		char max[24] = "";

		if (f->max != 0)
			snprintf(max, sizeof(max), "%" PRIu64, f->max);
		printf("| %s | %s | %s | %s |\n", f->name, kinds[f->kind],
		    max, f->text);
	}
	puts("");
}

static void
print_service(const struct service *s)
{
	printf("\n## %s\n\nOn %s.\n\n", s->name, s->socket);
	puts("| op | number | roles | request at most | what |\n"
	    "|---|---|---|---|---|");
	for (size_t i = 0; i < s->n_ops; i++) {
		printf("| %s | %u | ", s->ops[i].name, s->ops[i].num);
		print_roles(s->ops[i].roles);
		printf(" | %zu | %s |\n", s->ops[i].cap, s->ops[i].text);
	}
	puts("");
	for (size_t i = 0; i < s->n_ops; i++) {
		printf("### %s %s\n\n", s->name, s->ops[i].name);
		print_type("Request", s->ops[i].req);
		print_type("Reply", s->ops[i].rsp);
	}
	for (size_t i = 0; i < s->n_items; i++) {
		printf("### %s\n\n", s->items[i]->name);
		print_type("Item of a list", s->items[i]);
	}
}

int
main(void)
{
	print_frame();
	print_errors();
	for (size_t i = 0; i < ARRAY_LEN(services); i++)
		print_service(&services[i]);
	return fflush(stdout) != 0;
}
