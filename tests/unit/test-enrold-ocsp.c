// SPDX-License-Identifier: Apache-2.0
/* Where OCSP answers are kept: the table in a file, and the front in memory.
 * How they come to be signed: many in one call, before a server that stands
 * for signd. */
#include "config.h"

#include <fcntl.h>
#include <openssl/sha.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "enrold/ocsp_front.h"
#include "enrold/ocsp_sign.h"
#include "enrold/ocsp_table.h"
#include "tap.h"
#include "wire/server.h"

#define CA "00112233445566aa"
#define OTHER_CA "ffeeddccbbaa9988"
#define SLOT 128
#define MANY 50000

static char dir[] = "/tmp/quoin-ocsp.XXXXXX";
static char path[64];

static struct ocsp_answer
answer_for(unsigned n)
{
	struct ocsp_answer a = { .issuer = CA, .responder = OTHER_CA,
		.form = OCSP_SHA1, .this_update = clock_wall(),
		.not_after = clock_wall() + 86400, .sig_len = 70 };

	a.next_update = a.this_update + 3600 + n % 7;
	/* spread as random serials are, and the same each time */
	for (size_t i = 0; i < sizeof(a.serial); i++)
		a.serial[i] = (uint8_t)((n + 1) * 2654435761u >> (i % 4 * 8) ^
		    n * i);
	memcpy(a.sig, &n, sizeof(n));
	memset(a.sig + 4, 0x5a, 66);
	return a;
}

static struct ocsp_table *
open_table(void)
{
	struct ocsp_table *t;

	if (ocsp_table_open(path, &t) != Q_OK) {
		puts("Bail out! no table");
		exit(1);
	}
	return t;
}

static bool
there(struct ocsp_table *t, unsigned n)
{
	struct ocsp_answer want = answer_for(n), got;

	return ocsp_table_get(t, CA, want.serial, want.form, &got) &&
	    strcmp(got.issuer, CA) == 0 &&
	    strcmp(got.responder, OTHER_CA) == 0 &&
	    got.next_update - got.this_update == 3600 + n % 7 &&
	    got.sig_len == 70 && memcmp(got.sig, want.sig, 70) == 0;
}

static unsigned
count(struct ocsp_table *t, unsigned n)
{
	unsigned found = 0;

	for (unsigned i = 0; i < n; i++)
		found += there(t, i);
	return found;
}

static off_t
file_size(void)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : -1;
}

static void
test_table(void)
{
	struct ocsp_table *t = open_table();
	struct ocsp_answer a = answer_for(1), got;
	off_t small = file_size();

	ok(!there(t, 1), "nothing there at first");
	ocsp_table_put(t, &a);
	ok(there(t, 1), "one there");
	ok(!ocsp_table_get(t, OTHER_CA, a.serial, a.form, &got),
	    "not another issuer's");
	ok(!ocsp_table_get(t, CA, a.serial, OCSP_SHA256, &got),
	    "not in another form");
	a.form = OCSP_SHA256;
	a.sig[0] = 77;
	ocsp_table_put(t, &a);
	ok(there(t, 1) && ocsp_table_get(t, CA, a.serial, OCSP_SHA256, &got) &&
	    got.sig[0] == 77, "both forms");
	a.sig[0] = 78;
	ocsp_table_put(t, &a);
	ok(ocsp_table_get(t, CA, a.serial, OCSP_SHA256, &got) &&
	    got.sig[0] == 78, "the newer in place of the older");
	a.sig_len = OCSP_SIG_MAX + 1;
	a.sig[0] = 79;
	ocsp_table_put(t, &a);
	ok(ocsp_table_get(t, CA, a.serial, OCSP_SHA256, &got) &&
	    got.sig[0] == 78, "what cannot be kept is not");
	for (unsigned i = 0; i < MANY; i++) {
		a = answer_for(i);
		ocsp_table_put(t, &a);
		if (i % 64 == 0 && ocsp_table_tend(t) != Q_OK)
			ok(false, "tended");
	}
	is_int(count(t, MANY), MANY, "many are found");
	ok(file_size() > small, "the file has grown");
	ok(file_size() <= (off_t)MANY * SLOT * 5, "and not by much more");
	ocsp_table_close(t);
	t = open_table();
	is_int(count(t, MANY), MANY, "and again, when it is opened again");
	ocsp_table_close(t);
}

/* Without tending it fills up and stays whole. */
static void
test_full(void)
{
	struct ocsp_table *t;
	unsigned found;

	unlink(path);
	t = open_table();
	for (unsigned i = 0; i < 6000; i++) {
		struct ocsp_answer a = answer_for(i);

		ocsp_table_put(t, &a);
	}
	found = count(t, 6000);
	ok(found > 2000 && found < 4096, "a full table: %u", found);
	is_int(ocsp_table_tend(t), Q_OK, "tended");
	is_int(count(t, 6000), found, "nothing lost");
	for (unsigned i = 0; i < 6000; i++) {
		struct ocsp_answer a = answer_for(i);

		ocsp_table_put(t, &a);
	}
	is_int(count(t, 6000), 6000, "room again");
	ocsp_table_close(t);
}

