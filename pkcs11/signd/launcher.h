// SPDX-License-Identifier: Apache-2.0
#ifndef SIGND_LAUNCHER_H
#define SIGND_LAUNCHER_H

#include <sys/types.h>

#include "base/conf.h"

/*
 * A process that starts the token worker for signd and can do nothing else.
 * It is forked before signd enters its sandbox, so that the worker does not
 * inherit it: what a vendor's module calls is not ours to know. The worker
 * becomes signd's own child (PR_SET_CHILD_SUBREAPER).
 */

/* Fork it: before the first thread. *ret_sock is for launcher_run. */
enum q_err launcher_start(const struct conf *conf, int *ret_sock,
    struct fault *f) Q_CHECKED;

/* Start the worker with `control` as its descriptor 3. CONFIG: it cannot be
 * executed; UNAVAIL: the launcher is gone, and signd can only end. */
enum q_err launcher_run(int sock, const struct conf *conf, int control,
    pid_t *ret_pid, struct fault *f) Q_CHECKED;

#endif
