// SPDX-License-Identifier: Apache-2.0
#ifndef RECORDD_OPS_H
#define RECORDD_OPS_H

#include "recordd/hints.h"
#include "recordd/store.h"
#include "recordd/writer.h"
#include "wire/server.h"

/* What the handlers work on. */
struct recordd {
	struct store *store;
	struct hints *hints;
	struct writer *writer;
};

/* The dispatcher's table, from RECORDD_OPS; ctx is a struct recordd. */
extern const struct wire_op recordd_ops[];
extern const size_t recordd_n_ops;

#endif