static void
test_ended(void)
{
	struct ocsp_table *t;

	unlink(path);
	t = open_table();
	for (unsigned i = 0; i < 3000; i++) {
		struct ocsp_answer a = answer_for(i);

		if (i >= 100)
			a.not_after = clock_wall() - 1;
		ocsp_table_put(t, &a);
	}
	is_int(ocsp_table_tend(t), Q_OK, "tended");
	is_int(count(t, 3000), 100, "what has ended is gone");
	ocsp_table_close(t);
}

/* Every slot of the file with a byte turned over is one that does not
 * count, and no more. */
static void
test_damage(void)
{
	struct ocsp_table *t;
	off_t size, at;
	int fd;

	unlink(path);
	t = open_table();
	for (unsigned i = 0; i < 1000; i++) {
		struct ocsp_answer a = answer_for(i);

		ocsp_table_put(t, &a);
	}
	ocsp_table_close(t);
	fd = open(path, O_RDWR | O_CLOEXEC);
	size = file_size();
	for (at = SLOT; at < size; at += 2 * SLOT) {
		off_t where = at + at / SLOT % SLOT;
		uint8_t byte = 0;

		if (pread(fd, &byte, 1, where) == 1) {
			byte ^= 0x10;
			if (pwrite(fd, &byte, 1, where) != 1)
				ok(false, "written");
		}
	}
	t = open_table();
	at = count(t, 1000);
	ok(at > 300 && at < 700, "about half are left: %ld", (long)at);
	for (unsigned i = 0; i < 1000; i++) {
		struct ocsp_answer a = answer_for(i);

		ocsp_table_put(t, &a);
	}
	is_int(count(t, 1000), 1000, "and their places are used again");
	ocsp_table_close(t);
	if (pwrite(fd, "x", 1, 0) != 1)
		ok(false, "written");
	close(fd);
	t = open_table();
	is_int(count(t, 1000), 0, "no table: a new one");
	ocsp_table_close(t);
	if (truncate(path, 1000) != 0)
		ok(false, "truncated");
	t = open_table();
	ok(!there(t, 1), "cut short: a new one");
	ocsp_table_close(t);
}

static struct ocsp_key
key_for(unsigned n)
{
	struct ocsp_key key;

	memset(&key, 0, sizeof(key));
	memcpy(key.issuer, CA, sizeof(key.issuer));
	key.serial_len = sizeof(n);
	memcpy(key.serial, &n, sizeof(n));
	return key;
}

static void
test_front(void)
{
	AUTO_BUF struct buf body = BUF_INIT(64);
	struct ocsp_ready ready = { .status = OCSP_REVOKED,
		.until = clock_wall() + 100,
		.der = { (const uint8_t *)"DER", 3 } }, got;
	struct ocsp_key key = key_for(1);
	struct ocsp_front *c;
	unsigned found = 0;

	is_int(ocsp_front_new(&c), Q_OK, "front");
	ok(!ocsp_front_get(c, &key, &got, &body) && body.len == 0, "empty");
	ocsp_front_put(c, &key, &ready);
	ok(ocsp_front_get(c, &key, &got, &body), "there");
	is_str((const char *)body.p, "DER", "its bytes");
	is_int(got.status, OCSP_REVOKED, "its status");
	key.form = OCSP_SHA256;
	ok(!ocsp_front_get(c, &key, &got, &body), "not in another form");
	ready.until = clock_wall();
	ocsp_front_put(c, &key, &ready);
	ok(!ocsp_front_get(c, &key, &got, &body), "not behind its time");
	ready.until += 100;
	for (unsigned i = 0; i < MANY; i++) {
		key = key_for(i);
		ocsp_front_put(c, &key, &ready);
	}
	for (unsigned i = 0; i < MANY; i++) {
		key = key_for(i);
		buf_reset(&body);
		found += ocsp_front_get(c, &key, &got, &body);
	}
	ok(found > 1000 && found <= 4096, "bounded: %u", found);
	ocsp_front_free(c);
}

/* --- signatures --------------------------------------------------------- */

#define ASKERS 48
#define QUESTIONS 100

static struct {
	atomic_uint calls, signatures, mixed;
	_Atomic enum q_err fail;
	struct ocsp_signer *signer;
} fake;

