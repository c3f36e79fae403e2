# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Devices made of curl and openssl, for tests of the device port. To be
# sourced after lib.sh. A device NAME is files in $dev: NAME.key NAME.crt (self-
# signed) NAME.id, then NAME.pem (what it was issued).

host=localhost # the appliance's name

# dev_make NAME [ec|rsa3072|rsa2048|rsa4096|p384]
dev_make() {
	local key=$dev/$1.key
	case ${2:-ec} in
	ec) openssl ecparam -name prime256v1 -genkey -noout -out "$key" ;;
	p384) openssl ecparam -name secp384r1 -genkey -noout -out "$key" ;;
	rsa*) openssl genrsa -out "$key" "${2#rsa}" 2>/dev/null ;;
	esac
	openssl pkey -in "$key" -pubout -outform DER |
		sha256sum | cut -c1-64 >"$dev/$1.id"
	openssl req -x509 -new -key "$key" -subj /CN=device -days 1 \
		-out "$dev/$1.crt"
	dev_csr "$1"
}

dev_id() {
	cat "$dev/$1.id"
}

# dev_csr NAME [KEY [openssl-option...]]: a new NAME.csr (DER).
dev_csr() {
	local name=$1 key=${2:-$1}
	shift
	[ $# = 0 ] || shift
	[ $# -gt 0 ] || set -- -subj /CN=device
	openssl req -new -key "$dev/$key.key" -outform DER \
		-out "$dev/$name.csr" "$@"
}

# fleet_json NAME...: the file that `batch create' reads.
fleet_json() {
	local n list=
	for n; do list="$list${list:+,}\"$(dev_id "$n")\""; done
	printf '{"devices":[%s]}\n' "$list"
}

# ask PATH [curl-option...]: $code, $body, $head.
ask() {
	local path=$1
	shift
	: >"$dev/head"
	: >"$dev/body"
	code=$(curl -sS -m 20 --cacert "$dev/root.pem" -D "$dev/head" \
		-o "$dev/body" -w '%{http_code}' "$@" --resolve \
		"$host:$(conf device.port):127.0.0.1" \
		"https://$host:$(conf device.port)$path" 2>"$dev/err") ||
		code="curl $?"
	body=$(tr -d '\0' <"$dev/body")
	head=$(tr -d '\r' <"$dev/head")
}

# as_self NAME, as_cert NAME: how the device shows itself, in $who.
as_self() {
	who=(--cert "$dev/$1.crt" --key "$dev/$1.key")
}
as_cert() {
	who=(--cert "$dev/$1.pem" --key "$dev/${2:-$1}.key")
}
as_nobody() {
	who=()
}

# native OP JSON [curl-option...], as $who
native() {
	local op=$1
	printf '%s' "$2" >"$dev/json"
	shift 2
	ask "/v1/$op" "${who[@]}" -H 'Content-Type: application/json' \
		--data-binary "@$dev/json" "$@"
}

# enrol NAME [curl-option...]: NAME.csr by the native protocol, as $who; what
# comes goes to NAME.pem and chain.pem.
enrol() {
	local name=$1
	shift
	native enrol "{\"csr\":\"$(base64 -w0 "$dev/$name.csr")\"}" "$@"
	[ "$code" = 200 ] || return 1
	jq -r .certificate "$dev/body" >"$dev/$name.pem"
	jq -r .chain "$dev/body" >"$dev/chain.pem"
}

# est OP NAME [curl-option...]: NAME.csr by EST, as $who; the label is in OP.
est() {
	local op=$1 name=$2
	shift 2
	base64 "$dev/$name.csr" >"$dev/b64"
	ask "/.well-known/est/$op" "${who[@]}" \
		-H 'Content-Type: application/pkcs10' \
		--data-binary "@$dev/b64" "$@"
	[ "$code" = 200 ] || return 1
	base64 -d "$dev/body" | openssl pkcs7 -inform DER -print_certs \
		-out "$dev/p7.pem" || return 1
	[ "$(grep -c BEGIN "$dev/p7.pem")" = 1 ] || return 1
	openssl x509 -in "$dev/p7.pem" -out "$dev/$name.pem"
}

# Issuer's id, from the CRL's address in a certificate.
issuer_of() {
	openssl x509 -in "$1" -noout -ext crlDistributionPoints |
		sed -n 's|.*/crl/\(.*\)\.crl.*|\1|p'
}

# The list and the chain of a certificate into crl.pem, ca.pem.
crl_get() {
	local id
	id=$(issuer_of "$1")
	curl -sSf -m 10 "http://localhost:$(conf crl.port)/crl/$id.crl" \
		-o "$dev/crl.der" &&
		openssl crl -inform DER -in "$dev/crl.der" -out "$dev/crl.pem" &&
		curl -sSf -m 10 "http://localhost:$(conf crl.port)/ca/$id.cer" |
		openssl x509 -inform DER -out "$dev/ca.pem"
}

# A certificate against the root with its issuer's CRL.
verify() {
	crl_get "$1" && openssl verify -crl_check -CAfile "$dev/root.pem" \
		-untrusted "$dev/ca.pem" -CRLfile "$dev/crl.pem" \
		-purpose sslclient "$1"
}

verify_revoked() {
	verify "$1" 2>&1 | grep -q 'certificate revoked'
}

serial_of() {
	openssl x509 -in "$1" -noout -serial | cut -d= -f2 |
		tr 'A-F' 'a-f'
}

# Member of the device's record, as JSON has it.
dev_field() {
	ctl --json device show "$(dev_id "$1")" | jq -r ".$2"
}

counts() {
	ctl --json batch show "$1" | jq -r \
		'"\(.devices) \(.not_enrolled) \(.enrolled) \(.expired) \(.revoked) \(.renewed)"'
}
