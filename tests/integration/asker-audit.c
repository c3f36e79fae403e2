// SPDX-License-Identifier: Apache-2.0
/* The journal held against what left. */
#include "config.h"

#include <inttypes.h>
#include <openssl/sha.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/own.h"
#include "signer/journal_read.h"
#include "tests/integration/asker.h"

struct request {
	uint8_t hash[32];
	uint64_t number;	/* 0: somebody else's */
	bool issued;
	uint8_t digest[32];
};

struct audit {
	struct asker *a;
	struct request *requests;
	size_t n_requests;
	size_t n_crls;		/* records of lists that left */
	size_t n_codes;		/* and of signatures of code */
	uint64_t used[ASKS];
	unsigned bad;
};

static void
lie(struct audit *u, uint64_t seq, const char *text)
{
	u->bad++;
	printf("# journal, record %" PRIu64 ": %s\n", seq, text);
}

static struct request *
request_find(struct audit *u, struct bytes hash, bool make)
{
	if (hash.len != 32)
		return NULL;
	for (size_t i = u->n_requests; i-- > 0;)
		if (memcmp(u->requests[i].hash, hash.p, 32) == 0)
			return &u->requests[i];
	if (!make)
		return NULL;
	u->requests = realloc(u->requests,
	    (u->n_requests + 1) * sizeof(*u->requests));
	if (u->requests == NULL)
		abort();
	u->requests[u->n_requests] = (struct request){ 0 };
	memcpy(u->requests[u->n_requests].hash, hash.p, 32);
	return &u->requests[u->n_requests++];
}

static void
intent_seen(struct audit *u, const struct journal_record *r)
{
	struct journal_intent b;
	struct request *q;

	if (wire_decode(&journal_intent_type, r->body, &b, NULL) != Q_OK) {
		lie(u, r->seq, "malformed");
		return;
	}
	q = request_find(u, b.request, true);
	if (q == NULL)
		lie(u, r->seq, "malformed");
	if (q == NULL || strcmp(b.device_id, u->a->device_id) != 0)
		return;
	q->number = b.seq;
	if (b.seq == 0 || b.seq > u->a->n_issues)
		lie(u, r->seq, "a request that was never made");
}

static void
issued_seen(struct audit *u, const struct journal_record *r)
{
	struct journal_issued b;
	const struct asker_issue *i;
	const unsigned char *p;
	struct request *q;
	uint8_t digest[32];
	X509 *x;

	if (wire_decode(&journal_issued_type, r->body, &b, NULL) != Q_OK) {
		lie(u, r->seq, "malformed");
		return;
	}
	q = request_find(u, b.request, false);
	if (q == NULL)
		lie(u, r->seq, "issued without an intent");
	if (q == NULL || q->number == 0 || q->number > u->a->n_issues)
		return;
	SHA256(b.cert.p, b.cert.len, digest);
	if (q->issued && memcmp(q->digest, digest, 32) != 0)
		lie(u, r->seq, "a second certificate for one request");
	q->issued = true;
	memcpy(q->digest, digest, 32);
	p = b.cert.p;
	x = d2i_X509(NULL, &p, (long)b.cert.len);
	if (x == NULL || X509_verify(x, u->a->ca_key) != 1)
		lie(u, r->seq, "a certificate that does not verify");
	X509_free(x);
	i = &u->a->issues[q->number - 1];
	if (i->left && memcmp(i->digest, digest, 32) != 0)
		lie(u, r->seq, "another certificate than the one that left");
}

static void
crl_seen(struct audit *u, const struct journal_record *r)
{
	struct journal_crl b;

	if (wire_decode(&journal_crl_type, r->body, &b, NULL) != Q_OK ||
	    strcmp(r->key, u->a->ca_id) != 0 || b.digest.len != 32)
		return;
	for (size_t i = 0; i < u->a->n_crls; i++) {
		if (u->a->crls[i].number != b.number)
			continue;
		u->n_crls++;
		if (memcmp(u->a->crls[i].digest, b.digest.p, 32) != 0)
			lie(u, r->seq, "another list than the one that left");
	}
}

