#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# sanitize
# timeout: 240
# Certificate status by OCSP: openssl asks, curl looks at HTTP, and the CRL
# must say the same.
export APPLIANCE_CONF='ocsp.max_age = 120'
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/device.sh"
appliance_start "$(mktemp -d)" signd recordd enrold
dev=$appliance/dev
url=http://localhost:$(conf crl.port)/ocsp
mkdir "$dev"
ctl hsm root --pem >"$dev/root.pem"
ctl policy create p --device-lifetime 30d --issuing-lifetime 5y \
	--autorenew >/dev/null
ctl policy create q --device-lifetime 30d --issuing-lifetime 5y >/dev/null
# The CA of this policy is renewed in the middle of the test.
ctl policy create brief --device-lifetime 130s --issuing-lifetime 160s \
	--autorenew >/dev/null
names=(a b c d e f g)
for n in "${names[@]}" other young; do dev_make "$n"; done
fleet_json "${names[@]}" >"$dev/p.json"
fleet_json other >"$dev/q.json"
fleet_json young >"$dev/brief.json"
for b in p q brief; do
	ctl batch create $b --policy $b --devices "$dev/$b.json" >/dev/null
done
for n in "${names[@]}" other young; do
	as_self "$n"
	enrol "$n"
	is "$code" 200 "$n enrols"
	crl_get "$dev/$n.pem" && mv "$dev/ca.pem" "$dev/ca-$n.pem"
done

# asks FILES-OF-CERTIFICATES... -- OPTION...: verified, $out has one line of
# each.
asks() {
	local certs=() first=$1
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		certs+=(-cert "$dev/$1.pem")
		shift
	done
	shift
	out=$(openssl ocsp -issuer "$dev/ca-$first.pem" "$@" "${certs[@]}" \
		-url "$url" -CAfile "$dev/root.pem" \
		-verify_other "$dev/ca-$first.pem" -timeout 10 2>&1)
	grep -q 'Response verify OK' <<<"$out"
}

# says WHAT REGEX: of the last answer
says() {
	like "$out" "$2" "$1"
}

# status NAME STATUS [OPTION...]
status() {
	local name=$1 want=$2
	shift 2
	asks "$name" -- -no_nonce "$@" && grep -q "$name.pem: $want" <<<"$out"
}

# --- what openssl says -------------------------------------------------------

openssl x509 -in "$dev/a.pem" -noout -ocsp_uri >"$dev/uri"
is "$(cat "$dev/uri")" "$url" "certificates say where OCSP is"
ok "good, without a nonce" status a good
ok "good, out of the cache" status a good
ok "good, SHA-256" status b good -sha256
asks c -- -nonce
says "good, with a nonce" 'c.pem: good'
unlike "$out" 'WARNING: no nonce' "the nonce comes back"
asks a b c d -- -no_nonce
is "$(grep -c ': good' <<<"$out")" 4 "four certificates in one request"
asks other -- -nonce
says "another policy's CA has its own responder" 'other.pem: good'

openssl ocsp -issuer "$dev/ca-a.pem" -serial 0x1234 -url "$url" \
	-CAfile "$dev/root.pem" -verify_other "$dev/ca-a.pem" \
	>"$dev/out" 2>&1
like "$(cat "$dev/out")" '0x1234: unknown' "a serial that was never given"
openssl ocsp -issuer "$dev/ca-a.pem" -no_nonce -url "$url" \
	-serial "0x$(serial_of "$dev/other.pem")" \
	-CAfile "$dev/root.pem" -verify_other "$dev/ca-a.pem" \
	>"$dev/out" 2>&1
like "$(cat "$dev/out")" ': unknown' "another CA's serial"
openssl ocsp -issuer "$dev/a.crt" -serial 1 -url "$url" >"$dev/out" 2>&1
like "$(cat "$dev/out")" 'unauthorized' "an issuer that is not ours"
openssl ocsp -issuer "$dev/root.pem" -cert "$dev/ca-a.pem" -url "$url" \
	>"$dev/out" 2>&1
