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

/* A key's name, for people; users and approvers are lists with blanks
 * between. */
#define SIGND_NAME_MAX 64
#define SIGND_LIST_MAX 1024
#define SIGND_SIG_MAX 512
#define SIGND_SPKI_MAX 512
#define SIGND_NONCE_LEN 16
#define SIGND_TOKENS 2

/* Mechanisms of keys that people make, bits of a set. */
enum signd_mech {
	SIGND_ECDSA = 1,	/* data: a digest; signature: r || s */
	SIGND_RSA_PKCS1 = 2,	/* data: a DigestInfo (RFC 8017 9.2) */
	SIGND_RSA_PSS = 4,	/* data: a digest of `hash` bits, MGF1 with
				   the same; salt: bytes */
	SIGND_MECHS = 7,
};

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
	    "replace the OEM Root; again: the same answer")                  \
	X(key_make, 16, ROLE_ADMIN | ROLE_WEB, 5120,                         \
	    "make a key with rules; again: the same answer")                 \
	X(key_import, 17, ROLE_ADMIN | ROLE_WEB, 9216,                       \
	    "import a private key; again: the same answer")                  \
	X(key_set, 18, ROLE_ADMIN | ROLE_WEB, 5120, "change a key's rules")  \
	X(key_delete, 19, ROLE_ADMIN | ROLE_WEB, 256,                        \
	    "delete a key that nothing needs")                               \
	X(key_cert, 20, ROLE_ADMIN | ROLE_WEB, 5120,                         \
	    "attach a certificate to a codesign key")                        \
	X(code_info, 21, ROLE_ALL | ROLE_TOOL, 64,                           \
	    "what the appliance is as a token")                              \
	X(code_keys, 22, ROLE_ADMIN | ROLE_TOOL, 64,                         \
	    "list the codesign keys that the peer's user may use")           \
	X(code_sign, 23, ROLE_ADMIN | ROLE_TOOL, 512,                        \
	    "sign with a codesign key; again: the same answer")              \
	X(sign_firmware, 24, ROLE_FIRMWARE | ROLE_ADMIN, 512,                \
	    "sign a firmware or update image; again: the same answer")       \
	X(approver_set, 25, ROLE_ADMIN, 3072,                                \
	    "set who can agree to the use of keys")                          \
	X(approver_delete, 26, ROLE_ADMIN, 256,                              \
	    "remove one whom no key names")                                  \
	X(approvers, 27, ROLE_ADMIN | ROLE_WEB, 128, "list them, by name")   \
	X(approval_list, 28, ROLE_ADMIN | ROLE_WEB, 64,                      \
	    "list approvals that are open, by id")                           \
	X(approval_want, 29, ROLE_ADMIN | ROLE_WEB | ROLE_FIRMWARE, 1024,    \
	    "ask for approval before signing")                               \
	X(approval_put, 30, ROLE_ADMIN | ROLE_WEB, 4096,                     \
	    "a proof that an approver agrees")                               \
	X(journal_export, 31, ROLE_ADMIN, 64, "sign the journal's head")     \
	X(journal_renew, 32, ROLE_ADMIN, 64,                                 \
	    "replace the journal key; again: the same answer")               \
	X(pepper, 33, ROLE_WEB | ROLE_ADMIN, 128,                            \
	    "key the hash of a password")                                    \
	X(tls_csr, 34, ROLE_WEB | ROLE_ADMIN, 2048,                          \
	    "a request for a certificate of the administration by another CA") \
	X(approval_withdraw, 35, ROLE_ADMIN | ROLE_WEB, 256,                 \
	    "end an approval that is not used yet")

/* Number of every op: SIGND_OP_issue. */
enum signd_op {
#define X(name, num, roles, cap, text) SIGND_OP_##name = (num),
	SIGND_OPS(X)
#undef X
};

