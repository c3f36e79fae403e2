// SPDX-License-Identifier: Apache-2.0
/* The journal: written, read back, torn at every byte, changed everywhere,
 * on a disk that is full. */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fsio.h"
#include "base/own.h"
#include "signd/issued.h"
#include "signd/journal.h"
#include "signer/journal_check.h"
#include "tap.h"

static char dir[64];

static struct journal_conf
conf_of(size_t segment)
{
	return (struct journal_conf){ .dir = dir, .segment_bytes = segment };
}

static struct journal *
start(const struct journal_conf *c, enum q_err want)
{
	struct journal *j = NULL;
	struct fault f = { 0 };
	enum q_err r = journal_open(c, &j, &f);

	if (r != want)
		printf("# open: %s, %s\n", q_err_name(r), f.msg);
	return r == want ? j : NULL;
}

static enum q_err
put(struct journal *j, uint32_t pid)
{
	struct journal_start body = { .version = "1", .pid = pid };

	return journal_put(j, &(struct journal_entry){ JOURNAL_start, 7,
		"0123456789abcdef", &body }, NULL);
}

static void
clear(void)
{
	DIR *d = opendir(dir);
	char path[400];

	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		unlink(path);
	}
	if (d != NULL)
		closedir(d);
}

static void
first_path(char *out, size_t cap)
{
	char name[40];

	journal_segment_name(1, name);
	snprintf(out, cap, "%s/%s", dir, name);
}

static void
file_put(const struct buf *b, size_t len)
{
	char path[200];
	int fd;

	first_path(path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || fd_write_all(fd, b->p, len) != Q_OK)
		abort();
	close(fd);
}

struct seen {
	unsigned n;
	uint64_t last;
};

static enum q_err
count(void *arg, const struct journal_record *r)
{
	struct seen *s = arg;

	s->n++;
	s->last = r->seq;
	return Q_OK;
}

static void
test_whole(struct buf *copy)
{
	struct journal_conf c = conf_of(JOURNAL_SEGMENT_BYTES);
	struct journal *j = start(&c, Q_OK);
	struct journal_end end;
	struct seen s = { 0 };
	char path[200];

	for (uint32_t i = 0; i < 5; i++)
		if (put(j, i) != Q_OK)
			abort();
	ok(start(&c, Q_EXISTS) == NULL, "nobody else opens it");
	journal_close(j);
	is_int(journal_read(dir, 0, count, &s, &end, NULL), Q_OK, "read");
	is_int(s.n, 5, "five records");
	is_int(end.seq, 5, "the last is the fifth");
	first_path(path, sizeof(path));
	if (file_read(path, copy) != Q_OK)
		abort();
}

/* Cut at every byte: read up to the last whole record, and signd goes on. */
static void
test_torn(const struct buf *copy)
{
	struct journal_conf c = conf_of(JOURNAL_SEGMENT_BYTES);
	size_t record = copy->len / 5;
	bool good = true;

	for (size_t len = 1; len < copy->len; len++) {
		struct journal_end end;
		struct journal *j;

		file_put(copy, len);
		good &= journal_read(dir, 0, NULL, NULL, &end, NULL) == Q_OK &&
		    end.seq == len / record && end.torn == len % record;
		j = start(&c, Q_OK);
		good &= j != NULL && put(j, 9) == Q_OK;
		journal_close(j);
		good &= journal_read(dir, 0, NULL, NULL, &end, NULL) == Q_OK &&
		    end.seq == len / record + 1 && end.torn == 0;
	}
	ok(good, "torn at every byte");
}

/* Every bit matters, but in a record's length that points behind the end of
 * the file: that is a torn tail to the reader, and a missing record to who
 * noted the head. */
