// SPDX-License-Identifier: Apache-2.0
/*
 * recordd-client CONF COMMAND...: what recordd.sh asks of quoin-recordd.
 * Prints results, or the error's name and text; ends with its exit code.
 */
#include "config.h"

#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/conf.h"
#include "base/own.h"
#include "records/client.h"
#include "records/load.h"

static struct wire_client *client;
static const char *conf_path;
static struct fault fault;

static long
number(const char *text)
{
	return strtol(text, NULL, 10);
}

static enum q_err
cmd_status(char **arg)
{
	struct recordd_status_req req = { 0 };
	struct recordd_status_rsp rsp;
	AUTO_REPLY struct wire_reply hold = { 0 };
	enum q_err r = recordd_status(client, &req, &rsp, &hold, &fault);

	(void)arg;
	if (r == Q_OK)
		printf("%s %s writes=%" PRIu64 " commits=%" PRIu64
		    " watchers=%u\n", rsp.store, rsp.ok ? "ok" : rsp.text,
		    rsp.writes, rsp.commits, rsp.watchers);
	return r;
}

static enum q_err
cmd_make(char **arg)
{
	struct rec_batch b = { .policy = "test" };

	snprintf(b.key, sizeof(b.key), "%s", arg[0]);
	return rec_batch_insert(client, &b, &fault);
}

static size_t die_at;

static void
progress(void *ctx, size_t done, size_t all)
{
	(void)ctx;
	(void)all;
	if (die_at != 0 && done >= die_at)
		_exit(99);
}

/* load BATCH FILE [N]: with N, die when so many are stored. */
static enum q_err
cmd_load(char **arg)
{
	AUTO_FLEET struct fleet fl = { 0 };
	char line[FLEET_LINE];
	enum q_err r = fleet_load(&fl, arg[1], &fault);

	die_at = arg[2] != NULL ? strtoul(arg[2], NULL, 10) : 0;
	if (r == Q_OK)
		r = rec_load_devices(client, arg[0], &fl, progress, NULL,
		    &fault);
	for (size_t i = 0; i < fl.n_bad; i++) {
		fleet_bad_text(&fl.bad[i], line);
		printf("%s\n", line);
	}
	return r;
}

/* age BATCH: its load was last seen long ago. */
static enum q_err
cmd_age(char **arg)
{
	struct rec_batch b;
	enum q_err r = rec_batch_get(client, arg[0], &b, &fault);

	b.load_at -= REC_LOAD_ABANDONED + 1;
	return r == Q_OK ? rec_batch_put(client, &b, &fault) : r;
}

static enum q_err
cmd_undo(char **arg)
{
	return rec_load_undo(client, arg[0], &fault);
}

/* list BATCH: IDs of the devices that count. */
static enum q_err
cmd_list(char **arg)
{
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(client, REC_DEVICE, "batch", arg[0]);
	struct rec_device dev;
	struct rec_batch b;
	enum q_err r = rec_batch_get(client, arg[0], &b, &fault);

	it.page = 100;
	if (r != Q_OK)
		return r;
	while ((r = rec_list_next(&it, &dev, &fault)) == Q_OK)
		if (rec_device_valid(&b, &dev))
			printf("%s\n", dev.key);
	return r == Q_NOTFOUND ? Q_OK : r;
}

static enum q_err
cmd_count(char **arg)
{
	struct rec_device_counts n;
	enum q_err r = rec_device_counters(client, arg[0], &n, &fault);

	if (r == Q_OK)
		printf("%" PRIu64 " %" PRIu64 " %" PRIu64 "\n", n.devices,
		    n.not_enrolled, n.enrolled);
	return r;
}

/* insert BATCH N: one device. */
static enum q_err
cmd_insert(char **arg)
{
	struct rec_device dev = { 0 };

	snprintf(dev.batch, sizeof(dev.batch), "%s", arg[0]);
	snprintf(dev.key, sizeof(dev.key), "%064ld", number(arg[1]));
	return rec_device_insert(client, &dev, &fault);
}

/* revoked ISSUER SERIAL SECONDS: revoked so long from now. */
static enum q_err
cmd_revoked(char **arg)
{
	struct rec_revoked rv = { .not_after = clock_wall() + 86400,
		.revoked_at = clock_wall() + number(arg[2]) };

	snprintf(rv.key, sizeof(rv.key), "%s/%s", arg[0], arg[1]);
	snprintf(rv.issuer, sizeof(rv.issuer), "%s", arg[0]);
	snprintf(rv.device, sizeof(rv.device), "%064d", 1);
	snprintf(rv.batch, sizeof(rv.batch), "test");
	return rec_revoked_insert(client, &rv, &fault);
}

