// SPDX-License-Identifier: Apache-2.0
#ifndef RECORDS_RECORDS_H
#define RECORDS_RECORDS_H

/*
 * The record table: every type of document the appliance keeps, written
 * once. Structs, BSON and JSON, validation, indexes and counters come from
 * it. A field is
 *
 *	F(T, kind, name, low, high, flags, text)
 *
 * kinds, and what they are in C, BSON and JSON:
 *	STR	char[high + 1], low..high bytes of UTF-8 without control
 *		characters; utf8; string
 *	INT	int64_t, low..high; int64; number
 *	ENUM	int64_t, one of enum rec_<T>_<name>; int32; its name
 *	BOOL	bool; bool; true or false
 *	TIME	int64_t, seconds since 1970; date; RFC 3339 in UTC
 *	CERTS	struct rec_certs; array; array
 *	BYTES	struct { size_t len; uint8_t p[high]; }, low..high bytes; binary
 *		(generic); base64
 * An empty string, no bytes, 0 and false are not stored and not indexed:
 * absent is the same. A STR or BYTES with low > 0 must be there.
 *
 * The key is no field of the document; it travels beside it.
 */

#include <bson/bson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define REC_KEY_MAX 100
#define REC_DOC_MAX 16384
#define REC_NAME_MAX 64 /* of batches, policies, leases */
#define REC_CERTS_MAX 8
#define REC_SPAN_MAX 3153600000 /* 100 years of seconds */
#define REC_STEP_MAX (INT64_C(1) << 40) /* of half a minute each */
#define REC_CERT_DER_MAX 4096
#define REC_SEALED_MAX 128

enum rec_flag {
	REC_PLAIN = 0,
	REC_INDEX = 1, /* documents can be listed by its value; of CERTS, at
			* most one in a type, by "<issuer>/<serial>" of each */
	REC_GROUP = 2, /* counters are kept for each of its values */
	REC_COUNT = 4, /* each ENUM value, or BOOL true, is counted */
	REC_FIXED = 8, /* never changes after the insert */
};

#define REC_DEVICE_STATES(X)                \
	X(NOT_ENROLLED, 0, "not_enrolled")  \
	X(ENROLLED, 1, "enrolled")          \
	X(EXPIRED, 2, "expired")            \
	X(REVOKED, 3, "revoked")

/* What must still be done for a device and is found by its index. */
#define REC_DEVICE_INTENTS(X)                                   \
	X(INTENT_NONE, 0, "none")                               \
	X(INTENT_PUBLISH, 1, "publish")                         \
	X(INTENT_DELETE, 2, "delete")

/* Whether an operator lets it enrol for the first time. */
#define REC_DEVICE_APPROVALS(X)                                 \
	X(APPROVAL_NONE, 0, "none")                             \
	X(APPROVAL_WAITING, 1, "waiting")                       \
	X(APPROVAL_APPROVED, 2, "approved")

enum rec_device_state {
#define X(name, num, text) DEVICE_##name = (num),
	REC_DEVICE_STATES(X)
#undef X
};

enum rec_device_intent {
#define X(name, num, text) DEVICE_##name = (num),
	REC_DEVICE_INTENTS(X)
#undef X
};

enum rec_device_approval {
#define X(name, num, text) DEVICE_##name = (num),
	REC_DEVICE_APPROVALS(X)
#undef X
};

/* What devices under a policy connect to (guide 11). */
#define REC_POLICY_CONNECTIONS(X)                                       \
	X(IOT_HUB, 0, "iot_hub")                                        \
	X(DATABASE_DIRECT, 1, "database_direct")

enum rec_policy_connection {
#define X(name, num, text) CONNECTION_##name = (num),
	REC_POLICY_CONNECTIONS(X)
#undef X
};

#define REC_USER_ROLES(X)                       \
	X(CONTRIBUTOR, 0, "contributor")        \
	X(ADMINISTRATOR, 1, "administrator")

#define REC_LINK_KINDS(X)                                               \
	X(FIRST, 0, "first")                                            \
	X(INVITE, 1, "invite")                                          \
	X(SIGNUP, 2, "signup")                                          \
	X(RESET, 3, "reset")

