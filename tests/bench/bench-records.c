// SPDX-License-Identifier: Apache-2.0
/*
 * bench-records DAEMON [FOLDER]: speed of quoin-recordd, one line of JSON
 * for each figure. FOLDER (default: below /tmp) is where the store lies; it
 * decides what fdatasync costs.
 */
#include "config.h"

#include <ftw.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"
#include "records/client.h"
#include "records/load.h"

#define THREADS_MAX 64
#define RUN_MS 3000
#define READY_MS 10000

static struct wire_client *client;
static char folder[200];

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

/* A DeviceID that looks like a digest: number n, scrambled. */
static void
device_id(uint64_t n, char hex[65])
{
	for (int i = 0; i < 4; i++) {
		n = (n ^ n >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
		n = (n ^ n >> 27) * UINT64_C(0x94d049bb133111eb);
		n ^= n >> 31;
		snprintf(hex + 16 * i, 17, "%016" PRIx64, n);
	}
}

struct worker {
	pthread_t thread;
	bool (*once)(uint64_t n);
	uint64_t from, n, limit;
	int64_t until;
	int64_t *took; /* ns, of each call */
};

static void *
work(void *ctx)
{
	struct worker *w = ctx;

	while (w->n < w->limit && clock_mono_ms() < w->until) {
		int64_t t = clock_mono_ns();

		if (!w->once(w->from + w->n * THREADS_MAX))
			die("a call failed");
		w->took[w->n++] = clock_mono_ns() - t;
	}
	return NULL;
}

static int
by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void
run(const char *what, unsigned threads, uint64_t devices,
    bool (*once)(uint64_t n))
{
	static struct worker w[THREADS_MAX];
	const size_t limit = 200000;
	int64_t *all = calloc(limit * threads, sizeof(*all));
	int64_t start = clock_mono_ns();
	size_t n = 0;

	if (all == NULL)
		die("out of memory");
	for (unsigned i = 0; i < threads; i++) {
		w[i] = (struct worker){ .once = once, .from = i,
			.limit = limit, .until = clock_mono_ms() + RUN_MS,
			.took = all + i * limit };
		pthread_create(&w[i].thread, NULL, work, &w[i]);
	}
	for (unsigned i = 0; i < threads; i++) {
		pthread_join(w[i].thread, NULL);
		memmove(all + n, w[i].took, w[i].n * sizeof(*all));
		n += w[i].n;
	}
	start = clock_mono_ns() - start;
	qsort(all, n, sizeof(*all), by_value);
	printf("{\"bench\":\"records\",\"what\":\"%s\",\"threads\":%u,"
	    "\"devices\":%" PRIu64 ",\"per_second\":%.0f,\"p50_us\":%.0f,"
	    "\"p99_us\":%.0f}\n", what, threads, devices,
	    (double)n * 1e9 / (double)start, (double)all[n / 2] / 1e3,
	    (double)all[n * 99 / 100] / 1e3);
	fflush(stdout);
	free(all);
}

static bool
insert_one(uint64_t n)
{
	static atomic_uint_fast64_t next = UINT64_C(1) << 40;
	struct rec_device dev = { .batch = "bench" };

	(void)n;
	device_id(atomic_fetch_add(&next, 1), dev.key);
	return rec_device_insert(client, &dev, NULL) == Q_OK;
}

/* As of an enrolment, and of what a person does. */
static bool
note_one(uint64_t n)
{
	struct rec_activity a = { .from = "192.0.2.1", .what = "device enrol",
		.detail = "batch bench" };

	device_id(n, a.object);
	if (n % 100 == 0)
		snprintf(a.who, sizeof(a.who), "admin");
	return rec_activity_note(client, &a, NULL) == Q_OK;
}

static uint64_t loaded;

static bool
get_one(uint64_t n)
{
	struct rec_device dev;
	char id[65];

	device_id(n * 7919 % loaded, id);
	return rec_device_get(client, id, &dev, NULL) == Q_OK;
}

/* What an enrolment does to the records: read, change, write. */
static bool
enrol_one(uint64_t n)
{
	struct rec_device dev;
	char id[65];
	enum q_err r;

	device_id(n * 7919 % loaded, id);
	do {
		r = rec_device_get(client, id, &dev, NULL);
		dev.state = DEVICE_ENROLLED;
		dev.issued++;
		dev.enrolled_at = 1800000000;
		dev.due = 1800000000 + (int64_t)(n % 100000);
		dev.certs.n = 1;
		snprintf(dev.certs.c[0].serial, sizeof(dev.certs.c[0].serial),
		    "%.32s", id);
		snprintf(dev.certs.c[0].issuer, sizeof(dev.certs.c[0].issuer),
		    "%.16s", id);
		dev.certs.c[0].not_before = 1800000000;
		dev.certs.c[0].not_after = dev.due;
		if (r == Q_OK)
			r = rec_device_put(client, &dev, NULL);
	} while (r == Q_CONFLICT);
	return r == Q_OK;
}

static void
load(uint64_t from, uint64_t n)
{
	AUTO_FLEET struct fleet fl = { 0 };
	struct rec_batch b = { .policy = "bench" };
	struct fault f = { 0 };
	int64_t start, parsed;
	char hex[65];

	snprintf(b.key, sizeof(b.key), "load-%" PRIu64, n);
	if (rec_batch_insert(client, &b, &f) != Q_OK)
		die("batch: %s", f.msg);
	start = clock_mono_ns();
	for (uint64_t i = 0; i < n; i++) {
		device_id(from + i, hex);
		if (fleet_add(&fl, hex, 64, &f) != Q_OK)
			die("fleet: %s", f.msg);
	}
	parsed = clock_mono_ns();
	if (rec_load_devices(client, b.key, &fl, NULL, NULL, &f) != Q_OK)
		die("load: %s", f.msg);
	loaded = from + n;
	printf("{\"bench\":\"records\",\"what\":\"load\",\"devices\":%" PRIu64
	    ",\"seconds\":%.2f,\"list_seconds\":%.2f}\n", n,
	    (double)(clock_mono_ns() - parsed) / 1e9,
	    (double)(parsed - start) / 1e9);
	fflush(stdout);
}

static pid_t
daemon_start(const char *program)
{
	char conf[256], sock[256];
	struct recordd_status_req req = { 0 };
	struct recordd_status_rsp rsp;
	pid_t pid;
	FILE *f;

	snprintf(conf, sizeof(conf), "%s/quoin.conf", folder);
	f = fopen(conf, "w");
	if (f == NULL)
		die("%s: cannot write", conf);
	fprintf(f, "state = %s\nrun = %s\nroles = %u=admin\n", folder, folder,
	    (unsigned)getuid());
	fclose(f);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(program, program, "-c", conf, (char *)NULL);
		_exit(127);
	}
	snprintf(sock, sizeof(sock), "%s/recordd", folder);
	if (mkdir(sock, 0700) != 0)
		die("%s: cannot make it", sock);
	snprintf(sock, sizeof(sock), "%s/recordd/recordd.sock", folder);
	if (wire_client_new(sock, 60000, &client) != Q_OK)
		die("no client");
	for (int i = 0; i < READY_MS / 10; i++) {
		AUTO_REPLY struct wire_reply hold = { 0 };

		if (recordd_status(client, &req, &rsp, &hold, NULL) == Q_OK)
			return pid;
		poll(NULL, 0, 10);
	}
	die("%s does not answer", program);
}

