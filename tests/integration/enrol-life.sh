#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# stores: both
# sanitize
# timeout: 240
# A device's life in time: expiry, renewal, CRLs, another name, daemons that
# go away.
export APPLIANCE_CONF='crl.hours = 1'
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/device.sh"
appliance_start "$(mktemp -d)" signd recordd enrold
dev=$appliance/dev
mkdir "$dev"
install -m 0755 "$top_builddir/tests/integration/recordd-client" \
	"$appliance/app/"
ctl hsm root --pem >"$dev/root.pem"
ctl policy create short --device-lifetime 60s --issuing-lifetime 1d \
	--autorenew >/dev/null
ctl policy create once --device-lifetime 60s --issuing-lifetime 1d >/dev/null
ctl policy create long --device-lifetime 30d --issuing-lifetime 5y \
	--autorenew >/dev/null
for n in auto other once late s1 s2 s3 s4; do dev_make $n; done
fleet_json auto other >"$dev/short.json"
fleet_json once late >"$dev/once.json"
fleet_json s1 s2 s3 s4 >"$dev/long.json"
for b in short once long; do
	ok "batch $b" ctl batch create $b --policy $b --devices "$dev/$b.json"
done

# --- enrol, renew ------------------------------------------------------------

until_counts() {
	[ "$(counts "$1")" = "$2" ]
}

start=$(date +%s)
for n in auto other once; do
	as_self $n
	enrol $n
	is "$code" 200 "$n enrols"
done
is "$(counts short)" "2 0 2 0 0 0" "counters: two enrolled"
is "$(counts once)" "2 1 1 0 0 0" "counters: one of two enrolled"
exits 1 "the certificate ends when the policy says" \
	openssl x509 -in "$dev/once.pem" -noout -checkend 61
as_cert auto
native status '{}'
is "$(jq -r '.state, .renew' <<<"$body" | tr '\n' ' ')" "enrolled false " \
	"young: no renewal asked for"
wait=$(jq -r .poll_after <<<"$body")
[ "$wait" -ge 1 ] && [ "$wait" -le 40 ]
tap_result $? "come back when it is time to renew: in $wait s"

# --- the CRL -----------------------------------------------------------------

crl_number() {
	openssl crl -in "$dev/crl.pem" -noout -crlnumber |
		sed 's/.*0x0*//' | tr 'A-F' 'a-f'
}
as_self s1
enrol s1
ok "a CRL is there" crl_get "$dev/s1.pem"
n1=$(crl_number)
text=$(openssl crl -in "$dev/crl.pem" -noout -text)
like "$text" "No Revoked Certificates" "it is empty"
like "$text" "Only User Certificates" "for user certificates"
like "$text" "Issuing Distribution Point: critical" "its IDP is critical"
like "$text" "Authority Key Identifier" "it names the key"
crl_time() {
	date +%s -d "$(openssl crl -in "$dev/crl.pem" -noout "$1" |
		cut -d= -f2)"
}
is "$(($(crl_time -nextupdate) - $(crl_time -lastupdate)))" 3600 \
	"it lasts crl.hours"
