// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "x509/pkcs7.h"

#include "x509/der_write.h"
#include "x509/oid.h"

void
pkcs7_certs_only(const struct bytes *certs, size_t n, struct buf *out)
{
	size_t info = der_begin(out, DER_SEQUENCE), content, data, inner, set;

	der_put_bytes(out, DER_OID, oid_bytes(OID_PKCS7_SIGNED_DATA));
	content = der_begin(out, DER_CTX_CONS(0));
	data = der_begin(out, DER_SEQUENCE);
	der_put_u64(out, 1);
	der_put(out, DER_SET, NULL, 0);		/* digestAlgorithms */
	inner = der_begin(out, DER_SEQUENCE);
	der_put_bytes(out, DER_OID, oid_bytes(OID_PKCS7_DATA));
	der_end(out, inner);
	set = der_begin(out, DER_CTX_CONS(0));
	for (size_t i = 0; i < n; i++)
		buf_put(out, certs[i].p, certs[i].len);
	der_end(out, set);
	der_put(out, DER_SET, NULL, 0);		/* signerInfos */
	der_end(out, data);
	der_end(out, content);
	der_end(out, info);
}
