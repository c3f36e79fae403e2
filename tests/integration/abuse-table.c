// SPDX-License-Identifier: Apache-2.0
/*
 * abuse-table CONF: every op of quoin-signd's x every role x every field
 * wrong, from the tables themselves, so that a new op is there by itself.
 * Whoever may not is told so whatever is sent; whoever may gets a clean error
 * that names the field. Then what must not have come of it: keys, records of
 * the journal, a worker that was started again.
 */
#include "config.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/own.h"
#include "signer/journal_read.h"
#include "signer/signer.h"
#include "tests/integration/abuse.h"

static const struct op {
	uint16_t num;
	const char *name;
	uint32_t roles;
	size_t cap;
	const struct wire_type *req;
} ops[] = {
#define X(name, num, roles, cap, text) { num, #name, roles, cap, \
	&signd_##name##_req_type },
	SIGND_OPS(X)
#undef X
};

/* What is wrong with a field; which kinds it fits. */
#define WRONGS(X)                                                            \
	X(TOO_LONG, "one byte too many", KIND(STR) | KIND(BIN))              \
	X(HUGE_LENGTH, "a length of 2^32-1", KIND(STR) | KIND(BIN))          \
	X(BEYOND, "a length beyond the end", KIND(STR) | KIND(BIN))          \
	X(NUL, "NUL inside", KIND(STR))                                      \
	X(NO_NUL, "no NUL behind", KIND(STR))                                \
	X(OVER, "over its maximum", KIND(U32) | KIND(U64))                   \
	X(TWO, "2 for a truth", KIND(BOOL))                                  \
	X(CUT, "cut short", KIND(STR) | KIND(BIN) | KIND(U32) | KIND(U64) |  \
	    KIND(BOOL))
#define KIND(k) (1u << WIRE_##k)

enum wrong {
#define X(name, text, kinds) WRONG_##name,
	WRONGS(X)
#undef X
	WRONG_NONE
};

static const struct {
	const char *text;
	uint32_t kinds;
} wrongs[] = {
#define X(name, text, kinds) { text, kinds },
	WRONGS(X)
#undef X
};

static struct role_map roles;

static void
put32(struct buf *out, uint64_t v)
{
	uint8_t raw[4];

	le32_put(raw, (uint32_t)v);
	buf_put(out, raw, 4);
}

static void
fill_put(struct buf *out, char c, uint64_t n)
{
	while (n-- > 0)
		buf_put(out, &c, 1);
}

/* A value that can be decoded and means nothing. */
static void
plain_put(const struct wire_field *f, bool high, struct buf *out)
{
	uint64_t v = !high ? 0 : f->kind == WIRE_BOOL ? 1 :
	    f->max != 0 ? f->max : UINT64_MAX;
	/* Whoever claims to be somebody is nobody else for it. */
	const char *s = strcmp(f->name, "user") == 0 ? "root" : "!";

	if (f->kind == WIRE_U32 || f->kind == WIRE_BOOL) {
		put32(out, v);
	} else if (f->kind == WIRE_U64) {
		put32(out, v);
		put32(out, v >> 32);
	} else if (f->kind == WIRE_STR) {
		put32(out, strlen(s));
		buf_put(out, s, strlen(s) + 1);
	} else if (f->kind == WIRE_BIN) {
		put32(out, 1);
		buf_put(out, "\xff", 1);
	}
}

static void
wrong_put(const struct wire_field *f, enum wrong w, struct buf *out)
{
	bool bytes = (KIND(STR) | KIND(BIN)) >> f->kind & 1;

	if (w == WRONG_TOO_LONG) {
		put32(out, f->max + 1);
		fill_put(out, 'x', f->max + 1);
	} else if (w == WRONG_HUGE_LENGTH) {
		put32(out, UINT32_MAX);
	} else if (w == WRONG_BEYOND || (w == WRONG_CUT && bytes)) {
		put32(out, w == WRONG_CUT ? 4 : WIRE_BODY_MAX);
		fill_put(out, 'x', 3);
	} else if (w == WRONG_NUL) {
		put32(out, 3);
		buf_put(out, "a\0b", 4);
	} else if (w == WRONG_NO_NUL) {
		put32(out, 1);
		fill_put(out, 'x', 2);
	} else if (w == WRONG_OVER || w == WRONG_TWO) {
		put32(out, w == WRONG_TWO ? 2 : f->max + 1);
		if (f->kind == WIRE_U64)
			put32(out, (f->max + 1) >> 32);
	} else {
		fill_put(out, 0, 2);
	}
	if (f->kind == WIRE_STR && w == WRONG_TOO_LONG)
		fill_put(out, 0, 1);
}

/* The whole body with field `at` wrong; ends behind it when it is to be cut
 * there. */
