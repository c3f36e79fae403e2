// SPDX-License-Identifier: Apache-2.0
/*
 * Faults in the token, and what quoin-signd makes of them:
 *	faults-client -c CONF -s SHIM [-p SIGND] COMMAND [ARGUMENT...]
 *	set CALL COUNT KIND [ARG]	a fault (p11-shim.h); COUNT -1: for ever
 *	clear				no faults
 *	calls CALL | hits CALL		how often it was called, and met a fault
 *	matrix GROUP [all]		every CK_RV into the calls of a group
 *	special GROUP			hangs, crashes, wrong signatures...
 *	load SECONDS THREADS		requests of all kinds, each until it
 *					is answered
 *	back MS				until requests are answered
 * matrix, special and load print TAP without a plan, and hold the journal
 * against what left.
 */
#include "config.h"

#include <getopt.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "tests/integration/faults.h"

static const char *const call_names[] = { "ANY",
#define X(name) #name,
	SHIM_CALLS(X)
#undef X
};
static const char *const kind_names[] = {
#define X(name, text) #name,
	SHIM_KINDS(X)
#undef X
};

struct conf conf;
struct shim_map *map;
struct asker asker;
pid_t signd;
unsigned tests, failed;

const char *
call_name(enum shim_call call)
{
	return call_names[call];
}

const char *
kind_name(enum shim_kind kind)
{
	return kind_names[kind];
}

/* --- faults */

void
faults_clear(void)
{
	for (size_t i = 0; i < SHIM_FAULTS; i++)
		atomic_store(&map->faults[i].left, 0);
}

struct shim_fault *
fault_add(enum shim_call call, int count, enum shim_kind kind, uint64_t arg)
{
	for (size_t i = 0; i < SHIM_FAULTS; i++) {
		struct shim_fault *f = &map->faults[i];

		if (atomic_load(&f->left) != 0)
			continue;
		f->call = call;
		f->kind = kind;
		f->arg = arg;
		atomic_store(&f->hits, 0);
		atomic_store(&f->left, count);
		return f;
	}
	fprintf(stderr, "faults-client: too many faults\n");
	exit(1);
}

static int
name_find(const char *const *names, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	fprintf(stderr, "faults-client: what is %s?\n", name);
	exit(64);
}

static int
call_find(const char *name)
{
	return name_find(call_names, SHIM_N_CALLS, name);
}

void
result(bool good, const char *fmt, const char *a, const char *b)
{
	tests++;
	failed += !good;
	printf("%s - ", good ? "ok" : "not ok");
	printf(fmt, a, b);
	printf("\n");
	fflush(stdout);
}

/* --- load */

struct loader {
	pthread_t thread;
	unsigned number;
	int64_t until;
	uint64_t good, failed, lost, wrong;
};

/* The same request until it is answered, as a client does. */
static void
load_one(struct loader *l, enum ask what)
{
	struct asked o = { 0 };

	for (;;) {
		ask(&asker, what, &o);
		l->wrong += o.wrong;
		if (o.code == Q_OK || clock_mono_ms() > l->until + BACK_MS)
			break;
		if (l->failed++ < 3)
			printf("# %s: %s\n", ask_name(what), o.text);
		usleep(10000);
	}
	l->good += o.code == Q_OK;
	l->lost += o.code != Q_OK;
}

static void *
load_run(void *arg)
{
	struct loader *l = arg;
	unsigned i = l->number;

	while (clock_mono_ms() < l->until)
		load_one(l, (enum ask)(i++ % ASK_CA));
	return NULL;
}

/* False when a request was lost or an answer wrong. Failed ones were asked
 * again. */
static bool
load(int64_t seconds, unsigned threads)
{
	struct loader l[64] = { 0 }, sum = { 0 };

	for (unsigned i = 0; i < threads && i < ARRAY_LEN(l); i++) {
		l[i].number = i;
		l[i].until = clock_mono_ms() + seconds * 1000;
		if (pthread_create(&l[i].thread, NULL, load_run, &l[i]) != 0)
			abort();
	}
	for (unsigned i = 0; i < threads && i < ARRAY_LEN(l); i++) {
		pthread_join(l[i].thread, NULL);
		sum.good += l[i].good;
		sum.failed += l[i].failed;
		sum.lost += l[i].lost;
		sum.wrong += l[i].wrong;
	}
	printf("good=%" PRIu64 "\nfailed=%" PRIu64 "\nlost=%" PRIu64
	    "\nwrong=%" PRIu64 "\n", sum.good, sum.failed, sum.lost,
	    sum.wrong);
	return sum.good != 0 && sum.lost == 0 && sum.wrong == 0;
}

