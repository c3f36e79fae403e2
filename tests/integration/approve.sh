#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# timeout: 300
# sanitize
# Keys whose use people must agree to: signatures by openssl as the approvers'
# own, good and bad, with signd stopped and killed between.
# shellcheck source=tests/integration/lib.sh
. "$(dirname "$0")/lib.sh"

WEB=61004 TOOL=61500 OTHER=61501
nonce=000102030405060708090a0b0c0d0e0f

# uid UID COMMAND...
uid() {
	local uid=$1
	shift
	setpriv --reuid "$uid" --regid "$uid" --clear-groups -- "$@"
}
ctl_as() {
	local uid=$1
	shift
	uid "$uid" "$appliance/app/quoinctl" --state "$appliance" "$@"
}
# refuses STATUS WORDS WHAT COMMAND...
refuses() {
	local status=$1 words=$2 what=$3
	shift 3
	exits "$status" "$what" "$@" && like "$out" "$words" "... and why"
}
# client UID COMMAND...
client() {
	local uid=$1
	shift
	"$top_builddir/tests/integration/approve-client" \
		-c "$appliance/quoin.conf" -u "$uid" "$@"
}
restart() { # SIGNAL
	daemon_stop signd "$1"
	daemon_start signd
	daemon_ready signd
}
# waits COMMAND...: it must wait for approval, whose id goes to $id.
waits() {
	local what=$1
	shift
	refuses 75 'approval [0-9a-f]{16} is wanted' "$what" "$@"
	id=$(sed -n 's/.*approval \([0-9a-f]\{16\}\) is wanted.*/\1/p' \
		<<<"$out")
}
# agree ID NAME [KEY]: as an administrator does it far away.
agree() {
	ctl hsm approval statement "$1" >"$W/statement" &&
		openssl dgst -sha256 -sign "$W/${3-$2}.pem" \
			-out "$W/signature" "$W/statement" &&
		ctl --json hsm approval give "$1" "$2" \
			--signature "$W/signature"
}
approvals() {
	ctl --json hsm approval list | jq -r ".approvals$1"
}
journal() { # JQ
	ctl --json journal tail --limit 1000 | jq -r ".records[] | $1"
}

appliance_start "$scratch/a" signd
W=$scratch/w
install -d -m 0777 "$W"
for n in alice bob carol eve; do
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
		-out "$W/$n.pem" 2>/dev/null
	openssl pkey -in "$W/$n.pem" -pubout -out "$W/$n.pub"
done
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 2>/dev/null |
	openssl pkey -pubout -out "$W/p384.pub"
head -c 300000 /dev/urandom >"$W/fw-1.bin"
head -c 300000 /dev/urandom >"$W/fw-2.bin"
ok "the PKI" ctl hsm init localhost,127.0.0.1

# --- without approvals -----------------------------------------------------

ok "a firmware key" ctl hsm key create free --purpose firmware
ok "an RSA one" ctl hsm key create rsa --purpose firmware --kind RSA-3072
ok "a file is signed" ctl hsm sign free "$W/fw-1.bin" --out "$W/sig"
ctl hsm key public free >"$W/free.pub"
ok "openssl verifies it" openssl dgst -sha256 -verify "$W/free.pub" \
	-signature "$W/sig" "$W/fw-1.bin"
ok "again" ctl hsm sign free "$W/fw-1.bin" --out "$W/sig2"
ok "the very same signature" cmp "$W/sig" "$W/sig2"
restart KILL
ok "again, after a crash" ctl hsm sign free "$W/fw-1.bin" --out "$W/sig2"
ok "the very same still" cmp "$W/sig" "$W/sig2"
ok "with another meaning" ctl hsm sign free "$W/fw-1.bin" \
	--meaning "gateway 2.1" --out "$W/sig2"
exits 1 "another signature" cmp -s "$W/sig" "$W/sig2"
is "$(journal 'select(.type == "sign") | .body.meaning' | tr '\n' ' ')" \
	"fw-1.bin gateway 2.1 " "the journal has both, and what they mean"
is "$(journal 'select(.type == "sign") | .body.digest' | uniq)" \
	"$(sha256sum <"$W/fw-1.bin" | cut -d' ' -f1)" "and the file's digest"