/* request ID DIGEST: what the device's newest certificate answered. */
static enum q_err
cmd_request(char **arg)
{
	struct rec_device dev;
	enum q_err r = rec_device_get(client, arg[0], &dev, &fault);

	snprintf(dev.request, sizeof(dev.request), "%s", arg[1]);
	return r == Q_OK ? rec_device_put(client, &dev, &fault) : r;
}

/* fill BATCH SECONDS: insert until one fails. */
static enum q_err
cmd_fill(char **arg)
{
	int64_t until = clock_mono_ms() + 1000 * number(arg[1]);
	struct rec_device dev = { 0 };
	enum q_err r = Q_OK;

	snprintf(dev.batch, sizeof(dev.batch), "%s", arg[0]);
	for (int i = 0; r == Q_OK && clock_mono_ms() < until; i++) {
		snprintf(dev.key, sizeof(dev.key), "f%063d", i);
		r = rec_device_insert(client, &dev, &fault);
	}
	return r;
}

/* Each verb on a type; whatever the outcome, DENIED says what we want. */
static enum q_err
try_verb(const struct rec_desc *d, enum rec_verb verb, bool second)
{
	static const char key[] = "0000000000000000000000000000000"
				  "000000000000000000000000000000000";
	AUTO_REPLY struct wire_reply hold = { 0 };
	union {
		struct recordd_get_rsp get;
		struct recordd_list_rsp list;
		struct recordd_insert_rsp insert;
		struct recordd_insert_many_rsp many;
		struct recordd_put_rsp put;
		struct recordd_delete_rsp delete;
		struct recordd_purge_rsp purge;
	} rsp;
	struct bytes doc = { (const uint8_t *)"", 0 };
	struct recordd_get_req get = { d->type, key, 0 };
	struct recordd_list_req list = { .type = d->type };
	struct recordd_insert_req insert = { d->type, key, doc, 0 };
	struct recordd_insert_many_req many = { .type = d->type };
	struct recordd_put_req put = { d->type, key, 1, doc, 0 };
	struct recordd_delete_req delete = { d->type, key, 1, 0 };
	struct recordd_purge_req purge = { .type = d->type };

	switch (verb) {
	case REC_READ:
		return second ? recordd_list(client, &list, &rsp.list, &hold,
		    &fault) : recordd_get(client, &get, &rsp.get, &hold,
		    &fault);
	case REC_INSERT:
		return second ? recordd_insert_many(client, &many, &rsp.many,
		    &hold, &fault) : recordd_insert(client, &insert,
		    &rsp.insert, &hold, &fault);
	case REC_PUT:
		return recordd_put(client, &put, &rsp.put, &hold, &fault);
	default:
		return second ? recordd_purge(client, &purge, &rsp.purge,
		    &hold, &fault) : recordd_delete(client, &delete,
		    &rsp.delete, &hold, &fault);
	}
}

/* Who may insert_many and purge at all, by the ops table. */
static uint32_t
roles_of_second(enum rec_verb verb)
{
	static const struct {
		uint16_t num;
		uint32_t roles;
	} ops[] = {
#define X(name, num, roles, cap, text) { (num), (roles) },
		RECORDD_OPS(X)
#undef X
	};
	uint16_t num = verb == REC_INSERT ? RECORDD_NUM_insert_many
	    : verb == REC_DELETE ? RECORDD_NUM_purge : RECORDD_NUM_list;

	for (size_t i = 0; i < ARRAY_LEN(ops); i++)
		if (ops[i].num == num)
			return ops[i].roles;
	return 0;
}

/* matrix ROLE-BIT: every type and verb, as the tables say. */
static enum q_err
cmd_matrix(char **arg)
{
	static const enum rec_verb verbs[] = { REC_READ, REC_INSERT, REC_PUT,
		REC_DELETE };
	uint32_t role = (uint32_t)strtoul(arg[0], NULL, 10);
	unsigned tried = 0, wrong = 0;

	for (size_t i = 0; i < rec_n_descs * 8; i++) {
		const struct rec_desc *d = &rec_descs[i / 8];
		enum rec_verb verb = verbs[i / 2 % 4];
		bool second = i % 2, may;
		enum q_err r = try_verb(d, verb, second);

		may = (rec_access(role, d->type) & verb) != 0 &&
		    (!second || verb == REC_PUT ||
		    (roles_of_second(verb) & role) != 0);
		tried++;
		if ((r != Q_DENIED) != may || r == Q_UNAVAIL) {
			printf("%s verb %d%s: %s %s\n", d->name, (int)verb,
			    second ? "b" : "", q_err_name(r), fault.msg);
			wrong++;
		}
	}
	printf("%u tried, %u wrong\n", tried, wrong);
	return wrong == 0 ? Q_OK : Q_INTERNAL;
}

