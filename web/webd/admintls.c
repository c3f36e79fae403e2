// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "webd/admintls.h"

#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/own.h"
#include "x509/pem.h"
#include "x509/server_chain.h"

#define HOUR 3600
#define DAY (24 * HOUR)

/* The own certificate and the links that lead to older roots come from one
 * list, the certificate before or behind the links. */
struct own {
	struct admintls *tls;
	struct buf links;
};

static enum q_err
own_take(void *arg, const struct signd_cert *c)
{
	struct own *o = arg;

	if (strcmp(c->purpose, "root-link") == 0)
		pem_encode(&o->links, PEM_CERTIFICATE, c->cert);
	if (strcmp(c->purpose, "tls-admin") != 0 ||
	    strcmp(c->state, "active") != 0)
		return Q_OK;
	buf_reset(&o->tls->leaf);
	buf_put(&o->tls->leaf, c->cert.p, c->cert.len);
	snprintf(o->tls->key, sizeof(o->tls->key), "%s", c->id);
	return Q_OK;
}

static enum q_err
own_current(struct web *w, struct admintls *t, struct fault *f)
{
	struct own o = { .tls = t, .links = BUF_INIT(32 * SIGND_CERT_MAX) };
	enum q_err r = signer_certs(w->signd, own_take, &o, f);

	t->own = true;
	if (r == Q_OK && t->leaf.len == 0)
		r = fault_retry(f, Q_UNAVAIL, 1,
		    "the administration has no certificate yet");
	if (r == Q_OK) {
		pem_encode(&t->chain, PEM_CERTIFICATE, buf_bytes(&t->leaf));
		buf_put(&t->chain, o.links.p, o.links.len);
		r = t->chain.bad || o.links.bad ? Q_TOOBIG : Q_OK;
	}
	buf_free(&o.links);
	return r;
}

/* --- the company's ------------------------------------------------------ */

/* Once for each level of urgency; of two who see it at once one writes. */
static void
warn(struct web *w, struct company *c, int64_t left)
{
	const struct rec_actor by = { "quoin-webd", "" };
	int64_t level = company_urgency(left);
	char text[160];

	if (level <= c->warned)
		return;
	c->warned = level;
	if (company_write(w, c, NULL) != Q_OK)
		return;
	if (level == COMPANY_ENDED)
		snprintf(text, sizeof(text), "it has ended: the appliance's "
		    "own is shown again");
	else
		snprintf(text, sizeof(text), "it ends in %lld %s: have it "
		    "renewed", (long long)(left / (level < 3 ? DAY : HOUR)),
		    level < 3 ? "days" : "hours");
	log_warn("the company's certificate of the administration: %s", text);
	(void)!rec_actor_tell(w->recordd, &by, "tls certificate ends",
	    c->host, text, NULL);
}

static bool
company_copy(const struct company *c, struct admintls *t)
{
	struct bytes rest = buf_bytes(&c->ders), one;

	while (server_chain_next(&rest, &one)) {
		if (t->leaf.len == 0)
			buf_put(&t->leaf, one.p, one.len);
		pem_encode(&t->chain, PEM_CERTIFICATE, one);
	}
	snprintf(t->key, sizeof(t->key), "%s", c->key);
	return t->leaf.len != 0 && !t->chain.bad && !t->leaf.bad;
}

struct key_search {
	const char *id;
	bool found;
};

static enum q_err
key_see(void *arg, const struct signd_key *k)
{
	struct key_search *s = arg;

	s->found |= strcmp(k->id, s->id) == 0;
	return Q_OK;
}

/* A token may have been replaced under it. */
static enum q_err
key_there(struct web *w, const char *id, struct fault *f)
{
	struct key_search s = { .id = id };
	enum q_err r = signer_keys(w->signd, key_see, &s, f);

	return r != Q_OK || s.found ? r : Q_NOTFOUND;
}

/* NOTFOUND: there is none that can be shown. */
static enum q_err
company_current(struct web *w, struct admintls *t, struct fault *f)
{
	AUTO_COMPANY struct company c = { 0 };
	enum q_err r = company_read(w, &c, f);
	int64_t left;

	if (r != Q_OK || c.ders.len == 0)
		return r != Q_OK ? r : Q_NOTFOUND;
	left = server_chain_end(buf_bytes(&c.ders)) - clock_wall();
	warn(w, &c, left);
	if (left <= 0)
		return Q_NOTFOUND;
	r = key_there(w, c.key, f);
	return r != Q_OK || company_copy(&c, t) ? r : Q_NOTFOUND;
}

static void
begin(struct admintls *t)
{
	*t = (struct admintls){ .chain = BUF_INIT(64 * SIGND_CERT_MAX),
		.leaf = BUF_INIT(SERVER_CHAIN_MAX) };
}

enum q_err
admintls_current(struct web *w, struct admintls *ret_tls, struct fault *f)
{
	enum q_err r;

	begin(ret_tls);
	r = company_current(w, ret_tls, f);
	if (r == Q_NOTFOUND) {
		admintls_free(ret_tls);
		begin(ret_tls);
		r = own_current(w, ret_tls, f);
	}
	if (r != Q_OK)
		admintls_free(ret_tls);
	return r;
}

void
admintls_free(struct admintls *t)
{
	buf_free(&t->chain);
	buf_free(&t->leaf);
}
