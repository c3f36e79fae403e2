// SPDX-License-Identifier: Apache-2.0
#ifndef RECORDS_RECORDS_OPS_H
#define RECORDS_RECORDS_OPS_H

/* What recordd can be asked, and who may: the tables that its dispatcher,
 * the client functions and PROTOCOL.md are made from. */

#include "records/records.h"
#include "wire/client.h"
#include "wire/fields.h"
#include "wire/role.h"

#define RECORDD_CURSOR_MAX 128
#define RECORDD_MANY_MAX 1500 /* keys in one insert_many */
#define RECORDD_LIST_MAX 1000 /* documents in one page */

#define RECORDD_STATUS_REQ(F, T)
#define RECORDD_STATUS_RSP(F, T)                                            \
	F(T, BOOL, ok, 0, "the store takes reads and writes")               \
	F(T, STR, store, 32, "kind of store")                               \
	F(T, STR, text, 200, "in plain words")                              \
	F(T, U64, bytes, 0, "size of the store on disk")                    \
	F(T, U64, writes, 0, "writes answered since the start")             \
	F(T, U64, commits, 0, "commits they took")                          \
	F(T, U32, watchers, 0, "streams of hints being served")

#define RECORDD_GET_REQ(F, T)                                               \
	F(T, U32, type, REC_TYPE_MAX, "record type")                        \
	F(T, STR, key, REC_KEY_MAX, "key")
#define RECORDD_GET_RSP(F, T)                                               \
	F(T, U64, rev, 0, "revision")                                       \
	F(T, BIN, doc, REC_DOC_MAX, "BSON document")

#define RECORDD_INSERT_REQ(F, T)                                            \
	F(T, U32, type, REC_TYPE_MAX, "record type")                        \
	F(T, STR, key, REC_KEY_MAX, "key")                                  \
	F(T, BIN, doc, REC_DOC_MAX, "BSON document")
#define RECORDD_INSERT_RSP(F, T) F(T, U64, rev, 0, "its first revision")

#define RECORDD_PUT_REQ(F, T)                                               \
	F(T, U32, type, REC_TYPE_MAX, "record type")                        \
	F(T, STR, key, REC_KEY_MAX, "key")                                  \
	F(T, U64, rev, 0, "the revision that it replaces")                  \
	F(T, BIN, doc, REC_DOC_MAX, "BSON document")
#define RECORDD_PUT_RSP(F, T) F(T, U64, rev, 0, "the new revision")

#define RECORDD_DELETE_REQ(F, T)                                            \
	F(T, U32, type, REC_TYPE_MAX, "record type")                        \
	F(T, STR, key, REC_KEY_MAX, "key")                                  \
	F(T, U64, rev, 0, "the revision to delete")
#define RECORDD_DELETE_RSP(F, T)

#define RECORDD_INSERT_MANY_REQ(F, T)                                       \
	F(T, U32, type, REC_TYPE_MAX, "record type")                        \
	F(T, BIN, doc, REC_DOC_MAX, "BSON document, the same for each key") \
	F(T, BIN, keys, WIRE_BODY_MAX, "list of recordd_key")
#define RECORDD_INSERT_MANY_RSP(F, T)                                       \
	F(T, BIN, taken, WIRE_BODY_MAX,                                     \
	    "list of recordd_taken: keys that existed, and were left alone")
#define RECORDD_KEY(F, T) F(T, STR, key, REC_KEY_MAX, "key")
#define RECORDD_TAKEN(F, T)                                                 \
	F(T, U32, pos, 0, "position in keys, from 0")                       \
	F(T, STR, group, REC_NAME_MAX, "group of the one that was there")

#define RECORDD_LIST_REQ(F, T)                                              \
	F(T, U32, type, REC_TYPE_MAX, "record type")                        \
	F(T, STR, index, 32, "an indexed field; empty: in order of keys")   \
	F(T, STR, match, REC_KEY_MAX,                                       \
	    "value of the index; of a TIME the latest, in order of it; "    \
	    "without an index what the key begins with")                    \
	F(T, STR, after, RECORDD_CURSOR_MAX,                                \
	    "next of the page before; of a list in order of keys any key")  \
	F(T, U32, limit, RECORDD_LIST_MAX, "documents wanted; 0: the most") \
	F(T, BOOL, keys_only, 0, "documents are left empty")                \
	F(T, BOOL, desc, 0, "in descending order")
#define RECORDD_LIST_RSP(F, T)                                              \
	F(T, BIN, items, WIRE_BODY_MAX, "list of recordd_item")             \
	F(T, STR, next, RECORDD_CURSOR_MAX, "where to go on; empty: the end")
#define RECORDD_ITEM(F, T)                                                  \
	F(T, STR, key, REC_KEY_MAX, "key")                                  \
	F(T, U64, rev, 0, "revision")                                       \
	F(T, BIN, doc, REC_DOC_MAX, "BSON document")

