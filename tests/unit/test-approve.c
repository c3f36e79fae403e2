// SPDX-License-Identifier: Apache-2.0
/* Approvals over time: until they expire, over segments of the journal, and
 * as many as fit. tests/integration/approve.sh has the rest. */
#include "config.h"

#include <dirent.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/own.h"
#include "signd/signd.h"
#include "signd/statement.h"
#include "tap.h"

#define SEGMENT 8192
#define REPLAY 5

static char dir[64];
static struct signd s;
static struct keyring *ring;
static struct key *key;
static EVP_PKEY *people[3];
static const char *const names[] = { "alice", "bob", "carol" };
static int64_t now = 1800000000;
static uint8_t digest[32];
static struct sign_shape shape;
static char id[SIGND_ID_LEN + 1];
static struct fault fault;

static int64_t
wall(void)
{
	return now;
}

static enum q_err
replay(void *ctx, const struct journal_record *r)
{
	(void)ctx;
	return approvals_replay(s.approvals, r);
}

static enum q_err
head(void *ctx, struct journal *j)
{
	(void)ctx;
	return approvals_head(s.approvals, j);
}

static void
begin(void)
{
	struct journal_conf c = { .dir = dir, .segment_bytes = SEGMENT,
		.replay = REPLAY, .each = replay, .head = head };

	if (approvals_new(wall, &s.approvals) != Q_OK ||
	    journal_open(&c, &s.journal, &fault) != Q_OK) {
		printf("Bail out! %s\n", fault.msg);
		exit(99);
	}
}

static void
restart(void)
{
	journal_close(s.journal);
	approvals_free(s.approvals);
	begin();
}

/* More segments than are read at the start. */
static void
segments_fill(void)
{
	struct journal_start body = { .version = "1" };

	for (int i = 0; i < 2 * REPLAY * SEGMENT / 100; i++)
		if (journal_append(s.journal, &(struct journal_entry){
		    JOURNAL_start, 0, "", &body }, NULL, NULL) != Q_OK)
			exit(99);
}

static void
approver_make(size_t i)
{
	struct approver a = { .created = 1 };
	uint8_t *spki = a.spki;
	int len;

	people[i] = EVP_EC_gen("P-256");
	len = i2d_PUBKEY(people[i], &spki);
	if (len <= 0)
		exit(99);
	a.spki_len = (size_t)len;
	snprintf(a.name, sizeof(a.name), "%s", names[i]);
	if (!keyring_approver_put(ring, &a))
		exit(99);
}

static void
ring_make(void)
{
	ring = keyring_new(NULL);
	key = key_new(PURPOSE_FIRMWARE, TOKEN_P256, "");
	if (ring == NULL || key == NULL)
		exit(99);
	snprintf(key->name, sizeof(key->name), "rel");
	key->rules.approvals = 2;
	snprintf(key->rules.approvers, sizeof(key->rules.approvers),
	    "alice bob carol");
	for (size_t i = 0; i < 3; i++)
		approver_make(i);
	if (keyring_put(ring, key) != Q_OK)
		exit(99);
}

static struct approve_ask
ask_of(uint8_t what, uint32_t uid)
{
	digest[0] = what;
	if (sign_shape_make(SIGND_ECDSA, (struct bytes){ digest, 32 },
	    &shape, NULL) != Q_OK)
		exit(99);
	return (struct approve_ask){ .action = APPROVE_SIGN, .key = key,
		.shape = &shape, .digest = { digest, 32 }, .meaning = "m",
		.user = "u", .uid = uid };
}

static enum q_err
take(uint8_t what)
{
	struct approve_ask ask = ask_of(what, 0);

	return approve_take(&s, ring, &ask, id, &fault);
}

/* Its id and statement. */
static struct signd_approval_want_rsp
want(uint8_t what, uint32_t uid, struct buf *space, enum q_err *ret)
{
	struct signd_approval_want_rsp rsp = { 0 };
	struct approve_ask ask = ask_of(what, uid);

	*ret = approve_want(&s, ring, &ask, space, &rsp, &fault);
	return rsp;
}

