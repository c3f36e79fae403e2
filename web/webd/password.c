// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "webd/password.h"

#include <argon2.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/own.h"
#include "webd/gate.h"

/* RFC 9106 4, the second choice: 64 MiB, 3 passes; one lane, since logging in
 * shall not take all processors. */
#define MEMORY_KIB 65536
#define PASSES 3
#define LANES 1
#define SALT_LEN 16
#define HASH_LEN 32
#define FORMAT 1
/* 64 MiB each: so many at a time, others wait for a while. */
#define AT_A_TIME 2
#define WAIT_SECONDS 8
#define WAITING_MAX 16

/* As stored: format, memory (KiB), passes, lanes, salt, MAC. */
#define STORED_LEN (1 + 4 + 4 + 4 + SALT_LEN + HASH_LEN)

struct params {
	uint32_t memory, passes, lanes;
	uint8_t salt[SALT_LEN];
};

static sem_t turns;
static atomic_uint waiting;

__attribute__((constructor)) static void
turns_init(void)
{
	sem_init(&turns, 0, AT_A_TIME);
}

/* What people who are asked for a password come up with first. */
static const char *const common[] = {
	"123456789012", "1234567890123", "password1234", "passwordpassword",
	"qwertyuiop12", "qwertyqwerty", "adminadmin12", "administrator",
	"administrator1", "letmeinletmein", "iloveyou1234", "welcome12345",
	"changeme1234", "changemechangeme", "correcthorsebatterystaple",
	"111111111111", "000000000000", "aaaaaaaaaaaa", "abcdefghijkl",
	"quoinquoinquoin", "p@ssw0rd1234", "password12345",
};

enum q_err
password_fits(const char *user, const char *password, struct fault *f)
{
	size_t len = strlen(password);

	if (len < PASSWORD_MIN || len > PASSWORD_MAX)
		return fault_set(f, Q_INVALID, "a password has %d to %d "
		    "characters", PASSWORD_MIN, PASSWORD_MAX);
	if (strcasecmp(user, password) == 0)
		return fault_set(f, Q_INVALID, "not the user name, please");
	for (size_t i = 0; i < ARRAY_LEN(common); i++)
		if (strcasecmp(common[i], password) == 0)
			return fault_set(f, Q_INVALID, "this is one of the "
			    "passwords that are tried first");
	return Q_OK;
}

static enum q_err
turn_take(struct fault *f)
{
	struct timespec until;
	int r = -1;

	if (atomic_fetch_add(&waiting, 1) < WAITING_MAX) {
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += WAIT_SECONDS;
		r = sem_timedwait(&turns, &until);
	}
	atomic_fetch_sub(&waiting, 1);
	return r == 0 ? Q_OK : fault_retry(f, Q_BUSY, 5,
	    "too many are logging in: try again in a moment");
}

static enum q_err
hash(const struct params *p, const char *password, uint8_t out[HASH_LEN],
    struct fault *f)
{
	enum q_err r = turn_take(f);
	int bad;

	if (r != Q_OK)
		return r;
	bad = argon2id_hash_raw(p->passes, p->memory, p->lanes, password,
	    strlen(password), p->salt, SALT_LEN, out, HASH_LEN);
	sem_post(&turns);
	return bad == ARGON2_OK ? Q_OK
	    : fault_set(f, Q_NOMEM, "argon2id: %s", argon2_error_message(bad));
}

/* The hash as the token keys it. */
static enum q_err
mac(struct web *w, const struct params *p, const char *password,
    uint8_t out[HASH_LEN], struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_pepper_rsp rsp;
	uint8_t h[HASH_LEN];
	enum q_err r = hash(p, password, h, f);

	if (r != Q_OK)
		return r;
	r = signd_pepper(w->signd, &(struct signd_pepper_req){
	    .data = { h, sizeof(h) } }, &rsp, &hold, f);
	OPENSSL_cleanse(h, sizeof(h));
	if (r == Q_OK && rsp.mac.len != HASH_LEN)
		return fault_set(f, Q_INTERNAL, "a MAC of %zu bytes",
		    rsp.mac.len);
	if (r == Q_OK)
		memcpy(out, rsp.mac.p, HASH_LEN);
	return r;
}

enum q_err
password_set(struct web *w, struct rec_user *user, const char *password,
    struct fault *f)
{
	struct params p = { MEMORY_KIB, PASSES, LANES, { 0 } };
	uint8_t m[HASH_LEN], *to = user->password.p;
	enum q_err r;

	_Static_assert(STORED_LEN <= sizeof(user->password.p), "it fits");
	if (RAND_bytes(p.salt, SALT_LEN) != 1)
		return Q_INTERNAL;
	r = mac(w, &p, password, m, f);
	if (r != Q_OK)
		return r;
	to[0] = FORMAT;
	le32_put(to + 1, p.memory);
	le32_put(to + 5, p.passes);
	le32_put(to + 9, p.lanes);
	memcpy(to + 13, p.salt, SALT_LEN);
	memcpy(to + 13 + SALT_LEN, m, HASH_LEN);
	user->password.len = STORED_LEN;
	user->password_at = clock_wall();
	return Q_OK;
}

/* False for who has none; *p is then good for the same work. */
static bool
stored(const struct rec_user *user, struct params *p, const uint8_t **ret_mac)
{
	const uint8_t *from;

	*p = (struct params){ MEMORY_KIB, PASSES, LANES, { 0 } };
	if (user == NULL || user->password.len != STORED_LEN ||
	    user->password.p[0] != FORMAT)
		return false;
	from = user->password.p;
	p->memory = le32_get(from + 1);
	p->passes = le32_get(from + 5);
	p->lanes = le32_get(from + 9);
	memcpy(p->salt, from + 13, SALT_LEN);
	*ret_mac = from + 13 + SALT_LEN;
	return true;
}

enum q_err
password_check(struct web *w, const struct rec_user *user,
    const char *password, const char *from, struct fault *f)
{
	static const uint8_t nobody[HASH_LEN];
	const uint8_t *want = nobody;
	uint8_t m[HASH_LEN];
	struct params p;
	bool any = stored(user, &p, &want), same;
	enum q_err r = gate_enter(w, from, f);

	if (r != Q_OK)
		return r;
	r = mac(w, &p, password, m, f);
	gate_leave(w, from);
	if (r != Q_OK)
		return r;
	same = CRYPTO_memcmp(m, want, HASH_LEN) == 0;
	OPENSSL_cleanse(m, sizeof(m));
	return any && same ? Q_OK : fault_set(f, Q_UNAUTH,
	    "user name or password is wrong");
}
