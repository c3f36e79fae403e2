// SPDX-License-Identifier: Apache-2.0
#ifndef ENROLD_PEER_H
#define ENROLD_PEER_H

/*
 * Who is at the other end of a TLS connection. TLS has proved that the peer
 * holds the certificate's key; what the certificate means is judged here.
 */

#include "enrold/pki.h"
#include "x509/cert_parse.h"

enum peer_kind {
	PEER_NONE,	/* no client certificate */
	PEER_SELF,	/* self-signed: the key itself is the identity */
	PEER_OURS,	/* from one of our issuing CAs: the device in its CN */
	PEER_AUTH,	/* from a manufacturer's CA that was imported: its key
			 * is the identity */
};

struct peer {
	enum peer_kind kind;
	char device_id[DEVICE_ID_LEN + 1];
	char serial[33];	/* OURS: lower-case hex */
	char issuer[SIGND_ID_LEN + 1]; /* OURS: id of the CA */
	int64_t not_after;	/* OURS */
	struct bytes subject;	/* OURS: Name, DER, of the certificate */
	char auth[DEVICE_ID_LEN + 1]; /* AUTH: key of the auth_cert record */
};

/* der: the client certificate, len 0 when none was sent; *ret_peer borrows
 * from it. DENIED, with the reason, for a certificate that is neither
 * self-signed nor ours. Dates and revocation are not looked at: only the
 * record of the device tells what they mean. */
enum q_err peer_identify(const struct pki *pki, struct bytes der,
    struct peer *ret_peer, struct fault *f) Q_CHECKED;

#endif