enum rec_user_role {
#define X(name, num, text) USER_##name = (num),
	REC_USER_ROLES(X)
#undef X
};

enum rec_link_kind {
#define X(name, num, text) LINK_##name = (num),
	REC_LINK_KINDS(X)
#undef X
};

#define REC_BATCH_FIELDS(F, T)                                              \
	F(T, STR, policy, 1, REC_NAME_MAX, REC_INDEX, "policy of the batch") \
	F(T, STR, description, 0, 256, REC_PLAIN, "for people")             \
	F(T, TIME, created_at, 0, 0, REC_FIXED, "when it was made")         \
	F(T, STR, load_id, 0, 16, REC_PLAIN,                                \
	    "the load under way; devices that carry it do not count yet")   \
	F(T, INT, load_total, 0, INT32_MAX, REC_PLAIN,                      \
	    "devices of the load under way")                                \
	F(T, TIME, load_at, 0, 0, REC_PLAIN,                                \
	    "when the load was last seen alive")                            \
	F(T, BOOL, deleting, 0, 1, REC_PLAIN,                               \
	    "its devices are being revoked and deleted, then it is")        \
	F(T, BOOL, token_alone, 0, 1, REC_PLAIN,                            \
	    "a token is enough without a certificate")                      \
	F(T, STR, firmware, 0, REC_NAME_MAX, REC_PLAIN,                     \
	    "firmware of its devices")                                      \
	F(T, STR, signing_key, 0, REC_NAME_MAX, REC_PLAIN,                  \
	    "key that its firmware is signed with")                         \
	F(T, BYTES, filter, 0, 2048, REC_PLAIN,                             \
	    "attributes its firmware has: [{\"name\":...,\"value\":...}]")

#define REC_DEVICE_FIELDS(F, T)                                             \
	F(T, STR, batch, 1, REC_NAME_MAX, REC_INDEX | REC_GROUP,            \
	    "batch it belongs to")                                          \
	F(T, ENUM, state, 0, 3, REC_COUNT, "where it stands")               \
	F(T, BOOL, renewed, 0, 1, REC_COUNT, "has renewed at least once")   \
	F(T, INT, issued, 0, INT32_MAX, REC_PLAIN,                          \
	    "certificates issued to it so far")                             \
	F(T, TIME, enrolled_at, 0, 0, REC_PLAIN, "first enrolment")         \
	F(T, TIME, renewed_at, 0, 0, REC_PLAIN, "latest renewal")           \
	F(T, TIME, last_seen, 0, 0, REC_PLAIN, "latest contact, coarse")    \
	F(T, TIME, due, 0, 0, REC_INDEX,                                    \
	    "next moment at which something is to be done about it")        \
	F(T, BOOL, allow_renew, 0, 1, REC_PLAIN,                            \
	    "an operator lets it enrol again, once")                        \
	F(T, TIME, revoked_at, 0, 0, REC_PLAIN, "when it was revoked")      \
	F(T, STR, reason, 0, 160, REC_PLAIN, "why it was revoked")          \
	F(T, STR, request, 0, 32, REC_PLAIN,                                \
	    "digest of the request that the newest certificate answered")   \
	F(T, CERTS, certs, 0, REC_CERTS_MAX, REC_INDEX,                     \
	    "certificates it may hold, newest first")                       \
	F(T, ENUM, intent, 0, 2, REC_INDEX, "what must still be done")      \
	F(T, STR, load, 0, 16, REC_PLAIN,                                   \
	    "the load, or the enrolment, that brought it")                  \
	F(T, ENUM, approval, 0, 2, REC_INDEX,                               \
	    "whether an operator lets it enrol for the first time")         \
	F(T, STR, asked, 0, 32, REC_PLAIN,                                  \
	    "digest of the request that began to wait for that")

