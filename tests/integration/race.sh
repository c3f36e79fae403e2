#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# stores: both
# sanitize
# One device, many different requests at the same time: whoever loses, no
# certificate is in the journal and neither in the record nor on the CRL.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

tmp=$(mktemp -d)
chmod 755 "$tmp"
appliance_start "$tmp/appliance" signd recordd enrold
ok "policy" ctl policy create p --device-lifetime 1d --issuing-lifetime 30d --autorenew
openssl ecparam -name prime256v1 -genkey -noout -out "$tmp/key.pem"
id=$(openssl pkey -in "$tmp/key.pem" -pubout -outform DER | sha256sum | cut -d' ' -f1)
echo "{\"devices\":[\"$id\"]}" >"$tmp/fleet.json"
ok "batch" ctl batch create b --policy p --devices "$tmp/fleet.json"
ctl hsm root --pem >"$tmp/root.pem"

requests=40
for ((i = 0; i < requests; i++)); do
	openssl req -new -key "$tmp/key.pem" -subj "/CN=r$i" -out "$tmp/csr.pem"
	printf '{"csr":"%s"}' "$(sed ':a;N;$!ba;s/\n/\\n/g' "$tmp/csr.pem")" \
		>"$tmp/ask.$i"
done
pids=()
for ((i = 0; i < requests; i++)); do
	curl -s -o "$tmp/answer.$i" -w '%{http_code}\n' --cacert "$tmp/root.pem" \
		-H 'Content-Type: application/json' --data-binary "@$tmp/ask.$i" \
		"https://127.0.0.1:$(conf device.port)/v1/enrol" >"$tmp/code.$i" &
	pids+=($!)
done
wait "${pids[@]}"
codes=$(sort "$tmp"/code.* | uniq -c | tr -s ' ' | tr '\n' ';')
tap_note "answers:$codes"
ok "some were answered with a certificate" grep -q 200 "$tmp"/code.*
ok "every other one was told to come again" test \
	"$(cat "$tmp"/code.* | grep -Evc '^(200|503|429)$')" = 0

# Once more, so that the device's list is what the last one left.
ctl --json journal tail --limit 1000 |
	jq -r '.records[] | select(.type == "intent") | .body.serial' |
	sort >"$tmp/journalled"
listed() {
	{
		ctl --json device show "$id" | jq -r '.certs[].serial'
		curl -s "http://127.0.0.1:$(conf crl.port)/crl/$issuing.crl" |
			openssl crl -inform DER -noout -text |
			sed -n 's/.*Serial Number: //p' | tr 'A-F' 'a-f'
	} | sort -u >"$tmp/listed"
	[ -z "$(comm -23 "$tmp/journalled" "$tmp/listed")" ]
}
issuing=$(ctl --json hsm certs | jq -r '.. | objects | select(.purpose? == "issuing") | .id')
ok "each of $(wc -l <"$tmp/journalled") journalled serials is recorded or revoked" \
	within 10 listed
tap_note "$(comm -3 "$tmp/journalled" "$tmp/listed" | head -n 5)"
ok "the journal is whole" ctl journal verify
tap_done
