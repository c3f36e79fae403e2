// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "quoinctl/certset.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/codec.h"
#include "base/own.h"

#define CAP_FIRST ((size_t)1 << 16)

static enum q_err
table_map(size_t cap, struct certset_item **ret, struct fault *f)
{
	const char *dir = getenv("TMPDIR");
	AUTO_FD int fd = open(dir != NULL ? dir : "/var/tmp",
	    O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	void *map = MAP_FAILED;
	size_t len = cap * sizeof(**ret);

	/* Space that is there, or a full disk would be a signal. */
	if (fd >= 0 && (errno = posix_fallocate(fd, 0, (off_t)len)) == 0)
		map = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		    0);
	if (map == MAP_FAILED)
		return fault_set(f, Q_IO, "%.100s: %s", dir != NULL ? dir :
		    "/var/tmp", strerror(errno));
	*ret = map;
	return Q_OK;
}

enum q_err
certset_new(struct certset *ret_set, struct fault *f)
{
	*ret_set = (struct certset){ .cap = CAP_FIRST };
	return table_map(CAP_FIRST, &ret_set->slots, f);
}

void
certset_free(struct certset *s)
{
	if (s->slots != NULL)
		munmap(s->slots, s->cap * sizeof(*s->slots));
	s->slots = NULL;
}

/* Serials are random: their bytes are the hash. */
static struct certset_item *
place(const struct certset *s, const uint8_t *serial, const uint8_t *ca)
{
	size_t at = le64_get(serial + 4) & (s->cap - 1);

	while (s->slots[at].marks != 0 &&
	    (memcmp(s->slots[at].serial, serial, CERTSET_SERIAL) != 0 ||
	    memcmp(s->slots[at].ca, ca, CERTSET_CA) != 0))
		at = (at + 1) & (s->cap - 1);
	return &s->slots[at];
}

struct certset_item *
certset_find(const struct certset *s, const uint8_t serial[CERTSET_SERIAL],
    const uint8_t ca[CERTSET_CA])
{
	struct certset_item *at = place(s, serial, ca);

	return at->marks != 0 ? at : NULL;
}

static enum q_err
grow(struct certset *s, struct fault *f)
{
	struct certset bigger = { .cap = 2 * s->cap, .n = s->n };
	enum q_err r = table_map(bigger.cap, &bigger.slots, f);

	if (r != Q_OK)
		return r;
	for (size_t i = 0; i < s->cap; i++)
		if (s->slots[i].marks != 0)
			*place(&bigger, s->slots[i].serial, s->slots[i].ca) =
			    s->slots[i];
	certset_free(s);
	*s = bigger;
	return Q_OK;
}

enum q_err
certset_add(struct certset *s, const struct certset_item *item,
    struct certset_item **ret_item, struct fault *f)
{
	enum q_err r = s->n >= s->cap / 4 * 3 ? grow(s, f) : Q_OK;
	struct certset_item *at;

	if (r != Q_OK)
		return r;
	at = place(s, item->serial, item->ca);
	if (at->marks == 0) {
		*at = *item;
		s->n++;
	}
	*ret_item = at;
	return Q_OK;
}
