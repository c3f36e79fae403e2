// SPDX-License-Identifier: Apache-2.0
#ifndef RECORDD_WRITER_H
#define RECORDD_WRITER_H

/*
 * One thread that takes the writes of all processes, makes as many durable
 * in one commit as are waiting, then answers each and tells the watchers.
 */

#include "recordd/hints.h"
#include "recordd/store.h"
#include "wire/server.h"

struct writer;

enum q_err writer_start(struct store *store, struct hints *hints,
    struct writer **ret_writer) Q_CHECKED;

/* Finish what was submitted, then refuse. */
void writer_stop(struct writer *wr);
void writer_free(struct writer *wr);

/* A write for a request: copied, but what its pointers borrow must live as
 * long as the request; rec is copied too. PENDING: q will be answered.
 * UNAVAIL after writer_stop. */
enum q_err writer_submit(struct writer *wr, struct wire_req *q,
    const struct store_write *w) Q_CHECKED;

/* Writes answered and commits made so far. */
void writer_counts(struct writer *wr, uint64_t *ret_writes,
    uint64_t *ret_commits);

#endif
