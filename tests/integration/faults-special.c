// SPDX-License-Identifier: Apache-2.0
/* Faults that are no CK_RV. */
#include "config.h"

#include "tests/integration/faults.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"

#define AT_ONCE 8
#define OUTAGE_MS 1200

struct one {
	pthread_t thread;
	enum ask what;
	struct asked o;
};

static void *
one_run(void *arg)
{
	struct one *one = arg;

	ask(&asker, one->what, &one->o);
	return NULL;
}

/* Requests of all kinds at the same time: all are answered in time. */
static void
try_many(struct tally *t, const struct target *at, const char *value)
{
	struct one all[AT_ONCE] = { 0 };

	for (unsigned i = 0; i < AT_ONCE; i++) {
		all[i].what = (enum ask)(i % ASK_CA);
		if (pthread_create(&all[i].thread, NULL, one_run,
		    &all[i]) != 0)
			abort();
	}
	for (unsigned i = 0; i < AT_ONCE; i++) {
		pthread_join(all[i].thread, NULL);
		judge(t, at, value, &all[i].o);
	}
}

/* --- hangs, deaths, delays */

static void
special_ways(void)
{
	const struct {
		enum shim_kind kind;
		uint64_t arg;
		const char *text;
	} ways[] = {
		{ SHIM_KIND_hang, 0, "hangs" },
		{ SHIM_KIND_crash, 0, "crashes" },
		{ SHIM_KIND_exit, 3, "exits" },
		{ SHIM_KIND_delay, (uint64_t)conf.token_deadline / 3,
			"is slow" },
		{ SHIM_KIND_delay, (uint64_t)conf.token_deadline * 3,
			"is too slow" },
	};

	for (size_t w = 0; w < ARRAY_LEN(ways); w++) {
		struct tally t = { 0 };

		for (size_t k = 0; k < n_targets; k++) {
			const struct target *at = &targets[k];
			const struct shim_fault *f;
			struct asked o = { 0 };

			if (strcmp(at->group, "keys") == 0 ||
			    t.away >= AWAY_MAX)
				continue;
			t.cases++;
			f = fault_add(at->call, 1, ways[w].kind, ways[w].arg);
			if (at->reach == DIRECTLY)
				try_many(&t, at, ways[w].text);
			run_fault(&t, at, at->asks[k % at->n_asks], f,
			    ways[w].text, &o);
			faults_clear();
			come_back(&t, at, at->asks[k % at->n_asks],
			    ways[w].text, &o);
		}
		tally_print(&t, "a call", ways[w].text);
	}
}

/* --- wrong answers */

static void
special_wrong(void)
{
	static const struct {
		struct target at;
		enum shim_kind kind;
		int count;
		const char *text;
	} ways[] = {
#define ALL_SIGN { ASK_TLS, ASK_ISSUE, ASK_CRL, ASK_OCSP, ASK_CODE }, 5
		{ { "", SHIM_C_Sign, DIRECTLY, ALL_SIGN },
			SHIM_KIND_wrong, 1, "once a wrong signature" },
		{ { "", SHIM_C_Sign, DIRECTLY, ALL_SIGN },
			SHIM_KIND_wrong, SHIM_FOR_EVER, "wrong signatures" },
		{ { "", SHIM_C_SignInit, DIRECTLY, ALL_SIGN },
			SHIM_KIND_swap, 1, "once another key" },
		{ { "", SHIM_C_SignInit, DIRECTLY, ALL_SIGN },
			SHIM_KIND_swap, SHIM_FOR_EVER, "another key" },
		{ { "", SHIM_C_FindObjects, BY_FIND, ALL_SIGN },
			SHIM_KIND_swap, 1, "another key's handle" },
	};

	for (size_t w = 0; w < ARRAY_LEN(ways); w++) {
		const struct target *at = &ways[w].at;
		struct tally t = { 0 };

		for (unsigned k = 0; k < at->n_asks; k++) {
			enum ask what = at->asks[k];
			struct asked o = { 0 };
			const struct shim_fault *f;

			/* The shim must have seen two keys. */
			come_back(&t, at, ASK_TLS, ways[w].text,
			    &(struct asked){ 0 });
			come_back(&t, at, ASK_ISSUE, ways[w].text,
			    &(struct asked){ 0 });
			t.cases++;
			f = fault_add(at->call, ways[w].count, ways[w].kind,
			    0);
			run_fault(&t, at, what, f, ways[w].text, &o);
			for (int i = 0; i < 3; i++)
				try(&t, at, what, ways[w].text, &o);
			faults_clear();
			come_back(&t, at, what, ways[w].text, &o);
		}
		tally_print(&t, "the token gives", ways[w].text);
	}
}