like "$(cat "$dev/out")" 'unauthorized' "the root says nothing by OCSP"
openssl ocsp -issuer "$dev/ca-a.pem" -cert "$dev/a.pem" -issuer \
	"$dev/ca-other.pem" -cert "$dev/other.pem" -url "$url" \
	>"$dev/out" 2>&1
like "$(cat "$dev/out")" 'unauthorized' "several issuers at once"

# The responder: its issuer's, for this alone, without a status of its own.
openssl ocsp -issuer "$dev/ca-a.pem" -cert "$dev/a.pem" -no_nonce -url "$url" \
	-noverify -resp_text -respout "$dev/a.der" >"$dev/out" 2>&1
like "$(cat "$dev/out")" 'OCSP Signing' "the responder is for OCSP"
like "$(cat "$dev/out")" 'OCSP No Check' "and has no status of its own"
ok "its chain alone is enough" openssl ocsp -respin "$dev/a.der" \
	-issuer "$dev/ca-a.pem" -cert "$dev/a.pem" -no_nonce \
	-CAfile "$dev/root.pem" -verify_other "$dev/ca-a.pem"
cat "$dev/root.pem" "$dev/ca-a.pem" >"$dev/both.pem"
ok "with the chain as -CAfile" openssl ocsp -respin "$dev/a.der" \
	-issuer "$dev/ca-a.pem" -cert "$dev/a.pem" -no_nonce \
	-CAfile "$dev/both.pem"
! openssl ocsp -respin "$dev/a.der" -issuer "$dev/ca-other.pem" \
	-cert "$dev/other.pem" -no_nonce -CAfile "$dev/root.pem" \
	-verify_other "$dev/ca-other.pem" 2>&1 | grep -q 'other.pem: good'
tap_result $? "it says nothing of another CA's"

# --- HTTP --------------------------------------------------------------------

# get URL [curl-option...]
get() {
	local where=$1
	shift
	: >"$dev/rsp.der"
	code=$(curl -sS -m 10 -D "$dev/head" -o "$dev/rsp.der" \
		-w '%{http_code}' "$@" "$where")
	head=$(tr -d '\r' <"$dev/head")
}

# ocsp_error: responseStatus of the last answer
ocsp_error() {
	openssl ocsp -respin "$dev/rsp.der" -noverify 2>&1 |
		sed -n 's/.*Responder Error: \([a-z]*\).*/\1/p'
}

openssl ocsp -issuer "$dev/ca-a.pem" -cert "$dev/a.pem" -no_nonce \
	-reqout "$dev/rq.der"
b64=$(base64 -w0 "$dev/rq.der")
escaped=$(sed 's/+/%2B/g; s/\//%2F/g; s/=/%3D/g' <<<"$b64")
get "$url/$escaped"
is "$code" 200 "GET, escaped"
like "$head" '^Content-Type: application/ocsp-response$' "its type"
like "$head" '^Cache-Control: max-age=120, public, no-transform, must-revalidate$' \
	"Cache-Control by ocsp.max_age"
like "$head" '^Last-Modified: [A-Z][a-z]{2}, .* GMT$' "Last-Modified"
like "$head" '^ETag: "[0-9a-f]{32}"$' "ETag"
etag=$(sed -n 's/^ETag: //p' <<<"$head")
seconds() {
	date +%s -d "$(sed -n "s/^$1: //p" <<<"$head")"
}
is "$(($(seconds Expires) - $(seconds Last-Modified)))" 86400 \
	"Expires is nextUpdate"
cp "$dev/rsp.der" "$dev/first.der"
get "$url/$escaped"
ok "again: the same bytes" cmp "$dev/rsp.der" "$dev/first.der"
get "$url/$b64"
ok "GET, not escaped: the same" cmp "$dev/rsp.der" "$dev/first.der"
get "$url/$escaped" -H "If-None-Match: $etag"
is "$code $(wc -c <"$dev/rsp.der")" "304 0" "known already: 304"
get "$url" -H 'Content-Type: application/ocsp-request' \
	--data-binary "@$dev/rq.der"
