// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/own.h"
#include "signd/signd.h"
#include "signer/signer.h"
#include "x509/assemble.h"
#include "x509/cert_check.h"
#include "x509/csr.h"
#include "x509/der.h"

#define RSA_BITS 3072
#define RSA_BITS_SMALL 2048

enum named { BY_KEY, BY_PROOF, BY_WORD, BY_SERVER_KEY };

/* One request on its way. */
struct issue {
	const struct signd_issue_req *in;
	uint32_t uid;
	struct csr csr;
	char device_id[DEVICE_ID_LEN + 1];
	enum named named;
	uint8_t request[32];
	const struct key *ca;
	uint8_t serial[CERT_SERIAL_LEN];
	int64_t not_before, not_after;
	int64_t began; /* when the intent was written */
};

static enum q_err
key_check(const struct pubkey *k, const struct key *ca, struct fault *f)
{
	unsigned least = ca->issuing.allow_rsa2048 ? RSA_BITS_SMALL : RSA_BITS;

	if (k->kind == KEY_RSA && k->bits < least)
		return fault_set(f, Q_INVALID, "RSA key of %u bits: the "
		    "policy wants at least %u", k->bits, least);
	return Q_OK;
}

/* The identity key's signature over the request. */
static enum q_err
proof_check(const struct signd_issue_req *in, struct fault *f)
{
	char id[DEVICE_ID_LEN + 1];
	struct pubkey key;
	enum q_err r = pubkey_parse(in->identity, &key, f);

	if (r != Q_OK)
		return r;
	device_id_of(in->identity, id);
	if (strcmp(id, in->device_id) != 0)
		return fault_set(f, Q_DENIED,
		    "the identity key is not that of the DeviceID");
	r = pubkey_verify(&key, sig_alg_for(key.kind), in->csr, in->proof,
	    f);
	return r == Q_OK ? r : fault_set(f, Q_SIGNATURE,
	    "the proof by the identity key does not verify");
}

/* Who the certificate is for. */
static enum q_err
name_find(struct issue *w, struct fault *f)
{
	const struct signd_issue_req *in = w->in;
	enum q_err r = Q_OK;

	snprintf(w->device_id, sizeof(w->device_id), "%s",
	    in->device_id[0] != '\0' ? in->device_id : w->csr.device_id);
	if (!hex_is_lower(w->device_id, DEVICE_ID_LEN))
		return fault_set(f, Q_INVALID, "device_id: not 64 lower-case "
		    "hex digits");
	if (in->server_key) {
		w->named = BY_SERVER_KEY;
		return w->ca->issuing.allow_serverkey ? Q_OK : fault_set(f,
		    Q_DENIED, "policy %.64s does not allow keys that enrold "
		    "made", w->ca->policy);
	}
	w->named = BY_KEY;
	if (strcmp(w->device_id, w->csr.device_id) == 0)
		return Q_OK;
	if (in->proof.len != 0) {
		w->named = BY_PROOF;
		return proof_check(in, f);
	}
	w->named = BY_WORD;
	if (!in->word)
		r = fault_set(f, Q_DENIED, "the request's key is not that of "
		    "the DeviceID, and there is no proof");
	else if (!w->ca->issuing.allow_rekey)
		r = fault_set(f, Q_DENIED, "policy %.64s does not allow "
		    "new keys on enrold's word", w->ca->policy);
	return r;
}

static enum q_err
request_check(struct issue *w, struct fault *f)
{
	enum q_err r = (w->in->form == 1 ? csr_parse_crmf : csr_parse)(
	    w->in->csr, &w->csr, f);

	if (r == Q_OK && w->csr.asks_ca)
		r = fault_set(f, Q_INVALID,
		    "a device certificate cannot be a CA's");
	if (r == Q_OK)
		r = key_check(&w->csr.key, w->ca, f);
	if (r == Q_OK)
		r = csr_verify(&w->csr, f);
	return r == Q_OK ? name_find(w, f) : r;
}

