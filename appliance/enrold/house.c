// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "enrold/house.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "enrold/authcert.h"
#include "enrold/sweep.h"
#include "http/json.h"
#include "records/actions.h"

#define ROUND_MS 250 /* a revocation shows within a second */
#define SLOW_MS 2000	/* what need not be looked at in every round */
#define LEASE "housekeeping"
#define LEASE_SECONDS 10
#define WATCH_MS 15000	/* recordd gives a sign of life every 10 s */
#define AGAIN_MS 500

struct house {
	struct core *core;
	struct crls *crls;
	void (*look)(void *ctx);
	void *ctx;
	char owner[65];
	pthread_t round, watch;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop;
	bool hurry;		/* look at everything, now */
	int64_t slow_ms, lease_ms;
	bool leased, complained;
};

static bool
house_stopping(struct house *h)
{
	bool stop;

	pthread_mutex_lock(&h->lock);
	stop = h->stop;
	pthread_mutex_unlock(&h->lock);
	return stop;
}

/* Sleep, unless it is time to stop, or to hurry. */
static void
house_wait(struct house *h, int64_t ms, bool round)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&h->lock);
	while (!h->stop && !(round && h->hurry) &&
	    pthread_cond_timedwait(&h->wake, &h->lock, &until) == 0)
		;
	pthread_mutex_unlock(&h->lock);
}

static void
house_hurry(struct house *h)
{
	pthread_mutex_lock(&h->lock);
	h->hurry = true;
	pthread_cond_broadcast(&h->wake);
	pthread_mutex_unlock(&h->lock);
}

/* --- hints -------------------------------------------------------------- */

static void
hint_take(struct house *h, uint32_t type, const char *key)
{
	if (type == REC_REVOKED) {
		crls_hint(h->crls, key);
		return;
	}
	if (type == REC_AUTH_CERT) {
		authcerts_forget(h->core->authcerts);
		return;
	}
	if (*key != '\0')
		cache_forget(h->core->cache, key);
	else
		cache_forget_all(h->core->cache);
	/* A new policy has a new CA, too. */
	house_hurry(h);
}

/* One stream of hints, until it breaks. */
static void
watch_stream(struct house *h, int sock)
{
	char key[REC_KEY_MAX + 1];
	uint32_t type;
	int64_t seen = clock_mono_ms();

	/* Hints may have been missed before it was opened. */
	cache_forget_all(h->core->cache);
	authcerts_forget(h->core->authcerts);
	crls_hint(h->crls, "");
	while (!house_stopping(h) && clock_mono_ms() - seen < WATCH_MS) {
		enum q_err r = rec_watch_next(sock, AGAIN_MS, &type, key,
		    NULL);

		if (r == Q_TIMEOUT)
			continue;
		if (r != Q_OK)
			return;
		seen = clock_mono_ms();
		if (type != 0)
			hint_take(h, type, key);
	}
}

static void *
watch_thread(void *arg)
{
	struct house *h = arg;
	uint64_t mask = REC_BIT(REC_BATCH) | REC_BIT(REC_POLICY) |
	    REC_BIT(REC_REVOKED) | REC_BIT(REC_AUTH_CERT);

	while (!house_stopping(h)) {
		AUTO_FD int sock = -1;

		if (rec_watch_open(h->core->recordd, mask, &sock,
		    NULL) == Q_OK)
			watch_stream(h, sock);
		house_wait(h, AGAIN_MS, false);
	}
	return NULL;
}

/* --- rounds ------------------------------------------------------------- */

static enum q_err
lease_write(struct house *h, struct rec_lease *lease, bool there,
    struct fault *f)
{
	struct wire_client *c = h->core->recordd;

	snprintf(lease->key, sizeof(lease->key), "%s", LEASE);
	snprintf(lease->owner, sizeof(lease->owner), "%s", h->owner);
	lease->until = clock_wall() + LEASE_SECONDS;
	return there ? rec_lease_put(c, lease, f) :
	    rec_lease_insert(c, lease, f);
}

/* Hold the lease: renewed at half of its time. The owner is the appliance,
 * not the process, so that after a restart it goes on at once. */
static enum q_err
lease_hold(struct house *h, struct fault *f)
{
	struct rec_lease lease = { 0 };
	int64_t now = clock_mono_ms();
	enum q_err r;

	if (now < h->lease_ms)
		return Q_OK;
	h->leased = false;
	r = rec_lease_get(h->core->recordd, LEASE, &lease, f);
	if (r != Q_OK && r != Q_NOTFOUND)
		return r;
	if (r == Q_OK && strcmp(lease.owner, h->owner) != 0 &&
	    lease.until > clock_wall())
		return Q_OK;
	r = lease_write(h, &lease, r == Q_OK, f);
	if (r == Q_CONFLICT || r == Q_EXISTS)
		return Q_OK;
	if (r != Q_OK)
		return r;
	h->leased = true;
	h->lease_ms = now + LEASE_SECONDS * 1000 / 2;
	return Q_OK;
}

