// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <seccomp.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/own.h"

static const int allowed[] = {
	/* files */
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev),
	SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(preadv),
	SCMP_SYS(pwritev), SCMP_SYS(close), SCMP_SYS(close_range),
	SCMP_SYS(dup), SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(fcntl),
	SCMP_SYS(lseek), SCMP_SYS(fstat), SCMP_SYS(stat), SCMP_SYS(lstat),
	SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(fstatfs),
	SCMP_SYS(statfs), SCMP_SYS(access), SCMP_SYS(faccessat),
	SCMP_SYS(faccessat2), SCMP_SYS(open), SCMP_SYS(openat),
	SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(rmdir),
	SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(rename),
	SCMP_SYS(renameat), SCMP_SYS(renameat2), SCMP_SYS(ftruncate),
	SCMP_SYS(fsync), SCMP_SYS(fdatasync), SCMP_SYS(sync_file_range),
	SCMP_SYS(fallocate), SCMP_SYS(fadvise64), SCMP_SYS(flock),
	SCMP_SYS(getdents64), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
	SCMP_SYS(getcwd), SCMP_SYS(fchmod), SCMP_SYS(chmod),
	SCMP_SYS(fchmodat), SCMP_SYS(fchown), SCMP_SYS(umask),
	SCMP_SYS(utimensat), SCMP_SYS(ioctl), SCMP_SYS(sendfile),
	SCMP_SYS(memfd_create),
	/* memory */
	SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mprotect),
	SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(msync),
	SCMP_SYS(mlock), SCMP_SYS(mlock2), SCMP_SYS(munlock), SCMP_SYS(brk),
	SCMP_SYS(mincore),
	/* threads, children, time */
	SCMP_SYS(futex), SCMP_SYS(set_robust_list), SCMP_SYS(rseq),
	SCMP_SYS(set_tid_address), SCMP_SYS(exit), SCMP_SYS(exit_group),
	SCMP_SYS(wait4), SCMP_SYS(waitid), SCMP_SYS(getpid),
	SCMP_SYS(getppid), SCMP_SYS(gettid), SCMP_SYS(kill),
	SCMP_SYS(tgkill), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigtimedwait),
	SCMP_SYS(rt_sigsuspend), SCMP_SYS(sigaltstack),
	SCMP_SYS(restart_syscall), SCMP_SYS(nanosleep),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(clock_gettime),
	SCMP_SYS(clock_getres), SCMP_SYS(gettimeofday), SCMP_SYS(time),
	SCMP_SYS(sched_yield), SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sched_getparam), SCMP_SYS(sched_getscheduler),
	SCMP_SYS(getrandom), SCMP_SYS(uname), SCMP_SYS(sysinfo),
	SCMP_SYS(getrlimit), SCMP_SYS(setrlimit), SCMP_SYS(prlimit64),
	SCMP_SYS(getrusage), SCMP_SYS(times), SCMP_SYS(prctl),
	SCMP_SYS(arch_prctl), SCMP_SYS(getuid), SCMP_SYS(geteuid),
	SCMP_SYS(getgid), SCMP_SYS(getegid), SCMP_SYS(getgroups),
	SCMP_SYS(getresuid), SCMP_SYS(getresgid), SCMP_SYS(getpgrp),
	SCMP_SYS(membarrier),
	/* waiting, sockets; socket(2) itself is looked at more closely */
	SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_wait),
	SCMP_SYS(epoll_pwait), SCMP_SYS(poll), SCMP_SYS(ppoll),
	SCMP_SYS(select), SCMP_SYS(pselect6), SCMP_SYS(eventfd2),
	SCMP_SYS(timerfd_create), SCMP_SYS(timerfd_settime),
	SCMP_SYS(signalfd4), SCMP_SYS(pipe2), SCMP_SYS(socketpair),
	SCMP_SYS(bind), SCMP_SYS(listen), SCMP_SYS(accept),
	SCMP_SYS(accept4), SCMP_SYS(connect), SCMP_SYS(getsockname),
	SCMP_SYS(getpeername), SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),
	SCMP_SYS(sendmsg), SCMP_SYS(recvmsg), SCMP_SYS(sendto),
	SCMP_SYS(recvfrom), SCMP_SYS(shutdown),
};

/* Nothing of ours makes these: whoever does is not us any more. */
static const int deadly[] = {
	SCMP_SYS(execveat), SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev), SCMP_SYS(mount), SCMP_SYS(umount2),
	SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(unshare),
	SCMP_SYS(setns), SCMP_SYS(init_module), SCMP_SYS(finit_module),
	SCMP_SYS(delete_module), SCMP_SYS(kexec_load), SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open), SCMP_SYS(add_key), SCMP_SYS(keyctl),
	SCMP_SYS(request_key), SCMP_SYS(userfaultfd),
	SCMP_SYS(io_uring_setup), SCMP_SYS(reboot), SCMP_SYS(swapon),
};

