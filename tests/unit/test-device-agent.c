// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/fsio.h"
#include "device/agent_fleet.h"
#include "tap.h"

#define KILLS 150

static char top[] = "/tmp/test-device-agent.XXXXXX";
static char dir[PATH_MAX];

static const char *
in_top(const char *name)
{
	(void)!path_join(dir, sizeof(dir), top, name);
	return dir;
}

/* The contents of a file of the current generation, or "". */
static const char *
current(const struct agent_store *s, const char *name)
{
	static struct buf text = BUF_INIT(4096);
	char path[PATH_MAX];

	buf_reset(&text);
	agent_store_current(s, name, path);
	return file_read(path, &text) == Q_OK && text.len > 0 ?
	    (char *)text.p : "";
}

static enum q_err
commit(struct agent_store *s, const char *text, bool keep)
{
	struct bytes b = { (const uint8_t *)text, strlen(text) };
	struct agent_file files[] = {
		{ "key.pem", b, 0600 }, { "certificate.pem", b, 0644 },
		{ "hub.json", b, 0644 },
	};

	return agent_store_commit(s, files, 3, keep);
}

static bool
has_request(const struct agent_store *s)
{
	char request[PATH_MAX], next[PATH_MAX];

	agent_store_request(s, request);
	agent_store_next_key(s, next);
	return access(request, F_OK) == 0 && access(next, F_OK) == 0;
}

static void
put_request(const struct agent_store *s)
{
	char path[PATH_MAX];

	agent_store_request(s, path);
	(void)!file_replace(path, "csr", 3, 0600);
	agent_store_next_key(s, path);
	(void)!file_replace(path, "key", 3, 0600);
}

static void
test_store(void)
{
	struct agent_store s = AGENT_STORE_INIT, other = AGENT_STORE_INIT;
	struct fault f;
	struct stat st;
	char path[PATH_MAX];

	is_int(agent_store_open(&s, in_top("store"), &f), Q_OK, "open");
	ok(stat(dir, &st) == 0 && (st.st_mode & 0777) == 0700, "mode 0700");
	is_int(agent_store_open(&other, dir, &f), Q_CONFLICT,
	    "one agent at a time");
	put_request(&s);
	is_int(commit(&s, "one", false), Q_OK, "commit");
	is_str(current(&s, "hub.json"), "one", "current");
	ok(!has_request(&s), "the request is answered");
	put_request(&s);
	is_int(commit(&s, "two", true), Q_OK, "commit, request waiting");
	ok(has_request(&s), "it still waits");
	is_str(current(&s, "key.pem"), "two", "current");
	is_int(agent_store_forget(&s), Q_OK, "forget");
	ok(!has_request(&s), "the request is forgotten");

	/* What a crash may leave behind. */
	(void)!mkdirat(s.fd, "generation-3", 0700);
	agent_store_path(&s, "generation-3/key.pem", path);
	(void)!file_replace(path, "x", 1, 0600);
	agent_store_path(&s, "request-1.der", path);
	(void)!file_replace(path, "x", 1, 0600);
	(void)!symlinkat("generation-3", s.fd, ".current");
	agent_store_close(&s);
	is_int(agent_store_open(&s, dir, &f), Q_OK, "open again");
	is_str(current(&s, "key.pem"), "two", "the whole one is current");
	ok(access(path, F_OK) != 0, "an old request is swept up");
	is_int(commit(&s, "three", false), Q_OK, "commit over what was left");
	is_str(current(&s, "key.pem"), "three", "current");
	agent_store_path(&s, "generation-2", path);
	ok(access(path, F_OK) != 0, "the old generation is gone");
	agent_store_close(&s);
}

/* Commit for ever, every file of a generation with the same text. */
static void
commit_for_ever(const char *where)
{
	struct agent_store s = AGENT_STORE_INIT;
	struct fault f;
	char text[32];

	if (agent_store_open(&s, where, &f) != Q_OK)
		_exit(1);
	for (unsigned n = 0;; n++) {
		snprintf(text, sizeof(text), "%lu", s.generation + 1);
		put_request(&s);
		if (commit(&s, text, n % 2 == 0) != Q_OK)
			_exit(2);
	}
}

