#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sanitize
# timeout: 240
# Every operation of quoin-signd, as every role, with every field wrong; and
# peers that flood it, stall, send half a frame, open 10,000 connections, pass
# descriptors and lie about who they are. It lives, and serves all others.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

appliance_make "$scratch/a"
sed -i 's/^roles = .*/roles = root=admin 61003=enrol 61004=web 61005=push 61006=data 61007=firmware 61008=provision 61009=broker/' \
	"$appliance/quoin.conf"
appliance_start "$scratch/a" signd
ctl hsm init localhost,127.0.0.1 >/dev/null || bail "quoinctl hsm init"
# shellcheck disable=SC2154
signd=${daemon_pid[signd]}

relay "$top_builddir/tests/integration/abuse-table" "$appliance/quoin.conf"
relay "$top_builddir/tests/integration/abuse-peer" "$appliance/quoin.conf" \
	"$signd"

ok "it is the same process" kill -0 "$signd"
ok "and can make a policy's CA" \
	"$top_builddir/tests/integration/signd-client" \
	-c "$appliance/quoin.conf" issuing p 864000 86400 ''
is "$(grep -c 'ready' "$appliance/signd.log")" 1 "its worker is the first"
unlike "$(cat "$appliance/signd.log")" 'ERROR|Sanitizer|runtime error' \
	"and its log knows of no error"
tap_done
