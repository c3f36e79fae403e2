#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 600
# sanitize
# Keys that people make, with rules of theirs: made, imported, changed,
# deleted, and used no more than the rules allow, whatever is killed when.
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

# in_token: objects of the token, as another program sees them.
in_token() {
	SOFTHSM2_CONF=$appliance/token/softhsm2.conf as signd pkcs11-tool \
		--module "$softhsm" --login --pin "$(cat "$appliance/pin")" \
		--list-objects "$@"
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
ok "a pepper" ctl hsm key create pepper --purpose pepper --kind AES-256
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
65|not P-256|x --purpose pepper
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
ok "the token has the key" in_token --id "$rel"
like "$out" 'sensitive, always sensitive, never extractable' \
	"sensitive from the beginning, and never to be had"
unlike "$out" 'Access:.*[^r] extractable' "not extractable"
in_token --type privkey --id "$rel" >"$scratch/private" 2>&1
unlike "$(grep -A9 'Private Key' "$scratch/private")" 'VALUE' "no value"
refuses 65 'no public half' "a pepper has no public half" \
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
gone_from_token() {
	! in_token | grep -q "$1"
}
ok "also in the token" within 10 gone_from_token "$id"
ok "its name is free" ctl hsm key create "for jwt" --purpose jwt
ok "for another key" test "$(field "for jwt" id)" != "$id"

tap_done
