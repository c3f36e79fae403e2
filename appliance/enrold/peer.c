// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "enrold/peer.h"

#include <stdio.h>
#include <string.h>

#include "base/codec.h"
#include "x509/der.h"

static enum q_err
peer_self(const struct cert *cert, struct peer *ret_peer, struct fault *f)
{
	struct fault why = { 0 };

	/* Its dates and names mean nothing; but nobody else's key may sign
	 * it, or a certificate of an unknown CA would pass as one. */
	if (cert_verify_signature(cert, cert->spki, &why) != Q_OK)
		return fault_set(f, Q_DENIED, "client certificate is neither "
		    "self-signed nor ours: %s",
		    fault_text(&why, Q_SIGNATURE));
	*ret_peer = (struct peer){ .kind = PEER_SELF };
	device_id_of(cert->spki, ret_peer->device_id);
	return Q_OK;
}

static bool
issued_by(const struct cert *cert, const struct pki_cert *ca)
{
	return ca->pkey != NULL &&
	    bytes_equal(cert->issuer, ca->cert.subject) &&
	    pubkey_verify_with(ca->pkey, cert->alg, cert->tbs, cert->sig,
		NULL) == Q_OK;
}

static enum q_err
peer_ours(const struct cert *cert, const struct pki_cert *ca,
    struct peer *ret_peer, struct fault *f)
{
	struct peer p = { .kind = PEER_OURS, .not_after = cert->not_after,
		.subject = cert->subject };

	if (cert->is_ca || cert->cn.len != DEVICE_ID_LEN ||
	    cert->serial.len > 16)
		return fault_set(f, Q_DENIED,
		    "client certificate is no device certificate");
	memcpy(p.device_id, cert->cn.p, DEVICE_ID_LEN);
	if (!hex_is_lower(p.device_id, DEVICE_ID_LEN))
		return fault_set(f, Q_DENIED,
		    "client certificate is no device certificate");
	hex_encode(cert->serial.p, cert->serial.len, p.serial);
	snprintf(p.issuer, sizeof(p.issuer), "%s", ca->id);
	*ret_peer = p;
	return Q_OK;
}

enum q_err
peer_identify(const struct pki *pki, struct bytes der, struct peer *ret_peer,
    struct fault *f)
{
	struct cert cert;
	struct fault why = { 0 };

	if (der.len == 0) {
		*ret_peer = (struct peer){ .kind = PEER_NONE };
		return Q_OK;
	}
	if (cert_parse(der, &cert, &why) != Q_OK)
		return fault_set(f, Q_DENIED,
		    "client certificate is malformed: %s",
		    fault_text(&why, Q_PROTO));
	if (cert.self_issued)
		return peer_self(&cert, ret_peer, f);
	for (size_t i = 0; i < pki->n; i++)
		if (issued_by(&cert, &pki->certs[i]))
			return peer_ours(&cert, &pki->certs[i], ret_peer, f);
	return fault_set(f, Q_DENIED,
	    "client certificate is neither self-signed nor ours");
}
