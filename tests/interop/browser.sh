#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
# stores: both
# The administration in Chromium, driven by playwright-core, judged by axe.
# Pictures of every page are kept in web-shots/ of the build.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../integration/lib.sh"
for p in node npm chromium oathtool; do
	command -v $p >/dev/null || skip_all "wants $p"
done
tools=$top_builddir/interop-tools/browser
mkdir -p "$tools"
cp "$top_srcdir"/tests/browser/{package.json,package-lock.json,*.mjs} "$tools"
[ -d "$tools/node_modules/playwright-core" ] ||
	(cd "$tools" && npm ci --no-audit --no-fund) >"$tools/npm.log" 2>&1 ||
	skip_all "no playwright-core: $(tail -n 1 "$tools/npm.log")"

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
