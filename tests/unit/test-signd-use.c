// SPDX-License-Identifier: Apache-2.0
/* What a key's purpose and rules allow. */
#include "config.h"

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "signd/signd.h"
#include "tests/unit/tap.h"

#define NS ((int64_t)1000000000)

static struct key *key;
static struct key_use_ask ask;
static struct fault fault;

static void
new_key(enum key_purpose purpose, enum token_kind kind)
{
	key_unref(key);
	key = key_new(purpose, kind, "");
	if (key == NULL)
		exit(99);
	snprintf(key->name, sizeof(key->name), "k");
	ask = (struct key_use_ask){ .what = "test", .role = ROLE_TOOL,
		.uid = 1000, .mech = SIGND_ECDSA,
		.purposes = 1u << PURPOSE_CODESIGN };
}

/* At a second, and so many nanoseconds after it began. */
static enum q_err
take(int64_t wall, int64_t mono_ns)
{
	fault = (struct fault){ 0 };
	return key_use_take(key, &ask, (struct use_time){ wall, mono_ns },
	    &fault);
}

static void
peers(void)
{
	new_key(PURPOSE_CODESIGN, TOKEN_P256);
	is_int(take(1, 0), Q_DENIED, "no users: nobody");
	snprintf(key->rules.users, sizeof(key->rules.users), "33 1000");
	is_int(take(1, 0), Q_OK, "a user of the list");
	ask.uid = 100;
	is_int(take(1, 0), Q_DENIED, "100 is not 1000");
	ask.uid = 0;
	is_int(take(1, 0), Q_DENIED, "the superuser is not in it either");
	ask.uid = 33;
	is_int(take(1, 0), Q_OK, "the list's first");
	ask.role = ROLE_WEB;
	is_int(take(1, 0), Q_DENIED, "not the purpose's role");
	ask.role = ROLE_ADMIN;
	is_int(take(1, 0), Q_OK, "the other of its roles");
	key->rules.roles = ROLE_TOOL;
	is_int(take(1, 0), Q_DENIED, "a role that the rules leave out");
	ask.role = ROLE_TOOL;
	is_int(take(1, 0), Q_OK, "one that they have");
	ask.purposes = 1u << PURPOSE_FIRMWARE;
	is_int(take(1, 0), Q_DENIED, "another operation's purpose");
}

static void
mechanisms(void)
{
	new_key(PURPOSE_FIRMWARE, TOKEN_RSA3072);
	ask.purposes = 1u << PURPOSE_FIRMWARE;
	ask.role = ROLE_FIRMWARE;
	is_int(take(1, 0), Q_DENIED, "RSA makes no ECDSA");
	ask.mech = SIGND_RSA_PSS;
	is_int(take(1, 0), Q_OK, "RSA-PSS");
	key->rules.mechs = SIGND_RSA_PKCS1;
	is_int(take(1, 0), Q_DENIED, "not by these rules");
	ask.mech = SIGND_RSA_PKCS1;
	is_int(take(1, 0), Q_OK, "but that which they have");
	is_int(signd_use_total(key), 2, "what is refused does not count");
}

static void
limits(void)
{
	new_key(PURPOSE_FIRMWARE, TOKEN_P256);
	ask.purposes = 1u << PURPOSE_FIRMWARE;
	ask.role = ROLE_FIRMWARE;
	key->rules.not_before = 100;
	key->rules.not_after = 200;
	is_int(take(99, 0), Q_DENIED, "a second too early");
	is_int(take(100, 0), Q_OK, "its first second");
	is_int(take(199, 0), Q_OK, "its last");
	is_int(take(200, 0), Q_DENIED, "a second too late");
	key->rules.uses = 4;
	is_int(take(150, 0), Q_OK, "third use of four");
	is_int(take(150, 0), Q_OK, "fourth");
	is_int(take(150, 0), Q_DENIED, "fifth");
	signd_use_back(key);
	is_int(take(150, 0), Q_OK, "one came to nothing");
	is_int(take(150, 0), Q_DENIED, "and no more");
	is_int(signd_use_total(key), 4, "four in all");
}

static void
bucket(void)
{
	int n = 0;

	new_key(PURPOSE_FIRMWARE, TOKEN_P256);
	ask.purposes = 1u << PURPOSE_FIRMWARE;
	ask.role = ROLE_FIRMWARE;
	key->rules.rate = 6;
	while (n < 100 && take(1, 1000 * NS) == Q_OK)
		n++;
	is_int(n, 6, "a minute's at once");
	is_int(fault.code, Q_BUSY, "then it is too often");
	is_int(fault.retry_after, 10, "until the next");
	is_int(take(1, 1004 * NS), Q_BUSY, "not yet");
	is_int(fault.retry_after, 6, "what is left of the time");
	is_int(take(1, 1010 * NS), Q_OK, "one more after its share");
	is_int(take(1, 1010 * NS), Q_BUSY, "but one");
	is_int(signd_use_total(key), 7, "what is refused does not count");
	for (n = 0; n < 100 && take(1, 5000 * NS) == Q_OK;)
		n++;
	is_int(n, 6, "never more than a minute's at once");
	key->rules.rate = 1;
	is_int(take(1, 9000 * NS), Q_OK, "one in a minute");
	is_int(take(1, 9059 * NS), Q_BUSY, "not two");
	is_int(take(1, 9060 * NS), Q_OK, "the next minute's");
	key->rules.rate = UINT32_MAX;
	is_int(take(1, 9999 * NS), Q_OK, "more than there are");
}

