// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "signd/webauthn.h"

#include <openssl/sha.h>
#include <string.h>

#include "base/codec.h"
#include "base/own.h"

#define DEPTH_MAX 8
#define TEXT_MAX 320 /* an origin fits */

/* authenticatorData: rpIdHash, flags, signCount, extensions. */
#define AUTH_FLAGS 32
#define AUTH_LEN 37
#define FLAG_UP 0x01 /* user present */
#define FLAG_UV 0x04 /* user verified */
#define FLAG_BE 0x08 /* backup eligible */
#define FLAG_BS 0x10 /* backup state */
#define FLAG_AT 0x40 /* attested credential data */
#define FLAG_ED 0x80 /* extension data */

/* --- JSON --------------------------------------------------------------- */

struct json {
	const uint8_t *p, *end;
};

/* A string's characters; what is not ASCII is there as 0xff, which no text
 * has that it is compared with. */
struct text {
	size_t len;
	char c[TEXT_MAX + 1];
	bool cut;
};

static int
peek(struct json *j)
{
	while (j->p < j->end && (*j->p == ' ' || *j->p == '\t' ||
	    *j->p == '\n' || *j->p == '\r'))
		j->p++;
	return j->p < j->end ? *j->p : -1;
}

static bool
take(struct json *j, char c)
{
	if (peek(j) != c)
		return false;
	j->p++;
	return true;
}

static bool
take_word(struct json *j, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(j->end - j->p) < n || memcmp(j->p, word, n) != 0)
		return false;
	j->p += n;
	return true;
}

static void
text_add(struct text *t, unsigned c)
{
	if (t->len == TEXT_MAX) {
		t->cut = true;
		return;
	}
	t->c[t->len++] = c != 0 && c < 0x80 ? (char)c : (char)0xff;
	t->c[t->len] = '\0';
}

static bool
take_hex(struct json *j, unsigned *ret)
{
	char digits[5] = "";
	uint8_t raw[2];

	if (j->end - j->p < 4)
		return false;
	memcpy(digits, j->p, 4);
	j->p += 4;
	if (!hex_decode(digits, raw, 2))
		return false;
	*ret = (unsigned)raw[0] << 8 | raw[1];
	return true;
}

static bool
take_escape(struct json *j, struct text *t)
{
	static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
	const char *at;
	unsigned c;

	if (j->p == j->end)
		return false;
	c = *j->p++;
	if (c == 'u') {
		if (!take_hex(j, &c))
			return false;
	} else {
		at = c == 0 ? NULL : strchr(names, (int)c);
		if (at == NULL)
			return false;
		c = (unsigned char)values[at - names];
	}
	text_add(t, c);
	return true;
}

static bool
take_string(struct json *j, struct text *t)
{
	t->len = 0;
	t->c[0] = '\0';
	t->cut = false;
	if (!take(j, '"'))
		return false;
	while (j->p < j->end) {
		unsigned c = *j->p++;

		if (c == '"')
			return true;
		if (c < 0x20 || (c == '\\' && !take_escape(j, t)))
			return false;
		if (c != '\\')
			text_add(t, c);
	}
	return false;
}

static size_t
take_digits(struct json *j)
{
	const uint8_t *from = j->p;

	while (j->p < j->end && *j->p >= '0' && *j->p <= '9')
		j->p++;
	return (size_t)(j->p - from);
}

static bool
take_number(struct json *j)
{
	bool zero;

	(void)take_word(j, "-");
	zero = j->p < j->end && *j->p == '0';
	if (zero)
		j->p++;
	else if (take_digits(j) == 0)
		return false;
	if (take_word(j, ".") && take_digits(j) == 0)
		return false;
	if (!take_word(j, "e") && !take_word(j, "E"))
		return true;
	if (!take_word(j, "+"))
		(void)take_word(j, "-");
	return take_digits(j) != 0;
}

/* Any value, of which nothing is wanted. */
static bool
skip(struct json *j, unsigned depth)
{
	struct text t;
	int open = peek(j);
	char close = open == '{' ? '}' : ']';

	if (depth == DEPTH_MAX)
		return false;
	if (open == '"')
		return take_string(j, &t);
	if (open != '{' && open != '[')
		return take_word(j, "true") || take_word(j, "false") ||
		    take_word(j, "null") || take_number(j);
	j->p++;
	if (take(j, close))
		return true;
	do {
		if (open == '{' && (!take_string(j, &t) || !take(j, ':')))
			return false;
		if (!skip(j, depth + 1))
			return false;
	} while (take(j, ','));
	return take(j, close);
}

/* --- client data -------------------------------------------------------- */

/* Members that must be as wanted, each once. */
struct members {
	const char *name, *want;
	bool seen;
};

