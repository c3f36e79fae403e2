#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What changes is seen at once on connections that are kept.
# stores: both
. "$(dirname "$0")/lib.sh"
appliance_start "$scratch/a" signd recordd enrold
ctl hsm root --pem >"$appliance/root.pem" || bail "no root"
ok "a policy" ctl policy create p --device-lifetime 30d --issuing-lifetime 5y
fleet=$appliance/fleet
agent=$appliance/app/quoin-agent
ok "devices" "$agent" --fleet "$fleet" --count 3 --make
ok "their batch" ctl batch create b --policy p --devices "$fleet/fleet.json"
ok "enrol" "$agent" --fleet "$fleet" --once --timeout 60 --root \
	"$appliance/root.pem" --server "127.0.0.1:$(conf device.port)"
mapfile -t ids < <(jq -r '.devices[]' "$fleet/fleet.json")

# kept DEVICE CERTIFICATE KEY COMMAND...
kept() {
	local dir=$fleet/$1 cert=$2 key=$3
	shift 3
	python3 "$(dirname "$0")/kept.py" "$appliance/root.pem" "$dir/$cert" \
		"$dir/$key" "$(conf device.port)" "$@"
}

revoke() {
	echo "$appliance/app/quoinctl" --state "$appliance" device revoke "$1"
}

# shellcheck disable=SC2046 # a command's words
is "$(kept "${ids[0]}" current/certificate.pem current/key.pem \
	$(revoke "${ids[0]}"))" "200 enrolled, 200 enrolled, 403 revoked" \
	"revoked: seen by the next poll"
ok "a certificate signed by its own key" openssl req -x509 -new -subj /CN=x \
	-key "$fleet/${ids[1]}/identity.pem" -out "$fleet/${ids[1]}/self.pem"
# shellcheck disable=SC2046
is "$(kept "${ids[1]}" self.pem identity.pem $(revoke "${ids[1]}"))" \
	"200 enrolled, 200 enrolled, 403 revoked" "that of the identity key, too"
is "$(kept "${ids[2]}" current/certificate.pem current/key.pem \
	"$appliance/app/quoinctl" --state "$appliance" policy create q \
	--device-lifetime 30d --issuing-lifetime 5y)" \
	"200 enrolled, 200 enrolled, 200 enrolled" \
	"another issuing CA changes nothing"
tap_done
