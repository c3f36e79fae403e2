// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "webd/gate.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/own.h"
#include "webd/parts.h"

#define ROWS 16384 /* a power of two */
#define WAYS 8 /* rows that a name may be in */
#define NAME_MAX_LEN 512
#define FORGET_MS (INT64_C(15) * 60 * 1000)
#define HOUR_MS (INT64_C(3600) * 1000)
#define TOGETHER 4
#define EVEN_MS 250 /* far more than a few records take */

/* Whose failures are counted: so many are free, then each makes the wait
 * longer, up to `longest` seconds. */
struct kind {
	const char *name;
	uint32_t free;
	int64_t longest;
};
static const struct kind of_address = { "address", 10, 300 };
static const struct kind of_account = { "account", 5, 30 };
static const struct kind of_pair = { "account and address", 5, 30 };
static const struct kind of_code = { "code", 5, 600 };

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

/* With the lock. The row of that name; if there is none, NULL or, to make
 * one, the oldest's place. */
static struct row *
find(struct gate *g, const char *kind, struct bytes id, bool make)
{
	int64_t now = clock_mono_ms();
	uint8_t d[EVP_MAX_MD_SIZE] = { 0 };
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	struct row *oldest = NULL;
	uint32_t at;

	if (md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
	    EVP_DigestUpdate(md, g->salt, sizeof(g->salt)) == 1 &&
	    EVP_DigestUpdate(md, kind, strlen(kind) + 1) == 1 &&
	    EVP_DigestUpdate(md, id.p, id.len) == 1)
		EVP_DigestFinal_ex(md, d, NULL);
	EVP_MD_CTX_free(md);
	at = le32_get(d + 16) & (ROWS - 1);
	for (unsigned i = 0; i < WAYS; i++) {
		struct row *r = &g->row[(at + i) & (ROWS - 1)];

		if (r->until > now &&
		    memcmp(r->name, d, sizeof(r->name)) == 0)
			return r;
		if (oldest == NULL || r->until < oldest->until)
			oldest = r;
	}
	if (!make)
		return NULL;
	*oldest = (struct row){ .until = now + FORGET_MS };
	memcpy(oldest->name, d, sizeof(oldest->name));
	return oldest;
}

/* An address as it counts: IPv4 whole, of IPv6 the /64 that one customer has;
 * and an account, without regard to case. */
static struct bytes
name_of(char out[NAME_MAX_LEN], const char *account, const char *from)
{
	struct in6_addr v6;
	char net[INET6_ADDRSTRLEN + 4] = "";
	int n;

	if (inet_pton(AF_INET6, from, &v6) != 1)
		snprintf(net, sizeof(net), "%s", from);
	else if (IN6_IS_ADDR_V4MAPPED(&v6))
		inet_ntop(AF_INET, v6.s6_addr + 12, net, sizeof(net));
	else
		hex_encode(v6.s6_addr, 8, net);
	n = snprintf(out, NAME_MAX_LEN, "%s %.300s", net, account);
	for (int i = 0; i < n; i++)
		out[i] = (char)tolower((unsigned char)out[i]);
	return (struct bytes){ (const uint8_t *)out, (size_t)n };
}

/* With the lock. Milliseconds. */
static int64_t
wait_of(struct gate *g, const struct kind *k, const char *account,
    const char *from)
{
	char name[NAME_MAX_LEN];
	const struct row *r = find(g, k->name, name_of(name, account, from),
	    false);

	return r == NULL ? 0 : r->next - clock_mono_ms();
}

static void
failed(struct gate *g, const struct kind *k, const char *account,
    const char *from)
{
	char name[NAME_MAX_LEN];
	struct row *r = find(g, k->name, name_of(name, account, from), true);
	int64_t now = clock_mono_ms(), wait = k->longest;

	r->until = now + FORGET_MS;
	if (++r->n < k->free)
		return;
	if (r->n - k->free < 20 && INT64_C(1) << (r->n - k->free) < wait)
		wait = INT64_C(1) << (r->n - k->free);
	r->next = now + 1000 * wait;
}

static void
forget(struct gate *g, const struct kind *k, const char *account,
    const char *from)
{
	char name[NAME_MAX_LEN];
	struct row *r = find(g, k->name, name_of(name, account, from), false);

	if (r != NULL)
		r->until = 0;
}

static enum q_err
told(int64_t wait, struct fault *f)
{
	unsigned seconds = (unsigned)((wait + 999) / 1000);

	return wait <= 0 ? Q_OK : fault_retry(f, Q_BUSY, seconds,
	    "too many tries: wait %u s", seconds);
}