#define REC_POLICY_FIELDS(F, T)                                             \
	F(T, INT, device_lifetime, 1, REC_SPAN_MAX, REC_PLAIN,              \
	    "seconds a device certificate lasts")                           \
	F(T, INT, issuing_lifetime, 1, REC_SPAN_MAX, REC_PLAIN,             \
	    "seconds an issuing CA lasts")                                  \
	F(T, BOOL, autorenew, 0, 1, REC_PLAIN,                              \
	    "devices renew without being allowed to")                       \
	F(T, BOOL, issuing_autorenew, 0, 1, REC_PLAIN,                      \
	    "the issuing CA renews by itself")                              \
	F(T, BOOL, allow_rekey, 0, 1, REC_PLAIN,                            \
	    "devices may renew with a new key")                             \
	F(T, BOOL, allow_rsa2048, 0, 1, REC_PLAIN,                          \
	    "devices may have RSA keys of 2048 bits")                       \
	F(T, BOOL, allow_serverkey, 0, 1, REC_PLAIN,                        \
	    "devices may have their key made by the appliance")             \
	F(T, BOOL, approve, 0, 1, REC_PLAIN,                                \
	    "an operator approves each first enrolment")                    \
	F(T, STR, hub, 0, REC_NAME_MAX, REC_PLAIN, "hub of its devices")    \
	F(T, ENUM, connection, 0, 1, REC_PLAIN, "what that is")             \
	F(T, TIME, created_at, 0, 0, REC_FIXED, "when it was made")

#define REC_REVOKED_FIELDS(F, T)                                            \
	F(T, STR, device, 64, 64, REC_FIXED, "DeviceID")                    \
	F(T, STR, batch, 1, REC_NAME_MAX, REC_FIXED, "batch of the device") \
	F(T, STR, issuer, 1, 16, REC_INDEX | REC_FIXED,                     \
	    "id of the issuing CA")                                         \
	F(T, TIME, not_after, 0, 0, REC_INDEX | REC_FIXED,                  \
	    "when the certificate ends and leaves the CRL")                 \
	F(T, TIME, revoked_at, 0, 0, REC_FIXED, "when it was revoked")      \
	F(T, STR, reason, 0, 160, REC_FIXED, "why")

#define REC_SETTING_FIELDS(F, T) \
	F(T, STR, value, 0, 12288, REC_PLAIN, "its value")

#define REC_ACTIVITY_FIELDS(F, T)                                           \
	F(T, TIME, at, 0, 0, REC_FIXED, "when")                             \
	F(T, STR, who, 0, 64, REC_INDEX | REC_FIXED,                        \
	    "user; empty: a device did it itself, and is the object")       \
	F(T, STR, from, 0, 64, REC_FIXED, "address it came from")           \
	F(T, STR, what, 1, 64, REC_FIXED, "what was done")                  \
	F(T, STR, object, 0, 128, REC_INDEX | REC_FIXED, "to what")         \
	F(T, STR, detail, 0, 256, REC_FIXED, "and more about it")

#define REC_LEASE_FIELDS(F, T)                                              \
	F(T, STR, owner, 1, 64, REC_PLAIN, "process that holds it")         \
	F(T, TIME, until, 0, 0, REC_PLAIN, "when it lapses")

#define REC_AUTH_CERT_FIELDS(F, T)                                          \
	F(T, STR, name, 1, REC_NAME_MAX, REC_PLAIN, "for people")           \
	F(T, BYTES, cert, 1, REC_CERT_DER_MAX, REC_FIXED,                   \
	    "X.509 certificate, DER")                                       \
	F(T, BOOL, must_preregister, 0, 1, REC_PLAIN,                       \
	    "the DeviceID must be in a batch already")                      \
	F(T, BOOL, requires_token, 0, 1, REC_PLAIN,                         \
	    "a token of the batch must come with it")                       \
	F(T, STR, batch, 0, REC_NAME_MAX, REC_INDEX,                        \
	    "batch that unknown devices come into")                         \
	F(T, TIME, created_at, 0, 0, REC_FIXED, "when it was added")

#define REC_TOKEN_FIELDS(F, T)                                              \
	F(T, STR, digest, 64, 64, REC_INDEX | REC_FIXED,                    \
	    "SHA-256 of its value, in hex")                                 \
	F(T, BYTES, sealed, 1, REC_SEALED_MAX, REC_FIXED,                   \
	    "its value, sealed by quoin-signd")                             \
	F(T, STR, batch, 1, REC_NAME_MAX, REC_INDEX,                        \
	    "batch that it lets devices into")                              \
	F(T, TIME, not_before, 0, 0, REC_PLAIN, "valid from this moment")   \
	F(T, TIME, not_after, 0, 0, REC_PLAIN,                              \
	    "valid up to the moment before")                                \
	F(T, TIME, created_at, 0, 0, REC_FIXED, "when it was made")

