// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "base/conf.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fsio.h"
#include "base/log.h"
#include "base/own.h"

#define CONF_FILE_MAX 65536

enum conf_kind { CONF_STR, CONF_INT, CONF_BOOL };

struct conf_key {
	const char *key;
	enum conf_kind kind;
	size_t offset;
	int64_t low, high;
	const char *dflt;
	const char *text;
};

#define STR_DEFAULT(d) (d)
#define INT_DEFAULT(d) #d
#define BOOL_DEFAULT(d) #d
#define X(field, key, kind, low, high, dflt, text) \
	{ key, CONF_##kind, offsetof(struct conf, field), low, high, \
	    kind##_DEFAULT(dflt), text },
static const struct conf_key keys[] = { CONF_TABLE(X) };
#undef X

static char *
conf_str(struct conf *c, const struct conf_key *k)
{
	return (char *)c + k->offset;
}

static int64_t *
conf_int(struct conf *c, const struct conf_key *k)
{
	return (int64_t *)(void *)((char *)c + k->offset);
}

/* value with ${state} replaced, checked and stored. */
static enum q_err
conf_set(struct conf *c, const struct conf_key *k, const char *value,
    struct fault *f)
{
	static const char mark[] = "${state}";
	char text[2048];
	const char *at = strstr(value, mark);
	char *end;
	int64_t v;
	int n;

	if (at == NULL)
		n = snprintf(text, sizeof(text), "%s", value);
	else
		n = snprintf(text, sizeof(text), "%.*s%s%s",
		    (int)(at - value), value, c->state,
		    at + sizeof(mark) - 1);
	if (n < 0 || (size_t)n >= sizeof(text))
		return fault_set(f, Q_CONFIG, "%s: value too long", k->key);
	if (k->kind == CONF_STR) {
		if (n < k->low || n > k->high)
			return fault_set(f, Q_CONFIG,
			    "%s: wants %" PRId64 " to %" PRId64 " characters",
			    k->key, k->low, k->high);
		memcpy(conf_str(c, k), text, (size_t)n + 1);
		return Q_OK;
	}
	if (k->kind == CONF_BOOL) {
		if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
			return fault_set(f, Q_CONFIG, "%s: wants yes or no",
			    k->key);
		*conf_int(c, k) = text[0] == 'y';
		return Q_OK;
	}
	errno = 0;
	v = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || v < k->low ||
	    v > k->high)
		return fault_set(f, Q_CONFIG,
		    "%s: wants a number from %" PRId64 " to %" PRId64, k->key,
		    k->low, k->high);
	*conf_int(c, k) = v;
	return Q_OK;
}

static char *
trim(char *s)
{
	char *end = s + strlen(s);

	while (end > s && isspace((unsigned char)end[-1]))
		*--end = '\0';
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

struct conf_given {
	const char *value[ARRAY_LEN(keys)];
	unsigned line[ARRAY_LEN(keys)];
};

static enum q_err
conf_line(char *line, unsigned number, struct conf_given *given,
    struct fault *f)
{
	char *eq, *key;

	line = trim(line);
	if (*line == '\0' || *line == '#')
		return Q_OK;
	eq = strchr(line, '=');
	if (eq == NULL)
		return fault_set(f, Q_CONFIG, "line %u: no `='", number);
	*eq = '\0';
	key = trim(line);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (strcmp(keys[i].key, key) != 0)
			continue;
		if (given->value[i] != NULL)
			return fault_set(f, Q_CONFIG,
			    "line %u: %s was given in line %u", number, key,
			    given->line[i]);
		given->value[i] = trim(eq + 1);
		given->line[i] = number;
		return Q_OK;
	}
	return fault_set(f, Q_CONFIG, "line %u: unknown key %.60s", number,
	    key);
}

enum q_err
conf_parse(const char *text, size_t len, struct conf *ret_conf,
    struct fault *f)
{
	AUTO_FREE char *copy = strndup(text, len);
	AUTO_FREE struct conf *c = calloc(1, sizeof(*c));
	struct conf_given given = { 0 };
	unsigned number = 0;
	char *next = copy, *line;
	enum q_err r;

	if (copy == NULL || c == NULL)
		return Q_NOMEM;
	if (strlen(copy) != len)
		return fault_set(f, Q_CONFIG, "a NUL byte in the file");
	while ((line = strsep(&next, "\n")) != NULL) {
		r = conf_line(line, ++number, &given, f);
		if (r != Q_OK)
			return r;
	}
	/* `state` is first in the table: the others may refer to it. */
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		struct fault inner = { 0 };
		const char *value = given.value[i];

		r = conf_set(c, &keys[i], value ? value : keys[i].dflt,
		    &inner);
		if (r != Q_OK)
			return fault_set(f, r, "line %u: %.150s",
			    given.line[i], inner.msg);
	}
	*ret_conf = *c;
	return Q_OK;
}

enum q_err
conf_load(const char *path, struct conf *ret_conf, struct fault *f)
{
	AUTO_BUF struct buf b = BUF_INIT(CONF_FILE_MAX);
	struct fault inner = { 0 };
	enum q_err r;

	if (path == NULL)
		return conf_parse("", 0, ret_conf, f);
	r = file_read(path, &b);
	if (r != Q_OK)
		return fault_set(f, r, "%.150s: %s", path, q_err_text(r));
	r = conf_parse((const char *)b.p, b.len, ret_conf, &inner);
	if (r != Q_OK)
		return fault_set(f, r, "%.60s: %.130s", path, inner.msg);
	return Q_OK;
}

void
conf_print(const struct conf *c, int explain)
{
	struct conf *w = (struct conf *)(uintptr_t)c;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		const struct conf_key *k = &keys[i];

		if (explain)
			printf("# %s\n", k->text);
		if (k->kind == CONF_STR)
			printf("%s = %s\n", k->key, conf_str(w, k));
		else if (k->kind == CONF_BOOL)
			printf("%s = %s\n", k->key,
			    *conf_int(w, k) ? "yes" : "no");
		else
			printf("%s = %" PRId64 "\n", k->key, *conf_int(w, k));
	}
}

enum q_err
conf_socket(const struct conf *c, const char *service, char *out)
{
	int n = snprintf(out, CONF_SOCKET_MAX, "%s/%s/%s.sock", c->run,
	    service, service);

	return n < 0 || n >= CONF_SOCKET_MAX ? Q_TOOBIG : Q_OK;
}

void
conf_main(int argc, char **argv, const char *name, struct conf *ret_conf)
{
	const char *path = NULL;
	struct fault f = { 0 };
	int opt;
	bool check = false, print = false;
	enum q_err r;

	while ((opt = getopt(argc, argv, "c:tT")) != -1) {
		if (opt == 'c')
			path = optarg;
		else if (opt == 't')
			check = true;
		else if (opt == 'T')
			print = true;
		else
			exit(q_err_exit(Q_USAGE));
	}
	r = conf_load(path, ret_conf, &f);
	if (r == Q_OK && optind != argc)
		r = fault_set(&f, Q_USAGE, "usage: %s [-tT] [-c FILE]", name);
	if (r != Q_OK) {
		fprintf(stderr, "%s: %s\n", name, fault_text(&f, r));
		exit(q_err_exit(r));
	}
	if (print)
		conf_print(ret_conf, 1);
	if (check || print)
		exit(0);
	log_open(name, (enum log_level)ret_conf->log_level);
}
