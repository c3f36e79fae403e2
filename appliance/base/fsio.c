// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "base/fsio.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/own.h"

enum q_err
path_join(char *out, size_t cap, const char *dir, const char *name)
{
	int n = snprintf(out, cap, "%s/%s", dir, name);

	return n < 0 || (size_t)n >= cap ? Q_TOOBIG : Q_OK;
}

enum q_err
fd_read_all(int fd, struct buf *out)
{
	for (;;) {
		size_t room = out->max - out->len;
		size_t want = room < 65536 ? room + 1 : 65536;
		uint8_t chunk[65537];
		ssize_t n = read(fd, chunk, want);

		if (n == 0)
			return out->bad ? Q_TOOBIG : Q_OK;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return Q_IO;
		buf_put(out, chunk, (size_t)n);
		explicit_bzero(chunk, (size_t)n);
		if (out->bad)
			return Q_TOOBIG;
	}
}

enum q_err
file_read(const char *path, struct buf *out)
{
	AUTO_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return errno == ENOENT ? Q_NOTFOUND : Q_IO;
	return fd_read_all(fd, out);
}

enum q_err
fd_write_all(int fd, const void *p, size_t len)
{
	const uint8_t *at = p;

	while (len != 0) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return Q_IO;
		at += n;
		len -= (size_t)n;
	}
	return Q_OK;
}

static enum q_err
dir_sync(const char *path)
{
	char dir[4096];
	const char *slash = strrchr(path, '/');
	size_t n = slash != NULL ? (size_t)(slash - path) : 0;

	if (n >= sizeof(dir))
		return Q_TOOBIG;
	memcpy(dir, path, n);
	dir[n] = '\0';
	AUTO_FD int fd = open(slash == NULL ? "." : n == 0 ? "/" : dir,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) != 0 ? Q_IO : Q_OK;
}

enum q_err
file_replace(const char *path, const void *p, size_t len, mode_t mode)
{
	char tmp[4096];
	int n = snprintf(tmp, sizeof(tmp), "%s.%d.new", path, (int)getpid());
	AUTO_FD int fd = -1;

	if (n < 0 || (size_t)n >= sizeof(tmp))
		return Q_TOOBIG;
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
	    mode);
	if (fd < 0)
		return Q_IO;
	if (fchmod(fd, mode) != 0 || fd_write_all(fd, p, len) != Q_OK ||
	    fdatasync(fd) != 0 || rename(tmp, path) != 0) {
		unlink(tmp);
		return Q_IO;
	}
	return dir_sync(path);
}
