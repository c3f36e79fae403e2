// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "signer/journal_check.h"

#include <inttypes.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/codec.h"
#include "base/own.h"

#define LINE_MARK "journal head "
#define LINE_FIELDS 7

/* A digest in hex, or "-" for none. */
static void
hex_or_none(struct bytes digest, char out[2 * JOURNAL_HASH + 1])
{
	if (digest.len == JOURNAL_HASH)
		hex_encode(digest.p, JOURNAL_HASH, out);
	else
		memcpy(out, "-", 2);
}

void
journal_head_statement(const struct journal_head *h, const char *key,
    struct buf *out)
{
	char hash[2 * JOURNAL_HASH + 1], next[2 * JOURNAL_HASH + 1];

	hex_or_none(h->hash, hash);
	hex_or_none(h->next, next);
	buf_printf(out, "quoin journal head 1\nnumber: %" PRIu64 "\nhash: %s\n"
	    "wall: %" PRIu64 "\nkey: %.16s\nnext: %s\n", h->seq, hash,
	    h->wall, key, next);
}

void
journal_head_line(const struct journal_head *h, const char *key,
    struct buf *out)
{
	char hash[2 * JOURNAL_HASH + 1], next[2 * JOURNAL_HASH + 1];

	hex_or_none(h->hash, hash);
	hex_or_none(h->next, next);
	buf_printf(out, LINE_MARK "%" PRIu64 " %s %" PRIu64 " %.16s %s ",
	    h->seq, hash, h->wall, key, next);
	b64_encode(out, h->spki.p, h->spki.len, 0);
	buf_puts(out, " ");
	b64_encode(out, h->signature.p, h->signature.len, 0);
}

/* The journal key's public half: P-256 and nothing else. */
static EVP_PKEY *
key_load(struct bytes spki)
{
	const uint8_t *p = spki.p;
	EVP_PKEY *k = d2i_PUBKEY(NULL, &p, (long)spki.len);
	char group[32] = "";

	if (k != NULL && p == spki.p + spki.len &&
	    EVP_PKEY_get_utf8_string_param(k, OSSL_PKEY_PARAM_GROUP_NAME,
	    group, sizeof(group), NULL) == 1 &&
	    strcmp(group, "prime256v1") == 0)
		return k;
	EVP_PKEY_free(k);
	return NULL;
}

enum q_err
journal_head_verify(const struct journal_head *h, const char *key,
    struct fault *f)
{
	AUTO_BUF struct buf text = BUF_INIT(512);
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	EVP_PKEY *k = key_load(h->spki);
	bool good;

	journal_head_statement(h, key, &text);
	good = h->hash.len == JOURNAL_HASH &&
	    (h->next.len == 0 || h->next.len == JOURNAL_HASH) && !text.bad &&
	    k != NULL && md != NULL && EVP_DigestVerifyInit(md, NULL,
	    EVP_sha256(), NULL, k) == 1 && EVP_DigestVerify(md,
	    h->signature.p, h->signature.len, text.p, text.len) == 1;
	EVP_PKEY_free(k);
	EVP_MD_CTX_free(md);
	return good ? Q_OK : fault_set(f, Q_SIGNATURE, "the head of record %"
	    PRIu64 " is not signed by its journal key", h->seq);
}

void
journal_outsides_free(struct journal_outsides *o)
{
	free(o->all);
}

static enum q_err
outside_add(struct journal_outsides *o, const struct journal_outside *one)
{
	struct journal_outside *grown = o->all;

	if (o->n == o->cap) {
		size_t cap = o->cap == 0 ? 64 : 2 * o->cap;

		grown = reallocarray(o->all, cap, sizeof(*grown));
		if (grown == NULL)
			return Q_NOMEM;
		o->all = grown;
		o->cap = cap;
	}
	grown[o->n++] = *one;
	return Q_OK;
}

enum q_err
journal_outside_note(struct journal_outsides *o, const char *note,
    struct fault *f)
{
	struct journal_outside one = { 0 };
	char *rest;

	one.seq = strtoull(note, &rest, 10);
	if (one.seq == 0 || *rest != ' ' ||
	    !hex_decode(rest + 1, one.hash, JOURNAL_HASH))
		return fault_set(f, Q_USAGE,
		    "a noted head is a number and 64 hex digits");
	return outside_add(o, &one);
}

static bool
number_parse(const char *text, uint64_t *ret)
{
	char again[24];

	*ret = strtoull(text, NULL, 10);
	snprintf(again, sizeof(again), "%" PRIu64, *ret);
	return strcmp(again, text) == 0;
}

