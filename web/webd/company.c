// SPDX-License-Identifier: Apache-2.0
/* What is kept about the company's certificate for the page: one record, so
 * that one write changes all of it. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "webd/admintls.h"
#include "x509/pubkey.h"
#include "x509/server_chain.h"

#define RECORD "web.tls"
#define DAY 86400

void
company_free(struct company *c)
{
	buf_free(&c->spki);
	buf_free(&c->ders);
}

static void
text_take(struct json_object *o, const char *name, char *out, size_t cap)
{
	struct json_object *v;

	if (json_object_object_get_ex(o, name, &v))
		snprintf(out, cap, "%s", json_object_get_string(v));
}

static enum q_err
bytes_take(struct json_object *o, const char *name, struct buf *out)
{
	struct json_object *v;
	const char *text;

	if (!json_object_object_get_ex(o, name, &v))
		return Q_OK;
	text = json_object_get_string(v);
	return b64_decode(out, text, strlen(text));
}

static enum q_err
parse(const char *value, struct company *c, struct fault *f)
{
	struct bytes text = { (const uint8_t *)value, strlen(value) };
	AUTO_JSON struct json_object *o = NULL;
	enum q_err r = http_json_parse(text, &o, f);

	if (r != Q_OK)
		return r;
	text_take(o, "key", c->key, sizeof(c->key));
	text_take(o, "host", c->host, sizeof(c->host));
	c->pending = json_object_get_boolean(json_object_object_get(o,
	    "pending"));
	c->warned = json_object_get_int64(json_object_object_get(o,
	    "warned"));
	r = bytes_take(o, "spki", &c->spki);
	return r == Q_OK ? bytes_take(o, "chain", &c->ders) : r;
}

enum q_err
company_read(struct web *w, struct company *ret_company, struct fault *f)
{
	struct rec_setting s;
	enum q_err r = rec_setting_get(w->recordd, RECORD, &s, f);

	*ret_company = (struct company){ .spki = BUF_INIT(PUBKEY_SPKI_MAX),
		.ders = BUF_INIT(SERVER_CHAIN_MAX) };
	if (r == Q_NOTFOUND)
		return Q_OK;
	if (r != Q_OK)
		return r;
	ret_company->rev = s.rev;
	if (parse(s.value, ret_company, NULL) == Q_OK)
		return Q_OK;
	company_free(ret_company);
	return fault_set(f, Q_INTERNAL, "setting " RECORD " is damaged");
}

static void
bytes_put(struct json_object *o, const char *name, const struct buf *b)
{
	AUTO_BUF struct buf text = BUF_INIT(2 * SERVER_CHAIN_MAX);

	b64_encode(&text, b->p, b->len, 0);
	if (b->len != 0)
		web_put(o, name, (const char *)text.p);
}

enum q_err
company_write(struct web *w, struct company *c, struct fault *f)
{
	AUTO_JSON struct json_object *o = web_object();
	struct rec_setting s = { .key = RECORD, .rev = c->rev };
	const char *text;
	enum q_err r;

	web_put(o, "key", c->key);
	web_put(o, "host", c->host);
	web_put_bool(o, "pending", c->pending);
	web_put_int(o, "warned", c->warned);
	bytes_put(o, "spki", &c->spki);
	bytes_put(o, "chain", &c->ders);
	text = json_object_to_json_string_ext(o, JSON_C_TO_STRING_PLAIN);
	if (strlen(text) >= sizeof(s.value))
		return fault_set(f, Q_TOOBIG, "the chain is too long");
	snprintf(s.value, sizeof(s.value), "%s", text);
	r = s.rev == 0 ? rec_setting_insert(w->recordd, &s, f)
		       : rec_setting_put(w->recordd, &s, f);
	if (r == Q_CONFLICT || r == Q_EXISTS)
		return fault_set(f, Q_STALE,
		    "somebody has changed it meanwhile: look at it again");
	return r;
}

int64_t
company_urgency(int64_t left)
{
	return left <= 0 ? COMPANY_ENDED : left < DAY ? 3 : left < 7 * DAY ? 2
	    : left < 21 * DAY ? 1 : 0;
}
