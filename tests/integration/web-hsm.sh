#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# stores: both
# timeout: 480
# sanitize
# The pages of the HSM: certificates, Auth Certs, tokens, signing keys and
# approvals, by REST as the browser asks; devices and python-fido2 use what was
# made there.
# shellcheck disable=SC2317 # ok and within call functions by name
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"
# shellcheck source=tests/integration/device.sh
. "$(dirname "$0")/device.sh"
# shellcheck source=tests/integration/web.sh
. "$(dirname "$0")/web.sh"
appliance_start "$scratch/a" signd recordd enrold webd
web=$appliance/web dev=$appliance/dev
mkdir "$web" "$dev"
ok "the first administrator" web_first ann
web_as ann
ok "a contributor" web_new carl contributor
cp "$web/root.pem" "$dev/root.pem"
ctl policy create p --device-lifetime 30d --issuing-lifetime 5y >/dev/null
ctl batch create b --policy p >/dev/null
day() { date -u +%FT00:00:00Z -d "$1"; }
# logged WHAT OBJECT: the newest record that ann made.
logged() {
	web GET "/logs?limit=1&user=ann"
	has '.items[0] | .what + " " + .object' "$*" "... and it is in the log"
}

# --- certificates ------------------------------------------------------------

web_as carl
answers 200 "how the HSM is" GET /hsm
has .ready true "it works"
has .token ready "its token, too"
is "$(jq -r .root.pem <<<"$body" | openssl x509 -noout -fingerprint -sha256)" \
	"sha256 Fingerprint=$(jq -r .root.fingerprint <<<"$body")" \
	"the OEM Root, with its fingerprint"
is "$(jq -r .root.pem <<<"$body")" "$(cat "$web/root.pem")" "it is the one"
root_id=$(jq -r .root.id <<<"$body")
answers 200 "all certificates" GET /hsm/certificates
has '[.items[].purpose] | contains(["root", "issuing", "tls-device",
	"tls-admin"])' true "of every purpose"
answers 200 "those of TLS" GET '/hsm/certificates?kind=tls'
has '[.items[].purpose] | unique | join(" ")' 'tls-admin tls-device' "only"
has ".items | all(.chain == [\"$root_id\"])" true "under the OEM Root"
answers 200 "issuing certificates" GET '/hsm/certificates?kind=issuing'
has '.items | length' 1 "one for the policy"
has '.items[0].policy' p "of that name"
has '.items[0].issued' false "which has issued nothing yet"
jq -r '.items[0].pem' <<<"$body" >"$dev/issuing.pem"
ok "openssl finds the chain" openssl verify -CAfile "$web/root.pem" \
	"$dev/issuing.pem"
is "$(jq -r '.items[0].serial' <<<"$body" | tr a-f A-F)" \
	"$(openssl x509 -noout -serial -in "$dev/issuing.pem" | cut -d= -f2)" \
	"its serial number"
has '.items[0].not_after' "$(date -u +%FT%TZ -d "$(openssl x509 -noout \
	-enddate -in "$dev/issuing.pem" | cut -d= -f2)")" "its end"
answers 400 "no such kind" GET '/hsm/certificates?kind=none'

# --- Auth Certs --------------------------------------------------------------

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-keyout "$dev/maker.key" -out "$dev/maker.pem" -days 100 \
	-subj '/O=Maker/CN=Maker CA 1' -addext keyUsage=keyCertSign 2>/dev/null
sha=$(openssl x509 -in "$dev/maker.pem" -outform DER | sha256sum | cut -c1-64)
auth=$(jq -nc --rawfile pem "$dev/maker.pem" '{pem: $pem, batch: "b"}')
answers 403 "a contributor imports none" POST /auth-certs "$auth"
web_as ann
answers 400 "a batch that is not there" POST /auth-certs \
	"$(jq -c '.batch = "none"' <<<"$auth")"
has '.errors[0].pointer' /batch "which the form is told"
answers 201 "an Auth Cert" POST /auth-certs "$auth"
has .id "$sha" "by its SHA-256"
has .name 'Maker CA 1' "named as its subject"
has .subject 'CN=Maker CA 1,O=Maker' "with the whole subject"
logged auth cert add Maker CA 1
answers 409 "not twice" POST /auth-certs "$auth"
answers 400 "not without a batch" POST /auth-certs \
	"$(jq -c 'del(.batch)' <<<"$auth")"