/* Milliseconds until a handshake and a certificate were signed. */
static bool
back(int64_t limit_ms)
{
	int64_t begin = clock_mono_ms(), ms;
	struct asked tls = { 0 }, issue = { 0 };
	struct fault f = { 0 };
	bool known = false, good;

	do {
		known = known || asker_open(&asker, &conf, HANG_MS, &f) ==
		    Q_OK;
		if (known) {
			ask(&asker, ASK_TLS, &tls);
			ask(&asker, ASK_ISSUE, &issue);
		}
		good = known && tls.code == Q_OK && issue.code == Q_OK;
		ms = clock_mono_ms() - begin;
		usleep(good ? 0 : 5000);
	} while (!good && ms < limit_ms);
	printf("%" PRId64 "\n", ms);
	if (!good)
		fprintf(stderr, "%s; %s; %s\n", f.msg, tls.text, issue.text);
	return good && !tls.wrong && !issue.wrong;
}

/* --- */

/* With deadlines as short as here a busy machine alone can make a worker
 * late. */
static void
open_all(void)
{
	int64_t until = clock_mono_ms() + BACK_MS;
	struct fault f = { 0 };
	enum q_err r;

	while ((r = asker_open(&asker, &conf, HANG_MS, &f)) == Q_UNAVAIL &&
	    clock_mono_ms() < until)
		usleep(10000);
	if (r == Q_OK)
		return;
	printf("Bail out! %s\n", fault_text(&f, r));
	exit(q_err_exit(r));
}

static int
run(char **a)
{
	if (strcmp(a[0], "clear") == 0) {
		faults_clear();
	} else if (strcmp(a[0], "set") == 0 && a[1] && a[2] && a[3]) {
		fault_add((enum shim_call)call_find(a[1]),
		    (int)strtol(a[2], NULL, 10), (enum shim_kind)
		    name_find(kind_names, SHIM_N_KINDS, a[3]),
		    a[4] != NULL ? strtoull(a[4], NULL, 0) : 0);
	} else if (strcmp(a[0], "calls") == 0 && a[1]) {
		printf("%u\n", atomic_load(&map->calls[call_find(a[1])]));
	} else if (strcmp(a[0], "hits") == 0 && a[1]) {
		printf("%u\n", atomic_load(&map->hits[call_find(a[1])]));
	} else if (strcmp(a[0], "load") == 0 && a[1] && a[2]) {
		open_all();
		return !load(strtol(a[1], NULL, 10),
		    (unsigned)strtoul(a[2], NULL, 10)) ||
		    !asker_audit(&asker, false);
	} else if (strcmp(a[0], "back") == 0 && a[1]) {
		return !back(strtol(a[1], NULL, 10));
	} else if ((strcmp(a[0], "matrix") == 0 ||
	    strcmp(a[0], "special") == 0) && a[1]) {
		open_all();
		if (a[0][0] == 'm')
			matrix(a[1], a[2] != NULL);
		else
			special(a[1]);
		faults_clear();
		sleep(2); /* signd counts uses once a second */
		result(asker_audit(&asker, true),
		    "%s %s: the journal tells the truth", a[0], a[1]);
		printf("tests=%u\n", tests);
		return failed != 0;
	} else {
		return 64;
	}
	return 0;
}

int
main(int argc, char **argv)
{
	const char *path = NULL, *shim = NULL;
	struct fault f = { 0 };
	int opt;

	while ((opt = getopt(argc, argv, "+c:s:p:")) != -1) {
		if (opt == 'c')
			path = optarg;
		else if (opt == 's')
			shim = optarg;
		else if (opt == 'p')
			signd = (pid_t)strtol(optarg, NULL, 10);
		else
			return 64;
	}
	if (optind == argc || shim == NULL ||
	    conf_load(path, &conf, &f) != Q_OK)
		return 64;
	setvbuf(stdout, NULL, _IOLBF, 0);
	map = shim_map_open(shim, O_CREAT);
	if (map == NULL)
		return 73;
	map->magic = SHIM_MAGIC;
	return run(argv + optind);
}
