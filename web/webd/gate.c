// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "webd/gate.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "webd/parts.h"

#define ROWS 16384 /* a power of two */
#define WAYS 8 /* rows that a name may be in */
#define FREE_FAILURES 5 /* of an account, before it waits */
#define FREE_ADDRESS 10
#define ACCOUNT_MAX 30 /* seconds */
#define ADDRESS_MAX 300
#define FORGET_MS (INT64_C(15) * 60 * 1000)
#define HOUR_MS (INT64_C(3600) * 1000)

struct row {
	uint8_t name[16];
	int64_t until; /* clock_mono_ms: forgotten then */
	int64_t next; /* no try before */
	uint32_t n;
};

struct gate {
	pthread_mutex_t lock;
	uint8_t salt[16];
	struct row row[ROWS];
};

/* With the lock. The row of that name; a fresh one in the oldest's place. */
static struct row *
find(struct gate *g, const char *kind, const void *id, size_t len)
{
	int64_t now = clock_mono_ms();
	uint8_t d[EVP_MAX_MD_SIZE] = { 0 };
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	struct row *oldest = NULL;
	uint32_t at;

	if (md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
	    EVP_DigestUpdate(md, g->salt, sizeof(g->salt)) == 1 &&
	    EVP_DigestUpdate(md, kind, strlen(kind) + 1) == 1 &&
	    EVP_DigestUpdate(md, id, len) == 1)
		EVP_DigestFinal_ex(md, d, NULL);
	EVP_MD_CTX_free(md);
	at = ((uint32_t)d[16] | (uint32_t)d[17] << 8 |
	    (uint32_t)d[18] << 16) & (ROWS - 1);
	for (unsigned i = 0; i < WAYS; i++) {
		struct row *r = &g->row[(at + i) & (ROWS - 1)];

		if (r->until > now &&
		    memcmp(r->name, d, sizeof(r->name)) == 0)
			return r;
		if (oldest == NULL || r->until < oldest->until)
			oldest = r;
	}
	*oldest = (struct row){ .until = now + FORGET_MS };
	memcpy(oldest->name, d, sizeof(oldest->name));
	return oldest;
}

static int64_t
wait_of(struct gate *g, const char *kind, const char *id)
{
	return find(g, kind, id, strlen(id))->next - clock_mono_ms();
}

enum q_err
gate_ask(struct web *w, const char *account, const char *from, bool known,
    struct fault *f)
{
	int64_t wait, other;

	pthread_mutex_lock(&w->gate->lock);
	wait = wait_of(w->gate, "address", from);
	other = known || account[0] == '\0' ? 0
	    : wait_of(w->gate, "account", account);
	pthread_mutex_unlock(&w->gate->lock);
	if (other > wait)
		wait = other;
	if (wait <= 0)
		return Q_OK;
	return fault_retry(f, Q_BUSY, (uint32_t)(wait / 1000 + 1),
	    "too many tries: wait %lld s", (long long)(wait / 1000 + 1));
}

static void
failed(struct gate *g, const char *kind, const char *id, uint32_t free_ones,
    int64_t max)
{
	struct row *r = find(g, kind, id, strlen(id));
	int64_t now = clock_mono_ms(), wait;

	r->until = now + FORGET_MS;
	if (++r->n < free_ones)
		return;
	wait = r->n - free_ones < 20 ? INT64_C(1) << (r->n - free_ones) : max;
	r->next = now + 1000 * (wait < max ? wait : max);
}

void
gate_failed(struct web *w, const char *account, const char *from)
{
	pthread_mutex_lock(&w->gate->lock);
	failed(w->gate, "address", from, FREE_ADDRESS, ADDRESS_MAX);
	if (account[0] != '\0')
		failed(w->gate, "account", account, FREE_FAILURES,
		    ACCOUNT_MAX);
	pthread_mutex_unlock(&w->gate->lock);
}

void
gate_passed(struct web *w, const char *account, const char *from)
{
	pthread_mutex_lock(&w->gate->lock);
	find(w->gate, "account", account, strlen(account))->until = 0;
	find(w->gate, "address", from, strlen(from))->until = 0;
	pthread_mutex_unlock(&w->gate->lock);
}

enum q_err
gate_spend(struct web *w, const char *what, const char *from,
    unsigned per_hour, struct fault *f)
{
	struct row *r;
	bool over;

	pthread_mutex_lock(&w->gate->lock);
	r = find(w->gate, what, from, strlen(from));
	if (r->n++ == 0)
		r->until = clock_mono_ms() + HOUR_MS;
	over = r->n > per_hour;
	pthread_mutex_unlock(&w->gate->lock);
	return over ? fault_retry(f, Q_BUSY, 600,
	    "too many from this address: try again later") : Q_OK;
}

bool
gate_once(struct web *w, const char *what, const uint8_t *id, size_t len,
    int64_t seconds)
{
	struct row *r;
	bool first;

	pthread_mutex_lock(&w->gate->lock);
	r = find(w->gate, what, id, len);
	first = r->n++ == 0;
	r->until = clock_mono_ms() + 1000 * seconds;
	pthread_mutex_unlock(&w->gate->lock);
	return first;
}

static enum q_err
gate_prepare(struct web *w, struct fault *f)
{
	(void)f;
	w->gate = calloc(1, sizeof(*w->gate));
	if (w->gate == NULL || RAND_bytes(w->gate->salt,
	    sizeof(w->gate->salt)) != 1)
		return Q_NOMEM;
	pthread_mutex_init(&w->gate->lock, NULL);
	return Q_OK;
}

static void
gate_stop(struct web *w)
{
	if (w->gate == NULL)
		return;
	pthread_mutex_destroy(&w->gate->lock);
	free(w->gate);
}

const struct web_part gate_part = { "gate", gate_prepare, NULL, gate_stop };
