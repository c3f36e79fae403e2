#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# stores: both
# timeout: 360
# sanitize
# A foreign CMP client, `openssl cmp', in all messages it knows; and what must
# be refused.
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../integration/lib.sh"
. "$here/../integration/device.sh"

appliance_start "$(mktemp -d)" signd recordd enrold
dev=$appliance/dev
mkdir "$dev"
ctl hsm root --pem >"$dev/root.pem"
ctl policy create p --device-lifetime 30d --issuing-lifetime 5y \
	--autorenew >/dev/null
ctl policy create rekey --device-lifetime 30d --issuing-lifetime 5y \
	--autorenew --allow-rekey >/dev/null
for n in ec rsa free other tell lost wild; do dev_make $n; done
dev_make rsa rsa3072
fleet_json ec rsa tell lost wild >"$dev/fleet.json"
ctl batch create fleet --policy p --devices "$dev/fleet.json" >/dev/null
fleet_json free >"$dev/free.json"
ctl batch create free --policy rekey --devices "$dev/free.json" >/dev/null
cd "$dev" || bail "no $dev"

plain=127.0.0.1:$(conf crl.port)
server=$plain
path=/.well-known/cmp

# cmp OPTION...: $out.
cmp() {
	out=$(timeout 120 openssl cmp -config '' -server "$server" \
		-path "$path" -trusted root.pem "$@" 2>&1)
}

# good WHAT OPTION...
good() {
	local what=$1
	shift
	cmp "$@"
	tap_result $? "$what" || tap_note "$out"
}

# bad REGEX WHAT OPTION...: no certificate, for that reason.
bad() {
	local re=$1 what=$2
	shift 2
	rm -f no.pem
	if cmp -certout no.pem "$@" || [ -e no.pem ]; then
		tap_result 1 "$what"
		tap_note "$out"
	else
		like "$out" "$re" "$what"
	fi
}

# shown NAME: how a device shows its self-signed identity certificate. OpenSSL
# leaves out of extraCerts what is self-signed.
shown() {
	who=(-cert "$1.crt" -key "$1.key" -extracerts "$1.crt")
}
owned() {
	who=(-cert "$1.pem" -key "$1.key")
}

# send FILE [TYPE]: a message as it is; $code, $body.
send() {
	code=$(curl -sS -m 20 -o "$dev/body" -w '%{http_code}' \
		-H "Content-Type: ${2:-application/pkixcmp}" \
		--data-binary "@$1" "http://$plain$path" 2>"$dev/err")
	body=$(tr -d '\0' <"$dev/body")
}

# Whether the answer has the certificate in it.
has_serial() {
	od -An -v -tx1 "$dev/body" | tr -d ' \n' | grep -q "$(serial_of "$1")"
}

name_of() {
	openssl x509 -in "$1" -noout -subject -nameopt RFC2253
}

# --- first certificates ---

for n in ec rsa; do
	shown $n
	good "ir $n, signed by its identity" -cmd ir "${who[@]}" \
		-newkey $n.key -subject /CN=me -certout $n.pem \
		-extracertsout extra.pem -reqout $n.ir,$n.conf
	is "$(name_of $n.pem)" "subject=CN=$(dev_id $n)" \
		"$n: the device's name, not what it asked for"
	ok "$n: it verifies" verify $n.pem
	is "$(dev_field $n state)" enrolled "$n: it is enrolled"
done
grep -q BEGIN extra.pem
tap_result $? "extraCerts: something came"
shown other
bad 'notAuthorized.*is in no batch' "an unknown device" -cmd ir \
	"${who[@]}" -newkey other.key -subject /CN=me
good "cr, signed by the certificate" -cmd cr -cert ec.pem -key ec.key \
	-newkey ec.key -subject /CN=me -certout ec2.pem
[ "$(serial_of ec.pem)" != "$(serial_of ec2.pem)" ]
tap_result $? "cr: another certificate"
openssl req -new -key ec.key -subj /CN=me -out ec.csr.pem
good "p10cr" -cmd p10cr -cert ec2.pem -key ec.key -csr ec.csr.pem \
	-certout ec3.pem
ok "p10cr: it verifies" verify ec3.pem

# --- renewal ---

good "kur with the same key" -cmd kur -cert ec3.pem -key ec.key \
	-newkey ec.key -certout ec.pem
ok "kur: it verifies" verify ec.pem
owned ec
bad 'notAuthorized.*policy p does not allow another' \
	"kur with a new key, which the policy does not allow" -cmd kur \
	"${who[@]}" -newkey other.key
