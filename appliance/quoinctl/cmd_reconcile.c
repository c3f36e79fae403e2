// SPDX-License-Identifier: Apache-2.0
/*
 * The journal against the records: what was issued must be recorded, and
 * what is recorded must have been issued. Reads and changes nothing.
 *
 * A device certificate that was issued and has not ended is in its device's
 * list, or among the revoked ones: a list that is full, and a device that is
 * deleted, send what is valid there. The journal is read before and after the
 * records, so that what is issued meanwhile makes no difference; what was
 * issued just before may be on its way to the records.
 */
#include "config.h"

#include <inttypes.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/own.h"
#include "quoinctl/certset.h"
#include "quoinctl/journal.h"
#include "quoinctl/out.h"
#include "x509/cert_parse.h"

#define GRACE 60 /* seconds from the journal to the records */
#define BACKDATE 60 /* that certificates begin before they are made */

enum mark { ISSUED = 1, RECORDED = 2 };

struct ca_note {
	char key[17];
	uint64_t crl; /* the last list's number */
	uint64_t certified; /* certificates for it in the journal */
	uint8_t digest[32]; /* of the latest of them */
};

struct reconcile {
	struct ctl *ctl;
	struct certset set;
	struct journal_range range;
	int64_t now, begin; /* when the journal's first record was made */
	uint64_t first;
	bool naming; /* the second time through the records */
	size_t grace;
	uint64_t issued, recorded, revoked, early, differences;
	struct ca_note *cas;
	size_t n_cas;
	struct out_list list;
	struct fault *f;
};

/* What a device certificate of the journal is. */
struct issue {
	struct certset_item item;
	char serial[33], device_id[65];
	int64_t not_after;
};

static void
difference(struct reconcile *rc, const char *what, const struct issue *i,
    const char *ca, int64_t at)
{
	struct json_object *o = out_object();

	rc->differences++;
	out_str(o, "difference", what);
	out_str(o, "serial", i->serial);
	out_str(o, "device_id", i->device_id);
	out_str(o, "ca", ca);
	out_time(o, "at", at);
	out_list_add(&rc->list, o);
}

/* An id of 16 hex digits as bytes; of one that is none, zeros. */
static void
ca_put(const char *id, uint8_t out[CERTSET_CA])
{
	if (!hex_decode(id, out, CERTSET_CA))
		memset(out, 0, CERTSET_CA);
}

static bool
issue_parse(const struct journal_record *rec, struct issue *i)
{
	struct journal_issued in;
	struct cert c;
	uint8_t id[32];

	*i = (struct issue){ .item.marks = ISSUED };
	if (wire_decode(&journal_issued_type, rec->body, &in, NULL) != Q_OK ||
	    cert_parse(in.cert, &c, NULL) != Q_OK ||
	    c.serial.len != CERTSET_SERIAL || c.cn.len != 64)
		return false;
	memcpy(i->item.serial, c.serial.p, CERTSET_SERIAL);
	ca_put(rec->key, i->item.ca);
	hex_encode(c.serial.p, CERTSET_SERIAL, i->serial);
	memcpy(i->device_id, c.cn.p, 64);
	i->not_after = c.not_after;
	if (!hex_decode(i->device_id, id, 32))
		return false;
	memcpy(i->item.device, id, CERTSET_DEVICE);
	return true;
}

static struct ca_note *
ca_note(struct reconcile *rc, const char *key)
{
	struct ca_note *grown;

	for (size_t i = 0; i < rc->n_cas; i++)
		if (strcmp(rc->cas[i].key, key) == 0)
			return &rc->cas[i];
	grown = reallocarray(rc->cas, rc->n_cas + 1, sizeof(*grown));
	if (grown == NULL)
		abort();
	rc->cas = grown;
	grown[rc->n_cas] = (struct ca_note){ 0 };
	snprintf(grown[rc->n_cas].key, sizeof(grown->key), "%s", key);
	return &grown[rc->n_cas++];
}

