// SPDX-License-Identifier: Apache-2.0
#ifndef SIGNER_SIGND_OPS_H
#define SIGNER_SIGND_OPS_H

/*
 * What quoin-signd can be asked: the only place where its operations are
 * written. Dispatcher, client functions, PROTOCOL.md and fuzz seeds are made
 * from this table.
 */

#include "wire/fields.h"
#include "wire/role.h"

/* A key or certificate: 16 lower-case hex digits. */
#define SIGND_ID_LEN 16
#define SIGND_POLICY_MAX 64
#define SIGND_CERT_MAX 4096
#define SIGND_HOST_MAX 253
#define SIGND_IPS_MAX 1024
#define SIGND_SEAL_MAX 65536
#define SIGND_SEAL_EXTRA 64

/* Lifetimes are seconds, at most 100 years; times are seconds since 1970. */
#define SIGND_SPAN_MAX 3153600000

/* X(name, number, roles, largest request body, text) */
#define SIGND_OPS(X)                                                         \
	X(status, 1, ROLE_ALL, 64, "how the signing daemon and its token are") \
	X(pki_make, 2, ROLE_ADMIN, 2048,                                     \
	    "make the OEM Root, the TLS keys and the sealing key; again: the " \
	    "same answer")                                                   \
	X(name_set, 3, ROLE_ADMIN, 2048,                                     \
	    "set the appliance's name and reissue the TLS certificates")     \
	X(issuing_make, 4, ROLE_ADMIN | ROLE_WEB, 512,                       \
	    "make the issuing CA of a policy; again: the same answer")       \
	X(issuing_set, 5, ROLE_ADMIN | ROLE_WEB, 512,                        \
	    "change what the issuing CA of a policy may do")                 \
	X(certs, 6, ROLE_ALL, 64, "list certificates, oldest first")         \
	X(keys, 7, ROLE_ADMIN | ROLE_WEB, 64, "list keys, oldest first")     \
	X(issue, 8, ROLE_ENROL, 12288, "issue a device certificate")         \
	X(sign_tls, 9, ROLE_ENROL | ROLE_WEB | ROLE_DATA | ROLE_BROKER, 512, \
	    "sign a TLS handshake as the server")                            \
	X(sign_crl, 10, ROLE_ENROL, 64, "sign a revocation list")            \
	X(seal, 11, ROLE_ALL, 66560, "encrypt a secret for storage")         \
	X(unseal, 12, ROLE_ALL, 66560, "decrypt a stored secret")            \
	X(sign_ocsp, 13, ROLE_ENROL, 65536, "sign certificate status")       \
	X(sign_cmp, 14, ROLE_ENROL, 24576, "sign an answer to a CMP message") \
	X(root_renew, 15, ROLE_ADMIN, 64,                                    \
	    "replace the OEM Root; again: the same answer")

/* Number of every op: SIGND_OP_issue. */
enum signd_op {
#define X(name, num, roles, cap, text) SIGND_OP_##name = (num),
	SIGND_OPS(X)
#undef X
};

#define SIGND_STATUS_REQ(F, T)
#define SIGND_STATUS_RSP(F, T)                                               \
	F(T, BOOL, ready, 0, "everything works")                             \
	F(T, STR, reason, 200, "why not, in plain words")                    \
	F(T, BOOL, token, 0, "the token answers")                            \
	F(T, BOOL, pki, 0, "pki_make has been done")                         \
	F(T, U32, restarts, 0, "of the token worker since the start")        \
	F(T, U64, generation, 0, "changes with every change of keys or name") \
	F(T, STR, host, SIGND_HOST_MAX, "the appliance's name")              \
	F(T, STR, ips, SIGND_IPS_MAX, "its addresses, separated by commas")  \
	F(T, U64, journal_seq, 0, "number of the journal's last record")     \
	F(T, BIN, journal_head, 32, "chain hash of that record")             \
	F(T, U32, issuing, 0, "issuing CAs in use")                          \
	F(T, U32, orphans, 0, "keys in the token that nobody knows")         \
	F(T, U64, issued, 0, "device certificates since the start")

