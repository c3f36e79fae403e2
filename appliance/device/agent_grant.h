// SPDX-License-Identifier: Apache-2.0
#ifndef DEVICE_AGENT_GRANT_H
#define DEVICE_AGENT_GRANT_H

#include "device/agent.h"

/* What a server grants, checked and turned into files. */

/* The file of a generation that holds the grant as it was received. */
#define AGENT_GRANT_FILE "grant.json"

/* Make an enrol answer the current generation, if its certificate is for
 * this DeviceID and for a key of ours and chains to the OEM Root; UNAUTH,
 * with a->why, otherwise. The waiting request is out of use afterwards. */
enum q_err agent_grant_commit(struct agent *a, const char *text, size_t len)
    Q_CHECKED;

/* Trust the roots that came with earlier grants, linked with the one that the
 * agent was given. */
enum q_err agent_roots_load(const struct agent *a) Q_CHECKED;

/* Take over hub settings that differ from the current generation's, as a
 * new generation with the same certificate. OK without one. */
enum q_err agent_hub_commit(struct agent *a, struct qdev_json hub) Q_CHECKED;

#endif
