#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# sanitize
# Attacks on the web administration: forged requests, sessions, stored script,
# ways out of the pages' folder, header injection, what is too large or no
# JSON, guessing who is a user, codes and links used twice, what is another's.
# shellcheck disable=SC2317 # ok and within call functions by name
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/web.sh
. "$(dirname "$0")/web.sh"
# shellcheck source=tests/integration/device.sh
. "$(dirname "$0")/device.sh"
python=/usr/bin/python3 # Debian's, which has yaml
"$python" -c 'import yaml' 2>/dev/null || skip_all "no python3-yaml"
web=$scratch/web dev=$scratch/dev
mkdir "$web" "$dev"

# What a way out of the pages' folder would lead to.
appliance_make "$scratch/a"
# shellcheck disable=SC2154 # lib.sh has it
echo "out of the folder" >"$appliance/app/canary.txt"
cp "$appliance/app/canary.txt" "$appliance/canary.txt"
cp "$appliance/app/canary.txt" "$appliance/app/ui/.hidden.txt"
appliance_start "$scratch/a" signd recordd enrold webd
ok "the first administrator" web_first ann
web_as ann
ok "a contributor" web_new carl contributor
dev_make d
# Somebody's CA, and its key, which could be one for signing.
openssl ecparam -name prime256v1 -genkey -noout |
	openssl pkcs8 -topk8 -nocrypt -out "$dev/ca.key"
openssl req -x509 -new -key "$dev/ca.key" -subj /CN=ca -days 900 \
	-addext keyUsage=critical,keyCertSign -out "$dev/ca.crt"
fleet_json d >"$dev/fleet.json"
ctl policy create p --device-lifetime 1d --issuing-lifetime 5y >/dev/null
ctl batch create b --policy p --devices "$dev/fleet.json" >/dev/null
free_port
nobody=$REPLY

# attacks PROGRAM GROUP [ARGUMENT...]
attacks() {
	local before=$SECONDS
	relay "$python" -B "$top_srcdir/tests/integration/$1.py" "$2" "$web" \
		"$(conf admin.port)" "${@:3}"
	tap_note "$2: $((SECONDS - before)) s"
}

# shellcheck disable=SC2154 # lib.sh has it
for group in ${ATTACKS-pages csrf sessions paths sizes json others second \
	enumeration texts}; do
	case $group in
	texts)
		attacks web-input texts \
			"$top_srcdir/web/webd/openapi.yaml" "$dev/ca.crt" \
			"$dev/ca.key"
		;;
	paths | sizes | json) attacks web-input "$group" ;;
	enumeration)
		attacks web-attacks enumeration "${daemon_pid[webd]}" "$nobody"
		;;
	*) attacks web-attacks "$group" ;;
	esac
done
daemon_alive() { kill -0 "${daemon_pid[$1]}"; }
ok "quoin-webd has lived through it" daemon_alive webd
ok "quoin-recordd, too" daemon_alive recordd
unlike "$(cat "$appliance"/*.log)" 'AddressSanitizer|runtime error' \
	"without a word of the sanitizers"
tap_done
