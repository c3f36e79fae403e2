// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/own.h"
#include "signd/signd.h"

#define PAGE_BYTES 90000 /* of the 98304 that a page may have */

static void
reason_of(struct signd *s, const struct keyring *ring,
    const struct worker_state *st, struct signd_status_rsp *out,
    struct buf *space)
{
	char text[220] = "";

	if (!st->up)
		snprintf(text, sizeof(text), "token: %s", st->reason);
	else if (ring == NULL)
		snprintf(text, sizeof(text), "keys are being loaded");
	else if (!out->pki)
		snprintf(text, sizeof(text), "there is no PKI yet");
	(void)s;
	out->ready = text[0] == '\0';
	text[sizeof(text) - 1] = '\0';
	buf_put(space, text, strnlen(text, 199));
	buf_put(space, "", 1);
}

/* How a token is, and what it cannot do; the texts' places in space. */
static void
token_put(struct worker *w, struct buf *space, size_t *ret_state,
    size_t *ret_cannot)
{
	struct worker_state st = { .up = true, .can = UINT32_MAX };

	if (w != NULL)
		worker_state(w, &st);
	*ret_state = space->len;
	if (w != NULL)
		buf_printf(space, "%.199s", st.up ? "ready" : st.reason);
	buf_put(space, "", 1);
	*ret_cannot = space->len;
	if (st.up)
		worker_cannot(st.can, space);
	buf_put(space, "", 1);
}

enum q_err
signd_do_status(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	struct signd_status_rsp *out = rsp;
	AUTO_RING struct keyring *ring = NULL;
	struct buf *space = wire_req_space(q);
	uint8_t head[JOURNAL_HASH];
	struct worker_state st;
	struct signd *s = ctx;
	size_t reason, host, ips, token, token2, cannot, cannot2;

	(void)req;
	worker_state(s->workers[0], &st);
	/* Not there yet is what status tells, and no error. */
	if (signd_ring(s, false, &ring, f) != Q_OK)
		ring = NULL;
	out->token = st.up;
	out->restarts = st.restarts;
	out->journal_seq = journal_head(s->journal, head);
	out->issued = atomic_load(&s->issued_count);
	for (size_t i = 0; ring != NULL && i < ring->n; i++) {
		out->pki |= ring->keys[i]->purpose == PURPOSE_ROOT;
		out->issuing += ring->keys[i]->purpose == PURPOSE_ISSUING &&
		    !ring->keys[i]->old;
	}
	out->generation = ring != NULL ? ring->generation : 0;
	pthread_mutex_lock(&s->lock);
	out->orphans = s->orphans;
	pthread_mutex_unlock(&s->lock);
	buf_put(space, head, sizeof(head));
	reason = space->len;
	reason_of(s, ring, &st, out, space);
	host = space->len;
	buf_puts(space, ring != NULL ? ring->host : "");
	buf_put(space, "", 1);
	ips = space->len;
	buf_puts(space, ring != NULL ? ring->ips : "");
	buf_put(space, "", 1);
	token_put(s->workers[0], space, &token, &cannot);
	token_put(s->workers[1], space, &token2, &cannot2);
	if (space->bad)
		return Q_NOMEM;
	out->cannot = (const char *)space->p + cannot;
	out->token2 = (const char *)space->p + token2;
	out->cannot2 = (const char *)space->p + cannot2;
	out->journal_head = (struct bytes){ space->p, sizeof(head) };
	out->reason = (const char *)space->p + reason;
	out->host = (const char *)space->p + host;
	out->ips = (const char *)space->p + ips;
	return Q_OK;
}

/* Where a page begins: behind the key with the id `after`. */
static enum q_err
page_begin(const struct keyring *ring, const char *after, size_t *ret_at,
    struct fault *f)
{
	*ret_at = 0;
	if (after[0] == '\0')
		return Q_OK;
	for (size_t i = 0; i < ring->n; i++) {
		if (strcmp(ring->keys[i]->id, after) != 0)
			continue;
		*ret_at = i + 1;
		return Q_OK;
	}
	return fault_set(f, Q_NOTFOUND, "no key %.16s", after);
}

