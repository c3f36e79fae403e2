#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
# stores: both
# The administration in Chromium, driven by playwright-core, judged by axe.
# Pictures of every page are kept in web-shots/ of the build.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../integration/lib.sh"
# shellcheck source=tests/interop/lib-browser.sh
. "$here/lib-browser.sh"
browser_tools >"$scratch/missing" || skip_all "$(cat "$scratch/missing")"

appliance_start "$scratch/a" signd recordd enrold webd
ctl hsm root --pem >"$scratch/root.pem"
QUOIN_URL=https://localhost:$(conf admin.port)
QUOIN_DEVICE=127.0.0.1:$(conf device.port)
export QUOIN_URL QUOIN_DEVICE
export QUOIN_ROOT=$scratch/root.pem QUOIN_AGENT=$appliance/app/quoin-agent
export QUOIN_SHOTS=$top_builddir/web-shots/${QUOIN_TEST_STORE-sqlite}
export QUOIN_FLEET=$top_srcdir/tests/fixtures/fleet-guide.json
export TMPDIR=$scratch HOME=$scratch
QUOIN_LINK=$(ctl user link --first) || bail "no link"
export QUOIN_LINK
cd "$tools" || exit
timeout 540 node walk.mjs
status=$?
[ $status = 0 ] || tap_note "$(tail -n 20 "$appliance/webd.log")"
exit $status