/* What makes two requests the same. */
static void
request_hash(struct issue *w)
{
	uint8_t raw[SIGND_POLICY_MAX + 1 + DEVICE_ID_LEN + 32 + 8] = { 0 };

	memcpy(raw, w->in->policy, strnlen(w->in->policy, SIGND_POLICY_MAX));
	memcpy(raw + SIGND_POLICY_MAX + 1, w->device_id, DEVICE_ID_LEN);
	memcpy(raw + SIGND_POLICY_MAX + 1 + DEVICE_ID_LEN, w->csr.sha256, 32);
	le64_put(raw + sizeof(raw) - 8, w->in->seq);
	SHA256(raw, sizeof(raw), w->request);
}

/* Serial and times, and the record that says so before anything is signed. */
static enum q_err
intend(struct signd *s, struct issue *w, struct fault *f)
{
	const struct key *ca = w->ca;
	uint64_t cap = ca->issuing.device_lifetime;
	uint64_t want = w->in->lifetime;
	int64_t now = clock_wall();
	struct journal_intent rec = { .request = { w->request, 32 },
		.policy = w->in->policy, .device_id = w->device_id,
		.csr = { w->csr.sha256, 32 }, .seq = w->in->seq,
		.serial = { w->serial, CERT_SERIAL_LEN },
		.named = w->named };
	struct journal_pos pos;
	struct issued_at at;
	enum q_err r;

	if (RAND_bytes(w->serial, sizeof(w->serial)) != 1)
		return fault_set(f, Q_INTERNAL, "no random bytes");
	cert_serial_fix(w->serial);
	w->began = now;
	w->not_before = now - BACKDATE;
	if (w->not_before < ca->cert.not_before)
		w->not_before = ca->cert.not_before;
	w->not_after = now + (int64_t)(want == 0 || want > cap ? cap : want);
	if (w->not_after > ca->cert.not_after)
		w->not_after = ca->cert.not_after;
	if (w->not_after <= now)
		return fault_set(f, Q_DENIED, "the issuing CA of policy %.64s "
		    "has ended", w->in->policy);
	rec.not_before = (uint64_t)w->not_before;
	rec.not_after = (uint64_t)w->not_after;
	r = journal_append(s->journal, &(struct journal_entry){
		JOURNAL_intent, w->uid, ca->id, &rec }, &pos, f);
	if (r != Q_OK)
		return r;
	at = (struct issued_at){ pos.seq, pos.segment, pos.offset };
	issued_set(s->issued, w->request, ISSUED_INTENT, &at);
	return Q_OK;
}

/* An intent that a crash or an absent token left: the same serial and times
 * again. NOTFOUND: its CA is gone, so it was never to be. */
static enum q_err
resume(struct signd *s, struct issue *w, const struct keyring *ring,
    const struct issued_at *at)
{
	AUTO_BUF struct buf space = BUF_INIT(2 * JOURNAL_RECORD_MAX);
	struct journal_record rec;
	struct journal_intent in;
	const struct key *ca;
	enum q_err r = journal_get(s->journal, at->segment, at->offset,
	    &space, &rec);

	if (r == Q_OK)
		r = wire_decode(&journal_intent_type, rec.body, &in, NULL);
	if (r != Q_OK)
		return Q_NOTFOUND;
	ca = keyring_find(ring, rec.key);
	if (ca == NULL || in.request.len != 32 ||
	    memcmp(in.request.p, w->request, 32) != 0 ||
	    in.serial.len != CERT_SERIAL_LEN ||
	    (int64_t)in.not_after <= clock_wall())
		return Q_NOTFOUND;
	w->ca = ca;
	memcpy(w->serial, in.serial.p, CERT_SERIAL_LEN);
	w->not_before = (int64_t)in.not_before;
	w->not_after = (int64_t)in.not_after;
	w->began = (int64_t)rec.wall;
	return Q_OK;
}

static enum q_err
tbs_make(struct signd *s, const struct keyring *ring, struct issue *w,
    struct buf *tbs, struct fault *f)
{
	struct cert_device d = { .not_before = w->not_before,
		.not_after = w->not_after, .device_id = w->device_id,
		.key = &w->csr.key };
	char crl[SIGNER_URL_MAX], ca[SIGNER_URL_MAX], ocsp[SIGNER_URL_MAX];
	unsigned port = (unsigned)s->conf->crl_port;
	struct cert_expect want = { .kind = CERT_DEVICE,
		.alg = SIG_ECDSA_SHA256, .serial = w->serial,
		.issuer = w->ca->cert.subject, .issuer_ski = w->ca->cert.ski,
		.issuer_not_before = w->ca->cert.not_before,
		.issuer_not_after = w->ca->cert.not_after,
		.device_id = w->device_id, .spki = w->csr.key.spki,
		.rsa_min_bits = w->ca->issuing.allow_rsa2048 ?
		    RSA_BITS_SMALL : RSA_BITS,
		.now = w->began, .max_backdate = BACKDATE + 10,
		.max_lifetime = w->not_after - w->not_before,
		.urls = { .crl = crl, .issuer = ca, .ocsp = ocsp } };
	enum q_err r;