has '.errors[0].pointer' /batch "which the form is told"
answers 400 "no certificate" POST /auth-certs '{"pem":"x","batch":"b"}'
has '.errors[0].pointer' /pem "which the form is told"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-keyout "$dev/leaf.key" -out "$dev/leaf.pem" -days 9 -subj /CN=leaf \
	-addext basicConstraints=CA:FALSE 2>/dev/null
answers 400 "a device's certificate is no CA's" POST /auth-certs \
	"$(jq -nc --rawfile pem "$dev/leaf.pem" '{pem: $pem, batch: "b"}')"
# A device with a certificate of that maker.
openssl ecparam -name prime256v1 -genkey -noout -out "$dev/d1.key"
openssl req -new -key "$dev/d1.key" -subj /CN=sn1 | openssl x509 -req \
	-CA "$dev/maker.pem" -CAkey "$dev/maker.key" -CAcreateserial -days 30 \
	-out "$dev/d1.own" 2>/dev/null
cat "$dev/d1.own" "$dev/maker.pem" >"$dev/d1.crt"
dev_csr d1
as_self d1
enrol d1
is "$code" 200 "a device of that maker comes in" || tap_note "$body"
web GET '/hsm/certificates?kind=issuing'
has '.items[0].issued' true "the issuing certificate has issued"
web_as carl
answers 200 "everybody sees the list" GET /auth-certs
has '.items[0].batch' b "with its batch"
answers 403 "a contributor removes none" DELETE "/auth-certs/$sha"
web_as ann
answers 412 "who saw another one removes none" DELETE "/auth-certs/$sha" '' \
	-H 'If-Match: "99"'
answers 204 "removed" DELETE "/auth-certs/$sha"
logged auth cert remove Maker CA 1
answers 404 "it is gone" GET "/auth-certs/$sha"

# --- tokens ------------------------------------------------------------------

token=$(jq -nc --arg e "$(day '+2 days')" '{name: "t", batch: "b",
	not_after: $e}')
web_as carl
answers 403 "a contributor makes no token" POST /tokens "$token"
web_as ann
answers 201 "a token" POST /tokens "$token"
value=$(jq -r .value <<<"$body")
like "$value" '^[A-Za-z0-9]{32}$' "its value"
has .not_before "$(day today)" "from today"
logged token create t
answers 409 "not twice" POST /tokens "$token"
has '.errors[0].pointer' /name "which the form is told"
answers 400 "not for a batch that is not there" POST /tokens \
	"$(jq -c '.name = "u" | .batch = "none"' <<<"$token")"
has '.errors[0].pointer' /batch "which the form is told"
answers 400 "not in the middle of a day" POST /tokens \
	"$(jq -c '.name = "u" | .not_after |= sub("T00"; "T11")' <<<"$token")"
answers 400 "no name" POST /tokens "$(jq -c '.name = " u"' <<<"$token")"
has '.errors[0].pointer' /name "which the form is told"
ctl batch edit b --token-alone >/dev/null
(umask 077 && printf '%s' "$value" >"$dev/value")
ok "a device enrols with it" "$appliance/app/quoin-agent" \
	--dir "$dev/agent" --once --timeout 30 --root "$dev/root.pem" \
	--token "$dev/value" --server "localhost:$(conf device.port)"
web_as carl
answers 200 "contributors see it, too" GET /tokens
has '.items[0].value' "$value" "with its value"
web_as ann
web POST /api-tokens "$(jq -nc --arg u "$(day '+2 days')" \
	'{name: "ci", scopes: ["read"], until: $u}')"
web_token "$(jq -r .token <<<"$body")"
answers 200 "a script that may read sees the list" GET /tokens
has '.items[0] | .name + ":" + (.value // "none")' t:none "without values"
answers 403 "and changes nothing" DELETE /tokens/t
web_as ann
answers 204 "removed" DELETE /tokens/t
logged token remove t
answers 404 "it is gone" GET /tokens/t

