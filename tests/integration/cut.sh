#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# stores: both
# timeout: 600
# The database goes away while a fleet enrols: it stands still, its port is
# closed, it is killed, its disk is full. Devices are told to come again, soon;
# nothing is lost or done twice; nobody has to help when it is back.
# shellcheck disable=SC2317 # ok and within call functions by name
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/device.sh"
command -v python3 >/dev/null || skip_all "python3 is missing"

# For SQLite, quoin-recordd is the database. Its write(2) fails beyond the
# limit, which stands for a full disk and can be raised again.
trap '' XFSZ
appliance_start "$scratch/appliance" signd recordd enrold
trap - XFSZ
case ${mongo_kind-} in
'') database=recordd cuts=(still full) devices=${DEVICES-300} ;;
fake) database=mongo cuts=(still shut killed full) devices=${DEVICES-160} ;;
mongod) database=mongo cuts=(still killed) devices=${DEVICES-600} ;;
*) skip_all "not on somebody's own server" ;;
esac
pid() {
	# shellcheck disable=SC2154 # lib.sh has it
	echo "${daemon_pid[$database]}"
}
still() {
	kill -STOP "$(pid)"
}
still_no_more() {
	kill -CONT "$(pid)"
}
shut() {
	kill -USR1 "$(pid)"
}
shut_no_more() {
	kill -USR1 "$(pid)"
}
killed() {
	daemon_stop mongo KILL
}
killed_no_more() {
	daemon_start mongo
}
full() {
	as "$database" prlimit --pid "$(pid)" --fsize=2000:unlimited
}
full_no_more() {
	as "$database" prlimit --pid "$(pid)" --fsize=unlimited:unlimited
}

dev=$scratch/dev fleet=$scratch/fleet
mkdir "$dev"
agent=$appliance/app/quoin-agent
ctl hsm root --pem >"$dev/root.pem"
ok "policy" ctl policy create p --device-lifetime 1d --issuing-lifetime 30d \
	--autorenew
ok "$devices devices" "$agent" --fleet "$fleet" --count "$devices" --make
ok "batch" ctl batch create fleet --policy p --devices "$fleet/fleet.json"
for c in "${cuts[@]}"; do dev_make "$c"; done
fleet_json "${cuts[@]}" >"$dev/askers.json"
ok "who asks meanwhile" ctl batch create askers --policy p \
	--devices "$dev/askers.json"

"$agent" --fleet "$fleet" --parallel 2 --root "$dev/root.pem" --once \
	--server "127.0.0.1:$(conf device.port)" --timeout 500 \
	>"$scratch/agent.log" 2>&1 &
agents=$!
enrolled() {
	counts fleet | cut -d' ' -f3
}
reached() {
	[ "$(enrolled)" -ge "$1" ]
}
status_bad() {
	! ctl status
}
again() {
	enrol "$c"
}
n=0
for c in "${cuts[@]}"; do
	n=$((n + 1))
	within 120 reached $((devices * n / (${#cuts[@]} + 2)))
	before=$(enrolled)
	"$c"
	[ "$before" -lt "$devices" ]
	tap_result $? "$c: with $before of $devices enrolled"
	as_self "$c"
	start=$(date +%s%N)
	enrol "$c"
	took=$((($(date +%s%N) - start) / 1000000))
	is "$code" 503 "$c: a device is told so"
	like "$head" '^Retry-After: [1-9]' "$c: with Retry-After"
	like "$(jq -r .error "$dev/body")" . "$c: with a reason"
	[ $took -le 15000 ]
	tap_result $? "$c: after $took ms"
	ok "$c: status says so" within 20 status_bad
	out=$(ctl status 2>&1)
	like "$out" 'BAD +(Records|Store)' "$c: of the records"
	tap_note "$(grep BAD <<<"$out")"
	like "$out" 'ok +HSM' "$c: and of nothing else"
	kill -0 $agents
	tap_result $? "$c: the fleet goes on trying"
	"${c}_no_more"
	start=$(date +%s%N)
	ok "$c no more: the device enrols" within 60 again
	tap_note "after $((($(date +%s%N) - start) / 1000000)) ms"
	ok "$c no more: status says so" within 20 ctl status
	mkdir -p "$fleet/$(dev_id "$c")/current"
	cp "$dev/$c.pem" "$fleet/$(dev_id "$c")/current/certificate.pem"
done
wait $agents
tap_result $? "every device of the fleet enrols"
tap_note "$(tail -n 1 "$scratch/agent.log")"
for b in fleet askers; do
	ctl --json device list --batch $b
done | jq -s '{devices: map(.devices[])}' >"$scratch/devices.json"
ctl --json journal tail --limit 10000 >"$scratch/journal.json"
ok "devices, records and journal agree" \
	python3 "$top_srcdir/tests/integration/kill.py" check "$fleet" \
	"$scratch/devices.json" "$scratch/journal.json"
tap_note "$out"
ok "the journal is whole" ctl journal verify
is "$(counts fleet)" "$devices 0 $devices 0 0 0" "the counters are right"
tap_done