#define SIGND_CANNOT_MAX 600
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
	F(T, U64, issued, 0, "device certificates since the start")          \
	F(T, STR, cannot, SIGND_CANNOT_MAX, "what the token cannot do")      \
	F(T, STR, token2, 200, "\"ready\", or why the second one is not; empty: there is none") \
	F(T, STR, cannot2, SIGND_CANNOT_MAX, "what the second one cannot do")

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
	F(T, BOOL, issued, 0, "an issuing CA that has issued something")     \
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
	F(T, U64, used, 0, "signatures and decryptions since the start")     \
	F(T, STR, name, SIGND_NAME_MAX, "of a key that people made")         \
	F(T, U32, token, SIGND_TOKENS - 1, "0: the main one")                \
	F(T, BOOL, imported, 0, "was known outside the token")               \
	F(T, BIN, rules, SIGND_RULES_MAX, "signd_rules of a named key")      \
	F(T, U64, uses, 0, "signatures in all, where they can be limited")   \
	F(T, BIN, spki, SIGND_SPKI_MAX, "SubjectPublicKeyInfo of it")        \
	F(T, BIN, cert, SIGND_CERT_MAX, "of a codesign key, its owner's, DER")

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

/* HMAC-SHA256 by the pepper key, which is made at its first use and never
 * leaves the token: without the token a stolen hash cannot be tried. */
#define SIGND_PEPPER_LEN 32
#define SIGND_PEPPER_REQ(F, T)                                               \
	F(T, BIN, data, SIGND_PEPPER_LEN, "hash of a password, salted")
#define SIGND_PEPPER_RSP(F, T)                                               \
	F(T, BIN, mac, SIGND_PEPPER_LEN, "")

/* The key is made at the first request and is the same ever after; sign_tls
 * signs with it. subject: CN=host; SAN: host and ips. */
#define SIGND_TLS_CSR_REQ(F, T)                                              \
	F(T, STR, host, SIGND_HOST_MAX, "empty: the appliance's name")       \
	F(T, STR, ips, SIGND_IPS_MAX, "addresses, separated by commas")
#define SIGND_TLS_CSR_RSP(F, T)                                              \
	F(T, STR, key, SIGND_ID_LEN, "id of the key")                        \
	F(T, BIN, csr, 4096, "PKCS #10, DER")

/* What may be done with a key that people make; zeros and "" do not limit.
 * `user` in requests: the person for whom a front end asks, as it says. */
#define SIGND_RULES_MAX 4096
#define SIGND_RULES(F, T)                                                    \
	F(T, U32, mechs, SIGND_MECHS, "set of enum signd_mech")              \
	F(T, U32, roles, 0, "set of roles; none: those of the purpose")      \
	F(T, STR, users, SIGND_LIST_MAX, "user ids a codesign key is for")   \
	F(T, U64, not_before, 0, "not used before")                          \
	F(T, U64, not_after, 0, "not used after")                            \
	F(T, U64, uses, 0, "signatures in all")                              \
	F(T, U32, rate, 0, "signatures in a minute")                         \
	F(T, U32, approvals, 16, "approvers that must agree")                \
	F(T, STR, approvers, SIGND_LIST_MAX, "names of those who can")

/* purpose: firmware, codesign, jwt, provision, update, backup. */
#define SIGND_KEY_MAKE_REQ(F, T)                                             \
	F(T, STR, name, SIGND_NAME_MAX, "of the key, for people")            \
	F(T, STR, purpose, 15, "never changes")                              \
	F(T, STR, kind, 15, "P-256, RSA-3072, AES-256")                      \
	F(T, U32, token, SIGND_TOKENS - 1, "0: the main one")                \
	F(T, STR, user, SIGND_NAME_MAX, "for whom")                          \
	F(T, BIN, rules, SIGND_RULES_MAX, "signd_rules")
#define SIGND_KEY_MAKE_RSP(F, T)                                             \
	F(T, STR, id, SIGND_ID_LEN, "of the key")                            \
	F(T, STR, kind, 15, "P-256, RSA-3072, AES-256")                      \
	F(T, BIN, spki, SIGND_SPKI_MAX, "SubjectPublicKeyInfo; none of AES")

