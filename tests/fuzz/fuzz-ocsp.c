// SPDX-License-Identifier: Apache-2.0
/* Any bytes as an OCSPRequest and, with an issuer and a responder that the
 * seeds have, as ResponseData. A request that is read is answered. */
#include "config.h"

#include <stdlib.h>

#include "base/own.h"
#include "x509/ocsp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW INT64_C(1800000000)

static const struct ocsp_issuer issuer = { .name = { { 1 }, { 2 } },
	.key = { { 3 }, { 4 } } };

/* Whatever was asked can be said, and would be signed. */
static void
answer(const struct ocsp_request *rq)
{
	AUTO_BUF struct buf tbs = BUF_INIT(OCSP_TBS_MAX);
	struct ocsp_single singles[OCSP_CERTS_MAX];
	struct ocsp_spec spec = { .issuer = &issuer,
		.responder = issuer.key[0], .this_update = NOW,
		.next_update = NOW + 86400, .nonce = rq->nonce,
		.singles = singles, .n = rq->n };
	struct ocsp_expect want = { .issuer = &issuer,
		.responder = issuer.key[0], .now = NOW,
		.responder_not_after = INT64_MAX };

	for (size_t i = 0; i < rq->n; i++) {
		if (rq->ids[i].form == OCSP_FORMS)
			return;
		singles[i] = (struct ocsp_single){ .form = rq->ids[i].form,
			.serial = rq->ids[i].serial, .status = i % 3,
			.revoked_at = NOW - 1 };
	}
	if (ocsp_build(&spec, &tbs, NULL) != Q_OK ||
	    ocsp_check_tbs(buf_bytes(&tbs), &want, NULL) != Q_OK)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes in = { data, size };
	struct ocsp_expect want = { .issuer = &issuer,
		.responder = issuer.key[0], .now = NOW,
		.responder_not_after = INT64_MAX };
	struct ocsp_request rq;
	struct fault f = { 0 };

	if (ocsp_request_parse(in, &rq, &f) == Q_OK)
		answer(&rq);
	else if (f.msg[0] == '\0')
		abort();
	f.msg[0] = '\0';
	if (ocsp_check_tbs(in, &want, &f) != Q_OK && f.msg[0] == '\0')
		abort();
	return 0;
}