/* What a line's fields say, with space for the bytes. */
struct line {
	char *field[LINE_FIELDS];
	uint8_t hash[JOURNAL_HASH], next[JOURNAL_HASH];
	struct buf spki, signature;
	struct journal_head head;
};

static bool
line_parse(struct line *l, char *text)
{
	struct journal_head *h = &l->head;
	char *save = NULL;
	size_t n = 0;

	for (char *p = strtok_r(text, " \r\n", &save); p != NULL;
	    p = strtok_r(NULL, " \r\n", &save)) {
		if (n == LINE_FIELDS)
			return false;
		l->field[n++] = p;
	}
	if (n != LINE_FIELDS || !number_parse(l->field[0], &h->seq) ||
	    !hex_decode(l->field[1], l->hash, JOURNAL_HASH) ||
	    !number_parse(l->field[2], &h->wall) ||
	    !hex_is_lower(l->field[3], 16))
		return false;
	h->hash = (struct bytes){ l->hash, JOURNAL_HASH };
	if (strcmp(l->field[4], "-") != 0) {
		if (!hex_decode(l->field[4], l->next, JOURNAL_HASH))
			return false;
		h->next = (struct bytes){ l->next, JOURNAL_HASH };
	}
	if (b64_decode(&l->spki, l->field[5], strlen(l->field[5])) != Q_OK ||
	    b64_decode(&l->signature, l->field[6], strlen(l->field[6])) !=
	    Q_OK)
		return false;
	h->spki = buf_bytes(&l->spki);
	h->signature = buf_bytes(&l->signature);
	return h->seq != 0;
}

static enum q_err
line_take(struct journal_outsides *o, char *text, struct fault *f)
{
	struct line l = { .spki = BUF_INIT(512), .signature = BUF_INIT(128) };
	struct journal_outside one = { .has_key = true };
	enum q_err r = line_parse(&l, text) ? Q_OK : fault_set(f, Q_SIGNATURE,
	    "a journal head that is malformed");

	if (r == Q_OK)
		r = journal_head_verify(&l.head, l.field[3], f);
	if (r == Q_OK) {
		one.seq = l.head.seq;
		memcpy(one.hash, l.hash, JOURNAL_HASH);
		SHA256(l.spki.p, l.spki.len, one.spki);
		r = outside_add(o, &one);
	}
	buf_free(&l.spki);
	buf_free(&l.signature);
	return r;
}

enum q_err
journal_outside_line(struct journal_outsides *o, const char *line, size_t len,
    struct fault *f)
{
	const char *at = memmem(line, len, LINE_MARK, strlen(LINE_MARK));
	char text[JOURNAL_LINE_MAX];

	if (at == NULL)
		return Q_OK;
	at += strlen(LINE_MARK);
	len -= (size_t)(at - line);
	if (len >= sizeof(text) || memchr(at, '\0', len) != NULL)
		return fault_set(f, Q_SIGNATURE,
		    "a journal head that is malformed");
	memcpy(text, at, len);
	text[len] = '\0';
	return line_take(o, text, f);
}

struct check {
	const struct journal_outsides *outside;
	size_t at; /* the next of them */
	struct journal_checked *ret;
	uint64_t first;
	bool has_next;
	uint8_t next[32];
	uint8_t (*recent)[JOURNAL_HASH];
	bool held; /* by one from outside */
	struct fault *f;
};

static enum q_err
other_key(struct check *c, uint64_t seq)
{
	return fault_set(c->f, Q_SIGNATURE, "the head of record %" PRIu64
	    " is by another journal key, which none before it names: the "
	    "journal was written anew", seq);
}

/* Whether this key may sign heads here; a key that takes over from now on
 * ends the one before it. */
static bool
key_believed(struct check *c, const uint8_t spki[32], bool takes_over)
{
	struct journal_checked *ret = c->ret;

	if (!ret->has_key) {
		ret->has_key = true;
		memcpy(ret->spki, spki, 32);
	}
	if (memcmp(ret->spki, spki, 32) == 0)
		return true;
	if (!c->has_next || memcmp(c->next, spki, 32) != 0)
		return false;
	if (takes_over) {
		memcpy(ret->spki, spki, 32);
		c->has_next = false;
	}
	return true;
}

