#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# stores: both
# timeout: 480
# sanitize
# Every way in: certificates under Auth Certs of each kind, tokens in each
# form, an operator's approval, keys made by the appliance; and everybody who
# must stay outside. With curl and openssl.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/device.sh"
appliance_start "$(mktemp -d)" signd recordd enrold
dev=$appliance/dev
mkdir "$dev"
ctl hsm root --pem >"$dev/root.pem"

access() {
	"$top_builddir/tests/integration/access-client" \
		"$appliance/quoin.conf" "$@"
}

# Wrong tokens are limited by address: each part has one of its own.
from=127.0.0.2

# --- chains as makers of secure elements ship them ---------------------------

ca_ext='basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign,cRLSign'
dev_ext='basicConstraints=critical,CA:FALSE
keyUsage=critical,digitalSignature,keyAgreement'

new_key() {
	case $2 in
	rsa*) openssl genrsa -out "$dev/$1.key" "${2#rsa}" ;;
	*) openssl ecparam -name "$2" -genkey -noout -out "$dev/$1.key" ;;
	esac 2>/dev/null
}

# sign NAME CA CN EXTENSIONS [option...]: NAME.own under CA.own
sign() {
	local name=$1 ca=$2 cn=$3
	printf '%s\n' "$4" >"$dev/ext"
	shift 4
	openssl req -new -key "$dev/$name.key" -subj "/CN=$cn" |
		openssl x509 -req -CA "$dev/$ca.own" -CAkey "$dev/$ca.key" \
			-set_serial "0x$(openssl rand -hex 15)" -days 10000 \
			-extfile "$dev/ext" -out "$dev/$name.own" "$@" \
			2>/dev/null
}

# root_make NAME KEY; signer_make NAME ROOT KEY
root_make() {
	new_key "$1" "$2"
	openssl req -x509 -new -key "$dev/$1.key" -subj "/O=$1/CN=Root 002" \
		-days 10000 -out "$dev/$1.own"
}
signer_make() {
	new_key "$1" "$3"
	sign "$1" "$2" "Signer F600" "$ca_ext"
}

# element NAME SIGNER [KEY]: a device with a certificate of that maker's. What
# it sends is NAME.crt: its certificate, then the signer's.
element() {
	local key=${3:-prime256v1}
	new_key "$1" "$key"
	sign "$1" "$2" "sn0123$(openssl rand -hex 6)EE01" "$dev_ext"
	cat "$dev/$1.own" "$dev/$2.own" >"$dev/$1.crt"
	openssl pkey -in "$dev/$1.key" -pubout -outform DER |
		sha256sum | cut -c1-64 >"$dev/$1.id"
	dev_csr "$1"
}

life='--device-lifetime 30d --issuing-lifetime 5y'
# shellcheck disable=SC2086 # options
ctl policy create auto $life --autorenew >/dev/null
# shellcheck disable=SC2086 # options
ctl policy create manual $life >/dev/null
declare -A flags=([none]='' [pre]=p [tok]=t [both]=pt)
for k in none pre tok both; do
	root_make "$k" prime256v1
	signer_make "$k.s" "$k" prime256v1
	for n in known revoked; do element "$k.$n" "$k.s"; done
	fleet_json "$k.known" "$k.revoked" >"$dev/fleet"
	ok "batch $k" ctl batch create "$k" --policy auto \
		--devices "$dev/fleet"
	ctl device revoke "$(dev_id "$k.revoked")" >/dev/null
	ok "Auth Cert $k" access auth "$dev/$k.own" "maker $k" "$k" \
		"${flags[$k]}"
done
exits 73 "the same Auth Cert again" access auth "$dev/none.own" other none ''
like "$out" 'there already, as Auth Cert maker none' "says which"
exits 73 "another of that name" access auth "$dev/none.s.own" "maker none" \
	none ''
exits 66 "of a batch that is not" access auth "$dev/none.s.own" x nosuch ''
exits 65 "without a batch" access auth "$dev/none.s.own" x '' t
exits 65 "a device's certificate" access auth "$dev/none.known.own" x none ''
like "$out" 'not one of a certificate authority' "says why"
cat "$dev/none.s.own" "$dev/pre.s.own" >"$dev/two"
exits 65 "two in one file" access auth "$dev/two" x none ''
exits 65 "a key" access auth "$dev/none.key" x none ''
exits 75 "a batch that is in use is not deleted" ctl batch delete tok
like "$out" 'used by Auth Cert maker tok' "says by what"