enum q_err
gate_ask(struct web *w, const char *account, const char *from, bool known,
    struct fault *f)
{
	int64_t wait, other;

	pthread_mutex_lock(&w->gate->lock);
	if (known) {
		wait = other = wait_of(w->gate, &of_pair, account, from);
	} else {
		wait = wait_of(w->gate, &of_address, "", from);
		other = wait_of(w->gate, &of_account, account, "");
	}
	pthread_mutex_unlock(&w->gate->lock);
	return told(other > wait ? other : wait, f);
}

void
gate_failed(struct web *w, const char *account, const char *from, bool known)
{
	pthread_mutex_lock(&w->gate->lock);
	failed(w->gate, &of_address, "", from);
	if (known)
		failed(w->gate, &of_pair, account, from);
	else
		failed(w->gate, &of_account, account, "");
	pthread_mutex_unlock(&w->gate->lock);
}

/* Failures of the address stay: who has one account there could try all the
 * others in turn with it. */
void
gate_passed(struct web *w, const char *account, const char *from)
{
	pthread_mutex_lock(&w->gate->lock);
	forget(w->gate, &of_account, account, "");
	forget(w->gate, &of_pair, account, from);
	pthread_mutex_unlock(&w->gate->lock);
}

enum q_err
gate_enter(struct web *w, const char *from, struct fault *f)
{
	char name[NAME_MAX_LEN];
	struct row *r;
	bool full;

	pthread_mutex_lock(&w->gate->lock);
	r = find(w->gate, "inside", name_of(name, "", from), true);
	full = r->n >= TOGETHER;
	if (!full) {
		r->n++;
		r->until = clock_mono_ms() + FORGET_MS;
	}
	pthread_mutex_unlock(&w->gate->lock);
	return full ? fault_retry(f, Q_BUSY, 1,
	    "too many are logging in: try again in a moment") : Q_OK;
}

void
gate_leave(struct web *w, const char *from)
{
	char name[NAME_MAX_LEN];
	struct row *r;

	pthread_mutex_lock(&w->gate->lock);
	r = find(w->gate, "inside", name_of(name, "", from), false);
	if (r != NULL && r->n > 0)
		r->n--;
	pthread_mutex_unlock(&w->gate->lock);
}

enum q_err
gate_code_ask(struct web *w, const char *user, struct fault *f)
{
	int64_t wait;

	pthread_mutex_lock(&w->gate->lock);
	wait = wait_of(w->gate, &of_code, user, "");
	pthread_mutex_unlock(&w->gate->lock);
	return told(wait, f);
}

void
gate_code_failed(struct web *w, const char *user)
{
	pthread_mutex_lock(&w->gate->lock);
	failed(w->gate, &of_code, user, "");
	pthread_mutex_unlock(&w->gate->lock);
}

void
gate_code_passed(struct web *w, const char *user)
{
	pthread_mutex_lock(&w->gate->lock);
	forget(w->gate, &of_code, user, "");
	pthread_mutex_unlock(&w->gate->lock);
}

enum q_err
gate_spend(struct web *w, const char *what, const char *whom,
    unsigned per_hour, struct fault *f)
{
	char name[NAME_MAX_LEN];
	struct row *r;
	bool over;

	pthread_mutex_lock(&w->gate->lock);
	r = find(w->gate, what, name_of(name, whom, whom), true);
	if (r->n++ == 0)
		r->until = clock_mono_ms() + HOUR_MS;
	over = r->n > per_hour;
	pthread_mutex_unlock(&w->gate->lock);
	return over ? fault_retry(f, Q_BUSY, 600,
	    "too many of these: try again later") : Q_OK;
}

bool
gate_once(struct web *w, const char *what, const uint8_t *id, size_t len,
    int64_t seconds)
{
	struct row *r;
	bool first;

	pthread_mutex_lock(&w->gate->lock);
	r = find(w->gate, what, (struct bytes){ id, len }, true);
	first = r->n++ == 0;
	r->until = clock_mono_ms() + 1000 * seconds;
	pthread_mutex_unlock(&w->gate->lock);
	return first;
}

void
gate_even(int64_t begun)
{
	int64_t left = begun + EVEN_MS - clock_mono_ms();
	struct timespec wait = { 0, left * 1000000 };

	if (left > 0)
		nanosleep(&wait, NULL);
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
