// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_FSIO_H
#define BASE_FSIO_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"

/* The whole file into out (appended). NOTFOUND, TOOBIG (over out->max), IO.
 * Follows no symbolic link in the last component. */
enum q_err file_read(const char *path, struct buf *out) Q_CHECKED;

/* Everything up to the end of fd, appended. TOOBIG (over out->max), IO. */
enum q_err fd_read_all(int fd, struct buf *out) Q_CHECKED;

/* Replace path by the bytes, atomically and durably: a temporary file beside
 * it, fdatasync, rename, fsync of the directory. */
enum q_err file_replace(const char *path, const void *p, size_t len,
    mode_t mode) Q_CHECKED;

/* All of it, through short writes and EINTR. */
enum q_err fd_write_all(int fd, const void *p, size_t len) Q_CHECKED;

/* "dir/name" into out; TOOBIG when it does not fit. */
enum q_err path_join(char *out, size_t cap, const char *dir,
    const char *name) Q_CHECKED;

#endif