ctl hsm key public rsa >"$W/rsa.pub"
for hash in 256 384 512; do
	ok "RSA-PSS with SHA-$hash" ctl hsm sign rsa "$W/fw-1.bin" \
		--hash $hash --out "$W/sig"
	ok "openssl verifies it" openssl dgst -sha$hash -verify "$W/rsa.pub" \
		-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest \
		-signature "$W/sig" "$W/fw-1.bin"
	ok "RSA PKCS #1 with SHA-$hash" ctl hsm sign rsa "$W/fw-1.bin" \
		--hash $hash --mech rsa-pkcs1 --out "$W/sig"
	ok "openssl verifies it" openssl dgst -sha$hash -verify "$W/rsa.pub" \
		-signature "$W/sig" "$W/fw-1.bin"
done
refuses 77 mechanism "not with another key's mechanism" \
	ctl hsm sign free "$W/fw-1.bin" --mech rsa-pss
refuses 77 role "not for the web" ctl_as $WEB hsm sign free "$W/fw-1.bin"
refuses 65 'sealed' "not what can still be changed" client 0 firmware \
	"$(ctl --json hsm key show free | jq -r .id)" 1 256 "$W/fw-1.bin" \
	$nonce m "$W/sig" noseal
refuses 65 'empty' "nor nothing" ctl hsm sign free /dev/null

# --- approvers -------------------------------------------------------------

for n in alice bob carol; do
	ok "approver $n" ctl hsm approver add $n "$W/$n.pub"
done
ok "alice again" ctl hsm approver add alice "$W/alice.pub"
refuses 73 'alice has this key' "nobody is two" \
	ctl hsm approver add alias "$W/alice.pub"
refuses 65 'P-256' "P-256 only" ctl hsm approver add x "$W/p384.pub"
refuses 65 'name' "a name is a word" ctl hsm approver add 'x y' "$W/eve.pub"
refuses 77 role "the web adds none" ctl_as $WEB hsm approver add eve \
	"$W/eve.pub"
is "$(ctl --json hsm approver list | jq -r '.approvers[].name' |
	tr '\n' ' ')" "alice bob carol " "three of them"
refuses 65 'no approver' "rules name who is there" ctl hsm key create x \
	--purpose firmware --approvals 2 --approvers alice,nobody
ok "a key that wants 2 of 3" ctl hsm key create rel --purpose firmware \
	--approvals 2 --approvers alice,bob,carol
ctl hsm key public rel >"$W/rel.pub"

# --- 2 of 3 ----------------------------------------------------------------

waits "a signature waits" ctl hsm sign rel "$W/fw-1.bin" --out "$W/sig"
first=$id
waits "asked again" ctl hsm sign rel "$W/fw-1.bin" --out "$W/sig"
is "$id" "$first" "it is the same approval"
ctl hsm approval statement "$id" >"$W/statement"
like "$(cat "$W/statement")" \
	"^digest: $(sha256sum <"$W/fw-1.bin" | cut -d' ' -f1)\$" \
	"the statement names the digest"
like "$(cat "$W/statement")" '^key: [0-9a-f]{16} rel$' "and the key"
like "$(cat "$W/statement")" '^meaning: fw-1.bin$' "and the meaning"
ok "alice agrees" agree "$id" alice
is "$(jq -c . <<<"$out")" "{\"id\":\"$id\",\"have\":1,\"want\":2}" "1 of 2"
ok "alice agrees again" agree "$id" alice
is "$(jq .have <<<"$out")" 1 "and counts once"
waits "it waits still" ctl hsm sign rel "$W/fw-1.bin" --out "$W/sig"
refuses 65 'does not verify' "bob's by another key" agree "$id" bob eve
refuses 77 'not asked of' "eve is not asked" agree "$id" eve
refuses 66 'no approval' "there is no other" ctl hsm approval give \
	0123456789abcdef bob --signature "$W/signature"
refuses 65 'does not verify' "alice's signature is not bob's" \
	agree "$id" bob alice
restart KILL
is "$(approvals '[0].have')" alice "alice's survives a kill"
refuses 65 'does not verify' "the web cannot forge bob's" \
	ctl_as $WEB hsm approval give "$id" bob --signature "$W/signature"
install -m 0400 -o $WEB "$W/bob.pem" "$W/web-bob.pem"
ok "bob agrees, by --key and through the web" ctl_as $WEB hsm approval \
	give "$id" bob --key "$W/web-bob.pem"
is "$(approvals '[0].state')" approved "approved"
restart TERM
is "$(approvals '[0].state')" approved "and survives a restart"
waits "another file is not approved" ctl hsm sign rel "$W/fw-2.bin" \
	--out "$W/sig"
second=$id
waits "nor the same with another meaning" ctl hsm sign rel "$W/fw-1.bin" \
	--meaning other --out "$W/sig"
