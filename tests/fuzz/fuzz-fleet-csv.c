// SPDX-License-Identifier: Apache-2.0
/* A table of DeviceIDs, fed in pieces as long as the first byte says: the
 * outcome does not depend on the pieces. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "records/fleet_csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t len);

static enum q_err
feed(struct fleet *fl, const uint8_t *p, size_t len, size_t step,
    struct fault *f)
{
	struct fleet_csv csv = FLEET_CSV_INIT;
	char line[FLEET_LINE];
	enum q_err r = Q_OK;

	for (size_t i = 0; r == Q_OK && i < len; i += step)
		r = fleet_csv_feed(&csv, fl, p + i,
		    step < len - i ? step : len - i, f);
	if (r == Q_OK)
		r = fleet_csv_end(&csv, fl, f);
	if (r == Q_OK)
		r = fleet_check(fl, f);
	for (size_t i = 0; i < fl->n_bad; i++)
		fleet_bad_text(&fl->bad[i], line);
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *p, size_t len)
{
	AUTO_FLEET struct fleet once = { 0 };
	AUTO_FLEET struct fleet parts = { 0 };
	struct fault f = { 0 }, g = { 0 };

	if (len < 2)
		return 0;
	if (feed(&once, p + 1, len - 1, len - 1, &f) !=
	    feed(&parts, p + 1, len - 1, p[0] + 1U, &g) ||
	    strcmp(f.msg, g.msg) != 0 || once.n != parts.n ||
	    once.n_bad != parts.n_bad)
		abort();
	return 0;
}
