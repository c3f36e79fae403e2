// SPDX-License-Identifier: Apache-2.0
#ifndef QUOINCTL_JOURNAL_H
#define QUOINCTL_JOURNAL_H

#include "quoinctl/ctl.h"
#include "signer/journal_check.h"

/* The folder with the journal: --dir, or the appliance's. */
#define JOURNAL_DIR_MAX 4096
enum q_err journal_dir(struct ctl *c, char out[JOURNAL_DIR_MAX],
    struct fault *f) Q_CHECKED;

#endif