# --- every kind, every token, every device -----------------------------------

declare -A token=([none]='' [wrong]=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA)
for k in tok both; do
	token[$k.right]=$(access token "right $k" "$k" -1 2)
	token[$k.ended]=$(access token "ended $k" "$k" -2 -1)
	token[$k.early]=$(access token "early $k" "$k" 2 3)
done
for t in right ended early; do
	# Where none is asked for, none of them matters.
	token[none.$t]=${token[tok.$t]}
	token[pre.$t]=${token[tok.$t]}
done
for k in none pre tok; do token[$k.other]=${token[both.right]}; done
token[both.other]=${token[tok.right]}
right_tok=${token[tok.right]} right_both=${token[both.right]}
like "$right_tok" '^[A-Za-z0-9]{32}$' "a token of 32 letters and digits"
exits 65 "a token that ends before it begins" access token x tok 2 2
exits 73 "a token of a name there is" access token "right tok" tok 0 1

# How the device sends the token: by EST with Basic.
# try KIND DEVICE TOKEN WANT WHAT
try() {
	local opt=() value
	as_self "$1.$2"
	case $3 in
	none | wrong) value=${token[$3]} ;;
	*) value=${token[$1.$3]} ;;
	esac
	[ -z "$value" ] || opt=(-u "$2:$value")
	est simpleenroll "$1.$2" "${opt[@]}" --interface "$from"
	is "$code" "$4" "Auth Cert '$1', $2 device, token: $3" ||
		tap_note "$body"
}

# For none wrong ended early other right.
never='403 403 403 403 403 403' asked='401 403 403 403 403 403'
always='200 200 200 200 200 200' right='401 403 403 403 403 200'
declare -A results=(
	[none.known]=$always [none.unknown]=$always [none.revoked]=$never
	[pre.known]=$always [pre.unknown]=$never [pre.revoked]=$never
	[tok.known]=$right [tok.unknown]=$right [tok.revoked]=$asked
	[both.known]=$right [both.unknown]=$right [both.revoked]=$asked)
host_n=2
for k in none pre tok both; do
	for d in known unknown revoked; do
		host_n=$((host_n + 1))
		from=127.0.0.$host_n
		read -ra want <<<"${results[$k.$d]}"
		i=0
		for t in none wrong ended early other right; do
			[ $d != unknown ] || element "$k.unknown" "$k.s"
			try $k $d $t "${want[$i]}"
			i=$((i + 1))
		done
	done
done
is "$(dev_field tok.unknown batch)" tok \
	"an unknown device comes into the batch of the Auth Cert"
like "$(dev_field tok.unknown load)" '^[0-9a-f]{16}$' "with a load of its own"
ok "its certificate verifies" verify "$dev/tok.unknown.pem"
is "$(openssl x509 -in "$dev/tok.unknown.pem" -noout -subject \
	-nameopt RFC2253)" "subject=CN=$(dev_id tok.unknown)" \
	"and names its DeviceID"

# --- how a token may be sent -------------------------------------------------

from=127.0.0.30
b64=$(printf %s "$right_tok" | base64)
for form in "Authorization: Bearer $right_tok" "Authorization: bearer $b64" \
	"Authorization: Basic $(printf ':%s' "$right_tok" | base64 -w0)" \
	"Authorization: Basic $(printf 'u:%s' "$b64" | base64 -w0)"; do
	element form tok.s
	as_self form
	est simpleenroll form -H "$form" --interface "$from"
	is "$code" 200 "EST, ${form%% [A-Za-z0-9]*[=]*}"
	element form tok.s
	as_self form
	enrol form -H "$form" --interface "$from"
	is "$code" 200 "native, the same"