static enum q_err
note_ca(struct reconcile *rc, const struct journal_record *rec)
{
	struct journal_crl crl;
	struct journal_cert cert;
	struct ca_note *ca;
	enum q_err r = Q_OK;

	if (rec->type == JOURNAL_crl) {
		r = wire_decode(&journal_crl_type, rec->body, &crl, rc->f);
		ca = r == Q_OK ? ca_note(rc, rec->key) : NULL;
		if (ca != NULL && ca->crl < crl.number)
			ca->crl = crl.number;
	} else if (rec->type == JOURNAL_cert) {
		r = wire_decode(&journal_cert_type, rec->body, &cert, rc->f);
		/* Without a serial it was a request to another CA. */
		ca = r == Q_OK && cert.serial.len != 0
		    ? ca_note(rc, cert.subject) : NULL;
		if (ca != NULL && cert.digest.len == sizeof(ca->digest)) {
			memcpy(ca->digest, cert.digest.p, cert.digest.len);
			ca->certified++;
		}
	}
	return r;
}

static enum q_err
take_each(void *arg, const struct journal_record *rec)
{
	struct reconcile *rc = arg;
	struct certset_item *at;
	struct issue i;

	if (rc->first == 0) {
		rc->first = rec->seq;
		rc->begin = (int64_t)rec->wall;
	}
	if (rec->type != JOURNAL_issued)
		return note_ca(rc, rec);
	if (!issue_parse(rec, &i))
		return fault_set(rc->f, Q_SIGNATURE, "record %" PRIu64
		    " holds no device certificate", rec->seq);
	rc->issued++;
	return certset_add(&rc->set, &i.item, &at, rc->f);
}

/* One that the records have: noted at first, named when the journal was read
 * again and still does not have it. What began before the journal's first
 * record cannot be told. */
static enum q_err
recorded(struct reconcile *rc, const char *device, const char *ca,
    const char *serial, int64_t at)
{
	struct issue i = { .item.marks = RECORDED };
	struct certset_item *item;
	uint8_t id[32] = { 0 };
	enum q_err r;

	snprintf(i.serial, sizeof(i.serial), "%s", serial);
	snprintf(i.device_id, sizeof(i.device_id), "%s", device);
	ca_put(ca, i.item.ca);
	if (!hex_decode(serial, i.item.serial, CERTSET_SERIAL))
		memset(i.item.serial, 0, CERTSET_SERIAL);
	if (hex_decode(device, id, sizeof(id)))
		memcpy(i.item.device, id, CERTSET_DEVICE);
	r = certset_add(&rc->set, &i.item, &item, rc->f);
	if (r != Q_OK)
		return r;
	item->marks |= RECORDED;
	if (rc->naming && (item->marks & ISSUED) == 0) {
		if (rc->first > 1 && at < rc->begin + BACKDATE)
			rc->early++;
		else
			difference(rc, "recorded, never issued", &i, ca, at);
	} else if (!rc->naming &&
	    memcmp(item->device, i.item.device, CERTSET_DEVICE) != 0) {
		difference(rc, "recorded for another device", &i, ca, at);
	}
	return Q_OK;
}

static enum q_err
devices_take(struct reconcile *rc)
{
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(rc->ctl->records, REC_DEVICE, NULL, NULL);
	struct rec_device dev;
	enum q_err r;

	while ((r = rec_list_next(&it, &dev, rc->f)) == Q_OK)
		for (size_t i = 0; i < dev.certs.n; i++) {
			const struct rec_cert *c = &dev.certs.c[i];

			rc->recorded += !rc->naming;
			r = recorded(rc, dev.key, c->issuer, c->serial,
			    c->not_before);
			if (r != Q_OK)
				return r;
		}
	return r == Q_NOTFOUND ? Q_OK : r;
}

/* Keys are "<issuer>/<serial>". */
static enum q_err
revoked_take(struct reconcile *rc)
{
	AUTO_REC_LIST struct rec_list it =
	    REC_LIST(rc->ctl->records, REC_REVOKED, NULL, NULL);
	struct rec_revoked rv;
	enum q_err r;

	while ((r = rec_list_next(&it, &rv, rc->f)) == Q_OK) {
		const char *slash = strchr(rv.key, '/');

		rc->revoked += !rc->naming;
		r = recorded(rc, rv.device, rv.issuer,
		    slash != NULL ? slash + 1 : "", rv.revoked_at);
		if (r != Q_OK)
			return r;
	}
	return r == Q_NOTFOUND ? Q_OK : r;
}

