// SPDX-License-Identifier: Apache-2.0
#ifndef QUOINCTL_COMMANDS_H
#define QUOINCTL_COMMANDS_H

/*
 * The command line, written once: parser, help and completion are made from
 * these tables, and quoinctl(1) is held against them by a test.
 */

/* X(id, name, what its value is or NULL for a flag, text) */
#define CTL_OPTIONS(X)                                                        \
	X(state, "state", "DIR", "use DIR/quoin.conf")                        \
	X(json, "json", NULL, "print JSON")                                   \
	X(help, "help", NULL, "say how a command is used")                    \
	X(policy, "policy", "POLICY", "the policy")                           \
	X(devices, "devices", "FILE",                                         \
	    "file of DeviceIDs, - for standard input")                        \
	X(batch, "batch", "BATCH", "the batch")                               \
	X(description, "description", "TEXT", "what it is, for people")       \
	X(status, "status", "STATUS",                                         \
	    "only not-enrolled, enrolled, expired or revoked devices, or "    \
	    "those waiting for approval")                                     \
	X(limit, "limit", "N", "at most N of them")                           \
	X(reason, "reason", "TEXT", "why; keyCompromise, superseded, "        \
	    "cessationOfOperation and the like also go into the CRL")         \
	X(device_lifetime, "device-lifetime", "TIME",                         \
	    "life of device certificates, e.g. 30d")                          \
	X(issuing_lifetime, "issuing-lifetime", "TIME",                       \
	    "life of the issuing CA, e.g. 5y")                                \
	X(autorenew, "autorenew", NULL, "devices renew by themselves")        \
	X(no_autorenew, "no-autorenew", NULL,                                 \
	    "devices renew when allowed to")                                  \
	X(issuing_autorenew, "issuing-autorenew", NULL,                       \
	    "the issuing CA is renewed in time (default)")                    \
	X(no_issuing_autorenew, "no-issuing-autorenew", NULL,                 \
	    "the issuing CA ends when it ends")                               \
	X(allow_rekey, "allow-rekey", NULL,                                   \
	    "devices may renew with a new key")                               \
	X(no_allow_rekey, "no-allow-rekey", NULL, "they may not (default)")   \
	X(allow_rsa2048, "allow-rsa2048", NULL,                               \
	    "device keys may be RSA-2048")                                    \
	X(no_allow_rsa2048, "no-allow-rsa2048", NULL,                         \
	    "they may not (default)")                                         \
	X(allow_serverkey, "allow-serverkey", NULL,                           \
	    "devices may have their key made by the appliance")               \
	X(no_allow_serverkey, "no-allow-serverkey", NULL,                     \
	    "they may not (default)")                                         \
	X(approve, "approve", NULL,                                           \
	    "an operator approves each first enrolment")                      \
	X(no_approve, "no-approve", NULL, "nobody does (default)")            \
	X(token_alone, "token-alone", NULL,                                   \
	    "a token is enough, without a certificate")                       \
	X(no_token_alone, "no-token-alone", NULL, "it is not (default)")      \
	X(name, "name", "NAME", "name it so, for people")                     \
	X(must_preregister, "must-preregister", NULL,                         \
	    "only devices whose DeviceID is in a batch")                      \
	X(requires_token, "requires-token", NULL,                             \
	    "only devices that send a token of the batch")                    \
	X(not_before, "not-before", "DATE",                                   \
	    "valid from 00:00 UTC of this day; else from now on")             \
	X(not_after, "not-after", "DATE",                                     \
	    "invalid from 00:00 UTC of this day")                             \
	X(rsa, "rsa", NULL, "TLS keys RSA-3072 instead of P-256")             \
	X(pem, "pem", NULL, "print PEM")                                      \
	X(yes, "yes", NULL, "do what cannot be undone without asking")        \
	X(head, "head", "NOTE",                                               \
	    "the end as an earlier run told it: the journal must hold it")    \
	X(heads, "heads", "FILE",                                             \
	    "heads of the journal that were kept outside, - for standard "    \
	    "input")                                                          \
	X(dir, "dir", "DIR", "the journal in this folder")                    \
	X(archive, "archive", "DIR", "the journal's earlier files")           \
	X(grace, "grace", "SECONDS",                                          \
	    "what was issued since then may not be recorded yet (60)")        \
	X(no_wait, "no-wait", NULL, "do not wait until it is gone")           \
	X(purpose, "purpose", "PURPOSE",                                      \
	    "firmware, codesign, jwt, provision, update, backup")             \
	X(kind, "kind", "KIND", "P-256 (default), RSA-3072, AES-256")         \
	X(token, "token", "N", "1: the token (default), 2: the second one")   \
	X(users, "users", "USER,...",                                         \
	    "users of this machine whom a codesign key is for")               \
	X(roles, "roles", "ROLE,...", "fewer roles than the purpose's")       \
	X(mechs, "mechs", "MECH,...", "ecdsa; rsa-pkcs1, rsa-pss")            \
	X(uses, "uses", "N", "signatures in all")                             \
	X(rate, "rate", "N/min", "signatures in a minute")                    \
	X(approvals, "approvals", "N", "how many approvers must agree")       \
	X(approvers, "approvers", "NAME,...", "of whom")                      \
	X(remove, "remove", NULL, "take the certificate away")                \
	X(webauthn, "webauthn", "FILE",                                       \
	    "what a browser's credential gave, JSON")                         \
	X(signature, "signature", "FILE",                                     \
	    "ECDSA-SHA256 over the statement, DER")                           \
	X(key, "key", "FILE", "sign the statement with this P-256 key, PEM")  \
	X(mech, "mech", "MECH", "ecdsa; rsa-pss, rsa-pkcs1")                  \
	X(hash, "hash", "BITS", "256 (default), 384, 512")                    \
	X(meaning, "meaning", "TEXT",                                         \
	    "what it is, for journal and approvers; else the file's name")    \
	X(out, "out", "FILE", "write it there")                               \
	X(role, "role", "ROLE", "contributor (default) or administrator")     \
	X(user, "user", "NAME", "the user name that it is for")               \
	X(first, "first", NULL, "only while there is no user")                \
	X(no_second_factor, "no-second-factor", NULL,                         \
	    "take the second factor away, too")