done
element form tok.s
as_self form
csr=$(base64 -w0 "$dev/form.csr")
native enrol "{\"csr\":\"$csr\"}"
is "$code" 401 "native, no token"
like "$head" '^WWW-Authenticate: Basic realm="Quoin"' "asks for Basic"
like "$head" '^WWW-Authenticate: Bearer realm="Quoin"' "or Bearer"
native enrol "{\"csr\":\"$csr\",\"token\":\"wrong\"}" --interface "$from"
is "$code" 403 "native, a wrong one"
unlike "$body" wrong "which is not repeated"
native enrol "{\"csr\":\"$csr\",\"token\":7}" --interface "$from"
is "$code" 400 "native, a number"
native enrol "{\"csr\":\"$csr\",\"token\":\"$right_tok\"}" --interface "$from"
is "$code" 200 "native, member token"
jq -r .certificate "$dev/body" >"$dev/form.pem"
est simpleenroll form -H 'Authorization: Basic =' --interface "$from"
is "$code" 400 "a broken header"
as_cert form
dev_csr form form -subj "/CN=$(dev_id form)"
ok "a renewal by its own certificate needs no token" est simplereenroll form
as_self form
native status '{}'
is "$code $(jq -r .state <<<"$body")" "200 enrolled" \
	"status by the maker's certificate"

# --- limits ------------------------------------------------------------------

from=127.0.0.31
element limit tok.s
as_self limit
for i in 1 2 3 4 5 6 7 8 9 10; do
	est simpleenroll limit -u "x:wrong$i" --interface "$from"
done
is "$code" 403 "ten wrong tokens are looked at"
est simpleenroll limit -u x:wrong11 --interface "$from"
is "$code" 429 "the next is not"
wait=$(sed -n 's/^Retry-After: //p' <<<"$head")
is "$wait" 1 "but in a second"
est simpleenroll limit -u "x:$right_tok" --interface "$from"
is "$code" 200 "a token that was right before passes, from there too"
fresh=$(access token "fresh" tok -1 2)
within "$((wait + 1))" false # the second is over
est simpleenroll limit -u x:wrong12 --interface "$from"
is "$code" 403 "after that it is"
est simpleenroll limit -u "x:$fresh" --interface "$from"
is "$code $(sed -n 's/^Retry-After: //p' <<<"$head")" "429 2" \
	"and the next has to wait twice as long"
est simpleenroll limit -u "x:$fresh" --interface 127.0.0.32
is "$code" 200 "others do not wait"
est simpleenroll limit -u "x:$fresh" --interface "$from"
is "$code" 200 "nor, now, who has that token"

# --- chains ------------------------------------------------------------------

from=127.0.0.33
root_make rsa rsa3072
signer_make rsa.s rsa rsa2048
ok "RSA root" access auth "$dev/rsa.own" rsa none ''
element rsa1 rsa.s
as_self rsa1
ok "EC device under an RSA root" est simpleenroll rsa1
element rsa2 rsa.s rsa3072
as_self rsa2
ok "RSA device" enrol rsa2
signer_make p384.s none secp384r1
element p384d p384.s
as_self p384d
ok "a P-384 signer" est simpleenroll p384d --tlsv1.2 --tls-max 1.2
element short none.s
cp "$dev/short.own" "$dev/short.crt"
signer_make late.s none prime256v1
element late late.s
cp "$dev/late.own" "$dev/late.crt"
as_self late
est simpleenroll late
is "$code" 403 "an intermediate that nobody has sent is missing"
like "$body" 'no Auth Cert vouches for it: unable to get local issuer' \
	"says so"
cat "$dev/late.own" "$dev/late.s.own" >"$dev/late.crt"
ok "sent, it is there" est simpleenroll late
root_make stranger prime256v1
signer_make stranger.s stranger prime256v1
element foreign stranger.s
as_self foreign
est simpleenroll foreign
is "$code" 403 "a maker that is not imported"
native status '{}'
is "$code" 403 "nor has a status"
# The nearest of several Auth Certs says what is wanted.
ok "a signer of that maker" access auth "$dev/none.s.own" nearest pre p
element near none.s
as_self near
est simpleenroll near
is "$code" 403 "the nearest Auth Cert counts"
ok "remove it" access auth-remove nearest
ok "then the one above" est simpleenroll near
is "$(dev_field near batch)" none "with its batch"