#define SIGND_PKI_MAKE_REQ(F, T)                                             \
	F(T, STR, host, SIGND_HOST_MAX, "the appliance's name")              \
	F(T, STR, ips, SIGND_IPS_MAX, "its addresses, separated by commas")  \
	F(T, BOOL, tls_rsa, 0, "TLS keys RSA-3072 instead of P-256")
#define SIGND_PKI_MAKE_RSP(F, T)                                             \
	F(T, STR, root_id, SIGND_ID_LEN, "id of the OEM Root")               \
	F(T, BIN, root, SIGND_CERT_MAX, "its certificate, DER")

#define SIGND_NAME_SET_REQ(F, T)                                             \
	F(T, STR, host, SIGND_HOST_MAX, "the appliance's name")              \
	F(T, STR, ips, SIGND_IPS_MAX, "its addresses, separated by commas")
#define SIGND_NAME_SET_RSP(F, T)                                             \
	F(T, U64, generation, 0, "as in status")

#define SIGND_ISSUING_MAKE_REQ(F, T)                                         \
	F(T, STR, policy, SIGND_POLICY_MAX, "name of the policy")            \
	F(T, U64, issuing_lifetime, SIGND_SPAN_MAX, "of the CA's certificate") \
	F(T, U64, device_lifetime, SIGND_SPAN_MAX, "cap of device certificates") \
	F(T, BOOL, autorenew, 0, "make the next CA in time")                 \
	F(T, BOOL, allow_rekey, 0, "enrold's word may name the device")      \
	F(T, BOOL, allow_rsa2048, 0, "RSA-2048 device keys")                 \
	F(T, BOOL, allow_serverkey, 0, "enrold may make the device's key")
#define SIGND_ISSUING_MAKE_RSP(F, T)                                         \
	F(T, STR, issuing_id, SIGND_ID_LEN, "id of the CA that issues now")  \
	F(T, BIN, cert, SIGND_CERT_MAX, "its certificate, DER")

#define SIGND_ISSUING_SET_REQ SIGND_ISSUING_MAKE_REQ
#define SIGND_ISSUING_SET_RSP SIGND_ISSUING_MAKE_RSP

/* The next OEM Root has the same Name and another key; two certificates link
 * it with the one before (RFC 9810 4.4). TLS and CMP certificates are issued
 * anew, issuing CAs stay under the root that issued them. */
#define SIGND_ROOT_RENEW_REQ(F, T)                                           \
	F(T, STR, root_id, SIGND_ID_LEN, "the one that is to be replaced")
#define SIGND_ROOT_RENEW_RSP SIGND_PKI_MAKE_RSP

#define SIGND_CERTS_REQ(F, T)                                                \
	F(T, STR, after, SIGND_ID_LEN, "last id of the page before; empty: first")
#define SIGND_CERTS_RSP(F, T)                                                \
	F(T, U64, generation, 0, "as in status")                             \
	F(T, BIN, items, 98304, "list of signd_cert")                        \
	F(T, BOOL, more, 0, "there are further pages")

/* purpose: root, issuing, tls-device (device port), tls-admin (admin port),
 * ocsp (responder of the CA `issuer`), cmp, root-link (of the root of that
 * generation, issued by another root; no key). state: active; old (replaced,
 * still valid). */
#define SIGND_CERT(F, T)                                                     \
	F(T, STR, id, SIGND_ID_LEN, "of certificate and key")                \
	F(T, STR, purpose, 15, "root, issuing, tls-device, ...")             \
	F(T, STR, policy, SIGND_POLICY_MAX, "of an issuing CA and its ocsp") \
	F(T, STR, issuer, SIGND_ID_LEN, "id of its CA; empty: itself")       \
	F(T, STR, state, 7, "active; old: replaced, still valid")            \
	F(T, U32, generation, 0, "of this policy's CA or the root, from 1")  \
	F(T, U64, not_before, 0, "")                                         \
	F(T, U64, not_after, 0, "")                                          \
	F(T, U64, issuing_lifetime, 0, "of an issuing CA")                   \
	F(T, U64, device_lifetime, 0, "of an issuing CA: cap")               \
	F(T, BOOL, autorenew, 0, "of an issuing CA")                         \
	F(T, BOOL, allow_rekey, 0, "of an issuing CA")                       \
	F(T, BOOL, allow_rsa2048, 0, "of an issuing CA")                     \
	F(T, BOOL, allow_serverkey, 0, "of an issuing CA")                   \
	F(T, U64, crl_number, 0, "of an issuing CA: last CRL, 0 none")       \
	F(T, BIN, cert, SIGND_CERT_MAX, "DER")

