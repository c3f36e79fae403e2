// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "webd/totp.h"

#include <ctype.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"

#define STEP_SECONDS 30
#define SLACK 1
#define DIGEST_LEN 16 /* of a recovery code, as kept */

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

uint32_t
totp_code(const uint8_t seed[TOTP_SEED_LEN], int64_t step)
{
	uint8_t at[8], mac[EVP_MAX_MD_SIZE];
	unsigned len = 0, from;
	uint32_t v;

	for (int i = 0; i < 8; i++)
		at[i] = (uint8_t)(step >> (8 * (7 - i)));
	if (HMAC(EVP_sha1(), seed, TOTP_SEED_LEN, at, sizeof(at), mac,
	    &len) == NULL)
		return UINT32_MAX; /* no code has so many digits */
	from = mac[len - 1] & 15; /* RFC 4226 5.3 */
	v = (uint32_t)(mac[from] & 127) << 24 | (uint32_t)mac[from + 1] << 16 |
	    (uint32_t)mac[from + 2] << 8 | mac[from + 3];
	return v % 1000000;
}

int64_t
totp_match(const uint8_t seed[TOTP_SEED_LEN], int64_t now, int64_t used,
    const char *code)
{
	int64_t step = now / STEP_SECONDS, found = 0;
	uint32_t v = 0;

	if (strlen(code) != TOTP_DIGITS || strspn(code, "0123456789") != TOTP_DIGITS)
		return 0;
	for (int i = 0; i < TOTP_DIGITS; i++)
		v = v * 10 + (uint32_t)(code[i] - '0');
	for (int64_t s = step - SLACK; s <= step + SLACK; s++)
		if (s > used && totp_code(seed, s) == v && found == 0)
			found = s;
	return found;
}

void
totp_secret(const uint8_t seed[TOTP_SEED_LEN], char out[TOTP_SECRET + 1])
{
	unsigned bits = 0, have = 0;
	size_t n = 0;

	for (size_t i = 0; i < TOTP_SEED_LEN; i++) {
		bits = bits << 8 | seed[i];
		for (have += 8; have >= 5; have -= 5)
			out[n++] = alphabet[bits >> (have - 5) & 31];
	}
	out[n] = '\0';
}

static void
context_of(const struct rec_user *user, char out[128])
{
	snprintf(out, 128, "user/%s", user->key);
}

enum q_err
totp_new(struct web *w, struct rec_user *user, uint8_t ret_seed[TOTP_SEED_LEN],
    struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_seal_rsp rsp;
	char context[128];
	enum q_err r;

	if (RAND_bytes(ret_seed, TOTP_SEED_LEN) != 1)
		return Q_INTERNAL;
	context_of(user, context);
	r = signd_seal(w->signd, &(struct signd_seal_req){ .purpose = "totp",
	    .context = context, .secret = { ret_seed, TOTP_SEED_LEN } },
	    &rsp, &hold, f);
	if (r == Q_OK && rsp.sealed.len > sizeof(user->totp.p))
		return Q_TOOBIG;
	if (r != Q_OK)
		return r;
	memcpy(user->totp.p, rsp.sealed.p, rsp.sealed.len);
	user->totp.len = rsp.sealed.len;
	user->totp_step = 0;
	return Q_OK;
}

/* Lower case, without what people put between. */
static void
recovery_digest(const char *code, uint8_t out[32])
{
	char plain[TOTP_RECOVERY_LEN + 1];
	size_t n = 0;

	for (; *code != '\0' && n + 1 < sizeof(plain); code++)
		if (isalnum((unsigned char)*code))
			plain[n++] = (char)tolower((unsigned char)*code);
	plain[n] = '\0';
	memset(out, 0, 32);
	(void)!EVP_Digest(plain, n, out, NULL, EVP_sha256(), NULL);
	OPENSSL_cleanse(plain, sizeof(plain));
}

static bool
recovery_take(struct rec_user *user, const char *code)
{
	uint8_t d[32], *at = user->recovery.p;

	recovery_digest(code, d);
	for (size_t i = 0; i + DIGEST_LEN <= user->recovery.len;
	    i += DIGEST_LEN) {
		if (CRYPTO_memcmp(at + i, d, DIGEST_LEN) != 0)
			continue;
		user->recovery.len -= DIGEST_LEN;
		memmove(at + i, at + i + DIGEST_LEN, user->recovery.len - i);
		return true;
	}
	return false;
}

enum q_err
totp_check(struct web *w, struct rec_user *user, const char *code,
    struct fault *f)
{
	AUTO_REPLY struct wire_reply hold = { 0 };
	struct signd_unseal_rsp rsp;
	char context[128];
	int64_t step = 0;
	enum q_err r;

	context_of(user, context);
	r = signd_unseal(w->signd, &(struct signd_unseal_req){
	    .purpose = "totp", .context = context,
	    .sealed = { user->totp.p, user->totp.len } }, &rsp, &hold, f);
	if (r == Q_OK && rsp.secret.len != TOTP_SEED_LEN)
		r = fault_set(f, Q_INTERNAL, "the seed has %zu bytes",
		    rsp.secret.len);
	if (r != Q_OK)
		return r;
	step = totp_match(rsp.secret.p, clock_wall(), user->totp_step, code);
	if (step != 0)
		user->totp_step = step;
	else if (!recovery_take(user, code))
		return fault_set(f, Q_UNAUTH, "this code is wrong, or it has "
		    "been used");
	return Q_OK;
}

enum q_err
totp_recovery(struct rec_user *user, struct json_object **ret_codes)
{
	struct json_object *list = web_array();
	uint8_t raw[TOTP_RECOVERY_LEN - 1], d[32];
	char code[TOTP_RECOVERY_LEN + 1];

	user->recovery.len = 0;
	for (int i = 0; i < TOTP_RECOVERY_CODES; i++) {
		size_t n = 0;

		if (RAND_bytes(raw, sizeof(raw)) != 1) {
			json_object_put(list);
			return Q_INTERNAL;
		}
		for (size_t j = 0; j < sizeof(raw); j++) {
			code[n++] = (char)tolower(alphabet[raw[j] & 31]);
			if (n == TOTP_RECOVERY_LEN / 2)
				code[n++] = '-';
		}
		code[n] = '\0';
		recovery_digest(code, d);
		memcpy(user->recovery.p + user->recovery.len, d, DIGEST_LEN);
		user->recovery.len += DIGEST_LEN;
		web_push(list, json_object_new_string(code));
	}
	OPENSSL_cleanse(code, sizeof(code));
	*ret_codes = list;
	return Q_OK;
}