# A resumed session shows the device's certificate only.
for tls in tls1_2 tls1_3; do
	element resumed none.s
	chain=(-cert_chain "$dev/none.s.own")
	base64 "$dev/resumed.csr" >"$dev/b64"
	{
		printf 'POST /.well-known/est/simpleenroll HTTP/1.1\r\n'
		printf 'Host: localhost\r\nConnection: close\r\n'
		printf 'Content-Type: application/pkcs10\r\n'
		printf 'Content-Length: %d\r\n\r\n' "$(wc -c <"$dev/b64")"
		cat "$dev/b64"
	} >"$dev/request"
	s_client() {
		timeout 10 openssl s_client -connect \
			"127.0.0.1:$(conf device.port)" -$tls -ign_eof \
			-cert "$dev/resumed.own" -key "$dev/resumed.key" \
			"${chain[@]}" -CAfile "$dev/root.pem" "$@" \
			<"$dev/request" 2>&1
	}
	like "$(s_client -sess_out "$dev/sess")" 'HTTP/1.1 200' \
		"$tls: a first session"
	again=$(s_client -sess_in "$dev/sess")
	like "$again" '^New, TLS' "$tls: who sends a chain does not resume"
	like "$again" 'HTTP/1.1 200' "$tls: but is let in"
	chain=()
	ok "its signer is an Auth Cert" access auth "$dev/none.s.own" s none ''
	like "$(s_client -sess_out "$dev/sess")" 'HTTP/1.1 200' \
		"$tls: a first session"
	again=$(s_client -sess_in "$dev/sess")
	like "$again" '^Reused, TLS' "$tls: one without a chain resumes"
	like "$again" 'HTTP/1.1 200' "$tls: and is let in, too"
	access auth-remove s
done

# Dates of Auth Certs.
cat >"$dev/ca.cnf" <<TEXT
[ca]
default_ca = c
[c]
database = $dev/index
serial = $dev/serial
new_certs_dir = $dev
default_md = sha256
policy = p
x509_extensions = x
[p]
commonName = supplied
[x]
basicConstraints = critical,CA:TRUE
[req]
distinguished_name = dn
[dn]
TEXT
dated() { # NAME FROM TO
	: >"$dev/index"
	new_key "$1" prime256v1
	openssl req -new -key "$dev/$1.key" -subj "/CN=$1" -out "$dev/csr"
	openssl ca -config "$dev/ca.cnf" -selfsign -keyfile "$dev/$1.key" \
		-in "$dev/csr" -out "$dev/$1.own" -notext -batch -rand_serial \
		-startdate "$2" -enddate "$3" 2>/dev/null
	element "$1.d" "$1"
}
dated past 20200101000000Z 20210101000000Z
exits 65 "an Auth Cert that has expired is not taken" access auth \
	"$dev/past.own" past none ''
like "$out" expired "says why"
openssl x509 -in "$dev/past.own" -outform DER -out "$dev/past.der"
ok "one that expires later" access auth "$dev/past.der" past none r
as_self past.d
est simpleenroll past.d
is "$code" 403 "lets nobody in any more"
like "$body" 'Auth Cert past has expired' "says which"
dated future 20900101000000Z 20910101000000Z
ok "one of the future" access auth "$dev/future.own" future none ''
as_self future.d
est simpleenroll future.d
is "$code" 403 "lets nobody in yet"
like "$body" 'Auth Cert future is not valid yet' "says which"

# --- removal -----------------------------------------------------------------

from=127.0.0.34
element gone none.s
element kept none.s
as_self kept
ok "enrolled while the Auth Cert is there" est simpleenroll kept
ok "remove the Auth Cert" access auth-remove "maker none"
as_self gone
est simpleenroll gone
is "$code" 403 "at once nobody enrols by it"
as_self kept
dev_csr kept
est simpleenroll kept
is "$code" 403 "nor does who was there before"
as_cert kept
dev_csr kept kept -subj "/CN=$(dev_id kept)"
ok "who goes on with the certificate he was given" est simplereenroll kept
ok "add it again" access auth "$dev/none.own" "maker none" none ''
as_self gone
ok "at once it counts" est simpleenroll gone
ok "remove a token" access token-remove fresh
element gone tok.s
as_self gone
est simpleenroll gone -u "x:$fresh" --interface "$from"
is "$code" 403 "at once it counts no more"
exits 66 "remove it again" access token-remove fresh
exits 66 "remove an Auth Cert that is not" access auth-remove nosuch

