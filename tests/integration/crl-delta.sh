#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sanitize
# A revocation list that counts as long: news by delta CRLs, as OpenSSL reads
# them; entity tags; a restart.
# shellcheck disable=SC2317 # ok and within call functions by name
export APPLIANCE_CONF='crl.delta_bytes = 0'
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/device.sh
. "$(dirname "$0")/device.sh"
appliance_start "$scratch/a" signd recordd enrold
dev=$appliance/dev
mkdir "$dev"
ctl hsm root --pem >"$dev/root.pem"
ctl policy create p --device-lifetime 30d --issuing-lifetime 5y >/dev/null
names=(a b c d)
for n in "${names[@]}"; do dev_make "$n"; done
fleet_json "${names[@]}" >"$dev/fleet.json"
ctl batch create b --policy p --devices "$dev/fleet.json" >/dev/null
for n in "${names[@]}"; do
	as_self "$n"
	enrol "$n"
done

id=$(issuer_of "$dev/a.pem")
url=http://127.0.0.1:$(conf crl.port)
curl -sS "$url/ca/$id.cer" | openssl x509 -inform DER -out "$dev/ca.pem"
# list NAME: NAME.crl, and $text of it
list() {
	curl -sSf "$url/crl/$id$1.crl" | openssl crl -inform DER \
		-out "$dev/list$1.pem" 2>/dev/null &&
		text=$(openssl crl -in "$dev/list$1.pem" -noout -text)
}
serial() {
	openssl x509 -in "$dev/$1.pem" -noout -serial | cut -d= -f2
}
# lists LIST NAME: whether the device is on it
lists() {
	list "$1" && grep -q "Serial Number: $(serial "$2")" <<<"$text"
}
# verdict NAME [OPTION...]: by the full list and what the options add
verdict() {
	local n=$1
	shift
	openssl verify -CAfile "$dev/root.pem" -untrusted "$dev/ca.pem" \
		-crl_check -CRLfile "$dev/list.pem" "$@" "$dev/$n.pem" 2>&1
}

list ""
unlike "$text" 'Freshest CRL' "an empty list has no delta"
code=$(curl -s -o /dev/null -w '%{http_code}' "$url/crl/$id-delta.crl")
is "$code" 404 "and none is served"
ctl device revoke "$(dev_id a)" >/dev/null
within 5 lists "" a
like "$text" 'Freshest CRL' "the list says that it has deltas"
like "$text" "/crl/$id-delta.crl" "and where"
base=$(openssl crl -in "$dev/list.pem" -noout -crlnumber | sed 's/.*0x//')

begin=$(date +%s%N)
ctl device revoke "$(dev_id b)" --reason keyCompromise >/dev/null
within 5 lists -delta b
echo "# on the delta after $((($(date +%s%N) - begin) / 1000000)) ms"
ok "the next one is on the delta" lists -delta b
like "$text" 'Delta CRL Indicator: critical' "which says what it is"
like "$text" "Key Compromise" "with its reason"
ok "what the base has is not on it" eval '! lists -delta a'
ok "what the delta has is not on the base yet" eval '! lists "" b'
is "$(openssl asn1parse -in "$dev/list-delta.pem" |
	grep -A2 'Delta CRL Indicator' | grep -o ':02.*' | tail -c 3)" \
	"$(printf '%s' "$base" | tail -c 2)" "it is on the base"
like "$(verdict b)" 'b.pem: OK' "who reads no deltas does not know yet"
with=(-use_deltas -CRLfile "$dev/list-delta.pem")
like "$(verdict b "${with[@]}")" 'certificate revoked' \
	"OpenSSL with deltas does"
like "$(verdict a "${with[@]}")" 'certificate revoked' \
	"and knows what the base has"
like "$(verdict c "${with[@]}")" 'c.pem: OK' "and what is good"

# --- caches ask by the entity tag -------------------------------------------

tag=$(curl -sS -D - -o /dev/null "$url/crl/$id.crl" |
	sed -n 's/^ETag: //Ip' | tr -d '\r')
code() {
	curl -s -o /dev/null -w '%{http_code}' -H "If-None-Match: $1" \
		"$url/crl/$id.crl"
}
is "$(code "$tag")" 304 "not modified"
is "$(code '"0"')" 200 "modified"

# --- a restart ----------------------------------------------------------------

daemon_stop enrold KILL
daemon_start enrold
daemon_ready enrold
within 5 list ""
ok "killed and started: a list is there" list ""
within 5 lists "" b
ok "and soon a newer one with all of them" lists "" a
ctl device revoke "$(dev_id c)" >/dev/null
within 5 lists -delta c
ok "deltas go on" eval '! lists -delta b'
with=(-use_deltas -CRLfile "$dev/list-delta.pem")
list ""
like "$(verdict c "${with[@]}")" 'certificate revoked' "and are believed"
tap_done