/* pkcs8: PEM or DER, not encrypted. The key is marked as imported. */
#define SIGND_KEY_IMPORT_REQ(F, T)                                           \
	F(T, STR, name, SIGND_NAME_MAX, "of the key, for people")            \
	F(T, STR, purpose, 15, "never changes")                              \
	F(T, BIN, pkcs8, 4096, "the private key")                            \
	F(T, U32, token, SIGND_TOKENS - 1, "0: the main one")                \
	F(T, STR, user, SIGND_NAME_MAX, "for whom")                          \
	F(T, BIN, rules, SIGND_RULES_MAX, "signd_rules")
#define SIGND_KEY_IMPORT_RSP SIGND_KEY_MAKE_RSP

#define SIGND_KEY_SET_REQ(F, T)                                              \
	F(T, STR, key, SIGND_ID_LEN, "id")                                   \
	F(T, STR, user, SIGND_NAME_MAX, "for whom")                          \
	F(T, BIN, rules, SIGND_RULES_MAX, "signd_rules")
#define SIGND_KEY_SET_RSP(F, T)
#define SIGND_KEY_DELETE_REQ(F, T)                                           \
	F(T, STR, key, SIGND_ID_LEN, "id")                                   \
	F(T, STR, user, SIGND_NAME_MAX, "for whom")
#define SIGND_KEY_DELETE_RSP(F, T)
#define SIGND_KEY_CERT_REQ(F, T)                                             \
	F(T, STR, key, SIGND_ID_LEN, "id of a codesign key")                 \
	F(T, STR, user, SIGND_NAME_MAX, "for whom")                          \
	F(T, BIN, cert, SIGND_CERT_MAX, "DER, of this key; empty: none")
#define SIGND_KEY_CERT_RSP(F, T)

/* The appliance as a token for other programs: libquoin-pkcs11. */
#define SIGND_CODE_INFO_REQ(F, T)
#define SIGND_CODE_INFO_RSP(F, T)                                            \
	F(T, STR, label, 32, "CK_TOKEN_INFO.label")                          \
	F(T, STR, serial, 16, "CK_TOKEN_INFO.serialNumber")                  \
	F(T, BOOL, ready, 0, "everything works")
#define SIGND_CODE_KEYS_REQ(F, T)                                            \
	F(T, STR, after, SIGND_ID_LEN, "last id of the page before; empty: first")
#define SIGND_CODE_KEYS_RSP(F, T)                                            \
	F(T, BIN, items, 98304, "list of signd_code_key")                    \
	F(T, BOOL, more, 0, "there are further pages")
#define SIGND_CODE_KEY(F, T)                                                 \
	F(T, STR, id, SIGND_ID_LEN, "CKA_ID")                                \
	F(T, STR, name, SIGND_NAME_MAX, "CKA_LABEL")                         \
	F(T, STR, kind, 15, "P-256, RSA-3072")                               \
	F(T, U32, mechs, SIGND_MECHS, "set of enum signd_mech")              \
	F(T, BOOL, imported, 0, "was known outside the token")               \
	F(T, U64, not_before, 0, "not used before; 0: no limit")             \
	F(T, U64, not_after, 0, "not used after; 0: no limit")               \
	F(T, BIN, spki, SIGND_SPKI_MAX, "SubjectPublicKeyInfo")              \
	F(T, BIN, cert, SIGND_CERT_MAX, "DER, or empty")

/* Asked again by the same user with everything the same: the very same
 * signature, also after a crash. WAIT: approvals are missing. */
#define SIGND_CODE_SIGN_REQ(F, T)                                            \
	F(T, STR, key, SIGND_ID_LEN, "id of a codesign key")                 \
	F(T, U32, mech, SIGND_MECHS, "one of enum signd_mech")               \
	F(T, U32, hash, 512, "of PSS: 256, 384, 512; else 0")                \
	F(T, U32, salt, 64, "of PSS, bytes")                                 \
	F(T, BIN, data, 128, "as the mechanism says")                        \
	F(T, BIN, nonce, SIGND_NONCE_LEN, "16 bytes that make it another")
