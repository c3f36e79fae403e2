// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "base/own.h"
#include "signd/signd.h"

/* The token's serial number is the id of the sealing key, which stays as long
 * as the appliance is the same. */
enum q_err
signd_do_code_info(void *ctx, struct wire_req *q, const void *req, void *rsp,
    struct fault *f)
{
	struct signd_code_info_rsp *out = rsp;
	AUTO_RING struct keyring *ring = NULL;
	struct buf *space = wire_req_space(q);
	enum q_err r = signd_ring(ctx, true, &ring, f);
	struct worker_state st;

	(void)req;
	if (r != Q_OK)
		return r;
	worker_state(((struct signd *)ctx)->workers[0], &st);
	buf_puts(space, keyring_active(ring, PURPOSE_SEAL, "")->id);
	out->label = "Quoin";
	out->serial = (const char *)space->p;
	out->ready = st.up;
	return space->bad ? Q_NOMEM : Q_OK;
}