# --- one device, many requests at once ---------------------------------------

element race none.s
as_self race
before=$(counts none | cut -d' ' -f1)
for i in 1 2 3 4 5 6 7; do
	openssl req -new -key "$dev/race.key" -subj /CN=race -outform DER |
		base64 >"$dev/race.$i"
	curl -sS -m 20 --cacert "$dev/root.pem" "${who[@]}" -o /dev/null \
		-w '%{http_code}\n' -H 'Content-Type: application/pkcs10' \
		--data-binary "@$dev/race.$i" --resolve \
		"$host:$(conf device.port):127.0.0.1" \
		"https://$host:$(conf device.port)/.well-known/est/simpleenroll" \
		>"$dev/race.code.$i" &
	pids[i]=$!
done
wait "${pids[@]}"
is "$(cat "$dev"/race.code.* | sort -u)" 200 "seven requests at once"
is "$(dev_field race issued)" 7 "one record has them all"
after=$(counts none | cut -d' ' -f1)
is "$((after - before))" 1 "and the batch one device more"

# --- killed while devices come in --------------------------------------------

before=$(counts none | cut -d' ' -f1)
for i in $(seq 20); do element "kill$i" none.s; done
# come_in NAME: until it is in, with the same request.
come_in() {
	base64 "$dev/$1.csr" >"$dev/$1.b64"
	for _ in $(seq 200); do
		curl -sf -m 5 --cacert "$dev/root.pem" --cert "$dev/$1.crt" \
			--key "$dev/$1.key" -o "$dev/$1.p7" \
			-H 'Content-Type: application/pkcs10' \
			--data-binary "@$dev/$1.b64" --resolve \
			"$host:$(conf device.port):127.0.0.1" \
			"https://$host:$(conf device.port)/.well-known/est/simpleenroll" &&
			return
		within 1 port_open "$(conf device.port)"
	done
	return 1
}
pids=()
for i in $(seq 20); do
	come_in "kill$i" &
	pids+=($!)
	case $i in 5 | 10 | 15)
		daemon_stop enrold KILL
		daemon_start enrold
		daemon_ready enrold
		;;
	esac
done
in=0
for p in "${pids[@]}"; do wait "$p" && in=$((in + 1)); done
is "$in" 20 "twenty devices come in while enrold is killed three times"
is "$(($(counts none | cut -d' ' -f1) - before))" 20 "each has one record"
issued=0
for i in $(seq 20); do
	issued=$((issued + $(dev_field "kill$i" issued)))
done
is "$issued" 20 "and one certificate"

# --- a token alone -----------------------------------------------------------

from=127.0.0.35
ctl batch create alone --policy auto >/dev/null
alone=$(access token alone alone -1 2)
dev_make a1
as_nobody
est simpleenroll a1 --interface "$from"
is "$code" 401 "no certificate, no token"
est simpleenroll a1 -u "x:$alone" --interface "$from"
is "$code" 403 "a token alone is not enough"
like "$body" 'a token alone is not enough' "says so"
as_self a1
est simpleenroll a1 -u "x:$alone" --interface "$from"
is "$code" 403 "nor with a certificate that anybody can make"
ok "allow it" access alone alone 1
as_nobody
est simpleenroll a1 -u "x:$right_tok" --interface "$from"
is "$code" 403 "a token of a batch that does not allow it"
est simpleenroll a1 -u x:wrong --interface "$from"
is "$code" 403 "a wrong token"
ok "then a token is enough" est simpleenroll a1 -u "x:$alone" \
	--interface "$from"
is "$(dev_field a1 batch)" alone "and the device in that batch"
dev_make a2
as_self a2
est alone/simpleenroll a2
is "$code" 401 "with the label of such a batch a token is asked for"
ok "and taken" est alone/simpleenroll a2 -u "x:$alone" --interface "$from"
dev_make a3
as_nobody
enrol a3 -H "Authorization: Bearer $alone" --interface "$from"
is "$code" 200 "natively, too"
dev_make a4
head -c 200 /dev/zero | cat "$dev/a4.csr" - >"$dev/bad.csr"
openssl req -inform DER -in "$dev/a4.csr" -outform DER -out "$dev/a5.csr"
printf 'x' | dd of="$dev/a5.csr" bs=1 conv=notrunc \
	seek=$(($(wc -c <"$dev/a5.csr") - 3)) 2>/dev/null
