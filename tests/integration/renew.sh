#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 900
# Authorities over time: issuing CAs that give way while devices enrol, and
# an OEM Root that is replaced, seen by devices that know only one of the two.
# shellcheck disable=SC2317 # ok and within call functions by name
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/device.sh
. "$(dirname "$0")/device.sh"

dev=$scratch/dev fleet=$scratch/fleet
mkdir "$dev" "$fleet"
appliance_start "$scratch/appliance" signd recordd enrold
agent=$appliance/app/quoin-agent
server=127.0.0.1:$(conf device.port)
plain=http://127.0.0.1:$(conf crl.port)
ctl hsm root --pem >"$dev/root.pem"
cp "$dev/root.pem" "$dev/old.pem"
certs() { # JQ-CONDITION: ids
	ctl --json hsm certs | jq -r ".certs[] | select($1) | .id"
}
id_of() {
	certs ".purpose == \"$1\" and .state == \"active\""
}
old=$(id_of root)

# --- issuing CAs: a tenth of a minute each, so one is made while these enrol
ok "a policy whose CAs last a minute" ctl policy create quick \
	--device-lifetime 1m --issuing-lifetime 1m --autorenew
per=40 runs=0
all_enrol() { # FLEET
	"$agent" --fleet "$fleet/$1" --count $per --make >/dev/null &&
		ctl batch create "f$1" --policy quick \
			--devices "$fleet/$1/fleet.json" >/dev/null &&
		"$agent" --fleet "$fleet/$1" --parallel 8 --once \
			--root "$dev/root.pem" --server "$server" \
			--timeout 30 >"$dev/fleet.log" 2>&1
}
cas() {
	certs '.purpose == "issuing" and .policy == "quick"' | wc -l
}
end=$((SECONDS + 120))
until [ "$(cas)" -ge 4 ] || [ $SECONDS -ge $end ]; do
	runs=$((runs + 1))
	all_enrol $runs || break
done
[ "$(cas)" -ge 4 ]
tap_result $? "$((runs * per)) devices enrol while $(cas) CAs follow each other" ||
	tap_note "$(tail -n 3 "$dev/fleet.log")"
ls -d "$fleet"/*/*/current >"$dev/enrolled"
is "$(wc -l <"$dev/enrolled")" $((runs * per)) "each has a certificate"
awk 'NR % 10 == 1' "$dev/enrolled" >"$dev/some"
verified=0
while read -r d; do
	openssl verify -no_check_time -CAfile "$dev/root.pem" \
		-untrusted "$d/chain.pem" "$d/certificate.pem" >/dev/null 2>&1 &&
		verified=$((verified + 1))
done <"$dev/some"
is $verified "$(wc -l <"$dev/some")" \
	"a tenth of them: the chain that came with it fits"