#define RECORDD_PURGE_REQ(F, T)                                             \
	F(T, U32, type, REC_TYPE_MAX, "record type")                        \
	F(T, STR, index, 32, "an indexed STR, INT or ENUM field")           \
	F(T, STR, match, REC_KEY_MAX, "its value")                          \
	F(T, STR, field, 32, "and another STR field")                       \
	F(T, STR, value, REC_KEY_MAX, "with this value")                    \
	F(T, STR, after, RECORDD_CURSOR_MAX, "next of the call before")
#define RECORDD_PURGE_RSP(F, T)                                             \
	F(T, U64, deleted, 0, "documents deleted")                          \
	F(T, STR, next, RECORDD_CURSOR_MAX, "where to go on; empty: the end")

#define RECORDD_COUNTERS_REQ(F, T)                                          \
	F(T, U32, type, REC_TYPE_MAX, "record type")                        \
	F(T, STR, group, REC_NAME_MAX, "group; empty: sums of all groups")
#define RECORDD_COUNTERS_RSP(F, T)                                          \
	F(T, BIN, counters, WIRE_BODY_MAX, "list of recordd_counter")
#define RECORDD_RECOUNT_REQ(F, T)                                           \
	F(T, U32, type, REC_TYPE_MAX, "record type")                        \
	F(T, STR, group, REC_NAME_MAX, "group")                             \
	F(T, STR, after, RECORDD_CURSOR_MAX, "next of the call before")
#define RECORDD_RECOUNT_RSP(F, T)                                           \
	F(T, U64, corrected, 0, "counters that were wrong, at the end")     \
	F(T, STR, next, RECORDD_CURSOR_MAX, "where to go on; empty: the end")
#define RECORDD_COUNTER(F, T)                                               \
	F(T, STR, name, 32, "name")                                         \
	F(T, U64, value, 0, "value")

#define RECORDD_WATCH_REQ(F, T)                                             \
	F(T, U64, mask, 0, "bit 1 << type for each type wanted")
#define RECORDD_WATCH_RSP(F, T)                                             \
	F(T, U32, type, REC_TYPE_MAX, "what changed; 0: nothing, I am alive") \
	F(T, STR, key, REC_KEY_MAX, "its key; empty: several keys")

/*
 * X(name, num, roles, cap of the request's body, text). Which types a role
 * may use with an operation is in REC_ACCESS.
 */
#define RECORDD_OPS(X)                                                      \
	X(status, 1, ROLE_ALL, 0, "is the store well")                      \
	X(get, 2, ROLE_ALL, 256, "one document by its key; NOTFOUND")       \
	X(insert, 3, ROLE_ALL, REC_DOC_MAX + 256,                           \
	    "a new document; EXISTS when the key is taken")                 \
	X(put, 4, ROLE_ALL, REC_DOC_MAX + 256,                              \
	    "replace a document if its revision is still the one given; "   \
	    "CONFLICT when it is not")                                      \
	X(delete, 5, ROLE_ALL, 256,                                         \
	    "delete a document if its revision is still the one given")     \
	X(insert_many, 6, ROLE_ADMIN | ROLE_WEB, WIRE_BODY_MAX,             \
	    "the same new document for many keys; those that exist are told") \
	X(list, 7, ROLE_ALL, 512,                                           \
	    "a page of documents in order of key or by an index")           \
	X(purge, 8, ROLE_ADMIN | ROLE_ENROL | ROLE_WEB, 512,                \
	    "delete what is in one index and has another field's value; "   \
	    "a bounded piece of work, to be called until next is empty")    \
	X(counters, 9, ROLE_ALL, 128, "counters of a group")                \
	X(watch, 10, ROLE_ALL, 16,                                          \
	    "stream of hints that something changed; a hint may be lost, "  \
	    "and who reads too slowly is cut off")                          \
	X(recount, 11, ROLE_ADMIN | ROLE_WEB, 256,                          \
	    "count a group anew and set its counters right; a bounded "     \
	    "piece of work, to be called until next is empty; CONFLICT: "   \
	    "begin again")

/* Verbs of the table below: get, list, counters, watch; insert and
 * insert_many; put; delete and purge. */
enum rec_verb {
	REC_READ = 1,
	REC_INSERT = 2,
	REC_PUT = 4,
	REC_DELETE = 8,
	REC_WRITE = REC_READ | REC_INSERT | REC_PUT | REC_DELETE
};