# --- signing keys ------------------------------------------------------------

web_as carl
answers 403 "a contributor makes no key" POST /keys \
	'{"name":"k","type":"ecdsa"}'
web_as ann
answers 201 "a key" POST /keys '{"name":"sk123","type":"ecdsa"}'
has '[.name, .type, .size, .purpose, .imported] | join(" ")' \
	'sk123 ecdsa 256 firmware false' "as it was wanted"
k1=$(jq -r .id <<<"$body")
jq -r .public_pem <<<"$body" >"$web/sk123.pem"
like "$(openssl pkey -pubin -in "$web/sk123.pem" -noout -text)" prime256v1 \
	"its public half"
logged hsm key create sk123
head -c 3000 /dev/urandom >"$web/fw"
ok "it signs" ctl hsm sign sk123 "$web/fw" --out "$web/sig"
ok "openssl verifies that" openssl dgst -sha256 -verify "$web/sk123.pem" \
	-signature "$web/sig" "$web/fw"
answers 201 "another one, with rules" POST /keys \
	"$(jq -nc --arg e "$(day '+9 days')" '{name: "rsa key", type: "rsa-3072",
	rules: {uses: 7, rate: 3, not_after: $e}}')"
has '[.type, .size, .rules.uses, .rules.rate, .rules.approvals] |
	join(" ")' 'rsa-3072 3072 7 3 0' "as it was wanted"
k2=$(jq -r .id <<<"$body")
web GET "/keys/$k2"
etag=$(jq -r .etag <<<"$body")
answers 200 "its rules changed" PATCH "/keys/$k2" '{"rules":{"rate":5}}' \
	-H "If-Match: \"$etag\""
has '[.rules.uses, .rules.rate, .rules.not_after] | join(" ")' \
	"7 5 $(day '+9 days')" "the others stay"
logged hsm key edit rsa key
answers 412 "not by who has not seen that" PATCH "/keys/$k2" \
	'{"rules":{"rate":6}}' -H "If-Match: \"$etag\""
answers 200 "no end any more" PATCH "/keys/$k2" '{"rules":{"not_after":""}}'
has .rules.not_after null "as it was wanted"
answers 400 "no such approver" PATCH "/keys/$k2" \
	'{"rules":{"approvals":1,"approvers":["nobody"]}}'
answers 409 "a name that another key has" POST /keys \
	'{"name":"sk123","type":"rsa-3072"}'
answers 400 "a name that is none" POST /keys '{"name":"a/b","type":"ecdsa"}'
has '.errors[0].pointer' /name "which the form is told"
answers 400 "no such type" POST /keys '{"name":"x","type":"ed25519"}'
answers 404 "no such key" PATCH /keys/0123456789abcdef '{"rules":{}}'

# import NAME FILE
import() {
	web POST /keys/import "$(jq -nc --rawfile pem "$2" --arg n "$1" \
		'{name: $n, pem: $pem}')"
}
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
	-out "$web/own.key" 2>/dev/null
import Test_key_ECC "$web/own.key"
is "$code" 201 "a key imported"
has '[.name, .type, .size, .imported] | join(" ")' \
	'nohsm:Test_key_ECC ecdsa 256 true' "with the guide's prefix"
k3=$(jq -r .id <<<"$body")
is "$(jq -r .public_pem <<<"$body")" \
	"$(openssl pkey -in "$web/own.key" -pubout)" "its public half"
logged hsm key import Test_key_ECC
openssl genrsa -out "$web/rsa.key" 3072 2>/dev/null
import 'nohsm:rsa' "$web/rsa.key"
has '[.name, .type] | join(" ")' 'nohsm:rsa rsa-3072' \
	"RSA-3072, its prefix given once"
answers 204 "and gone again" DELETE "/keys/$(jq -r .id <<<"$body")"
# no WORDS WHAT FILE
no() {
	import wrong "$3"
	is "$code" 400 "$2 is refused" || tap_note "$body"
	like "$(jq -r '.errors[0].pointer + " " + .detail' <<<"$body")" \
		"^/pem .*$1" "... in plain words"
}
openssl ec -in "$web/own.key" -out "$web/sec1.key" 2>/dev/null
no 'SEC 1 key.*pkcs8 -topk8' "a SEC 1 key" "$web/sec1.key"
openssl pkcs8 -topk8 -in "$web/own.key" -passout pass:xxxx \
	-out "$web/enc.key"
