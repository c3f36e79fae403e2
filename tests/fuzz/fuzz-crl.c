// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a TBSCertList. The issuer is what it says, the rest is what
 * the seeds have. */
#include "config.h"

#include <stdlib.h>

#include "x509/crl_check.h"
#include "x509/der.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static enum q_err
count(void *arg, const struct crl_entry *entry)
{
	*(uint64_t *)arg += entry->serial[0] != 0;
	return Q_OK;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t ski[SKI_LEN] = { 1, 2, 3 };
	struct bytes in = { data, size };
	struct der outer = der_over(in), tbs;
	struct crl_expect want = { .alg = SIG_ECDSA_SHA256,
		.issuer_ski = { ski, sizeof(ski) }, .now = 1800000000,
		.max_backdate = 86400, .max_validity = 30 * 86400,
		.issuer_not_after = INT64_MAX,
		.idp_url = "http://quoin.example:6080/ca.crl",
		.only_users = true, .last_number = 4, .delta = true,
		.freshest_url = "http://quoin.example:6080/d.crl" };
	struct crl_info info = { .entries = 0 };
	struct fault f = { 0 };
	uint64_t seen = 0;

	tbs = der_enter(&outer, DER_SEQUENCE);
	der_get(&tbs, DER_INTEGER);
	der_get(&tbs, DER_SEQUENCE);
	want.issuer = der_get_whole(&tbs, DER_SEQUENCE);
	if (crl_check_tbs(in, &want, count, &seen, &info, &f) == Q_OK ?
	    seen != info.entries : f.msg[0] == '\0')
		abort();
	return 0;
}