static enum q_err
malformed(struct fault *f)
{
	return fault_set(f, Q_INVALID, "client data: no JSON object");
}

/* The member's value. */
static enum q_err
member(struct json *j, const char *name, struct members *m, struct fault *f)
{
	struct text value;

	while (m->name != NULL && strcmp(m->name, name) != 0)
		m++;
	if (m->name == NULL)
		return skip(j, 0) ? Q_OK : malformed(f);
	if (m->seen)
		return fault_set(f, Q_INVALID, "client data: %s twice", name);
	m->seen = true;
	if (m->want == NULL) {
		(void)peek(j);
		return take_word(j, "false") ? Q_OK : fault_set(f, Q_DENIED,
		    "client data: %s is not false", name);
	}
	if (!take_string(j, &value))
		return fault_set(f, Q_INVALID, "client data: %s: no string",
		    name);
	if (value.cut || strcmp(value.c, m->want) != 0)
		return fault_set(f, Q_DENIED,
		    "client data: another %s", name);
	return Q_OK;
}

enum q_err
webauthn_client_data(struct bytes json, const struct webauthn_expect *want,
    struct fault *f)
{
	struct json j = { json.p, json.p + json.len };
	AUTO_BUF struct buf challenge = BUF_INIT(64);
	struct members m[] = { { "type", "webauthn.get", false },
		{ "challenge", NULL, false },
		{ "origin", want->origin, false },
		{ "crossOrigin", NULL, false }, { NULL, NULL, false } };
	struct text name;
	enum q_err r = Q_OK;

	b64url_encode(&challenge, want->challenge, 32);
	if (challenge.bad)
		return Q_NOMEM;
	m[1].want = (const char *)challenge.p;
	if (!take(&j, '{'))
		return malformed(f);
	do {
		if (!take_string(&j, &name) || !take(&j, ':'))
			return malformed(f);
		r = member(&j, name.c, m, f);
	} while (r == Q_OK && take(&j, ','));
	if (r != Q_OK)
		return r;
	if (!take(&j, '}') || peek(&j) != -1)
		return malformed(f);
	for (size_t i = 0; i < 3; i++)
		if (!m[i].seen)
			return fault_set(f, Q_INVALID,
			    "client data: no %s", m[i].name);
	return Q_OK;
}

/* --- authenticator data, and all of it ---------------------------------- */

enum q_err
webauthn_auth_data(struct bytes data, const char *rp_id, struct fault *f)
{
	uint8_t hash[SHA256_DIGEST_LENGTH], flags;

	if (data.len < AUTH_LEN)
		return fault_set(f, Q_INVALID, "authenticator data: too short");
	flags = data.p[AUTH_FLAGS];
	/* Extensions are a CBOR map, and only they may follow. */
	if ((flags & FLAG_AT) != 0 || ((flags & FLAG_ED) != 0 ?
	    data.len == AUTH_LEN || data.p[AUTH_LEN] >> 5 != 5 :
	    data.len != AUTH_LEN))
		return fault_set(f, Q_INVALID,
		    "authenticator data: not that of an assertion");
	SHA256((const uint8_t *)rp_id, strlen(rp_id), hash);
	if (memcmp(data.p, hash, sizeof(hash)) != 0)
		return fault_set(f, Q_DENIED,
		    "authenticator data: for another relying party");
	if ((flags & FLAG_UP) == 0 || (flags & FLAG_UV) == 0)
		return fault_set(f, Q_DENIED, "authenticator data: the user "
		    "was not %s", (flags & FLAG_UP) == 0 ? "present" :
		    "verified");
	if ((flags & FLAG_BS) != 0 && (flags & FLAG_BE) == 0)
		return fault_set(f, Q_INVALID,
		    "authenticator data: backed up, but not eligible");
	return Q_OK;
}

enum q_err
webauthn_verify(const struct webauthn *a, const struct pubkey *key,
    const struct webauthn_expect *want, struct fault *f)
{
	AUTO_BUF struct buf signed_data = BUF_INIT(4096);
	uint8_t hash[SHA256_DIGEST_LENGTH];
	enum q_err r = webauthn_client_data(a->client_data, want, f);

	if (r == Q_OK)
		r = webauthn_auth_data(a->auth_data, want->rp_id, f);
	if (r == Q_OK && key->kind != KEY_P256)
		r = fault_set(f, Q_INVALID, "key: not P-256");
	if (r != Q_OK)
		return r;
	SHA256(a->client_data.p, a->client_data.len, hash);
	buf_put(&signed_data, a->auth_data.p, a->auth_data.len);
	buf_put(&signed_data, hash, sizeof(hash));
	if (signed_data.bad)
		return Q_TOOBIG;
	return pubkey_verify(key, SIG_ECDSA_SHA256, buf_bytes(&signed_data),
	    a->signature, f);
}