no 'encrypted' "an encrypted key" "$web/enc.key"
no 'public key' "a public key" "$web/sk123.pem"
no 'certificate' "a certificate" "$web/root.pem"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 \
	-out "$web/p384.key" 2>/dev/null
no 'P-256' "P-384" "$web/p384.key"
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 \
	-out "$web/r2048.key" 2>/dev/null
no '3072' "RSA-2048" "$web/r2048.key"
no 'private key' "something else" /etc/hostname
unlike "$(ctl --json journal show 2>/dev/null | head -c 1000000)" \
	'BEGIN PRIVATE' "no private key is in the journal"

# A key for code has its owner's certificate.
answers 201 "a key for code" POST /keys \
	'{"name":"code","type":"ecdsa","purpose":"codesign"}'
code_key=$(jq -r .id <<<"$body")
jq -r .public_pem <<<"$body" >"$web/code.pub"
openssl req -x509 -new -key "$web/own.key" -subj /CN=ca -days 9 \
	-out "$web/ca.pem"
openssl x509 -new -force_pubkey "$web/code.pub" -subj /CN=code -days 9 \
	-CA "$web/ca.pem" -CAkey "$web/own.key" -out "$web/code.pem" 2>"$web/err"
attach() {
	web PUT "/keys/$code_key/certificate" \
		"$(jq -Rsc '{pem: .}' <"$1")"
}
attach "$web/ca.pem"
is "$code" 400 "another's certificate is refused" || tap_note "$body"
has '.errors[0].pointer' /pem "which is told"
attach "$web/code.pub"
is "$code" 400 "so is what is none" || tap_note "$body"
attach "$web/code.pem"
is "$code" 204 "its own is attached" || tap_note "$body"
logged hsm key cert code
answers 200 "the key" GET "/keys/$code_key"
is "$(jq -r .certificate_pem <<<"$body")" "$(openssl x509 -in \
	"$web/code.pem")" "has it"
answers 204 "and loses it" DELETE "/keys/$code_key/certificate"
answers 200 "the key" GET "/keys/$code_key"
has .certificate_pem null "has none"
answers 404 "no key, no certificate" DELETE \
	/keys/0123456789abcdef/certificate
answers 204 "the key goes" DELETE "/keys/$code_key"

{
	key_values "$web/own.key" EC
	key_values "$web/rsa.key" RSA
} >"$web/known"
is "$(wc -l <"$web/known")" 7 "the private numbers are known to the test"
ok "nothing of them is in the memory of quoin-webd" \
	"$top_srcdir/tests/integration/memory.py" "$web/known" \
	"${daemon_pid[webd]}"

# A batch that needs one keeps it.
answers 200 "a batch whose firmware it signs" PATCH /batches/b \
	'{"signing_key":"nohsm:Test_key_ECC"}'
answers 200 "the key says so" GET "/keys/$k3"
has '.needed_by | join(" ")' b "by name"
answers 409 "so it stays" DELETE "/keys/$k3"
like "$(jq -r .detail <<<"$body")" 'batch b has its firmware signed' \
	"for that reason"
exits 75 "nor does the console remove it" ctl hsm key delete --yes \
	nohsm:Test_key_ECC
web PATCH /batches/b '{"signing_key":""}'
answers 204 "when no batch needs it, it goes" DELETE "/keys/$k3"
logged hsm key delete Test_key_ECC
answers 404 "it is gone" GET "/keys/$k3"
web_as carl
answers 200 "everybody sees the list" GET /keys
has '[.items[].name] | sort | join(",")' 'rsa key,sk123' "of two keys"
answers 403 "a contributor removes none" DELETE "/keys/$k1"
answers 200 "pages of it" GET '/keys?limit=1'
first=$(jq -r '.items[0].id + " " + .next' <<<"$body")
answers 400 "behind one that is gone" GET "/keys?limit=1&after=0"
answers 200 "the next" GET "/keys?limit=1&after=${first##* }"
has '.items | length' 1 "has the other"
has '.next' null "and is the last"

