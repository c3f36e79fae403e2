// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/own.h"
#include "signd/checked.h"
#include "signd/signd.h"
#include "signer/signer.h"
#include "x509/assemble.h"
#include "x509/cert_check.h"
#include "x509/ext.h"
#include "x509/name.h"

#define YEAR 31536000
#define ROOT_LIFETIME (20 * (uint64_t)YEAR)
#define TLS_LIFETIME ((uint64_t)YEAR)
#define OCSP_LIFETIME ((uint64_t)30 * 86400)

enum q_err
pki_key(struct signd *s, struct key *k, uint32_t uid, struct fault *f)
{
	struct journal_key rec = { 0 };
	enum q_err r;

	if (k == NULL)
		return Q_NOMEM;
	rec.purpose = purpose_text(k->purpose);
	rec.policy = k->policy;
	r = journal_put(s->journal, &(struct journal_entry){
		JOURNAL_key, uid, k->id, &rec }, f);
	if (r == Q_OK)
		r = signd_announce(s, k->id);
	if (r == Q_OK)
		r = worker_keygen(signd_worker(s, k), k->id,
		    purpose_row(k->purpose)->label, k->kind, f);
	if (r != Q_OK)
		key_unref(k);
	return r;
}

enum q_err
pki_sign(struct signd *s, const struct key *ca, struct bytes tbs,
    struct buf *ret_raw, struct fault *f)
{
	struct sign_shape shape;
	uint8_t digest[32];
	enum q_err r;

	SHA256(tbs.p, tbs.len, digest);
	r = sign_shape_make(SIGND_ECDSA,
	    (struct bytes){ digest, sizeof(digest) }, &shape, f);
	if (r == Q_OK)
		r = checked_sign(s, ca, &shape, ret_raw, f);
	if (r == Q_OK)
		signd_used(ca, 1);
	return r;
}

enum q_err
pki_names(const char *host, const char *ips, char work[SIGND_IPS_MAX + 1],
    const char *names[PKI_NAMES_MAX], size_t *ret_n, struct fault *f)
{
	char *save = NULL;
	size_t n = 0;

	names[n++] = host;
	snprintf(work, SIGND_IPS_MAX + 1, "%s", ips);
	for (char *ip = strtok_r(work, ", ", &save); ip != NULL;
	    ip = strtok_r(NULL, ", ", &save)) {
		if (n == PKI_NAMES_MAX)
			return fault_set(f, Q_INVALID,
			    "more than %d addresses", PKI_NAMES_MAX - 1);
		names[n++] = ip;
	}
	*ret_n = n;
	return Q_OK;
}

enum q_err
pki_names_check(const char *host, const char *ips, struct fault *f)
{
	char work[SIGND_IPS_MAX + 1];
	const char *names[PKI_NAMES_MAX];
	size_t n;
	enum q_err r = pki_names(host, ips, work, names, &n, f);

	for (size_t i = 0; r == Q_OK && i < n; i++)
		if (!ext_name_good(names[i]))
			r = fault_set(f, Q_INVALID, "neither a host name nor "
			    "an IP address: %.100s", names[i]);
	return r;
}

/* The subject: OU is the policy, and a number at the end of the CN keeps
 * every CA's name its own. */
static enum q_err
subject_build(const struct pki_want *w, struct buf *out, struct fault *f)
{
	const struct key *k = w->key;
	const char *common = purpose_row(k->purpose)->common;
	char cn[80];
	struct name name = { .organization = "Quoin", .common = cn,
		.unit = k->policy[0] != '\0' ? k->policy : NULL };

	if (w->like != NULL) {
		buf_put(out, w->like->cert.subject.p,
		    w->like->cert.subject.len);
		return out->bad ? Q_NOMEM : Q_OK;
	}
	if (common != NULL && k->purpose == PURPOSE_ISSUING)
		snprintf(cn, sizeof(cn), "%s G%u %.8s", common, k->generation,
		    k->id);
	else if (common != NULL)
		snprintf(cn, sizeof(cn), "%s %.8s", common, k->id);
	else if (strlen(w->ring->host) <= 64)
		snprintf(cn, sizeof(cn), "%s", w->ring->host);
	else
		snprintf(cn, sizeof(cn), "Quoin appliance %.8s", k->id);
	return name_build(&name, out, f);
}

