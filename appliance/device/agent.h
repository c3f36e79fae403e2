// SPDX-License-Identifier: Apache-2.0
#ifndef DEVICE_AGENT_H
#define DEVICE_AGENT_H

#include "device/agent_key.h"
#include "device/agent_net.h"
#include "device/agent_store.h"
#include "device/qdev.h"

/* One Linux device: libquoin-device with OpenSSL, sockets and a folder. */

#define AGENT_WORK 32768

struct agent {
	char id[QDEV_ID_LEN + 1];
	struct fault why;	/* of the last failure on this side */
	struct qdev_hub hub;	/* port 0: none */

	struct agent_store store;
	const struct agent_tls *tls;
	const char *token;
	struct agent_conn conn;
	EVP_PKEY *identity;
	X509 *face;
	EVP_PKEY *key;		/* of the certificate in use, or NULL */
	X509 *cert;
};

#define AGENT_INIT { .store = AGENT_STORE_INIT, .conn = AGENT_CONN_INIT }

/* What a device is made of. */
struct agent_options {
	const char *dir;
	enum agent_key_type key_type;
	const struct agent_tls *tls;	/* NULL: stays off the net */
	const char *token;		/* of its batch, or NULL */
	bool must_exist;		/* do not make a key */
};

/* Open the device in the folder, making its identity key if there is none.
 * f says what went wrong. Release with agent_close in any case. */
enum q_err agent_open(struct agent *a, const struct agent_options *o,
    struct fault *f) Q_CHECKED;
void agent_close(struct agent *a);

/* A state machine for the device; work holds AGENT_WORK bytes. hurry: while
 * somebody waits for it, pauses after failures stay under 8 seconds. */
enum q_err agent_start(struct agent *a, char *work, bool hurry,
    struct qdev *ret_device) Q_CHECKED;

/* Have the next certificate over a new key, unless a request for one is
 * waiting already, which is then repeated. */
enum q_err agent_rekey(struct agent *a, struct qdev *d) Q_CHECKED;

/*
 * Step until the device has nothing to do for a while. OK when it is
 * enrolled; DENIED when the server says that it is not to be; otherwise the
 * error met. *ret_wait is the pause until it should be tried again.
 */
enum q_err agent_settle(struct qdev *d, uint32_t *ret_wait) Q_CHECKED;

/* What the person at the device should read, e.g. "enrolled until
 * 2026-12-22T17:00:00Z, hub example:8883"; e is what the last step gave. */
void agent_describe(const struct agent *a, const struct qdev *d,
    enum q_err e, char *out, size_t cap);

#endif
