// SPDX-License-Identifier: Apache-2.0
/* Codecs, buffers, life times, configuration, files, sandbox. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/conf.h"
#include "base/fsio.h"
#include "base/own.h"
#include "base/sandbox.h"
#include "base/secret.h"
#include "tap.h"

static void
test_codec(void)
{
	static const struct {
		const char *in;
		enum q_err want;
		const char *out;
	} rows[] = {
		{ "", Q_OK, "" },
		{ "Zg==", Q_OK, "f" },
		{ "Zm8=", Q_OK, "fo" },
		{ "Zm9v", Q_OK, "foo" },
		{ " Z\r\nm\t9v\n", Q_OK, "foo" },
		{ "Zm9vYmFy", Q_OK, "foobar" },
		{ "Zg=", Q_PROTO, NULL },
		{ "Zg", Q_PROTO, NULL },
		{ "Z===", Q_PROTO, NULL },
		{ "====", Q_PROTO, NULL },
		{ "Zh==", Q_PROTO, NULL }, /* rest bits */
		{ "Zg==Zg==", Q_PROTO, NULL },
		{ "Zm9v*", Q_PROTO, NULL },
		{ "Zm9vYmFyZm9vYmFyZm9v", Q_TOOBIG, NULL },
	};
	uint8_t raw[2];
	char hex[5];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		AUTO_BUF struct buf b = BUF_INIT(12);
		enum q_err r = b64_decode(&b, rows[i].in, strlen(rows[i].in));

		is_int(r, rows[i].want, "base64 `%zu': verdict", i);
		if (r == Q_OK)
			is_str(b.p ? (char *)b.p : "", rows[i].out,
			    "base64 `%zu': bytes", i);
	}
	AUTO_BUF struct buf e = BUF_INIT(64);
	b64_encode(&e, (const uint8_t *)"foobar", 6, 4);
	is_str((char *)e.p, "Zm9v\nYmFy\n", "base64 in lines");
	AUTO_BUF struct buf u = BUF_INIT(64), v = BUF_INIT(64);
	b64url_encode(&u, (const uint8_t *)"\xfb\xff\xfe\x01", 4);
	is_str((char *)u.p, "-__-AQ", "base64url");
	ok(b64url_decode(&v, "-__-AQ") == Q_OK && v.len == 4 &&
	    memcmp(v.p, "\xfb\xff\xfe\x01", 4) == 0, "base64url: bytes");
	ok(b64url_decode(&v, "-__-AQ==") == Q_PROTO &&
	    b64url_decode(&v, "+//+AQ") == Q_PROTO &&
	    b64url_decode(&v, "-__-A") == Q_PROTO &&
	    b64url_decode(&v, "-__-AR") == Q_PROTO,
	    "base64url: padding, the other alphabet, cut, rest bits");
	ok(hex_decode("aF09", raw, 2) && raw[0] == 0xaf && raw[1] == 9,
	    "hex of both cases");
	ok(!hex_decode("af0", raw, 2) && !hex_decode("af091", raw, 2) &&
		!hex_decode("ag09", raw, 2), "hex: short, long, no digit");
	hex_encode(raw, 2, hex);
	is_str(hex, "af09", "hex out");
	ok(hex_is_lower("af09", 4) && !hex_is_lower("aF09", 4) &&
		!hex_is_lower("af0", 4) && !hex_is_lower("af091", 4),
	    "lower-case hex");
}

static void
test_buf(void)
{
	AUTO_BUF struct buf b = BUF_INIT(8);

	buf_puts(&b, "1234");
	buf_printf(&b, "%d", 5678);
	is_str((char *)b.p, "12345678", "a buffer holds its maximum");
	ok(!b.bad, "and is fine");
	buf_put(&b, "9", 1);
	ok(b.bad && b.len == 8, "one byte more fails and changes nothing");
	buf_reset(&b);
	is_str((char *)b.p, "", "after a reset there is no text");
	buf_puts(&b, "x");
	is_str((char *)b.p, "x", "reset clears the failure");
}

static void
test_span(void)
{
	static const struct {
		const char *text;
		int64_t seconds; /* -1: refused */
		const char *back;
	} rows[] = {
		{ "30d", 2592000, "30d" },
		{ "5y", 157680000, "5y" },
		{ "90", 90, "90s" },
		{ "2h", 7200, "2h" },
		{ "1w", 604800, "7d" },
		{ "1M", 2592000, "30d" },
		{ "10m", 600, "10m" },
		{ "", -1, NULL },
		{ "d", -1, NULL },
		{ "-1d", -1, NULL },
		{ "1dd", -1, NULL },
		{ "1 d", -1, NULL },
		{ "101y", -1, NULL },
		{ "99999999999999999999", -1, NULL },
	};
	char text[24];

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		int64_t s = -1;
		enum q_err r = span_parse(rows[i].text, &s);

		is_int(r == Q_OK ? s : -1, rows[i].seconds, "span `%s'",
		    rows[i].text);
		if (r != Q_OK)
			continue;
		span_format(s, text);
		is_str(text, rows[i].back, "span `%s' and back",
		    rows[i].text);
	}
	time_format(0, text);
	is_str(text, "1970-01-01T00:00:00Z", "time");
}

