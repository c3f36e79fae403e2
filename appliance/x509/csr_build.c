// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "x509/csr.h"

#include <string.h>

#include "x509/der.h"
#include "x509/der_write.h"
#include "x509/ext.h"
#include "x509/name.h"
#include "x509/oid.h"

#define COMMON_MAX 64 /* ub-common-name, RFC 5280 appendix A.1 */

/* RFC 2985 5.4.2 */
static void
attributes_put(struct buf *out, const char *const *names, size_t n)
{
	size_t all = der_begin(out, DER_CTX_CONS(0));
	size_t attribute = der_begin(out, DER_SEQUENCE), set, list;

	der_put_bytes(out, DER_OID, oid_bytes(OID_EXTENSION_REQUEST));
	set = der_begin(out, DER_SET);
	list = der_begin(out, DER_SEQUENCE);
	ext_put_names(out, names, n);
	der_end(out, list);
	der_end(out, set);
	der_end(out, attribute);
	der_end(out, all);
}

enum q_err
csr_build(struct bytes spki, const char *const *names, size_t n,
    struct buf *out, struct fault *f)
{
	struct name subject = { .common = strlen(names[0]) <= COMMON_MAX
	    ? names[0] : NULL };
	size_t mark;
	enum q_err r;

	for (size_t i = 0; i < n; i++)
		if (!ext_name_good(names[i]))
			return fault_set(f, Q_INVALID, "neither a host name "
			    "nor an IP address: %.100s", names[i]);
	mark = der_begin(out, DER_SEQUENCE);
	der_put_u64(out, 0);
	r = name_build(&subject, out, f);
	if (r != Q_OK)
		return r;
	buf_put(out, spki.p, spki.len);
	attributes_put(out, names, n);
	der_end(out, mark);
	return out->bad ? Q_TOOBIG : Q_OK;
}
