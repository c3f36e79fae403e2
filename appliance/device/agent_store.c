// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "device/agent_store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/own.h"

#define LINK	"current"
#define LINK_NEW ".current"

/* The files whose names carry the number of a generation. */
static const char *const numbered[] = {
	"generation-%lu", "request-%lu.der", "next-%lu.pem"
};

enum { GENERATION, REQUEST, NEXT_KEY };

void
agent_store_path(const struct agent_store *s, const char *name,
    char out[PATH_MAX])
{
	/* dir is short enough for every name used here. */
	snprintf(out, PATH_MAX, "%s/%s", s->dir, name);
}

static void
numbered_name(int kind, unsigned long n, char out[40])
{
	snprintf(out, 40, kind == GENERATION ? "generation-%lu" :
	    kind == REQUEST ? "request-%lu.der" : "next-%lu.pem", n);
}

static void
numbered_path(const struct agent_store *s, int kind, char out[PATH_MAX])
{
	char name[40];

	numbered_name(kind, s->generation, name);
	agent_store_path(s, name, out);
}

void
agent_store_current(const struct agent_store *s, const char *name,
    char out[PATH_MAX])
{
	snprintf(out, PATH_MAX, "%s/generation-%lu/%s", s->dir,
	    s->generation, name);
}

void
agent_store_request(const struct agent_store *s, char out[PATH_MAX])
{
	numbered_path(s, REQUEST, out);
}

void
agent_store_next_key(const struct agent_store *s, char out[PATH_MAX])
{
	numbered_path(s, NEXT_KEY, out);
}

/* Remove a generation's folder and what is in it, or a plain file. */
static void
discard(int dirfd, const char *name)
{
	AUTO_FD int fd = openat(dirfd, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (d == NULL) {
		unlinkat(dirfd, name, 0);
		return;
	}
	while ((entry = readdir(d)) != NULL)
		unlinkat(fd, entry->d_name, 0);
	fd = -1;
	closedir(d);
	unlinkat(dirfd, name, AT_REMOVEDIR);
}

/* Remove what belongs to any other generation than the current one. */
static void
sweep(const struct agent_store *s)
{
	DIR *d = opendir(s->dir);
	struct dirent *entry;

	if (d == NULL)
		return;
	while ((entry = readdir(d)) != NULL) {
		for (size_t i = 0; i < ARRAY_LEN(numbered); i++) {
			unsigned long n;
			char name[40];

			if (sscanf(entry->d_name, numbered[i], &n) != 1)
				continue;
			numbered_name((int)i, n, name);
			if (n != s->generation &&
			    strcmp(name, entry->d_name) == 0)
				discard(s->fd, name);
		}
	}
	closedir(d);
}

enum q_err
agent_store_open(struct agent_store *s, const char *dir, struct fault *f)
{
	char target[40] = "";

	s->generation = 0;
	if (strlen(dir) >= sizeof(s->dir))
		return fault_set(f, Q_INVALID, "%s: name too long", dir);
	memcpy(s->dir, dir, strlen(dir) + 1);
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return fault_set(f, Q_IO, "%s: %s", dir, strerror(errno));
	s->fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->fd < 0)
		return fault_set(f, Q_IO, "%s: %s", dir, strerror(errno));
	if (flock(s->fd, LOCK_EX | LOCK_NB) < 0) {
		agent_store_close(s);
		return fault_set(f, Q_CONFLICT,
		    "%s: in use by another quoin-agent", dir);
	}
	if (readlinkat(s->fd, LINK, target, sizeof(target) - 1) > 0 &&
	    sscanf(target, numbered[GENERATION], &s->generation) != 1)
		return fault_set(f, Q_IO, "%s/%s: points to %s", dir, LINK,
		    target);
	sweep(s);
	return Q_OK;
}

void
agent_store_close(struct agent_store *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

enum q_err
agent_store_forget(const struct agent_store *s)
{
	char name[40];

	numbered_name(REQUEST, s->generation, name);
	unlinkat(s->fd, name, 0);
	numbered_name(NEXT_KEY, s->generation, name);
	unlinkat(s->fd, name, 0);
	return fsync(s->fd) == 0 ? Q_OK : Q_IO;
}

static enum q_err
write_file(int dirfd, const struct agent_file *file)
{
	AUTO_FD int fd = openat(dirfd, file->name,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, file->mode);
	enum q_err e;

	if (fd < 0)
		return Q_IO;
	e = fd_write_all(fd, file->data.p, file->data.len);
	if (e == Q_OK && fdatasync(fd) < 0)
		e = Q_IO;
	return e;
}

static enum q_err
write_generation(const struct agent_store *s, const char *name,
    const struct agent_file *files, size_t n)
{
	AUTO_FD int fd = -1;
	enum q_err e = Q_OK;

	if (mkdirat(s->fd, name, 0700) < 0)
		return Q_IO;
	fd = openat(s->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return Q_IO;
	for (size_t i = 0; i < n && e == Q_OK; i++)
		e = write_file(fd, &files[i]);
	if (e == Q_OK && fsync(fd) < 0)
		e = Q_IO;
	return e;
}

/* Give the waiting request, if any, the next generation's number as well. */
static enum q_err
carry_request(const struct agent_store *s)
{
	for (int kind = REQUEST; kind <= NEXT_KEY; kind++) {
		char from[40], to[40];

		numbered_name(kind, s->generation, from);
		numbered_name(kind, s->generation + 1, to);
		if (linkat(s->fd, from, s->fd, to, 0) < 0 && errno != ENOENT)
			return Q_IO;
	}
	return Q_OK;
}

enum q_err
agent_store_commit(struct agent_store *s, const struct agent_file *files,
    size_t n, bool keep_request)
{
	char name[40];
	enum q_err e;

	sweep(s);
	numbered_name(GENERATION, s->generation + 1, name);
	e = write_generation(s, name, files, n);
	if (e == Q_OK && keep_request)
		e = carry_request(s);
	if (e != Q_OK)
		return e;
	unlinkat(s->fd, LINK_NEW, 0);
	if (symlinkat(name, s->fd, LINK_NEW) < 0 || fsync(s->fd) < 0 ||
	    renameat(s->fd, LINK_NEW, s->fd, LINK) < 0 || fsync(s->fd) < 0)
		return Q_IO;
	s->generation++;
	sweep(s);
	return Q_OK;
}