/* X(TYPE, ROLE, verbs): what is not here is refused. */
#define REC_ACCESS(X)                                        \
	X(BATCH, ADMIN, REC_WRITE)                           \
	X(BATCH, WEB, REC_WRITE)                             \
	X(BATCH, ENROL, REC_READ | REC_PUT | REC_DELETE)     \
	X(DEVICE, ADMIN, REC_WRITE)                          \
	X(DEVICE, WEB, REC_WRITE)                            \
	X(DEVICE, ENROL, REC_WRITE)                          \
	X(POLICY, ADMIN, REC_WRITE)                          \
	X(POLICY, WEB, REC_WRITE)                            \
	X(POLICY, ENROL, REC_READ)                           \
	X(REVOKED, ADMIN, REC_READ)                          \
	X(REVOKED, WEB, REC_READ)                            \
	X(REVOKED, ENROL, REC_READ | REC_INSERT | REC_DELETE) \
	X(SETTING, ADMIN, REC_WRITE)                         \
	X(SETTING, WEB, REC_WRITE)                           \
	X(SETTING, ENROL, REC_READ)                          \
	X(ACTIVITY, ADMIN, REC_READ | REC_INSERT)            \
	X(ACTIVITY, WEB, REC_READ | REC_INSERT)              \
	X(ACTIVITY, ENROL, REC_INSERT)                       \
	X(LEASE, ADMIN, REC_WRITE)                           \
	X(LEASE, WEB, REC_WRITE)                             \
	X(LEASE, ENROL, REC_WRITE)                           \
	X(AUTH_CERT, ADMIN, REC_WRITE)                       \
	X(AUTH_CERT, WEB, REC_WRITE)                         \
	X(AUTH_CERT, ENROL, REC_READ)                        \
	X(TOKEN, ADMIN, REC_WRITE)                           \
	X(TOKEN, WEB, REC_WRITE)                             \
	X(TOKEN, ENROL, REC_READ)                            \
	X(USER, ADMIN, REC_WRITE)                            \
	X(USER, WEB, REC_WRITE)                              \
	X(SESSION, ADMIN, REC_WRITE)                         \
	X(SESSION, WEB, REC_WRITE)                           \
	X(API_KEY, ADMIN, REC_WRITE)                         \
	X(API_KEY, WEB, REC_WRITE)                           \
	X(LINK, ADMIN, REC_WRITE)                            \
	X(LINK, WEB, REC_WRITE)                              \
	X(MAIL, ADMIN, REC_WRITE)                            \
	X(MAIL, WEB, REC_WRITE)

/* The verbs a role has on a type. */
unsigned rec_access(uint32_t role, uint32_t type);

WIRE_DECLARE(recordd_status_req, RECORDD_STATUS_REQ)
WIRE_DECLARE(recordd_status_rsp, RECORDD_STATUS_RSP)
WIRE_DECLARE(recordd_get_req, RECORDD_GET_REQ)
WIRE_DECLARE(recordd_get_rsp, RECORDD_GET_RSP)
WIRE_DECLARE(recordd_insert_req, RECORDD_INSERT_REQ)
WIRE_DECLARE(recordd_insert_rsp, RECORDD_INSERT_RSP)
WIRE_DECLARE(recordd_put_req, RECORDD_PUT_REQ)
WIRE_DECLARE(recordd_put_rsp, RECORDD_PUT_RSP)
WIRE_DECLARE(recordd_delete_req, RECORDD_DELETE_REQ)
WIRE_DECLARE(recordd_delete_rsp, RECORDD_DELETE_RSP)
WIRE_DECLARE(recordd_insert_many_req, RECORDD_INSERT_MANY_REQ)
WIRE_DECLARE(recordd_insert_many_rsp, RECORDD_INSERT_MANY_RSP)
WIRE_DECLARE(recordd_key, RECORDD_KEY)
WIRE_DECLARE(recordd_taken, RECORDD_TAKEN)
WIRE_DECLARE(recordd_list_req, RECORDD_LIST_REQ)
WIRE_DECLARE(recordd_list_rsp, RECORDD_LIST_RSP)
WIRE_DECLARE(recordd_item, RECORDD_ITEM)
WIRE_DECLARE(recordd_purge_req, RECORDD_PURGE_REQ)
WIRE_DECLARE(recordd_purge_rsp, RECORDD_PURGE_RSP)
WIRE_DECLARE(recordd_counters_req, RECORDD_COUNTERS_REQ)
WIRE_DECLARE(recordd_counters_rsp, RECORDD_COUNTERS_RSP)
WIRE_DECLARE(recordd_counter, RECORDD_COUNTER)
WIRE_DECLARE(recordd_recount_req, RECORDD_RECOUNT_REQ)
WIRE_DECLARE(recordd_recount_rsp, RECORDD_RECOUNT_RSP)
WIRE_DECLARE(recordd_watch_req, RECORDD_WATCH_REQ)
WIRE_DECLARE(recordd_watch_rsp, RECORDD_WATCH_RSP)

enum recordd_num {
#define X(name, num, roles, cap, text) RECORDD_NUM_##name = (num),
	RECORDD_OPS(X)
#undef X
};

#define X(name, num, roles, cap, text) WIRE_CLIENT_DECLARE(recordd, name)
RECORDD_OPS(X)
#undef X

#endif