static enum q_err
outside_each(struct check *c, const struct journal_record *r)
{
	const struct journal_outsides *o = c->outside;

	for (; c->at < o->n && o->all[c->at].seq <= r->seq; c->at++) {
		const struct journal_outside *one = &o->all[c->at];

		if (one->seq < r->seq) {
			c->ret->earlier++;
			continue;
		}
		if (memcmp(one->hash, r->hash.p, JOURNAL_HASH) != 0)
			return fault_set(c->f, Q_SIGNATURE, "record %" PRIu64
			    " is another than the head from outside says: "
			    "the journal was written anew", r->seq);
		if (one->has_key && !key_believed(c, one->spki, false))
			return other_key(c, one->seq);
		c->held = true;
		c->ret->outside++;
	}
	return Q_OK;
}

static enum q_err
head_each(struct check *c, const struct journal_record *r)
{
	struct journal_head h;
	uint8_t spki[32];
	enum q_err e = wire_decode(&journal_head_type, r->body, &h, NULL);

	if (e != Q_OK || h.seq >= r->seq ||
	    r->seq - h.seq > JOURNAL_HEAD_REACH ||
	    h.hash.len != JOURNAL_HASH || (h.seq >= c->first &&
	    memcmp(h.hash.p, c->recent[h.seq % JOURNAL_HEAD_REACH],
	    JOURNAL_HASH) != 0))
		return fault_set(c->f, Q_SIGNATURE, "record %" PRIu64
		    " is no head of what is before it", r->seq);
	e = journal_head_verify(&h, r->key, c->f);
	if (e != Q_OK)
		return e;
	SHA256(h.spki.p, h.spki.len, spki);
	if (!key_believed(c, spki, true))
		return other_key(c, h.seq);
	if (h.next.len == sizeof(c->next)) {
		c->has_next = true;
		memcpy(c->next, h.next.p, sizeof(c->next));
	}
	c->ret->heads++;
	if (h.seq > c->ret->covered)
		c->ret->covered = h.seq;
	return Q_OK;
}

static enum q_err
check_each(void *arg, const struct journal_record *r)
{
	struct check *c = arg;
	enum q_err e;

	if (c->first == 0)
		c->first = r->seq;
	e = outside_each(c, r);
	if (e == Q_OK && r->type == JOURNAL_head)
		e = head_each(c, r);
	memcpy(c->recent[r->seq % JOURNAL_HEAD_REACH], r->hash.p,
	    JOURNAL_HASH);
	return e;
}

static int
by_number(const void *a, const void *b)
{
	const struct journal_outside *x = a, *y = b;

	return x->seq < y->seq ? -1 : x->seq > y->seq;
}

/* What only the end tells. */
static enum q_err
end_check(const struct check *c)
{
	const struct journal_outsides *o = c->outside;
	const struct journal_end *end = &c->ret->end;

	if (c->at < o->n)
		return fault_set(c->f, Q_SIGNATURE, "the journal was cut off: "
		    "it ends with record %" PRIu64 ", and a head from outside "
		    "is of record %" PRIu64, end->seq, o->all[o->n - 1].seq);
	if (end->first > 1 && !c->held)
		return fault_set(c->f, Q_SIGNATURE, "the journal begins with "
		    "record %" PRIu64 ": name the folder of what was before "
		    "(--archive), or a file of heads with one since (--heads)",
		    end->first);
	return Q_OK;
}

enum q_err
journal_check(const struct journal_range *range,
    struct journal_outsides *outside, struct journal_checked *ret,
    struct fault *f)
{
	struct journal_range all = { .dir = range->dir,
		.archive = range->archive, .open = true };
	struct journal_checked found = { 0 };
	struct check c = { .outside = outside, .ret = &found, .f = f,
		.recent = calloc(JOURNAL_HEAD_REACH, JOURNAL_HASH) };
	enum q_err r;

	if (c.recent == NULL)
		return Q_NOMEM;
	if (outside->n != 0)
		qsort(outside->all, outside->n, sizeof(*outside->all),
		    by_number);
	r = journal_walk(&all, check_each, &c, &found.end, f);
	free(c.recent);
	if (r == Q_OK)
		r = end_check(&c);
	if (r == Q_OK)
		*ret = found;
	return r;
}

enum q_err
journal_verify(const char *dir, const char *note, struct journal_end *ret_end,
    struct fault *f)
{
	AUTO_OUTSIDES struct journal_outsides o = { 0 };
	struct journal_checked found;
	enum q_err r = note == NULL ? Q_OK :
	    journal_outside_note(&o, note, f);

	if (r == Q_OK)
		r = journal_check(&(struct journal_range){ .dir = dir }, &o,
		    &found, f);
	if (r == Q_OK)
		*ret_end = found.end;
	return r;
}
