// SPDX-License-Identifier: Apache-2.0
/* Every CK_RV of the specification into every call on the way to a
 * signature. */
#include "config.h"

#include "tests/integration/faults.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/own.h"

static const struct {
	const char *name;
	uint64_t rv;
} values[] = {
#define X(name, value) { #name, value },
#include "tests/fakes/ckr-list.h"
#undef X
	/* PKCS #11 3.0 and later, where p11-kit's header lacks them or has
	 * other numbers; one that nobody has; a maker's own. */
	{ "CKR_AEAD_DECRYPT_FAILED", 0x42 },
	{ "CKR_EXCEEDED_MAX_ITERATIONS of OASIS", 0x1b5 },
	{ "CKR_FIPS_SELF_TEST_FAILED of OASIS", 0x1b6 },
	{ "CKR_LIBRARY_LOAD_FAILED of OASIS", 0x1b7 },
	{ "CKR_PIN_TOO_WEAK of OASIS", 0x1b8 },
	{ "CKR_PUBLIC_KEY_INVALID of OASIS", 0x1b9 },
	{ "CKR_TOKEN_RESOURCE_EXCEEDED", 0x201 },
	{ "CKR_OPERATION_CANCEL_FAILED", 0x202 },
	{ "CKR_KEY_EXHAUSTED", 0x203 },
	{ "CKR_PENDING", 0x204 },
	{ "CKR_SESSION_ASYNC_NOT_SUPPORTED", 0x205 },
	{ "unassigned", 0x7ffe },
	{ "vendor's", 0x80000bad },
};

#define RV_OK 0
#define RV_KEY_HANDLE_INVALID 0x60
#define RV_SESSION_HANDLE_INVALID 0xb3

/* The PIN was tried and is wrong: never again by itself. */
static bool
is_pin(uint64_t rv)
{
	static const uint64_t pins[] = { 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0x1b0,
		0x1b1, 0x1b8, 0x1c3 };

	for (size_t i = 0; i < ARRAY_LEN(pins); i++)
		if (pins[i] == rv)
			return true;
	return false;
}

#define SIGNERS { ASK_TLS, ASK_ISSUE, ASK_CRL, ASK_OCSP, ASK_CODE }, 5
const struct target targets[] = {
	{ "sign", SHIM_C_SignInit, DIRECTLY, SIGNERS },
	{ "sign", SHIM_C_Sign, DIRECTLY, SIGNERS },
	{ "seal", SHIM_C_EncryptInit, DIRECTLY, { ASK_SEAL }, 1 },
	{ "seal", SHIM_C_Encrypt, DIRECTLY, { ASK_SEAL }, 1 },
	{ "seal", SHIM_C_DecryptInit, DIRECTLY, { ASK_UNSEAL }, 1 },
	{ "seal", SHIM_C_Decrypt, DIRECTLY, { ASK_UNSEAL }, 1 },
	{ "find", SHIM_C_FindObjectsInit, BY_FIND, SIGNERS },
	{ "find", SHIM_C_FindObjects, BY_FIND, SIGNERS },
	{ "find", SHIM_C_FindObjectsFinal, BY_FIND, SIGNERS },
	{ "login", SHIM_C_OpenSession, BY_RESET, SIGNERS },
	{ "login", SHIM_C_Login, BY_RESET, SIGNERS },
	{ "login", SHIM_C_GetSessionInfo, BY_RESET, SIGNERS },
	{ "initialize", SHIM_C_Initialize, BY_START, SIGNERS },
	{ "slots", SHIM_C_GetSlotList, BY_START, SIGNERS },
	{ "info", SHIM_C_GetTokenInfo, BY_START, SIGNERS },
	{ "keys", SHIM_C_GenerateKeyPair, DIRECTLY, { ASK_CA, ASK_PAIR }, 2 },
	{ "keys", SHIM_C_GetAttributeValue, DIRECTLY, { ASK_CA, ASK_PAIR }, 2 },
	{ "keys", SHIM_C_GenerateKey, DIRECTLY, { ASK_AES }, 1 },
	{ "keys", SHIM_C_CreateObject, DIRECTLY, { ASK_IMPORT }, 1 },
	{ "keys", SHIM_C_DestroyObject, BY_WAITING, { ASK_PAIR, ASK_IMPORT },
		2 },
};
const size_t n_targets = ARRAY_LEN(targets);