static enum q_err
sweeps(struct house *h, bool slow, struct fault *f)
{
	struct sweep s = { .core = h->core, .crls = h->crls };
	enum q_err r = lease_hold(h, f);

	if (r != Q_OK || !h->leased)
		return r;
	r = sweep_intents(&s, f);
	if (r == Q_OK)
		r = sweep_expired(&s, f);
	if (r == Q_OK && slow)
		r = sweep_revoked(&s, f);
	if (r == Q_OK && slow)
		r = sweep_batches(&s, f);
	if (r == Q_OK && s.more)
		house_hurry(h);
	return r;
}

static enum q_err
pki_look(struct house *h, struct fault *f)
{
	enum q_err r = pki_refresh(h->core->pki, 0, f);

	if (r == Q_OK)
		h->look(h->ctx);
	return r;
}

static enum q_err
count_look(struct house *h, struct fault *f)
{
	struct rec_device_counts n;
	enum q_err r = rec_device_counters(h->core->recordd, NULL, &n, f);

	if (r == Q_OK)
		h->core->devices = n.devices;
	return r;
}

/* 0 for what is not set, or no number from 1 to max. */
static int64_t
number(struct json_object *o, const char *name, int64_t max)
{
	const char *text;
	char *end;
	int64_t v;

	if (http_json_text(o, name, 20, &text, NULL) != Q_OK)
		return 0;
	v = strtoll(text, &end, 10);
	return *end == '\0' && v >= 1 && v <= max ? v : 0;
}

/* What administrators have set on their page, if anything. */
static enum q_err
settings_look(struct house *h, struct fault *f)
{
	AUTO_JSON struct json_object *o = NULL;
	struct rec_setting s;
	enum q_err r = rec_setting_get(h->core->recordd, REC_SETTING_WEB, &s,
	    f);

	if (r == Q_OK)
		r = http_json_parse((struct bytes){ (const uint8_t *)s.value,
		    strlen(s.value) }, &o, f);
	if (r != Q_OK)
		return r == Q_NOTFOUND ? Q_OK : r;
	h->core->poll_seconds = number(o, "poll_seconds", 604800);
	h->core->poll_rate = number(o, "polls_per_second", 100000);
	return Q_OK;
}

/* One line when something goes wrong, one when it is well again. */
static void
house_log(struct house *h, enum q_err r, const struct fault *f)
{
	if (r != Q_OK && !h->complained)
		log_warn("housekeeping waits: %s", fault_text(f, r));
	if (r == Q_OK && h->complained)
		log_note("housekeeping goes on");
	h->complained = r != Q_OK;
}

/* Whether this round looks at everything. */
static bool
round_slow(struct house *h)
{
	int64_t now = clock_mono_ms();
	bool slow;

	pthread_mutex_lock(&h->lock);
	slow = h->hurry || now >= h->slow_ms;
	h->hurry = false;
	pthread_mutex_unlock(&h->lock);
	if (slow)
		h->slow_ms = now + SLOW_MS;
	return slow;
}

static void
house_round(struct house *h)
{
	bool slow = round_slow(h);
	struct fault signd = { 0 }, recordd = { 0 };
	enum q_err a = Q_OK, b = Q_OK;

	if (slow) {
		a = pki_look(h, &signd);
		b = count_look(h, &recordd);
		if (b == Q_OK)
			b = settings_look(h, &recordd);
	}
	if (b == Q_OK)
		b = sweeps(h, slow, &recordd);
	crls_work(h->crls);
	if (slow || b != Q_OK)
		house_log(h, a != Q_OK ? a : b, a != Q_OK ? &signd : &recordd);
}

static void *
round_thread(void *arg)
{
	struct house *h = arg;

	while (!house_stopping(h)) {
		house_round(h);
		house_wait(h, ROUND_MS, true);
	}
	return NULL;
}

enum q_err
house_start(struct core *core, struct crls *crls, void (*look)(void *ctx),
    void *ctx, struct house **ret_house)
{
	struct house *h = calloc(1, sizeof(*h));
	char host[256] = "";
	pthread_condattr_t mono;

	if (h == NULL)
		return Q_NOMEM;
	h->core = core;
	h->crls = crls;
	h->look = look;
	h->ctx = ctx;
	gethostname(host, sizeof(host) - 1);
	snprintf(h->owner, sizeof(h->owner), "%.32s:%lld", host,
	    (long long)core->conf->device_port);
	pthread_mutex_init(&h->lock, NULL);
	pthread_condattr_init(&mono);
	pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	pthread_cond_init(&h->wake, &mono);
	pthread_condattr_destroy(&mono);
	if (pthread_create(&h->round, NULL, round_thread, h) != 0) {
		free(h);
		return Q_NOMEM;
	}
	if (pthread_create(&h->watch, NULL, watch_thread, h) != 0)
		log_fatal("no thread for recordd's hints");
	*ret_house = h;
	return Q_OK;
}

void
house_stop(struct house *h)
{
	if (h == NULL)
		return;
	pthread_mutex_lock(&h->lock);
	h->stop = true;
	pthread_cond_broadcast(&h->wake);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->round, NULL);
	pthread_join(h->watch, NULL);
	pthread_mutex_destroy(&h->lock);
	pthread_cond_destroy(&h->wake);
	free(h);
}