issuers=$(while read -r d; do
	openssl x509 -in "$d/certificate.pem" -noout -issuer
done <"$dev/some" | sort -u | wc -l)
[ "$issuers" -ge 3 ]
tap_result $? "by $issuers CAs"
before=$(certs '.purpose == "issuing" and .policy == "quick" and
	.state == "old"' | tail -n 1)
old_crl() {
	curl -sf -o "$dev/crl" "$plain/crl/$before.crl"
}
ok "the CA before: its revocation list is still there" within 5 old_crl

# --- the OEM Root
ok "a policy" ctl policy create p --device-lifetime 1d \
	--issuing-lifetime 30d --autorenew
for d in a b c d; do dev_make $d; done
fleet_json a b c d >"$dev/fleet.json"
ok "a batch" ctl batch create b --policy p --devices "$dev/fleet.json"
"$agent" --dir "$dev/gateway" --show-id >"$dev/gateway.id"
jq -n --arg id "$(cat "$dev/gateway.id")" '{devices: [$id]}' >"$dev/g.json"
ok "a gateway's batch" ctl batch create g --policy p --devices "$dev/g.json"
gateway() {
	"$agent" --dir "$dev/gateway" --root "$dev/old.pem" \
		--server "$server" --once --timeout 20 "$@"
}
ok "a gateway enrols" gateway
as_self a
ok "a device enrols" enrol a
p_ca=$(certs '.purpose == "issuing" and .policy == "p"')
exits 64 "the root is not replaced without a word" ctl hsm root renew \
	</dev/null
exits 64 "nor otherwise" ctl hsm root replace --yes
is "$(id_of root)" "$old" "it is the same"
ok "it is replaced" ctl hsm root renew --yes
like "$out" "OEM Root is [0-9a-f]{16} now; $old" "says so"
new=$(id_of root)
ctl hsm root --pem >"$dev/new.pem"
is "$(certs '.purpose == "root" and .state == "old"')" "$old" \
	"the one before is old"
is "$(certs '.purpose == "root-link"' | wc -l)" 2 "two links"
is "$(openssl x509 -in "$dev/new.pem" -noout -subject)" \
	"$(openssl x509 -in "$dev/old.pem" -noout -subject)" "the same name"
is "$(ctl --json hsm keys | jq '[.keys[] | select(.purpose == "root-link")] |
	length')" 0 "links are no keys"

# The port has its new certificate within a second or so.
tls=$(id_of tls-device)
shown() {
	openssl s_client -connect "$server" -showcerts </dev/null 2>/dev/null |
		sed -n '/BEGIN CERT/,/END CERT/p' >"$dev/shown.pem"
	ctl --json hsm certs | jq -r --arg id "$tls" \
		'.certs[] | select(.id == $id) | .pem' |
		openssl x509 | cmp -s - <(openssl x509 -in "$dev/shown.pem")
}
ok "the device port shows a certificate under the new root" within 10 shown
for r in old new; do
	openssl verify -x509_strict -CAfile "$dev/$r.pem" -untrusted \
		"$dev/shown.pem" "$dev/shown.pem" >"$dev/out" 2>&1
	tap_result $? "which verifies under the $r root alone"
	ok "curl knows the $r root" curl -sf --cacert "$dev/$r.pem" \
		-o "$dev/p7" --resolve "$host:$(conf device.port):127.0.0.1" \
		"https://$host:$(conf device.port)/.well-known/est/cacerts"
done
cacerts() {
	curl -sf --cacert "$dev/new.pem" -o "$dev/p7" \
		--resolve "$host:$(conf device.port):127.0.0.1" \
		"https://$host:$(conf device.port)/.well-known/est/cacerts" &&
		base64 -d "$dev/p7" | openssl pkcs7 -inform DER -print_certs \
			-out "$dev/cacerts.pem"
}
cacerts_whole() {
	cacerts && [ "$(grep -c BEGIN "$dev/cacerts.pem")" = "$(certs \
		'(.purpose == "root" or .purpose == "root-link") or
		(.purpose == "issuing" and (.not_after | fromdate) > now)' |
		wc -l)" ]
}
ok "EST cacerts: both roots, both links, the issuing CAs" \
	within 10 cacerts_whole
for i in $(certs '.purpose == "root" or .purpose == "root-link"'); do
	ok "/ca/$i.cer" curl -sf -o "$dev/x.cer" "$plain/ca/$i.cer"
done

# Devices of before and of after, under CAs of before and of after.
chain_fits() { # NAME ROOT
	cacerts
	jq -r .chain "$dev/body" >"$dev/$1.chain"
	jq -r .certificate "$dev/body" >"$dev/$1.pem"
	for r in old new; do
		openssl verify -x509_strict -CAfile "$dev/$r.pem" \
			-untrusted "$dev/$1.chain" "$dev/$1.pem" \
			>"$dev/out" 2>&1
		tap_result $? "$1's chain under the $r root alone" ||
			tap_note "$(cat "$dev/out")"
		openssl verify -x509_strict -CAfile "$dev/$r.pem" \
			-untrusted "$dev/cacerts.pem" "$dev/$1.pem" \
			>"$dev/out" 2>&1
		tap_result $? "$1 by EST's cacerts under the $r root alone"
	done
}
cp "$dev/old.pem" "$dev/root.pem"
as_self b
ok "a device that knows the old root enrols" enrol b
chain_fits b
cp "$dev/new.pem" "$dev/root.pem"
as_self c
ok "a device that knows the new root enrols" enrol c
chain_fits c
is "$(certs '.purpose == "issuing" and .policy == "p"')" "$p_ca" \
	"the issuing CA has stayed"
ok "a policy of after" ctl policy create q --device-lifetime 1d \
	--issuing-lifetime 30d --autorenew
dev_make e
fleet_json e >"$dev/e.json"
ok "its batch" ctl batch create e --policy q --devices "$dev/e.json"
as_self e
ok "a device enrols there" enrol e
chain_fits e
q_ca=$(certs '.purpose == "issuing" and .policy == "q"')
is "$(ctl --json hsm certs | jq -r --arg id "$q_ca" \
	'.certs[] | select(.id == $id) | .issuer')" "$new" \
	"its CA is under the new root"
rm -rf "$dev/gateway.before"
cp -r "$dev/gateway" "$dev/gateway.before"
ok "the gateway of before gets another certificate" gateway --rekey
is "$(openssl x509 -in "$dev/gateway/current/roots.pem")" \
	"$(openssl x509 -in "$dev/new.pem")" "and with it the new root"
ok "the journal is whole" ctl journal verify
ok "all is well" ctl status

# --- cut off anywhere, the root is the one or the other, and all fits
for i in 1 2 3 4 5 6 7 8; do
	before=$(id_of root)
	ctl hsm root renew --yes >/dev/null 2>&1 &
	client=$!
	sleep "0.0$((i * 13 % 10))"
	daemon_stop signd KILL
	wait $client
	daemon_start signd
	daemon_ready signd
	roots=$(certs '.purpose == "root"' | wc -l)
	links=$(certs '.purpose == "root-link"' | wc -l)
	[ "$(id_of root | wc -l)" = 1 ] && [ "$links" = $((2 * roots - 2)) ] &&
		[ "$(id_of tls-device | wc -l)" = 1 ] || break
done
is "$i $links" "8 $((2 * roots - 2))" "cut off $i times: $roots roots, all linked"
tls=$(id_of tls-device)
ok "the device port has the last certificate" within 10 shown
openssl verify -x509_strict -CAfile "$dev/old.pem" -untrusted \
	"$dev/shown.pem" "$dev/shown.pem" >"$dev/out" 2>&1
tap_result $? "which verifies under the first root of all" ||
	tap_note "$(cat "$dev/out")"
cp "$dev/old.pem" "$dev/root.pem"
as_self d
ok "a device that knows the first root enrols" enrol d
ok "the journal is whole" ctl journal verify
tap_done