#define REC_USER_FIELDS(F, T)                                               \
	F(T, STR, first_name, 0, 64, REC_PLAIN, "first name")               \
	F(T, STR, last_name, 0, 64, REC_PLAIN, "last name")                 \
	F(T, STR, email, 0, 254, REC_INDEX, "e-mail address")               \
	F(T, ENUM, role, 0, 1, REC_PLAIN, "what the user may do")           \
	F(T, BYTES, password, 0, 128, REC_PLAIN,                            \
	    "argon2id's parameters and salt, the MAC of its result")        \
	F(T, TIME, password_at, 0, 0, REC_PLAIN, "when it was set")         \
	F(T, BYTES, totp, 0, REC_SEALED_MAX, REC_PLAIN,                     \
	    "seed of the second factor, sealed by quoin-signd")             \
	F(T, BOOL, totp_on, 0, 1, REC_PLAIN, "a second factor is asked for") \
	F(T, INT, totp_step, 0, REC_STEP_MAX, REC_PLAIN,                      \
	    "time step of the code used last")                              \
	F(T, BYTES, recovery, 0, 512, REC_PLAIN,                            \
	    "digests of recovery codes that are left")                      \
	F(T, BOOL, disabled, 0, 1, REC_PLAIN, "may not log in")             \
	F(T, TIME, last_login, 0, 0, REC_PLAIN, "latest log-in")            \
	F(T, STR, last_from, 0, 64, REC_PLAIN, "address it came from")      \
	F(T, TIME, created_at, 0, 0, REC_FIXED, "when it was made")

#define REC_SESSION_FIELDS(F, T)                                            \
	F(T, STR, user, 1, REC_NAME_MAX, REC_INDEX | REC_FIXED, "whose")    \
	F(T, TIME, created_at, 0, 0, REC_FIXED, "log-in")                   \
	F(T, TIME, seen_at, 0, 0, REC_PLAIN, "latest request, coarse")      \
	F(T, TIME, until, 0, 0, REC_INDEX, "when it ends")                  \
	F(T, STR, from, 0, 64, REC_PLAIN, "address it came from")           \
	F(T, STR, agent, 0, 160, REC_PLAIN, "the browser")                  \
	F(T, BOOL, second, 0, 1, REC_PLAIN, "a second factor was shown")

#define REC_API_KEY_FIELDS(F, T)                                            \
	F(T, STR, name, 1, REC_NAME_MAX, REC_PLAIN, "for people")           \
	F(T, STR, digest, 64, 64, REC_FIXED, "SHA-256 of the secret, hex")  \
	F(T, STR, user, 1, REC_NAME_MAX, REC_INDEX | REC_FIXED, "whose")    \
	F(T, INT, scopes, 0, INT32_MAX, REC_PLAIN, "bits of what it may")   \
	F(T, TIME, until, 0, 0, REC_PLAIN, "when it ends")                  \
	F(T, TIME, created_at, 0, 0, REC_FIXED, "when it was made")         \
	F(T, TIME, used_at, 0, 0, REC_PLAIN, "latest use, coarse")          \
	F(T, STR, used_from, 0, 64, REC_PLAIN, "address it came from")

#define REC_LINK_FIELDS(F, T)                                               \
	F(T, ENUM, kind, 0, 3, REC_FIXED, "what it is for")                 \
	F(T, STR, user, 0, REC_NAME_MAX, REC_PLAIN, "whom it is for")       \
	F(T, STR, email, 0, 254, REC_INDEX, "where it was sent")            \
	F(T, ENUM, role, 0, 1, REC_PLAIN, "role of who takes it")           \
	F(T, TIME, until, 0, 0, REC_INDEX, "when it ends")                  \
	F(T, TIME, created_at, 0, 0, REC_FIXED, "when it was made")         \
	F(T, STR, by, 0, 64, REC_FIXED, "who made it")

