// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "wire/role.h"

#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"

static const struct {
	uint32_t role;
	const char *name;
} roles[] = {
#define X(name, bit, text, help) { ROLE_##name, text },
	ROLE_TABLE(X)
#undef X
};

const char *
role_name(uint32_t role)
{
	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		if (roles[i].role == role)
			return roles[i].name;
	return "nobody";
}

static uint32_t
role_by_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(roles); i++)
		if (strcmp(roles[i].name, name) == 0)
			return roles[i].role;
	return ROLE_NONE;
}

/* NOTFOUND: no such user; IO: who knows. */
static enum q_err
user_uid(const char *user, uid_t *ret_uid)
{
	char *end;
	unsigned long n = strtoul(user, &end, 10);
	const struct passwd *pw;

	if (isdigit((unsigned char)user[0]) && *end == '\0') {
		*ret_uid = (uid_t)n;
		return Q_OK;
	}
	errno = 0;
	pw = getpwnam(user);
	if (pw == NULL)
		return errno == 0 || errno == ENOENT ? Q_NOTFOUND : Q_IO;
	*ret_uid = pw->pw_uid;
	return Q_OK;
}

enum q_err
role_map_parse(const char *text, struct role_map *ret_map, struct fault *f)
{
	AUTO_FREE char *copy = strdup(text);
	char *next = copy, *word;
	struct role_map m = { 0 };

	if (copy == NULL)
		return Q_NOMEM;
	while ((word = strsep(&next, " \t")) != NULL) {
		char *eq = strchr(word, '=');
		uid_t uid;
		uint32_t role;
		enum q_err r;

		if (*word == '\0')
			continue;
		if (eq != NULL)
			*eq = '\0';
		role = eq != NULL ? role_by_name(eq + 1) : ROLE_NONE;
		if (role == ROLE_NONE || m.n == ROLE_UIDS)
			return fault_set(f, Q_CONFIG,
			    "roles: %.60s: wants user=role, at most %d", word,
			    ROLE_UIDS);
		r = user_uid(word, &uid);
		if (r == Q_NOTFOUND)
			continue;
		if (r != Q_OK)
			return fault_set(f, Q_CONFIG,
			    "roles: %.60s: cannot look users up", word);
		if (role_of_uid(&m, uid) != ROLE_NONE)
			return fault_set(f, Q_CONFIG,
			    "roles: %.60s has two roles", word);
		m.row[m.n].uid = uid;
		m.row[m.n++].role = role;
	}
	*ret_map = m;
	return Q_OK;
}

uint32_t
role_of_uid(const struct role_map *m, uid_t uid)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->row[i].uid == uid)
			return m->row[i].role;
	return ROLE_NONE;
}