/* --- the token as a whole */

/* Every call fails for a while, as when the HSM is switched off. */
static void
outage(struct tally *t, uint64_t rv, const char *text)
{
	static const struct target any = { "", SHIM_ANY, DIRECTLY,
		{ ASK_ISSUE }, 1 };
	const struct shim_fault *f = fault_add(SHIM_ANY, SHIM_FOR_EVER,
	    SHIM_KIND_rv, rv);
	int64_t until = clock_mono_ms() + OUTAGE_MS;
	struct asked o = { 0 };

	t->cases++;
	while (clock_mono_ms() < until) {
		try_many(t, &any, text);
		usleep(20000);
	}
	if (atomic_load(&f->hits) == 0)
		t->unreached++;
	faults_clear();
	come_back(t, &any, ASK_ISSUE, text, &o);
}

static void
special_token(void)
{
	static const struct {
		uint64_t rv;
		const char *text;
	} rvs[] = {
		{ 0x05, "CKR_GENERAL_ERROR" }, { 0x30, "CKR_DEVICE_ERROR" },
		{ 0x32, "CKR_DEVICE_REMOVED" },
		{ 0xb3, "CKR_SESSION_HANDLE_INVALID" },
		{ 0xe0, "CKR_TOKEN_NOT_PRESENT" },
		{ 0x190, "CKR_CRYPTOKI_NOT_INITIALIZED" },
		{ 0x80000001, "vendor's" },
	};
	static const enum shim_kind kinds[] = { SHIM_KIND_reset,
		SHIM_KIND_logout, SHIM_KIND_unload };
	static const struct target at = { "", SHIM_C_SignInit, DIRECTLY,
		{ ASK_TLS, ASK_ISSUE, ASK_CRL, ASK_OCSP, ASK_CODE }, 5 };
	struct tally gone = { 0 }, lost = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(rvs); i++)
		outage(&gone, rvs[i].rv, rvs[i].text);
	tally_print(&gone, "the token", "is away for a while");
	for (size_t i = 0; i < ARRAY_LEN(kinds) * at.n_asks; i++) {
		enum shim_kind kind = kinds[i / at.n_asks];
		enum ask what = at.asks[i % at.n_asks];
		struct asked o = { 0 };
		const struct shim_fault *f = fault_add(at.call, 1, kind, 0);

		lost.cases++;
		run_fault(&lost, &at, what, f, kind_name(kind), &o);
		faults_clear();
		come_back(&lost, &at, what, kind_name(kind), &o);
	}
	tally_print(&lost, "the token", "loses sessions, login, all");
}

/* Done, and then an error: nothing is doubled. */
static void
special_late(void)
{
	static const struct target ats[] = {
		{ "", SHIM_C_Sign, DIRECTLY,
			{ ASK_TLS, ASK_ISSUE, ASK_CRL, ASK_OCSP, ASK_CODE },
			5 },
		{ "", SHIM_C_GenerateKeyPair, DIRECTLY, { ASK_CA }, 1 },
		{ "", SHIM_C_Login, BY_RESET, { ASK_TLS }, 1 },
		{ "", SHIM_C_OpenSession, BY_RESET, { ASK_TLS }, 1 },
	};
	static const uint64_t rvs[] = { 0x05, 0x06, 0x30, 0x32, 0xb3, 0xe0 };
	struct tally t = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(ats) * ARRAY_LEN(rvs); i++) {
		const struct target *at = &ats[i / ARRAY_LEN(rvs)];
		enum ask what = at->asks[i % at->n_asks];
		struct asked o = { 0 };
		const struct shim_fault *f = fault_add(at->call, 1,
		    SHIM_KIND_late, rvs[i % ARRAY_LEN(rvs)]);

		t.cases++;
		run_fault(&t, at, what, f, "late", &o);
		faults_clear();
		come_back(&t, at, what, "late", &o);
	}
	tally_print(&t, "a call", "is done and fails");
}

void
special(const char *group)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} groups[] = {
		{ "ways", special_ways }, { "wrong", special_wrong },
		{ "token", special_token }, { "late", special_late },
	};

	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		if (strcmp(groups[i].name, group) == 0)
			groups[i].run();
}