begin=$(date +%s%N)
ctl device revoke "$(dev_id s1)" --reason lost >/dev/null
within 3 verify_revoked "$dev/s1.pem"
took=$((($(date +%s%N) - begin) / 1000000))
[ $took -lt 2000 ]
tap_result $? "revoked: on the CRL after $took ms"
n2=$(crl_number)
[ $((16#$n2)) -gt $((16#$n1)) ]
tap_result $? "its number has grown: $n1, $n2"

# A clock that was ahead when a device was revoked: the CRL goes on.
later=7effffffffffffffffffffffffffffff
ok "a revocation dated tomorrow" as enrold "$appliance/app/recordd-client" \
	"$appliance/quoin.conf" revoked "$(issuer_of "$dev/s1.pem")" $later 80000
listed() {
	crl_get "$dev/s1.pem" &&
		openssl crl -in "$dev/crl.pem" -noout -text | grep -qi $later
}
within 5 listed
ok "is on the CRL at once" listed
n2=$(crl_number)

# --- kill -9, and go on ------------------------------------------------------

as_self s2
enrol s2
daemon_stop enrold KILL
daemon_start enrold
daemon_ready enrold
ok "killed and started: the CRL is there at once" \
	verify_revoked "$dev/s1.pem"
as_cert s2
native status '{}'
is "$code" 200 "the certificate from before is known"
crl_later() {
	crl_get "$dev/s2.pem" && [ $((16#$(crl_number))) -gt $((16#$n2)) ]
}
within 5 crl_later
ok "a later CRL follows, with a higher number" crl_later
ok "with what was revoked" verify_revoked "$dev/s1.pem"
ctl device revoke "$(dev_id s2)" --reason lost >/dev/null
daemon_stop enrold KILL
daemon_start enrold
daemon_ready enrold
within 5 verify_revoked "$dev/s2.pem"
ok "revoked and killed: on the CRL all the same" \
	verify_revoked "$dev/s2.pem"

for d in signd recordd; do
	daemon_stop $d KILL
	as_self s3
	native status '{}'
	enrol s3 >/dev/null
	case $d in
	signd) is "$code" "curl 35" "without $d: no handshake" ;;
	recordd)
		is "$code" 503 "without $d: 503"
		like "$head" '^Retry-After: [1-9]' "without $d: Retry-After"
		;;
	esac
	daemon_start $d
	daemon_ready $d
	again() {
		enrol s3
	}
	within 5 again
	ok "$d is back: enrols" again
done
is "$(dev_field s3 issued)" 1 "asked many times, issued once"

# signd away behind an open connection: 503, not a hang.
as_self s4
is "$(python3 "$(dirname "$0")/held.py" "$dev" s4 "$(conf device.port)" \
	"${daemon_pid[signd]}")" "503 200" "signd stands still: 503; goes on: 200"

# --- another name ------------------------------------------------------------

ok "another name" ctl config name localhost,127.0.0.1,::1
shown() {
	openssl s_client -connect "127.0.0.1:$(conf device.port)" \
		</dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName |
		grep -q 'IP Address:0:0:0:0:0:0:0:1'
}
within 8 shown
ok "the device port shows the new certificate" shown
as_self s4
native status '{}'
is "$code" 200 "and serves"

# --- renewal and expiry ------------------------------------------------------

renewal_asked() {
	native status '{}'
	[ "$(jq -r .renew <<<"$body")" = true ]
}
as_cert auto
within 41 renewal_asked
native status '{}'
is "$(jq -r '.state, .renew' <<<"$body" | tr '\n' ' ')" "enrolled true " \
	"autorenew: status asks for renewal"
dev_csr auto
old=$(serial_of "$dev/auto.pem")
enrol auto
is "$code" 200 "autorenew: renewal by its certificate"
[ "$(serial_of "$dev/auto.pem")" != "$old" ]
tap_result $? "another certificate"
is "$(dev_field auto 'certs | length')" 2 "the old one overlaps"
within 70 until_counts once "2 1 0 1 0 0"
took=$(($(date +%s) - start))
is "$(counts once)" "2 1 0 1 0 0" "counters: one expired, after $took s"
[ $took -ge 60 ] && [ $took -le 70 ]
tap_result $? "within 5 s of its end"
within 5 until_counts short "2 0 1 1 0 1"
is "$(counts short)" "2 0 1 1 0 1" "counters: one renewed, one expired"
as_cert once
native status '{}'
is "$code" 403 "expired, no autorenew: status by its certificate"
like "$body" "has expired and renewal needs an operator" "says why"
as_self once
native status '{}'
is "$code $(jq -r '.state, .renew' <<<"$body" | tr '\n' ' ')" \
	"200 expired false " "expired: status by its own key"
dev_csr once
enrol once
is "$code" 403 "expired, no autorenew: no renewal"
ok "allow" ctl device allow "$(dev_id once)"
as_cert once
native status '{}'
is "$code $(jq -r '.state, .renew' <<<"$body" | tr '\n' ' ')" \
	"200 expired true " "allowed: status by the expired certificate"
enrol once
is "$code" 200 "allowed: renewal by the expired certificate"
is "$(counts once)" "2 1 1 0 0 1" "counters: enrolled, and has renewed"
as_cert other
dev_csr other
enrol other
is "$code" 200 "expired, autorenew: renewal by the expired certificate"
is "$(counts short)" "2 0 2 0 0 2" "counters: both enrolled and renewed"
dev_csr other other -subj "/CN=$(dev_id other)"
as_cert other
ok "and by simplereenroll" est simplereenroll other

is "$(counts long)" "4 0 2 0 2 0" "counters at the end"
ok "the journal verifies" ctl journal verify
tap_done
