// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "quoinctl/ctl.h"

static void
help_line(const struct ctl_command *cmd)
{
	char words[96];

	snprintf(words, sizeof(words), "%s%s%s%s%s", cmd->group,
	    cmd->verb[0] != '\0' ? " " : "", cmd->verb,
	    cmd->usage[0] != '\0' ? " " : "", cmd->usage);
	if (strlen(words) <= 36)
		printf("  %-36s  %s\n", words, cmd->text);
	else
		printf("  %s\n  %-36s  %s\n", words, "", cmd->text);
}

static void
help_options(uint64_t opts)
{
	char words[48];

	for (unsigned i = 0; i < CTL_OPTS; i++) {
		const struct ctl_option *o = &ctl_options[i];

		if ((opts & (UINT64_C(1) << i)) == 0)
			continue;
		snprintf(words, sizeof(words), "--%s%s%s", o->name,
		    o->value != NULL ? " " : "",
		    o->value != NULL ? o->value : "");
		printf("  %-26s  %s\n", words, o->text);
	}
}

void
ctl_help(const struct ctl_command *cmd, const char *group)
{
	bool known = false;

	for (size_t i = 0; group != NULL && i < ctl_n_commands; i++)
		known |= strcmp(ctl_commands[i].group, group) == 0;
	printf("usage: quoinctl [--state DIR] [--json] COMMAND ...\n\n");
	for (size_t i = 0; i < ctl_n_commands; i++)
		if (cmd != NULL ? cmd == &ctl_commands[i] : !known ||
		    strcmp(ctl_commands[i].group, group) == 0)
			help_line(&ctl_commands[i]);
	if (cmd != NULL && cmd->opts != 0) {
		printf("\n");
		help_options(cmd->opts);
	}
	if (cmd == NULL)
		printf("\n  quoinctl help COMMAND tells the options; "
		    "quoinctl(1) tells everything\n");
}

/* The first word of a verb, as of "key create". */
static int
first_len(const struct ctl_command *cmd)
{
	return (int)strcspn(cmd->verb, " ");
}

/* Whether the row's group, and first word of the verb if wanted, are those
 * of the row before. */
static bool
goes_on(size_t i, bool first)
{
	const struct ctl_command *a = &ctl_commands[i], *b = a - 1;

	return i > 0 && i < ctl_n_commands &&
	    strcmp(a->group, b->group) == 0 && (!first ||
	    (first_len(a) == first_len(b) && strncmp(a->verb, b->verb,
	    (size_t)first_len(a)) == 0));
}

/* Words of a group, of all verbs, of all options, as shell cases. */
static void
bash_verbs(void)
{
	for (size_t i = 0; i < ctl_n_commands; i++) {
		size_t k = i;

		if (goes_on(i, false))
			continue;
		printf("\t%s) words=\"", ctl_commands[i].group);
		do {
			if (k == i || !goes_on(k, true))
				printf("%s%.*s", k > i ? " " : "",
				    first_len(&ctl_commands[k]),
				    ctl_commands[k].verb);
		} while (goes_on(++k, false));
		printf("\" ;;\n");
	}
}

/* Second words of verbs. */
static void
bash_seconds(void)
{
	for (size_t i = 0; i < ctl_n_commands; i++) {
		const struct ctl_command *cmd = &ctl_commands[i];
		size_t k = i;

		if (strchr(cmd->verb, ' ') == NULL || goes_on(i, true))
			continue;
		printf("\t\"%s %.*s\") seconds=\"", cmd->group,
		    first_len(cmd), cmd->verb);
		do {
			printf("%s%s", k > i ? " " : "", ctl_commands[k].verb +
			    first_len(&ctl_commands[k]) + 1);
		} while (goes_on(++k, true));
		printf("\" ;;\n");
	}
}

static void
bash_groups(void)
{
	for (size_t i = 0; i < ctl_n_commands; i++)
		if (i == 0 || strcmp(ctl_commands[i].group,
		    ctl_commands[i - 1].group) != 0)
			printf("%s ", ctl_commands[i].group);
	printf("help");
}

static void
bash_options(void)
{
	for (size_t i = 0; i < ctl_n_commands; i++) {
		const struct ctl_command *cmd = &ctl_commands[i];

		printf("\t\"%s %s\") options=\"", cmd->group, cmd->verb);
		for (unsigned o = 0; o < CTL_OPTS; o++)
			if ((cmd->opts & (UINT64_C(1) << o)) != 0)
				printf("--%s ", ctl_options[o].name);
		printf("\" ;;\n");
	}
}

static void
bash_values(void)
{
	printf("\tcase $before in\n");
	for (unsigned o = 0; o < CTL_OPTS; o++) {
		const char *value = ctl_options[o].value;
		const char *how = "return";

		if (value == NULL)
			continue;
		if (strcmp(value, "DIR") == 0)
			how = "COMPREPLY=($(compgen -d -- \"$now\")); return";
		else if (strcmp(value, "FILE") == 0)
			how = "COMPREPLY=($(compgen -f -- \"$now\")); return";
		else if (strcmp(value, "STATUS") == 0)
			how = "COMPREPLY=($(compgen -W \"not-enrolled "
			    "enrolled expired revoked\" -- \"$now\")); return";
		printf("\t--%s) %s ;;\n", ctl_options[o].name, how);
	}
	printf("\tesac\n");
}

enum q_err
cmd_completion_bash(struct ctl *c, struct fault *f)
{
	(void)c;
	(void)f;
	printf("# bash completion for quoinctl, made by "
	    "`quoinctl completion bash`\n"
	    "_quoinctl() {\n"
	    "\tlocal now=${COMP_WORDS[COMP_CWORD]}\n"
	    "\tlocal before=${COMP_WORDS[COMP_CWORD - 1]}\n"
	    "\tlocal group= verb= second= options= words= seconds= i\n");
	bash_values();
	printf("\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	    "\t\tcase ${COMP_WORDS[i]} in\n"
	    "\t\t--state) ((i++)) ;;\n"
	    "\t\t-*) ;;\n"
	    "\t\t*)\n"
	    "\t\t\tif [ -z \"$group\" ]; then group=${COMP_WORDS[i]}\n"
	    "\t\t\telif [ -z \"$verb\" ]; then verb=${COMP_WORDS[i]}\n"
	    "\t\t\telif [ -z \"$second\" ]; then "
	    "second=${COMP_WORDS[i]}; fi ;;\n"
	    "\t\tesac\n"
	    "\tdone\n"
	    "\tif [ -z \"$group\" ]; then words=\"");
	bash_groups();
	printf("\"\n\telif [ -z \"$verb\" ]; then case $group in\n");
	bash_verbs();
	printf("\tesac; fi\n\tcase \"$group $verb\" in\n");
	bash_seconds();
	printf("\tesac\n"
	    "\tif [ -n \"$seconds\" ]; then\n"
	    "\t\tif [ -z \"$second\" ]; then words=$seconds\n"
	    "\t\telse verb=\"$verb $second\"; fi\n"
	    "\tfi\n"
	    "\tcase \"$group $verb\" in\n");
	bash_options();
	printf("\tesac\n"
	    "\tcase $now in\n"
	    "\t-*) words=\"--state --json --help $options\" ;;\n"
	    "\tesac\n"
	    "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$now\"))\n"
	    "}\n"
	    "complete -F _quoinctl quoinctl\n");
	return Q_OK;
}
