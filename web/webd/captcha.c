// SPDX-License-Identifier: Apache-2.0
/*
 * A CAPTCHA that asks no third party: the browser works for a second or so.
 * The challenge carries its time and is signed by a key of this process; of
 * those that were solved only the digests are remembered.
 */
#include "config.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "webd/gate.h"
#include "webd/mail.h"
#include "webd/pages.h"
#include "webd/parts.h"

#define DIFFICULTY 17 /* zero bits: 131,072 hashes on the average */
#define LIFE_SECONDS 300
#define RAW_LEN 24 /* 8 bytes of time, 16 at random */
#define MAC_LEN 16

static uint8_t key[32];

SHAPE(captcha_shape, "Captcha",
    { "challenge", SHAPE_STR, 1, 128, SHAPE_NEED, "as it was given" },
    { "nonce", SHAPE_STR, 1, 20, SHAPE_NEED, "decimal: SHA-256 of "
	"challenge, a full stop and this begins with the zero bits" },
);

static SHAPE(challenge_shape, "Challenge",
    { "challenge", SHAPE_STR, 1, 128, SHAPE_NEED, "good for 5 minutes" },
    { "difficulty", SHAPE_INT, 1, 32, SHAPE_NEED, "zero bits that are wanted" },
);

static void
mac_of(const uint8_t raw[RAW_LEN], uint8_t out[MAC_LEN])
{
	uint8_t mac[EVP_MAX_MD_SIZE] = { 0 };
	unsigned len;

	if (HMAC(EVP_sha256(), key, sizeof(key), raw, RAW_LEN, mac,
	    &len) == NULL)
		abort();
	memcpy(out, mac, MAC_LEN);
}

static enum q_err
captcha_get(struct web_call *c, struct http_response *rs, struct fault *f)
{
	struct json_object *o;
	uint8_t raw[RAW_LEN + MAC_LEN];
	char text[2 * sizeof(raw) + 1];

	(void)c;
	le64_put(raw, (uint64_t)clock_wall());
	if (RAND_bytes(raw + 8, RAW_LEN - 8) != 1)
		return fault_set(f, Q_INTERNAL, "no randomness");
	mac_of(raw, raw + RAW_LEN);
	hex_encode(raw, sizeof(raw), text);
	o = web_object();
	web_put(o, "challenge", text);
	web_put_int(o, "difficulty", DIFFICULTY);
	return web_reply(rs, 200, o);
}

static bool
genuine(const char *challenge, uint8_t raw[RAW_LEN + MAC_LEN])
{
	uint8_t mac[MAC_LEN];
	int64_t age;

	if (!hex_decode(challenge, raw, RAW_LEN + MAC_LEN))
		return false;
	mac_of(raw, mac);
	if (CRYPTO_memcmp(mac, raw + RAW_LEN, MAC_LEN) != 0)
		return false;
	/* Only of our own: anybody else's might be any number. */
	age = clock_wall() - (int64_t)le64_get(raw);
	return age >= 0 && age <= LIFE_SECONDS;
}

static bool
solved(const char *challenge, const char *nonce)
{
	uint8_t d[32] = { 0xff };
	char text[160];
	int n = snprintf(text, sizeof(text), "%s.%s", challenge, nonce);

	if (strspn(nonce, "0123456789") != strlen(nonce) ||
	    EVP_Digest(text, (size_t)n, d, NULL, EVP_sha256(), NULL) != 1)
		return false;
	for (int i = 0; i < DIFFICULTY; i++)
		if (d[i / 8] >> (7 - i % 8) & 1)
			return false;
	return true;
}

enum q_err
captcha_take(struct web_call *c, struct fault *f)
{
	struct json_object *o = web_list(c, "captcha"), *v;
	uint8_t raw[RAW_LEN + MAC_LEN];
	const char *challenge, *nonce;

	json_object_object_get_ex(o, "challenge", &v);
	challenge = json_object_get_string(v);
	json_object_object_get_ex(o, "nonce", &v);
	nonce = json_object_get_string(v);
	if (!genuine(challenge, raw) || !solved(challenge, nonce) ||
	    !gate_once(c->web, "captcha", raw, RAW_LEN, LIFE_SECONDS + 1))
		return web_wrong(c, f, "/captcha",
		    "click \"I'm not a robot\" once more");
	return Q_OK;
}

static enum q_err
captcha_prepare(struct web *w, struct fault *f)
{
	(void)w;
	return RAND_bytes(key, sizeof(key)) == 1 ? Q_OK
	    : fault_set(f, Q_INTERNAL, "no randomness");
}

const struct web_part captcha_part = { "captcha", captcha_prepare, NULL,
	NULL };

static const struct web_route captcha_routes[] = {
	{ "GET", "/api/v1/captcha", WEB_PUBLIC, WEB_SESSION, 0, NULL, NULL,
	    200, &challenge_shape, captcha_get,
	    "Work for a browser, to show that somebody waits for it" },
};

WEB_PAGE(captcha, "A CAPTCHA that asks no third party", captcha_routes);
