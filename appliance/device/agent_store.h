// SPDX-License-Identifier: Apache-2.0
#ifndef DEVICE_AGENT_STORE_H
#define DEVICE_AGENT_STORE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/err.h"

/*
 * An agent's folder:
 *
 *	identity.pem	the identity key
 *	current		symbolic link to the generation in use
 *	generation-N/	key.pem certificate.pem chain.pem grant.json
 *			roots.pem (later OEM Roots), and hub.json
 *			hub-root.pem when there is a hub
 *	request-N.der	a request that was made under generation N and has
 *			not been answered; next-N.pem is its key if new
 *
 * A generation is written whole under a name that nothing points to, then
 * `current` is renamed over. Requests carry the number of their generation,
 * so that the same rename also puts an answered one out of use. A crash at
 * any instant leaves the old set or the new one.
 */
struct agent_store {
	char dir[PATH_MAX - 64];
	int fd;
	unsigned long generation;	/* 0: none yet */
};

#define AGENT_STORE_INIT { .fd = -1 }

/* Open, making the folder (0700) if it is not there. One agent at a time:
 * CONFLICT when another has it. What a crash left over is swept up. */
enum q_err agent_store_open(struct agent_store *s, const char *dir,
    struct fault *f) Q_CHECKED;
void agent_store_close(struct agent_store *s);

/* The path of a file in the folder; of a file in the current generation; of
 * the request or its key (kind "request-%lu.der", "next-%lu.pem"). */
void agent_store_path(const struct agent_store *s, const char *name,
    char out[PATH_MAX]);
void agent_store_current(const struct agent_store *s, const char *name,
    char out[PATH_MAX]);
void agent_store_request(const struct agent_store *s, char out[PATH_MAX]);
void agent_store_next_key(const struct agent_store *s, char out[PATH_MAX]);

/* Remove the request and its key; durable. */
enum q_err agent_store_forget(const struct agent_store *s) Q_CHECKED;

/* One file of a generation. */
struct agent_file {
	const char *name;
	struct bytes data;
	mode_t mode;
};

/* Make these files the current generation. keep_request: what waits for an
 * answer goes on waiting. IO. */
enum q_err agent_store_commit(struct agent_store *s,
    const struct agent_file *files, size_t n, bool keep_request) Q_CHECKED;

#endif