static void
totals(void)
{
	struct use_totals t = { 0 };
	struct keyring *ring = keyring_new(NULL);
	char id[SIGND_ID_LEN + 1];
	bool put = true;

	for (int i = 999; i >= 0; i--) {
		snprintf(id, sizeof(id), "%016d", i * 7 % 1000);
		put &= use_totals_put(&t, id, (uint64_t)i) == Q_OK;
	}
	ok(put && t.n == 1000, "totals of a thousand keys");
	ok(use_totals_put(&t, id, 5) == Q_OK &&
	    use_totals_put(&t, id, 3) == Q_OK && t.n == 1000,
	    "told again");
	for (int i = 0; i < 2; i++) {
		struct key *k = key_new(PURPOSE_FIRMWARE, TOKEN_P256, "");

		if (k == NULL || ring == NULL)
			exit(99);
		snprintf(k->id, sizeof(k->id), "%016d", i * 7);
		if (keyring_put(ring, k) != Q_OK)
			exit(99);
	}
	use_totals_take(&t, ring);
	is_int(ring->keys[0]->use->total, 5, "the highest counts");
	is_int(ring->keys[1]->use->total, 1, "each key has its own");
	keyring_unref(ring);
	free(t.row);
}

static void
folder_remove(const char *dir)
{
	char path[700];
	DIR *d = opendir(dir);

	for (struct dirent *e; d != NULL && (e = readdir(d)) != NULL;) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		unlink(path);
	}
	if (d != NULL)
		closedir(d);
	rmdir(dir);
}

static struct journal *
journal_begin(struct signd *s, const char *dir)
{
	struct journal_conf jc = { .dir = dir, .replay = 2,
		.segment_bytes = 4096, .each = signd_replay,
		.head = signd_segment_head, .ctx = s };
	struct journal *j = NULL;

	if (issued_new(16, &s->issued) != Q_OK ||
	    approvals_new(clock_wall, &s->approvals) != Q_OK)
		exit(99);
	if (journal_open(&jc, &j, &fault) != Q_OK) {
		printf("# %s\n", fault_text(&fault, Q_IO));
		exit(99);
	}
	return j;
}

/* Records that push everything before them out of what is replayed. */
static void
fill(struct journal *j)
{
	struct journal_start rec = { .version = "test" };

	for (int i = 0; i < 300; i++)
		if (journal_append(j, &(struct journal_entry){ JOURNAL_start,
		    0, "", &rec }, NULL, NULL) != Q_OK)
			exit(99);
}

static uint64_t
total_of(const struct signd *s, const char *id)
{
	for (size_t i = 0; i < s->totals.n; i++)
		if (strcmp(s->totals.row[i].key, id) == 0)
			return s->totals.row[i].total;
	return 0;
}

/* Totals go from segment to segment, with and without a keyring. */
static void
segments(void)
{
	static struct signd a = { .lock = PTHREAD_MUTEX_INITIALIZER };
	static struct signd b = { .lock = PTHREAD_MUTEX_INITIALIZER };
	static struct signd c = { .lock = PTHREAD_MUTEX_INITIALIZER };
	struct signd *const all[] = { &a, &b, &c };
	const char *tmp = getenv("TMPDIR");
	struct journal_sign sign = { .total = 41 };
	char dir[300];
	struct journal *j;

	snprintf(dir, sizeof(dir), "%s/test-use.XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(dir) == NULL)
		exit(99);
	new_key(PURPOSE_FIRMWARE, TOKEN_P256);
	a.ring = keyring_new(NULL);
	key->use->total = 41;
	j = journal_begin(&a, dir);
	if (a.ring == NULL || keyring_put(a.ring, key) != Q_OK ||
	    journal_append(j, &(struct journal_entry){ JOURNAL_sign, 0,
	    key->id, &sign }, NULL, NULL) != Q_OK)
		exit(99);
	fill(j);
	journal_close(j);
	j = journal_begin(&b, dir);
	is_int(total_of(&b, key->id), 41, "a total outlives its segment");
	fill(j);
	journal_close(j);
	j = journal_begin(&c, dir);
	is_int(total_of(&c, key->id), 41, "also before there is a keyring");
	journal_close(j);
	keyring_unref(a.ring);
	key = NULL;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		free(all[i]->totals.row);
		issued_free(all[i]->issued);
		approvals_free(all[i]->approvals);
	}
	folder_remove(dir);
}

int
main(void)
{
	peers();
	mechanisms();
	limits();
	bucket();
	totals();
	segments();
	key_unref(key);
	return done();
}