ok "POST: the same" cmp "$dev/rsp.der" "$dev/first.der"
unlike "$head" '^ETag' "POST is not for caches"
openssl ocsp -issuer "$dev/ca-a.pem" -cert "$dev/a.pem" -nonce \
	-reqout "$dev/nonce.der"
get "$url/$(base64 -w0 "$dev/nonce.der" | sed 's/+/%2B/g; s/\//%2F/g')"
is "$code $(ocsp_error)" "200 " "GET with a nonce"
like "$head" '^Cache-Control: no-store$' "is not for caches"
openssl ocsp -issuer "$dev/ca-a.pem" -serial 0x77 -no_nonce \
	-reqout "$dev/unknown.der"
get "$url/$(base64 -w0 "$dev/unknown.der" | sed 's/+/%2B/g; s/\//%2F/g')"
like "$head" '^Cache-Control: no-store$' "unknown is not for caches"
get "$url/%%%"
is "$code" 400 "what is no URL"
get "$url/abcd"
is "$code $(ocsp_error)" "200 malformedrequest" "no request: malformedRequest"
get "$url/!!"
is "$code $(ocsp_error)" "200 malformedrequest" "no base64: malformedRequest"
get "$url" -H 'Content-Type: application/ocsp-request' --data-binary ''
is "$code $(ocsp_error)" "200 malformedrequest" "nothing: malformedRequest"
get "$url" -H 'Content-Type: text/plain' --data-binary "@$dev/rq.der"
is "$code" 415 "another type: 415"
get "$url"
is "$code" 405 "GET of nothing: 405"
head -c 9000 /dev/zero >"$dev/large"
get "$url" -H 'Content-Type: application/ocsp-request' \
	--data-binary "@$dev/large"
is "$code" 413 "too large: 413"
many=()
for ((i = 1; i <= 17; i++)); do many+=(-serial "$i"); done
openssl ocsp -issuer "$dev/ca-a.pem" -sha256 "${many[@]:0:32}" -nonce \
	-reqout "$dev/many.der"
get "$url" -H 'Content-Type: application/ocsp-request' \
	--data-binary "@$dev/many.der"
is "$code $(ocsp_error) $(openssl ocsp -respin "$dev/rsp.der" -noverify \
	-resp_text 2>&1 | grep -c 'Cert Status: unknown')" "200  16" \
	"16 certificates at once"
openssl ocsp -issuer "$dev/ca-a.pem" "${many[@]}" -reqout "$dev/many.der"
get "$url" -H 'Content-Type: application/ocsp-request' \
	--data-binary "@$dev/many.der"
is "$code $(ocsp_error)" "200 malformedrequest" "17 are too many"

# --- revocation --------------------------------------------------------------

# Asked before, so that good answers are kept everywhere.
ok "good before" status d good
ok "in the other form, too" status d good -sha256
begin=$(date +%s%N)
ctl device revoke "$(dev_id d)" --reason keyCompromise >/dev/null
within 3 status d revoked
took=$((($(date +%s%N) - begin) / 1000000))
[ $took -lt 1500 ]
tap_result $? "revoked: by OCSP after $took ms"
status d revoked
says "its reason" 'Reason: keyCompromise'
ok "in the other form" status d revoked -sha256
asks d -- -nonce
says "with a nonce" 'd.pem: revoked'
asks c d -- -no_nonce
says "and with another that is good" 'd.pem: revoked'
says "which stays good" 'c.pem: good'
within 5 verify_revoked "$dev/d.pem"
ok "the CRL says the same" verify_revoked "$dev/d.pem"
crl_at=$(openssl crl -in "$dev/crl.pem" -noout -text |
	grep -A1 -i "$(serial_of "$dev/d.pem")" |
	sed -n 's/.*Revocation Date: //p')
