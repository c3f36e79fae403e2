// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "base/secret.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fsio.h"

enum q_err
secret_new(const void *p, size_t len, struct secret *ret_secret)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = (len + 1 + page - 1) / page * page;
	uint8_t *m;

	if (len > SECRET_MAX)
		return Q_TOOBIG;
	m = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m == MAP_FAILED)
		return Q_NOMEM;
	/* Both are hardening; a tight RLIMIT_MEMLOCK must not stop us. */
	(void)mlock(m, size);
	(void)madvise(m, size, MADV_DONTDUMP);
	memcpy(m, p, len);
	*ret_secret = (struct secret){ m, len, size };
	return Q_OK;
}

enum q_err
secret_load(const char *path, struct secret *ret_secret)
{
	AUTO_BUF struct buf b = BUF_INIT(SECRET_MAX);
	enum q_err r = file_read(path, &b);

	if (r != Q_OK)
		return r;
	if (b.len != 0 && b.p[b.len - 1] == '\n')
		b.len--;
	return b.len == 0 ? Q_INVALID : secret_new(b.p, b.len, ret_secret);
}

void
secret_free(struct secret *s)
{
	if (s->p == NULL)
		return;
	explicit_bzero(s->p, s->mapped);
	munmap(s->p, s->mapped);
	*s = (struct secret){ 0 };
}

void
secret_process_harden(void)
{
	const struct rlimit none = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &none);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}
