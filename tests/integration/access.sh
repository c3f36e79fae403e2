#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sanitize
# Auth Certs, tokens and approvals by quoinctl: made, shown, used once by a
# device, removed; and what is refused.
# shellcheck disable=SC2317 # ok and within call functions by name
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/device.sh
. "$(dirname "$0")/device.sh"
appliance_start "$scratch/a" signd recordd enrold
dev=$appliance/dev
mkdir "$dev"
ctl hsm root --pem >"$dev/root.pem"
ctl policy create p --device-lifetime 30d --issuing-lifetime 5y >/dev/null
ctl batch create b --policy p >/dev/null
pick() {
	local filter=$1
	shift
	ctl --json "$@" | jq -r "$filter"
}
day() { date -u +%F -d "$1"; }

# --- Auth Certs --------------------------------------------------------------

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-keyout "$dev/maker.key" -out "$dev/maker.pem" -days 100 \
	-subj '/O=Maker/CN=Maker CA 1' 2>/dev/null
sha=$(openssl x509 -in "$dev/maker.pem" -outform DER | sha256sum | cut -c1-64)

ok "import a CA" ctl authcert add "$dev/maker.pem" --batch b --requires-token
is "$(pick '.name + " " + .batch' authcert show "$sha")" 'Maker CA 1 b' \
	"its name is its common name"
is "$(pick .requires_token authcert show 'Maker CA 1')" true \
	"found by its name, with what was said"
is "$(ctl authcert show 'Maker CA 1' --pem | openssl x509 -noout -subject)" \
	'subject=O = Maker, CN = Maker CA 1' "and as PEM"
is "$(pick '.auth_certs | length' authcert list)" 1 "in the list"
exits 73 "not twice" ctl authcert add "$dev/maker.pem" --batch b
exits 65 "not without a batch" ctl authcert add "$dev/maker.pem"
ctl authcert remove "$sha" >/dev/null
is "$(pick '.auth_certs | length' authcert list)" 0 "removed by its SHA-256"
ok "a batch is not needed for devices that are in one" \
	ctl authcert add "$dev/maker.pem" --must-preregister --name m
exits 65 "a device's certificate is none" ctl authcert add /dev/null --batch b
exits 66 "no such file" ctl authcert add "$dev/none.pem" --batch b

# --- tokens ------------------------------------------------------------------

ok "a token" ctl token create t --batch b --not-before "$(day today)" \
	--not-after "$(day '+2 days')"
value=$(pick .value token show t)
like "$value" '^[A-Za-z0-9]{32}$' "its value"
is "$(pick '.tokens[0].value' token list)" "$value" "also in the list"
is "$(pick '.tokens[0].not_before' token list)" "$(day today)T00:00:00Z" \
	"from midnight"
exits 73 "not twice" ctl token create t --batch b --not-after "$(day +9days)"
exits 66 "not for a batch that is not there" ctl token create u \
	--batch nowhere --not-after "$(day '+2 days')"
exits 64 "no such day" ctl token create u --batch b --not-after 2027-02-30
exits 64 "no date" ctl token create u --batch b --not-after tomorrow
exits 65 "it would end before it begins" ctl token create u --batch b \
	--not-before "$(day '+3 days')" --not-after "$(day '+2 days')"
exits 64 "no end" ctl token create u --batch b

# --- used --------------------------------------------------------------------

# enrol NAME: with the token and nothing else; prints the HTTP status.
enrol() {
	jq -n --rawfile csr "$dev/$1.csr" --arg token "$value" \
		'{csr: $csr, token: $token}' |
		curl -s -o "$dev/out" -w '%{http_code}' --cacert "$dev/root.pem" \
			-H 'Content-Type: application/json' --data-binary @- \
			"https://127.0.0.1:$(conf device.port)/v1/enrol"
}
new_csr() {
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout "$dev/$1.key" -subj "/CN=$1" -out "$dev/$1.csr" \
		2>/dev/null
}
new_csr d1
is "$(enrol d1)" 403 "a token alone is not enough"
ctl batch edit b --token-alone >/dev/null
is "$(enrol d1)" 200 "but it is where the batch says so"
is "$(pick .enrolled batch show b)" 1 "and the device is in the batch"
ctl policy edit p --approve >/dev/null
new_csr d2
is "$(enrol d2)" 202 "with approval it waits"
id=$(pick '.devices[0].id' device list --status waiting)
like "$id" '^[0-9a-f]{64}$' "and is in the list of those that do"
is "$(pick '.devices | length' device list --status waiting --batch b)" 1 \
	"also of its batch"
ok "approved" ctl device approve "$id"
is "$(enrol d2)" 200 "it enrols"
is "$(pick '.devices | length' device list --status waiting)" 0 "none waits"
ctl token remove t >/dev/null
new_csr d3
is "$(enrol d3)" 403 "a removed token opens nothing"
exits 66 "and is not there" ctl token show t
tap_done
