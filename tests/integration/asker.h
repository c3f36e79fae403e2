// SPDX-License-Identifier: Apache-2.0
#ifndef INTEGRATION_ASKER_H
#define INTEGRATION_ASKER_H

/*
 * Asks quoin-signd for signatures of every kind, as the daemons of an
 * appliance do, and looks at each with OpenSSL and the public key alone.
 * What left signd is remembered, and held against the journal in the end.
 * Needs root, and users 61003 and 61004 as enrol and web (lib.sh).
 */

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/conf.h"
#include "signer/signer.h"

#define ASKER_ENROL 61003
#define ASKER_WEB 61004
#define ASKER_POLICY "faults"

enum ask {
	ASK_TLS,
	ASK_ISSUE,
	ASK_CRL,
	ASK_OCSP,
	ASK_SEAL,
	ASK_UNSEAL,
	ASK_CODE,	/* a signature by a codesign key */
	ASK_CA,		/* make an issuing CA: two keys, two certificates */
	ASK_PAIR,	/* make a key pair, and delete it */
	ASK_AES,	/* make an AES key, and delete it */
	ASK_IMPORT,	/* import a key pair, and delete it */
	ASKS
};

/* What became of one request. */
struct asked {
	enum ask what;
	enum q_err code;
	bool wrong;	/* OK, and what was given is wrong */
	char text[300];	/* the error's, or what is wrong */
	int64_t ms;
	uint64_t number; /* of the request, where it counts; given again, the
			    same is asked again. 0: a new one */
};

/* One request for a certificate, by its number. */
struct asker_issue {
	bool left;
	uint8_t digest[32]; /* SHA-256 of the certificate that left */
};

/* One signature by a codesign key that left, by its request's number. */
struct asker_code {
	bool left;
	uint8_t sig[64];
};

struct asker_crl {
	uint64_t number;
	uint8_t digest[32]; /* of the TBSCertList */
};

struct asker {
	const struct conf *conf;
	struct wire_client *admin, *enrol, *web;
	struct buf ca, ocsp, tls;	/* certificates, DER */
	char ca_id[SIGND_ID_LEN + 1], ocsp_id[SIGND_ID_LEN + 1];
	char tls_id[SIGND_ID_LEN + 1];
	char code_id[SIGND_ID_LEN + 1];
	struct evp_pkey_st *ca_key, *ocsp_key, *tls_key, *code_key;
	struct buf csr, pkcs8, sealed;
	char device_id[65];		/* of the CSR's key: this client's */
	pthread_mutex_t crl;		/* numbers go up */
	uint64_t crl_number;
	pthread_mutex_t lock;		/* of what follows */
	struct asker_issue *issues;
	size_t n_issues;
	struct asker_crl *crls;
	size_t n_crls;
	struct asker_code *codes;
	size_t n_codes;
	uint64_t asked[ASKS], left[ASKS];
	uint64_t keys;			/* that were asked for */
	uint64_t journal_from;		/* records before are not ours */
};

/* Learn keys and certificates; the PKI and the policy "faults" are there.
 * deadline_ms: what counts as no answer. */
enum q_err asker_open(struct asker *a, const struct conf *conf,
    int deadline_ms, struct fault *f) Q_CHECKED;

/* One request. Any thread. */
void ask(struct asker *a, enum ask what, struct asked *asked);

const char *ask_name(enum ask what);

/* What the codesign key signs at request number n. */
void asker_code_digest(uint64_t n, uint8_t ret_digest[32]);
bool asker_code_verifies(struct asker *a, const uint8_t digest[32],
    struct bytes sig);

/* Of asker-keys.c, for asker.c. */
typedef void ask_fn(struct asker *a, struct asked *o, struct wire_reply *hold,
    struct fault *f);
ask_fn ask_code, ask_ca, ask_pair, ask_aes, ask_import;
/* The codesign key, made where there is none yet. */
enum q_err asker_code_learn(struct asker *a, struct fault *f) Q_CHECKED;
void asker_pkcs8_make(struct buf *out);

/* What was given is wrong. */
void asker_wrong(struct asked *o, const char *text);
/* Ecdsa-Sig-Value of r || s; OPENSSL_free it. 0: it is none. */
int asker_sig_der(struct bytes raw, unsigned char **ret_der);

/* Hold the journal against what left: true when it tells the truth. exact:
 * signd was never killed, so that the counts must fit. Prints what does
 * not fit as lines for TAP. */
bool asker_audit(struct asker *a, bool exact);

#endif
