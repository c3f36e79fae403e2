#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 1800
# stores: both
# kill -9 of each process at random, 100 times each, while 2,000 devices (200
# on MongoDB, whose server is killed as well) enrol and try again: every
# certificate that a device holds is recorded and journalled, none is lost,
# none has two records, and no journalled serial is without a record.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
command -v python3 >/dev/null || skip_all "python3 is missing"

kills=${KILLS-100} devices=${DEVICES-2000}
daemons=(signd recordd enrold)
if [ "${QUOIN_TEST_STORE-}" = mongodb ]; then
	devices=${DEVICES-200}
fi
tmp=$(mktemp -d)
chmod 755 "$tmp"
appliance_start "$tmp/appliance" signd recordd enrold
# shellcheck disable=SC2154
agent=$appliance/app/quoin-agent
ok "policy" ctl policy create p --device-lifetime 1d --issuing-lifetime 30d --autorenew
ok "$devices devices" "$agent" --fleet "$tmp/fleet" --count "$devices" --make
ok "batch" ctl batch create b --policy p --devices "$tmp/fleet/fleet.json"
ctl hsm root --pem >"$tmp/root.pem"

# In production systemd starts again what has ended; here a subshell does,
# which is the parent of what it starts.
appliance_stop
if [ -n "${daemon_pid[mongo]-}" ]; then
	daemon_stop mongo
	daemons=(mongo "${daemons[@]}")
fi
(
	trap 'appliance_stop; daemon_stop mongo; exit 0' TERM
	for d in "${daemons[@]}"; do daemon_start "$d"; done
	while :; do
		for d in "${daemons[@]}"; do
			# shellcheck disable=SC2154
			daemon_gone "${daemon_pid[$d]}" || continue
			wait "${daemon_pid[$d]}" 2>/dev/null
			daemon_start "$d"
		done
		sleep 0.05
	done
) 2>/dev/null &
keeper=$!
end() {
	kill "$keeper" 2>/dev/null
	wait "$keeper" 2>/dev/null
	[ -n "${KEEP-}" ] || rm -rf "$tmp"
}
trap end EXIT
all_ready() {
	daemon_ready signd
	daemon_ready recordd
	daemon_ready enrold
}
all_ready

python3 "$top_srcdir/tests/integration/kill.py" kill "$appliance" "$kills" \
	>"$tmp/kills" &
killer=$!
# Few at a time, so that the enrolments last as long as the kills.
ok "every device enrols" "$agent" --fleet "$tmp/fleet" --parallel 4 \
	--root "$tmp/root.pem" --server "127.0.0.1:$(conf device.port)" \
	--once --timeout 1500
tap_note "$(tail -n 1 <<<"$out")"
if kill -0 $killer 2>/dev/null; then
	tap_note "the last kills came after the last enrolment"
fi
wait $killer
ok "each process was killed $kills times" test \
	"$(awk -v n="$kills" '$2 >= n' "$tmp/kills" | wc -l)" = \
	$((${#daemons[@]} + 2))
tap_note "$(cat "$tmp/kills")"
all_ready
ctl --json device list --batch b >"$tmp/devices.json"
ctl --json journal tail --limit 10000 >"$tmp/journal.json"
ok "devices, records and journal agree" \
	python3 "$top_srcdir/tests/integration/kill.py" check "$tmp/fleet" \
	"$tmp/devices.json" "$tmp/journal.json"
tap_note "$out"
ok "the journal is whole" ctl journal verify
like "$(ctl --json batch show b)" "\"enrolled\": *$devices\\b" \
	"the counters are right"
tap_done
