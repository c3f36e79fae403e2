// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "base/secret.h"
#include "device/agent_fleet.h"

/* Every option, once: field, name, what it takes (NULL: a switch), text. */
#define OPTION_TABLE(X)                                                   \
	X(server, "server", "HOST[:PORT]", "the appliance's device port")     \
	X(root, "root", "FILE", "the OEM Root's certificate, PEM")            \
	X(dir, "dir", "DIR", "where this device keeps its key and the rest")  \
	X(key_type, "key-type", "TYPE", "key to make: p256 or rsa3072")       \
	X(token, "token", "FILE", "the token of the device's batch")          \
	X(rekey, "rekey", NULL, "take a new key with the next certificate")   \
	X(once, "once", NULL, "end when enrolled")                            \
	X(timeout, "timeout", "SECONDS", "how long --once goes on trying")    \
	X(show_id, "show-id", NULL, "print the DeviceID, make the key first") \
	X(fleet, "fleet", "DIR", "run many devices from DIR")                 \
	X(make, "make", NULL, "with --fleet: make keys and fleet.json")       \
	X(count, "count", "N", "with --make: as many devices as this")        \
	X(parallel, "parallel", "P", "with --fleet: devices at a time")       \
	X(help, "help", NULL, "print this")

/* What was given: the value, the name for a switch, or NULL. */
struct options {
#define X(field, name, value, text) const char *field;
	OPTION_TABLE(X)
#undef X
};

enum option_index {
#define X(field, name, value, text) OPT_##field,
	OPTION_TABLE(X)
#undef X
	OPT_COUNT
};

static volatile sig_atomic_t stopped;

static void
on_signal(int number)
{
	(void)number;
	stopped = 1;
}

static void
usage(FILE *to)
{
	static const char *const lines[][3] = {
#define X(field, name, value, text) { "--" name, value, text },
		OPTION_TABLE(X)
#undef X
	};

	fputs("usage: quoin-agent --server HOST[:PORT] --root FILE --dir DIR "
	    "[--once] ...\n"
	    "       quoin-agent --dir DIR --show-id\n"
	    "       quoin-agent --fleet DIR --count N --make\n"
	    "       quoin-agent --fleet DIR --server HOST[:PORT] --root FILE "
	    "[--once] ...\n", to);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
		const char *value = lines[i][1] != NULL ? lines[i][1] : "";

		fprintf(to, "  %-10s %-12s %s\n", lines[i][0], value,
		    lines[i][2]);
	}
}

