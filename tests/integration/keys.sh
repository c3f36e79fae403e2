#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
# sanitize
# Keys that people make, with rules of theirs: made, imported, changed,
# deleted, and used no more than the rules allow, whatever is killed when.
# shellcheck disable=SC2317 # functions are called by ok
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

WEB=61004 PUSH=61005 ENROL=61003 STRANGER=61999

# uid UID COMMAND...
uid() {
	local uid=$1
	shift
	setpriv --reuid "$uid" --regid "$uid" --clear-groups -- "$@"
}

# ctl_as UID ARGUMENTS...
ctl_as() {
	local uid=$1
	shift
	uid "$uid" "$appliance/app/quoinctl" --state "$appliance" "$@"
}

# field NAME KEY: of a key's JSON.
field() {
	ctl --json hsm key show "$1" | jq -r ".$2"
}

# refuses STATUS WORDS WHAT COMMAND...
refuses() {
	local status=$1 words=$2 what=$3
	shift 3
	exits "$status" "$what" "$@" && like "$out" "$words" "... and why"
}

# in_token ID: the private or secret key in the token, as another program
# sees it.
in_token() {
	SOFTHSM2_CONF=$appliance/token/softhsm2.conf as signd pkcs11-tool \
		--module "$softhsm" --login --pin "$(cat "$appliance/pin")" \
		--list-objects 2>&1 | awk -v id="$1" '
		/^[^ ]/ { private = /^(Private|Secret)/; head = $0 }
		$1 == "ID:" { mine = $2 == id && private; if (mine) print head }
		mine { print; found = 1 }
		END { exit !found }'
}

# The same once more: SoftHSM passes over what it finds half written by others.
token_has() {
	local until=$((SECONDS + 15))
	until in_token "$1"; do
		[ "$SECONDS" -lt "$until" ] || return 1
		sleep 0.2
	done
}
gone_from_token() {
	! in_token "$1"
}

softhsm=$(find /usr/lib -name libsofthsm2.so 2>/dev/null | head -n 1)

appliance_start "$scratch/a"
refuses 66 'hsm init' "no key before the PKI" \
	ctl hsm key create early --purpose firmware
ok "the PKI" ctl hsm init localhost,127.0.0.1

# --- made ------------------------------------------------------------------

ok "a firmware key" ctl hsm key create rel-1 --purpose firmware
ok "the same again" ctl --json hsm key create rel-1 --purpose firmware
rel=$(field rel-1 id)
is "$(jq -r .id <<<"$out")" "$rel" "is the same key"
refuses 73 'firmware' "not for another purpose" \
	ctl hsm key create rel-1 --purpose codesign
refuses 73 'P-256' "nor of another kind" \
	ctl hsm key create rel-1 --purpose firmware --kind RSA-3072
refuses 73 'other rules' "nor with other rules" \
	ctl hsm key create rel-1 --purpose firmware --uses 3
ok "a codesign key with many rules" ctl hsm key create "Code.Sign_1 x" \
	--purpose codesign --kind RSA-3072 --users root,33,"$STRANGER" \
	--mechs rsa-pss --not-before 2020-01-01 --not-after 2090-01-31 \
	--uses 1000 --rate 60/min --roles tool
is "$(ctl --json hsm key show "Code.Sign_1 x" | jq -c \
	'[.users, .mechs, .roles, .not_before, .not_after, .max_uses, .rate,
	.imported, .token, .kind]')" \
	'["0,33,61999","rsa-pss","tool","2020-01-01T00:00:00Z","2090-01-31T00:00:00Z",1000,60,false,1,"RSA-3072"]' \
	"its rules are shown"
for p in jwt provision update backup; do
	ok "a key for $p" ctl hsm key create "for $p" --purpose $p
done
ok "an AES key" ctl hsm key create pepper --purpose backup --kind AES-256
ok "a backup key of AES" ctl hsm key create backup-aes --purpose backup \
	--kind AES-256
ok "a name of 64 letters" ctl hsm key create "$(printf 'n%.0s' {1..64})" \
	--purpose firmware
is "$(ctl --json hsm key list | jq '.keys | length')" 9 "nine keys"
like "$(ctl hsm keys)" "$rel .* rel-1" "hsm keys shows them, too"