static void
body_make(const struct op *op, size_t at, enum wrong w, bool high,
    struct buf *out)
{
	buf_reset(out);
	for (size_t i = 0; i < op->req->n; i++) {
		if (i == at && w != WRONG_NONE)
			wrong_put(&op->req->fields[i], w, out);
		else
			plain_put(&op->req->fields[i], high, out);
		if (i == at && (w == WRONG_CUT || w == WRONG_BEYOND))
			return;
	}
}

/* Nothing but a page's beginning or for whom: whatever that is, there may be
 * an answer. */
static bool
is_quiet(const struct op *op)
{
	return op->req->n == 0 || (op->req->n == 1 &&
	    (strcmp(op->req->fields[0].name, "after") == 0 ||
	    strcmp(op->req->fields[0].name, "user") == 0));
}

/* One cell of the table: an op and a role. */
struct cell {
	const struct op *op;
	uid_t uid;
	bool may;
	int sock;
	unsigned asked, bad;
	char text[400]; /* of the first that was bad */
};

static void
bad(struct cell *c, const struct abuse_answer *a, const char *field,
    const char *what)
{
	if (c->bad++ == 0)
		snprintf(c->text, sizeof(c->text), " [%s %s: %s%s%s]", field,
		    what, a->gone ? "connection ended" : a->late ?
		    "no answer" : q_err_name((enum q_err)a->head.status),
		    *a->text != '\0' ? ", " : "", a->text);
}

/* Ask, and whether what comes is among these errors (bits of their
 * numbers). */
static void
ask(struct cell *c, struct bytes body, int fd, uint32_t good,
    const char *field, const char *what)
{
	struct abuse_answer a = { .gone = true };
	char want[80];

	if (c->sock < 0)
		c->sock = abuse_open(c->uid);
	if (!c->may)
		good = 1u << Q_DENIED;
	if (abuse_send(c->sock, c->op->num, body, &fd, fd >= 0))
		abuse_answer(c->sock, 20000, &a);
	c->asked++;
	snprintf(want, sizeof(want), ".%s: malformed", field);
	if (a.gone || a.late || a.head.id != 7 || a.head.status > 31 ||
	    (good >> a.head.status & 1) == 0 ||
	    (a.head.status != Q_OK && *a.text == '\0') ||
	    (a.head.status == Q_PROTO && *field != '\0' &&
	    strstr(a.text, want) == NULL))
		bad(c, &a, field, what);
	if (a.gone || a.late) {
		close(c->sock);
		c->sock = -1;
	}
}

#define MALFORMED (1u << Q_PROTO | 1u << Q_TOOBIG)

static void
ask_fields(struct cell *c, struct buf *body)
{
	for (size_t i = 0; i < c->op->req->n; i++) {
		const struct wire_field *f = &c->op->req->fields[i];

		for (enum wrong w = 0; w < WRONG_NONE; w++) {
			if ((wrongs[w].kinds >> f->kind & 1) == 0 ||
			    (w == WRONG_OVER && (f->max == 0 ||
			    f->max >= UINT32_MAX)))
				continue;
			body_make(c->op, i, w, false, body);
			if (body->len > WIRE_BODY_MAX)
				continue;
			ask(c, buf_bytes(body), -1, MALFORMED, f->name,
			    wrongs[w].text);
		}
	}
}

/* Every error but those that tell of a mistake of signd's own. */
static void
ask_whole(struct cell *c, struct buf *body)
{
	uint32_t good = ~(1u << Q_INTERNAL | 1u << Q_NOMEM | 1u << Q_IO |
	    1u << Q_PROTO | 1u << Q_UNAVAIL | 1u << Q_TIMEOUT);

	if (!is_quiet(c->op))
		good &= ~(1u << Q_OK);
	for (int high = 0; high < 2; high++) {
		body_make(c->op, 0, WRONG_NONE, high, body);
		ask(c, buf_bytes(body), -1, good, "", "values without sense");
	}
	fill_put(body, 0, 1);
	ask(c, buf_bytes(body), -1, MALFORMED, "", "a trailing byte");
	if (c->op->req->n != 0)
		ask(c, (struct bytes){ NULL, 0 }, -1, MALFORMED |
		    (wire_fd_of(c->op->req, body) != NULL ? good : 0), "",
		    "nothing at all");
	fill_put(body, 0, c->op->cap + 1 - (body->len < c->op->cap ?
	    body->len : c->op->cap));
	ask(c, buf_bytes(body), -1, MALFORMED, "", "more than its cap");
}

static int
memfd(unsigned seals)
{
	int fd = memfd_create("abuse", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || write(fd, "0\x80", 2) != 2 ||
	    fcntl(fd, F_ADD_SEALS, seals) != 0)
		abort();
	return fd;
}