/* The signature of a tbs is its SHA-256; it begins with the CA's id. */
static enum q_err
fake_sign(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct signd_sign_ocsp_req *in = req;
	struct signd_sign_ocsp_rsp *out = rsp;
	struct buf *space = wire_req_space(q);
	struct bytes rest = in->items;
	struct signd_ocsp_tbs tbs;

	(void)ctx;
	fake.calls++;
	if (fake.fail != Q_OK)
		return fault_retry(f, fake.fail, 3, "so it is");
	while (wire_list_next(&rest, &signd_ocsp_tbs_type, &tbs) == Q_OK) {
		uint8_t digest[SHA256_DIGEST_LENGTH];
		struct signd_ocsp_sig sig = { .sig = { digest,
			sizeof(digest) } };

		SHA256(tbs.tbs.p, tbs.tbs.len, digest);
		wire_list_put(space, &signd_ocsp_sig_type, &sig);
		fake.mixed += memcmp(tbs.tbs.p, in->issuing_id,
		    SIGND_ID_LEN) != 0;
		fake.signatures++;
	}
	out->signatures = buf_bytes(space);
	return Q_OK;
}

static void *
ask_many(void *arg)
{
	unsigned who = *(unsigned *)arg, *bad = arg;

	*bad = 0;
	for (unsigned i = 0; i < QUESTIONS; i++) {
		struct ocsp_sig sig = { .len = 0 };
		uint8_t digest[SHA256_DIGEST_LENGTH];
		char tbs[64];

		snprintf(sig.issuer, sizeof(sig.issuer), "%s",
		    (who + i) % 3 == 0 ? OTHER_CA : CA);
		snprintf(tbs, sizeof(tbs), "%s %u %u", sig.issuer, who, i);
		sig.tbs = (struct bytes){ (uint8_t *)tbs, strlen(tbs) };
		SHA256(sig.tbs.p, sig.tbs.len, digest);
		*bad += ocsp_sign(fake.signer, &sig, NULL) != Q_OK ||
		    sig.len != sizeof(digest) ||
		    memcmp(sig.sig, digest, sizeof(digest)) != 0;
	}
	return NULL;
}

static void
test_gathered(void)
{
	pthread_t threads[ASKERS];
	unsigned bad[ASKERS], all = 0;

	for (unsigned i = 0; i < ASKERS; i++) {
		bad[i] = i;
		pthread_create(&threads[i], NULL, ask_many, &bad[i]);
	}
	for (unsigned i = 0; i < ASKERS; i++) {
		pthread_join(threads[i], NULL);
		all += bad[i];
	}
	is_int(all, 0, "each has its own signature");
	is_int(fake.signatures, ASKERS * QUESTIONS, "all signed, once");
	is_int(fake.mixed, 0, "each call is about one CA");
	ok(fake.calls < ASKERS * QUESTIONS / 2, "in %u calls", fake.calls);
}

static void
test_signd_away(void)
{
	struct ocsp_sig sig = { .issuer = CA,
		.tbs = { (const uint8_t *)CA, SIGND_ID_LEN } };
	struct fault f = { 0 };
	unsigned calls;

	fake.fail = Q_INVALID;
	is_int(ocsp_sign(fake.signer, &sig, &f), Q_INVALID, "refused");
	is_str(f.msg, "so it is", "and why");
	fake.fail = Q_UNAVAIL;
	is_int(ocsp_sign(fake.signer, &sig, &f), Q_UNAVAIL, "away");
	calls = fake.calls;
	is_int(ocsp_sign(fake.signer, &sig, &f), Q_UNAVAIL, "still away");
	is_int(fake.calls, calls, "without asking again");
	fake.fail = Q_OK;
	for (int i = 0; i < 100 && ocsp_sign(fake.signer, &sig, &f) != Q_OK;
	    i++)
		usleep(20000);
	is_int(ocsp_sign(fake.signer, &sig, &f), Q_OK, "back");
}

static void
test_signer(void)
{
	static const struct wire_op op = { SIGND_OP_sign_ocsp, "sign_ocsp",
		ROLE_ALL, 65536, &signd_sign_ocsp_req_type,
		&signd_sign_ocsp_rsp_type, fake_sign, "" };
	struct wire_server_conf wire = { .ops = &op, .n_ops = 1,
		.threads = 4 };
	char folder[64], sock[96], roles[32];
	struct wire_server *server;
	struct conf conf = { .crl_port = 0 };
	struct role_map map;

	snprintf(conf.run, sizeof(conf.run), "%s", dir);
	snprintf(folder, sizeof(folder), "%s/signd", dir);
	snprintf(sock, sizeof(sock), "%s/signd.sock", folder);
	snprintf(roles, sizeof(roles), "%u=enrol", (unsigned)getuid());
	mkdir(folder, 0700);
	is_int(role_map_parse(roles, &map, NULL), Q_OK, "roles");
	wire.roles = &map;
	is_int(wire_server_start(&wire, sock, &server, NULL), Q_OK, "server");
	is_int(ocsp_signer_new(&conf, &fake.signer), Q_OK, "signer");
	test_gathered();
	test_signd_away();
	ocsp_signer_free(fake.signer);
	wire_server_stop(server);
	unlink(sock);
	rmdir(folder);
}

int
main(void)
{
	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/answers", dir);
	test_table();
	test_full();
	test_ended();
	test_damage();
	test_front();
	test_signer();
	unlink(path);
	rmdir(dir);
	return done();
}