# --- approvals ---------------------------------------------------------------

# The browser is python-fido2, the person agrees to everything.
tools=$top_builddir/interop-tools/webauthn
mkdir -p "${tools%/*}"
"$tools/bin/python" -c 'import fido2, soft_webauthn' 2>/dev/null || {
	python3 -m venv "$tools" &&
		"$tools/bin/pip" install -q fido2==1.2.0 soft-webauthn==0.1.4
} >"$tools.log" 2>&1 || {
	tap_result 0 "approvals # SKIP python-fido2 cannot be installed"
	tap_done
}
fido() {
	"$tools/bin/python" "$top_srcdir/tests/interop/webauthn.py" "$@"
}
origin=https://localhost:$(conf admin.port)
for n in dora emil; do
	fido make "$web/$n" localhost "$origin" >"$web/$n.json"
	ok "approver $n, on the console" ctl hsm approver add $n \
		--webauthn "$web/$n.json"
done
web_as carl
answers 403 "contributors do not see approvals" GET /approvals
web_as ann
answers 200 "approvers" GET /approvers
has '[.items[] | .name + ":" + .rp_id] | join(" ")' \
	'dora:localhost emil:localhost' "both"
has .add 'quoinctl hsm approver add NAME --webauthn FILE' "how one is added"
answers 201 "a key that wants both" POST /keys '{"name":"rel",
	"type":"ecdsa","rules":{"approvals":2,"approvers":["dora","emil"]}}'
rel=$(jq -r .id <<<"$body")
digest=$(sha256sum <"$web/fw" | cut -d' ' -f1)
want() {
	jq -nc --arg k "$1" --arg d "$2" '{key: $k, digest: $d, meaning: "fw"}'
}
answers 400 "half a digest is none" POST /approvals \
	"$(want "$rel" "${digest}00")"
has '.errors[0].pointer' /digest "which is told"
answers 400 "approval for a key that is not there" POST /approvals \
	"$(want 0123456789abcdef "$digest")"
has '.errors[0].pointer' /key "which is told"
answers 201 "approval is asked for, as fw is to be signed" POST /approvals \
	"$(want "$rel" "$digest")"
asked=$(jq -r .id <<<"$body")
logged approval request "$asked"
exits 75 "it does not sign" ctl hsm sign rel "$web/fw" --out "$web/sig"
answers 200 "what waits" GET /approvals
cp "$web/body" "$web/waits"
has '[.items[].id] | join(" ")' "$asked" "what was asked for, once"
has '.items[0] | [.key, .action, .need, .have] | join(" ")' 'rel sign 2 0' \
	"that wants two"
has '.items[0].digest' "$digest" "with the digest of what is to be signed"
has '[.items[0].credentials[].approver] | sort | join(" ")' 'dora emil' \
	"with whose credentials the browser asks for"
has '.items[0].credentials[0].id' "$(jq -r .id "$web/dora.json")" \
	"by their ids"
has '.items[0].rp_id' localhost "and host"
jq -j '.items[0].statement' "$web/waits" >"$web/statement"
has '.items[0].challenge' "$(openssl dgst -sha256 -binary "$web/statement" |
	base64 -w0 | tr '+/' '-_' | tr -d =)" "the challenge is its SHA-256"
id=$(jq -r '.items[0].id' "$web/waits")
# agree NAME [option...]: as the page sends it.
agree() {
	local name=$1
	shift
	web POST "/approvals/$id" "$(fido get "$web/$name" "$web/statement" \
		"$@" | jq -c --arg n "$name" '{approver: $n, credential: .}')"
}
agree dora origin=https://evil.example
is "$code" 403 "not on another page" || tap_note "$body"
agree dora flags=1
is "$code" 403 "not without PIN or finger" || tap_note "$body"
web POST "/approvals/$id" "$(fido get "$web/emil" "$web/statement" |
	jq -c '{approver: "dora", credential: .}')"
is "$code" 400 "not one for another" || tap_note "$body"
web POST "/approvals/$id" "$(fido get "$web/dora" "$web/statement" | jq -c '
	{approver: "dora", credential: (. |= (.response.signature = "a="))}')"
