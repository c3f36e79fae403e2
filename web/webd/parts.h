// SPDX-License-Identifier: Apache-2.0
#ifndef WEBD_PARTS_H
#define WEBD_PARTS_H

/*
 * The parts of quoin-webd that live as long as it does: limits, settings,
 * live data, mail. One row each in parts.c; prepared before the sandbox is
 * entered, started behind it, stopped in the opposite order.
 */
#include "webd/web.h"

struct web_part {
	const char *name;
	enum q_err (*prepare)(struct web *w, struct fault *f); /* or NULL */
	enum q_err (*start)(struct web *w, struct fault *f); /* or NULL */
	void (*stop)(struct web *w); /* or NULL; also when never started */
};

enum q_err parts_prepare(struct web *w, struct fault *f) Q_CHECKED;
enum q_err parts_start(struct web *w, struct fault *f) Q_CHECKED;
void parts_stop(struct web *w);

#endif
