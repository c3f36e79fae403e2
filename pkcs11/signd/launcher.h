// SPDX-License-Identifier: Apache-2.0
#ifndef SIGND_LAUNCHER_H
#define SIGND_LAUNCHER_H

#include <sys/types.h>

#include "base/conf.h"

/* What one of the tokens is and wants, from its rows of the configuration. */
struct token_conf {
	const char *name;	/* for people */
	const char *worker;	/* the program */
	const char *module, *env, *label, *init;
	const char *pin_file, *credential;
	unsigned threads;
	int deadline_ms;
};

/* Of token 0 or 1; module is empty when there is no second one. */
void token_conf_of(const struct conf *conf, unsigned token,
    struct token_conf *ret_conf);

/*
 * A process that starts the token workers for signd, opens the files of their
 * PINs, and can do nothing else.
 * It is forked before signd enters its sandbox, so that the worker does not
 * inherit it: what a vendor's module calls is not ours to know. The worker
 * becomes signd's own child (PR_SET_CHILD_SUBREAPER).
 */

/* Fork it: before the first thread. *ret_sock is for launcher_run. */
enum q_err launcher_start(const struct conf *conf, int *ret_sock,
    struct fault *f) Q_CHECKED;

/* Start a token's worker with `control` as its descriptor 3; by any thread.
 * CONFIG: it cannot be executed; UNAVAIL: the launcher is gone, and signd
 * can only end. */
enum q_err launcher_run(int sock, unsigned token, int control,
    pid_t *ret_pid, struct fault *f) Q_CHECKED;

/* A descriptor of the token's PIN file as its name leads to it now: the
 * sandbox would know it as it was at the start. Errors of the open: NOTFOUND,
 * DENIED, IO; UNAVAIL as above. */
enum q_err launcher_pin(int sock, unsigned token, int *ret_fd,
    struct fault *f) Q_CHECKED;

#endif