#define SIGND_CODE_SIGN_RSP(F, T)                                            \
	F(T, BIN, signature, SIGND_SIG_MAX, "as PKCS #11 gives it")

/* image is a sealed memfd (F_SEAL_WRITE, _SHRINK, _GROW), hashed here. */
#define SIGND_SIGN_FIRMWARE_REQ(F, T)                                        \
	F(T, STR, key, SIGND_ID_LEN, "id of a firmware key")                 \
	F(T, U32, mech, SIGND_MECHS, "one of enum signd_mech")               \
	F(T, U32, hash, 512, "256, 384, 512")                                \
	F(T, BIN, nonce, SIGND_NONCE_LEN, "16 bytes that make it another")   \
	F(T, STR, user, SIGND_NAME_MAX, "for whom")                          \
	F(T, STR, meaning, 200, "what it is, for journal and approvers")     \
	F(T, FD, image, 0, "what is to be signed")
#define SIGND_SIGN_FIRMWARE_RSP(F, T)                                        \
	F(T, BIN, signature, SIGND_SIG_MAX, "r || s, or RSA's")              \
	F(T, BIN, digest, 64, "of the image")

/* Who can agree to the use of keys that want it. kind: p256 (an
 * administrator's key), webauthn (with credential, rp_id and origin). */
#define SIGND_APPROVER(F, T)                                                 \
	F(T, STR, name, SIGND_NAME_MAX, "")                                  \
	F(T, STR, kind, 15, "p256, webauthn")                                \
	F(T, BIN, spki, SIGND_SPKI_MAX, "SubjectPublicKeyInfo, P-256")       \
	F(T, BIN, credential, 1024, "id of a webauthn credential")           \
	F(T, STR, rp_id, 253, "of webauthn")                                 \
	F(T, STR, origin, 300, "of webauthn")                                \
	F(T, U64, created, 0, "")
#define SIGND_APPROVER_SET_REQ(F, T)                                         \
	SIGND_APPROVER(F, T)                                                 \
	F(T, STR, user, SIGND_NAME_MAX, "for whom")
#define SIGND_APPROVER_SET_RSP(F, T)
#define SIGND_APPROVER_DELETE_REQ(F, T)                                      \
	F(T, STR, name, SIGND_NAME_MAX, "")                                  \
	F(T, STR, user, SIGND_NAME_MAX, "for whom")
#define SIGND_APPROVER_DELETE_RSP(F, T)
#define SIGND_APPROVERS_REQ(F, T)                                            \
	F(T, STR, after, SIGND_NAME_MAX, "last name of the page before")
#define SIGND_APPROVERS_RSP(F, T)                                            \
	F(T, BIN, items, 98304, "list of signd_approver")                    \
	F(T, BOOL, more, 0, "there are further pages")

/* statement: what approvers sign, a text that people can read. */
#define SIGND_APPROVAL(F, T)                                                 \
	F(T, STR, id, SIGND_ID_LEN, "")                                      \
	F(T, STR, statement, 1500, "what is to be agreed to")                \
	F(T, STR, state, 15, "pending, approved")                            \
	F(T, STR, have, SIGND_LIST_MAX, "who has agreed")                    \
	F(T, U32, want, 16, "how many must")                                 \
	F(T, U64, created, 0, "")                                            \
	F(T, U64, expires, 0, "")
#define SIGND_APPROVAL_LIST_REQ(F, T)                                        \
	F(T, STR, after, SIGND_ID_LEN, "last id of the page before; empty: first")
#define SIGND_APPROVAL_LIST_RSP(F, T)                                        \
	F(T, BIN, items, 98304, "list of signd_approval")                    \
	F(T, BOOL, more, 0, "there are further pages")
