#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sanitize
# timeout: 120
# Revocation lists as those see them who ask: soon, in full and as a delta.
export APPLIANCE_CONF='crl.delta_bytes = 100'
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/device.sh"
appliance_start "$(mktemp -d "$scratch/a.XXXXXX")" signd recordd enrold
chmod 0755 "$appliance"
dev=$appliance/dev
mkdir "$dev"
ctl hsm root --pem >"$dev/root.pem"
ctl policy create p --device-lifetime 30d --issuing-lifetime 5y >/dev/null
names=(a b c d e f)
for n in "${names[@]}"; do dev_make "$n"; done
fleet_json "${names[@]}" >"$dev/fleet.json"
ok "batch" ctl batch create fleet --policy p --devices "$dev/fleet.json"
for n in "${names[@]}"; do
	as_self "$n"
	enrol "$n"
	is "$code" 200 "$n enrols"
done
id=$(issuer_of "$dev/a.pem")
url=http://localhost:$(conf crl.port)/crl/$id

# list SUFFIX: into $dev/listSUFFIX.pem
list() {
	curl -sSf -m 10 "$url$1.crl" -o "$dev/list$1.der" &&
		openssl crl -inform DER -in "$dev/list$1.der" \
			-out "$dev/list$1.pem"
}
text() {
	openssl crl -in "$dev/list$1.pem" -noout -text
}
# on SUFFIX NAME: whether that list has the device.
on() {
	list "$1" && text "$1" | grep -qi "Serial Number: *$(openssl x509 \
		-in "$dev/$2.pem" -noout -serial | cut -d= -f2)"
}
# revoke NAME SUFFIX: and say how long it took to be on the list.
revoke() {
	local begin
	begin=$(date +%s%N)
	ctl device revoke "$(dev_id "$1")" --reason lost >/dev/null
	within 10 on "$2" "$1"
	tap_result $? "$1 is on the list$2"
	tap_note "after $((($(date +%s%N) - begin) / 1000000)) ms"
}

# --- full lists, then deltas --------------------------------------------------

within 10 list ""
ok "a list" list ""
unlike "$(text "")" "Freshest" "short: no delta"
exits 22 "none is there" curl -sSf -m 10 "$url-delta.crl" -o /dev/null
for n in a b c; do revoke "$n" ""; done
within 10 list -delta
ok "long: a delta is there" list -delta
list ""
cp "$dev/list.pem" "$dev/base.pem"
base=$(text "")
like "$base" "Freshest CRL" "the full list says where it is"
like "$base" "$id-delta.crl" "by its address"
for n in d e; do revoke "$n" -delta; done
delta=$(text -delta)
like "$delta" "Delta CRL Indicator: critical" "the delta says what it is"
like "$delta" "Only User Certificates" "with the scope of the full list"
unlike "$delta" "Freshest" "and has no delta of its own"
exits 1 "it has not what the full list has" on -delta a

# --- OpenSSL's verdict ---------------------------------------------------------

curl -sSf -m 10 "http://localhost:$(conf crl.port)/ca/$id.cer" |
	openssl x509 -inform DER -out "$dev/ca.pem"
# verdict NAME FILE...: with these lists.
verdict() {
	local name=$1
	shift
	cat "$@" >"$dev/lists.pem"
	openssl verify -partial_chain -trusted "$dev/ca.pem" -crl_check \
		-extended_crl -use_deltas -CRLfile "$dev/lists.pem" \
		"$dev/$name.pem" 2>&1
}
like "$(verdict a "$dev/base.pem" "$dev/list-delta.pem")" \
	"certificate revoked" "base and delta: a is revoked"
like "$(verdict d "$dev/base.pem" "$dev/list-delta.pem")" \
	"certificate revoked" "d, by the delta"
like "$(verdict d "$dev/base.pem")" ": OK" "d, without it: not yet"
like "$(verdict f "$dev/base.pem" "$dev/list-delta.pem")" ": OK" \
	"f is good"

# --- caches ---------------------------------------------------------------------

tag=$(curl -sSf -m 10 -D - -o /dev/null "$url.crl" |
	sed -n 's/^ETag: *\(.*\)\r$/\1/Ip')
like "$tag" '^"[0-9]+"$' "an entity tag"
is "$(curl -sS -m 10 -o /dev/null -w '%{http_code}' \
	-H "If-None-Match: $tag" "$url.crl")" 304 "nothing newer: 304"
is "$(curl -sS -m 10 -o /dev/null -w '%{http_code}' \
	-H 'If-None-Match: "0"' "$url.crl")" 200 "newer: 200"

# --- again ------------------------------------------------------------------------

# Without recordd none can be made: it is the saved one.
daemon_stop enrold KILL
daemon_stop recordd
daemon_start enrold
daemon_ready enrold
within 10 list ""
ok "killed and started: the full list is there, without records" list ""
daemon_start recordd
daemon_ready recordd
within 10 on "" d
ok "with what only the delta had" on "" d
within 10 list -delta
ok "a delta follows" list -delta
revoke f -delta
tap_done