/* hints: an insert is told to who watches its type, and no other. */
static enum q_err
cmd_hints(char **arg)
{
	AUTO_FD int devices = -1, batches = -1;
	char key[REC_KEY_MAX + 1], want[REC_KEY_MAX + 1];
	uint32_t type;
	enum q_err r = rec_watch_open(client, REC_BIT(REC_DEVICE), &devices,
	    &fault);

	if (r == Q_OK)
		r = rec_watch_open(client, REC_BIT(REC_BATCH), &batches,
		    &fault);
	if (r == Q_OK)
		r = cmd_insert(arg);
	if (r == Q_OK)
		r = rec_watch_next(devices, 5000, &type, key, &fault);
	snprintf(want, sizeof(want), "%064ld", number(arg[1]));
	if (r == Q_OK && (type != REC_DEVICE || strcmp(key, want) != 0))
		r = fault_set(&fault, Q_INTERNAL, "hint %u %s", type, key);
	/* A sign of life has no type. */
	if (r == Q_OK && rec_watch_next(batches, 200, &type, key, NULL) !=
	    Q_TIMEOUT && type != 0)
		r = fault_set(&fault, Q_INTERNAL, "a batch hint: %u", type);
	return r;
}

/* deaf BATCH N: watch and never read, while N devices are inserted. */
static enum q_err
cmd_deaf(char **arg)
{
	AUTO_FD int sock = -1;
	int64_t slowest = 0;
	struct rec_device dev = { 0 };
	enum q_err r = rec_watch_open(client, REC_BIT(REC_DEVICE), &sock,
	    &fault);

	snprintf(dev.batch, sizeof(dev.batch), "%s", arg[0]);
	for (int i = 0; r == Q_OK && i < number(arg[1]); i++) {
		int64_t t = clock_mono_ms();

		snprintf(dev.key, sizeof(dev.key), "d%063d", i);
		r = rec_device_insert(client, &dev, &fault);
		t = clock_mono_ms() - t;
		slowest = t > slowest ? t : slowest;
	}
	printf("slowest %" PRId64 " ms\n", slowest);
	for (int i = 0; r == Q_OK && i < 200; i++) {
		struct recordd_status_req req = { 0 };
		struct recordd_status_rsp rsp;
		AUTO_REPLY struct wire_reply hold = { 0 };

		r = recordd_status(client, &req, &rsp, &hold, &fault);
		if (r == Q_OK && rsp.watchers == 0)
			return slowest < 1500 ? Q_OK : Q_TIMEOUT;
		poll(NULL, 0, 100);
	}
	return r == Q_OK ? fault_set(&fault, Q_TIMEOUT, "still watching") : r;
}

/* --- hammer: writes by several threads while the daemon is killed --- */

#define HAMMERS 8
#define DEVICES 4000 /* of each thread */

static atomic_bool hammer_stop;

struct hammer {
	pthread_t thread;
	unsigned no, n;
	/* What was answered: 0 nothing, 1 the insert, 2 the put. Asked is
	 * what may be there beyond it. */
	uint8_t answered[DEVICES], asked[DEVICES];
};

static void
hammer_key(const struct hammer *h, unsigned i, char *key)
{
	/* Runs of neighbours, and jumps between the threads. */
	snprintf(key, REC_KEY_MAX + 1, "%08x%08x%048x", i, h->no, 7);
}

static void
hammer_one(struct hammer *h, unsigned i)
{
	struct rec_device dev = { .batch = "hammer" };
	enum q_err r;

	hammer_key(h, i, dev.key);
	h->asked[i] = 1;
	r = rec_device_insert(client, &dev, NULL);
	if (r == Q_OK)
		h->answered[i] = 1;
	if (r == Q_EXISTS)
		r = rec_device_get(client, dev.key, &dev, NULL);
	if (r != Q_OK)
		return;
	dev.state = DEVICE_ENROLLED;
	dev.issued = 1;
	h->asked[i] = 2;
	if (rec_device_put(client, &dev, NULL) == Q_OK)
		h->answered[i] = 2;
}

static void *
hammer_run(void *ctx)
{
	struct hammer *h = ctx;

	while (!atomic_load(&hammer_stop) && h->n < DEVICES) {
		hammer_one(h, h->n);
		/* Nothing answered: the daemon is away. */
		if (h->answered[h->n++] == 0)
			poll(NULL, 0, 2);
	}
	return NULL;
}

static pid_t
daemon_run(const char *program)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execl(program, program, "-c", conf_path, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 2000; i++) {
		struct recordd_status_req req = { 0 };
		struct recordd_status_rsp rsp;
		AUTO_REPLY struct wire_reply hold = { 0 };

		if (recordd_status(client, &req, &rsp, &hold, NULL) == Q_OK)
			return pid;
		poll(NULL, 0, 5);
	}
	fprintf(stderr, "%s does not come up\n", program);
	exit(1);
}