/* The TBSCertificate, built and then looked at by the other code. */
static enum q_err
tbs_make(struct pki_want *w, struct cert_spec *spec, uint16_t port,
    struct buf *tbs, struct fault *f)
{
	enum cert_kind kind = purpose_row(w->key->purpose)->cert;
	char work[SIGND_IPS_MAX + 1], url[SIGNER_URL_MAX];
	const char *names[PKI_NAMES_MAX];
	struct cert_expect want;
	enum q_err r = Q_OK;

	if (kind == CERT_TLS)
		r = pki_names(w->ring->host, w->ring->ips, work, names,
		    &spec->n_names, f);
	spec->names = names;
	if (r == Q_OK && w->ca != NULL) {
		r = signer_ca_url(w->ring->host, port, w->ca->id, url,
		    sizeof(url));
		spec->urls.issuer = url;
	}
	if (r == Q_OK)
		r = cert_build(kind, spec, tbs, f);
	if (r != Q_OK)
		return r;
	want = (struct cert_expect){ .kind = kind, .alg = spec->alg,
		.serial = spec->serial, .issuer = spec->issuer,
		.issuer_ski = spec->issuer_ski, .subject = spec->subject,
		.spki = spec->spki, .rsa_min_bits = 3072,
		.now = clock_wall(), .max_backdate = BACKDATE + 10,
		.max_lifetime = (int64_t)w->lifetime + BACKDATE + 10,
		.urls = spec->urls, .names = spec->names,
		.n_names = spec->n_names };
	if (w->ca != NULL) {
		want.issuer_not_before = w->ca->cert.not_before;
		want.issuer_not_after = w->ca->cert.not_after;
	}
	return cert_check_tbs(buf_bytes(tbs), &want, f);
}

static enum q_err
spec_fill(const struct pki_want *w, struct buf *spki, struct buf *subject,
    struct cert_spec *spec, struct fault *f)
{
	int64_t now = clock_wall();
	enum q_err r = subject_build(w, subject, f);

	*spec = (struct cert_spec){ .alg = SIG_ECDSA_SHA256,
		.issuer = buf_bytes(subject), .subject = buf_bytes(subject),
		.spki = buf_bytes(spki), .not_before = now - BACKDATE,
		.not_after = now + (int64_t)w->lifetime };
	if (r != Q_OK)
		return r;
	if (RAND_bytes(spec->serial, sizeof(spec->serial)) != 1)
		return fault_set(f, Q_INTERNAL, "no random bytes");
	cert_serial_fix(spec->serial);
	if (w->ca == NULL)
		return Q_OK;
	spec->issuer = w->ca->cert.subject;
	spec->issuer_ski = w->ca->cert.ski;
	if (spec->not_before < w->ca->cert.not_before)
		spec->not_before = w->ca->cert.not_before;
	/* Renewals near the root's end get what is left. */
	if (spec->not_after > w->ca->cert.not_after)
		spec->not_after = w->ca->cert.not_after;
	if (w->like != NULL && spec->not_after > w->like->cert.not_after)
		spec->not_after = w->like->cert.not_after;
	return Q_OK;
}

/* A root signs itself, before it has a certificate. */
static enum q_err
signed_by(struct signd *s, const struct pki_want *w, struct bytes spki,
    struct bytes tbs, struct buf *raw, struct fault *f)
{
	struct pubkey pub;
	enum q_err r;

	if (w->ca != NULL)
		return pki_sign(s, w->ca, tbs, raw, f);
	r = pubkey_parse(spki, &pub, f);
	if (r == Q_OK)
		r = pubkey_load(&pub, &w->key->pkey, f);
	return r == Q_OK ? pki_sign(s, w->key, tbs, raw, f) : r;
}

static enum q_err
cert_journal(struct signd *s, const struct pki_want *w,
    const struct cert_spec *spec, struct bytes der, struct fault *f)
{
	uint8_t digest[32];
	struct journal_cert rec = { .subject = w->key->id,
		.purpose = purpose_text(w->key->purpose),
		.policy = w->key->policy,
		.serial = { spec->serial, sizeof(spec->serial) },
		.digest = { digest, sizeof(digest) } };

	SHA256(der.p, der.len, digest);
	return journal_put(s->journal, &(struct journal_entry){ JOURNAL_cert,
		w->uid, w->ca != NULL ? w->ca->id : w->key->id, &rec }, f);
}

