// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "signd/cmp_shape.h"

#include "base/own.h"
#include "x509/der.h"

#define DIRECTORY_NAME DER_CTX_CONS(4)

/* ip, cp, kup, rp, pkiconf, genp, error, pollRep: choices of PKIBody (RFC
 * 9810 5.1.2). */
static const uint8_t bodies[] = { 1, 3, 8, 12, 19, 22, 23, 26 };

static bool
is_answer(struct der *part)
{
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
		if (der_next_is(part, DER_CTX_CONS(bodies[i])))
			return true;
	return false;
}

bool
cmp_shape_good(struct bytes message, struct bytes sender)
{
	struct der outer = der_over(message), part, header, name;
	uint64_t version;
	uint8_t tag;

	if (!der_valid(message))
		return false;
	part = der_enter(&outer, DER_SEQUENCE);
	header = der_enter(&part, DER_SEQUENCE);
	version = der_get_u64(&header);
	name = der_enter(&header, DIRECTORY_NAME);
	if (version < 2 || version > 3 || sender.len == 0 ||
	    !bytes_equal(der_get_whole(&name, DER_SEQUENCE), sender) ||
	    !der_done(&name) || !is_answer(&part))
		return false;
	der_any(&part, &tag);
	return der_done(&part) && der_done(&outer);
}
