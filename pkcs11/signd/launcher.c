// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "signd/launcher.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "token/token_ops.h"
#include "wire/frame.h"

#define ANSWER_MS 5000

void
token_conf_of(const struct conf *c, unsigned token,
    struct token_conf *ret_conf)
{
	*ret_conf = token == 0 ? (struct token_conf){ "token",
		c->token_worker, c->token_module, c->token_env,
		c->token_label, c->token_init, c->token_pin, "pin",
		(unsigned)c->token_threads, (int)c->token_deadline } :
	    (struct token_conf){ "second token",
		c->token_worker, c->token2_module, c->token2_env,
		c->token2_label, c->token2_init, c->token2_pin, "pin2",
		(unsigned)c->token2_threads, (int)c->token2_deadline };
}

/* An answer that came too late is not the next question's. */
struct question {
	uint32_t number;
	uint32_t token;
};

struct started {
	int error;
	pid_t pid;
	uint32_t number; /* of the question */
};

/* SoftHSM takes more blocks of a size for each signature than malloc keeps at
 * hand for a thread: with more of them a signature costs 8 % less. */
static char tunables[] = "GLIBC_TUNABLES=glibc.malloc.tcache_count=127";

/* environ, ours, and the variables that the module needs, which are cut apart
 * where they are. */
static char **
environment(char *more)
{
	size_t n = 0;
	char **env, *save = NULL;

	while (environ[n] != NULL)
		n++;
	env = calloc(n + strlen(more) + 2, sizeof(*env));
	if (env == NULL)
		return NULL;
	memcpy(env, environ, n * sizeof(*env));
	if (getenv("GLIBC_TUNABLES") == NULL)
		env[n++] = tunables;
	for (char *v = strtok_r(more, " ", &save); v != NULL;
	    v = strtok_r(NULL, " ", &save))
		env[n++] = v;
	return env;
}

static struct started
spawn(const struct token_conf *c, int control)
{
	char threads[24];
	const char *argv[] = { c->worker, c->module, c->label, threads,
		c->init, NULL };
	AUTO_FREE char *more = strdup(c->env);
	AUTO_FREE char **env = more != NULL ? environment(more) : NULL;
	struct started s = { ENOMEM, -1, 0 };
	posix_spawn_file_actions_t files;

	if (env == NULL || posix_spawn_file_actions_init(&files) != 0)
		return s;
	snprintf(threads, sizeof(threads), "%u", c->threads);
	posix_spawn_file_actions_adddup2(&files, control, TOKEN_CONTROL_FD);
	s.error = posix_spawn(&s.pid, c->worker, &files, NULL,
	    (char *const *)(uintptr_t)argv, env);
	posix_spawn_file_actions_destroy(&files);
	return s;
}

/* By a child that ends at once, which makes the worker signd's. */
static struct started
launch(const struct token_conf *c, int control)
{
	struct started s = { EIO, -1, 0 };
	int p[2];
	pid_t child;

	if (pipe(p) != 0)
		return s;
	child = fork();
	if (child == 0) {
		s = spawn(c, control);
		_exit(write(p[1], &s, sizeof(s)) != sizeof(s));
	}
	close(p[1]);
	if (child > 0 && read(p[0], &s, sizeof(s)) != sizeof(s))
		s.error = EIO;
	close(p[0]);
	while (child > 0 && waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
	return s;
}

/* A descriptor is the worker's to be; without one the PIN is asked for. */
static void
serve(const struct conf *c, int sock)
{
	for (;;) {
		struct token_conf token;
		struct started s = { 0, -1, 0 };
		struct question q = { 0 };
		size_t len;
		int fd = -1, pin = -1;

		if (wire_recv(sock, (uint8_t *)&q, sizeof(q), -1, &len, &fd) !=
		    Q_OK)
			_exit(0);
		token_conf_of(c, q.token, &token);
		if (fd >= 0) {
			s = launch(&token, fd);
			close(fd);
		} else {
			pin = open(token.pin_file, O_RDONLY | O_CLOEXEC |
			    O_NOFOLLOW);
			s.error = pin < 0 ? errno : 0;
		}
		s.number = q.number;
		if (wire_send(sock, (struct bytes){ (uint8_t *)&s, sizeof(s) },
		    (struct bytes){ NULL, 0 }, pin, ANSWER_MS) != Q_OK)
			_exit(0);
		if (pin >= 0)
			close(pin);
	}
}

enum q_err
launcher_start(const struct conf *conf, int *ret_sock, struct fault *f)
{
	int pair[2];
	pid_t pid;

	if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return fault_set(f, Q_IO, "launcher: %s", strerror(errno));
	pid = fork();
	if (pid == 0) {
		close(pair[0]);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(conf, pair[1]);
	}
	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return fault_set(f, Q_IO, "launcher: %s", strerror(errno));
	}
	*ret_sock = pair[0];
	return Q_OK;
}

/* One question, and its answer. */
static enum q_err
ask(int sock, unsigned token, int fd, struct started *ret_started,
    int *ret_fd, struct fault *f)
{
	static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
	static uint32_t number;
	struct question q = { .token = token };
	size_t len = 0;
	enum q_err r;

	*ret_fd = -1;
	pthread_mutex_lock(&one);
	q.number = ++number;
	r = wire_send(sock, (struct bytes){ (uint8_t *)&q, sizeof(q) },
	    (struct bytes){ NULL, 0 }, fd, ANSWER_MS);
	do {
		if (*ret_fd >= 0)
			close(*ret_fd);
		*ret_fd = -1;
		if (r == Q_OK)
			r = wire_recv(sock, (uint8_t *)ret_started,
			    sizeof(*ret_started), ANSWER_MS, &len, ret_fd);
	} while (r == Q_OK && len == sizeof(*ret_started) &&
	    ret_started->number != q.number);
	pthread_mutex_unlock(&one);
	return r == Q_OK && len == sizeof(*ret_started) ? Q_OK :
	    fault_set(f, Q_UNAVAIL, "the launcher is gone");
}

enum q_err
launcher_run(int sock, unsigned token, int control, pid_t *ret_pid,
    struct fault *f)
{
	struct started s;
	int fd;
	enum q_err r = ask(sock, token, control, &s, &fd, f);

	if (fd >= 0)
		close(fd);
	if (r != Q_OK)
		return r;
	if (s.error != 0)
		return fault_set(f, Q_CONFIG, "the worker's program: %s",
		    strerror(s.error));
	*ret_pid = s.pid;
	return Q_OK;
}

enum q_err
launcher_pin(int sock, unsigned token, int *ret_fd, struct fault *f)
{
	struct started s;
	enum q_err r = ask(sock, token, -1, &s, ret_fd, f);

	if (r != Q_OK)
		return r;
	if (s.error != 0 || *ret_fd < 0)
		return fault_set(f, s.error == ENOENT ? Q_NOTFOUND :
		    s.error == EACCES ? Q_DENIED : Q_IO, "PIN file: %s",
		    strerror(s.error));
	return Q_OK;
}
