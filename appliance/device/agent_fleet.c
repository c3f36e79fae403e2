// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "device/agent_fleet.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/fsio.h"
#include "base/own.h"

#define LIST_MAX ((size_t)1 << 30)

static int
compare(const void *a, const void *b)
{
	return memcmp(a, b, QDEV_ID_LEN);
}

void
fleet_free(struct fleet_ids *ids)
{
	free(ids->id);
	ids->id = NULL;
	ids->count = 0;
}

/* Add one more, growing by doubling. */
static enum q_err
push(struct fleet_ids *ids, size_t *cap, const char *name)
{
	if (ids->count == *cap) {
		size_t more = *cap == 0 ? 64 : *cap * 2;
		void *p = reallocarray(ids->id, more, sizeof(*ids->id));

		if (p == NULL)
			return Q_NOMEM;
		ids->id = p;
		*cap = more;
	}
	memcpy(ids->id[ids->count++], name, QDEV_ID_LEN + 1);
	return Q_OK;
}

enum q_err
fleet_read(const char *dir, struct fleet_ids *ret_ids, struct fault *f)
{
	struct fleet_ids ids = { NULL, 0 };
	DIR *d = opendir(dir);
	struct dirent *entry;
	size_t cap = 0;
	enum q_err e = Q_OK;

	if (d == NULL)
		return fault_set(f, errno == ENOENT ? Q_NOTFOUND : Q_IO,
		    "%s: %s", dir, strerror(errno));
	while (e == Q_OK && (entry = readdir(d)) != NULL)
		if (hex_is_lower(entry->d_name, QDEV_ID_LEN))
			e = push(&ids, &cap, entry->d_name);
	closedir(d);
	if (e != Q_OK) {
		fleet_free(&ids);
		return e;
	}
	if (ids.count > 0)
		qsort(ids.id, ids.count, sizeof(*ids.id), compare);
	*ret_ids = ids;
	return Q_OK;
}

/* One device: its folder appears under the DeviceID with the key in it, or
 * not at all. Not synced one by one: the caller syncs all at once. */
static enum q_err
make_device(int dirfd, enum agent_key_type type)
{
	static const char making[] = ".making";
	AUTO_BUF struct buf pem = BUF_INIT(16384);
	char id[QDEV_ID_LEN + 1];
	EVP_PKEY *key = NULL;
	enum q_err e = agent_key_make(type, &key);
	AUTO_FD int fd = -1;

	if (e == Q_OK)
		e = agent_key_id(key, id);
	if (e == Q_OK)
		e = agent_key_pem(key, &pem);
	EVP_PKEY_free(key);
	if (e != Q_OK)
		return e;
	if (mkdirat(dirfd, making, 0700) < 0 && errno != EEXIST)
		return Q_IO;
	fd = openat(dirfd, ".making/identity.pem",
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return Q_IO;
	e = fd_write_all(fd, pem.p, pem.len);
	if (e == Q_OK && renameat(dirfd, making, dirfd, id) < 0)
		e = Q_IO;
	return e;
}

/* The list in the format that batches are loaded from. */
static enum q_err
write_list(const char *dir, struct fault *f)
{
	AUTO_BUF struct buf text = BUF_INIT(LIST_MAX);
	struct fleet_ids ids;
	char path[PATH_MAX];
	enum q_err e = fleet_read(dir, &ids, f);

	if (e != Q_OK)
		return e;
	buf_puts(&text, "{\"devices\":[");
	for (size_t i = 0; i < ids.count; i++) {
		buf_puts(&text, i == 0 ? "\n\"" : ",\n\"");
		buf_puts(&text, ids.id[i]);
		buf_puts(&text, "\"");
	}
	buf_puts(&text, "\n]}\n");
	fleet_free(&ids);
	if (text.bad)
		return Q_NOMEM;
	e = path_join(path, sizeof(path), dir, FLEET_LIST);
	return e == Q_OK ? file_replace(path, text.p, text.len, 0644) : e;
}

enum q_err
fleet_make(const char *dir, unsigned long count, enum agent_key_type type,
    struct fault *f)
{
	AUTO_FD int fd = -1;
	struct fleet_ids ids;
	size_t have;
	enum q_err e;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return fault_set(f, Q_IO, "%s: %s", dir, strerror(errno));
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return fault_set(f, Q_IO, "%s: %s", dir, strerror(errno));
	e = fleet_read(dir, &ids, f);
	if (e != Q_OK)
		return e;
	have = ids.count;
	fleet_free(&ids);
	for (; have < count && e == Q_OK; have++)
		e = make_device(fd, type);
	if (e == Q_OK && syncfs(fd) < 0)
		e = Q_IO;
	if (e == Q_OK)
		e = write_list(dir, f);
	return e;
}