	memcpy(d.serial, w->serial, sizeof(d.serial));
	r = cert_template_fill(w->ca->template, &d, tbs, f);
	if (r == Q_OK)
		r = signer_crl_url(ring->host, port, w->ca->id, crl,
		    sizeof(crl));
	if (r == Q_OK)
		r = signer_ca_url(ring->host, port, w->ca->id, ca,
		    sizeof(ca));
	if (r == Q_OK)
		r = signer_ocsp_url(ring->host, port, ocsp, sizeof(ocsp));
	return r == Q_OK ? cert_check_tbs(buf_bytes(tbs), &want, f) : r;
}

/* Sign, verify, record; the answer waits until both records are on the
 * disk. */
static enum q_err
sign(struct signd *s, const struct keyring *ring, struct issue *w,
    struct buf *cert, struct fault *f)
{
	AUTO_BUF struct buf tbs = BUF_INIT(SIGND_CERT_MAX);
	AUTO_BUF struct buf raw = BUF_INIT(TOKEN_SIG_MAX);
	struct journal_issued rec = { .request = { w->request, 32 } };
	struct journal_pos pos;
	struct issued_at at;
	enum q_err r = tbs_make(s, ring, w, &tbs, f);

	if (r == Q_OK)
		r = pki_sign(s, w->ca, buf_bytes(&tbs), &raw, f);
	if (r == Q_OK)
		r = x509_assemble(buf_bytes(&tbs), SIG_ECDSA_SHA256,
		    buf_bytes(&raw), cert, f);
	if (r != Q_OK)
		return r;
	rec.cert = buf_bytes(cert);
	r = journal_append(s->journal, &(struct journal_entry){
		JOURNAL_issued, w->uid, w->ca->id, &rec }, &pos, f);
	if (r != Q_OK)
		return r;
	at = (struct issued_at){ pos.seq, pos.segment, pos.offset };
	issued_set(s->issued, w->request, ISSUED_DONE, &at);
	issued_end(s->issued, w->request);
	atomic_fetch_add(&s->issued_count, 1);
	return journal_wait(s->journal, pos.seq, f);
}

/* The certificate of a request that was answered before. */
static enum q_err
again(struct signd *s, struct issue *w, const struct issued_at *at,
    struct buf *cert, struct fault *f)
{
	AUTO_BUF struct buf space = BUF_INIT(2 * JOURNAL_RECORD_MAX);
	struct journal_record rec;
	struct journal_issued in;
	enum q_err r = journal_get(s->journal, at->segment, at->offset,
	    &space, &rec);

	if (r == Q_OK)
		r = wire_decode(&journal_issued_type, rec.body, &in, NULL);
	if (r != Q_OK || in.request.len != 32 ||
	    memcmp(in.request.p, w->request, 32) != 0)
		return fault_set(f, Q_IO, "the journal cannot be read");
	buf_put(cert, in.cert.p, in.cert.len);
	/* It may have been answered UNAVAIL because the disk failed. */
	return journal_wait(s->journal, at->seq, f);
}

static enum q_err
issue(struct signd *s, const struct keyring *ring, struct issue *w,
    struct buf *cert, bool *ret_again, struct fault *f)
{
	enum issued_state state;
	struct issued_at at;
	enum q_err r = issued_begin(s->issued, w->request, &state, &at);

	if (r != Q_OK)
		return fault_retry(f, r, 1, "too many requests at once");
	if (state == ISSUED_DONE) {
		*ret_again = true;
		return again(s, w, &at, cert, f);
	}
	if (state == ISSUED_INTENT)
		r = resume(s, w, ring, &at);
	if (state == ISSUED_NEW || r == Q_NOTFOUND)
		r = intend(s, w, f);
	if (r == Q_OK)
		r = sign(s, ring, w, cert, f);
	if (r != Q_OK)
		issued_end(s->issued, w->request);
	return r;
}