static void
memory(pid_t pid, uint64_t devices)
{
	char path[64], line[128];
	long kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", (int)pid);
	f = fopen(path, "r");
	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "Pss: %ld", &kib) == 1)
			break;
	if (f != NULL)
		fclose(f);
	printf("{\"bench\":\"records\",\"what\":\"memory\",\"devices\":%"
	    PRIu64 ",\"pss_kib\":%ld}\n", devices, kib);
}

static int
remove_one(const char *path, const struct stat *sb, int flag, struct FTW *ftw)
{
	(void)sb;
	(void)flag;
	(void)ftw;
	return remove(path);
}

int
main(int argc, char **argv)
{
	static const uint64_t sizes[] = { 1000, 100000, 1000000 };
	uint64_t devices = 0;
	pid_t pid;

	if (argc < 2)
		die("usage: bench-records DAEMON [FOLDER]");
	snprintf(folder, sizeof(folder), "%s/bench-records.XXXXXX",
	    argc > 2 ? argv[2] : "/tmp");
	if (mkdtemp(folder) == NULL)
		die("%s: cannot make it", folder);
	pid = daemon_start(argv[1]);
	for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
		load(devices, sizes[i]);
		devices += sizes[i];
		run("get", 1, devices, get_one);
		run("get", 32, devices, get_one);
		run("enrol", 32, devices, enrol_one);
	}
	run("note", 1, devices, note_one);
	run("note", 32, devices, note_one);
	run("insert", 1, devices, insert_one);
	run("insert", 32, devices, insert_one);
	memory(pid, devices);
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}
