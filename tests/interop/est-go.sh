#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# stores: both
# timeout: 300
# A foreign EST client against the device port: estclient of
# github.com/globalsign/est. Any Go from Debian 12's 1.19 on can build it;
# its modules come by the Go proxy.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../integration/lib.sh"
. "$here/../integration/device.sh"
version=v1.0.6

go=$(command -v go || command -v /usr/lib/go-1.19/bin/go) ||
	skip_all "wants go: apt-get install golang-go"
tools=$top_builddir/interop-tools
mkdir -p "$tools"
# Not by `go install PATH@VERSION': that asks the proxy for every parent of
# the path as a module, and some proxies answer with another status than the
# 404 that go takes for a no.
estclient_build() {
	local module
	module=$(mktemp -d) || return
	(
		cd "$module" || exit
		export GOFLAGS=-mod=mod GOPATH=$tools/go
		"$go" mod init quoin.test/est &&
			"$go" get "github.com/globalsign/est@$version" &&
			"$go" build -o "$tools/estclient" \
				github.com/globalsign/est/cmd/estclient
	) >"$tools/estclient.log" 2>&1
	local status=$?
	rm -rf "$module"
	return $status
}
[ -x "$tools/estclient" ] || estclient_build ||
	skip_all "estclient cannot be built: $(tail -n 1 "$tools/estclient.log")"

appliance_start "$(mktemp -d)" signd recordd enrold
dev=$appliance/dev
mkdir "$dev"
ctl hsm root --pem >"$dev/root.pem"
ctl policy create p --device-lifetime 30d --issuing-lifetime 5y \
	--autorenew >/dev/null
dev_make ec
dev_make rsa rsa3072
fleet_json ec rsa >"$dev/fleet.json"
ctl batch create fleet --policy p --devices "$dev/fleet.json" >/dev/null
server=127.0.0.1:$(conf device.port)

# client COMMAND option...
client() {
	local command=$1
	shift
	timeout 60 "$tools/estclient" "$command" -server "$server" \
		-explicit "$dev/root.pem" "$@"
}

ok "cacerts" client cacerts -out "$dev/cas.pem"
is "$(grep -c BEGIN "$dev/cas.pem")" 2 "cacerts: the CA and the root"
ok "cacerts with a label" client cacerts -aps fleet -out "$dev/cas.pem"
ok "csrattrs" client csrattrs
[ -n "$out" ]
tap_result $? "csrattrs: something came"
for n in ec rsa; do
	openssl req -inform DER -in "$dev/$n.csr" -out "$dev/$n.csr.pem"
	ok "enroll $n" client enroll -certs "$dev/$n.crt" -key "$dev/$n.key" \
		-csr "$dev/$n.csr.pem" -out "$dev/$n.pem"
	ok "enroll $n: it verifies" verify "$dev/$n.pem"
	is "$(openssl x509 -in "$dev/$n.pem" -noout -subject \
		-nameopt RFC2253)" "subject=CN=$(dev_id $n)" \
		"enroll $n: the device's name"
	dev_csr $n $n -subj "/CN=$(dev_id $n)"
	openssl req -inform DER -in "$dev/$n.csr" -out "$dev/$n.csr.pem"
	ok "reenroll $n" client reenroll -certs "$dev/$n.pem" \
		-key "$dev/$n.key" -csr "$dev/$n.csr.pem" -out "$dev/$n-2.pem"
	ok "reenroll $n: it verifies" verify "$dev/$n-2.pem"
	[ "$(serial_of "$dev/$n.pem")" != "$(serial_of "$dev/$n-2.pem")" ]
	tap_result $? "reenroll $n: another certificate"
	ok "enroll $n with its batch as label" client enroll -aps fleet \
		-certs "$dev/$n-2.pem" -key "$dev/$n.key" \
		-csr "$dev/$n.csr.pem" -out "$dev/$n-3.pem"
done
# A token by HTTP Basic, and keys made by the appliance.
access() {
	"$top_builddir/tests/integration/access-client" \
		"$appliance/quoin.conf" "$@"
}
ctl batch create tokens --policy p >/dev/null
access alone tokens 1
token=$(access token firmware tokens -1 2)
dev_make basic
openssl req -inform DER -in "$dev/basic.csr" -out "$dev/basic.csr.pem"
exits 1 "a wrong password" client enroll -user basic -pass wrong \
	-csr "$dev/basic.csr.pem" -out "$dev/basic.pem"
like "$out" "no such token" "and told why"
ok "a token as password" client enroll -user basic -pass "$token" \
	-csr "$dev/basic.csr.pem" -out "$dev/basic.pem"
ok "it verifies" verify "$dev/basic.pem"
generated() {
	client serverkeygen -certs "$dev/ec-2.pem" -key "$dev/ec.key" \
		-csr "$dev/ec.csr.pem" -keyout "$dev/made.key" \
		-out "$dev/made.pem"
}
exits 1 "serverkeygen, not allowed" generated
access serverkey p 1
ok "serverkeygen, allowed" generated
within 5 verify "$dev/made.pem"
ok "serverkeygen: it verifies" verify "$dev/made.pem"
is "$(openssl pkey -in "$dev/made.key" -pubout)" \
	"$(openssl x509 -in "$dev/made.pem" -noout -pubkey)" \
	"serverkeygen: the key is the certificate's"
dev_make stranger
openssl req -inform DER -in "$dev/stranger.csr" -out "$dev/stranger.pem"
exits 1 "a stranger is refused" client enroll -certs "$dev/stranger.crt" \
	-key "$dev/stranger.key" -csr "$dev/stranger.pem" -out "$dev/no.pem"
like "$out" "is in no batch" "and told why"
tap_done
