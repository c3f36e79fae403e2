// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "enrold/front.h"

#include <string.h>

#include "base/codec.h"
#include "x509/csr.h"
#include "x509/pem.h"

enum q_err
csr_text_decode(struct bytes text, struct buf *out, struct fault *f)
{
	enum q_err r;

	/* What PKCS #10 tools write; EST itself has no armour (RFC 8951). */
	if (text.len != 0 && memmem(text.p, text.len, "-----BEGIN", 10)) {
		r = pem_decode(text, PEM_CSR, out, NULL, f);
		return r == Q_NOTFOUND ? fault_set(f, Q_PROTO,
		    "no %s in the PEM text", PEM_CSR) : r;
	}
	r = b64_decode(out, (const char *)text.p, text.len);
	if (r == Q_TOOBIG)
		return fault_set(f, r,
		    "certificate request is over %d bytes", CSR_DER_MAX);
	if (r != Q_OK)
		return fault_set(f, r,
		    "certificate request is not proper base64");
	return out->len != 0 ? Q_OK :
	    fault_set(f, Q_PROTO, "certificate request is empty");
}
