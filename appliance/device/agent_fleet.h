// SPDX-License-Identifier: Apache-2.0
#ifndef DEVICE_AGENT_FLEET_H
#define DEVICE_AGENT_FLEET_H

#include <signal.h>

#include "device/agent.h"

/* Many devices on one machine: a folder with one agent folder per device,
 * named by its DeviceID, and the list for the appliance, fleet.json. */

#define FLEET_LIST "fleet.json"

/* The devices of a fleet, sorted. Release with fleet_free. */
struct fleet_ids {
	char (*id)[QDEV_ID_LEN + 1];
	size_t count;
};

enum q_err fleet_read(const char *dir, struct fleet_ids *ret_ids,
    struct fault *f) Q_CHECKED;
void fleet_free(struct fleet_ids *ids);

/* Make keys until the fleet has `count` devices (those that are there are
 * kept) and write fleet.json. All of it is on disk afterwards. */
enum q_err fleet_make(const char *dir, unsigned long count,
    enum agent_key_type type, struct fault *f) Q_CHECKED;

struct fleet_options {
	const char *dir;
	const struct agent_tls *tls;
	const char *token;		/* of their batch, or NULL */
	unsigned long parallel;
	unsigned long timeout_s;	/* with once */
	bool once;			/* end when all are enrolled */
};

/* Run every device of the fleet, `parallel` at a time, printing "enrolled N
 * of M". With once: OK when all are enrolled, otherwise the last error met.
 * Without: until *stop is set by a signal. */
enum q_err fleet_run(const struct fleet_options *o,
    const volatile sig_atomic_t *stop, struct fault *f) Q_CHECKED;

#endif
