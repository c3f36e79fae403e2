// SPDX-License-Identifier: Apache-2.0
#ifndef ENROLD_OCSP_FILL_H
#define ENROLD_OCSP_FILL_H

/*
 * Signs OCSP answers ahead: walks the devices' records again and again, and
 * signs for the certificates that live what is not in the table yet or past
 * half of its time, at a bounded rate.
 */

#include "enrold/core.h"
#include "enrold/ocsp_sign.h"
#include "enrold/ocsp_table.h"

struct ocsp_fill;

enum q_err ocsp_fill_start(struct core *core, struct ocsp_table *table,
    struct ocsp_signer *signer, struct ocsp_fill **ret_fill) Q_CHECKED;
void ocsp_fill_stop(struct ocsp_fill *w);

/* When an answer given now ends: after ocsp.hours, and not behind the
 * responder's certificate. */
int64_t ocsp_next_update(const struct conf *conf,
    const struct pki_cert *responder, int64_t now);

#endif