static void
test_changed(const struct buf *copy, const char *noted)
{
	AUTO_BUF struct buf b = BUF_INIT(65536);
	bool good = true;

	for (size_t at = 0; at < copy->len; at++) {
		struct journal_end end;

		buf_reset(&b);
		buf_put(&b, copy->p, copy->len);
		b.p[at] ^= 1 << at % 8;
		file_put(&b, b.len);
		good &= journal_verify(dir, noted, &end, NULL) == Q_SIGNATURE;
	}
	ok(good, "a changed bit at every byte");
}

static void
test_moved(const struct buf *copy, const char *noted)
{
	AUTO_BUF struct buf b = BUF_INIT(65536);
	size_t n = copy->len / 5;
	struct journal_end end;

	buf_put(&b, copy->p, n);
	buf_put(&b, copy->p + 2 * n, n);
	buf_put(&b, copy->p + n, n);
	buf_put(&b, copy->p + 3 * n, 2 * n);
	file_put(&b, b.len);
	is_int(journal_verify(dir, NULL, &end, NULL), Q_SIGNATURE, "swapped");
	buf_reset(&b);
	buf_put(&b, copy->p, 2 * n);
	buf_put(&b, copy->p + 3 * n, 2 * n);
	file_put(&b, b.len);
	is_int(journal_verify(dir, NULL, &end, NULL), Q_SIGNATURE, "dropped");
	buf_reset(&b);
	buf_put(&b, copy->p + n, 4 * n);
	file_put(&b, b.len);
	is_int(journal_verify(dir, NULL, &end, NULL), Q_SIGNATURE,
	    "without its beginning");
	file_put(copy, 4 * n);
	is_int(journal_verify(dir, NULL, &end, NULL), Q_OK,
	    "without its end it is whole");
	is_int(journal_verify(dir, noted, &end, NULL), Q_SIGNATURE,
	    "but not to who noted the head");
	file_put(copy, copy->len);
	is_int(journal_verify(dir, noted, &end, NULL), Q_OK, "unchanged");
	is_int(journal_verify(dir, "5 abc", &end, NULL), Q_USAGE,
	    "a note that is none");
}

static enum q_err
head(void *ctx, struct journal *j)
{
	struct journal_start body = { .version = "head" };

	++*(int *)ctx;
	return journal_append_locked(j, &(struct journal_entry){
		JOURNAL_start, JOURNAL_NO_UID, "", &body });
}

static void
test_segments(void)
{
	int heads = 0;
	struct journal_conf c = { .dir = dir, .segment_bytes = 1000,
		.head = head, .ctx = &heads };
	struct journal *j = start(&c, Q_OK);
	struct journal_end end;
	struct seen s = { 0 };
	char name[40], path[200];

	for (uint32_t i = 0; i < 100; i++)
		if (put(j, i) != Q_OK)
			abort();
	journal_close(j);
	is_int(journal_read(dir, 0, count, &s, &end, NULL), Q_OK, "segments");
	ok(end.segments > 10, "%u of them", end.segments);
	is_int(heads, end.segments - 1, "a head in each but the first");
	is_int(s.n, 100 + heads, "all records");
	s.n = 0;
	is_int(journal_read(dir, 2, count, &s, &end, NULL), Q_OK, "last two");
	ok(s.n < 30, "%u records", s.n);
	journal_segment_name(1, name);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
	is_int(journal_verify(dir, NULL, &end, NULL), Q_SIGNATURE,
	    "the first segment is missing");
}