enum q_err
pki_certify(struct signd *s, const struct pki_want *want, struct fault *f)
{
	AUTO_BUF struct buf spki = BUF_INIT(PUBKEY_SPKI_MAX);
	AUTO_BUF struct buf subject = BUF_INIT(1024);
	AUTO_BUF struct buf tbs = BUF_INIT(SIGND_CERT_MAX);
	AUTO_BUF struct buf raw = BUF_INIT(TOKEN_SIG_MAX);
	AUTO_BUF struct buf der = BUF_INIT(SIGND_CERT_MAX);
	struct pki_want w = *want;
	uint16_t port = (uint16_t)s->conf->crl_port;
	struct cert_spec spec;
	enum q_err r = Q_OK;

	if (w.key->purpose == PURPOSE_ROOT_LINK)
		buf_put(&spki, w.like->cert.spki.p, w.like->cert.spki.len);
	else
		r = worker_public(signd_worker(s, w.key), w.key->id, &spki, f);
	if (r == Q_OK)
		r = spec_fill(&w, &spki, &subject, &spec, f);
	if (r == Q_OK)
		r = tbs_make(&w, &spec, port, &tbs, f);
	if (r == Q_OK)
		r = signed_by(s, &w, buf_bytes(&spki), buf_bytes(&tbs), &raw,
		    f);
	if (r == Q_OK)
		r = x509_assemble(buf_bytes(&tbs), SIG_ECDSA_SHA256,
		    buf_bytes(&raw), &der, f);
	if (r == Q_OK)
		r = cert_journal(s, &w, &spec, buf_bytes(&der), f);
	return r == Q_OK ? key_certify(w.key, buf_bytes(&der), w.ring->host,
	    port, f) : r;
}

/* The key in use before gives way: it stays until its certificate ends. */
static enum q_err
make_old(struct signd *s, struct keyring *next, const struct key *k)
{
	struct key *c = key_copy(k, (uint16_t)s->conf->crl_port, next);

	if (c == NULL)
		return Q_NOMEM;
	c->old = true;
	return keyring_put(next, c);
}

static enum q_err
add_certified(struct signd *s, struct keyring *next, struct key *k,
    uint64_t lifetime, uint32_t uid, struct fault *f)
{
	const struct key *before = keyring_active(next, k->purpose,
	    k->policy);
	struct pki_want want = { .key = k, .ring = next, .lifetime = lifetime,
		.ca = keyring_active(next, PURPOSE_ROOT, ""), .uid = uid };
	enum q_err r;

	k->generation = before != NULL ? before->generation + 1 : 1;
	r = pki_certify(s, &want, f);
	if (r == Q_OK && before != NULL)
		r = make_old(s, next, before);
	if (r != Q_OK) {
		key_unref(k);
		return r;
	}
	return keyring_put(next, k);
}

enum q_err
pki_own(struct signd *s, struct keyring *next, enum key_purpose purpose,
    uint32_t uid, struct fault *f)
{
	struct key *k = key_new(purpose, next->tls_rsa &&
	    purpose != PURPOSE_CMP ? TOKEN_RSA3072 : TOKEN_P256, "");
	enum q_err r = pki_key(s, k, uid, f);

	return r == Q_OK ? add_certified(s, next, k, TLS_LIFETIME, uid, f) :
	    r;
}

/* The old key's last word, before anybody else can be heard. */
static enum q_err
journal_introduce(struct signd *s, struct keyring *next,
    const struct key *before, struct bytes spki, struct fault *f)
{
	uint8_t digest[32];
	struct head h;
	enum q_err r;

	SHA256(spki.p, spki.len, digest);
	r = head_make(s, (struct bytes){ digest, sizeof(digest) }, &h, f);
	return r == Q_OK ? make_old(s, next, before) : r;
}

enum q_err
pki_journal(struct signd *s, struct keyring *next, uint32_t uid,
    struct fault *f)
{
	const struct key *before = keyring_active(next, PURPOSE_JOURNAL, "");
	AUTO_BUF struct buf spki = BUF_INIT(SIGND_SPKI_MAX);
	struct key *k = key_new(PURPOSE_JOURNAL, TOKEN_P256, "");
	enum q_err r = pki_key(s, k, uid, f);

	if (r != Q_OK)
		return r;
	k->generation = before != NULL ? before->generation + 1 : 1;
	r = worker_public(signd_worker(s, k), k->id, &spki, f);
	if (r == Q_OK)
		r = key_publish(k, buf_bytes(&spki), f);
	if (r == Q_OK && before != NULL)
		r = journal_introduce(s, next, before, buf_bytes(&spki), f);
	if (r != Q_OK) {
		key_unref(k);
		return r;
	}
	return keyring_put(next, k);
}

