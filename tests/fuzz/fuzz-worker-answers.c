// SPDX-License-Identifier: Apache-2.0
/*
 * What a broken token worker, or one that somebody has taken over, answers:
 * any datagrams to each call of quoin-signd's. Whatever comes is an answer of
 * the right shape or an error that a handler may return.
 *
 * Input: a byte that says which call; then datagrams, each a byte of flags,
 * a status, the length (u16) and the body.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/codec.h"
#include "base/own.h"
#include "signd/worker_priv.h"
#include "x509/pubkey.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define ANSWERS 4
#define RAW 1	  /* the body is the whole datagram */
#define WRONG_ID 2

static struct bytes input;
static int far_ends[64];
static size_t n_far;

static const char id[] = "00112233445566aa";
static const uint8_t digests[3 * TOKEN_DIGEST_LEN];

static struct bytes
take(size_t n)
{
	struct bytes b = { input.p, n < input.len ? n : input.len };

	input.p += b.len;
	input.len -= b.len;
	return b;
}

static void
answer_put(int sock, uint32_t number)
{
	struct bytes head = take(4), body;
	uint8_t raw[WIRE_HEAD], flags;
	struct wire_head h = { .op = 0 };

	if (head.len < 4)
		return;
	flags = head.p[0];
	body = take((size_t)head.p[2] | (size_t)head.p[3] << 8);
	h.status = head.p[1];
	h.id = flags & WRONG_ID ? number + 1 : number;
	h.length = (uint32_t)body.len;
	wire_head_put(&h, raw);
	/* The other side may have all that fits. */
	if (wire_send(sock, (struct bytes){ raw, flags & RAW ? 0 : WIRE_HEAD },
	    body, flags >> 7 ? sock : -1, 0) != Q_OK)
		return;
}

/* A channel in which the answers wait already. */
static int
channel(void *ctx)
{
	int pair[2];

	(void)ctx;
	if (n_far == ARRAY_LEN(far_ends) || socketpair(AF_UNIX,
	    SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0)
		return -1;
	for (uint32_t i = 0; i < ANSWERS; i++)
		answer_put(pair[1], 2 * i + 1);
	shutdown(pair[1], SHUT_WR);
	far_ends[n_far++] = pair[1];
	return pair[0];
}

static void
set_up(struct worker *w)
{
	*w = (struct worker){ .control = -1, .pid = -1, .generation = 1,
		.stage = WORKER_UP, .failed = true };
	w->token = (struct token_conf){ .name = "token", .threads = 1,
		.deadline_ms = 100 };
	pthread_mutex_init(&w->managing, NULL);
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	worker_batch_init(w);
	for (size_t i = 0; i < TOKEN_LANES; i++)
		if (wire_client_new_fn(channel, NULL, 100,
		    &w->lanes[i].client) != Q_OK)
			abort();
	if (wire_client_new_fn(channel, NULL, 100, &w->slow.client) != Q_OK)
		abort();
}

static void
clean_up(struct worker *w)
{
	for (size_t i = 0; i < TOKEN_LANES; i++)
		wire_client_free(w->lanes[i].client);
	wire_client_free(w->slow.client);
	while (n_far > 0)
		close(far_ends[--n_far]);
}

static enum q_err
key_each(void *arg, const struct token_key *k)
{
	unsigned *n = arg;

	if (strlen(k->id) > TOKEN_ID_LEN || strlen(k->label) > TOKEN_LABEL_MAX)
		abort();
	return ++*n > 10000 ? Q_TOOBIG : Q_OK;
}

static enum q_err
call_sign(struct worker *w, unsigned which, struct buf *out, struct fault *f)
{
	static const enum token_mech mechs[] = { TOKEN_ECDSA, TOKEN_RSA_PKCS1,
		TOKEN_RSA_PSS, TOKEN_RSA_RAW };
	struct bytes data = { digests, TOKEN_DIGEST_LEN };
	enum q_err r = worker_sign(w, id, mechs[which % 4], data, out, f);

	if (r == Q_OK && out->len > TOKEN_SIG_MAX)
		abort();
	return r;
}

static enum q_err
call_public(struct worker *w, struct buf *out, struct fault *f)
{
	struct pubkey pub;
	enum q_err r = worker_public(w, id, out, f);

	/* The next thing that is done with it. */
	if (r == Q_OK && pubkey_parse(buf_bytes(out), &pub, f) == Q_OK &&
	    pub.kind != KEY_P256 && pub.kind != KEY_RSA)
		abort();
	return r;
}

static enum q_err
call_many(struct worker *w, struct buf *out, struct fault *f)
{
	enum q_err r = worker_sign_many(w, id,
	    (struct bytes){ digests, sizeof(digests) }, out, f);

	if (r == Q_OK && out->len != 3 * TOKEN_ECDSA_LEN)
		abort();
	return r;
}

static enum q_err
call(struct worker *w, unsigned which, struct buf *out, struct fault *f)
{
	static const uint8_t sealed[TOKEN_SEAL_EXTRA + 1];
	struct bytes some = { sealed, sizeof(sealed) };
	struct worker_import key = { .kind = TOKEN_P256, .d = some };
	uint32_t a, b;
	unsigned n = 0;

	switch (which % 16) {
	case 0: return worker_keygen(w, id, "l", TOKEN_P256, f);
	case 1: return worker_keygen(w, id, "l", TOKEN_RSA3072, f);
	case 2: return worker_destroy(w, id, f);
	case 3: return worker_import(w, id, "l", &key, f);
	case 4: return call_public(w, out, f);
	case 5: return call_many(w, out, f);
	case 6: return worker_forget(w, id, f);
	case 7: return worker_trial(w, f);
	case 8: return worker_seal(w, id, some, some, out, f);
	case 9: return worker_unseal(w, id, some, some, out, f);
	case 10: return worker_keys(w, key_each, &n, f);
	case 11: return worker_ping(w, &a, &b, f);
	case 12: return worker_status(w, &a, f);
	default: return call_sign(w, which, out, f);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct worker w;
	AUTO_BUF struct buf out = BUF_INIT(WIRE_BODY_MAX);
	struct fault f = { 0 };
	enum q_err r;

	if (size == 0)
		return 0;
	input = (struct bytes){ data + 1, size - 1 };
	set_up(&w);
	r = call(&w, data[0], &out, &f);
	clean_up(&w);
	/* A handler that returned it would answer never. */
	if (r == Q_PENDING || (r != Q_INTERNAL &&
	    strcmp(q_err_name(r), "INTERNAL") == 0))
		abort();
	if (strnlen(f.msg, sizeof(f.msg)) == sizeof(f.msg))
		abort();
	return 0;
}
