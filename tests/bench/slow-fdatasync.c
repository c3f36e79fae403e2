// SPDX-License-Identifier: Apache-2.0
/*
 * To be preloaded: a disk whose fdatasync takes 5 ms more than that below.
 */
#include "config.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SLOWER_NS 5000000

int
fdatasync(int fd)
{
	const struct timespec t = { .tv_nsec = SLOWER_NS };

	clock_nanosleep(CLOCK_MONOTONIC, 0, &t, NULL);
	return (int)syscall(SYS_fdatasync, fd);
}