/* Every signature by the codesign key is recorded with what it signs. */
static void
sign_seen(struct audit *u, const struct journal_record *r)
{
	struct journal_sign b;
	struct asker_code *c = NULL;
	uint8_t digest[32];

	if (strcmp(r->key, u->a->code_id) != 0)
		return;
	if (wire_decode(&journal_sign_type, r->body, &b, NULL) != Q_OK ||
	    b.digest.len != 32 || !asker_code_verifies(u->a, b.digest.p,
	    b.signature)) {
		lie(u, r->seq, "a signature that is none");
		return;
	}
	for (size_t i = 0; i < u->a->n_codes && c == NULL; i++) {
		asker_code_digest(i + 1, digest);
		if (memcmp(digest, b.digest.p, 32) == 0)
			c = &u->a->codes[i];
	}
	if (c == NULL)
		return;
	if (c->left && memcmp(c->sig, b.signature.p, 64) != 0)
		lie(u, r->seq, "another signature than the one that left");
	u->n_codes += c->left;
}

static void
use_seen(struct audit *u, const struct journal_record *r)
{
	struct journal_use b;

	if (wire_decode(&journal_use_type, r->body, &b, NULL) != Q_OK)
		return;
	if (strcmp(r->key, u->a->tls_id) == 0)
		u->used[ASK_TLS] += b.count;
	if (strcmp(r->key, u->a->ocsp_id) == 0)
		u->used[ASK_OCSP] += b.count;
}

static enum q_err
record_seen(void *arg, const struct journal_record *r)
{
	struct audit *u = arg;

	if (r->seq <= u->a->journal_from)
		return Q_OK;
	switch (r->type) {
	case JOURNAL_intent:
		intent_seen(arg, r);
		break;
	case JOURNAL_issued:
		issued_seen(arg, r);
		break;
	case JOURNAL_crl:
		crl_seen(arg, r);
		break;
	case JOURNAL_sign:
		sign_seen(arg, r);
		break;
	case JOURNAL_use:
		use_seen(arg, r);
		break;
	}
	return Q_OK;
}

/* The counts of the second class: what left is counted, and nothing is that
 * was not asked for. */
static void
counts_check(struct audit *u)
{
	static const enum ask counted[] = { ASK_TLS, ASK_OCSP };

	for (size_t i = 0; i < ARRAY_LEN(counted); i++) {
		enum ask k = counted[i];

		printf("# %s: %" PRIu64 " asked, %" PRIu64 " left, %" PRIu64
		    " in the journal\n", ask_name(k), u->a->asked[k],
		    u->a->left[k], u->used[k]);
		if (u->used[k] < u->a->left[k] ||
		    u->used[k] > u->a->asked[k])
			lie(u, 0, "the count of uses does not fit");
	}
}

bool
asker_audit(struct asker *a, bool exact)
{
	struct audit u = { .a = a };
	struct journal_end end;
	struct fault f = { 0 };
	size_t left = 0, issued = 0, codes = 0;
	char dir[600];
	enum q_err r;

	snprintf(dir, sizeof(dir), "%s/journal", a->conf->state);
	r = journal_read(dir, 0, record_seen, &u, &end, &f);
	if (r != Q_OK) {
		printf("# journal: %s\n", fault_text(&f, r));
		return false;
	}
	for (size_t i = 0; i < u.n_requests; i++) {
		issued += u.requests[i].issued && u.requests[i].number != 0;
		if (u.requests[i].issued && u.requests[i].number != 0)
			left += a->issues[u.requests[i].number - 1].left;
	}
	for (size_t i = 0; i < a->n_issues; i++)
		left -= a->issues[i].left;
	if (left != 0)
		lie(&u, 0, "certificates left that are not in it");
	for (size_t i = 0; i < a->n_codes; i++)
		codes += a->codes[i].left;
	if (u.n_codes != codes)
		lie(&u, 0, "another number of signatures of code left");
	if (u.n_crls < a->n_crls)
		lie(&u, 0, "lists left that are not in it");
	printf("# journal: %" PRIu64 " records, %zu certificates issued, "
	    "%" PRIu64 " answers with one, %zu lists left, %zu of code\n",
	    end.seq, issued, a->left[ASK_ISSUE], a->n_crls, codes);
	if (exact)
		counts_check(&u);
	free(u.requests);
	return u.bad == 0;
}
