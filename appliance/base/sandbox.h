// SPDX-License-Identifier: Apache-2.0
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include <stdbool.h>

#include "base/err.h"

/*
 * What a daemon may still do after its set-up. Entered once, before the
 * first byte from outside is read; there is no way back:
 *  - no_new_privs, so that no program started later gains rights;
 *  - Landlock (kernel 5.13 and later): files outside the named folders are
 *    out of reach; older kernels do without;
 *  - seccomp: a list of allowed system calls. Others fail with EPERM; those
 *    that only an attacker makes (ptrace, bpf, mount, execve unless `exec`
 *    names programs...) end the process.
 * Lists end with NULL; a path that does not exist is passed over.
 */
struct sandbox {
	const char *const *read;  /* files and folders to read */
	const char *const *write; /* folders to read, write, make files in */
	const char *const *exec;  /* programs and their libraries; NULL: none */
	bool inet;                /* IP sockets, not Unix sockets alone */
};

/* In builds with sanitizers, which trace and map on their own, only
 * no_new_privs is set (SANDBOX_SANITIZED). INTERNAL with the step that failed in f. */
enum q_err sandbox_enter(const struct sandbox *s, struct fault *f) Q_CHECKED;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANDBOX_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANDBOX_SANITIZED 1
#endif
#endif
#ifndef SANDBOX_SANITIZED
#define SANDBOX_SANITIZED 0
#endif

#endif