static void
test_conf(void)
{
	static const struct {
		const char *text;
		const char *fault; /* NULL: accepted */
	} rows[] = {
		{ "", NULL },
		{ "# only\n\n  state =  /x  \nrun=/r\n", NULL },
		{ "device.port = 70000\n",
		    "line 1: device.port: wants a number from 1 to 65535" },
		{ "device.port = 6000x\n",
		    "line 1: device.port: wants a number from 1 to 65535" },
		{ "\nbogus = 1\n", "line 2: unknown key bogus" },
		{ "run = /a\nrun = /b\n", "line 2: run was given in line 1" },
		{ "run\n", "line 1: no `='" },
		{ "state =\n", "line 1: state: wants 1 to 512 characters" },
	};
	struct conf c;
	struct fault f = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum q_err r = conf_parse(rows[i].text, strlen(rows[i].text),
		    &c, &f);

		if (rows[i].fault == NULL)
			is_int(r, Q_OK, "configuration %zu accepted", i);
		else
			is_str(r == Q_CONFIG ? f.msg : "accepted",
			    rows[i].fault, "configuration %zu refused", i);
	}
	is_int(conf_parse("a\0b", 3, &c, &f), Q_CONFIG, "NUL refused");
	is_int(conf_parse("state = /x\n", 11, &c, &f), Q_OK, "state alone");
	is_str(c.store, "sqlite:/x/records/quoin.db", "${state} replaced");
	is_int(c.device_port, 6000, "default number");
}

static void
test_files(void)
{
	char dir[] = "/tmp/test-base.XXXXXX", path[64], link_path[64];
	AUTO_BUF struct buf b = BUF_INIT(100);
	AUTO_BUF struct buf small = BUF_INIT(3);
	AUTO_SECRET struct secret s = { 0 };

	if (!ok(mkdtemp(dir) != NULL, "a folder"))
		return;
	snprintf(path, sizeof(path), "%s/f", dir);
	snprintf(link_path, sizeof(link_path), "%s/l", dir);
	is_int(file_read(path, &b), Q_NOTFOUND, "no file");
	is_int(file_replace(path, "1234\n", 5, 0600), Q_OK, "replace");
	is_int(file_replace(path, "5678\n", 5, 0600), Q_OK, "replace again");
	is_int(file_read(path, &b), Q_OK, "read");
	is_str((char *)b.p, "5678\n", "the newer contents");
	is_int(file_read(path, &small), Q_TOOBIG, "over the cap");
	is_int(secret_load(path, &s), Q_OK, "secret");
	is_str((char *)s.p, "5678", "secret without its newline");
	is_int(symlink(path, link_path), 0, "a link");
	is_int(file_read(link_path, &b), Q_IO, "a link is not followed");
	unlink(link_path);
	unlink(path);
	is_int(rmdir(dir), 0, "nothing else was left in the folder");
}

/* The verdict of one forbidden thing, tried in a sandboxed child. */
static int
in_sandbox(int (*attempt)(void))
{
	static const char *const read_only[] = { "/etc", NULL };
	const struct sandbox s = { .read = read_only };
	int status = -1;
	pid_t pid = fork();

	if (pid == 0) {
		if (sandbox_enter(&s, NULL) != Q_OK)
			_exit(99);
		_exit(attempt());
	}
	waitpid(pid, &status, 0);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int
try_etc(void)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0;
}

static int
try_write(void)
{
	return open("/tmp/sandbox-escape", O_WRONLY | O_CREAT | O_CLOEXEC,
	    0600) < 0;
}

static int
try_inet(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) < 0 && errno == EPERM;
}

static int
try_exec(void)
{
	execl("/bin/true", "true", (char *)NULL);
	return 1;
}

static int
try_ptrace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0;
}

static int
try_plain(void)
{
	AUTO_FD int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	void *p = malloc(1 << 20);

	free(p);
	return fd < 0 || p == NULL;
}

static void
test_sandbox(void)
{
	is_int(in_sandbox(try_plain), 0, "sandbox: ordinary work goes on");
	if (SANDBOX_SANITIZED)
		return;
	is_int(in_sandbox(try_etc), 0, "sandbox: a named folder is readable");
	is_int(in_sandbox(try_inet), 1, "sandbox: no IP socket");
	is_int(in_sandbox(try_exec), -SIGSYS, "sandbox: execve is death");
	is_int(in_sandbox(try_ptrace), -SIGSYS, "sandbox: ptrace is death");
	is_int(in_sandbox(try_write), 1, "sandbox: no file elsewhere");
}

int
main(void)
{
	test_codec();
	test_buf();
	test_span();
	test_conf();
	test_files();
	test_sandbox();
	return done();
}
