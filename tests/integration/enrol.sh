#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# stores: both
# timeout: 240
# sanitize
# The device port with curl and openssl: both protocols, every rule allowed
# and refused, every bad input.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/device.sh"
appliance_start "$(mktemp -d)" signd recordd enrold
dev=$appliance/dev
mkdir "$dev"
ctl hsm root --pem >"$dev/root.pem"

# --- policies, batches, devices ----------------------------------------------

life='--device-lifetime 30d --issuing-lifetime 5y'
# shellcheck disable=SC2086 # options
{
	ctl policy create auto $life --autorenew >/dev/null
	ctl policy create manual $life >/dev/null
	ctl policy create loose $life --autorenew --allow-rekey \
		--allow-rsa2048 >/dev/null
}
for n in ec label idle bad curl12 proof rekey other man man2 rev del del2 \
	gone loose loose2 nobody bind again full nocert res12 res13 lost; do
	dev_make $n
done
dev_make rsa rsa3072
dev_make small rsa2048
dev_make small2 rsa2048
dev_make big rsa4096
dev_make p384 p384
fleet_json ec rsa label idle bad curl12 proof rekey rev del gone small big \
	p384 bind again full nocert res12 res13 lost >"$dev/auto.json"
fleet_json man man2 >"$dev/manual.json"
fleet_json loose loose2 small2 >"$dev/loose.json"
fleet_json del2 >"$dev/dying.json"
for b in auto manual loose; do
	ok "batch $b" ctl batch create $b --policy $b --devices "$dev/$b.json"
done
ok "batch dying" ctl batch create dying --policy auto \
	--devices "$dev/dying.json"

# --- native, P-256 and RSA-3072, TLS 1.2 and 1.3 -----------------------------

for n in ec rsa; do
	for tls in 1.2 1.3; do
		as_self $n
		dev_csr $n
		native status '{}' --tlsv$tls --tls-max $tls
		is "$code" 200 "status of $n with TLS $tls"
		is "$(jq -r .device_id <<<"$body")" "$(dev_id $n)" \
			"status of $n with TLS $tls: DeviceID"
		enrol $n --tlsv$tls --tls-max $tls
		is "$code" 200 "native enrolment of $n with TLS $tls" ||
			tap_note "$body"
		within 5 verify "$dev/$n.pem"
		ok "certificate of $n with TLS $tls verifies with its CRL" \
			verify "$dev/$n.pem"
		as_cert $n
		native status '{}' --tlsv$tls --tls-max $tls
		is "$code $(jq -r .state <<<"$body")" "200 enrolled" \
			"status by the certificate of $n with TLS $tls"
	done
done
is "$(openssl x509 -in "$dev/ec.pem" -noout -subject -nameopt RFC2253)" \
	"subject=CN=$(dev_id ec)" "CN is the DeviceID"
is "$(jq -r '.hub.type, .hub.host, .hub.port, .hub.client_id' <<<"$body" |
	tr '\n' ' ')" "local localhost 8883 $(dev_id rsa) " "hub settings"
is "$(jq -r .hub.root <<<"$body")" "$(cat "$dev/root.pem")" \
	"hub settings: root"
like "$(jq -r .poll_after <<<"$body")" '^[0-9]+$' "poll_after"
as_self idle
native status '{}'
is "$(jq -r '.state, .renew, .not_after' <<<"$body" | tr '\n' ' ')" \
	"not enrolled false null " "status before the enrolment"
as_nobody
native status '{}'
is "$code" 401 "status without a certificate"
enrol nocert
is "$code" 200 "enrolment without a TLS certificate"
is "$(jq -r .device_id <<<"$body")" "$(dev_id nocert)" \
	"is the request's key"

# --- EST ---------------------------------------------------------------------

as_nobody
for tls in 1.2 1.3; do
	ask /.well-known/est/cacerts --tlsv$tls --tls-max $tls
	is "$code" 200 "cacerts with TLS $tls"
done
like "$head" '^Content-Type: application/pkcs7-mime; smime-type=certs-only$' \
	"cacerts: content type"
like "$head" '^Content-Transfer-Encoding: base64$' \
	"cacerts: the header that some clients insist on"