static void
note(struct tally *t, const char *what, const struct target *at,
    const char *value, const struct asked *o)
{
	if (t->notes++ < 20)
		printf("# %s, %s, %s: %s (%" PRId64 " ms; %s)\n",
		    call_name(at->call), value,
		    ask_name(o->what), what, o->ms, o->text);
}

void
judge(struct tally *t, const struct target *at, const char *value,
    struct asked *o)
{
	int64_t due = 3 * conf.token_deadline + SLOW_MACHINE_MS;

	t->answered[o->code < ARRAY_LEN(t->answered) ? o->code : 0]++;
	if (o->ms > t->answer_ms)
		t->answer_ms = o->ms;
	if (o->code == Q_TIMEOUT || o->ms > due) {
		t->hung++;
		note(t, "not answered in time", at, value, o);
	}
	if (o->wrong) {
		t->wrong++;
		note(t, o->text, at, value, o);
	}
}

void
try(struct tally *t, const struct target *at, enum ask what,
    const char *value, struct asked *o)
{
	ask(&asker, what, o);
	judge(t, at, value, o);
}

static int64_t
back_limit(void)
{
	return 1000 + SLOW_MACHINE_MS;
}

/* For the next case's sake: another worker, and a PIN that is right. */
static void
rescue(void)
{
	int64_t until = clock_mono_ms() + BACK_MS;
	const struct shim_fault *f;
	struct asked o = { 0 };

	faults_clear();
	f = fault_add(SHIM_ANY, 1, SHIM_KIND_crash, 0);
	do {
		/* What a person does, whose word counts once. */
		if (atomic_load(&f->hits) != 0 || o.code == Q_UNAVAIL)
			kill(signd, SIGHUP);
		usleep(50000);
		ask(&asker, ASK_TLS, &o);
	} while (o.code != Q_OK && clock_mono_ms() < until);
	faults_clear();
}

void
come_back(struct tally *t, const struct target *at, enum ask what,
    const char *value, struct asked *o)
{
	int64_t begin = clock_mono_ms(), ms;

	do {
		if (o->code != Q_OK && clock_mono_ms() != begin)
			usleep(5000);
		ask(&asker, what, o);
		if (o->wrong)
			break;
		ms = clock_mono_ms() - begin;
	} while (o->code != Q_OK && ms < BACK_MS);
	ms = clock_mono_ms() - begin;
	if (ms > t->back_ms)
		t->back_ms = ms;
	t->over_1s += ms > 1000;
	if (o->wrong) {
		t->wrong++;
		note(t, o->text, at, value, o);
	}
	if (o->code != Q_OK || ms > back_limit()) {
		t->away++;
		o->ms = ms;
		note(t, "the service was not back in time", at, value, o);
		rescue();
	}
}

/* Make the worker do what is beside the requests' way. */
static void
provoke(enum reach reach)
{
	switch (reach) {
	case DIRECTLY:
	case BY_WAITING:
		break;
	case BY_FIND:
		fault_add(SHIM_C_SignInit, 1, SHIM_KIND_rv, RV_KEY_HANDLE_INVALID);
		break;
	case BY_RESET:
		fault_add(SHIM_C_SignInit, 1, SHIM_KIND_reset, 0);
		break;
	case BY_START:
		fault_add(SHIM_C_SignInit, 1, SHIM_KIND_crash, 0);
		break;
	}
}