status d revoked
is "$(sed -n 's/.*Revocation Time: //p' <<<"$out")" "$crl_at" \
	"and the same time"
ctl device revoke "$(dev_id e)" --reason 'lost on a train' >/dev/null
within 3 status e revoked
status e revoked
unlike "$out" 'Reason:' "without a reason of the standard"
ctl device delete "$(dev_id f)" >/dev/null 2>&1
within 5 status f revoked
ok "deleted: revoked" status f revoked

# --- renewed CAs -------------------------------------------------------------

ok "a young one under the first CA" status young good
first=$(issuer_of "$dev/young.pem")
cp "$dev/young.pem" "$dev/old.pem"
cp "$dev/ca-young.pem" "$dev/ca-old.pem"
ca_renewed() {
	ctl --json hsm certs | jq -e '[.[] | select(.policy == "brief")] |
		length > 1' >/dev/null
}
within 90 ca_renewed
as_self young
young_again() {
	dev_csr young
	enrol young && [ "$(issuer_of "$dev/young.pem")" != "$first" ]
}
within 20 young_again
crl_get "$dev/young.pem" && mv "$dev/ca.pem" "$dev/ca-young.pem"
ok "the CA was renewed: one of the new" status young good
ok "one of the old" status old good

# --- what goes away ----------------------------------------------------------

ok "asked before" status g good
daemon_stop signd
begin=$SECONDS
ok "without signd: out of the cache" status g good
get "$url" -H 'Content-Type: application/ocsp-request' \
	--data-binary "@$dev/nonce.der"
is "$code $(ocsp_error)" "200 trylater" "with a nonce: tryLater"
like "$head" '^Cache-Control: no-store$' "not for caches"
[ $((SECONDS - begin)) -lt 5 ]
tap_result $? "and at once"
daemon_start signd
daemon_ready signd
with_nonce() {
	asks a -- -nonce
}
within 10 with_nonce
ok "signd is back" with_nonce
kill -STOP "${daemon_pid[signd]}"
begin=$SECONDS
get "$url" -H 'Content-Type: application/ocsp-request' \
	--data-binary "@$dev/nonce.der"
is "$code $(ocsp_error)" "200 trylater" "signd stands still: tryLater"
[ $((SECONDS - begin)) -lt 6 ]
tap_result $? "in time"
ok "cached ones are served" status g good
kill -CONT "${daemon_pid[signd]}"
within 10 with_nonce
ok "signd goes on" with_nonce

daemon_stop recordd
ok "without recordd: out of the cache" status g good
get "$url" -H 'Content-Type: application/ocsp-request' \
	--data-binary "@$dev/unknown.der"
like "$(ocsp_error)" '^(trylater|)$' "what nobody knows: tryLater"
daemon_start recordd
daemon_ready recordd

# --- another start -----------------------------------------------------------

get "$url/$escaped"
cp "$dev/rsp.der" "$dev/first.der"
daemon_stop enrold KILL
daemon_start enrold
daemon_ready enrold
within 10 status a good
get "$url/$escaped"
ok "killed and started: the same bytes, out of the table" \
	cmp "$dev/rsp.der" "$dev/first.der"
ok "revoked is revoked" status d revoked
# b was asked for by SHA-256 only: its usual answer was signed ahead.
ahead() {
	od -An -v -tx1 -w128 "$appliance/enrold/ocsp.answers" | tr -d ' ' |
		grep -q "^........00.*$(serial_of "$dev/b.pem")"
}
within 15 ahead
ok "what nobody asked for is signed ahead" ahead
daemon_stop enrold
printf 'damage' | dd of="$appliance/enrold/ocsp.answers" bs=1 conv=notrunc \
	status=none
daemon_start enrold
daemon_ready enrold
within 10 status a good
ok "a damaged table is made anew" status a good
log=$(cat "$appliance/enrold.log")
unlike "$log" 'OCSP: ' "no complaints"
tap_done