est simpleenroll a5 -u "x:$alone" --interface "$from"
is "$code" 400 "a request that its key did not sign"
exits 66 "leaves no device" ctl device show "$(dev_id a4)"

# --- approval ----------------------------------------------------------------

ok "first enrolments wait" access approval manual 1
dev_make w1
dev_make w2
element w3 tok.s
fleet_json w1 w2 >"$dev/fleet"
ctl batch create slow --policy manual --devices "$dev/fleet" >/dev/null
as_self w1
est simpleenroll w1
is "$code" 202 "EST: it waits"
like "$head" '^Retry-After: 60$' "and when to come again"
like "$head" '^Content-Type: text/plain' "as text"
like "$body" "waits for an operator's approval" "says so"
enrol w2 || true
as_self w2
enrol w2 || true
is "$code $(jq -r '.state, .retry_after' <<<"$body" | tr '\n' ' ')" \
	"202 waiting 60 " "natively: it waits"
like "$head" '^Retry-After: 60$' "and when to come again"
is "$(access waiting | cut -d' ' -f1 | sort | tr '\n' ' ')" \
	"$(printf '%s\n' "$(dev_id w1)" "$(dev_id w2)" | sort | tr '\n' ' ')" \
	"who waits can be listed"
asked=$(dev_field w1 asked)
is "$asked" "$(sha256sum <"$dev/w1.csr" | cut -c1-32)" \
	"with the digest of the request"
as_self w1
dev_csr w1
est simpleenroll w1
is "$code $(dev_field w1 asked)" "202 $asked" "another request waits, too"
exits 75 "who does not wait is not approved" access approve "$(dev_id a1)"
ok "approve" access approve "$(dev_id w1)"
ok "approve it twice" access approve "$(dev_id w1)"
ok "then it enrols, with whatever request" est simpleenroll w1
is "$(dev_field w1 approval) $(dev_field w1 asked)" "none " \
	"and nothing is left to approve"
as_self w2
enrol w2 || true
is "$code" 202 "the other still waits"
ctl device revoke "$(dev_id w2)" >/dev/null
enrol w2 || true
is "$code" 403 "and is refused when revoked"
exits 75 "a revoked one is not approved" access approve "$(dev_id w2)"
ok "an Auth Cert for it" access auth "$dev/tok.s.own" slow slow ''
as_self w3
est simpleenroll w3
is "$code" 202 "an unknown device waits, too"
is "$(dev_field w3 batch) $(dev_field w3 approval)" "slow waiting" \
	"and has a record"
ok "approve it" access approve "$(dev_id w3)"
ok "it enrols" est simpleenroll w3
access auth-remove slow

# --- quoin-agent -------------------------------------------------------------

agent() {
	local name=$1
	shift
	"$appliance/app/quoin-agent" --server "$host:$(conf device.port)" \
		--root "$dev/root.pem" --dir "$dev/$name" --once "$@"
}
printf '%s\n' "$alone" >"$dev/token"
exits 77 "an agent without a token is refused" agent agent1
like "$out" 'is in no batch' "and told why"
ok "with one it enrols" agent agent1 --token "$dev/token"
like "$out" 'enrolled until' "says so"
ctl batch create slowly --policy manual >/dev/null
access alone slowly 1
access token slowly slowly -1 2 >"$dev/token"
exits 75 "an agent that has to wait" agent agent2 --token "$dev/token"
like "$out" "waits for an operator's approval" "says so"
ok "approve it" access approve "$(agent agent2 --show-id)"
ok "then it enrols" agent agent2 --token "$dev/token"

# --- keys made by the appliance ----------------------------------------------