static int
rules_add(scmp_filter_ctx ctx, const struct sandbox *s)
{
	const scmp_datum_t new_spaces = CLONE_NEWNS | CLONE_NEWCGROUP |
	    CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
	    CLONE_NEWNET;
	int bad = 0;

	for (size_t i = 0; i < ARRAY_LEN(allowed); i++)
		bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; i < ARRAY_LEN(deadly); i++)
		bad |= seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, deadly[i],
		    0);
	bad |= seccomp_rule_add(ctx,
	    s->exec != NULL ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS,
	    SCMP_SYS(execve), 0);
	/* Threads and children, but no name spaces; clone3 hides its flags
	 * behind a pointer, and libc does without it. */
	bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
	    SCMP_A0(SCMP_CMP_MASKED_EQ, new_spaces, 0));
	bad |= seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3),
	    0);
	bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
	    SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
	if (!s->inet)
		return bad;
	/* libc looks up both families of an address in one call. */
	bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(sendmmsg), 0);
	bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
	    SCMP_A0(SCMP_CMP_EQ, AF_INET));
	bad |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
	    SCMP_A0(SCMP_CMP_EQ, AF_INET6));
	return bad;
}

static enum q_err
seccomp_enter(const struct sandbox *s, struct fault *f)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	int bad = ctx == NULL ? -ENOMEM : rules_add(ctx, s);

	if (bad == 0)
		bad = seccomp_load(ctx);
	seccomp_release(ctx);
	return bad == 0 ? Q_OK
			: fault_set(f, Q_INTERNAL, "seccomp: cannot be set up");
}

#define FS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define FS_WRITE                                                    \
	(FS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE |                  \
	    LANDLOCK_ACCESS_FS_REMOVE_DIR |                         \
	    LANDLOCK_ACCESS_FS_REMOVE_FILE |                        \
	    LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG | \
	    LANDLOCK_ACCESS_FS_MAKE_SOCK)
#define FS_EXEC (FS_READ | LANDLOCK_ACCESS_FS_EXECUTE)
#define FS_HANDLED                                                  \
	(FS_WRITE | LANDLOCK_ACCESS_FS_EXECUTE |                    \
	    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_FIFO | \
	    LANDLOCK_ACCESS_FS_MAKE_BLOCK | LANDLOCK_ACCESS_FS_MAKE_SYM)
#define FS_FILE                                                     \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | \
	    LANDLOCK_ACCESS_FS_EXECUTE)

static int
paths_add(int ruleset, const char *const *paths, uint64_t access_bits)
{
	for (; paths != NULL && *paths != NULL; paths++) {
		AUTO_FD int fd = open(*paths, O_PATH | O_CLOEXEC);
		struct landlock_path_beneath_attr rule = { access_bits, fd };
		struct stat st;

		if (fd < 0 && (errno == ENOENT || errno == EACCES))
			continue;
		if (fd < 0 || fstat(fd, &st) != 0)
			return -1;
		if (!S_ISDIR(st.st_mode))
			rule.allowed_access &= FS_FILE;
		if (syscall(SYS_landlock_add_rule, ruleset,
		    LANDLOCK_RULE_PATH_BENEATH, &rule, 0) != 0)
			return -1;
	}
	return 0;
}

static enum q_err
landlock_enter(const struct sandbox *s, struct fault *f)
{
	const struct landlock_ruleset_attr attr = {
		.handled_access_fs = FS_HANDLED };
	AUTO_FD int ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr,
	    sizeof(attr), 0);

	/* A kernel without it: seccomp and the unit file remain. */
	if (ruleset < 0 && (errno == ENOSYS || errno == EOPNOTSUPP))
		return Q_OK;
	if (ruleset < 0 || paths_add(ruleset, s->read, FS_READ) != 0 ||
	    paths_add(ruleset, s->write, FS_WRITE) != 0 ||
	    paths_add(ruleset, s->exec, FS_EXEC) != 0 ||
	    syscall(SYS_landlock_restrict_self, ruleset, 0) != 0)
		return fault_set(f, Q_INTERNAL, "landlock: %s",
		    strerror(errno));
	return Q_OK;
}

enum q_err
sandbox_enter(const struct sandbox *s, struct fault *f)
{
	enum q_err r;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return fault_set(f, Q_INTERNAL, "no_new_privs: %s",
		    strerror(errno));
	if (SANDBOX_SANITIZED)
		return Q_OK;
	r = landlock_enter(s, f);
	return r == Q_OK ? seccomp_enter(s, f) : r;
}