is "$(awk 'length > 64' "$dev/body")" "" "cacerts: lines of 64 columns"
is "$(tail -c1 "$dev/body" | od -An -tx1)" " 0a" "cacerts: final newline"
cas() {
	base64 -d "$dev/body" | openssl pkcs7 -inform DER -print_certs |
		grep -c BEGIN
}
is "$(cas)" 4 "cacerts: three CAs and the root"
ask /.well-known/est/manual/cacerts
is "$code $(cas)" "200 2" "cacerts of a label: its CA and the root"
ask /.well-known/est/nosuch/cacerts
is "$code" 404 "cacerts of a label that is no batch"
ask /.well-known/est/csrattrs
is "$code" 200 "csrattrs"
like "$head" '^Content-Type: application/csrattrs$' "csrattrs: content type"
is "$(base64 -d "$dev/body" | openssl asn1parse -inform DER |
	grep -o 'prime256v1\|ecdsa-with-SHA256' | tr '\n' ' ')" \
	"prime256v1 ecdsa-with-SHA256 " "csrattrs: what it asks for"
ask /.well-known/est/auto/csrattrs
is "$code" 200 "csrattrs of a label"
ask /.well-known/est/nosuch/csrattrs
is "$code" 404 "csrattrs of a label that is no batch"
for n in ec rsa; do
	for tls in 1.2 1.3; do
		as_self $n
		dev_csr $n
		ok "simpleenroll of $n with TLS $tls" est simpleenroll $n \
			--tlsv$tls --tls-max $tls
		ok "it verifies" verify "$dev/$n.pem"
		as_cert $n
		dev_csr $n $n -subj "/CN=$(dev_id $n)"
		old=$(serial_of "$dev/$n.pem")
		ok "simplereenroll of $n with TLS $tls" est simplereenroll $n \
			--tlsv$tls --tls-max $tls
		ok "it verifies" verify "$dev/$n.pem"
		[ "$old" != "$(serial_of "$dev/$n.pem")" ]
		tap_result $? "it is another certificate"
	done
done
like "$(tr -d '\r' <"$dev/head")" \
	'^Content-Type: application/pkcs7-mime; smime-type=certs-only$' \
	"simplereenroll: content type"
as_self label
ok "simpleenroll with the label of its batch" est auto/simpleenroll label
as_cert label
dev_csr label label -subj "/CN=$(dev_id label)"
ok "simplereenroll with the label of its batch" est auto/simplereenroll label
as_nobody
dev_csr curl12
ok "simpleenroll without a TLS certificate" est simpleenroll curl12
openssl req -inform DER -in "$dev/curl12.csr" -out "$dev/pem.csr"
ask /.well-known/est/simpleenroll -H 'Content-Type: application/pkcs10' \
	--data-binary "@$dev/pem.csr"
is "$code" 200 "simpleenroll takes PEM, too"
ask /.well-known/est/simpleenroll --data-binary "@$dev/b64" \
	-H 'Content-Type: Application/PKCS10; charset=x' \
	-H 'Content-Transfer-Encoding: base64' -H 'Transfer-Encoding: chunked'
is "$code" 200 "and chunks, parameters, Content-Transfer-Encoding"

# --- the same request again --------------------------------------------------

as_self again
enrol again
first=$(serial_of "$dev/again.pem")
enrol again
is "$(serial_of "$dev/again.pem")" "$first" \
	"the same request: the same certificate"
is "$(dev_field again issued)" 1 "which is recorded once"
as_cert again
enrol again
[ "$(serial_of "$dev/again.pem")" != "$first" ]
tap_result $? "from the owner of that certificate: a new one"

# --- the rules ---------------------------------------------------------------

# refuses STATUS REGEX WHAT: what was asked last. One plain line of text.
refuses() {
	local text=$body
	case $head in
	*problem+json*) text=$(jq -r .detail <<<"$body") ;;
	esac
	is "$code" "$1" "$3: $1" || tap_note "$body"
	like "$text" "$2" "$3: says why"
	[ "$(wc -l <<<"$text")" = 1 ]
	tap_result $? "$3: one line"
}