# keygen NAME [curl-option...]: NAME.pk8, NAME.pem.
keygen() {
	local name=$1
	shift
	base64 "$dev/$name.csr" >"$dev/b64"
	ask /.well-known/est/serverkeygen "${who[@]}" \
		-H 'Content-Type: application/pkcs10' \
		--data-binary "@$dev/b64" "$@"
	[ "$code" = 200 ] || return 1
	tr -d '\r' <"$dev/body" | awk -v dir="$dev/part" '
		/^--/ { n++; body = 0; next }
		$0 == "" { body = 1; next }
		body { print >dir n }'
	base64 -d "$dev/part1" | openssl pkey -inform DER \
		-out "$dev/$name.pk8" &&
		base64 -d "$dev/part2" | openssl pkcs7 -inform DER \
			-print_certs | openssl x509 -out "$dev/$name.pem"
}
fits() {
	[ "$(openssl pkey -in "$dev/$1.pk8" -pubout)" = \
		"$(openssl x509 -in "$dev/$1.pem" -noout -pubkey)" ]
}
dev_make k1
dev_make k2 rsa3072
fleet_json k1 k2 >"$dev/fleet"
ctl batch create keys --policy auto --devices "$dev/fleet" >/dev/null
as_self k1
keygen k1
is "$code" 403 "no key is made"
like "$body" 'policy auto does not allow keys to be made' "says why"
ok "allow it" access serverkey auto 1
ok "a key is made" keygen k1
like "$(cat "$dev/head")" '^Content-Type: multipart/mixed; boundary=' \
	"in two parts"
like "$(tr -d '\r' <"$dev/body")" '^Content-Type: application/pkcs8$' \
	"one is the key"
ok "it is that of the certificate" fits k1
[ "$(openssl pkey -in "$dev/k1.pk8" -pubout)" != \
	"$(openssl pkey -in "$dev/k1.key" -pubout)" ]
tap_result $? "and not the device's"
ok "which verifies" verify "$dev/k1.pem"
is "$(openssl x509 -in "$dev/k1.pem" -noout -subject -nameopt RFC2253)" \
	"subject=CN=$(dev_id k1)" "and names the device"
first=$(serial_of "$dev/k1.pem")
cp "$dev/k1.pem" "$dev/lost.pem"
ok "the answer was lost: asked again" keygen k1
[ "$(serial_of "$dev/k1.pem")" != "$first" ]
tap_result $? "gives another certificate"
ok "with its key" fits k1
revoked_soon() { ! verify "$dev/lost.pem"; }
ok "and the first one is on the CRL" within 5 revoked_soon
within 5 verify "$dev/k1.pem"
ok "but not the second" verify "$dev/k1.pem"
is "$(dev_field k1 'certs | length')" 1 "the record has one"
who=(--cert "$dev/k1.pem" --key "$dev/k1.pk8")
cp "$dev/k1.pem" "$dev/shown.pem"
ok "with the certificate shown, it is a renewal" keygen k1
within 5 verify "$dev/k1.pem"
ok "and the old one stays good" verify "$dev/shown.pem"
as_self k2
ok "for an RSA request" keygen k2
like "$(openssl pkey -in "$dev/k2.pk8" -noout -text)" '3072 bit' \
	"an RSA key of its size"
cat >"$dev/wrap.cnf" <<'TEXT'
[req]
distinguished_name = dn
attributes = a
prompt = no
[dn]
CN = x
[a]
1.2.840.113549.1.9.16.2.37 = key
TEXT
openssl req -new -key "$dev/k1.key" -config "$dev/wrap.cnf" -outform DER \
	-out "$dev/k1.csr"
as_self k1
keygen k1
is "$code" 400 "the key wrapped for the device"
like "$body" 'not encrypted for the device beyond TLS' "says why"
as_nobody
keygen k2
is "$code" 401 "an old request alone, of a device that is known"
like "$body" 'device.s certificate in TLS' "says what is needed"
dev_make k3
as_nobody
keygen k3
is "$code" 401 "a stranger"
access alone alone 1
ok "with a token alone" keygen k3 -u "x:$alone" --interface 127.0.0.36

# --- silence -----------------------------------------------------------------

daemon_stop enrold
daemon_stop recordd
for t in "$right_tok" "$right_both" "${token[tok.ended]}" "${token[tok.early]}" "$alone" \
	"$fresh" "$b64"; do
	out=$(grep -rlF "$t" "$appliance"/*.log "$appliance/records" \
		"$appliance/enrold" "$appliance/journal" 2>/dev/null)
	is "$out" "" "a token is in no log, journal or record"
done
is "$(tail -c 300 "$appliance/enrold.log" | grep -c Sanitizer)" 0 \
	"ends without a sanitizer's report"
tap_done