#define SIGND_KEYS_REQ(F, T)                                                 \
	F(T, STR, after, SIGND_ID_LEN, "last id of the page before; empty: first")
#define SIGND_KEYS_RSP(F, T)                                                 \
	F(T, BIN, items, 98304, "list of signd_key")                         \
	F(T, BOOL, more, 0, "there are further pages")
#define SIGND_KEY(F, T)                                                      \
	F(T, STR, id, SIGND_ID_LEN, "CKA_ID in the token")                   \
	F(T, STR, purpose, 15, "as of certificates, or seal")                \
	F(T, STR, policy, SIGND_POLICY_MAX, "of an issuing CA")              \
	F(T, STR, state, 7, "active, old")                                   \
	F(T, STR, kind, 15, "P-256, RSA-3072, AES-256")                      \
	F(T, U64, created, 0, "")                                            \
	F(T, U64, used, 0, "signatures and decryptions since the start")

/*
 * The device's name is SHA-256 over the CSR's key; or device_id, with proof
 * = signature by the identity key over the CSR's DER (identity = its
 * SubjectPublicKeyInfo, whose SHA-256 is device_id; ECDSA-SHA256 in DER, or
 * RSA PKCS#1 SHA-256); or device_id on enrold's word where the issuing CA
 * allows it (allow_rekey), or, of a key that enrold made, allow_serverkey.
 * Asked again with the same policy, device, CSR and seq: the very same
 * certificate, also after a crash. seq goes up with every certificate recorded
 * for the device, and is another when the device was deleted and has come
 * back, so that a new enrolment with an old CSR gets a new one.
 */
#define SIGND_ISSUE_REQ(F, T)                                                \
	F(T, STR, policy, SIGND_POLICY_MAX, "whose CA shall issue")          \
	F(T, BIN, csr, 8192, "DER, as form says")                            \
	F(T, STR, device_id, 64, "empty: SHA-256 of the CSR's key")          \
	F(T, BIN, identity, 1024, "identity key, SubjectPublicKeyInfo")      \
	F(T, BIN, proof, 1024, "its signature over the CSR")                 \
	F(T, BOOL, word, 0, "enrold vouches for device_id (rekey)")          \
	F(T, U64, seq, 0, "tells certificates of the same request apart")    \
	F(T, U64, lifetime, SIGND_SPAN_MAX, "wanted, seconds; 0: the cap")   \
	F(T, U32, form, 1, "of csr. 0: PKCS #10, 1: CRMF CertReqMsg")        \
	F(T, BOOL, server_key, 0, "enrold made the key for device_id")
#define SIGND_ISSUE_RSP(F, T)                                                \
	F(T, BIN, cert, SIGND_CERT_MAX, "DER")                               \
	F(T, STR, issuing_id, SIGND_ID_LEN, "id of the CA that issued it")   \
	F(T, STR, device_id, 64, "its CN")                                   \
	F(T, STR, serial, 32, "lower-case hex of its 16 octets")             \
	F(T, U64, not_before, 0, "")                                         \
	F(T, U64, not_after, 0, "")                                          \
	F(T, BOOL, again, 0, "this was asked before")

/*
 * message is what TLS signs: the content of a TLS 1.3 server
 * CertificateVerify (RFC 8446 4.4.3) or of a TLS 1.2 ServerKeyExchange with
 * a named curve (RFC 8422 5.4). Nothing else is signed. scheme is TLS's
 * SignatureScheme: 0x0403 ecdsa_secp256r1_sha256, 0x0804
 * rsa_pss_rsae_sha256, 0x0401 rsa_pkcs1_sha256.
 */
