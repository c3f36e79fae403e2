#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# An independent linter (pkilint, from PyPI) over every kind of certificate and
# CRL that the running appliance issues.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../integration/lib.sh"
. "$here/../integration/device.sh"
version=0.13.3

tools=$top_builddir/interop-tools/pkilint
mkdir -p "${tools%/*}"
[ -x "$tools/bin/lint_crl" ] || {
	python3 -m venv "$tools" &&
		"$tools/bin/pip" install -q "pkilint==$version"
} >"$tools.log" 2>&1 ||
	skip_all "pkilint cannot be installed: $(tail -n 1 "$tools.log")"

# A name like one on the Internet: the linter wants no other.
host=quoin.example.com
export APPLIANCE_CONF="crl.delta_bytes = 0"
appliance_start "$(mktemp -d)" signd recordd
ctl hsm init $host,127.0.0.1 >/dev/null
daemon_start enrold
daemon_ready enrold
dev=$appliance/dev
mkdir "$dev" "$dev/all"
ctl hsm root --pem >"$dev/root.pem"
ctl policy create p --device-lifetime 30d --issuing-lifetime 5y \
	--autorenew >/dev/null
ctl policy create p2 --device-lifetime 9y --issuing-lifetime 10y \
	--autorenew --allow-rsa2048 >/dev/null
for n in ec rev1 rev2; do dev_make $n; done
dev_make rsa rsa3072
dev_make small rsa2048
fleet_json ec rev1 rev2 rsa >"$dev/fleet.json"
fleet_json small >"$dev/fleet2.json"
ctl batch create fleet --policy p --devices "$dev/fleet.json" >/dev/null
ctl batch create fleet2 --policy p2 --devices "$dev/fleet2.json" >/dev/null
for n in ec rev1 rev2 rsa small; do
	as_self $n
	enrol $n
	is "$code" 200 "$n enrols"
	cp "$dev/$n.pem" "$dev/all/device-$n.pem"
done

# Every certificate of the appliance itself.
ctl hsm certs --pem >"$dev/certs.pem"
csplit -s -z -f "$dev/all/appliance-" -b %02d.pem "$dev/certs.pem" \
	'/BEGIN CERT/' '{*}'
kinds=$(for f in "$dev/all"/appliance-*; do
	openssl x509 -in "$f" -noout -subject -nameopt multiline,-esc_msb |
		sed -n 's/ *commonName *= //p'
done)
like "$kinds" "Root" "the OEM Root is among them"
like "$kinds" "Issuing" "issuing CAs are among them"
like "$kinds" "$host" "TLS certificates are among them"

# Errors and worse; what they are about goes to the log.
for f in "$dev/all"/*.pem; do
	ok "${f##*/}: $(openssl x509 -in "$f" -noout -subject |
		cut -c9-60)" "$tools/bin/lint_pkix_cert" lint -s ERROR "$f"
done

crl_lint() {
	"$tools/bin/lint_crl" lint -t CRL -p PKIX -s ERROR "$dev/crl.der"
}
ok "the CRL is there" crl_get "$dev/ec.pem"
ok "an empty CRL" crl_lint
ctl device revoke "$(dev_id rev1)" --reason keyCompromise >/dev/null
ctl device revoke "$(dev_id rev2)" --reason 'lost on a train' >/dev/null
revoked_both() {
	verify_revoked "$dev/rev1.pem" && verify_revoked "$dev/rev2.pem"
}
within 5 revoked_both
ok "two are revoked" revoked_both
ok "a CRL with and without a reason" crl_lint

# Revoked after the list became long: base and delta.
like "$(openssl crl -in "$dev/crl.pem" -noout -text)" "Freshest CRL" \
	"the full list says where its delta is"
ctl device revoke "$(dev_id rsa)" --reason superseded >/dev/null
delta_has_it() {
	curl -sSf -m 10 -o "$dev/crl.der" \
		"http://localhost:$(conf crl.port)/crl/$(issuer_of \
			"$dev/rsa.pem")-delta.crl" &&
		openssl crl -inform DER -in "$dev/crl.der" -noout -text |
		grep -q Superseded
}
within 5 delta_has_it
ok "a delta CRL" delta_has_it
ok "without an error" crl_lint

# OCSP answers of each status, with and without a nonce.
issuing=$dev/ca.pem
ocsp_lint() {
	openssl ocsp -issuer "$issuing" -noverify -respout "$dev/ocsp.der" \
		-url "http://localhost:$(conf crl.port)/ocsp" "$@" &&
		"$tools/bin/lint_ocsp_response" lint -s ERROR "$dev/ocsp.der"
}
ok "OCSP: good" ocsp_lint -cert "$dev/ec.pem" -no_nonce
ok "OCSP: good, SHA-256, nonce" ocsp_lint -sha256 -cert "$dev/ec.pem" -nonce
ok "OCSP: revoked" ocsp_lint -cert "$dev/rev1.pem" -no_nonce
ok "OCSP: revoked without a reason" ocsp_lint -cert "$dev/rev2.pem" -no_nonce
ok "OCSP: unknown" ocsp_lint -serial 0x1234 -no_nonce
ok "OCSP: several" ocsp_lint -cert "$dev/ec.pem" -cert "$dev/rev1.pem" -nonce

# The linter finds an error where there is one.
openssl req -x509 -new -key "$dev/ec.key" -subj /CN=x -days 1 \
	-addext keyUsage=critical,keyCertSign \
	-addext basicConstraints=CA:FALSE -out "$dev/bad.pem" 2>/dev/null
! "$tools/bin/lint_pkix_cert" lint -s ERROR "$dev/bad.pem" >/dev/null
tap_result $? "a certificate with an error is found"
tap_done