bad 'badCertId.*oldCertId' "kur for another certificate" -cmd kur \
	"${who[@]}" -newkey ec.key -oldcert ec3.pem
shown ec
bad 'notAuthorized.*kur must be signed' "kur by the identity" -cmd kur \
	"${who[@]}" -newkey ec.key -oldcert ec.pem
shown free
good "ir of a device that may have new keys" -cmd ir "${who[@]}" \
	-newkey free.key -subject /CN=me -certout free.pem
good "kur with a new key" -cmd kur -cert free.pem -key free.key \
	-newkey other.key -certout free2.pem
is "$(name_of free2.pem)" "subject=CN=$(dev_id free)" \
	"kur with a new key: the same device"

# --- confirmation ---

shown lost
good "implicitConfirm" -cmd ir "${who[@]}" -newkey lost.key \
	-subject /CN=me -certout lost.pem -implicit_confirm
unlike "$out" CERTCONF "implicitConfirm: nothing more is said"
good "no confirmation" -cmd cr -cert lost.pem -key lost.key \
	-newkey lost.key -subject /CN=me -certout lost2.pem -disable_confirm
ok "no confirmation: it verifies all the same" verify lost2.pem
cmp -cmd cr -cert lost.pem -key lost.key -newkey lost.key -subject /CN=me \
	-certout lost3.pem -out_trusted ec.crt -rspout reject.rsp,reject2.rsp
like "$out" 'rejecting newly enrolled cert' "a client that does not want it"
like "$out" 'received PKICONF' "may say so"
rejected=$(ctl --json device show "$(dev_id lost)" | jq -r '.certs | length')
is "$rejected" 2 "and it is in the record no more"
good "asked again it gets another" -cmd cr -cert lost.pem -key lost.key \
	-newkey lost.key -subject /CN=me -certout lost4.pem

# --- what was said before ---

is "$(dev_field rsa certs | jq length)" 1 "rsa has one certificate"
send rsa.ir
is "$code" 200 "ir sent again"
ok "ir sent again: the same certificate" has_serial rsa.pem
is "$(dev_field rsa certs | jq length)" 1 "and no other was made"
send rsa.conf
is "$code" 200 "certConf sent again"
like "$(openssl asn1parse -inform DER -in body)" 'cont \[ 23 \]' \
	"certConf sent again: an error"
ok "and the certificate is good" verify rsa.pem
tail -c +2 rsa.ir >half.ir
send half.ir
is "$code $body" "400 CMP message is not DER (cut short, trailing bytes, or not ASN.1)" \
	"no DER"
# A letter of the name that was asked for.
LC_ALL=C sed 's/\x0c\x02me/\x0c\x02mE/' rsa.ir >forged.ir
send forged.ir
is "$code $body" "403 protection of the CMP message does not verify" \
	"a forged message"
for popo in -1 0; do
	bad 'badPOP' "proof of possession $popo" -cmd cr -cert rsa.pem \
		-key rsa.key -newkey rsa.key -subject /CN=me -popo $popo
done
bad 'code=403' "no protection" -cmd ir -unprotected_requests \
	-newkey ec.key -subject /CN=me -reqout none.ir
send none.ir
like "$body" 'must be protected' "no protection: the reason"

# --- revocation ---

good "rr of an old certificate" -cmd rr -cert ec.pem -key ec.key \
	-oldcert ec3.pem -revreason 4
ok "it is on the CRL" within 10 verify_revoked ec3.pem
ok "the other is not" verify ec.pem
good "rr once more" -cmd rr -cert ec.pem -key ec.key -oldcert ec3.pem
bad 'badCertId' "rr of another device's certificate" -cmd rr \
	-cert ec.pem -key ec.key -oldcert rsa.pem
bad 'badCertTemplate.*reason 6' "a hold" -cmd rr -cert ec.pem -key ec.key \
	-oldcert ec.pem -revreason 6
good "rr by the certificate itself" -cmd rr -cert ec.pem -key ec.key \
	-oldcert ec.pem
bad 'notAuthorized' "then it counts for nothing" -cmd kur -cert ec.pem \
	-key ec.key -newkey ec.key
cp ec.pem dead.pem
shown ec
good "but the device may enrol again" -cmd ir "${who[@]}" -newkey ec.key \
	-subject /CN=me -certout ec.pem
bad 'notAuthorized.*no longer' "and the old one revokes nothing" -cmd rr \
	-cert dead.pem -key ec.key -oldcert ec.pem -revreason 1