while IFS='|' read -r status words args; do
	IFS=' ' read -ra a <<<"$args"
	refuses "$status" "$words" "refused: $args" ctl hsm key create "${a[@]}"
done <<'TEXT'
65|made by the appliance|x --purpose root
65|made by the appliance|x --purpose issuing
65|made by the appliance|x --purpose tls-device
65|made by the appliance|x --purpose ocsp
65|made by the appliance|x --purpose cmp
65|made by the appliance|x --purpose seal
65|made by the appliance|x --purpose journal
65|made by the appliance|x --purpose root-link
65|is none|x --purpose other
64|--purpose|x
65|not AES-256|x --purpose firmware --kind AES-256
65|made by the appliance|x --purpose pepper
65|neither P-256|x --purpose firmware --kind P-384
65|name|a/b --purpose firmware
65|name|nohsm:x --purpose firmware
65|hex digits|0123456789abcdef --purpose firmware
65|mechanisms|x --purpose firmware --mechs rsa-pss
65|mechanisms|x --purpose firmware --kind RSA-3072 --mechs ecdsa
64|--mechs|x --purpose firmware --mechs md5
65|roles|x --purpose jwt --roles enrol
64|no role|x --purpose jwt --roles king
65|users|x --purpose firmware --users root
64|no user|x --purpose codesign --users no-such-user
65|no user id|x --purpose codesign --users 4294967295
65|twice|x --purpose codesign --users root,0
65|dates|x --purpose firmware --not-before 2030-01-01 --not-after 2030-01-01
64|date|x --purpose firmware --not-after 2030-02-31
64|number|x --purpose firmware --uses -1
64|number|x --purpose firmware --rate 5/hour
65|uses|x --purpose jwt --uses 5
65|approvals|x --purpose jwt --approvals 1
65|1 of 0 approvers|x --purpose firmware --approvals 1
65|no approver|x --purpose firmware --approvals 1 --approvers alice
65|token|x --purpose firmware --token 2
64|token|x --purpose firmware --token 3
TEXT

# --- who may ---------------------------------------------------------------

for u in "$ENROL" "$PUSH" "$STRANGER"; do
	refuses 77 'not for role' "uid $u makes no key" \
		ctl_as "$u" hsm key create "u$u" --purpose firmware
	refuses 77 'not for role' "nor lists them" ctl_as "$u" hsm key list
done
ok "web makes one" ctl_as "$WEB" hsm key create by-web --purpose firmware
ok "and deletes it" ctl_as "$WEB" hsm key delete by-web --yes

# --- in the token ----------------------------------------------------------

ok "its public half" ctl hsm key public rel-1
openssl pkey -pubin -outform DER -out "$scratch/spki" <<<"$out"
for k in rel-1 "Code.Sign_1 x" pepper; do
	ok "the token has $k" token_has "$(field "$k" id)"
	like "$out" 'Access: *sensitive, always sensitive, never extractable' \
		"sensitive from the beginning, and never to be had"
done
refuses 65 'no public half' "an AES key has no public half" \
	ctl hsm key public pepper

# --- changed ---------------------------------------------------------------

ok "other rules" ctl hsm key edit rel-1 --uses 5 --not-after 2077-07-07 \
	--rate 100
is "$(ctl --json hsm key show rel-1 | jq -c '[.max_uses,.not_after,.rate]')" \
	'[5,"2077-07-07T00:00:00Z",100]' "are in force"
ok "one of them goes" ctl hsm key edit rel-1 --not-after ""
is "$(field rel-1 not_after) $(field rel-1 max_uses)" "null 5" \
	"the others stay"
refuses 65 mechanisms "rules that do not fit" \
	ctl hsm key edit rel-1 --mechs rsa-pss
refuses 66 'no key' "no such key" ctl hsm key edit nobody --uses 5
n=$(ctl --json journal tail --limit 1 | jq '.records[0].seq')
ok "the same rules" ctl hsm key edit rel-1 --uses 5
is "$(ctl --json journal tail --limit 1 | jq '.records[0].seq')" "$n" \
	"change nothing"

# --- certificates of codesign keys -----------------------------------------