is "$code" 400 "nothing that is no base64url" || tap_note "$body"
has '.errors[0].pointer' /credential/response/signature \
	"which the form is told"
agree dora
is "$code" 200 "dora agrees" || tap_note "$body"
has '[.have, .need] | join(" ")' '1 2' "one of two"
logged approval give "$id"
answers 200 "the list" GET /approvals
has '.items[0] | [(.approved | join(",")), (.credentials | length)] |
	join(" ")' 'dora 1' "says who, and asks her no more"
exits 75 "it still does not sign" ctl hsm sign rel "$web/fw" --out "$web/sig"
agree emil
has '[.have, .need] | join(" ")' '2 2' "emil agrees"
ok "now it signs" ctl hsm sign rel "$web/fw" --out "$web/sig"
answers 200 "nothing waits" GET /approvals
has '.items | length' 0 "any more"
answers 409 "its rules want approvals, too" PATCH "/keys/$rel" \
	'{"rules":{"approvals":0,"approvers":[]}}'
has .type urn:quoin:approval "which the page is told"
answers 409 "and so does its end" DELETE "/keys/$rel"
web GET /approvals
has '.items | length' 2 "both wait"
id=$(jq -r '.items[0].id' <<<"$body")
answers 204 "one is withdrawn" DELETE "/approvals/$id"
logged approval withdraw "$id"
answers 200 "and waits" GET /approvals
has '[.items[].id] | length, contains(["'"$id"'"])' $'1\nfalse' "no more"
answers 404 "not twice" DELETE "/approvals/$id"
answers 404 "no such approval" POST /approvals/0123456789abcdef \
	"$(fido get "$web/dora" "$web/statement" |
		jq -c '{approver: "dora", credential: .}')"

# --- the certificate of the page ---------------------------------------------

# shown: the subject's CN of what the port shows now.
shown() {
	openssl s_client -connect "localhost:$(conf admin.port)" \
		-servername localhost </dev/null 2>/dev/null |
		openssl x509 -noout -issuer | sed 's/.*CN = //'
}
shows() {
	[ "$(shown)" = "$1" ]
}
own=$(shown)
cp "$web/root.pem" "$web/oem.pem"
answers 200 "the certificate of the page" GET /tls
has '[.own, .csr_pending] | join(" ")' 'true false' "is the appliance's"
has '.certificate.sans | join(" ")' 'localhost 127.0.0.1' "for its name"
answers 400 "none is taken before one was requested" PUT /tls/certificate \
	"$(jq -nc --rawfile c "$web/oem.pem" '{chain: $c}')"
web_as carl
answers 403 "a contributor requests none" POST /tls/csr '{}'
answers 403 "and does not look" GET /tls
web_as ann
answers 400 "no request for what is no name" POST /tls/csr \
	'{"host":"a b"}'
answers 201 "a request" POST /tls/csr '{"ips":["127.0.0.1"]}'
jq -r .csr <<<"$body" >"$web/page.csr"
logged tls csr localhost
like "$(openssl req -in "$web/page.csr" -noout -verify -text 2>&1)" \
	'DNS:localhost, IP Address:127.0.0.1' "names the appliance"
answers 200 "the page says so" GET /tls
has '[.own, .csr_pending] | join(" ")' 'true true' "nothing has changed yet"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-384 -nodes \
	-keyout "$web/co.key" -out "$web/co.pem" -days 900 \
	-subj '/O=Company/CN=Company Root' 2>/dev/null
openssl req -new -newkey rsa:3072 -nodes -keyout "$web/ci.key" \
	-subj '/O=Company/CN=Company CA' 2>/dev/null |
	openssl x509 -req -CA "$web/co.pem" -CAkey "$web/co.key" \
		-days 800 -set_serial 2 -out "$web/ci.pem" -extfile <(
			echo basicConstraints=critical,CA:TRUE
			echo keyUsage=keyCertSign,cRLSign
		) 2>/dev/null