enum q_err
pki_ocsp(struct signd *s, struct keyring *next, const struct key *ca,
    uint32_t uid, struct fault *f)
{
	struct key *k = key_new(PURPOSE_OCSP, TOKEN_P256, ca->policy);
	struct pki_want want = { .key = k, .ca = ca, .ring = next,
		.lifetime = OCSP_LIFETIME, .uid = uid };
	enum q_err r = pki_key(s, k, uid, f);

	if (r != Q_OK)
		return r;
	k->generation = ca->generation;
	r = pki_certify(s, &want, f);
	if (r != Q_OK) {
		key_unref(k);
		return r;
	}
	return keyring_put(next, k);
}

enum q_err
pki_issuing(struct signd *s, struct keyring *next, const char *policy,
    const struct issuing *params, uint32_t uid, struct fault *f)
{
	struct key *k = key_new(PURPOSE_ISSUING, TOKEN_P256, policy);
	enum q_err r = pki_key(s, k, uid, f);

	if (r != Q_OK)
		return r;
	k->issuing = *params;
	k->fresh = true;
	r = add_certified(s, next, k, params->issuing_lifetime, uid, f);
	return r == Q_OK ? pki_ocsp(s, next, k, uid, f) : r;
}

static enum q_err
pki_root(struct signd *s, struct keyring *next, uint32_t uid, struct fault *f)
{
	struct key *k = key_new(PURPOSE_ROOT, TOKEN_P256, "");
	enum q_err r = pki_key(s, k, uid, f);

	return r == Q_OK ? add_certified(s, next, k, ROOT_LIFETIME, uid, f) :
	    r;
}

enum q_err
pki_all_own(struct signd *s, struct keyring *next, uint32_t uid,
    struct fault *f)
{
	enum q_err r = pki_own(s, next, PURPOSE_TLS_DEVICE, uid, f);

	if (r == Q_OK)
		r = pki_own(s, next, PURPOSE_TLS_ADMIN, uid, f);
	return r == Q_OK ? pki_own(s, next, PURPOSE_CMP, uid, f) : r;
}

/* OldWithNew or NewWithOld: a root's key and Name, issued by the other. */
static enum q_err
root_link(struct signd *s, struct keyring *next, const struct key *subject,
    const struct key *issuer, uint32_t uid, struct fault *f)
{
	struct key *k = key_new(PURPOSE_ROOT_LINK, 0, "");
	struct pki_want want = { .key = k, .ca = issuer, .like = subject,
		.ring = next, .lifetime = ROOT_LIFETIME, .uid = uid };
	enum q_err r;

	if (k == NULL)
		return Q_NOMEM;
	k->generation = subject->generation;
	r = pki_certify(s, &want, f);
	if (r != Q_OK) {
		key_unref(k);
		return r;
	}
	return keyring_put(next, k);
}

enum q_err
pki_root_renew(struct signd *s, struct keyring *next, uint32_t uid,
    struct fault *f)
{
	const struct key *old = keyring_active(next, PURPOSE_ROOT, "");
	struct key *k = key_new(PURPOSE_ROOT, TOKEN_P256, "");
	struct pki_want want = { .key = k, .like = old, .ring = next,
		.lifetime = ROOT_LIFETIME, .uid = uid };
	enum q_err r = pki_key(s, k, uid, f);

	if (r != Q_OK)
		return r;
	k->generation = old->generation + 1;
	r = pki_certify(s, &want, f);
	if (r != Q_OK) {
		key_unref(k);
		return r;
	}
	r = keyring_put(next, k);
	if (r == Q_OK)
		r = root_link(s, next, old, k, uid, f);
	if (r == Q_OK)
		r = root_link(s, next, k, old, uid, f);
	if (r == Q_OK)
		r = make_old(s, next, old);
	return r == Q_OK ? pki_all_own(s, next, uid, f) : r;
}

enum q_err
pki_whole(struct signd *s, struct keyring *next, uint32_t uid,
    struct fault *f)
{
	struct key *seal = key_new(PURPOSE_SEAL, TOKEN_AES256, "");
	enum q_err r = pki_key(s, seal, uid, f);

	if (r == Q_OK)
		r = keyring_put(next, seal);
	if (r == Q_OK)
		r = pki_root(s, next, uid, f);
	if (r == Q_OK)
		r = pki_journal(s, next, uid, f);
	return r == Q_OK ? pki_all_own(s, next, uid, f) : r;
}
