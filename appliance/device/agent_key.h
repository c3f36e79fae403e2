// SPDX-License-Identifier: Apache-2.0
#ifndef DEVICE_AGENT_KEY_H
#define DEVICE_AGENT_KEY_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "base/buf.h"
#include "base/err.h"
#include "device/qdev.h"

/* A Linux device's keys: made, kept in PEM files, and put to use, with
 * OpenSSL. What is returned belongs to the caller. */

enum agent_key_type { AGENT_KEY_P256, AGENT_KEY_RSA3072 };

/* INVALID unless name is "p256" or "rsa3072". */
enum q_err agent_key_type_parse(const char *name,
    enum agent_key_type *ret_type) Q_CHECKED;

enum q_err agent_key_make(enum agent_key_type type, EVP_PKEY **ret_key)
    Q_CHECKED;

/* Private key from and to a PEM file; written with mode 0600, atomically and
 * durably. NOTFOUND, PROTO, IO. */
enum q_err agent_key_read(const char *path, EVP_PKEY **ret_key) Q_CHECKED;
enum q_err agent_key_write(const char *path, EVP_PKEY *key) Q_CHECKED;

/* The private key's PEM text appended to out. */
enum q_err agent_key_pem(EVP_PKEY *key, struct buf *out) Q_CHECKED;

/* DeviceID: hex SHA-256 of the DER SubjectPublicKeyInfo. */
enum q_err agent_key_id(EVP_PKEY *key, char id[QDEV_ID_LEN + 1]) Q_CHECKED;

/* The self-signed certificate by which an identity key speaks in TLS. It
 * has no end: the server judges the key, not the certificate. */
enum q_err agent_key_face(EVP_PKEY *key, const char *id, X509 **ret_cert)
    Q_CHECKED;

/* A PKCS#10 request in DER. A random serialNumber in its subject makes every
 * one different, even over an RSA key, whose signatures are not: a renewal
 * must not look like a retry. TOOBIG. */
enum q_err agent_key_csr(EVP_PKEY *key, const char *id, uint8_t *out,
    size_t cap, size_t *ret_len) Q_CHECKED;

/* As qdev_seam.prove: both lengths 0 when the request is over identity. */
enum q_err agent_key_prove(EVP_PKEY *identity, const uint8_t *csr,
    size_t len, uint8_t *out, size_t cap, size_t ret_len[2]) Q_CHECKED;

#endif
