// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "x509/assemble.h"

#include "x509/der_write.h"

#define ECDSA_RAW_LEN 64

static bool
is_ecdsa(enum sig_alg alg)
{
	return alg == SIG_ECDSA_SHA256 || alg == SIG_ECDSA_SHA384 ||
	    alg == SIG_ECDSA_SHA512;
}

enum q_err
x509_assemble(struct bytes tbs, enum sig_alg alg, struct bytes sig,
    struct buf *out, struct fault *f)
{
	struct bytes id = sig_alg_der(alg);
	size_t seq, bits;

	if (id.len == 0 || sig.len == 0 ||
	    (is_ecdsa(alg) && sig.len != ECDSA_RAW_LEN))
		return fault_set(f, Q_INVALID,
		    "signature of %zu bytes does not fit its algorithm",
		    sig.len);
	seq = der_begin(out, DER_SEQUENCE);
	buf_put(out, tbs.p, tbs.len);
	buf_put(out, id.p, id.len);
	bits = der_begin(out, DER_BIT_STRING);
	buf_put(out, "", 1);
	if (is_ecdsa(alg))
		ecdsa_sig_put(out, sig.p);
	else
		buf_put(out, sig.p, sig.len);
	der_end(out, bits);
	der_end(out, seq);
	return out->bad ?
	    fault_set(f, Q_TOOBIG, "signed object is too large") : Q_OK;
}