enum ctl_opt {
#define X(id, name, value, text) CTL_OPT_##id,
	CTL_OPTIONS(X)
#undef X
	CTL_OPTS
};

#define O_(id) (UINT64_C(1) << CTL_OPT_##id)
#define O_FLAGS_                                                          \
	(O_(autorenew) | O_(no_autorenew) | O_(issuing_autorenew) |       \
	    O_(no_issuing_autorenew) | O_(allow_rekey) |                  \
	    O_(no_allow_rekey) | O_(allow_rsa2048) | O_(no_allow_rsa2048) | \
	    O_(allow_serverkey) | O_(no_allow_serverkey) |                \
	    O_(approve) | O_(no_approve))
#define O_RULES_                                                      \
	(O_(users) | O_(roles) | O_(mechs) | O_(not_before) |         \
	    O_(not_after) | O_(uses) | O_(rate) | O_(approvals) |     \
	    O_(approvers))
#define O_SIGN_ (O_(mech) | O_(hash) | O_(meaning))
#define O_LIVES_ (O_(device_lifetime) | O_(issuing_lifetime))

/* X(id, group, verb, least and most arguments, arguments and needed options,
 * options it takes beside --state --json --help, text) */
#define CTL_COMMANDS(X)                                                       \
	X(status, "status", "", 0, 0, "", 0, "how the whole appliance is")    \
	X(config_show, "config", "show", 0, 0, "", 0,                         \
	    "the configuration that is in force")                             \
	X(config_name, "config", "name", 1, 1, "HOST[,IP...]", 0,             \
	    "set the appliance's name and reissue its TLS certificates")      \
	X(batch_list, "batch", "list", 0, 0, "", 0,                           \
	    "all batches with their counts")                                  \
	X(batch_show, "batch", "show", 1, 1, "NAME", 0, "one batch")          \
	X(batch_create, "batch", "create", 1, 1, "NAME --policy POLICY",      \
	    O_(policy) | O_(devices) | O_(description) | O_(token_alone),     \
	    "make a batch and load its devices, all or nothing")              \
	X(batch_edit, "batch", "edit", 1, 1, "NAME",                          \
	    O_(description) | O_(token_alone) | O_(no_token_alone),           \
	    "change a batch")                                                 \
	X(batch_add, "batch", "add", 1, 1, "NAME --devices FILE",             \
	    O_(devices), "load more devices, all or nothing")                 \
	X(batch_export, "batch", "export", 1, 1, "NAME", 0,                   \
	    "its DeviceIDs as a file for batch create")                       \
	X(batch_delete, "batch", "delete", 1, 1, "NAME", O_(no_wait),         \
	    "revoke and delete all its devices, and the batch")               \
	X(batch_recount, "batch", "recount", 1, 1, "NAME", 0,                 \
	    "count its devices anew and set its counters right")              \
	X(device_list, "device", "list", 0, 0, "",                            \
	    O_(batch) | O_(status) | O_(limit),                                \
	    "devices of a batch, or of all")                                  \
	X(device_find, "device", "find", 1, 1, "PREFIX", O_(limit),           \
	    "devices whose DeviceID begins so")                               \
	X(device_show, "device", "show", 1, 1, "ID", 0,                       \
	    "one device and its certificates")                                \
	X(device_add, "device", "add", 1, 10000, "ID... --batch BATCH",       \
	    O_(batch), "add devices to a batch, all or nothing")              \
	X(device_revoke, "device", "revoke", 1, 1, "ID", O_(reason),          \
	    "refuse a device, and revoke its certificates")                   \
	X(device_approve, "device", "approve", 1, 1, "ID", 0,                 \
	    "let a device enrol that waits for approval")                     \
	X(device_allow, "device", "allow", 1, 1, "ID", 0,                     \
	    "let a device enrol or renew again")                              \
	X(device_move, "device", "move", 1, 1, "ID --batch BATCH",            \
	    O_(batch), "put a device into another batch")                     \
	X(device_delete, "device", "delete", 1, 1, "ID", O_(no_wait),         \
	    "revoke what a device holds and forget it")                       \
	X(policy_list, "policy", "list", 0, 0, "", 0, "all policies")         \
	X(policy_show, "policy", "show", 1, 1, "NAME", 0, "one policy")       \
	X(policy_create, "policy", "create", 1, 1,                            \
	    "NAME --device-lifetime TIME --issuing-lifetime TIME",            \
	    O_LIVES_ | O_FLAGS_, "make a policy and its issuing CA")          \
	X(policy_edit, "policy", "edit", 1, 1, "NAME", O_LIVES_ | O_FLAGS_,   \
	    "change a policy; certificates that exist stay as they are")      \
	X(policy_delete, "policy", "delete", 1, 1, "NAME", 0,                 \
	    "delete a policy that no batch uses")                             \
	X(authcert_list, "authcert", "list", 0, 0, "", 0,                     \
	    "CAs of manufacturers whose certificates let devices in")         \
	X(authcert_show, "authcert", "show", 1, 1, "NAME", O_(pem),           \
	    "one of them")                                                    \
	X(authcert_add, "authcert", "add", 1, 1, "FILE",                      \
	    O_(batch) | O_(name) | O_(must_preregister) | O_(requires_token), \
	    "import a CA certificate, PEM, - for standard input")             \
	X(authcert_remove, "authcert", "remove", 1, 1, "NAME", 0,             \
	    "nobody enrols by it from now on")                                \
	X(token_list, "token", "list", 0, 0, "", 0,                           \
	    "all tokens, with their values")                                  \
	X(token_show, "token", "show", 1, 1, "NAME", 0, "one token")          \
	X(token_create, "token", "create", 1, 1,                              \
	    "NAME --batch BATCH --not-after DATE",                            \
	    O_(batch) | O_(not_before) | O_(not_after),                       \
	    "make a token and print its value")                               \
	X(token_remove, "token", "remove", 1, 1, "NAME", 0,                   \
	    "it opens nothing from now on")                                   \
	X(user_list, "user", "list", 0, 0, "", 0,                             \
	    "all users of the web administration")                            \
	X(user_show, "user", "show", 1, 1, "NAME", 0, "one user")             \
	X(user_link, "user", "link", 0, 0, "",                                \
	    O_(role) | O_(user) | O_(first),                                  \
	    "make a link by which somebody becomes a user, within a day")     \
	X(user_reset, "user", "reset", 1, 1, "NAME", O_(no_second_factor),    \
	    "make a link by which a user sets a password, within an hour")    \
	X(user_disable, "user", "disable", 1, 1, "NAME", 0,                   \
	    "let a user in no more")                                          \
	X(user_enable, "user", "enable", 1, 1, "NAME", 0,                     \
	    "let a user in again")                                            \
	X(user_delete, "user", "delete", 1, 1, "NAME", 0,                     \
	    "delete a user, but never the last administrator")                \
	X(hsm_status, "hsm", "status", 0, 0, "", 0,                           \
	    "how the signing daemon and its token are")                       \
	X(hsm_init, "hsm", "init", 0, 1, "[HOST[,IP...]]", O_(rsa),           \
	    "make the OEM Root, the TLS keys and the sealing key")            \
	X(hsm_root, "hsm", "root", 0, 1, "[renew]", O_(pem) | O_(yes),        \
	    "the OEM Root; renew: replace it by another")                     \
	X(hsm_certs, "hsm", "certs", 0, 0, "", O_(pem),                       \
	    "certificates of the appliance")                                  \
	X(hsm_keys, "hsm", "keys", 0, 0, "", 0, "keys in the token")          \
	X(key_create, "hsm", "key create", 1, 1, "NAME --purpose PURPOSE",    \
	    O_(purpose) | O_(kind) | O_(token) | O_RULES_,                    \
	    "make a key in the token, with rules")                            \
	X(key_import, "hsm", "key import", 2, 2,                              \
	    "NAME FILE --purpose PURPOSE",                                    \
	    O_(purpose) | O_(token) | O_RULES_,                               \
	    "import a private key, PKCS #8, - for standard input")            \
	X(key_list, "hsm", "key list", 0, 0, "", 0, "keys that people made")  \
	X(key_show, "hsm", "key show", 1, 1, "NAME", 0,                       \
	    "one of them, and its rules")                                     \
	X(key_edit, "hsm", "key edit", 1, 1, "NAME", O_RULES_,                \
	    "change its rules")                                               \
	X(key_delete, "hsm", "key delete", 1, 1, "NAME", O_(yes),             \
	    "destroy it in the token")                                        \
	X(key_cert, "hsm", "key cert", 1, 2, "NAME [FILE]", O_(remove),       \
	    "its certificate, PEM; with FILE: attach this one")               \
	X(key_public, "hsm", "key public", 1, 1, "NAME", 0,                   \
	    "its public half, PEM")                                           \
	X(hsm_sign, "hsm", "sign", 2, 2, "KEY FILE", O_SIGN_ | O_(out),       \
	    "sign a file; ECDSA's signatures in DER")                         \
	X(approver_add, "hsm", "approver add", 1, 2, "NAME [FILE]",           \
	    O_(webauthn), "who can agree to the use of keys; FILE: a public " \
	    "key of P-256, PEM")                                              \
	X(approver_list, "hsm", "approver list", 0, 0, "", 0,                 \
	    "they all")                                                       \
	X(approver_delete, "hsm", "approver delete", 1, 1, "NAME", 0,         \
	    "one that no key's rules name")                                   \
	X(approval_list, "hsm", "approval list", 0, 0, "", 0,                 \
	    "what waits for approval, and what has it and was not used yet")  \
	X(approval_request, "hsm", "approval request", 2, 2, "KEY FILE",      \
	    O_SIGN_, "ask for approval before signing")                       \
	X(approval_statement, "hsm", "approval statement", 1, 1, "ID", 0,     \
	    "print what approvers sign")                                      \
	X(approval_give, "hsm", "approval give", 2, 2, "ID NAME",             \
	    O_(key) | O_(signature) | O_(webauthn),                           \
	    "hand in the proof that an approver agrees")                      \
	X(approval_withdraw, "hsm", "approval withdraw", 1, 1, "ID", 0,       \
	    "end one that is not used yet")                                   \
	X(journal_verify, "journal", "verify", 0, 0, "",                      \
	    O_(head) | O_(heads) | O_(dir) | O_(archive),                     \
	    "find what was changed, dropped or swapped in the journal")       \
	X(journal_export, "journal", "export", 0, 1, "[FILE]", 0,             \
	    "sign the journal's head, and append it to a file")               \
	X(journal_show, "journal", "show", 1, 1, "NUMBER",                    \
	    O_(dir) | O_(archive), "one record of the journal")               \
	X(journal_reconcile, "journal", "reconcile", 0, 0, "",                \
	    O_(dir) | O_(archive) | O_(grace),                                \
	    "compare the journal with the records")                           \
	X(journal_renew, "journal", "renew", 0, 0, "", 0,                     \
	    "replace the journal key")                                        \
	X(journal_tail, "journal", "tail", 0, 0, "", O_(limit),               \
	    "the journal's last records, 20 of them without --limit")         \
	X(activity_list, "activity", "list", 0, 0, "", O_(limit),             \
	    "who did what, the latest last; 20 without --limit")              \
	X(completion_bash, "completion", "bash", 0, 0, "", 0,                 \
	    "print completion for bash")

#endif
