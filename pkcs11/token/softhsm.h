// SPDX-License-Identifier: Apache-2.0
#ifndef TOKEN_SOFTHSM_H
#define TOKEN_SOFTHSM_H

/*
 * SoftHSM 2.6 truncates and rewrites token.object, which holds the key of
 * all keys, at every login: a process killed in between leaves a token that
 * nobody opens again. So the worker keeps a copy beside it, made after a
 * login that went well, and puts it back where the file is shorter. Knows
 * the token folder from SOFTHSM2_CONF; without that, and with every other
 * module, both do nothing.
 */

/* Before C_Initialize: put back what was cut short. */
void softhsm_mend(void);

/* After a login: copy what is not copied yet. */
void softhsm_keep(void);

#endif
