// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/fsio.h"
#include "base/own.h"
#include "quoinctl/journal.h"
#include "quoinctl/out.h"

enum q_err
journal_dir(struct ctl *c, char out[JOURNAL_DIR_MAX], struct fault *f)
{
	const char *dir = c->opt[CTL_OPT_dir];
	enum q_err r = dir != NULL ?
	    path_join(out, JOURNAL_DIR_MAX, dir, ".") :
	    path_join(out, JOURNAL_DIR_MAX, c->conf.state, "journal");

	return r == Q_OK ? r : fault_set(f, r, "the path is too long");
}

/* What the daemon says the end is must be in the files, too: a journal cut
 * off behind its back. Without a daemon there is nothing to compare. */
static bool
noted_by_daemon(struct ctl *c, struct journal_outsides *o)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_status_req req = { 0 };
	struct signd_status_rsp s;
	struct journal_end end = { 0 };
	char note[JOURNAL_NOTE_LEN];
	enum q_err r = ctl_signd(c, NULL);

	if (r == Q_OK)
		r = signd_status(c->signd, &req, &s, &hold, NULL);
	if (r != Q_OK || s.journal_head.len != JOURNAL_HASH)
		return false;
	end.seq = s.journal_seq;
	memcpy(end.hash, s.journal_head.p, JOURNAL_HASH);
	journal_note(&end, note);
	return journal_outside_note(o, note, NULL) == Q_OK;
}

/* Every head in the file's lines. */
static enum q_err
heads_read(const char *path, struct journal_outsides *o, struct fault *f)
{
	FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	size_t cap = 0, before = o->n;
	char *line = NULL;
	ssize_t len;
	enum q_err r = Q_OK;

	if (in == NULL)
		return fault_set(f, errno == ENOENT ? Q_NOTFOUND : Q_IO,
		    "%.120s: %s", path, strerror(errno));
	while (r == Q_OK && (len = getline(&line, &cap, in)) >= 0)
		r = journal_outside_line(o, line, (size_t)len, f);
	if (r == Q_OK && ferror(in))
		r = fault_set(f, Q_IO, "%.120s: %s", path, strerror(errno));
	if (r == Q_OK && o->n == before)
		r = fault_set(f, Q_INVALID, "%.120s: no heads in it", path);
	free(line);
	if (in != stdin)
		fclose(in);
	return r;
}

static enum q_err
outsides_take(struct ctl *c, struct journal_outsides *o, bool *ret_daemon,
    struct fault *f)
{
	enum q_err r = Q_OK;

	if (c->opt[CTL_OPT_head] != NULL)
		r = journal_outside_note(o, c->opt[CTL_OPT_head], f);
	if (r == Q_OK && c->opt[CTL_OPT_heads] != NULL)
		r = heads_read(c->opt[CTL_OPT_heads], o, f);
	/* Another folder's journal is not the daemon's. */
	if (r == Q_OK && c->opt[CTL_OPT_dir] == NULL)
		*ret_daemon = noted_by_daemon(c, o);
	return r;
}

static void
verified(struct ctl *c, const struct journal_checked *j, bool daemon)
{
	struct json_object *o = out_object();
	uint64_t kept = j->outside - (daemon && j->outside != 0);
	char note[JOURNAL_NOTE_LEN], with[80] = "";

	journal_note(&j->end, note);
	if (kept != 0)
		snprintf(with, sizeof(with), "\n%" PRIu64
		    " heads from outside agree.", kept);
	out_bool(o, "ok", true);
	out_int(o, "records", j->end.first == 0 ? 0 :
	    j->end.seq - j->end.first + 1);
	out_int(o, "first", j->end.first);
	out_int(o, "segments", j->end.segments);
	out_int(o, "torn_bytes", j->end.torn);
	out_bool(o, "daemon_agrees", daemon);
	out_str(o, "head", note);
	out_int(o, "heads", j->heads);
	out_int(o, "signed_up_to", j->covered);
	out_int(o, "outside", kept);
	out_int(o, "outside_earlier", j->earlier);
	if (j->has_key)
		out_hex(o, "journal_key",
		    (struct bytes){ j->spki, sizeof(j->spki) });
	out_done(c, o, "The journal is whole: %" PRIu64 " records in %u "
	    "files%s.\n%" PRIu64 " signed heads, up to record %" PRIu64
	    ".%s\nNote its end; a later --head with it shows that "
	    "nothing was cut off:\n  %s", j->end.seq - j->end.first +
	    (j->end.first != 0), j->end.segments, daemon ?
	    ", as the signing daemon says" : "", j->heads, j->covered, with,
	    note);
}

