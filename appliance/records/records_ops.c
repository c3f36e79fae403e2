// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "records/records_ops.h"

#include "base/own.h"

WIRE_DEFINE(recordd_status_req, RECORDD_STATUS_REQ)
WIRE_DEFINE(recordd_status_rsp, RECORDD_STATUS_RSP)
WIRE_DEFINE(recordd_get_req, RECORDD_GET_REQ)
WIRE_DEFINE(recordd_get_rsp, RECORDD_GET_RSP)
WIRE_DEFINE(recordd_insert_req, RECORDD_INSERT_REQ)
WIRE_DEFINE(recordd_insert_rsp, RECORDD_INSERT_RSP)
WIRE_DEFINE(recordd_put_req, RECORDD_PUT_REQ)
WIRE_DEFINE(recordd_put_rsp, RECORDD_PUT_RSP)
WIRE_DEFINE(recordd_delete_req, RECORDD_DELETE_REQ)
WIRE_DEFINE(recordd_delete_rsp, RECORDD_DELETE_RSP)
WIRE_DEFINE(recordd_insert_many_req, RECORDD_INSERT_MANY_REQ)
WIRE_DEFINE(recordd_insert_many_rsp, RECORDD_INSERT_MANY_RSP)
WIRE_DEFINE(recordd_key, RECORDD_KEY)
WIRE_DEFINE(recordd_taken, RECORDD_TAKEN)
WIRE_DEFINE(recordd_list_req, RECORDD_LIST_REQ)
WIRE_DEFINE(recordd_list_rsp, RECORDD_LIST_RSP)
WIRE_DEFINE(recordd_item, RECORDD_ITEM)
WIRE_DEFINE(recordd_purge_req, RECORDD_PURGE_REQ)
WIRE_DEFINE(recordd_purge_rsp, RECORDD_PURGE_RSP)
WIRE_DEFINE(recordd_counters_req, RECORDD_COUNTERS_REQ)
WIRE_DEFINE(recordd_counters_rsp, RECORDD_COUNTERS_RSP)
WIRE_DEFINE(recordd_counter, RECORDD_COUNTER)
WIRE_DEFINE(recordd_recount_req, RECORDD_RECOUNT_REQ)
WIRE_DEFINE(recordd_recount_rsp, RECORDD_RECOUNT_RSP)
WIRE_DEFINE(recordd_watch_req, RECORDD_WATCH_REQ)
WIRE_DEFINE(recordd_watch_rsp, RECORDD_WATCH_RSP)

#define X(name, num, roles, cap, text) WIRE_CLIENT_DEFINE(recordd, name, num)
RECORDD_OPS(X)
#undef X

unsigned
rec_access(uint32_t role, uint32_t type)
{
	static const struct {
		uint32_t type, role;
		unsigned verbs;
	} rows[] = {
#define X(TYPE, ROLE, verbs) { REC_##TYPE, ROLE_##ROLE, (verbs) },
		REC_ACCESS(X)
#undef X
	};

	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].type == type && rows[i].role == role)
			return rows[i].verbs;
	return 0;
}
