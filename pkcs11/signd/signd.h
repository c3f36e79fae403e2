// SPDX-License-Identifier: Apache-2.0
#ifndef SIGND_SIGND_H
#define SIGND_SIGND_H

#include <pthread.h>

#include "signd/approve.h"
#include "signd/head.h"
#include "signd/issued.h"
#include "signd/journal.h"
#include "signd/keyring.h"
#include "signd/use.h"
#include "signd/worker.h"
#include "signer/signd_ops.h"
#include "wire/server.h"

/* Seconds that a certificate begins before it was made, for clocks that are
 * behind. */
#define BACKDATE 60

struct crl_last {
	char id[SIGND_ID_LEN + 1];
	uint64_t number;
};

/* Which keyring file the journal names. */
struct keyring_mark {
	uint64_t generation; /* 0: none */
	uint8_t digest[32];
};

/* The daemon's one state. */
struct signd {
	const struct conf *conf;
	struct journal *journal;
	struct heads heads;
	struct issued *issued;
	struct approvals *approvals;
	struct worker *workers[SIGND_TOKENS]; /* [1] may be NULL */
	char keyring_path[600];
	pthread_mutex_t change; /* one change of the keyring at a time */
	pthread_mutex_t crl;	/* one revocation list at a time */
	pthread_mutex_t lock;	/* of everything below */
	struct keyring *ring;	/* NULL: not loaded yet */
	struct keyring_mark done, announced;
	struct keyring_mark current; /* the file in place */
	struct crl_last *crls;
	size_t n_crls;
	/* Keys that were being made or destroyed: those that the keyring does
	 * not have are destroyed as soon as the token allows it. */
	char (*announced_keys)[SIGND_ID_LEN + 1];
	size_t n_announced;
	uint32_t orphans;
	bool count_orphans;
	struct refusals refusals;
	struct use_totals totals; /* what the journal told at the start */
	atomic_ullong issued_count;
	atomic_bool stopping;
};

/* Handlers of the ops; ctx is a struct signd. */
#define X(name, num, roles, cap, text) wire_handler signd_do_##name;
SIGND_OPS(X)
#undef X

/* The keyring now, with a reference; UNAVAIL while there is none because the
 * token was not there yet, NOTFOUND before pki_make when need_pki. */
enum q_err signd_ring(struct signd *s, bool need_pki,
    struct keyring **ret_ring, struct fault *f) Q_CHECKED;
#define AUTO_RING __attribute__((cleanup(signd_ring_drop_)))
static inline void
signd_ring_drop_(struct keyring **r)
{
	keyring_unref(*r);
}

/* The worker of the key's token. */
struct worker *signd_worker(struct signd *s, const struct key *k);

/* state.c: loading, and changing the keyring on disk and in memory. Next is
 * consumed, also on failure. The caller holds `change`. */
enum q_err signd_load(struct signd *s, struct fault *f) Q_CHECKED;
enum q_err signd_install(struct signd *s, struct keyring *next, uint32_t uid,
    struct fault *f) Q_CHECKED;
enum q_err signd_replay(void *ctx, const struct journal_record *r);
enum q_err signd_segment_head(void *ctx, struct journal *j);
uint64_t signd_crl_last(struct signd *s, const char *id);
enum q_err signd_crl_set(struct signd *s, const char *id,
    uint64_t number) Q_CHECKED;
enum q_err signd_announce(struct signd *s, const char *id) Q_CHECKED;

/* own_key.c: a keyring that has the appliance's key of that purpose and kind,
 * made now if need be; and the key in it. */
enum q_err signd_own_key(struct signd *s, enum key_purpose purpose,
    enum token_kind kind, uint32_t uid, struct keyring **ret_ring,
    struct fault *f) Q_CHECKED;
const struct key *keyring_own_key(const struct keyring *ring,
    enum key_purpose purpose, enum token_kind kind);

/* pki.c */

/* Make a new key (NULL: NOMEM) in the token, announced in the journal
 * first. On failure the key is released. */
enum q_err pki_key(struct signd *s, struct key *k, uint32_t uid,
    struct fault *f) Q_CHECKED;

/* SHA-256 and ECDSA by the CA over tbs, verified in software: r || s. */
enum q_err pki_sign(struct signd *s, const struct key *ca, struct bytes tbs,
    struct buf *ret_raw, struct fault *f) Q_CHECKED;

/* Make the key's certificate, signed by the CA (or itself: NULL), journalled,
 * and give it to the key. */
struct pki_want {
	struct key *key;
	const struct key *ca;
	const struct key *like; /* whose subject it has, and of a root link
				 * whose public key; NULL: its own */
	const struct keyring *ring; /* name and addresses */
	uint64_t lifetime;
	uint32_t uid;
};
enum q_err pki_certify(struct signd *s, const struct pki_want *want,
    struct fault *f) Q_CHECKED;

/* Sealing key, OEM Root and the appliance's own keys into an empty keyring. */
enum q_err pki_whole(struct signd *s, struct keyring *next, uint32_t uid,
    struct fault *f) Q_CHECKED;

/* The next OEM Root, its links with the one before, which becomes old, and
 * new certificates of the appliance's own under it, into next. */
enum q_err pki_root_renew(struct signd *s, struct keyring *next, uint32_t uid,
    struct fault *f) Q_CHECKED;

/* A new TLS or CMP key, all of them, or a policy's next issuing CA with its
 * OCSP responder, into next; those before become old. */
enum q_err pki_own(struct signd *s, struct keyring *next,
    enum key_purpose purpose, uint32_t uid, struct fault *f) Q_CHECKED;
enum q_err pki_all_own(struct signd *s, struct keyring *next, uint32_t uid,
    struct fault *f) Q_CHECKED;
enum q_err pki_issuing(struct signd *s, struct keyring *next,
    const char *policy, const struct issuing *params, uint32_t uid,
    struct fault *f) Q_CHECKED;

/* A CA's OCSP responder into next, where it has none. */
enum q_err pki_ocsp(struct signd *s, struct keyring *next,
    const struct key *ca, uint32_t uid, struct fault *f) Q_CHECKED;

/* A new journal key into next; the one before it introduces it. */
enum q_err pki_journal(struct signd *s, struct keyring *next, uint32_t uid,
    struct fault *f) Q_CHECKED;

/* Host and addresses in one array for a certificate: pointers into work.
 * INVALID. */
#define PKI_NAMES_MAX 16
enum q_err pki_names(const char *host, const char *ips,
    char work[SIGND_IPS_MAX + 1], const char *names[PKI_NAMES_MAX],
    size_t *ret_n, struct fault *f) Q_CHECKED;

/* Whether they are fit for certificates and URLs. INVALID. */
enum q_err pki_names_check(const char *host, const char *ips,
    struct fault *f) Q_CHECKED;

/* op_key.c: what a key may be used for from now on goes into the journal,
 * before it does. */
enum q_err signd_rules_journal(struct signd *s, const struct key *k,
    uint32_t uid, const char *user, struct fault *f) Q_CHECKED;

/* maint.c: the thread that renews and cleans up. */
void *signd_maintain(void *arg);

/* How often keys were used, and refused, since the last time, goes into the
 * journal: every second by a thread of its own, since maintenance waits for
 * the token, and at the end. */
void signd_count(struct signd *s);
void *signd_count_keep(void *arg);

#endif