/* A head of the journal as it is now, by this key; next introduces one. */
static enum q_err
head_put(struct journal *j, EVP_PKEY *k, EVP_PKEY *next, struct buf *line)
{
	AUTO_BUF struct buf text = BUF_INIT(512);
	uint8_t hash[32], spki[512], other[512], digest[32], sig[128];
	uint8_t *p = spki, *q = other;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	size_t sig_len = sizeof(sig);
	struct journal_head h = { .hash = { hash, 32 }, .wall = 1 };

	h.seq = journal_head(j, hash);
	h.spki = (struct bytes){ spki, (size_t)i2d_PUBKEY(k, &p) };
	if (next != NULL) {
		SHA256(other, (size_t)i2d_PUBKEY(next, &q), digest);
		h.next = (struct bytes){ digest, 32 };
	}
	journal_head_statement(&h, "0123456789abcdef", &text);
	if (EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, k) != 1 ||
	    EVP_DigestSign(md, sig, &sig_len, text.p, text.len) != 1)
		abort();
	EVP_MD_CTX_free(md);
	h.signature = (struct bytes){ sig, sig_len };
	if (line != NULL)
		journal_head_line(&h, "0123456789abcdef", line);
	return journal_put(j, &(struct journal_entry){ JOURNAL_head,
		JOURNAL_NO_UID, "0123456789abcdef", &h }, NULL);
}

static enum q_err
check(const char *archive, const struct buf *line,
    struct journal_checked *ret)
{
	AUTO_OUTSIDES struct journal_outsides o = { 0 };
	struct journal_range range = { .dir = dir, .archive = archive };

	if (line != NULL && journal_outside_line(&o, (const char *)line->p,
	    line->len, NULL) != Q_OK)
		return Q_INTERNAL;
	return journal_check(&range, &o, ret, NULL);
}

/* Keys follow each other, and old segments may be elsewhere. */
static void
test_heads(void)
{
	AUTO_BUF struct buf first = BUF_INIT(JOURNAL_LINE_MAX);
	AUTO_BUF struct buf last = BUF_INIT(JOURNAL_LINE_MAX);
	struct journal_conf c = conf_of(2000);
	struct journal *j = start(&c, Q_OK);
	EVP_PKEY *a = EVP_EC_gen("P-256"), *b = EVP_EC_gen("P-256");
	EVP_PKEY *other = EVP_EC_gen("P-256");
	struct journal_checked got;
	char archive[80], from[200], to[200], name[40];
	bool good = true;

	for (uint32_t i = 0; i < 60; i++)
		good &= put(j, i) == Q_OK && (i % 7 != 3 ||
		    head_put(j, i < 30 ? a : b, i == 24 ? b : NULL,
		    i == 3 ? &first : i == 59 ? &last : NULL) == Q_OK);
	ok(good, "heads by two keys");
	is_int(check(NULL, NULL, &got), Q_OK, "the second was introduced");
	is_int(got.heads, 9, "all heads");
	is_int(check(NULL, &first, &got), Q_OK, "as one from outside says");
	is_int(got.outside, 1, "it was seen");
	snprintf(archive, sizeof(archive), "%s/old", dir);
	if (mkdir(archive, 0700) != 0)
		abort();
	journal_segment_name(1, name);
	snprintf(from, sizeof(from), "%s/%s", dir, name);
	snprintf(to, sizeof(to), "%s/%s", archive, name);
	if (rename(from, to) != 0)
		abort();
	is_int(check(NULL, NULL, &got), Q_SIGNATURE, "no beginning");
	is_int(check(NULL, &first, &got), Q_SIGNATURE,
	    "a head of what is archived does not help");
	is_int(check(archive, &first, &got), Q_OK, "both folders");
	is_int(got.end.first, 1, "from the first record");
	is_int(check(NULL, &last, &got), Q_OK, "a head since then");
	ok(got.end.first > 1, "covers what was before");
	good = head_put(j, other, NULL, NULL) == Q_OK;
	is_int(check(archive, NULL, &got), Q_SIGNATURE,
	    "a key that none introduced");
	is_int(good, true, "and it was written");
	journal_close(j);
	unlink(to);
	rmdir(archive);
	EVP_PKEY_free(a);
	EVP_PKEY_free(b);
	EVP_PKEY_free(other);
}

/* A file size limit is a full disk: refused, nothing half written, and good
 * again when there is room. */
