// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* A secret in memory: pages of its own, locked where the system allows it,
 * left out of core dumps, wiped by secret_free. */
struct secret {
	uint8_t *p;
	size_t len;
	size_t mapped;
};

#define SECRET_MAX 65536
#define AUTO_SECRET __attribute__((cleanup(secret_free)))

/* A copy of len bytes (NUL-terminated behind them); the caller wipes its
 * own. NOMEM, TOOBIG. */
enum q_err secret_new(const void *p, size_t len,
    struct secret *ret_secret) Q_CHECKED;

/* The contents of a file without its final newline: a PIN file or a systemd
 * credential. Errors of file_read. */
enum q_err secret_load(const char *path, struct secret *ret_secret) Q_CHECKED;

void secret_free(struct secret *s);

/* This process: no core dumps, no ptrace by equals. */
void secret_process_harden(void);

#endif