as_self nobody
enrol nobody
refuses 403 "DeviceID $(dev_id nobody) is in no batch" "unknown device"
native status '{}'
refuses 403 "is in no batch" "status of an unknown device"
est simpleenroll nobody
refuses 403 "is in no batch" "unknown device by EST"
as_self idle
est manual/simpleenroll idle
refuses 403 "not in batch manual" "label of another batch"
est nosuch/simpleenroll idle
refuses 404 "no batch nosuch" "label that is no batch"
as_self small
enrol small
refuses 403 "does not allow RSA-2048" "RSA-2048, not allowed"
as_self small2
enrol small2
is "$code" 200 "RSA-2048, allowed"
as_self big
enrol big
refuses 400 "P-256 or RSA-3072" "RSA-4096"
as_nobody
enrol p384
refuses 400 "P-256" "P-384"
as_self p384
enrol ec
refuses 403 "neither self-signed nor ours" "certificate over a P-384 key"

# A key that is not the device's.
dev_csr proof other
as_self proof
enrol proof
refuses 403 "does not allow another" "another key"
proof_json() {
	openssl dgst -sha256 -sign "$dev/$1.key" -out "$dev/sig" \
		"$dev/proof.csr"
	openssl pkey -in "$dev/$2.key" -pubout -outform DER -out "$dev/spki"
	printf '{"csr":"%s","proof":"%s","identity":"%s"}' \
		"$(base64 -w0 "$dev/proof.csr")" "$(base64 -w0 "$dev/sig")" \
		"$(base64 -w0 "$dev/spki")"
}
native enrol "$(proof_json other proof)"
refuses 400 "signature|proof" "another key, proof by the wrong key"
native enrol "$(proof_json idle idle)"
refuses 403 "another identity key" "another key, proof for another device"
native enrol "$(proof_json proof proof)"
is "$code" 200 "another key with proof"
is "$(jq -r .device_id <<<"$body")" "$(dev_id proof)" "names the device"
jq -r .certificate <<<"$body" >"$dev/proof.pem"
as_cert proof other
native status '{}'
is "$code $(jq -r .device_id <<<"$body")" "200 $(dev_id proof)" \
	"status with the new key"
as_nobody
native enrol "$(proof_json other proof)"
refuses 400 "signature|proof" "nobody with a wrong proof"
native enrol "$(proof_json proof proof | jq -c 'del(.proof)')"
refuses 400 "together" "identity without proof"
dev_csr loose2 other
as_self loose2
enrol loose2
is "$code $(jq -r .device_id <<<"$body")" "200 $(dev_id loose2)" \
	"rekey on the device's word, where the policy allows it"
as_cert loose2 other
dev_make third
dev_csr loose2 third -subj "/CN=$(dev_id loose2)"
ok "rekey by simplereenroll" est simplereenroll loose2
is "$(openssl x509 -in "$dev/loose2.pem" -noout -pubkey)" \
	"$(openssl pkey -in "$dev/third.key" -pubout)" "has the new key"
as_nobody
dev_csr idle other
enrol idle
refuses 401 "DeviceID $(dev_id other) is in no batch" \
	"without a TLS certificate the request's key counts"
like "$head" '^WWW-Authenticate: Basic realm="Quoin", charset="UTF-8"' \
	"and a token might have helped: Basic"
like "$head" '^WWW-Authenticate: Bearer realm="Quoin"' "or Bearer"

# simplereenroll.
dev_csr ec ec -subj "/CN=$(dev_id ec)"
as_nobody
est simplereenroll ec
refuses 403 "needs the certificate" "simplereenroll without a certificate"
as_self ec
est simplereenroll ec
refuses 403 "needs the certificate" "simplereenroll with a self-signed one"
as_cert ec
dev_csr ec ec -subj /CN=another
est simplereenroll ec
refuses 403 "subject" "simplereenroll with another subject"

# Certificates that are not ours.
dev_make ca
openssl req -new -key "$dev/idle.key" -subj "/CN=$(dev_id idle)" |
	openssl x509 -req -CA "$dev/ca.crt" -CAkey "$dev/ca.key" \
		-set_serial 1 -days 1 -out "$dev/idle.pem" 2>/dev/null