static void
test_full(void)
{
	struct journal_conf c = conf_of(JOURNAL_SEGMENT_BYTES);
	struct journal *j = start(&c, Q_OK);
	struct rlimit was, small = { 1000, RLIM_INFINITY };
	struct journal_end end;
	unsigned n = 0, after;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &was);
	small.rlim_max = was.rlim_max;
	setrlimit(RLIMIT_FSIZE, &small);
	while (n < 100 && put(j, n) == Q_OK)
		n++;
	ok(n > 2 && n < 100, "full after %u records", n);
	is_int(put(j, n), Q_UNAVAIL, "and says so");
	is_int(journal_read(dir, 0, NULL, NULL, &end, NULL), Q_OK, "whole");
	is_int(end.torn, 0, "nothing half written");
	setrlimit(RLIMIT_FSIZE, &was);
	for (after = 0; after < 5 && put(j, after) == Q_OK; after++)
		;
	is_int(after, 5, "room again");
	journal_close(j);
	is_int(journal_read(dir, 0, NULL, NULL, &end, NULL), Q_OK, "whole");
	is_int(end.seq, n + 5, "every answered record");
}

static void *
writer(void *arg)
{
	for (uint32_t i = 0; i < 200; i++)
		if (put(arg, i) != Q_OK)
			abort();
	return NULL;
}

static void
test_threads(void)
{
	struct journal_conf c = conf_of(20000);
	struct journal *j = start(&c, Q_OK);
	pthread_t t[8];
	struct journal_end end;

	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		if (pthread_create(&t[i], NULL, writer, j) != 0)
			abort();
	for (size_t i = 0; i < ARRAY_LEN(t); i++)
		pthread_join(t[i], NULL);
	journal_close(j);
	is_int(journal_read(dir, 0, NULL, NULL, &end, NULL), Q_OK, "threads");
	is_int(end.seq, 1600, "every record of 8 threads");
}

/* The map of requests: oldest are forgotten first, owners never. */
static void
test_issued(void)
{
	struct issued *m;
	struct issued_at at = { 1, 1, 42 }, got;
	enum issued_state st;
	uint8_t key[32] = { 0 };

	if (issued_new(4, &m) != Q_OK)
		abort();
	is_int(issued_begin(m, key, &st, &got), Q_OK, "a first request");
	is_int(st, ISSUED_NEW, "is new");
	issued_set(m, key, ISSUED_INTENT, &at);
	for (uint8_t i = 1; i < 20; i++) {
		uint8_t other[32] = { i };

		issued_set(m, other, ISSUED_DONE, &at);
	}
	issued_end(m, key);
	is_int(issued_begin(m, key, &st, &got), Q_OK, "begun again");
	is_int(st, ISSUED_INTENT, "what was owned is still known");
	is_int(got.offset, 42, "and where");
	issued_set(m, key, ISSUED_DONE, &at);
	issued_end(m, key);
	key[0] = 1;
	is_int(issued_begin(m, key, &st, &got), Q_OK, "the oldest");
	is_int(st, ISSUED_NEW, "is forgotten");
	key[0] = 19;
	is_int(issued_begin(m, key, &st, &got), Q_OK, "the latest");
	is_int(st, ISSUED_DONE, "is done");
	issued_free(m);
}

int
main(void)
{
	AUTO_BUF struct buf copy = BUF_INIT(65536);
	char noted[JOURNAL_NOTE_LEN];
	struct journal_end end = { 0 };

	snprintf(dir, sizeof(dir), "/tmp/test-journal.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return 1;
	test_whole(&copy);
	if (journal_verify(dir, NULL, &end, NULL) != Q_OK)
		return 1;
	journal_note(&end, noted);
	test_torn(&copy);
	test_changed(&copy, noted);
	test_moved(&copy, noted);
	clear();
	test_segments();
	clear();
	test_heads();
	clear();
	test_full();
	clear();
	test_threads();
	clear();
	test_issued();
	rmdir(dir);
	return done();
}
