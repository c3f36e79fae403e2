// SPDX-License-Identifier: Apache-2.0
#ifndef QUOINCTL_CTL_H
#define QUOINCTL_CTL_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/conf.h"
#include "quoinctl/commands.h"
#include "records/actions.h"
#include "signer/signer.h"

/* One run of quoinctl. */
struct ctl {
	struct conf conf;
	const char *opt[CTL_OPTS]; /* value, "" for a flag, NULL: not given */
	char **argv;		   /* arguments behind the verb */
	int argc;
	bool json;
	struct wire_client *signd, *records; /* ctl_signd, ctl_records */
	struct rec_actor by;
	char who[65];
	struct json_object *problems; /* each of them, for --json */
	bool told; /* the result says what is wrong: no error beside it */
};

struct ctl_command {
	const char *group, *verb;
	int least, most;
	const char *usage;
	uint64_t opts;
	const char *text;
	enum q_err (*run)(struct ctl *c, struct fault *f);
};

struct ctl_option {
	const char *name, *value, *text;
};

/* The tables of commands.h; options in order of enum ctl_opt. */
extern const struct ctl_command ctl_commands[];
extern const size_t ctl_n_commands;
extern const struct ctl_option ctl_options[CTL_OPTS];

#define X(id, group, verb, least, most, usage, opts, text) \
	enum q_err cmd_##id(struct ctl *c, struct fault *f);
CTL_COMMANDS(X)
#undef X

/* Open the daemon's socket; UNAVAIL and DENIED say what to do. */
enum q_err ctl_signd(struct ctl *c, struct fault *f) Q_CHECKED;
enum q_err ctl_records(struct ctl *c, struct fault *f) Q_CHECKED;

/* An option that the command cannot do without: USAGE. */
enum q_err ctl_need(struct ctl *c, enum ctl_opt o, struct fault *f) Q_CHECKED;

/* A whole number from 1; dflt when the option was not given. */
enum q_err ctl_number(struct ctl *c, enum ctl_opt o, size_t dflt,
    size_t *ret_number, struct fault *f) Q_CHECKED;

/* YYYY-MM-DD: its 00:00 UTC, seconds since 1970. Untouched when the option
 * was not given. */
enum q_err ctl_date(struct ctl *c, enum ctl_opt o, int64_t *ret,
    struct fault *f) Q_CHECKED;

/* Ask what cannot be undone, unless --yes is given: USAGE when it is not
 * wanted, or nobody can be asked. */
enum q_err ctl_confirm(struct ctl *c, const char *question,
    struct fault *f) Q_CHECKED;

/* Set the flag as one of two options says, if any: USAGE for both. */
enum q_err ctl_flag(struct ctl *c, enum ctl_opt yes, enum ctl_opt no,
    bool *flag, struct fault *f) Q_CHECKED;

/* A text of an option or argument (NULL: none) into a field of cap bytes:
 * USAGE when it is too long for what it is. */
enum q_err ctl_text(const char *text, const char *what, char *field,
    size_t cap, struct fault *f) Q_CHECKED;

/* A file, or standard input for "-". Errors of file_read. */
enum q_err ctl_read(const char *path, struct buf *out,
    struct fault *f) Q_CHECKED;

/* "HOST,IP,IP" at the first comma; ret_host holds SIGND_HOST_MAX + 1,
 * *ret_ips points into name. */
enum q_err ctl_name_split(const char *name, char *ret_host,
    const char **ret_ips, struct fault *f) Q_CHECKED;

/* A DeviceID or the only one that begins so (8 digits at least), in lower
 * case: out holds 65 bytes. */
enum q_err ctl_device_id(struct ctl *c, const char *text, char *out,
    struct fault *f) Q_CHECKED;

/* Help of one command, of a group, of all (NULL). */
void ctl_help(const struct ctl_command *cmd, const char *group);

#endif