enum q_err
cmd_journal_verify(struct ctl *c, struct fault *f)
{
	AUTO_OUTSIDES struct journal_outsides o = { 0 };
	char dir[JOURNAL_DIR_MAX];
	struct journal_range range = { .dir = dir,
		.archive = c->opt[CTL_OPT_archive] };
	struct journal_checked found;
	bool daemon = false;
	enum q_err r = journal_dir(c, dir, f);

	if (r == Q_OK)
		r = outsides_take(c, &o, &daemon, f);
	if (r == Q_OK)
		r = journal_check(&range, &o, &found, f);
	if (r == Q_NOTFOUND && c->opt[CTL_OPT_archive] == NULL &&
	    access(dir, F_OK) != 0)
		return fault_set(f, r, "no journal in %.120s: name the "
		    "appliance's folder with --state", dir);
	if (r == Q_OK)
		verified(c, &found, daemon);
	return r;
}

/* Appended, unless it is the last line already. */
static enum q_err
line_append(const char *path, struct buf *line, struct fault *f)
{
	AUTO_FD int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC,
	    0644);
	char last[JOURNAL_LINE_MAX];
	off_t size, at;
	ssize_t n;

	if (fd < 0 || (size = lseek(fd, 0, SEEK_END)) < 0)
		return fault_set(f, Q_IO, "%.120s: %s", path, strerror(errno));
	at = size - (off_t)line->len;
	n = at < 0 ? 0 : pread(fd, last, line->len, at);
	if (n == (ssize_t)line->len && memcmp(last, line->p, line->len) == 0)
		return Q_OK;
	if (fd_write_all(fd, line->p, line->len) != Q_OK || fsync(fd) != 0)
		return fault_set(f, Q_IO, "%.120s: %s", path, strerror(errno));
	return Q_OK;
}

enum q_err
cmd_journal_export(struct ctl *c, struct fault *f)
{
	AUTO_BUF struct buf line = BUF_INIT(JOURNAL_LINE_MAX);
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_journal_export_req req = { 0 };
	struct signd_journal_export_rsp h;
	struct journal_head body;
	struct json_object *o;
	enum q_err r = ctl_signd(c, f);

	if (r == Q_OK)
		r = signd_journal_export(c->signd, &req, &h, &hold, f);
	if (r != Q_OK)
		return r;
	body = (struct journal_head){ .seq = h.seq, .hash = h.hash,
		.wall = h.wall, .spki = h.spki, .next = h.next,
		.signature = h.signature };
	r = journal_head_verify(&body, h.key, f);
	journal_head_line(&body, h.key, &line);
	buf_puts(&line, "\n");
	if (r == Q_OK && line.bad)
		r = Q_NOMEM;
	if (r == Q_OK && c->argc > 0)
		r = line_append(c->argv[0], &line, f);
	if (r != Q_OK)
		return r;
	o = out_object();
	out_int(o, "number", h.seq);
	out_hex(o, "hash", h.hash);
	out_time(o, "at", (int64_t)h.wall);
	out_str(o, "key", h.key);
	if (c->argc > 0)
		out_done(c, o, "The head of record %" PRIu64 " is in %s.",
		    h.seq, c->argv[0]);
	else
		out_done(c, o, "%.*s", (int)line.len - 1,
		    (const char *)line.p);
	return Q_OK;
}

/* Of the key that was active when this began, so that it is never replaced
 * twice. */
enum q_err
cmd_journal_renew(struct ctl *c, struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { 0 }, again = { 0 };
	struct signd_journal_export_req head = { 0 };
	struct signd_journal_export_rsp h;
	struct signd_journal_renew_req req = { 0 };
	struct signd_journal_renew_rsp rsp;
	struct json_object *o;
	enum q_err r = ctl_signd(c, f);

	if (r == Q_OK)
		r = signd_journal_export(c->signd, &head, &h, &hold, f);
	if (r != Q_OK)
		return r;
	req.key = h.key;
	r = signd_journal_renew(c->signd, &req, &rsp, &again, f);
	if (r != Q_OK)
		return r;
	o = out_object();
	out_str(o, "key", rsp.key);
	out_done(c, o, "The journal key is %s now; a head by the one before "
	    "names it.", rsp.key);
	return Q_OK;
}
