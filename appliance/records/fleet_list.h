// SPDX-License-Identifier: Apache-2.0
#ifndef RECORDS_FLEET_LIST_H
#define RECORDS_FLEET_LIST_H

/* Devices as people look for them. */

#include "records/client.h"

struct rec_device_filter {
	const char *batch; /* NULL: of all batches */
	const char *prefix; /* how the DeviceID begins; NULL: anyhow */
	int64_t state; /* -1: any */
	bool waiting; /* only what waits for approval */
};

typedef enum q_err rec_device_each(void *arg, const struct rec_device *dev);

/*
 * A page of devices in order of DeviceID, each by each(arg), whose error ends
 * the page and is returned. Devices of a load under way do not count. The
 * cursor of a page is a DeviceID. Errors of recordd; no batch of that name
 * has no devices.
 */
enum q_err rec_device_page(struct rec_scan *s,
    const struct rec_device_filter *filter, rec_device_each *each, void *arg,
    struct fault *f) Q_CHECKED;

#endif