#define SIGND_SIGN_TLS_REQ(F, T)                                             \
	F(T, STR, key, SIGND_ID_LEN, "id of a TLS key")                      \
	F(T, U32, scheme, 0xffff, "SignatureScheme")                         \
	F(T, BIN, message, 256, "what is to be signed")
#define SIGND_SIGN_TLS_RSP(F, T)                                             \
	F(T, BIN, signature, 512, "as it goes into the handshake")

/*
 * list is a sealed memfd (F_SEAL_WRITE, _SHRINK, _GROW) with a TBSCertList
 * made by crl_build: issuer the CA, number above every earlier one, this
 * update within the last 10 minutes, next update at most 35 days later and
 * not behind the CA's end, issuingDistributionPoint with
 * onlyContainsUserCerts and without a name (so that it fits certificates
 * made under an earlier name of the appliance). It may be a delta CRL on one
 * that was signed before, or a full one whose freshestCRL is the appliance's
 * URL of the delta.
 */
#define SIGND_SIGN_CRL_REQ(F, T)                                             \
	F(T, STR, issuing_id, SIGND_ID_LEN, "the CA whose list it is")       \
	F(T, FD, list, 0, "TBSCertList, DER")
#define SIGND_SIGN_CRL_RSP(F, T)                                             \
	F(T, BIN, signature, 512, "r || s, for x509_assemble")               \
	F(T, U64, number, 0, "of the list")

/*
 * Each tbs is a ResponseData made by ocsp_build, about certificates of this
 * CA, as ocsp_check_tbs wants it: by the CA's responder that is active now
 * (INVALID: there is another since; ask certs), produced within the last 10
 * minutes, valid for at most 8 days. As many signatures in the same order, or
 * none.
 */
#define SIGND_OCSP_ITEMS 64
#define SIGND_SIGN_OCSP_REQ(F, T)                                            \
	F(T, STR, issuing_id, SIGND_ID_LEN, "the CA of the certificates")    \
	F(T, BIN, items, 65000, "list of 1 to 64 signd_ocsp_tbs")
#define SIGND_SIGN_OCSP_RSP(F, T)                                            \
	F(T, BIN, signatures, 16384, "list of signd_ocsp_sig")
#define SIGND_OCSP_TBS(F, T)                                                 \
	F(T, BIN, tbs, 4096, "ResponseData, DER")
#define SIGND_OCSP_SIG(F, T)                                                 \
	F(T, BIN, sig, 128, "Ecdsa-Sig-Value, DER")

/* message is a ProtectedPart (RFC 9810 5.1.3): its sender the subject of the
 * key's certificate, its body ip, cp, kup, rp, genp, error, pollRep or
 * pkiconf. */
#define SIGND_SIGN_CMP_REQ(F, T)                                             \
	F(T, STR, key, SIGND_ID_LEN, "id of a cmp key")                      \
	F(T, BIN, message, 20480, "what is to be signed")
#define SIGND_SIGN_CMP_RSP(F, T)                                             \
	F(T, BIN, signature, 128, "Ecdsa-Sig-Value, DER")

/* Purposes and who may: SIGND_PURPOSES. context is bound to the secret: who
 * unseals must give the same. */
#define SIGND_SEAL_REQ(F, T)                                                 \
	F(T, STR, purpose, 15, "a row of the purposes")                      \
	F(T, STR, context, 256, "e.g. the record's key")                     \
	F(T, BIN, secret, SIGND_SEAL_MAX, "")
#define SIGND_SEAL_RSP(F, T)                                                 \
	F(T, BIN, sealed, SIGND_SEAL_MAX + SIGND_SEAL_EXTRA, "")
#define SIGND_UNSEAL_REQ(F, T)                                               \
	F(T, STR, purpose, 15, "a row of the purposes")                      \
	F(T, STR, context, 256, "as it was sealed with")                     \
	F(T, BIN, sealed, SIGND_SEAL_MAX + SIGND_SEAL_EXTRA, "")
