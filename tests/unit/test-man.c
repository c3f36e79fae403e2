// SPDX-License-Identifier: Apache-2.0
/* The manual pages are held against the tables they describe. */
#include "config.h"

#include <ctype.h>
#include <stdlib.h>

#include "base/conf.h"
#include "base/err.h"
#include "base/fsio.h"
#include "base/own.h"
#include "quoinctl/commands.h"
#include "tests/unit/tap.h"

static char *
page_read(const char *name)
{
	struct buf b = BUF_INIT(1 << 20);
	const char *top = getenv("top_srcdir");
	char path[4096];

	snprintf(path, sizeof(path), "%s/appliance/man/%s",
	    top != NULL ? top : ".", name);
	if (!ok(file_read(path, &b) == Q_OK, "%s is there", name))
		exit(done());
	return (char *)b.p; /* a buffer is NUL-terminated; ours now */
}

/* Whether the page has these lines, one after the other. */
static int
has_lines(const char *page, const char *lines)
{
	const char *p = page;
	size_t n = strlen(lines);

	while ((p = strstr(p, lines)) != NULL) {
		if ((p == page || p[-1] == '\n') && p[n] == '\n')
			return 1;
		p++;
	}
	return 0;
}

static size_t
count_of(const char *page, const char *what)
{
	size_t n = 0;

	for (const char *p = page; (p = strstr(p, what)) != NULL; p++)
		n++;
	return n;
}

/* "NAME --policy POLICY" as mdoc. */
static void
usage_mdoc(const char *usage, char *out, size_t cap)
{
	char copy[256], *save = NULL;
	size_t at = strlen(out);

	snprintf(copy, sizeof(copy), "%s", usage);
	for (char *w = strtok_r(copy, " ", &save); w != NULL;
	     w = strtok_r(NULL, " ", &save))
		at += (size_t)snprintf(out + at, cap - at, " %s%s",
		    strncmp(w, "--", 2) == 0 ? "Fl " : "Ar ",
		    strncmp(w, "--", 2) == 0 ? w + 1 : w);
}

static void
command_ok(const char *page, const char *group, const char *verb,
    const char *usage)
{
	char want[512];

	snprintf(want, sizeof(want), ".It Cm %s%s%s", group,
	    verb[0] != '\0' ? " " : "", verb);
	usage_mdoc(usage, want, sizeof(want));
	ok(has_lines(page, want), "quoinctl.1: %s", want);
}

static void
option_ok(const char *page, const char *name, const char *value)
{
	char want[128];

	snprintf(want, sizeof(want), ".It Fl -%s%s%s", name,
	    value != NULL ? " Ar " : "", value != NULL ? value : "");
	if (strcmp(name, "help") == 0)
		snprintf(want, sizeof(want), ".It Fl -help , Fl h");
	ok(has_lines(page, want), "quoinctl.1: %s", want);
}

static void
quoinctl_page(void)
{
	AUTO_FREE char *page = page_read("quoinctl.1");
	size_t n = 0;

#define X(id, group, verb, least, most, usage, opts, text) \
	command_ok(page, group, verb, usage);              \
	n++;
	CTL_COMMANDS(X)
#undef X
	is_int(count_of(page, "\n.It Cm "), n + 1,
	    "quoinctl.1 has no other commands, but help");
	n = 0;
#define X(id, name, value, text) \
	option_ok(page, name, value); \
	n++;
	CTL_OPTIONS(X)
#undef X
	is_int(count_of(page, "\n.It Fl "), n,
	    "quoinctl.1 has no other options");
#define X(name, num, http, code, text)                                   \
	ok(has_lines(page, ".It " #code), "quoinctl.1: exit status %s of " \
	    #name, #code);
	Q_ERR_TABLE(X)
#undef X
}

static void
key_ok(const char *page, const char *key, const char *dflt, const char *text)
{
	char want[1024];
	static const struct {
		const char *here, *packaged;
	} dirs[] = { { PKGLIBEXECDIR, "/usr/libexec/quoin" },
		{ PKGDATADIR, "/usr/share/quoin" } };
	const char *dir = "";

	/* The page tells the path of a packaged appliance. */
	for (size_t i = 0; i < ARRAY_LEN(dirs) && *dir == '\0'; i++)
		if (strncmp(dflt, dirs[i].here, strlen(dirs[i].here)) == 0) {
			dir = dirs[i].packaged;
			dflt += strlen(dirs[i].here);
		}
	if (dflt[0] == '\0')
		dflt = "nothing";
	snprintf(want, sizeof(want), ".It Cm %s No = %s%s\n%s", key, dir,
	    dflt, text);
	ok(has_lines(page, want), "quoin.conf.5: %s", key);
}

#define STR_DEFAULT(d) (d)
#define INT_DEFAULT(d) #d
#define BOOL_DEFAULT(d) #d
#define STR_RANGE(low, high) ""
#define INT_RANGE(low, high) "\n(" #low " to " #high ")"
#define BOOL_RANGE(low, high) ""

static void
conf_page(void)
{
	AUTO_FREE char *page = page_read("quoin.conf.5");
	size_t n = 0;

#define X(field, key, kind, low, high, dflt, text)          \
	key_ok(page, key, kind##_DEFAULT(dflt),             \
	    text kind##_RANGE(low, high));                  \
	n++;
	CONF_TABLE(X)
#undef X
	is_int(count_of(page, "\n.It Cm "), n,
	    "quoin.conf.5 has no other keys");
}

int
main(void)
{
	quoinctl_page();
	conf_page();
	return done();
}