openssl ecparam -name prime256v1 -genkey -noout -out "$scratch/ca.pem"
openssl req -x509 -key "$scratch/ca.pem" -subj "/CN=Some CA" -days 30 \
	-out "$scratch/ca.crt"
ok "a P-256 codesign key" ctl hsm key create code --purpose codesign \
	--users "$STRANGER"
ctl hsm key public code >"$scratch/code.pub"
openssl req -new -key "$scratch/ca.pem" -subj "/CN=Somebody" \
	-out "$scratch/other.csr" 2>/dev/null
openssl x509 -req -in "$scratch/other.csr" -CA "$scratch/ca.crt" \
	-CAkey "$scratch/ca.pem" -force_pubkey "$scratch/code.pub" -days 5 \
	-out "$scratch/code.crt" 2>/dev/null
exits 66 "no certificate yet" ctl hsm key cert code
refuses 65 'another key' "one of another key" \
	ctl hsm key cert code "$scratch/ca.crt"
ok "its own" ctl hsm key cert code "$scratch/code.crt"
is "$(ctl hsm key cert code)" "$(openssl x509 -in "$scratch/code.crt")" \
	"is shown"
unlike "$(ctl hsm certs)" codesign "and is none of the appliance's"
ok "other rules" ctl hsm key edit code --uses 5
is "$(field code cert)" true "leave it"
daemon_stop signd
daemon_start signd
daemon_ready signd
is "$(ctl hsm key cert code)" "$(openssl x509 -in "$scratch/code.crt")" \
	"it is there after a restart"
ok "it is taken away" ctl hsm key cert code --remove
is "$(field code cert)" false "and gone"
refuses 65 'only codesign' "no certificate for a firmware key" \
	ctl hsm key cert rel-1 "$scratch/code.crt"

# --- imported --------------------------------------------------------------

new_key() { # NAME OPTIONS of genpkey...
	local name=$1
	shift
	openssl genpkey "$@" -out "$scratch/$name.pem" 2>/dev/null
	openssl pkcs8 -topk8 -nocrypt -in "$scratch/$name.pem" -outform DER \
		-out "$scratch/$name.der"
	openssl pkey -in "$scratch/$name.pem" -pubout -out "$scratch/$name.pub"
}
ec='-algorithm EC -pkeyopt ec_paramgen_curve:P-256'
# shellcheck disable=SC2086
new_key ec $ec
new_key rsa -algorithm RSA -pkeyopt rsa_keygen_bits:3072
{
	key_values "$scratch/ec.pem" EC
	key_values "$scratch/rsa.pem" RSA
} >"$scratch/known"
is "$(cut -d' ' -f1 "$scratch/known" | uniq -c | tr -s ' \n' ' ')" \
	" 1 EC 6 RSA " "the private numbers are known to the test"