#define SIGND_UNSEAL_RSP(F, T)                                               \
	F(T, BIN, secret, SIGND_SEAL_MAX, "")

/* X(purpose, who may seal, who may unseal, text) */
#define SIGND_PURPOSES(X)                                                    \
	X("hub", ROLE_WEB, ROLE_PUSH, "credentials of hubs")                 \
	X("totp", ROLE_WEB, ROLE_WEB, "second factors of people")            \
	X("wifi", ROLE_WEB, ROLE_PROVISION, "networks of a factory")         \
	X("database", ROLE_WEB, ROLE_DATA, "credentials of databases")       \
	X("token", ROLE_ADMIN | ROLE_WEB, ROLE_ADMIN | ROLE_WEB | ROLE_ENROL, \
	    "tokens that devices enrol with")                                \
	X("test", ROLE_ADMIN, ROLE_ADMIN, "quoinctl's self-test")

#define SIGND_MESSAGES(X)                                                    \
	X(signd_cert, SIGND_CERT)                                            \
	X(signd_key, SIGND_KEY)                                              \
	X(signd_status_req, SIGND_STATUS_REQ)                                \
	X(signd_status_rsp, SIGND_STATUS_RSP)                                \
	X(signd_pki_make_req, SIGND_PKI_MAKE_REQ)                            \
	X(signd_pki_make_rsp, SIGND_PKI_MAKE_RSP)                            \
	X(signd_name_set_req, SIGND_NAME_SET_REQ)                            \
	X(signd_name_set_rsp, SIGND_NAME_SET_RSP)                            \
	X(signd_issuing_make_req, SIGND_ISSUING_MAKE_REQ)                    \
	X(signd_issuing_make_rsp, SIGND_ISSUING_MAKE_RSP)                    \
	X(signd_issuing_set_req, SIGND_ISSUING_SET_REQ)                      \
	X(signd_issuing_set_rsp, SIGND_ISSUING_SET_RSP)                      \
	X(signd_certs_req, SIGND_CERTS_REQ)                                  \
	X(signd_certs_rsp, SIGND_CERTS_RSP)                                  \
	X(signd_keys_req, SIGND_KEYS_REQ)                                    \
	X(signd_keys_rsp, SIGND_KEYS_RSP)                                    \
	X(signd_issue_req, SIGND_ISSUE_REQ)                                  \
	X(signd_issue_rsp, SIGND_ISSUE_RSP)                                  \
	X(signd_sign_tls_req, SIGND_SIGN_TLS_REQ)                            \
	X(signd_sign_tls_rsp, SIGND_SIGN_TLS_RSP)                            \
	X(signd_sign_crl_req, SIGND_SIGN_CRL_REQ)                            \
	X(signd_sign_crl_rsp, SIGND_SIGN_CRL_RSP)                            \
	X(signd_seal_req, SIGND_SEAL_REQ)                                    \
	X(signd_seal_rsp, SIGND_SEAL_RSP)                                    \
	X(signd_unseal_req, SIGND_UNSEAL_REQ)                                \
	X(signd_unseal_rsp, SIGND_UNSEAL_RSP)                                \
	X(signd_ocsp_tbs, SIGND_OCSP_TBS)                                    \
	X(signd_ocsp_sig, SIGND_OCSP_SIG)                                    \
	X(signd_sign_ocsp_req, SIGND_SIGN_OCSP_REQ)                          \
	X(signd_sign_ocsp_rsp, SIGND_SIGN_OCSP_RSP)                          \
	X(signd_sign_cmp_req, SIGND_SIGN_CMP_REQ)                            \
	X(signd_sign_cmp_rsp, SIGND_SIGN_CMP_RSP)                            \
	X(signd_root_renew_req, SIGND_ROOT_RENEW_REQ)                        \
	X(signd_root_renew_rsp, SIGND_ROOT_RENEW_RSP)

#define X(name, fields) WIRE_DECLARE(name, fields)
SIGND_MESSAGES(X)
#undef X

#endif
