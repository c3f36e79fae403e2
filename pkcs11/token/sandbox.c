// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "token/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <sys/prctl.h>

#include "base/own.h"

static const int forbidden[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(ptrace),
	SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev),
	SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root),
	SCMP_SYS(chroot), SCMP_SYS(unshare), SCMP_SYS(setns),
	SCMP_SYS(init_module), SCMP_SYS(finit_module),
	SCMP_SYS(delete_module), SCMP_SYS(kexec_load),
	SCMP_SYS(kexec_file_load), SCMP_SYS(bpf), SCMP_SYS(perf_event_open),
	SCMP_SYS(add_key), SCMP_SYS(keyctl), SCMP_SYS(request_key),
	SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup), SCMP_SYS(reboot),
	SCMP_SYS(swapon), SCMP_SYS(swapoff), SCMP_SYS(settimeofday),
	SCMP_SYS(clock_settime), SCMP_SYS(acct), SCMP_SYS(quotactl),
};

enum q_err
token_sandbox(struct fault *f)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);
	int bad = ctx == NULL ? -ENOMEM : 0;

	for (size_t i = 0; bad == 0 && i < ARRAY_LEN(forbidden); i++)
		bad = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM),
		    forbidden[i], 0);
	if (bad == 0)
		bad = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (bad == 0)
		bad = seccomp_load(ctx);
	seccomp_release(ctx);
	return bad == 0 ? Q_OK :
	    fault_set(f, Q_INTERNAL, "sandbox of the token worker");
}
