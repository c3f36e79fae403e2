// SPDX-License-Identifier: Apache-2.0
#ifndef INTEGRATION_FAULTS_H
#define INTEGRATION_FAULTS_H

/* Shared by the parts of faults-client. */

#include <sys/types.h>

#include "tests/fakes/p11-shim.h"
#include "tests/integration/asker.h"

#define HANG_MS 20000		/* what the client takes for no answer */
#define BACK_MS 7000		/* when we give up waiting for the service */
#define AWAY_MAX 4		/* when we give up a kind of case */
#define SLOW_MACHINE_MS 4000	/* others' work on the same processors */

extern struct conf conf;
extern struct shim_map *map;
extern struct asker asker;
extern pid_t signd;
extern unsigned tests, failed;

/* How a call is reached that is not part of every request. */
enum reach { DIRECTLY, BY_FIND, BY_RESET, BY_START, BY_WAITING };

struct target {
	const char *group;
	enum shim_call call;
	enum reach reach;
	enum ask asks[5];
	unsigned n_asks;
};

extern const struct target targets[];
extern const size_t n_targets;

/* How the cases of one kind went. */
struct tally {
	unsigned cases, unreached, hung, wrong, away, pins, over_1s, notes;
	int64_t answer_ms, back_ms;
	unsigned answered[32]; /* by enum q_err */
};

const char *call_name(enum shim_call call);
const char *kind_name(enum shim_kind kind);

/* No faults; one more. */
void faults_clear(void);
struct shim_fault *fault_add(enum shim_call call, int count,
    enum shim_kind kind, uint64_t arg);

/* A line of TAP; fmt has two %s. */
void result(bool good, const char *fmt, const char *a, const char *b)
    __attribute__((format(printf, 2, 0)));

/* One request under a fault, and its due time. */
void try(struct tally *t, const struct target *at, enum ask what,
    const char *value, struct asked *o);
void judge(struct tally *t, const struct target *at, const char *value,
    struct asked *o);

/* The fault meets its call: by this request, or by one that begins with a
 * new worker. */
void run_fault(struct tally *t, const struct target *at, enum ask what,
    const struct shim_fault *f, const char *value, struct asked *o);

/* After the fault: the same request until it is answered. */
void come_back(struct tally *t, const struct target *at, enum ask what,
    const char *value, struct asked *o);

void tally_print(const struct tally *t, const char *name, const char *what);

void matrix(const char *group, bool all);
void special(const char *group);

#endif
