// SPDX-License-Identifier: Apache-2.0
#ifndef INTEGRATION_ABUSE_H
#define INTEGRATION_ABUSE_H

/* What peers of quoin-signd that mean no good have in common: datagrams of
 * any kind, as any user. Results are lines "ok TEXT" and "not ok TEXT". */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/conf.h"
#include "wire/frame.h"

#define ABUSE_STRANGER 20010 /* a user whom `roles` does not have */
#define ABUSE_FDS_MAX 253    /* in one message, says unix(7) */

struct abuse_answer {
	bool gone;	/* the connection was ended; else: */
	bool late;	/* nothing came */
	struct wire_head head;
	char text[300];	/* of an error */
};

extern char abuse_socket[CONF_SOCKET_MAX];

/* A connection, or -1: as who this process is; as that user, while the rest
 * of the process stays root. */
int abuse_connect(void);
int abuse_open(uid_t uid);

/* A frame of this op with a body, or any bytes, with n descriptors; false:
 * the other side is gone. */
bool abuse_send(int sock, uint16_t op, struct bytes body, const int *fds,
    size_t n);
bool abuse_send_raw(int sock, struct bytes raw, const int *fds, size_t n);

/* The answer, or what became of the connection within the time. */
void abuse_answer(int sock, int wait_ms, struct abuse_answer *ret_answer);

/* One request as that user on a connection of its own. */
void abuse_ask(uid_t uid, uint16_t op, struct bytes body, int fd,
    struct abuse_answer *ret_answer);

/* Descriptors that a process has open. */
size_t abuse_fds_of(pid_t pid);

/* One result's line; says whether it was good. */
bool abuse_result(bool good, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#endif