/* The CA whose Name the certificate bears: with a request asked again, an
 * earlier one than that which issues now. */
static const struct key *
issuer_of(const struct keyring *ring, const struct cert *c)
{
	for (size_t i = 0; i < ring->n; i++)
		if (ring->keys[i]->purpose == PURPOSE_ISSUING &&
		    bytes_equal(ring->keys[i]->cert.subject, c->issuer))
			return ring->keys[i];
	return NULL;
}

/* The certificate is at the beginning of the space; texts go behind it. */
static enum q_err
answer(struct wire_req *q, const struct keyring *ring, const char *device_id,
    struct signd_issue_rsp *out, struct fault *f)
{
	struct buf *space = wire_req_space(q);
	char serial[2 * CERT_SERIAL_LEN + 1];
	size_t len = space->len;
	const struct key *issuer;
	struct cert c;
	enum q_err r = cert_parse(buf_bytes(space), &c, f);

	issuer = r == Q_OK ? issuer_of(ring, &c) : NULL;
	if (issuer == NULL || c.serial.len != CERT_SERIAL_LEN)
		return fault_set(f, Q_INTERNAL,
		    "the certificate's issuing CA is gone");
	hex_encode(c.serial.p, CERT_SERIAL_LEN, serial);
	out->not_before = (uint64_t)c.not_before;
	out->not_after = (uint64_t)c.not_after;
	buf_put(space, serial, sizeof(serial));
	buf_put(space, device_id, DEVICE_ID_LEN + 1);
	buf_put(space, issuer->id, sizeof(issuer->id));
	out->cert = (struct bytes){ space->p, len };
	out->serial = (const char *)space->p + len;
	out->device_id = out->serial + sizeof(serial);
	out->issuing_id = out->device_id + DEVICE_ID_LEN + 1;
	return space->bad ? Q_NOMEM : Q_OK;
}

/* Of a CA's first certificate it is written down that it is in use. If that
 * fails, the next one does it. */
static void
fresh_end(struct signd *s, const char *id, uint32_t uid)
{
	AUTO_RING struct keyring *ring = NULL;
	struct keyring *next = NULL;
	struct key *k = NULL;

	pthread_mutex_lock(&s->change);
	if (signd_ring(s, true, &ring, NULL) == Q_OK &&
	    keyring_find(ring, id) != NULL && keyring_find(ring, id)->fresh)
		next = keyring_new(ring);
	if (next != NULL)
		k = key_copy(keyring_find(ring, id),
		    (uint16_t)s->conf->crl_port, next);
	if (k != NULL) {
		k->fresh = false;
		if (keyring_put(next, k) == Q_OK) {
			(void)!signd_install(s, next, uid, NULL);
			next = NULL;
		}
	}
	keyring_unref(next);
	pthread_mutex_unlock(&s->change);
}

enum q_err
signd_do_issue(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	struct issue w = { .in = req, .uid = wire_req_uid(q) };
	const struct key_use_ask ask = { .what = "issue",
		.purposes = 1u << PURPOSE_ISSUING, .role = wire_req_role(q),
		.uid = wire_req_uid(q) };
	AUTO_RING struct keyring *ring = NULL;
	struct signd_issue_rsp *out = rsp;
	struct signd *s = ctx;
	enum q_err r = signd_ring(s, true, &ring, f);

	if (r != Q_OK)
		return r;
	w.ca = keyring_active(ring, PURPOSE_ISSUING, w.in->policy);
	if (w.ca == NULL)
		return fault_set(f, Q_NOTFOUND,
		    "policy %.64s has no issuing CA", w.in->policy);
	r = signd_use(s, w.ca, &ask, f);
	if (r != Q_OK)
		return r;
	r = request_check(&w, f);
	if (r == Q_DENIED || r == Q_SIGNATURE)
		signd_refused(s, w.ca, &ask, fault_text(f, r));
	if (r != Q_OK)
		return r;
	request_hash(&w);
	r = issue(s, ring, &w, wire_req_space(q), &out->again, f);
	if (r == Q_OK && w.ca->fresh)
		fresh_end(s, w.ca->id, w.uid);
	return r == Q_OK ? answer(q, ring, w.device_id, out, f) : r;
}
