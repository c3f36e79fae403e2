#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
# alone
# Many at the web administration: slow ones, those who listen while devices
# enrol, those who guess passwords, idle ones. Others are served meanwhile.
# shellcheck disable=SC2317 # ok and within call functions by name
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/web.sh
. "$(dirname "$0")/web.sh"
python=/usr/bin/python3
web=$scratch/web
mkdir "$web"
# Fewer workers than those who would like to have one all the time.
export APPLIANCE_CONF="admin.workers = 8"
appliance_start "$scratch/a" signd recordd enrold webd
ok "the first administrator" web_first ann
web_as ann
ok "a contributor" web_new carl contributor
# shellcheck disable=SC2154 # lib.sh has it
agent=$appliance/app/quoin-agent fleet=$scratch/fleet
ok "policy" ctl policy create p --device-lifetime 1d --issuing-lifetime 30d
ok "100 devices" "$agent" --fleet "$fleet" --count 100 --make
ok "batch" ctl batch create b --policy p --devices "$fleet/fleet.json"
seq -f '"%064.0f"' 100000 | paste -sd, | sed 's/.*/{"devices":[&]}/' \
	>"$web/many.json"
ok "100,000 more" ctl batch create many --policy p --devices "$web/many.json"

crowd() {
	local before=$SECONDS
	# shellcheck disable=SC2154 # lib.sh has it
	relay "$python" -B "$top_srcdir/tests/integration/web-crowd.py" "$1" \
		"$web" "$(conf admin.port)" "${daemon_pid[webd]}" "${@:2}"
	tap_note "$1: $((SECONDS - before)) s"
}
for group in ${CROWDS-listeners flood idle slow}; do
	case $group in
	listeners)
		crowd listeners "$agent" "$fleet" "$web/root.pem" \
			"$(conf device.port)"
		;;
	*) crowd "$group" ;;
	esac
done
daemon_alive() { kill -0 "${daemon_pid[$1]}"; }
ok "quoin-webd has lived through it" daemon_alive webd
tap_done