/* How long a set takes to be written here and now, in microseconds. */
static int64_t
commit_time(void)
{
	struct agent_store s = AGENT_STORE_INIT;
	struct fault f;
	int64_t start = clock_mono_ns();

	if (agent_store_open(&s, in_top("pace"), &f) == Q_OK)
		for (int i = 0; i < 4; i++) {
			put_request(&s);
			(void)!commit(&s, "x", true);
		}
	agent_store_close(&s);
	return (clock_mono_ns() - start) / 4000;
}

static void
test_kill(void)
{
	struct agent_store s = AGENT_STORE_INIT;
	int torn = 0, kills;
	unsigned long last = 0;
	int64_t pace = commit_time(), end = clock_mono_ms() + 10000;
	struct fault f;

	(void)in_top("kill");
	for (kills = 0; kills < KILLS && clock_mono_ms() < end; kills++) {
		char want[32];
		pid_t pid = fork();
		int status;

		if (pid == 0)
			commit_for_ever(dir);
		/* Somewhere within the first three sets. */
		usleep((useconds_t)(1000 + pace * 3 * (kills * 7 % 32) / 32));
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		torn += !WIFSIGNALED(status);
		if (agent_store_open(&s, dir, &f) != Q_OK) {
			torn++;
			continue;
		}
		snprintf(want, sizeof(want), "%lu", s.generation);
		if (s.generation > 0)
			torn += strcmp(current(&s, "key.pem"), want) != 0 ||
			    strcmp(current(&s, "certificate.pem"),
			    want) != 0 ||
			    strcmp(current(&s, "hub.json"), want) != 0;
		torn += s.generation < last;
		last = s.generation;
		agent_store_close(&s);
	}
	is_int(torn, 0, "killed %d times: the set is always whole", kills);
	ok(last > 3, "while %lu sets were written", last);
}

static bool
csr_is_good(const uint8_t *der, size_t len)
{
	X509_REQ *req = d2i_X509_REQ(NULL, &der, (long)len);
	bool good = req != NULL && X509_REQ_verify(req,
	    X509_REQ_get0_pubkey(req)) == 1;

	X509_REQ_free(req);
	return good;
}