static enum q_err
give(uint8_t what, size_t who)
{
	AUTO_BUF struct buf space = BUF_INIT(4096);
	struct signd_approval_put_req in = { .approver = names[who] };
	struct signd_approval_put_rsp out = { 0 };
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t sig[128];
	size_t len = sizeof(sig);
	enum q_err r;
	struct signd_approval_want_rsp w = want(what, 0, &space, &r);

	if (r != Q_OK)
		return r;
	if (EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, people[who]) !=
	    1 || EVP_DigestSign(ctx, sig, &len, (const uint8_t *)w.statement,
	    strlen(w.statement)) != 1)
		exit(99);
	EVP_MD_CTX_free(ctx);
	in.id = w.id;
	in.signature = (struct bytes){ sig, len };
	return approve_put(&s, ring, &in, 0, &out, &fault);
}

static size_t
open_ones(void)
{
	AUTO_BUF struct buf out = BUF_INIT(1 << 20);
	struct signd_approval a;
	struct bytes rest;
	size_t n = 0;

	approve_list(&s, ring, "", SIZE_MAX, &out);
	rest = buf_bytes(&out);
	while (wire_list_next(&rest, &signd_approval_type, &a) == Q_OK)
		n++;
	return n;
}

static void
once(void)
{
	is_int(take(1), Q_WAIT, "it waits");
	is_int(give(1, 0), Q_OK, "one agrees");
	is_int(take(1), Q_WAIT, "it waits for the second");
	is_int(give(1, 1), Q_OK, "who agrees");
	is_int(take(2), Q_WAIT, "not to another digest");
	is_int(take(1), Q_OK, "taken");
	is_int(take(1), Q_WAIT, "but not twice at a time");
	take(1);
	is_int(open_ones(), 3, "another one is open for that");
}

static void
back_and_done(void)
{
	char used[SIGND_ID_LEN + 1];

	is_int(give(3, 0), Q_OK, "one");
	is_int(give(3, 2), Q_OK, "two");
	is_int(take(3), Q_OK, "taken");
	approve_back(&s, id);
	is_int(take(3), Q_OK, "given back, it can be taken again");
	memcpy(used, id, sizeof(used));
	segments_fill();
	approve_back(&s, id);
	segments_fill();
	restart();
	is_int(take(3), Q_OK, "also after a restart");
	is_str(id, used, "it is the same");
	is_int(approve_need(&s, ring, &(struct approve_ask){
		.action = APPROVE_DELETE_KEY, .key = key, .user = "" },
	    &fault), Q_WAIT, "which is for nothing else");
}

static void
used_stays_used(void)
{
	struct journal_sign rec = { .approval = id, .purpose = "firmware" };

	is_int(give(4, 0), Q_OK, "one");
	is_int(give(4, 1), Q_OK, "two");
	is_int(take(4), Q_OK, "taken");
	segments_fill();
	is_int(journal_put(s.journal, &(struct journal_entry){ JOURNAL_sign,
		0, key->id, &rec }, NULL), Q_OK, "the journal has the use");
	restart();
	is_int(take(4), Q_WAIT, "used, a crash right behind it");
	is_int(give(5, 0), Q_OK, "one");
	is_int(give(5, 1), Q_OK, "two");
	is_int(take(5), Q_OK, "taken");
	segments_fill();
	restart();
	is_int(take(5), Q_WAIT, "a crash while it was used, over many "
	    "segments: it is lost rather than used twice");
}

static enum q_err
withdraw(const char *which)
{
	struct signd_approval_withdraw_req in = { .id = which, .user = "u" };

	return approve_withdraw(&s, &in, 0, &fault);
}

