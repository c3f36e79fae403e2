// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_INTEGRATION_RECORDS_H
#define TESTS_INTEGRATION_RECORDS_H

/* What test programs share that ask a quoin-recordd. */
#include <stdlib.h>

#include "base/conf.h"
#include "records/actions.h"
#include "tests/unit/tap.h"

static struct wire_client *client;
static struct fault f;
static const struct rec_actor us = { "tester", "192.0.2.7" };

/* DeviceID number n, in order of n; good for 8 calls. */
static const char *
id(unsigned n)
{
	static char space[8][65];
	static unsigned at;
	char *key = space[at++ % 8];

	snprintf(key, 65, "%064x", n);
	return key;
}

static void
need(enum q_err r, const char *what)
{
	if (r != Q_OK) {
		printf("Bail out! %s: %s\n", what, fault_text(&f, r));
		exit(1);
	}
}

/* Of the daemon that this file configures. */
static void
client_open(const char *path)
{
	static struct conf conf;
	char sock[CONF_SOCKET_MAX];

	need(conf_load(path, &conf, &f), "conf");
	need(conf_socket(&conf, "recordd", sock), "socket");
	need(wire_client_new(sock, 20000, &client), "client");
}

#endif