# company FILE CSR SAN [option...]
company() {
	local file=$1 csr=$2 san=$3
	shift 3
	openssl x509 -req -in "$csr" -CA "$web/ci.pem" -CAkey "$web/ci.key" \
		-set_serial "0x$(openssl rand -hex 15)" -out "$web/$file" \
		-extfile <(
			echo "subjectAltName=$san"
			echo extendedKeyUsage=serverAuth
		) "$@" 2>/dev/null
}
# chain FILE...: handed in.
chain() {
	web PUT /tls/certificate "$(cd "$web" && cat "$@" |
		jq -Rsc '{chain: .}')"
}
# not_chain WORDS WHAT FILE...
not_chain() {
	local words=$1 what=$2
	shift 2
	chain "$@"
	is "$code" 400 "$what is refused" || tap_note "$body"
	like "$(jq -r '.errors[0].pointer + " " + .detail' <<<"$body")" \
		"^/chain .*$words" "... in plain words"
}
names=DNS:localhost,IP:127.0.0.1
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
	-keyout "$web/x.key" -subj /CN=localhost -out "$web/x.csr" 2>/dev/null
company page.pem "$web/page.csr" "$names" -days 400
company other.pem "$web/x.csr" "$names" -days 400
company name.pem "$web/page.csr" DNS:www.example -days 400
company late.pem "$web/page.csr" "$names" -days -1
not_chain 'another key' "a certificate of another key" other.pem ci.pem
not_chain 'does not name localhost' "one of another name" name.pem ci.pem
not_chain 'has ended' "one that has ended" late.pem ci.pem
not_chain 'was not signed by' "one in the wrong order" page.pem co.pem
not_chain 'another key' "one that begins with the CA" ci.pem page.pem
not_chain 'no certificate' "no certificate" page.csr
is "$(shown)" "$own" "the port shows what it did"
cat "$web/co.pem" >>"$web/root.pem" # whichever is shown now
chain page.pem ci.pem co.pem
is "$code" 200 "the company's certificate" || tap_note "$body"
has '[.own, .csr_pending] | join(" ")' 'false false' "is the page's now"
has .certificate.issuer 'CN=Company CA,O=Company' "by its CA"
logged tls certificate set localhost
ok "the port shows it" within 10 shows 'Company CA'
is "$(openssl s_client -connect "localhost:$(conf admin.port)" -showcerts \
	-verify_return_error -CAfile "$web/co.pem" -verify_hostname localhost \
	</dev/null 2>/dev/null | grep -c 'BEGIN CERT')" 2 \
	"who trusts the company takes it, without its root"
for v in 1_2 1_3; do
	ok "by TLS $v" curl -sS --cacert "$web/co.pem" \
		"--tlsv${v/_/.}" --tls-max "${v/_/.}" \
		"https://localhost:$(conf admin.port)/api/v1/site"
done
daemon_stop webd
daemon_start webd
daemon_ready webd
is "$(shown)" 'Company CA' "also after a restart"
ok "another name of the appliance" ctl config name localhost,127.0.0.1,127.0.0.9
is "$(shown)" 'Company CA' "changes nothing about it"
answers 201 "the next request" POST /tls/csr '{}'
jq -r .csr <<<"$body" >"$web/page2.csr"
is "$(openssl req -in "$web/page2.csr" -noout -pubkey)" \
	"$(openssl req -in "$web/page.csr" -noout -pubkey)" "is of the same key"
like "$(openssl req -in "$web/page2.csr" -noout -text)" \
	'DNS:localhost, IP Address:127.0.0.1, IP Address:127.0.0.9' \
	"for all names of the appliance"
company soon.pem "$web/page2.csr" DNS:localhost -days 5
chain soon.pem ci.pem
is "$code" 200 "one that ends soon" || tap_note "$body"
told() {
	web GET '/logs?limit=1&user=quoin-webd'
	jq -e '.items[0].what == "tls certificate ends"' <<<"$body"
}
within 10 told
like "$(jq -r '.items[0].detail' <<<"$body")" \
	'^it ends in [45] days: have it renewed$' "the log says so"
answers 204 "back to the appliance's own" DELETE /tls/certificate
logged tls certificate remove localhost
ok "the port shows it again" within 10 shows "$own"
answers 404 "there is no other any more" DELETE /tls/certificate
tap_done