is "$(dev_field ec state)" enrolled "the device stays"
shown tell
good "ir of a device that will lose its key" -cmd ir "${who[@]}" \
	-newkey tell.key -subject /CN=me -certout tell.pem
good "keyCompromise" -cmd rr -cert tell.pem -key tell.key \
	-oldcert tell.pem -revreason 1
is "$(dev_field tell state) $(dev_field tell reason)" \
	"revoked keyCompromise" "keyCompromise: the device is revoked"
ok "and its certificate" within 10 verify_revoked tell.pem
bad 'notAuthorized.*revoked' "it may not enrol again" -cmd ir "${who[@]}" \
	-newkey tell.key -subject /CN=me
good "keyCompromise of a key that is not the identity" -cmd rr \
	-cert free2.pem -key other.key -oldcert free2.pem -revreason 1
is "$(dev_field free state)" enrolled "only takes the certificate"

# --- general messages ---

good "genm caCerts" -cmd genm -cert rsa.pem -key rsa.key -infotype caCerts
like "$out" 'genp contains ITAV of type: id-it-caCerts' "genp"

# --- where and how ---

owned rsa
path=/pkix/
good "/pkix/" -cmd kur "${who[@]}" -newkey rsa.key -certout rsa2.pem
path=/.well-known/cmp/keyupdate
good "an operation in the path" -cmd kur "${who[@]}" -newkey rsa.key \
	-certout rsa2.pem
path=/.well-known/cmp/p/fleet/keyupdate
good "batch and operation" -cmd kur "${who[@]}" -newkey rsa.key \
	-certout rsa2.pem
path=/.well-known/cmp/p/free
bad 'notAuthorized.*not in batch free' "another batch" -cmd kur \
	"${who[@]}" -newkey rsa.key
path=/.well-known/cmp/p/nobody
bad 'notAuthorized.*no batch nobody' "no such batch" -cmd kur "${who[@]}" -newkey rsa.key
path=/.well-known/cmp/frob
bad 'code=404' "no such operation" -cmd kur "${who[@]}" -newkey rsa.key
path=/.well-known/cmp
server=localhost:$(conf device.port)
good "over TLS" -cmd kur "${who[@]}" -newkey rsa.key -certout rsa3.pem \
	-tls_used -tls_trusted root.pem -tls_host localhost
ok "over TLS: it verifies" verify rsa3.pem
server=$plain
openssl req -x509 -new -key other.key -subj /CN=other -days 1 -out anchor.pem
exits 1 "a client that does not trust our root" timeout 60 openssl cmp \
	-config '' -server "$server" -path "$path" -trusted anchor.pem \
	-cmd genm "${who[@]}" -infotype caCerts
send rsa.ir text/plain
is "$code" 415 "content type"
is "$(curl -s -o /dev/null -w '%{http_code}' "http://$plain$path")" 405 "GET"
head -c 20481 /dev/zero >big
send big
is "$code" 413 "20481 bytes"

# --- tokens ---

access() {
	"$top_builddir/tests/integration/access-client" \
		"$appliance/quoin.conf" "$@"
}
# by_token KEY TOKEN VALUE: an ir with that, to KEY.pem
by_token() {
	who=(-cmd ir -ref "$2" -secret "pass:$3" -newkey "$1.key"
		-subject /CN=me)
}
for n in t1 t2 t3 t4 maker sub; do dev_make $n; done
for n in alone beside slow; do
	ctl batch create $n --policy p >/dev/null
done
ctl policy create manual --device-lifetime 30d --issuing-lifetime 5y >/dev/null
ctl batch create manual --policy manual >/dev/null
for n in alone manual; do access alone $n 1; done
value=$(access token one alone -1 2)
beside=$(access token two beside -1 2)
ended=$(access token three alone -3 0)
by_token t1 one "$value"
good "ir by a token alone" "${who[@]}" -certout t1.pem -cacertsout root2.pem
ok "by a token: it verifies" verify t1.pem
is "$(dev_field t1 batch)" alone "by a token: in its batch"
is "$(openssl x509 -in root2.pem -outform DER | sha256sum)" \
	"$(openssl x509 -in root.pem -outform DER | sha256sum)" \
	"by a token: the root comes along"
openssl req -new -key t2.key -subj /CN=me -out t2.csr.pem
good "p10cr by a token" -cmd p10cr -ref one -secret "pass:$value" \
	-csr t2.csr.pem -certout t2.pem
