#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The way to a MongoDB replica set: TLS with the right and the wrong CA,
# passwords, answers that are lost, so that nobody knows whether a write was
# done, and another primary while a fleet enrols.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/lib-mongo.sh
. "$(dirname "$0")/lib-mongo.sh"
command -v python3 >/dev/null || skip_all "python3 is missing"
[ "$(id -u)" = 0 ] || skip_all "wants root: daemons have users"

devices=${DEVICES-40}
mongo_ca "$scratch/tls"
mongo_ca "$scratch/other"
mongo_members=2
mongo_start "$scratch/mongo" -cert "$scratch/tls/server.pem" \
	-user quoin:secret -lose 8 -set rs0

# Who is let in.
appliance_make "$scratch/appliance"
link() { # link USER OPTION...: recordd with that store, ready or not
	local user=$1
	shift
	daemon_stop recordd
	mongo_user=$user
	sed -i '/^store = /d' "$appliance/quoin.conf"
	echo "store = $(mongo_uri quoin replicaSet=rs0 "$@")" >>"$appliance/quoin.conf"
	daemon_start recordd
	within 20 test -S "$appliance/run/recordd/recordd.sock"
}
# What `quoinctl status' has of it, where no password is.
refused() { # refused WHAT REGEX
	exits 69 "$1: no records" ctl status
	like "$out" "BAD +Records +store: .*$2" "$1: says why"
	tap_note "$(grep Records <<<"$out")"
	unlike "$out$(cat "$appliance/recordd.log")" 'secret|wrong' \
		"$1: and tells no password"
}
tls=tls=true ca=tlsCAFile=$scratch/tls/ca.pem
link quoin:secret@ $tls "tlsCAFile=$scratch/other/ca.pem"
refused "another CA" '[Cc]ertificate|TLS'
link quoin:secret@
refused "without TLS" .
link quoin:wrong@ $tls "$ca"
refused "a wrong password" '[Aa]uthentication'
link '' $tls "$ca"
refused "no password" 'authentication'
link quoin:secret@ $tls "$ca"
daemon_ready recordd
ok "the right ones" ctl batch list

# Every eighth write loses its connection.
daemon_start signd
daemon_ready signd
appliance_start "$scratch/appliance" enrold
agent=$appliance/app/quoin-agent
ctl hsm root --pem >"$scratch/root.pem"
ok "policy" ctl policy create p --device-lifetime 1d --issuing-lifetime 30d \
	--autorenew
ok "$devices devices" "$agent" --fleet "$scratch/fleet" --count "$devices" \
	--make
ok "batch" ctl batch create b --policy p \
	--devices "$scratch/fleet/fleet.json"
# shellcheck disable=SC2154 # lib.sh has it
kill -HUP "${daemon_pid[mongo]}"
"$agent" --fleet "$scratch/fleet" --parallel 4 --root "$scratch/root.pem" \
	--server "127.0.0.1:$(conf device.port)" --once --timeout 200 \
	>"$scratch/agent.log" 2>&1 &
agents=$!
enrolled() {
	[ "$(ctl --json batch show b | jq .enrolled)" -ge "$1" ]
}
for n in 1 2 3; do
	within 60 enrolled $((devices * n / 5))
	kill -0 $agents
	tap_result $? "another primary while they enrol"
	kill -USR2 "${daemon_pid[mongo]}"
done
wait $agents
tap_result $? "every device enrols"
tap_note "$(tail -n 1 "$scratch/agent.log")"
kill -HUP "${daemon_pid[mongo]}"
ok "all is well again" within 20 ctl status
ctl --json device list --batch b >"$scratch/devices.json"
ctl --json journal tail --limit 10000 >"$scratch/journal.json"
ok "devices, records and journal agree" \
	python3 "$top_srcdir/tests/integration/kill.py" check \
	"$scratch/fleet" "$scratch/devices.json" "$scratch/journal.json"
tap_note "$out"
like "$(ctl --json batch show b)" "\"enrolled\": *$devices\\b" \
	"the counters are right"
tap_done