static enum q_err
parse_options(int argc, char **argv, struct options *ret_options)
{
	static const struct option names[] = {
#define X(field, name, value, text) \
		{ name, (value) != NULL, NULL, OPT_##field },
		OPTION_TABLE(X)
#undef X
		{ NULL, 0, NULL, 0 }
	};
	const char *given[OPT_COUNT] = { NULL };
	int c;

	while ((c = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (c == '?')
			return Q_USAGE;
		given[c] = optarg != NULL ? optarg : names[c].name;
	}
	if (optind != argc)
		return Q_USAGE;
#define X(field, name, value, text) ret_options->field = given[OPT_##field];
	OPTION_TABLE(X)
#undef X
	return Q_OK;
}

static enum q_err
fail(enum q_err e, const struct fault *f)
{
	fprintf(stderr, "quoin-agent: %s\n", fault_text(f, e));
	return e;
}

/* A number from low to high, or fallback when it was not given. */
static enum q_err
get_number(const char *text, unsigned long fallback, unsigned long low,
    unsigned long high, unsigned long *ret_number)
{
	char *end;
	unsigned long n;

	if (text == NULL) {
		*ret_number = fallback;
		return Q_OK;
	}
	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' ||
	    n < low || n > high)
		return Q_USAGE;
	*ret_number = n;
	return Q_OK;
}

/* Sleep until then, or a signal comes. */
static void
pause_until(int64_t until_ms)
{
	while (!stopped && clock_mono_ms() < until_ms) {
		int64_t ms = until_ms - clock_mono_ms();
		struct timespec t = { .tv_sec = ms / 1000,
			.tv_nsec = ms % 1000 * 1000000 };

		nanosleep(&t, NULL);
	}
}

/* One line for each change. */
static void
tell(const struct agent *a, const struct qdev *d, enum q_err e,
    char last[512])
{
	char line[512], now[32];

	agent_describe(a, d, e, line, sizeof(line));
	if (strcmp(line, last) == 0)
		return;
	memcpy(last, line, sizeof(line));
	time_format(clock_wall(), now);
	printf("%s %s\n", now, line);
	fflush(stdout);
}

static enum q_err
run_device(struct agent *a, const struct options *o, unsigned long timeout)
{
	AUTO_FREE char *work = malloc(AGENT_WORK);
	int64_t end = clock_mono_ms() + (int64_t)timeout * 1000;
	char last[512] = "";
	struct qdev d;
	enum q_err e;

	if (work == NULL)
		return Q_NOMEM;
	e = agent_start(a, work, o->once != NULL, &d);
	if (e == Q_OK && o->rekey != NULL)
		e = agent_rekey(a, &d);
	if (e != Q_OK)
		return fail(e, NULL);
	while (!stopped) {
		uint32_t wait;
		int64_t next;

		e = agent_settle(&d, &wait);
		tell(a, &d, e, last);
		next = clock_mono_ms() + (int64_t)wait * 1000;
		if (o->once != NULL && (e == Q_OK || next > end))
			return e;
		pause_until(next);
	}
	return Q_OK;
}

static enum q_err
main_device(const struct options *o, const struct agent_options *options,
    unsigned long timeout)
{
	struct agent a = AGENT_INIT;
	struct fault f = { .code = Q_OK };
	enum q_err e = agent_open(&a, options, &f);

	if (e != Q_OK) {
		(void)fail(e, &f);
	} else if (o->show_id != NULL) {
		puts(a.id);
	} else {
		printf("DeviceID %s\n", a.id);
		fflush(stdout);
		e = run_device(&a, o, timeout);
	}
	agent_close(&a);
	return e;
}

static enum q_err
main_fleet(const struct options *o, const struct agent_options *device,
    unsigned long timeout)
{
	struct fleet_options fleet = { .dir = o->fleet, .tls = device->tls,
		.token = device->token, .timeout_s = timeout, .once = o->once != NULL };
	struct fault f = { .code = Q_OK };
	unsigned long count;
	enum q_err e;

	if (get_number(o->count, 0, 1, 10000000, &count) != Q_OK ||
	    get_number(o->parallel, 8, 1, 1024, &fleet.parallel) != Q_OK ||
	    (o->make != NULL) != (o->count != NULL)) {
		usage(stderr);
		return Q_USAGE;
	}
	e = o->make != NULL ?
	    fleet_make(o->fleet, count, device->key_type, &f) :
	    fleet_run(&fleet, &stopped, &f);
	return e == Q_OK ? e : fail(e, &f);
}

/* Which options go together. */
static bool
sensible(const struct options *o)
{
	bool offline = o->show_id != NULL || o->make != NULL;

	if ((o->dir != NULL) == (o->fleet != NULL))
		return false;
	if (o->fleet == NULL && (o->make != NULL || o->count != NULL ||
	    o->parallel != NULL))
		return false;
	if (o->fleet != NULL && (o->rekey != NULL || o->show_id != NULL))
		return false;
	return offline || (o->server != NULL && o->root != NULL);
}

int
main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = on_signal };
	struct agent_options device = { .dir = NULL };
	struct options o;
	struct agent_tls tls = { .ctx = NULL };
	struct fault f = { .code = Q_OK };
	AUTO_SECRET struct secret token = { 0 };
	unsigned long timeout;
	enum q_err e = parse_options(argc, argv, &o);

	if (e == Q_OK && o.help != NULL) {
		usage(stdout);
		return 0;
	}
	if (e != Q_OK || !sensible(&o) || agent_key_type_parse(
	    o.key_type != NULL ? o.key_type : "p256",
	    &device.key_type) != Q_OK || get_number(o.timeout,
	    o.fleet != NULL ? 300 : 0, 0, 31536000, &timeout) != Q_OK) {
		usage(stderr);
		return q_err_exit(Q_USAGE);
	}
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	device.dir = o.dir;
	if (o.token != NULL) {
		e = secret_load(o.token, &token);
		if (e != Q_OK)
			return q_err_exit(fail(fault_set(&f, e, "%s: %s",
			    o.token, q_err_text(e)), &f));
		device.token = (const char *)token.p;
	}
	if (o.server != NULL && o.root != NULL) {
		e = agent_tls_init(&tls, o.server, o.root, &f);
		if (e != Q_OK)
			return q_err_exit(fail(e, &f));
		device.tls = &tls;
	}
	e = o.fleet != NULL ? main_fleet(&o, &device, timeout) :
	    main_device(&o, &device, timeout);
	agent_tls_free(&tls);
	return q_err_exit(e);
}