as_cert idle
native status '{}'
refuses 403 "neither self-signed nor ours" "certificate of a strange CA"
openssl req -x509 -new -key "$dev/idle.key" -days 1 -out "$dev/idle.pem" \
	-subj "$(openssl x509 -in "$dev/ca.pem" -noout -subject \
		-nameopt compat | sed 's/^subject=//; s/^\([^\/]\)/\/\1/')"
as_cert idle
native status '{}'
is "$code $(jq -r .device_id <<<"$body")" "200 $(dev_id idle)" \
	"self-signed under the name of our CA is but its own key"

# Policy without autorenew.
as_self man
enrol man
is "$code" 200 "manual: first enrolment"
dev_csr man
enrol man
refuses 403 "operator's permission" "manual: renewal"
est simpleenroll man
refuses 403 "operator's permission" "manual: renewal by EST"
ok "allow" ctl device allow "$(dev_id man)"
native status '{}'
is "$(jq -r .renew <<<"$body")" true "manual: status asks to renew"
enrol man
is "$code" 200 "manual: renewal, allowed"
is "$(dev_field man renewed)" true "manual: it has renewed"
dev_csr man
enrol man
refuses 403 "operator's permission" "manual: allowed once only"
ok "a request that signd has forgotten" \
	"$top_builddir/tests/integration/recordd-client" "$appliance/quoin.conf" \
	request "$(dev_id man)" "$(sha256sum <"$dev/man.csr" | cut -c1-32)"
enrol man
refuses 403 "operator's permission" "manual: it is not another renewal"
is "$(dev_field man 'certs | length')" 2 "manual: nothing was recorded"
ok "allow it" ctl device allow "$(dev_id man)"
enrol man
is "$code" 200 "manual: allowed, it is one"
within 3 crl_get "$dev/man.pem"
ok "manual: and good" verify "$dev/man.pem"
as_self man2
enrol man2
first=$(serial_of "$dev/man2.pem")
enrol man2
is "$code $(serial_of "$dev/man2.pem")" "200 $first" \
	"manual: the answer again is no renewal"

# Revoke, allow.
as_self rev
enrol rev
ok "it verifies before" verify "$dev/rev.pem"
ok "revoke" ctl device revoke "$(dev_id rev)" --reason keyCompromise
native status '{}'
refuses 403 "device is revoked: keyCompromise" "revoked: status"
is "$(jq -r .state <<<"$body")" revoked "revoked: status says so"
enrol rev
refuses 403 "device is revoked: keyCompromise" "revoked: enrolment"
est simpleenroll rev
refuses 403 "device is revoked: keyCompromise" "revoked: EST"
as_cert rev
native status '{}'
refuses 403 "device is revoked: keyCompromise" "revoked: by its certificate"
within 3 verify_revoked "$dev/rev.pem"
ok "its certificate is on the CRL" verify_revoked "$dev/rev.pem"
like "$(openssl crl -in "$dev/crl.pem" -noout -text)" "Key Compromise" \
	"with the reason"
cp "$dev/rev.pem" "$dev/revoked.pem"
ok "allow" ctl device allow "$(dev_id rev)"
as_cert rev
enrol rev
refuses 403 "revoked|no longer" "allowed: not by the revoked certificate"
as_self rev
dev_csr rev
enrol rev
is "$code" 200 "allowed: enrols again"
ok "the new certificate verifies" verify "$dev/rev.pem"
ok "the old one stays revoked" verify_revoked "$dev/revoked.pem"

# Delete.
as_self del
enrol del
cp "$dev/del.pem" "$dev/del-old.pem"
ok "delete the device" ctl device delete "$(dev_id del)"
enrol del
refuses 403 "in no batch" "deleted device"
within 3 verify_revoked "$dev/del-old.pem"
ok "what it held is revoked" verify_revoked "$dev/del-old.pem"
fleet_json del >"$dev/back.json"
ok "the device comes back" ctl batch create back --policy auto \
	--devices "$dev/back.json"