#define REC_MAIL_FIELDS(F, T)                                               \
	F(T, STR, to, 1, 254, REC_FIXED, "address")                         \
	F(T, STR, subject, 1, 200, REC_FIXED, "subject")                    \
	F(T, BYTES, body, 1, 8192, REC_FIXED, "text, UTF-8")                \
	F(T, TIME, next_at, 0, 0, REC_INDEX, "when it is tried again")      \
	F(T, INT, tries, 0, INT32_MAX, REC_PLAIN, "how often it was")       \
	F(T, STR, error, 0, 200, REC_PLAIN, "why it failed last")           \
	F(T, TIME, created_at, 0, 0, REC_FIXED, "when it was written")

/*
 * X(name, NAME, num, FIELDS, kind of key, the key in JSON, text). Numbers
 * are wire protocol, below 64 and never reused. Kinds of key:
 *	NAME	1..64 letters, digits and " ._-", none but a letter or
 *		digit at either end
 *	DEVICE	64 lower-case hex digits
 *	PATH	1..100 printable ASCII characters without blanks
 */
#define REC_TYPES(X)                                                        \
	X(batch, BATCH, 1, REC_BATCH_FIELDS, NAME, "name",                  \
	    "devices under one policy")                                     \
	X(device, DEVICE, 2, REC_DEVICE_FIELDS, DEVICE, "id",               \
	    "one device of a batch")                                        \
	X(policy, POLICY, 3, REC_POLICY_FIELDS, NAME, "name",               \
	    "lifetimes and permissions of its batches")                     \
	X(revoked, REVOKED, 4, REC_REVOKED_FIELDS, PATH, "id",              \
	    "a revoked certificate: <issuer>/<serial>")                     \
	X(setting, SETTING, 5, REC_SETTING_FIELDS, NAME, "name",            \
	    "a setting made at run time")                                   \
	X(activity, ACTIVITY, 6, REC_ACTIVITY_FIELDS, PATH, "id",           \
	    "who did what; keys are in order of time")                      \
	X(lease, LEASE, 7, REC_LEASE_FIELDS, NAME, "name",                  \
	    "work that one process at a time does")                         \
	X(auth_cert, AUTH_CERT, 8, REC_AUTH_CERT_FIELDS, DEVICE, "id",      \
	    "a manufacturer's CA, by the SHA-256 of its certificate")       \
	X(token, TOKEN, 9, REC_TOKEN_FIELDS, NAME, "name",                  \
	    "a secret in the firmware of a batch's devices")                \
	X(user, USER, 10, REC_USER_FIELDS, NAME, "name",                    \
	    "a person with a password")                                     \
	X(session, SESSION, 11, REC_SESSION_FIELDS, DEVICE, "id",           \
	    "a browser that is logged in, by the SHA-256 of its cookie")    \
	X(api_key, API_KEY, 12, REC_API_KEY_FIELDS, NAME, "id",             \
	    "an API token of a script")                                     \
	X(link, LINK, 13, REC_LINK_FIELDS, DEVICE, "id",                    \
	    "a link that is good once, by the SHA-256 of its token")        \
	X(mail, MAIL, 14, REC_MAIL_FIELDS, PATH, "id",                      \
	    "a mail to be sent; keys are in order of time")

enum rec_type {
#define X(name, NAME, num, FIELDS, key, json, text) REC_##NAME = (num),
	REC_TYPES(X)
#undef X
	REC_TYPE_MAX = 63
};

struct rec_cert {
	char serial[33];
	char issuer[17];
	int64_t not_before, not_after;
	int64_t revoked_at;
	int64_t reason; /* RFC 5280 5.3.1 */
};

struct rec_certs {
	size_t n;
	struct rec_cert c[REC_CERTS_MAX];
};

#define REC_C_STR(name, high) char name[(high) + 1];
#define REC_C_INT(name, high) int64_t name;
#define REC_C_ENUM(name, high) int64_t name;
#define REC_C_BOOL(name, high) bool name;
#define REC_C_TIME(name, high) int64_t name;
#define REC_C_CERTS(name, high) struct rec_certs name;
#define REC_C_BYTES(name, high) struct { size_t len; uint8_t p[high]; } name;

/* How each struct rec_<type> begins. rev is 0 in what was never stored. */
struct rec_head {
	char key[REC_KEY_MAX + 1];
	uint64_t rev;
};

