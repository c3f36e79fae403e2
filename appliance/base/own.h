// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_OWN_H
#define BASE_OWN_H

/* Ownership by scope: what is declared with one of these is released when
 * the scope ends. Hand over by setting the variable to NULL or -1. */

#include <stdlib.h>
#include <unistd.h>

static inline void
own_free_(void *p)
{
	free(*(void **)p);
}

static inline void
own_fd_(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define AUTO_FREE __attribute__((cleanup(own_free_)))
#define AUTO_FD __attribute__((cleanup(own_fd_)))

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

#endif
