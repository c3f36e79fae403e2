// SPDX-License-Identifier: Apache-2.0
#ifndef SIGNER_NAMED_H
#define SIGNER_NAMED_H

/* Keys that people make, and who agrees to their use: what the command line
 * and the web both need to know. */

#include "signer/signer.h"

/* Before the name of a key that was known outside the token (guide 9.3.2). */
#define SIGNER_IMPORTED "nohsm:"
#define SIGNER_SHOWN (sizeof(SIGNER_IMPORTED) + SIGND_NAME_MAX)

/* The name as people see it. */
void signer_key_shown(const struct signd_key *k, char ret[SIGNER_SHOWN]);

/* Whether it is what people mean by this: its name, as it is or as it is
 * shown, or its id. */
bool signer_key_called(const struct signd_key *k, const char *name);

/* A name as people write it, as quoin-signd has it. Part of name. */
const char *signer_key_name(const char *name);

/* Set of enum signd_mech that it signs by: those of its rules, or of its kind. */
uint32_t signer_key_mechs(const struct signd_key *k);

/* As signer_certs: every approver by name, every approval that is open. */
typedef enum q_err (*signer_approver_each)(void *arg,
    const struct signd_approver *a);
typedef enum q_err (*signer_approval_each)(void *arg,
    const struct signd_approval *a);
enum q_err signer_approvers(struct wire_client *c, signer_approver_each each,
    void *arg, struct fault *f) Q_CHECKED;
enum q_err signer_approvals(struct wire_client *c, signer_approval_each each,
    void *arg, struct fault *f) Q_CHECKED;

/* A line "name: value" of the text that approvers agree to; false, and "",
 * when it has none, or it does not fit. */
bool signer_statement_line(const char *statement, const char *name,
    char *out, size_t cap);

#endif