#define REC_MEMBER_(T, kind, name, low, high, flags, text) \
	REC_C_##kind(name, high)
#define X(name, NAME, num, FIELDS, keykind, json, text) \
	struct rec_##name {                             \
		char key[REC_KEY_MAX + 1];              \
		uint64_t rev;                           \
		FIELDS(REC_MEMBER_, name)               \
	};
REC_TYPES(X)
#undef X

/* Space for a record of any type. */
union rec_any {
	struct rec_head head;
#define X(name, NAME, num, FIELDS, keykind, json, text) struct rec_##name name;
	REC_TYPES(X)
#undef X
};

enum rec_kind {
	REC_STR, REC_INT, REC_ENUM, REC_BOOL, REC_TIME, REC_CERTS, REC_BYTES
};
enum rec_key { REC_KEY_NAME, REC_KEY_DEVICE, REC_KEY_PATH };

struct rec_field {
	const char *name;
	enum rec_kind kind;
	size_t offset;
	int64_t low, high;
	unsigned flags;
	const char *const *names; /* of an ENUM: low..high */
	const char *text;
};

struct rec_desc {
	const char *name;
	enum rec_type type;
	enum rec_key key;
	const char *key_json;
	const char *text;
	const struct rec_field *fields;
	size_t n;
	size_t size;
};

/* The whole table; a type by its number or name, a field by its name: NULL
 * when there is none. */
extern const struct rec_desc rec_descs[];
extern const size_t rec_n_descs;
const struct rec_desc *rec_desc(uint32_t type);
const struct rec_desc *rec_desc_by_name(const char *name);
const struct rec_field *rec_field(const struct rec_desc *d, const char *name);

/* The field by whose values the type is counted, or NULL. */
const struct rec_field *rec_group(const struct rec_desc *d);

/* Whether key is right for the type: INVALID, and f says what is wanted. */
enum q_err rec_key_check(const struct rec_desc *d, const char *key,
    struct fault *f) Q_CHECKED;

/* Every limit of the table but the key's: INVALID, naming type.field. */
enum q_err rec_check(const struct rec_desc *d, const void *rec,
    struct fault *f) Q_CHECKED;

/* A field's value: of a STR; of CERTS; of BYTES, borrowed; of a BOOL or
 * whatever is an int64_t. */
const char *rec_str(const struct rec_field *fd, const void *rec);
const struct rec_certs *rec_certs(const struct rec_field *fd,
    const void *rec);
struct bytes rec_bytes(const struct rec_field *fd, const void *rec);
int64_t rec_int(const struct rec_field *fd, const void *rec);

/* Whether two records of a type have the same value there. */
bool rec_same(const struct rec_field *fd, const void *a, const void *b);

/* The record, already checked, as a document into out (appended). */
enum q_err rec_encode(const struct rec_desc *d, const void *rec,
    struct buf *out) Q_CHECKED;

/* A document of a peer or a store into *ret_rec, whose key and rev become
 * empty. INVALID for what the table does not know or allow, naming
 * type.field; ret_rec has no meaning then. */
enum q_err rec_decode(const struct rec_desc *d, struct bytes doc,
    void *ret_rec, struct fault *f) Q_CHECKED;

/* Counters of a type with a group: names, and the values a record adds. The
 * first counts the documents. */
#define REC_COUNTERS_MAX 16
size_t rec_counter_names(const struct rec_desc *d,
    const char *ret_names[REC_COUNTERS_MAX]);
void rec_counter_add(const struct rec_desc *d, const void *rec, int64_t sign,
    int64_t sums[REC_COUNTERS_MAX]);

/* As JSON, with the key and every field, for people and programs. The
 * caller puts it; NULL when out of memory. */
struct json_object;
struct json_object *rec_to_json(const struct rec_desc *d, const void *rec);

/* Append what is different in `now`, for people: "policy north, filter". Of
 * bytes only the name is told. */
void rec_changes(const struct rec_desc *d, const void *was, const void *now,
    struct buf *out);

/* Whether a device of this batch counts, or comes from a load that is not
 * complete (yet, or never). */
bool rec_device_valid(const struct rec_batch *b, const struct rec_device *dev);

#endif