/* Append an item for the key, if it has one. */
typedef void put_fn(struct signd *s, const struct keyring *ring,
    const struct key *k, struct buf *out);

struct page {
	uint64_t generation;
	struct bytes items;
	bool more;
};

static enum q_err
page_make(struct signd *s, struct wire_req *q, const char *after, put_fn *put,
    struct page *ret_page, struct fault *f)
{
	AUTO_RING struct keyring *ring = NULL;
	struct buf *space = wire_req_space(q);
	size_t i = 0;
	enum q_err r = signd_ring(s, false, &ring, f);

	if (r == Q_OK)
		r = page_begin(ring, after, &i, f);
	if (r != Q_OK)
		return r;
	for (; i < ring->n && space->len < PAGE_BYTES; i++)
		put(s, ring, ring->keys[i], space);
	*ret_page = (struct page){ ring->generation, buf_bytes(space),
		i < ring->n };
	return Q_OK;
}

static void
cert_put(struct signd *s, const struct keyring *ring, const struct key *k,
    struct buf *out)
{
	const struct key *ca = keyring_issuer(ring, k);
	struct signd_cert c = { .id = k->id,
		.purpose = purpose_text(k->purpose), .policy = k->policy,
		.issuer = ca != NULL ? ca->id : "",
		.state = k->old ? "old" : "active",
		.generation = k->generation,
		.not_before = (uint64_t)k->cert.not_before,
		.not_after = (uint64_t)k->cert.not_after,
		.issuing_lifetime = k->issuing.issuing_lifetime,
		.device_lifetime = k->issuing.device_lifetime,
		.autorenew = k->issuing.autorenew,
		.allow_rekey = k->issuing.allow_rekey,
		.allow_rsa2048 = k->issuing.allow_rsa2048,
		.allow_serverkey = k->issuing.allow_serverkey,
		.crl_number = signd_crl_last(s, k->id),
		.issued = k->purpose == PURPOSE_ISSUING && !k->fresh,
		.cert = { k->der, k->der_len } };

	/* That of a codesign key is its owner's, and tells nobody of us. */
	if (k->der != NULL && purpose_row(k->purpose)->cert != 0)
		wire_list_put(out, &signd_cert_type, &c);
}

enum q_err
signd_do_certs(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct signd_certs_req *in = req;
	struct signd_certs_rsp *out = rsp;
	struct page page = { 0 };
	enum q_err r = page_make(ctx, q, in->after, cert_put, &page, f);

	out->generation = page.generation;
	out->items = page.items;
	out->more = page.more;
	return r;
}

static void
key_put(struct signd *s, const struct keyring *ring, const struct key *k,
    struct buf *out)
{
	AUTO_BUF struct buf rules = BUF_INIT(SIGND_RULES_MAX);
	struct signd_key item = { .id = k->id,
		.purpose = purpose_text(k->purpose), .policy = k->policy,
		.state = k->old ? "old" : "active",
		.created = k->created,
		.used = atomic_load(&k->use->count), .name = k->name,
		.token = k->token, .imported = k->imported,
		.uses = signd_use_total(k),
		.spki = { k->spki, k->spki_len } };

	(void)s;
	(void)ring;
	if (k->purpose == PURPOSE_ROOT_LINK)
		return;
	item.kind = kind_text(k->kind);
	if (k->name[0] != '\0') {
		key_rules_encode(&k->rules, &rules);
		item.rules = buf_bytes(&rules);
		item.cert = (struct bytes){ k->der, k->der_len };
	}
	out->bad |= rules.bad;
	wire_list_put(out, &signd_key_type, &item);
}

enum q_err
signd_do_keys(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	const struct signd_keys_req *in = req;
	struct signd_keys_rsp *out = rsp;
	struct page page = { 0 };
	enum q_err r = page_make(ctx, q, in->after, key_put, &page, f);

	out->items = page.items;
	out->more = page.more;
	return r;
}