#define SIGND_APPROVAL_WANT_REQ(F, T)                                        \
	F(T, STR, action, 15, "sign")                                        \
	F(T, STR, key, SIGND_ID_LEN, "id")                                   \
	F(T, U32, mech, SIGND_MECHS, "one of enum signd_mech")               \
	F(T, U32, hash, 512, "as in the request to sign")                    \
	F(T, BIN, digest, 128, "what will be signed")                        \
	F(T, STR, meaning, 200, "what it is")                                \
	F(T, STR, user, SIGND_NAME_MAX, "for whom")
#define SIGND_APPROVAL_WANT_RSP(F, T)                                        \
	F(T, STR, id, SIGND_ID_LEN, "")                                      \
	F(T, STR, statement, 1500, "what is to be agreed to")

/* signature: ECDSA-SHA256 in DER, of p256 over the statement; of webauthn an
 * assertion whose challenge is SHA-256 of the statement. */
#define SIGND_APPROVAL_PUT_REQ(F, T)                                         \
	F(T, STR, id, SIGND_ID_LEN, "")                                      \
	F(T, STR, approver, SIGND_NAME_MAX, "")                              \
	F(T, BIN, signature, 128, "ECDSA-Sig-Value, DER")                    \
	F(T, BIN, auth_data, 1024, "authenticatorData of webauthn")          \
	F(T, BIN, client_data, 2048, "clientDataJSON of webauthn")           \
	F(T, STR, user, SIGND_NAME_MAX, "for whom")
#define SIGND_APPROVAL_PUT_RSP(F, T)                                         \
	F(T, U32, have, 16, "how many have agreed")                          \
	F(T, U32, want, 16, "how many must")

/* NOTFOUND: none is open, or it has been used; BUSY: it is being used. */
#define SIGND_APPROVAL_WITHDRAW_REQ(F, T)                                    \
	F(T, STR, id, SIGND_ID_LEN, "")                                      \
	F(T, STR, user, SIGND_NAME_MAX, "for whom")
#define SIGND_APPROVAL_WITHDRAW_RSP(F, T)

/* A signed head of the journal, to be kept elsewhere. */
#define SIGND_JOURNAL_EXPORT_REQ(F, T)
#define SIGND_JOURNAL_EXPORT_RSP(F, T)                                       \
	F(T, U64, seq, 0, "number of the last record that it covers")        \
	F(T, BIN, hash, 32, "its chain hash")                                \
	F(T, U64, wall, 0, "when")                                           \
	F(T, STR, key, SIGND_ID_LEN, "the journal key")                      \
	F(T, BIN, spki, SIGND_SPKI_MAX, "its public half")                   \
	F(T, BIN, next, 32, "SHA-256 of that of the one to follow it")       \
	F(T, BIN, signature, 128, "Ecdsa-Sig-Value, DER")

/* A last head by the journal key names the next one. */
#define SIGND_JOURNAL_RENEW_REQ(F, T)                                        \
	F(T, STR, key, SIGND_ID_LEN, "the one that is to be replaced")
#define SIGND_JOURNAL_RENEW_RSP(F, T)                                        \
	F(T, STR, key, SIGND_ID_LEN, "the journal key")                      \
	F(T, BIN, spki, SIGND_SPKI_MAX, "its public half")