static void
withdrawn(void)
{
	char other[SIGND_ID_LEN + 1];

	is_int(give(8, 0), Q_OK, "one");
	is_int(give(8, 1), Q_OK, "two");
	is_int(take(8), Q_OK, "taken");
	is_int(withdraw(id), Q_BUSY, "what is being used is not withdrawn");
	memcpy(other, id, sizeof(other));
	approve_back(&s, id);
	is_int(withdraw(other), Q_OK, "what is open is");
	is_int(withdraw(other), Q_NOTFOUND, "and is gone");
	is_int(take(8), Q_WAIT, "it opens nothing any more");
	segments_fill();
	restart();
	is_int(withdraw(other), Q_NOTFOUND, "also after a restart");
	is_int(take(8), Q_WAIT, "nor do its proofs");
	is_int(withdraw(""), Q_NOTFOUND, "no name, no approval");
}

static void
time_passes(void)
{
	is_int(give(6, 0), Q_OK, "one");
	now += APPROVAL_LIFE - 1;
	is_int(give(6, 1), Q_OK, "the other in the last second");
	is_int(take(6), Q_OK, "it can be used then");
	approve_back(&s, id);
	now++;
	is_int(take(6), Q_WAIT, "and a second later not");
	is_int(open_ones(), 1, "all others are gone, too");
	restart();
	is_int(open_ones(), 1, "and stay so");
}

static void
approver_changes(void)
{
	struct approver *bob = keyring_approver(ring, "bob");
	const struct approver *carol = keyring_approver(ring, "carol");

	is_int(give(7, 0), Q_OK, "one");
	is_int(give(7, 1), Q_OK, "two");
	restart();
	memcpy(bob->spki, carol->spki, carol->spki_len);
	is_int(take(7), Q_WAIT, "a proof by a key that was replaced does "
	    "not count");
}

static void
room(void)
{
	enum q_err r = Q_OK;
	size_t n = 0;

	now += APPROVAL_LIFE;
	for (uint32_t uid = 1; uid <= 5; uid++) {
		size_t before = n;

		for (uint8_t i = 0; i < 100; i++) {
			AUTO_BUF struct buf space = BUF_INIT(4096);

			digest[1] = (uint8_t)uid;
			(void)want(i, uid, &space, &r);
			if (r != Q_OK)
				break;
			n++;
		}
		is_int(r, Q_BUSY, "user %u: full", (unsigned)uid);
		is_int(n - before, uid <= 4 ? APPROVALS_PEER : 0,
		    "user %u's share", (unsigned)uid);
	}
	restart();
	is_int(open_ones(), APPROVALS_MAX, "all are there after a restart");
}

static void
statements(void)
{
	AUTO_BUF struct buf b = BUF_INIT(APPROVAL_TEXT_MAX);
	struct approve_ask ask = ask_of(1, 0);
	struct statement st;

	is_int(statement_make(&ask, 5, "0123456789abcdef", &b, NULL), Q_OK,
	    "a statement");
	is_int(statement_parse((const char *)b.p, &st), Q_OK, "is parsed");
	is_str(st.key, key->id, "key");
	is_str(st.name, "rel", "name");
	is_str(st.id, "0123456789abcdef", "id");
	is_int(st.expires, 5, "expiry");
	buf_puts(&b, "x");
	is_int(statement_parse((const char *)b.p, &st), Q_INVALID,
	    "something behind it");
	ask.meaning = "a\ndigest: 00";
	is_int(statement_make(&ask, 5, "", &b, NULL), Q_INVALID,
	    "no line can be added");
	ask.meaning = "a\u202eb";
	is_int(statement_make(&ask, 5, "", &b, NULL), Q_INVALID,
	    "nor one turned round");
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
	rmdir(dir);
}

int
main(void)
{
	snprintf(dir, sizeof(dir), "/tmp/test-approve.XXXXXX");
	if (mkdtemp(dir) == NULL)
		return 99;
	pthread_mutex_init(&s.lock, NULL);
	ring_make();
	begin();
	once();
	back_and_done();
	used_stays_used();
	withdrawn();
	time_passes();
	statements();
	room();
	now += APPROVAL_LIFE;
	approver_changes();
	journal_close(s.journal);
	approvals_free(s.approvals);
	keyring_unref(ring);
	for (size_t i = 0; i < 3; i++)
		EVP_PKEY_free(people[i]);
	clear();
	return done();
}
