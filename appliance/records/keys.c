// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include "records/keys.h"

enum q_err
rec_signing_batches(struct wire_client *c, rec_signing_each *each, void *arg,
    struct fault *f)
{
	AUTO_REC_LIST struct rec_list it = REC_LIST(c, REC_BATCH, NULL, NULL);
	struct rec_batch b;
	enum q_err r;

	while ((r = rec_list_next(&it, &b, f)) == Q_OK) {
		if (b.signing_key[0] != '\0')
			r = each(arg, b.signing_key, b.key);
		if (r != Q_OK)
			return r;
	}
	return r == Q_NOTFOUND ? Q_OK : r;
}