/* Every answered write is there, and nothing is half there. */
static unsigned
hammer_check(const struct hammer *h)
{
	unsigned bad = 0;

	for (unsigned i = 0; i < h->n; i++) {
		struct rec_device dev;
		char key[REC_KEY_MAX + 1];
		unsigned have = 0;

		hammer_key(h, i, key);
		if (rec_device_get(client, key, &dev, NULL) == Q_OK)
			have = 1 + (unsigned)dev.issued;
		if (have < h->answered[i] || have > h->asked[i] ||
		    (have != 0 && (dev.state == DEVICE_ENROLLED) !=
		    (dev.issued == 1))) {
			printf("%s: answered %d, asked %d, has %u\n", key,
			    h->answered[i], h->asked[i], have);
			bad++;
		}
	}
	return bad;
}

/* Counters and index say what the documents say. */
static enum q_err
hammer_count(void)
{
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(client, REC_DEVICE, "batch", "hammer");
	struct rec_device_counts n, have = { 0 };
	struct rec_device dev;
	enum q_err r = rec_device_counters(client, "hammer", &n, &fault);

	if (r != Q_OK)
		return r;
	while ((r = rec_list_next(&it, &dev, &fault)) == Q_OK) {
		have.devices++;
		have.enrolled += dev.state == DEVICE_ENROLLED;
	}
	printf("%" PRIu64 " devices, %" PRIu64 " enrolled\n", have.devices,
	    have.enrolled);
	if (r != Q_NOTFOUND)
		return r;
	return have.devices == n.devices && have.enrolled == n.enrolled &&
	    n.not_enrolled == n.devices - n.enrolled && n.devices > 100
	    ? Q_OK : fault_set(&fault, Q_INTERNAL, "counters say %" PRIu64
	    " devices, %" PRIu64 " enrolled", n.devices, n.enrolled);
}

/* hammer DAEMON TIMES */
static enum q_err
cmd_hammer(char **arg)
{
	static struct hammer h[HAMMERS];
	unsigned bad = 0;
	pid_t pid = daemon_run(arg[0]);
	enum q_err r;

	for (unsigned i = 0; i < HAMMERS; i++) {
		h[i].no = i;
		pthread_create(&h[i].thread, NULL, hammer_run, &h[i]);
	}
	for (int i = 0; i < number(arg[1]); i++) {
		poll(NULL, 0, (int)(clock_mono_ns() / 1000 % 40));
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		pid = daemon_run(arg[0]);
	}
	atomic_store(&hammer_stop, true);
	for (unsigned i = 0; i < HAMMERS; i++) {
		pthread_join(h[i].thread, NULL);
		bad += hammer_check(&h[i]);
	}
	r = hammer_count();
	kill(pid, SIGTERM);
	waitpid(pid, NULL, 0);
	return bad == 0 ? r : Q_INTERNAL;
}

static const struct {
	const char *name;
	int args;
	enum q_err (*run)(char **arg);
} commands[] = {
	{ "status", 0, cmd_status }, { "make", 1, cmd_make },
	{ "load", 2, cmd_load }, { "age", 1, cmd_age },
	{ "undo", 1, cmd_undo }, { "list", 1, cmd_list },
	{ "count", 1, cmd_count }, { "insert", 2, cmd_insert },
	{ "fill", 2, cmd_fill }, { "matrix", 1, cmd_matrix },
	{ "hints", 2, cmd_hints }, { "deaf", 2, cmd_deaf },
	{ "hammer", 2, cmd_hammer }, { "revoked", 3, cmd_revoked },
	{ "request", 2, cmd_request },
};

int
main(int argc, char **argv)
{
	static struct conf conf;
	char sock[CONF_SOCKET_MAX];
	enum q_err r;

	if (argc < 3)
		return 64;
	conf_path = argv[1];
	r = conf_load(conf_path, &conf, &fault);
	if (r == Q_OK)
		r = conf_socket(&conf, "recordd", sock);
	if (r == Q_OK)
		r = wire_client_new(sock, 20000, &client);
	for (size_t i = 0; r == Q_OK && i <= ARRAY_LEN(commands); i++) {
		if (i == ARRAY_LEN(commands))
			r = Q_USAGE;
		else if (strcmp(commands[i].name, argv[2]) == 0 &&
		    argc >= 3 + commands[i].args) {
			r = commands[i].run(argv + 3);
			break;
		}
	}
	if (r != Q_OK)
		fprintf(stderr, "%s: %s\n", q_err_name(r),
		    fault_text(&fault, r));
	wire_client_free(client);
	return q_err_exit(r);
}