enrol del
is "$code" 200 "and enrols with the request of its first life"
within 3 crl_get "$dev/del.pem"
ok "its certificate is not the revoked one" verify "$dev/del.pem"
as_self del2
enrol del2
ok "delete the batch" ctl batch delete dying
within 3 verify_revoked "$dev/del2.pem"
ok "what its device held is revoked" verify_revoked "$dev/del2.pem"
enrol del2
refuses 403 "in no batch" "device of a deleted batch"
est dying/simpleenroll del2
refuses 404 "no batch dying" "label of a deleted batch"

# A certificate that was signed and never recorded, and has ended since.
seq=$(python3 -c 'import sys; print(int(sys.argv[1], 16))' \
	"$(dev_field lost load)")
install -m 0644 "$dev/lost.csr" "$scratch/lost.csr"
ok "signed for a device port that died" \
	"$top_builddir/tests/integration/signd-client" -c "$appliance/quoin.conf" \
	-u "${daemon_uid[enrold]}" issue auto \
	"$scratch/lost.csr" "$appliance/enrold/lost.der" "" "$seq" 1
like "$out" ' new$' "for the first time"
sleep 1
as_self lost
within 3 enrol lost
ok "the device gets one that has not ended" \
	openssl x509 -in "$dev/lost.pem" -noout -checkend 3600
is "$(dev_field lost 'certs | length')" 1 "it is the only one recorded"
serial=$(serial_of "$dev/lost.pem")
enrol lost
is "$code $(serial_of "$dev/lost.pem")" "200 $serial" "asked again: the same"

# Eight certificates are recorded. The ninth has to wait, or an operator lets
# it displace the oldest.
as_self full
enrol full
cp "$dev/full.pem" "$dev/full-old.pem"
for _ in 2 3 4 5 6 7 8; do
	dev_csr full
	enrol full
done
is "$code $(dev_field full 'certs | length')" "200 8" "eight certificates"
dev_csr full
enrol full
refuses 429 "8 valid certificates" "a ninth at once"
ok "an operator allows it" ctl device allow "$(dev_id full)"
enrol full
is "$code $(dev_field full 'certs | length')" "200 8" \
	"nine certificates: the oldest leaves the record"
within 3 verify_revoked "$dev/full-old.pem"
ok "and is revoked" verify_revoked "$dev/full-old.pem"
ok "the newest is not" verify "$dev/full.pem"

# --- channel binding ---------------------------------------------------------

for tls in 1.2 1.3; do
	for how in right wrong; do
		want=200
		[ $how = right ] || want=400
		is "$(python3 "$(dirname "$0")/binding.py" "$dev" bind \
			"$(conf device.port)" $tls $how)" $want \
			"challengePassword, TLS $tls, $how"
	done
done

# --- resumed sessions --------------------------------------------------------

for n in res12 res13; do
	as_self $n
	enrol $n
	is "$(python3 "$(dirname "$0")/resume.py" "$dev" $n \
		"$(conf device.port)" "${n/res1/1.}" "$appliance/app/quoinctl" \
		--state "$appliance" device revoke "$(dev_id $n)")" \
		"200 200 403 2" "TLS ${n/res1/1.}: resumed, revoked, refused"
done

# --- bad input ---------------------------------------------------------------

as_self bad
json='Content-Type: application/json'
p10='Content-Type: application/pkcs10'
est=/.well-known/est/simpleenroll
csr=$(base64 -w0 "$dev/bad.csr")
head -c 100000 /dev/zero | tr '\0' A >"$dev/oversize"
head -c 60000 /dev/zero | base64 -w0 >"$dev/long"
cut -c1-99 <<<"$csr" >"$dev/cut"
head -c 100 "$dev/bad.csr" | base64 >"$dev/half"
{ cat "$dev/bad.csr"; printf 'xx'; } | base64 >"$dev/trailing"
printf 'AAAA' >"$dev/notder"
printf '!!!!' >"$dev/notb64"
: >"$dev/empty"
# Flip a bit of the signature.
python3 - "$dev" <<'PY'
import sys, base64
d = bytearray(open(sys.argv[1] + "/bad.csr", "rb").read())
d[-3] ^= 1
open(sys.argv[1] + "/badsig", "wb").write(base64.b64encode(bytes(d)))
PY
dev_csr bad bad -subj /CN=x -addext basicConstraints=CA:TRUE
base64 "$dev/bad.csr" >"$dev/wantsca"

