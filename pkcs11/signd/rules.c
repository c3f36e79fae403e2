// SPDX-License-Identifier: Apache-2.0
/* What people allow a key of theirs to do. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "signd/keyring.h"

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

bool
key_rules_equal(const struct key_rules *a, const struct key_rules *b)
{
	AUTO_BUF struct buf x = BUF_INIT(SIGND_RULES_MAX);
	AUTO_BUF struct buf y = BUF_INIT(SIGND_RULES_MAX);

	key_rules_encode(a, &x);
	key_rules_encode(b, &y);
	return !x.bad && !y.bad && x.len == y.len &&
	    memcmp(x.p, y.p, x.len) == 0;
}

/* The next word of a list into word, cut if need be; false: no more. */
static bool
word_next(const char **list, char word[SIGND_NAME_MAX + 2])
{
	size_t n = strcspn(*list, " ");

	if (**list == '\0')
		return false;
	snprintf(word, SIGND_NAME_MAX + 2, "%.*s",
	    n > SIGND_NAME_MAX ? SIGND_NAME_MAX + 1 : (int)n, *list);
	*list += n;
	if (**list == ' ')
		(*list)++;
	return true;
}

/* How often the list has the word. */
static unsigned
list_has(const char *list, const char *word)
{
	char at[SIGND_NAME_MAX + 2];
	unsigned n = 0;

	while (word_next(&list, at))
		n += strcmp(at, word) == 0;
	return n;
}

bool
key_rules_user(const struct key_rules *r, uint32_t uid)
{
	char text[16];

	snprintf(text, sizeof(text), "%" PRIu32, uid);
	return list_has(r->users, text) != 0;
}

bool
key_rules_approver(const struct key_rules *r, const char *name)
{
	return list_has(r->approvers, name) != 0;
}

static enum q_err
users_check(const struct key_rules *r, enum key_purpose p, struct fault *f)
{
	char word[SIGND_NAME_MAX + 2], back[24];
	const char *list = r->users;

	if (*list != '\0' && p != PURPOSE_CODESIGN)
		return fault_set(f, Q_INVALID, "users: of codesign keys only; "
		    "others are used by roles");
	while (word_next(&list, word)) {
		unsigned long long uid = strtoull(word, NULL, 10);

		snprintf(back, sizeof(back), "%llu", uid);
		if (strcmp(word, back) != 0 || uid >= UINT32_MAX)
			return fault_set(f, Q_INVALID,
			    "users: %.16s is no user id", word);
		if (list_has(r->users, word) != 1)
			return fault_set(f, Q_INVALID,
			    "users: %s is there twice", word);
	}
	return Q_OK;
}

static enum q_err
approvers_check(const struct key_rules *r, enum key_purpose p,
    const struct keyring *ring, struct fault *f)
{
	char word[SIGND_NAME_MAX + 2];
	const char *list = r->approvers;
	unsigned n = 0;

	if ((r->approvals != 0 || *list != '\0') &&
	    !purpose_row(p)->approvals)
		return fault_set(f, Q_INVALID,
		    "approvals: not of keys for %s", purpose_text(p));
	for (; word_next(&list, word); n++) {
		if (keyring_approver(ring, word) == NULL)
			return fault_set(f, Q_INVALID, "approvers: there is "
			    "no approver %.64s", word);
		if (list_has(r->approvers, word) != 1)
			return fault_set(f, Q_INVALID,
			    "approvers: %s is there twice", word);
	}
	if (r->approvals > n)
		return fault_set(f, Q_INVALID, "approvals: %u of %u approvers",
		    (unsigned)r->approvals, n);
	if (r->approvals == 0 && n != 0)
		return fault_set(f, Q_INVALID,
		    "approvers: say how many of them must agree");
	return Q_OK;
}

/* What a kind of key can do. */
static uint32_t
mechs_of(enum token_kind kind)
{
	return kind == TOKEN_P256 ? SIGND_ECDSA :
	    kind == TOKEN_RSA3072 ? SIGND_RSA_PKCS1 | SIGND_RSA_PSS : 0;
}

enum q_err
key_rules_check(const struct key_rules *r, enum key_purpose p,
    enum token_kind kind, const struct keyring *ring, struct fault *f)
{
	enum q_err e;

	if ((r->mechs & ~mechs_of(kind)) != 0)
		return fault_set(f, Q_INVALID,
		    "mechanisms: not those of %s keys", kind_text(kind));
	if ((r->roles & ~purpose_row(p)->roles) != 0)
		return fault_set(f, Q_INVALID, "roles: a key for %s is not "
		    "for others than the purpose's roles", purpose_text(p));
	if (r->not_after != 0 && r->not_after <= r->not_before)
		return fault_set(f, Q_INVALID, "dates: not after is not "
		    "behind not before");
	if (r->uses != 0 && !purpose_row(p)->approvals)
		return fault_set(f, Q_INVALID, "uses: not of keys for %s",
		    purpose_text(p));
	e = users_check(r, p, f);
	return e == Q_OK ? approvers_check(r, p, ring, f) : e;
}

uint32_t
key_mechs(const struct key *k)
{
	return k->rules.mechs != 0 ? k->rules.mechs : mechs_of(k->kind);
}

static void
set_words(uint32_t set, const char *(*text)(uint32_t bit), struct buf *out)
{
	for (unsigned i = 0; i < 32; i++)
		if ((set & UINT32_C(1) << i) != 0)
			buf_printf(out, " %s", text(UINT32_C(1) << i));
}

static const char *
mech_text(uint32_t bit)
{
	return bit == SIGND_ECDSA ? "ecdsa" :
	    bit == SIGND_RSA_PKCS1 ? "rsa-pkcs1" : "rsa-pss";
}

void
key_rules_words(const struct key_rules *r, struct buf *out)
{
	buf_puts(out, "mechanisms:");
	set_words(r->mechs, mech_text, out);
	buf_puts(out, "\nroles:");
	set_words(r->roles, role_name, out);
	buf_printf(out, "\nusers: %s\nnot before: %" PRIu64
	    "\nnot after: %" PRIu64 "\nuses: %" PRIu64
	    "\nin a minute: %" PRIu32 "\napprovals: %" PRIu32
	    "\napprovers: %s\n", r->users, r->not_before, r->not_after,
	    r->uses, r->rate, r->approvals, r->approvers);
}
