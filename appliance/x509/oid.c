// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "x509/oid.h"

#include "x509/der.h"

static const struct {
	const char *p;
	size_t len;
} oids[OID_COUNT] = {
#define X(name, octets) [OID_##name] = { octets, sizeof(octets) - 1 },
	OID_TABLE(X)
#undef X
};

struct bytes
oid_bytes(enum oid id)
{
	return (struct bytes){ (const uint8_t *)oids[id].p, oids[id].len };
}

bool
oid_is(struct bytes octets, enum oid id)
{
	return bytes_equal(octets, oid_bytes(id));
}
