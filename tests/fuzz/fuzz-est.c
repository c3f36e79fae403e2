// SPDX-License-Identifier: Apache-2.0
/* What strangers send to the device port before anybody is known: the text
 * of a request with the rules over it, and a client certificate. The first
 * byte chooses. */
#include "config.h"

#include <string.h>

#include "enrold/front.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static void
try_request(struct bytes text)
{
	AUTO_BUF struct buf der = BUF_INIT(CSR_DER_MAX);
	struct enrol_ask ask = { .binding = "AAAA" };
	struct peer nobody = { .kind = PEER_NONE };
	struct peer ours = { .kind = PEER_OURS, .serial = "00" };
	char id[DEVICE_ID_LEN + 1];
	struct fault f = { 0 };
	struct csr csr;

	if (csr_text_decode(text, &der, &f) != Q_OK ||
	    csr_parse(buf_bytes(&der), &csr, &f) != Q_OK)
		return;
	if (rule_request(&ask, &csr, &f) != Q_OK)
		return;
	if (rule_identity(&ask, &csr, &nobody, id, &f) != Q_OK ||
	    strlen(id) != DEVICE_ID_LEN)
		__builtin_trap();
	ask.reenrol = true;
	if (rule_identity(&ask, &csr, &ours, id, &f) == Q_OK)
		__builtin_trap();
}

static void
try_peer(struct bytes der)
{
	struct pki nothing = { 0 };
	struct fault f = { 0 };
	struct peer peer;

	if (peer_identify(&nothing, der, &peer, &f) == Q_OK &&
	    peer.kind == PEER_OURS)
		__builtin_trap();
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	if (len == 0)
		return 0;
	if (p[0] == 'c')
		try_peer((struct bytes){ p + 1, len - 1 });
	else
		try_request((struct bytes){ p + 1, len - 1 });
	return 0;
}