/* X(purpose, who may seal, who may unseal, text) */
#define SIGND_PURPOSES(X)                                                    \
	X("hub", ROLE_WEB, ROLE_PUSH, "credentials of hubs")                 \
	X("totp", ROLE_WEB, ROLE_WEB, "second factors of people")            \
	X("wifi", ROLE_WEB, ROLE_PROVISION, "networks of a factory")         \
	X("database", ROLE_WEB, ROLE_DATA, "credentials of databases")       \
	X("token", ROLE_ADMIN | ROLE_WEB, ROLE_ADMIN | ROLE_WEB | ROLE_ENROL, \
	    "tokens that devices enrol with")                                \
	X("mail", ROLE_WEB | ROLE_ADMIN, ROLE_WEB, "password of a mail server") \
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
	X(signd_root_renew_rsp, SIGND_ROOT_RENEW_RSP)                        \
	X(signd_rules, SIGND_RULES)                                          \
	X(signd_code_key, SIGND_CODE_KEY)                                \
	X(signd_approver, SIGND_APPROVER)                                \
	X(signd_approval, SIGND_APPROVAL)                                \
	X(signd_key_make_req, SIGND_KEY_MAKE_REQ)                            \
	X(signd_key_make_rsp, SIGND_KEY_MAKE_RSP)                            \
	X(signd_key_import_req, SIGND_KEY_IMPORT_REQ)                        \
	X(signd_key_import_rsp, SIGND_KEY_IMPORT_RSP)                        \
	X(signd_key_set_req, SIGND_KEY_SET_REQ)                              \
	X(signd_key_set_rsp, SIGND_KEY_SET_RSP)                              \
	X(signd_key_delete_req, SIGND_KEY_DELETE_REQ)                        \
	X(signd_key_delete_rsp, SIGND_KEY_DELETE_RSP)                        \
	X(signd_key_cert_req, SIGND_KEY_CERT_REQ)                            \
	X(signd_key_cert_rsp, SIGND_KEY_CERT_RSP)                            \
	X(signd_code_info_req, SIGND_CODE_INFO_REQ)                          \
	X(signd_code_info_rsp, SIGND_CODE_INFO_RSP)                          \
	X(signd_code_keys_req, SIGND_CODE_KEYS_REQ)                          \
	X(signd_code_keys_rsp, SIGND_CODE_KEYS_RSP)                          \
	X(signd_code_sign_req, SIGND_CODE_SIGN_REQ)                          \
	X(signd_code_sign_rsp, SIGND_CODE_SIGN_RSP)                          \
	X(signd_sign_firmware_req, SIGND_SIGN_FIRMWARE_REQ)                  \
	X(signd_sign_firmware_rsp, SIGND_SIGN_FIRMWARE_RSP)                  \
	X(signd_approver_set_req, SIGND_APPROVER_SET_REQ)                    \
	X(signd_approver_set_rsp, SIGND_APPROVER_SET_RSP)                    \
	X(signd_approver_delete_req, SIGND_APPROVER_DELETE_REQ)              \
	X(signd_approver_delete_rsp, SIGND_APPROVER_DELETE_RSP)              \
	X(signd_approvers_req, SIGND_APPROVERS_REQ)                          \
	X(signd_approvers_rsp, SIGND_APPROVERS_RSP)                          \
	X(signd_approval_list_req, SIGND_APPROVAL_LIST_REQ)                  \
	X(signd_approval_list_rsp, SIGND_APPROVAL_LIST_RSP)                  \
	X(signd_approval_want_req, SIGND_APPROVAL_WANT_REQ)                  \
	X(signd_approval_want_rsp, SIGND_APPROVAL_WANT_RSP)                  \
	X(signd_approval_put_req, SIGND_APPROVAL_PUT_REQ)                    \
	X(signd_approval_put_rsp, SIGND_APPROVAL_PUT_RSP)                    \
	X(signd_journal_export_req, SIGND_JOURNAL_EXPORT_REQ)                \
	X(signd_journal_export_rsp, SIGND_JOURNAL_EXPORT_RSP)                \
	X(signd_journal_renew_req, SIGND_JOURNAL_RENEW_REQ)                  \
	X(signd_journal_renew_rsp, SIGND_JOURNAL_RENEW_RSP)                  \
	X(signd_pepper_req, SIGND_PEPPER_REQ)                                \
	X(signd_pepper_rsp, SIGND_PEPPER_RSP)                                \
	X(signd_tls_csr_req, SIGND_TLS_CSR_REQ)                              \
	X(signd_tls_csr_rsp, SIGND_TLS_CSR_RSP)                              \
	X(signd_approval_withdraw_req, SIGND_APPROVAL_WITHDRAW_REQ)          \
	X(signd_approval_withdraw_rsp, SIGND_APPROVAL_WITHDRAW_RSP)

#define X(name, fields) WIRE_DECLARE(name, fields)
SIGND_MESSAGES(X)
#undef X

#endif
