// SPDX-License-Identifier: Apache-2.0
#ifndef SIGNER_SIGNER_H
#define SIGNER_SIGNER_H

/*
 * Client of quoin-signd: one function per op,
 *	enum q_err signd_issue(struct wire_client *c,
 *	    const struct signd_issue_req *req,
 *	    struct signd_issue_rsp *ret_rsp, struct wire_reply *hold,
 *	    struct fault *f);
 * Strings and bytes of *ret_rsp borrow from *hold (AUTO_REPLY). Errors of
 * the daemon come as code and text; every op but seal may be asked again
 * after UNAVAIL or TIMEOUT with the same answer or effect.
 */

#include "base/conf.h"
#include "signer/signd_ops.h"
#include "wire/client.h"

#define X(name, num, roles, cap, text) WIRE_CLIENT_DECLARE(signd, name)
SIGND_OPS(X)
#undef X

/* A client of this appliance's signd; wire_client_free it. deadline_ms is
 * for each call: pki_make with RSA takes seconds. */
enum q_err signer_open(const struct conf *conf, int deadline_ms,
    struct wire_client **ret_client) Q_CHECKED;

/* Every certificate or key, in pages of signd's: `each` sees items whose
 * strings are gone after it; an error of it ends the walk with it. */
typedef enum q_err (*signer_cert_each)(void *arg, const struct signd_cert *c);
typedef enum q_err (*signer_key_each)(void *arg, const struct signd_key *k);
enum q_err signer_certs(struct wire_client *c, signer_cert_each each,
    void *arg, struct fault *f) Q_CHECKED;
enum q_err signer_keys(struct wire_client *c, signer_key_each each,
    void *arg, struct fault *f) Q_CHECKED;

/*
 * Where the device port's HTTP side serves the things of a CA, as signd
 * writes them into certificates:
 *	http://HOST[:PORT]/crl/ID.crl	its revocation list, DER
 *	http://HOST[:PORT]/crl/ID-delta.crl	what came since, when it is long
 *	http://HOST[:PORT]/ca/ID.cer	its certificate, DER
 *	http://HOST[:PORT]/ocsp		its certificates' status, by OCSP
 * The port is left out when it is 80; an IPv6 address gets its brackets.
 * TOOBIG when out is too small (SIGNER_URL_MAX is enough).
 */
#define SIGNER_URL_MAX 320
enum q_err signer_crl_url(const char *host, unsigned port, const char *id,
    char *out, size_t cap) Q_CHECKED;
enum q_err signer_delta_url(const char *host, unsigned port, const char *id,
    char *out, size_t cap) Q_CHECKED;
enum q_err signer_ca_url(const char *host, unsigned port, const char *id,
    char *out, size_t cap) Q_CHECKED;
enum q_err signer_ocsp_url(const char *host, unsigned port, char *out,
    size_t cap) Q_CHECKED;

#endif
