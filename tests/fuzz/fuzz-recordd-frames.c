// SPDX-License-Identifier: Apache-2.0
/*
 * A frame through recordd's dispatcher to a store, from the role that the
 * first byte names: every frame gets one well-formed reply, and what the
 * access table denies never reaches the store.
 */
#include "config.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/codec.h"
#include "recordd/ops.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static char dir[] = "/tmp/fuzz-recordd.XXXXXX";
static uint32_t role;

/* In place of the writing thread: a handler's write is done at once. */
enum q_err
writer_submit(struct writer *wr, struct wire_req *q,
    const struct store_write *w)
{
	struct store *st = (struct store *)(void *)wr;
	struct store_write copy = *w, *one = &copy;
	static const unsigned verbs[] = { [STORE_INSERT] = REC_INSERT,
		[STORE_PUT] = REC_PUT, [STORE_DELETE] = REC_DELETE,
		[STORE_MANY] = REC_INSERT, [STORE_PURGE] = REC_DELETE };

	(void)q;
	if ((rec_access(role, w->d->type) & verbs[w->verb]) == 0)
		abort();
	st->ops->write(st, &one, 1);
	return copy.result;
}

void
writer_counts(struct writer *wr, uint64_t *ret_writes, uint64_t *ret_commits)
{
	(void)wr;
	*ret_writes = *ret_commits = 0;
}

enum q_err
hints_watch(struct hints *h, struct wire_req *q, uint64_t mask)
{
	(void)h;
	(void)q;
	(void)mask;
	return Q_BUSY;
}

unsigned
hints_watchers(struct hints *h)
{
	(void)h;
	return 0;
}

static int
remove_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
	(void)sb;
	(void)flag;
	(void)ftw;
	return remove(path);
}

static void
tidy(void)
{
	nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void
set_up(struct recordd *rd)
{
	char uri[64];

	if (mkdtemp(dir) == NULL)
		abort();
	atexit(tidy);
	snprintf(uri, sizeof(uri), "sqlite:%s/quoin.db", dir);
	if (store_open(uri, dir, &rd->store, NULL) != Q_OK)
		abort();
	rd->writer = (struct writer *)(void *)rd->store;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	static struct recordd rd;
	AUTO_BUF struct buf out = BUF_INIT(WIRE_HEAD + WIRE_BODY_MAX);
	struct wire_server_conf conf = { .ops = recordd_ops,
		.n_ops = recordd_n_ops, .ctx = &rd };
	struct wire_head h;

	if (rd.store == NULL)
		set_up(&rd);
	if (len == 0)
		return 0;
	role = 1U << (p[0] % 9); /* one more than there are */
	wire_dispatch_frame(&conf, role, (struct bytes){ p + 1, len - 1 },
	    -1, &out);
	if (out.len != 0 && wire_head_get(buf_bytes(&out), &h) != Q_OK)
		abort();
	if (out.len != 0 && (h.status == Q_INTERNAL || h.status == Q_IO))
		abort();
	return 0;
}