static bool
proof_is_good(const uint8_t *csr, size_t len, const uint8_t *proof,
    const size_t part[2])
{
	const uint8_t *spki = proof + part[0];
	EVP_PKEY *key = d2i_PUBKEY(NULL, &spki, (long)part[1]);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool good = key != NULL && EVP_DigestVerifyInit(md, NULL,
	    EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestVerify(md, proof, part[0], csr, len) == 1;

	EVP_MD_CTX_free(md);
	EVP_PKEY_free(key);
	return good;
}

static void
test_keys(enum agent_key_type type, const char *name)
{
	EVP_PKEY *key, *read, *other;
	uint8_t csr[4096], again[4096], proof[2048];
	char id[QDEV_ID_LEN + 1], id2[QDEV_ID_LEN + 1];
	size_t len, len2, part[2];
	X509 *face;
	struct stat st;

	is_int(agent_key_make(type, &key), Q_OK, "%s: make", name);
	is_int(agent_key_make(type, &other), Q_OK, "%s: another", name);
	is_int(agent_key_write(in_top(name), key), Q_OK, "%s: write", name);
	ok(stat(dir, &st) == 0 && (st.st_mode & 0777) == 0600, "mode 0600");
	is_int(agent_key_read(dir, &read), Q_OK, "%s: read", name);
	is_int(agent_key_id(key, id), Q_OK, "%s: id", name);
	is_int(agent_key_id(read, id2), Q_OK, "%s: id of what was read",
	    name);
	ok(hex_is_lower(id, QDEV_ID_LEN) && strcmp(id, id2) == 0,
	    "the same id");
	is_int(agent_key_face(key, id, &face), Q_OK, "%s: face", name);
	ok(X509_verify(face, key) == 1, "%s: face is self-signed", name);
	is_int(agent_key_csr(key, id, csr, sizeof(csr), &len), Q_OK,
	    "%s: request", name);
	ok(csr_is_good(csr, len), "%s: request verifies", name);
	is_int(agent_key_csr(key, id, again, sizeof(again), &len2), Q_OK,
	    "%s: request again", name);
	ok(len != len2 || memcmp(csr, again, len) != 0,
	    "%s: two requests are never alike", name);
	is_int(agent_key_csr(key, id, csr, len - 8, &len), Q_TOOBIG,
	    "%s: request without room", name);
	is_int(agent_key_prove(key, again, len2, proof, sizeof(proof), part),
	    Q_OK, "%s: no proof", name);
	ok(part[0] == 0 && part[1] == 0, "%s: is needed", name);
	is_int(agent_key_prove(other, again, len2, proof, sizeof(proof),
	    part), Q_OK, "%s: proof by another key", name);
	ok(proof_is_good(again, len2, proof, part), "%s: verifies", name);
	is_int(agent_key_prove(other, again, len2, proof, 16, part),
	    Q_TOOBIG, "%s: proof without room", name);
	X509_free(face);
	EVP_PKEY_free(key);
	EVP_PKEY_free(read);
	EVP_PKEY_free(other);
}

static void
test_fleet(void)
{
	struct fleet_ids ids;
	struct fault f;
	struct stat st;
	char path[PATH_MAX];

	is_int(fleet_make(in_top("fleet"), 5, AGENT_KEY_P256, &f), Q_OK,
	    "a fleet of five");
	is_int(fleet_make(dir, 8, AGENT_KEY_P256, &f), Q_OK, "of eight");
	is_int(fleet_make(dir, 3, AGENT_KEY_P256, &f), Q_OK, "none is lost");
	is_int(fleet_read(dir, &ids, &f), Q_OK, "read");
	is_int(ids.count, 8, "eight devices");
	(void)!path_join(path, sizeof(path), dir, FLEET_LIST);
	/* {"devices":[ and 8 lines of "id", without the last comma, and ]} */
	ok(stat(path, &st) == 0 && st.st_size == 12 + 8 * 68 - 1 + 4,
	    "the list holds them all");
	fleet_free(&ids);
	is_int(fleet_read("/nonexistent", &ids, &f), Q_NOTFOUND, "no fleet");
}

static void
test_server_names(void)
{
	static const struct {
		const char *server, *host, *port, *field;
	} good[] = {
		{ "h", "h", "6000", "h:6000" },
		{ "h.example:1", "h.example", "1", "h.example:1" },
		{ "127.0.0.1:65535", "127.0.0.1", "65535",
		    "127.0.0.1:65535" },
		{ "::1", "::1", "6000", "[::1]:6000" },
		{ "[::1]", "::1", "6000", "[::1]:6000" },
		{ "[::1]:77", "::1", "77", "[::1]:77" },
	};
	static const char *const bad[] = { "", ":1", "h:", "h:0", "h:65536",
		"h:1x", "[::1", "[::1]x", "[]:1" };
	struct agent_tls t;
	struct fault f;
	static const char pem[] = "no certificate";

	(void)!file_replace(in_top("root.pem"), pem, sizeof(pem), 0644);
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		/* The name is split before the root is read. */
		is_int(agent_tls_init(&t, good[i].server, dir, &f), Q_PROTO,
		    "%s: root is no certificate", good[i].server);
		is_str(t.host, good[i].host, "host");
		is_str(t.port, good[i].port, "port");
		is_str(t.host_field, good[i].field, "Host field");
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		is_int(agent_tls_init(&t, bad[i], dir, &f), Q_INVALID,
		    "'%s' is no server", bad[i]);
}

/* Remove the test's folder. */
static void
clean_up(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/rm", "rm", "-rf", top, (char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	is_int(status, 0, "cleaned up");
}

int
main(void)
{
	if (mkdtemp(top) == NULL)
		return 99;
	test_store();
	test_kill();
	test_keys(AGENT_KEY_P256, "p256");
	test_keys(AGENT_KEY_RSA3072, "rsa3072");
	test_fleet();
	test_server_names();
	clean_up();
	return done();
}