waits "nor with another hash" ctl hsm sign rel "$W/fw-1.bin" --hash 384 \
	--out "$W/sig"
refuses 65 'does not verify' "a statement is agreed to, not another" \
	ctl hsm approval give "$second" bob --signature "$W/signature"
ok "the file is signed" ctl hsm sign rel "$W/fw-1.bin" --out "$W/sig"
ok "openssl verifies it" openssl dgst -sha256 -verify "$W/rel.pub" \
	-signature "$W/sig" "$W/fw-1.bin"
is "$(approvals "[] | select(.id == \"$first\") | .id")" "" \
	"the approval is used up"
ok "asked again" ctl hsm sign rel "$W/fw-1.bin" --out "$W/sig2"
ok "the same signature" cmp "$W/sig" "$W/sig2"
waits "another signature wants other approvals" client 0 firmware \
	"$(ctl --json hsm key show rel | jq -r .id)" 1 256 "$W/fw-1.bin" \
	$nonce fw-1.bin "$W/sig3"
unlike "$id" "^$first\$" "which are not those"
restart KILL
is "$(approvals "[] | select(.id == \"$first\") | .id")" "" \
	"used up after a kill, too"
ok "and the same signature" ctl hsm sign rel "$W/fw-1.bin" --out "$W/sig2"
ok "the very same" cmp "$W/sig" "$W/sig2"

# --- ahead of time ---------------------------------------------------------

ok "asked before" ctl --json hsm approval request rel "$W/fw-2.bin" \
	--meaning "gateway 3.0"
third=$(jq -r .id <<<"$out")
ok "bob" agree "$third" bob
ok "carol" agree "$third" carol
ok "it is signed at once" ctl hsm sign rel "$W/fw-2.bin" \
	--meaning "gateway 3.0" --out "$W/sig"
is "$(journal 'select(.type == "sign") | .body.approval' | tail -n 1)" \
	"$third" "the journal tells by which approval"
is "$(journal "select(.type == \"approval\" and .body.id == \"$third\" and
	.body.step == 1) | .body.approver" | tr '\n' ' ')" "bob carol " \
	"and who gave it"
refuses 65 'ASCII' "no text that reads otherwise" ctl hsm approval request \
	rel "$W/fw-2.bin" --meaning $'a\ndigest: 00'
refuses 65 'wants no approvals' "not for keys that want none" \
	ctl hsm approval request free "$W/fw-2.bin"

# --- what protects itself --------------------------------------------------

waits "fewer approvals want approvals" ctl hsm key edit rel --approvals 1
rules=$id
like "$(ctl hsm approval statement "$id")" 'action: change-key' \
	"the statement says what"
like "$(ctl hsm approval statement "$id")" 'meaning: .*approvals: 1' \
	"and how"
waits "so does another approver's key" ctl hsm approver add bob "$W/eve.pub"
key=$id
refuses 75 'rel names' "approvers that are needed stay" \
	ctl hsm approver delete carol
waits "and the key" ctl hsm key delete rel --yes
ok "alice agrees to other rules" agree "$rules" alice
ok "carol, too" agree "$rules" carol
waits "not to these" ctl hsm key edit rel --approvals 0 --approvers ''
ok "the rules change" ctl hsm key edit rel --approvals 1
is "$(ctl --json hsm key show rel | jq .approvals)" 1 "one is enough now"
waits "no second change by it" ctl hsm key edit rel --approvals 0 \
	--approvers ''
ok "carol agrees to bob's new key" agree "$key" carol
ok "which takes his place" ctl hsm approver add bob "$W/eve.pub"
waits "a signature waits for one" ctl hsm sign rel "$W/fw-2.bin" \
	--meaning last --out "$W/sig"
refuses 65 'does not verify' "the old key is none" agree "$id" bob bob
ok "bob's new one is" agree "$id" bob eve
waits "his old one again wants approval" \
	ctl hsm approver add bob "$W/bob.pub"
ok "by alice" agree "$id" alice
ok "it is his again" ctl hsm approver add bob "$W/bob.pub"
waits "what he gave with the other key does not count" \
	ctl hsm sign rel "$W/fw-2.bin" --meaning last --out "$W/sig"

ok "a key for a while" ctl hsm key create while --purpose update \
	--approvals 1 --approvers alice
waits "a signature waits" ctl hsm sign while "$W/fw-1.bin" --out "$W/sig"
first=$id
waits "the key's end, too" ctl hsm key delete while --yes
ok "alice agrees to that" agree "$id" alice
ok "the key is deleted" ctl hsm key delete while --yes
is "$(approvals "[] | select(.id == \"$first\") | .id")" "" \
	"what waited for it does not any more"