/* A descriptor of each kind, whether the op wants one or not. */
static void
ask_fds(struct cell *c, struct buf *body)
{
	int pair[2], tube[2];
	uint32_t good = ~(1u << Q_INTERNAL | 1u << Q_NOMEM | 1u << Q_IO |
	    1u << Q_PROTO | 1u << Q_UNAVAIL | 1u << Q_TIMEOUT);

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0 ||
	    pipe(tube) != 0)
		abort();
	const struct {
		int fd;
		const char *text;
	} kinds[] = { { open("/", O_RDONLY | O_DIRECTORY), "a directory" },
		{ open("/dev/zero", O_RDWR), "/dev/zero" },
		{ open("/etc/passwd", O_RDONLY), "a file" },
		{ open("/etc/passwd", O_PATH), "a path" },
		{ pair[0], "a socket" }, { tube[0], "a pipe" },
		{ memfd(0), "a memfd without seals" },
		{ memfd(F_SEAL_WRITE | F_SEAL_SHRINK), "one that grows" },
		{ memfd(F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW),
		    "a sealed one of nonsense" } };

	if (!is_quiet(c->op))
		good &= ~(1u << Q_OK);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		body_make(c->op, 0, WRONG_NONE, false, body);
		ask(c, buf_bytes(body), kinds[i].fd, good, "",
		    kinds[i].text);
		close(kinds[i].fd);
	}
	close(pair[1]);
	close(tube[1]);
}

static uid_t
user_of(uint32_t role)
{
	for (size_t i = 0; i < roles.n; i++)
		if (roles.row[i].role == role)
			return roles.row[i].uid;
	return ABUSE_STRANGER;
}

static bool
cell_run(const struct op *op, uint32_t role)
{
	AUTO_BUF struct buf body = BUF_INIT(1 << 20);
	struct cell c = { .op = op, .uid = user_of(role), .sock = -1,
		.may = (op->roles & role) != 0 };

	if (role != ROLE_TOOL && c.uid == ABUSE_STRANGER)
		return abuse_result(false, "nobody has role %s",
		    role_name(role));
	ask_fields(&c, &body);
	ask_whole(&c, &body);
	ask_fds(&c, &body);
	close(c.sock);
	return abuse_result(c.bad == 0, "%s as %s: %s %u times%s", op->name,
	    role_name(role), c.may ? "clean errors" : "denied", c.asked,
	    c.text);
}

/* --- what must not have come of it */

struct before {
	struct signd_status_rsp status;
	size_t n_keys;
};

static enum q_err
key_count(void *arg, const struct signd_key *k)
{
	size_t *n = arg;

	(void)k;
	++*n;
	return Q_OK;
}

static void
look(struct wire_client *client, struct before *ret)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_status_req req = { 0 };
	struct fault f = { 0 };

	ret->n_keys = 0;
	if (signd_status(client, &req, &ret->status, &hold, &f) != Q_OK ||
	    signer_keys(client, key_count, &ret->n_keys, &f) != Q_OK) {
		abuse_result(false, "signd answers: %s", f.msg);
		exit(1);
	}
}

/* What a refused request may leave, and what time alone does. */
static enum q_err
record_each(void *arg, const struct journal_record *r)
{
	static const uint32_t may = 1u << JOURNAL_refuse |
	    1u << JOURNAL_head | 1u << JOURNAL_use | 1u << JOURNAL_count;
	const struct before *was = arg;

	if (r->seq > was->status.journal_seq && (may >> r->type & 1) == 0)
		abuse_result(false, "a record %s of user %" PRIu32
		    " is in the journal", journal_type_name(r->type), r->uid);
	return Q_OK;
}

int
main(int argc, char **argv)
{
	static struct conf conf;
	struct wire_client *client;
	struct before was, is;
	struct journal_end end;
	struct fault f = { 0 };
	char dir[600];
	bool good = true;

	if (argc != 2 || conf_load(argv[1], &conf, &f) != Q_OK ||
	    conf_socket(&conf, "signd", abuse_socket) != Q_OK ||
	    role_map_parse(conf.roles, &roles, &f) != Q_OK ||
	    signer_open(&conf, 60000, &client) != Q_OK) {
		fprintf(stderr, "abuse-table: %s\n", f.msg);
		return 1;
	}
	look(client, &was);
	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		for (uint32_t role = 1; role <= ROLE_TOOL; role <<= 1)
			good &= cell_run(&ops[i], role);
	look(client, &is);
	good &= abuse_result(is.n_keys == was.n_keys, "no key came or went");
	good &= abuse_result(is.status.generation == was.status.generation,
	    "the keyring is what it was");
	good &= abuse_result(is.status.ready && is.status.restarts ==
	    was.status.restarts, "the token's worker was not bothered");
	snprintf(dir, sizeof(dir), "%s/journal", conf.state);
	good &= abuse_result(journal_read(dir, 0, record_each, &was, &end,
	    &f) == Q_OK, "the journal verifies %s", f.msg);
	wire_client_free(client);
	return !good;
}