# FILE STATUS REGEX WHAT
while read -r file status regex what; do
	ask "$est" "${who[@]}" -H "$p10" --data-binary "@$dev/$file"
	refuses "$status" "$regex" "EST: $what"
	printf '{"csr":"%s"}' "$(tr -d '\n' <"$dev/$file")" >"$dev/json"
	ask /v1/enrol "${who[@]}" -H "$json" --data-binary "@$dev/json"
	refuses "$status" "$regex" "native: $what"
done <<'TABLE'
oversize 413 . a body over the limit
long 413 . a request over the limit
cut 400 base64 cut short, so not base64
half 400 . cut short
trailing 400 . trailing bytes
notder 400 . not DER
notb64 400 base64 not base64
empty 400 empty empty
badsig 400 signature wrong signature
wantsca 400 CA CA:TRUE asked for
TABLE
as_nobody
ask "$est" -H "$p10" --data-binary "@$dev/badsig"
refuses 400 signature "wrong signature from nobody"

# JSON STATUS REGEX WHAT
as_self bad
while IFS='|' read -r text status regex what; do
	native enrol "$text"
	refuses "$status" "$regex" "native: $what"
done <<'TABLE'
|400|.|no body
{|400|.|half an object
[]|400|.|no object
{} x|400|.|text behind the object
{"csr":1}|400|csr|a number for csr
{}|400|csr|no csr
{"csr":"AAAA","csr":"AAAA"}|400|.|a name twice
{"csr":"AAAA","proof":"!","identity":"AAAA"}|400|proof|proof is not base64
TABLE
native status '{'
refuses 400 . "native: status with half an object"
ask "$est" "${who[@]}" -H "$json" --data-binary "@$dev/b64"
refuses 415 "application/pkcs10" "EST: wrong content type"
ask /v1/enrol "${who[@]}" -H "$p10" --data-binary "@$dev/json"
refuses 415 "application/json" "native: wrong content type"
for path in /v1/enrol /v1/status $est /.well-known/est/simplereenroll; do
	ask "$path" "${who[@]}"
	refuses 405 . "GET $path"
	like "$head" '^Allow: .*POST' "GET $path: Allow"
done
ask /.well-known/est/cacerts "${who[@]}" -X POST -d x
refuses 405 . "POST cacerts"
for path in / /v1 /v1/nothing /.well-known/est /.well-known/est/fullcmc \
	/.well-known/est/a/b/simpleenroll \
	/v1/enrol/x; do
	ask "$path" "${who[@]}" -H "$p10" --data-binary "@$dev/b64"
	refuses 404 . "POST $path"
done
for path in /crl/0000000000000000.crl /crl/x /ca/root /crl/ \
	/ca/0000000000000000.cer /v1/status; do
	is "$(curl -s -o "$dev/body" -w '%{http_code}' \
		"http://localhost:$(conf crl.port)$path")" 404 \
		"plain port: $path"
done
is "$(curl -s "http://localhost:$(conf crl.port)/ca/root.cer" |
	openssl x509 -inform DER)" "$(openssl x509 -in "$dev/root.pem")" \
	"plain port: root"

# --- many idle connections, a slow sender ------------------------------------

ok "10,000 idle connections: another address enrols within 2 s" \
	python3 "$(dirname "$0")/idle.py" "$dev" idle "$(conf device.port)"
ok "a slow sender is cut off" \
	python3 "$(dirname "$0")/slow.py" "$(conf device.port)"

# --- afterwards --------------------------------------------------------------

ok "the journal verifies" ctl journal verify
unlike "$(cat "$appliance/enrold.log")" 'housekeeping waits|CRL of' \
	"nothing to complain about"
daemon_stop enrold
is "$(tail -c 300 "$appliance/enrold.log" | grep -c Sanitizer)" 0 \
	"ends without a sanitizer's report"
tap_done