is "$(journal 'select(.type == "rule" and .body.name == "while") |
	.body.rules == ""' | tr '\n' ' ')" "false true " \
	"the journal has its rules, and then that there are none"

# --- withdrawn -------------------------------------------------------------

waits "a signature waits" ctl hsm sign rel "$W/fw-1.bin" --meaning gone \
	--out "$W/sig"
first=$id
ok "alice agrees" agree "$first" alice
is "$(approvals "[] | select(.id == \"$first\") | .state")" approved \
	"which is enough"
refuses 66 'no approval' "what is not open is not withdrawn" \
	ctl hsm approval withdraw 0123456789abcdef
refuses 77 role "not by a program that signs" \
	ctl_as $TOOL hsm approval withdraw "$first"
ok "the web withdraws it" ctl_as $WEB hsm approval withdraw "$first"
refuses 66 'no approval' "once" ctl hsm approval withdraw "$first"
is "$(approvals "[] | select(.id == \"$first\") | .id")" "" \
	"it is not open any more"
is "$(journal "select(.type == \"approval\" and .body.step == 3) |
	.body.id")" "$first" "the journal tells"
restart KILL
waits "alice has agreed to nothing" ctl hsm sign rel "$W/fw-1.bin" \
	--meaning gone --out "$W/sig"
unlike "$id" "^$first\$" "another approval is wanted"

# --- code signing ----------------------------------------------------------

ok "a codesign key with an approval" ctl hsm key create code \
	--purpose codesign --users $TOOL --approvals 1 --approvers alice
code=$(ctl --json hsm key show code | jq -r .id)
head -c 32 "$W/fw-1.bin" >"$W/digest"
head -c 20 "$W/fw-1.bin" >"$W/short"
waits "a program waits, too" client $TOOL code-sign "$code" 1 0 0 \
	"$W/digest" $nonce "$W/sig"
like "$(ctl hsm approval statement "$id")" "asked by user $TOOL" "for whom"
ok "alice agrees" agree "$id" alice
refuses 66 'no key' "nobody else has the key" client $OTHER code-sign \
	"$code" 1 0 0 "$W/digest" $nonce "$W/sig"
ok "it goes on" client $TOOL code-sign "$code" 1 0 0 "$W/digest" $nonce \
	"$W/sig"
ok "asked before" ctl --json hsm approval request code "$W/fw-2.bin"
id=$(jq -r .id <<<"$out")
ok "alice agrees" agree "$id" alice
openssl dgst -sha256 -binary "$W/fw-2.bin" >"$W/digest"
ok "a program signs at once" client $TOOL code-sign "$code" 1 0 0 \
	"$W/digest" $nonce "$W/sig"
is "$(approvals "[] | select(.id == \"$id\") | .id")" "" "by that"
refuses 65 '32 bytes' "a short digest is not agreed to" client $TOOL \
	code-sign "$code" 1 0 0 "$W/short" $nonce "$W/sig"

# --- a journal that takes nothing --------------------------------------------

ok "a key for two signatures" ctl hsm key create two --purpose firmware \
	--uses 2
limit() {
	as signd prlimit --pid "${daemon_pid[signd]}" --fsize="$1:unlimited"
}
limit 2000
for n in 1 2; do
	refuses 69 'journal cannot be written' "nothing is signed" \
		ctl hsm sign two "$W/fw-1.bin" --out "$W/sig"
done
limit unlimited
ok "which was no use of the key" ctl hsm sign two "$W/fw-1.bin" \
	--out "$W/sig"
ok "it has two" ctl hsm sign two "$W/fw-2.bin" --out "$W/sig"
refuses 77 'made the 2 signatures' "and no third" \
	ctl hsm sign two "$W/fw-2.bin" --meaning third --out "$W/sig"

# --- no more than fit ------------------------------------------------------

n=0
while [ $n -lt 100 ] && client $WEB want \
	"$(ctl --json hsm key show rel | jq -r .id)" "$W/fw-1.bin" $n \
	>/dev/null 2>&1; do n=$((n + 1)); done
is "$n" 64 "one user fills its own share"
waits "others go on" ctl hsm sign rel "$W/fw-1.bin" --meaning room
n=$(approvals '|length')
restart KILL
is "$(approvals '|length')" "$n" "they all survive a kill"
ok "the journal is whole" ctl journal verify
tap_done