void
run_fault(struct tally *t, const struct target *at, enum ask what,
    const struct shim_fault *f, const char *value, struct asked *o)
{
	int64_t until = clock_mono_ms() + BACK_MS;

	for (int round = 0; round < 2 && atomic_load(&f->hits) == 0; round++) {
		provoke(round == 0 ? at->reach : BY_START);
		try(t, at, what, value, o);
		/* signd itself destroys what is not needed any more. */
		while (at->reach == BY_WAITING && atomic_load(&f->hits) ==
		    0 && clock_mono_ms() < until)
			usleep(2000);
		/* A new worker is there after the answer only. */
		while ((round != 0 || at->reach == BY_START) &&
		    atomic_load(&f->hits) == 0 && clock_mono_ms() < until) {
			usleep(2000);
			ask(&asker, what, o);
		}
	}
	if (atomic_load(&f->hits) == 0) {
		t->unreached++;
		note(t, "the fault was never met", at, value, o);
	}
}

/* A wrong PIN: as many requests and workers as may be, and one try. */
static void
pin_case(struct tally *t, const struct target *at, const char *value,
    uint64_t rv, struct asked *o)
{
	unsigned before = atomic_load(&map->calls[SHIM_C_Login]), n;
	const struct shim_fault *f = fault_add(at->call, SHIM_FOR_EVER,
	    SHIM_KIND_rv, rv);

	run_fault(t, at, ASK_TLS, f, value, o);
	for (int i = 0; i < 5; i++) {
		try(t, at, ASK_TLS, value, o);
		usleep(50000);
	}
	n = atomic_load(&map->calls[SHIM_C_Login]) - before;
	if (n != 1) {
		t->pins++;
		snprintf(o->text, sizeof(o->text), "%u times", n);
		note(t, "the PIN was not tried once", at, value, o);
	}
	faults_clear();
	kill(signd, SIGHUP);
	come_back(t, at, ASK_TLS, value, o);
}

static void
rv_case(struct tally *t, const struct target *at, enum ask what, size_t i)
{
	struct asked o = { 0 };
	const struct shim_fault *f;

	t->cases++;
	faults_clear();
	if (at->call == SHIM_C_Login && is_pin(values[i].rv)) {
		pin_case(t, at, values[i].name, values[i].rv, &o);
		return;
	}
	f = fault_add(at->call, 1, SHIM_KIND_rv, values[i].rv);
	run_fault(t, at, what, f, values[i].name, &o);
	faults_clear();
	come_back(t, at, what, values[i].name, &o);
}

void
tally_print(const struct tally *t, const char *name, const char *what)
{
	char text[200];

	snprintf(text, sizeof(text), "%u cases; answers within %" PRId64
	    " ms, back within %" PRId64 " ms, %u over 1 s", t->cases,
	    t->answer_ms, t->back_ms, t->over_1s);
	printf("# %s %s: %s; answered", name, what, text);
	for (size_t i = 0; i < ARRAY_LEN(t->answered); i++)
		if (t->answered[i] != 0)
			printf(" %s %u", i == 0 ? "OK" :
			    q_err_name((enum q_err)i), t->answered[i]);
	printf("\n");
	result(t->unreached == 0, "%s, %s: every fault is met", name, what);
	result(t->hung == 0, "%s, %s: every request is answered", name, what);
	result(t->wrong == 0, "%s, %s: nothing wrong leaves", name, what);
	result(t->away == 0, "%s, %s: the service is back", name, what);
	result(t->pins == 0, "%s, %s: no PIN is tried again", name, what);
}

/* One of so many values where all would take too long. */
static size_t
step_of(const struct target *at, bool all)
{
	if (all || strcmp(at->group, "keys") != 0)
		return 1;
	return at->reach == BY_WAITING ? 24 : 8;
}

static void
matrix_one(const struct target *at, bool all)
{
	size_t step = step_of(at, all);
	struct tally t = { 0 };

	for (size_t i = 0; i < ARRAY_LEN(values); i += step) {
		if (values[i].rv == RV_OK || t.away == AWAY_MAX)
			continue;
		for (unsigned n = 0; n < (all ? at->n_asks : 1); n++)
			rv_case(&t, at, at->asks[(i / step + n) %
			    at->n_asks], i);
	}
	tally_print(&t, call_name(at->call), "every CK_RV");
}

void
matrix(const char *group, bool all)
{
	for (size_t k = 0; k < n_targets; k++)
		if (strcmp(targets[k].group, group) == 0)
			matrix_one(&targets[k], all);
}