chmod 600 "$scratch"/*.pem "$scratch"/*.der "$scratch/known"

ok "a P-256 key, PEM, from a file" ctl --json hsm key import dev-ec \
	"$scratch/ec.pem" --purpose codesign --users "$STRANGER"
is "$(jq -c '[.shown,.imported,.kind]' <<<"$out")" \
	'["nohsm:dev-ec",true,"P-256"]' "it is marked"
ok "an RSA-3072 key, DER, from standard input" ctl hsm key import dev-rsa - \
	--purpose firmware --uses 9 <"$scratch/rsa.der"
like "$out" 'nohsm:dev-rsa' "it is marked"
like "$(ctl hsm key list)" '^nohsm:dev-ec ' "in the list, too"
is "$(ctl hsm key public nohsm:dev-ec)" "$(cat "$scratch/ec.pub")" \
	"the public half of the P-256 key"
is "$(ctl hsm key public dev-rsa)" "$(cat "$scratch/rsa.pub")" \
	"that of the RSA key"
for k in dev-ec dev-rsa; do
	ok "$k in the token" token_has "$(field $k id)"
	like "$out" 'Access: *sensitive$' "sensitive, and known elsewhere"
	unlike "$out" '[^r] extractable|always sensitive' "not extractable"
done
ok "imported again" ctl hsm key import nohsm:dev-ec "$scratch/ec.pem" \
	--purpose codesign --users "$STRANGER"
refuses 73 'there already: dev-ec' "the same key by another name" \
	ctl hsm key import other "$scratch/ec.der" --purpose jwt
refuses 73 'imported' "one made in the token is another" \
	ctl hsm key create dev-ec --purpose codesign --users "$STRANGER"
# shellcheck disable=SC2086
new_key ec2 $ec
refuses 73 'another key' "another key by the same name" \
	ctl hsm key import dev-ec "$scratch/ec2.pem" --purpose codesign \
	--users "$STRANGER"
refuses 73 'another key' "nor by that of one made here" \
	ctl hsm key import rel-1 "$scratch/ec2.pem" --purpose firmware
ok "its id is announced before, and imported" grep -q . <<<"$(ctl --json \
	journal tail --limit 200 | jq '.records[] | select(.type == "import")')"

ok "nothing of them is in the memory of daemon and worker" \
	"$top_srcdir/tests/integration/memory.py" "$scratch/known" \
	"${daemon_pid[signd]}" "$(pgrep -P "${daemon_pid[signd]}" -x quoin-token)"
cp -r "$appliance" "$scratch/copy"
ok "nor in any file" "$top_srcdir/tests/integration/secrets.py" \
	"$scratch/known" "$scratch/copy"/{signd,journal,records,token,run} \
	"$scratch/copy"/*.log
python3 -c 'import sys, time; a = open(sys.argv[1], "rb").read()
print("", flush=True); time.sleep(60)' "$scratch/ec.der" \
	>"$scratch/holds" &
holder=$!
within 10 test -s "$scratch/holds"
exits 1 "the search finds what is there" \
	"$top_srcdir/tests/integration/memory.py" "$scratch/known" "$holder"
kill "$holder"

# What is not such a key is refused, with what it is.
openssl pkcs8 -topk8 -in "$scratch/ec.pem" -passout pass:x -out \
	"$scratch/encrypted.pem"
openssl pkcs8 -topk8 -in "$scratch/ec.pem" -passout pass:x -outform DER -out \
	"$scratch/encrypted.der"
openssl ec -in "$scratch/ec.pem" -out "$scratch/sec1.pem" 2>/dev/null
openssl ec -in "$scratch/ec.pem" -outform DER -out "$scratch/sec1.der" \
	2>/dev/null
openssl rsa -in "$scratch/rsa.pem" -traditional -out "$scratch/pkcs1.pem" \
	2>/dev/null
openssl rsa -in "$scratch/rsa.pem" -traditional -outform DER \
	-out "$scratch/pkcs1.der" 2>/dev/null
openssl pkey -pubin -in "$scratch/ec.pub" -outform DER -out "$scratch/pub.der"
openssl x509 -in "$scratch/ca.crt" -outform DER -out "$scratch/crt.der"
new_key p384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
new_key rsa2048 -algorithm RSA -pkeyopt rsa_keygen_bits:2048
new_key rsa4096 -algorithm RSA -pkeyopt rsa_keygen_bits:4096
new_key ed25519 -algorithm ED25519
ssh-keygen -q -t ecdsa -N '' -f "$scratch/ssh" 2>/dev/null || :
head -c 60 "$scratch/rsa.der" >"$scratch/cut.der"
head -c 5000 /dev/zero >"$scratch/long"
: >"$scratch/empty"
# A private number of one key and the public half of another.
python3 - "$scratch" <<'PY'
import sys
d = sys.argv[1] + "/"
a, b = (open(d + n, "rb").read() for n in ("ec.der", "ec2.der"))
open(d + "halves.der", "wb").write(a[:-65] + b[-65:])
at = a.index(b"\x02\x01\x01\x04\x20") + 5
open(d + "zero.der", "wb").write(a[:at] + bytes(32) + a[at + 32:])
open(d + "order.der", "wb").write(a[:at] + b"\xff" * 32 + a[at + 32:])
r = open(d + "rsa.der", "rb").read()
open(d + "rsabad.der", "wb").write(r[:-5] + bytes([r[-5] ^ 1]) + r[-4:])
open(d + "tail.der", "wb").write(a + b"\0")
PY
while read -r file words; do
	[ -e "$scratch/$file" ] || continue
	refuses 65 "$words" "refused: $file" \
		ctl hsm key import bad "$scratch/$file" --purpose firmware
done <<'TEXT'
encrypted.pem encrypted: openssl pkcs8
encrypted.der encrypted: openssl pkcs8
sec1.pem SEC 1
sec1.der SEC 1
pkcs1.pem PKCS #1
pkcs1.der PKCS #1
ec.pub public key
pub.der public key
ca.crt certificate
crt.der certificate
p384.pem another curve
p384.der another curve
rsa2048.pem 2048 bits
rsa4096.der 4096 bits
ed25519.pem another algorithm
ssh OpenSSH
cut.der neither PEM nor DER
halves.der do not belong together
zero.der out of range
order.der out of range
rsabad.der do not belong together
tail.der neither PEM nor DER
long too large
empty neither PEM nor DER
TEXT
refuses 65 'made by the appliance' "no pepper is imported" \
	ctl hsm key import bad "$scratch/ec2.pem" --purpose pepper
refuses 65 'made by the appliance' "no root" \
	ctl hsm key import bad "$scratch/ec2.pem" --purpose root
refuses 65 mechanisms "with rules like any other" ctl hsm key import bad \
	"$scratch/ec2.pem" --purpose firmware --mechs rsa-pss
refuses 77 'not for role' "not by the device port" ctl_as "$ENROL" hsm key \
	import bad - --purpose firmware <"$scratch/ec2.pem"
ok "by web" ctl_as "$WEB" hsm key import by-web - --purpose firmware \
	<"$scratch/ec2.pem"

# --- used ------------------------------------------------------------------

client=$top_builddir/tests/integration/approve-client
printf 0123456789abcdef0123456789abcdef >"$scratch/digest"
# sign UID NAME [NONCE]: ECDSA by a codesign key; each time another request.
sign() {
	sign_as "$1" "$(field "$2" id)" "${3-$(openssl rand -hex 16)}" \
		"$scratch/signature"
}
sign_as() {
	"$client" -c "$appliance/quoin.conf" -u "$1" code-sign "$2" 1 0 0 \
		"$scratch/digest" "$3" "$4"
}
signed() {
	openssl pkeyutl -verify -pubin -inkey "$1" -in "$scratch/digest" \
		-sigfile <(python3 - "$scratch/signature" <<'PY'
import sys
s = open(sys.argv[1], "rb").read()
def n(b):
    b = b.lstrip(b"\0") or b"\0"
    b = b"\0" + b if b[0] > 127 else b
    return b"\x02" + bytes([len(b)]) + b
d = n(s[:32]) + n(s[32:])
sys.stdout.buffer.write(b"\x30" + bytes([len(d)]) + d)
PY
	)
}
chmod 0755 "$scratch"
mkdir -m 0777 "$scratch/out"

ok "a user of the imported key" ctl hsm key edit dev-ec --users "0,$STRANGER"
ok "signs with it" sign 0 dev-ec
ok "really" signed "$scratch/ec.pub"
ok "a key of root's" ctl hsm key create use --purpose codesign --users root
ctl hsm key public use >"$scratch/use.pub"
ok "root signs with it" sign 0 use
ok "really" signed "$scratch/use.pub"
refuses 66 'no key' "for another user it does not exist" \
	sign "$STRANGER" use
for u in "$ENROL" "$WEB" "$PUSH" 61006; do
	refuses 77 'not for role' "uid $u signs no code" sign "$u" use
done
refuses 66 'no key' "a firmware key signs no code" sign 0 rel-1

tomorrow=$(date -u -d tomorrow +%F)
ok "tomorrow's key" ctl hsm key edit use --not-before "$tomorrow"
refuses 77 "not to be used before $tomorrow" "is not used today" sign 0 use
ok "yesterday's key" ctl hsm key edit use --not-before "" \
	--not-after "$(date -u +%F)"
refuses 77 "was to be used until" "neither" sign 0 use
ok "today's key" ctl hsm key edit use --not-before "$(date -u +%F)" \
	--not-after "$tomorrow"
ok "is" sign 0 use
ok "another mechanism's key" ctl hsm key create rsa-code --purpose codesign \
	--kind RSA-3072 --users root --mechs rsa-pss
{
	printf '\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01\x65\x03\x04\x02\x01'
	printf '\x05\x00\x04\x20'
	cat "$scratch/digest"
} >"$scratch/info"
refuses 77 mechanism "is not used for this" "$client" \
	-c "$appliance/quoin.conf" code-sign "$(field rsa-code id)" 2 0 0 \
	"$scratch/info" "$(printf %032d 99)" "$scratch/signature"

# Rate: a bucket.
ok "a key for three signatures in a minute" ctl hsm key create slow \
	--purpose codesign --users root --rate 3/min
for i in 1 2 3; do ok "signature $i" sign 0 slow; done
refuses 75 'more than 3 signatures in a minute' "a fourth is too many" \
	sign 0 slow
ok "the rate belongs to the key, not to its version" \
	ctl hsm key edit slow --not-after 2099-01-01
exits 75 "still too many" sign 0 slow
ok "another rate" ctl hsm key edit slow --rate 6000
ok "lets it go on" within 5 sign 0 slow

# Uses: five, whatever happens.
ok "a key for five signatures" ctl hsm key create few --purpose codesign \
	--users root --uses 5
for i in 1 2 3; do ok "signature $i" sign 0 few; done
ok "signature 4" sign 0 few "$(printf %032d 4)"
ok "the same request again" sign 0 few "$(printf %032d 4)"
is "$(field few uses)" 4 "is not counted twice"
daemon_stop signd KILL
daemon_start signd
daemon_ready signd
is "$(field few uses)" 4 "killed, it still knows"
ok "the fifth" sign 0 few
refuses 77 'made the 5 signatures' "no sixth" sign 0 few
daemon_stop signd KILL
daemon_start signd
daemon_ready signd
refuses 77 'made the 5 signatures' "nor after being killed" sign 0 few
ok "more are allowed" ctl hsm key edit few --uses 6
ok "the sixth" sign 0 few
refuses 77 'made the 6 signatures' "no seventh" sign 0 few

# Killed while many sign: never more than the limit.
ok "a key for 300 signatures" ctl hsm key create many --purpose codesign \
	--users root --uses 300
id=$(field many id)
hammer() { # hammer NUMBER: until the key has none left
	local i=0 status=0
	while [ $status != 77 ] && [ $i -lt 400 ]; do
		i=$((i + 1))
		sign_as 0 "$id" "$(printf '%016d%016d' "$1" $i)" \
			"$scratch/out/$1-$i" 2>/dev/null
		status=$?
		[ $status = 0 ] || sleep 0.02
	done
}
hammers=()
for h in 1 2 3 4; do
	hammer $h &
	hammers+=($!)
done
for k in 1 2 3; do
	n=$(find "$scratch/out" -type f | wc -l)
	more() { [ "$(find "$scratch/out" -type f | wc -l)" -gt $((n + 30)) ]; }
	within 20 more
	daemon_stop signd KILL
	daemon_start signd
	daemon_ready signd
done
wait "${hammers[@]}"
got=$(find "$scratch/out" -type f | wc -l)
tap_note "$got signatures were given away"
ok "killed three times, no more than 300" test "$got" -le 300
ok "nor many fewer" test "$got" -ge 280
is "$(cat "$scratch"/out/* | wc -c)" $((64 * got)) "all of them whole"
is "$(field many uses)" 300 "and it says so"

# What was refused is in the journal, once for a key, user and second.
refused() {
	ctl --json journal tail --limit 2000 | jq -r --arg id "$id" \
		'[.records[] | select(.type == "refuse" and .key == $id) |
		.body.count] | add // 0'
}
id=$(field few id)
n=$(refused)
for i in 1 2 3 4 5 6 7 8 9 10; do sign 0 few; done 2>/dev/null
more() { [ "$(refused)" = $((n + 10)) ]; }
ok "each refused use is counted in the journal" within 5 more

# --- killed in the middle --------------------------------------------------

# killed_at CALL COMMAND...: signd dies at its CALL-th sync from now.
deaths=0
killed_at() {
	local call=$1 pid=${daemon_pid[signd]} tracer
	shift
	strace -f -qq -o "$scratch/strace" -p "$pid" -e trace=fsync,fdatasync \
		-e inject=fsync,fdatasync:signal=KILL:when="$call" 2>/dev/null &
	tracer=$!
	within 5 grep -q "TracerPid:.[1-9]" "/proc/$pid/status"
	"$@" >/dev/null 2>&1
	daemon_gone "$pid" && deaths=$((deaths + 1))
	kill -INT "$tracer" 2>/dev/null
	wait "$tracer" 2>/dev/null
	daemon_stop signd KILL
	daemon_start signd
	daemon_ready signd
}
no_orphans() {
	[ "$(ctl --json hsm status | jq .orphans)" = 0 ]
}
same_again() { # COMMAND...: it does, or has done, the same
	"$@" >/dev/null && "$@" >/dev/null
}
for call in 1 2 3 4 5 6; do
	killed_at $call ctl hsm key create "cut $call" --purpose jwt
	ok "killed at sync $call of a new key: nothing is left over" \
		within 10 no_orphans
	ok "it is made" same_again ctl hsm key create "cut $call" --purpose jwt
	ok "in the token" token_has "$(field "cut $call" id)"
	# shellcheck disable=SC2086
	new_key cut $ec
	killed_at $call ctl hsm key import "brought $call" "$scratch/cut.pem" \
		--purpose jwt
	ok "killed at sync $call of an import: nothing is left over" \
		within 10 no_orphans
	ok "it is imported" same_again ctl hsm key import "brought $call" \
		"$scratch/cut.pem" --purpose jwt
	ok "in the token" token_has "$(field "brought $call" id)"
	id=$(field "cut $call" id)
	killed_at $call ctl hsm key delete "cut $call" --yes
	ok "killed at sync $call of its end: nothing is left over" \
		within 10 no_orphans
	ctl hsm key delete "cut $call" --yes >/dev/null 2>&1
	ok "it is gone" within 10 gone_from_token "$id"
done
tap_note "$deaths of 18 times it was killed in the middle"
ok "most of the syncs were reached" test "$deaths" -ge 9
ok "the journal is whole" ctl journal verify

# --- agreed to -------------------------------------------------------------

# agree ID: alice does.
agree() {
	ctl hsm approval statement "$1" >"$scratch/statement" &&
		openssl dgst -sha256 -sign "$scratch/alice.pem" \
			-out "$scratch/agreed" "$scratch/statement" &&
		ctl hsm approval give "$1" alice --signature "$scratch/agreed"
}
wanted() {
	grep -Eo 'approval [0-9a-f]{16}' <<<"$out" | cut -d' ' -f2
}
# shellcheck disable=SC2086
new_key alice $ec
ok "an approver" ctl hsm approver add alice "$scratch/alice.pub"
ok "a key that wants her" ctl hsm key create release --purpose firmware \
	--approvals 1 --approvers alice
ok "its rules as they are" ctl hsm key edit release --approvals 1
refuses 75 'approval' "without her they are not loosened" \
	ctl hsm key edit release --approvals 0 --approvers ""
is "$(field release approvals)" 1 "they stay"
ok "she agrees" agree "$(wanted)"
ok "then they are" ctl hsm key edit release --approvals 0 --approvers ""
is "$(field release approvals)" null "gone"
ok "she is wanted again" ctl hsm key edit release --approvals 1 \
	--approvers alice
echo firmware >"$scratch/fw.bin"
exits 75 "a signature that she must agree to" ctl hsm sign release \
	"$scratch/fw.bin" --out "$scratch/fw.sig"
ok "she agrees" agree "$(wanted)"
refuses 75 'alice agreed to a signature' "the key is waited for" \
	ctl hsm key delete release --yes
ok "it is signed" ctl hsm sign release "$scratch/fw.bin" \
	--out "$scratch/fw.sig"
refuses 75 'approval' "the key is not deleted without her" \
	ctl hsm key delete release --yes
ok "she agrees" agree "$(wanted)"
ok "then it is" ctl hsm key delete release --yes

# --- a second token --------------------------------------------------------

second=$appliance/token2
install -d -m 0700 -o "${daemon_uid[signd]}" "$second"
printf 'directories.tokendir = %s\nobjectstore.backend = file\n' "$second" \
	>"$second/softhsm2.conf"
printf 2468013579 >"$appliance/pin2"
chmod 0400 "$appliance/pin2"
chown "${daemon_uid[signd]}" "$appliance/pin2" "$second/softhsm2.conf"
SOFTHSM2_CONF=$second/softhsm2.conf as signd softhsm2-util --init-token \
	--free --label quoin2 --so-pin 12345678 --pin 2468013579 >/dev/null
cp "$appliance/quoin.conf" "$scratch/one-token.conf"
{
	echo "token2.module = $softhsm"
	echo "token2.env = SOFTHSM2_CONF=$second/softhsm2.conf"
} >>"$appliance/quoin.conf"
restart() {
	daemon_stop signd
	daemon_start signd
	daemon_ready signd
}
restart
ok "a key in the second token" within 20 ctl hsm key create far \
	--purpose codesign --users root --token 2
is "$(field far token)" 2 "is shown so"
refuses 73 'another key' "it is another than one in the first" \
	ctl hsm key create far --purpose codesign --users root
ctl hsm key public far >"$scratch/far.pub"
ok "it signs" sign 0 far
ok "really" signed "$scratch/far.pub"
exits 1 "the first token has no such key" in_token "$(field far id)"
# shellcheck disable=SC2086
new_key far2 $ec
ok "a key is imported there" ctl hsm key import far2 "$scratch/far2.pem" \
	--purpose codesign --users root --token 2
ok "it signs" sign 0 far2
ok "really" signed "$scratch/far2.pub"
ok "one may be used so often" ctl hsm key edit far --uses 9
restart
ok "after a restart, too" within 20 sign 0 far
far_worker() {
	sed -n 's/.*second token: worker \([0-9]*\) is ready/\1/p' \
		"$appliance/signd.log" | tail -n 1
}
other_far_worker() {
	[ "$(far_worker)" != "$1" ]
}
id=$(far_worker)
kill -KILL "$id"
ok "its worker is killed" within 10 other_far_worker "$id"
is "$(field far used)" 1 "the next one's test makes no use of the key"
second_has() {
	SOFTHSM2_CONF=$second/softhsm2.conf as signd pkcs11-tool \
		--module "$softhsm" --login --pin 2468013579 --list-objects |
		grep -q "$1"
}
id=$(field far2 id)
ok "one is there" second_has "$id"
ok "it is deleted" ctl hsm key delete far2 --yes
second_gone() {
	! second_has "$1"
}
ok "also there" within 10 second_gone "$id"
cp "$scratch/one-token.conf" "$appliance/quoin.conf"
restart
refuses 69 'second token' "without the second token it does not sign" \
	sign 0 far
ok "all else does" sign 0 use
refuses 65 'no second' "no key is made there" ctl hsm key create far3 \
	--purpose jwt --token 2

# --- deleted ---------------------------------------------------------------

refuses 64 'yes' "a key is not deleted without a word" \
	ctl hsm key delete "for jwt" </dev/null
ok "a policy" ctl policy create fleet --device-lifetime 30d \
	--issuing-lifetime 5y
while read -r purpose words; do
	id=$(ctl --json hsm keys | jq -r --arg p "$purpose" \
		'[.keys[] | select(.purpose == $p)][0].id')
	refuses 75 "$words" "the key for $purpose stays" \
		ctl hsm key delete "$id" --yes
done <<'TEXT'
root the OEM Root
issuing issuing CA of policy fleet
ocsp needed by the appliance
cmp needed by the appliance
tls-device needed by the appliance
tls-admin needed by the appliance
seal seals every secret
TEXT
exits 66 "no such key" ctl hsm key delete nobody --yes
id=$(field "for jwt" id)
ok "a key is deleted" ctl hsm key delete "for jwt" --yes
exits 66 "it is gone" ctl hsm key show "for jwt"
ok "also in the token" within 10 gone_from_token "$id"
ok "its name is free" ctl hsm key create "for jwt" --purpose jwt
ok "for another key" test "$(field "for jwt" id)" != "$id"

tap_done
