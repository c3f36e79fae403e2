#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# WebAuthn assertions that python-fido2 and soft-webauthn make, as approvals;
# quoin-signd and python-fido2 are of one opinion about each.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../integration/lib.sh"
origin=https://quoin.example.com rp=quoin.example.com

tools=$top_builddir/interop-tools/webauthn
mkdir -p "${tools%/*}"
"$tools/bin/python" -c 'import fido2, soft_webauthn' 2>/dev/null || {
	python3 -m venv "$tools" &&
		"$tools/bin/pip" install -q fido2==1.2.0 soft-webauthn==0.1.4
} >"$tools.log" 2>&1 ||
	skip_all "python-fido2 cannot be installed: $(tail -n 1 "$tools.log")"
fido() {
	"$tools/bin/python" "$here/webauthn.py" "$@"
}

appliance_start "$scratch/a" signd
W=$scratch/w
mkdir "$W"
ok "the PKI" ctl hsm init localhost,127.0.0.1
for n in alice bob; do
	fido make "$W/$n" $rp $origin >"$W/$n.json"
	ok "approver $n" ctl hsm approver add $n --webauthn "$W/$n.json"
done
is "$(ctl --json hsm approver list | jq -r '.approvers[0] | .kind + " " +
	.origin')" "webauthn $origin" "with an origin"
ok "a key that wants both" ctl hsm key create rel --purpose firmware \
	--approvals 2 --approvers alice,bob
head -c 5000 /dev/urandom >"$W/fw-1"
head -c 5000 /dev/urandom >"$W/fw-2"
request() { # FILE
	ctl --json hsm approval request rel "$1" >"$W/request" &&
		jq -j .statement "$W/request" >"$W/statement" &&
		id=$(jq -r .id "$W/request")
}
request "$W/fw-2"
cp "$W/statement" "$W/other"
request "$W/fw-1"
ctl hsm approval statement "$id" >"$W/statement2"
ok "the statement that was answered is the one that is shown" \
	cmp "$W/statement" "$W/statement2"

# refused WORDS WHAT OPTION...: by both.
refused() {
	local words=$1 what=$2
	shift 2
	fido get "$W/alice" "$W/statement" "$@" >"$W/answer"
	is "$(fido judge "$W/alice" "$W/statement" "$W/answer")" bad \
		"$what: python-fido2 refuses it"
	ctl hsm approval give "$id" alice --webauthn "$W/answer" \
		>"$W/out" 2>&1
	like "$? $(cat "$W/out")" "^(65|77) .*$words" "... and so does signd"
}
refused 'another origin' "another origin" origin=https://evil.example
refused 'another origin' "a longer origin" origin=$origin.evil.example
refused 'another relying party' "another relying party" rp=evil.example
refused 'another type' "a registration" type=webauthn.create
refused 'another challenge' "another statement" challenge="$W/other"
refused 'crossOrigin' "from a frame of another origin" cross=1
refused 'not verified' "a user who was not verified" flags=1
refused 'not present' "a user who was not there" flags=4
refused 'not verified' "soft-webauthn, which verifies nobody" soft=1
fido get "$W/bob" "$W/statement" >"$W/answer"
exits 65 "bob's is not alice's" ctl hsm approval give "$id" alice \
	--webauthn "$W/answer"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
	-out "$W/k.pem" 2>/dev/null
exits 65 "nor does a bare signature do" ctl hsm approval give "$id" alice \
	--key "$W/k.pem"

for n in alice bob; do
	# Synchronised credentials have no counter.
	fido get "$W/$n" "$W/statement" flags=0x1d counter=0 >"$W/answer-$n"
	is "$(fido judge "$W/$n" "$W/statement" "$W/answer-$n")" good \
		"python-fido2 takes $n's"
	ok "so does signd" ctl hsm approval give "$id" $n \
		--webauthn "$W/answer-$n"
done
ok "it is signed" ctl hsm sign rel "$W/fw-1" --out "$W/sig"
ctl hsm key public rel >"$W/rel.pem"
ok "openssl verifies it" openssl dgst -sha256 -verify "$W/rel.pem" \
	-signature "$W/sig" "$W/fw-1"
request "$W/fw-2"
exits 77 "what was given once is not for another file" ctl hsm approval \
	give "$id" alice --webauthn "$W/answer-alice"
tap_done