/* The journal once more: what the records had first is there now. */
static enum q_err
missing_each(void *arg, const struct journal_record *rec)
{
	struct reconcile *rc = arg;
	struct certset_item *at;
	struct issue i;

	if (rec->type != JOURNAL_issued || !issue_parse(rec, &i))
		return Q_OK;
	at = certset_find(&rc->set, i.item.serial, i.item.ca);
	if (at == NULL)
		return Q_OK;
	at->marks |= ISSUED;
	/* Expired ones are forgotten, and new ones on their way. */
	if ((at->marks & RECORDED) == 0 && i.not_after >= rc->now &&
	    (int64_t)rec->wall + (int64_t)rc->grace <= rc->now)
		difference(rc, "issued, not recorded", &i, rec->key,
		    (int64_t)rec->wall);
	return Q_OK;
}

/* A certificate of the appliance's own, and its CRLs, as signd has them. */
static enum q_err
each_cert(void *arg, const struct signd_cert *c)
{
	struct reconcile *rc = arg;
	const struct ca_note *ca = ca_note(rc, c->id);
	struct issue none = { 0 };
	uint8_t digest[32];

	SHA256(c->cert.p, c->cert.len, digest);
	if (rc->first > 1 && ca->certified == 0)
		rc->early++;
	else if (ca->certified == 0 ||
	    memcmp(ca->digest, digest, sizeof(digest)) != 0)
		difference(rc, "a certificate of the appliance, never issued",
		    &none, c->id, (int64_t)c->not_before);
	/* The journal was read before: lists may have come since. */
	if (c->crl_number < ca->crl)
		difference(rc, "CRL numbers went back", &none, c->id, 0);
	return Q_OK;
}

static bool
any_unissued(const struct certset *s)
{
	for (size_t i = 0; i < s->cap; i++)
		if (s->slots[i].marks == RECORDED)
			return true;
	return false;
}

static enum q_err
records_take(struct reconcile *rc)
{
	enum q_err r = devices_take(rc);

	return r == Q_OK ? revoked_take(rc) : r;
}

static enum q_err
compare(struct reconcile *rc)
{
	struct journal_end end;
	enum q_err r;

	rc->now = clock_wall();
	r = journal_walk(&rc->range, take_each, rc, &end, rc->f);
	if (r == Q_OK)
		r = records_take(rc);
	if (r == Q_OK)
		r = journal_walk(&rc->range, missing_each, rc, &end, rc->f);
	rc->naming = true;
	if (r == Q_OK && any_unissued(&rc->set))
		r = records_take(rc);
	if (r == Q_OK && rc->ctl->signd != NULL)
		r = signer_certs(rc->ctl->signd, each_cert, rc, rc->f);
	return r;
}

/* For people; JSON has the list. */
static void
summary(const struct reconcile *rc)
{
	printf("%s%" PRIu64 " certificates issued, %" PRIu64 " in the devices' "
	    "records, %" PRIu64 " among the revoked: %" PRIu64
	    " differences.\n", rc->differences != 0 ? "\n" : "", rc->issued,
	    rc->recorded, rc->revoked, rc->differences);
	if (rc->early != 0)
		printf("%" PRIu64 " are from before the journal's first record "
		    "here: see --archive.\n", rc->early);
}

enum q_err
cmd_journal_reconcile(struct ctl *c, struct fault *f)
{
	static const struct col cols[] = {
		{ "Difference", "difference" }, { "Serial", "serial" },
		{ "DeviceID", "device_id" }, { "CA", "ca" },
		{ "Time", "at" },
	};
	char dir[JOURNAL_DIR_MAX];
	struct reconcile rc = { .ctl = c, .f = f,
		.range = { .dir = dir, .archive = c->opt[CTL_OPT_archive],
		    .open = true } };
	enum q_err r = journal_dir(c, dir, f);

	if (r == Q_OK)
		r = ctl_number(c, CTL_OPT_grace, GRACE, &rc.grace, f);
	if (r == Q_OK)
		r = ctl_records(c, f);
	if (r == Q_OK)
		r = certset_new(&rc.set, f);
	if (r != Q_OK)
		return r;
	/* Its own certificates are compared when it can be asked. */
	if (c->opt[CTL_OPT_dir] == NULL && ctl_signd(c, NULL) != Q_OK)
		c->signd = NULL;
	out_list_begin(&rc.list, c, "differences", cols, ARRAY_LEN(cols));
	r = out_list_end(&rc.list, compare(&rc), "no differences");
	certset_free(&rc.set);
	free(rc.cas);
	if (r != Q_OK)
		return r;
	if (!c->json)
		summary(&rc);
	c->told = true;
	return rc.differences == 0 ? Q_OK : fault_set(f, Q_CONFLICT,
	    "the journal and the records differ in %" PRIu64 " places",
	    rc.differences);
}
