// SPDX-License-Identifier: Apache-2.0
#ifndef SIGNER_PROVIDER_H
#define SIGNER_PROVIDER_H

/*
 * An OpenSSL provider, built into the program, for TLS keys that are in the
 * token: RSA and EC P-256, TLS 1.2 and 1.3. A signature is one sign_tls of
 * quoin-signd; the message goes there whole. Everything else (verifying,
 * public keys, other people's certificates) stays with OpenSSL's default
 * provider. Blocking, with the client's deadline: when signd does not answer
 * the handshake fails. Any number of threads.
 *
 * signd signs with SHA-256 only, so a server must offer nothing else:
 *	SSL_CTX_set1_sigalgs_list(ctx, SIGNER_PROVIDER_SIGALGS)
 * and, as that list is also what client certificates may use,
 *	SSL_CTX_set1_client_sigalgs_list(ctx, ...)
 */

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define SIGNER_PROVIDER_SIGALGS "ECDSA+SHA256:RSA-PSS+SHA256:RSA+SHA256"

struct evp_pkey_st; /* OpenSSL's EVP_PKEY */
struct wire_client;

/* Register the provider with OpenSSL's default library context. Once in a
 * process, before other threads use OpenSSL; EXISTS afterwards. The client
 * is borrowed for the life of the process. INTERNAL when OpenSSL refuses. */
enum q_err signer_provider_load(struct wire_client *client) Q_CHECKED;

/* The same with another signer than signd: appends the signature, in the
 * form TLS wants it, to ret_sig. For a CMP key the scheme is
 * SIGNER_PROVIDER_CMP, the message a whole ProtectedPart. */
#define SIGNER_PROVIDER_CMP 0
typedef enum q_err signer_sign_fn(void *ctx, const char *key_id,
    uint32_t scheme, struct bytes message, struct buf *ret_sig,
    struct fault *f);
enum q_err signer_provider_load_fn(signer_sign_fn *sign,
    void *ctx) Q_CHECKED;

/* The private half, kept under key_id in the token, of the key in a DER
 * certificate: for SSL_CTX_use_PrivateKey. EVP_PKEY_free it. INVALID for
 * what is no certificate, no RSA or P-256 key, or no key id. */
enum q_err signer_provider_key(const uint8_t *cert_der, size_t len,
    const char *key_id, struct evp_pkey_st **ret_pkey) Q_CHECKED;

/* The same for a P-256 key that signs CMP messages (RFC 9810 5.1.3), with
 * OpenSSL's OSSL_CMP or anything that is built on ASN1_item_sign. */
enum q_err signer_provider_cmp_key(const uint8_t *cert_der, size_t len,
    const char *key_id, struct evp_pkey_st **ret_pkey) Q_CHECKED;

#endif
