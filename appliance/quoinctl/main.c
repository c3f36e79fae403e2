// SPDX-License-Identifier: Apache-2.0
/*
 * quoinctl: the command line. Holds nothing and keeps nothing: every command
 * is requests to quoin-signd and quoin-recordd, which know the caller by its
 * user. A command that was cut short can be given again.
 */
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/fsio.h"
#include "base/own.h"
#include "quoinctl/ctl.h"
#include "quoinctl/out.h"

#define OPT_BASE 256
#define EVERYWHERE (1u << CTL_OPT_state | 1u << CTL_OPT_json | \
	1u << CTL_OPT_help)

const struct ctl_command ctl_commands[] = {
#define X(id, group, verb, least, most, usage, opts, text) \
	{ group, verb, least, most, usage, opts, text, cmd_##id },
	CTL_COMMANDS(X)
#undef X
};
const size_t ctl_n_commands = ARRAY_LEN(ctl_commands);

const struct ctl_option ctl_options[CTL_OPTS] = {
#define X(id, name, value, text) { name, value, text },
	CTL_OPTIONS(X)
#undef X
};

/* The person at the keyboard, also behind sudo: who logged in, or else whose
 * process this is. */
static void
find_who(struct ctl *c)
{
	AUTO_BUF struct buf b = BUF_INIT(32);
	struct passwd *pw = NULL;
	uid_t uid = geteuid();

	if (file_read("/proc/self/loginuid", &b) == Q_OK && b.len > 0 &&
	    strcmp((char *)b.p, "4294967295") != 0)
		uid = (uid_t)strtoul((char *)b.p, NULL, 10);
	pw = getpwuid(uid);
	if (pw != NULL)
		snprintf(c->who, sizeof(c->who), "%.64s", pw->pw_name);
	else
		snprintf(c->who, sizeof(c->who), "uid %u", (unsigned)uid);
	c->by = (struct rec_actor){ c->who, "" };
}

static enum q_err
load_conf(struct ctl *c, struct fault *f)
{
	char path[sizeof(c->conf.state) + 16] = PKGSYSCONFDIR "/quoin.conf";
	const char *dir = c->opt[CTL_OPT_state];
	enum q_err r = Q_OK;

	if (dir != NULL)
		r = path_join(path, sizeof(path), dir, "quoin.conf");
	else if (access(path, F_OK) != 0)
		return conf_load(NULL, &c->conf, f);
	return r == Q_OK ? conf_load(path, &c->conf, f) : fault_set(f, r,
	    "--state: the path is too long");
}

static enum q_err
parse_options(int argc, char **argv, struct ctl *c, struct fault *f)
{
	struct option longs[CTL_OPTS + 1] = { 0 };
	int o;

	for (int i = 0; i < CTL_OPTS; i++)
		longs[i] = (struct option){ ctl_options[i].name,
			ctl_options[i].value != NULL ? required_argument
						     : no_argument,
			NULL, OPT_BASE + i };
	opterr = 0;
	while ((o = getopt_long(argc, argv, ":h", longs, NULL)) != -1) {
		if (o == 'h')
			o = OPT_BASE + CTL_OPT_help;
		if (o == ':')
			return fault_set(f, Q_USAGE, "%s wants a value",
			    argv[optind - 1]);
		if (o < OPT_BASE)
			return fault_set(f, Q_USAGE,
			    "no option %s; quoinctl help lists them",
			    argv[optind - 1]);
		c->opt[o - OPT_BASE] = optarg != NULL ? optarg : "";
	}
	c->argv = argv + optind;
	c->argc = argc - optind;
	c->json = c->opt[CTL_OPT_json] != NULL;
	return Q_OK;
}

/* How many arguments are the command's words; -1: it is another. */
static int
words_match(const struct ctl *c, const struct ctl_command *cmd)
{
	const char *verb = cmd->verb;
	int n = 1;

	if (c->argc < 1 || strcmp(c->argv[0], cmd->group) != 0)
		return -1;
	while (*verb != '\0') {
		size_t len = strcspn(verb, " ");

		if (n == c->argc || strlen(c->argv[n]) != len ||
		    strncmp(c->argv[n], verb, len) != 0)
			return -1;
		verb += len + strspn(verb + len, " ");
		n++;
	}
	return n;
}

/* The row for the words, which are taken off the arguments. */
static const struct ctl_command *
find_command(struct ctl *c)
{
	for (size_t i = 0; i < ctl_n_commands; i++) {
		const struct ctl_command *cmd = &ctl_commands[i];
		int words = words_match(c, cmd);

		if (words < 0)
			continue;
		c->argv += words;
		c->argc -= words;
		return cmd;
	}
	return NULL;
}

static enum q_err
check_use(struct ctl *c, const struct ctl_command *cmd, struct fault *f)
{
	const char *gap = cmd->verb[0] != '\0' ? " " : "";

	for (unsigned i = 0; i < CTL_OPTS; i++)
		if (c->opt[i] != NULL &&
		    ((cmd->opts | EVERYWHERE) & (UINT64_C(1) << i)) == 0)
			return fault_set(f, Q_USAGE, "%s%s%s takes no --%s",
			    cmd->group, gap, cmd->verb, ctl_options[i].name);
	if (c->argc < cmd->least || c->argc > cmd->most)
		return fault_set(f, Q_USAGE, "usage: quoinctl %s%s%s%s%s",
		    cmd->group, gap, cmd->verb,
		    cmd->usage[0] != '\0' ? " " : "", cmd->usage);
	return Q_OK;
}

/* For people on standard error; with --json also as an object where the
 * result would have been. */
static void
tell_fault(struct ctl *c, enum q_err r, const struct fault *f)
{
	struct json_object *o, *e;

	fprintf(stderr, "quoinctl: %s\n", fault_text(f, r));
	if (r == Q_UNAVAIL && f->retry_after > 0)
		fprintf(stderr, "quoinctl: try again in %u s\n",
		    f->retry_after);
	if (!c->json || c->told)
		return;
	o = out_object();
	e = out_object();
	out_str(e, "code", q_err_name(r));
	out_str(e, "message", fault_text(f, r));
	if (f->retry_after > 0)
		out_int(e, "retry_after", f->retry_after);
	if (c->problems != NULL)
		out_take(e, "problems", json_object_get(c->problems));
	out_take(o, "error", e);
	out_done(c, o, " ");
}

static enum q_err
run(int argc, char **argv, struct ctl *c, struct fault *f)
{
	const struct ctl_command *cmd;
	enum q_err r = parse_options(argc, argv, c, f);
	bool help = c->opt[CTL_OPT_help] != NULL;
	const char *group;

	if (r != Q_OK)
		return r;
	if (c->argc > 0 && strcmp(c->argv[0], "help") == 0) {
		help = true;
		c->argv++;
		c->argc--;
	}
	group = c->argc > 0 ? c->argv[0] : NULL;
	cmd = find_command(c);
	if (help || group == NULL) {
		ctl_help(cmd, group);
		return help ? Q_OK : Q_USAGE;
	}
	if (cmd == NULL) {
		ctl_help(NULL, group);
		return fault_set(f, Q_USAGE, "no such command: %s %s %s",
		    group, c->argc > 1 ? c->argv[1] : "",
		    c->argc > 2 ? c->argv[2] : "");
	}
	r = check_use(c, cmd, f);
	if (r == Q_OK)
		r = load_conf(c, f);
	return r == Q_OK ? cmd->run(c, f) : r;
}

int
main(int argc, char **argv)
{
	struct ctl c = { 0 };
	struct fault f = { 0 };
	enum q_err r;

	/* A closed pipe is an error of the write, a lost daemon one of the
	 * call. */
	signal(SIGPIPE, SIG_IGN);
	find_who(&c);
	r = run(argc, argv, &c, &f);
	if (r != Q_OK && (r != Q_USAGE || f.code == Q_USAGE))
		tell_fault(&c, r, &f);
	if (fflush(stdout) != 0 && r == Q_OK && errno != EPIPE)
		r = Q_IO;
	json_object_put(c.problems);
	wire_client_free(c.signd);
	wire_client_free(c.records);
	return q_err_exit(r);
}