by_token t3 one "${value}x"
bad 'code=403' "a wrong value" "${who[@]}"
by_token t3 none "$value"
bad 'code=403' "no such token" "${who[@]}"
by_token t3 three "$ended"
bad 'code=403' "a token that has ended" "${who[@]}"
by_token t3 two "$beside"
bad 'notAuthorized.*a token alone is not enough' \
	"a token that is not enough" "${who[@]}"
path=/.well-known/cmp/p/beside
by_token t3 one "$value"
bad 'notAuthorized' "a token of another batch" "${who[@]}"
path=/.well-known/cmp
bad 'notAuthorized.*must be signed' "kur by a token" -cmd kur -ref one \
	-secret "pass:$value" -newkey t1.key -oldcert t1.pem
bad 'notAuthorized.*must be signed' "rr by a token" -cmd rr -ref one \
	-secret "pass:$value" -oldcert t1.pem

# under CA NAME [option...]: NAME.pem, a certificate of a maker's
under() {
	local ca=$1 name=$2
	shift 2
	openssl req -new -key "$name.key" -subj "/CN=$name" |
		openssl x509 -req -CA "$ca.pem" -CAkey "$ca.key" -days 30 \
			-extfile ext -out "$name.pem" 2>/dev/null
}
ca_ext='basicConstraints=critical,CA:TRUE
keyUsage=critical,keyCertSign'
openssl req -x509 -new -key maker.key -subj /CN=maker -days 30 -out maker.pem
echo "$ca_ext" >ext
under maker sub
echo 'keyUsage=critical,digitalSignature' >ext
for n in t3 t4; do under sub $n; done
ok "a maker whose devices need a token" access auth maker.pem maker beside t
bad 'notAuthorized.*a token is needed' "its device without" -cmd ir \
	-cert t3.pem -key t3.key -extracerts sub.pem -newkey t3.key \
	-subject /CN=me
by_token t3 two "$beside"
cat t3.pem sub.pem >t3.chain
server=localhost:$(conf device.port)
good "its device in TLS, with the token's MAC" "${who[@]}" -certout t3.own \
	-tls_used -tls_trusted root.pem -tls_host localhost \
	-tls_cert t3.chain -tls_key t3.key
ok "with both: it verifies" verify t3.own
server=$plain
access auth-remove maker
ok "a maker whose devices need none" access auth maker.pem maker beside ''
good "its device by signature, with the chain" -cmd ir -cert t4.pem \
	-key t4.key -extracerts sub.pem -newkey t4.key -subject /CN=me \
	-certout t4.own
is "$(dev_field t4 batch)" beside "with the chain: in the batch"

# --- an operator thinks ---

dev_make slow
dev_make never
value=$(access token four manual -1 2)
access approval manual 1
waits() {
	access waiting | grep -q "$(dev_id "$1")"
}
by_token slow four "$value"
(cmp "${who[@]}" -certout slow.pem -implicit_confirm; echo "$? $out" >slow.out) &
poll=$!
ok "it waits" within 20 waits slow
ok "approve it" access approve "$(dev_id slow)"
wait $poll
like "$(cat slow.out)" '^0' "it asks again"
like "$(cat slow.out)" 'POLLREQ' "with a pollReq"
ok "and gets its certificate" verify slow.pem
by_token never four "$value"
bad 'total_timeout|timeout' "one that nobody approves" "${who[@]}" \
	-total_timeout 3

# --- noise ---

# Messages with bytes changed: an answer to each, and none that is signed.
noise() {
	timeout 100 python3 - "$plain" ec.ir rsa.conf none.ir <<'PY'
import http.client, random, sys
random.seed(7)
host, files = sys.argv[1], sys.argv[2:]
seen = {}
for i in range(600):
    m = bytearray(open(files[i % len(files)], "rb").read())
    for _ in range(random.choice((1, 1, 2, 8))):
        m[random.randrange(len(m))] = random.randrange(256)
    if random.random() < 0.1:
        del m[random.randrange(len(m)):]
    c = http.client.HTTPConnection(host, timeout=20)
    c.request("POST", "/.well-known/cmp", bytes(m),
              {"Content-Type": "application/pkixcmp"})
    r = c.getresponse()
    r.read()
    seen[r.status] = seen.get(r.status, 0) + 1
    c.close()
print(seen)
sys.exit(any(s not in (200, 400, 403) for s in seen) or seen.get(200, 0) > 60)
PY
}
out=$(noise 2>&1)
tap_result $? "noise: $out"
shown wild
good "and then an honest one" -cmd ir "${who[@]}" -newkey wild.key \
	-subject /CN=me -certout wild.pem

tap_done
