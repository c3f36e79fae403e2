// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "token/softhsm.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fsio.h"
#include "base/log.h"

#define CONF_MAX 65536
#define OBJECT_MAX 65536
#define OBJECT "token.object"
#define COPY "token.quoin" /* SoftHSM looks at *.object only */

/* Value of directories.tokendir into out. */
static bool
folder_find(char *out, size_t cap)
{
	static const char key[] = "directories.tokendir";
	AUTO_BUF struct buf b = BUF_INIT(CONF_MAX);
	const char *path = getenv("SOFTHSM2_CONF");
	const char *at;
	size_t n;

	if (path == NULL || file_read(path, &b) != Q_OK || b.len == 0)
		return false;
	at = strstr((const char *)b.p, key);
	if (at == NULL || (at != (const char *)b.p && at[-1] != '\n'))
		return false;
	at += strlen(key);
	at += strspn(at, " \t=");
	n = strcspn(at, " \t\r\n");
	if (n == 0 || n >= cap)
		return false;
	memcpy(out, at, n);
	out[n] = '\0';
	return true;
}

static void
mend_one(const char *object, const char *copy)
{
	AUTO_BUF struct buf have = BUF_INIT(OBJECT_MAX);
	AUTO_BUF struct buf kept = BUF_INIT(OBJECT_MAX);

	if (file_read(copy, &kept) != Q_OK)
		return;
	if (file_read(object, &have) == Q_OK && have.len >= kept.len)
		return;
	log_warn("%s was cut short and is put back", object);
	if (file_replace(object, kept.p, kept.len, 0600) != Q_OK)
		log_error("%s cannot be put back", object);
}

static void
keep_one(const char *object, const char *copy)
{
	AUTO_BUF struct buf have = BUF_INIT(OBJECT_MAX);
	AUTO_BUF struct buf kept = BUF_INIT(OBJECT_MAX);

	if (file_read(object, &have) != Q_OK || have.len == 0 ||
	    (file_read(copy, &kept) == Q_OK && have.len == kept.len &&
	    memcmp(have.p, kept.p, have.len) == 0))
		return;
	if (file_replace(copy, have.p, have.len, 0600) != Q_OK)
		log_warn("%s cannot be written", copy);
}

/* For every token in the folder. */
static void
each_token(void (*one)(const char *object, const char *copy))
{
	char folder[1024], object[2048], copy[2048];
	DIR *d = folder_find(folder, sizeof(folder)) ? opendir(folder) : NULL;

	if (d == NULL)
		return;
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		if (e->d_name[0] == '.')
			continue;
		snprintf(object, sizeof(object), "%s/%s/%s", folder,
		    e->d_name, OBJECT);
		snprintf(copy, sizeof(copy), "%s/%s/%s", folder, e->d_name,
		    COPY);
		one(object, copy);
	}
	closedir(d);
}

void
softhsm_mend(void)
{
	each_token(mend_one);
}

void
softhsm_keep(void)
{
	each_token(keep_one);
}
